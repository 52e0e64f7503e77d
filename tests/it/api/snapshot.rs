//! The snapshot: whole, signed, and good enough to answer from.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::association::{Association, MORNING};
use crate::engines::on_each_engine;
use crate::house::{Answer, at};

const SNAPSHOT: &str = "/api/v1/snapshot";

async fn take(house: &Association) -> (Answer, Vec<Value>) {
    let answer = house.crm(Method::GET, SNAPSHOT, Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let text = answer.body.as_str().expect("lines").to_owned();
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    (answer, lines)
}

/// The claims of the signature, where one of the published keys has made it.
async fn verified(house: &Association, jws: &str) -> Value {
    let keys = house.send("GET", "/oauth2/jwks", "", &Value::Null).await.body;
    let (signed, signature) = jws.rsplit_once('.').expect("three parts");
    let (head, claims) = signed.split_once('.').expect("three parts");
    let read = |part: &str| URL_SAFE_NO_PAD.decode(part).expect("base64url");
    let head: Value = serde_json::from_slice(&read(head)).expect("a header");
    assert_eq!((&head["alg"], &head["typ"]), (&json!("ES256"), &json!("portvakt-snapshot+jwt")));
    let key = keys["keys"].as_array().expect("keys").iter().find(|key| key["kid"] == head["kid"]);
    let key = key.expect("the key is published");
    let point: Vec<u8> = std::iter::once(4)
        .chain(read(key["x"].as_str().expect("x")))
        .chain(read(key["y"].as_str().expect("y")))
        .collect();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    key.verify(signed.as_bytes(), &read(signature)).expect("the signature is of the key");
    serde_json::from_slice(&read(claims)).expect("claims")
}

#[tokio::test]
async fn it_holds_everybody_with_their_items_and_what_is_needed_to_answer() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let events = json!([
            { "event": "created", "component": "mailing", "item": "m-1", "by": "hanna@bjorkbacken.example" },
            { "event": "assigned", "component": "mailing", "item": "m-2", "assignee": { "account": "hanna@bjorkbacken.example" } },
            { "event": "assigned", "component": "mailing", "item": "m-3", "assignee": { "role": "communicator" } },
        ]);
        house.crm(Method::POST, "/api/v1/item-events", events).await;
        let (answer, lines) = take(&house).await;
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/x-ndjson");
        assert_eq!(lines.len(), 1 + 5 + 1);
        let head = &lines[0];
        assert_eq!((&head["type"], &head["target"], &head["at"]), (&json!("snapshot"), &json!("crm"), &json!(MORNING)));
        assert_eq!(head["roles"]["communicator"]["communication"].as_array().expect("actions").len(), 6);
        assert_eq!(head["components"]["mailing"]["sector"], "mailings");
        assert_eq!(head["components"]["mailing"]["supports_items"], true);
        assert_eq!(head["items_of_roles"], json!({ "communicator": ["mailing/m-3"] }));
        let hanna = lines.iter().find(|line| line["account"]["user_name"] == "hanna@bjorkbacken.example");
        let hanna = hanna.expect("Hanna is there");
        let shown = house.crm(Method::GET, "/api/v1/accounts/hanna@bjorkbacken.example", Value::Null).await.body;
        assert_eq!((&hanna["account"], &hanna["version"]), (&shown["account"], &shown["version"]));
        assert_eq!(hanna["items"], json!(["mailing/m-1", "mailing/m-2"]));
    })
    .await;
}

#[tokio::test]
async fn its_last_line_signs_every_byte_before_it() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let (answer, lines) = take(&house).await;
        let text = answer.body.as_str().expect("lines");
        let end = lines.last().expect("an end");
        let claims = verified(&house, end["jws"].as_str().expect("a signature")).await;
        let signed = text.trim_end().rfind('\n').expect("more than a line") + 1;
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(&text[..signed]));
        assert_eq!((&claims["sha256"], &end["sha256"]), (&json!(digest), &json!(digest)));
        assert_eq!((&claims["aud"], &claims["accounts"]), (&json!("crm"), &json!(5)));
        assert_eq!(claims["iss"], "https://portvakt.example");
        assert_eq!(claims["iat"], at(MORNING).as_second());
        assert_eq!(
            (&claims["revision"], lines[0]["revision"].as_str()),
            (&lines[0]["revision"], claims["revision"].as_str())
        );
        assert_eq!(answer.headers[header::CONTENT_LENGTH], text.len().to_string().as_str());
    })
    .await;
}

#[tokio::test]
async fn it_goes_on_where_changes_begin_and_is_not_sent_twice() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let (answer, lines) = take(&house).await;
        let tag = answer.headers[header::ETAG].clone();
        let revision = lines[0]["revision"].as_str().expect("a cursor").to_owned();
        assert_eq!(answer.headers["x-portvakt-revision"], revision.as_str());
        let changes = async || {
            let path = format!("/api/v1/changes?since={revision}");
            house.crm(Method::GET, &path, Value::Null).await.body["changes"].as_array().expect("a list").len()
        };
        let again = async || {
            let request = house.crm_request(Method::GET, SNAPSHOT).header(header::IF_NONE_MATCH, tag.clone());
            house.answer(request.body(Body::empty()).expect("a request")).await
        };
        house.after_hours(1);
        assert_eq!(changes().await, 0);
        let same = again().await;
        assert_eq!(
            (same.status, &same.body, &same.headers[header::ETAG]),
            (StatusCode::NOT_MODIFIED, &Value::Null, &tag)
        );
        house.person("stina", "sv").await;
        assert_eq!(changes().await, 1);
        assert_eq!(again().await.status, StatusCode::OK);
    })
    .await;
}

#[tokio::test]
async fn a_link_alone_makes_another_snapshot() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let before = take(&house).await.0.headers[header::ETAG].clone();
        let event = json!([{ "event": "created", "component": "mailing", "item": "m-1", "by": "hanna@bjorkbacken.example" }]);
        house.crm(Method::POST, "/api/v1/item-events", event).await;
        assert_ne!(take(&house).await.0.headers[header::ETAG], before);
    })
    .await;
}
