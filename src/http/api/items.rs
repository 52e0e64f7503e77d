//! `/api/v1/items/…`: questions about one item.
//!
//! Invariant: changes nothing.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Deserializer};

use super::item_events::Assignee;
use crate::flows::Ports;
use crate::flows::reassign::{self, Preview};
use crate::http::Problem;
use crate::http::body::JsonBody;
use crate::http::caller::{TargetCaller, may};

/// Who is to be responsible.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    // Nobody must be said, and not forgotten.
    #[serde(deserialize_with = "told")]
    assignee: Option<Assignee>,
}

fn told<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Assignee>, D::Error> {
    Option::deserialize(d)
}

/// `POST /api/v1/items/{component}/{item}/reassign-preview`: who would lose and gain sight of the item.
pub(super) async fn reassign_preview(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::AskAccess>,
    Path((component, item)): Path<(String, String)>,
    JsonBody(Wanted { assignee }): JsonBody<Wanted>,
) -> Result<Json<Preview>, Problem> {
    let to = assignee.map(Into::into);
    Ok(Json(reassign::preview(&ports, &caller.target, (&component, &item), to).await?))
}
