//! How people are told, and what happens to rights that were given by hand when somebody changes job.
//!
//! Invariant: silence takes nothing away unless the policy says so in as many words.

use jiff::SignedDuration;

use crate::domain::named::named;

/// Who hears of a notice beside the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Besides {
    /// The manager that the directory names.
    Manager,
    /// The owner of a sector that the account holds, as the policy names them.
    SectorOwner,
}

named!(Besides, Manager = "manager", SectorOwner = "sector_owner");

/// What a notice does that nobody can be sent: the account has no address, and nobody else hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WithoutAddress {
    /// The step waits until somebody can be told, and is reported.
    Wait,
    /// The step goes on after the same time, as if the notice had gone.
    Proceed,
}

named!(WithoutAddress, Wait = "wait", Proceed = "proceed");

/// Who is told of what is coming, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticePolicy {
    /// Who hears of it beside the person: the first of them that can be reached, in this order.
    pub also_to: Vec<Besides>,
    /// They hear of the notices that go out this long before the freeze, or later. Default 7 days.
    pub also_from: SignedDuration,
    /// What a notice does that nobody can be sent. Default: wait.
    pub without_address: WithoutAddress,
    /// The end of an account or of a right by hand is told this long before; nothing: not at all. Default 14 days.
    pub before_end: Option<SignedDuration>,
}

impl Default for NoticePolicy {
    fn default() -> Self {
        Self {
            also_to: Vec::new(),
            also_from: days(7),
            without_address: WithoutAddress::Wait,
            before_end: Some(days(14)),
        }
    }
}

/// What becomes of a right by hand that nobody has decided about in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unanswered {
    /// It stays, is told to those who look after the accounts, and is asked about again.
    AskAgain,
    /// It ends.
    End,
}

named!(Unanswered, AskAgain = "ask_again", End = "end");

/// What happens to rights given by hand when somebody changes job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangedJob {
    /// Whoever gave a right is reminded this often. Default 7 days.
    pub remind_every: SignedDuration,
    /// So long they have to answer. Default 30 days.
    pub answer_within: SignedDuration,
    /// What happens then. Default: asked again.
    pub unanswered: Unanswered,
}

impl Default for ChangedJob {
    fn default() -> Self {
        Self { remind_every: days(7), answer_within: days(30), unanswered: Unanswered::AskAgain }
    }
}

const fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}
