//! How two policies differ, in words.
//!
//! Invariant: two policies without a sentence between them do the same to everybody; a text can differ without one.

mod care;
mod conduct;
mod parts;

use super::Policy;
use super::phrase::pick;
use crate::domain::language::Language;

pub(super) use care::besides;

/// The differences, in the order of the document: modules, sectors, components, roles, rules, conduct.
#[must_use]
pub fn compare(former: &Policy, new: &Policy, language: Language) -> Vec<String> {
    let mut said = Said { language, sentences: Vec::new() };
    parts::modules(former, new, &mut said);
    parts::sectors(former, new, &mut said);
    parts::components(former, new, &mut said);
    parts::roles(former, new, &mut said);
    conduct::rules(former, new, &mut said);
    conduct::lifecycle(former, new, &mut said);
    conduct::rest(former, new, &mut said);
    care::care(former, new, &mut said);
    said.sentences
}

/// The sentences so far.
struct Said {
    language: Language,
    sentences: Vec<String>,
}

impl Said {
    fn say(&mut self, sv: impl Into<String>, en: impl Into<String>) {
        self.sentences.push(match self.language {
            Language::Sv => sv.into(),
            Language::En => en.into(),
        });
    }

    /// Says that a value changed.
    fn change(&mut self, sv: &str, en: &str, from: &str, to: &str) {
        if from != to {
            self.say(format!("{sv}: {from} → {to}."), format!("{en}: {from} → {to}."));
        }
    }

    fn yes(&self, flag: bool) -> &'static str {
        if flag { pick(self.language, "ja", "yes") } else { pick(self.language, "nej", "no") }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::ids::{ComponentId, ModuleId, RuleId};
    use crate::domain::policy::{Action, Condition, Gives, Opening, Rule};
    use crate::domain::sample;

    #[test]
    fn a_policy_differs_from_itself_in_nothing() {
        assert!(compare(&sample::policy(), &sample::policy(), Language::En).is_empty());
    }

    #[test]
    fn what_a_role_opens_and_which_rule_went_is_said() {
        let rule = |id: &str, role: &str| Rule {
            id: RuleId::parse(id).unwrap(),
            when: Condition::Group { directory: None, id: "g".into() },
            gives: Gives { roles: BTreeSet::from([sample::role_id(role)]), ..Gives::default() },
            priority: 100,
        };
        let former = Policy { rules: vec![rule("a", "board"), rule("b", "secretary")], ..sample::policy() };
        let mut new = Policy { rules: vec![rule("b", "communicator")], ..sample::policy() };
        let secretary = new.roles.get_mut(&sample::role_id("secretary")).unwrap();
        secretary.opens = vec![
            Opening {
                module: Some(ModuleId::parse("meetings").unwrap()),
                actions: Some([Action::View].into()),
            },
            Opening { module: Some(ModuleId::parse("members").unwrap()), actions: None },
        ];
        new.roles.remove(&sample::role_id("board"));
        let mailing = new.components.get_mut(&ComponentId::parse("mailing").unwrap()).unwrap();
        mailing.supports_items = false;
        new.leave_sign_in = true;
        let en = compare(&former, &new, Language::En);
        for expected in [
            "The component Mailings has no item restriction any more.",
            "The role Board is gone.",
            "The role Secretary opens Members (everything).",
            "The role Secretary no longer opens Meetings (create and edit).",
            "The rule a is gone; it gave the role Board to whoever is in the group with the id g.",
            "The rule b gives something else: the role Secretary → the role Communicator.",
            "Sign-in while on leave: no → yes.",
        ] {
            assert!(en.iter().any(|said| said == expected), "{expected}\n{en:#?}");
        }
        assert_eq!(en.len(), 7, "{en:#?}");
        let sv = compare(&former, &new, Language::Sv);
        assert!(
            sv.contains(&"Rollen Sekreterare öppnar inte längre Möten (skapa och ändra).".to_owned()),
            "{sv:#?}"
        );
        let back = compare(&new, &former, Language::En);
        assert!(back.contains(&"The role Board is new; it opens every module.".to_owned()), "{back:#?}");
    }
}
