//! Directories and targets at the console: how each fares, in both languages, and what an administrator does about it.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use portvakt::domain::ids::TargetId;
use portvakt::flows::{Clock, directories, protection};
use portvakt::store::{outbox, setting};
use serde_json::{Value, json};
use tower::ServiceExt;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::cast::{Cast, mark_of, seat, send};
use crate::engines::{change, look, on_each_engine};
use crate::sign_in::house::{HELPERS, TestHouse, external};

/// A CRM that nobody listens for.
pub(super) const CRM: &str = "[[target]]\nid = \"crm\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/hook\"\n\
                              secret = \"whsec_dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3Rz\"\n";

/// What a directory asks for with this token. Gives the status.
pub(super) async fn asked(
    house: &TestHouse<'_>,
    token: &str,
    (method, path): (&str, &str),
    body: &Value,
) -> StatusCode {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    house.router().oneshot(request).await.unwrap().status()
}

/// A person whom the directory describes so that nobody understands it.
async fn refused(house: &TestHouse<'_>) {
    use portvakt::domain::actor::Actor;
    use portvakt::flows::tokens::{self, TokenKind};
    let act = house.ports.act(Actor::Operator("test".to_owned()), "test");
    let life = jiff::SignedDuration::from_hours(1);
    let token = tokens::create(&house.ports, &act, TokenKind::Directory, "entra", "x", life).await.unwrap();
    let user = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "dan@bjorkbacken.example", "externalId": external("dan"), "active": "<i>banan</i>" });
    let path = ("POST", "/scim/v2/entra/Users");
    assert_eq!(asked(house, &token, path, &user).await, StatusCode::BAD_REQUEST);
    directories::flush(&house.ports).await.unwrap();
}

#[tokio::test]
async fn each_page_of_a_directory_and_a_target_is_read_by_every_role_in_both_languages() {
    on_each_engine(async |t| {
        let house = TestHouse::with(t, CRM).await;
        let mut cast = Cast::of(&house).await;
        directories::flush(&house.ports).await.unwrap();
        let pages = [
            ("/connections", "Kataloger och CRM", "Directories and targets"),
            ("/connections/directories/entra", "Nekade ändringar", "Refused changes"),
            ("/connections/directories/entra/tokens", "Senast använd", "Last used"),
            ("/connections/directories/okta/checks", "OAuth Bearer Token", "To type into the provider"),
            ("/connections/targets/crm", "Det som står i vägen", "What stands in the way"),
            ("/connections/targets/crm/tokens", "Det finns inga token", "There are no tokens"),
            ("/connections/targets/crm/compare", "går inte att läsa tillbaka", "cannot be read back"),
            ("/connections/targets/crm/replay", "Skicka om till CRM:et", "Tell the CRM again"),
            ("/connections/targets/crm/test", "Prova CRM:et", "Test the CRM"),
        ];
        for browser in [&mut cast.administrator, &mut cast.reviewer, &mut cast.auditor] {
            for (path, sv, en) in pages {
                for (tag, told) in [("sv", sv), ("en", en)] {
                    browser.get(&format!("/language/{tag}")).await;
                    let page = browser.get(path).await;
                    assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
                    assert!(page.body.contains(told), "{path} {tag}: {told}: {}", page.body);
                    assert!(page.body.contains("aria-current=\"page\""), "the menu says where one is");
                }
            }
        }
        let list = cast.auditor.get("/connections").await;
        for told in ["Anställda och styrelse", "/connections/directories/entra", "/connections/targets/crm"]
        {
            assert!(list.body.contains(told), "{told}: {}", list.body);
        }
        for (path, ..) in pages {
            assert_eq!(cast.nobody.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
        }
        for path in ["/connections/directories/x", "/connections/targets/x", "/connections/targets/x/compare"]
        {
            assert_eq!(cast.administrator.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_refused_change_stands_with_both_sides_and_what_resolves_it_and_in_the_queue() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        house.provision("entra", "dan", "sv").await;
        let evil = "<script>alert(1)</script>";
        let group = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": evil, "externalId": HELPERS, "members": [{ "value": external("nobody") }],
        });
        house.scim("entra", "POST", "/Groups", &group).await;
        let before = asa.get("/queue").await;
        assert!(before.body.contains("Inget väntar på dig"), "{}", before.body);
        refused(&house).await;

        let page = asa.get("/connections/directories/entra").await;
        let dan = house.account("dan").await.id;
        for told in [
            "Lägga till en person",
            &format!("externalId:{}", external("dan")),
            &format!("href=\"/people/{dan}\">dan Åkesson"),
            "400 invalidValue",
            "Ett värde saknas eller har fel form",
            "&#60;script&#62;alert(1)",
            "Anrop per dag",
        ] {
            assert!(page.body.contains(told), "{told}: {}", page.body);
        }
        assert!(!page.body.contains(evil) && !page.body.contains("banan"), "{}", page.body);
        let list = asa.get("/connections").await;
        assert!(list.body.contains("1 ändring gick inte att ta emot"), "{}", list.body);
        let queue = asa.get("/queue").await;
        for told in ["href=\"/connections/directories/entra#refused\"", "1 ändring som nekades"] {
            assert!(queue.body.contains(told), "{told}: {}", queue.body);
        }
        assert!(queue.body.contains("<span class=\"n\">1<span"), "the menu counts it: {}", queue.body);
        assert!(asa.get("/").await.body.contains("1 ändring som en katalog inte fick igenom"));
    })
    .await;
}

#[tokio::test]
async fn protection_to_confirm_counts_in_the_menu_until_it_runs_out() {
    use portvakt::domain::actor::Actor;
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        seat(&house, "asa", Some("administrator")).await;
        house.provision("entra", "bo", "sv").await;
        let operator = house.ports.act(Actor::Operator("eva".to_owned()), "test");
        let bo = house.account("bo").await.id.to_string();
        protection::propose(&house.ports, &operator, &bo, true, "styrelsen").await.unwrap();
        let count = async || portvakt::flows::console::waiting::count(&house.ports).await.unwrap();
        assert_eq!((count().await.protections, count().await.queue()), (1, 1));
        house.pass(7 * 24 * 60);
        assert_eq!(count().await.protections, 1, "seven days whole");
        house.pass(1);
        assert_eq!(count().await.queue(), 0);
    })
    .await;
}

