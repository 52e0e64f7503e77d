//! When a person was last seen, since when they are idle, and whether the sources can be trusted to know.
//!
//! Invariant: unknown is not inactive. A source that is configured for the person but stale, incomplete or
//! unlicensed makes the answer unknown; a source that was never configured is ignored, and the plan notes it,
//! as long as at least one source that the rule names is live.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::days::{Reading, ago, days, days_between, later};
use super::ids::DirectoryId;
use super::policy::EvidenceSource;

/// The latest successful sign-in that each source knows of; failed ones are no evidence.
pub type Evidence = BTreeMap<EvidenceSource, Timestamp>;

/// How fresh one configured source is. A source that is not configured has no `SourceHealth` at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceHealth {
    /// Which source.
    pub source: EvidenceSource,
    /// The directory whose people it covers; nothing: it covers everybody.
    pub directory: Option<DirectoryId>,
    /// When it was last read, or last reported, to its end; nothing: never.
    pub last_success: Option<Timestamp>,
    /// Whether the last reading was whole.
    pub complete: bool,
    /// Whether the provider lets us read it; a missing licence looks like silence.
    pub licensed: bool,
}

impl SourceHealth {
    /// A source that Portvakt writes itself, such as sign-ins through it: as fresh as the present.
    #[must_use]
    pub const fn own(source: EvidenceSource, directory: Option<DirectoryId>, now: Timestamp) -> Self {
        Self { source, directory, last_success: Some(now), complete: true, licensed: true }
    }

    /// Whether the source knows at `now`: it was read whole, and lately enough.
    #[must_use]
    pub fn is_live(&self, stale_after: SignedDuration, now: Timestamp) -> bool {
        self.trouble(stale_after, now).is_none()
    }

    /// What keeps the source from knowing; nothing while it is live.
    fn trouble(&self, stale_after: SignedDuration, now: Timestamp) -> Option<Doubt> {
        match self.last_success {
            _ if !self.licensed => Some(Doubt::Unlicensed),
            None => Some(Doubt::NeverRead),
            Some(last_success) if later(last_success, stale_after) < now => {
                Some(Doubt::Stale { last_success })
            }
            Some(_) if !self.complete => Some(Doubt::Incomplete),
            Some(_) => None,
        }
    }
}

/// Why a source does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "doubt", rename_all = "snake_case")]
pub enum Doubt {
    /// Configured, but never read yet.
    NeverRead,
    /// Its last success is too old.
    Stale {
        /// When that was.
        last_success: Timestamp,
    },
    /// The last reading was cut short.
    Incomplete,
    /// The provider does not let us read it.
    Unlicensed,
    /// Not configured, and no other source that the rule names is either.
    NotConfigured,
}

/// A source that a rule relies on and that does not know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unknown {
    /// Which source.
    pub source: EvidenceSource,
    /// Of which directory.
    pub directory: Option<DirectoryId>,
    /// Why.
    #[serde(flatten)]
    pub doubt: Doubt,
}

/// What the sources that a rule names can say about one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Knowledge {
    /// The sources that do not know; empty: everything is known.
    pub unknown: Vec<Unknown>,
    /// The sources that were never configured and are ignored.
    pub ignored: BTreeSet<EvidenceSource>,
    /// How many sources are live.
    pub live: usize,
}

impl Knowledge {
    /// Whether silence means that the person was not there.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.unknown.is_empty() && self.live > 0
    }
}

/// Judges the sources that a rule `names` for a person linked to `directories`.
///
/// `health` lists every configured source; one that belongs to a directory counts only for people linked to it.
#[must_use]
pub fn knowledge(
    names: &BTreeSet<EvidenceSource>,
    directories: &BTreeSet<DirectoryId>,
    health: &[SourceHealth],
    stale_after: SignedDuration,
    now: Timestamp,
) -> Knowledge {
    let mut found = Knowledge::default();
    for source in names {
        let mut is_configured = false;
        let covers = |one: &&SourceHealth| {
            one.source == *source && one.directory.as_ref().is_none_or(|id| directories.contains(id))
        };
        for one in health.iter().filter(covers) {
            is_configured = true;
            match one.trouble(stale_after, now) {
                None => found.live += 1,
                Some(doubt) => {
                    found.unknown.push(Unknown { source: *source, directory: one.directory.clone(), doubt });
                }
            }
        }
        if !is_configured {
            found.ignored.insert(*source);
        }
    }
    if found.live == 0 && found.unknown.is_empty() {
        let doubt = Doubt::NotConfigured;
        found.unknown =
            names.iter().map(|source| Unknown { source: *source, directory: None, doubt }).collect();
    }
    found
}

