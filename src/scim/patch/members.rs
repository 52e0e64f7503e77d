//! What a request says about a group's members, as changes to rows.
//!
//! Invariant: only a `remove` of `members` with no value at all, or an explicit
//! list that replaces, empties a group; an empty or unreadable value never does.

use serde_json::{Map, Value};

use super::{PatchPath, Verb};
use crate::scim::error::ScimError;
use crate::scim::filter::{CompareOp, Filter, Literal};
use crate::scim::fold::composed;
use crate::scim::limits;
use crate::scim::path::{Field, key_of};
use crate::scim::repairs::{Repair, Repairs};
use crate::scim::value::wrong;

/// A member as a client names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRef {
    /// The id, as the client knows it.
    pub value: String,
    /// The name that came with it, for a member not known yet.
    pub display: Option<String>,
    /// `type`, where it was sent; most clients leave it out.
    pub member_type: Option<String>,
}

/// One change to a group's members. They are carried out in order.
#[derive(Debug, Clone, PartialEq)]
pub enum MemberChange {
    /// These join; who is a member already stays one.
    Add(Vec<MemberRef>),
    /// These leave; who is no member is passed over.
    Remove(Vec<String>),
    /// These are members and stay so: something was said of them that is not the client's to say.
    Keep(Vec<String>),
    /// Of these, who are members, those leave who are not among the others; the others join.
    Exchange {
        /// Who must be a member.
        from: Vec<String>,
        /// Who is one afterwards.
        to: Vec<MemberRef>,
    },
    /// Those members leave whose entry (`value`, `display`, `type`, `$ref`) meets the filter.
    RemoveMatching(Filter),
    /// These are the members, nobody else.
    Replace(Vec<MemberRef>),
    /// Everybody leaves.
    RemoveAll,
}

/// Translates one operation on `members`.
pub(super) fn changes(
    verb: Verb,
    path: &PatchPath,
    value: Option<&Value>,
    repairs: &mut Repairs,
) -> Result<Vec<MemberChange>, ScimError> {
    match (&path.filter, path.attr.sub()) {
        (None, None) => listed(verb, value, repairs).map(|change| change.into_iter().collect()),
        (Some(filter), None) => chosen(verb, filter, value, repairs),
        (Some(filter), Some(sub)) => described(verb, filter, sub, value, repairs),
        (None, Some(_)) => Err(ScimError::invalid_path("name the member: members[value eq \"id\"]")),
    }
}

fn listed(
    verb: Verb,
    value: Option<&Value>,
    repairs: &mut Repairs,
) -> Result<Option<MemberChange>, ScimError> {
    match (verb, value) {
        (Verb::Remove, None) => Ok(Some(MemberChange::RemoveAll)),
        (_, None | Some(Value::Null)) => Err(ScimError::invalid_value(
            "members must not be null: name the members, or replace them by an empty list",
        )),
        (Verb::Remove, Some(value)) => {
            let refs = members(value, repairs)?;
            if refs.is_empty() {
                repairs.note(Repair::EmptyRemoval);
                return Ok(None);
            }
            repairs.note(Repair::RemoveByValue);
            Ok(Some(MemberChange::Remove(refs.into_iter().map(|member| member.value).collect())))
        }
        (Verb::Add, Some(value)) => {
            let refs = members(value, repairs)?;
            Ok(if refs.is_empty() { None } else { Some(MemberChange::Add(refs)) })
        }
        (Verb::Replace, Some(value)) => Ok(Some(MemberChange::Replace(members(value, repairs)?))),
    }
}

fn chosen(
    verb: Verb,
    filter: &Filter,
    value: Option<&Value>,
    repairs: &mut Repairs,
) -> Result<Vec<MemberChange>, ScimError> {
    let named = named(filter);
    match (verb, named, value) {
        (Verb::Remove, Some(ids), _) => Ok(vec![MemberChange::Remove(ids)]),
        (Verb::Remove, None, _) => Ok(vec![MemberChange::RemoveMatching(filter.clone())]),
        (Verb::Add | Verb::Replace, Some(ids), Some(value @ Value::Object(map))) => {
            let refs = if key_of(map, "value").is_some() || key_of(map, "$ref").is_some() {
                members(value, repairs)?
            } else {
                ids.iter().map(|id| named_member(id)).collect()
            };
            Ok(vec![match verb {
                Verb::Replace => MemberChange::Exchange { from: ids, to: refs },
                Verb::Add | Verb::Remove => MemberChange::Add(refs),
            }])
        }
        (Verb::Add | Verb::Replace, Some(_), _) => {
            Err(ScimError::invalid_value("a member is an object with value"))
        }
        (Verb::Add | Verb::Replace, None, _) => {
            Err(ScimError::no_target("the filter names no member; use members[value eq \"id\"]"))
        }
    }
}

