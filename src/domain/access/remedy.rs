//! What would turn a no into a yes, for administrators.
//!
//! Invariant: only what the policy really offers is named; nothing is promised beyond the check that stopped.

use super::Refusal;
use crate::domain::account::{Status, StatusReason};
use crate::domain::ids::{RoleId, SectorId};
use crate::domain::language::Language;
use crate::domain::policy::{Component, Condition, Policy};

/// What would give what was refused: each sentence is one way. Empty: nothing that this policy knows.
#[must_use]
pub fn remedies(refusal: &Refusal, policy: &Policy, language: Language) -> Vec<String> {
    let say = |sv: &str, en: &str| match language {
        Language::Sv => sv.to_owned(),
        Language::En => en.to_owned(),
    };
    match refusal {
        Refusal::UnknownAction(_) | Refusal::UnknownSubject(_) => Vec::new(),
        Refusal::UnknownAccount => vec![say(
            "Ett konto: en katalog måste lägga upp personen, eller en inbjudan skickas.",
            "An account: a directory must provision the person, or somebody must invite them.",
        )],
        Refusal::AmbiguousAccount => {
            vec![say("Fråga med kontots id.", "Ask with the account's id.")]
        }
        Refusal::NotActive(status, reason) => vec![standing(*status, *reason, language)],
        Refusal::NotYetValid(_) | Refusal::Expired(_) => vec![say(
            "Andra datum för kontot: portvakt account dates.",
            "Other dates of the account: portvakt account dates.",
        )],
        Refusal::UnknownComponent(_) => vec![say(
            "Komponenten måste finnas i policyn: portvakt policy apply.",
            "The component must be in the policy: portvakt policy apply.",
        )],
        Refusal::AdministrationClosed => vec![say(
            "Att kontot inte längre är begränsat. Vad som begränsar det visas av: portvakt account explain.",
            "That the account is no longer limited. What limits it is shown by: portvakt account explain.",
        )],
        Refusal::NoRole { module, action, .. } => {
            let opens = policy.roles.iter().filter(|(_, role)| role.opens(module, *action));
            opens.map(|(id, _)| role(id, policy, language)).collect()
        }
        Refusal::NoSector { sector: Some(sector), .. } => vec![a_sector(sector, policy, language)],
        Refusal::NoSector { sector: None, .. } => vec![say(
            "Att kontot inte längre är begränsat: komponenten ligger utanför alla sektorer.",
            "That the account is no longer limited: the component lies outside every sector.",
        )],
        Refusal::ItemNotLinked { component, item } => {
            let mut ways = vec![match language {
                Language::Sv => format!(
                    "En åtkomstkoppling för hand: portvakt account link KONTO {component}/{item} --reason …"
                ),
                Language::En => {
                    format!("A link by hand: portvakt account link ACCOUNT {component}/{item} --reason …")
                }
            }];
            ways.push(say(
                "Att föremålet tilldelas personen, eller en roll som personen har.",
                "That the item is assigned to the person, or to a role of theirs.",
            ));
            ways.extend(policy.components.get(component).and_then(|known| takes_part(known, language)));
            ways
        }
    }
}

fn takes_part(component: &Component, language: Language) -> Option<String> {
    let is_discussion = component.links_on.contains(&crate::domain::policy::LinksOn::Participant);
    is_discussion.then(|| match language {
        Language::Sv => "Att personen blir deltagare i diskussionen.".to_owned(),
        Language::En => "That the person becomes a participant of the discussion.".to_owned(),
    })
}

fn standing(status: Status, reason: StatusReason, language: Language) -> String {
    let (sv, en) = match (status, reason) {
        (Status::Invited, _) => ("En första inloggning.", "A first sign-in."),
        (Status::Paused, _) => (
            "Att ledigheten tar slut: portvakt account leave.",
            "The end of the leave: portvakt account leave.",
        ),
        (Status::Deactivated, StatusReason::Departed) => (
            "Att katalogen säger att personen är aktiv igen.",
            "That the directory says that the person is active again.",
        ),
        (Status::Removed, _) => ("Ingenting: kontot är borttaget.", "Nothing: the account is removed."),
        (Status::Active | Status::Frozen | Status::Deactivated, _) => (
            "Att någon aktiverar kontot: portvakt account activate.",
            "That somebody activates the account: portvakt account activate.",
        ),
    };
    match language {
        Language::Sv => sv.to_owned(),
        Language::En => en.to_owned(),
    }
}

