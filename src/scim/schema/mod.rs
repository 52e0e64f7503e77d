//! The schema table: what each attribute is, as RFC 7643 says it.
//!
//! Invariant: everything that depends on an attribute's nature (filters, PATCH,
//! projection, `/Schemas`) reads this one table.

mod attribute;
mod base;
mod discovery;
mod enterprise;
mod group;
mod messages;
mod provider;
mod user;

pub use attribute::{Attribute, DataType, Mutability, Returned, Uniqueness};
pub use discovery::{resource_type, resource_types, schema, schemas};
pub use enterprise::{ENTERPRISE, ENTERPRISE_URN};
pub use group::{GROUP, GROUP_URN};
pub use provider::{AuthenticationScheme, Capabilities, Paging, service_provider_config};
pub use user::{USER, USER_URN};

/// One schema: a URN and its attributes (RFC 7643 §7).
#[derive(Debug)]
pub struct Schema {
    /// The URN.
    pub id: &'static str,
    /// The name for people.
    pub name: &'static str,
    /// What it describes.
    pub description: &'static str,
    /// Its attributes, in the order in which they are shown.
    pub attributes: &'static [Attribute],
}

impl Schema {
    /// The attribute of that name, in any case.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        attribute::named(self.attributes, name)
    }
}

static USER_EXTENSIONS: [&Schema; 1] = [&ENTERPRISE];

/// The kinds of resource that a directory provisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResourceKind {
    /// A person (RFC 7643 §4.1).
    User,
    /// A group (RFC 7643 §4.2).
    Group,
}

impl ResourceKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::User, Self::Group];

    /// `User` or `Group`, as in `meta.resourceType`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The path below the base address: `Users` or `Groups`.
    #[must_use]
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }

    /// The schema that every resource of the kind has.
    #[must_use]
    pub fn core(self) -> &'static Schema {
        match self {
            Self::User => &USER,
            Self::Group => &GROUP,
        }
    }

    /// The extensions that the table knows for the kind.
    #[must_use]
    pub fn extensions(self) -> &'static [&'static Schema] {
        match self {
            Self::User => &USER_EXTENSIONS,
            Self::Group => &[],
        }
    }

    /// The common or core attribute of that name, in any case (RFC 7643 §3.1, §4).
    #[must_use]
    pub fn attribute(self, name: &str) -> Option<&'static Attribute> {
        attribute::named(base::BASE, name).or_else(|| self.core().attribute(name))
    }

    /// The attribute that must have a value.
    #[must_use]
    pub const fn required(self) -> &'static str {
        match self {
            Self::User => "userName",
            Self::Group => "displayName",
        }
    }
}
