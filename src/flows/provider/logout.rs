//! Signs a person out because a client asks for it (OpenID Connect RP-Initiated Logout 1.0).
//!
//! Invariant: without a word from the person, a session ends only for an ID token of that very session; the browser is
//! sent on only to an address that the client has registered.

use secrecy::SecretString;

use super::super::session::{self, Session};
use super::super::{Ports, Refusal};
use super::keys;
use super::request::{OAuthError, Parameters};
use crate::config::Client;
use crate::domain::ids::ClientSessionId;
use crate::oidc::{Hint, answer_url, read_hint};
use crate::store::client_session;

/// A request to sign out that was understood.
#[derive(Debug)]
pub struct LogoutRequest {
    /// The client, as people read it; nothing where the request does not say which.
    pub client: Option<String>,
    /// Where the browser goes afterwards; nothing: to our own page.
    pub next: Option<SecretString>,
    hint: Option<Hint>,
}

/// What becomes of it.
#[derive(Debug)]
pub enum LogoutStep {
    /// The session has ended, or there was none.
    Done(LogoutRequest),
    /// The person must be asked.
    Ask(LogoutRequest),
    /// The request is wrong; nothing was ended.
    Wrong(OAuthError),
}

/// A browser comes to sign out, with its session if it has one.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn log_out(
    ports: &Ports,
    parameters: &Parameters,
    session: Option<(&Session, &SecretString)>,
    request_id: Option<String>,
) -> Result<LogoutStep, Refusal> {
    let request = match read(ports, parameters).await? {
        Ok(request) => request,
        Err(error) => return Ok(LogoutStep::Wrong(error)),
    };
    let Some((session, secret)) = session else { return Ok(LogoutStep::Done(request)) };
    if !is_of(ports, request.hint.as_ref(), session).await? {
        return Ok(LogoutStep::Ask(request));
    }
    session::end(ports, secret, request_id).await?;
    Ok(LogoutStep::Done(request))
}

/// The person said yes on our own page.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn confirmed(
    ports: &Ports,
    parameters: &Parameters,
    secret: Option<&SecretString>,
    request_id: Option<String>,
) -> Result<LogoutStep, Refusal> {
    let request = match read(ports, parameters).await? {
        Ok(request) => request,
        Err(error) => return Ok(LogoutStep::Wrong(error)),
    };
    if let Some(secret) = secret {
        session::end(ports, secret, request_id).await?;
    }
    Ok(LogoutStep::Done(request))
}

async fn read(ports: &Ports, parameters: &Parameters) -> Result<Result<LogoutRequest, OAuthError>, Refusal> {
    let ring = keys::keyring(ports).await?;
    let issuer = ports.settings.server.public_url.as_str();
    let understood = || {
        let hint = match parameters.hint()? {
            // One whose key is gone says nothing; the person is asked instead.
            Some(token) => read_hint(token, issuer, ring.all()),
            None => None,
        };
        let named = parameters.one("client_id")?;
        let audience = hint.as_ref().map(|hint| hint.audience.as_str());
        if named.is_some() && audience.is_some() && named != audience {
            return Err(OAuthError::invalid_request("client_id is not the client of id_token_hint"));
        }
        let client = named.or(audience).and_then(|id| ports.issuing.client(id));
        let next = next(parameters, client.map(AsRef::as_ref))?;
        Ok(LogoutRequest { client: client.map(|client| client.name.clone()), next, hint })
    };
    Ok(understood())
}

/// Where the browser goes afterwards, compared exactly (RP-Initiated Logout §3).
fn next(parameters: &Parameters, client: Option<&Client>) -> Result<Option<SecretString>, OAuthError> {
    let Some(wanted) = parameters.one("post_logout_redirect_uri")? else { return Ok(None) };
    let is_registered =
        client.is_some_and(|client| client.post_logout_redirect_uris.iter().any(|own| own == wanted));
    if !is_registered {
        let fault =
            "post_logout_redirect_uri is not registered for the client that client_id or id_token_hint names";
        return Err(OAuthError::invalid_request(fault));
    }
    let state = parameters.one("state")?.map(|state| ("state", state));
    Ok(answer_url(wanted, state.as_slice()).map(SecretString::from))
}

/// Whether the hint is of this very session.
async fn is_of(ports: &Ports, hint: Option<&Hint>, session: &Session) -> Result<bool, Refusal> {
    let Some(hint) = hint else { return Ok(false) };
    let Ok(sid) = ClientSessionId::parse(&hint.session) else { return Ok(false) };
    let known = client_session::get(&mut ports.db.read().await?, sid).await?;
    Ok(known.is_some_and(|known| {
        known.session == session.id
            && known.client.as_str() == hint.audience
            && known.subject == hint.subject
            && known.ended_at.is_none()
    }))
}
