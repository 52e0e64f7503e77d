//! SCIM 2.0 as types and pure functions: schema, filter, path, PATCH, projection, lists (RFC 7643, 7644, 9865).
//!
//! Invariant: no HTTP, no SQL, no clock. What a client sent goes in as JSON; a
//! kept document, a change or a refusal comes out.
//!
//! The way of a request: the door reads JSON; [`resource`] or [`patch`] turns it
//! into a document (and, for groups, into changes to members); the store keeps
//! it; [`mod@write`] shows it, as [`project`] chooses. [`list`] and [`filter`] read what is searched for.
//! Clients err in well-known ways; each is mended by the schema's type and
//! counted in [`Repairs`], and nonsense is refused.

pub mod bulk;
pub mod error;
pub mod filter;
mod fold;
pub mod limits;
pub mod list;
pub mod patch;
pub mod path;
pub mod project;
pub mod repairs;
pub mod resource;
pub mod schema;
pub mod sort;
mod value;
pub mod write;

pub use error::{ScimError, ScimType};
pub use filter::{Filter, Narrow};
pub use list::{ListParameters, ListQuery, ListResponse, Page};
pub use patch::{MemberChange, MemberRef, PatchRequest, Patched};
pub use project::{Meta, Projection};
pub use repairs::{Repair, Repairs};
pub use resource::{Normalised, keep_active, normalise_create, normalise_replace};
pub use schema::ResourceKind;
