//! A CRM is compared at the console: what differs stands three ways, and is put right under the safety stop.

use axum::http::StatusCode;

use super::cast::{freshly, give, mark_of, seat, send};
use super::connections::CRM;
use crate::engines::{TestDb, on_each_engine};
use crate::sign_in::browser::Browser;
use crate::sign_in::house::TestHouse;
use crate::targets::deliver_all;
use crate::targets::tables::Tables;

const PATH: &str = "/connections/targets/crm/compare";

/// Åsa, Bo and Dan, told to a CRM that is nothing but its tables.
async fn told<'t>(t: &'t TestDb, more: &str) -> (Tables, TestHouse<'t>, Browser) {
    let tables = Tables::new(t).await;
    let house = TestHouse::with(t, &tables.settings(more)).await;
    seat(&house, "asa", Some("administrator")).await;
    for name in ["bo", "dan"] {
        house.provision("entra", name, "sv").await;
    }
    give(&house, "bo", "communicator").await;
    deliver_all(&house.ports).await;
    // What was told at this very instant is not held against the CRM.
    house.pass(1);
    let asa = freshly(&house, "asa").await;
    (tables, house, asa)
}

async fn act(browser: &mut Browser, form: &str) -> String {
    let form = format!("token={}&{form}", mark_of(browser));
    let done = send(browser, PATH, &form).await;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, PATH), "{}", done.body);
    browser.get(PATH).await.body
}

#[tokio::test]
async fn what_differs_stands_three_ways_and_is_put_right_with_a_reason() {
    on_each_engine(async |t| {
        let (tables, house, mut asa) = told(t, "[target.compare]\nactive = \"heal\"\n").await;
        assert!(asa.get(PATH).await.body.contains("CRM:et har aldrig jämförts"));
        let dan = house.account("dan").await.id;
        let own = format!("/people/{dan}/compare");
        assert!(asa.get(&own).await.body.contains("aldrig läst"));
        for change in [
            "UPDATE crm_user SET may_log_in = FALSE WHERE login LIKE 'dan@%'",
            "UPDATE crm_user SET full_name = '<b>Robert</b>' WHERE login LIKE 'bo@%'",
            "INSERT INTO crm_user (login, full_name) VALUES ('eva', 'Eva')",
        ] {
            tables.execute(change).await;
        }
        let page = act(&mut asa, "act=look").await;
        for told in [
            "CRM:et är jämfört",
            "4 användare lästes",
            "dan@bjorkbacken.example",
            "Får logga in",
            "rättas",
            "&#60;b&#62;Robert",
            "Hör inte till något konto",
            "1 konto: rätta i CRM:et",
            "asa Åkesson",
        ] {
            assert!(page.contains(told), "{told}: {page}");
        }
        assert!(!page.contains("<b>Robert</b>"));
        assert!(asa.get("/connections").await.body.contains("3 konton eller användare skiljer"));

        let person = asa.get(&own).await.body;
        for told in ["läst i dag", "ska vara ja", "CRM:et har något annat än det fått veta", PATH] {
            assert!(person.contains(told), "{told}: {person}");
        }
        house.pass(1);
        let page = act(&mut asa, "act=heal&reason=n%C3%A5gon+st%C3%A4ngde+kontot").await;
        assert!(page.contains("1 konto rättas i CRM:et"), "{page}");
        deliver_all(&house.ports).await;
        let dan = tables.people().await.into_iter().find(|one| one.login.starts_with("dan@")).unwrap();
        assert!(dan.may_log_in);
        house.pass(1);
        asa = freshly(&house, "asa").await;
        let page = act(&mut asa, "act=look").await;
        assert!(!page.contains("rätta i CRM:et"), "nothing is left to put right: {page}");
        asa.get("/language/en").await;
        let person = asa.get(&own).await.body;
        assert!(person.contains("Everybody says the same") && person.contains("read today"), "{person}");
    })
    .await;
}

