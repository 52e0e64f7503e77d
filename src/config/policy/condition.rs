//! Reads when a rule matches.
//!
//! Invariant: a condition that was taken asks for something; nothing matches everybody by being empty.

use super::super::field::Field;
use super::super::reading::Section;
use super::super::tree::Value;
use super::names::Names;
use crate::domain::ids::DirectoryId;
use crate::domain::policy::Condition;

const FIX: &str = "write { directory = \"…\", group = \"…\" }, or group_name, attribute, all, any or not";

/// Reads a condition; where it has several keys, each of them must hold.
pub(super) fn condition(field: &Field<'_>, names: &Names) -> Option<Condition> {
    let section = field.section("rule.when")?;
    if section.is_empty() {
        section.wrong("an empty condition would match everybody", FIX);
        return None;
    }
    let directory = match section.field("directory") {
        Some(field) => Some(names.directory(&field)?),
        None => None,
    };
    let mut parts = about_the_person(&section, directory.as_ref());
    let asks_in_directory = parts.iter().flatten().next().is_some();
    for (key, make) in [("all", Condition::All as fn(Vec<Condition>) -> Condition), ("any", Condition::Any)] {
        if let Some(field) = section.field(key) {
            parts.push(several(&field, names).map(make));
        }
    }
    if let Some(field) = section.field("not") {
        parts.push(condition(&field, names).map(|inner| Condition::Not(Box::new(inner))));
    }
    let mut parts = parts.into_iter().collect::<Option<Vec<Condition>>>()?;
    if let Some(directory) = directory.filter(|_| !asks_in_directory) {
        parts.insert(0, Condition::Directory(directory));
    }
    if parts.len() > 1 { Some(Condition::All(parts)) } else { parts.pop() }
}

/// The conditions of `all` or `any`.
fn several(field: &Field<'_>, names: &Names) -> Option<Vec<Condition>> {
    let items = field.items();
    if items.is_empty() {
        if matches!(field.value(), Value::List(_)) {
            field.wrong("the list is empty", FIX);
        }
        return None;
    }
    // Each is read before the first that failed ends it, so that all mistakes are named.
    let read: Vec<Option<Condition>> = items.iter().map(|item| condition(item, names)).collect();
    read.into_iter().collect()
}

/// The keys that ask about the person's groups and attributes; an empty entry stands for a mistake.
fn about_the_person(section: &Section<'_>, directory: Option<&DirectoryId>) -> Vec<Option<Condition>> {
    let mut parts = Vec::new();
    if let Some(field) = section.field("group") {
        parts.push(
            field.text().map(|id| Condition::Group { directory: directory.cloned(), id: id.to_owned() }),
        );
    }
    if let Some(field) = section.field("group_name") {
        if directory.is_none() && section.field("directory").is_none() {
            field.wrong("a name belongs to one directory, and none is named", "add directory = \"…\"");
        }
        let named = directory.cloned().zip(field.text());
        parts.push(named.map(|(directory, name)| Condition::GroupName { directory, name: name.to_owned() }));
    }
    if let Some(part) = section.field("attribute").map(|field| field.section("rule.when.attribute")) {
        parts.push(part.and_then(|part| attribute(&part, directory)));
    }
    parts
}

fn attribute(section: &Section<'_>, directory: Option<&DirectoryId>) -> Option<Condition> {
    let (path, one_of) = path_and_values(section)?;
    Some(Condition::Attribute { directory: directory.cloned(), path, one_of })
}

/// The path of an attribute, and the values that are meant.
pub(super) fn path_and_values(section: &Section<'_>) -> Option<(String, Vec<String>)> {
    let path = section.required("path", "write the SCIM path, such as \"userType\"").and_then(|field| {
        let path = field.text()?;
        let is_path = !path.contains(char::is_whitespace) && !path.ends_with(['.', ':']);
        if !is_path {
            field.wrong(format!("{path:?} is no SCIM path"), "write it dotted: \"name.familyName\"");
        }
        is_path.then(|| path.to_owned())
    });
    let one_of: Vec<String> = match (section.field("equals"), section.field("in")) {
        (Some(field), None) => scalar(&field).into_iter().collect(),
        (None, Some(field)) => {
            let items = field.items();
            if items.is_empty() && matches!(field.value(), Value::List(_)) {
                field.wrong("the list is empty, so nothing would match", "list at least one value");
            }
            items.iter().filter_map(scalar).collect()
        }
        (Some(_), Some(field)) => {
            field.wrong("equals and in are both set", "keep one of them");
            Vec::new()
        }
        (None, None) => {
            section.missing("equals", "write equals = \"…\" or in = [\"…\", \"…\"]");
            Vec::new()
        }
    };
    Some((path?, one_of))
}

/// A value to compare with, as text: SCIM's true and numbers are compared as they are written.
fn scalar(field: &Field<'_>) -> Option<String> {
    match field.value() {
        Value::Flag(flag) => Some(flag.to_string()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Text(_) | Value::Float(_) | Value::Other(_) | Value::List(_) | Value::Table(_) => {
            field.text().map(str::to_owned)
        }
    }
}
