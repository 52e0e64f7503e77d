//! Tables `account_leave` and `deputy_link`: approved leave, past, present and to come, and who stands in.
//!
//! Invariant: at most one leave of an account is open; only that it was approved stands here, never why.

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{AccountId, DirectoryId, GrantId, SectorId};

use super::conn::Conn;
use super::error::StoreError;
use super::span::Span;
use super::value::{id_list, instant, micros};

/// A leave that was approved and has not been ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedLeave {
    /// Whose.
    pub account: AccountId,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// Who approved it, in the words of whoever noted it.
    pub approver: String,
    /// Who noted it, as [`Actor`](crate::domain::actor::Actor) writes itself.
    pub by: String,
    /// When it was noted.
    pub noted_at: Timestamp,
    /// The directory whose attributes say so; nothing: a person noted it.
    pub directory: Option<DirectoryId>,
    /// Why the person may sign in all the same; nothing: they may not, unless the policy lets everybody.
    pub sign_in_why: Option<String>,
    /// Who stands in.
    pub deputy: Option<Deputy>,
}

/// Who stands in for somebody on leave, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deputy {
    /// Who.
    pub account: AccountId,
    /// Copies of these sectors; nothing: of all that the person holds.
    pub sectors: Option<BTreeSet<SectorId>>,
    /// Copies of the person's links to items too.
    pub links: bool,
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        account_id: Uuid,
        from_at: i64,
        until_at: i64,
        approver: String,
        by_actor: String,
        noted_at: i64,
        origin: String,
        sign_in_why: Option<String>,
        deputy_id: Option<Uuid>,
        deputy_sectors: Option<String>,
        deputy_links: bool,
    }
}

macro_rules! columns {
    ($tail:literal) => {
        concat!(
            "SELECT account_id, from_at, until_at, approver, by_actor, noted_at, origin, sign_in_why, deputy_id, ",
            "deputy_sectors, deputy_links FROM account_leave ",
            $tail
        )
    };
}

fn read(row: Row) -> Result<ApprovedLeave, StoreError> {
    let Row { account_id: account, from_at: from, until_at: until, approver, by_actor: by, noted_at, .. } =
        row;
    let corrupt = |e: &dyn std::fmt::Display| StoreError::corrupt("account_leave", account, e);
    let sectors = match &row.deputy_sectors {
        None => None,
        Some(listed) => {
            let all: Result<BTreeSet<SectorId>, _> = listed.split_whitespace().map(SectorId::parse).collect();
            Some(all.map_err(|e| corrupt(&e))?)
        }
    };
    let directory = match row.origin.as_str() {
        "manual" => None,
        named => Some(DirectoryId::parse(named).map_err(|e| corrupt(&e))?),
    };
    Ok(ApprovedLeave {
        directory,
        sign_in_why: row.sign_in_why,
        deputy: row.deputy_id.map(|id| Deputy {
            account: AccountId::new(id),
            sectors,
            links: row.deputy_links,
        }),
        account: AccountId::new(account),
        from: instant(from, "account_leave", account)?,
        until: instant(until, "account_leave", account)?,
        approver,
        by,
        noted_at: instant(noted_at, "account_leave", account)?,
    })
}

/// Writes an approved leave. One that is open already gives way to it.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn approve(c: &mut Conn, leave: &ApprovedLeave) -> Result<(), StoreError> {
    end(c, leave.account, leave.noted_at).await?;
    let listed = leave.deputy.as_ref().and_then(|deputy| deputy.sectors.as_ref());
    let sectors = listed.map(|all| all.iter().map(SectorId::as_str).collect::<Vec<_>>().join(" "));
    q!(execute; c,
        "INSERT INTO account_leave (id, account_id, from_at, until_at, approver, by_actor, noted_at, origin,
                                    sign_in_why, deputy_id, deputy_sectors, deputy_links)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        Uuid::now_v7(), leave.account.uuid(), micros(leave.from), micros(leave.until), &leave.approver, &leave.by,
        micros(leave.noted_at), leave.directory.as_ref().map_or("manual", DirectoryId::as_str), &leave.sign_in_why,
        leave.deputy.as_ref().map(|deputy| deputy.account.uuid()), sectors,
        leave.deputy.as_ref().is_some_and(|deputy| deputy.links))?;
    Ok(())
}

/// Ends the open leave of an account. Gives `false` when there is none.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn end(c: &mut Conn, account: AccountId, now: Timestamp) -> Result<bool, StoreError> {
    let ended = q!(execute; c,
        "UPDATE account_leave SET ended_at = $2 WHERE account_id = $1 AND ended_at IS NULL",
        account.uuid(), micros(now))?;
    Ok(ended > 0)
}

/// The open leave of an account.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn open(c: &mut Conn, account: AccountId) -> Result<Option<ApprovedLeave>, StoreError> {
    q!(fetch_optional as Row; c,
        columns!("WHERE account_id = $1 AND ended_at IS NULL"), account.uuid())?
    .map(read)
    .transpose()
}

