//! What reports say to people, in Swedish and English.
//!
//! Invariant: every key of a head or a column has words in both languages; a key without words shows itself.

use super::{Column, ReportName, Term};
use crate::domain::account::{AccountKind, Status, StatusReason};
use crate::domain::days::Reading;
use crate::domain::evidence::SourceHealth;
use crate::domain::grant::GrantKind;
use crate::domain::ids::RuleId;
use crate::domain::language::Language;
use crate::domain::lifecycle::reason_word;
use crate::domain::policy::EvidenceSource;
use crate::flows::lifecycle::outcome_word;

/// The words of one language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words(pub(super) Language);

/// Key, Swedish, English.
const HEAD: &[(&str, &str, &str)] = &[
    ("as_of", "Läget den", "As of"),
    ("time_zone", "Tidszon för datum", "Time zone of days"),
    ("ordered_by", "Beställd av", "Ordered by"),
    ("software", "Program", "Software"),
    ("policy_version", "Policyversion", "Policy version"),
    ("policy_hash", "Policyns kontrollsumma", "Policy checksum"),
    ("sources", "Källor", "Sources"),
    ("population", "Konton", "Accounts"),
    ("rows", "Rader", "Rows"),
    ("can_sign_in", "Kan logga in", "Can sign in"),
    ("not_signed_in_since", "Inte inloggade sedan", "Not signed in since"),
    ("exceptions", "Undantag", "Exceptions"),
    ("never_signed_in", "Aldrig inloggade", "Never signed in"),
    ("filters", "Urval", "Filters"),
    ("audit_entries", "Poster i granskningsloggen", "Audit entries"),
    ("directory_population", "Aktiva i katalogerna", "Active in the directories"),
    ("hash", "Radernas kontrollsumma", "Checksum of the rows"),
    ("made_before", "Skapade före", "Made before"),
    ("ends_before", "Upphör före", "Ends before"),
    ("confirmed", "Bekräftade av CRM:et", "Confirmed by the CRM"),
    ("unconfirmed", "Ännu inte bekräftade", "Not confirmed yet"),
    ("compared", "CRM:et senast läst", "CRM last read"),
    ("strangers", "Användare i CRM:et utan konto", "Users of the CRM without an account"),
    ("hours_p50", "Timmar, median", "Hours, median"),
    ("hours_p90", "Timmar, 90 %", "Hours, 90 %"),
    ("hours_p99", "Timmar, 99 %", "Hours, 99 %"),
    ("hours_max", "Timmar, längst", "Hours, longest"),
];

