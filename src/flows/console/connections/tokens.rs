//! Tokens and client secrets at the console: made, made anew beside the old one, and revoked.
//!
//! Invariant: a secret is given out once, by the very call that makes it, and goes into no log, note or audit. Asking
//! twice with one form makes one token. Whoever makes or revokes one is an administrator.

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::super::super::people;
use super::super::super::tokens::roster::{self, Line, Revoked, State};
use super::super::super::tokens::{self, TokenKind, Wanted, client};
use super::super::super::{Ports, Refusal};
use super::super::ConsoleActor;
use super::super::who::{self, Names};
use super::{directory, target};
use crate::domain::ids::{DirectoryId, TargetId, TokenId};
use crate::domain::scope::{Scope, Scopes};

/// Whose tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// What a directory pushes with.
    Directory(DirectoryId),
    /// What a CRM asks with.
    Target(TargetId),
}

/// What kind of secret is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A token, sent as it is.
    Token,
    /// An OAuth client with its first secret; of a directory only.
    Client,
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The id of what is made, chosen when the form was shown.
    pub id: TokenId,
    /// A token or a client.
    pub kind: Kind,
    /// What to call it.
    pub name: String,
    /// For how many days it is good.
    pub days: i64,
    /// What it opens; of a CRM's token alone. Nothing: everything.
    pub scopes: Vec<String>,
}

/// What was made. The secret is in it, this once.
#[derive(Debug)]
pub struct Made {
    /// Its id, which is no secret.
    pub id: TokenId,
    /// What it is called.
    pub name: String,
    /// The OAuth client, where it is the secret of one.
    pub client_id: Option<String>,
    /// The secret.
    pub secret: SecretString,
    /// It ends then.
    pub expires_at: Timestamp,
}

impl Owner {
    /// A directory of the settings.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotFound`] when they have none of that name.
    pub fn directory(ports: &Ports, name: &str) -> Result<Self, Refusal> {
        Ok(Self::Directory(directory::named(ports, name)?.id.clone()))
    }

    /// A target of the settings.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotFound`] when they have none of that name.
    pub fn target(ports: &Ports, name: &str) -> Result<Self, Refusal> {
        Ok(Self::Target(target::named(ports, name)?))
    }

    /// Its name in the settings.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Directory(id) => id.as_str(),
            Self::Target(id) => id.as_str(),
        }
    }

    const fn kind(&self, is_client: bool) -> TokenKind {
        match self {
            Self::Directory(_) if is_client => TokenKind::Client,
            Self::Directory(_) => TokenKind::Directory,
            Self::Target(_) => TokenKind::Target,
        }
    }
}

/// Every scope that a CRM's token can have, by its name.
#[must_use]
pub fn scopes() -> Vec<&'static str> {
    Scope::ALL.iter().map(|scope| scope.name()).collect()
}

/// The tokens and client secrets of a directory or target, the newest first, and the names of those who made them.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn list(ports: &Ports, owner: &Owner) -> Result<(Vec<Line>, Names), Refusal> {
    let mut lines = roster::list(ports, owner.kind(false), owner.as_str()).await?;
    if let Owner::Directory(id) = owner {
        lines.extend(roster::list(ports, TokenKind::Client, id.as_str()).await?);
    }
    lines.sort_by_key(|line| std::cmp::Reverse((line.created_at, line.id)));
    let mut c = ports.db.read().await?;
    let makers = lines.iter().filter_map(|line| who::account_of(&line.created_by));
    let names = who::names(&mut c, makers).await?;
    Ok((lines, names))
}

/// One of them, by its whole id.
///
/// # Errors
///
/// [`Refusal::NotFound`] where the owner has none of that id; [`Refusal::Store`] when the database cannot be reached.
pub async fn one(ports: &Ports, owner: &Owner, id: &str) -> Result<(Line, Names), Refusal> {
    let (lines, names) = list(ports, owner).await?;
    let found = lines.into_iter().find(|line| line.id.to_string() == id);
    Ok((found.ok_or_else(|| Refusal::not_found("token", id))?, names))
}

