//! The menu of the console.
//!
//! Invariant: a place stands in the menu when it has a page, and never before.

use super::super::pages::{Frame, Icon};
use crate::flows::console::waiting::Waiting;

/// A part of the console. A page says where it belongs: `console.desk(Place::People)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// How things stand.
    Start,
    /// Who there is.
    People,
    /// Which groups there are, and what the policy gives whom.
    Groups,
    /// What happens to accounts that nobody uses.
    Lifecycle,
    /// What waits for somebody.
    Queue,
    /// Where people come from, and who is told of them.
    Connections,
    /// Who has access, who has gone quiet, who left.
    Reports,
    /// Who did what.
    Audit,
    /// The settings of the file.
    Settings,
}

/// A line of the menu.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    /// Where it leads.
    pub(crate) address: String,
    /// Its sign.
    pub(crate) icon: Icon,
    /// Its name.
    pub(crate) words: &'static str,
    /// How much waits there.
    pub(crate) waiting: usize,
    /// Whether the page belongs to it.
    pub(crate) is_here: bool,
}

/// The places of the menu, in their two parts.
const PARTS: &[&[Place]] = &[
    &[Place::Start, Place::People, Place::Groups, Place::Lifecycle, Place::Queue],
    &[Place::Connections, Place::Reports, Place::Audit, Place::Settings],
];

impl Place {
    /// Path, sign, Swedish, English.
    const fn parts(self) -> (&'static str, &'static str, &'static str, &'static str) {
        match self {
            Self::Start => ("/", "home", "Start", "Start"),
            Self::People => ("/people", "people", "Personer", "People"),
            Self::Groups => ("/groups", "rules", "Grupper och regler", "Groups and rules"),
            Self::Lifecycle => ("/lifecycle", "cycle", "Livscykel", "Lifecycle"),
            Self::Queue => ("/queue", "tray", "Att göra", "To do"),
            Self::Connections => ("/connections", "plug", "Kataloger och CRM", "Directories and targets"),
            Self::Reports => ("/reports", "report", "Rapporter", "Reports"),
            Self::Audit => ("/audit", "log", "Granskningslogg", "Audit log"),
            Self::Settings => ("/settings", "gear", "Inställningar", "Settings"),
        }
    }

    /// Where it is.
    pub(crate) const fn path(self) -> &'static str {
        self.parts().0
    }

    /// How much waits there for somebody.
    const fn waiting(self, waiting: &Waiting) -> usize {
        match self {
            Self::Lifecycle => waiting.plans,
            Self::Queue => waiting.queue(),
            Self::Start
            | Self::People
            | Self::Groups
            | Self::Connections
            | Self::Reports
            | Self::Audit
            | Self::Settings => 0,
        }
    }
}

/// The menu on a page at `here`.
pub(super) fn menu(frame: &Frame, here: Place, waiting: &Waiting) -> Vec<Vec<Section>> {
    let section = |place: &Place| {
        let (path, icon, sv, en) = place.parts();
        Section {
            address: frame.at(path),
            icon: frame.icon(icon),
            words: if frame.tag() == "sv" { sv } else { en },
            waiting: place.waiting(waiting),
            is_here: *place == here,
        }
    };
    let parts = PARTS.iter().filter(|part| !part.is_empty());
    parts.map(|part| part.iter().map(section).collect()).collect()
}
