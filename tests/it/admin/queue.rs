//! The queue: what waits, and who decides about it.

use axum::http::StatusCode;
use jiff::SignedDuration;
use portvakt::domain::account::Status;
use portvakt::domain::actor::Actor;
use portvakt::flows::{Clock, people, protection};
use portvakt::store::{entitlement, outbox};
use serde_json::json;

use super::cast::{Cast, freshly, give, mark_of, seat, send};
use crate::engines::{change, look, on_each_engine};
use crate::sign_in::house::{TestHouse, external};

#[tokio::test]
async fn a_sign_in_without_an_account_is_shown_with_both_sides_and_linked_with_a_reason() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut cast = Cast::of(&house).await;
        let mut stranger = house.browser();
        let evil = "<b>Eva</b>";
        house
            .sign_in_with(&mut stranger, "directory=okta", "eva", |claims| {
                claims["email"] = "DAN@bjorkbacken.example".into();
                claims["name"] = evil.into();
            })
            .await;
        let list = cast.administrator.get("/queue").await;
        assert!(list.body.contains("1 inloggning utan konto"), "{}", list.body);
        let (_, rest) = list.body.split_once("href=\"/queue/links/").expect("a sign-in that waits");
        let path = format!("/queue/links/{}", rest.split('"').next().unwrap());
        let page = cast.administrator.get(&path).await;
        for told in
            ["Inloggningen säger", "Kontot som föreslås", "dan Åkesson", "Koppla till", "&#60;b&#62;Eva"]
        {
            assert!(page.body.contains(told), "{told}: {}", page.body);
        }
        assert!(!page.body.contains(evil) && !list.body.contains(evil));

        let seen = cast.auditor.get(&path).await;
        assert!(seen.body.contains("dan Åkesson") && !seen.body.contains("<textarea"), "{}", seen.body);
        for browser in [&mut cast.auditor, &mut cast.reviewer] {
            let form = format!("token={}&act=proposed&reason=ja", mark_of(browser));
            assert_eq!(send(browser, &path, &form).await.status, StatusCode::FORBIDDEN);
        }
        let token = mark_of(&cast.administrator);
        let form = format!("token={token}&act=proposed");
        let missing = send(&mut cast.administrator, &path, &form).await;
        assert_eq!(missing.status, StatusCode::BAD_REQUEST);
        assert!(missing.body.contains("Fyll i det här"), "{}", missing.body);
        let form = format!("token={token}&act=proposed&reason=vi+har+talats+vid");
        let done = send(&mut cast.administrator, &path, &form).await;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/queue"), "{}", done.body);
        let list = cast.administrator.get("/queue").await;
        assert!(list.body.contains("Inloggningen är kopplad") && list.body.contains("Inget väntar på dig"));
        let mut back = house.browser();
        house.sign_in(&mut back, "okta", "eva").await;
        assert!(back.get("/").await.body.contains("dan"), "the person signs in as the account");
    })
    .await;
}

#[tokio::test]
async fn leave_is_approved_by_somebody_else_and_protection_by_another_administrator() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut cast = Cast::of(&house).await;
        let dan = house.account("dan").await.id;
        let now = house.clock.now();
        let act = house.ports.act(Actor::Account(dan), "test");
        let days = (now, now + SignedDuration::from_hours(24 * 60));
        people::ask_for_leave(&house.ports, &act, dan, days).await.unwrap();
        let operator = house.ports.act(Actor::Operator("eva".to_owned()), "test");
        let bo = house.account("bo").await.id;
        protection::propose(&house.ports, &operator, &bo.to_string(), true, "styrelsen").await.unwrap();

        let browser = &mut cast.administrator;
        let token = mark_of(browser);
        let list = browser.get("/queue").await;
        for told in ["1 vill vara ledig", "1 skydd att bekräfta", "eva (kommandoraden)"] {
            assert!(list.body.contains(told), "{told}: {}", list.body);
        }
        let path = format!("/queue/leave/{dan}");
        assert!(browser.get(&path).await.body.contains("Godkänn ledigheten"));
        let form = format!("token={token}&act=approve&reason=avtalat");
        let done = send(browser, &path, &form).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        assert_eq!(house.account("dan").await.standing.status, Status::Paused);
        assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND, "it waits no more");

        let path = format!("/queue/protection/{bo}");
        let form = format!("token={token}&act=confirm&reason=ja");
        let done = send(browser, &path, &form).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        assert!(house.account("bo").await.is_protected);

        browser.get("/language/en").await;
        let list = browser.get("/queue").await;
        assert!(list.body.contains("Nothing waits for you"), "{}", list.body);
    })
    .await;
}

