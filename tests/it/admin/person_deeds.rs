//! What an administrator does about one person, and who is refused it.

use axum::http::StatusCode;
use portvakt::flows::session::mark::{Purpose, mark};
use secrecy::SecretString;
use serde_json::json;

use super::cast::{give, seat, send};
use super::person::{TABS, arrive, decide, path_of, shown, told};
use crate::engines::on_each_engine;
use crate::sign_in::browser::{Browser, Page};
use crate::sign_in::house::TestHouse;

/// The mark that this browser's forms would carry, for whom no page offers a form.
fn own_mark(browser: &Browser) -> String {
    let session =
        browser.cookies.iter().find(|(name, _)| name.as_str() == "__Host-portvakt").expect("signed in");
    mark(&SecretString::from(session.1.clone()), Purpose::Form, "")
}

/// Does one of `change/…`.
async fn deed(browser: &mut Browser, person: &str, name: &str, form: &str) -> Page {
    let address = format!("{person}/change/{name}");
    decide(browser, &address, &address, form).await
}

/// A deed that the page offers no button for, and says why: sent all the same.
async fn outright(browser: &mut Browser, person: &str, name: &str, why: &str) -> Page {
    let address = format!("{person}/change/{name}");
    let page = browser.get(&address).await;
    assert!(page.body.contains(why) && !page.body.contains("name=\"token\""), "{}", page.body);
    let version = shown(&browser.get(&format!("{person}/rights")).await);
    let form = format!("token={}&{version}&reason=x", own_mark(browser));
    send(browser, &address, &form).await
}

#[tokio::test]
async fn an_account_is_frozen_deactivated_and_restored() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        let mut sofia_herself = seat(&house, "sofia", Some("communicator")).await;
        let sofia = path_of(&house, "sofia").await;
        let page = asa.get(&format!("{sofia}/change/freeze")).await;
        assert!(page.body.contains("1 pågående inloggning") && page.body.contains("inloggningen, genast"));
        let silent = deed(&mut asa, &sofia, "freeze", "reason=").await;
        assert_eq!(silent.status, StatusCode::BAD_REQUEST, "{}", silent.body);
        let done = deed(&mut asa, &sofia, "freeze", "reason=Utredning").await;
        let page = told(&mut asa, &done, "kontot är fryst").await;
        assert!(
            page.body.contains("Utredning") && page.body.contains("beslut av en person"),
            "{}",
            page.body
        );
        assert_eq!(sofia_herself.get("/").await.status, StatusCode::SEE_OTHER, "she is out at once");
        let done = deed(&mut asa, &sofia, "restore", "reason=Klart").await;
        told(&mut asa, &done, "kontot är återställt").await;
        let page = asa.get(&format!("{sofia}/change/deactivate")).await;
        assert!(page.body.contains("rollen Kommunikatör"), "{}", page.body);
        let done = deed(&mut asa, &sofia, "deactivate", "reason=Slutat").await;
        told(&mut asa, &done, "kontot är avaktiverat").await;
        let refused = outright(&mut asa, &sofia, "freeze", "Kontot är avaktiverat.").await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
        let done = deed(&mut asa, &sofia, "restore", "reason=Tillbaka").await;
        told(&mut asa, &done, "kontot är återställt").await;
        let last = path_of(&house, "asa").await;
        let alone = asa.get(&format!("{sofia}/change/deactivate")).await;
        assert!(
            alone.body.contains("Ingen annan som kan logga in har rollen Kommunikatör."),
            "{}",
            alone.body
        );
        let mut eva = seat(&house, "eva", Some("administrator")).await;
        let done = deed(&mut eva, &last, "deactivate", "reason=Bytt+jobb").await;
        told(&mut eva, &done, "kontot är avaktiverat").await;
        let unknown = eva.get(&format!("{sofia}/change/erase")).await;
        assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
        assert_eq!(eva.get("/people/nobody").await.status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn leave_and_end_date_are_set_and_ended() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        seat(&house, "sofia", Some("communicator")).await;
        let sofia = path_of(&house, "sofia").await;
        let backwards = "from=2030-05-10&until=2030-05-01&approver=Styrelsen";
        let refused = deed(&mut asa, &sofia, "leave", backwards).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
        assert!(refused.body.contains("value=\"2030-05-10\""), "what was written stands there again");
        let form = "from=2030-03-01&until=2030-06-30&approver=Styrelsen";
        let done = deed(&mut asa, &sofia, "leave", form).await;
        let page = told(&mut asa, &done, "ledigheten är beviljad").await;
        assert!(page.body.contains("Pausad") && page.body.contains("2030-06-30"), "{}", page.body);
        let done = deed(&mut asa, &sofia, "end-leave", "").await;
        told(&mut asa, &done, "ledigheten är avslutad").await;
        let done = deed(&mut asa, &sofia, "end-date", "until=2030-12-31&reason=Projektet").await;
        let page = told(&mut asa, &done, "slutdatumet är sparat").await;
        assert!(page.body.contains("2030-12-31"), "{}", page.body);
        let page = asa.get(&format!("{sofia}/change/end-date")).await;
        assert!(page.body.contains("value=\"2030-12-31\""), "{}", page.body);
        let past = deed(&mut asa, &sofia, "end-date", "until=2020-12-31&reason=x").await;
        assert_eq!(past.status, StatusCode::BAD_REQUEST);
        let id = house.account("sofia").await.id;
        let act = house.ports.act(portvakt::domain::actor::Actor::Account(id), "test");
        let days = ("2030-08-01T00:00:00Z".parse().unwrap(), "2030-09-01T00:00:00Z".parse().unwrap());
        portvakt::flows::people::ask_for_leave(&house.ports, &act, id, days).await.unwrap();
        let page = asa.get(&sofia).await;
        assert!(page.body.contains("Söker ledigt") && page.body.contains("approve-leave"), "{}", page.body);
        let done = deed(&mut asa, &sofia, "refuse-leave", "reason=Kampanjen").await;
        told(&mut asa, &done, "ledigheten är avslagen").await;
        portvakt::flows::people::ask_for_leave(&house.ports, &act, id, days).await.unwrap();
        let done = deed(&mut asa, &sofia, "approve-leave", "approver=Sara").await;
        told(&mut asa, &done, "ledigheten är beviljad").await;
    })
    .await;
}

