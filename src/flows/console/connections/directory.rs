//! One directory at the console: how it stands, what its checks find, and pausing it.
//!
//! Invariant: what a directory was refused is shown with the account that it is about only where the record names the
//! account itself; nobody is guessed at.

use serde_json::Value;

use super::super::super::directories::{self, RefusedChange, Standing};
use super::super::super::doctor::{self, Finding, Instruction};
use super::super::super::people;
use super::super::super::{Ports, Refusal};
use super::super::ConsoleActor;
use super::super::who::{self, Names};
use crate::config::Directory;
use crate::domain::ids::{AccountId, DirectoryId, IdentityId};
use crate::domain::language::Language;
use crate::store::Conn;
use crate::store::identity::{self, IdentityKey};

/// Everything about a directory.
#[derive(Debug, Clone)]
pub struct View {
    /// How it stands.
    pub standing: Standing,
    /// What it was refused and has not mended, each with the account it is about.
    pub refused: Vec<(RefusedChange, Option<AccountId>)>,
    /// The public half of the key that Portvakt proves itself with there, as a JSON Web Key Set.
    pub keys: Option<Value>,
    /// The names of those who paused it or made its tokens, and of those whom refused changes are about.
    pub names: Names,
}

/// The directory of that name.
///
/// # Errors
///
/// [`Refusal::NotFound`] when the settings have none.
pub fn named<'p>(ports: &'p Ports, name: &str) -> Result<&'p Directory, Refusal> {
    let known = ports.settings.directories.iter().find(|known| known.id.as_str() == name);
    known.ok_or_else(|| Refusal::not_found("directory", name))
}

/// Everything about the directory of that name.
///
/// # Errors
///
/// [`Refusal::NotFound`] when the settings have none; [`Refusal::Store`] when the database cannot be reached.
pub async fn view(ports: &Ports, name: &str) -> Result<View, Refusal> {
    let id = &named(ports, name)?.id;
    let standing = directories::show(ports, name).await?;
    let mut c = ports.db.snapshot().await?;
    let mut refused = Vec::new();
    for change in &standing.refused {
        refused.push((change.clone(), account_of(&mut c, id, change).await?));
    }
    let makers = standing.access.iter().map(|line| line.created_by.as_str());
    let acting = makers.chain(standing.pause.iter().map(|pause| pause.by.as_str()));
    let about = refused.iter().filter_map(|(_, account)| *account);
    let names = who::names(&mut c, acting.filter_map(who::account_of).chain(about)).await?;
    Ok(View { keys: ports.parties.public_keys(name).ok(), refused, names, standing })
}

/// The account of the person that a refused change names by an id in clear.
async fn account_of(
    c: &mut Conn,
    directory: &DirectoryId,
    change: &RefusedChange,
) -> Result<Option<AccountId>, Refusal> {
    let key = match change.reference.split_once(':') {
        Some(("id", id)) if change.resource == "User" => IdentityId::parse(id).ok().map(IdentityKey::Id),
        Some(("externalId", id)) if change.resource == "User" && !id.starts_with("sha256:") => {
            Some(IdentityKey::ExternalId(id.to_owned()))
        }
        _ => None,
    };
    let Some(key) = key else { return Ok(None) };
    Ok(identity::find(c, directory, &key).await?.first().map(|found| found.account))
}

/// What to type into the provider of the directory of that name.
///
/// # Errors
///
/// [`Refusal::NotFound`] when the settings have none.
pub fn guide(ports: &Ports, name: &str, language: Language) -> Result<Vec<Instruction>, Refusal> {
    Ok(doctor::guide(&ports.settings, named(ports, name)?, language))
}

/// Checks the set-up of a directory now: asks its provider and our own public address, and changes nothing.
///
/// # Errors
///
/// [`Refusal::NotFound`] when the settings have none of that name.
pub async fn check(ports: &Ports, actor: &ConsoleActor, name: &str) -> Result<Vec<Finding>, Refusal> {
    let directory = named(ports, name)?;
    let settings = &ports.settings;
    let mut findings = vec![doctor::of_address(settings), doctor::of_way_in(settings, directory).await];
    findings.extend(doctor::of_directory(ports, directory).await);
    findings.push(doctor::of_sign_in(settings, &ports.parties, directory, actor.reading().now).await);
    Ok(findings)
}

/// Turns a directory's provisioning away for a while. Gives `false` where it was paused already.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; [`Refusal::NotFound`] when the settings have none of that name; as [`directories::pause`].
pub async fn pause(ports: &Ports, actor: &ConsoleActor, name: &str, reason: &str) -> Result<bool, Refusal> {
    let act = actor.administering()?.because(people::named(reason)?);
    let (_, is_new) = directories::pause(ports, &act, &named(ports, name)?.id, reason).await?;
    Ok(is_new)
}

/// Lets a directory in again. Gives `false` where it was not paused.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; [`Refusal::Invalid`] without a reason; [`Refusal::NotFound`] when the settings have none of
/// that name; as [`directories::resume`].
pub async fn resume(ports: &Ports, actor: &ConsoleActor, name: &str, reason: &str) -> Result<bool, Refusal> {
    let act = actor.administering()?.because(people::named(reason)?);
    directories::resume(ports, &act, &named(ports, name)?.id).await
}
