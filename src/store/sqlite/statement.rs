//! One text of SQL on one connection of SQLite: bound, stepped through and read.
//!
//! Invariant: `$3` is the third value, wherever in the text it stands; a value that is not given is NULL.

use std::ops::ControlFlow;

use rusqlite::{CachedStatement, Connection};

use super::bound::Bound;
use super::row::{Cells, FromSqlite, places};

/// Runs every statement of the text. Gives how many rows they changed.
pub(super) fn execute(conn: &Connection, sql: &str, values: &[&dyn Bound]) -> rusqlite::Result<u64> {
    if !sql.contains(';') {
        return execute_one(conn, sql, values);
    }
    statements(sql).try_fold(0, |changed, one| Ok(changed + execute_one(conn, one, values)?))
}

fn execute_one(conn: &Connection, sql: &str, values: &[&dyn Bound]) -> rusqlite::Result<u64> {
    let mut statement = prepare(conn, sql, values)?;
    let writes = !statement.readonly();
    let mut rows = statement.raw_query();
    while rows.next()?.is_some() {}
    Ok(if writes { conn.changes() } else { 0 })
}

/// Runs every statement of the text and hands each row to `with`, until that says to stop.
pub(super) fn rows<R: FromSqlite>(
    conn: &Connection,
    sql: &str,
    values: &[&dyn Bound],
    mut with: impl FnMut(R) -> ControlFlow<()>,
) -> rusqlite::Result<()> {
    if !sql.contains(';') {
        return rows_of_one(conn, sql, values, &mut with).map(drop);
    }
    for one in statements(sql) {
        if rows_of_one(conn, one, values, &mut with)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn rows_of_one<R: FromSqlite>(
    conn: &Connection,
    sql: &str,
    values: &[&dyn Bound],
    with: &mut impl FnMut(R) -> ControlFlow<()>,
) -> rusqlite::Result<ControlFlow<()>> {
    let mut statement = prepare(conn, sql, values)?;
    // One that only writes has no columns.
    let places = if statement.column_count() == 0 { Vec::new() } else { places::<R>(&statement)? };
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        if with(R::read(&mut Cells::new(row, &places))?).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn prepare<'c>(
    conn: &'c Connection,
    sql: &str,
    values: &[&dyn Bound],
) -> rusqlite::Result<CachedStatement<'c>> {
    let mut statement = conn.prepare_cached(sql)?;
    for index in 1..=statement.parameter_count() {
        // SQLite numbers them in the order in which they first appear.
        let number = statement.parameter_name(index).and_then(|name| name.strip_prefix('$')?.parse().ok());
        let number: usize = number.ok_or(rusqlite::Error::InvalidParameterCount(index, values.len()))?;
        if let Some(value) = number.checked_sub(1).and_then(|at| values.get(at)) {
            statement.raw_bind_parameter(index, value.bound()?)?;
        }
    }
    Ok(statement)
}

/// The statements of a text, which a semicolon outside quotes separates.
fn statements(sql: &str) -> impl Iterator<Item = &str> {
    let mut quote = None;
    let ends = move |sign: char| {
        match quote {
            Some(open) if open == sign => quote = None,
            None if matches!(sign, '\'' | '"') => quote = Some(sign),
            Some(_) | None => {}
        }
        sign == ';' && quote.is_none()
    };
    sql.split(ends).map(str::trim).filter(|one| !one.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_separates_unless_it_is_quoted() {
        let text = "SELECT 'a;''b;'; SELECT \"c;\" ;\n ";
        assert_eq!(statements(text).collect::<Vec<_>>(), ["SELECT 'a;''b;'", "SELECT \"c;\""]);
    }

    #[test]
    fn a_value_is_bound_by_its_number_in_every_statement_of_a_text() {
        let conn = Connection::open_in_memory().unwrap();
        let text = "CREATE TABLE t (a, b, c); INSERT INTO t (b, a) VALUES ($2, $1), ($2, $1); UPDATE t SET b = $3 || $1 || $2";
        assert_eq!(execute(&conn, text, &[&"one", &2_i64, &Some("three")]).unwrap(), 4);
        let mut found = Vec::new();
        let read = rows(&conn, "SELECT a, b, c FROM t", &[], |row: (String, String, Option<i64>)| {
            found.push(row);
            ControlFlow::Break(())
        });
        read.unwrap();
        assert_eq!(found, [("one".to_owned(), "threeone2".to_owned(), None)]);
    }

    row! {
        #[derive(Debug, PartialEq, sqlx::FromRow)]
        struct Inner { id: i64, name: Option<String> }
    }

    row! {
        #[derive(Debug, PartialEq, sqlx::FromRow)]
        struct Outer {
            /// Not in the order of the columns.
            last: bool,
            #[sqlx(flatten)]
            inner: Inner,
        }
    }

    #[test]
    fn a_struct_is_read_by_the_names_of_its_columns() {
        let conn = Connection::open_in_memory().unwrap();
        let mut found = Vec::new();
        let mut read = |sql| {
            rows(&conn, sql, &[], |row: Outer| {
                found.push(row);
                ControlFlow::Continue(())
            })
        };
        read(
            "SELECT 7 AS id, 'x' AS other, TRUE AS last, NULL AS name UNION ALL SELECT 8, 'y', FALSE, 'åsa'",
        )
        .unwrap();
        let wrong = read("SELECT 1 AS id, 'secret' AS last, NULL AS name").unwrap_err().to_string();
        assert!(wrong.contains("last") && !wrong.contains("secret"), "{wrong}");
        assert!(read("SELECT 1 AS id, TRUE AS last").is_err(), "a column is missing");
        let inner = |id, name: Option<&str>| Inner { id, name: name.map(str::to_owned) };
        assert_eq!(
            found,
            [
                Outer { last: true, inner: inner(7, None) },
                Outer { last: false, inner: inner(8, Some("åsa")) }
            ]
        );
    }
}
