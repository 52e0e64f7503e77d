//! Subjects that signed in and lead to no account, and the person who says whose they are.
//!
//! Invariant: both sides are shown before anybody decides, and nothing but a decision, with a reason, ties a subject
//! that waits here to an account.

mod decide;
pub(super) mod queue;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Ports, Refusal};
use crate::domain::account::{Account, Status};
use crate::domain::ids::{AccountId, DirectoryId};
use crate::store::link_request::{self, LinkRequest};
use crate::store::{Conn, account, identity, subject};

pub use crate::store::link_request::LinkState;
pub use decide::{Approval, Onto, approve, reject};

/// What the provider said of somebody. Nothing here is a key but the subject.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// The value of the claim that names the person.
    pub subject: String,
    /// The name to show.
    pub name: Option<String>,
    /// The name they sign in with at the provider.
    pub user_name: Option<String>,
    /// The address.
    pub email: Option<String>,
    /// Whether the provider vouches for the address.
    pub email_verified: bool,
    /// The language they read.
    pub locale: Option<String>,
    /// The groups, where the token spoke of them.
    pub groups: Option<Value>,
}

/// A request with both its sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct View {
    /// What people call it by.
    pub reference: String,
    /// `waiting`, `approved` or `rejected`.
    pub state: &'static str,
    /// Through which directory.
    pub directory: DirectoryId,
    /// Why it led to no account.
    pub code: String,
    /// When it came first.
    pub first_at: Timestamp,
    /// When it came last.
    pub last_at: Timestamp,
    /// How often it came.
    pub attempts: i64,
    /// The issuer of the token.
    pub issuer: String,
    /// What the provider says.
    pub came: Claims,
    /// Whom it may belong to.
    pub proposal: Option<Side>,
    /// What was decided.
    pub decided: Option<Decided>,
}

/// The account that a request may belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Which.
    pub account: AccountId,
    /// Its sign-in name.
    pub user_name: String,
    /// The person's name.
    pub display_name: String,
    /// The address.
    pub email: Option<String>,
    /// Its status.
    pub status: Status,
    /// The directories that know the person.
    pub directories: BTreeSet<DirectoryId>,
    /// What speaks for it: `immutable_id`, `same_subject` or `verified_address`.
    pub by: String,
    /// Whether another subject of that directory signs in as it already; then only `--replace` ties this one.
    pub signs_in_already: bool,
    /// Whether it is protected: then nothing ties it.
    pub is_protected: bool,
}

/// A person's decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decided {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub why: String,
    /// The account that it was tied to.
    pub account: Option<AccountId>,
}

/// Requests in a state, the oldest first.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn list(ports: &Ports, state: LinkState) -> Result<Vec<View>, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let mut views = Vec::new();
    for request in link_request::in_state(&mut c, state).await? {
        views.push(view(&mut c, request).await?);
    }
    Ok(views)
}

/// One request, by its reference in any writing.
///
/// # Errors
///
/// [`Refusal::NotFound`] when there is none of that reference.
pub async fn show(ports: &Ports, reference: &str) -> Result<View, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let request = found(link_request::get(&mut c, &queue::plain(reference)).await?, reference)?;
    view(&mut c, request).await
}

fn found(request: Option<LinkRequest>, reference: &str) -> Result<LinkRequest, Refusal> {
    request.ok_or_else(|| Refusal::not_found("request to be linked of the reference", reference))
}

async fn view(c: &mut Conn, request: LinkRequest) -> Result<View, Refusal> {
    let proposal = match request.proposed {
        Some(id) => side(c, &request, id).await?,
        None => None,
    };
    let decided = match (request.decided_at, request.decided_by, request.decided_why) {
        (Some(at), Some(by), Some(why)) => Some(Decided { at, by, why, account: request.account }),
        _ => None,
    };
    Ok(View {
        reference: request.reference,
        state: request.state.name(),
        directory: request.directory,
        code: request.code,
        first_at: request.first_at,
        last_at: request.last_at,
        attempts: request.attempts,
        issuer: request.issuer,
        came: serde_json::from_value(request.claims).unwrap_or_default(),
        proposal,
        decided,
    })
}

async fn side(c: &mut Conn, request: &LinkRequest, id: AccountId) -> Result<Option<Side>, Refusal> {
    let Some(Account { user_name, display_name, email, standing, is_protected, .. }) =
        account::get(c, id).await?
    else {
        return Ok(None);
    };
    let identities = identity::of_account(c, id).await?;
    let living = identities.into_iter().filter(|one| one.deleted_at.is_none());
    let other = subject::of_account_in(c, &request.directory, id).await?;
    Ok(Some(Side {
        account: id,
        user_name,
        display_name,
        email,
        status: standing.status,
        directories: living.map(|one| one.directory).collect(),
        by: request.proposed_by.clone().unwrap_or_default(),
        signs_in_already: other.is_some_and(|other| other != request.subject),
        is_protected,
    }))
}
