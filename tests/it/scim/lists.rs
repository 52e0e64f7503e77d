//! Lists: pages, cursors, order, and what of a resource is shown (RFC 7644 §3.4.2, §3.9, RFC 9865).

use serde_json::{Value, json};

use super::{Client, ENTERPRISE, assert_error, group, ids, patch, person};
use crate::engines::on_each_engine;
use crate::house::TestHouse;

const FIVE: [&str; 5] = ["asa", "bo", "Cia", "östen", "Åke"];

async fn five(entra: &Client<'_>) -> Vec<String> {
    let mut ids = Vec::new();
    for name in FIVE {
        ids.push(entra.made("/Users", &person(name)).await);
    }
    ids
}

#[tokio::test]
async fn a_page_is_brought_within_its_bounds_and_tells_where_it_is() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let all = five(&entra).await;
        // (query, startIndex in the answer, which of the five)
        let table: [(&str, Value, &[usize]); 12] = [
            ("", json!(1), &[0, 1, 2, 3, 4]),
            ("startIndex=2&count=2", json!(2), &[1, 2]),
            ("startIndex=0&count=1", json!(1), &[0]),
            ("startIndex=-7&count=1", json!(1), &[0]),
            ("startIndex=6", json!(6), &[]),
            ("startIndex=99999999999999999999", json!(i64::MAX), &[]),
            ("count=0", json!(1), &[]),
            ("count=-1", json!(1), &[]),
            ("count=99999999999999999999", json!(1), &[0, 1, 2, 3, 4]),
            ("STARTINDEX=5&Count=9", json!(5), &[4]),
            ("startIndex=&count=", json!(1), &[0, 1, 2, 3, 4]),
            ("sortBy=userName&sortOrder=descending&startIndex=2&count=2", json!(2), &[4, 2]),
        ];
        for (query, start, which) in table {
            for also in ["", "&filter=active%20eq%20true"] {
                let body = entra.get(&format!("/Users?{query}{also}")).await.body;
                let expected: Vec<&String> = which.iter().map(|index| &all[*index]).collect();
                assert_eq!(ids(&body).iter().collect::<Vec<_>>(), expected, "{query}{also}");
                assert_eq!(
                    (&body["totalResults"], &body["startIndex"]),
                    (&json!(5), &start),
                    "{query}{also}"
                );
                assert_eq!(body["itemsPerPage"], which.len(), "{query}{also}");
                assert!(body.get("nextCursor").is_none());
            }
        }
        let wrong = ["count=ten", "startIndex=1.5", "count=0x10", "sortBy=userName&sortOrder=up"];
        for query in wrong {
            assert_error(&entra.get(&format!("/Users?{query}")).await, 400, Some("invalidValue"), query);
        }
        for query in ["sortBy=nonsense", "sortBy=name", "sortBy=password"] {
            assert_error(&entra.get(&format!("/Users?{query}")).await, 400, Some("invalidPath"), query);
        }
    })
    .await;
}

#[tokio::test]
async fn a_cursor_leads_through_the_list_once_and_belongs_to_it() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let all = five(&entra).await;
        let lists = ["count=2", "count=2&filter=active%20eq%20true", "count=2&sortBy=userName"];
        let mut cursors = Vec::new();
        for list in lists {
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            for _ in 0..9 {
                let body = entra.get(&format!("/Users?{list}&cursor={cursor}")).await.body;
                assert_eq!(body["totalResults"], 5, "{list}");
                assert!(body.get("startIndex").is_none(), "{list}");
                seen.extend(ids(&body));
                let Some(next) = body["nextCursor"].as_str() else { break };
                next.clone_into(&mut cursor);
            }
            cursors.push(cursor);
            assert_eq!(seen.len(), 5, "{list}");
            seen.sort();
            seen.dedup();
            assert_eq!(seen, all, "{list}");
        }
        for (list, cursor) in [(lists[0], &cursors[1]), (lists[1], &cursors[0])] {
            let answer = entra.get(&format!("/Users?{list}&cursor={cursor}")).await;
            assert_error(&answer, 400, Some("invalidCursor"), "a cursor of another list");
        }
        for cursor in ["nonsense", "%00", "YQ", "bw", "b2E", "YTEyMw", "💥"] {
            let answer = entra.get(&format!("/Users?cursor={}", cursor.replace('💥', "%F0%9F%92%A5"))).await;
            assert_error(&answer, 400, Some("invalidCursor"), cursor);
        }
        assert_error(&entra.get("/Users?cursor=&count=ten").await, 400, Some("invalidCount"), "ten");
        let none = entra.get("/Users?cursor=&count=0").await.body;
        assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(5), &json!([])));
    })
    .await;
}

