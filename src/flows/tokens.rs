//! Makes bearer tokens for directories and CRMs, and recognises them.
//!
//! Invariant: a token is 256 random bits, shown once; only its hash is kept, and it opens one directory or target.
//! Recognising one is a single read; its last use is noted elsewhere, and never fails the request.

pub mod client;
pub mod expiry;
mod patience;
pub mod roster;

use jiff::{SignedDuration, Timestamp};
use rand::TryRng;
use rand::rngs::SysRng;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::directories::Denied;
use super::{Act, Ports, Refusal};
use crate::domain::actor::Subject;
use crate::domain::ids::TokenId;
use crate::domain::scope::Scopes;
pub use crate::store::token::{Token, TokenKind};

pub use patience::Patience;

use crate::store::Epoch;
use crate::store::token::{self, Presented};

/// A use is noted at most this often, so that a busy token is not a write per request.
const NOTE_USE_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// How long what [`secret`] gives is.
const SECRET_LENGTH: usize = 43;

/// 256 random bits from the operating system, as 43 characters of base64url.
///
/// # Errors
///
/// [`Refusal::Outside`] when the operating system gives no randomness.
pub fn secret() -> Result<String, Refusal> {
    random::<32>()
}

/// Whether it looks like what [`secret`] gives: what a browser brings may be anything.
pub(super) fn is_secret(text: &SecretString) -> bool {
    let text = text.expose_secret();
    text.len() == SECRET_LENGTH && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Random bytes from the operating system as base64url.
fn random<const BYTES: usize>() -> Result<String, Refusal> {
    use base64::Engine as _;
    let mut bytes = [0_u8; BYTES];
    SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(|e| Refusal::Outside(format!("the operating system gives no random numbers: {e}")))?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

/// The form in which a secret is kept. A random 256-bit secret needs no salt and no slow hash.
#[must_use]
pub fn digest(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// When something made now ends.
fn end_of(now: Timestamp, lifetime: SignedDuration) -> Result<Timestamp, Refusal> {
    if lifetime <= SignedDuration::ZERO {
        return Err(Refusal::invalid(
            "expires-in",
            "a token must last longer than nothing, for example 365d",
        ));
    }
    now.checked_add(lifetime).map_err(|_| {
        Refusal::invalid("expires-in", "that is beyond the end of the calendar; write for example 365d")
    })
}

/// Makes a token for `owner` that opens everything of its kind, good for `lifetime`. Gives the token itself, which is
/// shown only now.
///
/// # Errors
///
/// [`Refusal`] when the lifetime is not positive or the database cannot be reached.
pub async fn create(
    ports: &Ports,
    act: &Act,
    kind: TokenKind,
    owner: &str,
    name: &str,
    lifetime: SignedDuration,
) -> Result<String, Refusal> {
    create_for(ports, act, (kind, owner), name, lifetime, Scopes::All).await
}

/// Makes a token for the owner, of its kind, that opens only these `scopes`, likewise.
///
/// # Errors
///
/// As [`create`].
pub async fn create_for(
    ports: &Ports,
    act: &Act,
    owner: (TokenKind, &str),
    name: &str,
    lifetime: SignedDuration,
    scopes: Scopes,
) -> Result<String, Refusal> {
    create_as(ports, act, owner, Wanted { scopes, ..Wanted::new(name, lifetime) }).await
}

/// A token or secret that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its id: whoever asks twice under one id gets one token.
    pub id: TokenId,
    /// What to call it.
    pub name: String,
    /// How long it is good for.
    pub lifetime: SignedDuration,
    /// What it opens; of a target's token alone.
    pub scopes: Scopes,
}

impl Wanted {
    /// One that opens everything of its kind, under an id of its own.
    #[must_use]
    pub fn new(name: &str, lifetime: SignedDuration) -> Self {
        Self { id: TokenId::new(Uuid::now_v7()), name: name.to_owned(), lifetime, scopes: Scopes::All }
    }
}

/// Makes the token that is wanted for the owner, of its kind. Gives the token itself, which is shown only now.
///
/// # Errors
///
/// As [`create`]; [`Refusal::Conflict`] where there is one of its id.
pub async fn create_as(
    ports: &Ports,
    act: &Act,
    (kind, owner): (TokenKind, &str),
    wanted: Wanted,
) -> Result<String, Refusal> {
    let expires_at = end_of(act.now, wanted.lifetime)?;
    let secret = format!("pv_{}", secret()?);
    let row = Token {
        id: wanted.id,
        kind,
        owner: owner.to_owned(),
        name: roster::sound_name(&wanted.name)?,
        client: None,
        scopes: wanted.scopes,
        created_at: act.now,
        created_by: act.actor.to_string(),
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    keep(ports, act, row, &secret, "token_created").await?;
    Ok(secret)
}

/// Writes a new token or secret, and what the audit says of it.
async fn keep(
    ports: &Ports,
    act: &Act,
    row: Token,
    secret: &str,
    action: &'static str,
) -> Result<(), Refusal> {
    let (act, hash) = (act.clone(), digest(secret));
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                if !token::insert(c, &row, &hash).await? {
                    return Err(Refusal::Conflict(
                        "it was made already, and is not shown again; revoke it and make another".to_owned(),
                    ));
                }
                let mut after = json!({ "kind": row.kind.name(), "owner": row.owner, "name": row.name,
                    "client": row.client, "expires_at": row.expires_at.to_string() });
                if let Scopes::Only(_) = row.scopes
                    && let Some(members) = after.as_object_mut()
                {
                    members.insert("scopes".to_owned(), json!(row.scopes));
                }
                act.record(c, action, Subject::new("token", row.id), None, Some(after)).await?;
                Ok(())
            })
        })
        .await
}

