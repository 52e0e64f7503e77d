//! Reads which groups or attributes give which grants.
//!
//! Invariant: no rule gives a role that opens administration unless the policy allows rules to.

use std::collections::BTreeSet;

use super::super::reading::Section;
use super::condition::condition;
use super::names::Names;
use super::parts;
use crate::domain::ids::{RoleId, RuleId};
use crate::domain::policy::{Gives, Rule};

/// The priority of a rule that names none.
const USUAL_PRIORITY: i64 = 100;

/// Reads the rules; none may give one of the `forbidden` roles.
pub(super) fn rules(root: &Section<'_>, names: &Names, forbidden: &BTreeSet<RoleId>) -> Vec<Rule> {
    root.each("rule").iter().filter_map(|section| rule(section, names, forbidden)).collect()
}

fn rule(section: &Section<'_>, names: &Names, forbidden: &BTreeSet<RoleId>) -> Option<Rule> {
    let id = parts::id(section, RuleId::parse);
    let when = section
        .required("when", "say whom it is about: when = { directory = \"…\", group = \"…\" }")
        .and_then(|field| condition(&field, names));
    let priority = section.field("priority").and_then(|field| field.whole(&(0..=1_000_000)));
    let gives = section
        .required("gives", "say what it gives: gives = { roles = [\"…\"] }")
        .and_then(|field| field.section("rule.gives"))
        .map(|part| gives(&part, names, forbidden));
    Some(Rule { id: id?, when: when?, gives: gives?, priority: priority.unwrap_or(USUAL_PRIORITY) })
}

fn gives(section: &Section<'_>, names: &Names, forbidden: &BTreeSet<RoleId>) -> Gives {
    let mut roles = BTreeSet::new();
    for item in section.list("roles") {
        let Some(role) = names.role(&item) else { continue };
        if forbidden.contains(&role) {
            item.wrong(
                format!("the role {:?} opens administration, and rules may not give that", role.as_str()),
                "set administrators_by_rule = true at the top, or give the role by hand",
            );
        }
        roles.insert(role);
    }
    let sectors: BTreeSet<_> = section.list("sectors").iter().filter_map(|item| names.sector(item)).collect();
    let (limited, item_restricted) = (section.flag("limited"), section.flag("item_restricted"));
    if section.is_empty() {
        section.wrong("the rule gives nothing", "name roles or sectors, or set limited");
    }
    if limited == Some(true) && section.list("sectors").is_empty() {
        section.doubtful(
            "a limited account without a sector sees nothing, unless another rule gives it one",
            "name the sectors it is confined to",
        );
    }
    if item_restricted == Some(true) && limited == Some(false) {
        section.doubtful("item restriction concerns limited accounts only", "set limited = true as well");
    }
    Gives { roles, sectors, limited, item_restricted }
}
