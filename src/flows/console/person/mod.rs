//! One person, as those at the console look at them.
//!
//! Invariant: reading changes nothing and is open to every role at the console; what changes something is in [`deeds`].

pub mod deeds;
pub mod history;
pub mod sides;
pub mod sign_ins;

use jiff::Timestamp;

use super::super::decide::Question;
use super::super::decide::why::{self, Explained};
use super::super::mover::{self, AskedRight};
use super::super::people::{self, Names, Portrait};
use super::super::{Act, Ports, Refusal, post, protection};
use super::ConsoleActor;
use crate::domain::account::{Account, Status};
use crate::domain::effective::{Effective, effective};
use crate::domain::ids::{AccountId, DirectoryId};
use crate::domain::language::Language;
use crate::store::{Conn, account, entitlement, leave_request};

/// Everything that the head of each page about somebody shows, and most of what stands below it.
#[derive(Debug)]
pub struct Look {
    /// The account with everything around it.
    pub portrait: Portrait,
    /// What the person is called.
    pub name: String,
    /// What the roles and sectors in force amount to.
    pub effective: Effective,
    /// What the directories are called that know the person.
    pub directories: Vec<String>,
    /// Their managers, as the directories name them.
    pub managers: Vec<Manager>,
    /// What those are called who did something here.
    pub names: Names,
    /// What one administrator asked for and another has yet to confirm.
    pub protection: Option<ProtectionAsked>,
    /// The leave that the person asks for.
    pub asked_leave: Option<AskedFor>,
    /// Whether it is the very person who looks.
    pub is_self: bool,
}

/// Somebody's manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manager {
    /// Their account.
    pub account: AccountId,
    /// What they are called.
    pub name: String,
}

/// Protection, or its end, that waits for a second administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectionAsked {
    /// To protect the account, or to end its protection.
    pub protects: bool,
    /// Who asked.
    pub by: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Timestamp,
    /// Whether it is the very person who looks; then somebody else must confirm.
    pub is_own: bool,
}

/// Leave that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedFor {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// When they asked.
    pub at: Timestamp,
}

impl Look {
    /// Whether the account is closed, or erased altogether.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.portrait.line.status.is_closed()
    }

    /// Whether nothing is left to decide about.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.portrait.line.status == Status::Removed
    }
}

/// Looks at one person.
///
/// # Errors
///
/// [`Refusal::NotFound`] when there is no such account.
pub async fn look(
    ports: &Ports,
    actor: &ConsoleActor,
    id: AccountId,
    language: Language,
) -> Result<Look, Refusal> {
    let act = actor.reading();
    let portrait = people::show(ports, &id.to_string(), language).await?;
    let mut c = ports.db.snapshot().await?;
    let account = account::get(&mut c, id).await?.ok_or_else(|| Refusal::not_found("account", id))?;
    let compiled = ports.policies.current(&mut c).await?;
    let held = entitlement::held(&mut c, id).await?;
    let mut managers: Vec<Manager> = Vec::new();
    for one in post::managers(&mut c, &account).await? {
        if managers.iter().all(|known| known.account != one.id) {
            managers.push(Manager { account: one.id, name: people::name_of(&one) });
        }
    }
    let held_by = portrait.holds.iter().map(|story| story.by.as_str());
    let changed_by = portrait.history.iter().map(|chapter| chapter.standing.by.as_str());
    let names = people::names(&mut c, &ports.settings.directories, held_by.chain(changed_by)).await?;
    Ok(Look {
        name: people::name_of(&account),
        effective: effective(&compiled.policy, &held, act.now),
        directories: portrait.line.directories.iter().map(|known| directory(ports, known)).collect(),
        managers,
        names,
        protection: protection_asked(&mut c, ports, act, &account).await?,
        asked_leave: asked_leave(&mut c, id).await?,
        is_self: actor.account() == id,
        portrait,
    })
}

/// What the settings call a directory.
fn directory(ports: &Ports, id: &DirectoryId) -> String {
    let known = ports.settings.directories.iter().find(|directory| directory.id == *id);
    known.map_or_else(|| id.to_string(), |directory| directory.name.clone())
}

async fn protection_asked(
    c: &mut Conn,
    ports: &Ports,
    act: &Act,
    account: &Account,
) -> Result<Option<ProtectionAsked>, Refusal> {
    let asked = protection::asked_for(c, account.id, act.now).await?;
    // What has come to be in another way is nothing to confirm.
    let Some(asked) = asked.filter(|asked| asked.protects != account.is_protected) else { return Ok(None) };
    let names = people::names(c, &ports.settings.directories, std::iter::once(asked.by.as_str())).await?;
    Ok(Some(ProtectionAsked {
        protects: asked.protects,
        by: names.of(&asked.by).to_owned(),
        is_own: asked.by == act.actor.to_string(),
        why: asked.why,
        at: asked.at,
    }))
}

async fn asked_leave(c: &mut Conn, id: AccountId) -> Result<Option<AskedFor>, Refusal> {
    let newest = leave_request::newest(c, id).await?.filter(|request| request.state == "waiting");
    Ok(newest.map(|asked| AskedFor { from: asked.from, until: asked.until, at: asked.asked_at }))
}

/// Whether the person may do something, and through what, with what those are called who gave it.
///
/// # Errors
///
/// As [`why::explained`].
pub async fn explained(
    ports: &Ports,
    _actor: &ConsoleActor,
    question: &Question,
    language: Language,
) -> Result<(Explained, Names), Refusal> {
    let found = why::explained(ports, question, language).await?;
    let mut c = ports.db.read().await?;
    let by = found.because.iter().map(|story| story.by.as_str());
    let names = people::names(&mut c, &ports.settings.directories, by).await?;
    Ok((found, names))
}

/// Rights of this person that somebody is asked about since they changed job.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn questions(
    ports: &Ports,
    _actor: &ConsoleActor,
    id: AccountId,
) -> Result<Vec<AskedRight>, Refusal> {
    let mut questions = mover::questions(ports).await?;
    questions.retain(|question| question.account == id);
    Ok(questions)
}
