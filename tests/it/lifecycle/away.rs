//! Leave: deputies, sign-in for a reason, what a directory says, and people who ask themselves.

use jiff::{SignedDuration, Timestamp};
use portvakt::domain::account::Status;
use portvakt::domain::grant::{GrantKind, Holder, ItemRef, Link, LinkOrigin, Origin};
use portvakt::domain::ids::{AccountId, ComponentId, GrantId, SectorId};
use portvakt::domain::language::Language;
use portvakt::flows::lifecycle;
use portvakt::flows::people::{self, DeputyWish, Lasting, LeaveWish};
use portvakt::store::{entitlement, leave, leave_request, link};
use serde_json::{Value, json};

use super::{SETTINGS, USERS, World, told};
use crate::engines::{TestDb, change, look, on_each_engine};
use crate::house::POLICY;

pub(super) fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

pub(super) async fn tick(w: &World<'_>) {
    lifecycle::end_grants(w.ports(), &w.act()).await.unwrap();
    lifecycle::follow_dates(w.ports(), &w.act()).await.unwrap();
    people::follow_deputies(w.ports(), &w.act()).await.unwrap();
}

/// Bo, who holds a sector and a link, and Dora, who is to stand in.
pub(super) async fn two(t: &TestDb) -> (World<'_>, AccountId, AccountId) {
    let w = World::open(t).await;
    w.board(&["anna"]).await;
    let (bo, dora) = (w.arrives("bo").await, w.arrives("dora").await);
    let sector = GrantKind::Sector(SectorId::parse("mailings").unwrap());
    people::grant(w.ports(), &w.act(), &bo.to_string(), (sector, Lasting::AsUsual), "his part")
        .await
        .unwrap();
    let item = ItemRef::parse(ComponentId::parse("mailing").unwrap(), "7").unwrap();
    let own = Link {
        id: GrantId::new(uuid::Uuid::now_v7()),
        item,
        holder: Holder::Account(bo),
        origin: LinkOrigin::Created,
        by: "target:crm".to_owned(),
        why: None,
        since: w.now(),
        ends_at: None,
        until: None,
    };
    change!(w.t, [own] c => link::give(c, &own).await.map(drop)).unwrap();
    (w, bo, dora)
}

pub(super) fn wish(from: Timestamp, until: Timestamp) -> LeaveWish {
    let deputy = DeputyWish { account: "dora@forening.example".to_owned(), sectors: None, links: true };
    LeaveWish { deputy: Some(deputy), ..LeaveWish::new(from, until, "Karin Ek") }
}

/// What Dora holds for somebody else: sectors and links.
pub(super) async fn held(w: &World<'_>, dora: AccountId) -> (usize, usize) {
    let grants = look!(w.t, c => entitlement::held(c, dora));
    let grants =
        grants.iter().filter(|g| matches!(g.origin, Origin::Deputy(_)) && g.holds_at(w.now())).count();
    let links = look!(w.t, c => link::of_account(c, dora));
    (grants, links.iter().filter(|l| l.origin == LinkOrigin::Deputy && l.holds_at(w.now())).count())
}

#[tokio::test]
async fn a_deputy_has_copies_from_the_first_day_of_the_leave_to_its_last_with_their_origin() {
    on_each_engine(async |t| {
        let (w, bo, dora) = two(t).await;
        let (from, until) = (w.now() + days(5), w.now() + days(60));
        people::grant_leave(w.ports(), &w.act(), &bo.to_string(), wish(from, until)).await.unwrap();
        tick(&w).await;
        assert_eq!(held(&w, dora).await, (0, 0), "not before the leave");
        w.pass_days(5);
        tick(&w).await;
        assert_eq!((held(&w, dora).await, w.state(bo).await.0), ((1, 1), Status::Paused));
        let stories = people::explain(w.ports(), &dora.to_string(), Language::Sv).await.unwrap();
        let copy = stories.iter().find(|story| story.kind == "sector").unwrap();
        assert_eq!((copy.origin, copy.why.as_deref()), ("deputy", Some("ställföreträdare för bo")));
        assert_eq!(copy.ends_at, Some(until));
        w.pass_days(55);
        // The copies end by their own date, before any job has run.
        assert_eq!(held(&w, dora).await, (0, 0));
        tick(&w).await;
        assert_eq!(w.state(bo).await.0, Status::Active);
        assert_eq!(look!(w.t, c => entitlement::held(c, bo)).len(), 1, "his own are untouched");
    })
    .await;
}

