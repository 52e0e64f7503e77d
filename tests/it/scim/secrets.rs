//! Passwords that directories send along: taken, dropped, and nowhere afterwards.

use serde_json::{Value, json};

use super::{Client, patch, person};
use crate::engines::{Raw, on_each_engine};
use crate::house::TestHouse;

const SECRET: &str = "Hemligt-Lösenord-4711";

/// Every table in which something of a directory is kept, as text.
const KEPT: [&str; 6] = [
    "SELECT CAST(document AS TEXT), user_name_key FROM identity",
    "SELECT CAST(document AS TEXT), display_name_key FROM directory_group",
    "SELECT COALESCE(CAST(before AS TEXT), ''), COALESCE(CAST(after AS TEXT), '') FROM audit",
    "SELECT user_name, display_name FROM account",
    "SELECT COALESCE(note, ''), reason FROM account_status",
    "SELECT COALESCE(last_error, ''), state FROM outbox",
];

#[tokio::test]
async fn a_password_is_dropped_wherever_it_comes_and_is_kept_nowhere() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let mut body = person("asa");
        body["password"] = json!(SECRET);
        let made = entra.ask("POST", "/Users", &body).await;
        let path = format!("/Users/{}", made.body["id"].as_str().expect("an id"));
        let full = format!("{}:password", super::USER);
        let mut answers = vec![made.body];
        let changes = [
            json!([{ "op": "replace", "path": "password", "value": SECRET }]),
            json!([{ "op": "Add", "path": "Password", "value": SECRET }]),
            json!([{ "op": "replace", "value": { "PASSWORD": SECRET } }]),
            json!([{ "op": "replace", "value": { (full.as_str()): SECRET } }]),
            json!([{ "op": "replace", "path": full, "value": SECRET }]),
        ];
        for operations in changes {
            let answer = entra.patched(&path, &operations).await;
            assert!(answer.status.is_success(), "{operations}: {}", answer.body);
            assert_eq!(answer.body["meta"]["version"], "W/\"1\"", "{operations}");
            answers.push(answer.body);
        }
        answers.push(entra.ask("PUT", &path, &body).await.body);
        let operations = json!([
            { "method": "PUT", "path": path, "data": body },
            { "method": "PATCH", "path": path, "data": patch(&json!([{ "op": "add", "path": "password", "value": SECRET }])) },
            { "method": "PUT", "path": path, "data": { "userName": { "password": SECRET }, "password": SECRET } },
        ]);
        answers.push(entra.ask("POST", "/Bulk", &json!({ "Operations": operations })).await.body);
        answers.push(entra.get(&format!("{path}?attributes=password,userName")).await.body);
        answers.push(entra.get("/Users?filter=password%20eq%20%22x%22").await.body);
        for answer in answers {
            assert!(!answer.to_string().contains("Hemligt"), "{answer}");
        }
        let mut raw = t.raw().await;
        for sql in KEPT {
            let rows = raw.pairs(sql).await;
            assert!(!format!("{rows:?}").contains("Hemligt"), "{sql}");
        }
        if let (Some(file), Raw::Sqlite(_)) = (t.file(), &raw) {
            for file in [file.clone(), file.with_extension("db-wal")] {
                let bytes = std::fs::read(&file).expect("the database file");
                assert!(!bytes.windows(7).any(|window| window == b"Hemligt"), "{}", file.display());
            }
        }
        assert_eq!(entra.get(&path).await.body["password"], Value::Null);
    })
    .await;
}
