//! How a description is read, and what each answer means.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

mod pages;
mod shapes;

use super::*;
use crate::crm::state::tests::anna;
use crate::domain::ids::RoleId;

fn now() -> Timestamp {
    "2025-10-07T12:00:00Z".parse().unwrap()
}

fn text_of(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/targets").join(name);
    std::fs::read_to_string(file).unwrap()
}

fn settings(url: &str, description: &str) -> RestSettings {
    RestSettings {
        target: TargetId::parse("crm").unwrap(),
        url: url.parse().unwrap(),
        allow_private: true,
        file: "crm.toml".to_owned(),
        description: description.to_owned(),
        user_name: "portvakt".to_owned(),
        secret: SecretString::from("s3cret".to_owned()),
        values: BTreeMap::new(),
        roles: [("newsletter", "Utskick"), ("board", "Styrelse")]
            .map(|(role, name)| (RoleId::parse(role).unwrap(), name.to_owned()))
            .into(),
    }
}

fn taken(delivery: &Delivery) -> (&str, Option<&str>) {
    match delivery {
        Delivery::Taken { answer, crm_id } => (answer, crm_id.as_deref()),
        other => panic!("{other:?}"),
    }
}

fn deactivated(mut state: AccountState) -> AccountState {
    state.account.status = Status::Deactivated;
    state.account.roles.clear();
    state
}

const SMALL: &str = r#"
name = "Small"
follows = "a test"
[values]
company = "1"
[sign_in]
kind = "header"
header = "X-Api-Key"
[answer]
absent = [404]
[find]
path = "/users/{{ account.user_name }}"
id = "/id"
[create]
path = "/users"
body = '{"name": {{ account.user_name }} }'
id = "/id"
[update]
method = "PATCH"
path = "/users/{{ crm_id }}"
body = '{"name": {{ account.user_name }} }'
[deactivate]
method = "DELETE"
path = "/users/{{ crm_id }}"
"#;

fn small(url: &str) -> RestSettings {
    RestSettings { roles: BTreeMap::new(), ..settings(url, SMALL) }
}

async fn one_answer(template: ResponseTemplate) -> (Delivery, Vec<Request>) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    let delivery = Rest::new(small(&server.uri())).unwrap().deliver(now(), &anna()).await;
    (delivery, server.received_requests().await.unwrap())
}

#[tokio::test]
async fn each_answer_has_its_meaning_and_a_wrong_key_is_no_accounts_fault() {
    for (status, is_again) in
        [(400, false), (401, true), (403, false), (422, false), (429, true), (500, true), (302, true)]
    {
        let (delivery, asked) = one_answer(ResponseTemplate::new(status).set_body_string("s\u{0}aid")).await;
        match &delivery {
            Delivery::Again { error, .. } | Delivery::Refused { error } => {
                assert!(error.starts_with(&format!("find: {status}")) && !error.contains('\0'), "{error}");
            }
            other => panic!("{status}: {other:?}"),
        }
        assert_eq!(matches!(delivery, Delivery::Again { .. }), is_again, "{status}");
        assert_eq!(asked[0].headers["x-api-key"], "s3cret");
        assert_eq!(asked[0].url.path(), "/users/%C3%A5sa%40bjorkbacken.example");
    }
    let busy = ResponseTemplate::new(503).insert_header("Retry-After", "120");
    let (delivery, _) = one_answer(busy).await;
    let Delivery::Again { after, .. } = delivery else { panic!("{delivery:?}") };
    assert_eq!(after, Some(SignedDuration::from_mins(2)));
}

#[tokio::test]
async fn an_answer_that_is_no_json_or_cut_is_never_a_yes() {
    for body in ["<html>", "{\"id\": 1", "\u{feff}"] {
        let (delivery, asked) = one_answer(ResponseTemplate::new(200).set_body_string(body)).await;
        assert!(matches!(delivery, Delivery::Again { .. }), "{body}: {delivery:?}");
        assert_eq!(asked.len(), 1, "nothing is written on such an answer");
    }
}

