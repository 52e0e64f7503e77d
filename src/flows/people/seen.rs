//! Whether an account is as the acting person saw it.
//!
//! Invariant: whoever decided by a state that is gone is told what changed and by whom, and nothing is done.

use jiff::Timestamp;

use super::super::refusal::Newer;
use super::super::{Act, Refusal};
use super::who::{name_of, names};
use crate::domain::account::Account;
use crate::domain::actor::Subject;
use crate::store::{Conn, audit};

/// How many changes are told of at most.
const MOST: i64 = 10;

/// Refuses where the act was decided by another version of the account than this one. The caller holds the account's
/// lock, or only looks ahead.
///
/// # Errors
///
/// [`Refusal::Stale`], with what was done since.
pub(in crate::flows) async fn unchanged(c: &mut Conn, act: &Act, account: &Account) -> Result<(), Refusal> {
    let Some(seen) = act.seen.filter(|seen| seen.account == account.id) else { return Ok(()) };
    if seen.version == account.version {
        return Ok(());
    }
    Err(Refusal::Stale(vec![newer(c, account, seen.at).await?]))
}

/// What was done to an account since it was shown, and by whom.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub(super) async fn newer(c: &mut Conn, account: &Account, shown_at: Timestamp) -> Result<Newer, Refusal> {
    let mut newest = audit::about(c, &Subject::new("account", account.id), MOST).await?;
    newest.retain(|entry| shown_at <= entry.at);
    let names = names(c, &[], newest.iter().map(|entry| entry.actor.as_str())).await?;
    let told = |entry: &audit::Recorded| (entry.at, names.of(&entry.actor).to_owned(), entry.action.clone());
    Ok(Newer { name: name_of(account), changes: newest.iter().map(told).collect() })
}
