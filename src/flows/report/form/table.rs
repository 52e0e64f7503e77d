//! A report as a table on a screen, after its head.
//!
//! Invariant: nothing that a terminal would obey comes out.

use super::{Cell, Report};

/// No column of a table is wider than this many characters.
const WIDEST: usize = 44;

/// The whole report.
pub(super) fn text(report: &Report, rows: &[Vec<Cell>]) -> String {
    let reader = report.reader();
    let mut lines = vec![report.title.clone(), String::new()];
    let wide = report.head.iter().map(|(line, _)| line.title.chars().count()).max().unwrap_or(0);
    for (line, cell) in &report.head {
        lines.push(format!("{}  {}", padded(&line.title, wide), plain(&cell.words(&reader))));
    }
    lines.push(String::new());
    let shown: Vec<usize> =
        (0..).zip(&report.columns).filter(|(_, column)| column.is_brief).map(|(at, _)| at).collect();
    let titles = pick(&shown, report.columns.iter().map(|column| column.title.clone()));
    let mut table = vec![titles];
    for row in rows {
        let cells = row.iter().map(|cell| shortened(&plain(&cell.words(&reader))));
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
