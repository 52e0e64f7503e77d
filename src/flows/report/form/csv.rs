//! A report as CSV (RFC 4180), for spreadsheets and programs.
//!
//! Invariant: no cell can be taken for a formula; the first line is the titles, unless the head was asked for.

use super::super::super::Refusal;
use super::{Cell, Report, Separator, looks_like_a_formula};

/// So that spreadsheets read å, ä and ö.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// What stands before the rows.
pub(super) fn beginning(report: &Report, separator: Separator, with_head: bool) -> Result<Vec<u8>, Refusal> {
    let mut text = BYTE_ORDER_MARK.as_bytes().to_vec();
    if with_head {
        let reader = report.reader();
        let title = vec![report.title.clone()];
        let lines = report.head.iter().map(|(line, cell)| vec![line.title.clone(), cell.words(&reader)]);
        text.extend(written(std::iter::once(title).chain(lines), separator)?);
        text.extend(b"\r\n");
    }
    let titles = report.columns.iter().map(|column| column.title.clone()).collect();
    text.extend(written(std::iter::once(titles), separator)?);
    Ok(text)
}

/// Rows.
pub(super) fn rows(report: &Report, rows: &[Vec<Cell>], separator: Separator) -> Result<Vec<u8>, Refusal> {
    let reader = report.reader();
    written(rows.iter().map(|row| row.iter().map(|cell| cell.words(&reader)).collect()), separator)
}

fn written(records: impl Iterator<Item = Vec<String>>, separator: Separator) -> Result<Vec<u8>, Refusal> {
    let failed = |what: String| Refusal::Outside(format!("the CSV cannot be written: {what}"));
    let delimiter = match separator {
        Separator::Comma => b',',
        Separator::Semicolon => b';',
    };
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for record in records {
        let cells = record.into_iter().map(harmless);
        writer.write_record(cells).map_err(|error| failed(error.to_string()))?;
    }
    writer.into_inner().map_err(|error| failed(error.to_string()))
}

/// The text, with an apostrophe before it where a spreadsheet would take it for a formula.
pub(in crate::flows) fn harmless(text: String) -> String {
    if looks_like_a_formula(&text) { format!("'{text}") } else { text }
}

/// The text as it was before [`harmless`].
pub(in crate::flows) fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|bare| looks_like_a_formula(bare)).unwrap_or(text)
}
