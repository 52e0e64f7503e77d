//! A report as an Excel workbook: one sheet with the rows, one that says what they are.
//!
//! Invariant: every text is written as text and none as a formula; days are days. Rows go to a file of no name as they
//! come, so that memory does not grow with them.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::DateTime;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::super::cell::hours;
use super::super::words::Words;
use super::{Cell, Report, looks_like_a_formula};
use crate::flows::Refusal;

/// The most characters that a cell of Excel holds.
const MOST: usize = 32_767;

/// The most rows that a sheet of Excel holds, its titles among them.
const MOST_ROWS: u32 = 1_048_576;

/// A workbook that is being written.
pub(super) struct Book {
    file: Workbook,
    /// The next row of the first sheet.
    next: u32,
    formats: Formats,
}

struct Formats {
    title: Format,
    day: Format,
    minute: Format,
    hours: Format,
    /// Excel shows the text as it is and does not take it for a formula, also when somebody edits it.
    risky: Format,
}

impl Formats {
    fn new() -> Self {
        Self {
            title: Format::new().set_bold().set_text_wrap(),
            day: Format::new().set_num_format("yyyy-mm-dd"),
            minute: Format::new().set_num_format("yyyy-mm-dd hh:mm"),
            hours: Format::new().set_num_format("0.00"),
            risky: Format::new().set_quote_prefix(),
        }
    }
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book").field("next", &self.next).finish_non_exhaustive()
    }
}

impl Book {
    /// Begins a workbook with the titles of the columns.
    pub(super) fn new(report: &Report) -> Result<Self, Refusal> {
        if u32::try_from(report.count).unwrap_or(u32::MAX) >= MOST_ROWS {
            return Err(too_many(report.count));
        }
        let mut this = Self { file: Workbook::new(), next: 1, formats: Formats::new() };
        this.begin(report).map_err(|error| failed(&error))?;
        Ok(this)
    }

    fn begin(&mut self, report: &Report) -> Result<(), XlsxError> {
        // The report's own instant: the hour of writing would make other bytes of the same report.
        let made = local(report, report.at).map(excel).transpose()?;
        let mut properties = DocProperties::new().set_title(&report.title).set_company("Portvakt");
        if let Some(made) = made {
            properties = properties.set_creation_datetime(&made);
        }
        self.file.set_properties(&properties);
        let sheet = self.file.add_worksheet_with_constant_memory()?;
        sheet.set_name(Words(report.language).sheet_of_rows())?;
        sheet.set_landscape().set_paper_size(9).set_repeat_rows(0, 0)?;
        sheet.set_freeze_panes(1, 0)?;
        let last = u16::try_from(report.columns.len().saturating_sub(1)).unwrap_or(u16::MAX);
        let rows = u32::try_from(report.count).unwrap_or(MOST_ROWS);
        sheet.autofilter(0, 0, rows.max(1), last)?;
        for (at, column) in (0_u16..).zip(&report.columns) {
            let width = if column.is_brief { 20.0 } else { 16.0 };
            sheet.set_column_width(at, width)?;
        }
        for (at, column) in (0_u16..).zip(&report.columns) {
            sheet.write_string_with_format(0, at, &column.title, &self.formats.title)?;
        }
        Ok(())
    }

