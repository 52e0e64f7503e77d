//! What a policy says that cannot be meant.
//!
//! Invariant: judges the document alone, or the document and what is known of the population; changes nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Condition, Gives, Policy, Rule};
use crate::domain::days::Reading;
use crate::domain::ids::{DirectoryId, RoleId, RuleId, SectorId};

/// Whether no person can ever meet the condition.
#[must_use]
pub fn never_holds(condition: &Condition) -> bool {
    match condition {
        Condition::Any(parts) => parts.iter().all(never_holds),
        Condition::All(_) => {
            let mut parts = Vec::new();
            flatten(condition, &mut parts);
            let directories: BTreeSet<&DirectoryId> = parts
                .iter()
                .filter_map(|part| if let Condition::Directory(id) = part { Some(id) } else { None })
                .collect();
            let is_denied = |part: &&Condition| parts.iter().any(|other| denies(other, part));
            directories.len() > 1 || parts.iter().any(|part| never_holds(part) || is_denied(part))
        }
        Condition::Directory(_)
        | Condition::Group { .. }
        | Condition::GroupName { .. }
        | Condition::Attribute { .. }
        | Condition::Not(_) => false,
    }
}

/// The parts that must all hold, those of an inner `all` too.
fn flatten<'c>(condition: &'c Condition, into: &mut Vec<&'c Condition>) {
    if let Condition::All(parts) = condition {
        for part in parts {
            flatten(part, into);
        }
    } else {
        into.push(condition);
    }
}

/// Whether `condition` holds for nobody for whom `part` holds.
fn denies(condition: &Condition, part: &Condition) -> bool {
    match condition {
        Condition::Not(inner) => match &**inner {
            Condition::Any(others) => others.iter().any(|other| other == part),
            other => other == part,
        },
        _ => false,
    }
}

/// The rule that leaves this one nothing to give: the same condition, at least as much, and at least as strong.
#[must_use]
pub fn made_idle_by<'p>(policy: &'p Policy, rule: &Rule) -> Option<&'p RuleId> {
    let at = policy.rules.iter().position(|known| known.id == rule.id)?;
    let covers = |(other_at, other): &(usize, &Rule)| {
        *other_at != at
            && other.when == rule.when
            && includes(&other.gives, &rule.gives)
            && (other.priority, *other_at) < (rule.priority, at)
    };
    policy.rules.iter().enumerate().find(covers).map(|(_, other)| &other.id)
}

fn includes(one: &Gives, other: &Gives) -> bool {
    let says = |one: Option<bool>, other: Option<bool>| other.is_none() || one == other;
    other.roles.is_subset(&one.roles)
        && other.sectors.is_subset(&one.sectors)
        && says(one.limited, other.limited)
        && says(one.item_restricted, other.item_restricted)
}

/// The administrators' roles that the rule gives together with the limit that closes administration.
pub fn limited_administrators<'r>(policy: &'r Policy, rule: &'r Rule) -> impl Iterator<Item = &'r RoleId> {
    let is_administrator =
        |id: &&RoleId| policy.roles.get(*id).is_some_and(|role| policy.is_administrator_role(role));
    let is_limited = rule.gives.limited == Some(true);
    rule.gives.roles.iter().filter(move |id| is_limited && is_administrator(id))
}

/// The sectors that no component lies in.
pub fn empty_sectors(policy: &Policy) -> impl Iterator<Item = &SectorId> {
    policy
        .sectors
        .keys()
        .filter(|id| !policy.components.values().any(|component| component.sector.as_ref() == Some(*id)))
}

/// A group that a rule speaks of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupNamed {
    /// Only in this directory; nothing: in any.
    pub directory: Option<DirectoryId>,
    /// Its id, or its name.
    pub text: String,
    /// Whether it is a name.
    pub is_name: bool,
    /// The rule.
    pub rule: RuleId,
}

/// The groups that rules speak of, in the order of the document.
#[must_use]
pub fn groups_named(policy: &Policy) -> Vec<GroupNamed> {
    fn collect(condition: &Condition, rule: &RuleId, into: &mut Vec<GroupNamed>) {
        match condition {
            Condition::Group { directory, id } => into.push(GroupNamed {
                directory: directory.clone(),
                text: id.clone(),
                is_name: false,
                rule: rule.clone(),
            }),
            Condition::GroupName { directory, name } => into.push(GroupNamed {
                directory: Some(directory.clone()),
                text: name.clone(),
                is_name: true,
                rule: rule.clone(),
            }),
            Condition::All(parts) | Condition::Any(parts) => {
                for part in parts {
                    collect(part, rule, into);
                }
            }
            Condition::Not(part) => collect(part, rule, into),
            Condition::Directory(_) | Condition::Attribute { .. } => {}
        }
    }
    let mut named = Vec::new();
    for rule in &policy.rules {
        collect(&rule.when, &rule.id, &mut named);
    }
    named
}

