//! What a person does to accounts by hand, and what stands in the way.
//!
//! Invariant: pure. What is refused here is refused by the flow, and said in the same words before anybody presses a
//! button.

use jiff::Timestamp;

use super::account::{Account, Status};
use super::days::Reading;
use super::named::named;

/// What a person does to accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Ask by letter whether the account is still used.
    Remind,
    /// Approve a leave.
    Leave,
    /// Set or lift the last day.
    End,
    /// No sign-in, rights kept.
    Freeze,
    /// Rights ended, restorable as they were.
    Deactivate,
    /// Open again, from leave, a freeze or a closing.
    Restore,
}

named!(
    Deed,
    Remind = "remind",
    Leave = "leave",
    End = "end",
    Freeze = "freeze",
    Deactivate = "deactivate",
    Restore = "restore"
);

impl Deed {
    /// Whether it takes access away, now or on a day.
    #[must_use]
    pub const fn takes(self) -> bool {
        match self {
            Self::Leave | Self::End | Self::Freeze | Self::Deactivate => true,
            Self::Remind | Self::Restore => false,
        }
    }
}

/// What else must be known about an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
pub struct Beside {
    /// It is the acting person's own.
    pub is_own: bool,
    /// Some directory says that the person is active.
    pub is_present: bool,
    /// Mail reaches the person, as far as is known.
    pub is_reachable: bool,
    /// What is to be done has been done already: the letter of today, the leave, the day.
    pub is_done: bool,
}

/// Why an account is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// Nobody does this to their own account.
    Own,
    /// No path touches it.
    Protected,
    /// It is removed.
    Removed,
    /// It is so already.
    AlreadySo,
    /// It is deactivated.
    Closed,
    /// It is not in use, so there is nothing to remind of.
    NotInUse,
    /// The person has left the directory.
    Departed,
    /// Its last day has passed.
    Ended {
        /// The end.
        at: Timestamp,
    },
    /// No directory says that the person is active.
    Absent,
    /// There is no address that mail reaches.
    Unreachable,
}

/// Why `deed` is not done to an account; nothing: it may be.
#[must_use]
pub fn obstacle(deed: Deed, account: &Account, beside: Beside, now: Timestamp) -> Option<Obstacle> {
    let status = account.standing.status;
    if status == Status::Removed {
        return Some(Obstacle::Removed);
    }
    if account.is_protected {
        return Some(Obstacle::Protected);
    }
    if beside.is_own {
        return Some(Obstacle::Own);
    }
    if beside.is_done {
        return Some(Obstacle::AlreadySo);
    }
    match deed {
        Deed::Remind if !matches!(status, Status::Active | Status::Invited) => Some(Obstacle::NotInUse),
        Deed::Remind => (!beside.is_reachable).then_some(Obstacle::Unreachable),
        Deed::Leave => (status == Status::Deactivated).then_some(Obstacle::Closed),
        Deed::End => None,
        Deed::Freeze => match status {
            Status::Frozen => Some(Obstacle::AlreadySo),
            Status::Deactivated => Some(Obstacle::Closed),
            Status::Invited | Status::Active | Status::Paused | Status::Removed => None,
        },
        Deed::Deactivate => (status == Status::Deactivated).then_some(Obstacle::AlreadySo),
        Deed::Restore => opens(account, beside.is_present, now).err(),
    }
}

/// Whether a person may open an account again.
///
/// # Errors
///
/// [`Obstacle`] where the reason for its status is not a person's to lift, or it is open.
pub fn opens(account: &Account, is_present: bool, now: Timestamp) -> Result<(), Obstacle> {
    match account.standing.status {
        Status::Removed => return Err(Obstacle::Removed),
        Status::Active => return Err(Obstacle::AlreadySo),
        Status::Paused => return Ok(()),
        Status::Invited | Status::Frozen | Status::Deactivated => {}
    }
    if account.standing.is_departure() {
        return Err(Obstacle::Departed);
    }
    if let Some(at) = account.valid_until.filter(|until| *until <= now) {
        return Err(Obstacle::Ended { at });
    }
    if account.standing.status == Status::Deactivated && !is_present {
        return Err(Obstacle::Absent);
    }
    Ok(())
}

