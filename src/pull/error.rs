//! Why a pull gave no listing.
//!
//! Invariant: says what was asked, what came back and how to mend it; never a token or a person.

/// Why a pull gave no listing. Nothing of what was read before may be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PullError {
    /// The settings cannot be used.
    #[error("{0}")]
    Settings(String),
    /// Not reached, broken off, or busy for longer than we wait. The next run may succeed.
    #[error("{what}: not reached: {reason}")]
    Unreachable {
        /// What was asked for.
        what: String,
        /// What happened.
        reason: String,
    },
    /// The provider says no.
    #[error("{what}: refused ({code}): {mend}")]
    Denied {
        /// What was asked for.
        what: String,
        /// The status and the provider's own code.
        code: String,
        /// How to mend it.
        mend: String,
    },
    /// The answer is not what the provider's documentation promises.
    #[error("{what}: the answer cannot be used: {reason}")]
    Unusable {
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The link to the next page leads to another host; the token was not sent there.
    #[error("{what}: the next page is said to be on {host}; refused, since the token belongs elsewhere")]
    ForeignLink {
        /// What was asked for.
        what: String,
        /// The other host.
        host: String,
    },
}

impl PullError {
    /// Whether the next run may succeed without anybody mending anything.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Settings(_) | Self::Denied { .. } | Self::Unusable { .. } | Self::ForeignLink { .. } => {
                false
            }
        }
    }
}
