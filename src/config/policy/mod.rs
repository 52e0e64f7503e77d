//! Reads the policy.
//!
//! Invariant: a policy that came out is consistent: whatever it names exists in it.

mod care;
mod cases;
mod condition;
mod floors;
mod judge;
mod lifecycle;
mod names;
mod parts;
mod rules;

use std::collections::BTreeSet;
use std::path::Path;

use jiff::SignedDuration;

pub use self::cases::{judge_cases, read_case_files, read_cases};
pub use self::judge::judge_policy;
use self::names::Names;
use super::calendar;
use super::mail::address_of;
use super::mistake::{Mistake, Problem, Severity};
use super::reading::{Reading, Section};
use super::schema::POLICY;
use super::tree::{self, Value};
use crate::domain::ids::{DirectoryId, RoleId};
use crate::domain::language::Text;
use crate::domain::policy::{Contact, Policy, ReviewPolicy, Unmatched};

/// Reads a policy whose directories are not known here.
///
/// # Errors
///
/// Every mistake and warning, at least one of them an error.
pub fn parse_policy(text: &str, file_name: &str) -> Result<Policy, Vec<Mistake>> {
    let (policy, mistakes) = read_policy(text, Path::new(file_name), None);
    policy.ok_or(mistakes)
}

/// Reads a policy: the policy where it is free of errors, and every mistake and warning.
///
/// Where `directories` are given, a rule that names another one is a mistake.
#[must_use]
pub fn read_policy(
    text: &str,
    file: &Path,
    directories: Option<&BTreeSet<DirectoryId>>,
) -> (Option<Policy>, Vec<Mistake>) {
    let reading = Reading::new(file, POLICY);
    let (table, syntax) = tree::parse(text);
    for mistake in &syntax {
        let what = format!("this is not TOML: {}", mistake.message);
        reading.error(&mistake.at, "", Problem::new(what, "see https://toml.io for how it is written"));
    }
    // A file that is not TOML would give mistakes about keys that only seem to be missing.
    let policy = syntax.is_empty().then(|| policy(&reading.root(&table), directories));
    let mistakes = reading.into_mistakes();
    let is_refused = mistakes.iter().any(|mistake| mistake.severity == Severity::Error);
    (policy.filter(|_| !is_refused), mistakes)
}

/// What was read; complete only where no error was noted on the way.
fn policy(root: &Section<'_>, directories: Option<&BTreeSet<DirectoryId>>) -> Policy {
    let names = Names::collect(root, directories);
    let manual_grants = match root.section("manual_grants").and_then(|part| part.field("expire_after")) {
        Some(field) => field.duration_or_never(),
        None => Some(SignedDuration::from_hours(180 * 24)),
    };
    let mut policy = Policy {
        unmatched: unmatched(root, &names),
        administrators_by_rule: root.flag("administrators_by_rule").unwrap_or(false),
        contact: contact(root),
        modules: parts::modules(root),
        sectors: parts::sectors(root),
        components: parts::components(root, &names),
        roles: parts::roles(root, &names),
        rules: Vec::new(),
        lifecycle: lifecycle::lifecycle(root.section("lifecycle").as_ref(), &names),
        leave_sign_in: root.section("leave").and_then(|part| part.flag("sign_in")).unwrap_or(false),
        manual_grants_expire_after: manual_grants,
        review: review(root),
        notices: care::notices(root.section("notices").as_ref()),
        changed_job: care::changed_job(root.section("changed_job").as_ref()),
    };
    let administrators: BTreeSet<RoleId> = policy
        .roles
        .iter()
        .filter(|(_, role)| policy.is_administrator_role(role))
        .map(|(id, _)| id.clone())
        .collect();
    let may_give_all = policy.administrators_by_rule;
    let forbidden = if may_give_all { BTreeSet::new() } else { administrators.clone() };
    policy.rules = rules::rules(root, &names, &forbidden);
    if let Unmatched::Role(role) = &policy.unmatched
        && administrators.contains(role)
        && let Some(field) = root.field("unmatched")
    {
        field.wrong(
            format!(
                "the role {:?} opens administration, and would go to whomever no rule matches",
                role.as_str()
            ),
            "name a role with fewer rights, or write \"no_access\"",
        );
    }
    policy
}

fn unmatched(root: &Section<'_>, names: &Names) -> Unmatched {
    const FIX: &str = "write \"no_access\", \"reject\" or { role = \"…\" }";
    let Some(field) = root.field("unmatched") else { return Unmatched::NoAccess };
    match field.value() {
        Value::Text(text) if text == "no_access" => Unmatched::NoAccess,
        Value::Text(text) if text == "reject" => Unmatched::Reject,
        Value::Table(_) => {
            let part = field.section("unmatched");
            let role = part.and_then(|part| part.required("role", FIX)).and_then(|field| names.role(&field));
            role.map_or(Unmatched::NoAccess, Unmatched::Role)
        }
        Value::Text(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Flag(_)
        | Value::Other(_)
        | Value::List(_) => {
            field.wrong("it is none of the choices", FIX);
            Unmatched::NoAccess
        }
    }
}

/// The name in both languages that every part of the policy has.
fn name(section: &Section<'_>) -> Option<Text> {
    let field = section.required("name", "write { sv = \"…\", en = \"…\" }")?;
    if let Some(text) = field.plain_text() {
        field.wrong("the name is in one language only", format!("write {{ sv = {text:?}, en = \"…\" }}"));
        return None;
    }
    let both = field.section("name")?;
    let part = |key| both.required(key, "write the name in both languages").and_then(|field| field.text());
    let (sv, en) = (part("sv"), part("en"));
    Some(Text::new(sv?, en?))
}

fn contact(root: &Section<'_>) -> Contact {
    let usual = || Text::new("administratören", "the administrator");
    let Some(part) = root.section("contact") else {
        root.doubtful(
            "[contact] is missing: a person who is refused is told to turn to \"the administrator\"",
            "write [contact] with name = { sv = \"…\", en = \"…\" } and email",
        );
        return Contact { name: usual(), email: None };
    };
    let email = part.field("email").and_then(|field| field.parse(address_of));
    Contact { name: name(&part).unwrap_or_else(usual), email }
}

fn review(root: &Section<'_>) -> ReviewPolicy {
    let Some(part) = root.section("review") else { return ReviewPolicy::default() };
    let schedule: Vec<(i8, i8)> =
        part.list("schedule").iter().filter_map(|item| item.parse(calendar::month_and_day)).collect();
    let open_for = part.field("open_for").and_then(|field| field.duration());
    let usual = (!schedule.is_empty()).then_some(SignedDuration::from_hours(21 * 24));
    ReviewPolicy { schedule, open_for: open_for.or(usual) }
}

#[cfg(test)]
mod tests;
