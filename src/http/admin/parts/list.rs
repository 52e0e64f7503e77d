//! What stands around a list: what it is narrowed by, its head, its columns, the way to its next page, and its export.
//!
//! Invariant: everything is a link or a GET form, and each keeps what the others have set.

use askama::Template;
use askama::filters::HtmlSafe;

use super::super::super::pages::Frame;
use super::super::Fields;

/// What a list is narrowed by.
#[derive(Debug, Clone)]
pub(crate) struct Chip {
    /// In words.
    pub(crate) words: String,
    /// The same list without it.
    pub(crate) address: String,
}

/// How many there are, and what narrows them.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/parts/chips.html")]
pub(crate) struct Chips {
    /// Language and addresses.
    pub(crate) frame: Frame,
    /// How many, with what they are: "26 personer".
    pub(crate) count: String,
    /// What narrows the list.
    pub(crate) narrowed: Vec<Chip>,
    /// The list with nothing to narrow it.
    pub(crate) clear: String,
}

impl HtmlSafe for Chips {}

/// How a list is sorted by a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Not by this one.
    Other,
    /// The first and the earliest first.
    Ascending,
    /// The last and the latest first.
    Descending,
}

/// The head of a column.
#[derive(Debug, Clone)]
pub(crate) struct HeadCell {
    /// What it says.
    pub(crate) words: &'static str,
    /// `r` for numbers, `lo` for what goes first where there is little room.
    pub(crate) class: &'static str,
    /// The list sorted by it, and whether it is.
    pub(crate) sort: Option<(String, Sort)>,
}

/// The head of a table.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/parts/head.html")]
pub(crate) struct Head {
    /// Language and addresses.
    pub(crate) frame: Frame,
    /// Whether rows can be marked.
    pub(crate) has_picks: bool,
    /// The columns.
    pub(crate) cells: Vec<HeadCell>,
}

impl HtmlSafe for Head {}

/// Something that can be shown or not.
#[derive(Debug, Clone)]
pub(crate) struct Tick {
    /// Its name in the address.
    pub(crate) key: &'static str,
    /// In words.
    pub(crate) words: &'static str,
    /// Whether it is shown.
    pub(crate) is_on: bool,
}

/// Which columns are shown.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/parts/picker.html")]
pub(crate) struct Picker {
    /// Language and addresses.
    pub(crate) frame: Frame,
    /// The list.
    pub(crate) address: String,
    /// What else the address says.
    pub(crate) kept: Fields,
    /// The columns.
    pub(crate) columns: Vec<Tick>,
    /// The list with its usual columns.
    pub(crate) reset: String,
}

impl HtmlSafe for Picker {}

/// The way to the next page and back, by cursor.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/parts/pager.html")]
pub(crate) struct Pager {
    /// Language and addresses.
    pub(crate) frame: Frame,
    /// Which part of the list is shown.
    pub(crate) words: String,
    /// The page before.
    pub(crate) back: Option<String>,
    /// The page after.
    pub(crate) next: Option<String>,
}

impl HtmlSafe for Pager {}

/// The list as a file.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/parts/export.html")]
pub(crate) struct Export {
    /// Language and addresses.
    pub(crate) frame: Frame,
    /// The address of the file, to which the form is added.
    pub(crate) path: &'static str,
    /// What the list shows.
    pub(crate) fields: Fields,
}

impl HtmlSafe for Export {}

impl Export {
    fn address(&self, form: &str) -> String {
        self.fields.with("format", form).at(&self.frame, self.path)
    }
}