fn role(id: &RoleId, policy: &Policy, language: Language) -> String {
    let name = policy.roles.get(id).map_or(id.as_str(), |role| role.name.get(language));
    let rules = policy.rules.iter().filter(|rule| rule.gives.roles.contains(id));
    let by = given_by(rules.map(|rule| (rule.id.as_str(), &rule.when)), language);
    match language {
        Language::Sv => {
            format!("Rollen {name} ({id}){by}, eller för hand: portvakt account grant KONTO --role {id}")
        }
        Language::En => {
            format!("The role {name} ({id}){by}, or by hand: portvakt account grant ACCOUNT --role {id}")
        }
    }
}

fn a_sector(id: &SectorId, policy: &Policy, language: Language) -> String {
    let name = policy.sectors.get(id).map_or(id.as_str(), |sector| sector.name.get(language));
    let rules = policy.rules.iter().filter(|rule| rule.gives.sectors.contains(id));
    let by = given_by(rules.map(|rule| (rule.id.as_str(), &rule.when)), language);
    match language {
        Language::Sv => {
            format!("Sektorn {name} ({id}){by}, eller för hand: portvakt account grant KONTO --sector {id}")
        }
        Language::En => {
            format!("The sector {name} ({id}){by}, or by hand: portvakt account grant ACCOUNT --sector {id}")
        }
    }
}

fn given_by<'p>(rules: impl Iterator<Item = (&'p str, &'p Condition)>, language: Language) -> String {
    let each: Vec<String> = rules.map(|(id, when)| format!("{id}: {}", asks(when, language))).collect();
    match (each.as_slice(), language) {
        ([], _) => String::new(),
        (each, Language::Sv) => format!(" genom regeln {}", each.join(" · ")),
        (each, Language::En) => format!(" by the rule {}", each.join(" · ")),
    }
}

/// What a rule asks for, in short.
fn asks(when: &Condition, language: Language) -> String {
    let (group, and, or, not) = match language {
        Language::Sv => ("gruppen", " och ", " eller ", "inte"),
        Language::En => ("the group", " and ", " or ", "not"),
    };
    let each = |parts: &[Condition], word: &str| {
        let parts: Vec<String> = parts.iter().map(|part| asks(part, language)).collect();
        format!("({})", parts.join(word))
    };
    match when {
        Condition::Directory(directory) => directory.to_string(),
        Condition::Group { id, .. } => format!("{group} {id}"),
        Condition::GroupName { name, .. } => format!("{group} {name:?}"),
        Condition::Attribute { path, one_of, .. } => format!("{path} = {}", one_of.join(or)),
        Condition::All(parts) => each(parts, and),
        Condition::Any(parts) => each(parts, or),
        Condition::Not(part) => format!("{not} {}", asks(part, language)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{ComponentId, ModuleId, RuleId};
    use crate::domain::policy::{Action, Gives, Rule};
    use crate::domain::sample;

    fn component(id: &str) -> ComponentId {
        ComponentId::parse(id).unwrap()
    }

    #[test]
    fn a_missing_role_names_each_role_that_opens_and_the_group_that_gives_it() {
        let mut policy = sample::policy();
        policy.rules.push(Rule {
            id: RuleId::parse("press").unwrap(),
            when: Condition::Group { directory: None, id: "g-1".into() },
            gives: Gives { roles: [sample::role_id("communicator")].into(), ..Gives::default() },
            priority: 100,
        });
        let refusal = Refusal::NoRole {
            component: component("mailing"),
            module: ModuleId::parse("communication").unwrap(),
            action: Action::Edit,
            may_view: false,
            holds_any: true,
        };
        let ways = remedies(&refusal, &policy, Language::En);
        assert_eq!(ways.len(), 2, "{ways:?}");
        assert!(ways[1].starts_with("The role Communicator (communicator) by the rule press: the group g-1"));
        assert!(
            remedies(&refusal, &policy, Language::Sv)[0]
                .starts_with("Rollen Styrelse (board), eller för hand")
        );
    }

    #[test]
    fn an_unlinked_item_can_be_linked_assigned_or_taken_part_in() {
        let refusal = Refusal::ItemNotLinked { component: component("board_discussion"), item: "7".into() };
        let ways = remedies(&refusal, &sample::policy(), Language::En);
        assert!(ways[0].contains("board_discussion/7") && ways[2].contains("participant"), "{ways:?}");
    }
}
