//! When a plan stops by itself, before anything has been done.
//!
//! Invariant: every number is counted over the whole plan before its first write; a plan that only gives access
//! back never stops.

use serde::{Deserialize, Serialize};

use super::days::Reading;
use super::ids::{DirectoryId, RoleId, SectorId};
use super::policy::{Policy, SafetyLimits};

/// A role or sector that the policy marks critical, and who is left in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CriticalCount {
    /// Which.
    pub what: Critical,
    /// How many accounts in use hold it now.
    pub before: u64,
    /// How many would be left.
    pub after: u64,
}

/// What may never be left without a holder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Critical {
    /// A role.
    Role(RoleId),
    /// A sector.
    Sector(SectorId),
}

/// A list that was read whole from a directory, and its size the time before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputList {
    /// The directory it comes from.
    pub directory: DirectoryId,
    /// How many it held the time before.
    pub before: u64,
    /// How many it holds now.
    pub after: u64,
}

/// What the safety limits are compared with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Accounts that are active before the plan.
    pub active_accounts: u64,
    /// Accounts that lost access within the last 24 hours.
    pub taken_last_day: u64,
    /// Steps of the plan that take access.
    pub taking_steps: u64,
    /// Every critical role and sector.
    pub critical: Vec<CriticalCount>,
    /// Active administrators before the plan.
    pub administrators_before: u64,
    /// Active administrators after it.
    pub administrators_after: u64,
    /// The lists that the plan relies on.
    pub inputs: Vec<InputList>,
}

/// Why a plan waits for a person's release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "stop", rename_all = "snake_case")]
pub enum SafetyStop {
    /// More accounts would lose access than the limits allow.
    TooMany {
        /// Steps of this plan.
        steps: u64,
        /// Accounts of the last 24 hours.
        last_day: u64,
        /// How many are allowed in all.
        allowed: u64,
    },
    /// A critical role or sector would be left empty.
    CriticalEmpty {
        /// Which.
        #[serde(flatten)]
        what: Critical,
    },
    /// No active administrator would be left.
    NoAdministrator,
    /// A list from a directory shrank by more than the limit.
    InputShrank {
        /// Which directory.
        directory: DirectoryId,
        /// Its size the time before.
        before: u64,
        /// Its size now.
        after: u64,
    },
}

/// Compares the numbers with the limits; empty: the plan may be carried out.
///
/// The percentage is of the accounts that were active 24 hours ago, so that many small plans add up to one.
#[must_use]
pub fn check(limits: &SafetyLimits, numbers: &Numbers) -> Vec<SafetyStop> {
    let mut stops = Vec::new();
    if numbers.taking_steps == 0 {
        return stops;
    }
    let base = numbers.active_accounts.saturating_add(numbers.taken_last_day);
    let allowed = u64::from(limits.max_accounts).max(part(base, limits.max_percent));
    if numbers.taking_steps.saturating_add(numbers.taken_last_day) > allowed {
        stops.push(SafetyStop::TooMany {
            steps: numbers.taking_steps,
            last_day: numbers.taken_last_day,
            allowed,
        });
    }
    let emptied = numbers.critical.iter().filter(|count| count.before > 0 && count.after == 0);
    stops.extend(emptied.map(|count| SafetyStop::CriticalEmpty { what: count.what.clone() }));
    if numbers.administrators_before > 0 && numbers.administrators_after == 0 {
        stops.push(SafetyStop::NoAdministrator);
    }
    let shrank = numbers.inputs.iter().filter(|list| has_shrunk(list, limits.max_shrink_percent));
    stops.extend(shrank.map(|list| SafetyStop::InputShrank {
        directory: list.directory.clone(),
        before: list.before,
        after: list.after,
    }));
    stops
}

/// How many accounts must be active for the limits to allow what `numbers` take and took; with that many counted it
/// makes no difference how many more there are.
#[must_use]
pub fn active_that_allow(limits: &SafetyLimits, numbers: &Numbers) -> u64 {
    let taken = numbers.taking_steps.saturating_add(numbers.taken_last_day);
    if taken <= u64::from(limits.max_accounts) {
        return 0;
    }
    let allows =
        |active: u64| part(active.saturating_add(numbers.taken_last_day), limits.max_percent) >= taken;
    let (mut too_few, mut enough) = (0_u64, 1_u64);
    while !allows(enough) {
        if enough > u64::MAX / 4 {
            return u64::MAX;
        }
        (too_few, enough) = (enough, enough.saturating_mul(2));
    }
    while too_few < enough {
        let middle = too_few + (enough - too_few) / 2;
        if allows(middle) {
            enough = middle;
        } else {
            too_few = middle + 1;
        }
    }
    enough
}

/// Whether a list from a directory shrank by more than `percent`.
#[must_use]
pub fn has_shrunk(list: &InputList, percent: f64) -> bool {
    shrank(list.before, list.after, percent)
}

/// Whether a list of so many shrank by more than `percent`.
#[must_use]
pub fn shrank(before: u64, after: u64, percent: f64) -> bool {
    before.saturating_sub(after) > part(before, percent)
}

/// `percent` of `whole`, rounded down. Counts in millionths, so that 10 % of 30 is 3 and not a hair less.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=100 before, and `as` saturates on NaN to 0, the strictest limit"
)]
fn part(whole: u64, percent: f64) -> u64 {
    let millionths = (percent.clamp(0.0, 100.0) * 10_000.0).round() as u128;
    u64::try_from(u128::from(whole) * millionths / 1_000_000).unwrap_or(whole)
}

