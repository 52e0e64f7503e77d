//! Letters: what is refused, what comes back, what waits, and who else hears of it.

use jiff::SignedDuration;
use portvakt::domain::account::Status;
use portvakt::domain::ids::AccountId;
use portvakt::domain::language::Language;
use portvakt::flows::post::{self, LetterState};
use portvakt::flows::{Ports, lifecycle};
use portvakt::jobs;
use portvakt::store::{letter, notice};
use serde_json::json;
use std::sync::Arc;

use super::{SETTINGS, World, told};
use crate::engines::{TestDb, change, look, on_each_engine};
use crate::house::POLICY;
use crate::mail_server::{MailServer, header, report};

fn settings(server: &MailServer) -> String {
    format!("{SETTINGS}{}", server.settings())
}

/// The usual policy with two notices, and more.
fn policy(more: &str) -> String {
    let notified = "freeze_for = \"14d\"\nnotify_before = [\"14d\", \"1d\"]";
    format!("{}\n{more}", POLICY.replace("freeze_for = \"14d\"", notified))
}

/// A house with mail, an administrator, and Bo, who was last seen eighty days ago.
async fn quiet<'t>(t: &'t TestDb, server: &MailServer, more: &str) -> (World<'t>, AccountId, AccountId) {
    let w = World::with(t, &settings(server), &policy(more)).await;
    let admin = w.board(&["anna"]).await[0];
    let bo = w.arrives("bo").await;
    w.signs_in(bo).await;
    w.pass_days(80);
    w.signs_in(admin).await;
    (w, admin, bo)
}

async fn moves_to(w: &World<'_>, name: &str, address: &str) {
    let emails = json!([{ "value": address, "primary": true, "type": "work" }]);
    w.says(name, json!([{ "op": "replace", "path": "emails", "value": emails }])).await;
}

async fn send_due(ports: &Arc<Ports>) -> String {
    match jobs::run_once(ports, "mail").await.unwrap().remove(0).1 {
        jobs::Ended::Done(said) => said,
        other => panic!("{other:?}"),
    }
}

async fn outcome(w: &World<'_>, hash: &str) -> String {
    let plan = lifecycle::find(w.ports(), hash).await.unwrap();
    let view = lifecycle::view(w.ports(), &plan, Language::En).await.unwrap();
    view.steps[0].outcome.clone().unwrap_or_default()
}

#[tokio::test]
async fn a_notice_that_came_back_does_not_count_and_the_next_leaves_its_full_time() {
    on_each_engine(async |t| {
        let server = MailServer::start().await;
        let (w, admin, bo) = quiet(t, &server, "").await;
        assert_eq!(w.apply(None).await.applied, 1);
        let sent = server.letters().remove(0);
        assert_eq!(look!(w.t, c => notice::of_account(c, bo)).len(), 1);
        w.pass_days(13);
        let back = report(header(&sent, "Message-ID"), "bo@forening.example");
        let returned = post::returned(w.ports(), &w.act(), back.as_bytes()).await.unwrap();
        assert!(returned.is_notice_void && returned.said.contains("no such mailbox"), "{returned:?}");
        assert!(look!(w.t, c => notice::of_account(c, bo)).is_empty());
        // The same report again changes nothing.
        assert!(!post::returned(w.ports(), &w.act(), back.as_bytes()).await.unwrap().is_notice_void);
        // Nobody writes to the address for a week, and the step waits for a notice that arrives.
        w.signs_in(admin).await;
        let report = w.apply(None).await;
        assert_eq!((report.applied, report.skipped), (0, 1));
        assert!(outcome(&w, &report.plan).await.contains("no address that works"));
        w.pass_days(8);
        assert_eq!(w.apply(None).await.applied, 1);
        assert_eq!(server.letters().len(), 1);
        w.pass_days(13);
        w.signs_in(admin).await;
        assert_eq!(w.apply(None).await.applied, 1, "the second notice, and not the freeze");
        assert_eq!(w.state(bo).await.0, Status::Active);
        w.pass_days(1);
        assert_eq!(w.apply(None).await.applied, 1);
        assert_eq!(w.state(bo).await.0, Status::Frozen);
        assert!(told(&w, "account", bo).await.iter().any(|(action, _)| action == "letter_bounced"));
    })
    .await;
}

#[tokio::test]
async fn where_mail_to_the_person_is_refused_the_manager_hears_of_it_and_that_counts() {
    on_each_engine(async |t| {
        let server = MailServer::start().await;
        let (w, _, bo) = quiet(t, &server, "[notices]\nalso_to = [\"manager\"]\nalso_from = \"1d\"\n").await;
        let sara = w.arrives("sara").await;
        let path = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
        let manager = json!({ "value": w.scim_id("sara").await });
        w.says("bo", json!([{ "op": "replace", "path": path, "value": manager }])).await;
        moves_to(&w, "bo", "reject@forening.example").await;
        let report = w.apply(None).await;
        assert_eq!((report.applied, report.skipped), (1, 0), "{}", outcome(&w, &report.plan).await);
        let letters = server.letters();
        assert_eq!(letters.len(), 1);
        assert_eq!(header(&letters[0], "To"), "sara@forening.example");
        let noted = look!(w.t, c => notice::of_account(c, bo)).remove(0);
        let stored = look!(w.t, c => letter::get(c, noted.letter.unwrap())).unwrap();
        assert_eq!((stored.recipient, stored.state), (Some(sara), LetterState::Sent));
        assert!(stored.body.is_none(), "what it said is gone once it has left");
        // From the step that the policy names on, both hear of it.
        moves_to(&w, "bo", "bo@forening.example").await;
        w.pass_days(13);
        assert_eq!(w.apply(None).await.applied, 1);
        let to: Vec<String> = server.letters().iter().map(|one| header(one, "To").to_owned()).collect();
        assert_eq!(to, ["bo@forening.example", "sara@forening.example"]);
    })
    .await;
}

