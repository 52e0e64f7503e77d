//! One value of a file, read as the type that its key wants.
//!
//! Invariant: a value of another type gives a mistake and nothing else. A value from the environment is
//! text, and is read as a number or as true or false where the key wants one.

use std::ops::RangeInclusive;

use jiff::SignedDuration;

use super::duration;
use super::mistake::Problem;
use super::reading::{Reading, Section};
use super::suggest::suggest;
use super::tree::{Node, Place, Value};

/// One value and the key it stands under.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    reading: &'a Reading,
    node: &'a Node,
    path: String,
}

impl<'a> Field<'a> {
    pub(crate) const fn new(reading: &'a Reading, node: &'a Node, path: String) -> Self {
        Self { reading, node, path }
    }

    /// The value of a key of this table.
    pub(crate) fn within(&self, key: &str, node: &'a Node) -> Self {
        Self::new(self.reading, node, format!("{}.{key}", self.path))
    }

    pub(crate) const fn value(&self) -> &'a Value {
        &self.node.value
    }

    pub(crate) const fn at(&self) -> &'a Place {
        &self.node.at
    }

    pub(crate) const fn is_from_environment(&self) -> bool {
        matches!(self.node.at, Place::Environment(_))
    }

    pub(crate) fn wrong(&self, what: impl Into<String>, fix: impl Into<String>) {
        self.reading.error(&self.node.at, &self.path, Problem::new(what, fix));
    }

    pub(crate) fn doubtful(&self, what: impl Into<String>, fix: impl Into<String>) {
        self.reading.warning(&self.node.at, &self.path, Problem::new(what, fix));
    }

    /// What `result` holds; its problem becomes a mistake at this value.
    pub(crate) fn accept<T>(&self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.wrong(problem.what, problem.fix)).ok()
    }

    /// The text read by `parse`; its problem becomes a mistake at this value.
    pub(crate) fn parse<T>(&self, parse: impl FnOnce(&str) -> Result<T, Problem>) -> Option<T> {
        let text = self.text()?;
        self.accept(parse(text))
    }

    fn other_kind(&self, wanted: &str, fix: impl Into<String>) {
        self.wrong(format!("it must be {wanted}, but it is {}", self.node.value.kind()), fix);
    }

    /// The text, which must not be empty.
    pub(crate) fn text(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Text(text) if text.trim().is_empty() => {
                self.wrong("it is empty", "write a value, or leave the key out");
                None
            }
            Value::Text(text) => Some(text),
            Value::Integer(number) => {
                self.other_kind("a text", format!("put it in quotes: \"{number}\""));
                None
            }
            Value::Float(_) | Value::Flag(_) | Value::Other(_) | Value::List(_) | Value::Table(_) => {
                self.other_kind("a text", "put it in quotes");
                None
            }
        }
    }

    /// The text, unjudged; nothing where it is none.
    pub(crate) const fn plain_text(&self) -> Option<&'a str> {
        if let Value::Text(text) = &self.node.value { Some(text.as_str()) } else { None }
    }

    /// The text as it is, blanks and all.
    pub(crate) fn raw_text(&self) -> Option<String> {
        match &self.node.value {
            Value::Text(text) if !text.is_empty() => Some(text.clone()),
            _ => self.text().map(str::to_owned),
        }
    }

    pub(crate) fn flag(&self) -> Option<bool> {
        let flag = match &self.node.value {
            Value::Flag(flag) => Some(*flag),
            Value::Text(text) if self.is_from_environment() => text.trim().parse().ok(),
            Value::Text(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Other(_)
            | Value::List(_)
            | Value::Table(_) => None,
        };
        if flag.is_none() {
            self.other_kind("true or false", "write true or false, without quotes");
        }
        flag
    }

    /// A whole number within `range`.
    pub(crate) fn whole(&self, range: &RangeInclusive<i64>) -> Option<i64> {
        let number = match &self.node.value {
            Value::Integer(number) => Some(*number),
            Value::Text(text) if self.is_from_environment() => text.trim().parse().ok(),
            Value::Text(_)
            | Value::Flag(_)
            | Value::Float(_)
            | Value::Other(_)
            | Value::List(_)
            | Value::Table(_) => None,
        };
        let fix = format!("write a number from {} to {}, without quotes", range.start(), range.end());
        match number {
            Some(number) if range.contains(&number) => return Some(number),
            Some(number) => self.wrong(format!("{number} is outside what is allowed"), fix),
            None => self.other_kind("a whole number", fix),
        }
        None
    }

    /// A number of percent from 0 to 100.
    pub(crate) fn percent(&self) -> Option<f64> {
        let number = match &self.node.value {
            Value::Integer(number) => i32::try_from(*number).ok().map(f64::from),
            Value::Float(number) => Some(*number),
            Value::Text(_) | Value::Flag(_) | Value::Other(_) | Value::List(_) | Value::Table(_) => None,
        };
        let allowed = number.filter(|number| (0.0..=100.0).contains(number));
        if allowed.is_none() {
            self.wrong("it is not a number of percent", "write a number from 0 to 100, without quotes");
        }
        allowed
    }

    /// A length of time that is not nothing.
    pub(crate) fn duration(&self) -> Option<SignedDuration> {
        self.parse(duration::parse)
    }

    /// A length of time; nothing for `never`.
    pub(crate) fn duration_or_never(&self) -> Option<SignedDuration> {
        if matches!(&self.node.value, Value::Text(text) if text == "never") { None } else { self.duration() }
    }

    /// The values of a list.
    pub(crate) fn items(&self) -> Vec<Field<'a>> {
        let Value::List(items) = &self.node.value else {
            self.other_kind("a list", "put it in brackets: [ … ]");
            return Vec::new();
        };
        let numbered = items.iter().enumerate();
        numbered.map(|(at, node)| Field::new(self.reading, node, format!("{}[{at}]", self.path))).collect()
    }

    /// The table, whose keys the schema lists under `pattern`.
    pub(crate) fn section(&self, pattern: &str) -> Option<Section<'a>> {
        let Value::Table(table) = &self.node.value else {
            self.other_kind("a table", "write { key = value, … } or a [section] of its own");
            return None;
        };
        Some(Section::open(self.reading, table, &self.node.at, self.path.clone(), pattern))
    }

    /// The one of `all` that bears this name.
    pub(crate) fn choice<T: Copy>(&self, all: &[T], name: impl Fn(T) -> &'static str) -> Option<T> {
        let text = self.text()?;
        let chosen = all.iter().copied().find(|one| name(*one) == text);
        if chosen.is_none() {
            let known = all.iter().map(|one| name(*one));
            self.wrong(format!("{text:?} is not one of the choices"), suggest(text, known));
        }
        chosen
    }
}
