//! What is too large is refused in SCIM's words or comes in more pages, and addresses from before are found.

use axum::http::StatusCode;
use portvakt::store::Db;
use serde_json::{Value, json};

use super::{Client, ids_of, person};
use crate::engines::on_each_engine;

const OWN: &str = "urn:example:own:2.0:User";

#[tokio::test]
async fn a_document_grows_to_its_limit_and_no_further() {
    on_each_engine(async |t| {
        let client = Client::new(t).await;
        let text = |kilobytes: usize| "x".repeat(kilobytes * 1024);
        let mut large = person("large");
        large[OWN] = json!({ "notes": [text(50), text(50)] });
        let (status, answer) = client.send("POST", "Users", &large).await;
        assert_eq!((status, &answer["scimType"]), (StatusCode::BAD_REQUEST, &json!("invalidValue")));
        assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains(OWN)), "{answer}");
        let id = client.person("small").await;
        let mut refused = None;
        for n in 0..6 {
            let value = json!({ format!("urn:example:{n}:2.0:User"): { "note": text(60) } });
            let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{ "op": "add", "value": value }] });
            let (status, answer) = client.send("PATCH", &format!("Users/{id}"), &body).await;
            if status != StatusCode::OK {
                refused = Some((n, status, answer));
                break;
            }
        }
        let (n, status, answer) = refused.expect("a limit");
        assert_eq!((n, status, &answer["status"]), (4, StatusCode::PAYLOAD_TOO_LARGE, &json!("413")));
        let kept = client.ask("GET", &format!("Users/{id}"), &Value::Null).await;
        assert!(kept.get("urn:example:3:2.0:User").is_some() && kept.get("urn:example:4:2.0:User").is_none());
    })
    .await;
}

#[tokio::test]
async fn a_page_that_would_be_too_large_is_shorter_and_the_next_one_goes_on() {
    on_each_engine(async |t| {
        let client = Client::new(t).await;
        let notes: Value = (0..4)
            .map(|n| (format!("urn:example:{n}:2.0:User"), json!({ "note": "x".repeat(60_000) })))
            .collect();
        let mut ids = Vec::new();
        for n in 0..75 {
            let mut large = person(&format!("p{n}"));
            for (name, value) in notes.as_object().expect("an object") {
                large[name] = value.clone();
            }
            ids.push(client.make("Users", &large).await.expect("a person"));
        }
        for more in [json!({}), json!({ "filter": "userName sw \"P\"" }), json!({ "sortBy": "meta.created" })]
        {
            let mut asked = more.clone();
            asked["cursor"] = json!("");
            asked["count"] = json!(1000);
            let first = client.search("Users", asked.clone()).await;
            let shown = ids_of(&first);
            assert!(
                shown.len() > 30 && shown.len() < 75 && shown[..] == ids[..shown.len()],
                "{}",
                shown.len()
            );
            assert_eq!(first["totalResults"], 75);
            asked["cursor"] = first["nextCursor"].clone();
            let second = ids_of(&client.search("Users", asked).await);
            assert_eq!(second, ids[shown.len()..], "{more}");
        }
    })
    .await;
}

#[tokio::test]
async fn addresses_from_before_their_table_are_found_after_an_update() {
    on_each_engine(async |t| {
        let client = Client::new(t).await;
        let mut several = person("several");
        several["emails"] =
            json!([{ "value": "Åsa@x.se" }, { "value": "ÖST@y.se", "type": "work" }, { "type": "home" }]);
        let id = client.make("Users", &several).await.expect("a person");
        client.person("none").await;
        let found = async |address: &str| {
            let filter = format!("emails.value eq {}", json!(address));
            ids_of(&client.search("Users", json!({ "filter": filter })).await)
        };
        assert_eq!(found("åsa@x.se").await, [id.as_str()]);
        let mut raw = t.raw().await;
        raw.execute("DELETE FROM identity_address").await;
        assert!(found("åsa@x.se").await.is_empty(), "the index is what finds her");
        raw.execute("UPDATE setting SET value = 'owed' WHERE name = 'identity_address'").await;
        Db::open(&t.url, 2).await.unwrap().close().await;
        for address in ["åsa@x.se", "öst@y.se"] {
            assert_eq!(found(address).await, [id.as_str()], "{address}");
        }
        client.set(&format!("Users/{id}"), "emails", json!([{ "value": "ny@z.se" }])).await;
        assert!(found("åsa@x.se").await.is_empty());
        assert_eq!(found("NY@z.se").await, [id.as_str()]);
    })
    .await;
}
