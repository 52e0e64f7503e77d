//! Makes bearer tokens for directories and CRMs, and recognises them.
//!
//! Invariant: a token is 256 random bits, shown once; only its hash is kept, and it opens one directory or target.

use jiff::{SignedDuration, Timestamp};
use rand::TryRng;
use rand::rngs::SysRng;
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Act, Ports, Refusal};
use crate::domain::actor::Subject;
use crate::domain::ids::TokenId;
pub use crate::store::token::{Token, TokenKind};

use crate::store::token;

/// A use is noted at most this often, so that a busy token is not a write per request.
const NOTE_USE_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// 256 random bits from the operating system, as 43 characters of base64url.
///
/// # Errors
///
/// [`Refusal::Outside`] when the operating system gives no randomness.
pub fn secret() -> Result<String, Refusal> {
    use base64::Engine as _;
    let mut bytes = [0_u8; 32];
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

/// Makes a token for `owner`, good for `lifetime`. Gives the token itself, which is shown only now.
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
    if lifetime <= SignedDuration::ZERO {
        return Err(Refusal::invalid(
            "expires-in",
            "a token must last longer than nothing, for example 365d",
        ));
    }
    let expires_at = act.now.checked_add(lifetime).map_err(|_| {
        Refusal::invalid("expires-in", "that is beyond the end of the calendar; write for example 365d")
    })?;
    let secret = format!("pv_{}", secret()?);
    let hash = digest(&secret);
    let row = Token {
        id: TokenId::new(Uuid::now_v7()),
        owner: owner.to_owned(),
        name: name.to_owned(),
        created_at: act.now,
        expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    let act = act.clone();
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                token::insert(c, &row, kind, &hash, &act.actor.to_string()).await?;
                let after = json!({ "kind": kind.name(), "owner": row.owner, "name": row.name,
                    "expires_at": row.expires_at.to_string() });
                act.record(c, "token_created", Subject::new("token", row.id), None, Some(after)).await?;
                Ok::<_, Refusal>(())
            })
        })
        .await?;
    Ok(secret)
}

/// Whose token this is; nothing for one that is unknown, expired or revoked.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn recognise(ports: &Ports, kind: TokenKind, secret: &str) -> Result<Option<Token>, Refusal> {
    if secret.is_empty() || secret.len() > 256 {
        return Ok(None);
    }
    let now = ports.clock.now();
    let Some(found) = token::by_hash(&ports.db, kind, &digest(secret)).await? else { return Ok(None) };
    if !found.is_valid_at(now) {
        return Ok(None);
    }
    if is_worth_noting(found.last_used_at, now) {
        let id = found.id;
        ports
            .db
            .write(move |c| Box::pin(async move { Ok::<_, Refusal>(token::used(c, id, now).await?) }))
            .await?;
    }
    Ok(Some(found))
}

fn is_worth_noting(last: Option<Timestamp>, now: Timestamp) -> bool {
    last.is_none_or(|last| now.duration_since(last) >= NOTE_USE_EVERY)
}
