//! Changes by hand to those who were marked: shown, given a reason, done once.

use axum::http::StatusCode;
use portvakt::domain::account::{Status, StatusReason};
use portvakt::domain::actor::Subject;
use portvakt::flows::people;

use super::cast::{Cast, give, seat, send, token};
use crate::engines::on_each_engine;
use crate::sign_in::browser::Page;
use crate::sign_in::house::TestHouse;

/// What the form of a preview would send, with a reason.
fn filled(page: &Page, reason: &str) -> String {
    let mut form = vec![("reason".to_owned(), reason.to_owned())];
    for piece in page.body.split("<input type=\"hidden\" name=\"").skip(1) {
        let (name, rest) = piece.split_once("\" value=\"").unwrap();
        let value = rest.split('"').next().unwrap().replace("&#38;", "&");
        form.push((name.to_owned(), value));
    }
    serde_urlencoded::to_string(form).unwrap()
}

#[tokio::test]
async fn marked_people_are_frozen_with_a_reason_and_opened_again() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        for name in ["bo", "cia"] {
            house.provision("entra", name, "sv").await;
        }
        give(&house, "bo", "communicator").await;
        let (bo, cia) = (house.account("bo").await, house.account("cia").await);
        let own = house.account("asa").await;
        let back = "%3Fsort%3Dseen";
        let address =
            format!("/people/change?do=freeze&id={}&id={}&id={}&back={back}", bo.id, cia.id, own.id);
        let page = asa.get(&address).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(page.body.contains("<h1>Frys 2 konton?</h1>"), "{}", page.body);
        assert!(page.body.contains("Ingen annan än bo Åkesson har rollen Kommunikatör."), "{}", page.body);
        assert!(page.body.contains("Ditt eget konto.") && page.body.contains("href=\"/people?sort=seen\""));
        assert_eq!(house.account("bo").await.standing.status, Status::Active, "looking changes nothing");

        let without = send(&mut asa, "/people/change", &filled(&page, "  ")).await;
        assert_eq!(without.status, StatusCode::BAD_REQUEST);
        assert!(without.body.contains("Skriv varför") && without.body.contains("aria-invalid=\"true\""));
        assert_eq!(house.account("bo").await.standing.status, Status::Active);

        let done = send(&mut asa, "/people/change", &filled(&page, "Slutade i våras")).await;
        assert_eq!(
            (done.status, done.location()),
            (StatusCode::SEE_OTHER, "/people?sort=seen"),
            "{}",
            done.body
        );
        let list = asa.get(done.location()).await;
        assert!(list.body.contains("2 konton är frysta"), "{}", list.body);
        assert!(!asa.get(done.location()).await.body.contains("2 konton är frysta"), "told once");
        let standing = house.account("bo").await.standing;
        assert_eq!((standing.status, standing.reason), (Status::Frozen, StatusReason::Manual));
        assert_eq!(standing.note.as_deref(), Some("Slutade i våras"));
        assert_eq!(standing.by, format!("account:{}", own.id));

        // The same form once more, as by a double click or from the history: nothing is done twice.
        let version = house.account("bo").await.version;
        let again = send(&mut asa, "/people/change", &filled(&page, "Slutade i våras")).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.body);
        assert!(asa.get("/people").await.body.contains("2 konton är frysta"));
        assert_eq!(house.account("bo").await.version, version);

        let page = asa.get(&format!("/people/change?do=restore&id={}&id={}", bo.id, cia.id)).await;
        let done = send(&mut asa, "/people/change", &filled(&page, "kom tillbaka")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        assert_eq!(house.account("cia").await.standing.status, Status::Active);
    })
    .await;
}

#[tokio::test]
async fn whoever_comes_second_is_told_what_the_first_did_and_changes_nothing() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut cast = Cast::of(&house).await;
        let mut eva = seat(&house, "eva", Some("administrator")).await;
        house.provision("entra", "fia", "sv").await;
        let (dan, fia) = (house.account("dan").await, house.account("fia").await);
        let address = format!("/people/change?do=deactivate&id={}&id={}", dan.id, fia.id);
        let shown = cast.administrator.get(&address).await;
        house.pass(2);
        let other = eva.get(&format!("/people/change?do=freeze&id={}", dan.id)).await;
        let done = send(&mut eva, "/people/change", &filled(&other, "på resa")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);

        let late = send(&mut cast.administrator, "/people/change", &filled(&shown, "städning")).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.body);
        assert!(late.body.contains("Någon annan hann före"), "{}", late.body);
        assert!(
            late.body.contains("dan Åkesson") && late.body.contains("eva Åkesson · fryste kontot"),
            "{}",
            late.body
        );
        assert!(!late.body.contains("fia Åkesson"), "only what changed is told");
        assert_eq!(house.account("dan").await.standing.status, Status::Frozen);
        assert_eq!(house.account("fia").await.standing.status, Status::Active, "all or nothing");

        let fresh = cast.administrator.get(&address).await;
        let done = send(&mut cast.administrator, "/people/change", &filled(&fresh, "städning")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        assert_eq!(house.account("fia").await.standing.status, Status::Deactivated);
    })
    .await;
}

