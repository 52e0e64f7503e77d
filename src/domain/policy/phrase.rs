//! Parts of a policy as people say them: lists, lengths of time, conditions, what a role opens.
//!
//! Invariant: every phrase exists in Swedish and in English and can stand inside a sentence.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::{Action, Condition, Gives, LinksOn, Policy, Role};
use crate::domain::account::AccountKind;
use crate::domain::days::days;
use crate::domain::ids::{ModuleId, RoleId, SectorId};
use crate::domain::language::{Language, Text};
use crate::domain::policy::EvidenceSource;

/// The Swedish or the English text.
pub(super) fn pick<'a>(language: Language, sv: &'a str, en: &'a str) -> &'a str {
    match language {
        Language::Sv => sv,
        Language::En => en,
    }
}

/// Joins words: "a, b och c", "a, b and c".
pub(super) fn and(words: &[String], language: Language) -> String {
    joined(words, pick(language, "och", "and"))
}

/// Joins words: "a, b eller c", "a, b or c".
pub(super) fn or(words: &[String], language: Language) -> String {
    joined(words, pick(language, "eller", "or"))
}

fn joined(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

/// A length of time: "14 dagar", "12 timmar", "30 minuter".
pub(super) fn length(length: SignedDuration, language: Language) -> String {
    let seconds = length.as_secs();
    let unit = |count: i64, (one_sv, many_sv): (&str, &str), (one_en, many_en): (&str, &str)| {
        let word = match (language, count == 1) {
            (Language::Sv, true) => one_sv,
            (Language::Sv, false) => many_sv,
            (Language::En, true) => one_en,
            (Language::En, false) => many_en,
        };
        format!("{count} {word}")
    };
    if seconds % 86_400 == 0 {
        days(seconds / 86_400, language)
    } else if seconds % 3_600 == 0 {
        unit(seconds / 3_600, ("timme", "timmar"), ("hour", "hours"))
    } else {
        unit(seconds / 60, ("minut", "minuter"), ("minute", "minutes"))
    }
}

/// What is done, as a verb.
pub(super) fn action(action: Action, language: Language) -> &'static str {
    match (language, action) {
        (Language::Sv, Action::View) => "se",
        (Language::Sv, Action::Create) => "skapa",
        (Language::Sv, Action::Edit) => "ändra",
        (Language::Sv, Action::Delete) => "ta bort",
        (Language::Sv, Action::Assign) => "tilldela",
        (Language::Sv, Action::Administer) => "administrera",
        (Language::En, Action::View) => "view",
        (Language::En, Action::Create) => "create",
        (Language::En, Action::Edit) => "edit",
        (Language::En, Action::Delete) => "delete",
        (Language::En, Action::Assign) => "assign",
        (Language::En, Action::Administer) => "administer",
    }
}

/// Several actions: "se och ändra"; all of them: "allt".
pub(super) fn actions(some: &BTreeSet<Action>, language: Language) -> String {
    if some.len() == Action::ALL.len() {
        return pick(language, "allt", "everything").to_owned();
    }
    let words: Vec<String> = some.iter().map(|one| action(*one, language).to_owned()).collect();
    and(&words, language)
}

/// The actions that a role may do in a module.
pub(super) fn opened(role: &Role, module: &ModuleId) -> BTreeSet<Action> {
    Action::ALL.iter().copied().filter(|action| role.opens(module, *action)).collect()
}

/// "Medlemmar (se), Kommunikation (allt)".
pub(super) fn opens(policy: &Policy, role: &Role, language: Language) -> String {
    if role.opens.iter().any(|opening| opening.module.is_none() && opening.actions.is_none()) {
        return pick(language, "alla moduler", "every module").to_owned();
    }
    let words: Vec<String> = policy
        .modules
        .keys()
        .map(|id| (id, opened(role, id)))
        .filter(|(_, some)| !some.is_empty())
        .map(|(id, some)| format!("{} ({})", module(policy, id, language), actions(&some, language)))
        .collect();
    if words.is_empty() { pick(language, "inget", "nothing").to_owned() } else { words.join(", ") }
}

pub(super) fn role(policy: &Policy, id: &RoleId, language: Language) -> String {
    policy.roles.get(id).map_or_else(|| id.to_string(), |role| role.name.get(language).to_owned())
}

pub(super) fn sector(policy: &Policy, id: &SectorId, language: Language) -> String {
    policy.sectors.get(id).map_or_else(|| id.to_string(), |sector| sector.name.get(language).to_owned())
}

pub(super) fn module(policy: &Policy, id: &ModuleId, language: Language) -> String {
    policy.modules.get(id).map_or_else(|| id.to_string(), |module| module.name.get(language).to_owned())
}

pub(super) fn name(text: &Text, language: Language) -> String {
    text.get(language).to_owned()
}

