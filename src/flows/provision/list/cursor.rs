//! Where the next page begins (RFC 9865).
//!
//! Invariant: a cursor without order is a place among the ids, so that the thousandth page costs what the first costs.
//! It carries the total that the first page counted: later pages repeat it and count nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::super::super::Refusal;
use crate::scim::{Page, ScimError, ScimType};

/// A place in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cursor {
    /// After this id, in a list of so many.
    After { id: Uuid, total: u64 },
    /// After so many, in a sorted list.
    Offset(u64),
}

impl Cursor {
    pub(super) fn write(self) -> String {
        match self {
            Self::After { id, total } => URL_SAFE_NO_PAD.encode(format!("a{}.{total}", id.simple())),
            Self::Offset(offset) => URL_SAFE_NO_PAD.encode(format!("o{offset}")),
        }
    }

    fn read(text: &str) -> Option<Self> {
        let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        if let Some(offset) = plain.strip_prefix('o') {
            return offset.parse().ok().map(Self::Offset);
        }
        let (id, total) = plain.strip_prefix('a')?.split_once('.')?;
        Some(Self::After { id: Uuid::try_parse(id).ok()?, total: total.parse().ok()? })
    }
}

/// Where the wanted page of an unsorted list begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// After so many; the client pages by index.
    Index(u64),
    /// At the beginning; the client pages by cursor.
    First,
    /// After this id, in a list of so many.
    After { id: Uuid, total: u64 },
}

impl Start {
    pub(super) fn of(page: &Page) -> Result<Self, Refusal> {
        Ok(match page {
            Page::Index(start) => Self::Index(start.saturating_sub(1)),
            Page::Cursor(None) => Self::First,
            Page::Cursor(Some(text)) => match read(text)? {
                Cursor::After { id, total } => Self::After { id, total },
                Cursor::Offset(_) => return Err(invalid("the cursor belongs to a sorted list")),
            },
        })
    }

    /// `startIndex` of the answer, with index paging.
    pub(super) fn start_index(self) -> Option<u64> {
        match self {
            Self::Index(skip) => Some(skip.saturating_add(1)),
            Self::First | Self::After { .. } => None,
        }
    }

    /// The cursor of the next page, where the client pages by cursor.
    pub(super) fn next(self, last: Option<Uuid>, total: u64) -> Option<String> {
        match self {
            Self::Index(_) => None,
            Self::First | Self::After { .. } => last.map(|id| Cursor::After { id, total }.write()),
        }
    }
}

/// After how many the wanted page of a sorted list begins, and whether the client pages by cursor.
pub(super) fn offset(page: &Page) -> Result<(u64, bool), Refusal> {
    Ok(match page {
        Page::Index(start) => (start.saturating_sub(1), false),
        Page::Cursor(None) => (0, true),
        Page::Cursor(Some(text)) => match read(text)? {
            Cursor::Offset(offset) => (offset, true),
            Cursor::After { .. } => return Err(invalid("the cursor belongs to a list without sortBy")),
        },
    })
}

fn read(text: &str) -> Result<Cursor, Refusal> {
    Cursor::read(text)
        .ok_or_else(|| invalid("the cursor is none that we issued; begin again with an empty one"))
}

fn invalid(detail: &str) -> Refusal {
    Refusal::Scim(ScimError::of(ScimType::InvalidCursor, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_that_was_written_is_read_again_and_nothing_else_is() {
        for cursor in [Cursor::Offset(7), Cursor::After { id: Uuid::from_u128(9), total: 100_000 }] {
            assert_eq!(Cursor::read(&cursor.write()), Some(cursor));
        }
        for text in ["", "x", "b7", "a7.7", "o", "o-1", "a00000000000000000000000000000009"] {
            assert_eq!(Cursor::read(&URL_SAFE_NO_PAD.encode(text)), None, "{text}");
        }
        assert_eq!(Cursor::read("not base64!"), None);
    }
}
