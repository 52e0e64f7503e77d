//! A directory's tokens, clients, pauses and doings, and the doctor that looks at them.

mod commands;
mod doctor;
mod doings;
mod oauth;
mod pausing;
mod tokens;

use portvakt::domain::actor::Actor;
use portvakt::domain::ids::DirectoryId;
use portvakt::flows::Act;
use portvakt::flows::directories::{self, Standing};
use portvakt::jobs;
use serde_json::{Value, json};

use crate::house::TestHouse;

const USERS: &str = "/scim/v2/entra/Users";
const GROUPS: &str = "/scim/v2/entra/Groups";

fn entra() -> DirectoryId {
    DirectoryId::parse("entra").expect("a sound name")
}

fn operator(house: &TestHouse) -> Act {
    house.ports.act(Actor::Operator("test".to_owned()), "test")
}

fn person(name: &str, external_id: &str) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "externalId": external_id,
        "userName": format!("{name}@forening.example"), "displayName": name, "active": true })
}

fn patch(operations: &Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

/// Writes down what was gathered, and looks at the directory.
async fn seen(house: &TestHouse) -> Standing {
    jobs::run_once(&house.ports, "activity").await.expect("the job runs");
    directories::show(&house.ports, "entra").await.expect("the directory is known")
}