#[tokio::test]
async fn protection_takes_two_administrators() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        let mut eva = seat(&house, "eva", Some("administrator")).await;
        let sofia = arrive(&house, "sofia").await;
        let done = deed(&mut asa, &sofia, "protect", "reason=Kass%C3%B6r").await;
        let page = told(&mut asa, &done, "en annan administratör behöver bekräfta").await;
        assert!(page.body.contains("vill att kontot skyddas") && !page.body.contains("Bekräfta …"));
        let again = deed(&mut asa, &sofia, "protect", "reason=igen").await;
        assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.body);
        let page = eva.get(&format!("{sofia}/change/protect")).await;
        assert!(
            page.body.contains("asa Åkesson bad om det") && page.body.contains("”Kassör”"),
            "{}",
            page.body
        );
        let done = deed(&mut eva, &sofia, "protect", "reason=Enig").await;
        let page = told(&mut eva, &done, "kontot är skyddat").await;
        assert!(
            page.body.contains("Kontot är skyddat.") && !page.body.contains("change/freeze"),
            "{}",
            page.body
        );
        let refused = outright(&mut eva, &sofia, "freeze", "Skyddat konto.").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
        deed(&mut asa, &sofia, "unprotect", "reason=Slut").await;
        let done = deed(&mut eva, &sofia, "unprotect", "reason=Enig").await;
        told(&mut eva, &done, "skyddet är hävt").await;
    })
    .await;
}

