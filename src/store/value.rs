//! How values of the domain stand in columns.
//!
//! Invariant: time is microseconds UTC in a BIGINT; a value out of range is a corrupt row.

use std::borrow::Cow;

use jiff::Timestamp;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::types::Json;
use sqlx::{Database, Encode, Postgres, Type};
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

/// Many values as one bound value: JSON for `json_each` on SQLite, an array for `ANY` on PostgreSQL.
///
/// PostgreSQL takes an array for few values and looks each up; from a JSON list it expects a hundred and may then
/// read the whole table.
#[derive(Debug, Clone)]
pub(super) struct Many<T>(pub(super) Vec<T>);

/// A value in a JSON list. Ids and hashes are hexadecimal digits, which SQLite reads with `unhex`.
pub(super) trait Listed {
    /// The text that stands for it.
    fn listed(&self) -> Cow<'_, str>;
}

impl Listed for String {
    fn listed(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
}

impl Listed for Uuid {
    fn listed(&self) -> Cow<'_, str> {
        Cow::Owned(self.simple().to_string())
    }
}

impl Listed for Vec<u8> {
    fn listed(&self) -> Cow<'_, str> {
        let halves = self.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        Cow::Owned(halves.filter_map(|half| char::from_digit(u32::from(half), 16)).collect())
    }
}

impl<T> Type<Postgres> for Many<T>
where
    Vec<T>: Type<Postgres>,
{
    fn type_info() -> <Postgres as Database>::TypeInfo {
        <Vec<T> as Type<Postgres>>::type_info()
    }
}

impl<'q, T> Encode<'q, Postgres> for Many<T>
where
    Vec<T>: Encode<'q, Postgres>,
{
    fn encode_by_ref(
        &self,
        buffer: &mut <Postgres as Database>::ArgumentBuffer,
    ) -> Result<IsNull, BoxDynError> {
        self.0.encode_by_ref(buffer)
    }
}

/// Ids that the database has put one after the other, 32 hexadecimal digits each: a row per id costs far more.
pub(super) fn unpack(packed: &str) -> impl Iterator<Item = Uuid> + '_ {
    packed.as_bytes().chunks(32).filter_map(|digits| Uuid::try_parse_ascii(digits).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_were_put_together_come_apart_again() {
        let ids = [Uuid::from_u128(1), Uuid::from_u128(u128::MAX)];
        let packed = ids.map(|id| id.simple().to_string()).concat();
        assert_eq!(unpack(&packed.to_uppercase()).collect::<Vec<_>>(), ids);
        assert_eq!(unpack("").count(), 0);
    }

    #[test]
    fn a_hash_is_listed_by_its_digits() {
        assert_eq!(vec![0_u8, 10, 255].listed(), "000aff");
    }
}
