//! SCIM in, as directories use it: people, groups, grants, departures.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use portvakt::domain::account::{Account, Status, StatusReason};
use portvakt::domain::grant::GrantKind;
use portvakt::domain::ids::TargetId;
use portvakt::store::{account, audit, entitlement, outbox};
use serde_json::{Value, json};

use crate::engines::{TestDb, look, on_each_engine};
use crate::house::TestHouse;

const USERS: &str = "/scim/v2/entra/Users";
const GROUPS: &str = "/scim/v2/entra/Groups";

fn person(name: &str) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": format!("{name}@forening.example"),
        "externalId": format!("ext-{name}"), "displayName": name, "active": true, "preferredLanguage": "sv-SE" })
}

fn group(external: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": external,
        "externalId": external, "members": members })
}

fn patch(operations: &Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

/// A directory's own view of the house.
struct Client<'a> {
    house: &'a TestHouse,
    token: String,
}

impl Client<'_> {
    async fn make(&self, path: &str, body: &Value) -> String {
        let answer = self.house.send("POST", path, &self.token, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body["id"].as_str().expect("an id").to_owned()
    }

    async fn change(&self, path: &str, operations: &Value) {
        let answer = self.house.send("PATCH", path, &self.token, &patch(operations)).await;
        assert!(answer.status.is_success(), "{}: {}", answer.status, answer.body);
    }

    async fn remove(&self, path: &str) {
        let answer = self.house.send("DELETE", path, &self.token, &Value::Null).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    }
}

async fn client<'a>(house: &'a TestHouse, directory: &str) -> Client<'a> {
    Client { house, token: house.directory_token(directory).await }
}

async fn of_name(t: &TestDb, name: &str) -> Account {
    let name = format!("{name}@forening.example");
    look!(t, c => account::resolve(c, &name, None)).pop().expect("an account of that name")
}

async fn held(t: &TestDb, name: &str) -> BTreeSet<String> {
    let id = of_name(t, name).await.id;
    let grants = look!(t, c => entitlement::held(c, id));
    grants.iter().map(|g| format!("{} {} {}", g.kind.name(), g.kind.value(), g.origin.reference())).collect()
}

fn set(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|one| (*one).to_owned()).collect()
}

#[tokio::test]
async fn a_membership_gives_its_grants_and_leaving_takes_just_them() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = client(&house, "entra").await;
        let asa = entra.make(USERS, &person("Åsa")).await;
        let bo = entra.make(USERS, &person("bo")).await;
        assert_eq!(held(t, "åsa").await, set(&[]));
        let helpers = entra.make(GROUPS, &group("group-helpers", &[&asa, &bo])).await;
        let all = [
            "role communicator helpers",
            "sector mailings helpers",
            "limited  helpers",
            "item_restricted  helpers",
        ];
        assert_eq!(held(t, "åsa").await, set(&all));
        let before = of_name(t, "bo").await.version;
        let gone = json!([{ "op": "Remove", "path": "members", "value": [{ "value": asa }] }]);
        entra.change(&format!("{GROUPS}/{helpers}"), &gone).await;
        assert_eq!(held(t, "åsa").await, set(&[]));
        assert_eq!(of_name(t, "bo").await.version, before, "who was not touched has no new version");
        let waiting = look!(t, c => outbox::backlog(c, &TargetId::parse("crm").unwrap()));
        assert_eq!((waiting.waiting, waiting.dead), (2, 0), "one row per account, whatever happened to it");
    })
    .await;
}

#[tokio::test]
async fn the_lower_priority_number_decides_whether_somebody_is_limited() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = client(&house, "entra").await;
        let id = entra.make(USERS, &person("kim")).await;
        entra.make(GROUPS, &group("group-helpers", &[&id])).await;
        let board = entra.make(GROUPS, &group("group-board", &[&id])).await;
        // Somebody else administers, or the board's role would stay with Kim.
        let okta = client(&house, "okta").await;
        let lo = okta.make("/scim/v2/okta/Users", &person("lo")).await;
        okta.make("/scim/v2/okta/Groups", &group("group-board", &[&lo])).await;
        let kim = of_name(t, "kim").await.id;
        let grants = look!(t, c => entitlement::held(c, kim));
        assert!(!grants.iter().any(|g| g.kind == GrantKind::Limited), "the board's rule says not limited");
        entra.remove(&format!("{GROUPS}/{board}")).await;
        assert!(held(t, "kim").await.contains("limited  helpers"));
    })
    .await;
}

