//! `portvakt directory …`, `target token …` and `doctor`, as an operator meets them.

use serde_json::{Value, json};

use super::person;
use crate::engines::{TestDb, on_each_engine};
use crate::running::{Place, client, write_private};

const OBJECT: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test]
async fn what_a_directory_did_is_shown_after_the_daemon_has_ended_and_its_last_seconds_too() {
    on_each_engine(async |t| {
        let mut place = Place::new(&t.url, "");
        place.start().await;
        let token = place.done(&["directory", "token", "create", "entra", "--name", "Entra hösten"]);
        let users = format!("{}/scim/v2/entra/Users", place.base);
        let post = async |body: &Value| {
            let sent = client().post(&users).bearer_auth(&token).json(body).send().await;
            sent.expect("an answer").status().as_u16()
        };
        assert_eq!(post(&person("asa", OBJECT)).await, 201);
        assert_eq!(post(&person("asa", OBJECT)).await, 409);
        let examined = parsed(&place.done(&["doctor", "entra", "--format", "json"]));
        let way_in = examined["findings"].as_array().unwrap().iter().find(|one| one["check"] == "way_in");
        assert_eq!(way_in.unwrap()["level"], "ok", "{examined}");
        let while_it_runs = parsed(&place.done(&["directory", "list", "--format", "json"]));
        assert_eq!(while_it_runs[0]["people"], 1);
        assert_eq!(place.end().code(), Some(0), "{}", place.log());
        let shown = parsed(&place.done(&["directory", "show", "entra", "--format", "json"]));
        let times: i64 =
            shown["counts"].as_array().unwrap().iter().map(|one| one["times"].as_i64().unwrap()).sum();
        assert_eq!(times, 2, "{shown}");
        assert_eq!(shown["refused"][0]["reference"], format!("externalId:{OBJECT}"));
        assert_eq!(shown["access"][0]["name"], "Entra hösten");
        assert!(shown["access"][0]["last_used_at"].is_string(), "{shown}");
        assert!(!shown.to_string().contains(&token));
        let text = place.done(&["directory", "show", "entra", "--lang", "en"]);
        for part in ["Tokens and clients", "Entra hösten", "POST User", "409 uniqueness", "refused"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        let swedish = place.done(&["directory", "show", "entra"]);
        assert!(swedish.contains("Nekade ändringar som inte har lyckats sedan"), "{swedish}");
    })
    .await;
}

#[tokio::test]
async fn tokens_and_clients_are_made_listed_and_revoked_by_command() {
    on_each_engine(async |t| {
        let place = Place::new(&t.url, "");
        for of in [["directory", "entra"], ["target", "crm"]] {
            let [kind, owner] = of;
            let token = place.done(&[kind, "token", "create", owner, "--expires-in", "90d", "--name", "vår"]);
            assert!(token.starts_with("pv_") && !token.contains('\n'), "only the token: {token}");
            let listed = parsed(&place.done(&[kind, "token", "list", owner, "--format", "json"]));
            assert_eq!((&listed[0]["name"], &listed[0]["state"]), (&json!("vår"), &json!("valid")));
            let id = listed[0]["id"].as_str().unwrap();
            let text = place.done(&[kind, "token", "list", owner]);
            assert!(text.contains(id) && text.contains("aldrig") && !text.contains(&token), "{text}");
            let revoked = place.done(&[kind, "token", "revoke", owner, id]);
            assert!(revoked.contains("återkallad"), "{revoked}");
            let english = place.done(&[kind, "token", "list", owner, "--lang", "en"]);
            assert!(english.contains("revoked"), "{english}");
            assert_eq!(place.run(&[kind, "token", "revoke", owner, "nothing"]).status.code(), Some(1));
        }
        let new = parsed(&place.done(&["directory", "client", "create", "entra", "--format", "json"]));
        let client_id = new["client_id"].as_str().unwrap();
        assert_eq!(new["token_url"], format!("{}/scim/v2/entra/token", place.base));
        let second = place.done(&["directory", "client", "create", "entra", "--client", client_id]);
        assert!(second.contains(client_id) && second.contains("client_secret  pvs_"), "{second}");
        let list = || parsed(&place.done(&["directory", "client", "list", "entra", "--format", "json"]));
        assert_eq!(list().as_array().unwrap().len(), 2);
        place.done(&["directory", "client", "revoke", "entra", client_id]);
        assert!(list().as_array().unwrap().iter().all(|secret| secret["state"] == "revoked"));
        let unknown = place.run(&["directory", "client", "create", "entra", "--client", "pvc_x"]);
        assert_eq!(unknown.status.code(), Some(1));
    })
    .await;
}

#[tokio::test]
async fn a_pause_by_command_reaches_the_running_daemon_at_once() {
    on_each_engine(async |t| {
        let mut place = Place::new(&t.url, "");
        place.start().await;
        let token = place.done(&["directory", "token", "create", "entra"]);
        let users = format!("{}/scim/v2/entra/Users", place.base);
        let status = async || {
            client().get(&users).bearer_auth(&token).send().await.expect("an answer").status().as_u16()
        };
        assert_eq!(status().await, 200);
        assert_eq!(place.run(&["directory", "pause", "entra"]).status.code(), Some(2), "why is asked for");
        let told = place.done(&["directory", "pause", "entra", "--reason", "flytt"]);
        assert!(told.contains("portvakt directory resume entra"), "{told}");
        assert_eq!(status().await, 503);
        assert!(place.done(&["directory", "list"]).contains("PAUSAD"));
        place.done(&["directory", "resume", "entra"]);
        assert_eq!(status().await, 200);
        assert_eq!(place.end().code(), Some(0));
    })
    .await;
}

#[tokio::test]
async fn the_doctor_ends_with_1_only_where_there_is_a_mistake_and_never_crashes() {
    on_each_engine(async |t| {
        let place = Place::new(&t.url, "");
        let doctor = |arguments: &[&str]| {
            let output = place.run(&[&["doctor"], arguments].concat());
            (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let (code, text) = doctor(&[]);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("FEL") && text.contains("directory token create entra"), "{text}");
        place.done(&["directory", "token", "create", "entra"]);
        place.done(&["policy", "apply", place.folder.join("policy.toml").to_str().unwrap()]);
        let (code, text) = doctor(&["entra", "--lang", "en"]);
        assert_eq!(code, Some(0), "warnings alone are no mistake: {text}");
        assert!(text.contains("warning") && text.contains("To type into the provider"), "{text}");
        assert!(!text.contains("okta"), "only the one that was asked for: {text}");
        let (code, text) = doctor(&["entra", "--format", "json"]);
        let told = parsed(&text);
        assert_eq!(code, Some(0));
        assert!(told["findings"].as_array().unwrap().iter().any(|one| one["check"] == "last_request"));
        assert!(told["type_in"]["entra"][0]["where"].is_string());
        assert_eq!(doctor(&["nobody"]).0, Some(1));
    })
    .await;
}

#[tokio::test]
async fn without_a_database_or_sound_settings_the_doctor_says_so_and_makes_nothing() {
    let t = TestDb::sqlite().await;
    let place = Place::new(&t.url, "");
    let settings = std::fs::read_to_string(place.folder.join("portvakt.toml")).unwrap();
    let rewrite = |text: &str| write_private(&place.folder.join("portvakt.toml"), text);
    let missing = place.folder.join("nowhere.db");
    rewrite(&settings.replace(&t.url, &format!("sqlite:{}", missing.display())));
    let output = place.run(&["doctor"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("nowhere.db") && !missing.exists(), "{text}");
    rewrite(&settings.replace(&t.url, "postgres://nobody:hemligt-ord@127.0.0.1:9/x"));
    let output = place.run(&["doctor"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("database.url") && !text.contains("hemligt-ord"), "{text}");
    rewrite(&settings.replace("[server]", "[serverr]"));
    let output = place.run(&["doctor"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("serverr"), "{text}");
}