#[tokio::test]
async fn what_a_deputy_has_ends_with_a_leave_that_is_ended_earlier() {
    on_each_engine(async |t| {
        let (w, bo, dora) = two(t).await;
        let (from, until) = (w.now(), w.now() + days(60));
        people::grant_leave(w.ports(), &w.act(), &bo.to_string(), wish(from, until)).await.unwrap();
        assert_eq!(held(&w, dora).await, (1, 1), "a leave that begins today gives at once");
        let version = w.get(dora).await.version;
        w.pass_days(3);
        people::end_leave(w.ports(), &w.act(), &bo.to_string()).await.unwrap();
        assert_eq!(held(&w, dora).await, (0, 0));
        assert!(w.get(dora).await.version > version, "the CRM is told");
        assert!(told(&w, "account", dora).await.iter().any(|(action, _)| action == "deputy_ended"));
        let own = LeaveWish {
            deputy: Some(DeputyWish { account: bo.to_string(), sectors: None, links: false }),
            ..LeaveWish::new(from + days(3), until, "Karin Ek")
        };
        assert!(people::grant_leave(w.ports(), &w.act(), &bo.to_string(), own).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_reason_lets_somebody_on_leave_sign_in_and_the_clock_stands_still_all_the_same() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        w.signs_in(bo).await;
        let mut leave = LeaveWish::new(w.now(), w.now() + days(200), "Karin Ek");
        leave.sign_in_why = Some(" ".to_owned());
        assert!(people::grant_leave(w.ports(), &w.act(), &bo.to_string(), leave.clone()).await.is_err());
        leave.sign_in_why = Some("hands over the register".to_owned());
        people::grant_leave(w.ports(), &w.act(), &bo.to_string(), leave).await.unwrap();
        tick(&w).await;
        assert_eq!(w.state(bo).await.0, Status::Active);
        w.pass_days(190);
        w.signs_in(admin).await;
        assert!(w.plan().await.plan.steps.is_empty());
        w.pass_days(10);
        tick(&w).await;
        assert_eq!(w.get(bo).await.returned_at, Some(w.now()));
        w.signs_in(admin).await;
        assert!(w.plan().await.plan.steps.is_empty(), "the time counts from the return");
    })
    .await;
}

const HR: &str = "urn:example:hr:2.0:User";

async fn says(w: &World<'_>, name: &str, extension: Value) {
    let path = format!("{USERS}/{}", w.scim_id(name).await);
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", HR],
        "userName": format!("{name}@forening.example"), "externalId": format!("ext-{name}"), "displayName": name,
        "active": true, HR: extension });
    let answer = w.house.send("PUT", &path, &w.token, &body).await;
    assert!(answer.status.is_success(), "{}", answer.body);
}

#[tokio::test]
async fn a_directory_notes_and_ends_a_leave_and_nonsense_is_reported_and_not_obeyed() {
    on_each_engine(async |t| {
        let leave_part = format!(
            "[directory.leave]\nfrom = \"{HR}:leaveFrom\"\nuntil = \"{HR}:leaveUntil\"\nflag = \"{HR}:onLeave\"\n"
        );
        let settings = SETTINGS.replace("[[target]]", &format!("{leave_part}[[target]]"));
        let w = World::with(t, &settings, POLICY).await;
        w.board(&["anna"]).await;
        let bo = w.arrives("bo").await;
        says(&w, "bo", json!({ "onLeave": "perhaps" })).await;
        assert_eq!(w.state(bo).await.0, Status::Active);
        assert!(told(&w, "account", bo).await.iter().any(|(action, _)| action == "leave_not_followed"));
        says(&w, "bo", json!({ "onLeave": true, "leaveUntil": "2026-03-31" })).await;
        assert_eq!(w.state(bo).await.0, Status::Paused);
        let open = look!(w.t, c => leave::open(c, bo)).unwrap();
        assert_eq!(open.directory.map(|id| id.to_string()).as_deref(), Some("entra"));
        assert_eq!(open.until.to_string(), "2026-03-31T22:00:00Z");
        says(&w, "bo", json!({ "onLeave": true, "leaveUntil": "not a day" })).await;
        assert_eq!(w.state(bo).await.0, Status::Paused, "what cannot be read changes nothing");
        says(&w, "bo", json!({ "onLeave": false })).await;
        assert_eq!(w.state(bo).await.0, Status::Active);
        // What a person noted is theirs to end.
        let by_hand = LeaveWish::new(w.now(), w.now() + days(30), "Karin Ek");
        people::grant_leave(w.ports(), &w.act(), &bo.to_string(), by_hand).await.unwrap();
        says(&w, "bo", json!({ "onLeave": "no" })).await;
        assert_eq!(w.state(bo).await.0, Status::Paused);
    })
    .await;
}

