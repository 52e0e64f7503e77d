//! Table `login_attempt`: sign-ins that have begun and not yet come back from the provider.
//!
//! Invariant: an attempt is bound to one browser, lives ten minutes and is taken at most once.

use jiff::Timestamp;

use crate::domain::ids::DirectoryId;

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, micros};

/// What must be remembered until the browser comes back.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginAttempt {
    /// To which directory it was sent.
    pub directory: DirectoryId,
    /// The nonce that the ID token must carry.
    pub nonce: String,
    /// The PKCE verifier.
    pub verifier: String,
    /// Where the person wanted to go: a local path.
    pub return_to: String,
    /// How old, in seconds, the sign-in at the provider may be.
    pub max_age: Option<u32>,
    /// Levels of assurance, one of which the token must show.
    pub acr_values: Vec<String>,
    /// At which of our hosts it began, where it is not the public one: scheme and host.
    pub origin: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// It is void from then on.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for LoginAttempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginAttempt").field("directory", &self.directory).finish_non_exhaustive()
    }
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        browser_hash: Vec<u8>,
        directory: String,
        nonce: String,
        verifier: String,
        return_to: String,
        max_age: Option<i64>,
        acr_values: Option<String>,
        origin: Option<String>,
        created_at: i64,
        expires_at: i64,
    }
}

impl Row {
    fn read(self) -> Result<(LoginAttempt, Vec<u8>), StoreError> {
        let attempt = LoginAttempt {
            directory: DirectoryId::parse(&self.directory)
                .map_err(|e| StoreError::corrupt("login_attempt", &self.directory, e))?,
            nonce: self.nonce,
            verifier: self.verifier,
            return_to: self.return_to,
            max_age: self.max_age.and_then(|age| u32::try_from(age).ok()),
            acr_values: self
                .acr_values
                .map(|text| text.split_whitespace().map(str::to_owned).collect())
                .unwrap_or_default(),
            origin: self.origin,
            created_at: instant(self.created_at, "login_attempt", &self.directory)?,
            expires_at: instant(self.expires_at, "login_attempt", &self.directory)?,
        };
        Ok((attempt, self.browser_hash))
    }
}

/// Remembers an attempt under the hash of its state, bound to the hash of the browser's cookie.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn begin(
    c: &mut Conn,
    attempt: &LoginAttempt,
    state_hash: &[u8],
    browser_hash: &[u8],
) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO login_attempt (state_hash, browser_hash, directory, nonce, verifier, return_to, created_at,
                                    expires_at, max_age, acr_values, origin)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        state_hash, browser_hash, attempt.directory.as_str(), &attempt.nonce, &attempt.verifier,
        &attempt.return_to, micros(attempt.created_at), micros(attempt.expires_at), attempt.max_age.map(i64::from),
        (!attempt.acr_values.is_empty()).then(|| attempt.acr_values.join(" ")), &attempt.origin)?;
    Ok(())
}

/// Takes the attempt with this state, which thereby is used up, with the hash of the browser it is bound to.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn take(c: &mut Conn, state_hash: &[u8]) -> Result<Option<(LoginAttempt, Vec<u8>)>, StoreError> {
    let row = q!(fetch_optional as Row; c,
        "DELETE FROM login_attempt WHERE state_hash = $1
         RETURNING browser_hash, directory, nonce, verifier, return_to, max_age, acr_values, origin, created_at,
                   expires_at",
        state_hash)?;
    row.map(Row::read).transpose()
}

/// The attempt with this state, not used up by looking, with the hash of the browser it is bound to.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn find(c: &mut Conn, state_hash: &[u8]) -> Result<Option<(LoginAttempt, Vec<u8>)>, StoreError> {
    let row = q!(fetch_optional as Row; c,
        "SELECT browser_hash, directory, nonce, verifier, return_to, max_age, acr_values, origin, created_at, expires_at
           FROM login_attempt WHERE state_hash = $1",
        state_hash)?;
    row.map(Row::read).transpose()
}

/// Forgets attempts that are void. Gives how many.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget(c: &mut Conn, now: Timestamp) -> Result<u64, StoreError> {
    q!(execute; c, "DELETE FROM login_attempt WHERE expires_at < $1", micros(now))
}
