//! How a directory stands, for whoever looks after it.
//!
//! Invariant: read as of one moment; no secret, and of people only ids and counts.

use jiff::Timestamp;
use serde::Serialize;

use super::pause::Pause;
use super::{COUNTS_FOR_DAYS, flush};
use crate::config::Directory;
use crate::domain::ids::{DirectoryId, GroupId};
use crate::flows::tokens::TokenKind;
use crate::flows::tokens::roster::{self, Line};
use crate::flows::{Ports, Refusal};
use crate::store::{Conn, activity, group, identity, pause, refused, survey};

/// A directory in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name in addresses.
    pub directory: DirectoryId,
    /// Whose habits to expect: `entra`, `okta`, `generic`.
    pub kind: &'static str,
    /// As people read it.
    pub name: String,
    /// Where it sends its people and groups to.
    pub scim_url: String,
    /// Since when it is paused.
    pub paused_since: Option<Timestamp>,
    /// Its last request that showed a good token.
    pub last_request: Option<Timestamp>,
    /// Its last change that succeeded.
    pub last_change: Option<Timestamp>,
    /// Living people.
    pub people: i64,
    /// Living groups.
    pub groups: i64,
    /// Members that groups wait for.
    pub pending_members: i64,
    /// Changes that were refused and have not succeeded since.
    pub refused_changes: usize,
    /// When the last of its valid tokens and client secrets ends; nothing: it has none.
    pub access_until: Option<Timestamp>,
}

/// The last request that was answered with an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastError {
    /// When.
    pub at: Timestamp,
    /// The status.
    pub status: i64,
    /// The kind of mistake, where SCIM has one.
    pub scim_type: Option<String>,
    /// What was tried.
    pub method: String,
    /// `User` or `Group`.
    pub resource: Option<String>,
}

/// How often something was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// The day, UTC.
    pub day: String,
    /// What was done.
    pub method: String,
    /// How it ended.
    pub outcome: String,
    /// How often.
    pub times: i64,
}

/// How often a kind of repair was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mended {
    /// The kind.
    pub repair: String,
    /// How often.
    pub times: i64,
    /// When last.
    pub last_at: Timestamp,
}

/// A group that waits for members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Awaited {
    /// The group.
    pub group: GroupId,
    /// Its name.
    pub name: String,
    /// How many members it waits for.
    pub members: i64,
    /// Since when, at the longest.
    pub since: Timestamp,
}

/// A change of a person or a group that was refused and has not succeeded since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedChange {
    /// `User` or `Group`.
    pub resource: String,
    /// Which one, without personal data.
    pub reference: String,
    /// What was tried last.
    pub method: String,
    /// How it was answered.
    pub status: i64,
    /// The kind of mistake, where SCIM has one.
    pub scim_type: Option<String>,
    /// What the answer said, values left out.
    pub detail: String,
    /// When it was refused first.
    pub first_at: Timestamp,
    /// When it was refused last.
    pub last_at: Timestamp,
    /// How often.
    pub times: i64,
}

/// Everything about how a directory stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// What a list shows.
    #[serde(flatten)]
    pub row: Row,
    /// Where its OAuth clients get access tokens.
    pub token_url: String,
    /// Who paused it, and why.
    pub pause: Option<PauseTold>,
    /// The last request that was answered with an error.
    pub last_error: Option<LastError>,
    /// When somebody last came with a token or secret of it that opens nothing.
    pub last_denied: Option<Timestamp>,
    /// Why it opened nothing: `expired`, `revoked`, `wrong_secret`.
    pub last_denied_why: Option<String>,
    /// Its tokens and the secrets of its OAuth clients, the newest first.
    pub access: Vec<Line>,
    /// What it did on each of the last 90 days.
    pub counts: Vec<Counted>,
    /// What was mended in its requests since the beginning.
    pub repairs: Vec<Mended>,
    /// Groups that wait for members.
    pub pending: Vec<Awaited>,
    /// What it was refused and has not mended.
    pub refused: Vec<RefusedChange>,
}

/// A pause, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PauseTold {
    /// Since when.
    pub since: Timestamp,
    /// Who paused it.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl From<Pause> for PauseTold {
    fn from(pause: Pause) -> Self {
        Self { since: pause.since, by: pause.by, reason: pause.reason }
    }
}

