//! Signs people out: by their own wish, or because the provider says so.
//!
//! Invariant: a provider's logout token is checked before the database is asked, works once, and ends only sessions
//! of its own directory.

use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::json;

use super::{Act, Ports, Refusal, session, tokens};
use crate::domain::actor::{Actor, Subject};
use crate::domain::ids::DirectoryId;
use crate::oidc::OidcError;
use crate::store::logout_token;

/// A token is remembered this much longer than it says, since clocks differ.
const REMEMBER_LONGER: SignedDuration = SignedDuration::from_mins(10);

/// Ends the session of this secret. Gives the address where the provider's own session ends too, if it offers one
/// (OpenID Connect RP-Initiated Logout §2).
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn by_person(
    ports: &Ports,
    secret: &SecretString,
    request_id: Option<String>,
) -> Result<Option<String>, Refusal> {
    let Some(directory) = session::end(ports, secret, request_id).await? else { return Ok(None) };
    let Some(party) = ports.parties.get(&directory) else { return Ok(None) };
    if party.keys_fetched_at().is_none()
        && let Err(error) = party.refresh(ports.clock.now()).await
    {
        // The session here has ended; that the provider's lives on is said on the page.
        tracing::warn!(directory.id = %directory, %error, "the provider of {directory} could not be asked: {error}");
    }
    Ok(party.end_session_url(None, &ports.settings.server.public_url.join("/sso/signed-out"), None))
}

/// What became of a logout token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderLogout {
    /// Believed; so many sessions ended.
    Done(usize),
    /// Not believed, or taken before.
    Refused,
    /// The provider's keys could not be had.
    Unavailable,
}

/// Takes a provider's logout token (OpenID Connect Back-Channel Logout §2.5).
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn by_provider(
    ports: &Ports,
    directory: &DirectoryId,
    token: &str,
    request_id: Option<String>,
) -> Result<ProviderLogout, Refusal> {
    let Some(party) = ports.parties.get(directory) else { return Ok(ProviderLogout::Refused) };
    let act = ports.act(Actor::Directory(directory.clone()), "provider logout").by_request(request_id);
    let outcome = match party.verify_logout_token(act.now, token).await {
        Ok(token) => {
            let until = token.exp.saturating_add(REMEMBER_LONGER).unwrap_or(token.exp);
            let notice = Notice {
                directory: directory.clone(),
                jti: tokens::digest(&token.jti),
                until,
                sid: token.sid,
                sub: token.sub,
            };
            end(ports, act, notice).await?
        }
        Err(error) => {
            tracing::warn!(directory.id = %directory, code = error.code(), %error,
                "a logout token of directory {directory} was not believed: {error}");
            match error {
                OidcError::BadToken { .. } => ProviderLogout::Refused,
                _ => ProviderLogout::Unavailable,
            }
        }
    };
    let word = match outcome {
        ProviderLogout::Done(_) => "done",
        ProviderLogout::Refused => "refused",
        ProviderLogout::Unavailable => "unavailable",
    };
    metrics::counter!("portvakt_provider_logouts_total", "directory" => directory.to_string(), "outcome" => word)
        .increment(1);
    Ok(outcome)
}

/// A believed logout token.
struct Notice {
    directory: DirectoryId,
    jti: Vec<u8>,
    until: jiff::Timestamp,
    sid: Option<String>,
    sub: Option<String>,
}

async fn end(ports: &Ports, act: Act, notice: Notice) -> Result<ProviderLogout, Refusal> {
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let Notice { directory, jti, until, sid, sub } = notice;
                logout_token::forget(c, act.now).await?;
                if !logout_token::take(c, &directory, &jti, until).await? {
                    return Ok::<_, Refusal>(ProviderLogout::Refused);
                }
                let ended =
                    logout_token::end_sessions(c, &directory, sid.as_deref(), sub.as_deref(), act.now)
                        .await?;
                for (session, account) in &ended {
                    let after = json!({ "directory": directory, "session": session });
                    act.record(c, "signed_out", Subject::new("account", account), None, Some(after)).await?;
                }
                Ok(ProviderLogout::Done(ended.len()))
            })
        })
        .await
}
