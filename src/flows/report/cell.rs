//! One value of a report, for people and for programs.
//!
//! Invariant: what people read and what programs read are made from the same value.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::words::Words;
use crate::domain::language::Language;

/// A role, sector, state or reason: by its stable name for programs, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// For programs.
    pub id: String,
    /// For people, in the language of the report.
    pub words: String,
}

impl Term {
    /// A name that is the same for everybody.
    pub(super) fn plain(name: &(impl ToString + ?Sized)) -> Self {
        let name = name.to_string();
        Self { id: name.clone(), words: name }
    }

    /// A stable name with its words.
    pub(super) fn new(id: &(impl ToString + ?Sized), words: impl Into<String>) -> Self {
        Self { id: id.to_string(), words: words.into() }
    }
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// None.
    Nothing,
    /// A name, an address, a sentence.
    Text(String),
    /// A number.
    Count(i64),
    /// A length of time; people read hours.
    Hours(SignedDuration),
    /// An instant; people read its day.
    Day(Timestamp),
    /// An instant; people read its day and minute.
    Minute(Timestamp),
    /// Yes or no.
    Flag(bool),
    /// A term.
    Term(Term),
    /// Several terms.
    Terms(Vec<Term>),
}

/// Who reads a cell, and where.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    /// Their language.
    pub(super) language: Language,
    /// The time zone of days.
    pub(super) zone: TimeZone,
}

impl Cell {
    /// A day, where there is one.
    pub(super) fn day(at: Option<Timestamp>) -> Self {
        at.map_or(Self::Nothing, Self::Day)
    }

    /// An instant to the minute, where there is one.
    pub(super) fn minute(at: Option<Timestamp>) -> Self {
        at.map_or(Self::Nothing, Self::Minute)
    }

    /// A text, where there is one.
    pub(super) fn text(text: Option<&str>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(text.to_owned()))
    }

    /// A number of things.
    pub(super) fn count(count: usize) -> Self {
        Self::Count(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// For people.
    pub(super) fn words(&self, reader: &Reader) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Hours(length) => hundredths(*length, reader.language),
            Self::Day(at) => at.to_zoned(reader.zone.clone()).date().to_string(),
            Self::Minute(at) => at.to_zoned(reader.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
            Self::Flag(flag) => Words(reader.language).flag(*flag).to_owned(),
            Self::Term(term) => term.words.clone(),
            Self::Terms(terms) => terms.iter().map(|term| term.words.as_str()).collect::<Vec<_>>().join(", "),
        }
    }

    /// For programs.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Text(text) => json!(text),
            Self::Count(count) => json!(count),
            Self::Hours(length) => json!(hours(*length)),
            Self::Day(at) | Self::Minute(at) => json!(at.to_string()),
            Self::Flag(flag) => json!(flag),
            Self::Term(term) => json!(term.id),
            Self::Terms(terms) => terms.iter().map(|term| Value::String(term.id.clone())).collect(),
        }
    }
}

/// A length of time in hours, to the hundredth.
pub(super) fn hours(length: SignedDuration) -> f64 {
    (length.as_secs_f64() / 36.0).round() / 100.0
}

fn hundredths(length: SignedDuration, language: Language) -> String {
    let text = format!("{:.2}", hours(length));
    match language {
        Language::Sv => text.replace('.', ","),
        Language::En => text,
    }
}
