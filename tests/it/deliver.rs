//! The CRM is told: once per version, in order, signed, however long it was away.

use jiff::{SignedDuration, Timestamp};
use portvakt::domain::actor::{Actor, Subject};
use portvakt::domain::ids::TargetId;
use portvakt::flows::deliver::{self, Outcome};
use portvakt::flows::targets::{self, Which};
use portvakt::flows::{Act, Clock, Ports, Refusal, lead};
use portvakt::store::{account, audit, outbox};
use serde_json::{Value, json};

use crate::engines::{TestDb, crm_id_of, look, on_each_engine};
use crate::house::TestHouse;
use crate::practice_crm::{Mood, PracticeCrm, house_with_absent_crm, house_with_crm};

/// The dead letter of one account.
fn of(account: &str) -> Which {
    Which { account: Some(account.to_owned()), ..Which::default() }
}

fn crm() -> TargetId {
    TargetId::parse("crm").unwrap()
}

/// One round, as the job runs it.
async fn deliver(ports: &Ports) -> Outcome {
    let fence = lead::take(ports, "deliver:crm").await.unwrap().expect("nobody else has the job");
    let round = deliver::due(ports, &crm(), &fence).await.unwrap();
    lead::give_back(ports, &fence, "done", true).await.unwrap();
    round
}

async fn make(house: &TestHouse, name: &str) -> String {
    let token = house.directory_token("entra").await;
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "externalId": format!("ext-{name}"),
        "userName": format!("{name}@forening.example"), "displayName": name, "active": true });
    let answer = house.send("POST", "/scim/v2/entra/Users", &token, &body).await;
    answer.body["id"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
}

async fn change(house: &TestHouse, id: &str, attribute: &str, value: Value) {
    let token = house.directory_token("entra").await;
    let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": attribute, "value": value }] });
    let answer = house.send("PATCH", &format!("/scim/v2/entra/Users/{id}"), &token, &body).await;
    assert!(answer.status.is_success(), "{}", answer.body);
}

async fn group(house: &TestHouse, external: &str, members: &[&String]) {
    let token = house.directory_token("entra").await;
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": external,
        "externalId": external, "members": members });
    let answer = house.send("POST", "/scim/v2/entra/Groups", &token, &body).await;
    assert!(answer.status.is_success(), "{}", answer.body);
}

async fn actions(t: &TestDb, kind: &'static str, id: &str) -> Vec<String> {
    let entries = look!(t, c => audit::about(c, &Subject::new(kind, id), 100));
    entries.into_iter().map(|entry| entry.action).collect()
}

fn operator(house: &TestHouse) -> Act {
    house.ports.act(Actor::Operator("test".to_owned()), "command")
}

fn text<'v>(message: &'v Value, member: &str) -> &'v str {
    message["account"][member].as_str().unwrap()
}

#[tokio::test]
async fn a_provisioned_person_is_told_signed_as_they_stand_with_the_version() {
    on_each_engine(async |t| {
        let (house, crm_there) = house_with_crm(t).await;
        let asa = make(&house, "asa").await;
        group(&house, "group-helpers", &[&asa]).await;
        let round = deliver(&house.ports).await;
        assert_eq!((round.delivered, round.tried(), round.next_due), (1, 1, None));
        let [told] = &crm_there.heard()[..] else { panic!("told once") };
        let person = look!(t, c => account::resolve(c, "asa@forening.example", None)).remove(0);
        assert_eq!(told["version"], person.version);
        assert_eq!(told["account"]["roles"], json!(["communicator"]));
        assert_eq!(told["account"]["sectors"], json!(["mailings"]));
        assert_eq!(told["account"]["modules"], json!(["communication"]));
        assert_eq!(
            (&told["account"]["limited"], &told["account"]["status"]),
            (&json!(true), &json!("active"))
        );
        assert_eq!(told["account"]["external_ids"], json!({ "entra": "ext-asa" }));
        // What the CRM calls the account was learned, and its answer is kept as proof.
        let learned = look!(t, c => crm_id_of(c, &crm(), person.id));
        assert_eq!(learned.as_deref(), Some("crm-asa@forening.example"));
        let (version, at, answer) = look!(t, c => outbox::delivered(c, &crm(), person.id)).unwrap();
        assert_eq!((version, at), (person.version, house.clock.now()));
        assert!(answer.starts_with("200 OK"), "{answer}");
        assert_eq!(deliver(&house.ports).await.tried(), 0, "a version is told once");
        change(&house, &asa, "displayName", json!("Åsa")).await;
        deliver(&house.ports).await;
        assert_eq!(text(&crm_there.heard()[0], "crm_id"), "crm-asa@forening.example");
    })
    .await;
}

