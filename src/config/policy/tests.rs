use super::*;
use crate::domain::ids::{ComponentId, ModuleId};
use crate::domain::policy::{Action, Condition};

const PARTS: &str = r#"administrators_by_rule = true
[contact]
name = { sv = "styrelsen", en = "the board" }
[[module]]
id = "members"
name = { sv = "Medlemmar", en = "Members" }
[[module]]
id = "administration"
name = { sv = "Administration", en = "Administration" }
[[sector]]
id = "members"
name = { sv = "Medlemmar", en = "Members" }
[[component]]
id = "member"
name = { sv = "Medlemmar", en = "Members" }
module = "members"
sector = "members"
[[component]]
id = "settings"
name = { sv = "Inställningar", en = "Settings" }
module = "administration"
administration = true
[[role]]
id = "board"
name = { sv = "Styrelse", en = "Board" }
modules = ["*"]
[[role]]
id = "reader"
name = { sv = "Läsare", en = "Reader" }
modules = ["members:view, edit"]
"#;

fn with(more: &str) -> Result<Policy, Vec<String>> {
    parse_policy(&format!("{PARTS}{more}"), "policy.toml")
        .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

/// The mistakes in `more`, with their lines counted from its first.
fn said(more: &str) -> Vec<String> {
    let before = u32::try_from(PARTS.lines().count()).unwrap();
    let (_, mistakes) = read_policy(&format!("{PARTS}{more}"), Path::new("p"), None);
    mistakes
        .into_iter()
        .map(|mistake| Mistake { line: mistake.line.map(|line| line - before), ..mistake }.to_string())
        .collect()
}

#[test]
fn a_policy_without_rules_gives_nobody_anything() {
    let policy = with("").unwrap();
    assert_eq!(policy.unmatched, Unmatched::NoAccess);
    assert!(policy.rules.is_empty() && policy.lifecycle.rules.is_empty());
    assert_eq!(policy.manual_grants_expire_after, Some(SignedDuration::from_hours(180 * 24)));
    let reader = &policy.roles[&RoleId::parse("reader").unwrap()];
    let members = ModuleId::parse("members").unwrap();
    assert!(reader.opens(&members, Action::Edit) && !reader.opens(&members, Action::Delete));
    assert!(policy.components[&ComponentId::parse("settings").unwrap()].is_administration);
}

#[test]
fn a_condition_is_read_in_all_its_forms() {
    let policy = with(r#"
[[rule]]
id = "a"
when = { directory = "entra", any = [{ group = "1" }, { not = { attribute = { path = "active", equals = true } } }] }
gives = { roles = ["board"] }
[[rule]]
id = "b"
when = { directory = "okta", group_name = "Styrelse", attribute = { path = "userType", in = ["x", "y"] } }
gives = { limited = false }
"#)
    .unwrap();
    let directory = |name| DirectoryId::parse(name).unwrap();
    let attribute = |directory, path: &str, one_of: &[&str]| Condition::Attribute {
        directory,
        path: path.to_owned(),
        one_of: one_of.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(
        policy.rules[0].when,
        Condition::All(vec![
            Condition::Directory(directory("entra")),
            Condition::Any(vec![
                Condition::Group { directory: None, id: "1".to_owned() },
                Condition::Not(Box::new(attribute(None, "active", &["true"]))),
            ]),
        ])
    );
    assert_eq!(
        policy.rules[1].when,
        Condition::All(vec![
            Condition::GroupName { directory: directory("okta"), name: "Styrelse".to_owned() },
            attribute(Some(directory("okta")), "userType", &["x", "y"]),
        ])
    );
    assert_eq!(policy.rules[0].priority, 100);
}

const WRONG: &str = r#"[[rule]]
id = "a"
when = {}
gives = { roles = ["bord"], sectors = ["member"] }
[[rule]]
id = "a"
when = { group_name = "x" }
[[component]]
id = "mailing"
name = "Utskick"
module = "comunication"
links_on = ["made"]
[[role]]
id = "Chair"
name = { sv = "Ordförande" }
modules = ["members:see"]
console = "boss"
[lifecycle]
schedule = "0 0 31 2 *"
timezone = "Europe/Stokholm"
mode = "dry"
[lifecycle.safety]
max_percent = 120
[[lifecycle.rule]]
id = "everyone"
evidence = []
inactive_after = "10d"
notify_before = ["14d"]
freeze_for = "never"
[review]
schedule = ["02-30"]
[manual_grant]
expire_after = "1y"
"#;

#[test]
fn every_mistake_of_one_policy_is_named_at_once() {
    let said = said(WRONG);
    let expected = [
        ":3: rule[0].when: an empty condition would match everybody",
        ":4: rule[0].gives.roles[0]: there is no role \"bord\" — did you mean \"board\"?",
        ":4: rule[0].gives.sectors[0]: there is no sector \"member\" — did you mean \"members\"?",
        ":5: rule[1].gives: it is missing",
        ":6: rule[1].id: there are two of the rule \"a\"",
        ":7: rule[1].when.group_name: a name belongs to one directory",
        ":8: warning: component[2]: without a sector",
        ":10: component[2].name: the name is in one language only",
        ":11: component[2].module: there is no module \"comunication\"",
        ":12: component[2].links_on[0]: \"made\" is not one of the choices",
        ":14: role[2].id: \"Chair\" is not a valid role",
        ":15: role[2].name.en: it is missing",
        ":16: role[2].modules[0]: there is no action \"see\"",
        ":17: role[2].console: \"boss\" is not one of the choices",
        ":19: lifecycle.schedule: the schedule \"0 0 31 2 *\" never comes",
        ":20: lifecycle.timezone: there is no time zone \"Europe/Stokholm\"",
        ":21: lifecycle.mode: \"dry\" is not one of the choices",
        ":23: lifecycle.safety.max_percent: it is not a number of percent",
        ":26: lifecycle.rule[0].evidence: no source counts",
        ":28: lifecycle.rule[0].notify_before[0]: this notice would go out before",
        ":29: lifecycle.rule[0].freeze_for: \"never\" is no length of time",
        ":31: review.schedule[0]: \"02-30\" is no day of the year",
        ":32: manual_grant: there is no such key — did you mean \"manual_grants\"?",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (line, part) in said.iter().zip(expected) {
        assert!(line.starts_with(&format!("p{part}")), "{line}\nis not\n{part}");
    }
}

#[test]
fn a_rule_gives_no_role_that_opens_administration_unless_the_policy_says_so() {
    let rule = "[[rule]]\nid = \"a\"\nwhen = { directory = \"entra\" }\ngives = { roles = [\"board\"] }\n";
    assert!(with(rule).is_ok());
    let text = format!("{PARTS}{rule}").replacen("true", "false", 1);
    let refused = parse_policy(&text, "p").unwrap_err();
    assert_eq!(refused.len(), 1);
    assert!(refused[0].what.contains("opens administration"), "{}", refused[0]);
    let for_all = format!("unmatched = {{ role = \"board\" }}\n{PARTS}");
    assert!(parse_policy(&for_all, "p").unwrap_err()[0].what.contains("whomever no rule matches"));
}

#[test]
fn what_is_doubtful_is_told_and_taken() {
    let said = said(
        r#"[[rule]]
id = "a"
when = { directory = "entra" }
gives = { limited = true }
[[lifecycle.rule]]
id = "everyone"
inactive_after = "90d"
never_signed_in_after = "120d"
[[lifecycle.rule]]
id = "board"
applies_to = { roles = ["board"] }
"#,
    );
    assert_eq!(said.len(), 3, "{said:#?}");
    assert!(said.iter().all(|line| line.contains(": warning: ")), "{said:#?}");
    assert!(said[2].contains("this rule is never reached: \"everyone\" before it"), "{said:#?}");
}

#[test]
fn notices_are_put_in_order_and_never_ends_a_demand() {
    let policy = with(
        "[manual_grants]\nexpire_after = \"never\"\n[[lifecycle.rule]]\nid = \"everyone\"\n\
        inactive_after = \"90d\"\nnotify_before = [\"1d\", \"14d\", \"7d\"]\nremove_after = \"never\"\n",
    )
    .unwrap();
    assert_eq!(policy.manual_grants_expire_after, None);
    let days = |days: i64| SignedDuration::from_hours(days * 24);
    assert_eq!(policy.lifecycle.rules[0].notify_before, [days(14), days(7), days(1)]);
    assert_eq!(policy.lifecycle.rules[0].remove_after, None);
}
