//! The second floor: what the daemon does, one verb per file.
//!
//! Invariant: a flow loads, asks the domain, stores and announces; nothing else decides. No network call happens
//! inside a transaction.

pub mod act;
pub mod clock;
pub mod depart;
pub mod entitle;
pub mod guard;
pub mod housekeeping;
pub mod lifecycle;
pub mod people;
pub mod policies;
pub mod protection;
pub mod provision;
pub mod refusal;
pub mod report;
pub mod stand;
pub mod tokens;
pub mod watch;

use std::sync::Arc;

use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::ids::TargetId;
use crate::store::Db;

pub use act::Act;
pub use clock::{Clock, SetClock, SystemClock};
pub use policies::{Compiled, Policies};
pub use refusal::Refusal;

/// Everything a flow needs, built once at the start.
#[derive(Debug, Clone)]
pub struct Ports {
    /// The database.
    pub db: Db,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The operator's settings.
    pub settings: Arc<Settings>,
    /// The policy in force.
    pub policies: Arc<Policies>,
    targets: Arc<[TargetId]>,
}

impl Ports {
    /// Puts the parts together.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>, settings: Arc<Settings>) -> Self {
        let targets = settings.targets.iter().map(|target| target.id.clone()).collect();
        Self { db, clock, settings, policies: Arc::new(Policies::default()), targets }
    }

    /// Begins an act: somebody does something, now, for a cause.
    #[must_use]
    pub fn act(&self, actor: Actor, cause: impl Into<String>) -> Act {
        Act {
            actor,
            cause: cause.into(),
            request_id: None,
            now: self.clock.now(),
            targets: Arc::clone(&self.targets),
        }
    }
}
