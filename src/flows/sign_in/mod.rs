//! Signs people in at their directory's provider, and gives them a session.
//!
//! The provider is asked while no transaction is open; then one transaction takes the attempt, finds the account,
//! judges it and writes session, evidence, audit and outbox.
//!
//! Groups in the token count only where nobody else tells of groups: two sources would fight.
//!
//! Invariant: an attempt belongs to one browser, lives ten minutes and gives at most one session; every sign-in gives
//! a new session secret, of which only the hash is kept.

mod address;
mod admit;
mod attempt;
mod identity;
pub(in crate::flows) mod newcomer;
mod realm;
mod refuse;
mod thaw;
mod ticket;
mod token_groups;

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;

use super::{Compiled, Ports, Refusal};
use crate::domain::access;
use crate::domain::ids::{AccountId, DirectoryId};
use crate::domain::language::Language;
use crate::domain::policy::Contact;
use crate::oidc::OidcError;

pub use crate::oidc::{LocalPath, Prompt, local_path};
pub use address::{came_from, is_ours, seen_at};
pub use attempt::{Begun, Wish, begin, landing};
pub use realm::{Entrance, by_address, entrances, has_domains};
pub(super) use ticket::Seal;
pub use ticket::Ticket;

/// What came back with the browser.
#[derive(Debug)]
pub struct Returned {
    /// The `state` parameter.
    pub state: SecretString,
    /// The `code`, or why there is none.
    pub answer: Answer,
    /// The `iss` parameter (RFC 9207).
    pub iss: Option<String>,
    /// What the browser keeps of the sign-ins that it began.
    pub tickets: Vec<Ticket>,
    /// The session that the browser still has; it is replaced.
    pub former: Option<SecretString>,
    /// The request it came by.
    pub request_id: Option<String>,
}

/// The provider's answer in the callback.
#[derive(Debug)]
pub enum Answer {
    /// A code to exchange.
    Code(SecretString),
    /// No code (RFC 6749 §4.1.2.1).
    Error {
        /// The code of the error.
        error: String,
        /// In the provider's words.
        description: Option<String>,
    },
}

/// How a sign-in ended.
#[derive(Debug)]
pub enum Outcome {
    /// The person is signed in.
    SignedIn(SignedIn),
    /// The person is known to the provider and does not get in.
    Refused(Box<Refused>),
    /// No attempt of this browser waits for this answer: used, too old, or begun elsewhere.
    TooOld,
    /// The provider is out of reach, or cannot be used as it is set.
    Unavailable(Retry),
}

/// A person who just signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// The session's secret, for the cookie.
    pub secret: SecretString,
    /// Where they wanted to go: a local path.
    pub return_to: String,
    /// Whose account it is.
    pub account: AccountId,
    /// The name of the browser's ticket, which is used up.
    pub ticket: String,
}

/// How the same person tries again.
#[derive(Debug, Clone)]
pub struct Retry {
    /// Through which directory.
    pub directory: DirectoryId,
    /// Where they wanted to go: a local path.
    pub return_to: String,
}

/// A person who does not get in.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub why: Why,
    /// The language of their account, where there is one.
    pub language: Option<Language>,
    /// As whom they came, to be shown to themselves.
    pub came_as: Option<String>,
    /// What leads to more: the id of the audit entry, or the reference of a request that waits.
    pub reference: String,
    /// Whether a person now has to decide whose account it is.
    pub waits: bool,
    /// When.
    pub at: Timestamp,
    /// The policy that this was judged by, which names whom to contact.
    pub compiled: Arc<Compiled>,
    /// How they try again.
    pub retry: Retry,
}

/// Why a person does not get in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// The account is not in use.
    NotInUse(access::Refusal),
    /// The directory has not told of the person.
    NotProvisioned,
    /// The person's account signs in with another subject already.
    AlreadyLinked,
    /// The subject was linked under another issuer.
    OtherIssuer,
    /// Nobody is linked without a person's word in this directory.
    AwaitsApproval,
    /// The name or the address belongs to somebody who is known.
    NameTaken,
    /// A person turned the subject down.
    TurnedDown,
    /// The token lists no groups because there are too many, and nobody else tells of them.
    GroupsUnknown,
    /// The directory says that the person is not active.
    NotActiveInDirectory,
    /// No rule gives a role, and the policy lets in nobody without one.
    NoRoles,
    /// The provider refused.
    ProviderRefused,
    /// What the provider sent did not pass this check.
    Unverified(&'static str),
}

