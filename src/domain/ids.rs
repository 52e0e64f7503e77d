//! One id type per thing, so that mixing them does not compile.
//!
//! Invariant: ids that Portvakt issues are UUIDs and are never taken from outside;
//! names that an operator chooses are short slugs.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid {what}: {reason}")]
pub struct IdError {
    /// The kind of id that was wanted.
    pub what: &'static str,
    /// The text that was given, at most 80 characters of it.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps an id that Portvakt issued.
            #[must_use]
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }

            /// Reads an id from text.
            ///
            /// # Errors
            ///
            /// [`IdError`] when the text is no UUID.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| IdError { what: $what, text: shorten(text), reason: "it is not a UUID" })
            }

            /// The UUID itself.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

macro_rules! slug_id {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Reads a name: 1 to 64 of `a-z`, `0-9`, `_`, `-` and `.`, beginning with a letter or a figure.
            ///
            /// # Errors
            ///
            /// [`IdError`] when it has other characters or another length.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                slug(text)
                    .map(Self)
                    .map_err(|reason| IdError { what: $what, text: shorten(text), reason })
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

fn slug(text: &str) -> Result<String, &'static str> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.');
    if text.is_empty() {
        Err("it is empty")
    } else if text.len() > 64 {
        Err("it is longer than 64 characters")
    } else if !text.chars().all(allowed) {
        Err("use only the letters a to z, figures, '_', '-' and '.'")
    } else if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        Err("it must begin with a letter or a figure")
    } else {
        Ok(text.to_owned())
    }
}

uuid_id! {
    /// One person's account in the CRM.
    AccountId = "account id";
    /// What one directory says about one person; the SCIM id of the User.
    IdentityId = "user id";
    /// What one directory says about one group; the SCIM id of the Group.
    GroupId = "group id";
    /// One role, sector, limit or link that somebody holds.
    GrantId = "grant id";
    /// One run of a lifecycle plan.
    RunId = "run id";
    /// One entry of the audit log.
    AuditId = "audit id";
    /// The row of a session; never the secret in the cookie.
    SessionId = "session id";
    /// The row of a bearer token; never the token.
    TokenId = "token id";
    /// What a client knows a person's session under (`sid`); never the session's own id.
    ClientSessionId = "client session id";
    /// What a client was let in with: one code, and the tokens it gave.
    ClientGrantId = "client grant id";
    /// A subject that waits to be tied to an account.
    LinkRequestId = "link request id";
    /// An invitation to sign in without a provider; never its secret.
    InviteId = "invitation id";
}

slug_id! {
    /// One connection to an identity provider, as the settings name it.
    DirectoryId = "directory name";
    /// A CRM that is told, as the settings name it.
    TargetId = "target name";
    /// A CRM that signs people in through Portvakt: its client id of OpenID Connect.
    ClientId = "client id";
    /// A function of the CRM.
    ModuleId = "module";
    /// A functional part of the CRM that a limited account is confined to.
    SectorId = "sector";
    /// A kind of item.
    ComponentId = "component";
    /// A named set of modules.
    RoleId = "role";
    /// A rule of the policy.
    RuleId = "rule";
}

impl DirectoryId {
    /// The directory of those whom no provider vouches for: whoever holds the shell invited them. No directory of
    /// the settings may bear this name.
    #[must_use]
    pub fn local() -> Self {
        Self("local".to_owned())
    }
}

impl RuleId {
    /// The origin of what somebody gets whom no rule matches: `unmatched`. No rule of a policy may bear this name.
    #[must_use]
    pub fn unmatched() -> Self {
        Self("unmatched".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_with_blanks_capitals_or_nothing_is_refused_with_the_reason() {
        assert_eq!(RoleId::parse("board").unwrap().as_str(), "board");
        for bad in ["", "Board", "two words", "-x", &"x".repeat(65)] {
            assert!(RoleId::parse(bad).is_err(), "{bad:?} was taken");
        }
        let said = RoleId::parse("Board").unwrap_err().to_string();
        assert!(said.contains("role") && said.contains("a to z"), "{said}");
    }

    #[test]
    fn an_account_id_that_is_no_uuid_is_refused() {
        assert!(AccountId::parse("1").is_err());
    }
}
