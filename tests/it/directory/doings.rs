//! What a directory did, was refused and left undone, as `directory show` tells it.

use axum::http::StatusCode;
use jiff::SignedDuration;
use portvakt::flows::{Ports, directories};
use portvakt::jobs;
use serde_json::{Value, json};

use super::{GROUPS, USERS, patch, person, seen};
use crate::engines::{TestDb, on_each_engine};
use crate::house::TestHouse;

const OBJECT: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

/// Every text in the tables about directories.
async fn everything_kept(t: &TestDb) -> String {
    let mut raw = t.raw().await;
    let mut told = raw.pairs("SELECT reference || ' ' || method, detail FROM directory_refused").await;
    told.extend(
        raw.pairs("SELECT COALESCE(error_type, ''), COALESCE(error_method, '') || COALESCE(denied_why, '') FROM directory_activity")
            .await,
    );
    told.extend(raw.pairs("SELECT method, outcome FROM directory_count").await);
    format!("{told:?}")
}

#[tokio::test]
async fn requests_changes_errors_and_repairs_are_counted_and_written_down_together() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let token = house.directory_token("entra").await;
        let began = house.ports.clock.now();
        let made = house.send("POST", USERS, &token, &person("asa", OBJECT)).await;
        let id = made.body["id"].as_str().unwrap().to_owned();
        let away = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
        house.send("PATCH", &format!("{USERS}/{id}"), &token, &patch(&away)).await;
        house.clock.advance(SignedDuration::from_mins(1));
        for _ in 0..3 {
            house.send("GET", USERS, &token, &Value::Null).await;
        }
        house.send("GET", &format!("{USERS}?filter=nonsense"), &token, &Value::Null).await;
        house.send("GET", USERS, "", &Value::Null).await;
        let untold = directories::show(&house.ports, "entra").await.unwrap();
        assert_eq!((untold.row.last_request, untold.counts.len()), (None, 0), "no request wrote anything");
        let standing = seen(&house).await;
        let counts: Vec<_> =
            standing.counts.iter().map(|one| (&*one.day, &*one.method, &*one.outcome, one.times)).collect();
        let day = "2025-10-07";
        let expected = [
            (day, "GET", "ok", 3),
            (day, "GET", "refused", 1),
            (day, "PATCH", "ok", 1),
            (day, "POST", "ok", 1),
        ];
        assert_eq!(counts, expected, "what came without a token is not the directory's");
        assert_eq!(standing.row.last_change, Some(began));
        assert_eq!(standing.row.last_request, Some(began + SignedDuration::from_mins(1)));
        let error = standing.last_error.unwrap();
        assert_eq!((error.status, error.scim_type.as_deref()), (400, Some("invalidFilter")));
        let repairs: Vec<_> = standing.repairs.iter().map(|one| (&*one.repair, one.times)).collect();
        assert_eq!(repairs, [("message_case", 1), ("string_boolean", 1)]);
        assert_eq!((standing.row.people, standing.row.groups), (1, 0));
        // Another process reads the same: it stands in the database.
        let other =
            Ports::new(t.db.clone(), house.ports.clock.clone(), house.ports.settings.clone()).unwrap();
        assert_eq!(directories::show(&other, "entra").await.unwrap().counts.len(), 4);
        let quiet = directories::flush(&house.ports).await.unwrap();
        assert_eq!(quiet, 0, "nothing new, nothing written");
    })
    .await;
}

#[tokio::test]
async fn a_refused_person_is_seen_without_personal_data_until_the_same_one_succeeds() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let token = house.directory_token("entra").await;
        let post = async |body: &Value| house.send("POST", USERS, &token, body).await;
        let mut bad = person("Åsa.Öberg", OBJECT);
        bad["active"] = json!("banana-of-asa");
        for _ in 0..2 {
            assert_eq!(post(&bad).await.status, StatusCode::BAD_REQUEST);
            house.clock.advance(SignedDuration::from_secs(1));
        }
        let mut nameless = person("bo", "bo.ek");
        nameless["userName"] = json!("");
        post(&nameless).await;
        house.clock.advance(SignedDuration::from_secs(1));
        post(&json!("no person")).await;
        let standing = seen(&house).await;
        let left: Vec<_> = standing
            .refused
            .iter()
            .map(|one| (&*one.resource, &*one.reference, &*one.method, one.status, one.times))
            .collect();
        let object = format!("externalId:{OBJECT}");
        assert_eq!(left.len(), 3, "{left:?}");
        assert_eq!(left[0], ("User", "-", "POST", 400, 1));
        assert!(left[1].1.starts_with("externalId:sha256:"), "{left:?}");
        assert_eq!(left[2], ("User", object.as_str(), "POST", 400, 2));
        assert!(standing.refused[2].detail.contains("active"), "{:?}", standing.refused[2]);
        let kept = everything_kept(t).await.to_lowercase();
        for personal in ["banana", "åsa", "öberg", "bo.ek", "forening"] {
            assert!(!kept.contains(personal), "{personal} in {kept}");
        }
        assert_eq!(post(&person("Åsa.Öberg", OBJECT)).await.status, StatusCode::CREATED);
        let standing = seen(&house).await;
        assert!(standing.refused.iter().all(|one| one.reference != object), "{:?}", standing.refused);
        assert_eq!(standing.refused.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_refused_create_is_settled_by_a_change_of_the_person_that_was_there_already() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let token = house.directory_token("entra").await;
        let made = house.send("POST", USERS, &token, &person("asa", OBJECT)).await;
        let id = made.body["id"].as_str().unwrap().to_owned();
        let twice = house.send("POST", USERS, &token, &person("asa", OBJECT)).await;
        assert_eq!(twice.status, StatusCode::CONFLICT);
        let standing = seen(&house).await;
        assert_eq!(standing.refused.len(), 1);
        assert_eq!(standing.refused[0].scim_type.as_deref(), Some("uniqueness"));
        let rename = json!([{ "op": "replace", "path": "displayName", "value": "Åsa" }]);
        house.send("PATCH", &format!("{USERS}/{id}"), &token, &patch(&rename)).await;
        assert_eq!(seen(&house).await.refused, []);
        // What is gone already need not be deleted; what should be there and is not is worth a look.
        house.send("DELETE", &format!("{USERS}/{OBJECT}"), &token, &Value::Null).await;
        house.send("PATCH", &format!("{USERS}/{OBJECT}"), &token, &patch(&rename)).await;
        let left = seen(&house).await.refused;
        let left: Vec<_> = left.iter().map(|one| (one.method.as_str(), one.reference.clone())).collect();
        assert_eq!(left, [("PATCH", format!("id:{OBJECT}"))]);
    })
    .await;
}

