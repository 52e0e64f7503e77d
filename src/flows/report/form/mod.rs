//! Gives a report its form: a table on a screen, CSV, Excel, JSON, a page to print.
//!
//! Invariant: all forms are made from the same cells and have the same rows. CSV, JSON and the page are handed out as
//! the rows are read; nothing is kept. Nothing in a form tells when it was written: the same report, the same bytes.

mod csv;
mod html;
mod json;
mod sheet;
mod table;

pub(in crate::flows) use self::csv::{harmless, unguarded};
use super::super::Refusal;
use super::cell::Reader;
use super::{Cell, Report};
use crate::domain::named::named;
pub(in crate::flows) use csv::{BYTE_ORDER_MARK, written as csv_lines};
pub(in crate::flows) use sheet::Texts;
pub(crate) use table::aligned;

/// The forms of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// A table on a screen.
    #[default]
    Text,
    /// For spreadsheets and programs, with every column.
    Csv,
    /// An Excel workbook.
    Xlsx,
    /// For programs, with exact values.
    Json,
    /// A page to print.
    Html,
}

named!(Form, Text = "text", Csv = "csv", Xlsx = "xlsx", Json = "json", Html = "html");

/// What stands between the cells of CSV.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Separator {
    /// RFC 4180.
    #[default]
    Comma,
    /// What a Swedish Excel expects.
    Semicolon,
}

named!(Separator, Comma = "comma", Semicolon = "semicolon");

/// How a form is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Layout {
    /// Which form.
    pub form: Form,
    /// What stands between the cells of CSV.
    pub separator: Separator,
    /// Whether CSV begins with the head, one line each and then an empty one.
    pub with_head: bool,
}

/// Writes a report in a form, piece by piece.
#[derive(Debug)]
pub struct Writer {
    report: Report,
    shape: Shape,
    stage: Stage,
}

#[derive(Debug)]
enum Shape {
    Csv {
        separator: Separator,
        with_head: bool,
    },
    Json {
        is_first: bool,
    },
    Html,
    /// These need every row before the first byte.
    Xlsx(Box<sheet::Book>),
    Text(Vec<Vec<Cell>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begins,
    GoesOn,
    Over,
}

impl Writer {
    /// Begins to write a report.
    ///
    /// # Errors
    ///
    /// [`Refusal::Outside`] when a workbook cannot be begun.
    pub fn new(report: Report, layout: Layout) -> Result<Self, Refusal> {
        let shape = match layout.form {
            Form::Csv => Shape::Csv { separator: layout.separator, with_head: layout.with_head },
            Form::Json => Shape::Json { is_first: true },
            Form::Html => Shape::Html,
            Form::Xlsx => Shape::Xlsx(Box::new(sheet::Book::new(&report)?)),
            Form::Text => Shape::Text(Vec::new()),
        };
        Ok(Self { report, shape, stage: Stage::Begins })
    }

    /// The next piece; nothing: that was all. A piece may be empty.
    ///
    /// # Errors
    ///
    /// [`Refusal::Store`] when the database cannot be reached; [`Refusal::Outside`] when a form cannot be written.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        match self.stage {
            Stage::Begins => {
                self.stage = Stage::GoesOn;
                Ok(Some(self.beginning()?))
            }
            Stage::GoesOn => {
                let rows = self.report.page().await?;
                if rows.is_empty() {
                    self.stage = Stage::Over;
                    return Ok(Some(self.end().await?));
                }
                Ok(Some(self.rows(rows)?))
            }
            Stage::Over => Ok(None),
        }
    }

    /// Everything at once.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub async fn whole(mut self) -> Result<Vec<u8>, Refusal> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await? {
            whole.extend(piece);
        }
        Ok(whole)
    }

    fn beginning(&self) -> Result<Vec<u8>, Refusal> {
        match &self.shape {
            Shape::Csv { separator, with_head } => csv::beginning(&self.report, *separator, *with_head),
            Shape::Json { .. } => Ok(json::beginning(&self.report)),
            Shape::Html => Ok(html::beginning(&self.report)),
            Shape::Xlsx(_) | Shape::Text(_) => Ok(Vec::new()),
        }
    }

    fn rows(&mut self, rows: Vec<Vec<Cell>>) -> Result<Vec<u8>, Refusal> {
        match &mut self.shape {
            Shape::Csv { separator, .. } => csv::rows(&self.report, &rows, *separator),
            Shape::Json { is_first } => {
                let text = json::rows(&self.report, &rows, *is_first);
                *is_first = false;
                Ok(text)
            }
            Shape::Html => Ok(html::rows(&self.report, &rows)),
            Shape::Xlsx(book) => book.rows(&self.report, &rows).map(|()| Vec::new()),
            Shape::Text(kept) => {
                kept.extend(rows);
                Ok(Vec::new())
            }
        }
    }

    async fn end(&mut self) -> Result<Vec<u8>, Refusal> {
        match &mut self.shape {
            Shape::Csv { .. } => Ok(Vec::new()),
            Shape::Json { .. } => Ok(json::end()),
            Shape::Html => Ok(html::end(&self.report)),
            Shape::Xlsx(book) => {
                let book = book.end(&self.report)?;
                sheet::pack(book).await
            }
            Shape::Text(rows) => Ok(table::text(&self.report, &std::mem::take(rows)).into_bytes()),
        }
    }
}

/// The first rows of a report as a table on a screen.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn shortened(mut report: Report, most: usize) -> Result<String, Refusal> {
    let rows = report.rows(most).await?;
    Ok(table::text(&report, &rows))
}

impl Report {
    /// Who reads it.
    pub(super) fn reader(&self) -> Reader {
        Reader { language: self.language, zone: self.zone.clone() }
    }
}

/// Whether a spreadsheet would take the text for a formula (OWASP ASVS 1.2.10).
fn looks_like_a_formula(text: &str) -> bool {
    let begins_formula = |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    let is_control = |c: char| matches!(c, '\t' | '\r' | '\n' | '\0');
    text.chars().next().is_some_and(is_control)
        || text
            .chars()
            .find(|c| !c.is_whitespace() && !c.is_control() && !is_invisible(*c))
            .is_some_and(begins_formula)
}

/// Signs without width, behind which a formula could hide.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}