impl SafetyStop {
    /// The name of [`SafetyStop::CriticalEmpty`].
    pub const CRITICAL_EMPTY: &'static str = "critical_empty";
    /// The name of [`SafetyStop::NoAdministrator`].
    pub const NO_ADMINISTRATOR: &'static str = "no_administrator";

    /// The stable name of the stop.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TooMany { .. } => "too_many",
            Self::CriticalEmpty { .. } => Self::CRITICAL_EMPTY,
            Self::NoAdministrator => Self::NO_ADMINISTRATOR,
            Self::InputShrank { .. } => "input_shrank",
        }
    }

    /// Why the plan stopped, as people read it.
    #[must_use]
    pub fn sentence(&self, policy: &Policy, reading: &Reading) -> String {
        match self {
            Self::TooMany { steps, last_day: 0, allowed } => reading.pick(
                format!("Det här tar åtkomst från {steps} konton. Gränsen är {allowed} på ett dygn."),
                format!("This takes access from {steps} accounts. The limit is {allowed} in 24 hours."),
            ),
            Self::TooMany { steps, last_day, allowed } => reading.pick(
                format!(
                    "Det här tar åtkomst från {steps} konton, och {last_day} förlorade den det senaste dygnet. \
                     Gränsen är {allowed} på ett dygn."
                ),
                format!(
                    "This takes access from {steps} accounts, and {last_day} lost it in the last 24 hours. \
                     The limit is {allowed} in 24 hours."
                ),
            ),
            Self::CriticalEmpty { what: Critical::Role(id) } => {
                let name = policy.roles.get(id).map_or(id.as_str(), |role| role.name.get(reading.language));
                reading.pick(
                    format!("Rollen {name} blir utan innehavare."),
                    format!("The role {name} is left without a holder."),
                )
            }
            Self::CriticalEmpty { what: Critical::Sector(id) } => {
                let name =
                    policy.sectors.get(id).map_or(id.as_str(), |sector| sector.name.get(reading.language));
                reading.pick(
                    format!("Sektorn {name} blir utan innehavare."),
                    format!("The sector {name} is left without a holder."),
                )
            }
            Self::NoAdministrator => reading.pick(
                "Ingen aktiv administratör blir kvar.",
                "No active administrator is left.",
            ),
            Self::InputShrank { directory, before, after } => reading.pick(
                format!("Listan från katalogen {directory} krympte från {before} till {after} personer."),
                format!("The list from the directory {directory} shrank from {before} to {after} people."),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::language::Language;
    use crate::domain::sample;

    fn limits() -> SafetyLimits {
        sample::policy().lifecycle.safety
    }

    fn numbers(active: u64, steps: u64) -> Numbers {
        Numbers { active_accounts: active, taking_steps: steps, ..Numbers::default() }
    }

    fn list(before: u64, after: u64) -> InputList {
        InputList { directory: DirectoryId::parse("entra").unwrap(), before, after }
    }

    #[test]
    fn three_accounts_or_a_tenth_are_allowed_whichever_is_more() {
        for (active, allowed) in [(5, 3), (29, 3), (39, 3), (40, 4), (100, 10), (120, 12)] {
            assert!(check(&limits(), &numbers(active, allowed)).is_empty(), "{active}");
            let [SafetyStop::TooMany { allowed: told, .. }] =
                check(&limits(), &numbers(active, allowed + 1))[..]
            else {
                panic!("{active} accounts did not stop");
            };
            assert_eq!(told, allowed);
        }
    }

    #[test]
    fn what_was_taken_in_the_last_day_counts_with_the_plan() {
        let counted = Numbers { taken_last_day: 8, ..numbers(92, 2) };
        assert!(check(&limits(), &counted).is_empty());
        assert_eq!(check(&limits(), &Numbers { taking_steps: 3, ..counted.clone() }).len(), 1);
        assert!(check(&limits(), &Numbers { taking_steps: 0, taken_last_day: 90, ..counted }).is_empty());
    }

    #[test]
    fn an_emptied_critical_role_the_last_administrator_and_a_shrunken_list_stop() {
        let role = Critical::Role(sample::role_id("board"));
        let stopped = Numbers {
            critical: vec![
                CriticalCount { what: role.clone(), before: 1, after: 0 },
                CriticalCount { what: Critical::Sector(sample::sector_id("members")), before: 0, after: 0 },
            ],
            administrators_before: 1,
            inputs: vec![list(100, 79), list(100, 80), list(10, 20)],
            ..numbers(100, 1)
        };
        let found = check(&limits(), &stopped);
        let names: Vec<&str> = found.iter().map(SafetyStop::name).collect();
        assert_eq!(names, ["critical_empty", "no_administrator", "input_shrank"]);
        let reading = Reading { language: Language::Sv, now: Timestamp::UNIX_EPOCH, zone: TimeZone::UTC };
        assert_eq!(found[0].sentence(&sample::policy(), &reading), "Rollen Styrelse blir utan innehavare.");
        let text = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Vec<SafetyStop>>(&text).unwrap(), found);
    }

    #[test]
    fn a_limit_that_is_no_number_allows_nothing() {
        assert_eq!(part(100, f64::NAN), 0);
        assert_eq!(part(30, 10.0), 3);
        assert_eq!(part(u64::MAX, 100.0), u64::MAX);
    }
}
