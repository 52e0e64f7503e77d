//! OAuth 2.0 client credentials at a directory's token endpoint (RFC 6749).

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use portvakt::flows::directories;
use portvakt::flows::tokens::client::{self, NewSecret};
use portvakt::flows::tokens::{TokenKind, roster};
use portvakt::jobs;
use serde_json::Value;

use super::{USERS, entra, operator, seen};
use crate::engines::on_each_engine;
use crate::house::{Answer, TestHouse};

const TOKEN: &str = "/scim/v2/entra/token";
const FORM: &str = "application/x-www-form-urlencoded";

async fn new_client(house: &TestHouse, known: Option<&str>, hours: i64) -> NewSecret {
    let lifetime = SignedDuration::from_hours(hours);
    let made = client::create(&house.ports, &operator(house), &entra(), known, "entra", lifetime).await;
    made.expect("a client is made")
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

async fn ask(house: &TestHouse, path: &str, authorization: Option<&str>, kind: &str, form: &str) -> Answer {
    let mut request = Request::post(path).header(header::HOST, "127.0.0.1:8080");
    request = request.header(header::CONTENT_TYPE, kind);
    if let Some(value) = authorization {
        request = request.header(header::AUTHORIZATION, value);
    }
    house.answer(request.body(Body::from(form.to_owned())).expect("a sound request")).await
}

/// Asks in the body, as `client_secret_post` does.
async fn posted(house: &TestHouse, id: &str, secret: &str) -> Answer {
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    ask(house, TOKEN, None, FORM, &form).await
}

async fn access(house: &TestHouse, new: &NewSecret) -> String {
    let answer = posted(house, &new.client_id, &new.client_secret).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body["access_token"].as_str().expect("a token").to_owned()
}

async fn opens(house: &TestHouse, path: &str, token: &str) -> bool {
    let answer = house.send("GET", path, token, &Value::Null).await;
    assert!([StatusCode::OK, StatusCode::UNAUTHORIZED].contains(&answer.status), "{}", answer.status);
    answer.status == StatusCode::OK
}

#[tokio::test]
async fn a_client_gets_a_token_of_an_hour_by_header_or_by_form_for_its_own_directory() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let new = new_client(&house, None, 8_760).await;
        let header = basic(&new.client_id, &new.client_secret);
        let by_header =
            ask(&house, TOKEN, Some(&header), FORM, "grant_type=client_credentials&scope=x").await;
        let by_form = posted(&house, &new.client_id, &new.client_secret).await;
        for answer in [&by_header, &by_form] {
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            assert_eq!(
                (&answer.body["token_type"], &answer.body["expires_in"]),
                (&"Bearer".into(), &3600.into())
            );
            assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
            assert_eq!(answer.headers[header::PRAGMA], "no-cache");
            assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
            let token = answer.body["access_token"].as_str().unwrap();
            assert!(opens(&house, USERS, token).await);
            assert!(!opens(&house, "/scim/v2/okta/Users", token).await, "it opens its own directory alone");
            let api = house.send("GET", "/api/v1/accounts", token, &Value::Null).await;
            assert_eq!(api.status, StatusCode::UNAUTHORIZED);
        }
        assert_ne!(by_header.body["access_token"], by_form.body["access_token"]);
        let token = by_form.body["access_token"].as_str().unwrap();
        assert!(!opens(&house, USERS, &new.client_secret).await, "the secret itself opens nothing");
        house.clock.advance(SignedDuration::from_mins(59));
        assert!(opens(&house, USERS, token).await);
        house.clock.advance(SignedDuration::from_mins(1));
        assert!(!opens(&house, USERS, token).await);
        house.clock.advance(SignedDuration::from_hours(25));
        jobs::run_once(&house.ports, "housekeeping").await.unwrap();
        let rows = t.raw().await.pairs("SELECT kind, CAST(COUNT(*) AS TEXT) FROM token GROUP BY kind").await;
        assert_eq!(rows, [("client".to_owned(), "1".to_owned())], "ended access tokens are put away");
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_in_the_words_of_rfc_6749() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let new = new_client(&house, None, 8_760).await;
        let (id, secret) = (new.client_id.as_str(), new.client_secret.as_str());
        let good = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let header = basic(id, secret);
        let wrong = basic(id, "wrong");
        let grant = "grant_type=client_credentials";
        let long = format!("{good}&x={}", "x".repeat(9_000));
        let table: [(Option<&str>, &str, String, u16, &str); 13] = [
            (None, FORM, format!("client_id={id}&client_secret={secret}"), 400, "invalid_request"),
            (None, FORM, good.replace("client_credentials", "password"), 400, "unsupported_grant_type"),
            (None, FORM, format!("{good}&{grant}"), 400, "invalid_request"),
            (None, FORM, format!("{good}&client_secret=x"), 400, "invalid_request"),
            (Some(&header), FORM, good.clone(), 400, "invalid_request"),
            (None, "application/json", "{}".to_owned(), 400, "invalid_request"),
            (None, FORM, long, 413, "invalid_request"),
            (None, FORM, grant.to_owned(), 401, "invalid_client"),
            (None, FORM, format!("{grant}&client_id={id}&client_secret="), 401, "invalid_client"),
            (None, FORM, format!("{grant}&client_id={id}&client_secret=wrong"), 401, "invalid_client"),
            (None, FORM, format!("{grant}&client_id=nobody&client_secret={secret}"), 401, "invalid_client"),
            (Some(&wrong), FORM, grant.to_owned(), 401, "invalid_client"),
            (Some("Bearer x"), FORM, grant.to_owned(), 401, "invalid_client"),
        ];
        for (authorization, kind, form, status, code) in table {
            let answer = ask(&house, TOKEN, authorization, kind, &form).await;
            assert_eq!((answer.status.as_u16(), &answer.body["error"]), (status, &code.into()), "{form:.80}");
            assert_eq!(answer.headers.contains_key(header::WWW_AUTHENTICATE), status == 401, "{form:.80}");
            assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
            assert!(!answer.body.to_string().contains(secret), "no answer repeats a secret");
        }
        for path in ["/scim/v2/okta/token", "/scim/v2/nowhere/token"] {
            let answer = ask(&house, path, None, FORM, &good).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        }
        let looked = house.send("GET", TOKEN, "", &Value::Null).await;
        assert_eq!(looked.status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(ask(&house, TOKEN, Some(&header), FORM, grant).await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn a_secret_is_replaced_without_a_gap_and_takes_its_access_tokens_along() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let old = new_client(&house, None, 8_760).await;
        let new = new_client(&house, Some(&old.client_id), 8_760).await;
        let other = new_client(&house, None, 8_760).await;
        assert_eq!(old.client_id, new.client_id);
        let tokens = [access(&house, &old).await, access(&house, &new).await, access(&house, &other).await];
        let act = operator(&house);
        let revoke =
            async |which: &str| roster::revoke(&house.ports, &act, TokenKind::Client, "entra", which).await;
        let are_open = async || {
            let mut open = Vec::new();
            for token in &tokens {
                open.push(opens(&house, USERS, token).await);
            }
            open
        };
        assert_eq!(are_open().await, [true, true, true]);
        assert_eq!(revoke(&old.id.to_string()).await.unwrap().ids, [old.id]);
        assert_eq!(are_open().await, [false, true, true]);
        assert_eq!(posted(&house, &old.client_id, &old.client_secret).await.status, StatusCode::UNAUTHORIZED);
        access(&house, &new).await;
        assert_eq!(revoke(&new.client_id).await.unwrap().ids, [new.id], "by its id the whole client goes");
        assert_eq!(are_open().await, [false, false, true]);
        assert!(revoke("pvc_nobody").await.is_err());
    })
    .await;
}

