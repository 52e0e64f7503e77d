//! Which directory somebody signs in through: chosen by name, or found by the domain of an address.
//!
//! Invariant: an address leads to a directory by its domain alone; whether the person exists is not asked.

use crate::domain::ids::DirectoryId;
use crate::flows::Ports;

/// A directory that people sign in through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrance {
    /// Its id.
    pub directory: DirectoryId,
    /// As people read it.
    pub name: String,
}

/// The directories that people sign in through, in the order of the settings.
#[must_use]
pub fn entrances(ports: &Ports) -> Vec<Entrance> {
    let with_sign_in = ports.settings.directories.iter().filter(|directory| directory.oidc.is_some());
    with_sign_in.map(|d| Entrance { directory: d.id.clone(), name: d.name.clone() }).collect()
}

/// Whether some address leads to a directory.
#[must_use]
pub fn has_domains(ports: &Ports) -> bool {
    ports.settings.directories.iter().any(|d| d.oidc.is_some() && !d.domains.is_empty())
}

/// The directory whose people have addresses of this domain.
#[must_use]
pub fn by_address(ports: &Ports, address: &str) -> Option<DirectoryId> {
    let (_, domain) = address.trim().rsplit_once('@')?;
    let domain = domain.to_lowercase();
    let mut with_sign_in = ports.settings.directories.iter().filter(|directory| directory.oidc.is_some());
    with_sign_in.find(|directory| directory.domains.contains(&domain)).map(|directory| directory.id.clone())
}
