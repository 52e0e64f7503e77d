//! Recognises who is signed in, and ends sessions.
//!
//! Invariant: whether the account may enter is asked anew at every request, never only at the sign-in; asking costs
//! one indexed read at most.

mod begin;
mod fresh;
mod hint;
pub mod mark;
mod of_account;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{Act, Compiled, Ports, Refusal, tokens};
use crate::domain::access::{self, AccessFacts, Decision, Question};
use crate::domain::account::Account;
use crate::domain::actor::{Actor, Subject};
use crate::domain::effective::{self, Effective};
use crate::domain::grant::Grant;
use crate::domain::ids::{DirectoryId, SessionId};
use crate::domain::policy::{Console, Policy, Unmatched};
pub use crate::store::session::Session;

use super::sign_in::Why;
use crate::store::{Conn, Memo, entitlement, session, visit};

pub(super) use begin::{Beginning, Proof, begin, end_former};
pub use fresh::{Demand, StepUp, require_fresh};
pub use of_account::{Line, Which, end_some, list};

/// A use is noted at most this often, so that a busy session is not a write per request.
const NOTE_USE_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Longer secrets are not ours.
const LONGEST: usize = 128;

/// So many sessions are remembered.
const MOST: usize = 4_096;

/// The sessions that were shown of late, for as long as nothing is committed.
pub(super) type Visits = Memo<Vec<u8>, Arc<Visit>>;

/// Remembers nobody yet.
pub(super) fn visits() -> Visits {
    Memo::new(MOST)
}

/// A session with all that it was judged by.
#[derive(Debug)]
pub(super) struct Visit {
    found: visit::Visit,
    compiled: Arc<Compiled>,
}

/// A person with a living session whose account may enter.
#[derive(Debug, Clone)]
pub struct SignedInPerson {
    /// The session.
    pub session: Session,
    /// Their account, as it is now.
    pub account: Account,
    /// What it holds.
    pub grants: Vec<Grant>,
    /// What its grants amount to now.
    pub effective: Effective,
    /// The policy that this was judged by.
    pub compiled: Arc<Compiled>,
    /// An act of theirs, begun now.
    pub act: Act,
}

impl SignedInPerson {
    /// Whether they may do something with a component as a whole.
    #[must_use]
    pub fn may(&self, question: &Question) -> Decision {
        let facts = AccessFacts {
            account: Some(&self.account),
            grants: &self.grants,
            links: &[],
            assignment: None,
            now: self.act.now,
        };
        access::decide(&self.compiled.policy, &facts, question)
    }
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
    /// An act of theirs, begun now.
    pub act: Act,
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
    let Some(visit) = visit(ports, tokens::digest(secret)).await? else { return Ok(Presence::Nobody) };
    let (found, compiled) = (&visit.found, Arc::clone(&visit.compiled));
    let idle = ports.settings.sessions.idle;
    if !is_living(&found.session, idle, now) {
        return Ok(Presence::Nobody);
    }
    let (account, session) = (found.account.clone(), found.session.clone());
    let effective = effective::effective(&compiled.policy, &found.grants, now);
    let act = ports.act(Actor::Account(account.id), "session").by_request(request_id);
    if let Err(why) = may_enter(&compiled.policy, &account, &effective, now) {
        return Ok(Presence::ShutOut(Box::new(ShutOut { account, why, compiled, act })));
    }
    if has_risen(found.privilege.as_deref(), console_of(&compiled.policy, &effective)) {
        outgrown(ports, act, &session).await?;
        return Ok(Presence::Nobody);
    }
    if now.duration_since(session.last_used_at) >= NOTE_USE_EVERY.min(idle / 4) {
        note_use(ports, session.id, now).await?;
    }
    let person = SignedInPerson { session, account, grants: found.grants.clone(), effective, compiled, act };
    Ok(Presence::SignedIn(Box::new(person)))
}

/// Who stands behind the session of this hash. Not read again while nothing was committed.
async fn visit(ports: &Ports, hash: Vec<u8>) -> Result<Option<Arc<Visit>>, Refusal> {
    let epoch = ports.db.epoch().await?;
    if let Some(known) = ports.visits.get(epoch, &hash) {
        return Ok(Some(known));
    }
    let mut c = ports.db.read().await?;
    let Some(found) = visit::by_hash(&mut c, &hash).await? else { return Ok(None) };
    let compiled = ports.policies.numbered(&mut c, found.policy).await?;
    drop(c);
    let visit = Arc::new(Visit { found, compiled });
    if ports.db.epoch().await? == epoch {
        ports.visits.put(epoch, hash, Arc::clone(&visit));
    }
    Ok(Some(visit))
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

async fn note_use(ports: &Ports, id: SessionId, now: Timestamp) -> Result<(), Refusal> {
    ports.db.write(move |c| Box::pin(async move { Ok(session::used(c, id, now).await?) })).await
}

/// What an account may do on Portvakt's own pages, by the strongest of its roles.
pub(super) fn console_of(policy: &Policy, effective: &Effective) -> Option<Console> {
    effective.roles.iter().filter_map(|id| policy.roles.get(id)?.console).min()
}

/// Whether somebody may do more in Portvakt now than when the session began: then its id has to be a new one.
fn has_risen(then: Option<&str>, now: Option<Console>) -> bool {
    match (then.and_then(Console::from_name), now) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(then), Some(now)) => now < then,
    }
}

/// Ends a session whose person has come to more privileges; they sign in again, and get a new one.
async fn outgrown(ports: &Ports, act: Act, session: &Session) -> Result<(), Refusal> {
    let act = act.because("privileges rose");
    let session = session.clone();
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                if session::end(c, session.id, "privileges rose", act.now).await? {
                    record_end(c, &act, &session).await?;
                }
                Ok::<_, Refusal>(())
            })
        })
        .await
}

/// A session that its own person ended.
#[derive(Debug)]
pub struct Ended {
    /// Through which directory it was.
    pub directory: DirectoryId,
    /// The ID token it began with, as a hint for the provider.
    pub id_token: Option<SecretString>,
}

/// Ends the session of this secret. Nothing where there was none.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn end(
    ports: &Ports,
    secret: &SecretString,
    request_id: Option<String>,
) -> Result<Option<Ended>, Refusal> {
    let act = ports.act(Actor::Job("sign-out".to_owned()), "signed out").by_request(request_id);
    let hash = tokens::digest(secret.expose_secret());
    let ended = ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let Some(found) = session::by_hash(c, &hash).await? else { return Ok(None) };
                let sealed = session::sealed_id_token(c, found.id).await?;
                if session::end(c, found.id, "signed out", act.now).await? {
                    let act = Act { actor: Actor::Account(found.account), ..act };
                    record_end(c, &act, &found).await?;
                }
                Ok::<_, Refusal>(Some((found.directory, sealed)))
            })
        })
        .await?;
    Ok(ended.map(|(directory, sealed)| Ended {
        directory,
        id_token: sealed.and_then(|sealed| hint::open(secret, &sealed)),
    }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_more_privileges_than_at_the_beginning_ask_for_a_new_session() {
        use Console::{Administrator, Auditor, Reviewer};
        assert!(has_risen(None, Some(Auditor)));
        assert!(has_risen(Some("auditor"), Some(Administrator)));
        assert!(has_risen(Some("reviewer"), Some(Administrator)));
        assert!(!has_risen(Some("administrator"), Some(Reviewer)));
        assert!(!has_risen(Some("administrator"), Some(Administrator)));
        assert!(!has_risen(Some("auditor"), None) && !has_risen(None, None));
    }
}
