//! The sessions of one account: looked at and ended by whoever looks after it.
//!
//! Invariant: ending one is written down with who and why, in the transaction that ends it.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::super::{Act, Ports, Refusal, find};
use super::is_living;
use crate::domain::actor::Subject;
use crate::domain::ids::{AccountId, DirectoryId, SessionId};
use crate::store::session;

/// One session that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its id; not the secret in the cookie.
    pub session: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// Through which directory.
    pub directory: DirectoryId,
    /// Since when.
    pub since: Timestamp,
    /// When it was last used, to the minute.
    pub last_used: Timestamp,
    /// It ends then, whatever happens.
    pub ends: Timestamp,
    /// When the person really proved who they are, where the provider said so.
    pub authenticated_at: Option<Timestamp>,
    /// How strongly, in the provider's words.
    pub acr: Option<String>,
    /// By which means, in the provider's words.
    pub amr: Option<String>,
}

/// Which sessions are to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(SessionId),
    /// Every one.
    All,
}

/// The living sessions of an account, the newest first.
///
/// # Errors
///
/// [`Refusal::NotFound`] or [`Refusal::Ambiguous`] for the account.
pub async fn list(ports: &Ports, text: &str) -> Result<Vec<Line>, Refusal> {
    let (now, idle) = (ports.clock.now(), ports.settings.sessions.idle);
    let mut c = ports.db.read().await?;
    let account = find::account(&mut c, text, None).await?.one(text)?;
    let open = session::open_of(&mut c, account.id).await?;
    let living = open.into_iter().filter(|one| is_living(one, idle, now));
    Ok(living
        .map(|one| Line {
            session: one.id,
            account: one.account,
            directory: one.directory,
            since: one.created_at,
            last_used: one.last_used_at,
            ends: one.expires_at,
            authenticated_at: one.authenticated_at,
            acr: one.acr,
            amr: one.amr,
        })
        .collect())
}

/// Ends sessions of an account. Gives how many.
///
/// # Errors
///
/// [`Refusal::NotFound`] for the account, or for a session that is not open or not the account's.
pub async fn end_some(ports: &Ports, act: &Act, text: &str, which: Which) -> Result<u64, Refusal> {
    let account = {
        let mut c = ports.db.read().await?;
        find::account(&mut c, text, None).await?.one(text)?.id
    };
    let act = act.clone();
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let why = "ended by an administrator";
                let ended = match which {
                    Which::All => session::end_all(c, account, why, act.now).await?,
                    Which::One(id) => {
                        if !session::end_of(c, account, id, why, act.now).await? {
                            return Err(Refusal::not_found("open session of that account", id));
                        }
                        1
                    }
                };
                if ended > 0 {
                    let one = match which {
                        Which::One(id) => Some(id),
                        Which::All => None,
                    };
                    let after = json!({ "sessions_ended": ended, "session": one });
                    let subject = Subject::new("account", account);
                    act.record(c, "sessions_ended", subject, None, Some(after)).await?;
                }
                Ok(ended)
            })
        })
        .await
}
