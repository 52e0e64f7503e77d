//! The nine groups of the association.
//!
//! Invariant: the policy of the demo speaks of exactly these groups.

use super::Home;

/// A group, by what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupNo {
    /// System administrators.
    Administrators,
    /// The board.
    Board,
    /// Those who look after the members.
    Members,
    /// Those who write and publish.
    Communication,
    /// Those who look after the houses.
    Property,
    /// Helpers with mailings: limited, and only what is linked to them.
    Helpers,
    /// The coordinators in the north.
    NorthCoordinators,
    /// The helpers in the north: limited.
    NorthHelpers,
    /// The auditors, who are elected in the north.
    NorthAuditors,
}

/// One group as its directory has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// What it is for.
    pub number: GroupNo,
    /// The directory that has it.
    pub home: Home,
    /// Its name.
    pub name: &'static str,
    /// The department of its members.
    pub department: &'static str,
    /// The directory's own id, where the directory sends one (Okta does not).
    pub external_id: Option<&'static str>,
}

impl GroupNo {
    /// Every group.
    pub const ALL: [Self; 9] = [
        Self::Administrators,
        Self::Board,
        Self::Members,
        Self::Communication,
        Self::Property,
        Self::Helpers,
        Self::NorthCoordinators,
        Self::NorthHelpers,
        Self::NorthAuditors,
    ];

    /// The group itself.
    #[must_use]
    pub const fn group(self) -> Group {
        let (name, department, external_id) = match self {
            Self::Administrators => {
                ("Systemadministration", "Kansliet", Some("8a1c6f0e-0000-4000-8000-000000000009"))
            }
            Self::Board => ("Styrelsen", "Styrelsen", Some("8a1c6f0e-0000-4000-8000-000000000001")),
            Self::Members => ("Medlemsvården", "Medlemmar", Some("8a1c6f0e-0000-4000-8000-000000000003")),
            Self::Communication => {
                ("Kommunikation", "Kommunikation", Some("8a1c6f0e-0000-4000-8000-000000000004"))
            }
            Self::Property => ("Hus och trädgård", "Fastighet", Some("8a1c6f0e-0000-4000-8000-000000000005")),
            Self::Helpers => ("Utskickshjälpare", "Kampanj", Some("8a1c6f0e-0000-4000-8000-000000000002")),
            Self::NorthCoordinators => ("Norr samordnare", "Björkbacken Norr", None),
            Self::NorthHelpers => ("Norr medhjälpare", "Björkbacken Norr", None),
            Self::NorthAuditors => ("Revisorer", "Björkbacken Norr", None),
        };
        let home = if external_id.is_some() { Home::Entra } else { Home::Okta };
        Group { number: self, home, name, department, external_id }
    }
}
