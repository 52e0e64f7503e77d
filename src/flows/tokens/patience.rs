//! How many wrong secrets in a row an OAuth client may send.
//!
//! Invariant: only clients that exist are remembered, so memory is bounded by what an operator made; whoever has the
//! right secret gets in even while somebody else guesses.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq;

/// So many wrong secrets are looked at within [`WINDOW`].
const MOST_WRONG: u32 = 10;

/// How long wrong secrets count.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);

/// So many clients are remembered; beyond, the one that was wrong the longest ago is forgotten.
const MOST_CLIENTS: usize = 1_000;

#[derive(Debug)]
struct Tries {
    since: Timestamp,
    wrong: u32,
    /// The hash of the secret that last was right.
    right: Option<Vec<u8>>,
}

/// The wrong secrets of late, by client id.
#[derive(Debug, Default)]
pub struct Patience {
    tries: Mutex<BTreeMap<String, Tries>>,
}

impl Patience {
    /// How long, in seconds, this client must wait before a secret is looked at; nothing: it need not.
    ///
    /// A secret that was right before is always looked at: guesses must not lock a provider out.
    pub(super) fn wait(&self, client: &str, hash: &[u8], now: Timestamp) -> Option<i64> {
        let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let known = tries.get(client)?;
        let passed = now.duration_since(known.since);
        let was_right = known.right.as_ref().is_some_and(|right| bool::from(right.ct_eq(hash)));
        let is_over = known.wrong < MOST_WRONG || passed >= WINDOW || was_right;
        (!is_over).then(|| (WINDOW - passed).as_secs().max(1))
    }

    /// Notes a wrong secret of a client that exists.
    pub(super) fn wrong(&self, client: &str, now: Timestamp) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut tries, client);
        let known = tries.entry(client.to_owned()).or_insert(Tries { since: now, wrong: 0, right: None });
        if now.duration_since(known.since) >= WINDOW {
            (known.since, known.wrong) = (now, 0);
        }
        known.wrong = known.wrong.saturating_add(1);
    }

    /// Notes the right secret of a client.
    pub(super) fn right(&self, client: &str, hash: &[u8], now: Timestamp) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        make_room(&mut tries, client);
        let known = tries.entry(client.to_owned()).or_insert(Tries { since: now, wrong: 0, right: None });
        known.right = Some(hash.to_vec());
    }
}

fn make_room(tries: &mut BTreeMap<String, Tries>, client: &str) {
    if tries.len() >= MOST_CLIENTS && !tries.contains_key(client) {
        let oldest = tries.iter().min_by_key(|(_, known)| known.since).map(|(client, _)| client.clone());
        oldest.and_then(|oldest| tries.remove(&oldest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn after_ten_wrong_secrets_a_client_waits_until_the_minute_is_over() {
        let patience = Patience::default();
        for _ in 0..MOST_WRONG {
            assert_eq!(patience.wait("crm", b"guess", at(5)), None);
            patience.wrong("crm", at(5));
        }
        assert_eq!(patience.wait("crm", b"guess", at(15)), Some(50));
        assert_eq!(patience.wait("other", b"guess", at(15)), None);
        assert_eq!(patience.wait("crm", b"guess", at(65)), None);
        patience.wrong("crm", at(65));
        assert_eq!(patience.wait("crm", b"guess", at(66)), None, "the count began anew");
    }

    #[test]
    fn whoever_was_right_before_is_not_locked_out_by_guesses() {
        let patience = Patience::default();
        patience.right("crm", b"right", at(0));
        for _ in 0..MOST_WRONG {
            patience.wrong("crm", at(1));
        }
        assert!(patience.wait("crm", b"guess", at(2)).is_some());
        assert_eq!(patience.wait("crm", b"right", at(2)), None);
    }

    #[test]
    fn no_more_than_a_thousand_clients_are_remembered() {
        let patience = Patience::default();
        for number in 0..1_100_i32 {
            patience.wrong(&number.to_string(), at(number.into()));
        }
        assert_eq!(patience.tries.lock().unwrap().len(), MOST_CLIENTS);
    }
}
