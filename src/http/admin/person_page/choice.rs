//! Roles, sectors and limits as boxes, each with where it comes from.
//!
//! Invariant: what a rule gives is locked and names the rule; what a person gave names who, why and until when.

use super::super::super::pages::Icon;
use super::super::{Desk, Fields};
use super::who::Met;
use super::words;
use crate::domain::grant::GrantKind;
use crate::domain::name::sort_key;
use crate::domain::policy::Policy;
use crate::flows::people::{GrantStory, Names};

/// Where a right comes from, in words.
#[derive(Debug)]
pub(super) struct OriginLine {
    pub(super) icon: Icon,
    pub(super) text: String,
    pub(super) ways: Vec<(String, &'static str)>,
}

/// A box.
#[derive(Debug)]
pub(super) struct Choice {
    /// Its id on the page.
    pub(super) id: String,
    /// What the form says of it.
    pub(super) key: String,
    pub(super) words: String,
    /// What it opens or does.
    pub(super) opens: String,
    pub(super) is_on: bool,
    /// Whether a rule gives it.
    pub(super) is_locked: bool,
    /// Whether it cannot be changed by whoever looks.
    pub(super) is_closed: bool,
    pub(super) origins: Vec<OriginLine>,
}

/// What the person holds of a kind now.
pub(super) fn held<'m>(met: &'m Met, kind: &'m GrantKind) -> impl Iterator<Item = &'m GrantStory> {
    let holds = met.look.portrait.holds.iter();
    holds.filter(|story| story.kind == kind.name() && story.value == kind.value() && story.in_force)
}

/// The box of a role, a sector or a limit.
pub(super) fn choice(met: &Met, policy: &Policy, kind: &GrantKind, opens: String) -> Choice {
    let stories: Vec<&GrantStory> = held(met, kind).collect();
    let key = words::key(kind);
    let is_locked = stories.iter().any(|story| story.rule.is_some());
    Choice {
        id: key.replace([':', '.'], "-"),
        words: words::kind(&met.desk, policy, kind),
        opens,
        is_on: !stories.is_empty(),
        is_locked,
        is_closed: !met.may_change,
        origins: stories.iter().map(|story| origin(met, &key, story, is_locked)).collect(),
        key,
    }
}

/// Sorted as people read.
pub(super) fn sorted(mut choices: Vec<Choice>) -> Vec<Choice> {
    choices.sort_by_cached_key(|choice| sort_key(&choice.words));
    choices
}

fn origin(met: &Met, key: &str, story: &GrantStory, is_locked: bool) -> OriginLine {
    let desk = &met.desk;
    let mut ways = Vec::new();
    if let Some(rule) = &story.rule {
        ways.push((desk.at(&format!("/policy/rules#rule-{rule}")), desk.t("Visa regeln", "Show the rule")));
    }
    let preview = |field: &str| {
        let fields: Fields = met.shown().with(field, key);
        fields.at(desk, &format!("{}/rights/preview", met.path))
    };
    if met.may_change && story.rule.is_none() {
        if story.origin == "manual" {
            ways.push((preview("give"), desk.t("Ändra skäl eller slutdatum", "Change reason or end")));
        }
        if is_locked {
            ways.push((
                preview("take"),
                desk.t("Ta bort det som getts för hand", "Take what was given by hand"),
            ));
        }
    }
    let icon = desk.icon(if story.rule.is_some() { "lock" } else { "pen" });
    OriginLine { icon, text: origin_words(desk, &met.look.names, &met.look.name, story), ways }
}

/// Where a right comes from, in one or two sentences.
pub(super) fn origin_words(desk: &Desk, names: &Names, name: &str, story: &GrantStory) -> String {
    if let Some(rule) = &story.rule {
        let groups: Vec<String> =
            story.groups.iter().map(|group| format!("{} ({})", group.name, group.directory)).collect();
        let from = format!("{} {rule}", desk.t("Kommer från regeln", "Comes from the rule"));
        let there = desk.t("Ändras där, inte här.", "Changed there, not here.");
        if groups.is_empty() {
            return format!("{from}. {there}");
        }
        let through = desk.t("är med i", "is in");
        let because = desk.t("för att", "because");
        return format!("{from}, {because} {name} {through} {}. {there}", groups.join(", "));
    }
    let (by, day) = (names.of(&story.by), desk.day(story.since));
    let given = match story.origin {
        "review" => format!("{} {by} {day}.", desk.t("Beslutad i en översyn av", "Decided in a review by")),
        "deputy" => desk.t("Som ställföreträdare.", "As a deputy.").to_owned(),
        _ => format!("{} {by} {day}.", desk.t("Given för hand av", "Given by hand by")),
    };
    let end = match story.ends_at {
        Some(end) => {
            format!(" {} {}.", desk.t("Gäller till och med", "Until and including"), desk.last_day(end))
        }
        None => format!(" {}", desk.t("Gäller tills vidare.", "Until further notice.")),
    };
    let why = story.why.as_ref().map(|why| format!(" {}", desk.quoted(why))).unwrap_or_default();
    format!("{given}{end}{why}")
}
