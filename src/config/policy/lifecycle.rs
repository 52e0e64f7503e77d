//! Reads what happens to accounts that go quiet.
//!
//! Invariant: a notice goes out after the account was last seen, and no rule hides behind one that
//! applies to everybody.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::super::calendar::{self, CalmDay};
use super::super::reading::Section;
use super::names::Names;
use super::{condition, parts};
use crate::domain::account::AccountKind;
use crate::domain::calm_days::CalmDays;
use crate::domain::ids::RuleId;
use crate::domain::policy::profile::Profile;
use crate::domain::policy::{
    AppliesTo, AttributeIs, EvidenceSource, LifecyclePolicy, LifecycleRule, Mode, SafetyLimits,
};

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A lifecycle that is new observes for this long, unless the policy says otherwise.
const FORTNIGHT: SignedDuration = SignedDuration::from_hours(14 * 24);
const USUAL_ZONE: &str = "Europe/Stockholm";

/// Reads the section; without it nothing happens to anybody.
pub(super) fn lifecycle(section: Option<&Section<'_>>, names: &Names) -> LifecyclePolicy {
    let usual = SafetyLimits { max_accounts: 3, max_percent: 10.0, max_shrink_percent: 20.0 };
    let Some(section) = section else {
        return LifecyclePolicy {
            schedule: None,
            timezone: USUAL_ZONE.to_owned(),
            mode: Mode::Enforce,
            observe_first: FORTNIGHT,
            profile: None,
            no_steps_on: CalmDays::default(),
            safety: usual,
            source_stale_after: WEEK,
            rules: Vec::new(),
        };
    };
    let zone = section.field("timezone").and_then(|field| field.parse(calendar::zone));
    let schedule = section.field("schedule").and_then(|field| {
        let zone = zone.clone().unwrap_or(TimeZone::UTC);
        field.parse(|text| calendar::schedule(text, zone).map(|()| text.to_owned()))
    });
    let mode = section.field("mode").and_then(|field| field.choice(Mode::ALL, Mode::name));
    let observe_first = section.field("observe_first").and_then(|field| field.duration());
    let source_stale_after = section.field("source_stale_after").and_then(|field| field.duration());
    let safety = section.section("safety").map_or(usual, |part| SafetyLimits {
        max_accounts: part
            .field("max_accounts")
            .and_then(|field| field.whole(&(0..=1_000_000)))
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(usual.max_accounts),
        max_percent: percent(&part, "max_percent").unwrap_or(usual.max_percent),
        max_shrink_percent: percent(&part, "max_shrink_percent").unwrap_or(usual.max_shrink_percent),
    });
    LifecyclePolicy {
        schedule,
        timezone: section.text("timezone").unwrap_or_else(|| USUAL_ZONE.to_owned()),
        // Whoever names a mode has decided; else the lifecycle begins by observing.
        observe_first: observe_first.unwrap_or(if mode.is_some() { SignedDuration::ZERO } else { FORTNIGHT }),
        profile: section.field("profile").and_then(|field| field.choice(Profile::ALL, Profile::name)),
        no_steps_on: no_steps_on(section),
        mode: mode.unwrap_or(Mode::Enforce),
        safety,
        source_stale_after: source_stale_after.unwrap_or(WEEK),
        rules: rules(section, names),
    }
}

/// Days on which no step is taken.
fn no_steps_on(section: &Section<'_>) -> CalmDays {
    let mut days = CalmDays::default();
    for item in section.list("no_steps_on") {
        match item.parse(calendar::calm_day) {
            None => {}
            Some(CalmDay::Weekends) => days.weekends = true,
            Some(CalmDay::SwedishHolidays) => days.swedish_holidays = true,
            Some(CalmDay::Month(month)) => drop(days.months.insert(month)),
            Some(CalmDay::Yearly(month, day)) => drop(days.yearly.insert((month, day))),
            Some(CalmDay::Date(date)) => drop(days.dates.insert(date)),
        }
    }
    if let Some(field) = section.field("no_steps_on").filter(|_| days.is_everything()) {
        field.wrong(
            "every day is excluded, so no step would ever be taken",
            "leave some days, or write mode = \"observe\"",
        );
    }
    days
}

fn percent(section: &Section<'_>, key: &str) -> Option<f64> {
    section.field(key)?.percent()
}

