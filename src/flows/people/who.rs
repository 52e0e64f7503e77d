//! What those who did something are called, for people to read.
//!
//! Invariant: who has left no name is shown as the record has them; nobody is guessed at.

use std::collections::BTreeMap;

use super::super::Refusal;
use crate::config::Directory;
use crate::domain::account::Account;
use crate::domain::actor::Actor;
use crate::domain::ids::AccountId;
use crate::store::{Conn, account};

/// What each acting party is called, by how [`Actor`] writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(BTreeMap<String, String>);

impl Names {
    /// What somebody is called; where that is not known, as the record has them.
    #[must_use]
    pub fn of<'n>(&'n self, actor: &'n str) -> &'n str {
        self.0.get(actor).map_or(actor, String::as_str)
    }
}

/// What an account is called: the person's name, else the sign-in name, else the id.
pub(in crate::flows) fn name_of(account: &Account) -> String {
    match account.shown_name() {
        "" => account.id.to_string(),
        name => name.to_owned(),
    }
}

/// The names of these acting parties.
pub(in crate::flows) async fn names<'t>(
    c: &mut Conn,
    directories: &[Directory],
    actors: impl Iterator<Item = &'t str>,
) -> Result<Names, Refusal> {
    let mut known: Vec<(&str, Actor)> =
        actors.filter_map(|text| Some((text, Actor::from_text(text)?))).collect();
    known.sort_unstable_by_key(|(text, _)| *text);
    known.dedup_by_key(|(text, _)| *text);
    let accounts = known.iter().filter_map(|(_, actor)| match actor {
        Actor::Account(id) => Some(*id),
        Actor::Directory(_) | Actor::Target(_) | Actor::Operator(_) | Actor::Job(_) => None,
    });
    let accounts: Vec<AccountId> = accounts.collect();
    let found = if accounts.is_empty() { Vec::new() } else { account::of_ids(c, &accounts).await? };
    let people: BTreeMap<AccountId, String> = found.iter().map(|one| (one.id, name_of(one))).collect();
    let name = |actor: &Actor| match actor {
        Actor::Account(id) => people.get(id).cloned().unwrap_or_else(|| id.to_string()),
        Actor::Directory(id) => {
            let directory = directories.iter().find(|directory| directory.id == *id);
            directory.map_or_else(|| id.to_string(), |directory| directory.name.clone())
        }
        Actor::Target(id) => id.to_string(),
        Actor::Operator(name) => name.clone(),
        Actor::Job(_) => "Portvakt".to_owned(),
    };
    Ok(Names(known.iter().map(|(text, actor)| ((*text).to_owned(), name(actor))).collect()))
}