#[tokio::test]
async fn the_safety_stop_holds_a_correction_until_exactly_that_is_released() {
    on_each_engine(async |t| {
        let (tables, house, _) = told(t, "[target.compare]\nactive = \"heal\"\n").await;
        for name in ["eva", "fia", "gun", "hans"] {
            let id = house.provision("entra", name, "sv").await;
            deliver_all(&house.ports).await;
            house.pass(26 * 60);
            house.set_active("entra", &id, false).await;
        }
        house.pass(26 * 60);
        deliver_all(&house.ports).await;
        // Somebody lets four people in again, behind our back.
        tables.execute("UPDATE crm_user SET may_log_in = TRUE").await;
        house.pass(1);
        let mut asa = freshly(&house, "asa").await;
        act(&mut asa, "act=look").await;
        house.pass(1);
        let page = act(&mut asa, "act=heal&reason=r%C3%A4tta").await;
        for told in
            ["Säkerhetsstoppet höll tillbaka", "för många skulle mista åtkomst", "4 konton: rätta ändå"]
        {
            assert!(page.contains(told), "{told}: {page}");
        }
        assert_eq!(deliver_all(&house.ports).await, 0, "nothing is told");
        house.pass(1);
        let zeros = "0".repeat(64);
        let page = act(&mut asa, &format!("act=release&hash={zeros}&reason=sett")).await;
        assert!(page.contains("Säkerhetsstoppet höll tillbaka"), "another hash releases nothing: {page}");
        let (_, rest) = page.split_once("name=\"hash\" value=\"").unwrap();
        let hash = rest.split('"').next().unwrap().to_owned();
        house.pass(1);
        let page = act(&mut asa, &format!("act=release&hash={hash}&reason=sett+med+styrelsen")).await;
        assert!(page.contains("4 konton rättas i CRM:et"), "{page}");
        assert_eq!(deliver_all(&house.ports).await, 4);
    })
    .await;
}

#[tokio::test]
async fn who_may_not_compares_nothing_an_old_sign_in_puts_nothing_right_and_a_broken_crm_says_so() {
    on_each_engine(async |t| {
        let (tables, house, mut asa) = told(t, "[target.compare]\nactive = \"heal\"\n").await;
        let mut bo = seat(&house, "fia", Some("board")).await;
        let form = format!("token={}&act=look", mark_of(&bo));
        assert_eq!(send(&mut bo, PATH, &form).await.status, StatusCode::FORBIDDEN);
        assert!(!bo.get(PATH).await.body.contains("Jämför nu"));
        house.pass(20);
        let form = format!("token={}&act=heal&reason=x", mark_of(&asa));
        let away = send(&mut asa, PATH, &form).await;
        assert_eq!(away.status, StatusCode::SEE_OTHER);
        assert_ne!(away.location(), PATH, "an old sign-in is asked for anew");
        let page = act(&mut asa, "act=look").await;
        assert!(page.contains("CRM:et är jämfört"), "looking takes no new sign-in: {page}");
        tables.execute("ALTER TABLE crm_user RENAME TO crm_gone").await;
        let page = act(&mut asa, "act=look").await;
        for told in
            ["CRM:et gick inte att läsa", "Det senaste försöket kom inte till sitt slut", "Senast jämfört"]
        {
            assert!(page.contains(told), "{told}: {page}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_webhook_is_not_compared_and_says_why() {
    on_each_engine(async |t| {
        let house = TestHouse::with(t, CRM).await;
        seat(&house, "asa", Some("administrator")).await;
        let mut asa = freshly(&house, "asa").await;
        let page = asa.get(PATH).await;
        assert!(page.body.contains("går inte att läsa tillbaka") && !page.body.contains("Jämför nu"));
        let form = format!("token={}&act=look", mark_of(&asa));
        assert_eq!(send(&mut asa, PATH, &form).await.status, StatusCode::BAD_REQUEST);
    })
    .await;
}