#[tokio::test]
async fn a_success_on_another_node_settles_what_was_refused_here() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let token = house.directory_token("entra").await;
        let mut bad = person("asa", OBJECT);
        bad["active"] = json!("banana");
        house.send("POST", USERS, &token, &bad).await;
        assert_eq!(seen(&house).await.refused.len(), 1);
        house.clock.advance(SignedDuration::from_mins(1));
        let other = TestHouse::new(t).await;
        other.clock.set(house.ports.clock.now());
        other.send("POST", USERS, &token, &person("asa", OBJECT)).await;
        assert_eq!(seen(&other).await.refused, []);
    })
    .await;
}

#[tokio::test]
async fn each_operation_of_a_bulk_request_is_told_for_itself() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let token = house.directory_token("entra").await;
        let mut bad = person("bo", OBJECT);
        bad["active"] = json!("banana");
        let bulk = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
            { "method": "POST", "path": "/Users", "bulkId": "1", "data": person("asa", "a") },
            { "method": "POST", "path": "/Users", "bulkId": "2", "data": bad },
            { "method": "POST", "path": "/Nonsense", "bulkId": "3", "data": {} },
        ] });
        let answer = house.send("POST", "/scim/v2/entra/Bulk", &token, &bulk).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let standing = seen(&house).await;
        let counts: Vec<_> =
            standing.counts.iter().map(|one| (&*one.method, &*one.outcome, one.times)).collect();
        let expected =
            [("BULK", "ok", 1), ("OTHER", "refused", 1), ("POST", "ok", 1), ("POST", "refused", 1)];
        assert_eq!(counts, expected);
        assert_eq!(standing.refused.len(), 1);
        assert_eq!(standing.refused[0].reference, format!("externalId:{OBJECT}"));
    })
    .await;
}

#[tokio::test]
async fn members_whom_nobody_knows_are_seen_with_their_group() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let token = house.directory_token("entra").await;
        let members = json!([{ "value": OBJECT }, { "value": "another" }]);
        let group = json!({ "displayName": "Styrelsen", "externalId": "s", "members": members });
        house.send("POST", GROUPS, &token, &group).await;
        let standing = seen(&house).await;
        assert_eq!(standing.row.pending_members, 2);
        assert_eq!((standing.pending[0].name.as_str(), standing.pending[0].members), ("Styrelsen", 2));
        house.send("POST", USERS, &token, &person("asa", OBJECT)).await;
        assert_eq!(seen(&house).await.row.pending_members, 1);
    })
    .await;
}

#[tokio::test]
async fn no_more_than_two_hundred_refused_people_are_kept() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let token = house.directory_token("entra").await;
        let refuse = async |number: usize| {
            let body = json!({ "externalId": format!("p-{number}"), "active": "banana", "userName": "x" });
            let answer = house.send("POST", USERS, &token, &body).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            house.clock.advance(SignedDuration::from_secs(1));
        };
        for number in 0..150 {
            refuse(number).await;
        }
        assert_eq!(seen(&house).await.refused.len(), 150);
        for number in 150..360 {
            refuse(number).await;
        }
        let refused = seen(&house).await.refused;
        assert_eq!(refused.len(), directories::MOST_REFUSED);
        let newest = directories::Reference::external("p-359");
        assert_eq!(refused[0].reference, newest.as_str(), "the newest stay");
        house.clock.advance(SignedDuration::from_hours(24 * 91));
        jobs::run_once(&house.ports, "housekeeping").await.unwrap();
        let standing = seen(&house).await;
        assert_eq!(
            (standing.refused.len(), standing.counts.len()),
            (0, 0),
            "after 90 days they are forgotten"
        );
    })
    .await;
}

#[tokio::test]
async fn somebody_who_still_uses_a_token_that_is_over_is_seen() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let token = house.directory_token("entra").await;
        house.clock.advance(SignedDuration::from_hours(24 * 366));
        assert_eq!(house.send("GET", USERS, &token, &Value::Null).await.status, StatusCode::UNAUTHORIZED);
        let standing = seen(&house).await;
        assert_eq!(standing.last_denied, Some(house.ports.clock.now()));
        assert_eq!(standing.last_denied_why.as_deref(), Some("expired"));
        assert_eq!(standing.row.last_request, None);
    })
    .await;
}
