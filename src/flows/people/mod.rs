//! Accounts as an operator looks at them and changes them by hand.
//!
//! Invariant: reading changes nothing; every change by hand names who, when and why, and goes through the same guards
//! as any other.

mod asked;
mod change;
mod deputy;
mod explain;
mod leave;
mod linked;
mod rights;
pub mod roster;
pub mod through;
pub mod together;
mod told;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::lifecycle::facts::{self, Known, Moment, PAGE, Surroundings};
use super::{Compiled, Ports, Refusal, find};
use crate::domain::account::{Account, AccountKind, Standing, Status, StatusReason};
use crate::domain::actor::Subject;
use crate::domain::days::{Reading, days_between};
use crate::domain::grant::GrantKind;
use crate::domain::ids::{AccountId, DirectoryId, RoleId, SectorId, TargetId};
use crate::domain::language::Language;
use crate::domain::lifecycle::assess;
use crate::domain::name::sort_key;
use crate::domain::policy::EvidenceSource;
use crate::store::leave::ApprovedLeave;
use crate::store::standing::Past;
use crate::store::{Conn, account, audit, identity, session, standing};

pub use asked::{AskedLeave, approve_leave, ask_for_leave, leave_requests, refuse_leave, waiting_request};
pub(super) use change::named;
pub use change::{Dates, activate, deactivate, set_dates, set_kind};
pub use deputy::{DeputyWish, follow_deputies};
pub(in crate::flows) use deputy::{
    end as end_deputies, hold as hold_deputies, leave_alone as without_deputies,
};
pub use explain::{GrantStory, explain, explain_at};
pub use leave::{LeaveWish, end_leave, grant_leave};
pub(in crate::flows) use leave::{note_checked as note_leave, over as leave_over};
pub use linked::{ForWhom, Wanted, link, unlink};
pub use rights::{Lasting, grant, revoke};
pub use told::Told;

/// An account in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Our id.
    pub account: AccountId,
    /// The sign-in name.
    pub user_name: String,
    /// The person's name.
    pub display_name: String,
    /// The state.
    pub status: Status,
    /// Why it has that state.
    pub status_reason: StatusReason,
    /// Since when.
    pub status_since: Timestamp,
    /// Person, service, temporary or break-glass.
    pub kind: AccountKind,
    /// No path touches it.
    pub is_protected: bool,
    /// When the person was last seen.
    pub last_seen: Option<Timestamp>,
    /// By which source.
    pub last_seen_source: Option<EvidenceSource>,
    /// How many days ago.
    pub days_since: Option<i64>,
    /// The roles in force.
    pub roles: BTreeSet<RoleId>,
    /// Whether it is limited.
    pub limited: bool,
    /// The sectors in force.
    pub sectors: BTreeSet<SectorId>,
    /// Whether it is item-restricted.
    pub item_restricted: bool,
    /// The directories that know the person.
    pub directories: BTreeSet<DirectoryId>,
    /// Not before this instant.
    pub valid_from: Option<Timestamp>,
    /// Not from this instant on.
    pub valid_until: Option<Timestamp>,
    /// The leave that is approved ends here.
    pub leave_until: Option<Timestamp>,
    /// What the CRM knows it by.
    pub version: i64,
}

/// An account with everything around it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Portrait {
    /// What a list shows.
    #[serde(flatten)]
    pub line: Line,
    /// Where mail goes.
    pub email: Option<String>,
    /// The language the person reads.
    pub language: Option<Language>,
    /// When it came to be.
    pub created_at: Timestamp,
    /// Who approved the leave that is open, and for when.
    pub leave: Option<LeaveView>,
    /// What the lifecycle would do with it now, in words.
    pub next: String,
    /// Everything it holds, links and assignments too, each with its origin.
    pub holds: Vec<GrantStory>,
    /// Every state it had, the oldest first.
    pub history: Vec<Chapter>,
    /// How many sessions are open.
    pub sessions: usize,
    /// What each CRM was told last, and what it has yet to be told.
    pub told: Vec<Told>,
    /// The newest changes, the newest first.
    pub changes: Vec<Change>,
}

/// A leave that is approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeaveView {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// Who approved it.
    pub approver: String,
    /// The directory whose attributes say so; nothing: a person noted it.
    pub directory: Option<DirectoryId>,
    /// Why the person may sign in all the same.
    pub sign_in: Option<String>,
    /// Who stands in.
    pub deputy: Option<AccountId>,
}

impl From<ApprovedLeave> for LeaveView {
    fn from(leave: ApprovedLeave) -> Self {
        Self {
            from: leave.from,
            until: leave.until,
            approver: leave.approver,
            directory: leave.directory,
            sign_in: leave.sign_in_why,
            deputy: leave.deputy.map(|deputy| deputy.account),
        }
    }
}

/// The leave of an account that is approved and not over.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn open_leave(ports: &Ports, id: AccountId) -> Result<Option<LeaveView>, Refusal> {
    let mut c = ports.db.read().await?;
    Ok(crate::store::leave::open(&mut c, id).await?.map(LeaveView::from))
}

/// One state that an account had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chapter {
    /// The state, since when, by whom and why.
    #[serde(flatten)]
    pub standing: Standing,
    /// When it ended.
    pub until: Option<Timestamp>,
}

