//! Roles as groups of the CRM.
//!
//! Invariant: only groups that the settings name are changed, of them only this one membership, and one at a time.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Errand, RolesAs, wire};
use crate::crm::AccountState;
use crate::crm::failed::Failed;

impl Errand<'_> {
    /// The group that the CRM calls so.
    pub(super) async fn group(&self, name: &str) -> Result<Value, Failed> {
        let found = self.search("Groups", "displayName", name).await?;
        found.ok_or_else(|| {
            let what = "none that is called so; make it there, or mend [target.roles]";
            Failed::Refused(format!("Groups: the CRM has {what}: {name:?}"))
        })
    }

    /// Puts the user into the groups of the roles it holds, and out of those of the others.
    pub(super) async fn follow_groups(&self, state: &AccountState, user: &str) -> Result<(), Failed> {
        let settings = &self.scim.settings;
        if settings.roles_as != RolesAs::Groups {
            return Ok(());
        }
        let held = settings.roles.iter().filter(|(role, _)| state.account.roles.contains(*role));
        let held: BTreeSet<&String> = held.map(|(_, name)| name).collect();
        let all: BTreeSet<&String> = settings.roles.values().collect();
        // Access that was taken away goes first.
        let (kept, lost): (Vec<_>, Vec<_>) = all.into_iter().partition(|name| held.contains(name));
        for (name, belongs) in lost.into_iter().map(|n| (n, false)).chain(kept.into_iter().map(|n| (n, true)))
        {
            self.set_member(name, user, belongs).await?;
        }
        Ok(())
    }

    async fn set_member(&self, name: &str, user: &str, belongs: bool) -> Result<(), Failed> {
        let _turn = self.scim.group_turn.lock().await;
        let group = self.group(name).await?;
        let id = wire::id(&group).ok_or_else(|| Failed::Refused(format!("the group {name:?} has no id")))?;
        let path = format!("Groups/{}", wire::segment(&id));
        // A list may leave members out (RFC 7644 §3.9); the group itself has them.
        let whole = self.send(Method::GET, &path, None).await?.unwrap_or(group);
        let mut members = whole.get("members").and_then(Value::as_array).cloned().unwrap_or_default();
        let is_member = members.iter().any(|member| member["value"] == user);
        if is_member == belongs {
            return Ok(());
        }
        if self.patches().await? {
            let operation = if belongs { "add" } else { "remove" };
            return self.must(Method::PATCH, &path, &wire::members(operation, user)).await;
        }
        if belongs {
            members.push(json!({ "value": user }));
        } else {
            members.retain(|member| member["value"] != user);
        }
        self.must(Method::PUT, &path, &wire::overlaid(whole, &json!({ "members": members }))).await
    }
}
