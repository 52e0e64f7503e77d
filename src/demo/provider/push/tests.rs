//! The pushes as Portvakt sees them.

use serde_json::{Value, json};
use wiremock::matchers::{header, method, path_regex, query_param, query_param_contains};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::demo::association::Association;

async fn server() -> MockServer {
    let server = MockServer::start().await;
    let authorized = || header("authorization", "Bearer t0ken");
    Mock::given(method("GET"))
        .and(authorized())
        .and(query_param_contains("filter", "eq"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "totalResults": 0 })))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(authorized())
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({ "id": "p1" })))
        .mount(&server)
        .await;
    for verb in ["PATCH", "DELETE"] {
        let mock = Mock::given(method(verb)).and(authorized()).and(path_regex("/p1$"));
        mock.respond_with(ResponseTemplate::new(204)).mount(&server).await;
    }
    server
}

fn pusher(home: Home, server: &MockServer) -> Pusher {
    Pusher::new(home, &format!("{}/scim/v2/{}", server.uri(), home.id()), "t0ken".into()).unwrap()
}

/// What was sent with `verb`, in order.
async fn sent(server: &MockServer, verb: &str) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    let bodies = requests.iter().filter(|request| request.method.as_str() == verb);
    bodies.map(|request| serde_json::from_slice(&request.body).unwrap_or_default()).collect()
}

fn person(number: u16) -> Person {
    Association::bjorkbacken().person(PersonNo(number)).unwrap().clone()
}

#[tokio::test]
async fn entra_asks_first_creates_with_the_extension_and_writes_booleans_as_text() {
    let server = server().await;
    let mut pusher = pusher(Home::Entra, &server);
    let chair = person(2);
    pusher.test_connection().await.unwrap();
    pusher.group_made(GroupNo::Board).await.unwrap();
    pusher.arrives(&chair).await.unwrap();
    pusher.joins(GroupNo::Board, &[&chair]).await.unwrap();
    pusher.becomes(&chair, "Hedersordförande", "Medlemmar").await.unwrap();
    pusher.leaves(GroupNo::Board, &[&chair]).await.unwrap();
    pusher.switched_off(&chair).await.unwrap();
    pusher.deleted(&chair).await.unwrap();

    let posted = sent(&server, "POST").await;
    assert_eq!(posted[0]["externalId"], "8a1c6f0e-0000-4000-8000-000000000001");
    assert!(posted[0].get("members").is_none());
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    assert_eq!(posted[1][enterprise]["department"], "Styrelsen");
    let patched = sent(&server, "PATCH").await;
    let member = json!([{ "$ref": null, "value": "p1" }]);
    assert_eq!(patched[0]["Operations"], json!([{ "op": "Add", "path": "members", "value": member }]));
    assert_eq!(patched[1]["Operations"][0]["path"], "emails[type eq \"work\"].value");
    assert_eq!(patched[2]["Operations"], json!([{ "op": "Remove", "path": "members", "value": member }]));
    assert_eq!(patched[3]["Operations"][0]["value"], "False");
    assert_eq!(pusher.requests(), 10);
    assert!(matches!(pusher.switched_on(&chair).await, Err(DemoError::NotThere(_))));
}

#[tokio::test]
async fn okta_sends_a_password_pathless_values_and_one_operation_per_leaver() {
    let server = server().await;
    let mut pusher = pusher(Home::Okta, &server);
    let tor = person(96);
    pusher.arrives(&tor).await.unwrap();
    pusher.group_made(GroupNo::NorthHelpers).await.unwrap();
    pusher.joins(GroupNo::NorthHelpers, &[&tor]).await.unwrap();
    pusher.leaves(GroupNo::NorthHelpers, &[&tor]).await.unwrap();
    pusher.switched_off(&tor).await.unwrap();

    let posted = sent(&server, "POST").await;
    assert!(posted[0]["password"].as_str().is_some_and(|password| password.len() == 43));
    assert_eq!((&posted[0]["groups"], &posted[1]["members"]), (&json!([]), &json!([])));
    let patched = sent(&server, "PATCH").await;
    let name = json!({ "op": "replace", "value": { "id": "p1", "displayName": "Norr medhjälpare" } });
    let member = json!([{ "value": "p1", "display": "tor.burman@bjorkbackennorr.example" }]);
    assert_eq!(patched[0]["Operations"], json!([name, { "op": "add", "path": "members", "value": member }]));
    let removed = json!({ "op": "remove", "path": "members[value eq \"p1\"]" });
    assert_eq!(patched[1]["Operations"], json!([name, removed]));
    assert_eq!(patched[2]["Operations"], json!([{ "op": "replace", "value": { "active": false } }]));
}

#[tokio::test]
async fn okta_finds_who_returns_and_sends_a_whole_profile_back() {
    let server = MockServer::start().await;
    let found = json!({ "id": "p1", "title": "Medhjälpare", "groups": [], "meta": { "version": "W/\"3\"" } });
    let list = json!({ "totalResults": 1, "Resources": [found] });
    Mock::given(query_param("count", "100"))
        .respond_with(ResponseTemplate::new(200).set_body_json(list))
        .mount(&server)
        .await;
    let any = Mock::given(path_regex("/p1$"));
    any.respond_with(ResponseTemplate::new(200).set_body_json(&found)).mount(&server).await;
    let mut pusher = pusher(Home::Okta, &server);
    let tor = person(96);
    assert!(pusher.arrives(&tor).await.is_err(), "somebody has the name already");
    pusher.people.insert(tor.number, "p1".to_owned());
    pusher.switched_on(&tor).await.unwrap();
    pusher.becomes(&tor, "Samordnare", "Björkbacken Norr").await.unwrap();
    let put = sent(&server, "PUT").await;
    assert_eq!((&put[0]["title"], &put[0]["meta"]["version"]), (&json!("Samordnare"), &json!("W/\"3\"")));
}

#[tokio::test]
async fn a_refusal_is_quoted_without_the_token() {
    let server = MockServer::start().await;
    let body = json!({ "status": "409", "scimType": "uniqueness", "detail": "userName is taken" });
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(409).set_body_json(body))
        .mount(&server)
        .await;
    let mut pusher = pusher(Home::Okta, &server);
    let refused = pusher.group_made(GroupNo::NorthAuditors).await.unwrap_err();
    assert!(refused.to_string().starts_with("POST /Groups was answered with 409: "), "{refused}");
    assert!(
        refused.to_string().contains("userName is taken")
            && !format!("{refused:?} {pusher:?}").contains("t0ken")
    );
}
