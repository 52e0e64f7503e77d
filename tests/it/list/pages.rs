//! Pages: by index, by cursor, while others come and go.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Client, group, ids_of};
use crate::engines::on_each_engine;

#[tokio::test]
async fn a_cursor_goes_on_where_it_was_whoever_came_or_went_meanwhile() {
    on_each_engine(async |t| {
        let client = Client::new(t).await;
        let mut ids = Vec::new();
        for n in 0..7 {
            ids.push(client.person(&format!("p{n}")).await);
        }
        for (filter, newcomer) in [(Value::Null, "p7"), (json!("userName sw \"p\""), "p8")] {
            let first = client.search("Users", json!({ "count": 3, "cursor": "", "filter": filter })).await;
            assert_eq!((ids_of(&first), &first["totalResults"]), (ids[..3].to_vec(), &json!(7)));
            assert!(first.get("startIndex").is_none());
            client.ask("DELETE", &format!("Users/{}", ids[1]), &Value::Null).await;
            let asked = json!({ "count": 3, "cursor": first["nextCursor"], "filter": filter });
            let second = client.search("Users", asked).await;
            assert_eq!(ids_of(&second), ids[3..6]);
            let asked = json!({ "count": 3, "cursor": second["nextCursor"], "filter": filter });
            let third = client.search("Users", asked).await;
            assert_eq!(ids_of(&third), ids[6..]);
            assert!(third.get("nextCursor").is_none(), "{third}");
            // As many as before for the other filter.
            ids.remove(1);
            ids.push(client.person(newcomer).await);
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_beyond_the_end_is_empty_and_tells_the_total() {
    on_each_engine(async |t| {
        let client = Client::new(t).await;
        for n in 0..3 {
            client.person(&format!("p{n}")).await;
        }
        for more in [
            json!({}),
            json!({ "filter": "userName pr" }),
            json!({ "sortBy": "userName" }),
            json!({ "filter": "userName eq \"P1\"" }),
        ] {
            let mut asked = more.clone();
            asked["startIndex"] = json!(9);
            let page = client.search("Users", asked).await;
            let total = if more["filter"] == json!("userName eq \"P1\"") { 1 } else { 3 };
            assert_eq!(
                (ids_of(&page).len(), &page["totalResults"], &page["startIndex"]),
                (0, &json!(total), &json!(9))
            );
            let mut asked = more.clone();
            asked["count"] = json!(0);
            let page = client.search("Users", asked).await;
            assert_eq!((ids_of(&page).len(), &page["totalResults"]), (0, &json!(total)), "{more}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_cursor_of_another_kind_of_list_is_refused() {
    on_each_engine(async |t| {
        let client = Client::new(t).await;
        for n in 0..4 {
            client.person(&format!("p{n}")).await;
        }
        let plain = client.search("Users", json!({ "count": 2, "cursor": "" })).await["nextCursor"].clone();
        let sorted = client.search("Users", json!({ "count": 2, "cursor": "", "sortBy": "userName" })).await;
        let refused = async |asked: Value| {
            let (status, answer) = client.send("POST", "Users/.search", &asked).await;
            assert_eq!(
                (status, &answer["scimType"]),
                (StatusCode::BAD_REQUEST, &json!("invalidCursor")),
                "{asked}"
            );
        };
        refused(json!({ "cursor": plain, "sortBy": "userName" })).await;
        refused(json!({ "cursor": sorted["nextCursor"] })).await;
        refused(json!({ "cursor": sorted["nextCursor"], "filter": "userName pr" })).await;
        refused(json!({ "cursor": "nonsense" })).await;
    })
    .await;
}

#[tokio::test]
async fn a_search_over_both_kinds_goes_on_from_people_to_groups() {
    on_each_engine(async |t| {
        let client = Client::new(t).await;
        let mut ids = Vec::new();
        for n in 0..3 {
            ids.push(client.person(&format!("p{n}")).await);
        }
        for n in 0..3 {
            ids.push(client.make("Groups", &group(&format!("g{n}"), &[&ids[0]])).await.expect("a group"));
        }
        let mut seen = Vec::new();
        for start in [1, 3, 5, 7] {
            let asked = json!({ "startIndex": start, "count": 2,
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"] });
            let page = client.ask("POST", ".search", &asked).await;
            assert_eq!(page["totalResults"], 6, "{page}");
            seen.extend(ids_of(&page));
        }
        assert_eq!(seen, ids);
    })
    .await;
}

#[tokio::test]
async fn a_group_is_shown_with_the_parts_of_its_members_that_are_asked_for() {
    on_each_engine(async |t| {
        let client = Client::new(t).await;
        let (asa, bo) = (client.person("åsa").await, client.person("bo").await);
        let id = client.make("Groups", &group("Både", &[&asa, &bo])).await.expect("a group");
        let shown = async |query: &str| {
            let one = client.ask("GET", &format!("Groups/{id}{query}"), &Value::Null).await;
            let listed = client.ask("GET", &format!("Groups{query}"), &Value::Null).await;
            assert_eq!(listed["Resources"][0], one, "{query}");
            one["members"].clone()
        };
        let reference = |id: &str| format!("http://127.0.0.1:8080/scim/v2/entra/Users/{id}");
        let entry = |id: &str| json!({ "value": id, "$ref": reference(id), "type": "User" });
        assert_eq!(shown("").await, json!([entry(&asa), entry(&bo)]));
        assert_eq!(shown("?excludedAttributes=members").await, Value::Null);
        assert_eq!(shown("?attributes=displayName").await, Value::Null);
        let named = json!([{ "value": asa, "display": "åsa" }, { "value": bo, "display": "bo" }]);
        assert_eq!(shown("?attributes=members.value,members.display").await, named);
        client.ask("DELETE", &format!("Users/{bo}"), &Value::Null).await;
        assert_eq!(shown("?attributes=members").await, json!([entry(&asa)]));
        let user = client.ask("GET", &format!("Users/{asa}?attributes=groups"), &Value::Null).await;
        let group = format!("http://127.0.0.1:8080/scim/v2/entra/Groups/{id}");
        assert_eq!(
            user["groups"],
            json!([{ "value": id, "display": "Både", "$ref": group, "type": "direct" }])
        );
        let user = client.ask("GET", &format!("Users/{asa}?excludedAttributes=groups"), &Value::Null).await;
        assert!(user.get("groups").is_none() && user["userName"] == "åsa", "{user}");
    })
    .await;
}