impl Why {
    /// The stable code, for the audit. Codes are only added.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotInUse(refusal) => refusal.code(),
            Self::NotProvisioned => "not_provisioned",
            Self::AlreadyLinked => "already_linked",
            Self::OtherIssuer => "other_issuer",
            Self::AwaitsApproval => "awaits_approval",
            Self::NameTaken => "name_taken",
            Self::TurnedDown => "link_rejected",
            Self::GroupsUnknown => "groups_unknown",
            Self::NotActiveInDirectory => "not_active_in_directory",
            Self::NoRoles => "no_role",
            Self::ProviderRefused => "provider_refused",
            Self::Unverified(check) => check,
        }
    }

    /// The code as it is shown outside: which check a token failed stays in the audit.
    #[must_use]
    pub const fn shown_code(&self) -> &'static str {
        match self {
            Self::Unverified(_) => "not_verified",
            other => other.code(),
        }
    }

    /// Whether a subject could not be tied to an account.
    const fn is_about_linking(&self) -> bool {
        matches!(
            self,
            Self::NotProvisioned
                | Self::AlreadyLinked
                | Self::OtherIssuer
                | Self::AwaitsApproval
                | Self::NameTaken
                | Self::TurnedDown
        )
    }
}

/// Finishes a sign-in.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached, [`Refusal::NoPolicy`] before the first policy.
pub async fn finish(ports: &Ports, returned: Returned) -> Result<Outcome, Refusal> {
    let Some(attempt) = attempt::waiting(ports, &returned).await? else {
        count("unknown", "too_old");
        return Ok(Outcome::TooOld);
    };
    let directory = attempt.directory.clone();
    let retry = Retry { directory: directory.clone(), return_to: attempt.return_to.clone() };
    let outcome = match attempt::ask(ports, &attempt, &returned).await {
        Ok(person) => admit::admit(ports, attempt, person, &returned).await?,
        Err(error) => {
            if let Some(why) = doubt(&error) {
                tracing::warn!(directory.id = %directory, code = error.code(), %error,
                    "a sign-in through {directory} was refused: {error}");
                admit::refuse(ports, attempt, why, &returned).await?
            } else {
                told_unavailable(&directory, &error);
                attempt::spend(ports, attempt).await?;
                Outcome::Unavailable(retry)
            }
        }
    };
    let word = match &outcome {
        Outcome::SignedIn(_) => "signed_in",
        Outcome::Refused(_) => "refused",
        Outcome::TooOld => "too_old",
        Outcome::Unavailable(_) => "unavailable",
    };
    count(directory.as_str(), word);
    Ok(outcome)
}

/// Whom to contact about sign-ins; nothing before the first policy.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn contact(ports: &Ports) -> Result<Option<Contact>, Refusal> {
    let mut c = ports.db.read().await?;
    match ports.policies.current(&mut c).await {
        Ok(compiled) => Ok(Some(compiled.policy.contact.clone())),
        Err(Refusal::NoPolicy) => Ok(None),
        Err(other) => Err(other),
    }
}

/// What the person is told where the provider's answer is no; nothing where the provider failed to answer.
fn doubt(error: &OidcError) -> Option<Why> {
    match error {
        OidcError::ProviderSaidNo { error, .. }
            if matches!(error.as_str(), "temporarily_unavailable" | "server_error") =>
        {
            None
        }
        OidcError::ProviderSaidNo { .. } => Some(Why::ProviderRefused),
        OidcError::CallbackIssuer { .. } | OidcError::BadToken { .. } => Some(Why::Unverified(error.code())),
        OidcError::Settings { .. }
        | OidcError::HttpClient { .. }
        | OidcError::NoRandomness { .. }
        | OidcError::ProviderUnavailable { .. }
        | OidcError::ProviderUnusable { .. }
        | OidcError::IssuerMismatch { .. } => None,
    }
}

fn told_unavailable(directory: &DirectoryId, error: &OidcError) {
    if error.is_passing() {
        tracing::warn!(directory.id = %directory, code = error.code(), %error,
            "nobody can sign in through {directory} just now: {error}");
    } else {
        tracing::error!(directory.id = %directory, code = error.code(), %error,
            "nobody can sign in through {directory} until this is mended: {error}");
    }
}

fn count(directory: &str, outcome: &'static str) {
    metrics::counter!("portvakt_sign_ins_total", "directory" => directory.to_owned(), "outcome" => outcome)
        .increment(1);
}
