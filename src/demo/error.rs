//! What can go wrong in the demo.
//!
//! Invariant: every error says what was attempted; no token, code or secret stands in one.

use std::path::PathBuf;

/// Why the demo cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No randomness.
    #[error("the operating system gives no random numbers: {0}")]
    NoRandomness(String),
    /// A key could not be made.
    #[error("the practice provider's signing key cannot be made: {0}")]
    Key(String),
    /// A file or folder.
    #[error("{} cannot be written", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No address on the loopback.
    #[error("no address on 127.0.0.1 can be listened on: {0}; with --port another port can be chosen")]
    Listen(std::io::Error),
    /// The HTTP client.
    #[error("the HTTP client cannot be made: {0}")]
    Client(String),
    /// No answer.
    #[error("{method} {path} got no answer: {reason}")]
    Unreachable {
        /// The method.
        method: String,
        /// The path, without query.
        path: String,
        /// Why.
        reason: String,
    },
    /// Another answer than the right one.
    #[error("{method} {path} was answered with {status}: {said}")]
    Answer {
        /// The method.
        method: String,
        /// The path, without query.
        path: String,
        /// The status.
        status: u16,
        /// The beginning of the answer.
        said: String,
    },
    /// Something is asked of somebody who was not provisioned.
    #[error("{0} is not known to Portvakt yet")]
    NotThere(String),
}

impl DemoError {
    /// An answer that is not the right one, with the beginning of its body.
    #[must_use]
    pub fn answer(method: &str, path: &str, status: u16, body: &str) -> Self {
        let said: String = body.chars().filter(|c| !c.is_control()).take(300).collect();
        Self::Answer { method: method.to_owned(), path: path.to_owned(), status, said }
    }
}
