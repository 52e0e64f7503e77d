//! Item events as a CRM sends them: repeated, late, mixed with bad ones.

use axum::http::{Method, StatusCode};
use portvakt::domain::grant::{Holder, ItemRef};
use portvakt::domain::ids::ComponentId;
use portvakt::flows::housekeeping;
use portvakt::store::{audit, item, link};
use serde_json::{Value, json};

use super::stories::{name, sees};
use crate::association::Association;
use crate::engines::{TestDb, look, on_each_engine};

/// Sends a batch; gives the answers.
pub(super) async fn tell(house: &Association, events: Value) -> Vec<Value> {
    let answer = house.crm(Method::POST, "/api/v1/item-events", events).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body["results"].as_array().expect("a list").clone()
}

fn results(answers: &[Value]) -> Vec<&str> {
    answers.iter().map(|one| one["result"].as_str().expect("a result")).collect()
}

fn mailing(number: &str) -> ItemRef {
    ItemRef::parse(ComponentId::parse("mailing").unwrap(), number).unwrap()
}

async fn responsible(t: &TestDb, number: &str) -> Option<Holder> {
    look!(t, c => item::assignee(c, &mailing(number), None))
}

fn assigned(number: &str, to: &str, at: &str) -> Value {
    json!({ "event": "assigned", "component": "mailing", "item": number, "assignee": { "account": name(to) },
        "at": format!("2026-03-02T{at}:00Z") })
}

fn happened(event: &str, number: &str, by: &str, at: &str) -> Value {
    json!({ "event": event, "component": "mailing", "item": number, "by": name(by),
        "at": format!("2026-03-02T{at}:00Z") })
}

#[tokio::test]
async fn an_event_is_followed_once_under_its_id_however_often_it_is_sent() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let event = |id: &str, to: &str| {
            json!({ "id": id, "event": "assigned", "component": "mailing", "item": "1",
                "assignee": { "account": name(to) } })
        };
        let first =
            tell(&house, json!([event("e-1", "hanna"), event("e-2", "hugo"), event("e-1", "hanna")])).await;
        assert_eq!(results(&first), ["changed", "changed", "repeated"]);
        let before = look!(t, c => audit::count(c));
        house.after_hours(1);
        // Sent again, the first would take the item back from Hugo, were it not known by its id.
        let again = tell(&house, json!([event("e-1", "hanna")])).await;
        assert_eq!(results(&again), ["repeated"]);
        assert!(sees(&house, "hugo", "1").await && !sees(&house, "hanna", "1").await);
        let other =
            tell(&house, json!([event("e-1", "hugo"), event("", "hugo"), event(&"x".repeat(201), "hugo")]))
                .await;
        let codes: Vec<_> = other.iter().map(|one| one["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["id_reused", "invalid", "invalid"]);
        assert_eq!(look!(t, c => audit::count(c)), before);
    })
    .await;
}

#[tokio::test]
async fn an_event_that_was_refused_may_be_mended_and_sent_again_under_its_id() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let event = |to: &str| {
            json!({ "id": "e-7", "event": "assigned", "component": "mailing", "item": "1",
                "assignee": { "account": name(to) } })
        };
        assert_eq!(tell(&house, json!([event("nobody")])).await[0]["code"], "unknown_account");
        assert_eq!(results(&tell(&house, json!([event("hanna")])).await), ["changed"]);
        // After a quarter of a year no CRM repeats an event, and the ids are forgotten.
        house.after_hours(24 * 91);
        housekeeping::tidy(&house.ports).await.unwrap();
        assert_eq!(results(&tell(&house, json!([event("hanna")])).await), ["unchanged"]);
    })
    .await;
}

#[tokio::test]
async fn a_late_assignment_does_not_overwrite_a_newer_one() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let answers = tell(
            &house,
            json!([
                assigned("1", "hugo", "07:30"),
                assigned("1", "hanna", "07:10"),
                assigned("1", "hugo", "07:30")
            ]),
        )
        .await;
        assert_eq!(results(&answers), ["changed", "older", "unchanged"]);
        assert!(sees(&house, "hugo", "1").await && !sees(&house, "hanna", "1").await);
        assert_eq!(results(&tell(&house, json!([assigned("1", "hanna", "07:40")])).await), ["changed"]);
        assert!(sees(&house, "hanna", "1").await && !sees(&house, "hugo", "1").await);
    })
    .await;
}

#[tokio::test]
async fn a_deletion_is_not_undone_by_anything_older() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        // The deletion comes first of all, of an item that nobody has told of.
        let answers = tell(
            &house,
            json!([
                happened("deleted", "1", "hugo", "07:50"),
                happened("created", "1", "hanna", "07:00"),
                assigned("1", "hanna", "07:20"),
                happened("created", "1", "hanna", "07:50"),
            ]),
        )
        .await;
        assert_eq!(results(&answers), ["unchanged", "older", "older", "older"]);
        assert!(look!(t, c => link::of_item(c, &mailing("1"), None)).is_empty());
        assert!(!sees(&house, "hanna", "1").await);
        let again = tell(&house, json!([happened("created", "1", "hanna", "07:55")])).await;
        assert_eq!(results(&again), ["changed"]);
        assert!(sees(&house, "hanna", "1").await);
        assert_eq!(
            results(&tell(&house, json!([happened("deleted", "1", "hugo", "07:52")])).await),
            ["older"]
        );
        assert!(sees(&house, "hanna", "1").await);
    })
    .await;
}

#[tokio::test]
async fn the_same_events_in_any_order_lead_to_the_same_state() {
    let events = [
        happened("created", "1", "hanna", "07:00"),
        assigned("1", "hanna", "07:10"),
        assigned("1", "hugo", "07:20"),
        happened("deleted", "2", "hugo", "07:05"),
        happened("created", "2", "hanna", "07:01"),
        assigned("2", "hanna", "07:02"),
    ];
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        for start in 0..events.len() {
            let mut turned = events.to_vec();
            turned.rotate_left(start);
            if start % 2 == 1 {
                turned.reverse();
            }
            // Items of their own for each order.
            for event in &mut turned {
                event["item"] = json!(format!("{start}-{}", event["item"].as_str().unwrap()));
            }
            tell(&house, json!(turned)).await;
            let (one, two) = (format!("{start}-1"), format!("{start}-2"));
            assert!(matches!(responsible(t, &one).await, Some(Holder::Account(_))), "order {start}");
            assert!(sees(&house, "hugo", &one).await && sees(&house, "hanna", &one).await, "order {start}");
            assert_eq!(responsible(t, &two).await, None, "order {start}");
            assert!(!sees(&house, "hanna", &two).await, "order {start}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_thousand_events_are_taken_and_a_bad_one_among_them_refuses_only_itself() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let event = |number: usize| {
            let component = if number == 500 { "nonsense" } else { "mailing" };
            json!({ "id": format!("e{number}"), "event": "created", "component": component,
                "item": number.to_string(), "by": name("hanna") })
        };
        let answers = tell(&house, Value::Array((0..1_000).map(event).collect())).await;
        let refused: Vec<usize> =
            (0..1_000).filter(|number| answers[*number]["result"] == json!("refused")).collect();
        assert_eq!(refused, [500]);
        assert!(answers[500]["detail"].as_str().unwrap().contains("nonsense"), "{}", answers[500]);
        assert!(sees(&house, "hanna", "999").await && !sees(&house, "hugo", "999").await);
    })
    .await;
}
