//! What a new session takes over for clients, and from the provider that vouched for its person.
//!
//! Invariant: a client keeps its `sid` while the same person signs in anew in the same browser; what was void because
//! the former session had rested stays void.

use jiff::SignedDuration;

use super::super::session::{Session, is_within};
use super::super::{Refusal, tokens};
use crate::domain::ids::SessionId;
use crate::store::{Conn, client_grant, client_session};

/// Lets the clients of the browser's former session go on with the new one, where it is the same person's. The caller
/// ends the former one afterwards; clients of another person are told then.
pub(in crate::flows) async fn follow(
    c: &mut Conn,
    former: &Session,
    new: &Session,
    idle: SignedDuration,
) -> Result<(), Refusal> {
    if former.account != new.account || former.ended_at.is_some() {
        return Ok(());
    }
    let now = new.created_at;
    if !is_within(former.last_used_at, former.expires_at, idle, now) {
        client_grant::revoke_all(c, former.id, "the session had ended", now).await?;
    }
    client_session::hand_over(c, former.id, new.id).await?;
    Ok(())
}

/// Notes that the provider vouched for this address of the session's person.
pub(in crate::flows) async fn vouch(
    c: &mut Conn,
    session: SessionId,
    email: Option<&str>,
) -> Result<(), Refusal> {
    if let Some(hash) = address_hash(email) {
        client_session::vouch(c, session, &hash).await?;
    }
    Ok(())
}

/// The hash of an address, to compare whether it is still the one that was vouched for.
pub(super) fn address_hash(email: Option<&str>) -> Option<Vec<u8>> {
    email.map(|email| tokens::digest(&email.to_lowercase()))
}
