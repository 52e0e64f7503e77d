//! What is known about one account when it is assessed.
//!
//! Invariant: facts only. A notice stands here when it really went, a source when it is configured, an identity as
//! long as the account is linked to it, also after its end.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::account::Account;
use crate::domain::evidence::{Evidence, SourceHealth};
use crate::domain::ids::{DirectoryId, RoleId, SectorId};

/// What one directory says about whether the person is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Active.
    Active,
    /// `active` is false.
    Inactive,
    /// Deleted.
    Deleted,
    /// Gone from a complete listing. An incomplete one says nothing.
    Gone,
}

/// One identity that the account is linked to, tombstones of deleted ones included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityState {
    /// The directory.
    pub directory: DirectoryId,
    /// What it says.
    pub presence: Presence,
    /// Since when it says so.
    pub since: Timestamp,
}

/// A notice that was really sent: accepted by the mail server, not bounced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// How long before the freeze it was to go out.
    pub lead: SignedDuration,
    /// When it went out.
    pub sent_at: Timestamp,
}

/// An approved leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leave {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// The person may sign in meanwhile, for a reason that was given: the account is not paused.
    pub keeps_sign_in: bool,
}

/// All that is known about one account when it is assessed.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The account with its present status.
    pub account: &'a Account,
    /// The roles it holds; of a deactivated account those it would get back.
    pub roles: &'a BTreeSet<RoleId>,
    /// The sectors it holds; likewise.
    pub sectors: &'a BTreeSet<SectorId>,
    /// Whether it is limited; likewise.
    pub limited: bool,
    /// Every identity it is linked to.
    pub identities: &'a [IdentityState],
    /// The SCIM documents of its identities; only read where a rule asks for an attribute.
    pub documents: &'a [Value],
    /// When each source last saw the person.
    pub evidence: &'a Evidence,
    /// Every configured source. One that is not configured is not here, and is ignored.
    pub sources: &'a [SourceHealth],
    /// The notices sent to the person so far.
    pub notices: &'a [Notice],
    /// Whether mail can be sent at all. If not, notices are no part of the plan.
    pub mail_configured: bool,
    /// Since when rights that its directory no longer gives wait for a release; nothing: none do.
    pub held: Option<Timestamp>,
    /// The leave that is approved next or now.
    pub leave: Option<Leave>,
}