    /// Adds rows.
    pub(super) fn rows(&mut self, report: &Report, rows: &[Vec<Cell>]) -> Result<(), Refusal> {
        for row in rows {
            self.row(report, row).map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    fn row(&mut self, report: &Report, row: &[Cell]) -> Result<(), XlsxError> {
        let (at, formats) = (self.next, &self.formats);
        self.next += 1;
        let sheet = self.file.worksheet_from_index(0)?;
        for (column, cell) in (0_u16..).zip(row) {
            write(sheet, (at, column), report, cell, formats)?;
        }
        Ok(())
    }

    fn texts_begin(&mut self, titles: &[&str], at: Timestamp) -> Result<(), XlsxError> {
        let made = excel(at.to_zoned(jiff::tz::TimeZone::UTC).datetime())?;
        let properties = DocProperties::new().set_company("Portvakt").set_creation_datetime(&made);
        self.file.set_properties(&properties);
        let sheet = self.file.add_worksheet_with_constant_memory()?;
        sheet.set_landscape().set_paper_size(9).set_repeat_rows(0, 0)?;
        sheet.set_freeze_panes(1, 0)?;
        for (column, title) in (0_u16..).zip(titles) {
            sheet.set_column_width(column, 24)?;
            sheet.write_string_with_format(0, column, *title, &self.formats.title)?;
        }
        self.next = 1;
        Ok(())
    }

    fn text_row(&mut self, row: &[String]) -> Result<(), XlsxError> {
        let (at, formats) = (self.next, &self.formats);
        self.next += 1;
        let sheet = self.file.worksheet_from_index(0)?;
        for (column, cell) in (0_u16..).zip(row) {
            text(sheet, (at, column), cell, formats)?;
        }
        Ok(())
    }

    /// Adds the sheet that says what the rows are. The workbook is then whole.
    pub(super) fn end(&mut self, report: &Report) -> Result<Workbook, Refusal> {
        self.about(report).map_err(|error| failed(&error))?;
        Ok(std::mem::take(&mut self.file))
    }

    fn about(&mut self, report: &Report) -> Result<(), XlsxError> {
        let (reader, formats) = (report.reader(), &self.formats);
        let sheet = self.file.add_worksheet_with_constant_memory()?;
        sheet.set_name(Words(report.language).sheet_of_head())?;
        sheet.set_column_width(0, 28)?.set_column_width(1, 90)?;
        sheet.write_string_with_format(0, 0, &report.title, &formats.title)?;
        for (row, (line, cell)) in (1_u32..).zip(&report.head) {
            sheet.write_string(row, 0, &line.title)?;
            match cell {
                Cell::Count(_) | Cell::Hours(_) | Cell::Day(_) | Cell::Minute(_) => {
                    write(sheet, (row, 1), report, cell, formats)?;
                }
                _ => text(sheet, (row, 1), &cell.words(&reader), formats)?,
            }
        }
        Ok(())
    }
}

/// A workbook with one sheet, all of texts.
#[derive(Debug)]
pub(in crate::flows) struct Texts(Book);

impl Texts {
    /// Begins a workbook, made at `at`, with the titles of the columns.
    pub(in crate::flows) fn new(titles: &[&str], at: Timestamp) -> Result<Self, Refusal> {
        let mut book = Book { file: Workbook::new(), next: 0, formats: Formats::new() };
        book.texts_begin(titles, at).map_err(|error| failed(&error))?;
        Ok(Self(book))
    }

    /// Adds rows.
    pub(in crate::flows) fn add(&mut self, rows: impl Iterator<Item = Vec<String>>) -> Result<(), Refusal> {
        for row in rows {
            if self.0.next >= MOST_ROWS {
                return Err(too_many(self.0.next));
            }
            self.0.text_row(&row).map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// The file.
    pub(in crate::flows) async fn end(self) -> Result<Vec<u8>, Refusal> {
        pack(self.0.file).await
    }
}

fn too_many(rows: impl fmt::Display) -> Refusal {
    let says = format!("{rows} rows are more than a sheet of Excel holds; take csv, or fewer rows");
    Refusal::invalid("format", says)
}

/// The file of a workbook. Packing takes a moment, and others wait for this thread.
pub(super) async fn pack(mut book: Workbook) -> Result<Vec<u8>, Refusal> {
    let packed = tokio::task::spawn_blocking(move || book.save_to_buffer()).await;
    packed.map_err(|error| Refusal::Outside(error.to_string()))?.map_err(|error| failed(&error))
}

fn write(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    report: &Report,
    cell: &Cell,
    formats: &Formats,
) -> Result<(), XlsxError> {
    match cell {
        Cell::Nothing => {}
        Cell::Count(count) => {
            sheet.write_number(row, column, i32::try_from(*count).unwrap_or(i32::MAX))?;
        }
        Cell::Hours(length) => {
            sheet.write_number_with_format(row, column, hours(*length), &formats.hours)?;
        }
        Cell::Day(at) | Cell::Minute(at) => {
            let is_day = matches!(cell, Cell::Day(_));
            let format = if is_day { &formats.day } else { &formats.minute };
            // Excel knows no day before 1900.
            let Some(at) = local(report, *at) else {
                return text(sheet, (row, column), &cell.words(&report.reader()), formats);
            };
            let at = if is_day { at.date().into() } else { at };
            sheet.write_datetime_with_format(row, column, &excel(at)?, format)?;
        }
        Cell::Text(_) | Cell::Flag(_) | Cell::Term(_) | Cell::Terms(_) => {
            text(sheet, (row, column), &cell.words(&report.reader()), formats)?;
        }
    }
    Ok(())
}

fn text(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    text: &str,
    formats: &Formats,
) -> Result<(), XlsxError> {
    let text: String = text.chars().take(MOST).collect();
    if text.is_empty() {
        return Ok(());
    }
    if looks_like_a_formula(&text) {
        sheet.write_string_with_format(row, column, text, &formats.risky)?;
    } else {
        sheet.write_string(row, column, text)?;
    }
    Ok(())
}

/// The instant on the organisation's clock; nothing where Excel has no such day.
fn local(report: &Report, at: Timestamp) -> Option<DateTime> {
    let local = at.to_zoned(report.zone.clone()).datetime();
    (1900..=9999).contains(&local.year()).then_some(local)
}

fn excel(at: DateTime) -> Result<ExcelDateTime, XlsxError> {
    let part = |value: i8| u8::try_from(value).unwrap_or_default();
    let date = ExcelDateTime::from_ymd(
        u16::try_from(at.year()).unwrap_or_default(),
        part(at.month()),
        part(at.day()),
    )?;
    date.and_hms(u16::from(part(at.hour())), part(at.minute()), f64::from(part(at.second())))
}

fn failed(error: &XlsxError) -> Refusal {
    Refusal::Outside(format!("the workbook cannot be written: {error}"))
}
