//! The attributes that every resource has, in no schema of their own (RFC 7643 §3.1).
//!
//! Invariant: `id` and `schemas` are always returned; `meta` and `id` belong to the server.

use super::attribute::{Attribute, DataType, Returned};

const META: &[Attribute] = &[
    Attribute::text("resourceType", "The kind of the resource.").exact().read_only(),
    Attribute::new("created", DataType::DateTime, "When the resource was created.").read_only(),
    Attribute::new("lastModified", DataType::DateTime, "When the resource was last changed.").read_only(),
    Attribute::reference("location", &["uri"], "The address of the resource.").read_only(),
    Attribute::text("version", "The version of the resource, an entity tag.").exact().read_only(),
];

/// The common attributes.
pub(super) const BASE: &[Attribute] = &[
    Attribute::reference("schemas", &["uri"], "The schemas of the resource.")
        .many()
        .required()
        .returned(Returned::Always),
    Attribute::text("id", "The identifier that the server issued.")
        .exact()
        .required()
        .unique()
        .read_only()
        .returned(Returned::Always),
    Attribute::text("externalId", "The identifier that the client issued.").exact(),
    Attribute::complex("meta", META, "What the server knows about the resource.").read_only(),
];
