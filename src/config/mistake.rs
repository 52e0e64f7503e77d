//! A mistake in the settings or the policy, told so that it can be mended.
//!
//! Invariant: a mistake says where, what is wrong and what would be right, and never shows a secret.

use std::fmt;

use serde::Serialize;

use crate::domain::ids::IdError;

/// Whether the daemon can start all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file is refused.
    Error,
    /// The file is taken; somebody should look at this.
    Warning,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// Whether the file is refused.
    pub severity: Severity,
    /// The file as it was named, or `environment PORTVAKT__…`.
    pub file: String,
    /// Line, counted from 1; nothing for the environment and for what is missing altogether.
    pub line: Option<u32>,
    /// Column in characters, counted from 1.
    pub column: Option<u32>,
    /// The key, such as `rule[1].gives.roles`; positions in lists are counted from 0.
    pub key_path: String,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub fix: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        if self.severity == Severity::Warning {
            f.write_str("warning: ")?;
        }
        if !self.key_path.is_empty() {
            write!(f, "{}: ", self.key_path)?;
        }
        f.write_str(&self.what)?;
        if !self.fix.is_empty() {
            write!(f, " — {}", self.fix)?;
        }
        Ok(())
    }
}

/// What is wrong with a value and what would be right, before it is known where the value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) what: String,
    pub(crate) fix: String,
}

impl Problem {
    pub(crate) fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into() }
    }
}

impl From<IdError> for Problem {
    fn from(error: IdError) -> Self {
        Self::new(error.to_string(), "write a short name such as \"board\" or \"entra\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_reads_as_place_key_what_and_fix() {
        let mistake = Mistake {
            severity: Severity::Error,
            file: "policy.toml".to_owned(),
            line: Some(41),
            column: Some(20),
            key_path: "rule[1].gives.roles".to_owned(),
            what: "there is no role \"bord\"".to_owned(),
            fix: "did you mean \"board\"?".to_owned(),
        };
        assert_eq!(
            mistake.to_string(),
            "policy.toml:41: rule[1].gives.roles: there is no role \"bord\" — did you mean \"board\"?"
        );
        let warning = Mistake { severity: Severity::Warning, fix: String::new(), ..mistake };
        assert_eq!(
            warning.to_string(),
            "policy.toml:41: warning: rule[1].gives.roles: there is no role \"bord\""
        );
    }
}
