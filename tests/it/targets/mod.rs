//! Targets of every kind: told whole, left alone when they fail, told again when somebody asks.

mod circuit;
mod compare;
mod compare_http;
mod letters;
mod replays;
mod sql;
pub(crate) mod tables;

use jiff::SignedDuration;
use portvakt::domain::actor::{Actor, Subject};
use portvakt::domain::ids::TargetId;
use portvakt::flows::deliver::{self, Outcome};
use portvakt::flows::{Act, Ports, lead};
use portvakt::store::audit;
use serde_json::{Value, json};

use crate::engines::{TestDb, look};
use crate::house::TestHouse;

pub(crate) fn crm() -> TargetId {
    TargetId::parse("crm").unwrap()
}

/// One round, as the job runs it, without the filling.
pub(crate) async fn deliver(ports: &Ports) -> Outcome {
    let fence = lead::take(ports, "deliver:crm").await.unwrap().expect("nobody else has the job");
    let round = deliver::due(ports, &crm(), &fence).await.unwrap();
    lead::give_back(ports, &fence, "done", true).await.unwrap();
    round
}

/// Queues the next page of what the target is to be told again.
pub(crate) async fn fill(ports: &Ports) -> Option<usize> {
    let fence = lead::take(ports, "deliver:crm").await.unwrap().expect("nobody else has the job");
    let queued = deliver::fill::advance(ports, &crm(), &fence).await.unwrap();
    lead::give_back(ports, &fence, "done", true).await.unwrap();
    queued
}

/// Rounds and pages until nothing is due, as the job does it.
pub(crate) async fn deliver_all(ports: &Ports) -> usize {
    let mut told = 0;
    loop {
        let queued = fill(ports).await.unwrap_or_default();
        let round = deliver(ports).await;
        told += round.delivered;
        if round.tried() == 0 && queued == 0 {
            return told;
        }
    }
}

/// Makes a person. Gives the SCIM id.
pub(crate) async fn make(house: &TestHouse, name: &str) -> String {
    let token = house.directory_token("entra").await;
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "externalId": format!("ext-{name}"),
        "userName": format!("{name}@forening.example"), "displayName": name, "active": true });
    let answer = house.send("POST", "/scim/v2/entra/Users", &token, &body).await;
    answer.body["id"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
}

/// Makes a group with these people in it.
pub(crate) async fn group(house: &TestHouse, external: &str, members: &[&String]) {
    let token = house.directory_token("entra").await;
    let members: Vec<_> = members.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": external,
        "externalId": external, "members": members });
    let answer = house.send("POST", "/scim/v2/entra/Groups", &token, &body).await;
    assert!(answer.status.is_success(), "{}", answer.body);
}

/// Changes an attribute of a person.
pub(crate) async fn change(house: &TestHouse, id: &str, attribute: &str, value: Value) {
    let token = house.directory_token("entra").await;
    let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": attribute, "value": value }] });
    let answer = house.send("PATCH", &format!("/scim/v2/entra/Users/{id}"), &token, &body).await;
    assert!(answer.status.is_success(), "{}", answer.body);
}

/// What was done to something, as the audit has it.
pub(crate) async fn actions(t: &TestDb, kind: &'static str, id: &str) -> Vec<String> {
    let entries = look!(t, c => audit::about(c, &Subject::new(kind, id), 100));
    entries.into_iter().map(|entry| entry.action).collect()
}

pub(crate) fn operator(house: &TestHouse, cause: &str) -> Act {
    house.ports.act(Actor::Operator("test".to_owned()), cause)
}

/// The names of whom the CRM heard.
pub(crate) fn names(heard: &[Value]) -> Vec<String> {
    let name = |told: &Value| told["account"]["display_name"].as_str().unwrap().to_owned();
    heard.iter().map(name).collect()
}

pub(crate) fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}