#[tokio::test]
async fn what_is_asked_for_is_shown_on_every_kind_of_answer() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let mut body = person("asa");
        body["name"] = json!({ "givenName": "Åsa", "familyName": "Öberg" });
        body[ENTERPRISE] = json!({ "department": "Kansli", "division": "Väst" });
        let keys = |body: &Value| {
            let mut keys: Vec<String> = body.as_object().expect("an object").keys().cloned().collect();
            keys.sort();
            keys
        };
        let id = entra.made("/Users?attributes=userName", &body).await;
        let path = format!("/Users/{id}");
        let search = json!({ "attributes": ["USERNAME"], "filter": "userName pr" });
        let change = patch(&json!([{ "op": "add", "path": "title", "value": "Kassör" }]));
        let answers =
            [
                entra.get(&format!("{path}?attributes=userName")).await.body,
                entra.get("/Users?attributes=urn:ietf:params:scim:schemas:core:2.0:User:userName").await.body
                    ["Resources"][0]
                    .take(),
                entra.ask("PUT", &format!("{path}?attributes=userName"), &body).await.body,
                entra.ask("PATCH", &format!("{path}?attributes=userName"), &change).await.body,
                entra.ask("POST", "/Users/.search", &search).await.body["Resources"][0].take(),
                entra.ask("POST", "/.search", &search).await.body["Resources"][0].take(),
                entra.get("?filter=userName%20pr&attributes=userName").await.body["Resources"][0].take(),
            ];
        for (number, answer) in answers.iter().enumerate() {
            assert_eq!(keys(answer), ["id", "schemas", "userName"], "{number}: {answer}");
        }
        // (attributes, excludedAttributes, where to look, what is there)
        let table = [
            ("name.familyName", "", "/name", json!({ "familyName": "Öberg" })),
            ("department", "", &*format!("/{ENTERPRISE}"), json!({ "department": "Kansli" })),
            ("", "name.familyName", "/name", json!({ "givenName": "Åsa" })),
            (
                "",
                &*format!("{ENTERPRISE}:department"),
                &*format!("/{ENTERPRISE}"),
                json!({ "division": "Väst" }),
            ),
            ("", "id,schemas", "/id", json!(id)),
            ("nonsense", "", "/userName", Value::Null),
            ("name,userName", "name", "/name", Value::Null),
            ("password", "", "/password", Value::Null),
        ];
        for (attributes, excluded, pointer, expected) in table {
            let query = format!("{path}?attributes={attributes}&excludedAttributes={excluded}");
            let shown = entra.get(&query).await.body;
            assert_eq!(shown.pointer(pointer).cloned().unwrap_or_default(), expected, "{query}: {shown}");
        }
        let blank = entra.get(&format!("{path}?attributes=&excludedAttributes=")).await.body;
        assert_eq!(blank, entra.get(&path).await.body, "an empty wish is no wish");
    })
    .await;
}

#[tokio::test]
async fn members_have_names_only_where_these_are_asked_for_by_name() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let asa = entra.made("/Users", &person("Åsa")).await;
        let id = entra.made("/Groups", &group("g", &[&asa])).await;
        let named = "/Groups?attributes=members.display&filter=members%5Bdisplay%20eq%20%22%C3%A5sa%22%5D";
        let found = entra.get(named).await.body;
        assert_eq!(found["Resources"][0]["members"], json!([{ "display": "Åsa" }]));
        for filter in ["members.display sw \"å\"", "members[display co \"S\" and type eq \"User\"]"] {
            let found = entra.get(&super::filtered("/Groups", filter)).await.body;
            assert_eq!(ids(&found), [id.as_str()], "{filter}");
            assert!(found["Resources"][0]["members"][0].get("display").is_none(), "{filter}");
        }
        assert!(entra.found("/Groups", "members.display eq \"bo\"").await.is_empty());
        let bare = entra.get(&format!("/Groups/{id}?excludedAttributes=members")).await.body;
        assert!(bare.get("members").is_none());
    })
    .await;
}

#[tokio::test]
async fn a_search_at_the_root_covers_both_kinds_and_drops_neither_silently() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let mut all = five(&entra).await;
        for name in ["Ett", "Två"] {
            all.push(entra.made("/Groups", &group(name, &[])).await);
        }
        let search = |body: Value| {
            let entra = &entra;
            async move { entra.ask("POST", "/.search", &body).await }
        };
        assert_eq!(ids(&search(json!({})).await.body), all);
        let (mut pages, mut start) = (Vec::new(), 1);
        while start < 9 {
            let body = search(json!({ "startIndex": start, "count": 3 })).await.body;
            assert_eq!((&body["totalResults"], &body["startIndex"]), (&json!(7), &json!(start)));
            pages.extend(ids(&body));
            start += 3;
        }
        assert_eq!(pages, all);
        // An attribute that only people have: groups are left out by a filter, not by an order.
        assert_eq!(ids(&search(json!({ "filter": "active eq true" })).await.body), all[..5]);
        let sorted = search(json!({ "sortBy": "userName", "sortOrder": "descending" })).await.body;
        assert_eq!(sorted["totalResults"], 7);
        assert_eq!(ids(&sorted)[5..], all[5..]);
        assert_eq!(ids(&search(json!({ "filter": "displayName eq \"två\"" })).await.body), all[6..]);
        for wrong in [json!({ "filter": "nonsense pr" }), json!({ "filter": "displayName eq" })] {
            assert_error(&search(wrong.clone()).await, 400, Some("invalidFilter"), &wrong.to_string());
        }
        assert_error(&search(json!({ "sortBy": "nonsense" })).await, 400, Some("invalidPath"), "sortBy");
        assert_error(&search(json!({ "count": "ten" })).await, 400, Some("invalidValue"), "count");
        assert_eq!(ids(&entra.get("?count=2&startIndex=5").await.body), all[4..6]);
    })
    .await;
}
