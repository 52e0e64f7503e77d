//! The value in a comparison, read by the attribute's type.
//!
//! Invariant: a literal fits its attribute, so that comparing never has to guess;
//! text is NFC, holds no control character that a body might not hold, and is folded once.

use std::fmt;

use jiff::Timestamp;
use serde_json::{Number, Value};

use super::CompareOp;
use crate::domain::name::fold;
use crate::scim::fold::composed;
use crate::scim::limits::is_dirty;
use crate::scim::schema::{Attribute, DataType};

/// A text and its folded form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    raw: String,
    folded: String,
}

impl Text {
    pub(crate) fn new(text: &str) -> Self {
        let raw = composed(text);
        Self { folded: fold(&raw), raw }
    }

    /// As written, in NFC.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// Folded, for attributes whose case does not count.
    #[must_use]
    pub fn folded(&self) -> &str {
        &self.folded
    }
}

/// The value that an attribute is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A text.
    Text(Text),
    /// A number.
    Number(Number),
    /// True or false.
    Bool(bool),
    /// An instant, whatever its offset was.
    Instant(Timestamp),
    /// No value.
    Null,
}

impl Literal {
    /// The value as JSON, for an entry that a value path makes.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => text.raw.clone().into(),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Bool(flag) => (*flag).into(),
            Self::Instant(at) => at.to_string().into(),
            Self::Null => Value::Null,
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_json())
    }
}

/// Reads `value` for a comparison by `op` with an attribute; `Err` says what would be right.
pub(super) fn typed(
    value: Value,
    op: CompareOp,
    spec: Option<&'static Attribute>,
) -> Result<Literal, &'static str> {
    if value.as_str().is_some_and(|text| text.contains(is_dirty)) {
        return Err("a text without control characters");
    }
    if value.is_null() {
        return match op {
            CompareOp::Eq | CompareOp::Ne => Ok(Literal::Null),
            _ => Err("eq or ne with null"),
        };
    }
    let Some(spec) = spec else { return untyped(value, op) };
    match spec.data_type {
        DataType::Boolean => boolean(&value, op),
        DataType::Integer | DataType::Decimal => number(value, op),
        DataType::DateTime => instant(&value, op),
        DataType::Binary if op.is_order() => {
            Err("an operator other than gt, ge, lt and le, which binary has not")
        }
        DataType::String | DataType::Reference | DataType::Binary => text(&value),
        DataType::Complex => Err("a sub-attribute, for the attribute is complex"),
    }
}

/// The instant that a text names; without an offset it is taken as UTC.
pub(crate) fn instant_of(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| format!("{text}Z").parse().ok())
}

fn boolean(value: &Value, op: CompareOp) -> Result<Literal, &'static str> {
    if op.is_order() || op.is_part() {
        return Err("eq, ne or pr, for the attribute is true or false");
    }
    match value {
        Value::Bool(flag) => Ok(Literal::Bool(*flag)),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Literal::Bool(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Literal::Bool(false)),
        _ => Err("true or false"),
    }
}

fn number(value: Value, op: CompareOp) -> Result<Literal, &'static str> {
    match value {
        Value::Number(number) if !op.is_part() => Ok(Literal::Number(number)),
        _ => Err("a number, compared with eq, ne, gt, ge, lt or le"),
    }
}

fn instant(value: &Value, op: CompareOp) -> Result<Literal, &'static str> {
    if op.is_part() {
        return text(value);
    }
    let at = value.as_str().and_then(instant_of);
    at.map(Literal::Instant).ok_or("a date and time such as \"2026-03-01T08:00:00Z\"")
}

/// Numbers are taken as their digits: an employee number without quotes is meant as text.
fn text(value: &Value) -> Result<Literal, &'static str> {
    match value {
        Value::String(text) => Ok(Literal::Text(Text::new(text))),
        Value::Number(number) => Ok(Literal::Text(Text::new(&number.to_string()))),
        _ => Err("a text in double quotes"),
    }
}

fn untyped(value: Value, op: CompareOp) -> Result<Literal, &'static str> {
    match value {
        Value::String(text) => Ok(Literal::Text(Text::new(&text))),
        Value::Number(_) => number(value, op),
        other => boolean(&other, op),
    }
}
