//! What a request demands of the version of the resource that it changes (RFC 7644 §3.14, RFC 9110 §13.1).
//!
//! Invariant: checked within the transaction that changes, on the row that is locked.

use super::super::Refusal;
use super::wire::version_of;
use crate::scim::ScimError;

/// The versions that a resource must have, and those that it must not have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Precondition {
    one_of: Option<Versions>,
    none_of: Option<Versions>,
}

/// What a list of entity tags names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versions {
    /// `*`: whatever there is.
    Any,
    /// These; tags that we did not issue are left out, for they are no version of ours.
    Listed(Vec<i64>),
}

impl Versions {
    /// Reads `*` or a list of entity tags.
    #[must_use]
    pub fn read(text: &str) -> Self {
        if text.trim() == "*" {
            return Self::Any;
        }
        Self::Listed(text.split(',').filter_map(|tag| version_of(tag.trim())).collect())
    }

    /// Whether `version` is among them.
    #[must_use]
    pub fn name(&self, version: i64) -> bool {
        match self {
            Self::Any => true,
            Self::Listed(all) => all.contains(&version),
        }
    }
}

impl Precondition {
    /// What `If-Match` and `If-None-Match` demand, or the `version` of an operation in a bulk request.
    #[must_use]
    pub fn new(one_of: Option<Versions>, none_of: Option<Versions>) -> Self {
        Self { one_of, none_of }
    }

    /// Refuses with 412 when the version is another.
    pub(super) fn check(&self, version: i64) -> Result<(), Refusal> {
        let is_wanted = self.one_of.as_ref().is_none_or(|wanted| wanted.name(version));
        let is_unwanted = self.none_of.as_ref().is_some_and(|unwanted| unwanted.name(version));
        if is_wanted && !is_unwanted {
            return Ok(());
        }
        let detail = format!(
            "the resource has version {version}, which is not what the request demands; read it again and repeat the change"
        );
        Err(Refusal::Scim(ScimError::status(412, detail)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_stars_and_foreign_tags_are_read() {
        let table = [
            ("*", true),
            ("W/\"3\"", true),
            ("\"3\"", true),
            ("\"x\", W/\"2\" , W/\"3\"", true),
            ("W/\"4\"", false),
            ("nonsense", false),
            ("", false),
        ];
        for (text, expected) in table {
            assert_eq!(Versions::read(text).name(3), expected, "{text}");
            assert_eq!(
                Precondition::new(Some(Versions::read(text)), None).check(3).is_ok(),
                expected,
                "{text}"
            );
            assert_eq!(
                Precondition::new(None, Some(Versions::read(text))).check(3).is_ok(),
                !expected,
                "{text}"
            );
        }
        assert!(Precondition::default().check(3).is_ok());
    }
}