fn rules(section: &Section<'_>, names: &Names) -> Vec<LifecycleRule> {
    let sections = section.each("rule");
    let lifts = section.flag("sign_in_lifts_freeze").unwrap_or(false);
    super::super::directory::report_doubles(&sections, "lifecycle rule");
    let mut catches_all: Option<RuleId> = None;
    let mut rules = Vec::new();
    for section in &sections {
        let Some(rule) = rule(section, names, lifts) else { continue };
        if let Some(earlier) = &catches_all {
            section.doubtful(
                format!(
                    "this rule is never reached: {:?} before it applies to every account",
                    earlier.as_str()
                ),
                "put it first, or say in the other rule whom that applies to",
            );
        } else if rule.applies_to == AppliesTo::default() && section.field("applies_to").is_none() {
            catches_all = Some(rule.id.clone());
        }
        rules.push(rule);
    }
    rules
}

fn rule(section: &Section<'_>, names: &Names, lifts: bool) -> Option<LifecycleRule> {
    let id = parts::id(section, RuleId::parse);
    let applies_to = section.section("applies_to").map(|part| applies_to(&part, names)).unwrap_or_default();
    let duration = |key| section.field(key).and_then(|field| field.duration_or_never());
    let inactive_after = duration("inactive_after");
    let never_signed_in_after = duration("never_signed_in_after");
    let freeze_for = section.field("freeze_for").and_then(|field| field.duration());
    let remove_after = duration("remove_after");
    let rule = LifecycleRule {
        id: id?,
        applies_to,
        evidence: evidence(section),
        inactive_after,
        never_signed_in_after,
        notify_before: notify_before(section, inactive_after, never_signed_in_after),
        freeze_for,
        sign_in_lifts_freeze: section.flag("sign_in_lifts_freeze").unwrap_or(lifts),
        remove_after,
    };
    if let (Some(never), Some(inactive)) = (never_signed_in_after, inactive_after)
        && never > inactive
    {
        section.doubtful(
            "never_signed_in_after is longer than inactive_after, so it never decides",
            "make it the shorter of the two, or leave it out",
        );
    }
    Some(rule)
}

/// The sources that count; where none is named, sign-ins here and in the CRM.
fn evidence(section: &Section<'_>) -> BTreeSet<EvidenceSource> {
    let Some(field) = section.field("evidence") else {
        return BTreeSet::from([EvidenceSource::Sso, EvidenceSource::Crm]);
    };
    let items = field.items();
    if items.is_empty() {
        field.wrong("no source counts, so everybody would seem inactive", "name sso, crm or directory");
    }
    items.iter().filter_map(|item| item.choice(EvidenceSource::ALL, EvidenceSource::name)).collect()
}

/// The notices, the longest first.
fn notify_before(
    section: &Section<'_>,
    inactive_after: Option<SignedDuration>,
    never_signed_in_after: Option<SignedDuration>,
) -> Vec<SignedDuration> {
    let limit = inactive_after.or(never_signed_in_after);
    let mut notices = Vec::new();
    for item in section.list("notify_before") {
        let Some(before) = item.duration() else { continue };
        if limit.is_some_and(|limit| before >= limit) {
            item.wrong(
                "this notice would go out before the account was last seen",
                "make it shorter than inactive_after",
            );
        }
        notices.push(before);
    }
    if let Some(field) = section.field("notify_before").filter(|_| limit.is_none() && !notices.is_empty()) {
        field.doubtful(
            "the rule freezes nobody, so no notice goes out",
            "set inactive_after, or leave this key out",
        );
    }
    notices.sort_by_key(|before| std::cmp::Reverse(*before));
    notices.dedup();
    notices
}

fn applies_to(section: &Section<'_>, names: &Names) -> AppliesTo {
    let applies_to = AppliesTo {
        roles: section.list("roles").iter().filter_map(|item| names.role(item)).collect(),
        sectors: section.list("sectors").iter().filter_map(|item| names.sector(item)).collect(),
        limited: section.flag("limited"),
        directories: section.list("directories").iter().filter_map(|item| names.directory(item)).collect(),
        kinds: section
            .list("kinds")
            .iter()
            .filter_map(|item| item.choice(AccountKind::ALL, AccountKind::name))
            .collect(),
        attribute: section
            .field("attribute")
            .and_then(|field| field.section("lifecycle.rule.applies_to.attribute"))
            .and_then(|part| condition::path_and_values(&part))
            .map(|(path, one_of)| AttributeIs { path, one_of }),
    };
    if section.is_empty() {
        section.wrong(
            "it says nothing, so the rule would apply to every account",
            "leave applies_to out if that is meant",
        );
    }
    applies_to
}