/// Makes a token, or a client with its first secret.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; [`Refusal::Invalid`] for a name, lifetime or scope that does not do;
/// [`Refusal::Conflict`] where this very wish was fulfilled before; [`Refusal::Store`] when the database cannot be
/// reached.
pub async fn create(
    ports: &Ports,
    actor: &ConsoleActor,
    owner: &Owner,
    wish: &Wish,
) -> Result<Made, Refusal> {
    let act = actor.administering()?;
    let scopes = Scopes::parse(wish.scopes.iter().map(String::as_str))
        .map_err(|unknown| Refusal::invalid("scope", unknown))?;
    let lifetime = lifetime(wish.days)?;
    let wanted = Wanted { id: wish.id, name: wish.name.clone(), lifetime, scopes };
    let expires_at = act.now.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
    let (client_id, secret) = match (owner, &wish.kind) {
        (Owner::Directory(id), Kind::Client) => {
            let made = client::create_as(ports, act, id, None, &wanted).await?;
            (Some(made.client_id), made.client_secret)
        }
        (Owner::Target(_), Kind::Client) => {
            return Err(Refusal::invalid("kind", "a CRM has tokens, and no OAuth clients of this sort"));
        }
        (owner, Kind::Token) => {
            let owner = (owner.kind(false), owner.as_str());
            (None, tokens::create_as(ports, act, owner, wanted).await?)
        }
    };
    Ok(Made { id: wish.id, name: wish.name.clone(), client_id, secret: secret.into(), expires_at })
}

/// Makes a token or secret under the new id that opens what the old one opens. The old one is good until it is revoked
/// or ends, so that whoever uses it can change without a gap.
///
/// # Errors
///
/// As [`create`]; [`Refusal::NotFound`] where the owner has none of that id; [`Refusal::Conflict`] where it is revoked.
pub async fn renew(
    ports: &Ports,
    actor: &ConsoleActor,
    owner: &Owner,
    old: &str,
    (id, days): (TokenId, i64),
) -> Result<Made, Refusal> {
    let act = actor.administering()?;
    let (line, _) = one(ports, owner, old).await?;
    if line.state == State::Revoked {
        return Err(Refusal::Conflict(format!("{old} is revoked; make a new one instead")));
    }
    let (act, lifetime) = (act.because(format!("renews {old}")), lifetime(days)?);
    let expires_at = act.now.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
    let wanted = Wanted { id, name: line.name.clone(), lifetime, scopes: line.scopes.unwrap_or_default() };
    let secret = match (owner, &line.client_id) {
        (Owner::Directory(directory), Some(known)) => {
            client::create_as(ports, &act, directory, Some(known), &wanted).await?.client_secret
        }
        (owner, _) => tokens::create_as(ports, &act, (owner.kind(false), owner.as_str()), wanted).await?,
    };
    Ok(Made { id, name: line.name, client_id: line.client_id, secret: secret.into(), expires_at })
}

/// Revokes a token or secret, or with `whole` every secret of its client. Whatever it opened is closed from then on.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; [`Refusal::Invalid`] without a reason; [`Refusal::NotFound`] where the owner has none of
/// that id; as [`roster::revoke`].
pub async fn revoke(
    ports: &Ports,
    actor: &ConsoleActor,
    owner: &Owner,
    (id, whole): (&str, bool),
    reason: &str,
) -> Result<Revoked, Refusal> {
    let act = actor.administering()?.because(people::named(reason)?);
    let (line, _) = one(ports, owner, id).await?;
    let kind = owner.kind(line.client_id.is_some());
    let which = line.client_id.filter(|_| whole).unwrap_or_else(|| id.to_owned());
    roster::revoke(ports, &act, kind, owner.as_str(), &which).await
}

/// So many days.
fn lifetime(days: i64) -> Result<SignedDuration, Refusal> {
    days.checked_mul(24)
        .and_then(SignedDuration::try_from_hours)
        .ok_or_else(|| Refusal::invalid("days", "write a number of days, such as 365"))
}
