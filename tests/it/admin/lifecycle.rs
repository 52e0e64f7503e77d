//! The lifecycle's pages: a plan that stopped, who may decide about it, and undoing what it did.

use axum::http::StatusCode;
use portvakt::domain::account::Status;
use portvakt::domain::actor::Subject;

use super::cast::{arrives, freshly, mark_of, seat, send};
use crate::engines::on_each_engine;
use crate::house::POLICY;
use crate::sign_in::browser::{Browser, Page};
use crate::sign_in::house::TestHouse;

/// A name that a browser would obey if it were let.
const EVIL: &str = "<script>alert(1)</script>\" onload=\"x";

/// Six people who never sign in, one who administers, one who audits; thirty-one days later.
async fn quiet(t: &crate::engines::TestDb) -> TestHouse<'_> {
    let house = TestHouse::open(t).await;
    let auditor = "\n[[role]]\nid = \"auditor\"\nname = { sv = \"Revisor\", en = \"Auditor\" }\n\
                   modules = [\"members:view\"]\nconsole = \"auditor\"\n";
    house.apply(&format!("{POLICY}{auditor}")).await;
    for number in 0..5 {
        arrives(&house, &format!("tyst{number}"), &format!("Tyst Nummer {number}")).await;
    }
    arrives(&house, "elak", EVIL).await;
    seat(&house, "asa", Some("board")).await;
    seat(&house, "cia", Some("auditor")).await;
    house.pass(60 * 24 * 31);
    house
}

/// Makes a plan, and gives its page's path.
async fn plan(browser: &mut Browser) -> String {
    let form = format!("token={}", mark_of(browser));
    let made = send(browser, "/lifecycle/plans", &form).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    made.location().to_owned()
}

async fn frozen(house: &TestHouse<'_>) -> usize {
    let mut count = 0;
    for name in ["tyst0", "tyst1", "tyst2", "tyst3", "tyst4", "elak"] {
        count += usize::from(house.account(name).await.standing.status == Status::Frozen);
    }
    count
}

fn is_harmless(page: &Page) {
    assert!(!page.body.contains("<script>alert") && !page.body.contains("\" onload=\""), "{}", page.body);
}

#[tokio::test]
async fn a_plan_that_stopped_is_released_by_an_administrator_with_a_reason_and_a_sign_in_of_late() {
    on_each_engine(async |t| {
        let house = quiet(t).await;
        let mut stale = house.browser();
        house.sign_in(&mut stale, "entra", "asa").await;
        let path = plan(&mut stale).await;
        let page = stale.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        is_harmless(&page);
        for told in [
            "En plan väntar på beslut",
            "Planen stannade av sig själv",
            "6 konton fryses",
            "Tyst Nummer 3",
            "&#60;script&#62;",
            "Aldrig inloggad",
            "Det här tar åtkomst från 6 konton",
            "Logga in igen och besluta",
        ] {
            assert!(page.body.contains(told), "{told}: {}", page.body);
        }
        // A sign-in that nobody vouches for the age of does not do.
        let release = format!("{path}/release");
        let form = format!("token={}&reason=ja", mark_of(&stale));
        let away = send(&mut stale, &release, &form).await;
        assert!(away.location().starts_with("/sso/login?"), "{} {}", away.status, away.location());
        let away = stale.get(&format!("{path}?decide=yes")).await;
        assert!(away.location().starts_with("/sso/login?"), "{}", away.status);

        let mut auditor = freshly(&house, "cia").await;
        let page = auditor.get(&path).await;
        assert!(page.body.contains("Tyst Nummer 3") && !page.body.contains("<textarea"), "{}", page.body);
        for act in ["release", "refuse", "apply"] {
            let form = format!("token={}&reason=ja", mark_of(&auditor));
            let page = send(&mut auditor, &format!("{path}/{act}"), &form).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{act}");
            assert!(page.body.contains("Du kan läsa men inte ändra"), "{}", page.body);
        }

        let mut asa = freshly(&house, "asa").await;
        let unmarked = send(&mut asa, &release, "reason=ja").await;
        assert_eq!(unmarked.status, StatusCode::FORBIDDEN);
        let token = mark_of(&asa);
        let page = send(&mut asa, &release, &format!("token={token}&reason=++")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(page.body.contains("Skriv varför planen ska genomföras"), "{}", page.body);
        assert_eq!(frozen(&house).await, 0, "nobody was frozen yet");

        let done = send(&mut asa, &release, &format!("token={token}&reason=De+har+slutat")).await;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, path.as_str()), "{}", done.body);
        assert_eq!(frozen(&house).await, 6);
        let page = asa.get(&path).await;
        for told in ["Planen är genomförd", "6 steg togs", "De har slutat", "Godkänd av", "asa Åkesson"] {
            assert!(page.body.contains(told), "{told}: {}", page.body);
        }
        let hash = path.rsplit('/').next().unwrap();
        let entry = house.last_about(Subject::new("plan", hash)).await;
        assert!(entry.actor.starts_with("account:"), "{entry:?}");
        // Sent twice, nothing more happens.
        let again = send(&mut asa, &release, &format!("token={token}&reason=igen")).await;
        assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.body);
    })
    .await;
}

