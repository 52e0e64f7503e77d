//! Takes back what a run did to one account, where that can be.
//!
//! Invariant: only what the run did is taken back, and only while it stands as the run left it, unless a person names
//! the account. What would be done again at once is left alone: its ground must be mended first.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account::{Account, AccountKind, Standing, Status};
use super::days::Reading;
use super::ids::GrantId;
use super::lifecycle::{Facts, Reason, Step, assess, status_word};
use super::policy::Policy;

/// What a run did to one account, and how that stood before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// What was done.
    pub step: Step,
    /// Why.
    pub because: Reason,
    /// When.
    pub at: Timestamp,
    /// The status before.
    pub before: Standing,
    /// The grants that it ended.
    pub ended: Vec<GrantId>,
    /// The grants that it gave: limits in the place of what ended.
    pub given: Vec<GrantId>,
}

/// Why a step is not taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftAlone {
    /// It was taken back before.
    UndoneAlready,
    /// The account is as it was before the run.
    AsBefore,
    /// Personal data were erased; nothing brings them back.
    Removed,
    /// No path touches it.
    Protected,
    /// Its status has changed again since.
    ChangedSince {
        /// To this.
        status: Status,
        /// When.
        at: Timestamp,
        /// By whom, as [`Actor`](super::actor::Actor) writes itself.
        by: String,
    },
    /// The ground for the step still stands: it would be done again at once.
    StillHolds {
        /// That ground.
        because: Reason,
    },
    /// Nobody would be left to administer.
    LastAdministrator,
}

impl LeftAlone {
    /// Whether there is nothing left to undo.
    #[must_use]
    pub const fn is_harmless(&self) -> bool {
        match self {
            Self::UndoneAlready | Self::AsBefore => true,
            Self::Removed
            | Self::Protected
            | Self::ChangedSince { .. }
            | Self::StillHolds { .. }
            | Self::LastAdministrator => false,
        }
    }
}

/// What the account's status becomes when the step is taken back, or why it is left alone.
///
/// An account that becomes active again is activated `now`: its time of being idle begins anew, so that the next run
/// does not do at once what a person has just undone.
///
/// # Errors
///
/// Why it is left alone.
pub fn undo(
    policy: &Policy,
    done: &Done,
    facts: &Facts<'_>,
    is_named: bool,
    by: &str,
    now: Timestamp,
) -> Result<Standing, LeftAlone> {
    let account = facts.account;
    let present = &account.standing;
    if present.status == Status::Removed {
        return Err(LeftAlone::Removed);
    }
    if account.is_protected || account.kind == AccountKind::BreakGlass {
        return Err(LeftAlone::Protected);
    }
    let Some(left_as) = done.step.status() else {
        return rights_back(policy, done, facts, now);
    };
    if (present.status, present.reason) == (done.before.status, done.before.reason) {
        return Err(LeftAlone::AsBefore);
    }
    let is_as_left = present.status == left_as && present.since == done.at;
    if !is_as_left && !is_named {
        let (status, at, by) = (present.status, present.since, present.by.clone());
        return Err(LeftAlone::ChangedSince { status, at, by });
    }
    let restored = restored(account, done, by, now);
    let fresh = assess(policy, &Facts { account: &restored, ..*facts }, now);
    if fresh.step.status().is_some_and(|status| status == left_as || fresh.step.takes_access()) {
        return Err(LeftAlone::StillHolds { because: fresh.because });
    }
    Ok(restored.standing)
}

/// Rights that a run took come back to whoever is active and stays so.
fn rights_back(
    policy: &Policy,
    done: &Done,
    facts: &Facts<'_>,
    now: Timestamp,
) -> Result<Standing, LeftAlone> {
    let present = &facts.account.standing;
    if done.ended.is_empty() {
        return Err(LeftAlone::AsBefore);
    }
    let fresh = assess(policy, facts, now);
    if fresh.step.takes_access() && fresh.step != Step::TakeRights {
        return Err(LeftAlone::StillHolds { because: fresh.because });
    }
    if present.status != Status::Active {
        let (status, at, by) = (present.status, present.since, present.by.clone());
        return Err(LeftAlone::ChangedSince { status, at, by });
    }
    Ok(present.clone())
}

