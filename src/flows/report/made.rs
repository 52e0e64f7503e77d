//! A list that another flow has made, as a report.
//!
//! Invariant: who reads it stands in the audit, with what the list was narrowed by.

use serde_json::json;

use super::super::{Act, Ports, Refusal};
use super::list::List;
use super::{Cell, Column, Form, Report, note};
use crate::domain::days::Reading;

/// What a list is called: its stable name, and its title for people.
pub(in crate::flows) type Titled<'t> = (&'static str, &'t str);

/// These rows as a report that is read as `form`.
pub(in crate::flows) async fn of_rows(
    ports: &Ports,
    act: &Act,
    (name, title): Titled<'_>,
    (columns, rows): (Vec<Column>, Vec<Vec<Cell>>),
    (terms, reading, form): (Vec<String>, &Reading, Form),
) -> Result<Report, Refusal> {
    let list = List::of_rows(&columns, rows);
    let (count, hash) = (list.count(), list.hash());
    let said = json!({
        "as_of": act.now.to_string(), "filters": terms, "form": form.name(),
        "language": reading.language.tag(), "rows": count, "hash": hash,
    });
    note(ports, act, name, said).await?;
    Ok(Report {
        name,
        title: title.to_owned(),
        language: reading.language,
        zone: reading.zone.clone(),
        at: act.now,
        head: Vec::new(),
        columns,
        count,
        hash,
        list,
    })
}