/// Whose token this is; nothing for one that is unknown, expired or revoked.
///
/// # Errors
///
/// [`Refusal::Paused`] for a good token of a directory that is paused; [`Refusal::Store`] when the database cannot be
/// reached.
pub async fn recognise(ports: &Ports, kind: TokenKind, secret: &str) -> Result<Option<Token>, Refusal> {
    let epoch = ports.db.epoch_at_hand().await?;
    recognise_in(ports, epoch, kind, secret).await
}

/// Whose token this is, likewise, and the state that the database is in since it was shown: what is asked with it can
/// be answered from there.
///
/// # Errors
///
/// As [`recognise`].
pub async fn recognise_at(
    ports: &Ports,
    kind: TokenKind,
    secret: &str,
) -> Result<Option<(Token, Epoch)>, Refusal> {
    let epoch = ports.db.epoch().await?;
    let token = recognise_in(ports, Some(epoch), kind, secret).await?;
    Ok(token.map(|token| (token, epoch)))
}

async fn recognise_in(
    ports: &Ports,
    epoch: Option<Epoch>,
    kind: TokenKind,
    secret: &str,
) -> Result<Option<Token>, Refusal> {
    if secret.is_empty() || secret.len() > 256 {
        return Ok(None);
    }
    let now = ports.clock.now();
    let found = token::by_hash(&ports.db, epoch, kind, digest(secret)).await?;
    let Some(Presented { token, noted_on, paused_since }) = found else { return Ok(None) };
    if !token.is_valid_at(now) {
        let why = if token.revoked_at.is_some() { Denied::Revoked } else { Denied::Expired };
        ports.activity.denied(&token.owner, why, now);
        return Ok(None);
    }
    if is_worth_noting(token.last_used_at, now) {
        ports.activity.used(noted_on, now);
    }
    match paused_since {
        None => Ok(Some(token)),
        Some(since) => Err(Refusal::Paused { directory: token.owner, since }),
    }
}

fn is_worth_noting(last: Option<Timestamp>, now: Timestamp) -> bool {
    last.is_none_or(|last| now.duration_since(last) >= NOTE_USE_EVERY)
}