/// When the person was last seen, and by which source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSeen {
    /// The source that knows of it.
    pub source: EvidenceSource,
    /// When.
    pub at: Timestamp,
}

/// The latest evidence of the sources that a rule `names`; nothing: never seen by any of them.
#[must_use]
pub fn last_seen(evidence: &Evidence, names: &BTreeSet<EvidenceSource>) -> Option<LastSeen> {
    evidence
        .iter()
        .filter(|(source, _)| names.contains(source))
        .max_by_key(|(_, at)| **at)
        .map(|(source, at)| LastSeen { source: *source, at: *at })
}

/// What the time of being idle is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountedFrom {
    /// The person was last seen then.
    LastSeen,
    /// The account came to be then, or became valid.
    Created,
    /// The account was last made active then.
    Activated,
    /// The person came back from leave then.
    Returned,
}

/// Since when an account is idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idle {
    /// The instant.
    pub since: Timestamp,
    /// What happened then.
    pub counted_from: CountedFrom,
}

/// The latest of last seen, the account's creation, its last activation and its return from leave.
///
/// An account that becomes valid later than it was made counts from its first day: nobody is cut before they
/// could have signed in.
#[must_use]
pub fn idle_since(account: &Account, last_seen: Option<Timestamp>) -> Idle {
    let created = account.valid_from.map_or(account.created_at, |from| from.max(account.created_at));
    let mut idle = Idle { since: created, counted_from: CountedFrom::Created };
    let candidates = [
        (account.activated_at, CountedFrom::Activated),
        (account.returned_at, CountedFrom::Returned),
        (last_seen, CountedFrom::LastSeen),
    ];
    for (at, counted_from) in candidates {
        if let Some(since) = at.filter(|at| *at >= idle.since) {
            idle = Idle { since, counted_from };
        }
    }
    idle
}

impl Unknown {
    /// Why the source does not know, and what follows from it.
    #[must_use]
    pub fn sentence(&self, reading: &Reading) -> String {
        let (log_sv, log_en) = self.log();
        let trouble = match self.doubt {
            Doubt::NeverRead => {
                reading.pick(format!("{log_sv} har aldrig lästs."), format!("{log_en} has never been read."))
            }
            Doubt::Stale { last_success } => {
                let age = days(days_between(last_success, reading.now), reading.language);
                reading.pick(format!("{log_sv} är {age} gammal."), format!("{log_en} is {age} old."))
            }
            Doubt::Incomplete => reading.pick(
                format!("{log_sv} kunde inte läsas till slutet."),
                format!("{log_en} could not be read to its end."),
            ),
            Doubt::Unlicensed => reading.pick(
                format!("{log_sv} kräver en licens eller ett tillstånd som saknas."),
                format!("{log_en} needs a licence or a permission that is missing."),
            ),
            Doubt::NotConfigured => {
                reading.pick(format!("{log_sv} är inte ansluten."), format!("{log_en} is not connected."))
            }
        };
        let so = reading.pick("Okänt räknas inte som inaktivt.", "Unknown does not count as inactive.");
        format!("{trouble} {so}")
    }

    /// The source as the beginning of a sentence, in Swedish and English.
    fn log(&self) -> (String, String) {
        let (sv, en) = match self.source {
            EvidenceSource::Sso => ("Inloggningsloggen för SSO", "The SSO sign-in log"),
            EvidenceSource::Crm => ("CRM:ets inloggningslogg", "The CRM's sign-in log"),
            EvidenceSource::Directory => ("Inloggningsloggen", "The sign-in log"),
        };
        match &self.directory {
            Some(id) => (format!("{sv} från {id}"), format!("{en} of {id}")),
            None => (sv.to_owned(), en.to_owned()),
        }
    }
}

