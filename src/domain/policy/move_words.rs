//! What comes and goes for somebody when a policy changes, in words.
//!
//! Invariant: pure; what a new policy has dropped is named as the former one named it, and what neither knows by its id.

use std::collections::{BTreeMap, BTreeSet};

use super::phrase::{action, pick};
use super::{Action, Policy};
use crate::domain::grant::GrantKind;
use crate::domain::ids::ModuleId;
use crate::domain::language::Language;

/// A right as a plan has it, `role:board`: "rollen Styrelse". The first policy that knows it names it.
#[must_use]
pub fn right(policies: &[&Policy], short: &str, language: Language) -> String {
    let (name, value) = short.split_once(':').unwrap_or((short, ""));
    let text = |sv: &str, en: &str, known: Option<&str>| {
        format!("{} {}", pick(language, sv, en), known.unwrap_or(value))
    };
    match GrantKind::from_parts(name, value) {
        Some(GrantKind::Role(id)) => {
            let role = policies.iter().find_map(|policy| policy.roles.get(&id));
            text("rollen", "the role", role.map(|role| role.name.get(language)))
        }
        Some(GrantKind::Sector(id)) => {
            let sector = policies.iter().find_map(|policy| policy.sectors.get(&id));
            text("sektorn", "the sector", sector.map(|sector| sector.name.get(language)))
        }
        Some(GrantKind::Limited) => {
            pick(language, "begränsning till sektorer", "a limit to sectors").to_owned()
        }
        Some(GrantKind::ItemRestricted) => {
            pick(language, "begränsning till egna föremål", "a limit to own items").to_owned()
        }
        None => short.to_owned(),
    }
}

/// Whether a right as a plan has it takes something away when it comes.
#[must_use]
pub fn is_limit(short: &str) -> bool {
    short == GrantKind::Limited.name() || short == GrantKind::ItemRestricted.name()
}

/// What opens or closes, `members:view`, by module: "Medlemmar: se, ändra".
#[must_use]
pub fn opened(policies: &[&Policy], names: &BTreeSet<String>, language: Language) -> Vec<String> {
    let mut by_module: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in names {
        let (module, verb) = name.split_once(':').unwrap_or((name, ""));
        let said = Action::from_name(verb).map_or(verb, |known| action(known, language));
        by_module.entry(module).or_default().push(said);
    }
    let module = |id: &str| {
        let id = ModuleId::parse(id).ok()?;
        let known = policies.iter().find_map(|policy| policy.modules.get(&id))?;
        Some(known.name.get(language).to_owned())
    };
    by_module
        .into_iter()
        .map(|(id, verbs)| format!("{}: {}", module(id).unwrap_or_else(|| id.to_owned()), verbs.join(", ")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sample;

    #[test]
    fn a_right_is_named_by_the_first_policy_that_knows_it_and_else_by_its_id() {
        let (policy, empty) = (sample::policy(), Policy { roles: BTreeMap::new(), ..sample::policy() });
        let name = policy.roles[&sample::role_id("board")].name.get(Language::Sv);
        assert_eq!(right(&[&empty, &policy], "role:board", Language::Sv), format!("rollen {name}"));
        assert_eq!(right(&[&empty], "role:board", Language::En), "the role board");
        assert_eq!(right(&[], "limited", Language::En), "a limit to sectors");
        assert!(is_limit("item_restricted") && !is_limit("role:limited"));
    }

    #[test]
    fn what_opens_is_told_once_for_each_module() {
        let names = ["elsewhere:view", "elsewhere:edit"].map(str::to_owned).into();
        assert_eq!(opened(&[], &names, Language::Sv), ["elsewhere: ändra, se"]);
    }
}
