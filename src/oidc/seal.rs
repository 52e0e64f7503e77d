//! What stands for a snapshot: a signed digest of it.
//!
//! Invariant: of a type of its own (RFC 8725 §3.11), so that it passes for no other token of ours.

use jiff::Timestamp;
use serde_json::json;

use super::issue::{IssueError, IssuerKey, Kind};

/// What the signature on a snapshot says.
#[derive(Debug)]
pub struct SnapshotSeal<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `aud`: the target.
    pub audience: &'a str,
    /// `iat`: how everybody stood then.
    pub now: Timestamp,
    /// The cursor from which changes go on.
    pub revision: &'a str,
    /// How many accounts there are.
    pub accounts: u64,
    /// SHA-256 of every byte before the signature's own line, as base64url.
    pub digest: &'a str,
}

impl SnapshotSeal<'_> {
    /// The seal, signed.
    ///
    /// # Errors
    ///
    /// [`IssueError::NotSigned`].
    pub fn signed(&self, key: &IssuerKey) -> Result<String, IssueError> {
        let claims = [
            ("iss", json!(self.issuer)),
            ("aud", json!(self.audience)),
            ("iat", json!(self.now.as_second())),
            ("revision", json!(self.revision)),
            ("accounts", json!(self.accounts)),
            ("sha256", json!(self.digest)),
        ];
        let claims = claims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        key.sign(Kind::Snapshot, &claims)
    }
}