/// What makes a link.
pub(super) fn link(on: LinksOn, language: Language) -> &'static str {
    match (language, on) {
        (Language::Sv, LinksOn::Created) => "den som skapar",
        (Language::Sv, LinksOn::Participant) => "den som deltar",
        (Language::Sv, LinksOn::Project) => "den som skapar inom ett projekt",
        (Language::En, LinksOn::Created) => "whoever creates it",
        (Language::En, LinksOn::Participant) => "whoever takes part",
        (Language::En, LinksOn::Project) => "whoever creates it within a project",
    }
}

/// Where a person is seen.
pub(super) fn source(source: EvidenceSource, language: Language) -> &'static str {
    match (language, source) {
        (Language::Sv, EvidenceSource::Sso) => "inloggningen",
        (Language::Sv, EvidenceSource::Crm) => "CRM-systemets egen logg",
        (Language::Sv, EvidenceSource::Directory) => "katalogens inloggningslogg",
        (Language::En, EvidenceSource::Sso) => "single sign-on",
        (Language::En, EvidenceSource::Crm) => "the CRM's own log",
        (Language::En, EvidenceSource::Directory) => "the directory's sign-in log",
    }
}

/// Accounts of a kind.
pub(super) fn kind(kind: AccountKind, language: Language) -> &'static str {
    match (language, kind) {
        (Language::Sv, AccountKind::Person) => "personliga konton",
        (Language::Sv, AccountKind::Service) => "konton för system",
        (Language::Sv, AccountKind::Temporary) => "tillfälliga konton",
        (Language::Sv, AccountKind::BreakGlass) => "nödkonton",
        (Language::En, AccountKind::Person) => "personal accounts",
        (Language::En, AccountKind::Service) => "accounts of systems",
        (Language::En, AccountKind::Temporary) => "temporary accounts",
        (Language::En, AccountKind::BreakGlass) => "emergency accounts",
    }
}

/// The names of groups by the directories' own ids, where they are known.
pub type GroupNames = BTreeMap<String, String>;

/// Whom a rule is about: "är med i gruppen Styrelsen (entra)". A group whose name is not known stands by its id.
pub(super) fn condition(condition: &Condition, language: Language, names: &GroupNames) -> String {
    let inside = |directory: &Option<crate::domain::ids::DirectoryId>| match directory {
        Some(id) => format!(" ({id})"),
        None => String::new(),
    };
    match condition {
        Condition::Directory(id) => {
            format!("{} {id}", pick(language, "finns i katalogen", "is in the directory"))
        }
        Condition::Group { directory, id } => {
            let (said, group) = match names.get(id) {
                Some(name) => (pick(language, "är med i gruppen", "is in the group"), name),
                None => (pick(language, "är med i gruppen med id", "is in the group with the id"), id),
            };
            format!("{said} {group}{}", inside(directory))
        }
        Condition::GroupName { directory, name } => {
            let said = pick(language, "är med i gruppen", "is in the group");
            format!("{said} {name} ({directory})")
        }
        Condition::Attribute { directory, path, one_of } => {
            let said = pick(language, "är", "is");
            format!("{path} {said} {}{}", or(one_of, language), inside(directory))
        }
        Condition::All(parts) => and(&inner(parts, language, names), language),
        Condition::Any(parts) => or(&inner(parts, language, names), language),
        Condition::Not(part) => {
            format!("{} ({})", pick(language, "inte", "not"), self::condition(part, language, names))
        }
    }
}

/// The parts of a condition; those that are lists themselves in brackets.
fn inner(parts: &[Condition], language: Language, names: &GroupNames) -> Vec<String> {
    let one = |part: &Condition| match part {
        Condition::All(_) | Condition::Any(_) => format!("({})", condition(part, language, names)),
        _ => condition(part, language, names),
    };
    parts.iter().map(one).collect()
}

/// What a rule gives: "rollen Styrelse, obegränsat konto".
pub(super) fn gives(policy: &Policy, gives: &Gives, language: Language) -> String {
    let says = |sv, en| pick(language, sv, en).to_owned();
    let mut words: Vec<String> = Vec::new();
    let roles = gives.roles.iter().map(|id| role(policy, id, language));
    words.extend(roles.map(|name| format!("{} {name}", pick(language, "rollen", "the role"))));
    let sectors = gives.sectors.iter().map(|id| sector(policy, id, language));
    words.extend(sectors.map(|name| format!("{} {name}", pick(language, "sektorn", "the sector"))));
    words.extend(gives.limited.map(|is_limited| {
        if is_limited {
            says("begränsat konto", "a limited account")
        } else {
            says("inte begränsat", "not limited")
        }
    }));
    words.extend(gives.item_restricted.map(|is_restricted| {
        if is_restricted {
            says("föremålsbegränsning", "item restriction")
        } else {
            says("ingen föremålsbegränsning", "no item restriction")
        }
    }));
    if words.is_empty() { says("inget", "nothing") } else { words.join(", ") }
}

/// With a capital at the beginning.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
