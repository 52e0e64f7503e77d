//! The Group schema (RFC 7643 §4.2, §8.7.1).
//!
//! Invariant: members are people; a group within a group is not supported, and
//! the table does not claim it.

use super::Schema;
use super::attribute::{Attribute, Mutability, Returned};

/// URN of the Group schema.
pub const GROUP_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

const MEMBERS: &[Attribute] = &[
    Attribute::text("value", "The id of the member.").exact().mutable(Mutability::Immutable),
    Attribute::reference("$ref", &["User"], "The address of the member.").mutable(Mutability::Immutable),
    Attribute::text("type", "The kind of the member.").suggest(&["User"]).mutable(Mutability::Immutable),
    Attribute::text("display", "The name of the member.").read_only().returned(Returned::Request),
];

/// The Group schema.
pub static GROUP: Schema = Schema {
    id: GROUP_URN,
    name: "Group",
    description: "Group",
    attributes: &[
        Attribute::text("displayName", "The name of the group.").required(),
        Attribute::complex("members", MEMBERS, "The members of the group.").many(),
    ],
};