/// The parts of a membership are not the client's to change. A display name is passed over, as in a list of members;
/// but it makes nobody a member.
fn described(
    verb: Verb,
    filter: &Filter,
    sub: &Field,
    value: Option<&Value>,
    repairs: &mut Repairs,
) -> Result<Vec<MemberChange>, ScimError> {
    if sub.name() != "display" || verb == Verb::Remove {
        return Err(ScimError::mutability(format!(
            "members.{} cannot be changed; remove the member and add another",
            sub.name()
        )));
    }
    let Some(ids) = named(filter) else {
        return Err(ScimError::no_target("the filter names no member; use members[value eq \"id\"]"));
    };
    if !value.is_some_and(Value::is_string) {
        return Err(ScimError::invalid_value("members.display must be a text"));
    }
    repairs.note(Repair::ReadOnlyIgnored);
    Ok(vec![MemberChange::Keep(ids)])
}

fn named_member(id: &str) -> MemberRef {
    MemberRef { value: id.to_owned(), display: None, member_type: None }
}

/// The ids, where the filter is `value eq "…"`, or several of them with `or`.
fn named(filter: &Filter) -> Option<Vec<String>> {
    match filter {
        Filter::Compare { path, op: CompareOp::Eq, value: Literal::Text(text) } if path.is("value", None) => {
            Some(vec![text.raw().to_owned()])
        }
        Filter::Or(all) => {
            let ids: Option<Vec<Vec<String>>> = all.iter().map(named).collect();
            ids.map(|ids| ids.concat())
        }
        Filter::Compare { .. }
        | Filter::And(_)
        | Filter::Not(_)
        | Filter::Present(_)
        | Filter::ValuePath { .. } => None,
    }
}

/// Reads members: a list or one, objects or bare ids, each person once.
pub(crate) fn members(value: &Value, repairs: &mut Repairs) -> Result<Vec<MemberRef>, ScimError> {
    let list = match value {
        Value::Array(list) => list.as_slice(),
        Value::Object(_) | Value::String(_) => {
            repairs.note(Repair::ListWrapped);
            std::slice::from_ref(value)
        }
        _ => return Err(wrong("members", "a list", value)),
    };
    let mut seen = std::collections::HashSet::with_capacity(list.len());
    let mut made = Vec::with_capacity(list.len());
    for entry in list {
        let member = match entry {
            Value::Null => continue,
            Value::Object(map) => member(map, repairs)?,
            Value::String(id) if !id.is_empty() => {
                repairs.note(Repair::BareValue);
                named_member(&composed(id))
            }
            _ => return Err(wrong("members.value", "the id of a member", entry)),
        };
        limits::key("members.value", &member.value)?;
        if seen.insert(member.value.clone()) {
            made.push(member);
        } else {
            repairs.note(Repair::DuplicateDropped);
        }
    }
    Ok(made)
}

fn member(map: &Map<String, Value>, repairs: &mut Repairs) -> Result<MemberRef, ScimError> {
    let part = |name: &str| key_of(map, name).and_then(|key| map.get(key)).filter(|value| !value.is_null());
    let text = |name: &str| match part(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(composed(text))),
        Some(other) => Err(wrong(&format!("members.{name}"), "a text", other)),
    };
    let id = text("value")?.filter(|id| !id.is_empty());
    let id = match (id, text("$ref")?) {
        (Some(id), _) => id,
        (None, Some(address)) => {
            repairs.note(Repair::MemberByReference);
            let last = address.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            Some(last).filter(|id| !id.is_empty()).map(str::to_owned).ok_or_else(without_id)?
        }
        (None, None) => return Err(without_id()),
    };
    Ok(MemberRef { value: id, display: text("display")?, member_type: text("type")? })
}

fn without_id() -> ScimError {
    ScimError::invalid_value("members.value must be the id of a member")
}
