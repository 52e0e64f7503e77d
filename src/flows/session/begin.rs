//! Begins a session.
//!
//! Invariant: every session has a secret of its own, of which only the hash is kept; the browser's former session
//! ends with it.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::super::{Act, Compiled, Refusal, provider, tokens};
use super::hint;
use crate::config::Sessions;
use crate::domain::account::Account;
use crate::domain::actor::{Actor, Subject};
use crate::domain::effective::Effective;
use crate::domain::ids::{DirectoryId, IdentityId, SessionId};
use crate::domain::policy::EvidenceSource;
use crate::store::session::{self, Session};
use crate::store::{Conn, evidence};

/// What a session begins with.
#[derive(Debug)]
pub(in crate::flows) struct Beginning<'b> {
    /// Whose it is.
    pub(in crate::flows) account: &'b Account,
    /// What the account holds.
    pub(in crate::flows) effective: &'b Effective,
    /// The identity that signs in.
    pub(in crate::flows) identity: IdentityId,
    /// Through which directory.
    pub(in crate::flows) directory: DirectoryId,
    /// What the provider said of how: its session, `acr`, `amr`, and when the person proved who they are.
    pub(in crate::flows) proof: Proof,
    /// The ID token, for the way out.
    pub(in crate::flows) id_token: Option<&'b SecretString>,
}

/// How somebody proved who they are.
#[derive(Debug, Clone, Default)]
pub(in crate::flows) struct Proof {
    /// The provider's own session id (`sid`).
    pub(in crate::flows) provider_session: Option<String>,
    /// How strongly (`acr`).
    pub(in crate::flows) acr: Option<String>,
    /// By which means (`amr`).
    pub(in crate::flows) amr: Vec<String>,
    /// When.
    pub(in crate::flows) at: Option<jiff::Timestamp>,
}

/// Begins a session under `secret`, and writes down that the person was seen.
pub(in crate::flows) async fn begin(
    c: &mut Conn,
    act: &Act,
    (sessions, compiled): (&Sessions, &Compiled),
    beginning: Beginning<'_>,
    secret: &SecretString,
) -> Result<Session, Refusal> {
    let (now, account, proof) = (act.now, beginning.account, beginning.proof);
    let session = Session {
        id: SessionId::new(Uuid::now_v7()),
        account: account.id,
        identity: beginning.identity,
        directory: beginning.directory,
        provider_session: proof.provider_session,
        acr: proof.acr,
        amr: (!proof.amr.is_empty()).then(|| proof.amr.join(" ")),
        authenticated_at: proof.at,
        created_at: now,
        last_used_at: now,
        expires_at: now.saturating_add(sessions.absolute).unwrap_or(now),
        ended_at: None,
    };
    session::begin(c, &session, &tokens::digest(secret.expose_secret())).await?;
    let privilege =
        super::console_of(&compiled.policy, beginning.effective).map(crate::domain::policy::Console::name);
    let sealed = beginning.id_token.and_then(|token| hint::seal(secret, token));
    session::remember(c, session.id, privilege, sealed.as_deref()).await?;
    evidence::seen(c, account.id, EvidenceSource::Sso, now).await?;
    let after = json!({ "directory": session.directory, "session": session.id, "acr": session.acr,
        "amr": session.amr });
    let act = Act { actor: Actor::Account(account.id), ..act.clone() };
    act.record(c, "signed_in", Subject::new("account", account.id), None, Some(after)).await?;
    Ok(session)
}

/// Ends the session that the browser had before, by the hash of its secret: it holds `new` from now on. Clients that it
/// was the same person's way into go on with the new one.
pub(in crate::flows) async fn end_former(
    c: &mut Conn,
    sessions: &Sessions,
    former: Option<&[u8]>,
    new: &Session,
) -> Result<(), Refusal> {
    if let Some(hash) = former
        && let Some(former) = session::by_hash(c, hash).await?
    {
        provider::follow(c, &former, new, sessions.idle).await?;
        session::end(c, former.id, "signed in again", new.created_at).await?;
    }
    Ok(())
}
