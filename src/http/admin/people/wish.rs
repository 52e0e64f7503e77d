//! What the address of the list asks for: whom, in which order, with which columns, and which page.
//!
//! Invariant: read and written by the same names; a value that is not understood is told and never passed over.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::super::super::pages::Frame;
use super::super::{ConsolePerson, Fields};
use super::columns::{self, Column};
use crate::domain::account::Status;
use crate::domain::ids::{DirectoryId, RoleId, SectorId};
use crate::domain::language::Text;
use crate::flows::people::roster::{Cursor, Order, Selection, Signed, Turn, Who};

/// What narrows the list, and what does not.
pub(super) const NARROWING: &[&str] = &[
    "q",
    "who",
    "signed",
    "day",
    "until",
    "role",
    "sector",
    "limited",
    "directory",
    "origin",
    "privileged",
    "left",
];

/// How it is shown.
const SHOWING: &[&str] = &["sort", "column"];

/// Which page of it.
pub(super) const TURNING: &[&str] = &["after", "before", "mark", "format"];

/// Where nobody names a day, this long ago.
const USUAL_DAYS: i64 = 90;

/// What the address asks for.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) selection: Selection,
    pub(super) order: Order,
    pub(super) turn: Turn,
    pub(super) columns: Vec<Column>,
    /// Everything on one page, marked.
    pub(super) is_marked: bool,
    /// The first day that counts, where days do.
    pub(super) day: Option<Date>,
    /// The last one.
    pub(super) until: Option<Date>,
    /// Since this day they left.
    pub(super) left: Option<Date>,
    /// What it was read from, without the page.
    pub(super) fields: Fields,
}

/// Something in the address that is not understood.
pub(super) struct Misread {
    pub(super) sv: String,
    pub(super) en: String,
}

fn misread(name: &str, value: &str) -> Misread {
    Misread {
        sv: format!("Det här går inte att förstå: {name}={value}"),
        en: format!("This cannot be understood: {name}={value}"),
    }
}

impl Wish {
    /// Reads what the address asks for.
    pub(super) fn read(console: &ConsolePerson) -> Result<Self, Misread> {
        let fields = &console.query;
        if let Some(stranger) = fields.stranger(&[NARROWING, SHOWING, TURNING].concat()) {
            return Err(misread(stranger, fields.one(stranger).unwrap_or_default()));
        }
        let (signed, day, until) = signed(console)?;
        let left = date(fields, "left")?;
        let selection = Selection {
            who: read(fields, "who", who)?.unwrap_or_default(),
            signed,
            role: read(fields, "role", |text| RoleId::parse(text).ok())?,
            is_privileged: read(fields, "privileged", yes_or_no)?.unwrap_or_default(),
            sector: read(fields, "sector", |text| SectorId::parse(text).ok())?,
            limited: read(fields, "limited", yes_or_no)?,
            directory: read(fields, "directory", |text| DirectoryId::parse(text).ok())?,
            origin: read(fields, "origin", Selection::origin_from)?,
            left_since: left.map(|day| console.beginning(day)),
            typed: fields.one("q").unwrap_or_default().chars().take(100).collect(),
        };
        let turn = match (read(fields, "after", Cursor::parse)?, read(fields, "before", Cursor::parse)?) {
            (Some(cursor), _) => Turn::After(cursor),
            (None, Some(cursor)) => Turn::Before(cursor),
            (None, None) => Turn::First,
        };
        let mut columns = Vec::new();
        for name in fields.all("column") {
            columns.push(Column::from_name(name).ok_or_else(|| misread("column", name))?);
        }
        Ok(Self {
            selection,
            order: read(fields, "sort", order)?.unwrap_or(Order::Name),
            turn,
            columns: if columns.is_empty() { columns::USUAL.to_vec() } else { columns::in_order(&columns) },
            is_marked: fields.one("mark") == Some("all"),
            day,
            until,
            left,
            fields: fields.without(TURNING),
        })
    }

