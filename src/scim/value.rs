//! Brings a client's value into the form that the schema asks for.
//!
//! Invariant: what comes out has canonical names, the right types and NFC text;
//! a value is repaired only towards its attribute's type, else refused.

use serde_json::{Map, Value};

use super::error::{ScimError, shown};
use super::filter::Text;
use super::fold::composed;
use super::repairs::{Repair, Repairs};
use super::schema::{Attribute, DataType, Mutability};

/// Attributes that stand on one line wherever they are shown or logged.
const ONE_LINE: [&str; 3] = ["userName", "externalId", "displayName"];
/// Attributes whose entries some clients send as bare texts or as JSON in a text.
const WISHES: [&str; 2] = ["roles", "entitlements"];

/// The value of one attribute; `None` where it is unassigned (`null`, `[]`, an empty object; RFC 7643 §2.5).
pub(crate) fn attribute(
    spec: &'static Attribute,
    value: &Value,
    at: &str,
    repairs: &mut Repairs,
) -> Result<Option<Value>, ScimError> {
    if spec.multi_valued {
        let list = entries(spec, value, at, repairs)?;
        return Ok(if list.is_empty() { None } else { Some(Value::Array(list)) });
    }
    one(spec, value, at, repairs)
}

/// The entries of a multi-valued attribute, unassigned ones left out, doubles dropped.
pub(crate) fn entries(
    spec: &'static Attribute,
    value: &Value,
    at: &str,
    repairs: &mut Repairs,
) -> Result<Vec<Value>, ScimError> {
    let wrapped;
    let list = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(list) => list.as_slice(),
        Value::Object(_) => {
            repairs.note(Repair::ListWrapped);
            wrapped = [value.clone()];
            wrapped.as_slice()
        }
        Value::String(_) if WISHES.contains(&spec.name) => {
            repairs.note(Repair::ListWrapped);
            wrapped = [value.clone()];
            wrapped.as_slice()
        }
        _ => return Err(wrong(at, "a list", value)),
    };
    super::limits::entries(at, list.len())?;
    let mut made: Vec<Value> = Vec::with_capacity(list.len());
    for entry in list {
        let Some(entry) = single(spec, entry, at, repairs)? else { continue };
        if made.contains(&entry) {
            repairs.note(Repair::DuplicateDropped);
        } else {
            made.push(entry);
        }
    }
    Ok(made)
}

/// One value where the attribute takes one: a list of one is opened.
fn one(
    spec: &'static Attribute,
    value: &Value,
    at: &str,
    repairs: &mut Repairs,
) -> Result<Option<Value>, ScimError> {
    let Value::Array(list) = value else { return single(spec, value, at, repairs) };
    match list.as_slice() {
        [] => Ok(None),
        [only] => {
            repairs.note(Repair::ListUnwrapped);
            let inner = if spec.is_complex() { None } else { only.get("value") };
            single(spec, inner.unwrap_or(only), at, repairs)
        }
        _ => Err(wrong(at, "one value, not a list", value)),
    }
}

fn single(
    spec: &'static Attribute,
    value: &Value,
    at: &str,
    repairs: &mut Repairs,
) -> Result<Option<Value>, ScimError> {
    if value.is_null() || is_blank_id(spec, value) {
        return Ok(None);
    }
    match spec.data_type {
        DataType::Boolean => boolean(value, at, repairs).map(Some),
        DataType::Integer if value.is_i64() || value.is_u64() => Ok(Some(value.clone())),
        DataType::Integer => Err(wrong(at, "a whole number", value)),
        DataType::Decimal if value.is_number() => Ok(Some(value.clone())),
        DataType::Decimal => Err(wrong(at, "a number", value)),
        DataType::DateTime => match value.as_str().and_then(super::filter::instant_of) {
            Some(_) => Ok(Some(value.clone())),
            None => Err(wrong(at, "a date and time such as \"2026-03-01T08:00:00Z\"", value)),
        },
        DataType::Binary => binary(value, at).map(Some),
        DataType::String | DataType::Reference => text(spec, value, at).map(Some),
        DataType::Complex => {
            let map = complex(spec, value, at, repairs)?;
            Ok(if map.is_empty() { None } else { Some(Value::Object(map)) })
        }
    }
}

