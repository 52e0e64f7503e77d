//! SCIM as clients of every make speak it, and as nobody should: features one by one, then by chance.
//!
//! Invariant: whatever is asked goes through the whole house, on both engines, and both answer alike.

mod bulk;
mod corpus;
mod course;
mod doors;
mod filters;
mod lists;
mod meaning;
mod patch;
mod reference;
mod same;
mod secrets;
mod tags;
mod texts;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

use crate::house::{Answer, TestHouse};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// One directory's view of the house.
struct Client<'a> {
    house: &'a TestHouse,
    directory: &'static str,
    token: String,
}

impl<'a> Client<'a> {
    async fn of(house: &'a TestHouse, directory: &'static str) -> Self {
        Self { house, directory, token: house.directory_token(directory).await }
    }

    /// Asks at an address below the directory's own.
    async fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let path = format!("/scim/v2/{}{path}", self.directory);
        self.house.send(method, &path, &self.token, body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &Value::Null).await
    }

    /// Asks with headers of its own, and any bytes as a body.
    async fn ask_with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let path = format!("/scim/v2/{}{path}", self.directory);
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.house.answer(request.body(Body::from(body.to_vec())).expect("a sound request")).await
    }

    /// Creates, and gives the id.
    async fn made(&self, path: &str, body: &Value) -> String {
        let answer = self.ask("POST", path, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{body}: {}", answer.body);
        answer.body["id"].as_str().expect("an id").to_owned()
    }

    /// Finds with a filter; gives the ids in the order of the answer.
    async fn found(&self, endpoint: &str, filter: &str) -> Vec<String> {
        let answer = self.get(&filtered(endpoint, filter)).await;
        assert_eq!(answer.status, StatusCode::OK, "{filter}: {}", answer.body);
        ids(&answer.body)
    }

    async fn patched(&self, path: &str, operations: &Value) -> Answer {
        self.ask("PATCH", path, &patch(operations)).await
    }

    /// Changes, which must succeed.
    async fn change(&self, path: &str, operations: &Value) {
        let answer = self.patched(path, operations).await;
        assert!(answer.status.is_success(), "{operations}: {}", answer.body);
    }

    /// The ids of a group's members.
    async fn members(&self, group: &str) -> Vec<String> {
        let shown = self.get(&format!("/Groups/{group}")).await;
        let members = shown.body["members"].as_array().cloned().unwrap_or_default();
        members.iter().map(|member| member["value"].as_str().expect("an id").to_owned()).collect()
    }
}

fn patch(operations: &Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

/// `/Users?filter=…`, encoded.
fn filtered(endpoint: &str, filter: &str) -> String {
    format!("{endpoint}?{}", serde_urlencoded::to_string([("filter", filter)]).expect("a query"))
}

fn ids(list: &Value) -> Vec<String> {
    let resources = list["Resources"].as_array().expect("a list");
    resources.iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
}

fn person(name: &str) -> Value {
    json!({ "schemas": [USER], "userName": format!("{name}@forening.example"), "externalId": format!("ext-{name}"),
        "displayName": name, "active": true })
}

fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "displayName": name, "externalId": name, "members": members })
}

/// An error as RFC 7644 §3.12 has it: the body says what the status line says, and something for a person.
fn assert_error(answer: &Answer, status: u16, kind: Option<&str>, what: &str) {
    assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.body);
    assert_eq!(answer.body["schemas"], json!([ERROR]), "{what}: {}", answer.body);
    assert_eq!(answer.body["status"], json!(status.to_string()), "{what}");
    assert_eq!(answer.body["scimType"].as_str(), kind, "{what}: {}", answer.body);
    assert!(answer.body["detail"].as_str().is_some_and(|detail| detail.len() > 5), "{what}");
    let kind = answer.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    assert_eq!(kind, Some("application/scim+json"), "{what}");
}
