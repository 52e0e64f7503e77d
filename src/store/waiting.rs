//! How much waits for a person, and what comes by itself, over several tables.
//!
//! Invariant: reads only, one statement, each number by an index of its own; requests for protection are few.

use jiff::Timestamp;

use super::conn::Conn;
use super::error::StoreError;
use super::value::micros;

/// How much waits for a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Lifecycle plans that stopped, among those that were made last.
    pub plans: i64,
    /// People who asked for leave.
    pub leaves: i64,
    /// Rights to be thought over after a change of job.
    pub rights: i64,
    /// Sign-ins that lead to no account.
    pub links: i64,
    /// Deliveries to a CRM that were given up.
    pub dead: i64,
    /// Accounts whose rights wait because too many would change at once.
    pub held: i64,
    /// Protection, or its end, that another administrator is to confirm.
    pub protections: i64,
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        plans: i64,
        leaves: i64,
        rights: i64,
        links: i64,
        dead: i64,
        held: i64,
        protections: i64,
    }
}

/// How much waits now. Protection that was asked for before `asked_since` can be confirmed no more.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn count(c: &mut Conn, asked_since: Timestamp) -> Result<Waiting, StoreError> {
    let row = q!(fetch_one as Row; c,
        "SELECT (SELECT COUNT(*) FROM plan WHERE created_at = (SELECT MAX(created_at) FROM plan)
                    AND state = 'waiting') AS plans,
                (SELECT COUNT(*) FROM leave_request WHERE state = 'waiting') AS leaves,
                (SELECT COUNT(*) FROM right_question WHERE state = 'waiting') AS rights,
                (SELECT COUNT(*) FROM link_request WHERE state = 'waiting') AS links,
                (SELECT COUNT(*) FROM outbox WHERE state = 'dead') AS dead,
                (SELECT COUNT(*) FROM held_right) AS held,
                (SELECT COUNT(*) FROM protection_request WHERE at >= $1) AS protections",
        micros(asked_since))?;
    let Row { plans, leaves, rights, links, dead, held, protections } = row;
    Ok(Waiting { plans, leaves, rights, links, dead, held, protections })
}

/// What comes by itself between two instants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Coming {
    /// Accounts whose last day passes.
    pub ends: i64,
    /// People who return from leave.
    pub returns: i64,
    /// Leaves that begin.
    pub leaves: i64,
    /// Rights whose end comes.
    pub rights: i64,
}

row! {
    #[derive(sqlx::FromRow)]
    struct ComingRow {
        ends: i64,
        returns: i64,
        leaves: i64,
        rights: i64,
    }
}

/// What comes by itself after `now` and until `until`.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn coming(c: &mut Conn, now: Timestamp, until: Timestamp) -> Result<Coming, StoreError> {
    let row = q!(fetch_one as ComingRow; c,
        "SELECT (SELECT COUNT(*) FROM account WHERE valid_until > $1 AND valid_until <= $2
                    AND status IN ('invited', 'active', 'paused', 'frozen')) AS ends,
                (SELECT COUNT(*) FROM account WHERE status = 'paused' AND leave_until <= $2) AS returns,
                (SELECT COUNT(*) FROM account_leave WHERE ended_at IS NULL AND from_at > $1 AND from_at <= $2) AS leaves,
                (SELECT COUNT(*) FROM entitlement WHERE until IS NULL AND ends_at > $1 AND ends_at <= $2) AS rights",
        micros(now), micros(until))?;
    let ComingRow { ends, returns, leaves, rights } = row;
    Ok(Coming { ends, returns, leaves, rights })
}