#[tokio::test]
async fn who_departs_is_deactivated_at_once_and_comes_back_as_they_were() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = client(&house, "entra").await;
        let id = entra.make(USERS, &person("lea")).await;
        entra.make(GROUPS, &group("group-helpers", &[&id])).await;
        let rights = held(t, "lea").await;
        let path = format!("{USERS}/{id}");
        entra.change(&path, &json!([{ "op": "Replace", "path": "active", "value": "False" }])).await;
        let standing = of_name(t, "lea").await.standing;
        assert_eq!((standing.status, standing.reason), (Status::Deactivated, StatusReason::Departed));
        entra.change(&path, &json!([{ "op": "Replace", "path": "active", "value": "True" }])).await;
        let standing = of_name(t, "lea").await.standing;
        assert_eq!((standing.status, standing.reason), (Status::Active, StatusReason::Returned));
        assert_eq!(held(t, "lea").await, rights);
    })
    .await;
}

#[tokio::test]
async fn a_put_that_is_silent_about_active_brings_nobody_back() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = client(&house, "entra").await;
        let id = entra.make(USERS, &person("max")).await;
        let path = format!("{USERS}/{id}");
        entra.change(&path, &json!([{ "op": "replace", "value": { "active": false } }])).await;
        let mut silent = person("max");
        silent.as_object_mut().expect("an object").remove("active");
        let answer = house.send("PUT", &path, &entra.token, &silent).await;
        assert_eq!(answer.body["active"], json!(false));
        assert_eq!(of_name(t, "max").await.standing.status, Status::Deactivated);
    })
    .await;
}

#[tokio::test]
async fn more_departures_than_the_limits_allow_are_recorded_and_held() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = client(&house, "entra").await;
        let mut statuses = Vec::new();
        for n in 0..6 {
            entra.make(USERS, &person(&format!("p{n}"))).await;
        }
        for n in 0..5 {
            let found = of_name(t, &format!("p{n}")).await;
            let identity = look!(t, c => portvakt::store::identity::of_account(c, found.id)).remove(0).id;
            let path = format!("{USERS}/{identity}");
            entra.change(&path, &json!([{ "op": "replace", "path": "active", "value": false }])).await;
            let shown = house.send("GET", &path, &entra.token, &Value::Null).await;
            assert_eq!(shown.body["active"], json!(false), "the identity always says what the provider said");
            statuses.push(of_name(t, &format!("p{n}")).await.standing.status);
        }
        let (fell, stayed) = (Status::Deactivated, Status::Active);
        assert_eq!(statuses, [fell, fell, fell, stayed, stayed]);
    })
    .await;
}

#[tokio::test]
async fn protected_accounts_and_the_last_administrator_do_not_fall() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = client(&house, "entra").await;
        let glass = entra.make(USERS, &person("brandlucka")).await;
        let chair = entra.make(USERS, &person("chair")).await;
        entra.make(GROUPS, &group("group-board", &[&chair])).await;
        for id in [&glass, &chair] {
            entra.remove(&format!("{USERS}/{id}")).await;
        }
        for name in ["brandlucka", "chair"] {
            assert_eq!(of_name(t, name).await.standing.status, Status::Active, "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn who_is_created_again_is_a_new_identity_on_the_old_account() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = client(&house, "entra").await;
        let first = entra.make(USERS, &person("nils")).await;
        let account = of_name(t, "nils").await.id;
        entra.remove(&format!("{USERS}/{first}")).await;
        let gone = house.send("GET", &format!("{USERS}/{first}"), &entra.token, &Value::Null).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
        let second = entra.make(USERS, &person("nils")).await;
        assert_ne!(first, second);
        let now = of_name(t, "nils").await;
        assert_eq!((now.id, now.standing.status), (account, Status::Active));
    })
    .await;
}

#[tokio::test]
async fn two_directories_never_see_or_touch_each_others_people() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let (entra, okta) = (client(&house, "entra").await, client(&house, "okta").await);
        let id = entra.make(USERS, &person("olle")).await;
        let theirs = format!("/scim/v2/okta/Users/{id}");
        for (method, body) in [("GET", Value::Null), ("PUT", person("olle")), ("DELETE", Value::Null)] {
            let answer = house.send(method, &theirs, &okta.token, &body).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method}");
        }
        let foreign = house.send("GET", USERS, &okta.token, &Value::Null).await;
        assert_eq!(foreign.status, StatusCode::UNAUTHORIZED, "a token opens only its own directory");
        okta.make("/scim/v2/okta/Groups", &group("group-board", &[&id])).await;
        assert_eq!(held(t, "olle").await, set(&[]), "a foreign id is no member");
        okta.make("/scim/v2/okta/Users", &person("olle")).await;
        let both = look!(t, c => account::resolve(c, "olle@forening.example", None));
        assert_eq!(both.len(), 2, "the same name in two directories is two accounts");
    })
    .await;
}