/// The account with the status that it had before.
fn restored(account: &Account, done: &Done, by: &str, now: Timestamp) -> Account {
    let Standing { status, reason, note, .. } = done.before.clone();
    let activated_at = if status == Status::Active { Some(now) } else { account.activated_at };
    Account {
        standing: Standing { status, since: now, reason, by: by.to_owned(), note },
        activated_at,
        ..account.clone()
    }
}

impl LeftAlone {
    /// The stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::UndoneAlready => "undone_already",
            Self::AsBefore => "as_before",
            Self::Removed => "removed",
            Self::Protected => "protected",
            Self::ChangedSince { .. } => "changed_since",
            Self::StillHolds { .. } => "still_holds",
            Self::LastAdministrator => "last_administrator",
        }
    }

    /// Why, and how to mend it where that can be.
    #[must_use]
    pub fn sentence(&self, reading: &Reading) -> String {
        match self {
            Self::UndoneAlready => reading.pick("Redan återställt.", "Undone already."),
            Self::AsBefore => reading
                .pick("Kontot är redan som före körningen.", "The account is as it was before the run."),
            Self::Removed => reading.pick(
                "Kontot är borttaget och personuppgifterna raderade. Det kan inte återställas.",
                "The account is removed and its personal data erased. That cannot be undone.",
            ),
            Self::Protected => {
                reading.pick("Skyddat konto. Det rörs inte.", "Protected account. It is not touched.")
            }
            Self::ChangedSince { status, at, by } => {
                let (day, word) = (reading.date(*at), status_word(*status, reading));
                reading.pick(
                    format!("Ändrat efter körningen: {word} sedan {day}, av {by}. Ange kontot med --account om det ändå ska återställas."),
                    format!("Changed after the run: {word} since {day}, by {by}. Name it with --account to undo it all the same."),
                )
            }
            Self::StillHolds { because } => {
                let why = because.sentence(reading);
                let (sv, en) = mend(because);
                reading.pick(
                    format!("Skälet finns kvar, så steget skulle tas igen: {why}. {sv}"),
                    format!("The ground still stands, so it would be done again: {why}. {en}"),
                )
            }
            Self::LastAdministrator => reading
                .pick("Ingen aktiv administratör skulle bli kvar.", "No active administrator would be left."),
        }
    }
}

/// What takes the ground away.
const fn mend(because: &Reason) -> (&'static str, &'static str) {
    match because {
        Reason::Departed { .. } => (
            "Kontot öppnas när katalogen säger att personen är aktiv.",
            "The account opens when the directory says that the person is active.",
        ),
        Reason::Expired { .. } => (
            "Flytta slutdatumet: portvakt account dates KONTO --valid-until DATUM",
            "Move the end date: portvakt account dates ACCOUNT --valid-until DATE",
        ),
        Reason::LeaveBegan { .. } => (
            "Avsluta ledigheten: portvakt account leave KONTO --end",
            "End the leave: portvakt account leave ACCOUNT --end",
        ),
        Reason::ActiveAgain { .. } | Reason::LeaveEnded { .. } => (
            "Avaktivera kontot för hand om det ska vara stängt.",
            "Deactivate the account by hand if it is to be closed.",
        ),
        Reason::Kept { .. }
        | Reason::Inactive { .. }
        | Reason::NeverSignedIn { .. }
        | Reason::FrozenLongEnough { .. }
        | Reason::DeactivatedLongEnough { .. }
        | Reason::NoLongerGiven { .. } => ("Ändra regeln först.", "Change the rule first."),
    }
}

#[cfg(test)]
mod tests;