#[tokio::test]
async fn what_a_crm_would_not_take_is_sent_again_or_put_away_with_a_reason() {
    on_each_engine(async |t| {
        let target = "[[target]]\nid = \"crm\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/hook\"\n\
                      secret = \"whsec_dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3Rz\"\n";
        let house = TestHouse::with(t, target).await;
        seat(&house, "asa", Some("administrator")).await;
        let mut asa = freshly(&house, "asa").await;
        let crm = portvakt::domain::ids::TargetId::parse("crm").unwrap();
        let now = house.clock.now();
        let due = look!(t, c => outbox::due(c, &crm, now, 10));
        assert!(!due.is_empty(), "the CRM is to be told");
        for row in due {
            change!(t, [row] c => outbox::give_up(c, &row, "410 <i>borta</i>").await).unwrap();
        }
        let list = asa.get("/queue").await;
        assert!(list.body.contains("/queue/letters/crm"), "{}", list.body);
        let page = asa.get("/queue/letters/crm").await;
        assert!(page.body.contains("410 &#60;i&#62;borta"), "{}", page.body);
        let token = mark_of(&asa);
        let missing = send(&mut asa, "/queue/letters/crm", &format!("token={token}&act=drop")).await;
        assert_eq!(missing.status, StatusCode::BAD_REQUEST);
        let form = format!("token={token}&act=resend&reason=lagat");
        let done = send(&mut asa, "/queue/letters/crm", &form).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        let list = asa.get("/queue").await;
        assert!(
            list.body.contains("skickas igen") && list.body.contains("Inget väntar på dig"),
            "{}",
            list.body
        );
    })
    .await;
}

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[tokio::test]
async fn a_right_of_somebody_who_changed_job_stays_until_somebody_decides() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut cast = Cast::of(&house).await;
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
            "userName": "eva@bjorkbacken.example", "externalId": external("eva"), "displayName": "Eva Öst",
            "active": true, (ENTERPRISE): { "department": "Kansliet" },
        });
        let made = house.scim("entra", "POST", "/Users", &user).await;
        for role in ["helper", "caretaker"] {
            give(&house, "eva", role).await;
        }
        let patch = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "Skogen" }],
        });
        house.scim("entra", "PATCH", &format!("/Users/{}", made["id"].as_str().unwrap()), &patch).await;
        let list = cast.administrator.get("/queue").await;
        assert!(list.body.contains("2 behörigheter hos dem som bytt jobb"), "{}", list.body);
        let paths: Vec<String> = list
            .body
            .split("href=\"/queue/rights/")
            .skip(1)
            .map(|rest| format!("/queue/rights/{}", rest.split('"').next().unwrap()))
            .collect();
        let page = cast.administrator.get(&paths[0]).await;
        for told in ["Eva Öst", "Avdelningen är en annan", "for the test", "test (kommandoraden)", "Avsluta"] {
            assert!(page.body.contains(told), "{told}: {}", page.body);
        }
        let form = format!("token={}&act=end&reason=nej", mark_of(&cast.auditor));
        assert_eq!(send(&mut cast.auditor, &paths[0], &form).await.status, StatusCode::FORBIDDEN);
        let token = mark_of(&cast.administrator);
        let form = format!("token={token}&act=keep&reason=ja&until=snart");
        let wrong = send(&mut cast.administrator, &paths[0], &form).await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
        assert!(wrong.body.contains("Skriv dagen så här"), "{}", wrong.body);
        for (path, act) in paths.iter().zip(["end", "keep"]) {
            let form = format!("token={token}&act={act}&reason=nytt+jobb");
            let done = send(&mut cast.administrator, path, &form).await;
            assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/queue"), "{}", done.body);
        }
        let id = house.account("eva").await.id;
        let held = look!(t, c => entitlement::held(c, id));
        assert_eq!(held.iter().filter(|grant| grant.why.as_deref() == Some("nytt jobb")).count(), 1);
        assert_eq!(held.len(), 1, "{held:?}");
    })
    .await;
}
