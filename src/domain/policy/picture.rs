//! The rules of the lifecycle as a picture: for each, the steps that an account goes through when nobody uses it.
//!
//! Invariant: pure; every step that the rule takes is in the picture, with the limit that decides it, and every word is in
//! Swedish and in English.

use super::phrase::{and, capital, kind, length, or, pick, role, sector, source};
use super::{AppliesTo, LifecycleRule, Policy};
use crate::domain::language::Language;

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its name.
    pub rule: String,
    /// The accounts that it applies to.
    pub whom: String,
    /// Where people are seen.
    pub seen_by: Option<String>,
    /// The steps, from the first to the last.
    pub stops: Vec<Stop>,
}

/// Which step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopKind {
    /// The account is used.
    InUse,
    /// Somebody is reminded.
    Reminder,
    /// No sign-in, rights kept.
    Freeze,
    /// Rights ended, restorable.
    Deactivate,
    /// Personal data erased.
    Remove,
    /// Nothing happens.
    Nothing,
}

/// One step of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Which.
    pub kind: StopKind,
    /// What happens.
    pub title: &'static str,
    /// When, and what else there is to know.
    pub lines: Vec<String>,
}

/// Every rule of the policy, in the order in which they are tried.
#[must_use]
pub fn pictures(policy: &Policy, language: Language) -> Vec<Picture> {
    let of = |rule: &LifecycleRule| {
        let seen_by: Vec<String> =
            rule.evidence.iter().map(|one| source(*one, language).to_owned()).collect();
        Picture {
            rule: rule.id.to_string(),
            whom: applies_to(policy, &rule.applies_to, language),
            seen_by: (!seen_by.is_empty()).then(|| and(&seen_by, language)),
            stops: stops(rule, language),
        }
    };
    policy.lifecycle.rules.iter().map(of).collect()
}

fn stops(rule: &LifecycleRule, language: Language) -> Vec<Stop> {
    let title = |sv: &'static str, en: &'static str| pick(language, sv, en);
    let idle = limits(rule, language);
    if idle.is_empty() {
        let lines = vec![title("Regeln har ingen gräns", "The rule has no limit").to_owned()];
        return vec![Stop { kind: StopKind::Nothing, title: title("Lämnas orörda", "Left alone"), lines }];
    }
    let used =
        title("Tiden räknas från senaste inloggningen", "Time counts from the last sign-in").to_owned();
    let mut stops =
        vec![Stop { kind: StopKind::InUse, title: title("Används", "In use"), lines: vec![used] }];
    stops.extend(rule.notify_before.iter().map(|before| {
        let before = length(*before, language);
        let line = match language {
            Language::Sv => format!("{before} före"),
            Language::En => format!("{before} before"),
        };
        Stop { kind: StopKind::Reminder, title: title("Påminnelse", "Reminder"), lines: vec![line] }
    }));
    let deactivated = title("Avaktiveras", "Deactivated");
    let restorable = title("Behörigheterna går att återställa", "Rights can be restored").to_owned();
    if let Some(frozen) = rule.freeze_for {
        let mut lines = idle;
        if rule.sign_in_lifts_freeze {
            lines.push(title("Öppnas av egen inloggning", "Opened by their own sign-in").to_owned());
        }
        stops.push(Stop { kind: StopKind::Freeze, title: title("Fryses", "Frozen"), lines });
        let frozen = length(frozen, language);
        let after = match language {
            Language::Sv => format!("Efter {frozen} som fryst"),
            Language::En => format!("After {frozen} as frozen"),
        };
        stops.push(Stop { kind: StopKind::Deactivate, title: deactivated, lines: vec![after, restorable] });
    } else {
        let lines = idle.into_iter().chain([restorable]).collect();
        stops.push(Stop { kind: StopKind::Deactivate, title: deactivated, lines });
    }
    let removed = match (rule.remove_after.map(|after| length(after, language)), language) {
        (Some(after), Language::Sv) => format!("{after} senare raderas personuppgifterna"),
        (Some(after), Language::En) => format!("{after} later personal data are erased"),
        (None, _) => title("Aldrig av sig själv", "Never by itself").to_owned(),
    };
    stops.push(Stop { kind: StopKind::Remove, title: title("Tas bort", "Removed"), lines: vec![removed] });
    stops
}

/// How long nobody has to have used an account.
fn limits(rule: &LifecycleRule, language: Language) -> Vec<String> {
    let idle = rule.inactive_after.map(|after| {
        let after = length(after, language);
        match language {
            Language::Sv => format!("Efter {after} utan inloggning"),
            Language::En => format!("After {after} without a sign-in"),
        }
    });
    let never = rule.never_signed_in_after.map(|after| {
        let after = length(after, language);
        match language {
            Language::Sv => format!("Aldrig inloggad: efter {after}"),
            Language::En => format!("Never signed in: after {after}"),
        }
    });
    idle.into_iter().chain(never).collect()
}

/// The accounts that a rule applies to, as a sentence begins.
pub(super) fn applies_to(policy: &Policy, applies_to: &AppliesTo, language: Language) -> String {
    let says = |sv: &str, en: &str| pick(language, sv, en).to_owned();
    let mut words: Vec<String> = Vec::new();
    let kinds: Vec<String> = applies_to.kinds.iter().map(|one| kind(*one, language).to_owned()).collect();
    words.push(if kinds.is_empty() { says("alla konton", "all accounts") } else { and(&kinds, language) });
    let roles: Vec<String> = applies_to.roles.iter().map(|id| role(policy, id, language)).collect();
    if !roles.is_empty() {
        let said = pick(language, "med rollen", "with the role");
        words.push(format!("{said} {}", or(&roles, language)));
    }
    let sectors: Vec<String> = applies_to.sectors.iter().map(|id| sector(policy, id, language)).collect();
    if !sectors.is_empty() {
        let said = pick(language, "med sektorn", "with the sector");
        words.push(format!("{said} {}", or(&sectors, language)));
    }
    words.extend(applies_to.limited.map(|is_limited| {
        if is_limited {
            says("som är begränsade", "that are limited")
        } else {
            says("som inte är begränsade", "that are not limited")
        }
    }));
    let directories: Vec<String> = applies_to.directories.iter().map(ToString::to_string).collect();
    if !directories.is_empty() {
        let said = pick(language, "från katalogen", "from the directory");
        words.push(format!("{said} {}", or(&directories, language)));
    }
    words.extend(applies_to.attribute.as_ref().map(|wanted| {
        let said = pick(language, "där", "where");
        let is = pick(language, "är", "is");
        format!("{said} {} {is} {}", wanted.path, or(&wanted.one_of, language))
    }));
    capital(&words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sample;

    #[test]
    fn every_rule_has_its_picture_and_ends_with_what_is_erased() {
        let policy = sample::policy();
        for language in [Language::Sv, Language::En] {
            let pictures = pictures(&policy, language);
            assert_eq!(pictures.len(), policy.lifecycle.rules.len());
            for (picture, rule) in pictures.iter().zip(&policy.lifecycle.rules) {
                let has_limit = rule.inactive_after.is_some() || rule.never_signed_in_after.is_some();
                let last = picture.stops.last().unwrap().kind;
                assert_eq!(last, if has_limit { StopKind::Remove } else { StopKind::Nothing });
                let reminders = picture.stops.iter().filter(|stop| stop.kind == StopKind::Reminder).count();
                assert_eq!(reminders, if has_limit { rule.notify_before.len() } else { 0 });
                assert!(picture.stops.iter().all(|stop| !stop.lines.is_empty()));
            }
        }
    }
}
