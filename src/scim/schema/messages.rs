//! The schemas of the discovery documents themselves (RFC 7643 §5, §6, §7, §8.7.2).
//!
//! Invariant: all of it is read-only.

use super::Schema;
use super::attribute::{Attribute, DataType};

/// URN of the service provider's configuration.
pub(super) const CONFIG_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
/// URN of a resource type.
pub(super) const RESOURCE_TYPE_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
/// URN of a schema.
pub(super) const SCHEMA_URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

const fn text(name: &'static str, description: &'static str) -> Attribute {
    Attribute::text(name, description).read_only()
}

const fn flag(name: &'static str, description: &'static str) -> Attribute {
    Attribute::flag(name, description).read_only()
}

const fn number(name: &'static str, description: &'static str) -> Attribute {
    Attribute::new(name, DataType::Integer, description).read_only()
}

const fn object(name: &'static str, sub: &'static [Attribute], description: &'static str) -> Attribute {
    Attribute::complex(name, sub, description).read_only()
}

const SUPPORTED: Attribute = flag("supported", "Whether it is supported.").required();

const SWITCH: &[Attribute] = &[SUPPORTED];

const BULK: &[Attribute] = &[
    SUPPORTED,
    number("maxOperations", "The most operations in one request.").required(),
    number("maxPayloadSize", "The most bytes in one request.").required(),
];

const FILTER: &[Attribute] =
    &[SUPPORTED, number("maxResults", "The most resources in one answer.").required()];

const PAGINATION: &[Attribute] = &[
    flag("cursor", "Whether cursor paging is supported (RFC 9865).").required(),
    flag("index", "Whether index paging is supported.").required(),
    text("defaultPaginationMethod", "The method used when the client asks for none."),
    number("defaultPageSize", "Resources per page when the client asks for none."),
    number("maxPageSize", "The most resources per page."),
    number("cursorTimeout", "Seconds that a cursor lives at least."),
];

const SCHEMES: &[Attribute] = &[
    text("type", "The kind of authentication.").required().suggest(&["oauthbearertoken", "oauth2"]),
    text("name", "The name of the scheme.").required(),
    text("description", "What the scheme is.").required(),
    Attribute::reference("specUri", &["external"], "Where the scheme is specified.").read_only(),
    Attribute::reference("documentationUri", &["external"], "Where its use is described.").read_only(),
    flag("primary", "The preferred scheme."),
];

/// The schema of `/ServiceProviderConfig`.
pub(super) static CONFIG: Schema = Schema {
    id: CONFIG_URN,
    name: "ServiceProviderConfig",
    description: "What the service provider supports",
    attributes: &[
        Attribute::reference("documentationUri", &["external"], "Where the service is described.")
            .read_only(),
        object("patch", SWITCH, "PATCH.").required(),
        object("bulk", BULK, "Bulk requests.").required(),
        object("filter", FILTER, "Filters.").required(),
        object("changePassword", SWITCH, "Change of passwords.").required(),
        object("sort", SWITCH, "Sorting.").required(),
        object("etag", SWITCH, "Entity tags.").required(),
        object("pagination", PAGINATION, "Paging."),
        object("authenticationSchemes", SCHEMES, "How a client authenticates.").many().required(),
    ],
};

const EXTENSIONS: &[Attribute] = &[
    Attribute::reference("schema", &["uri"], "The URN of the extension.").required().read_only(),
    flag("required", "Whether a resource must have the extension.").required(),
];

/// The schema of a resource type.
pub(super) static RESOURCE_TYPE: Schema = Schema {
    id: RESOURCE_TYPE_URN,
    name: "ResourceType",
    description: "The schemas of a kind of resource",
    attributes: &[
        text("id", "The name again."),
        text("name", "The name of the kind.").required(),
        text("description", "What the kind is."),
        Attribute::reference("endpoint", &["uri"], "The path below the base address.").required().read_only(),
        Attribute::reference("schema", &["uri"], "The URN of the core schema.").required().read_only(),
        object("schemaExtensions", EXTENSIONS, "The extensions of the kind.").many(),
    ],
};

/// What is said of an attribute, and of a sub-attribute, which has none of its own.
macro_rules! characteristics {
    ($($more:expr)?) => {
        &[
            text("name", "The name.").required().exact(),
            text("type", "The data type.").required().suggest(&[
                "string",
                "boolean",
                "decimal",
                "integer",
                "dateTime",
                "reference",
                "binary",
                "complex",
            ]),
            flag("multiValued", "Whether it holds a list.").required(),
            text("description", "What it means."),
            flag("required", "Whether it must have a value."),
            text("canonicalValues", "Suggested values.").many().exact(),
            flag("caseExact", "Whether text compares with case."),
            text("mutability", "Who may change it.").suggest(&["readOnly", "readWrite", "immutable", "writeOnly"]),
            text("returned", "When it is shown.").suggest(&["always", "never", "default", "request"]),
            text("uniqueness", "Within what it is unique.").suggest(&["none", "server", "global"]),
            text("referenceTypes", "What a reference may point to.").many().exact(),
            $($more)?
        ]
    };
}

const OF_SUB_ATTRIBUTES: &[Attribute] = characteristics!();
const OF_ATTRIBUTES: &[Attribute] = characteristics!(
    object("subAttributes", OF_SUB_ATTRIBUTES, "The sub-attributes of a complex attribute.").many()
);

/// The schema of a schema.
pub(super) static SCHEMA: Schema = Schema {
    id: SCHEMA_URN,
    name: "Schema",
    description: "The attributes of a schema",
    attributes: &[
        text("id", "The URN of the schema.").required().exact(),
        text("name", "The name for people."),
        text("description", "What the schema describes."),
        object("attributes", OF_ATTRIBUTES, "The attributes.").many().required(),
    ],
};
