//! The token endpoint: a code for a signed ID token.
//!
//! Invariant: the client shows its secret in the header, and a code is good once, for the address and the PKCE
//! challenge that it was asked for with.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use openidconnect::url::form_urlencoded;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};
use subtle::ConstantTimeEq as _;

use super::super::association::{Home, TENANT};
use super::super::chance;
use super::ledger::Granted;
use super::{House, Listed};

/// How long an ID token is good for, in seconds.
const LIFETIME: i64 = 3600;

/// `POST …/token` (OpenID Connect Core §3.1.3).
pub(super) async fn token(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    match exchange(&house, &headers, &form) {
        Ok(tokens) => ([(header::CACHE_CONTROL, "no-store")], Json(tokens)).into_response(),
        Err((status, error, description)) => {
            (status, Json(json!({ "error": error, "error_description": description }))).into_response()
        }
    }
}

type No = (StatusCode, &'static str, &'static str);

fn exchange(house: &House, headers: &HeaderMap, form: &HashMap<String, String>) -> Result<Value, No> {
    if !is_our_client(house, headers) {
        return Err((StatusCode::UNAUTHORIZED, "invalid_client", "unknown client or wrong secret"));
    }
    let text = |name: &str| form.get(name).map(String::as_str);
    if text("grant_type") != Some("authorization_code") {
        return Err((StatusCode::BAD_REQUEST, "unsupported_grant_type", "only authorization_code"));
    }
    let no = |description| (StatusCode::BAD_REQUEST, "invalid_grant", description);
    let granted = text("code").and_then(|code| house.ledger().redeem(code, house.clock.now()));
    let granted = granted.ok_or(no("the code is unknown, used or too old"))?;
    if text("redirect_uri") != Some(&house.client.redirect_uri) {
        return Err(no("the code was given for another address"));
    }
    let shown = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(text("code_verifier").unwrap_or_default()));
    if !bool::from(shown.as_bytes().ct_eq(granted.asked.challenge.as_bytes())) {
        return Err(no("the code was asked for by somebody else"));
    }
    let person = house.people().get(&granted.person).cloned();
    let person = person.ok_or(no("the person is not in the directory any more"))?;
    let broken = |_| (StatusCode::INTERNAL_SERVER_ERROR, "server_error", "the token cannot be made");
    let access_token = chance::text().map_err(broken)?;
    let id_token = house.key.sign(&claims(house, &granted, &person, &access_token)).map_err(broken)?;
    Ok(json!({
        "access_token": access_token, "id_token": id_token, "token_type": "Bearer", "expires_in": LIFETIME,
    }))
}

/// `client_secret_basic`: each half is form-encoded before the pair is base64 (RFC 6749 §2.3.1).
fn is_our_client(house: &House, headers: &HeaderMap) -> bool {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let pair = shown
        .and_then(|shown| shown.strip_prefix("Basic "))
        .and_then(|text| BASE64_STANDARD.decode(text).ok());
    let Some(pair) = pair.and_then(|bytes| String::from_utf8(bytes).ok()) else { return false };
    let Some((id, secret)) = pair.split_once(':') else { return false };
    let plain = |half: &str| {
        form_urlencoded::parse(half.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
    };
    let is_secret = plain(secret).as_bytes().ct_eq(house.client.secret.expose_secret().as_bytes());
    plain(id) == house.client.id && bool::from(is_secret)
}

/// The claims, with the habits of the provider that it is like.
fn claims(house: &House, granted: &Granted, person: &Listed, access_token: &str) -> Value {
    let now = house.clock.now().as_second();
    let signed_in = granted.at.as_second();
    let mut claims = match house.home {
        Home::Entra => json!({
            "iss": house.issuer(), "aud": house.client.id, "iat": now, "nbf": now, "exp": now + LIFETIME,
            "nonce": granted.asked.nonce, "sub": pairwise(&person.id, &house.client.id), "oid": person.id,
            "tid": TENANT, "name": person.name, "preferred_username": person.user_name,
            "email": person.user_name, "ver": "2.0",
        }),
        Home::Okta => json!({
            "iss": house.issuer(), "aud": house.client.id, "iat": now, "exp": now + LIFETIME,
            "nonce": granted.asked.nonce, "sub": person.id, "name": person.name,
            "preferred_username": person.user_name, "email": person.user_name, "email_verified": true,
            "locale": person.locale, "auth_time": signed_in, "amr": ["pwd"], "ver": 1,
            "at_hash": at_hash(access_token),
        }),
    };
    // Entra tells it only where it is asked for; everybody clicks anew, so it is always now.
    if granted.asked.has_age
        && let Some(claims) = claims.as_object_mut()
    {
        claims.insert("auth_time".to_owned(), signed_in.into());
    }
    claims
}

/// Entra's `sub` is another one for every client.
fn pairwise(id: &str, client: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{id} {client}")))
}

/// The left half of the hash that goes with `EdDSA` on Ed25519: SHA-512 (OpenID Connect Core §3.1.3.6).
fn at_hash(access_token: &str) -> String {
    let hash = Sha512::digest(access_token);
    BASE64_URL_SAFE_NO_PAD.encode(hash.get(..32).unwrap_or_default())
}
