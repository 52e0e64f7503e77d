//! Counts what waits for a person, for the menu and the start page.
//!
//! Invariant: reads only.

use super::super::{Ports, Refusal, protection};
use crate::store::{refused, waiting};

/// How much waits for a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Whether a lifecycle plan stopped.
    pub plans: usize,
    /// People who asked for leave.
    pub leaves: usize,
    /// Rights to be thought over after a change of job.
    pub rights: usize,
    /// Sign-ins that lead to no account.
    pub links: usize,
    /// Deliveries to a CRM that were given up.
    pub dead: usize,
    /// Accounts whose rights wait because too many would change at once.
    pub held: usize,
    /// Protection, or its end, that another administrator is to confirm.
    pub protections: usize,
    /// Changes that a directory was refused and has not mended.
    pub refused: usize,
}

impl Waiting {
    /// What stands in the queue: everything but plans.
    #[must_use]
    pub const fn queue(&self) -> usize {
        self.leaves + self.rights + self.links + self.dead + self.held + self.protections + self.refused
    }
}

/// How much waits now.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn count(ports: &Ports) -> Result<Waiting, Refusal> {
    let mut c = ports.db.read().await?;
    let found = waiting::count(&mut c, protection::asked_since(ports.clock.now())).await?;
    let number = |count: i64| usize::try_from(count).unwrap_or_default();
    let known = |name: &str| ports.settings.directories.iter().any(|known| known.id.as_str() == name);
    let refused = refused::counts(&mut c).await?.into_iter();
    let refused: i64 = refused.filter(|(directory, _)| known(directory)).map(|(_, count)| count).sum();
    Ok(Waiting {
        plans: number(found.plans),
        leaves: number(found.leaves),
        rights: number(found.rights),
        links: number(found.links),
        dead: number(found.dead),
        held: number(found.held),
        protections: number(found.protections),
        refused: number(refused),
    })
}
