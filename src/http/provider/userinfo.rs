//! `/oauth2/userinfo`: what a client may know of the person whose access token it has.
//!
//! Invariant: the token comes in the header, or in the form of a POST; never in the address.

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use secrecy::SecretString;
use serde_json::Value;

use super::super::House;
use super::super::caller::bearer_of;
use super::{Pairs, answer, cors};
use crate::flows::provider::{self, Parameters};

/// `GET /oauth2/userinfo`.
pub(super) async fn userinfo(State(house): State<House>, headers: HeaderMap) -> Response {
    let token = bearer_of(&headers).map(SecretString::from);
    told(&house, &headers, token).await
}

/// `POST /oauth2/userinfo` (OpenID Connect Core §5.3.1, RFC 6750 §2.2).
pub(super) async fn by_form(
    State(house): State<House>,
    headers: HeaderMap,
    form: Result<Form<Pairs>, FormRejection>,
) -> Response {
    let form = Parameters::new(form.map(|Form(pairs)| pairs).unwrap_or_default());
    let in_form = form.one("access_token").ok().flatten();
    let token = bearer_of(&headers).or(in_form).map(SecretString::from);
    told(&house, &headers, token).await
}

async fn told(house: &House, headers: &HeaderMap, token: Option<SecretString>) -> Response {
    let found = match &token {
        Some(token) => provider::userinfo(&house.ports, token).await,
        None => Ok(None),
    };
    let response = match found {
        Ok(Some(claims)) => answer::json(StatusCode::OK, &Value::Object(claims)),
        Ok(None) => answer::invalid_token(token.is_some()),
        Err(refusal) => answer::failed(refusal),
    };
    cors::open(house, headers, response)
}
