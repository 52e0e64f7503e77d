//! Rows of SQLite as tuples and structs.
//!
//! Invariant: a tuple is read by the order of the columns, a struct by their names, as sqlx does for PostgreSQL. What
//! went wrong names the column, never what stands in it.

use rusqlite::Error;
use rusqlite::types::{FromSql, ValueRef};
use serde::de::DeserializeOwned;
use sqlx::types::Json;
use uuid::Uuid;

/// A value of one column, or a row of several.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a row of SQLite",
    note = "write `row! {{ … }}` around a struct that derives `sqlx::FromRow`"
)]
pub(in crate::store) trait FromSqlite: Sized {
    /// The columns that it is read from, where a single value is called `name`. An empty name is whichever is next.
    fn columns(name: &'static str, into: &mut Vec<&'static str>);

    /// Takes the next value or values.
    fn read(cells: &mut Cells<'_>) -> rusqlite::Result<Self>;
}

/// The values of one row that have not been read yet.
pub(in crate::store) struct Cells<'r> {
    row: &'r rusqlite::Row<'r>,
    places: std::slice::Iter<'r, usize>,
}

impl<'r> Cells<'r> {
    /// Those of `row` that stand in `places`.
    pub(super) fn new(row: &'r rusqlite::Row<'r>, places: &'r [usize]) -> Self {
        Self { row, places: places.iter() }
    }

    /// Where the next value stands, and the value.
    fn next(&mut self) -> rusqlite::Result<(usize, ValueRef<'r>)> {
        let place = *self.places.next().ok_or(Error::InvalidQuery)?;
        Ok((place, self.row.get_ref(place)?))
    }

    fn wrong(&self, place: usize, value: ValueRef<'_>) -> Error {
        let name = self.row.as_ref().column_name(place).unwrap_or_default().to_owned();
        Error::InvalidColumnType(place, name, value.data_type())
    }
}

/// In which places of a statement's rows `R` finds its values.
pub(super) fn places<R: FromSqlite>(statement: &rusqlite::Statement<'_>) -> rusqlite::Result<Vec<usize>> {
    let mut names = Vec::new();
    R::columns("", &mut names);
    let mut places: Vec<usize> = Vec::with_capacity(names.len());
    for name in names {
        // Mostly the columns stand in the order of the fields.
        let next = places.last().map_or(0, |last| last + 1);
        let is_next = name.is_empty() || statement.column_name(next).is_ok_and(|column| column == name);
        places.push(if is_next { next } else { statement.column_index(name)? });
    }
    Ok(places)
}

macro_rules! as_they_are {
    ($($type:ty),*) => {$(
        impl FromSqlite for $type {
            fn columns(name: &'static str, into: &mut Vec<&'static str>) {
                into.push(name);
            }

            fn read(cells: &mut Cells<'_>) -> rusqlite::Result<Self> {
                let (place, value) = cells.next()?;
                FromSql::column_result(value).map_err(|_| cells.wrong(place, value))
            }
        }
    )*};
}
as_they_are!(bool, i32, i64, f64, String);

impl FromSqlite for Vec<u8> {
    fn columns(name: &'static str, into: &mut Vec<&'static str>) {
        into.push(name);
    }

    /// Somebody may have put a text where bytes belong; what it means is for others to judge.
    fn read(cells: &mut Cells<'_>) -> rusqlite::Result<Self> {
        let (place, value) = cells.next()?;
        match value {
            ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Ok(bytes.to_vec()),
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => Err(cells.wrong(place, value)),
        }
    }
}

impl FromSqlite for Uuid {
    fn columns(name: &'static str, into: &mut Vec<&'static str>) {
        into.push(name);
    }

    fn read(cells: &mut Cells<'_>) -> rusqlite::Result<Self> {
        let (place, value) = cells.next()?;
        let ValueRef::Blob(bytes) = value else { return Err(cells.wrong(place, value)) };
        Self::from_slice(bytes).map_err(|_| cells.wrong(place, value))
    }
}

impl<T: DeserializeOwned> FromSqlite for Json<T> {
    fn columns(name: &'static str, into: &mut Vec<&'static str>) {
        into.push(name);
    }

    fn read(cells: &mut Cells<'_>) -> rusqlite::Result<Self> {
        let (place, value) = cells.next()?;
        let ValueRef::Text(text) = value else { return Err(cells.wrong(place, value)) };
        serde_json::from_slice(text).map(Json).map_err(|_| cells.wrong(place, value))
    }
}

impl<T: FromSqlite> FromSqlite for Option<T> {
    fn columns(name: &'static str, into: &mut Vec<&'static str>) {
        T::columns(name, into);
    }

    fn read(cells: &mut Cells<'_>) -> rusqlite::Result<Self> {
        let place = *cells.places.as_slice().first().ok_or(Error::InvalidQuery)?;
        if matches!(cells.row.get_ref(place)?, ValueRef::Null) {
            cells.next()?;
            return Ok(None);
        }
        T::read(cells).map(Some)
    }
}

macro_rules! tuple {
    ($($part:ident)+) => {
        impl<$($part: FromSqlite),+> FromSqlite for ($($part,)+) {
            fn columns(_: &'static str, into: &mut Vec<&'static str>) {
                $($part::columns("", into);)+
            }

            fn read(cells: &mut Cells<'_>) -> rusqlite::Result<Self> {
                Ok(($($part::read(cells)?,)+))
            }
        }
    };
}
tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);
tuple!(A B C D E F G H I);
tuple!(A B C D E F G H I J);
tuple!(A B C D E F G H I J K);
tuple!(A B C D E F G H I J K L);

/// Lets a struct that derives `sqlx::FromRow` be read from rows of SQLite as well. `#[sqlx(flatten)]` needs no more
/// words; other attributes of sqlx are not understood here.
///
/// ```text
/// row! {
///     #[derive(sqlx::FromRow)]
///     struct Row { id: Uuid, name: Option<String> }
/// }
/// ```
macro_rules! row {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$attribute:meta])* $seen:vis $field:ident: $type:ty),* $(,)?
    }) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[$attribute])* $seen $field: $type),*
        }

        impl $crate::store::sqlite::FromSqlite for $name {
            fn columns(_: &'static str, into: &mut Vec<&'static str>) {
                $(<$type as $crate::store::sqlite::FromSqlite>::columns(stringify!($field), into);)*
            }

            fn read(cells: &mut $crate::store::sqlite::Cells<'_>) -> rusqlite::Result<Self> {
                Ok(Self { $($field: <$type as $crate::store::sqlite::FromSqlite>::read(cells)?),* })
            }
        }
    };
}
