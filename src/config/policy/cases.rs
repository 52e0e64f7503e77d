//! Reads the cases that a policy must answer, and judges a policy by them.
//!
//! Invariant: a file with a mistake in it gives no case at all, so that a case which was misspelt is not passed over.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::super::field::Field;
use super::super::mistake::{Mistake, Problem, Severity};
use super::super::reading::{Reading, Section};
use super::super::schema::CASES;
use super::super::tree::{self, Place, Value};
use crate::domain::access::Question;
use crate::domain::account::Status;
use crate::domain::grant::{GrantKind, ItemRef};
use crate::domain::ids::{ComponentId, DirectoryId, IdError, RoleId, SectorId};
use crate::domain::policy::cases::{Case, Given, GivenIdentity, Then, Touch, judge};
use crate::domain::policy::{Action, Policy};

/// Reads the cases of one file.
///
/// # Errors
///
/// Every mistake of the file.
pub fn read_cases(text: &str, file: &Path) -> Result<Vec<Case>, Vec<Mistake>> {
    let reading = Reading::new(file, CASES);
    let (table, syntax) = tree::parse(text);
    for mistake in &syntax {
        let what = format!("this is not TOML: {}", mistake.message);
        reading.error(&mistake.at, "", Problem::new(what, "see https://toml.io for how it is written"));
    }
    let mut cases = Vec::new();
    if syntax.is_empty() {
        let root = reading.root(&table);
        let sections = root.each("case");
        if sections.is_empty() {
            root.wrong("there is no case in the file", "write [[case]] with name, given, when and then");
        }
        cases.extend(sections.iter().filter_map(|section| case(section, file)));
    }
    let mistakes = reading.into_mistakes();
    let is_refused = mistakes.iter().any(|mistake| mistake.severity == Severity::Error);
    if is_refused { Err(mistakes) } else { Ok(cases) }
}

/// Reads the cases of several files, in order.
///
/// # Errors
///
/// Every mistake of every file.
pub fn read_case_files(files: &[PathBuf]) -> Result<Vec<Case>, Vec<Mistake>> {
    let (mut cases, mut mistakes) = (Vec::new(), Vec::new());
    for file in files {
        let read = match std::fs::read_to_string(file) {
            Ok(text) => read_cases(&text, file),
            Err(error) => Err(vec![unreadable(file, &error)]),
        };
        match read {
            Ok(found) => cases.extend(found),
            Err(found) => mistakes.extend(found),
        }
    }
    if mistakes.is_empty() { Ok(cases) } else { Err(mistakes) }
}

fn unreadable(file: &Path, error: &std::io::Error) -> Mistake {
    Mistake {
        severity: Severity::Error,
        file: file.display().to_string(),
        line: None,
        column: None,
        key_path: String::new(),
        what: format!("the file cannot be read: {error}"),
        fix: "check the path; the settings name such files in [policy] cases = [\"policy.cases.toml\"]"
            .to_owned(),
    }
}

/// Judges a policy by cases: a mistake for each expectation that is not met, at the place of the case.
#[must_use]
pub fn judge_cases(policy: &Policy, cases: &[Case]) -> Vec<Mistake> {
    let failures = |case: &Case| -> Vec<Mistake> {
        let mistake = |failure: crate::domain::policy::cases::Failure| Mistake {
            severity: Severity::Error,
            file: case.file.clone(),
            line: Some(case.line),
            column: None,
            key_path: format!("case {:?}", case.name),
            what: format!("{}: expected {}, got {}", failure.what, failure.expected, failure.got),
            fix: "mend the policy, or the case if it no longer says what is wanted".to_owned(),
        };
        judge(policy, case).into_iter().map(mistake).collect()
    };
    cases.iter().flat_map(failures).collect()
}

