//! How values of the domain stand in columns.
//!
//! Invariant: time is microseconds UTC in a BIGINT; a value out of range is a corrupt row.

use jiff::Timestamp;
use sqlx::types::Json;
use uuid::Uuid;

use super::error::StoreError;

/// Microseconds since 1970, UTC.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// Microseconds since 1970, UTC, where there is an instant.
pub(super) fn micros_opt(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_microsecond)
}

/// The instant of a column.
pub(super) fn instant(value: i64, table: &'static str, id: impl ToString) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(value).map_err(|e| StoreError::corrupt(table, id, e))
}

/// The instant of a column that may be empty.
pub(super) fn instant_opt(
    value: Option<i64>,
    table: &'static str,
    id: impl ToString,
) -> Result<Option<Timestamp>, StoreError> {
    value.map(|v| instant(v, table, id)).transpose()
}

/// Many ids as one bound value, for `json_each` on SQLite and `jsonb_array_elements_text` on PostgreSQL.
///
/// Hyphens are left out because SQLite reads it with `unhex`.
pub(super) fn id_list(ids: impl IntoIterator<Item = Uuid>) -> Json<Vec<String>> {
    Json(ids.into_iter().map(|id| id.simple().to_string()).collect())
}
