//! What people are called who did something.
//!
//! Invariant: reads only; somebody who was erased has no name.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Refusal;
use crate::domain::actor::Actor;
use crate::domain::ids::AccountId;
use crate::store::{Conn, account};

/// So many accounts are read at once.
const AT_ONCE: usize = 1000;

/// The names of accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(BTreeMap<AccountId, String>);

impl Names {
    /// The name of an account; nothing where it has none, or is not known.
    #[must_use]
    pub fn of(&self, id: AccountId) -> Option<&str> {
        self.0.get(&id).map(String::as_str)
    }
}

/// The names of these accounts; where somebody has none, their sign-in name.
pub(super) async fn names(c: &mut Conn, ids: impl Iterator<Item = AccountId>) -> Result<Names, Refusal> {
    let ids: Vec<AccountId> = ids.collect::<BTreeSet<_>>().into_iter().collect();
    let mut names = BTreeMap::new();
    for page in ids.chunks(AT_ONCE) {
        for one in account::of_ids(c, page).await? {
            let name = if one.display_name.is_empty() { one.user_name } else { one.display_name };
            if !name.is_empty() {
                names.insert(one.id, name);
            }
        }
    }
    Ok(Names(names))
}

/// The account that acted, as an [`Actor`] writes itself; nothing where that was none.
pub(super) fn account_of(actor: &str) -> Option<AccountId> {
    match Actor::from_text(actor) {
        Some(Actor::Account(id)) => Some(id),
        Some(Actor::Directory(_) | Actor::Target(_) | Actor::Operator(_) | Actor::Job(_)) | None => None,
    }
}