#[tokio::test]
async fn an_access_token_ends_with_the_secret_it_was_issued_for() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let new = new_client(&house, None, 2).await;
        house.clock.advance(SignedDuration::from_mins(90));
        let answer = posted(&house, &new.client_id, &new.client_secret).await;
        assert_eq!(answer.body["expires_in"], 1800);
        house.clock.advance(SignedDuration::from_mins(30));
        assert!(!opens(&house, USERS, answer.body["access_token"].as_str().unwrap()).await);
        let late = posted(&house, &new.client_id, &new.client_secret).await;
        assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn guessing_is_slowed_down_and_does_not_lock_the_provider_out() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let (used, fresh) = (new_client(&house, None, 8_760).await, new_client(&house, None, 8_760).await);
        access(&house, &used).await;
        for new in [&used, &fresh] {
            for _ in 0..10 {
                let answer = posted(&house, &new.client_id, "guess").await;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            }
            let answer = posted(&house, &new.client_id, "guess").await;
            assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(answer.headers[header::RETRY_AFTER], "60");
        }
        access(&house, &used).await;
        let waiting = posted(&house, &fresh.client_id, &fresh.client_secret).await;
        assert_eq!(waiting.status, StatusCode::TOO_MANY_REQUESTS, "it was never right before");
        house.clock.advance(SignedDuration::from_mins(1));
        access(&house, &fresh).await;
        let standing = seen(&house).await;
        assert_eq!(standing.last_denied_why.as_deref(), Some("wrong_secret"));
    })
    .await;
}

