//! One account on its way into a described CRM.
//!
//! Invariant: looked for before it is made; access is taken before roles are changed and data erased.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Inner;
use super::call::{Read, and, items, text_at};
use super::description::Operation;
use crate::crm::AccountState;
use crate::crm::failed::Failed;
use crate::crm::holding::is_yes;
use crate::domain::account::Status;

/// One account on its way into the CRM.
pub(super) struct Errand<'r> {
    pub(super) rest: &'r Inner,
    pub(super) now: Timestamp,
    pub(super) with: Value,
    pub(super) done: Vec<String>,
}

impl Errand<'_> {
    /// Makes the CRM's user what the state says. Gives the CRM's id of it, where there is one.
    pub(super) async fn tell(&mut self, state: &AccountState) -> Result<Option<String>, Failed> {
        let described = &self.rest.description;
        let is_active = state.account.status == Status::Active;
        if state.account.user_name.is_empty() && state.account.crm_id.is_none() {
            self.done.push("removed before the CRM knew them".to_owned());
            return Ok(None);
        }
        let Some((id, found)) = self.find().await? else {
            if !is_active {
                self.done.push("the CRM has no such user".to_owned());
                return Ok(None);
            }
            if let Some(id) = &state.account.crm_id {
                return Err(Failed::Refused(format!(
                    "find: the CRM no longer has the user {id} that this account was; look for it there"
                )));
            }
            let id = self.create().await?;
            self.name(&id, Value::Null);
            self.follow_roles().await?;
            return Ok(Some(id));
        };
        let may_enter = described.find.active.as_ref().is_none_or(|pointer| is_yes(found.pointer(pointer)));
        self.name(&id, found);
        self.done.push(format!("found {id}"));
        if is_active {
            if let (false, Some(activate)) = (may_enter, &described.activate) {
                self.run("activate", activate).await?;
            }
            self.run("update", &described.update).await?;
            self.follow_roles().await?;
            return Ok(Some(id));
        }
        match (state.account.status, &described.freeze) {
            (Status::Frozen | Status::Paused, Some(freeze)) => self.run("freeze", freeze).await?,
            _ => self.run("deactivate", &described.deactivate).await?,
        }
        self.follow_roles().await?;
        if let (Status::Removed, Some(erase)) = (state.account.status, &described.erase) {
            self.run("erase", erase).await?;
        }
        Ok(Some(id))
    }

    fn name(&mut self, id: &str, found: Value) {
        self.with = and(&and(&self.with, "crm_id", json!(id)), "found", found);
    }

    /// The user, by the CRM's id or by the name, as the description looks for it.
    pub(super) async fn find(&mut self) -> Result<Option<(String, Value)>, Failed> {
        let find = &self.rest.description.find;
        let Some(answer) = self.call("find", find).await?.answer("find")? else { return Ok(None) };
        let mut found = items("find", find, answer)?;
        let Some(one) = found.pop() else { return Ok(None) };
        if !found.is_empty() {
            return Err(Failed::Refused(format!(
                "find: the CRM has {} users that answer to this name; leave one",
                found.len() + 1
            )));
        }
        match text_at(&one, find.id.as_ref()) {
            Some(id) => Ok(Some((id, one))),
            None => Err(Failed::Refused("find.id: the CRM's user has no id there".to_owned())),
        }
    }

    async fn create(&mut self) -> Result<String, Failed> {
        let create = &self.rest.description.create;
        let answer = self.call("create", create).await?.answer("create")?;
        let answer = answer.ok_or_else(|| Failed::again("create: there is no such address"))?;
        // It may have been made: the next attempt looks for it.
        let id = text_at(&answer, create.id.as_ref())
            .ok_or_else(|| Failed::again("create.id: the answer holds no id there"))?;
        self.done.push(format!("created {id}"));
        Ok(id)
    }

    async fn run(&mut self, name: &'static str, operation: &Operation) -> Result<(), Failed> {
        match self.call(name, operation).await? {
            Read::Yes(_) | Read::Empty => {
                self.done.push(name.to_owned());
                Ok(())
            }
            Read::Absent => Err(Failed::Refused(format!("{name}: the CRM no longer has this user"))),
        }
    }

    async fn follow_roles(&mut self) -> Result<(), Failed> {
        let Some(set_roles) = &self.rest.description.set_roles else { return Ok(()) };
        if self.rest.roles.is_empty() {
            return Ok(());
        }
        if self.rest.description.roles.is_some() {
            let named = |with: &Value, key: &str| -> BTreeSet<String> {
                let list = with.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
                list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
            };
            let (held, others) = (named(&self.with, "roles"), named(&self.with, "other_roles"));
            let ids = self.role_ids(&held.union(&others).cloned().collect()).await?;
            let of = |names: &BTreeSet<String>| -> Vec<&Value> {
                names.iter().filter_map(|name| ids.get(name)).collect()
            };
            self.with = and(&self.with, "role_ids", json!(of(&held)));
            self.with = and(&self.with, "other_role_ids", json!(of(&others)));
        }
        self.run("set_roles", set_roles).await
    }

    /// The CRM's ids of these roles; one that it does not have is named.
    pub(super) async fn role_ids(
        &mut self,
        names: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Value>, Failed> {
        let Some(roles) = &self.rest.description.roles else { return Ok(BTreeMap::new()) };
        let answer = self.call("roles", roles).await?.answer("roles")?;
        let answer = answer.ok_or_else(|| Failed::again("roles: there is no such address"))?;
        let mut ids = BTreeMap::new();
        for item in items("roles", roles, answer)? {
            let id = roles.id.as_ref().and_then(|pointer| item.pointer(pointer)).cloned();
            if let (Some(name), Some(id)) = (text_at(&item, roles.name.as_ref()), id)
                && names.contains(&name)
                && ids.insert(name.clone(), id).is_some()
            {
                return Err(Failed::Refused(format!("roles: the CRM has several that are called {name:?}")));
            }
        }
        match names.iter().find(|name| !ids.contains_key(*name)) {
            Some(missing) => Err(Failed::Refused(format!(
                "roles: the CRM has none that is called {missing:?}; make it there, or mend [target.roles]"
            ))),
            None => Ok(ids),
        }
    }

    /// One operation; where the CRM no longer knows who asks, it is asked once more.
    pub(super) async fn call(&mut self, name: &str, operation: &Operation) -> Result<Read, Failed> {
        let (desk, asker, now) = (self.rest.desk(), &self.rest.asker, self.now);
        let (proof, session) = asker.proof(&desk, &self.with, now, None).await?;
        self.with = and(&self.with, "session", session);
        match desk.call(name, operation, &proof, &self.with, now).await {
            Err(Failed::NotSignedIn(_)) => {
                let (proof, session) = asker.proof(&desk, &self.with, now, Some(&proof)).await?;
                self.with = and(&self.with, "session", session);
                desk.call(name, operation, &proof, &self.with, now).await
            }
            other => other,
        }
    }
}
