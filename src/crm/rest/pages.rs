//! Everybody in a described CRM, page by page.
//!
//! Invariant: a page that cannot be read ends the reading; where the CRM tells how many it has, so many must come.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Inner;
use super::call::{and, items, text_at};
use super::description::Operation;
use super::errand::Errand;
use crate::crm::failed::Failed;
use crate::crm::holding::{instant, is_yes, names};
use crate::crm::pages::Length;
use crate::domain::comparison::Holding;

/// How many people are asked for at a time, unless the description says otherwise.
const SIZE: usize = 100;

/// A reading that goes on.
#[derive(Debug)]
pub(crate) struct Pages {
    rest: Arc<Inner>,
    now: Timestamp,
    with: Value,
    length: Length,
    next: Value,
    is_over: bool,
    /// What the CRM calls its roles, by id; nothing until it was asked.
    role_names: Option<BTreeMap<String, String>>,
}

impl Pages {
    pub(super) fn new(rest: Arc<Inner>, now: Timestamp) -> Self {
        let with = rest.context(None, now);
        let (length, next) = (Length::default(), Value::Null);
        Self { rest, now, with, length, next, is_over: false, role_names: None }
    }

    /// The next people; none: that was all.
    pub(crate) async fn next(&mut self) -> Result<Vec<Holding>, Failed> {
        let rest = Arc::clone(&self.rest);
        let Some(list) = &rest.description.list else {
            return Err(Failed::Refused("the description has no [list]".to_owned()));
        };
        if self.is_over {
            return Ok(Vec::new());
        }
        let mut errand = Errand { rest: &rest, now: self.now, with: self.with.clone(), done: Vec::new() };
        if self.role_names.is_none() {
            self.role_names =
                Some(if list.roles.is_some() { errand.role_names().await? } else { BTreeMap::new() });
        }
        let size = list.size.unwrap_or(SIZE).max(1);
        let page = json!({ "offset": self.length.read(), "size": size, "next": self.next });
        errand.with = and(&errand.with, "page", page);
        // That there is no such address is no proof that there is nobody.
        let answer = errand.call("list", list).await?.answer("list")?;
        let answer = answer.ok_or_else(|| Failed::again("list: there is no such address"))?;
        self.with = errand.with;
        let mark = list.next.as_ref().and_then(|pointer| answer.pointer(pointer)).cloned();
        let total = total(list, &answer)?;
        let page = items("list", list, answer)?;
        let by_length = self.length.count(total, page.len());
        let by_length = by_length.map_err(|what| Failed::again(format!("list: {what}")))?;
        self.is_over = match (by_length, &list.next, &mark) {
            (Some(is_over), _, _) => is_over,
            (None, Some(_), None | Some(Value::Null)) => true,
            (None, Some(_), Some(mark)) if *mark == self.next => {
                return Err(Failed::again("list.next: the same page comes again"));
            }
            (None, Some(_), Some(_)) => page.is_empty(),
            (None, None, _) => page.len() < size,
        };
        self.next = mark.unwrap_or(Value::Null);
        page.iter().map(|item| self.holding(list, item)).collect()
    }

    fn holding(&self, list: &Operation, item: &Value) -> Result<Holding, Failed> {
        let text = |pointer: &Option<String>| text_at(item, pointer.as_ref());
        // A place that is not there is not told; null, false or an empty text in one that is there is nothing.
        let told = |pointer: &Option<String>| {
            pointer
                .as_ref()
                .filter(|pointer| item.pointer(pointer).is_some())
                .map(|_| text(pointer).unwrap_or_default())
        };
        let at =
            |pointer: &Option<String>| pointer.as_ref().and_then(|pointer| item.pointer(pointer)).cloned();
        let wrong = |key| move |what| Failed::Refused(format!("list.{key}: {what}"));
        let id =
            text(&list.id).ok_or_else(|| Failed::Refused("list.id: somebody has no id there".to_owned()))?;
        Ok(Holding {
            crm_id: id,
            account: text(&list.account),
            user_name: told(&list.name),
            display_name: told(&list.display_name),
            email: told(&list.email),
            active: at(&list.active).map(|value| is_yes(Some(&value))),
            roles: at(&list.roles)
                .map(|value| names(&value, |role| self.role(role)))
                .transpose()
                .map_err(wrong("roles"))?,
            last_login: at(&list.last_login)
                .map_or(Ok(None), |value| instant(&value))
                .map_err(wrong("last_login"))?,
        })
    }

    /// The name of a role that stands as a name or as an id. One that the CRM does not list itself keeps its id: it is
    /// none of ours.
    fn role(&self, role: &Value) -> Option<String> {
        let text = match role {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        let known = self.role_names.as_ref().and_then(|names| names.get(&text)).cloned();
        Some(known.unwrap_or(text))
    }
}

fn total(list: &Operation, answer: &Value) -> Result<Option<u64>, Failed> {
    let Some(pointer) = &list.total else { return Ok(None) };
    let total = answer.pointer(pointer).and_then(|total| match total {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    });
    total
        .map(Some)
        .ok_or_else(|| Failed::again(format!("list.total: no number stands at {pointer:?} of the answer")))
}

impl Errand<'_> {
    /// What the CRM calls its roles, by id.
    async fn role_names(&mut self) -> Result<BTreeMap<String, String>, Failed> {
        let rest = self.rest;
        let Some(roles) = &rest.description.roles else { return Ok(BTreeMap::new()) };
        let answer = self.call("roles", roles).await?.answer("roles")?;
        let answer = answer.ok_or_else(|| Failed::again("roles: there is no such address"))?;
        let listed = items("roles", roles, answer)?;
        let pair =
            |item: &Value| Some((text_at(item, roles.id.as_ref())?, text_at(item, roles.name.as_ref())?));
        Ok(listed.iter().filter_map(pair).collect())
    }
}