impl Words {
    /// The Swedish or the English text.
    pub(super) const fn pick(self, sv: &'static str, en: &'static str) -> &'static str {
        match self.0 {
            Language::Sv => sv,
            Language::En => en,
        }
    }

    /// The name of a report.
    pub(super) fn title(self, name: ReportName) -> &'static str {
        match name {
            ReportName::Access => self.pick("Vem som har åtkomst", "Who has access"),
            ReportName::Stale => self.pick("Vilka som inte har loggat in", "Who has not signed in"),
            ReportName::NeverSignedIn => {
                self.pick("Vilka som aldrig har loggat in", "Who has never signed in")
            }
            ReportName::Departed => self.pick("Vilka som har slutat", "Who has left"),
            ReportName::Privileged => self.pick("Vilka som är administratörer", "Who administers"),
            ReportName::Limited => self.pick("Begränsade användare", "Limited users"),
            ReportName::Orphans => {
                self.pick("Konton som ingen katalog känner", "Accounts that no directory knows")
            }
            ReportName::Expiring => self.pick("Vad som snart upphör", "What ends soon"),
            ReportName::Exceptions => self.pick("Konton som lämnas orörda", "Accounts that are left alone"),
            ReportName::Runs => self.pick("Livscykelns körningar", "Runs of the lifecycle"),
        }
    }

    /// A line of the head.
    pub(super) fn head(self, key: &'static str) -> Column {
        let known = HEAD.iter().find(|(known, ..)| *known == key);
        let title = known.map_or(key, |(_, sv, en)| self.pick(sv, en));
        Column { key, title: title.to_owned(), is_brief: true }
    }

    /// A status.
    pub(super) fn status(self, status: Status) -> &'static str {
        match status {
            Status::Invited => self.pick("inbjuden", "invited"),
            Status::Active => self.pick("aktiv", "active"),
            Status::Paused => self.pick("pausad", "paused"),
            Status::Frozen => self.pick("fryst", "frozen"),
            Status::Deactivated => self.pick("avaktiverad", "deactivated"),
            Status::Removed => self.pick("borttagen", "removed"),
        }
    }

    /// A kind of account.
    pub(super) fn kind(self, kind: AccountKind) -> &'static str {
        match kind {
            AccountKind::Person => self.pick("person", "person"),
            AccountKind::Service => self.pick("tjänstekonto", "service account"),
            AccountKind::Temporary => self.pick("tillfälligt", "temporary"),
            AccountKind::BreakGlass => self.pick("nödkonto", "break-glass"),
        }
    }

    /// A source of evidence.
    pub(super) fn source(self, source: EvidenceSource) -> &'static str {
        match source {
            EvidenceSource::Sso => "SSO",
            EvidenceSource::Crm => self.pick("CRM:et", "the CRM"),
            EvidenceSource::Directory => self.pick("katalogen", "the directory"),
        }
    }

    /// A limit that an account has.
    pub(super) fn limit(self, kind: &GrantKind) -> String {
        match kind {
            GrantKind::Limited => self.pick("Begränsad", "Limited").to_owned(),
            GrantKind::ItemRestricted => self.pick("Föremålsbegränsad", "Item-restricted").to_owned(),
            GrantKind::Role(id) => id.to_string(),
            GrantKind::Sector(id) => id.to_string(),
        }
    }

    /// Where a grant by a rule comes from.
    pub(super) fn by_rule(self, rule: &RuleId) -> String {
        format!("{} {rule}", self.pick("regeln", "rule"))
    }

    /// Where a grant by a person comes from.
    pub(super) fn by_hand(self, by: &str) -> String {
        format!("{} {by}", self.pick("för hand av", "by hand by"))
    }

    /// Where a grant by a review comes from.
    pub(super) fn by_review(self, by: &str) -> String {
        format!("{} {by}", self.pick("i översynen av", "in the review by"))
    }

    /// Where a copy of what somebody on leave holds comes from.
    pub(super) fn as_deputy(self) -> String {
        self.pick("som ställföreträdare", "as deputy").to_owned()
    }

    /// Why somebody is in a report of the past.
    pub(super) fn quiet(self, last: Option<String>) -> String {
        match last {
            Some(day) => format!("{} {day}", self.pick("Senast inloggad", "Last signed in")),
            None => self.pick("Aldrig inloggad", "Never signed in").to_owned(),
        }
    }

    /// Why an account has its status.
    pub(super) fn status_reason(self, reason: StatusReason) -> &'static str {
        reason_word(reason, self.0)
    }

    /// How a run ended.
    pub(super) fn outcome(self, outcome: &str) -> String {
        outcome_word(outcome, self.0)
    }

    /// What a filter is called.
    pub(super) fn filter(self, field: &str) -> &'static str {
        match field {
            "role" => self.pick("roll", "role"),
            "sector" => self.pick("sektor", "sector"),
            "limited" => self.pick("begränsad", "limited"),
            "status" => self.pick("status", "status"),
            _ => self.pick("katalog", "directory"),
        }
    }

    /// An empty report.
    pub(super) const fn nothing(self) -> &'static str {
        self.pick("Det finns inget att visa.", "There is nothing to show.")
    }

    /// The sheet with the rows.
    pub(super) const fn sheet_of_rows(self) -> &'static str {
        self.pick("Rader", "Rows")
    }

    /// The sheet that says what the rows are.
    pub(super) const fn sheet_of_head(self) -> &'static str {
        self.pick("Om rapporten", "About the report")
    }

    /// A CRM knows the present state.
    pub(super) const fn told(self) -> &'static str {
        self.pick("har läget sedan", "knows since")
    }

    /// A CRM has yet to be told.
    pub(super) const fn waits(self) -> &'static str {
        self.pick("väntar", "waiting")
    }

    /// A user that belongs to no account.
    pub(super) const fn only_there(self) -> &'static str {
        self.pick("finns bara där, läst", "only there, read")
    }

    /// A CRM did not take it.
    pub(super) const fn failed(self) -> &'static str {
        self.pick("tog inte emot, sedan", "did not take it, since")
    }

    /// The account itself.
    pub(super) const fn the_account(self) -> &'static str {
        self.pick("kontot", "the account")
    }

    /// A leave.
    pub(super) const fn the_leave(self) -> &'static str {
        self.pick("ledigheten", "the leave")
    }

    /// Yes or no.
    pub(super) fn flag(self, flag: bool) -> &'static str {
        if flag { self.pick("ja", "yes") } else { self.pick("nej", "no") }
    }
}

/// Why an account has its status, in words.
#[must_use]
pub fn status_reason(reason: StatusReason, language: Language) -> &'static str {
    Words(language).status_reason(reason)
}

/// How fresh a source is: which, of which directory, last success, and whether it was whole. What it was at a past moment
/// is not kept.
pub(super) fn source_health(source: &SourceHealth, reading: &Reading, is_past: bool) -> Term {
    let words = Words(reading.language);
    let of = source.directory.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
    if is_past {
        let told = words.pick("hur färsk den var sparas inte", "how fresh it was is not kept");
        let name = words.source(source.source);
        return Term::new(&format!("{}{of}: not kept", source.source), format!("{name}{of}: {told}"));
    }
    let (at, day) = match source.last_success {
        Some(at) => (at.to_string(), reading.date(at)),
        None => ("never".to_owned(), words.pick("aldrig läst", "never read").to_owned()),
    };
    let mut id = format!("{}{of}: {at}", source.source);
    let mut told = format!("{}{of}: {day}", words.source(source.source));
    if !source.complete {
        id.push_str(", incomplete");
        told.push_str(words.pick(", ofullständig", ", incomplete"));
    }
    if !source.licensed {
        id.push_str(", unlicensed");
        told.push_str(words.pick(", licens saknas", ", unlicensed"));
    }
    Term { id, words: told }
}
