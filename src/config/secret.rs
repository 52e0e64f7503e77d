//! Secrets: from the settings, from the environment or from a file of their own.
//!
//! Invariant: a secret prints as `***`; one that every user of the machine may read is refused.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};

use super::mistake::Problem;
use super::reading::Section;
use super::tree::Place;

/// Longest secret that is read from a file, in bytes.
const LONGEST: u64 = 64 * 1024;

/// A secret text.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The secret in clear, for the one place that sends or compares it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The secret as `secrecy` wraps it.
    #[must_use]
    pub const fn secret_string(&self) -> &SecretString {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The key that signs webhooks (Standard Webhooks 1.0, "Signature scheme").
#[derive(Clone)]
pub enum SigningKey {
    /// A secret that both sides have.
    Shared(secrecy::SecretSlice<u8>),
    /// A private key of ours (Ed25519), 32 bytes or 64 with the public key behind them.
    Own(secrecy::SecretSlice<u8>),
}

impl SigningKey {
    /// Reads a key: `whsec_` and base64, `whsk_` and base64, or any other text, whose bytes are then the key.
    ///
    /// # Errors
    ///
    /// A sentence, when what follows the prefix is no base64, nothing, or no private key.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(encoded) = text.strip_prefix("whsk_") {
            return match STANDARD.decode(encoded) {
                Ok(bytes) if matches!(bytes.len(), 32 | 64) => Ok(Self::Own(bytes.into())),
                Ok(_) => Err("what follows whsk_ has not the 32 bytes of a private key"),
                Err(_) => Err("what follows whsk_ is no base64"),
            };
        }
        let Some(encoded) = text.strip_prefix("whsec_") else {
            return if text.is_empty() {
                Err("it is empty")
            } else {
                Ok(Self::Shared(text.as_bytes().to_vec().into()))
            };
        };
        match STANDARD.decode(encoded) {
            Ok(bytes) if bytes.is_empty() => Err("there is nothing after whsec_"),
            Ok(bytes) => Ok(Self::Shared(bytes.into())),
            Err(_) => Err("what follows whsec_ is no base64"),
        }
    }

    /// The bytes of the key, for the one place that signs.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        match self {
            Self::Shared(bytes) | Self::Own(bytes) => bytes.expose_secret(),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Section<'_> {
    /// The secret under `key`, or in the file that `key_file` names.
    pub(crate) fn secret(&self, key: &str) -> Option<Secret> {
        let file_key = format!("{key}_file");
        match (self.field(key), self.field(&file_key)) {
            (None, None) => None,
            (Some(inline), Some(_)) => {
                inline.wrong(
                    format!("{key} and {file_key} are both set"),
                    format!("keep one of them; {file_key} is the safer one"),
                );
                None
            }
            (Some(inline), None) => {
                if self.reading().is_world_readable && matches!(inline.at(), Place::Line { .. }) {
                    inline.doubtful(
                        "this secret stands in a file that every user of the machine may read",
                        format!(
                            "use {file_key}, or take the right to read the file from others: chmod o-rwx"
                        ),
                    );
                }
                inline.text().map(Secret::new)
            }
            (None, Some(file)) => file.parse(|path| read_file(&self.reading().path(path))).map(Secret::new),
        }
    }

    /// The secret, which must be there.
    pub(crate) fn required_secret(&self, key: &str) -> Option<Secret> {
        let file_key = format!("{key}_file");
        if self.field(key).is_none() && self.field(&file_key).is_none() {
            self.missing(key, &format!("set {file_key} to the file that holds it, or {key} itself"));
        }
        self.secret(key)
    }
}

/// The text of a secret's file, without the line break at its end.
fn read_file(path: &Path) -> Result<String, Problem> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        Problem::new(
            format!("the secret's file {shown} cannot be read: {error}"),
            "check the path and who may read the file",
        )
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if is_world_readable(&metadata) {
        return Err(Problem::new(
            format!("every user of the machine may read {shown}"),
            "take that right away: chmod o-rwx (mode or defaultMode 0400 where a container platform mounts it)",
        ));
    }
    if metadata.len() > LONGEST {
        return Err(Problem::new(
            format!("{shown} is larger than 64 KiB"),
            "name a file that holds only the secret",
        ));
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let secret = text.trim_end_matches(['\n', '\r']);
    if secret.trim().is_empty() {
        return Err(Problem::new(format!("{shown} is empty"), "write the secret into it"));
    }
    Ok(secret.to_owned())
}

/// Whether every user of the machine may read the file; always false where there are no such rights.
pub(crate) fn is_world_readable(metadata: &std::fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        metadata.is_file() && metadata.permissions().mode() & 0o004 != 0
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_and_a_signing_key_print_as_stars() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "***");
        assert_eq!(format!("{:?}", SigningKey::parse("hunter2").unwrap()), "***");
    }

    #[test]
    fn a_signing_key_is_base64_after_its_prefix_and_raw_text_otherwise() {
        assert_eq!(SigningKey::parse("whsec_aGVq").unwrap().expose(), b"hej");
        assert_eq!(SigningKey::parse("aGVq").unwrap().expose(), b"aGVq");
        assert!(SigningKey::parse("whsec_").is_err());
        assert!(SigningKey::parse("whsec_å").is_err());
        let own = format!("whsk_{}", STANDARD.encode([7; 32]));
        assert!(matches!(SigningKey::parse(&own), Ok(SigningKey::Own(_))));
        assert!(SigningKey::parse("whsk_aGVq").is_err() && SigningKey::parse("whsk_å").is_err());
    }
}
