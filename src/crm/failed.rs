//! Why a request to a CRM's API did not come to a yes.
//!
//! Invariant: what a failure says holds no header, no body of ours and no secret; credentials that the CRM does not take
//! are never one account's fault.

use jiff::SignedDuration;
use reqwest::StatusCode;

use super::Delivery;

/// How much of an answer is kept, in characters.
const KEPT: usize = 200;

/// Why an operation did not come to a yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failed {
    /// Not now.
    Again {
        /// The CRM asked for at least this pause.
        after: Option<SignedDuration>,
        /// What went wrong.
        said: String,
    },
    /// Never as it is.
    Refused(String),
    /// The CRM does not know who asks, or not any more.
    NotSignedIn(String),
}

impl Failed {
    /// Not now, without a pause that was asked for.
    pub(crate) fn again(said: impl Into<String>) -> Self {
        Self::Again { after: None, said: said.into() }
    }

    /// What it said.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Again { said, .. } | Self::Refused(said) | Self::NotSignedIn(said) => said,
        }
    }
}

impl From<Failed> for Delivery {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Again { after, said } => Self::Again { after, error: said },
            // Nothing is lost while somebody sets the credentials right.
            Failed::NotSignedIn(said) => Self::Again { after: None, error: said },
            Failed::Refused(error) => Self::Refused { error },
        }
    }
}

/// Whether a status means: not now. A redirect does, because it is no account's fault that the address is wrong.
pub(crate) const fn is_for_later(status: u16) -> bool {
    matches!(status, 300..=399 | 408 | 409 | 425 | 429 | 500..=599)
}

/// The status and the beginning of the body.
pub(crate) fn quote(status: StatusCode, body: &[u8]) -> String {
    let text = shortened(&String::from_utf8_lossy(body));
    if text.is_empty() { status.to_string() } else { format!("{status}: {text}") }
}

/// The beginning of a text in one line, without control characters.
pub(crate) fn shortened(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let plain = plain.trim();
    let kept: String = plain.chars().take(KEPT).collect();
    if plain.chars().nth(KEPT).is_some() { format!("{kept} …") } else { kept }
}
