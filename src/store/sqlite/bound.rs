//! Values that are bound to a statement of SQLite.
//!
//! Invariant: ids are sixteen bytes, JSON and lists are text.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use serde::Serialize;
use sqlx::types::Json;
use uuid::Uuid;

use crate::store::value::{Listed, Many};

/// A value that can be bound.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be bound to a statement of SQLite",
    note = "bind a number, a boolean, a text, bytes, a `Uuid`, a `Json` or a `Many`; others belong in store/sqlite/bound.rs"
)]
pub(in crate::store) trait Bound: Sync {
    /// As SQLite takes it.
    fn bound(&self) -> rusqlite::Result<ToSqlOutput<'_>>;
}

macro_rules! as_they_are {
    ($($type:ty),*) => {$(
        impl Bound for $type {
            fn bound(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.to_sql()
            }
        }
    )*};
}
as_they_are!(bool, i32, i64, f64, str, String, [u8], Vec<u8>, Value);

impl Bound for Uuid {
    fn bound(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.as_bytes())))
    }
}

impl<T: Bound> Bound for Option<T> {
    fn bound(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.as_ref().map_or(Ok(ToSqlOutput::Owned(Value::Null)), Bound::bound)
    }
}

impl<T: Bound + ?Sized> Bound for &T {
    fn bound(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        (**self).bound()
    }
}

impl<T: Serialize + Sync> Bound for Json<T> {
    fn bound(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        text(serde_json::to_string(&self.0))
    }
}

impl<T: Listed + Sync> Bound for Many<T> {
    fn bound(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let list: Vec<_> = self.0.iter().map(Listed::listed).collect();
        text(serde_json::to_string(&list))
    }
}

fn text(written: serde_json::Result<String>) -> rusqlite::Result<ToSqlOutput<'static>> {
    let written = written.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    Ok(ToSqlOutput::Owned(Value::Text(written)))
}

/// Copies of the values, for a statement that runs elsewhere.
pub(super) fn copies(values: &[&dyn Bound]) -> rusqlite::Result<Vec<Value>> {
    let copy = |value: &&dyn Bound| {
        Ok(match value.bound()? {
            ToSqlOutput::Owned(value) => value,
            ToSqlOutput::Borrowed(value) => Value::try_from(value)
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?,
            _ => Value::Null,
        })
    };
    values.iter().map(copy).collect()
}
