//! The pages about one person: what they show, and what an administrator does there.

use axum::http::StatusCode;

use super::cast::{give, seat, send, token};
use crate::engines::on_each_engine;
use crate::sign_in::browser::{Browser, Page};
use crate::sign_in::house::TestHouse;

pub(super) const TABS: [&str; 7] = ["", "/rights", "/limits", "/why", "/sign-ins", "/compare", "/deliveries"];

/// Somebody who arrived, with the path of their page.
pub(super) async fn arrive(house: &TestHouse<'_>, name: &str) -> String {
    house.provision("entra", name, "sv").await;
    path_of(house, name).await
}

pub(super) async fn path_of(house: &TestHouse<'_>, name: &str) -> String {
    format!("/people/{}", house.account(name).await.id)
}

/// What a page's form says of the version that it shows.
pub(super) fn shown(page: &Page) -> String {
    let field = |name: &str| {
        let (_, rest) = page.body.split_once(&format!("name=\"{name}\" value=\"")).expect("the form has it");
        rest.split('"').next().unwrap().to_owned()
    };
    format!("version={}&seen={}", field("version"), field("seen"))
}

/// Looks at a page, and sends a form with its mark and its version.
pub(super) async fn decide(browser: &mut Browser, from: &str, to: &str, form: &str) -> Page {
    let page = browser.get(from).await;
    assert_eq!(page.status, StatusCode::OK, "{from}: {}", page.body);
    let form = format!("token={}&{}&{form}", token(&page), shown(&page));
    send(browser, to, &form).await
}

/// Follows the way after a form, and finds the words there.
pub(super) async fn told(browser: &mut Browser, answer: &Page, words: &str) -> Page {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let page = browser.get(answer.location()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains(words), "{words}: {}", page.body);
    page
}

#[tokio::test]
async fn somebody_is_made_limited_with_two_sectors_and_a_link() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        let sofia = arrive(&house, "sofia").await;
        give(&house, "sofia", "communicator").await;
        let page = asa.get(&format!("{sofia}/limits")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let marked = "of=limits&has=limited&has=item_restricted&has=sector:mailings&has=sector:members";
        let address = format!("{sofia}/rights/preview?{marked}&{}", shown(&page));
        let preview = asa.get(&address).await;
        assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
        for words in [
            "sektorn Utskick",
            "sektorn Medlemmar",
            "allt utanför personens sektorer",
            "alla föremål som inte är kopplade",
            "Ändra 4 behörigheter",
            "Lämnas det tomt gäller det till och med",
        ] {
            assert!(preview.body.contains(words), "{words}: {}", preview.body);
        }
        assert!(!house_is_limited(&house).await, "a preview changes nothing");
        let gives = "give=limited&give=item_restricted&give=sector:mailings&give=sector:members&of=limits";
        let form = format!("token={}&{}&{gives}", token(&preview), shown(&preview));
        let silent = send(&mut asa, &format!("{sofia}/rights"), &form).await;
        assert_eq!(silent.status, StatusCode::BAD_REQUEST);
        assert!(silent.body.contains("Skriv varför, med några ord."), "{}", silent.body);
        let past = format!("{form}&reason=Utskick&until=2020-01-01");
        let past = send(&mut asa, &format!("{sofia}/rights"), &past).await;
        assert_eq!(past.status, StatusCode::BAD_REQUEST);
        assert!(past.body.contains("Det datumet går inte.") && past.body.contains("value=\"2020-01-01\""));
        let done =
            send(&mut asa, &format!("{sofia}/rights"), &format!("{form}&reason=H%C3%B6stbrevet")).await;
        let page = told(&mut asa, &done, "behörigheterna är ändrade").await;
        assert!(house_is_limited(&house).await);
        assert!(page.body.contains("Ja, till 2 sektorer"), "{}", page.body);
        assert!(page.body.contains("Given för hand av asa Åkesson") && page.body.contains("”Höstbrevet”"));
        let form = "component=mailing&item=88407&reason=Skriver+brevet";
        let (from, to) = (format!("{sofia}/limits"), format!("{sofia}/links"));
        let done = decide(&mut asa, &from, &to, form).await;
        let page = told(&mut asa, &done, "Utskick 88407").await;
        assert!(page.body.contains("För hand") && page.body.contains("”Skriver brevet”"), "{}", page.body);
        explained(&mut asa, &sofia).await;
        let again = send(&mut asa, &done_path(&sofia), &again_form(&preview, gives)).await;
        assert_eq!(again.status, StatusCode::CONFLICT, "the same form twice changes nothing: {}", again.body);
        let end = format!("{sofia}/links/end?component=mailing&item=88407");
        let form = "component=mailing&item=88407&reason=Klart";
        let done = decide(&mut asa, &end, &format!("{sofia}/links/end"), form).await;
        told(&mut asa, &done, "Personen är inte kopplad till något enskilt föremål.").await;
    })
    .await;
}

fn done_path(person: &str) -> String {
    format!("{person}/rights")
}

fn again_form(preview: &Page, gives: &str) -> String {
    format!("token={}&{}&{gives}&reason=igen", token(preview), shown(preview))
}

async fn house_is_limited(house: &TestHouse<'_>) -> bool {
    let line = portvakt::flows::people::list(&house.ports).await.unwrap();
    line.iter().any(|one| one.user_name.starts_with("sofia") && one.limited && one.sectors.len() == 2)
}

