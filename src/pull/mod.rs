//! What identity providers know themselves: who is there, who is shut out, who signed in when.
//!
//! Invariant: a [`Listing`] is whole. A page that fails, a link that leads elsewhere or a field that cannot be read
//! makes the whole pull an error, so that nobody is taken for gone because data were missing.

mod courier;
mod error;
mod graph;
mod link;
mod okta;
mod pace;
mod settings;

#[cfg(test)]
mod graph_tests;
#[cfg(test)]
mod okta_tests;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use error::PullError;
pub use graph::GraphClient;
pub use okta::OktaClient;
pub use settings::{GraphSettings, OktaSettings};

/// Everybody whom an identity provider lists, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The people, in the order of their ids.
    pub people: Vec<Pulled>,
    /// Whether the provider's licence lets sign-in times be read. If not, `last_sign_in` says nothing about anybody.
    pub licensed: bool,
    /// What a person should know of how it was read, in English; nothing when all is ordinary.
    pub note: Option<String>,
}

/// One person as the provider lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The provider's own id; never reused.
    pub external_id: String,
    /// The sign-in name, as the provider spells it.
    pub user_name: String,
    /// False only where the provider says that the person is shut out. Not yet active, locked for a moment, or in a
    /// state that we do not know, is not shut out.
    pub enabled: bool,
    /// The last sign-in the provider knows of, never later than the pull itself. Nothing: it knows of none, which is
    /// not the same as never.
    pub last_sign_in: Option<Timestamp>,
    /// `last_sign_in` is an attempt that may have failed, because the provider has no successful one on record.
    pub is_attempt: bool,
}

/// People under way: each once, the last word counts.
#[derive(Debug, Default)]
struct Gathered {
    people: BTreeMap<String, Pulled>,
    unknown_states: BTreeMap<String, usize>,
}

impl Gathered {
    fn add(&mut self, person: Pulled) {
        self.people.insert(person.external_id.clone(), person);
    }

    fn meet_unknown_state(&mut self, state: &str) {
        let shortened = state.chars().filter(|c| !c.is_control()).take(40).collect();
        *self.unknown_states.entry(shortened).or_default() += 1;
    }

    fn listing(self, licensed: bool, mut notes: Vec<String>) -> Listing {
        for (state, count) in self.unknown_states {
            notes.push(format!("{count} in the unknown state {state:?}, left as they are"));
        }
        let note = (!notes.is_empty()).then(|| notes.join("; "));
        Listing { people: self.people.into_values().collect(), licensed, note }
    }
}