/// Bo has no address, and fifteen days pass: whether he is frozen then.
async fn is_frozen_without_address(t: &TestDb, more: &str) -> bool {
    let server = MailServer::start().await;
    let (w, admin, bo) = quiet(t, &server, more).await;
    w.says("bo", json!([{ "op": "remove", "path": "emails" }])).await;
    assert_eq!(w.get(bo).await.email, None);
    for days in [0, 14, 1] {
        w.pass_days(days);
        w.signs_in(admin).await;
        w.apply(None).await;
    }
    assert!(server.letters().is_empty());
    w.state(bo).await.0 == Status::Frozen
}

#[tokio::test]
async fn without_an_address_the_step_waits_for_somebody_who_can_be_told() {
    on_each_engine(async |t| assert!(!is_frozen_without_address(t, "").await)).await;
}

#[tokio::test]
async fn without_an_address_the_step_goes_on_where_the_policy_says_so() {
    let more = "[notices]\nwithout_address = \"proceed\"\n";
    on_each_engine(async |t| assert!(is_frozen_without_address(t, more).await)).await;
}

#[tokio::test]
async fn what_the_server_does_not_take_now_goes_later_once_and_the_notice_counts_from_then() {
    on_each_engine(async |t| {
        let server = MailServer::start().await;
        let (w, _, bo) = quiet(t, &server, "").await;
        server.set_busy(true);
        let report = w.apply(None).await;
        assert_eq!((report.applied, report.skipped), (0, 1));
        assert!(look!(w.t, c => notice::of_account(c, bo)).is_empty());
        assert!(!post::is_due(w.ports()).await.unwrap(), "the first pause is a minute");
        w.house.clock.advance(SignedDuration::from_mins(1));
        assert!(send_due(w.ports()).await.starts_with("0 letters sent, 1 to be tried again"));
        server.set_busy(false);
        w.house.clock.advance(SignedDuration::from_mins(5));
        assert!(send_due(w.ports()).await.starts_with("1 letters sent"));
        assert_eq!(server.letters().len(), 1);
        let noted = look!(w.t, c => notice::of_account(c, bo)).remove(0);
        assert_eq!((noted.sent_at, noted.days_before), (w.now(), 14));
        assert_eq!(w.apply(None).await.applied, 0, "it is not sent a second time");
        assert!(server.letters().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_notice_that_waits_is_not_sent_to_somebody_who_signed_in_meanwhile() {
    on_each_engine(async |t| {
        let server = MailServer::start().await;
        let (w, _, bo) = quiet(t, &server, "").await;
        server.set_busy(true);
        w.apply(None).await;
        server.set_busy(false);
        w.signs_in(bo).await;
        w.house.clock.advance(SignedDuration::from_mins(2));
        assert!(send_due(w.ports()).await.ends_with("1 no longer wanted"));
        assert!(server.letters().is_empty());
    })
    .await;
}

#[tokio::test]
async fn after_a_crash_while_a_letter_is_sent_it_goes_once_more_under_the_same_name() {
    on_each_engine(async |t| {
        let server = MailServer::start().await;
        let (w, _, bo) = quiet(t, &server, "").await;
        server.set_busy(true);
        w.apply(None).await;
        server.set_busy(false);
        // Somebody claims it and is never heard of again.
        let waiting = look!(w.t, c => letter::since(c, &[LetterState::Waiting], jiff::Timestamp::MIN, 9));
        let (id, now) = (waiting[0].id, w.now());
        assert!(
            change!(w.t, [] c => letter::claim(c, id, now, now + SignedDuration::from_mins(5)).await)
                .unwrap()
        );
        let report = w.apply(None).await;
        assert_eq!((report.applied, report.skipped), (0, 1), "whoever has it may still be sending it");
        assert!(server.letters().is_empty());
        w.house.clock.advance(SignedDuration::from_mins(5));
        assert!(send_due(w.ports()).await.starts_with("1 letters sent"));
        assert_eq!(header(&server.letters()[0], "Message-ID"), format!("<{id}@forening.example>"));
        assert_eq!(look!(w.t, c => notice::of_account(c, bo)).len(), 1);
        assert!(!post::is_due(w.ports()).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_plan_that_stops_is_told_at_once_and_only_once() {
    on_each_engine(async |t| {
        let server = MailServer::start().await;
        let settings = format!("{}alerts_to = [\"it@forening.example\"]\n", settings(&server));
        let w = World::with(t, &settings, POLICY).await;
        let admin = w.board(&["anna"]).await[0];
        w.crowd(12).await;
        w.pass_days(95);
        w.signs_in(admin).await;
        for _ in 0..2 {
            assert_eq!(w.apply(None).await.outcome.name(), "awaits_release");
        }
        let letters = server.letters();
        assert_eq!(letters.len(), 1);
        assert_eq!(header(&letters[0], "To"), "it@forening.example");
        assert_eq!(header(&letters[0], "Auto-Submitted"), "auto-generated");
    })
    .await;
}
