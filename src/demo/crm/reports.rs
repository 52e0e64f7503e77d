//! What the CRM tells Portvakt: who signed in there, and what happened to items.
//!
//! Invariant: over the public APIs, with the target's token, as any CRM would.

use jiff::Timestamp;
use reqwest::header::AUTHORIZATION;
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::super::association::{Assignee, Association, ItemEvent, PersonNo};
use super::super::error::DemoError;
use super::super::loopback;
use super::PracticeCrm;

/// Tells Portvakt what happens in the CRM.
#[derive(Debug)]
pub struct Reporter {
    client: Client,
    base: String,
    token: SecretString,
    crm: PracticeCrm,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported {
    /// Rows that Portvakt took to heart: a later sign-in, a changed item.
    pub effective: usize,
    /// Rows that changed nothing because everything was so already.
    pub without_effect: usize,
    /// Rows that it could not use.
    pub refused: usize,
}

impl Reporter {
    /// Reports of `crm` to Portvakt at `base`, with the target's token.
    ///
    /// # Errors
    ///
    /// [`DemoError::Client`] when no HTTP client can be made.
    pub fn new(crm: PracticeCrm, base: &str, token: SecretString) -> Result<Self, DemoError> {
        let client = loopback::client("Bjorkbacken-CRM-practice/1.0")?;
        Ok(Self { client, base: base.trim_end_matches('/').to_owned(), token, crm })
    }

    /// `POST /api/v1/sign-ins`: who signed in at the CRM, and when. An empty list says that nobody did.
    ///
    /// # Errors
    ///
    /// [`DemoError`] when Portvakt does not take the list.
    pub async fn sign_ins(
        &self,
        association: &Association,
        rows: &[(PersonNo, Timestamp)],
    ) -> Result<Reported, DemoError> {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(person, at)| json!({ "account": self.name(association, *person), "at": at.to_string() }))
            .collect();
        self.send("/api/v1/sign-ins", &Value::Array(rows)).await
    }

    /// `POST /api/v1/item-events`: what happened to items.
    ///
    /// # Errors
    ///
    /// [`DemoError`] when Portvakt does not take the list.
    pub async fn items(
        &self,
        association: &Association,
        events: &[(ItemEvent, Timestamp)],
    ) -> Result<Reported, DemoError> {
        let events: Vec<Value> =
            events.iter().map(|(event, at)| self.event(association, event, *at)).collect();
        self.send("/api/v1/item-events", &Value::Array(events)).await
    }

    /// How the CRM calls the person: by its own id once Portvakt has told it of the account, else by sign-in name.
    fn name(&self, association: &Association, person: PersonNo) -> String {
        let user_name = association.person(person).map_or("", |person| person.user_name.as_str());
        self.crm.known(user_name).map_or_else(|| user_name.to_owned(), |known| known.account.id)
    }

    fn event(&self, association: &Association, event: &ItemEvent, at: Timestamp) -> Value {
        let name = |person: &PersonNo| self.name(association, *person);
        match event {
            ItemEvent::Created { component, item, by, project } => {
                let mut told = json!({
                    "event": "created", "component": component, "item": item, "by": name(by), "at": at.to_string(),
                });
                if let (Some(project), Some(fields)) = (project, told.as_object_mut()) {
                    fields.insert("project".to_owned(), json!(project));
                }
                told
            }
            ItemEvent::Assigned { component, item, to } => {
                let assignee = match to {
                    Some(Assignee::Person(person)) => json!({ "account": name(person) }),
                    Some(Assignee::Role(role)) => json!({ "role": role }),
                    None => Value::Null,
                };
                json!({
                    "event": "assigned", "component": component, "item": item, "assignee": assignee,
                    "at": at.to_string(),
                })
            }
            ItemEvent::Participants { component, item, people } => json!({
                "event": "participants", "component": component, "item": item,
                "participants": people.iter().map(name).collect::<Vec<_>>(), "at": at.to_string(),
            }),
        }
    }

    async fn send(&self, path: &str, rows: &Value) -> Result<Reported, DemoError> {
        let lost = |error: reqwest::Error| DemoError::Unreachable {
            method: "POST".to_owned(),
            path: path.to_owned(),
            reason: error.without_url().to_string(),
        };
        let bearer = format!("Bearer {}", self.token.expose_secret());
        let request = self.client.post(format!("{}{path}", self.base)).header(AUTHORIZATION, bearer);
        let response = request.json(rows).send().await.map_err(lost)?;
        let status = response.status();
        let text = response.text().await.map_err(lost)?;
        let unusable = || DemoError::answer("POST", path, status.as_u16(), &text);
        if status != StatusCode::OK {
            return Err(unusable());
        }
        let answer: Value = serde_json::from_str(&text).map_err(|_| unusable())?;
        let results = answer.get("results").and_then(Value::as_array).ok_or_else(unusable)?;
        let mut reported = Reported { effective: 0, without_effect: 0, refused: 0 };
        for result in results {
            match result.get("result").and_then(Value::as_str) {
                Some("recorded" | "changed") => reported.effective += 1,
                Some("older" | "unchanged") => reported.without_effect += 1,
                _ => reported.refused += 1,
            }
        }
        Ok(reported)
    }
}
