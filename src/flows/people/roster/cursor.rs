//! Where a list goes on, as it stands in an address.
//!
//! Invariant: it says no more than the list itself did; one that was bent leads to another page of the same list.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use uuid::Uuid;

use crate::domain::ids::AccountId;
use crate::store::roster::Place;

/// Longer ones are not ours.
const LONGEST: usize = 4_096;

/// Where a list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub(super) Place);

impl Cursor {
    /// Where a list by name goes on.
    pub(in crate::flows) fn by_name((name, account): (Vec<u8>, AccountId)) -> Self {
        Self(Place { name, seen: 0, account })
    }

    /// The same again.
    pub(in crate::flows) fn name_and_account(&self) -> (Vec<u8>, AccountId) {
        (self.0.name.clone(), self.0.account)
    }

    /// Reads a cursor; nothing where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (id, rest) = bytes.split_at_checked(16)?;
        let (seen, name) = rest.split_at_checked(8)?;
        let account = AccountId::new(Uuid::from_slice(id).ok()?);
        let seen = i64::from_be_bytes(seen.try_into().ok()?);
        Some(Self(Place { name: name.to_vec(), seen, account }))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { name, seen, account } = &self.0;
        let bytes = [account.uuid().as_bytes().as_slice(), &seen.to_be_bytes(), name].concat();
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_from_what_it_wrote() {
        let place = Place { name: b"{sa".to_vec(), seen: 42, account: AccountId::new(Uuid::from_u128(7)) };
        let cursor = Cursor(place);
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        assert_eq!(Cursor::parse("AAAA"), None);
        assert_eq!(Cursor::parse("not base64!"), None);
    }
}
