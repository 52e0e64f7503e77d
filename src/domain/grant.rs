//! What somebody holds, and where it comes from.
//!
//! Invariant: every grant has an origin; sync touches only what sync gave.

use jiff::Timestamp;
use serde::Serialize;

use super::ids::{AccountId, ComponentId, GrantId, RoleId, RuleId, SectorId};
use super::named::named;

/// What is held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum GrantKind {
    /// A named set of modules.
    Role(RoleId),
    /// A functional part of the CRM.
    Sector(SectorId),
    /// The account is confined to its sectors and never reaches administration.
    Limited,
    /// In components that support it, the account sees only items linked or assigned to it.
    ItemRestricted,
}

impl GrantKind {
    /// The stable name of the kind.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Role(_) => "role",
            Self::Sector(_) => "sector",
            Self::Limited => "limited",
            Self::ItemRestricted => "item_restricted",
        }
    }

    /// The role or sector; empty for the limits.
    #[must_use]
    pub fn value(&self) -> &str {
        match self {
            Self::Role(id) => id.as_str(),
            Self::Sector(id) => id.as_str(),
            Self::Limited | Self::ItemRestricted => "",
        }
    }

    /// The kind of a stable name and value; nothing when they do not fit.
    #[must_use]
    pub fn from_parts(name: &str, value: &str) -> Option<Self> {
        match name {
            "role" => RoleId::parse(value).ok().map(Self::Role),
            "sector" => SectorId::parse(value).ok().map(Self::Sector),
            "limited" => Some(Self::Limited),
            "item_restricted" => Some(Self::ItemRestricted),
            _ => None,
        }
    }
}

/// Where a grant comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(tag = "origin", content = "ref", rename_all = "snake_case")]
pub enum Origin {
    /// A rule of the policy gave it; sync may take it back.
    Rule(RuleId),
    /// A person gave it, with a reason.
    Manual,
    /// A review decided it.
    Review,
    /// A copy of what this account holds, whose person is on leave; it ends with the leave.
    Deputy(AccountId),
}

impl Origin {
    /// The stable name of the origin.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Rule(_) => "rule",
            Self::Manual => "manual",
            Self::Review => "review",
            Self::Deputy(_) => "deputy",
        }
    }

    /// What the origin refers to: the rule's id, the account of whoever is away; empty for the others.
    #[must_use]
    pub fn reference(&self) -> String {
        match self {
            Self::Rule(id) => id.to_string(),
            Self::Deputy(away) => away.to_string(),
            Self::Manual | Self::Review => String::new(),
        }
    }

    /// The origin of a stable name and reference; nothing when they do not fit.
    #[must_use]
    pub fn from_parts(name: &str, reference: &str) -> Option<Self> {
        match name {
            "rule" => RuleId::parse(reference).ok().map(Self::Rule),
            "manual" => Some(Self::Manual),
            "review" => Some(Self::Review),
            "deputy" => AccountId::parse(reference).ok().map(Self::Deputy),
            _ => None,
        }
    }
}

/// One thing that an account holds, or held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// Its own id.
    pub id: GrantId,
    /// What is held.
    #[serde(flatten)]
    pub kind: GrantKind,
    /// Where it comes from.
    #[serde(flatten)]
    pub origin: Origin,
    /// By whom, as [`Actor`](super::actor::Actor) writes itself.
    pub by: String,
    /// Why, where a person gave it.
    pub why: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// It ends by itself at this instant.
    pub ends_at: Option<Timestamp>,
    /// When it was ended; nothing while it is held.
    pub until: Option<Timestamp>,
}

impl Grant {
    /// Whether it is in force at `now`: held, and its own end not reached. Ends hold at once, before any job runs.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.since <= now
            && self.until.is_none_or(|until| now < until)
            && self.ends_at.is_none_or(|end| now < end)
    }
}

/// Who is linked or assigned to an item: an account, or everybody with a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// One account.
    Account(AccountId),
    /// All who hold the role.
    Role(RoleId),
}

/// How a link between an account or role and an item came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkOrigin {
    /// A person made it, with a reason.
    Manual,
    /// The account created the item.
    Created,
    /// The account takes part in the discussion.
    Participant,
    /// The account created the item within a project.
    Project,
    /// A copy of a link of somebody on leave; it ends with the leave.
    Deputy,
}

named!(
    LinkOrigin,
    Manual = "manual",
    Created = "created",
    Participant = "participant",
    Project = "project",
    Deputy = "deputy"
);

/// One item of a component in the CRM, known by the CRM's id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ItemRef {
    /// The kind of item.
    pub component: ComponentId,
    /// The CRM's id of it; opaque, at most 256 characters.
    pub item: String,
}

/// A link between an account or role and an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Its own id.
    pub id: GrantId,
    /// The item.
    pub item: ItemRef,
    /// The account or role that may see it.
    pub holder: Holder,
    /// How it came to be.
    pub origin: LinkOrigin,
    /// By whom.
    pub by: String,
    /// Why, for a manual link.
    pub why: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// It ends by itself at this instant.
    pub ends_at: Option<Timestamp>,
    /// When it was ended; nothing while it stands.
    pub until: Option<Timestamp>,
}

impl Link {
    /// Whether it stands at `now`: not ended, and its own end not reached. Ends hold at once, before any job runs.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.since <= now
            && self.until.is_none_or(|until| now < until)
            && self.ends_at.is_none_or(|end| now < end)
    }
}

/// Why a text is no id of an item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    /// Nothing, or only blanks.
    #[error("an item id must not be empty")]
    Empty,
    /// `*` stands for the component as a whole.
    #[error("\"*\" stands for the component as a whole and cannot be the id of one item")]
    Whole,
    /// More than 256 characters.
    #[error("an item id has at most 256 characters, this one has {0}")]
    TooLong(usize),
    /// A control character such as NUL or a line break.
    #[error("an item id must not contain control characters")]
    Control,
}

impl ItemRef {
    /// Reads the CRM's id of an item; it is compared exactly and never changed.
    ///
    /// # Errors
    ///
    /// [`ItemError`] when it is empty, `*`, longer than 256 characters or holds control characters.
    pub fn parse(component: ComponentId, item: &str) -> Result<Self, ItemError> {
        let length = item.chars().count();
        if item.trim().is_empty() {
            Err(ItemError::Empty)
        } else if item == "*" {
            Err(ItemError::Whole)
        } else if length > 256 {
            Err(ItemError::TooLong(length))
        } else if item.chars().any(char::is_control) {
            Err(ItemError::Control)
        } else {
            Ok(Self { component, item: item.to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_a_blank_and_a_line_break_are_no_items() {
        let component = ComponentId::parse("mailing").unwrap();
        let item = |text: &str| ItemRef::parse(component.clone(), text);
        assert_eq!(item("88362").unwrap().item, "88362");
        assert_eq!(item(" "), Err(ItemError::Empty));
        assert_eq!(item("*"), Err(ItemError::Whole));
        assert_eq!(item("1\n2"), Err(ItemError::Control));
        assert_eq!(item(&"å".repeat(257)), Err(ItemError::TooLong(257)));
    }
}