#[tokio::test]
async fn an_administrator_pauses_a_directory_with_a_reason_and_lets_it_in_again() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut cast = Cast::of(&house).await;
        let path = "/connections/directories/entra";
        for browser in [&mut cast.reviewer, &mut cast.auditor] {
            let form = format!("token={}&act=pause&reason=byte", mark_of(browser));
            assert_eq!(send(browser, path, &form).await.status, StatusCode::FORBIDDEN);
            assert!(!browser.get(path).await.body.contains("<textarea"));
        }
        let asa = &mut cast.administrator;
        let mark = mark_of(asa);
        let without = send(asa, path, &format!("token={mark}&act=pause")).await;
        assert_eq!(without.status, StatusCode::BAD_REQUEST);
        assert!(without.body.contains("Fyll i det här"), "{}", without.body);
        let done = send(asa, path, &format!("token={mark}&act=pause&reason=vi+byter+leverant%C3%B6r")).await;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, path), "{}", done.body);
        let page = asa.get(path).await;
        for told in ["Katalogen är pausad", "asa Åkesson: vi byter leverantör", "Släpp in katalogen igen"]
        {
            assert!(page.body.contains(told), "{told}: {}", page.body);
        }
        assert!(asa.get("/connections").await.body.contains("Pausad"));
        let pause = directories::show(&house.ports, "entra").await.unwrap().pause.unwrap();
        assert_eq!(pause.reason, "vi byter leverantör");
        let done = send(asa, path, &format!("token={mark}&act=resume&reason=klart")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        assert!(directories::show(&house.ports, "entra").await.unwrap().pause.is_none());
        let again = send(asa, path, &format!("token={mark}&act=resume&reason=klart")).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER);
        assert!(asa.get(path).await.body.contains("Katalogen var inte pausad"));
    })
    .await;
}