#[tokio::test]
async fn a_crm_that_was_away_is_told_afterwards_the_newest_once() {
    on_each_engine(async |t| {
        let (house, socket) = house_with_absent_crm(t).await;
        let address = socket.local_addr().unwrap();
        drop(socket);
        let (asa, bo) = (make(&house, "asa").await, make(&house, "bo").await);
        assert_eq!(deliver(&house.ports).await.again, 2);
        for name in ["Åsa", "Åsa L", "Åsa Lindqvist"] {
            change(&house, &asa, "displayName", json!(name)).await;
        }
        assert_eq!(deliver(&house.ports).await.tried(), 0, "the pause holds");
        house.clock.advance(SignedDuration::from_hours(50));
        let socket = std::net::TcpListener::bind(address).expect("the port is still free");
        let there = PracticeCrm::on(socket, &house.clock).await;
        assert_eq!(deliver(&house.ports).await.delivered, 2);
        let heard = there.heard();
        let mut names: Vec<&str> = heard.iter().map(|told| text(told, "display_name")).collect();
        names.sort_unstable();
        assert_eq!(names, ["bo", "Åsa Lindqvist"]);
        // From then on every version, in order.
        let mut versions = Vec::new();
        for name in ["Bo", "Bo E", "Bo Ek"] {
            change(&house, &bo, "displayName", json!(name)).await;
            deliver(&house.ports).await;
            versions.extend(there.heard().iter().map(|told| told["version"].as_i64().unwrap()));
        }
        assert!(versions.len() == 3 && versions.is_sorted_by(|a, b| a < b), "{versions:?}");
    })
    .await;
}

#[tokio::test]
async fn an_error_of_the_crm_is_retried_by_the_table_and_ends_as_a_dead_letter() {
    on_each_engine(async |t| {
        let (house, there) = house_with_crm(t).await;
        there.is_now(Mood::Answers(500));
        make(&house, "asa").await;
        for seconds in [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400] {
            let round = deliver(&house.ports).await;
            assert_eq!((round.again, round.dead), (1, 0));
            let due = round.next_due.unwrap();
            let pause = due.duration_since(house.clock.now()).as_secs_f64();
            assert!((f64::from(seconds)..=f64::from(seconds) * 1.2).contains(&pause), "{seconds}: {pause}");
            house.clock.set(due - SignedDuration::from_millis(1));
            assert_eq!(deliver(&house.ports).await.tried(), 0);
            house.clock.set(due);
        }
        assert_eq!(deliver(&house.ports).await, Outcome { dead: 1, ..Outcome::default() });
        assert_eq!(there.heard().len(), 10);
        assert_eq!(targets::dead(&house.ports, &crm(), &Which::default()).await.unwrap()[0].attempts, 10);
    })
    .await;
}

#[tokio::test]
async fn a_pause_that_the_crm_asks_for_is_kept() {
    on_each_engine(async |t| {
        let (house, there) = house_with_crm(t).await;
        there.is_now(Mood::Busy(3600));
        make(&house, "asa").await;
        let due: Timestamp = deliver(&house.ports).await.next_due.unwrap();
        assert_eq!(due, house.clock.now() + SignedDuration::from_hours(1));
    })
    .await;
}

#[tokio::test]
async fn what_the_crm_refuses_is_a_dead_letter_that_can_be_read_and_sent_again() {
    on_each_engine(async |t| {
        let (house, there) = house_with_crm(t).await;
        there.is_now(Mood::Refuses("bo"));
        make(&house, "bo").await;
        make(&house, "asa").await;
        let round = deliver(&house.ports).await;
        assert_eq!((round.delivered, round.dead), (1, 1), "one that is refused blocks no other");
        let letters = targets::dead(&house.ports, &crm(), &Which::default()).await.unwrap();
        let [letter] = &letters[..] else { panic!("{letters:?}") };
        assert_eq!(letter.user_name, "bo@forening.example");
        assert!(letter.error.contains("400") && letter.error.contains("no such role"), "{}", letter.error);
        let bo = letter.account.to_string();
        assert!(actions(t, "account", &bo).await.contains(&"delivery_given_up".to_owned()));
        assert_eq!(deliver(&house.ports).await.tried(), 0);
        there.is_now(Mood::Takes);
        let act = operator(&house);
        assert_eq!(
            targets::resend(&house.ports, &act, &crm(), &of("asa@forening.example")).await.unwrap(),
            0
        );
        assert_eq!(targets::resend(&house.ports, &act, &crm(), &of(&bo)).await.unwrap(), 1);
        assert_eq!(deliver(&house.ports).await.delivered, 1);
        assert!(targets::dead(&house.ports, &crm(), &Which::default()).await.unwrap().is_empty());
        let nobody = targets::resend(&house.ports, &act, &crm(), &of("nobody")).await;
        assert!(matches!(nobody, Err(Refusal::NotFound { .. })), "{nobody:?}");
    })
    .await;
}