#[tokio::test]
async fn an_auditor_reads_everything_and_changes_nothing() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        let sofia = arrive(&house, "sofia").await;
        give(&house, "sofia", "helper").await;
        let version = shown(&asa.get(&format!("{sofia}/rights")).await);
        for role in ["auditor", "board"] {
            let mut reader = seat(&house, role, Some(role)).await;
            for tab in TABS {
                let page = reader.get(&format!("{sofia}{tab}")).await;
                assert_eq!(page.status, StatusCode::OK, "{tab}: {}", page.body);
                assert!(!page.body.contains("name=\"token\""), "{role} is offered no form at {tab:?}");
                assert!(!page.body.contains("/change/"), "{role} is offered no deed at {tab:?}");
            }
            let token = own_mark(&reader);
            for (deed, form) in [
                ("rights", "give=role:board&reason=x"),
                ("rights", "take=role:helper&reason=x"),
                ("links", "component=mailing&item=1&reason=x"),
                ("links/end", "component=mailing&item=1&reason=x"),
                ("questions", "question=1&verdict=keep&reason=x"),
                ("sign-ins", "session=all"),
                ("deliveries", "target=crm"),
                ("change/freeze", "reason=x"),
                ("change/deactivate", "reason=x"),
                ("change/restore", "reason=x"),
                ("change/end-date", "reason=x"),
                ("change/leave", "from=2030-04-01&until=2030-04-30&approver=jag"),
                ("change/end-leave", ""),
                ("change/approve-leave", "approver=jag"),
                ("change/refuse-leave", "reason=x"),
                ("change/protect", "reason=x"),
                ("change/unprotect", "reason=x"),
            ] {
                let form = format!("token={token}&{version}&{form}");
                let page = send(&mut reader, &format!("{sofia}/{deed}"), &form).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{role} {deed}: {}", page.body);
                assert!(page.body.contains("Du kan läsa men inte ändra"), "{role} {deed}: {}", page.body);
            }
            for preview in ["change/freeze", "links/end?component=mailing&item=1"] {
                let page = reader.get(&format!("{sofia}/{preview}")).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{role} {preview}");
            }
        }
        assert_eq!(
            shown(&asa.get(&format!("{sofia}/rights")).await).split('&').next(),
            version.split('&').next()
        );
        let mut nobody = seat(&house, "dan", None).await;
        assert_eq!(nobody.get(&sofia).await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn names_from_outside_are_shown_and_never_obeyed_in_both_languages() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "mallory@bjorkbacken.example", "externalId": evil, "displayName": evil, "active": true,
            "emails": [{ "value": "mallory@bjorkbacken.example", "primary": true }],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
                "department": evil, "manager": { "value": evil } },
        });
        let made = house.scim("entra", "POST", "/Users", &user).await;
        let group = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": evil, "externalId": evil, "members": [{ "value": made["id"] }],
        });
        house.scim("entra", "POST", "/Groups", &group).await;
        let mallory = path_of(&house, "mallory").await;
        let form = "component=mailing&item=%3Cb%3E1&reason=%3Cscript%3Ealert(3)%3C%2Fscript%3E";
        let from = format!("{mallory}/limits");
        let done = decide(&mut asa, &from, &format!("{mallory}/links"), form).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        let why = "/why?component=mailing&item=%3Cscript%3E&action=%3Cb%3E";
        for language in ["sv", "en"] {
            asa.get(&format!("/language/{language}")).await;
            for tab in TABS.into_iter().chain([why, "/change/freeze", "/change/leave"]) {
                let page = asa.get(&format!("{mallory}{tab}")).await;
                assert_eq!(page.status, StatusCode::OK, "{tab}: {}", page.body);
                assert!(page.body.contains(&format!("<html lang=\"{language}\">")));
                for bad in ["<script>", "<img src=x", "<b>1", " style=", "onclick="] {
                    assert!(!page.body.contains(bad), "{bad} at {tab}: {}", page.body);
                }
                let (here, other) = match language {
                    "sv" => (["Begränsning och kopplingar", "Senast inloggad"], "Limits and links"),
                    _ => (["Limits and links", "Last signed in"], "Begränsning och kopplingar"),
                };
                assert!(here.iter().all(|words| page.body.contains(words)), "{tab}: {}", page.body);
                assert!(!page.body.contains(other), "{tab} is whole in {language}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn sessions_are_shown_and_ended_and_the_sides_compared() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        let mut herself = seat(&house, "sofia", None).await;
        let sofia = path_of(&house, "sofia").await;
        let page = asa.get(&format!("{sofia}/sign-ins")).await;
        assert!(
            page.body.contains("Anställda och styrelse") && page.body.contains("<dt>SSO</dt>"),
            "{}",
            page.body
        );
        let form = format!("token={}&session=all", super::cast::token(&page));
        let done = send(&mut asa, &format!("{sofia}/sign-ins"), &form).await;
        told(&mut asa, &done, "1 inloggning är avslutad").await;
        assert_eq!(herself.get("/").await.status, StatusCode::SEE_OTHER);
        let page = asa.get(&format!("{sofia}/compare")).await;
        assert!(
            page.body.contains("sofia@bjorkbacken.example") && page.body.contains("Inget CRM är inställt.")
        );
        let page = asa.get(&sofia).await;
        assert!(
            page.body.contains("Vad som har hänt") && page.body.contains("Avslutade inloggningar"),
            "{}",
            page.body
        );
    })
    .await;
}