#[tokio::test]
async fn the_checks_are_run_when_somebody_asks_and_an_address_that_does_not_answer_is_a_finding() {
    on_each_engine(async |t| {
        let nowhere = "https://127.0.0.1:9";
        let house = TestHouse::open_with(t, |text| text.replace("https://portvakt.example", nowhere)).await;
        let mut cia = seat(&house, "cia", Some("auditor")).await;
        let path = "/connections/directories/entra/checks";
        let page = cia.get(path).await;
        assert!(page.body.contains("Kontrollera nu") && !page.body.contains("svarar inte den här datorn"));
        assert!(page.body.contains(&format!("<code>{nowhere}/scim/v2/entra</code>")), "{}", page.body);
        let page = cia.get(&format!("{path}?run=yes")).await;
        for told in ["Kontrollera igen", "svarar inte den här datorn", "Se över", "varning"] {
            assert!(page.body.contains(told), "{told}: {}", page.body);
        }
        cia.get("/language/en").await;
        let page = cia.get(&format!("{path}?run=yes")).await;
        assert!(page.body.contains("does not answer this machine"), "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn a_target_is_tried_by_an_administrator_and_says_what_the_crm_answered() {
    on_each_engine(async |t| {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(400).set_body_string("<b>nej</b>");
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let house = TestHouse::with(t, &CRM.replace("http://127.0.0.1:9", &server.uri())).await;
        let mut cast = Cast::of(&house).await;
        let path = "/connections/targets/crm/test";
        for browser in [&mut cast.reviewer, &mut cast.auditor] {
            let form = format!("token={}", mark_of(browser));
            assert_eq!(send(browser, path, &form).await.status, StatusCode::FORBIDDEN);
        }
        let asa = &mut cast.administrator;
        assert!(asa.get(path).await.body.contains("Prova nu"));
        assert!(server.received_requests().await.unwrap().is_empty(), "looking sends nothing");
        let form = format!("token={}", mark_of(asa));
        let page = send(asa, path, &form).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(
            page.body.contains("1 sak gick inte") && page.body.contains("was not taken"),
            "{}",
            page.body
        );
        assert!(!page.body.contains("<b>nej</b>"), "{}", page.body);
        server.reset().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
        let page = send(asa, path, &form).await;
        assert!(page.body.contains("Allt gick bra"), "{}", page.body);
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_target_says_what_stands_in_the_way_and_is_set_going_again() {
    on_each_engine(async |t| {
        let house = TestHouse::with(t, CRM).await;
        let mut cast = Cast::of(&house).await;
        let crm = TargetId::parse("crm").unwrap();
        let now = house.clock.now();
        let due = look!(t, c => outbox::due(c, &crm, now, 10));
        let (evil, row) = ("<i>borta</i>", &due[0]);
        change!(t, [row] c => outbox::give_up(c, &row, &format!("410 {evil}")).await).unwrap();
        change!(t, [] c => setting::set(c, "target.crm.off", &now.to_string()).await).unwrap();
        let path = "/connections/targets/crm";
        let asa = &mut cast.administrator;
        let page = asa.get(path).await;
        for told in
            ["&#60;i&#62;borta", "CRM:et är avstängt", "/queue/letters/crm", "Slå på igen", "Försök nu"]
        {
            assert!(page.body.contains(told), "{told}: {}", page.body);
        }
        assert!(!page.body.contains(evil));
        let mark = mark_of(asa);
        for (act, told) in
            [("resume", "CRM:et är på igen"), ("resume", "CRM:et var redan på"), ("hasten", "skickas nu")]
        {
            let done = send(asa, path, &format!("token={mark}&act={act}&reason=lagat")).await;
            assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, path), "{}", done.body);
            assert!(asa.get(path).await.body.contains(told), "{told}");
        }
        let form = format!("token={}&act=resume&reason=x", mark_of(&cast.reviewer));
        assert_eq!(send(&mut cast.reviewer, path, &form).await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn telling_again_is_counted_first_and_takes_a_reason() {
    on_each_engine(async |t| {
        let house = TestHouse::with(t, CRM).await;
        let mut cast = Cast::of(&house).await;
        let path = "/connections/targets/crm/replay";
        let asa = &mut cast.administrator;
        let all = asa.get(&format!("{path}?count=yes")).await;
        assert!(all.body.contains("4 konton skulle skickas om"), "{}", all.body);
        let one = asa.get(&format!("{path}?count=yes&account=dan%40bjorkbacken.example")).await;
        assert!(one.body.contains("1 konto skulle skickas om"), "{}", one.body);
        let unknown = asa.get(&format!("{path}?count=yes&account=x")).await;
        assert_eq!(unknown.status, StatusCode::BAD_REQUEST);
        assert!(unknown.body.contains("Inget konto heter så"), "{}", unknown.body);
        let bad = asa.get(&format!("{path}?count=yes&since=ig%C3%A5r")).await;
        assert!(bad.status == StatusCode::BAD_REQUEST && bad.body.contains("2025-10-07T02:00"));
        let mark = mark_of(asa);
        let without = send(asa, path, &format!("token={mark}&since=2030-01-01T02:00")).await;
        assert_eq!(without.status, StatusCode::BAD_REQUEST);
        assert!(without.body.contains("Skriv varför"), "{}", without.body);
        let done = send(asa, path, &format!("token={mark}&since=2030-01-01T02:00&reason=backup")).await;
        assert_eq!(done.location(), "/connections/targets/crm", "{}", done.body);
        let page = asa.get("/connections/targets/crm").await;
        for told in ["CRM:et får veta på nytt", "Omsändningar", "asa Åkesson", "pågår"] {
            assert!(page.body.contains(told), "{told}: {}", page.body);
        }
        let second = send(asa, path, &format!("token={mark}&reason=igen")).await;
        assert_eq!(second.status, StatusCode::CONFLICT, "{}", second.body);
        let form = format!("token={}&reason=x", mark_of(&cast.auditor));
        assert_eq!(send(&mut cast.auditor, path, &form).await.status, StatusCode::FORBIDDEN);
    })
    .await;
}
