//! Lists of the console as files, for spreadsheets and for programs.
//!
//! Invariant: no cell can be taken for a formula.

use jiff::Timestamp;

use super::super::Refusal;
use super::super::report::{BYTE_ORDER_MARK, Separator, Texts, csv_lines};
use crate::domain::named::named;

/// In which form a list goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For any spreadsheet, and for programs.
    Csv,
    /// An Excel workbook.
    Xlsx,
    /// For programs, with exact values.
    Json,
}

named!(Form, Csv = "csv", Xlsx = "xlsx", Json = "json");

/// What stands first in CSV: the mark by which spreadsheets read å, ä and ö, and the titles.
pub(super) fn csv_begins(titles: &[&str], separator: Separator) -> Result<Vec<u8>, Refusal> {
    let mut text = BYTE_ORDER_MARK.as_bytes().to_vec();
    let titles = titles.iter().map(|title| (*title).to_owned()).collect();
    text.extend(csv_lines(std::iter::once(titles), separator)?);
    Ok(text)
}

/// Rows under their titles as a workbook, made at `at`.
pub(super) async fn workbook(
    titles: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
    at: Timestamp,
) -> Result<Vec<u8>, Refusal> {
    let mut book = Texts::new(titles, at)?;
    book.add(rows)?;
    book.end().await
}