fn case(section: &Section<'_>, file: &Path) -> Option<Case> {
    let name = section.required("name", "say in a sentence what must be true")?;
    let line = match name.at() {
        Place::Line { line, .. } => *line,
        Place::Environment(_) | Place::Nowhere => 0,
    };
    let given = section.section("given").map(|part| given(&part));
    let when = section.section("when").map(|part| question(&part));
    let then = section.section("then").map(|part| then(&part));
    let Some(then) = then.filter(|then| *then != Then::default()) else {
        section.missing("then", "say what must come of it: then = { allowed = false, reason = \"no_role\" }");
        return None;
    };
    let is_about_answer = then.allowed.is_some() || then.reason.is_some() || then.narrowed.is_some();
    if is_about_answer != when.is_some() {
        section.wrong(
            "a question needs an expected answer, and an answer its question",
            "write when = { action = …, component = … } and then = { allowed = … }",
        );
    }
    let when = match when {
        Some(question) => Some(question?),
        None => None,
    };
    Some(Case {
        name: name.text()?.to_owned(),
        file: file.display().to_string(),
        line,
        given: given.unwrap_or_else(nobody),
        when,
        then,
    })
}

fn nobody() -> Given {
    Given {
        identities: Vec::new(),
        by_hand: Vec::new(),
        status: Status::Active,
        links: Vec::new(),
        assigned: Vec::new(),
    }
}

fn given(section: &Section<'_>) -> Given {
    let mut identities: Vec<GivenIdentity> = Vec::new();
    if section.field("directory").is_some() {
        identities.extend(identity(section));
    } else if let Some(field) =
        ["groups", "group_names", "attributes"].iter().find_map(|key| section.field(key))
    {
        field.wrong("it is not said which directory says so", "add directory = \"…\"");
    }
    identities.extend(section.each("identities").iter().filter_map(identity));
    let mut by_hand: Vec<GrantKind> = slugs(section, "roles", RoleId::parse).map(GrantKind::Role).collect();
    by_hand.extend(slugs(section, "sectors", SectorId::parse).map(GrantKind::Sector));
    by_hand.extend(section.flag("limited").unwrap_or(false).then_some(GrantKind::Limited));
    by_hand.extend(section.flag("item_restricted").unwrap_or(false).then_some(GrantKind::ItemRestricted));
    Given {
        identities,
        by_hand,
        status: section
            .field("status")
            .and_then(|field| field.choice(Status::ALL, Status::name))
            .unwrap_or(Status::Active),
        links: section.list("links").iter().filter_map(touch).collect(),
        assigned: section.list("assigned").iter().filter_map(touch).collect(),
    }
}

fn slugs<'a, T: 'a>(
    section: &Section<'a>,
    key: &str,
    parse: fn(&str) -> Result<T, IdError>,
) -> impl Iterator<Item = T> + 'a {
    let read = move |field: Field<'a>| field.parse(|text| parse(text).map_err(Problem::from));
    section.list(key).into_iter().filter_map(read)
}

fn identity(section: &Section<'_>) -> Option<GivenIdentity> {
    let directory = section
        .required("directory", "name the directory that says so")
        .and_then(|field| field.parse(|text| DirectoryId::parse(text).map_err(Problem::from)));
    let document = section.field("attributes").map(|field| json(field.value()));
    Some(GivenIdentity {
        groups: section.texts("groups"),
        group_names: section.texts("group_names"),
        document: document.unwrap_or_else(|| Json::Object(serde_json::Map::new())),
        directory: directory?,
    })
}

/// `"mailing/17"`, or `{ item = "mailing/17", role = "board" }`.
fn touch(field: &Field<'_>) -> Option<Touch> {
    if !matches!(field.value(), Value::Table(_)) {
        return Some(Touch { item: field.parse(item)?, role: None });
    }
    let section = field.section("case.given.links")?;
    let item = section.required("item", "write \"component/item\"").and_then(|field| field.parse(item));
    let role = section
        .required("role", "name the role, or write the item alone")
        .and_then(|field| field.parse(|text| RoleId::parse(text).map_err(Problem::from)));
    Some(Touch { item: item?, role: Some(role?) })
}

fn item(text: &str) -> Result<ItemRef, Problem> {
    let fix = "write \"component/item\", such as \"mailing/88362\"";
    let wrong = |what: String| Problem::new(what, fix);
    let (component, item) = text.split_once('/').ok_or_else(|| wrong(format!("{text:?} names no item")))?;
    let component = ComponentId::parse(component).map_err(|error| wrong(error.to_string()))?;
    ItemRef::parse(component, item).map_err(|error| wrong(error.to_string()))
}

