//! Which people a list shows, in which order: the columns of `account` that lists are sorted by, and `account_word`.
//!
//! Invariant: a page costs about the same wherever in the list it lies. The order of a list is that of an index, and
//! what few people have is looked up first. Only ids are given.

mod narrow;

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::account::{Account, Status};
use crate::domain::ids::AccountId;
use crate::domain::name::{sort_key, words_of};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{Many, instant, micros};

pub use narrow::{Facet, few, overlap};

/// The key that a list of names is sorted by, in bytes: the person's name, else the user name.
pub(super) fn name_key(account: &Account) -> Vec<u8> {
    let name = if account.display_name.is_empty() { &account.user_name } else { &account.display_name };
    sort_key(name).into_bytes()
}

/// Writes the words that a person is found by.
pub(super) async fn add_words(c: &mut Conn, account: &Account) -> Result<(), StoreError> {
    let texts =
        [account.display_name.as_str(), &account.user_name, account.email.as_deref().unwrap_or_default()];
    let words = Many(words_of(texts).into_iter().map(String::into_bytes).collect::<Vec<_>>());
    q!(execute; c,
        sqlite "INSERT INTO account_word (word, account_id) SELECT unhex(e.value), $1 FROM json_each($2) e
                 WHERE TRUE ON CONFLICT DO NOTHING",
        postgres "INSERT INTO account_word (word, account_id) SELECT e.value, $1 FROM UNNEST($2) e(value)
                 ON CONFLICT DO NOTHING",
        account.id.uuid(), words)?;
    Ok(())
}

/// Forgets the words that a person is found by.
pub(super) async fn drop_words(c: &mut Conn, account: AccountId) -> Result<(), StoreError> {
    q!(execute; c, "DELETE FROM account_word WHERE account_id = $1", account.uuid())?;
    Ok(())
}

/// Accounts that came to be before lists were sorted here: who has no key yet.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn unnamed(c: &mut Conn, limit: i64) -> Result<Vec<AccountId>, StoreError> {
    let rows = q!(fetch_all as (Uuid,); c,
        "SELECT id FROM account WHERE name_key IS NULL ORDER BY id LIMIT $1", limit)?;
    Ok(rows.into_iter().map(|(id,)| AccountId::new(id)).collect())
}

/// Gives an account its key and its words.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn name(c: &mut Conn, account: &Account) -> Result<(), StoreError> {
    q!(execute; c, "UPDATE account SET name_key = $2 WHERE id = $1", account.id.uuid(), name_key(account))?;
    drop_words(c, account.id).await?;
    add_words(c, account).await
}

/// Whose status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Anybody's.
    Everybody,
    /// Those with this status.
    As(Status),
    /// Everybody but those who are active.
    Shut,
}

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// By name.
    Name,
    /// By name, the last first.
    NameDown,
    /// By when they were last seen; never first.
    Seen,
    /// By when they were last seen, the latest first.
    SeenDown,
}

/// Where a list goes on: the key and the id of the person before.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The key of the name.
    pub name: Vec<u8>,
    /// Microseconds; 0: never.
    pub seen: i64,
    /// Who.
    pub account: AccountId,
}

/// Which people, in which order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// Whose status.
    pub scope: Scope,
    /// In which order.
    pub order: Order,
    /// Last seen from here on, in microseconds; 0: also never.
    pub seen_from: i64,
    /// Last seen before this, in microseconds.
    pub seen_before: i64,
    /// Inside their dates at this instant only.
    pub valid_at: Option<Timestamp>,
    /// What they must have. The present, for what has an end.
    pub facets: Vec<Facet>,
    /// The present.
    pub now: Timestamp,
}

/// Somebody in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where they stand.
    pub place: Place,
    /// When they were last seen, by any source.
    pub last_seen: Option<Timestamp>,
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: Uuid,
        name_key: Option<Vec<u8>>,
        seen_at: i64,
    }
}

fn found(row: Row) -> Result<Found, StoreError> {
    let last_seen = (row.seen_at != 0).then(|| instant(row.seen_at, "account", row.id)).transpose()?;
    let place =
        Place { name: row.name_key.unwrap_or_default(), seen: row.seen_at, account: AccountId::new(row.id) };
    Ok(Found { place, last_seen })
}

/// The next people of a list after `after`, at most `limit`. `among` leaves only these, who may be some more than fit.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn page(
    c: &mut Conn,
    wanted: &Wanted,
    among: Option<&[Uuid]>,
    after: Option<&Place>,
    limit: i64,
) -> Result<Vec<Found>, StoreError> {
    let text = narrow::Text::page(wanted, among.is_some(), after.is_some());
    let first = Place { name: Vec::new(), seen: i64::MIN, account: AccountId::new(Uuid::nil()) };
    let place = after.unwrap_or(&first);
    let values = narrow::Values::of(wanted, among);
    let rows = q!(fetch_all as Row; c,
        sqlite text.sqlite, postgres sqlx::AssertSqlSafe(text.postgres),
        values.status, values.seen_from, values.seen_before, values.valid_at, values.now, values.role, values.sector,
        values.directory, values.origin, values.words, values.roles, values.among, values.left, &place.name, place.seen,
        place.account.uuid(), limit)?;
    rows.into_iter().map(found).collect()
}

/// How many there are, counted no further than `most`.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn count(
    c: &mut Conn,
    wanted: &Wanted,
    among: Option<&[Uuid]>,
    most: i64,
) -> Result<i64, StoreError> {
    let text = narrow::Text::count(wanted, among.is_some());
    let values = narrow::Values::of(wanted, among);
    let (count,) = q!(fetch_one as (i64,); c,
        sqlite text.sqlite, postgres sqlx::AssertSqlSafe(text.postgres),
        values.status, values.seen_from, values.seen_before, values.valid_at, values.now, values.role, values.sector,
        values.directory, values.origin, values.words, values.roles, values.among, values.left, most)?;
    Ok(count)
}

/// How many active accounts were last seen from `from` on and before `before`, in microseconds, and are inside their
/// dates. Counted in indexes: those outside are few.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn able(c: &mut Conn, from: i64, before: i64, now: Timestamp) -> Result<i64, StoreError> {
    let (active,) = q!(fetch_one as (i64,); c,
        "SELECT COUNT(*) FROM account WHERE status = 'active' AND seen_at >= $1 AND seen_at < $2", from, before)?;
    // SQLite has no statistics, and would go through everybody who is active.
    macro_rules! outside {
        ($from:literal, $which:literal) => {
            concat!(
                "SELECT COUNT(*) FROM account a",
                $from,
                " WHERE a.status = 'active' AND a.seen_at >= $1
                AND a.seen_at < $2 AND ",
                $which
            )
        };
    }
    let (over,) = q!(fetch_one as (i64,); c,
        sqlite outside!(" INDEXED BY account_valid_until", "a.valid_until <= $3"),
        postgres outside!("", "a.valid_until <= $3"), from, before, micros(now))?;
    let (early,) = q!(fetch_one as (i64,); c,
        sqlite outside!(" INDEXED BY account_valid_from",
            "a.valid_from > $3 AND (a.valid_until IS NULL OR a.valid_until > $3)"),
        postgres outside!("", "a.valid_from > $3 AND (a.valid_until IS NULL OR a.valid_until > $3)"),
        from, before, micros(now))?;
    Ok(active - over - early)
}