#[tokio::test]
async fn a_pinned_name_survives_a_rename_and_a_new_group_of_that_name_gives_nothing() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let okta = client(&house, "okta").await;
        let groups = "/scim/v2/okta/Groups";
        let one = okta.make("/scim/v2/okta/Users", &person("pia")).await;
        let two = okta.make("/scim/v2/okta/Users", &person("rut")).await;
        let named = |members: Value| json!({ "displayName": "Nyhetsbrevet", "members": members });
        let first = okta.make(groups, &named(json!([{ "value": one }]))).await;
        assert_eq!(held(t, "pia").await, set(&["role communicator newsletter"]));
        let renamed = json!([{ "op": "replace", "value": { "id": first, "displayName": "Brevet" } }]);
        okta.change(&format!("{groups}/{first}"), &renamed).await;
        okta.make(groups, &named(json!([{ "value": two }]))).await;
        assert_eq!(held(t, "pia").await, set(&["role communicator newsletter"]));
        assert_eq!(held(t, "rut").await, set(&[]));
    })
    .await;
}

#[tokio::test]
async fn a_member_who_is_not_known_yet_joins_when_they_appear() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = client(&house, "entra").await;
        entra.make(GROUPS, &group("group-helpers", &["ext-siv"])).await;
        entra.make(USERS, &person("siv")).await;
        assert!(held(t, "siv").await.contains("role communicator helpers"));
    })
    .await;
}

#[tokio::test]
async fn every_change_leaves_an_audit_entry_with_actor_cause_and_request() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = client(&house, "entra").await;
        let id = entra.make(USERS, &person("tor")).await;
        let path = format!("{USERS}/{id}");
        entra.change(&path, &json!([{ "op": "replace", "path": "title", "value": "Ordförande" }])).await;
        let entries = look!(t, c => audit::newest(c, 100));
        let told: Vec<&str> = entries.iter().rev().map(|e| e.action.as_str()).collect();
        let made =
            ["policy_applied", "token_created", "account_created", "identity_created", "identity_changed"];
        assert_eq!(told, made);
        let last = &entries[0];
        assert_eq!((last.actor.as_str(), last.cause.as_str()), ("directory:entra", "scim"));
        assert!(last.request_id.as_ref().is_some_and(|id| !id.is_empty()));
        assert_eq!(last.after.as_ref().expect("what it became")["changed"], json!(["title"]));
        assert!(
            !format!("{entries:?}").contains("Ordförande"),
            "the audit outlives personal data and holds none"
        );
    })
    .await;
}

#[tokio::test]
async fn bad_requests_are_refused_in_scims_own_words_and_change_nothing() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = client(&house, "entra").await;
        entra.make(USERS, &person("ulf")).await;
        let before = look!(t, c => audit::count(c));
        let token = entra.token.as_str();
        let long = "x".repeat(2 << 20);
        let cases: [(&str, &str, &str, &str, &str, u16); 12] = [
            ("POST", USERS, "application/json", token, "{\"userName\":", 400),
            ("POST", USERS, "application/json", token, "[]", 400),
            ("POST", USERS, "application/json", token, "{\"userName\": 7}", 400),
            ("POST", USERS, "application/json", token, "{\"userName\": \"x\", \"active\": \"banana\"}", 400),
            ("POST", USERS, "application/json", token, "{\"userName\": \"ULF@forening.example\"}", 409),
            ("POST", USERS, "text/plain", token, "{}", 415),
            ("POST", USERS, "application/json", token, &long, 413),
            ("POST", USERS, "application/json", "", "{}", 401),
            ("POST", USERS, "application/json", "pv_wrong", "{}", 401),
            ("GET", "/scim/v2/entra/Nothing", "application/json", token, "", 404),
            ("GET", "/scim/v2/elsewhere/Users", "application/json", token, "", 401),
            ("DELETE", USERS, "application/json", token, "", 405),
        ];
        for (method, path, kind, token, body, status) in cases {
            let mut request = Request::builder().method(method).uri(path).header("content-type", kind);
            if !token.is_empty() {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let request = request.body(Body::from(body.to_owned())).expect("a sound request");
            let answer = house.answer(request).await;
            let shown: String = body.chars().take(60).collect();
            assert_eq!(answer.status.as_u16(), status, "{method} {path} {shown}: {}", answer.body);
            assert_eq!(answer.body["status"], json!(status.to_string()), "{method} {path}: {}", answer.body);
            assert_eq!(answer.body["schemas"][0], json!("urn:ietf:params:scim:api:messages:2.0:Error"));
            assert!(
                answer.body["detail"].as_str().is_some_and(|detail| detail.len() > 10),
                "{}",
                answer.body
            );
        }
        assert_eq!(look!(t, c => audit::count(c)), before, "nothing was changed");
    })
    .await;
}
