//! Comparing a CRM at the console: what the last comparison found, a new one, and putting the CRM right.
//!
//! Invariant: the same flow as everywhere, under the same safety stop: what was held back is told only by the hash of
//! exactly that, with a reason.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::super::super::compare::{self, Asked, Attempt, ComparisonView, Listed, Release};
use super::super::super::{Ports, Refusal, people};
use super::super::ConsoleActor;
use super::super::who::{self, Names};
use super::target::named;
use crate::domain::comparison::Attribute;
use crate::domain::ids::AccountId;
use crate::scim::resource;
use crate::store::identity::{self, Identity};

/// So many differences stand on a page.
const PAGE: i64 = 100;

/// How a target was compared.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Whether the CRM can be read back at all.
    pub can: bool,
    /// When it is by itself, as five cron fields.
    pub schedule: Option<String>,
    /// The last comparison that came to its end.
    pub last: Option<ComparisonView>,
    /// How the newest attempt went.
    pub attempt: Attempt,
    /// A page of what differs.
    pub found: Vec<Found>,
    /// Where the next page begins; nothing: this is the last.
    pub next: Option<Uuid>,
    /// The name of who asked for it.
    pub names: Names,
}

/// A difference, with what the directories say of the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What we say, and what the CRM says.
    pub listed: Listed,
    /// What each directory says, where it says anything of that.
    pub directories: Vec<Said>,
}

/// What a directory says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Whether it calls the person active.
    Active(bool),
    /// A text.
    Text(String),
}

/// What an administrator asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// To see what differs.
    Look,
    /// To put right what the settings say is to be healed.
    Heal {
        /// Why.
        reason: String,
    },
    /// To put right exactly what the safety stop held back.
    Release {
        /// The hash of that.
        hash: String,
        /// Why.
        reason: String,
    },
}

/// How the target of that name was compared; of what differs, the page after `after`.
///
/// # Errors
///
/// [`Refusal::NotFound`] when the settings have none of that name; [`Refusal::Store`] when the database cannot be
/// reached.
pub async fn compared(ports: &Ports, name: &str, after: Option<Uuid>) -> Result<Compared, Refusal> {
    let id = named(ports, name)?;
    let settings = ports.settings.targets.iter().find(|target| target.id == id);
    let can = ports.crms.get(&id).is_ok_and(|crm| crm.read_back(ports.clock.now()).is_ok());
    let last = compare::last(ports, &id).await?;
    let attempt = compare::attempt(ports, &id).await?;
    let listed = match &last {
        Some(last) => compare::differences_after(ports, last, after, PAGE).await?,
        None => Vec::new(),
    };
    let is_full = i64::try_from(listed.len()).is_ok_and(|count| count == PAGE);
    let next = listed.last().filter(|_| is_full).map(Listed::place);
    let found = beside(ports, listed).await?;
    let mut c = ports.db.read().await?;
    let by = last.as_ref().and_then(|last| who::account_of(&last.by));
    let names = who::names(&mut c, by.into_iter()).await?;
    let schedule = settings.and_then(|target| target.comparing.schedule.clone());
    Ok(Compared { can, schedule, last, attempt, found, next, names })
}

/// Puts beside each difference what the directories say of it.
async fn beside(ports: &Ports, listed: Vec<Listed>) -> Result<Vec<Found>, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let mut known: BTreeMap<AccountId, Vec<Identity>> = BTreeMap::new();
    let mut found = Vec::new();
    for listed in listed {
        if let Some(id) = listed.account
            && !known.contains_key(&id)
        {
            known.insert(id, identity::of_account(&mut c, id).await?);
        }
        let people = listed.account.and_then(|id| known.get(&id)).map(Vec::as_slice).unwrap_or_default();
        let directories = people.iter().filter_map(|one| said(one, listed.attribute)).collect();
        found.push(Found { listed, directories });
    }
    Ok(found)
}

/// What a directory says of an attribute; of a person as a whole, whether they are active.
fn said(identity: &Identity, attribute: Option<Attribute>) -> Option<Said> {
    let text = |text: Option<&str>| text.map(|text| Said::Text(text.to_owned()));
    match attribute {
        None | Some(Attribute::Active) => {
            Some(Said::Active(identity.active && identity.deleted_at.is_none()))
        }
        // Roles come from the policy, and no directory says them.
        Some(Attribute::Roles) => None,
        Some(Attribute::UserName) => text(resource::user_name(&identity.document)),
        Some(Attribute::DisplayName) => text(resource::display_name(&identity.document)),
        Some(Attribute::Email) => text(resource::primary_email(&identity.document)),
    }
}

/// Reads a CRM back and compares; tells it again where that is wished. It goes on for as long as the CRM takes to list
/// everybody.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; [`Refusal::Invalid`] without a reason; [`Refusal::Conflict`] while the target is being
/// compared; [`Refusal::NotFound`] when the settings have none of that name; as [`compare::run`].
pub async fn run(
    ports: &Ports,
    actor: &ConsoleActor,
    name: &str,
    wish: Wish,
) -> Result<ComparisonView, Refusal> {
    let act = actor.administering()?;
    let id = named(ports, name)?;
    if let Attempt::Reading { .. } = compare::attempt(ports, &id).await? {
        return Err(Refusal::Conflict(format!("{id} is being compared just now")));
    }
    let (act, asked) = match wish {
        Wish::Look => (act.clone(), Asked::default()),
        Wish::Heal { reason } => (act.because(people::named(&reason)?), Asked { heal: true, release: None }),
        Wish::Release { hash, reason } => {
            let reason = people::named(&reason)?;
            (act.clone(), Asked { heal: true, release: Some(Release { hash, reason }) })
        }
    };
    compare::run_alone(ports, &act, &id, &asked).await
}
