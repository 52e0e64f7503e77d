//! One target at the console: how it stands, trying it, setting it going, and telling it again.
//!
//! Invariant: a trial changes nothing in the CRM; what is told again is counted before anybody decides about it.

use super::super::super::targets::replays::{self, Again};
use super::super::super::targets::{self, TargetPortrait, drain};
use super::super::super::tokens::TokenKind;
use super::super::super::tokens::roster;
use super::super::super::{Ports, Refusal, compare as comparing, people};
use super::super::ConsoleActor;
use super::super::who::{self, Names};
use crate::domain::ids::TargetId;

pub use crate::crm::Finding;

/// Everything about a target.
#[derive(Debug, Clone)]
pub struct View {
    /// How it stands.
    pub portrait: TargetPortrait,
    /// What a CRM checks our signatures with, where they are made by a key of our own.
    pub keys: Vec<String>,
    /// How many of its tokens end within 30 days.
    pub ending: usize,
    /// What its last comparison found.
    pub compared: Option<comparing::ComparisonView>,
    /// The names of those who asked for replays.
    pub names: Names,
}

/// The target of that name.
///
/// # Errors
///
/// [`Refusal::NotFound`] when the settings have none.
pub fn named(ports: &Ports, name: &str) -> Result<TargetId, Refusal> {
    targets::find(ports, name).map_err(|_| Refusal::not_found("target", name))
}

/// Everything about the target of that name.
///
/// # Errors
///
/// [`Refusal::NotFound`] when the settings have none; [`Refusal::Store`] when the database cannot be reached.
pub async fn view(ports: &Ports, name: &str) -> Result<View, Refusal> {
    let id = named(ports, name)?;
    let portrait = targets::show(ports, &id).await?;
    let tokens = roster::list(ports, TokenKind::Target, id.as_str()).await?;
    let compared = comparing::last(ports, &id).await?;
    // A target that asks for itself signs nothing, and one that signs with a shared secret has no key to show.
    let keys = targets::public_keys(ports, &id).unwrap_or_default();
    let mut c = ports.db.read().await?;
    let askers = portrait.replays.iter().filter_map(|replay| who::account_of(&replay.by));
    let names = who::names(&mut c, askers).await?;
    Ok(View { keys, ending: super::ending(&tokens), compared, names, portrait })
}

/// Tries a target now: reaches it, signs in and reads; a webhook gets a signed test message.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; [`Refusal::NotFound`] when the settings have none of that name; [`Refusal::Invalid`] for one
/// that asks for itself.
pub async fn test(ports: &Ports, actor: &ConsoleActor, name: &str) -> Result<Vec<Finding>, Refusal> {
    let act = actor.administering()?;
    Ok(ports.crms.get(&named(ports, name)?)?.test(act.now).await)
}

/// Switches a target on again. Gives `false` where it was on.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; [`Refusal::Invalid`] without a reason; as [`targets::resume`].
pub async fn resume(ports: &Ports, actor: &ConsoleActor, name: &str, reason: &str) -> Result<bool, Refusal> {
    let act = actor.administering()?.because(people::named(reason)?);
    targets::resume(ports, &act, &named(ports, name)?).await
}

/// Makes everything that waits due now, whatever pause was to be kept. Gives how many accounts had to wait.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; [`Refusal::Invalid`] without a reason; as [`drain::begin`].
pub async fn hasten(ports: &Ports, actor: &ConsoleActor, name: &str, reason: &str) -> Result<u64, Refusal> {
    let act = actor.administering()?.because(people::named(reason)?);
    drain::begin(ports, &act, &named(ports, name)?).await
}

/// How many accounts a target would be told of again; nothing of it is done.
///
/// # Errors
///
/// [`Refusal::NotFound`] when the settings have none of that name; as [`replays::count`].
pub async fn count_again(ports: &Ports, name: &str, again: &Again) -> Result<usize, Refusal> {
    let target = named(ports, name)?;
    ports.crms.get(&target)?;
    replays::count(ports, &target, again).await
}

/// Tells a target again how accounts stand, behind everything that changed.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; [`Refusal::Invalid`] without a reason; as [`replays::begin`].
pub async fn tell_again(
    ports: &Ports,
    actor: &ConsoleActor,
    name: &str,
    again: &Again,
    reason: &str,
) -> Result<(), Refusal> {
    let act = actor.administering()?.because(people::named(reason)?);
    replays::begin(ports, &act, &named(ports, name)?, again).await
}
