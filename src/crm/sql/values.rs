//! What the statements of a description may name, and what stands there for one account.
//!
//! Invariant: every name has one type, whatever the account is; a value only ever reaches the CRM as a parameter.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use crate::crm::AccountState;
use crate::crm::state::told_roles;
use crate::domain::account::Status;
use crate::domain::ids::RoleId;

/// The names that a statement may use beside those of `[values]`, and which of them are no text.
pub(super) const NAMES: &[&str] = &[
    "account",
    "crm_id",
    "user_name",
    "display_name",
    "email",
    "language",
    "status",
    "reason",
    "since",
    "valid_until",
    "active",
    "limited",
    "item_restricted",
    "roles",
    "other_roles",
    "sectors",
    "modules",
    "external_ids",
    "version",
    "at",
    "random",
    "after",
    "size",
];

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Flag,
    Whole,
}

/// The type that a name has.
pub(super) fn kind_of(name: &str) -> Kind {
    match name {
        "active" | "limited" | "item_restricted" => Kind::Flag,
        "version" | "size" => Kind::Whole,
        _ => Kind::Text,
    }
}

/// A value on its way to the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    Text(String),
    Flag(bool),
    Whole(i64),
}

/// What stands for each name; a name that is not there is NULL.
#[derive(Debug, Clone, Default)]
pub(super) struct Values(BTreeMap<String, Given>);

impl Values {
    /// The value of a name.
    pub(super) fn of(&self, name: &str) -> Option<&Given> {
        self.0.get(name)
    }

    /// The values of these names, in their order, each with its type.
    pub(super) fn in_order(&self, names: &[String]) -> Vec<(Kind, Option<Given>)> {
        names.iter().map(|name| (kind_of(name), self.of(name).cloned())).collect()
    }

    pub(super) fn text(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), Given::Text(value.into()));
    }

    pub(super) fn flag(&mut self, name: &str, value: bool) {
        self.0.insert(name.to_owned(), Given::Flag(value));
    }

    pub(super) fn whole(&mut self, name: &str, value: i64) {
        self.0.insert(name.to_owned(), Given::Whole(value));
    }

    fn text_or_nothing(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// A list or a table, as JSON.
    fn json(&mut self, name: &str, value: &impl Serialize) {
        self.text(name, serde_json::to_string(value).unwrap_or_default());
    }

    /// What the settings fill in, alone.
    pub(super) fn filled(filled: &BTreeMap<String, String>) -> Self {
        let mut values = Self::default();
        for (name, value) in filled {
            values.text(name, value.clone());
        }
        values
    }

    /// What a statement is told of an account.
    pub(super) fn of_account(
        filled: &BTreeMap<String, String>,
        roles: &BTreeMap<RoleId, String>,
        state: &AccountState,
    ) -> Self {
        let account = &state.account;
        let (held, others) = told_roles(roles, Some(state));
        let mut values = Self::filled(filled);
        values.text("account", account.id.to_string());
        values.text_or_nothing("crm_id", account.crm_id.clone());
        values.text("user_name", account.user_name.clone());
        values.text("display_name", account.display_name.clone());
        values.text_or_nothing("email", account.email.clone());
        values.text_or_nothing("language", account.language.map(|language| language.tag().to_owned()));
        values.text("status", account.status.name());
        values.text("reason", account.reason.name());
        values.text("since", account.since.to_string());
        values.text_or_nothing("valid_until", account.valid_until.map(|end| end.to_string()));
        values.flag("active", account.status == Status::Active);
        values.flag("limited", account.limited);
        values.flag("item_restricted", account.item_restricted);
        values.json("roles", &held);
        values.json("other_roles", &others);
        values.json("sectors", &account.sectors);
        values.json("modules", &account.modules);
        values.json("external_ids", &account.external_ids);
        values.whole("version", state.version);
        values.text("at", state.at.to_string());
        values.text("random", unguessable());
        values
    }

    /// What a statement is told of somebody who cannot be there, for a trial: everything has a value.
    pub(super) fn of_nobody(
        filled: &BTreeMap<String, String>,
        roles: &BTreeMap<RoleId, String>,
        now: Timestamp,
    ) -> Self {
        let nobody = format!("portvakt-test-{}@nobody.invalid", now.as_microsecond());
        let all: BTreeSet<&String> = roles.values().collect();
        let none: [&str; 0] = [];
        let mut values = Self::filled(filled);
        values.text("account", uuid::Uuid::new_v4().to_string());
        values.text("user_name", nobody.clone());
        values.text("display_name", "Portvakt test");
        values.text("email", nobody);
        values.text("language", "sv");
        values.text("status", Status::Active.name());
        values.text("reason", "manual");
        values.text("since", now.to_string());
        values.flag("active", true);
        values.flag("limited", false);
        values.flag("item_restricted", false);
        values.json("roles", &all);
        values.json("other_roles", &none);
        values.json("sectors", &none);
        values.json("modules", &none);
        values.text("external_ids", "{}");
        values.whole("version", 1);
        values.text("at", now.to_string());
        values.text("random", unguessable());
        values
    }
}

/// A password that nobody knows.
fn unguessable() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::state::tests::anna;

    #[test]
    fn an_account_gives_every_name_a_value_of_its_type_or_nothing() {
        let roles: BTreeMap<RoleId, String> = [("newsletter", "Utskick"), ("board", "Styrelse")]
            .map(|(role, name)| (RoleId::parse(role).unwrap(), name.to_owned()))
            .into();
        let told = Values::of_account(&BTreeMap::new(), &roles, &anna());
        let nobody = Values::of_nobody(&BTreeMap::new(), &roles, anna().at);
        for values in [&told, &nobody] {
            for (name, value) in &values.0 {
                assert!(NAMES.contains(&name.as_str()), "{name}");
                let kind = match value {
                    Given::Text(_) => Kind::Text,
                    Given::Flag(_) => Kind::Flag,
                    Given::Whole(_) => Kind::Whole,
                };
                assert_eq!(kind, kind_of(name), "{name}");
            }
        }
        assert_eq!(told.of("roles"), Some(&Given::Text("[\"Utskick\"]".to_owned())));
        assert_eq!(told.of("other_roles"), Some(&Given::Text("[\"Styrelse\"]".to_owned())));
        assert_eq!(told.of("crm_id"), None);
        assert_eq!(told.of("language"), Some(&Given::Text("sv".to_owned())));
    }
}
