//! Lists and revokes what opens a directory or a target: tokens, and the secrets of OAuth clients.
//!
//! Invariant: nothing here shows a secret, nor a hash of one; a revocation is in the audit and holds from its commit.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{Token, TokenKind};
use crate::domain::actor::Subject;
use crate::domain::days::days_between;
use crate::domain::ids::TokenId;
use crate::domain::scope::Scopes;
use crate::flows::{Act, Ports, Refusal};
use crate::store::{Conn, StoreError, client, token};

/// Fewest characters of an id that name a token.
const FEWEST: usize = 8;

/// Longest name, in characters.
const LONGEST_NAME: usize = 100;

/// How a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It opens what it is for.
    Valid,
    /// It does, and ends within 30 days.
    Ending,
    /// Its time is over.
    Expired,
    /// Somebody revoked it.
    Revoked,
}

/// A token or secret, for whoever looks after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its id, which is no secret: what `revoke` asks for.
    pub id: TokenId,
    /// `token` or `client`.
    pub kind: &'static str,
    /// The OAuth client whose secret it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// What its maker calls it.
    pub name: String,
    /// What it opens of the APIs; of a CRM's token alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Scopes>,
    /// Since when.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// It ends then.
    pub expires_at: Timestamp,
    /// When it was last used, to five minutes.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// How it stands.
    pub state: State,
    /// Whole days until it ends, where it still opens something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days_left: Option<i64>,
}

impl Line {
    /// The line of a token at `now`.
    #[must_use]
    pub fn of(token: Token, now: Timestamp) -> Self {
        let days_left = token.is_valid_at(now).then(|| days_between(now, token.expires_at));
        let state = match days_left {
            Some(days) if days < super::expiry::FIRST_WARNING_DAYS => State::Ending,
            Some(_) => State::Valid,
            None if token.revoked_at.is_some() => State::Revoked,
            None => State::Expired,
        };
        Self {
            id: token.id,
            kind: if token.kind == TokenKind::Client { "client" } else { "token" },
            client_id: token.client,
            name: token.name,
            scopes: (token.kind == TokenKind::Target).then_some(token.scopes),
            created_at: token.created_at,
            created_by: token.created_by,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
            revoked_at: token.revoked_at,
            state,
            days_left,
        }
    }

    /// Whether it opens anything.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        matches!(self.state, State::Valid | State::Ending)
    }
}

/// A name for a token as it may stand in lists.
///
/// # Errors
///
/// [`Refusal::Invalid`] for one that is empty, too long, or holds control characters.
pub(super) fn sound_name(name: &str) -> Result<String, Refusal> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        let problem = format!("write a name of 1 to {LONGEST_NAME} characters");
        return Err(Refusal::invalid("name", problem));
    }
    Ok(name.to_owned())
}

/// The tokens of a directory or target, the newest first; for kind `Client` the secrets of its OAuth clients.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn list(ports: &Ports, kind: TokenKind, owner: &str) -> Result<Vec<Line>, Refusal> {
    let mut c = ports.db.read().await?;
    Ok(of(&mut c, kind, owner, ports.clock.now()).await?)
}

/// The same, by a connection that is there.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub(in crate::flows) async fn of(
    c: &mut Conn,
    kind: TokenKind,
    owner: &str,
    now: Timestamp,
) -> Result<Vec<Line>, StoreError> {
    let tokens = token::of_owner(c, kind, owner).await?;
    Ok(tokens.into_iter().map(|token| Line::of(token, now)).collect())
}

/// What a revocation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// What was revoked now.
    pub ids: Vec<TokenId>,
    /// Whether nothing was left to revoke.
    pub was_done: bool,
}

/// Revokes a token of `owner`, named by its id or the beginning of it; for kind `Client` also all secrets of a client,
/// by its client id. It opens nothing from then on; nor does any access token issued for it.
///
/// # Errors
///
/// [`Refusal::NotFound`] or [`Refusal::Ambiguous`] when `which` names none, or several.
pub async fn revoke(
    ports: &Ports,
    act: &Act,
    kind: TokenKind,
    owner: &str,
    which: &str,
) -> Result<Revoked, Refusal> {
    let known = {
        let mut c = ports.db.read().await?;
        token::of_owner(&mut c, kind, owner).await?
    };
    if known.iter().any(|token| token.client.as_deref() == Some(which)) {
        return revoke_client(ports, act, owner, which).await;
    }
    let found = one_of(kind, known, which)?;
    let (id, act) = (found.id, act.clone());
    let is_new = ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let is_new = token::revoke(c, found.id, act.now).await?;
                if is_new {
                    record(c, &act, &found).await?;
                }
                Ok::<_, Refusal>(is_new)
            })
        })
        .await?;
    Ok(Revoked { ids: is_new.then_some(id).into_iter().collect(), was_done: !is_new })
}

async fn revoke_client(ports: &Ports, act: &Act, owner: &str, client_id: &str) -> Result<Revoked, Refusal> {
    let (act, owner, client_id) = (act.clone(), owner.to_owned(), client_id.to_owned());
    let ids = ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let known = token::of_owner(c, TokenKind::Client, &owner).await?;
                let ids = client::revoke(c, &owner, &client_id, act.now).await?;
                for secret in known.iter().filter(|secret| ids.contains(&secret.id)) {
                    record(c, &act, secret).await?;
                }
                Ok::<_, Refusal>(ids)
            })
        })
        .await?;
    Ok(Revoked { was_done: ids.is_empty(), ids })
}

async fn record(c: &mut Conn, act: &Act, token: &Token) -> Result<(), StoreError> {
    let action = match token.kind {
        TokenKind::Client => "client_secret_revoked",
        TokenKind::Directory | TokenKind::Target | TokenKind::Metrics => "token_revoked",
    };
    let before = json!({ "kind": token.kind.name(), "owner": token.owner, "name": token.name,
        "client": token.client, "expires_at": token.expires_at.to_string() });
    act.record(c, action, Subject::new("token", token.id), Some(before), None).await?;
    Ok(())
}

fn one_of(kind: TokenKind, known: Vec<Token>, which: &str) -> Result<Token, Refusal> {
    let wanted = which.trim().to_ascii_lowercase();
    let is_meant = |token: &Token| {
        let id = token.id.to_string();
        id == wanted || (wanted.len() >= FEWEST && id.starts_with(&wanted))
    };
    let mut meant = known.into_iter().filter(is_meant);
    match (meant.next(), meant.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => {
            let what = if kind == TokenKind::Client { "client or secret" } else { "token" };
            Err(Refusal::not_found(what, which))
        }
        (Some(_), Some(_)) => {
            let problem = format!("{which:?} begins the id of more than one; write more of it");
            Err(Refusal::invalid("id", problem))
        }
    }
}
