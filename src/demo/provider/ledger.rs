//! Sign-ins that have begun, and codes that have been given out.
//!
//! Invariant: a request is answered once and a code is taken once, whether or not what came with it was right;
//! neither lives longer than ten minutes.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

/// How long a request or a code is good for.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// What Portvakt asked for when it sent the browser.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) state: Option<String>,
    pub(super) nonce: String,
    pub(super) challenge: String,
    /// Whether an age of the sign-in was named: then its time must be told (OpenID Connect Core §3.1.2.1).
    pub(super) has_age: bool,
    pub(super) at: Timestamp,
}

/// A code's worth: who signed in, for which request.
pub(super) struct Granted {
    pub(super) person: String,
    pub(super) asked: Asked,
    pub(super) at: Timestamp,
}

/// What is under way.
#[derive(Default)]
pub(super) struct Ledger {
    asked: HashMap<String, Asked>,
    granted: HashMap<String, Granted>,
}

impl Ledger {
    pub(super) fn ask(&mut self, key: String, asked: Asked) {
        let now = asked.at;
        self.asked.retain(|_, other| is_fresh(other.at, now));
        self.asked.insert(key, asked);
    }

    pub(super) fn answer(&mut self, key: &str, now: Timestamp) -> Option<Asked> {
        self.asked.remove(key).filter(|asked| is_fresh(asked.at, now))
    }

    pub(super) fn grant(&mut self, code: String, granted: Granted) {
        let now = granted.at;
        self.granted.retain(|_, other| is_fresh(other.at, now));
        self.granted.insert(code, granted);
    }

    pub(super) fn redeem(&mut self, code: &str, now: Timestamp) -> Option<Granted> {
        self.granted.remove(code).filter(|granted| is_fresh(granted.at, now))
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (asked, granted) = (self.asked.len(), self.granted.len());
        f.debug_struct("Ledger").field("asked", &asked).field("granted", &granted).finish()
    }
}

fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) < LIFETIME
}