impl LastSeen {
    /// When and where the person was last seen: "för 9 dagar sedan, i CRM:et".
    #[must_use]
    pub fn sentence(&self, reading: &Reading) -> String {
        let place = match self.source {
            EvidenceSource::Sso => reading.pick("genom SSO", "through SSO"),
            EvidenceSource::Crm => reading.pick("i CRM:et", "in the CRM"),
            EvidenceSource::Directory => reading.pick("i katalogen", "in the directory"),
        };
        format!("{}, {place}", ago(self.at, reading.now, reading.language))
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::language::Language;
    use crate::domain::sample::{account, at, days};

    fn entra() -> DirectoryId {
        DirectoryId::parse("entra").unwrap()
    }

    fn now() -> Timestamp {
        at("2025-10-07T02:00:00Z")
    }

    fn judge(names: &[EvidenceSource], directories: &[DirectoryId], health: &[SourceHealth]) -> Knowledge {
        let names = names.iter().copied().collect();
        knowledge(&names, &directories.iter().cloned().collect(), health, days(7), now())
    }

    #[test]
    fn a_stale_incomplete_unlicensed_or_unread_source_is_unknown() {
        let whole = SourceHealth::own(EvidenceSource::Directory, Some(entra()), now());
        let old = at("2025-09-28T01:00:00Z");
        let broken = [
            SourceHealth { last_success: Some(old), ..whole.clone() },
            SourceHealth { complete: false, ..whole.clone() },
            SourceHealth { licensed: false, ..whole.clone() },
            SourceHealth { last_success: None, ..whole.clone() },
        ];
        let sso = SourceHealth::own(EvidenceSource::Sso, None, now());
        for one in broken {
            let found = judge(EvidenceSource::ALL, &[entra()], &[sso.clone(), one]);
            assert!(!found.is_known(), "{found:?}");
        }
        assert!(judge(EvidenceSource::ALL, &[entra()], &[sso, whole]).is_known());
    }

    #[test]
    fn a_directorys_log_counts_only_for_its_own_people_and_for_rules_that_name_it() {
        let log = SourceHealth {
            last_success: None,
            ..SourceHealth::own(EvidenceSource::Directory, Some(entra()), now())
        };
        let sso = SourceHealth::own(EvidenceSource::Sso, None, now());
        let health = [log, sso];
        assert!(!judge(EvidenceSource::ALL, &[entra()], &health).is_known());
        let elsewhere = judge(EvidenceSource::ALL, &[], &health);
        assert!(elsewhere.is_known());
        assert_eq!(elsewhere.ignored, BTreeSet::from([EvidenceSource::Crm, EvidenceSource::Directory]));
        assert!(judge(&[EvidenceSource::Sso], &[entra()], &health).is_known());
    }

    #[test]
    fn without_any_live_source_nothing_is_known() {
        let found = judge(EvidenceSource::ALL, &[], &[]);
        assert!(!found.is_known());
        assert_eq!(found.unknown.len(), 3);
        assert!(!judge(&[], &[], &[SourceHealth::own(EvidenceSource::Sso, None, now())]).is_known());
    }

    #[test]
    fn last_seen_is_the_latest_that_the_rule_names() {
        let evidence = Evidence::from([
            (EvidenceSource::Sso, at("2025-01-01T00:00:00Z")),
            (EvidenceSource::Directory, at("2025-03-01T00:00:00Z")),
        ]);
        let seen = |names: &[EvidenceSource]| last_seen(&evidence, &names.iter().copied().collect());
        assert_eq!(seen(EvidenceSource::ALL).unwrap().source, EvidenceSource::Directory);
        assert_eq!(seen(&[EvidenceSource::Sso, EvidenceSource::Crm]).unwrap().at, at("2025-01-01T00:00:00Z"));
        assert_eq!(seen(&[EvidenceSource::Crm]), None);
    }

    #[test]
    fn idleness_counts_from_whichever_came_last() {
        let mut person = account(1, at("2024-01-01T00:00:00Z"));
        assert_eq!(idle_since(&person, None).counted_from, CountedFrom::Created);
        person.activated_at = Some(at("2024-06-01T00:00:00Z"));
        assert_eq!(
            idle_since(&person, Some(at("2024-03-01T00:00:00Z"))).counted_from,
            CountedFrom::Activated
        );
        person.returned_at = Some(at("2025-09-15T00:00:00Z"));
        assert_eq!(idle_since(&person, Some(at("2024-07-01T00:00:00Z"))).counted_from, CountedFrom::Returned);
        let seen = at("2025-10-01T00:00:00Z");
        assert_eq!(
            idle_since(&person, Some(seen)),
            Idle { since: seen, counted_from: CountedFrom::LastSeen }
        );
        let early = Account { valid_from: Some(at("2026-01-01T00:00:00Z")), ..account(1, now()) };
        assert_eq!(idle_since(&early, None).since, at("2026-01-01T00:00:00Z"));
    }

    #[test]
    fn a_stale_log_says_how_old_it_is_in_both_languages() {
        let doubt = Doubt::Stale { last_success: at("2025-09-28T01:00:00Z") };
        let unknown = Unknown { source: EvidenceSource::Directory, directory: Some(entra()), doubt };
        let say = |language| unknown.sentence(&Reading { language, now: now(), zone: TimeZone::UTC });
        assert_eq!(
            say(Language::Sv),
            "Inloggningsloggen från entra är 9 dagar gammal. Okänt räknas inte som inaktivt."
        );
        assert_eq!(
            say(Language::En),
            "The sign-in log of entra is 9 days old. Unknown does not count as inactive."
        );
    }
}
