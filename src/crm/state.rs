//! An account as a CRM is told of it.
//!
//! Invariant: the shape is `docs/webhook.schema.json`; members are added, never renamed or taken away.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::account::{Status, StatusReason};
use crate::domain::ids::{AccountId, DirectoryId, ModuleId, RoleId, SectorId};
use crate::domain::language::Language;

/// The present state of one account with its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "account.state")]
pub struct AccountState {
    /// The account.
    pub account: ToldAccount,
    /// Grows with every change that a CRM must know; the highest is the truth.
    pub version: i64,
    /// When this state was read.
    pub at: Timestamp,
}

/// The account's part of [`AccountState`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToldAccount {
    /// Ours; never reused.
    pub id: AccountId,
    /// The CRM's own id, once it has told us.
    pub crm_id: Option<String>,
    /// The sign-in name; empty when the account is removed.
    pub user_name: String,
    /// The name that people read; empty when the account is removed.
    pub display_name: String,
    /// Where mail goes.
    pub email: Option<String>,
    /// The language the person reads.
    pub language: Option<Language>,
    /// The status. Only `active` lets the person in.
    pub status: Status,
    /// Why it has that status.
    pub reason: StatusReason,
    /// Since when.
    pub since: Timestamp,
    /// The roles held now.
    pub roles: BTreeSet<RoleId>,
    /// The modules that the roles open.
    pub modules: BTreeSet<ModuleId>,
    /// Confined to its sectors, and never in administration.
    pub limited: bool,
    /// In components that support it, only items linked or assigned to it.
    pub item_restricted: bool,
    /// The sectors held now.
    pub sectors: BTreeSet<SectorId>,
    /// Not from this instant on.
    pub valid_until: Option<Timestamp>,
    /// The id that each directory itself gives the person.
    pub external_ids: BTreeMap<DirectoryId, String>,
}

/// What the CRM calls the roles that the account holds, and those of the others: two roles may be one in the CRM, and
/// who holds either keeps it. Without an account none is held.
pub(crate) fn told_roles<'r>(
    roles: &'r BTreeMap<RoleId, String>,
    state: Option<&AccountState>,
) -> (BTreeSet<&'r String>, BTreeSet<&'r String>) {
    let holds = |role: &RoleId| state.is_some_and(|state| state.account.roles.contains(role));
    let held: BTreeSet<&String> =
        roles.iter().filter(|(role, _)| holds(role)).map(|(_, name)| name).collect();
    let others = roles.values().filter(|name| !held.contains(name)).collect();
    (held, others)
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::Value;

    use super::*;

    /// Anna of an invented association, with a role, a sector and an end date.
    pub(crate) fn anna() -> AccountState {
        AccountState {
            account: ToldAccount {
                id: AccountId::parse("0198c1de-0000-7000-8000-000000000001").unwrap(),
                crm_id: None,
                user_name: "åsa@bjorkbacken.example".to_owned(),
                display_name: "Åsa Lindqvist".to_owned(),
                email: Some("asa@bjorkbacken.example".to_owned()),
                language: Some(Language::Sv),
                status: Status::Active,
                reason: StatusReason::Provisioned,
                since: "2025-03-01T08:00:00Z".parse().unwrap(),
                roles: [RoleId::parse("newsletter").unwrap()].into(),
                modules: [ModuleId::parse("mailings").unwrap()].into(),
                limited: true,
                item_restricted: false,
                sectors: [SectorId::parse("mailings").unwrap()].into(),
                valid_until: Some("2026-01-01T00:00:00Z".parse().unwrap()),
                external_ids: [(DirectoryId::parse("entra").unwrap(), "87d349ed".to_owned())].into(),
            },
            version: 7,
            at: "2025-10-07T12:00:00Z".parse().unwrap(),
        }
    }

    fn schema() -> Value {
        serde_json::from_str(include_str!("../../docs/webhook.schema.json")).unwrap()
    }

    fn members(object: &Value) -> BTreeSet<String> {
        object.as_object().unwrap().keys().cloned().collect()
    }

    fn names(list: &Value) -> BTreeSet<String> {
        list.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_published_schema_has_exactly_the_members_that_are_sent() {
        let (schema, sent) = (schema(), serde_json::to_value(anna()).unwrap());
        let account = &schema["properties"]["account"];
        assert_eq!(members(&sent), names(&schema["required"]));
        assert_eq!(members(&sent), members(&schema["properties"]));
        assert_eq!(members(&sent["account"]), names(&account["required"]));
        assert_eq!(members(&sent["account"]), members(&account["properties"]));
        assert_eq!(sent["type"], schema["properties"]["type"]["const"]);
    }

    #[test]
    fn the_published_schema_knows_every_status_reason_and_language() {
        let schema = schema();
        let property = |name: &str| names(&schema["properties"]["account"]["properties"][name]["enum"]);
        assert_eq!(property("status"), Status::ALL.iter().map(|s| s.name().to_owned()).collect());
        assert_eq!(property("reason"), StatusReason::ALL.iter().map(|r| r.name().to_owned()).collect());
    }

    #[test]
    fn times_are_rfc_3339_and_ids_are_plain_text() {
        let sent = serde_json::to_value(anna()).unwrap();
        assert_eq!(sent["at"], "2025-10-07T12:00:00Z");
        assert_eq!(sent["account"]["external_ids"]["entra"], "87d349ed");
        assert_eq!(sent["account"]["crm_id"], Value::Null);
        assert_eq!(sent["account"]["language"], "sv");
    }
}
