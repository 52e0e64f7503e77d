//! `/api/v1/changes` and `/api/v1/snapshot`: a CRM that asks rather than is told.
//!
//! Invariant: an account has the shape of the webhook's message, whichever way it is read.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;

use crate::flows::changes::{self, Cursor, Page, Stopped};
use crate::flows::{Ports, snapshot};
use crate::http::caller::{TargetCaller, may};
use crate::http::{House, Problem};

/// Accounts of a page, where nobody says how many.
const USUAL: usize = 500;
/// The most accounts of a page.
const MOST: usize = 5_000;
/// The longest that anybody may wait, in seconds.
const LONGEST: u64 = 50;

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    since: Option<String>,
    limit: Option<usize>,
    wait: Option<u64>,
}

impl From<Stopped> for Problem {
    fn from(stopped: Stopped) -> Self {
        let detail = stopped.to_string();
        match stopped {
            Stopped::NoCursor => Self::new(StatusCode::BAD_REQUEST, "cursor", detail),
            Stopped::Gone => Self::new(StatusCode::GONE, "cursor_gone", detail),
            Stopped::Refused(refusal) => refusal.into(),
        }
    }
}

/// `GET /api/v1/changes?since=&limit=&wait=`: what changed after a cursor, or since ever; `next` is the next cursor.
/// Where nothing has, `wait` seconds pass before that is said.
pub(super) async fn follow(
    State(house): State<House>,
    caller: TargetCaller<may::ReadChanges>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(wanted) = wanted?;
    let limit = wanted.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(wrong(format!("limit: write 1 to {MOST}, not {limit}")));
    }
    let wait = wanted.wait.unwrap_or_default();
    if wait > LONGEST {
        return Err(wrong(format!("wait: write 0 to {LONGEST} seconds, not {wait}")));
    }
    let since = wanted.since.as_deref().map(Cursor::parse).transpose()?;
    let wait = within(&house.ports, Duration::from_secs(wait));
    let is_ending = || house.readiness.is_ending();
    let page = changes::follow(&house.ports, &caller.target, since.as_ref(), limit, wait, is_ending).await?;
    Ok(Json(page))
}

/// As long as is wished, with two seconds left of the time in which an answer must be made.
fn within(ports: &Ports, wish: Duration) -> Duration {
    let answer = Duration::try_from(ports.settings.server.answer_within).unwrap_or_default();
    wish.min(answer.saturating_sub(Duration::from_secs(2)))
}

fn wrong(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "query", detail)
}

/// `GET /api/v1/snapshot`: how everybody stands, one line of JSON each; the last line signs what stands before it.
pub(super) async fn snapshot(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::ReadChanges>,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    let known: Vec<&HeaderValue> = asked.get_all(header::IF_NONE_MATCH).iter().collect();
    let is_known = |digest: &str| known.iter().any(|list| names(list, &tag(digest)));
    let (stamp, taken) = snapshot::take(&ports, &caller.act, &caller.target, is_known).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    // Both are plain letters and figures.
    for (name, value) in [(header::ETAG, &tag(&stamp.digest)), (REVISION, &stamp.revision)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    let Some(taken) = taken else { return Ok((StatusCode::NOT_MODIFIED, headers).into_response()) };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(taken.length));
    let pieces = stream::try_unfold(taken, |mut taken| async move {
        Ok::<_, std::io::Error>(taken.next().await?.map(|piece| (piece, taken)))
    });
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// The cursor from which changes go on.
const REVISION: header::HeaderName = header::HeaderName::from_static("x-portvakt-revision");

fn tag(digest: &str) -> String {
    format!("W/\"{digest}\"")
}

/// Whether a list of tags holds this one, compared weakly (RFC 9110 §8.8.3.2).
fn names(list: &HeaderValue, tag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let list = list.to_str().unwrap_or_default();
    list.trim() == "*" || list.split(',').any(|known| bare(known) == bare(tag))
}
