//! What the directories say of somebody, what we say, and what each CRM was told, beside each other.
//!
//! Invariant: read from what was written; no directory and no CRM is asked.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::super::compare::{self, ThreeWays};
use super::super::super::people::{self, GroupStory};
use super::super::super::{Ports, Refusal, post};
use super::super::ConsoleActor;
use crate::domain::ids::{AccountId, TargetId};
use crate::scim::resource;
use crate::store::identity::Identity;
use crate::store::outbox::Waiting;
use crate::store::{account, delivered, identity, outbox};

/// What one directory says of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What the directory is called.
    pub directory: String,
    /// Its own id of the person.
    pub external_id: Option<String>,
    /// Whether it says active; nothing: it has deleted the person.
    pub active: Option<bool>,
    /// The sign-in name.
    pub user_name: Option<String>,
    /// The person's name.
    pub display_name: Option<String>,
    /// Where mail goes.
    pub email: Option<String>,
    /// The language.
    pub language: Option<String>,
    /// The department.
    pub department: Option<String>,
    /// The manager, as the directory writes it.
    pub manager: Option<String>,
    /// When it last said something new.
    pub at: Timestamp,
}

/// What one CRM was told, and what it has yet to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The CRM.
    pub target: TargetId,
    /// Its own id of the account.
    pub crm_id: Option<String>,
    /// What it took last.
    pub proof: Option<Proof>,
    /// What waits, or was given up.
    pub pending: Option<Pending>,
}

/// What a CRM took last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The version.
    pub version: i64,
    /// When.
    pub at: Timestamp,
    /// What it answered, shortened.
    pub answer: String,
}

/// What a CRM has yet to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The version.
    pub version: i64,
    /// Since when it waits.
    pub since: Timestamp,
    /// When the next attempt is due.
    pub due_at: Timestamp,
    /// How many attempts failed.
    pub attempts: i64,
    /// What the last one said.
    pub error: Option<String>,
    /// Whether it was given up.
    pub is_dead: bool,
}

/// The sides, beside each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// Each directory's person, the oldest first.
    pub directories: Vec<Told>,
    /// The groups that they are in.
    pub groups: Vec<GroupStory>,
    /// Each CRM, in the order of the names.
    pub crms: Vec<Delivery>,
}

impl Delivery {
    /// Whether the CRM took this version.
    #[must_use]
    pub fn has(&self, version: i64) -> bool {
        self.proof.as_ref().is_some_and(|proof| version <= proof.version)
    }
}

/// What every side says of an account.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn sides(ports: &Ports, actor: &ConsoleActor, id: AccountId) -> Result<Sides, Refusal> {
    let crms = deliveries(ports, actor, id).await?;
    let mut c = ports.db.snapshot().await?;
    let identities = identity::of_account(&mut c, id).await?;
    let groups = people::groups_of(&mut c, id).await?;
    Ok(Sides { directories: identities.iter().map(|one| told(ports, one)).collect(), groups, crms })
}

fn told(ports: &Ports, identity: &Identity) -> Told {
    let document = &identity.document;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Told {
        directory: super::directory(ports, &identity.directory),
        external_id: identity.external_id.clone(),
        active: identity.deleted_at.is_none().then_some(identity.active),
        user_name: owned(resource::user_name(document)),
        display_name: owned(resource::display_name(document)),
        email: owned(resource::primary_email(document)),
        language: owned(resource::language(document)),
        department: owned(post::department(document)),
        manager: owned(post::manager(document)),
        at: identity.deleted_at.unwrap_or(identity.modified_at),
    }
}

/// An account three ways: what the directories say, what we say, what each CRM said when it was last read, and who is
/// wrong.
///
/// # Errors
///
/// As [`compare::person`].
pub async fn three_ways(ports: &Ports, _actor: &ConsoleActor, id: AccountId) -> Result<ThreeWays, Refusal> {
    compare::person(ports, &id.to_string()).await
}

/// What each CRM was told of an account, and what it has yet to be told.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn deliveries(
    ports: &Ports,
    _actor: &ConsoleActor,
    id: AccountId,
) -> Result<Vec<Delivery>, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let mut found: BTreeMap<TargetId, Delivery> = BTreeMap::new();
    let none =
        |target: &TargetId| Delivery { target: target.clone(), crm_id: None, proof: None, pending: None };
    for target in &ports.settings.targets {
        found.insert(target.id.clone(), none(&target.id));
    }
    for proof in delivered::proofs(&mut c, id).await? {
        let one = found.entry(proof.target.clone()).or_insert_with(|| none(&proof.target));
        one.proof = Some(Proof { version: proof.version, at: proof.at, answer: proof.answer });
    }
    for row in outbox::of_account(&mut c, id).await? {
        let one = found.entry(row.target.clone()).or_insert_with(|| none(&row.target));
        one.pending = Some(row.into());
    }
    for delivery in found.values_mut() {
        delivery.crm_id = account::crm_ids(&mut c, &delivery.target, &[id]).await?.remove(&id);
    }
    Ok(found.into_values().collect())
}

impl From<Waiting> for Pending {
    fn from(row: Waiting) -> Self {
        Self {
            version: row.version,
            since: row.queued_at,
            due_at: row.due_at,
            attempts: row.attempts,
            error: row.last_error,
            is_dead: row.is_dead,
        }
    }
}
