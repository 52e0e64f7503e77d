//! What comes out of an assessment: a step and why, or why there is none.
//!
//! Invariant: everything here is made of instants and limits, never of "days ago", so that the same world gives
//! the same outcome tomorrow and a plan's hash can cover it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::facts::Presence;
use crate::domain::evidence::{CountedFrom, Idle, LastSeen, Unknown};
use crate::domain::ids::{DirectoryId, RuleId};
use crate::domain::policy::EvidenceSource;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// Nothing.
    Keep,
    /// Tell the person what is coming.
    Notify {
        /// How long before the freeze this notice goes out.
        lead: SignedDuration,
        /// The freeze comes no earlier than this, nor earlier than `lead` after the notice really went.
        not_before: Timestamp,
    },
    /// No sign-in, rights kept.
    Freeze,
    /// Rights ended, restorable as they were.
    Deactivate,
    /// Personal data erased.
    Remove,
    /// No sign-in during leave.
    Pause,
    /// In use again, as it was.
    Return,
    /// The rights that a directory no longer gives are ended; the account stays in use.
    TakeRights,
}

/// Why something is done, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// Nothing is done.
    Kept {
        /// Why not.
        #[serde(flatten)]
        exempt: Exempt,
    },
    /// Idle for longer than the rule allows.
    Inactive {
        /// Since when.
        since: Timestamp,
        /// What happened then.
        counted_from: CountedFrom,
        /// What the rule allows.
        limit: SignedDuration,
    },
    /// Never signed in within the rule's limit.
    NeverSignedIn {
        /// Since when that was possible.
        since: Timestamp,
        /// What happened then.
        counted_from: CountedFrom,
        /// What the rule allows.
        limit: SignedDuration,
    },
    /// No directory has the person as active any more.
    Departed {
        /// The directory that said so last.
        directory: DirectoryId,
        /// What it says.
        presence: Presence,
        /// Since when.
        since: Timestamp,
    },
    /// Deactivated as departed, and a directory has the person as active again.
    ActiveAgain {
        /// That directory.
        directory: DirectoryId,
    },
    /// The account's end date has passed.
    Expired {
        /// The first instant after its last.
        until: Timestamp,
    },
    /// Frozen for as long as the rule says.
    FrozenLongEnough {
        /// Since when it is frozen.
        since: Timestamp,
    },
    /// Deactivated for as long as the rule says.
    DeactivatedLongEnough {
        /// Since when it is deactivated.
        since: Timestamp,
    },
    /// The leave has begun.
    LeaveBegan {
        /// The first instant after it.
        until: Timestamp,
    },
    /// The leave is over.
    LeaveEnded {
        /// Since when.
        at: Timestamp,
    },
    /// A directory no longer gives rights that the account has kept, because too much would have been taken at once.
    NoLongerGiven {
        /// Since when they wait.
        since: Timestamp,
    },
}

/// Why nothing is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "exempt", rename_all = "snake_case")]
pub enum Exempt {
    /// It is removed already.
    Removed,
    /// No path touches it.
    Protected,
    /// The way in when everything else fails.
    BreakGlass,
    /// It is deactivated already.
    Deactivated,
    /// On leave; nothing: until somebody ends it.
    OnLeave {
        /// The first instant after it.
        until: Option<Timestamp>,
    },
    /// Its first day is yet to come.
    NotYetValid {
        /// That day.
        from: Timestamp,
    },
    /// No lifecycle rule applies to it.
    NoRule,
    /// The rule has no limit for it.
    NoLimit,
    /// The sources do not know whether the person was there.
    Unknown {
        /// Which, and why.
        sources: Vec<Unknown>,
    },
    /// It is in use: no deadline has come.
    InUse {
        /// The next step falls due then.
        due: Timestamp,
    },
    /// Told what is coming; the next deadline has not come.
    Told {
        /// The freeze comes no earlier than this.
        not_before: Timestamp,
    },
    /// Frozen, and the time for that is not over.
    Frozen {
        /// It is over then.
        until: Timestamp,
    },
    /// Frozen as inactive, but seen since: whoever lifts it decides.
    SeenSince {
        /// When.
        at: Timestamp,
    },
    /// A person or a review froze it and decides when that ends.
    DecidedByPerson,
    /// What is kept about it cannot be read: a person must look.
    NeedsAttention {
        /// What is wrong.
        said: String,
    },
    /// A step has fallen due, but the policy excludes the day.
    CalmDay {
        /// The first day that it does not exclude begins then.
        until: Timestamp,
    },
}

/// The outcome for one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// What is to be done.
    pub step: Step,
    /// The lifecycle rule that decided; nothing where none was needed.
    pub rule: Option<RuleId>,
    /// Why.
    pub because: Reason,
    /// When the person was last seen, by the sources that the rule names.
    pub last_seen: Option<LastSeen>,
    /// Since when the account is idle, by the same.
    pub idle: Option<Idle>,
    /// Sources that the rule names but nobody configured.
    pub ignored: BTreeSet<EvidenceSource>,
}

impl Assessment {
    pub(super) const fn new(step: Step, because: Reason) -> Self {
        Self { step, rule: None, because, last_seen: None, idle: None, ignored: BTreeSet::new() }
    }

    pub(super) const fn keep(exempt: Exempt) -> Self {
        Self::new(Step::Keep, Reason::Kept { exempt })
    }

    /// Why nothing is done; nothing where something is.
    #[must_use]
    pub const fn exempt(&self) -> Option<&Exempt> {
        if let Reason::Kept { exempt } = &self.because { Some(exempt) } else { None }
    }
}