/// The answer about the linked item and about another, now and on a day that is not to be had.
async fn explained(browser: &mut Browser, person: &str) {
    let page = browser.get(&format!("{person}/why?action=edit&component=mailing&item=88407")).await;
    assert!(page.body.contains("Ja. sofia Åkesson får ändra: Utskick 88407"), "{}", page.body);
    let page = browser.get(&format!("{person}/why?action=edit&component=mailing&item=1")).await;
    assert!(page.body.contains("Nej. sofia Åkesson får inte ändra: Utskick 1"), "{}", page.body);
    assert!(page.body.contains("item_not_linked") && page.body.contains("#add"), "{}", page.body);
    let page = browser.get(&format!("{person}/why?action=view&component=settings")).await;
    assert!(page.body.contains("administration_closed") && page.body.contains("Till begränsningen"));
    let page = browser.get(&format!("{person}/why?action=view&component=project")).await;
    assert!(page.body.contains("no_role") && page.body.contains("Till rollerna"), "{}", page.body);
    for wrong in ["as-of=2099-01-01", "as-of=kanske", "as-of=1999-01-01"] {
        let page = browser.get(&format!("{person}/why?component=mailing&{wrong}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert!(page.body.contains("Välj en dag som har varit"), "{}", page.body);
    }
}

#[tokio::test]
async fn what_a_rule_gives_is_locked_and_cannot_be_taken_here() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        let id = house.provision("entra", "sofia", "sv").await;
        house.make_helper(&id).await;
        let sofia = path_of(&house, "sofia").await;
        let page = asa.get(&format!("{sofia}/rights")).await;
        assert!(page.body.contains("Kommer från regeln newsletter-helpers"), "{}", page.body);
        assert!(page.body.contains("är med i Utskickshjälpare (entra)"), "{}", page.body);
        let locked = "value=\"role:communicator\" checked disabled";
        assert!(page.body.contains("<li class=\"locked\">") && page.body.contains(locked), "{}", page.body);
        let nothing = asa.get(&format!("{sofia}/rights/preview?of=roles&{}", shown(&page))).await;
        told(&mut asa, &nothing, "Inget att ändra").await;
        let outright = format!("{sofia}/rights/preview?take=role:communicator&{}", shown(&page));
        let refused = asa.get(&outright).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
        assert!(refused.body.contains("newsletter-helpers"), "{}", refused.body);
        let limits = asa.get(&format!("{sofia}/limits")).await;
        let form = format!("token={}&{}&take=limited&reason=x", token(&limits), shown(&limits));
        let refused = send(&mut asa, &format!("{sofia}/rights"), &form).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
        let page = asa.get(&format!("{sofia}/limits")).await;
        assert!(page.body.contains("value=\"limited\" checked disabled"), "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn the_second_of_two_administrators_is_told_what_the_first_changed() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        let mut eva = seat(&house, "eva", Some("administrator")).await;
        let sofia = arrive(&house, "sofia").await;
        let old = asa.get(&format!("{sofia}/rights")).await;
        house.pass(1);
        let fresh = eva.get(&format!("{sofia}/rights")).await;
        let preview = format!("{sofia}/rights/preview?of=roles&has=role:helper&{}", shown(&fresh));
        let preview = eva.get(&preview).await;
        let form =
            format!("token={}&{}&give=role:helper&reason=Hj%C3%A4lper", token(&preview), shown(&preview));
        let done = send(&mut eva, &format!("{sofia}/rights"), &form).await;
        told(&mut eva, &done, "behörigheterna är ändrade").await;
        for stale in ["of=roles", "of=roles&has=role:board", "give=role:board"] {
            let page = asa.get(&format!("{sofia}/rights/preview?{stale}&{}", shown(&old))).await;
            assert_eq!(page.status, StatusCode::CONFLICT, "{stale}: {}", page.body);
            assert!(page.body.contains("Någon annan hann före"), "{}", page.body);
            assert!(page.body.contains("eva Åkesson · gav en behörighet för hand"), "{}", page.body);
        }
        let mark = token(&asa.get(&format!("{sofia}/limits")).await);
        let version = shown(&old);
        for (deed, form) in [
            ("rights", "give=role:board&reason=x"),
            ("links", "component=mailing&item=1&reason=x"),
            ("change/freeze", "reason=x"),
            ("change/deactivate", "reason=x"),
            ("change/end-date", "reason=x"),
            ("change/leave", "from=2030-04-01&until=2030-04-30&approver=Styrelsen"),
            ("change/protect", "reason=x"),
        ] {
            let form = format!("token={mark}&{version}&{form}");
            let page = send(&mut asa, &format!("{sofia}/{deed}"), &form).await;
            assert_eq!(page.status, StatusCode::CONFLICT, "{deed}: {}", page.body);
            assert!(page.body.contains("eva Åkesson"), "{deed}: {}", page.body);
        }
        let page = asa.get(&format!("{sofia}/rights")).await;
        assert!(
            page.body.contains("value=\"role:helper\" checked")
                && !page.body.contains("role:board\" checked")
        );
    })
    .await;
}

#[tokio::test]
async fn nobody_decides_about_themselves() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        let sofia = arrive(&house, "sofia").await;
        let own = path_of(&house, "asa").await;
        let page = asa.get(&format!("{own}/rights")).await;
        assert!(page.body.contains("Det här är ditt eget konto") && !page.body.contains("Granska ändringen"));
        let mark = token(&asa.get(&format!("{sofia}/limits")).await);
        let version = shown(&page);
        for (deed, form) in [
            ("rights", "give=role:board&reason=x"),
            ("rights", "take=role:administrator&reason=x"),
            ("links", "component=mailing&item=1&reason=x"),
            ("change/end-date", "until=2040-01-01&reason=x"),
            ("change/restore", "reason=x"),
            ("change/protect", "reason=x"),
            ("change/approve-leave", "approver=jag"),
        ] {
            let form = format!("token={mark}&{version}&{form}");
            let page = send(&mut asa, &format!("{own}/{deed}"), &form).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{deed}: {}", page.body);
        }
        let page = asa.get(&format!("{own}/change/protect")).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
    })
    .await;
}
