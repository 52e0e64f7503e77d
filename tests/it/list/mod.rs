//! Lists over SCIM: filters, pages and order, and what they may cost.

mod pages;
mod same;
mod sizes;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::engines::TestDb;
use crate::house::TestHouse;

/// A directory that provisions and lists.
pub(crate) struct Client {
    house: TestHouse,
    token: String,
}

impl Client {
    async fn new(t: &TestDb) -> Self {
        let house = TestHouse::new(t).await;
        let token = house.directory_token("entra").await;
        Self { house, token }
    }

    async fn send(&self, method: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        let answer = self.house.send(method, &format!("/scim/v2/entra/{path}"), &self.token, body).await;
        (answer.status, answer.body)
    }

    /// Sends what must succeed.
    async fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.send(method, path, body).await;
        assert!(status.is_success(), "{method} {path}: {status}: {answer}");
        answer
    }

    /// Creates, and gives the id; nothing where the name is taken.
    async fn make(&self, path: &str, body: &Value) -> Option<String> {
        let (status, answer) = self.send("POST", path, body).await;
        if status == StatusCode::CONFLICT {
            return None;
        }
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        answer["id"].as_str().map(str::to_owned)
    }

    async fn person(&self, name: &str) -> String {
        self.make("Users", &person(name)).await.expect("a new name")
    }

    /// Changes one attribute.
    async fn set(&self, path: &str, attribute: &str, value: Value) {
        let operations = json!([{ "op": "replace", "path": attribute, "value": value }]);
        let body =
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        self.ask("PATCH", path, &body).await;
    }

    /// One page of a search.
    async fn search(&self, path: &str, mut asked: Value) -> Value {
        asked["schemas"] = json!(["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]);
        self.ask("POST", &format!("{path}/.search"), &asked).await
    }

    /// The ids of a whole list, asked for `count` at a time by cursor or by index, and the total of its first page.
    async fn every(&self, path: &str, asked: &Value, count: usize, by_cursor: bool) -> (Vec<String>, u64) {
        let (mut ids, mut total, mut cursor) = (Vec::new(), None, String::new());
        for _ in 0..1000 {
            let mut page = asked.clone();
            page["count"] = json!(count);
            if by_cursor {
                page["cursor"] = json!(cursor);
            } else {
                page["startIndex"] = json!(ids.len() + 1);
            }
            let page = self.search(path, page).await;
            let shown = ids_of(&page);
            assert!(shown.len() <= count && page["itemsPerPage"] == json!(shown.len()), "{page}");
            total = total.or(page["totalResults"].as_u64());
            let is_last = if by_cursor { page.get("nextCursor").is_none() } else { shown.is_empty() };
            ids.extend(shown);
            if is_last {
                return (ids, total.expect("a total"));
            }
            page["nextCursor"].as_str().unwrap_or_default().clone_into(&mut cursor);
        }
        panic!("the list has no end");
    }
}

fn person(name: &str) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "externalId": format!("ext-{name}") })
}

fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members })
}

fn ids_of(page: &Value) -> Vec<String> {
    let resources = page["Resources"].as_array().expect("resources");
    resources.iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
}
