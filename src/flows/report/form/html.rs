//! A report as a page to print: A4 across, the head first, the titles of the columns on every sheet.
//!
//! Invariant: one file that loads nothing and runs nothing; whatever a person may have written is text.

use std::fmt::Write as _;

use super::{Cell, Report};

/// Quiet on paper and on a screen: no colours but grey, and figures that stand under one another.
const STYLE: &str = "
@page { size: A4 landscape; margin: 14mm 12mm 16mm; }
:root { color: #1a1a1a; background: #fff; font: 10pt/1.4 system-ui, 'Segoe UI', Arial, sans-serif; }
body { margin: 2rem auto; max-width: 90rem; padding: 0 1.5rem; }
h1 { font-size: 17pt; font-weight: 600; margin: 0 0 .8rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: 0 0 1.6rem; font-size: 9pt; }
dt { color: #595959; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: 8.5pt; font-variant-numeric: tabular-nums; }
thead { display: table-header-group; } tr { break-inside: avoid; }
th { text-align: left; font-weight: 600; vertical-align: bottom; border-bottom: 1.5px solid #1a1a1a; }
th, td { padding: .28rem .6rem .28rem 0; } td { vertical-align: top; border-bottom: 1px solid #d9d9d9; }
td.n { text-align: right; } p { color: #595959; font-size: 9pt; }
@media print { body { margin: 0; max-width: none; padding: 0; } }
";

/// What stands before the rows.
pub(super) fn beginning(report: &Report) -> Vec<u8> {
    let (tag, title, reader) = (report.language.tag(), escaped(&report.title), report.reader());
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{title} · Portvakt</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>{title}</h1>\n<dl>\n"
    );
    for (line, cell) in &report.head {
        let told = cell.words(&reader);
        if !told.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(page, "<dt>{}</dt><dd>{}</dd>", escaped(&line.title), escaped(&told));
        }
    }
    page.push_str("</dl>\n");
    if report.count > 0 {
        page.push_str("<table>\n<thead><tr>");
        for column in &report.columns {
            let _ = write!(page, "<th scope=\"col\">{}</th>", escaped(&column.title));
        }
        page.push_str("</tr></thead>\n<tbody>\n");
    }
    page.into_bytes()
}

/// Rows.
pub(super) fn rows(report: &Report, rows: &[Vec<Cell>]) -> Vec<u8> {
    let (mut page, reader) = (String::new(), report.reader());
    for row in rows {
        page.push_str("<tr>");
        for cell in row {
            let class = if matches!(cell, Cell::Count(_) | Cell::Hours(_)) { " class=\"n\"" } else { "" };
            let _ = write!(page, "<td{class}>{}</td>", escaped(&cell.words(&reader)));
        }
        page.push_str("</tr>\n");
    }
    page.into_bytes()
}

/// What stands after the rows.
pub(super) fn end(report: &Report) -> Vec<u8> {
    let nobody = super::super::words::Words(report.language).nothing();
    let table =
        if report.count > 0 { "</tbody>\n</table>\n".to_owned() } else { format!("<p>{nobody}</p>\n") };
    format!("{table}</body>\n</html>\n").into_bytes()
}

/// The text, with nothing in it that HTML would obey. What a terminal would obey is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            sign if sign.is_control() => out.push(' '),
            sign => out.push(sign),
        }
    }
    out
}
