//! What a CRM's token opens.
//!
//! Invariant: a scope has one name, everywhere; a token that names none opens everything, as tokens did before there
//! were scopes.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Serialize, Serializer};

use super::named::named;

/// One thing that a CRM may do with its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Ask who may do what.
    AskAccess,
    /// Read accounts, what they hold, their leave, and what waits for a decision about them.
    ReadAccounts,
    /// Teach the CRM's own ids of accounts.
    WriteAccounts,
    /// Follow what changes, and take a snapshot.
    ReadChanges,
    /// Give rights by hand and take them, and decide about those that are asked about.
    WriteGrants,
    /// Tell what happens to items.
    WriteItems,
    /// Note leave and end it, and decide about leave that is asked for.
    WriteLeave,
    /// Link items by hand.
    WriteLinks,
    /// Read reports.
    ReadReports,
    /// Tell who signed in to the CRM.
    WriteSignIns,
}

named!(
    Scope,
    AskAccess = "access:read",
    ReadAccounts = "accounts:read",
    WriteAccounts = "accounts:write",
    ReadChanges = "changes:read",
    WriteGrants = "grants:write",
    WriteItems = "items:write",
    WriteLeave = "leave:write",
    WriteLinks = "links:write",
    ReadReports = "reports:read",
    WriteSignIns = "sign-ins:write",
);

/// The scopes of a token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Scopes {
    /// All there are, also those that come later.
    #[default]
    All,
    /// Only these.
    Only(BTreeSet<Scope>),
}

/// A name that no scope has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no scope; they are {known}", known = all_names())]
pub struct UnknownScope(pub String);

fn all_names() -> String {
    Scope::ALL.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(", ")
}

impl Scopes {
    /// Reads scopes by their names; no names are all scopes.
    ///
    /// # Errors
    ///
    /// [`UnknownScope`].
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownScope> {
        let read = |name: &str| Scope::from_name(name).ok_or_else(|| UnknownScope(name.to_owned()));
        let scopes = names.into_iter().map(read).collect::<Result<BTreeSet<_>, _>>()?;
        Ok(if scopes.is_empty() { Self::All } else { Self::Only(scopes) })
    }

    /// Whether the scope is among them.
    #[must_use]
    pub fn contain(&self, scope: Scope) -> bool {
        match self {
            Self::All => true,
            Self::Only(scopes) => scopes.contains(&scope),
        }
    }

    /// Their names; none for all.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        match self {
            Self::All => Vec::new(),
            Self::Only(scopes) => scopes.iter().map(|scope| scope.name()).collect(),
        }
    }
}

impl fmt::Display for Scopes {
    /// The names with blanks between; nothing for all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(" "))
    }
}

impl Serialize for Scopes {
    /// `"all"`, or the list of names.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => to.serialize_str("all"),
            Self::Only(_) => self.names().serialize(to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_its_scope_and_back() {
        for scope in Scope::ALL {
            assert_eq!(Scope::from_name(scope.name()), Some(*scope));
        }
    }

    #[test]
    fn scopes_are_read_as_they_are_written_and_none_are_all() {
        let two = Scopes::parse(["items:write", "access:read", "items:write"]).unwrap();
        assert_eq!(two.to_string(), "access:read items:write");
        assert_eq!(Scopes::parse(two.to_string().split_whitespace()), Ok(two.clone()));
        assert!(two.contain(Scope::WriteItems) && !two.contain(Scope::ReadReports));
        assert_eq!(Scopes::parse([]), Ok(Scopes::All));
        assert!(Scope::ALL.iter().all(|scope| Scopes::All.contain(*scope)));
    }

    #[test]
    fn an_unknown_name_is_refused_with_all_that_there_are() {
        let said = Scopes::parse(["items:read"]).unwrap_err().to_string();
        assert!(said.contains("\"items:read\" is no scope") && said.contains("sign-ins:write"), "{said}");
    }
}
