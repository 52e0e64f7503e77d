//! The second floor: what the daemon does, one verb per file.
//!
//! Invariant: a flow loads, asks the domain, stores and announces; nothing else decides. No network call happens
//! inside a transaction.

mod absence;
pub mod accounts;
pub mod act;
pub mod changes;
pub mod clock;
pub mod clock_watch;
pub mod compare;
pub mod console;
pub mod crms;
pub mod decide;
pub mod deliver;
pub mod depart;
pub mod directories;
pub mod doctor;
pub mod entitle;
pub mod evidence;
pub mod find;
pub mod guard;
pub mod housekeeping;
pub mod import;
pub mod invite;
pub mod item_events;
pub mod lead;
pub mod lifecycle;
pub mod linking;
pub mod mailer;
pub mod mover;
pub mod parties;
pub mod past;
pub mod people;
pub mod policies;
pub mod post;
pub mod protection;
pub mod provider;
pub mod provision;
pub mod pull;
pub mod reassign;
pub mod records;
pub mod refusal;
pub mod report;
pub mod session;
pub mod sign_in;
pub mod sign_out;
pub mod snapshot;
pub mod stand;
pub mod state;
pub mod tally;
pub mod targets;
pub mod tokens;
pub mod turned_away;
pub mod watch;

use std::sync::Arc;

use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::domain::ids::TargetId;
use crate::mail::Mailer;
use crate::store::Db;

pub use act::Act;
pub use clock::{Clock, SetClock, SystemClock, Uptime};
pub use crms::Crms;
pub use directories::Activity;
pub use parties::Parties;
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
    /// What was read for decisions, for as long as nothing is committed.
    memory: Arc<decide::Memory>,
    /// The sessions that were shown of late, likewise.
    visits: Arc<session::Visits>,
    /// What was counted for the lists of people, likewise.
    rosters: Arc<people::roster::Memory>,
    /// How people sign in at each directory.
    pub parties: Arc<Parties>,
    /// The CRMs that are told.
    pub crms: Arc<Crms>,
    /// The CRMs that sign people in through us, and the keys for them.
    pub issuing: Arc<provider::Issuing>,
    /// The way to the mail server, where there is one.
    pub mailer: Option<Mailer>,
    /// What strangers do as often as they like.
    tally: Arc<tally::Tally>,
    /// What seals a sign-in under way for its browser.
    seal: Arc<sign_in::Seal>,
    /// What the directories do, until it is written down.
    pub activity: Arc<Activity>,
    /// The wrong secrets of OAuth clients of late.
    pub patience: Arc<tokens::Patience>,
    leadership: Arc<lead::Leadership>,
    targets: Arc<[TargetId]>,
    told: Arc<[TargetId]>,
}

impl Ports {
    /// Puts the parts together.
    ///
    /// # Errors
    ///
    /// [`Refusal::Invalid`] when a directory's sign-in, a target or the mail server cannot be used as it is set.
    pub fn new(db: Db, clock: Arc<dyn Clock>, settings: Arc<Settings>) -> Result<Self, Refusal> {
        let crms = Crms::new(&settings)?;
        Ok(Self {
            db,
            clock,
            policies: Arc::new(Policies::default()),
            memory: Arc::default(),
            visits: Arc::new(session::visits()),
            rosters: Arc::default(),
            parties: Arc::new(Parties::new(&settings).map_err(|e| Refusal::invalid("directory.oidc", e))?),
            told: crms.told().cloned().collect(),
            crms: Arc::new(crms),
            issuing: Arc::new(provider::Issuing::new(&settings)?),
            mailer: mailer::mailer(settings.mail.as_ref())?,
            tally: Arc::default(),
            activity: Arc::new(Activity::new(&settings)),
            patience: Arc::default(),
            seal: Arc::default(),
            leadership: Arc::default(),
            targets: settings.targets.iter().map(|target| target.id.clone()).collect(),
            settings,
        })
    }

    /// Who this process is among the nodes: random, new at each start.
    #[must_use]
    pub fn holder(&self) -> &str {
        self.leadership.holder()
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
            told: Arc::clone(&self.told),
            seen: None,
        }
    }
}
