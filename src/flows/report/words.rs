//! What reports say to people, in Swedish and English.
//!
//! Invariant: every key of a head or a column has words in both languages; a key without words shows itself.

use super::{Column, ReportName, Term};
use crate::domain::account::{AccountKind, Status};
use crate::domain::days::Reading;
use crate::domain::evidence::SourceHealth;
use crate::domain::grant::GrantKind;
use crate::domain::ids::RuleId;
use crate::domain::language::Language;
use crate::domain::policy::EvidenceSource;

/// The words of one language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words(pub(super) Language);

/// Key, Swedish, English; a table on a screen shows the last column's `true`.
const COLUMNS: &[(&str, &str, &str, bool)] = &[
    ("exception", "Undantag", "Exception", true),
    ("display_name", "Namn", "Name", true),
    ("user_name", "Användarnamn", "User name", true),
    ("status", "Status", "Status", true),
    ("can_sign_in", "Kan logga in", "Can sign in", false),
    ("last_seen", "Senast sedd", "Last seen", true),
    ("last_seen_source", "Källa", "Source", true),
    ("days_since", "Dagar sedan", "Days ago", true),
    ("created_at", "Skapat", "Created", false),
    ("roles", "Roller", "Roles", true),
    ("limited", "Begränsad", "Limited", true),
    ("sectors", "Sektorer", "Sectors", true),
    ("item_restricted", "Föremålsbegränsad", "Item-restricted", false),
    ("why", "Varför", "Why", true),
    ("next_step", "Nästa steg", "Next step", true),
    ("next_on", "Tidigast", "At the earliest", true),
    ("notices", "Påmind", "Reminded", false),
    ("kind", "Kontotyp", "Kind", false),
    ("directories", "Kataloger", "Directories", false),
    ("privileged", "Administratör", "Administrator", false),
    ("account", "Konto-id", "Account id", false),
];

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
];

impl Words {
    fn pick(self, sv: &'static str, en: &'static str) -> &'static str {
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
        }
    }

    /// A column.
    pub(super) fn column(self, key: &'static str) -> Column {
        let known = COLUMNS.iter().find(|(known, ..)| *known == key);
        let (title, is_brief) =
            known.map_or((key, true), |(_, sv, en, is_brief)| (self.pick(sv, en), *is_brief));
        Column { key, title: title.to_owned(), is_brief }
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

    /// Yes or no.
    pub(super) fn flag(self, flag: bool) -> &'static str {
        if flag { self.pick("ja", "yes") } else { self.pick("nej", "no") }
    }
}

/// How fresh a source is: which, of which directory, last success, and whether it was whole.
pub(super) fn source_health(source: &SourceHealth, reading: &Reading) -> Term {
    let words = Words(reading.language);
    let of = source.directory.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
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