    /// Whether a column is shown.
    pub(super) fn shows(&self, column: Column) -> bool {
        self.columns.contains(&column)
    }
}

fn read<'f, T>(
    fields: &'f Fields,
    name: &str,
    parse: impl Fn(&'f str) -> Option<T>,
) -> Result<Option<T>, Misread> {
    fields.one(name).map(|text| parse(text).ok_or_else(|| misread(name, text))).transpose()
}

fn date(fields: &Fields, name: &str) -> Result<Option<Date>, Misread> {
    read(fields, name, |text| text.parse().ok())
}

fn who(text: &str) -> Option<Who> {
    match text {
        "able" => Some(Who::Able),
        "shut" => Some(Who::Shut),
        "all" => Some(Who::Everybody),
        other => Status::from_name(other).map(Who::As),
    }
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn order(text: &str) -> Option<Order> {
    match text {
        "name" => Some(Order::Name),
        "-name" => Some(Order::NameDown),
        "seen" => Some(Order::Seen),
        "-seen" => Some(Order::SeenDown),
        _ => None,
    }
}

/// When they signed in, with the days that were meant where none was named.
fn signed(console: &ConsolePerson) -> Result<(Signed, Option<Date>, Option<Date>), Misread> {
    let fields = &console.query;
    let (day, until) = (date(fields, "day")?, date(fields, "until")?);
    let today = console.today();
    let usual = |from: Date| from.checked_sub(USUAL_DAYS.days()).unwrap_or(from);
    Ok(match fields.one("signed").unwrap_or("any") {
        "any" => (Signed::Any, None, None),
        "never" => (Signed::Never, None, None),
        "since" => {
            let day = day.unwrap_or_else(|| usual(today));
            (Signed::NotSince(console.beginning(day)), Some(day), None)
        }
        "between" => {
            let until = until.unwrap_or(today);
            let day = day.unwrap_or_else(|| usual(until));
            let end = until.checked_add(1.day()).unwrap_or(until);
            (Signed::Between(console.beginning(day), console.beginning(end)), Some(day), Some(until))
        }
        other => return Err(misread("signed", other)),
    })
}

impl ConsolePerson {
    /// Today, where the organisation is.
    pub(super) fn today(&self) -> Date {
        self.reading.now.to_zoned(self.reading.zone.clone()).date()
    }

    /// The first instant of a day, where the organisation is.
    pub(super) fn beginning(&self, day: Date) -> Timestamp {
        day.to_zoned(self.reading.zone.clone()).map_or(Timestamp::MAX, |start| start.timestamp())
    }
}

/// A choice of a field.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) words: String,
    pub(super) is_chosen: bool,
}

/// The choices of a field, the first of which is nothing at all.
pub(super) fn choices<'t>(
    frame: &Frame,
    (fields, name): (&Fields, &str),
    any: &str,
    all: impl Iterator<Item = (String, &'t Text)>,
) -> Vec<Choice> {
    let chosen = fields.one(name);
    let none = Choice { value: String::new(), words: any.to_owned(), is_chosen: chosen.is_none() };
    let choice = |(value, words): (String, &Text)| Choice {
        is_chosen: chosen == Some(value.as_str()),
        words: frame.text(words).to_owned(),
        value,
    };
    std::iter::once(none).chain(all.map(choice)).collect()
}

/// The same, from words that are at hand.
pub(super) fn fixed(
    (fields, name): (&Fields, &str),
    usual: &str,
    all: &[(&'static str, &str)],
) -> Vec<Choice> {
    let chosen = fields.one(name).unwrap_or(usual);
    let choice = |(value, words): &(&'static str, &str)| Choice {
        value: (*value).to_owned(),
        words: (*words).to_owned(),
        is_chosen: chosen == *value,
    };
    all.iter().map(choice).collect()
}