/// Every directory of the settings, in their order.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn list(ports: &Ports) -> Result<Vec<Row>, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let mut rows = Vec::new();
    for directory in &ports.settings.directories {
        let access = access(ports, &mut c, directory).await?;
        rows.push(row(ports, &mut c, directory, &access).await?);
    }
    Ok(rows)
}

/// Everything about one directory.
///
/// # Errors
///
/// [`Refusal::Invalid`] when the settings have no such directory; [`Refusal::Store`] when the database cannot be
/// reached.
pub async fn show(ports: &Ports, name: &str) -> Result<Standing, Refusal> {
    let directory = super::find(ports, name)?;
    let id = &directory.id;
    let mut c = ports.db.snapshot().await?;
    let access = access(ports, &mut c, directory).await?;
    let row = row(ports, &mut c, directory, &access).await?;
    let seen = activity::seen(&mut c, id).await?;
    let since = flush::day_of(ports.clock.now()) - COUNTS_FOR_DAYS + 1;
    let counts = activity::counts(&mut c, id, since).await?;
    let repairs = activity::repairs(&mut c, id).await?;
    let pending = survey::awaiting(&mut c, id).await?;
    let refused = refused::of(&mut c, id).await?;
    let pause = pause::get(&mut c, id).await?;
    let (last_denied, last_denied_why) = seen.last_denied.unzip();
    Ok(Standing {
        token_url: format!("{}/token", row.scim_url),
        row,
        pause: pause.map(PauseTold::from),
        last_error: seen.last_error.map(told_error),
        last_denied,
        last_denied_why,
        access,
        counts: counts.into_iter().map(counted).collect(),
        repairs: repairs.into_iter().map(mended).collect(),
        pending: pending.into_iter().map(awaited).collect(),
        refused: refused.into_iter().map(refused_change).collect(),
    })
}

async fn access(ports: &Ports, c: &mut Conn, directory: &Directory) -> Result<Vec<Line>, Refusal> {
    let now = ports.clock.now();
    let mut lines = roster::of(c, TokenKind::Directory, directory.id.as_str(), now).await?;
    lines.extend(roster::of(c, TokenKind::Client, directory.id.as_str(), now).await?);
    lines.sort_by_key(|line| std::cmp::Reverse((line.created_at, line.id)));
    Ok(lines)
}

async fn row(ports: &Ports, c: &mut Conn, directory: &Directory, access: &[Line]) -> Result<Row, Refusal> {
    let id = &directory.id;
    let seen = activity::seen(c, id).await?;
    Ok(Row {
        directory: id.clone(),
        kind: directory.kind.name(),
        name: directory.name.clone(),
        scim_url: ports.settings.server.public_url.join(&format!("/scim/v2/{id}")),
        paused_since: pause::get(c, id).await?.map(|pause| pause.since),
        last_request: seen.last_request,
        last_change: seen.last_change,
        people: identity::count(c, id).await?,
        groups: group::count(c, id).await?,
        pending_members: survey::awaiting(c, id).await?.iter().map(|group| group.members).sum(),
        refused_changes: refused::of(c, id).await?.len(),
        access_until: access.iter().filter(|line| line.is_valid()).map(|line| line.expires_at).max(),
    })
}

fn told_error(error: activity::LastError) -> LastError {
    LastError {
        at: error.at,
        status: error.status,
        scim_type: error.scim_type,
        method: error.method,
        resource: error.resource,
    }
}

fn counted(count: activity::Count) -> Counted {
    let first = jiff::civil::date(1970, 1, 1);
    let day = first.checked_add(jiff::Span::new().days(count.day)).unwrap_or(first);
    Counted { day: day.to_string(), method: count.method, outcome: count.outcome, times: count.times }
}

fn mended(repair: activity::RepairCount) -> Mended {
    Mended { repair: repair.repair, times: repair.times, last_at: repair.last_at }
}

fn awaited(group: survey::Awaiting) -> Awaited {
    Awaited { group: group.group, name: group.name, members: group.members, since: group.since }
}

fn refused_change(one: refused::Refused) -> RefusedChange {
    RefusedChange {
        resource: one.resource,
        reference: one.reference,
        method: one.method,
        status: one.status,
        scim_type: one.scim_type,
        detail: one.detail,
        first_at: one.first_at,
        last_at: one.last_at,
        times: one.times,
    }
}
