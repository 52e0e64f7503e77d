//! OAuth 2.0 clients of a directory, and the access tokens they get (RFC 6749 §4.4).
//!
//! Invariant: an access token is opaque and 256 random bits, only its hash is kept, it lives an hour at most and opens
//! nothing once the secret it was issued for is revoked. A client that nobody knows and a wrong secret are answered
//! alike.

use jiff::{SignedDuration, Timestamp};
use subtle::{Choice, ConstantTimeEq};
use uuid::Uuid;

use super::{Token, TokenKind, Wanted, digest, end_of, keep, random, roster, secret};
use crate::domain::ids::{DirectoryId, TokenId};
use crate::domain::scope::Scopes;
use crate::flows::directories::Denied;
use crate::flows::{Act, Ports, Refusal};
use crate::store::client::{self, ClientSecret};
use crate::store::token;

/// How long an access token lives.
pub const ACCESS_LASTS: SignedDuration = SignedDuration::from_hours(1);

/// A client's secret, shown once.
#[derive(Clone)]
pub struct NewSecret {
    /// The client, for both sides to name.
    pub client_id: String,
    /// The secret.
    pub client_secret: String,
    /// The secret's row, to revoke it by.
    pub id: TokenId,
}

impl std::fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSecret")
            .field("client_id", &self.client_id)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Makes a client of a directory with its first secret, or one more secret for `known`, so that the old one can be
/// replaced without a gap.
///
/// # Errors
///
/// [`Refusal::NotFound`] when the directory has no client `known`; [`Refusal::Invalid`] for a lifetime or a name that
/// does not do.
pub async fn create(
    ports: &Ports,
    act: &Act,
    directory: &DirectoryId,
    known: Option<&str>,
    name: &str,
    lifetime: SignedDuration,
) -> Result<NewSecret, Refusal> {
    create_as(ports, act, directory, known, &Wanted::new(name, lifetime)).await
}

/// Makes the secret that is wanted, likewise.
///
/// # Errors
///
/// As [`create`]; [`Refusal::Conflict`] where there is one of its id.
pub async fn create_as(
    ports: &Ports,
    act: &Act,
    directory: &DirectoryId,
    known: Option<&str>,
    wanted: &Wanted,
) -> Result<NewSecret, Refusal> {
    let client_id = match known {
        Some(known) => {
            let mut c = ports.db.read().await?;
            let secrets = token::of_owner(&mut c, TokenKind::Client, directory.as_str()).await?;
            if !secrets.iter().any(|secret| secret.client.as_deref() == Some(known)) {
                return Err(Refusal::not_found("client", known));
            }
            known.to_owned()
        }
        None => format!("pvc_{}", random::<16>()?),
    };
    let client_secret = format!("pvs_{}", secret()?);
    let row = Token {
        id: wanted.id,
        kind: TokenKind::Client,
        owner: directory.to_string(),
        name: roster::sound_name(&wanted.name)?,
        client: Some(client_id.clone()),
        scopes: Scopes::All,
        created_at: act.now,
        created_by: act.actor.to_string(),
        expires_at: end_of(act.now, wanted.lifetime)?,
        revoked_at: None,
        last_used_at: None,
    };
    let id = row.id;
    let action = if known.is_some() { "client_secret_created" } else { "client_created" };
    keep(ports, act, row, &client_secret, action).await?;
    Ok(NewSecret { client_id, client_secret, id })
}

/// What a client gets that asks for an access token.
#[derive(Clone)]
pub enum Granted {
    /// An access token, and how many seconds it lives.
    Token {
        /// The token, shown only now.
        access_token: String,
        /// Seconds.
        expires_in: i64,
    },
    /// Nobody knows the client, or the secret is not one of its own that is valid.
    Unknown,
    /// Too many wrong secrets: nothing is looked at for so many seconds.
    Wait(i64),
}

impl std::fmt::Debug for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Token { .. } => "Token",
            Self::Unknown => "Unknown",
            Self::Wait(_) => "Wait",
        })
    }
}

/// Gives a client of a directory an access token, where its secret is right.
///
/// # Errors
///
/// [`Refusal::Paused`] for the right secret of a directory that is paused; [`Refusal::Store`] when the database cannot
/// be reached.
pub async fn grant(
    ports: &Ports,
    directory: &DirectoryId,
    client_id: &str,
    client_secret: &str,
) -> Result<Granted, Refusal> {
    let now = ports.clock.now();
    if client_id.len() > 256 || client_secret.len() > 256 {
        return Ok(Granted::Unknown);
    }
    let hash = digest(client_secret);
    if let Some(seconds) = ports.patience.wait(client_id, &hash, now) {
        return Ok(Granted::Wait(seconds));
    }
    let secrets = {
        let mut c = ports.db.read().await?;
        client::secrets(&mut c, directory.as_str(), client_id).await?
    };
    let is_known = !secrets.is_empty();
    let Some(found) = right_one(secrets, &hash).filter(|found| found.token.is_valid_at(now)) else {
        if is_known {
            ports.patience.wrong(client_id, now);
            ports.activity.denied(directory.as_str(), Denied::WrongSecret, now);
        }
        return Ok(Granted::Unknown);
    };
    ports.patience.right(client_id, &hash, now);
    if let Some(since) = found.paused_since {
        return Err(Refusal::Paused { directory: directory.to_string(), since });
    }
    issue(ports, &found.token, now).await
}

/// The secret that has this hash. Every one is compared, each in the same time.
fn right_one(secrets: Vec<ClientSecret>, hash: &[u8]) -> Option<ClientSecret> {
    let mut right = None;
    for secret in secrets {
        let is_equal: Choice = secret.hash.ct_eq(hash);
        if bool::from(is_equal) {
            right = Some(secret);
        }
    }
    right
}

async fn issue(ports: &Ports, secret: &Token, now: Timestamp) -> Result<Granted, Refusal> {
    let access_token = format!("pva_{}", super::secret()?);
    let hash = digest(&access_token);
    let expires_at =
        now.saturating_add(ACCESS_LASTS).map_or(secret.expires_at, |end| end.min(secret.expires_at));
    let (id, of) = (TokenId::new(Uuid::now_v7()), secret.id);
    let is_issued = ports
        .db
        .write(move |c| Box::pin(async move { client::issue(c, id, of, &hash, now, expires_at).await }))
        .await?;
    if !is_issued {
        return Ok(Granted::Unknown);
    }
    ports.activity.used(secret.id, now);
    Ok(Granted::Token { access_token, expires_in: expires_at.duration_since(now).as_secs() })
}