/// The directories that rules speak of, each with the rule, in the order of the document.
#[must_use]
pub fn directories_named(policy: &Policy) -> Vec<(&DirectoryId, &RuleId)> {
    fn collect<'p>(
        condition: &'p Condition,
        rule: &'p RuleId,
        into: &mut Vec<(&'p DirectoryId, &'p RuleId)>,
    ) {
        match condition {
            Condition::Directory(directory) | Condition::GroupName { directory, .. } => {
                into.push((directory, rule));
            }
            Condition::Group { directory, .. } | Condition::Attribute { directory, .. } => {
                into.extend(directory.iter().map(|directory| (directory, rule)));
            }
            Condition::All(parts) | Condition::Any(parts) => {
                for part in parts {
                    collect(part, rule, into);
                }
            }
            Condition::Not(part) => collect(part, rule, into),
        }
    }
    let mut named = Vec::new();
    for rule in &policy.rules {
        collect(&rule.when, &rule.id, &mut named);
    }
    named.dedup();
    named
}

/// Whether some rule looks at an attribute of the SCIM user.
#[must_use]
pub fn looks_at_attributes(policy: &Policy) -> bool {
    fn looks(condition: &Condition) -> bool {
        match condition {
            Condition::Attribute { .. } => true,
            Condition::All(parts) | Condition::Any(parts) => parts.iter().any(looks),
            Condition::Not(part) => looks(part),
            Condition::Directory(_) | Condition::Group { .. } | Condition::GroupName { .. } => false,
        }
    }
    policy.rules.iter().any(|rule| looks(&rule.when))
}

/// What somebody should look at before the policy is put into force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "doubt", rename_all = "snake_case")]
pub enum Doubt {
    /// A rule speaks of a group that no directory has told of.
    UnknownGroup {
        /// The group and the rule.
        #[serde(flatten)]
        group: GroupNamed,
    },
    /// A rule speaks of a directory that the settings lack.
    UnknownDirectory {
        /// The directory.
        directory: DirectoryId,
        /// The rule.
        rule: RuleId,
    },
    /// Nobody would hold the role.
    RoleWithoutHolder {
        /// The role.
        role: RoleId,
    },
    /// No account matches the rule.
    RuleWithoutPeople {
        /// The rule.
        rule: RuleId,
    },
}

impl Doubt {
    /// The doubt, as people read it.
    #[must_use]
    pub fn sentence(&self, policy: &Policy, reading: &Reading) -> String {
        match self {
            Self::UnknownGroup { group: GroupNamed { text, rule, is_name, .. } } => {
                let (sv, en) = if *is_name { ("gruppen", "group") } else { ("gruppen med id", "group id") };
                reading.pick(
                    format!("Regeln {rule} frågar efter {sv} {text}, som ingen katalog har berättat om."),
                    format!("The rule {rule} asks for the {en} {text}, which no directory has told of."),
                )
            }
            Self::UnknownDirectory { directory, rule } => reading.pick(
                format!("Regeln {rule} frågar efter katalogen {directory}, som inställningarna saknar."),
                format!("The rule {rule} asks for the directory {directory}, which the settings lack."),
            ),
            Self::RoleWithoutHolder { role } => {
                let name =
                    policy.roles.get(role).map_or(role.as_str(), |role| role.name.get(reading.language));
                reading.pick(format!("Ingen har rollen {name}."), format!("Nobody holds the role {name}."))
            }
            Self::RuleWithoutPeople { rule } => reading
                .pick(format!("Regeln {rule} träffar ingen."), format!("The rule {rule} matches nobody.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sample;

    fn directory(id: &str) -> Condition {
        Condition::Directory(DirectoryId::parse(id).unwrap())
    }

    fn group(id: &str) -> Condition {
        Condition::Group { directory: None, id: id.to_owned() }
    }

    #[test]
    fn a_condition_that_contradicts_itself_never_holds() {
        let not = |inner| Condition::Not(Box::new(inner));
        let all = Condition::All;
        assert!(never_holds(&all(vec![directory("entra"), directory("okta")])));
        assert!(never_holds(&all(vec![group("1"), all(vec![directory("entra"), not(group("1"))])])));
        assert!(never_holds(&all(vec![group("1"), not(Condition::Any(vec![group("2"), group("1")]))])));
        assert!(!never_holds(&all(vec![group("1"), not(group("2")), directory("entra")])));
        assert!(!never_holds(&Condition::Any(vec![
            group("1"),
            all(vec![directory("entra"), directory("okta")])
        ])));
    }

    #[test]
    fn a_rule_is_idle_where_a_stronger_one_gives_the_same_people_as_much() {
        let rule = |id: &str, priority, roles: &[&str], limited| Rule {
            id: RuleId::parse(id).unwrap(),
            when: group("1"),
            gives: Gives {
                roles: roles.iter().map(|role| sample::role_id(role)).collect(),
                limited,
                ..Gives::default()
            },
            priority,
        };
        let rules = vec![
            rule("more", 10, &["board", "communicator"], Some(false)),
            rule("less", 20, &["board"], None),
            rule("other", 20, &["board"], Some(true)),
        ];
        let policy = Policy { rules, ..sample::policy() };
        let idle = |at: usize| made_idle_by(&policy, &policy.rules[at]).map(RuleId::as_str);
        assert_eq!([idle(0), idle(1), idle(2)], [None, Some("more"), None]);
        let limited: Vec<&RoleId> = limited_administrators(&policy, &policy.rules[2]).collect();
        assert_eq!(limited, [&sample::role_id("board")]);
        assert_eq!(empty_sectors(&policy).count(), 0);
    }
}
