//! A practice CRM: takes webhooks, keeps what it was told, and tells Portvakt who signed in there and what was made.
//!
//! Invariant: it follows the rules of `docs/webhook.md` to the letter: signature first, then the version; the
//! highest version of an account is the truth, and whatever is not higher changes nothing.

mod door;
mod page;
mod reports;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::Deserialize;

use crate::crm::SigningKey;
use crate::flows::Clock;

pub use reports::{Reported, Reporter};

/// Where it takes webhooks.
pub const HOOK: &str = "/hooks/portvakt";

/// A practice CRM.
#[derive(Debug, Clone)]
pub struct PracticeCrm {
    desk: Arc<Desk>,
}

/// An account as the CRM knows it: the last thing that it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The CRM's own id.
    pub crm_id: String,
    /// Which version this is.
    pub version: i64,
    /// When Portvakt read it.
    pub at: Timestamp,
    /// What it says.
    pub account: Told,
}

/// The parts of a message that the practice CRM acts upon.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Told {
    /// Portvakt's id of the account.
    pub id: String,
    /// The sign-in name.
    pub user_name: String,
    /// The name.
    pub display_name: String,
    /// Only `active` lets the person in.
    pub status: String,
    /// Why.
    pub reason: String,
    /// The roles.
    pub roles: Vec<String>,
    /// Confined to the sectors.
    pub limited: bool,
    /// Sees only linked or assigned items.
    pub item_restricted: bool,
    /// The sectors.
    pub sectors: Vec<String>,
}

/// How many messages came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Taken: a version higher than the one known.
    pub taken: u64,
    /// Repeated or overtaken: answered with 200 and left aside.
    pub older: u64,
    /// Refused: not signed with the key, or not readable.
    pub refused: u64,
}

/// What every request of the CRM needs.
#[derive(Debug)]
struct Desk {
    key: SigningKey,
    clock: Arc<dyn Clock>,
    book: Mutex<Book>,
}

/// What it was told.
#[derive(Debug, Default)]
struct Book {
    accounts: BTreeMap<String, Known>,
    tally: Tally,
}

impl PracticeCrm {
    /// A CRM that believes what `key` has signed, and knows nobody yet.
    #[must_use]
    pub fn new(key: SigningKey, clock: Arc<dyn Clock>) -> Self {
        Self { desk: Arc::new(Desk { key, clock, book: Mutex::default() }) }
    }

    /// Its pages and endpoints.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/", get(door::show))
            .route(HOOK, post(door::take))
            .with_state(Arc::clone(&self.desk))
    }

    /// Everybody it was told of, by name.
    #[must_use]
    pub fn accounts(&self) -> Vec<Known> {
        let mut accounts: Vec<Known> = self.desk.book().accounts.values().cloned().collect();
        accounts.sort_by_cached_key(|known| known.account.display_name.to_lowercase());
        accounts
    }

    /// What it was told of the account with this sign-in name.
    #[must_use]
    pub fn known(&self, user_name: &str) -> Option<Known> {
        self.desk.book().accounts.values().find(|known| known.account.user_name == user_name).cloned()
    }

    /// How many messages came to what.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.desk.book().tally
    }
}

impl Desk {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