#[tokio::test]
async fn a_paused_directory_gives_no_access_tokens() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let new = new_client(&house, None, 8_760).await;
        let token = access(&house, &new).await;
        directories::pause(&house.ports, &operator(&house), &entra(), "flytt").await.unwrap();
        let answer = posted(&house, &new.client_id, &new.client_secret).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers[header::RETRY_AFTER], "300");
        assert_eq!(answer.body["error"], "temporarily_unavailable");
        assert_eq!(posted(&house, &new.client_id, "wrong").await.status, StatusCode::UNAUTHORIZED);
        let read = house.send("GET", USERS, &token, &Value::Null).await;
        assert_eq!(read.status, StatusCode::SERVICE_UNAVAILABLE);
        directories::resume(&house.ports, &operator(&house), &entra()).await.unwrap();
        assert!(opens(&house, USERS, &token).await);
    })
    .await;
}

#[tokio::test]
async fn no_secret_stands_anywhere_in_the_database() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let new = new_client(&house, None, 8_760).await;
        let secrets = [access(&house, &new).await, house.directory_token("entra").await, new.client_secret];
        let mut raw = t.raw().await;
        let mut told = raw
            .pairs("SELECT name || created_by || COALESCE(client_id, ''), kind || owner || scopes FROM token")
            .await;
        told.extend(raw.pairs("SELECT action || cause, COALESCE(CAST(after AS TEXT), '') FROM audit").await);
        let hashes = match t.file() {
            Some(_) => "SELECT lower(hex(hash)), kind FROM token",
            None => "SELECT encode(hash, 'hex'), kind FROM token",
        };
        told.extend(raw.pairs(hashes).await);
        assert!(told.len() >= 8, "{told:?}");
        for secret in &secrets {
            let in_hex: Vec<String> = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            let in_hex = in_hex.concat();
            for hidden in [secret.as_str(), in_hex.as_str()] {
                assert!(told.iter().all(|(a, b)| !a.contains(hidden) && !b.contains(hidden)), "{told:?}");
            }
        }
        let config =
            house.send("GET", "/scim/v2/entra/ServiceProviderConfig", &secrets[0], &Value::Null).await;
        let kinds: Vec<&str> = config.body["authenticationSchemes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|scheme| scheme["type"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["oauthbearertoken", "oauth2"]);
    })
    .await;
}
