//! Roles as groups of the CRM.
//!
//! Invariant: only groups that the settings name are changed, of them only this one membership, and one at a time.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Errand, RolesAs, wire};
use crate::crm::AccountState;
use crate::crm::failed::Failed;

impl Errand<'_> {
    /// The group that the CRM calls so, without its members: there may be very many.
    pub(super) async fn group(&self, name: &str) -> Result<Value, Failed> {
        let found = self.search("Groups", "displayName", name, &["id", "displayName"]).await?;
        found.ok_or_else(|| {
            let what = "none that is called so; make it there, or mend [target.roles]";
            Failed::Refused(format!("Groups: the CRM has {what}: {name:?}"))
        })
    }

    /// Puts the user into the groups of the roles it holds, and out of those of the others. `found` is the user as the
    /// CRM showed it before.
    pub(super) async fn follow_groups(
        &self,
        state: &AccountState,
        user: &str,
        found: Option<&Value>,
    ) -> Result<(), Failed> {
        let settings = &self.scim.settings;
        if settings.roles_as != RolesAs::Groups || settings.roles.is_empty() {
            return Ok(());
        }
        let is_whole = state.account.crm_id.as_deref() == Some(user);
        let said = match found {
            Some(found) if is_whole || found.get("groups").is_some() => self.said_groups(found),
            // A list, or the answer to a POST, may leave them out.
            Some(_) | None => self.read(user).await?.and_then(|read| self.said_groups(&read)),
        };
        let held = settings.roles.iter().filter(|(role, _)| state.account.roles.contains(*role));
        let held: BTreeSet<&String> = held.map(|(_, name)| name).collect();
        let all: BTreeSet<&String> = settings.roles.values().collect();
        // Access that was taken away goes first.
        let (kept, lost): (Vec<_>, Vec<_>) = all.into_iter().partition(|name| held.contains(name));
        for (name, belongs) in lost.into_iter().map(|n| (n, false)).chain(kept.into_iter().map(|n| (n, true)))
        {
            self.set_member(name, user, belongs, said.as_ref()).await?;
        }
        if said.is_none()
            && !held.is_empty()
            && let Some(now) = self.read(user).await?
        {
            // Whether it shows groups is seen only of somebody who is in one.
            self.said_groups(&now);
        }
        Ok(())
    }

    /// The ids of the groups that the CRM shows with its user (RFC 7643 §4.1.2); nothing: it has shown none yet, of
    /// anybody, and may be one that never does.
    fn said_groups(&self, user: &Value) -> Option<BTreeSet<String>> {
        let listed = user.get("groups").and_then(Value::as_array);
        let direct = listed.into_iter().flatten().filter(|group| {
            group
                .get("type")
                .and_then(Value::as_str)
                .is_none_or(|kind| !kind.eq_ignore_ascii_case("indirect"))
        });
        let ids: BTreeSet<String> =
            direct.filter_map(|group| group.get("value")?.as_str().map(str::to_owned)).collect();
        if !ids.is_empty() {
            self.scim.shows_groups.store(true, Ordering::Relaxed);
        }
        self.scim.shows_groups.load(Ordering::Relaxed).then_some(ids)
    }

    /// A group with every member.
    pub(super) async fn whole_group(&self, group: &Value, name: &str) -> Result<Value, Failed> {
        let id = wire::id(group).ok_or_else(|| Failed::Refused(format!("the group {name:?} has no id")))?;
        let path = format!("Groups/{}", wire::segment(&id));
        let whole = self.send(Method::GET, &path, None).await?;
        let whole = whole.filter(|whole| wire::id(whole).is_some());
        whole.ok_or_else(|| Failed::again(format!("the group {name:?} could not be read")))
    }

    async fn set_member(
        &self,
        name: &str,
        user: &str,
        belongs: bool,
        said: Option<&BTreeSet<String>>,
    ) -> Result<(), Failed> {
        let group = self.group(name).await?;
        let id = wire::id(&group).ok_or_else(|| Failed::Refused(format!("the group {name:?} has no id")))?;
        let path = format!("Groups/{}", wire::segment(&id));
        if said.is_some_and(|said| said.contains(&id) == belongs) {
            return Ok(());
        }
        let operation = if belongs { "add" } else { "remove" };
        let _turn = self.scim.group_turn.lock().await;
        if said.is_some() && self.patches().await? {
            return self.must(Method::PATCH, &path, &wire::members(operation, user)).await;
        }
        // What is written back must be whole, with every member.
        let whole = self.whole_group(&group, name).await?;
        let mut members = whole.get("members").and_then(Value::as_array).cloned().unwrap_or_default();
        let is_theirs = |member: &Value| member.get("value").and_then(Value::as_str) == Some(user);
        let is_member = members.iter().any(is_theirs);
        if is_member == belongs {
            return Ok(());
        }
        if self.patches().await? {
            return self.must(Method::PATCH, &path, &wire::members(operation, user)).await;
        }
        if belongs {
            members.push(json!({ "value": user }));
        } else {
            members.retain(|member| !is_theirs(member));
        }
        self.must(Method::PUT, &path, &wire::overlaid(whole, &json!({ "members": members }))).await
    }
}
