//! Where the list of groups goes on, as it stands in an address.
//!
//! Invariant: it says no more than the list itself did; one that was bent leads to another page of the same list.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// Longer ones are not ours.
const LONGEST: usize = 8_192;

/// Where a group stands: by its name, and between equals by its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    key: String,
    id: String,
}

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Turn {
    /// The first.
    #[default]
    First,
    /// The one after this.
    After(Cursor),
    /// The one before this.
    Before(Cursor),
}

impl Cursor {
    pub(super) const fn new(key: String, id: String) -> Self {
        Self { key, id }
    }

    /// Reads a cursor; nothing where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (id, key) = text.split_once('\n')?;
        Some(Self { key: key.to_owned(), id: id.to_owned() })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(format!("{}\n{}", self.id, self.key)))
    }
}

impl Turn {
    /// From which to which of the sorted `places` the page goes.
    pub(super) fn span(&self, places: &[&Cursor], limit: usize) -> (usize, usize) {
        let (from, until) = match self {
            Self::First => (0, limit),
            Self::After(cursor) => {
                let from = places.partition_point(|place| *place <= cursor);
                (from, from.saturating_add(limit))
            }
            Self::Before(cursor) => {
                let until = places.partition_point(|place| *place < cursor);
                (until.saturating_sub(limit), until)
            }
        };
        (from, until.min(places.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(key: &str, id: &str) -> Cursor {
        Cursor::new(key.to_owned(), id.to_owned())
    }

    #[test]
    fn a_cursor_is_read_back_from_what_it_wrote() {
        let cursor = place("styrelsen\nmed radbyte", "entra 018f");
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        assert_eq!(Cursor::parse("AAAA"), None);
        assert_eq!(Cursor::parse("not base64!"), None);
    }

    #[test]
    fn pages_follow_each_other_both_ways_also_past_one_that_is_gone() {
        let all = [place("a", "1"), place("b", "1"), place("b", "2"), place("c", "1")];
        let places: Vec<&Cursor> = all.iter().collect();
        assert_eq!(Turn::First.span(&places, 2), (0, 2));
        assert_eq!(Turn::After(place("b", "1")).span(&places, 2), (2, 4));
        assert_eq!(Turn::After(place("b", "11")).span(&places, 9), (2, 4));
        assert_eq!(Turn::Before(place("b", "2")).span(&places, 9), (0, 2));
        assert_eq!(Turn::After(place("z", "1")).span(&places, 2), (4, 4));
    }
}
