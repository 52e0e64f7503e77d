//! A report as JSON: `report`, `title`, `head` and `rows`, each row an object on a line of its own.
//!
//! Invariant: every value exactly, under stable names; the head stands before the rows.

use serde_json::{Map, Value, json};

use super::super::list::record;
use super::{Cell, Report};

/// What stands before the rows.
pub(super) fn beginning(report: &Report) -> Vec<u8> {
    let head: Map<String, Value> =
        report.head.iter().map(|(line, cell)| (line.key.to_owned(), cell.value())).collect();
    let name = json!(report.name);
    let title = json!(report.title);
    format!("{{\"report\":{name},\n\"title\":{title},\n\"head\":{},\n\"rows\":[", Value::Object(head))
        .into_bytes()
}

/// Rows.
pub(super) fn rows(report: &Report, rows: &[Vec<Cell>], is_first: bool) -> Vec<u8> {
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        text.push_str(if is_first && number == 0 { "\n" } else { ",\n" });
        text.push_str(&record(&report.columns, row).to_string());
    }
    text.into_bytes()
}

/// What stands after the rows.
pub(super) fn end() -> Vec<u8> {
    b"\n]}\n".to_vec()
}