/// An external id of nothing but blanks names nobody; kept, it would be taken after the first one who has none.
fn is_blank_id(spec: &Attribute, value: &Value) -> bool {
    spec.name == "externalId" && value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// The sub-attributes of one complex value.
pub(crate) fn complex(
    spec: &'static Attribute,
    value: &Value,
    at: &str,
    repairs: &mut Repairs,
) -> Result<Map<String, Value>, ScimError> {
    match value {
        Value::Object(map) => {
            let mut made = sub_attributes(spec, map, at, repairs)?;
            unfold_json_text(spec, &mut made, at, repairs)?;
            Ok(made)
        }
        Value::String(text) => bare(spec, text, value, at, repairs),
        _ => Err(wrong(at, "an object", value)),
    }
}

fn sub_attributes(
    spec: &'static Attribute,
    map: &Map<String, Value>,
    at: &str,
    repairs: &mut Repairs,
) -> Result<Map<String, Value>, ScimError> {
    let mut made = Map::with_capacity(map.len());
    for (key, value) in map {
        let Some(sub) = spec.sub_attribute(key) else {
            if !value.is_null() {
                repairs.note(Repair::UnknownDropped);
            }
            continue;
        };
        if sub.name != key {
            repairs.note(Repair::NameCase);
        }
        if sub.mutability == Mutability::ReadOnly {
            repairs.note(Repair::ReadOnlyIgnored);
            continue;
        }
        if let Some(value) = attribute(sub, value, &format!("{at}.{}", sub.name), repairs)? {
            made.insert(sub.name.to_owned(), value);
        }
    }
    Ok(made)
}

/// A bare text where an object belongs: a manager's id, a role, or a role as JSON text (Entra).
fn bare(
    spec: &'static Attribute,
    text: &str,
    value: &Value,
    at: &str,
    repairs: &mut Repairs,
) -> Result<Map<String, Value>, ScimError> {
    let wish = WISHES.contains(&spec.name);
    if spec.multi_valued && !wish || spec.sub_attribute("value").is_none() {
        return Err(wrong(at, "an object", value));
    }
    let mut made = Map::new();
    if !text.is_empty() {
        repairs.note(Repair::BareValue);
        made.insert("value".into(), composed(text).into());
    }
    unfold_json_text(spec, &mut made, at, repairs)?;
    Ok(made)
}

/// `{"value": "{\"id\":…,\"value\":…,\"displayName\":…}"}`: how Entra sends an app role.
fn unfold_json_text(
    spec: &'static Attribute,
    made: &mut Map<String, Value>,
    at: &str,
    repairs: &mut Repairs,
) -> Result<(), ScimError> {
    if !WISHES.contains(&spec.name) {
        return Ok(());
    }
    let text = made.get("value").and_then(Value::as_str).unwrap_or_default();
    if !text.starts_with('{') {
        return Ok(());
    }
    let Ok(inside @ Value::Object(_)) = serde_json::from_str::<Value>(text) else { return Ok(()) };
    super::limits::inspect(&inside)?;
    let at_value = format!("{at}.value");
    let role = inside.get("value").and_then(Value::as_str).filter(|role| !role.is_empty());
    let Some(role) = role else { return Err(wrong(&at_value, "JSON text with a value in it", &inside)) };
    repairs.note(Repair::JsonText);
    made.insert("value".into(), composed(role).into());
    let display = inside.get("displayName").or_else(|| inside.get("display")).and_then(Value::as_str);
    if let Some(display) = display {
        made.insert("display".into(), composed(display).into());
    }
    Ok(())
}

fn boolean(value: &Value, at: &str, repairs: &mut Repairs) -> Result<Value, ScimError> {
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::String(text) if text.eq_ignore_ascii_case("true") => {
            repairs.note(Repair::StringBoolean);
            Ok(true.into())
        }
        Value::String(text) if text.eq_ignore_ascii_case("false") => {
            repairs.note(Repair::StringBoolean);
            Ok(false.into())
        }
        _ => Err(wrong(at, "true or false", value)),
    }
}

fn binary(value: &Value, at: &str) -> Result<Value, ScimError> {
    let base64 = |c: char| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || "+/-_=".contains(c);
    match value.as_str().filter(|text| text.chars().all(base64)) {
        Some(_) => Ok(value.clone()),
        None => Err(wrong(at, "base64 text", value)),
    }
}