#[tokio::test]
async fn of_two_administrators_at_the_same_moment_one_is_told_of_the_other() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        let mut eva = seat(&house, "eva", Some("administrator")).await;
        house.provision("entra", "bo", "sv").await;
        let address = format!("/people/change?do=end&id={}", house.account("bo").await.id);
        for round in 0..12 {
            let (hers, his) = (asa.get(&address).await, eva.get(&address).await);
            let version = house.account("bo").await.version;
            let hers = format!("{}&until=2030-06-{:02}", filled(&hers, "projekt"), round + 1);
            let his = format!("{}&until=2031-01-{:02}", filled(&his, "vikariat"), round + 1);
            let (one, other) =
                tokio::join!(send(&mut asa, "/people/change", &hers), send(&mut eva, "/people/change", &his));
            let mut ended = [one.status, other.status];
            ended.sort();
            assert_eq!(ended, [StatusCode::SEE_OTHER, StatusCode::CONFLICT], "round {round}");
            assert_eq!(house.account("bo").await.version, version + 1);
        }
    })
    .await;
}

#[tokio::test]
async fn leave_and_end_dates_ask_for_their_days_and_say_what_is_wrong_with_them() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        house.provision("entra", "bo", "sv").await;
        let bo = house.account("bo").await;
        let page = asa.get(&format!("/people/change?do=end&id={}", bo.id)).await;
        let form = filled(&page, "vikariat");
        let past = send(&mut asa, "/people/change", &format!("{form}&until=2020-01-01")).await;
        assert_eq!(past.status, StatusCode::BAD_REQUEST);
        assert!(
            past.body.contains("måste ligga framåt i tiden") && past.body.contains("value=\"2020-01-01\"")
        );
        assert!(past.body.contains(">vikariat</textarea>"), "what was written stands there again");
        let done = send(&mut asa, "/people/change", &format!("{form}&until=2030-06-30")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        let until = house.account("bo").await.valid_until.unwrap().to_string();
        assert_eq!(until, "2030-06-30T22:00:00Z", "the last day is whole, where the organisation is");

        let page = asa.get(&format!("/people/change?do=leave&id={}", bo.id)).await;
        let form = filled(&page, "föräldraledig");
        let bad =
            send(&mut asa, "/people/change", &format!("{form}&from=2030-03-18&until=&approver=Karin")).await;
        assert_eq!(bad.status, StatusCode::BAD_REQUEST);
        let days = "from=2030-03-17&until=2030-05-31&approver=Karin+Ek";
        let done = send(&mut asa, "/people/change", &format!("{form}&{days}")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        assert_eq!(house.account("bo").await.standing.status, Status::Paused);
        let leave = people::open_leave(&house.ports, bo.id).await.unwrap().unwrap();
        assert_eq!(leave.approver, "Karin Ek");
        let page = asa.get(&format!("/people/change?do=restore&id={}", bo.id)).await;
        let done = send(&mut asa, "/people/change", &filled(&page, "hemma igen")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        assert_eq!(house.account("bo").await.standing.status, Status::Active);
    })
    .await;
}

#[tokio::test]
async fn a_reminder_is_a_letter_a_day_and_touches_no_account() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        house.provision("entra", "bo", "sv").await;
        let bo = house.account("bo").await;
        let address = format!("/people/change?do=remind&id={}", bo.id);
        let page = asa.get(&address).await;
        assert!(page.body.contains("<h1>Påminn 1 person?</h1>"), "{}", page.body);
        let done = send(&mut asa, "/people/change", &filled(&page, "översyn")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        assert!(asa.get("/people").await.body.contains("1 person får ett brev"));
        assert_eq!(house.last_about(Subject::new("account", bo.id)).await.action, "account_reminded");
        let again = asa.get(&address).await;
        assert!(again.body.contains("Det är redan så."), "{}", again.body);
        assert_eq!(house.account("bo").await.version, bo.version);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_understood_or_marks_nobody_changes_nothing() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        house.provision("entra", "bo", "sv").await;
        let bo = house.account("bo").await;
        let nobody = asa.get("/people/change?do=freeze&back=%3Fwho%3Dall").await;
        assert_eq!((nobody.status, nobody.location()), (StatusCode::SEE_OTHER, "/people?who=all"));
        assert!(asa.get("/people?who=all").await.body.contains("Ingen är markerad"));
        for wrong in ["do=dance&id=x", "do=freeze&id=x", "id=x"] {
            let page = asa.get(&format!("/people/change?{wrong}")).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{wrong}");
        }
        let many = "&id=018f0000-0000-7000-8000-000000000000".repeat(201);
        assert_eq!(asa.get(&format!("/people/change?do=freeze{many}")).await.status, StatusCode::BAD_REQUEST);
        let page = asa.get(&format!("/people/change?do=freeze&id={}", bo.id)).await;
        let mark = token(&page);
        for form in ["do=freeze", "do=freeze&at=1&pick=x", "do=x&at=1&pick=x:1", "do=freeze&at=x&pick=x:1"] {
            let page = send(&mut asa, "/people/change", &format!("token={mark}&reason=r&{form}")).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{form}: {}", page.body);
        }
        let foreign =
            asa.get(&format!("/people/change?do=freeze&id={}&back=https%3A%2F%2Fevil.example", bo.id)).await;
        assert!(!foreign.body.contains("href=\"https"), "{}", foreign.body);
        assert_eq!(house.account("bo").await.standing.status, Status::Active);
    })
    .await;
}
