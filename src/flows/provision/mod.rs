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
mod precondition;
mod read;
mod user;
pub mod wire;

pub use bulk::bulk;
pub use group::{GroupChange, GroupView, change_group, create_group, delete_group};
pub use list::list;
pub(in crate::flows) use newcomer::{Newcomer, adopt_within, create_within, document_of};
pub use precondition::{Precondition, Versions};
pub use read::Reader;
pub use user::{UserChange, UserView, change_user, create_user, delete_user};

use jiff::Timestamp;

use crate::domain::ids::DirectoryId;
use crate::scim::{Repairs, ScimError};

use super::{Activity, Refusal};

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
pub fn count_repairs(activity: &Activity, directory: &DirectoryId, repairs: &Repairs, now: Timestamp) {
    activity.repaired(directory, repairs, now);
    for (repair, times) in repairs.iter() {
        let labels = [("directory", directory.to_string()), ("repair", repair.name().to_owned())];
        metrics::counter!("portvakt_scim_repairs_total", &labels).increment(u64::from(times));
    }
}