/// One change, as the audit has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// Why.
    pub cause: String,
}

/// How many changes a portrait shows.
const CHANGES: i64 = 10;

/// The one account that answers to a text: an account id, a user name, or a CRM's id.
///
/// # Errors
///
/// [`Refusal::NotFound`] when there is none; [`Refusal::Ambiguous`] when there are several.
pub async fn find_one(ports: &Ports, text: &str) -> Result<Account, Refusal> {
    let mut c = ports.db.read().await?;
    find::account(&mut c, text, None).await?.one(text)
}

/// The one account that answers to a text of a CRM: its own id means the CRM's account.
///
/// # Errors
///
/// As [`find_one`].
pub async fn find_for(ports: &Ports, target: &TargetId, text: &str) -> Result<Account, Refusal> {
    let mut c = ports.db.read().await?;
    find::account(&mut c, text, Some(target)).await?.one(text)
}

/// Every account, sorted by the person's name.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn list(ports: &Ports) -> Result<Vec<Line>, Refusal> {
    let (mut c, now) = (ports.db.snapshot().await?, ports.clock.now());
    let compiled = ports.policies.current(&mut c).await?;
    let around = facts::surroundings(&mut c, &ports.settings, &compiled.policy, now).await?;
    let (mut lines, mut after) = (Vec::new(), None);
    loop {
        let accounts = account::page(&mut c, after, PAGE).await?;
        let Some(last) = accounts.last() else { break };
        after = Some(last.id);
        let page = facts::page(&mut c, &compiled.policy, &around, accounts, Moment::Now(now)).await?;
        lines.extend(page.into_iter().map(|known| line(&compiled, &around, &known, now)));
    }
    lines.sort_by_cached_key(|one| (sort_key(&one.display_name), sort_key(&one.user_name), one.account));
    Ok(lines)
}

/// Everything about one account.
///
/// # Errors
///
/// As [`find_one`].
pub async fn show(ports: &Ports, text: &str, language: Language) -> Result<Portrait, Refusal> {
    let (account, now) = (find_one(ports, text).await?, ports.clock.now());
    let holds = explain(ports, &account.id.to_string(), language).await?;
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let around = facts::surroundings(&mut c, &ports.settings, &compiled.policy, now).await?;
    let known = facts::one(&mut c, &compiled.policy, &around, account, now).await?;
    let known = known.ok_or_else(|| Refusal::not_found("account", text))?;
    let reading = Reading::of(&compiled.policy, language, now);
    let fresh = assess(&compiled.policy, &known.facts(&around), now);
    let next = match fresh.exempt() {
        Some(exempt) => exempt.sentence(&reading),
        None => format!("{}: {}", fresh.step.sentence(&reading), fresh.because.sentence(&reading)),
    };
    let line = line(&compiled, &around, &known, now);
    portrait(&mut c, line, known, (next, holds)).await
}

async fn portrait(
    c: &mut Conn,
    line: Line,
    known: Known,
    (next, holds): (String, Vec<GrantStory>),
) -> Result<Portrait, Refusal> {
    let account = known.account;
    let history = standing::history(c, account.id).await?;
    let changes = audit::about(c, &Subject::new("account", account.id), CHANGES).await?;
    let chapter = |past: Past| Chapter { standing: past.standing, until: past.until };
    let change = |entry: audit::Recorded| Change {
        at: entry.at,
        actor: entry.actor,
        action: entry.action,
        cause: entry.cause,
    };
    Ok(Portrait {
        line,
        email: account.email,
        language: account.language,
        created_at: account.created_at,
        leave: known.leave.map(LeaveView::from),
        next,
        holds,
        history: history.into_iter().map(chapter).collect(),
        sessions: session::open_of(c, account.id).await?.len(),
        told: told::all(c, account.id).await?,
        changes: changes.into_iter().map(change).collect(),
    })
}

fn line(compiled: &Compiled, around: &Surroundings, known: &Known, now: Timestamp) -> Line {
    let account = &known.account;
    let seen = known.last_seen(&compiled.policy, around);
    let is_restricted = |kind: &GrantKind| *kind == GrantKind::ItemRestricted;
    Line {
        account: account.id,
        user_name: account.user_name.clone(),
        display_name: account.display_name.clone(),
        status: account.standing.status,
        status_reason: account.standing.reason,
        status_since: account.standing.since,
        kind: account.kind,
        is_protected: account.is_protected,
        last_seen: seen.map(|seen| seen.at),
        last_seen_source: seen.map(|seen| seen.source),
        days_since: seen.map(|seen| days_between(seen.at, now)),
        roles: known.roles.clone(),
        limited: known.limited,
        sectors: known.sectors.clone(),
        item_restricted: known.grants.iter().any(|g| is_restricted(&g.kind) && g.holds_at(now)),
        directories: known.identities.iter().map(|one| one.directory.clone()).collect(),
        valid_from: account.valid_from,
        valid_until: account.valid_until,
        leave_until: known.leave.as_ref().map(|leave| leave.until),
        version: account.version,
    }
}

/// Whether any directory has a living, active identity of the account.
async fn is_present(c: &mut Conn, id: AccountId) -> Result<bool, Refusal> {
    let identities = identity::of_account(c, id).await?;
    Ok(identities.iter().any(|one| one.deleted_at.is_none() && one.active))
}
