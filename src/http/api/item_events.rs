//! `/api/v1/item-events`: what happens to the CRM's items, as far as access depends on it.
//!
//! Invariant: each event has its own answer, in order; a bad event stops nothing but itself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::at_most;
use crate::domain::links::EventKind;
use crate::flows::Ports;
use crate::flows::item_events::{self, Followed, Named, News, Refused, Told};
use crate::http::Problem;
use crate::http::body::JsonBody;
use crate::http::caller::{TargetCaller, may};

/// The most events of one request.
const MOST: usize = 1_000;

/// One event, as the CRM writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(alias = "event_id")]
    id: Option<String>,
    event: String,
    component: String,
    item: String,
    by: Option<String>,
    project: Option<String>,
    #[serde(default)]
    assignee: Assignment,
    participants: Option<Vec<String>>,
    at: Option<Timestamp>,
}

/// The member `assignee`.
#[derive(Debug, Default)]
enum Assignment {
    /// It is absent: nothing is told.
    #[default]
    NotTold,
    /// It is `null`: nobody is responsible.
    Nobody,
    /// It names somebody.
    To(Assignee),
}

/// Who is responsible, as a CRM writes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Assignee {
    Account(String),
    Role(String),
}

impl From<Assignee> for Named {
    fn from(assignee: Assignee) -> Self {
        match assignee {
            Assignee::Account(text) => Self::Account(text),
            Assignee::Role(text) => Self::Role(text),
        }
    }
}

impl<'de> Deserialize<'de> for Assignment {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(d)?.map_or(Self::Nobody, Self::To))
    }
}

/// What became of the batch.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    results: Vec<Outcome>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
enum Outcome {
    /// Something is otherwise now.
    Changed(Followed),
    /// Everything was so already.
    Unchanged(Followed),
    /// Something newer was told before, and stands.
    Older(Followed),
    /// The event was followed before, under its id.
    Repeated(Followed),
    /// Nothing was done.
    Refused(Refused),
}

/// `POST /api/v1/item-events`: a list of events, at most 1,000, followed in order.
pub(super) async fn report(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::WriteItems>,
    JsonBody(events): JsonBody<Vec<Value>>,
) -> Result<Json<Report>, Problem> {
    at_most(events.len(), MOST)?;
    let events = events.into_iter().map(read).collect();
    let answers = item_events::follow(&ports, &caller.act, &caller.target, events).await?;
    Ok(Json(Report { results: answers.into_iter().map(outcome).collect() }))
}

fn outcome(answer: Result<Followed, Refused>) -> Outcome {
    match answer {
        Ok(followed) => match followed.news {
            News::Older => Outcome::Older(followed),
            News::Repeated => Outcome::Repeated(followed),
            News::Fresh if followed.is_empty() => Outcome::Unchanged(followed),
            News::Fresh => Outcome::Changed(followed),
        },
        Err(refused) => Outcome::Refused(refused),
    }
}

fn read(event: Value) -> Result<Told, Refused> {
    let row: Row = serde_path_to_error::deserialize(event).map_err(|error| {
        Refused::new(
            "invalid",
            match error.path().to_string().as_str() {
                "." => error.inner().to_string(),
                path => format!("{path}: {}", error.inner()),
            },
        )
    })?;
    let kind = EventKind::from_name(&row.event).ok_or_else(|| {
        let known: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
        let detail = format!("event: {:?} is none; the events are {}", row.event, known.join(", "));
        Refused::new("unknown_event", detail)
    })?;
    let assignee = match row.assignee {
        Assignment::NotTold => None,
        Assignment::Nobody => Some(None),
        Assignment::To(assignee) => Some(Some(assignee.into())),
    };
    Ok(Told {
        id: row.id,
        kind,
        component: row.component,
        item: row.item,
        by: row.by,
        project: row.project,
        assignee,
        participants: row.participants,
        at: row.at,
    })
}