#[tokio::test]
async fn who_asks_for_leave_waits_for_somebody_elses_decision() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let anna = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        let person = w.ports().act(portvakt::domain::actor::Actor::Account(bo), "notice");
        let span = (w.now(), w.now() + days(90));
        assert!(people::ask_for_leave(w.ports(), &person, bo, (span.1, span.0)).await.is_err());
        people::ask_for_leave(w.ports(), &person, bo, (span.0, span.1 + days(1))).await.unwrap();
        people::ask_for_leave(w.ports(), &person, bo, span).await.unwrap();
        let asked = people::leave_requests(w.ports()).await.unwrap();
        assert_eq!((asked.len(), asked[0].until), (1, span.1), "the newer gives the day");
        assert_eq!(w.state(bo).await.0, Status::Active);
        assert!(people::approve_leave(w.ports(), &person, &bo.to_string(), "bo").await.is_err());
        let target = w.house.target_token("crm").await;
        let path = format!("/api/v1/accounts/{bo}/leave");
        let body = json!({ "answer": "approve", "by": anna.to_string() });
        let done = w.house.send("POST", &format!("{path}/answer"), &target, &body).await;
        assert_eq!((done.status.as_u16(), &done.body["status"]), (200, &json!("paused")), "{}", done.body);
        assert_eq!(done.body["leave"]["approver"], json!("anna"));
        assert!(people::leave_requests(w.ports()).await.unwrap().is_empty());
        let request = look!(w.t, c => leave_request::newest(c, bo)).unwrap();
        assert_eq!(request.state, "approved");
        let ended =
            w.house.send("POST", &format!("{path}/end"), &target, &json!({ "by": anna.to_string() })).await;
        assert_eq!(ended.body["status"], json!("active"), "{}", ended.body);
        // Who is not an administrator decides nothing, whatever a CRM says.
        let body = json!({ "from": w.now().to_string(), "until": span.1.to_string(), "by": bo.to_string() });
        let refused = w.house.send("POST", &path, &target, &body).await;
        assert_eq!(refused.status.as_u16(), 403, "{}", refused.body);
    })
    .await;
}

#[tokio::test]
async fn a_leave_that_a_directory_moves_to_a_later_day_lets_the_person_in_until_then() {
    on_each_engine(async |t| {
        let leave_part =
            format!("[directory.leave]\nfrom = \"{HR}:leaveFrom\"\nuntil = \"{HR}:leaveUntil\"\n");
        let settings = SETTINGS.replace("[[target]]", &format!("{leave_part}[[target]]"));
        let w = World::with(t, &settings, POLICY).await;
        w.board(&["anna"]).await;
        let bo = w.arrives("bo").await;
        says(&w, "bo", json!({ "leaveFrom": "2025-10-01", "leaveUntil": "2026-03-31" })).await;
        assert_eq!(w.state(bo).await.0, Status::Paused);
        says(&w, "bo", json!({ "leaveFrom": "2025-12-01", "leaveUntil": "2026-03-31" })).await;
        let present = w.get(bo).await;
        assert_eq!((present.standing.status, present.returned_at), (Status::Active, Some(w.now())));
        tick(&w).await;
        assert_eq!(w.state(bo).await.0, Status::Active, "and stays so until the day");
        w.pass_days(56);
        tick(&w).await;
        assert_eq!(w.state(bo).await.0, Status::Paused);
    })
    .await;
}
