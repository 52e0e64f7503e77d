//! The browser's side: the request, the login page, the way back, signing out.
//!
//! Invariant: a browser is sent only to the registered addresses; a request without PKCE (S256) or nonce gets no page.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use reqwest::Url;
use serde::Deserialize;

use super::super::chance;
use super::House;
use super::ledger::{Asked, Granted};
use super::page::{self, Words};

type Parameters = HashMap<String, String>;

/// `GET …/authorize` (OpenID Connect Core §3.1.2.1).
pub(super) async fn authorize(
    State(house): State<Arc<House>>,
    Query(asked): Query<Parameters>,
    headers: HeaderMap,
) -> Response {
    let words = words(&asked, &headers);
    let text = |name: &str| asked.get(name).map(String::as_str);
    if text("client_id") != Some(&house.client.id) {
        return refuse(words, words.unknown_client);
    }
    if text("redirect_uri") != Some(&house.client.redirect_uri) {
        return refuse(words, words.unknown_address);
    }
    let state = text("state").map(str::to_owned);
    let read = match read(&house, &asked, state.clone()) {
        Ok(read) => read,
        Err((error, description)) => {
            let mut answer = vec![("error", error), ("error_description", description)];
            answer.extend(state.as_deref().map(|state| ("state", state)));
            return back(&house, &answer);
        }
    };
    let Ok(key) = chance::text() else { return refuse(words, words.no_chance) };
    house.ledger().ask(key.clone(), read);
    let people: Vec<_> = house.people().values().cloned().collect();
    let page = page::login(
        words,
        &page::Login { home: house.home, request: &key, hint: text("login_hint") },
        people,
    );
    Html(page).into_response()
}

/// What was asked for, or the error and description to send back.
fn read(
    house: &House,
    asked: &Parameters,
    state: Option<String>,
) -> Result<Asked, (&'static str, &'static str)> {
    let text = |name: &str| asked.get(name).map(String::as_str);
    if text("response_type") != Some("code") {
        return Err(("unsupported_response_type", "only the code flow is offered"));
    }
    if !text("scope").unwrap_or_default().split(' ').any(|scope| scope == "openid") {
        return Err(("invalid_scope", "openid is missing"));
    }
    if text("prompt") == Some("none") {
        return Err(("login_required", "somebody must click"));
    }
    // A SHA-256 in base64url is 43 characters long.
    let challenge = text("code_challenge").filter(|challenge| challenge.len() == 43);
    let (Some("S256"), Some(challenge)) = (text("code_challenge_method"), challenge) else {
        return Err(("invalid_request", "PKCE with S256 is required"));
    };
    let Some(nonce) = text("nonce").filter(|nonce| !nonce.is_empty()) else {
        return Err(("invalid_request", "a nonce is required"));
    };
    Ok(Asked {
        state,
        nonce: nonce.to_owned(),
        challenge: challenge.to_owned(),
        has_age: text("max_age").is_some(),
        at: house.clock.now(),
    })
}

/// What the login page sends.
#[derive(Deserialize)]
pub(super) struct Clicked {
    request: String,
    person: String,
}

/// `POST …/sign-in`: somebody was clicked.
pub(super) async fn sign_in(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Form(clicked): Form<Clicked>,
) -> Response {
    let words = words(&Parameters::new(), &headers);
    let now = house.clock.now();
    let Some(asked) = house.ledger().answer(&clicked.request, now) else {
        return refuse(words, words.too_late);
    };
    if !house.people().contains_key(&clicked.person) {
        return refuse(words, words.unknown_person);
    }
    let Ok(code) = chance::text() else { return refuse(words, words.no_chance) };
    let state = asked.state.clone();
    house.ledger().grant(code.clone(), Granted { person: clicked.person, asked, at: now });
    let mut answer = vec![("code", code.as_str())];
    answer.extend(state.as_deref().map(|state| ("state", state)));
    back(&house, &answer)
}

/// `GET …/logout` (OpenID Connect RP-Initiated Logout §2). There is no session to end here: everybody clicks anew.
pub(super) async fn end_session(
    State(house): State<Arc<House>>,
    Query(asked): Query<Parameters>,
    headers: HeaderMap,
) -> Response {
    let words = words(&asked, &headers);
    let Some(wanted) = asked.get("post_logout_redirect_uri") else {
        return Html(page::message(words, words.signed_out, words.close)).into_response();
    };
    if *wanted != house.client.post_logout_redirect_uri {
        return refuse(words, words.unknown_address);
    }
    let state: Vec<_> = asked.get("state").map(|state| ("state", state.as_str())).into_iter().collect();
    redirect(wanted, &state)
}

/// Sends the browser back to Portvakt, with the issuer (RFC 9207 §2).
fn back(house: &House, answer: &[(&str, &str)]) -> Response {
    let issuer = house.issuer();
    let mut answer = answer.to_vec();
    answer.push(("iss", &issuer));
    redirect(&house.client.redirect_uri, &answer)
}

fn redirect(to: &str, answer: &[(&str, &str)]) -> Response {
    match Url::parse(to) {
        Ok(mut url) => {
            if !answer.is_empty() {
                url.query_pairs_mut().extend_pairs(answer);
            }
            Redirect::to(url.as_str()).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn refuse(words: &Words, sentence: &str) -> Response {
    (StatusCode::BAD_REQUEST, Html(page::message(words, sentence, ""))).into_response()
}

/// Swedish, unless Portvakt or the browser asks for English first.
fn words(asked: &Parameters, headers: &HeaderMap) -> &'static Words {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let wanted = asked.get("ui_locales").map(String::as_str).or(accepted).unwrap_or_default();
    if wanted.starts_with("en") { &page::ENGLISH } else { &page::SWEDISH }
}
