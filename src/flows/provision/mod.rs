//! Takes what a directory says about its people and groups.
//!
//! Invariant: identity or group, memberships, grants, status, audit and outbox are one transaction; a directory sees
//! and changes only what is its own. Ids are issued here and never taken from a request.

mod bulk;
mod document;
mod group;
mod list;
mod member;
mod newcomer;
mod user;
pub mod wire;

pub use bulk::bulk;
pub use group::{GroupChange, GroupView, change_group, create_group, delete_group, read_group};
pub use list::list;
pub(in crate::flows) use newcomer::{Newcomer, adopt_within, create_within, document_of};
pub use user::{UserChange, UserView, change_user, create_user, delete_user, read_user};

use crate::domain::ids::DirectoryId;
use crate::scim::{Repairs, ScimError};

use super::Refusal;

/// What `If-Match` demands: this version, or any that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precondition {
    /// Nothing.
    #[default]
    None,
    /// The resource has one of these versions; here the one that was named.
    Version(i64),
}

impl Precondition {
    /// Refuses with 412 when the version is another (RFC 7644 §3.14).
    pub(super) fn check(self, version: i64) -> Result<(), Refusal> {
        match self {
            Self::None => Ok(()),
            Self::Version(wanted) if wanted == version => Ok(()),
            Self::Version(wanted) => Err(Refusal::Scim(ScimError::status(
                412,
                format!(
                    "the resource has version {version}, not {wanted}; read it again and repeat the change"
                ),
            ))),
        }
    }
}

/// Turns a taken value into SCIM's 409.
fn uniqueness(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Taken(what) => Refusal::Scim(ScimError::uniqueness(format!(
            "{what} belongs to another resource of this directory; find it by a filter, or choose another"
        ))),
        other => other,
    }
}

/// Counts what was mended in a directory's requests.
pub fn count_repairs(directory: &DirectoryId, repairs: &Repairs) {
    for (repair, times) in repairs.iter() {
        let labels = [("directory", directory.to_string()), ("repair", repair.name().to_owned())];
        metrics::counter!("portvakt_scim_repairs_total", &labels).increment(u64::from(times));
    }
}
