//! One person's account in the CRM, and the states it can be in.
//!
//! Invariant: a status always says since when, by whom and why; the reason decides who may lift it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::AccountId;
use super::language::Language;
use super::named::named;

/// The state of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Made, but nobody has used it yet and the person must first accept.
    Invited,
    /// In use.
    Active,
    /// On leave: no sign-in, the clock stands still, rights remembered.
    Paused,
    /// No sign-in, rights kept.
    Frozen,
    /// Rights ended, restorable as they were.
    Deactivated,
    /// Personal data erased; tombstone and audit kept.
    Removed,
}

/// Why an account has its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusReason {
    /// A directory provisioned the person.
    Provisioned,
    /// The directory says inactive, deleted, or the person is gone from a complete listing.
    Departed,
    /// The directory says active again, or the leave has ended.
    Returned,
    /// Not seen for longer than the rule allows.
    Inactive,
    /// Never signed in within the rule's limit.
    NeverSignedIn,
    /// The account's own end date has passed.
    Expired,
    /// On approved leave.
    Leave,
    /// A person decided.
    Manual,
    /// A review decided.
    Review,
    /// The person signed in again and the policy lets that lift the freeze.
    SignedIn,
}

/// What kind of account it is; lifecycle rules may treat them differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// A person.
    #[default]
    Person,
    /// A machine.
    Service,
    /// Someone with an end date: a campaign helper, a consultant.
    Temporary,
    /// The way in when everything else fails.
    BreakGlass,
}

named!(
    Status,
    Invited = "invited",
    Active = "active",
    Paused = "paused",
    Frozen = "frozen",
    Deactivated = "deactivated",
    Removed = "removed"
);
named!(
    StatusReason,
    Provisioned = "provisioned",
    Departed = "departed",
    Returned = "returned",
    Inactive = "inactive",
    NeverSignedIn = "never_signed_in",
    Expired = "expired",
    Leave = "leave",
    Manual = "manual",
    Review = "review",
    SignedIn = "signed_in"
);
named!(
    AccountKind,
    Person = "person",
    Service = "service",
    Temporary = "temporary",
    BreakGlass = "break_glass"
);

impl Status {
    /// Whether the account's rights are in force: it may be told to the CRM as usable.
    #[must_use]
    pub const fn is_usable(self) -> bool {
        match self {
            Self::Active => true,
            Self::Invited | Self::Paused | Self::Frozen | Self::Deactivated | Self::Removed => false,
        }
    }

    /// Whether the account is closed: deactivated or removed, and not merely resting.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        match self {
            Self::Deactivated | Self::Removed => true,
            Self::Invited | Self::Active | Self::Paused | Self::Frozen => false,
        }
    }
}

/// The status an account has, and how it came to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The state.
    pub status: Status,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: StatusReason,
    /// By whom, as [`Actor`](super::actor::Actor) writes itself.
    pub by: String,
    /// In free words, where a person gave them.
    pub note: Option<String>,
}

impl Standing {
    /// Whether the account is closed because its person left.
    #[must_use]
    pub fn is_departure(&self) -> bool {
        self.status == Status::Deactivated && self.reason == StatusReason::Departed
    }
}

/// One person's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Ours; never reused.
    pub id: AccountId,
    /// The sign-in name, as the directory spells it.
    pub user_name: String,
    /// The name that people read.
    pub display_name: String,
    /// Where mail goes; never a key.
    pub email: Option<String>,
    /// The language the person reads.
    pub language: Option<Language>,
    /// Person, service, temporary or break-glass.
    pub kind: AccountKind,
    /// No path touches a protected account.
    pub is_protected: bool,
    /// Not before this instant.
    pub valid_from: Option<Timestamp>,
    /// Not from this instant on.
    pub valid_until: Option<Timestamp>,
    /// When it came to be: the CRM's own date where it was imported, else ours.
    pub created_at: Timestamp,
    /// The present status.
    pub standing: Standing,
    /// The last approved leave ends here, if there is one.
    pub leave_until: Option<Timestamp>,
    /// When the person last returned from leave.
    pub returned_at: Option<Timestamp>,
    /// When the account was last made active.
    pub activated_at: Option<Timestamp>,
    /// Grows by one with every change that the CRM must know.
    pub version: i64,
}

impl Account {
    /// What the person is called where people read it: the name, else the user name.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        shown_name(&self.display_name, &self.user_name)
    }
}

/// The name, else the user name.
#[must_use]
pub const fn shown_name<'n>(display_name: &'n str, user_name: &'n str) -> &'n str {
    if display_name.is_empty() { user_name } else { display_name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_and_reason_is_read_back_from_its_name() {
        for status in Status::ALL {
            assert_eq!(Status::from_name(status.name()), Some(*status));
        }
        for reason in StatusReason::ALL {
            assert_eq!(StatusReason::from_name(reason.name()), Some(*reason));
        }
        assert_eq!(Status::from_name("sleeping"), None);
    }
}