fn text(spec: &'static Attribute, value: &Value, at: &str) -> Result<Value, ScimError> {
    let Some(text) = value.as_str() else { return Err(wrong(at, "a text", value)) };
    if ONE_LINE.contains(&spec.name) && text.chars().any(char::is_control) {
        return Err(ScimError::invalid_value(format!("{at} must not hold line breaks or tabs")));
    }
    let text = if spec.name == "userName" { text.trim() } else { text };
    Ok(composed(text).into())
}

/// 400 `invalidValue`: where, what would be right, and what came.
pub(crate) fn wrong(at: &str, right: &str, value: &Value) -> ScimError {
    let came = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => shown(&number.to_string()),
        Value::String(text) => shown(text),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    ScimError::invalid_value(format!("{at} must be {right}, not {came}"))
}

/// Two values of an attribute are the same, case counted where the schema says so.
pub(crate) fn same(spec: Option<&'static Attribute>, one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) if spec.is_none_or(|spec| !spec.case_exact) => {
            Text::new(one).folded() == Text::new(other).folded()
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::schema::ResourceKind;

    fn made(name: &str, value: &Value) -> (Result<Option<Value>, ScimError>, Repairs) {
        let spec = ResourceKind::User.attribute(name).unwrap();
        let mut repairs = Repairs::default();
        (attribute(spec, value, name, &mut repairs), repairs)
    }

    #[test]
    fn a_boolean_as_text_is_mended_and_nonsense_is_not() {
        for (text, flag) in [("True", true), ("FALSE", false), ("true", true)] {
            let (value, repairs) = made("active", &json!(text));
            assert_eq!(value.unwrap(), Some(json!(flag)));
            assert_eq!(repairs.count(Repair::StringBoolean), 1);
        }
        for value in [json!("banana"), json!(""), json!(1), json!("1"), json!({})] {
            let error = made("active", &value).0.unwrap_err();
            assert!(error.detail.starts_with("active must be true or false"), "{}", error.detail);
        }
    }

    #[test]
    fn a_role_as_json_text_becomes_a_role_with_a_display() {
        let text = r#"{"id":"1","value":"Redaktör","displayName":"Redaktören"}"#;
        let expected = json!([{ "value": "Redaktör", "display": "Redaktören" }]);
        for sent in [json!(text), json!([text]), json!([{ "value": text }])] {
            assert_eq!(made("roles", &sent).0.unwrap(), Some(expected.clone()), "{sent}");
        }
        assert!(made("roles", &json!(r#"{"id":"1"}"#)).0.is_err());
    }

    #[test]
    fn names_become_canonical_and_wrong_types_are_refused_with_their_place() {
        let (value, repairs) =
            made("emails", &json!([{ "Value": "a@x", "TYPE": "work", "x": 1, "primary": null }]));
        assert_eq!(value.unwrap(), Some(json!([{ "value": "a@x", "type": "work" }])));
        assert_eq!((repairs.count(Repair::NameCase), repairs.count(Repair::UnknownDropped)), (2, 1));
        let error = made("emails", &json!([{ "value": 7 }])).0.unwrap_err();
        assert!(error.detail.starts_with("emails.value must be a text"), "{}", error.detail);
        for wrong in [json!("text"), json!(["text"]), json!(7), json!([7])] {
            assert!(made("emails", &wrong).0.is_err(), "{wrong}");
        }
        assert!(made("userName", &json!("a\nb")).0.is_err());
        assert!(made("title", &json!(["a", "b"])).0.is_err());
    }

    #[test]
    fn text_is_composed_and_empty_things_are_unassigned() {
        assert_eq!(made("title", &json!("A\u{30a}")).0.unwrap(), Some(json!("Å")));
        for empty in [json!(null), json!([])] {
            assert_eq!(made("phoneNumbers", &empty).0.unwrap(), None);
            assert_eq!(made("title", &empty).0.unwrap(), None);
        }
        assert_eq!(made("name", &json!({ "givenName": null })).0.unwrap(), None);
        assert_eq!(made("externalId", &json!("  ")).0.unwrap(), None);
        assert_eq!(made("title", &json!([{ "$ref": null, "value": "x" }])).0.unwrap(), Some(json!("x")));
    }
}
