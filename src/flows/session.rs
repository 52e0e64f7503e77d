//! Recognises who is signed in, and ends sessions.
//!
//! Invariant: whether the account may enter is asked anew at every request, never only at the sign-in.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{Act, Compiled, Ports, Refusal, tokens};
use crate::domain::access;
use crate::domain::account::Account;
use crate::domain::actor::{Actor, Subject};
use crate::domain::effective::{self, Effective};
use crate::domain::ids::DirectoryId;
use crate::domain::policy::{Policy, Unmatched};
pub use crate::store::session::Session;

use super::sign_in::Why;
use crate::store::{Conn, account, entitlement, session};

/// A use is noted at most this often, so that a busy session is not a write per request.
const NOTE_USE_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Longer secrets are not ours.
const LONGEST: usize = 128;

/// A person with a living session whose account may enter.
#[derive(Debug, Clone)]
pub struct SignedInPerson {
    /// The session.
    pub session: Session,
    /// Their account, as it is now.
    pub account: Account,
    /// What its grants amount to now.
    pub effective: Effective,
    /// The policy that this was judged by.
    pub compiled: Arc<Compiled>,
    /// An act of theirs, begun now.
    pub act: Act,
}

/// A person with a living session whose account may not enter any more.
#[derive(Debug, Clone)]
pub struct ShutOut {
    /// Their account, as it is now.
    pub account: Account,
    /// Why.
    pub why: Why,
    /// The policy that this was judged by.
    pub compiled: Arc<Compiled>,
}

/// Who stands at the door.
#[derive(Debug, Clone)]
pub enum Presence {
    /// Nobody who is signed in.
    Nobody,
    /// Somebody who was signed in and may not enter any more.
    ShutOut(Box<ShutOut>),
    /// Somebody who is signed in.
    SignedIn(Box<SignedInPerson>),
}

/// Who holds this session secret.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached, [`Refusal::NoPolicy`] before the first policy.
pub async fn look(
    ports: &Ports,
    secret: &SecretString,
    request_id: Option<String>,
) -> Result<Presence, Refusal> {
    let secret = secret.expose_secret();
    if secret.is_empty() || secret.len() > LONGEST {
        return Ok(Presence::Nobody);
    }
    let now = ports.clock.now();
    let mut c = ports.db.read().await?;
    let Some(found) = session::by_hash(&mut c, &tokens::digest(secret)).await? else {
        return Ok(Presence::Nobody);
    };
    let idle = ports.settings.sessions.idle;
    if !is_living(&found, idle, now) {
        return Ok(Presence::Nobody);
    }
    let Some(account) = account::get(&mut c, found.account).await? else { return Ok(Presence::Nobody) };
    let compiled = ports.policies.current(&mut c).await?;
    let effective = held(&mut c, &compiled.policy, &account, now).await?;
    drop(c);
    if let Err(why) = may_enter(&compiled.policy, &account, &effective, now) {
        return Ok(Presence::ShutOut(Box::new(ShutOut { account, why, compiled })));
    }
    if now.duration_since(found.last_used_at) >= NOTE_USE_EVERY.min(idle / 4) {
        let id = found.id;
        ports
            .db
            .write(move |c| Box::pin(async move { Ok::<_, Refusal>(session::used(c, id, now).await?) }))
            .await?;
    }
    let act = ports.act(Actor::Account(account.id), "session").by_request(request_id);
    let person = SignedInPerson { session: found, account, effective, compiled, act };
    Ok(Presence::SignedIn(Box::new(person)))
}

/// The person who holds this session secret; nothing where nobody does, or they may not enter any more.
///
/// # Errors
///
/// As [`look`].
pub async fn recognise(ports: &Ports, secret: &SecretString) -> Result<Option<SignedInPerson>, Refusal> {
    Ok(match look(ports, secret, None).await? {
        Presence::SignedIn(person) => Some(*person),
        Presence::Nobody | Presence::ShutOut(_) => None,
    })
}

fn is_living(session: &Session, idle: SignedDuration, now: Timestamp) -> bool {
    session.ended_at.is_none() && is_within(session.last_used_at, session.expires_at, idle, now)
}

/// Whether a session that nobody has ended still is one.
pub(super) fn is_within(
    last_used_at: Timestamp,
    expires_at: Timestamp,
    idle: SignedDuration,
    now: Timestamp,
) -> bool {
    now < expires_at && now.duration_since(last_used_at) < idle
}

/// Ends the session of this secret. Gives through which directory it was; nothing where there was none.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn end(
    ports: &Ports,
    secret: &SecretString,
    request_id: Option<String>,
) -> Result<Option<DirectoryId>, Refusal> {
    let act = ports.act(Actor::Job("sign-out".to_owned()), "signed out").by_request(request_id);
    let hash = tokens::digest(secret.expose_secret());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let Some(found) = session::by_hash(c, &hash).await? else { return Ok(None) };
                if session::end(c, found.id, "signed out", act.now).await? {
                    let act = Act { actor: Actor::Account(found.account), ..act };
                    record_end(c, &act, &found).await?;
                }
                Ok::<_, Refusal>(Some(found.directory))
            })
        })
        .await
}

async fn record_end(c: &mut Conn, act: &Act, session: &Session) -> Result<(), Refusal> {
    let after = json!({ "directory": session.directory, "session": session.id });
    act.record(c, "signed_out", Subject::new("account", session.account), None, Some(after)).await?;
    Ok(())
}

/// What an account's grants amount to now.
pub(super) async fn held(
    c: &mut Conn,
    policy: &Policy,
    account: &Account,
    now: Timestamp,
) -> Result<Effective, Refusal> {
    Ok(effective::effective(policy, &entitlement::held(c, account.id).await?, now))
}

/// Whether the account may enter: in use, inside its dates, and not without a role where the policy lets in nobody
/// whom no rule matches.
pub(super) fn may_enter(
    policy: &Policy,
    account: &Account,
    effective: &Effective,
    now: Timestamp,
) -> Result<(), Why> {
    access::is_in_use(policy, account, now).map_err(Why::NotInUse)?;
    if policy.unmatched == Unmatched::Reject && effective.roles.is_empty() {
        return Err(Why::NoRoles);
    }
    Ok(())
}
