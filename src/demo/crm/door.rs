//! The CRM's two addresses: the webhook and the page.
//!
//! Invariant: a message that is not signed with the key changes nothing.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{Book, Desk, Known, Told, page};
use crate::crm;

/// A message (`docs/webhook.schema.json`).
#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type")]
    kind: String,
    account: Told,
    version: i64,
    at: Timestamp,
}

/// `POST /hooks/portvakt`: how one account stands.
pub(super) async fn take(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Response {
    let judged = crm::verify(&desk.key, &headers, &body, desk.clock.now());
    let mut book = desk.book();
    if let Err(error) = judged {
        book.tally.refused += 1;
        return (StatusCode::UNAUTHORIZED, error.to_string()).into_response();
    }
    match serde_json::from_slice::<Message>(&body) {
        Ok(message) if message.kind == "account.state" => {
            let crm_id = book.keep(message);
            Json(json!({ "crm_id": crm_id })).into_response()
        }
        Ok(message) => {
            // A kind from a later version of Portvakt: not for us, and no reason to be sent again.
            book.tally.older += 1;
            (StatusCode::OK, format!("{} is nothing that this CRM needs", message.kind)).into_response()
        }
        Err(error) => {
            book.tally.refused += 1;
            (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response()
        }
    }
}

impl Book {
    /// Keeps the message if its version is higher than the one known; gives the CRM's own id of the account.
    fn keep(&mut self, message: Message) -> String {
        let known = self.accounts.get(&message.account.id);
        let crm_id =
            known.map_or_else(|| format!("bb-{}", self.accounts.len() + 1), |known| known.crm_id.clone());
        if known.is_some_and(|known| known.version >= message.version) {
            self.tally.older += 1;
            return crm_id;
        }
        self.tally.taken += 1;
        let known = Known {
            crm_id: crm_id.clone(),
            version: message.version,
            at: message.at,
            account: message.account,
        };
        self.accounts.insert(known.account.id.clone(), known);
        crm_id
    }
}

/// `GET /`: what the CRM was told.
pub(super) async fn show(State(desk): State<Arc<Desk>>) -> Html<String> {
    let (accounts, tally) = {
        let book = desk.book();
        (book.accounts.values().cloned().collect(), book.tally)
    };
    Html(page::accounts(accounts, tally))
}
