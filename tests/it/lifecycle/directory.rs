//! What the directory says of people and groups, as it sends it.

use axum::http::StatusCode;
use portvakt::domain::ids::AccountId;
use serde_json::{Value, json};

use super::{USERS, World};

pub(super) const GROUPS: &str = "/scim/v2/entra/Groups";

/// A change of a person or a group (RFC 7644 §3.5.2).
pub(super) fn patch(operations: &Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

impl World<'_> {
    /// People arrive and become the board, which administers.
    pub(super) async fn board(&self, names: &[&str]) -> Vec<AccountId> {
        let mut ids = Vec::new();
        for name in names {
            ids.push(self.arrives(name).await);
        }
        self.group("group-board", "Styrelsen", names).await;
        ids
    }

    /// A group arrives.
    pub(super) async fn group(&self, external_id: &str, name: &str, members: &[impl AsRef<str>]) {
        let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": name, "externalId": external_id, "members": self.members(members).await });
        let answer = self.house.send("POST", GROUPS, &self.token, &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    }

    /// Where a group stands, if there is one.
    pub(super) async fn group_path(&self, external_id: &str) -> Option<String> {
        let path = format!("{GROUPS}?filter=externalId%20eq%20%22{external_id}%22");
        let found = self.house.send("GET", &path, &self.token, &Value::Null).await;
        found.body["Resources"][0]["id"].as_str().map(|id| format!("{GROUPS}/{id}"))
    }

    /// A group has just these members from now on.
    pub(super) async fn becomes(&self, external_id: &str, names: &[impl AsRef<str>]) {
        let Some(path) = self.group_path(external_id).await else {
            return self.group(external_id, "Hjälpare", names).await;
        };
        let members = self.members(names).await;
        self.sends(&path, &json!([{ "op": "replace", "path": "members", "value": members }])).await;
    }

    /// A person comes to a group, or leaves it.
    pub(super) async fn membership(&self, external_id: &str, name: &str, is_in: bool) {
        let path = self.group_path(external_id).await.expect("the group");
        let operation = if is_in {
            json!({ "op": "add", "path": "members", "value": self.members(&[name]).await })
        } else {
            let member = self.scim_id(name).await;
            json!({ "op": "remove", "path": format!("members[value eq \"{member}\"]") })
        };
        self.sends(&path, &json!([operation])).await;
    }

    async fn members(&self, names: &[impl AsRef<str>]) -> Vec<Value> {
        let mut members = Vec::new();
        for name in names {
            members.push(json!({ "value": self.scim_id(name.as_ref()).await }));
        }
        members
    }

    /// The directory says inactive, or active again.
    pub(super) async fn directory_says(&self, name: &str, is_active: bool) {
        self.says(name, json!([{ "op": "replace", "path": "active", "value": is_active }])).await;
    }

    /// The directory changes attributes of a person.
    pub(super) async fn says(&self, name: &str, operations: Value) {
        let path = format!("{USERS}/{}", self.scim_id(name).await);
        self.sends(&path, &operations).await;
    }

    async fn sends(&self, path: &str, operations: &Value) {
        let answer = self.house.send("PATCH", path, &self.token, &patch(operations)).await;
        assert!(answer.status.is_success(), "{}", answer.body);
    }
}