fn question(section: &Section<'_>) -> Option<Question> {
    let action = section
        .required("action", "write view, create, edit, delete, assign or administer")
        .and_then(|field| field.choice(Action::ALL, Action::name));
    let component = section.required("component", "name the component").and_then(|field| field.text());
    Some(Question { action: action?, component: component?.to_owned(), item: section.text("item") })
}

fn then(section: &Section<'_>) -> Then {
    let set = |key| section.field(key).is_some();
    let roles: BTreeSet<RoleId> = slugs(section, "roles", RoleId::parse).collect();
    let sectors: BTreeSet<SectorId> = slugs(section, "sectors", SectorId::parse).collect();
    Then {
        allowed: section.flag("allowed"),
        reason: section.text("reason"),
        narrowed: section.flag("narrowed"),
        roles: set("roles").then_some(roles),
        sectors: set("sectors").then_some(sectors),
        limited: section.flag("limited"),
        item_restricted: section.flag("item_restricted"),
    }
}

/// A value as a SCIM document writes it.
fn json(value: &Value) -> Json {
    match value {
        Value::Text(text) => Json::from(text.as_str()),
        Value::Integer(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::Flag(flag) => Json::from(*flag),
        Value::Other(_) => Json::Null,
        Value::List(items) => items.iter().map(|item| json(&item.value)).collect(),
        Value::Table(table) => {
            let entries = table.entries().iter();
            entries.map(|entry| (entry.key.clone(), json(&entry.node.value))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_policy;
    use super::*;

    const SHIPPED: &str = include_str!("../../../config/policy.cases.toml");

    fn told(text: &str) -> Vec<String> {
        let mistakes = read_cases(text, Path::new("cases.toml")).unwrap_err();
        mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_shipped_cases_hold_for_the_shipped_policy() {
        let policy = parse_policy(include_str!("../../../config/policy.toml"), "policy.toml").unwrap();
        let cases = read_cases(SHIPPED, Path::new("policy.cases.toml")).unwrap();
        assert!(cases.len() >= 8, "{}", cases.len());
        assert_eq!(judge_cases(&policy, &cases), []);
    }

    #[test]
    fn a_case_that_does_not_hold_names_file_line_case_and_both_answers() {
        let policy = parse_policy(include_str!("../../../config/policy.toml"), "policy.toml").unwrap();
        let text = "\n[[case]]\nname = \"a helper administers\"\ngiven = { roles = [\"helper\"], limited = true }\n\
                    when = { action = \"administer\", component = \"settings\" }\nthen = { allowed = true }\n";
        let cases = read_cases(text, Path::new("cases.toml")).unwrap();
        let failed = judge_cases(&policy, &cases);
        assert_eq!(failed.len(), 1);
        assert!(failed[0].to_string().starts_with(
            "cases.toml:3: case \"a helper administers\": decision: expected allowed, got refused (administration_closed)"
        ), "{}", failed[0]);
    }

    #[test]
    fn a_misspelt_case_is_a_mistake_and_never_passed_over() {
        let said =
            told("[[case]]\nname = \"x\"\ngiven = { groups = [\"1\"], statsu = \"active\" }\nthen = {}\n");
        assert_eq!(said.len(), 3, "{said:#?}");
        assert!(said.iter().any(|one| one.contains("statsu: there is no such key")), "{said:#?}");
        assert!(said.iter().any(|one| one.contains("which directory says so")), "{said:#?}");
        assert!(said.iter().any(|one| one.contains("case[0].then: it is missing")), "{said:#?}");
        let said = told("[[case]]\nname = \"x\"\nthen = { allowed = true }\n");
        assert!(said[0].contains("a question needs an expected answer"), "{said:#?}");
        assert!(told("")[0].contains("there is no case in the file"));
        let item = "[[case]]\nname = \"x\"\ngiven = { links = [\"mailing\"] }\nthen = { limited = false }\n";
        assert!(told(item)[0].contains("names no item"));
    }
}