#[tokio::test]
async fn nobody_is_closed_on_an_answer_that_does_not_say_that_there_is_nobody() {
    let plain = SMALL.to_owned();
    let listed = SMALL.replace("[create]", "items = \"/users\"\n[create]");
    let silent = SMALL.replace("[create]", "absent = [204]\n[create]");
    for (description, status, body, is_believed) in [
        (&plain, 200, "", false),
        (&plain, 204, "", false),
        (&plain, 404, "", true),
        (&silent, 204, "", true),
        (&listed, 200, "", false),
        (&listed, 200, r#"{"status": "ok"}"#, false),
        (&listed, 200, r#"{"users": null}"#, true),
        (&listed, 200, r#"{"users": []}"#, true),
        (&listed, 200, r#"{"users": {}}"#, true),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status).set_body_string(body);
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let described = RestSettings { roles: BTreeMap::new(), ..settings(&server.uri(), description) };
        let delivery = Rest::new(described).unwrap().deliver(now(), &deactivated(anna())).await;
        match &delivery {
            Delivery::Taken { crm_id, .. } => assert!(is_believed && crm_id.is_none(), "{status} {body}"),
            Delivery::Again { error, .. } => {
                let names = if body.is_empty() { "absent" } else { "\"/users\"" };
                assert!(!is_believed && error.contains(names), "{status} {body}: {error}");
            }
            other => panic!("{status} {body}: {other:?}"),
        }
    }
}

#[test]
fn every_mistake_of_a_description_is_told_with_file_operation_and_key() {
    let wrong = SMALL
        .replace("[answer]", "[roles]\npath = \"/r\"\n[answer]")
        .replace("method = \"PATCH\"", "method = \"PTACH\"")
        .replace("/users/{{ account.user_name }}", "users/{{ acount.user_name }}")
        .replace("id = \"/id\"", "id = \"id\"");
    let said = description::read("targets/small.toml", &wrong).unwrap_err();
    for part in [
        "targets/small.toml: find.path: a path begins with /",
        "find.id: \"id\" is no JSON pointer (RFC 6901); write \"/id\"",
        "update.method: \"PTACH\" is none of",
        "roles.items: it is missing",
        "find.path: there is no \"acount\"; a template may use: account",
    ] {
        assert!(said.iter().any(|one| one.contains(part)), "{part}: {said:#?}");
    }
    let said = description::read("small.toml", &SMALL.replace("header = ", "haeder = ")).unwrap_err();
    assert!(
        said[0].starts_with("small.toml:") && said[0].contains("sign_in") && said[0].contains("haeder"),
        "{said:?}"
    );
    let said = description::read("small.toml", "name = [").unwrap_err();
    assert!(said[0].starts_with("small.toml:1: "), "{said:?}");
}

#[test]
fn values_that_are_missing_or_unknown_and_roles_that_cannot_be_told_are_mistakes() {
    let refused = |change: fn(&mut RestSettings)| {
        let mut settings = small("https://crm.example/api");
        change(&mut settings);
        Rest::new(settings).unwrap_err().to_string()
    };
    let said = refused(|s| drop(s.values.insert("compnay".into(), "1".into())));
    assert!(said.contains("values.compnay") && said.contains("company"), "{said}");
    let said = refused(|s| drop(s.values.insert("company".into(), String::new())));
    assert!(said.contains("values.company is missing"), "{said}");
    let said = refused(|s| drop(s.roles.insert(RoleId::parse("board").unwrap(), "B".into())));
    assert!(said.contains("cannot tell them"), "{said}");
    let said = refused(|s| s.url = "http://crm.example/".parse().unwrap());
    assert!(said.contains("plain http"), "{said}");
}

#[tokio::test]
async fn a_token_by_client_credentials_is_used_until_it_ends_and_got_anew_when_it_is_refused() {
    let server = MockServer::start().await;
    let asked = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&asked);
    Mock::given(any())
        .respond_with(move |request: &Request| {
            let mut tokens = counted.lock().unwrap();
            if request.url.path() == "/token" {
                assert_eq!(request.headers["authorization"], "Basic cG9ydHZha3Q6czNjcmV0");
                assert_eq!(request.body, b"grant_type=client_credentials&scope=users");
                *tokens += 1;
                return ResponseTemplate::new(200)
                    .set_body_json(json!({ "access_token": format!("t{tokens}"), "expires_in": 600 }));
            }
            // The first token is refused at once.
            let is_good =
                *tokens > 1 && request.headers["authorization"] == format!("Bearer t{tokens}").as_str();
            ResponseTemplate::new(if is_good { 200 } else { 401 }).set_body_json(json!({ "id": 4 }))
        })
        .mount(&server)
        .await;
    let oauth = "kind = \"oauth\"\npath = \"/token\"\nscope = \"users\"";
    let mut settings = small(&server.uri());
    settings.description = SMALL.replace("kind = \"header\"\nheader = \"X-Api-Key\"", oauth);
    let rest = Rest::new(settings).unwrap();
    taken(&rest.deliver(now(), &anna()).await);
    taken(&rest.deliver(now() + SignedDuration::from_mins(9), &anna()).await);
    assert_eq!(*asked.lock().unwrap(), 2);
    taken(&rest.deliver(now() + SignedDuration::from_mins(10), &anna()).await);
    assert_eq!(*asked.lock().unwrap(), 3);
}

#[tokio::test]
async fn who_may_not_sign_in_is_let_in_by_an_operation_of_its_own_where_there_is_one() {
    let activate = "[activate]\nmethod = \"POST\"\npath = \"/users/{{ crm_id }}/activate\"\n[create]";
    let described = SMALL.replace("[create]", activate);
    let said = description::read("small.toml", &described).unwrap_err();
    assert!(said[0].contains("find.active: it is missing"), "{said:?}");
    let described = described.replacen("id = \"/id\"", "id = \"/id\"\nactive = \"/on\"", 1);
    for (on, wanted) in [(json!(0), true), (json!(false), true), (json!(1), false), (json!(true), false)] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(200).set_body_json(json!({ "id": 4, "on": on }));
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let rest =
            Rest::new(RestSettings { description: described.clone(), ..small(&server.uri()) }).unwrap();
        taken(&rest.deliver(now(), &anna()).await);
        let asked = server.received_requests().await.unwrap();
        let is_let_in = asked.iter().any(|request| request.url.path() == "/users/4/activate");
        assert_eq!(is_let_in, wanted, "{on}");
    }
}
