//! Signs people out: by their own wish, or because the provider says so.
//!
//! Invariant: a provider's logout token is checked before the database is asked, works once, and ends only sessions
//! of its own directory.

use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::json;

use super::session::{self, Ended};
use super::{Act, Ports, Refusal, sign_in, tokens};
use crate::domain::actor::{Actor, Subject};
use crate::domain::ids::DirectoryId;
use crate::oidc::OidcError;
use crate::store::logout_token;

/// A token is remembered this much longer than it says, since clocks differ.
const REMEMBER_LONGER: SignedDuration = SignedDuration::from_mins(10);

/// Ends the session of this secret. Gives the address where the provider's own session ends too, if it offers one
/// (OpenID Connect RP-Initiated Logout §2); the browser comes back to the host that it names.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn by_person(
    ports: &Ports,
    secret: &SecretString,
    host: Option<&str>,
    request_id: Option<String>,
) -> Result<Option<String>, Refusal> {
    let Some(Ended { directory, id_token }) = session::end(ports, secret, request_id).await? else {
        return Ok(None);
    };
    let Some(party) = ports.parties.get(&directory) else { return Ok(None) };
    if party.keys_fetched_at().is_none()
        && let Err(error) = party.refresh(ports.clock.now()).await
    {
        // The session here has ended; that the provider's lives on is said on the page.
        tracing::warn!(directory.id = %directory, %error, "the provider of {directory} could not be asked: {error}");
    }
    let back = sign_in::seen_at(ports, host).join("/sso/signed-out");
    Ok(party.end_session_url(id_token.as_ref(), &back, None))
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
            let outcome = end(ports, act.clone(), notice).await?;
            if outcome == ProviderLogout::Refused {
                disbelieved(ports, &act, directory, "token_replayed").await?;
            }
            outcome
        }
        Err(error) => {
            tracing::warn!(directory.id = %directory, code = error.code(), %error,
                "a logout token of directory {directory} was not believed: {error}");
            match error {
                OidcError::BadToken { .. } => {
                    disbelieved(ports, &act, directory, error.code()).await?;
                    ProviderLogout::Refused
                }
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

/// Writes down that a logout token was not believed: once a minute for each reason, for anybody can send one.
async fn disbelieved(
    ports: &Ports,
    act: &Act,
    directory: &DirectoryId,
    code: &'static str,
) -> Result<(), Refusal> {
    if ports.tally.one_more(&format!("logout {directory} {code}"), act.now) > 1 {
        return Ok(());
    }
    let (act, directory) = (act.clone(), directory.clone());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let after = json!({ "directory": directory, "code": code });
                let subject = Subject::new("directory", &directory);
                act.record(c, "provider_logout_refused", subject, None, Some(after)).await?;
                Ok::<_, Refusal>(())
            })
        })
        .await
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