impl Obstacle {
    /// Why, as people read it.
    #[must_use]
    pub fn sentence(&self, reading: &Reading) -> String {
        match self {
            Self::Own => reading.pick(
                "Ditt eget konto. Någon annan får göra det.",
                "Your own account. Somebody else must do it.",
            ),
            Self::Protected => reading.pick("Skyddat konto.", "Protected account."),
            Self::Removed => reading.pick("Kontot är borttaget.", "The account is removed."),
            Self::AlreadySo => reading.pick("Det är redan så.", "It is so already."),
            Self::Closed => reading.pick("Kontot är avaktiverat.", "The account is deactivated."),
            Self::NotInUse => reading.pick("Kontot används inte nu.", "The account is not in use now."),
            Self::Departed => reading.pick(
                "Personen har slutat. Kontot öppnas när katalogen säger att hen är aktiv igen.",
                "The person has left. The account opens when the directory says that they are active again.",
            ),
            Self::Ended { at } => {
                let day = reading.last_day_before(*at);
                reading.pick(
                    format!("Sista dagen var {day}. Flytta den först."),
                    format!("The last day was {day}. Move it first."),
                )
            }
            Self::Absent => reading.pick(
                "Ingen katalog säger att personen är aktiv.",
                "No directory says that the person is active.",
            ),
            Self::Unreachable => {
                reading.pick("Ingen adress som går att nå.", "No address that mail reaches.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::StatusReason;
    use crate::domain::sample;

    fn judged(deed: Deed, status: Status, beside: Beside) -> Option<Obstacle> {
        let mut account = sample::account(1, sample::at("2025-01-01T00:00:00Z"));
        account.standing.status = status;
        account.standing.reason = StatusReason::Manual;
        obstacle(deed, &account, beside, sample::at("2025-10-07T02:00:00Z"))
    }

    #[test]
    fn nobody_does_anything_to_their_own_account() {
        for deed in Deed::ALL {
            let beside = Beside { is_own: true, is_present: true, is_reachable: true, is_done: false };
            assert_eq!(judged(*deed, Status::Active, beside), Some(Obstacle::Own), "{deed}");
        }
    }

    #[test]
    fn what_may_be_done_depends_on_how_the_account_stands() {
        let beside = Beside { is_present: true, is_reachable: true, ..Beside::default() };
        let table = [
            (Deed::Freeze, Status::Active, None),
            (Deed::Freeze, Status::Frozen, Some(Obstacle::AlreadySo)),
            (Deed::Freeze, Status::Deactivated, Some(Obstacle::Closed)),
            (Deed::Deactivate, Status::Frozen, None),
            (Deed::Deactivate, Status::Deactivated, Some(Obstacle::AlreadySo)),
            (Deed::Restore, Status::Frozen, None),
            (Deed::Restore, Status::Paused, None),
            (Deed::Restore, Status::Active, Some(Obstacle::AlreadySo)),
            (Deed::Remind, Status::Frozen, Some(Obstacle::NotInUse)),
            (Deed::Remind, Status::Invited, None),
            (Deed::Leave, Status::Deactivated, Some(Obstacle::Closed)),
            (Deed::End, Status::Removed, Some(Obstacle::Removed)),
        ];
        for (deed, status, expected) in table {
            assert_eq!(judged(deed, status, beside), expected, "{deed} {status}");
        }
        let unreachable = Beside { is_present: true, ..Beside::default() };
        assert_eq!(judged(Deed::Remind, Status::Active, unreachable), Some(Obstacle::Unreachable));
        assert_eq!(judged(Deed::Restore, Status::Deactivated, Beside::default()), Some(Obstacle::Absent));
    }
}