#[tokio::test]
async fn a_410_switches_the_target_off_until_somebody_resumes_it() {
    on_each_engine(async |t| {
        let (house, there) = house_with_crm(t).await;
        there.is_now(Mood::Answers(410));
        make(&house, "asa").await;
        assert!(deliver(&house.ports).await.is_off);
        make(&house, "bo").await;
        there.is_now(Mood::Takes);
        there.heard();
        assert!(!deliver::is_due(&house.ports, &crm()).await.unwrap());
        assert_eq!(deliver(&house.ports).await, Outcome { is_off: true, ..Outcome::default() });
        assert!(there.heard().is_empty());
        let listed = targets::list(&house.ports).await.unwrap();
        assert_eq!((listed[0].waiting, listed[0].dead, listed[0].host.as_str()), (2, 0, "127.0.0.1"));
        assert_eq!(listed[0].off_since, Some(house.clock.now().to_string()));
        let act = operator(&house);
        assert!(targets::resume(&house.ports, &act, &crm()).await.unwrap());
        assert!(!targets::resume(&house.ports, &act, &crm()).await.unwrap());
        assert_eq!(deliver(&house.ports).await.delivered, 2);
        let mut done = actions(t, "target", "crm").await;
        done.sort();
        assert_eq!(done, ["target_resumed", "target_switched_off"]);
    })
    .await;
}

#[tokio::test]
async fn a_deactivation_goes_before_what_waited_longer_and_says_that_rights_have_ended() {
    on_each_engine(async |t| {
        let (house, there) = house_with_crm(t).await;
        let zoe = make(&house, "zoe").await;
        group(&house, "group-helpers", &[&zoe]).await;
        deliver(&house.ports).await;
        there.heard();
        for n in 0..64 {
            make(&house, &format!("p{n}")).await;
        }
        house.clock.advance(SignedDuration::from_mins(1));
        change(&house, &zoe, "active", json!(false)).await;
        assert_eq!(
            deliver(&house.ports).await.delivered,
            64,
            "a round, which leaves one of the others waiting"
        );
        let heard = there.heard();
        let told = heard.iter().find(|told| text(told, "user_name").starts_with("zoe"));
        let told = &told.expect("it is in the first round")["account"];
        assert_eq!((&told["status"], &told["reason"]), (&json!("deactivated"), &json!("departed")));
        assert_eq!(
            (&told["roles"], &told["modules"], &told["sectors"]),
            (&json!([]), &json!([]), &json!([]))
        );
        assert_eq!(told["limited"], true, "a limit takes and never gives, so it is told on");
    })
    .await;
}

#[tokio::test]
async fn what_changes_while_it_is_delivered_is_told_too() {
    on_each_engine(async |t| {
        let (house, mut there) = house_with_crm(t).await;
        let asa = make(&house, "asa").await;
        for mood in [true, false] {
            let (go, wait) = std::sync::mpsc::channel();
            there.is_now(Mood::Waits(wait, 200));
            let meanwhile = async {
                there.came.recv().await.unwrap();
                change(&house, &asa, "active", json!(!mood)).await;
                go.send(()).unwrap();
            };
            let (round, ()) = tokio::join!(deliver(&house.ports), meanwhile);
            assert_eq!((round.delivered, round.next_due), (1, Some(house.clock.now())));
        }
        there.is_now(Mood::Takes);
        assert_eq!(deliver(&house.ports).await.delivered, 1);
        let heard = there.heard();
        let statuses: Vec<&str> = heard.iter().map(|told| text(told, "status")).collect();
        assert_eq!(statuses, ["active", "deactivated", "active"]);
    })
    .await;
}

#[tokio::test]
async fn a_deactivation_does_not_wait_because_an_attempt_before_it_failed() {
    on_each_engine(async |t| {
        let (house, mut there) = house_with_crm(t).await;
        let asa = make(&house, "asa").await;
        let (go, wait) = std::sync::mpsc::channel();
        there.is_now(Mood::Waits(wait, 503));
        let meanwhile = async {
            there.came.recv().await.unwrap();
            change(&house, &asa, "active", json!(false)).await;
            go.send(()).unwrap();
        };
        let (round, ()) = tokio::join!(deliver(&house.ports), meanwhile);
        assert_eq!((round.again, round.next_due), (1, Some(house.clock.now())));
        there.is_now(Mood::Takes);
        assert_eq!(deliver(&house.ports).await.delivered, 1);
        assert_eq!(text(&there.heard()[1], "status"), "deactivated");
    })
    .await;
}

#[tokio::test]
async fn a_leader_that_lost_the_job_is_refused_by_its_old_fence() {
    on_each_engine(async |t| {
        let (house, there) = house_with_crm(t).await;
        make(&house, "asa").await;
        let other =
            Ports::new(t.db.clone(), house.ports.clock.clone(), house.ports.settings.clone()).unwrap();
        let old = lead::take(&house.ports, "deliver:crm").await.unwrap().unwrap();
        assert!(lead::take(&other, "deliver:crm").await.unwrap().is_none(), "one node leads");
        assert!(lead::prolong(&house.ports, &old).await.unwrap());
        house.clock.advance(SignedDuration::from_mins(5));
        let new = lead::take(&other, "deliver:crm").await.unwrap().expect("the lease has run out");
        assert!(new.number() > old.number());
        let refused = deliver::due(&house.ports, &crm(), &old).await;
        assert!(matches!(refused, Err(Refusal::Conflict(_))), "{refused:?}");
        assert!(there.heard().is_empty(), "nothing went out under the old fence");
        assert_eq!(deliver::due(&other, &crm(), &new).await.unwrap().delivered, 1);
        assert_eq!(there.heard().len(), 1);
    })
    .await;
}
