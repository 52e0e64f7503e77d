//! Gives a report its form: a table on a screen, CSV, JSON.
//!
//! Invariant: all forms are made from the same cells. No cell of the CSV can be taken for a formula (OWASP ASVS
//! 1.2.10); JSON has every value exactly.

use serde_json::{Map, Value, json};

use super::super::Refusal;
use super::words::Words;
use super::{Cell, Report};

/// So that spreadsheets read å, ä and ö.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// No column of a table is wider than this many characters.
const WIDEST: usize = 44;

impl Cell {
    /// For people.
    fn words(&self, report: &Report) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Instant(at) => at.to_zoned(report.zone.clone()).date().to_string(),
            Self::Flag(flag) => Words(report.language).flag(*flag).to_owned(),
            Self::Term(term) => term.words.clone(),
            Self::Terms(terms) => terms.iter().map(|term| term.words.as_str()).collect::<Vec<_>>().join(", "),
        }
    }

    /// For programs.
    fn value(&self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Text(text) => json!(text),
            Self::Count(count) => json!(count),
            Self::Instant(at) => json!(at.to_string()),
            Self::Flag(flag) => json!(flag),
            Self::Term(term) => json!(term.id),
            Self::Terms(terms) => terms.iter().map(|term| Value::String(term.id.clone())).collect(),
        }
    }
}

/// As JSON: `report`, `head` and `rows`, each row an object.
#[must_use]
pub fn json(report: &Report) -> Value {
    let head: Map<String, Value> =
        report.head.iter().map(|(line, cell)| (line.key.to_owned(), cell.value())).collect();
    let rows: Vec<Value> = report.rows.iter().map(|row| record(report, row)).collect();
    json!({ "report": report.name.name(), "head": head, "rows": rows })
}

fn record(report: &Report, row: &[Cell]) -> Value {
    let fields = report.columns.iter().zip(row);
    Value::Object(fields.map(|(column, cell)| (column.key.to_owned(), cell.value())).collect())
}

/// As CSV (RFC 4180): the columns and the rows, with commas, for spreadsheets.
///
/// # Errors
///
/// [`Refusal::Outside`] when it cannot be written.
pub fn csv(report: &Report) -> Result<String, Refusal> {
    let failed = |what: String| Refusal::Outside(format!("the CSV cannot be written: {what}"));
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let titles = report.columns.iter().map(|column| harmless(&column.title));
    writer.write_record(titles).map_err(|error| failed(error.to_string()))?;
    for row in &report.rows {
        let cells = row.iter().map(|cell| harmless(&cell.words(report)));
        writer.write_record(cells).map_err(|error| failed(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| failed(error.to_string()))?;
    Ok(format!("{BYTE_ORDER_MARK}{text}"))
}

/// The text, with an apostrophe before it where a spreadsheet would take it for a formula.
fn harmless(text: &str) -> String {
    let begins_formula = |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    let is_control = |c: char| matches!(c, '\t' | '\r' | '\n' | '\0');
    let is_risky = text.chars().next().is_some_and(is_control)
        || text
            .chars()
            .find(|c| !c.is_whitespace() && !c.is_control() && !is_invisible(*c))
            .is_some_and(begins_formula);
    if is_risky { format!("'{text}") } else { text.to_owned() }
}

/// Signs without width, behind which a formula could hide.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// As a table on a screen, after its head.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut lines = vec![report.title.clone(), String::new()];
    let wide = report.head.iter().map(|(line, _)| line.title.chars().count()).max().unwrap_or(0);
    for (line, cell) in &report.head {
        lines.push(format!("{}  {}", padded(&line.title, wide), plain(&cell.words(report))));
    }
    lines.push(String::new());
    let shown: Vec<usize> =
        (0..).zip(&report.columns).filter(|(_, column)| column.is_brief).map(|(at, _)| at).collect();
    let titles = pick(&shown, report.columns.iter().map(|column| column.title.clone()));
    let mut table = vec![titles];
    for row in &report.rows {
        let cells = row.iter().map(|cell| shortened(&plain(&cell.words(report))));
        table.push(pick(&shown, cells));
    }
    lines.extend(aligned(&table));
    lines.push(String::new());
    lines.join("\n")
}

fn pick(shown: &[usize], cells: impl Iterator<Item = String>) -> Vec<String> {
    cells.enumerate().filter(|(at, _)| shown.contains(at)).map(|(_, cell)| cell).collect()
}

/// Lines of columns that stand under one another; a line under the titles.
pub(crate) fn aligned(table: &[Vec<String>]) -> Vec<String> {
    let columns = table.first().map_or(0, Vec::len);
    let width = |at: usize| {
        table.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| padded(cell, *width));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines: Vec<String> = table.iter().map(line).collect();
    if !lines.is_empty() {
        let under: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        lines.insert(1, under.join("  "));
    }
    lines
}

fn padded(text: &str, width: usize) -> String {
    format!("{text:<width$}")
}

/// What a terminal would obey is left out.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= WIDEST {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(WIDEST - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::super::{Column, ReportName};
    use super::*;
    use crate::domain::language::Language;

    fn report(names: &[&str]) -> Report {
        let column = |key| Column { key, title: key.to_owned(), is_brief: true };
        Report {
            name: ReportName::Access,
            title: "Vem".to_owned(),
            language: Language::Sv,
            zone: TimeZone::get("Europe/Stockholm").unwrap(),
            head: vec![(column("rows"), Cell::Count(1))],
            columns: vec![column("name"), column("seen"), column("limited")],
            rows: names
                .iter()
                .map(|name| {
                    let seen = Cell::Instant("2025-10-06T23:30:00Z".parse().unwrap());
                    vec![Cell::Text((*name).to_owned()), seen, Cell::Flag(true)]
                })
                .collect(),
        }
    }

    #[test]
    fn no_cell_of_the_csv_is_a_formula_and_json_keeps_the_name() {
        let bad = [
            "=1+1",
            "+46701234567",
            "-x",
            "@x",
            "\t=1",
            "\r1",
            "  =1",
            "＝1",
            "\u{200b}=1",
            "\u{a0}+1",
            "\n-1",
            "\0=1",
        ];
        let written = csv(&report(&bad)).unwrap();
        let mut reader = csv::Reader::from_reader(written.trim_start_matches('\u{feff}').as_bytes());
        for (row, name) in reader.records().zip(bad) {
            assert_eq!(row.unwrap().get(0), Some(format!("'{name}").as_str()));
        }
        assert_eq!(json(&report(&["=1+1"]))["rows"][0]["name"], "=1+1");
    }

    #[test]
    fn names_that_are_no_formula_stay_as_they_are() {
        let written = csv(&report(&["Åsa \"Öhman\", ordförande", "O'Brien"])).unwrap();
        assert!(written.starts_with('\u{feff}') && written.contains("\r\n"));
        assert!(written.contains("\"Åsa \"\"Öhman\"\", ordförande\",2025-10-07,ja"), "{written}");
        assert!(written.contains("O'Brien"));
    }

    #[test]
    fn a_table_stands_under_its_titles_and_obeys_no_control_sign() {
        let written = text(&report(&["Åsa", "\u{1b}[31mBo"]));
        let lines: Vec<&str> = written.lines().collect();
        assert_eq!(lines[4], "name     seen        limited");
        assert_eq!(lines[6], "Åsa      2025-10-07  ja");
        assert!(!written.contains('\u{1b}'));
    }
}
