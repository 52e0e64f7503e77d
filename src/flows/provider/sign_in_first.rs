//! Requests that wait while the person signs in at the directory.
//!
//! Invariant: the address that the sign-in leads back to holds a random secret and nothing of the request, so that no
//! state, nonce or address of a person travels with it; what the client asked of the sign-in is found by that secret.

use jiff::{SignedDuration, Timestamp};

use super::super::{Ports, Refusal, sign_in, tokens};
use super::authorize::Step;
use super::request::{Prompt, Request};
use crate::config::Client;
use crate::domain::ids::SessionId;
use crate::oidc::{self, SignInRequest};
use crate::store::client_request::{self, ClientRequest};

/// A request waits for at most this long: a sign-in has ten minutes, and a second try must fit.
const LIFE: SignedDuration = SignedDuration::from_mins(30);

/// The path that leads back to a request; the secret follows.
const BACK: &str = "/oauth2/authorize?continue=";

/// How long a secret of [`tokens::secret`] is.
const SECRET_LENGTH: usize = 43;

/// A request that waits, with the secret that leads back to it.
#[derive(Clone)]
pub(super) struct Waiting {
    pub(super) secret: String,
    pub(super) request: Request,
    pub(super) row: ClientRequest,
}

impl Waiting {
    /// The hash under which it is kept.
    pub(super) fn hash(&self) -> Vec<u8> {
        tokens::digest(&self.secret)
    }

    /// Whether the session began after the request came.
    pub(super) fn is_followed_by(&self, session: SessionId) -> bool {
        self.row.former_session != Some(session)
    }
}

/// The request that this secret leads back to; nothing where it is unknown or too old.
pub(super) async fn find(ports: &Ports, secret: &str) -> Result<Option<Waiting>, Refusal> {
    if secret.len() != SECRET_LENGTH {
        return Ok(None);
    }
    let mut c = ports.db.read().await?;
    let Some(row) = client_request::find(&mut c, &tokens::digest(secret)).await? else { return Ok(None) };
    if ports.clock.now() >= row.expires_at {
        return Ok(None);
    }
    let Ok(request) = serde_json::from_value(row.request.clone()) else { return Ok(None) };
    Ok(Some(Waiting { secret: secret.to_owned(), request, row }))
}

/// Lets a request wait.
pub(super) async fn keep(
    ports: &Ports,
    client: &Client,
    request: &Request,
    former_session: Option<SessionId>,
    now: Timestamp,
) -> Result<Waiting, Refusal> {
    let written = serde_json::to_value(request).map_err(|error| Refusal::Outside(error.to_string()))?;
    let row = ClientRequest {
        client: client.id.clone(),
        request: written,
        former_session,
        created_at: now,
        expires_at: now.saturating_add(LIFE).unwrap_or(now),
    };
    let waiting = Waiting { secret: tokens::secret()?, request: request.clone(), row };
    let (hash, row) = (waiting.hash(), waiting.row.clone());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                client_request::forget(c, now).await?;
                client_request::begin(c, &row, &hash).await?;
                Ok::<_, Refusal>(())
            })
        })
        .await?;
    Ok(waiting)
}

/// The local path that leads back to a request.
pub(super) fn way_back(ports: &Ports, waiting: &Waiting) -> String {
    format!("{}{BACK}{}", ports.settings.server.public_url.path(), waiting.secret)
}

/// Sends the browser to sign in, to the directory that the hint names if it names one, and back to the request.
pub(super) fn go(ports: &Ports, waiting: &Waiting) -> Step {
    let hint = waiting.request.login_hint.as_deref();
    Step::SignIn {
        directory: hint.and_then(|hint| sign_in::by_address(ports, hint)),
        return_to: way_back(ports, waiting),
    }
}

/// What the sign-in that leads back to `return_to` shall ask of the directory: what the client asked for, where the
/// address leads back to a request of one.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub(in crate::flows) async fn asked_of_sign_in(
    ports: &Ports,
    return_to: &str,
) -> Result<SignInRequest, Refusal> {
    let path = return_to.strip_prefix(ports.settings.server.public_url.path());
    let Some(secret) = path.and_then(|path| path.strip_prefix(BACK)) else {
        return Ok(SignInRequest::default());
    };
    let Some(Waiting { request, row, .. }) = find(ports, secret).await? else {
        return Ok(SignInRequest::default());
    };
    let had_a_session = row.former_session.is_some();
    let prompt = match request.prompt {
        Prompt::SelectAccount => Some(oidc::Prompt::SelectAccount),
        Prompt::Login => Some(oidc::Prompt::Login),
        // The proof at hand is too old; not every directory heeds max_age.
        Prompt::Any | Prompt::None => {
            (request.max_age.is_some() && had_a_session).then_some(oidc::Prompt::Login)
        }
    };
    Ok(SignInRequest {
        login_hint: request.login_hint,
        prompt,
        max_age: request.max_age,
        acr_wished: request.acr_values,
        ..SignInRequest::default()
    })
}
