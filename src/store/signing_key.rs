//! Table `signing_key`: the keys that sign the tokens we issue.
//!
//! Invariant: a key that stands here is published; which one signs is told by `signs_from` alone, so that all nodes
//! think the same. The private half is never part of an error or of a debug text.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, micros};

/// A key as it is kept.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// Its name (`kid`).
    pub id: String,
    /// What it signs with, as the `alg` header says it.
    pub algorithm: String,
    /// The private key as PKCS #8.
    pub private_key: SecretSlice<u8>,
    /// When it was made, and first published.
    pub made_at: Timestamp,
    /// It signs from then on, until the next one does.
    pub signs_from: Timestamp,
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: String,
        algorithm: String,
        private_key: Vec<u8>,
        made_at: i64,
        signs_from: i64,
    }
}

impl TryFrom<Row> for StoredKey {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            made_at: instant(row.made_at, "signing_key", &row.id)?,
            signs_from: instant(row.signs_from, "signing_key", &row.id)?,
            id: row.id,
            algorithm: row.algorithm,
            private_key: row.private_key.into(),
        })
    }
}

/// Every key, the one that has signed or will sign longest ago first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn all(c: &mut Conn) -> Result<Vec<StoredKey>, StoreError> {
    let mut keys = q!(fetch_all as Row; c,
        "SELECT id, algorithm, private_key, made_at, signs_from FROM signing_key")?
    .into_iter()
    .map(StoredKey::try_from)
    .collect::<Result<Vec<_>, _>>()?;
    keys.sort_by(|a, b| (a.signs_from, &a.id).cmp(&(b.signs_from, &b.id)));
    Ok(keys)
}

/// Writes a new key.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn insert(c: &mut Conn, key: &StoredKey) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO signing_key (id, algorithm, private_key, made_at, signs_from) VALUES ($1, $2, $3, $4, $5)",
        &key.id, &key.algorithm, key.private_key.expose_secret(), micros(key.made_at), micros(key.signs_from))?;
    Ok(())
}

/// Forgets a key, which thereby is published no longer. Gives `false` when it was gone already.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn remove(c: &mut Conn, id: &str) -> Result<bool, StoreError> {
    Ok(q!(execute; c, "DELETE FROM signing_key WHERE id = $1", id)? == 1)
}
