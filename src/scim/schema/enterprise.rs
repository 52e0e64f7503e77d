//! The enterprise extension of User (RFC 7643 §4.3, §8.7.1).
//!
//! Invariant: the manager's display name is the server's to say.

use super::Schema;
use super::attribute::Attribute;

/// URN of the enterprise extension.
pub const ENTERPRISE_URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

const MANAGER: &[Attribute] = &[
    Attribute::text("value", "The id of the manager.").exact(),
    Attribute::reference("$ref", &["User"], "The address of the manager."),
    Attribute::text("displayName", "The name of the manager.").read_only(),
];

/// The enterprise extension.
pub static ENTERPRISE: Schema = Schema {
    id: ENTERPRISE_URN,
    name: "EnterpriseUser",
    description: "Enterprise User",
    attributes: &[
        Attribute::text("employeeNumber", "The number of the employee."),
        Attribute::text("costCenter", "The cost centre."),
        Attribute::text("organization", "The organisation."),
        Attribute::text("division", "The division."),
        Attribute::text("department", "The department."),
        Attribute::complex("manager", MANAGER, "The manager."),
    ],
};
