//! What a policy says that cannot be meant, at the line where it says so.
//!
//! Invariant: judged when a policy is checked, planned or put into force; never when the one in force is read back,
//! so that a later version of the program does not refuse what an earlier one took.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::mistake::Mistake;
use super::super::reading::{Reading, Section};
use super::super::schema::POLICY;
use super::super::tree;
use super::floors;
use crate::domain::ids::SectorId;
use crate::domain::policy::doubts::{empty_sectors, limited_administrators, made_idle_by, never_holds};
use crate::domain::policy::{Policy, Rule};

/// Judges `policy`, which was read from `text`: errors refuse it, warnings are to be shown.
#[must_use]
pub fn judge_policy(policy: &Policy, text: &str, file: &Path) -> Vec<Mistake> {
    let reading = Reading::new(file, POLICY);
    let (table, _) = tree::parse(text);
    let root = reading.root(&table);
    for section in root.each("rule") {
        let of_id = |rule: &&Rule| section.plain_id().is_some_and(|(id, _)| id == rule.id.as_str());
        if let Some(rule) = policy.rules.iter().find(of_id) {
            judge_rule(policy, rule, &section);
        }
    }
    floors::judge(policy, &root);
    let empty: BTreeSet<&str> = empty_sectors(policy).map(SectorId::as_str).collect();
    for section in root.each("sector") {
        if section.plain_id().is_some_and(|(id, _)| empty.contains(id)) {
            section.doubtful(
                "no component lies in this sector, so it opens nothing",
                "name it as the sector of a component, or leave it out",
            );
        }
    }
    reading.into_mistakes()
}

fn judge_rule(policy: &Policy, rule: &Rule, section: &Section<'_>) {
    if never_holds(&rule.when) {
        section.wrong(
            "this rule is never reached: no person can meet its condition",
            "a person is looked at in one directory at a time, and cannot be both in and not in a group",
        );
    }
    for role in limited_administrators(policy, rule) {
        section.wrong(
            format!("it gives the role {:?}, which opens administration, to limited accounts", role.as_str()),
            "administration is closed to limited accounts: leave out limited = true, or the role",
        );
    }
    if let Some(other) = made_idle_by(policy, rule) {
        section.doubtful(
            format!("this rule is never needed: {:?} gives the same people as much", other.as_str()),
            "leave it out, or say in it whom or what it is for",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_policy;
    use super::*;
    use crate::config::mistake::Severity;

    #[test]
    fn what_cannot_be_meant_is_told_at_its_line() {
        let text = r#"administrators_by_rule = true
[contact]
name = { sv = "x", en = "y" }
[[module]]
id = "a"
name = { sv = "x", en = "y" }
[[sector]]
id = "empty"
name = { sv = "x", en = "y" }
[[component]]
id = "settings"
name = { sv = "x", en = "y" }
module = "a"
administration = true
[[role]]
id = "admin"
name = { sv = "x", en = "y" }
modules = ["*"]
[[rule]]
id = "both"
when = { group = "1" }
gives = { roles = ["admin"], limited = true, sectors = ["empty"] }
[[rule]]
id = "never"
when = { all = [{ directory = "entra" }, { directory = "okta" }] }
gives = { roles = ["admin"] }
[[rule]]
id = "idle"
when = { group = "1" }
gives = { roles = ["admin"] }
"#;
        let policy = parse_policy(text, "p.toml").unwrap();
        let found = judge_policy(&policy, text, Path::new("p.toml"));
        let said: Vec<String> = found.iter().map(ToString::to_string).collect();
        let begins = |at: usize, with: &str| assert!(said[at].starts_with(with), "{said:#?}");
        assert_eq!(said.len(), 4, "{said:#?}");
        begins(0, "p.toml:7: warning: sector[0]: no component lies in this sector");
        begins(1, "p.toml:19: rule[0]: it gives the role \"admin\", which opens administration");
        begins(2, "p.toml:23: rule[1]: this rule is never reached");
        begins(3, "p.toml:27: warning: rule[2]: this rule is never needed: \"both\"");
        assert_eq!(found.iter().filter(|one| one.severity == Severity::Error).count(), 2);
    }
}