#[tokio::test]
async fn a_plan_goes_out_as_a_file_and_the_audit_has_who_fetched_it() {
    on_each_engine(async |t| {
        let house = quiet(t).await;
        let path = plan(&mut freshly(&house, "asa").await).await;
        let mut auditor = freshly(&house, "cia").await;
        let csv = auditor.get(&format!("{path}/file?format=csv")).await;
        assert!(csv.body.contains("Namn;Användarnamn") && csv.body.contains("Tyst Nummer 3"), "{}", csv.body);
        let book = auditor.get(&format!("{path}/file?format=xlsx")).await;
        assert!(
            book.status == StatusCode::OK && book.header("content-type").ends_with("spreadsheetml.sheet")
        );
        let plan = path.rsplit('/').next().unwrap();
        assert_eq!(house.last_about(Subject::new("plan", plan)).await.action, "plan_read");
        let json = auditor.get(&format!("{path}/file?format=json")).await;
        let read: serde_json::Value = serde_json::from_str(&json.body).expect("JSON");
        assert_eq!(read["steps"].as_array().expect("steps").len(), 6);
        assert_eq!(auditor.get(&format!("{path}/file?format=pdf")).await.status, StatusCode::BAD_REQUEST);
    })
    .await;
}

#[tokio::test]
async fn a_plan_that_was_refused_is_not_carried_out_and_waits_no_more() {
    on_each_engine(async |t| {
        let house = quiet(t).await;
        let mut asa = freshly(&house, "asa").await;
        let path = plan(&mut asa).await;
        let overview = asa.get("/lifecycle").await;
        assert!(overview.body.contains("<span class=\"n\">1<span"), "{}", overview.body);
        let token = mark_of(&asa);
        let missing = send(&mut asa, &format!("{path}/refuse"), &format!("token={token}")).await;
        assert_eq!(missing.status, StatusCode::BAD_REQUEST);
        assert!(missing.body.contains("Skriv varför planen inte ska genomföras"));
        let done = send(&mut asa, &format!("{path}/refuse"), &format!("token={token}&reason=Fel+dag")).await;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/lifecycle"));
        let page = asa.get("/lifecycle").await;
        assert!(page.body.contains("Planen är avvisad") && page.body.contains("Avvisad"), "{}", page.body);
        assert!(!page.body.contains("<span class=\"n\">1<span"), "nothing waits: {}", page.body);
        send(&mut asa, &format!("{path}/apply"), &format!("token={token}")).await;
        assert_eq!(frozen(&house).await, 0);
        let hash = path.rsplit('/').next().unwrap();
        let entry = house.last_about(Subject::new("plan", hash)).await;
        assert_eq!(entry.action, "plan_refused");
        assert_eq!(entry.after.unwrap()["reason"], "Fel dag");
    })
    .await;
}

#[tokio::test]
async fn a_run_is_undone_for_one_and_then_for_everybody() {
    on_each_engine(async |t| {
        let house = quiet(t).await;
        let mut asa = freshly(&house, "asa").await;
        let (path, token) = (plan(&mut asa).await, mark_of(&asa));
        send(&mut asa, &format!("{path}/release"), &format!("token={token}&reason=ja")).await;
        let overview = asa.get("/lifecycle").await;
        let (_, rest) = overview.body.split_once("href=\"/lifecycle/runs/").expect("a run to undo");
        let run = format!("/lifecycle/runs/{}", rest.split('"').next().unwrap());
        let page = asa.get(&run).await;
        is_harmless(&page);
        for told in ["6 konton blir som de var", "Ångra för 6 personer", "Tyst Nummer 2", "Blir aktivt igen"]
        {
            assert!(page.body.contains(told), "{told}: {}", page.body);
        }
        let mut auditor = freshly(&house, "cia").await;
        let form = format!("token={}&reason=ja", mark_of(&auditor));
        let refused = send(&mut auditor, &run, &form).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(!auditor.get(&run).await.body.contains("Ångra för"));
        assert_eq!(send(&mut asa, &run, &format!("token={token}")).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(frozen(&house).await, 6);

        let one = house.account("tyst0").await.id;
        let page = asa.get(&format!("{run}?account={one}")).await;
        assert!(page.body.contains("Ångra för 1 person"), "{}", page.body);
        let done = send(&mut asa, &run, &format!("token={token}&reason=fel&account={one}")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        assert_eq!(frozen(&house).await, 5);
        send(&mut asa, &run, &format!("token={token}&reason=fel")).await;
        assert_eq!(frozen(&house).await, 0);
        let entry = house.last_about(Subject::new("account", one)).await;
        assert!(entry.cause.contains("fel"), "{entry:?}");
    })
    .await;
}

#[tokio::test]
async fn the_rules_are_a_picture_and_limits_are_tried_in_both_languages() {
    on_each_engine(async |t| {
        let house = quiet(t).await;
        let mut asa = freshly(&house, "asa").await;
        let page = asa.get("/lifecycle").await;
        for told in [
            "<ol class=\"steps",
            "Efter 90 dagar utan inloggning",
            "Efter 14 dagar som fryst",
            "Aldrig av sig själv",
        ] {
            assert!(page.body.contains(told), "{told}: {}", page.body);
        }
        let tried = asa.get("/lifecycle/backtest?days=20%2C+60").await;
        assert_eq!(tried.status, StatusCode::OK);
        assert!(
            tried.body.contains("<svg viewBox") && tried.body.contains("20 dagar: frysta"),
            "{}",
            tried.body
        );
        assert_eq!(asa.get("/lifecycle/backtest?days=snart").await.status, StatusCode::BAD_REQUEST);
        asa.get("/language/en").await;
        let page = asa.get("/lifecycle").await;
        assert!(page.body.contains("After 90 days without a sign-in") && page.body.contains("The next run"));
        assert!(asa.get("/lifecycle/backtest?days=20").await.body.contains("20 days: frozen"));
        assert!(asa.get("/lifecycle/clock").await.body.contains("The clock runs as it should"));
        assert_eq!(asa.get("/lifecycle/plans/abc").await.status, StatusCode::NOT_FOUND);
        assert_eq!(asa.get("/lifecycle/runs/abc").await.status, StatusCode::NOT_FOUND);
    })
    .await;
}
