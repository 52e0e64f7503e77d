//! One account on its way into the CRM's tables, within one transaction.
//!
//! Invariant: looked for before it is made; a version that the CRM has is never overwritten by an older one; a statement
//! that is for one person and touches none, or several, undoes everything.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Inner;
use super::lane::{Lane, Row};
use super::values::Values;
use crate::crm::AccountState;
use crate::crm::failed::Failed;
use crate::crm::holding::is_yes;
use crate::domain::account::Status;

/// The most rows that a statement for one person may give.
const FEW: usize = 1000;

/// The CRM's user, as `find` reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) id: String,
    /// Whether it may sign in, where the statement says so.
    pub(super) active: Option<bool>,
    /// What it was last told, where the statement says so.
    pub(super) version: Option<i64>,
}

/// One account on its way into the CRM.
pub(super) struct Errand<'s> {
    pub(super) sql: &'s Inner,
    pub(super) lane: &'s mut Lane,
    pub(super) values: Values,
    pub(super) done: Vec<String>,
}

impl Errand<'_> {
    /// Makes the CRM's user what the state says. Gives the CRM's id of it, where there is one.
    pub(super) async fn tell(&mut self, state: &AccountState) -> Result<Option<String>, Failed> {
        let is_active = state.account.status == Status::Active;
        if state.account.user_name.is_empty() && state.account.crm_id.is_none() {
            self.done.push("removed before the CRM knew them".to_owned());
            return Ok(None);
        }
        let Some(found) = self.find().await? else {
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
            self.follow_roles().await?;
            return Ok(Some(id));
        };
        self.done.push(format!("found {}", found.id));
        if let Some(version) = found.version.filter(|version| *version > state.version) {
            self.done.push(format!("it has version {version} already, which is newer"));
            return Ok(Some(found.id));
        }
        self.values.text("crm_id", found.id.clone());
        let operation = match state.account.status {
            Status::Active => "update",
            Status::Frozen | Status::Paused if self.has("freeze") => "freeze",
            Status::Invited | Status::Frozen | Status::Paused | Status::Deactivated | Status::Removed => {
                "deactivate"
            }
        };
        self.change(operation).await?;
        self.follow_roles().await?;
        if state.account.status == Status::Removed && self.has("erase") {
            self.change("erase").await?;
        }
        Ok(Some(found.id))
    }

    pub(super) fn has(&self, operation: &str) -> bool {
        self.sql.description.statements(operation).is_some()
    }

    /// The user, by the CRM's id or by the name, as the description looks for it.
    pub(super) async fn find(&mut self) -> Result<Option<Found>, Failed> {
        let (mut rows, _) = self.run("find").await?;
        let Some(row) = rows.pop() else { return Ok(None) };
        if !rows.is_empty() {
            return Err(Failed::Refused(format!(
                "find: the CRM has {} users that answer to this name; leave one",
                rows.len() + 1
            )));
        }
        let id = text_of(&row, "id").ok_or_else(|| Failed::Refused(lacks("find", "id")))?;
        let version =
            match row.get("version") {
                None | Some(Value::Null) => None,
                Some(value) => Some(value.as_i64().ok_or_else(|| {
                    Failed::Refused("find: the column version is no whole number".to_owned())
                })?),
            };
        Ok(Some(Found { id, active: row.get("active").map(|value| is_yes(Some(value))), version }))
    }

    pub(super) async fn create(&mut self) -> Result<String, Failed> {
        let (rows, _) = self.run("create").await?;
        let id = rows.last().and_then(|row| text_of(row, "id"));
        let id = id.ok_or_else(|| Failed::Refused(lacks("create", "id")))?;
        self.values.text("crm_id", id.clone());
        self.done.push(format!("created {id}"));
        Ok(id)
    }

    /// An operation whose first statement is for one person.
    pub(super) async fn change(&mut self, operation: &'static str) -> Result<(), Failed> {
        let (_, touched) = self.run(operation).await?;
        if touched != 1 {
            return Err(Failed::Refused(format!(
                "{operation}: its first statement must touch one row, and would touch {touched}; nothing was changed"
            )));
        }
        self.done.push(operation.to_owned());
        Ok(())
    }

    pub(super) async fn follow_roles(&mut self) -> Result<(), Failed> {
        if self.sql.roles.is_empty() || !self.has("set_roles") {
            return Ok(());
        }
        self.know_roles().await?;
        self.run("set_roles").await?;
        self.done.push("set_roles".to_owned());
        Ok(())
    }

    /// Whether the CRM has every role of the settings; one that it does not have is named. Gives how many.
    pub(super) async fn know_roles(&mut self) -> Result<usize, Failed> {
        let wanted: BTreeSet<&String> = self.sql.roles.values().collect();
        if !self.has("roles") {
            return Ok(wanted.len());
        }
        let (rows, _) = self.run("roles").await?;
        let mut known = BTreeSet::new();
        for row in &rows {
            known.insert(text_of(row, "name").ok_or_else(|| Failed::Refused(lacks("roles", "name")))?);
        }
        match wanted.iter().find(|name| !known.contains(**name)) {
            Some(missing) => Err(Failed::Refused(format!(
                "roles: the CRM has none that is called {missing:?}; make it there, or mend [target.roles]"
            ))),
            None => Ok(wanted.len()),
        }
    }

    /// Runs an operation. Gives the rows of its last statement that gave any, and how many its first one touched.
    async fn run(&mut self, operation: &'static str) -> Result<(Vec<Row>, u64), Failed> {
        let sql = self.sql;
        let statements = sql.description.statements(operation).unwrap_or_default();
        let (mut rows, mut touched) = (Vec::new(), None);
        for statement in statements {
            let answer = self.lane.run(operation, statement, &self.values, FEW).await?;
            touched.get_or_insert(answer.touched);
            if !answer.rows.is_empty() {
                rows = answer.rows;
            }
        }
        Ok((rows, touched.unwrap_or(0)))
    }
}

/// A column that an operation must give and does not.
pub(super) fn lacks(operation: &str, column: &str) -> String {
    format!("{operation}: it gives no column {column}, or nothing in it; write SELECT … AS {column}")
}

/// A text as it is, a number in digits.
pub(super) fn text_of(row: &Row, column: &str) -> Option<String> {
    match row.get(column)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
