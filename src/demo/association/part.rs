//! The parts that people play during the fourteen months.
//!
//! Invariant: a part says what happens, as days before the present; a negative number of days lies ahead.

use super::groups::GroupNo;

/// How somebody comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Through Portvakt, with the directory's sign-in.
    Sso,
    /// At the CRM itself, which reports it.
    Crm,
}

/// How somebody comes in, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Habit {
    /// The way in.
    pub route: Route,
    /// Days between two visits, give or take two.
    pub every: i32,
}

/// What somebody does and meets with during the fourteen months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Comes regularly, from the first day to the last.
    Regular(Habit),
    /// Comes once a quarter.
    Seldom,
    /// Comes until a quarter of a year ago; the limit falls on the last day of the story.
    FallsQuiet,
    /// Comes until so many days ago.
    Quiet {
        /// Days since the last visit.
        last_seen: i32,
    },
    /// Has never come.
    NeverSeen {
        /// Days since the person was provisioned; nothing: from the first day.
        joined: Option<i32>,
    },
    /// Leaves the association.
    Leaves {
        /// Days since.
        ago: i32,
        /// Days since the directory deleted the person, where it did.
        deleted: Option<i32>,
    },
    /// Leaves and comes back.
    Returns {
        /// Days since the person left.
        left: i32,
        /// Days since the person came back.
        back: i32,
    },
    /// Helps for a time, with an end date from the beginning.
    Campaign {
        /// Days since the person joined.
        joined: i32,
        /// Days since the end date.
        ends: i32,
    },
    /// Is, or was, on leave.
    OnLeave {
        /// Days since the leave began.
        since: i32,
        /// Days since it ended.
        until: i32,
    },
    /// Changes group and title.
    Moves {
        /// Days since.
        ago: i32,
        /// The new group, in place of the first one.
        to: GroupNo,
        /// The new title.
        title: &'static str,
    },
    /// Joins during the story.
    Joins {
        /// Days since.
        ago: i32,
        /// How the person comes in from then on.
        habit: Habit,
    },
    /// The account for when everything else fails; nobody signs in with it.
    BreakGlass,
}

impl Part {
    /// Days since the person was provisioned; nothing: from the first day.
    #[must_use]
    pub const fn joined(self) -> Option<i32> {
        match self {
            Self::Joins { ago, .. } => Some(ago),
            Self::Campaign { joined, .. } => Some(joined),
            Self::NeverSeen { joined } => joined,
            Self::Regular(_)
            | Self::Seldom
            | Self::FallsQuiet
            | Self::Quiet { .. }
            | Self::Leaves { .. }
            | Self::Returns { .. }
            | Self::OnLeave { .. }
            | Self::Moves { .. }
            | Self::BreakGlass => None,
        }
    }

    /// The habit, where the part leaves the person one.
    pub(super) const fn habit(self) -> Option<Habit> {
        match self {
            Self::Regular(habit) | Self::Joins { habit, .. } => Some(habit),
            Self::Seldom => Some(Habit { route: Route::Crm, every: 72 }),
            Self::FallsQuiet | Self::Quiet { .. } => Some(Habit { route: Route::Crm, every: 24 }),
            Self::Leaves { .. } | Self::Returns { .. } => Some(Habit { route: Route::Crm, every: 16 }),
            Self::Campaign { .. } | Self::Moves { .. } => Some(Habit { route: Route::Crm, every: 11 }),
            Self::OnLeave { .. } => Some(Habit { route: Route::Sso, every: 18 }),
            Self::NeverSeen { .. } | Self::BreakGlass => None,
        }
    }
}

/// How a person stands at the end of the story, before its last plan is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// In use.
    Active,
    /// In use, but the last plan freezes the account.
    DueNow,
    /// Frozen.
    Frozen,
    /// Deactivated: gone, quiet for too long, never seen or out of time.
    Deactivated,
    /// On leave.
    Paused,
}

/// The days after which the policy of the demo freezes people who are neither administrators nor helpers.
pub(super) const INACTIVE_AFTER: i32 = 90;
/// The days after which it freezes those who have never been seen.
pub(super) const NEVER_AFTER: i32 = 30;
/// The days that it keeps an account frozen.
pub(super) const FREEZE_FOR: i32 = 14;

impl Part {
    /// What the policy of the demo makes of it.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Regular(_)
            | Self::Seldom
            | Self::Returns { .. }
            | Self::Moves { .. }
            | Self::Joins { .. }
            | Self::BreakGlass => Outcome::Active,
            Self::FallsQuiet => Outcome::DueNow,
            Self::Quiet { last_seen } => after(last_seen, INACTIVE_AFTER),
            Self::NeverSeen { joined: Some(days) } => after(days, NEVER_AFTER),
            Self::NeverSeen { joined: None } | Self::Leaves { .. } => Outcome::Deactivated,
            Self::Campaign { ends, .. } => {
                if ends > 0 {
                    Outcome::Deactivated
                } else {
                    Outcome::Active
                }
            }
            Self::OnLeave { until, .. } => {
                if until > 0 {
                    Outcome::Active
                } else {
                    Outcome::Paused
                }
            }
        }
    }
}

/// The outcome of `days` of silence where `limit` are allowed.
const fn after(days: i32, limit: i32) -> Outcome {
    if days <= limit {
        Outcome::Active
    } else if days <= limit + FREEZE_FOR {
        Outcome::Frozen
    } else {
        Outcome::Deactivated
    }
}