/// The open leave of each of these accounts, now or at a past instant: for pages of facts. Sorted by account.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn open_of(
    c: &mut Conn,
    span: &Span,
    at: Option<Timestamp>,
) -> Result<Vec<ApprovedLeave>, StoreError> {
    let rows = match at {
        None => spanned!(Row; c, span,
            "SELECT account_id, from_at, until_at, approver, by_actor, noted_at, origin, sign_in_why,
                    deputy_id, deputy_sectors, deputy_links FROM account_leave WHERE ",
            " AND ended_at IS NULL ORDER BY account_id")?,
        Some(at) => spanned!(Row; c, span,
            "SELECT account_id, from_at, until_at, approver, by_actor, noted_at, origin, sign_in_why,
                    deputy_id, deputy_sectors, deputy_links FROM account_leave WHERE ",
            " AND noted_at <= $3 AND (ended_at IS NULL OR ended_at > $3) ORDER BY account_id, noted_at",
            micros(at))?,
    };
    rows.into_iter().map(read).collect()
}

/// Open leaves that end within the time given, the first that ends first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn ending(
    c: &mut Conn,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<ApprovedLeave>, StoreError> {
    q!(fetch_all as Row; c,
        columns!("WHERE ended_at IS NULL AND until_at > $1 AND until_at <= $2 ORDER BY until_at, account_id"),
        micros(from), micros(until))?
    .into_iter()
    .map(read)
    .collect()
}

/// Open leaves that begin within the time given, the first that begins first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn beginning(
    c: &mut Conn,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<ApprovedLeave>, StoreError> {
    q!(fetch_all as Row; c,
        columns!("WHERE ended_at IS NULL AND from_at > $1 AND from_at <= $2 ORDER BY from_at, account_id"),
        micros(from), micros(until))?
    .into_iter()
    .map(read)
    .collect()
}

/// Open leaves that have begun and whose deputy has been given nothing yet. Nobody stands in for an account that is not
/// in use: its leave waits until the person is back.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn awaiting_deputy(c: &mut Conn, now: Timestamp) -> Result<Vec<ApprovedLeave>, StoreError> {
    q!(fetch_all as Row; c,
        columns!("WHERE ended_at IS NULL AND deputy_id IS NOT NULL AND deputy_given_at IS NULL AND from_at <= $1
                    AND until_at > $1
                    AND account_id IN (SELECT id FROM account WHERE status IN ('invited', 'active', 'paused', 'frozen'))
                  ORDER BY from_at, account_id"),
        micros(now))?
    .into_iter()
    .map(read)
    .collect()
}

/// The open leaves that somebody stands in for.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn stood_in_by(c: &mut Conn, deputy: AccountId) -> Result<Vec<ApprovedLeave>, StoreError> {
    q!(fetch_all as Row; c,
        columns!("WHERE ended_at IS NULL AND deputy_id = $1 ORDER BY from_at, account_id"), deputy.uuid())?
    .into_iter()
    .map(read)
    .collect()
}

/// Notes that the deputy of an open leave has what they are to have.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn deputy_given(c: &mut Conn, account: AccountId, now: Timestamp) -> Result<(), StoreError> {
    q!(execute; c,
        "UPDATE account_leave SET deputy_given_at = $2 WHERE account_id = $1 AND ended_at IS NULL",
        account.uuid(), micros(now))?;
    Ok(())
}

/// Notes that the deputy of an open leave has nothing any more, and is to have it again if the person comes back.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn deputy_waits(c: &mut Conn, account: AccountId) -> Result<(), StoreError> {
    q!(execute; c,
        "UPDATE account_leave SET deputy_given_at = NULL WHERE account_id = $1 AND ended_at IS NULL",
        account.uuid())?;
    Ok(())
}

/// Those of the accounts whose open leave names a deputy, each with the deputy.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn with_deputy(
    c: &mut Conn,
    accounts: &[AccountId],
) -> Result<Vec<(AccountId, AccountId)>, StoreError> {
    let rows = q!(fetch_all as (Uuid, Uuid); c,
        sqlite "SELECT account_id, deputy_id FROM account_leave
                 WHERE account_id IN (SELECT unhex(e.value) FROM json_each($1) e)
                   AND ended_at IS NULL AND deputy_id IS NOT NULL ORDER BY account_id",
        postgres "SELECT account_id, deputy_id FROM account_leave
                 WHERE account_id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($1) e(value))
                   AND ended_at IS NULL AND deputy_id IS NOT NULL ORDER BY account_id",
        id_list(accounts.iter().map(|id| id.uuid())))?;
    Ok(rows.into_iter().map(|(away, deputy)| (AccountId::new(away), AccountId::new(deputy))).collect())
}

/// Notes that a link is a deputy's, for whoever is away.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn note_link(c: &mut Conn, link: GrantId, away: AccountId) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO deputy_link (link_id, account_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        link.uuid(), away.uuid())?;
    Ok(())
}

/// The links that others have for whoever is away, and have still.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn links_for(c: &mut Conn, away: AccountId) -> Result<Vec<GrantId>, StoreError> {
    let rows = q!(fetch_all as (Uuid,); c,
        "SELECT d.link_id FROM deputy_link d JOIN link l ON l.id = d.link_id
          WHERE d.account_id = $1 AND l.until IS NULL ORDER BY d.link_id",
        away.uuid())?;
    Ok(rows.into_iter().map(|(id,)| GrantId::new(id)).collect())
}
