//! The head of every page about one directory or target, with the way to its other pages.
//!
//! Invariant: what somebody may not do is not offered; that is courtesy, and the flow decides.

use super::super::parts::{Pill, Way};
use super::super::{Desk, Place};
use super::HOME;
use crate::flows::console::connections::tokens::Owner;

/// A page about a directory or target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    /// How it stands.
    Standing,
    /// What it comes with.
    Tokens,
    /// What to type in, and whether it works: of a directory.
    Checks,
    /// What the CRM really holds: of a target.
    Compare,
}

/// The head.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) crumb: String,
    pub(super) crumb_words: &'static str,
    pub(super) title: String,
    pub(super) lead: String,
    pub(super) pill: Option<Pill>,
    pub(super) tabs: Vec<Way>,
    pub(super) acts: Vec<Way>,
}

/// Path after the owner's, Swedish, English.
const TABS: &[(Tab, &str, &str, &str)] = &[
    (Tab::Standing, "", "Läget", "Standing"),
    (Tab::Tokens, "/tokens", "Token", "Tokens"),
    (Tab::Checks, "/checks", "Uppkoppling", "Set-up"),
    (Tab::Compare, "/compare", "Jämförelse", "Comparison"),
];

/// The path of a directory's or target's own page.
pub(super) fn path(owner: &Owner) -> String {
    match owner {
        Owner::Directory(id) => format!("{HOME}/directories/{id}"),
        Owner::Target(id) => format!("{HOME}/targets/{id}"),
    }
}

impl Head {
    /// The head of the page of `owner` at `here`; nothing: of a page beside the tabs.
    pub(super) fn new(frame: &Desk, owner: &Owner, name: &str, here: Option<Tab>) -> Self {
        let path = path(owner);
        let is_directory = matches!(owner, Owner::Directory(_));
        let tabs = TABS.iter().filter(|(tab, ..)| match tab {
            Tab::Standing | Tab::Tokens => true,
            Tab::Checks => is_directory,
            Tab::Compare => !is_directory,
        });
        let way = |(tab, way, sv, en): &(Tab, &str, &'static str, &'static str)| Way {
            address: frame.at(&format!("{path}{way}")),
            icon: frame.icon("arrow"),
            words: frame.t(sv, en),
            is_here: here == Some(*tab),
        };
        Self {
            crumb: frame.at(Place::Connections.path()),
            crumb_words: frame.t("Kataloger och CRM", "Directories and targets"),
            title: name.to_owned(),
            lead: String::new(),
            pill: None,
            tabs: tabs.map(way).collect(),
            acts: Vec::new(),
        }
    }

    /// With a sentence below the name.
    pub(super) fn led(mut self, lead: impl Into<String>) -> Self {
        self.lead = lead.into();
        self
    }

    /// With how it is.
    pub(super) fn shown(mut self, pill: Pill) -> Self {
        self.pill = Some(pill);
        self
    }

    /// With something to do.
    pub(super) fn offering(
        mut self,
        frame: &Desk,
        path: &str,
        icon: &'static str,
        words: &'static str,
    ) -> Self {
        self.acts.push(Way { address: frame.at(path), icon: frame.icon(icon), words, is_here: false });
        self
    }
}
