//! The columns of the list.
//!
//! Invariant: a column has one name in the address, on the screen and in the file.

use super::super::super::pages::Frame;
use super::super::parts::Tick;

/// A column that can be shown or not. The name and the status always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Roles,
    Limited,
    Seen,
    Days,
    Directory,
    Next,
    Manager,
    Origin,
    End,
    UserName,
}

/// All, in the order that they stand in.
pub(super) const ALL: &[Column] = &[
    Column::UserName,
    Column::Roles,
    Column::Limited,
    Column::Seen,
    Column::Days,
    Column::Directory,
    Column::Manager,
    Column::Origin,
    Column::End,
    Column::Next,
];

/// Those that are shown where nobody chose.
pub(super) const USUAL: &[Column] =
    &[Column::Roles, Column::Limited, Column::Seen, Column::Days, Column::Directory, Column::Next];

impl Column {
    /// Its name in the address, and in the file.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Roles => "roles",
            Self::Limited => "limited",
            Self::Seen => "seen",
            Self::Days => "days",
            Self::Directory => "directory",
            Self::Next => "next",
            Self::Manager => "manager",
            Self::Origin => "origin",
            Self::End => "end",
            Self::UserName => "user_name",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        ALL.iter().copied().find(|column| column.name() == name)
    }

    /// What stands above it.
    pub(super) fn words(self, frame: &Frame) -> &'static str {
        match self {
            Self::Roles => frame.t("Roller", "Roles"),
            Self::Limited => frame.t("Begränsad", "Limited"),
            Self::Seen => frame.t("Senast inloggad", "Last signed in"),
            Self::Days => frame.t("Dagar", "Days"),
            Self::Directory => frame.t("Katalog", "Directory"),
            Self::Next => frame.t("Nästa steg", "Next step"),
            Self::Manager => frame.t("Chef", "Manager"),
            Self::Origin => frame.t("Behörigheter från", "Rights from"),
            Self::End => frame.t("Slutdatum", "End date"),
            Self::UserName => frame.t("Användarnamn", "User name"),
        }
    }
}

/// The columns in the order that they stand in, each once.
pub(super) fn in_order(chosen: &[Column]) -> Vec<Column> {
    ALL.iter().copied().filter(|column| chosen.contains(column)).collect()
}

/// The columns to choose from.
pub(super) fn ticks(frame: &Frame, shown: &[Column]) -> Vec<Tick> {
    let tick = |column: &Column| Tick {
        key: column.name(),
        words: column.words(frame),
        is_on: shown.contains(column),
    };
    ALL.iter().map(tick).collect()
}
