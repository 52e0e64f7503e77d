//! Subjects that lead to no account, and what whoever decides makes of them.

use axum::http::StatusCode;
use portvakt::domain::actor::{Actor, Subject};
use portvakt::domain::ids::DirectoryId;
use portvakt::flows::linking::{self, Approval, LinkState, Onto, View};
use portvakt::flows::{Act, Refusal, records};
use portvakt::store::{audit, subject};
use serde_json::json;

use super::browser::Page;
use super::house::{TENANT, TestHouse, external};
use crate::engines::{change, look, on_each_engine};

fn operator(house: &TestHouse<'_>) -> Act {
    house.ports.act(Actor::Operator("eva".to_owned()), "test")
}

fn approval(onto: Onto, replace: bool) -> Approval {
    Approval { onto, replace, reason: "vi har talats vid".to_owned() }
}

/// The one request that waits.
async fn waiting(house: &TestHouse<'_>) -> View {
    let mut all = linking::list(&house.ports, LinkState::Waiting).await.unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// Somebody with asa's address comes whom nobody told of.
async fn stranger(house: &TestHouse<'_>, is_verified: bool) -> Page {
    let mut browser = house.browser();
    house
        .sign_in_with(&mut browser, "directory=okta", "eve", |claims| {
            claims["email"] = "ASA@bjorkbacken.example".into();
            claims["email_verified"] = is_verified.into();
        })
        .await
}

#[tokio::test]
async fn a_stranger_gets_no_account_but_a_reference_and_both_sides_are_shown() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        let page = stranger(&house, true).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.body.contains("väntar nu på en administratör"), "{}", page.body);
        assert!(page.body.contains("mailto:styrelsen@bjorkbacken.example"));
        let view = waiting(&house).await;
        assert!(page.body.contains(&view.reference), "{}", page.body);
        assert_eq!((view.directory.as_str(), view.code.as_str()), ("okta", "not_provisioned"));
        assert_eq!(view.came.email.as_deref(), Some("ASA@bjorkbacken.example"));
        assert_eq!(view.came.subject, external("eve"));
        let side = view.proposal.unwrap();
        assert_eq!(side.account, house.account("asa").await.id);
        assert_eq!((side.by.as_str(), side.signs_in_already), ("verified_address", false));
        let accounts = look!(t, c => portvakt::store::account::page(c, None, 10)).len();
        assert_eq!(accounts, 1);

        // However often they come, they stand in the queue once.
        let again = stranger(&house, true).await;
        assert!(again.body.contains(&view.reference));
        assert_eq!(waiting(&house).await.attempts, 2);
        let entries = records::show(&house.ports, &view.reference.to_lowercase()).await.unwrap();
        assert_eq!(entries.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(), ["link_requested"]);
        let told = serde_json::to_string(&entries).unwrap();
        assert!(!told.contains("ASA@"), "an address outlives its person in the audit: {told}");
    })
    .await;
}

#[tokio::test]
async fn an_address_that_nobody_vouches_for_proposes_nobody() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        assert_eq!(stranger(&house, false).await.status, StatusCode::FORBIDDEN);
        assert_eq!(waiting(&house).await.proposal, None);
        let reference = waiting(&house).await.reference;
        let refused =
            linking::approve(&house.ports, &operator(&house), &reference, approval(Onto::Proposed, false))
                .await;
        assert!(matches!(refused, Err(Refusal::Conflict(_))), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn an_approved_subject_signs_in_to_the_account_that_somebody_named() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        stranger(&house, true).await;
        let reference = waiting(&house).await.reference;
        let act = operator(&house);
        let done =
            linking::approve(&house.ports, &act, &reference, approval(Onto::Proposed, false)).await.unwrap();
        let asa = house.account("asa").await;
        assert_eq!(done.state, "approved");
        let decided = done.decided.unwrap();
        assert_eq!((decided.by.as_str(), decided.why.as_str()), ("operator:eva", "vi har talats vid"));
        assert_eq!(decided.account, Some(asa.id));
        let mut browser = house.browser();
        let signed_in = house.sign_in(&mut browser, "okta", "eve").await;
        assert_eq!(signed_in.status, StatusCode::SEE_OTHER, "{}", signed_in.body);
        let told = browser.get("/sso/verify").await;
        assert_eq!(told.header("x-portvakt-account"), asa.id.to_string());
        assert_eq!(house.account("asa").await.display_name, asa.display_name, "the name stays as it was");
        // Entra's own subject still signs in to the same account.
        assert_eq!(house.sign_in(&mut house.browser(), "entra", "asa").await.status, StatusCode::SEE_OTHER);
        let again = linking::approve(&house.ports, &act, &reference, approval(Onto::Proposed, false)).await;
        assert!(matches!(again, Err(Refusal::Conflict(_))), "{again:?}");
        let entries = records::show(&house.ports, &reference).await.unwrap();
        let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(actions, ["link_requested", "link_approved"]);
    })
    .await;
}

#[tokio::test]
async fn an_account_that_is_signed_in_to_changes_hands_only_by_an_explicit_word_and_its_sessions_end() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let id = house.provision("entra", "asa", "sv").await;
        let mut before = house.browser();
        house.sign_in(&mut before, "entra", "asa").await;
        let patch = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "path": "externalId", "value": external("eve") }],
        });
        house.scim("entra", "PATCH", &format!("/Users/{id}"), &patch).await;
        house.sign_in(&mut house.browser(), "entra", "eve").await;
        let view = waiting(&house).await;
        assert_eq!(view.code, "already_linked");
        assert!(view.proposal.as_ref().unwrap().signs_in_already);
        let act = operator(&house);
        let meek = approval(Onto::Proposed, false);
        let refused = linking::approve(&house.ports, &act, &view.reference, meek).await.unwrap_err();
        assert!(refused.to_string().contains("--replace"), "{refused}");
        assert_eq!(before.get("/sso/verify").await.status, StatusCode::OK);
        let bold = approval(Onto::Proposed, true);
        linking::approve(&house.ports, &act, &view.reference, bold).await.unwrap();
        assert_eq!(before.get("/sso/verify").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(house.sign_in(&mut house.browser(), "entra", "eve").await.status, StatusCode::SEE_OTHER);
        assert_eq!(house.sign_in(&mut house.browser(), "entra", "asa").await.status, StatusCode::FORBIDDEN);
        let entra = DirectoryId::parse("entra").unwrap();
        let key = format!("{TENANT}/{}", external("asa"));
        assert_eq!(look!(t, c => subject::linked(c, &entra, &key)), None);
        let account = house.account("asa").await.id;
        let about = look!(t, c => audit::about(c, &Subject::new("account", account), 20));
        assert!(about.iter().any(|entry| entry.action == "sessions_ended" && entry.actor == "operator:eva"));
    })
    .await;
}

#[tokio::test]
async fn a_subject_that_was_turned_down_stays_so_and_is_told() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        stranger(&house, false).await;
        let reference = waiting(&house).await.reference;
        let act = operator(&house);
        let empty = linking::reject(&house.ports, &act, &reference, " ").await;
        assert!(matches!(empty, Err(Refusal::Invalid { .. })), "a decision needs a reason: {empty:?}");
        let done = linking::reject(&house.ports, &act, &reference, "okänd").await.unwrap();
        assert_eq!(done.state, "rejected");
        let page = stranger(&house, false).await;
        assert!(page.body.contains("En administratör har sagt nej"), "{}", page.body);
        assert!(page.body.contains(&reference) && page.body.contains("link_rejected"));
        assert!(linking::list(&house.ports, LinkState::Waiting).await.unwrap().is_empty());
        // Somebody may think better of it.
        let onto = Onto::New;
        linking::approve(&house.ports, &act, &reference, approval(onto, false)).await.unwrap();
        assert_eq!(house.sign_in(&mut house.browser(), "okta", "eve").await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_tied_to_an_account_that_is_protected_or_closed() {
    on_each_engine(async |t| {
        let house = TestHouse::open_with(t, |text| {
            text.replace("id = \"entra\"", "id = \"entra\"\nprotected = [\"asa@bjorkbacken.example\"]")
        })
        .await;
        house.provision("entra", "asa", "sv").await;
        let id = house.provision("entra", "bo", "sv").await;
        house.set_active("entra", &id, false).await;
        stranger(&house, true).await;
        let reference = waiting(&house).await.reference;
        let act = operator(&house);
        let onto = |name: &str| approval(Onto::Account(format!("{name}@bjorkbacken.example")), true);
        let refused = linking::approve(&house.ports, &act, &reference, onto("asa")).await;
        assert!(matches!(refused, Err(Refusal::Protected { .. })), "{refused:?}");
        let refused = linking::approve(&house.ports, &act, &reference, onto("bo")).await;
        assert!(matches!(refused, Err(Refusal::Conflict(_))), "{refused:?}");
        let refused = linking::approve(&house.ports, &act, "K7QM-4TXD", onto("asa")).await;
        assert!(matches!(refused, Err(Refusal::NotFound { .. })), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn where_nobody_is_linked_by_itself_even_the_known_wait() {
    on_each_engine(async |t| {
        let house =
            TestHouse::open_with(t, |text| text.replace("tenants = ", "jit = \"off\"\ntenants = ")).await;
        house.provision("entra", "asa", "sv").await;
        let page = house.sign_in(&mut house.browser(), "entra", "asa").await;
        assert!(page.body.contains("behöver en administratör säga vilket konto"), "{}", page.body);
        let view = waiting(&house).await;
        let side = view.proposal.unwrap();
        assert_eq!((view.code.as_str(), side.by.as_str()), ("awaits_approval", "immutable_id"));
        let act = operator(&house);
        linking::approve(&house.ports, &act, &view.reference, approval(Onto::Proposed, false)).await.unwrap();
        assert_eq!(house.sign_in(&mut house.browser(), "entra", "asa").await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn a_subject_under_another_issuer_is_linked_anew_only_by_an_explicit_word() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let id = house.provision("okta", "asa", "sv").await;
        let link = subject::SubjectLink {
            directory: DirectoryId::parse("okta").unwrap(),
            issuer: "https://former.example".to_owned(),
            subject: external("asa"),
            identity: portvakt::domain::ids::IdentityId::parse(&id).unwrap(),
            by: "test".to_owned(),
        };
        let now = portvakt::flows::Clock::now(&*house.clock);
        change!(t, [link] c => subject::link(c, &link, now).await).unwrap();
        let page = house.sign_in(&mut house.browser(), "okta", "asa").await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        let view = waiting(&house).await;
        let by = view.proposal.as_ref().unwrap().by.as_str();
        assert_eq!((view.code.as_str(), by), ("other_issuer", "same_subject"));
        let act = operator(&house);
        let meek = approval(Onto::Proposed, false);
        let refused = linking::approve(&house.ports, &act, &view.reference, meek).await.unwrap_err();
        assert!(refused.to_string().contains("https://former.example"), "{refused}");
        let bold = approval(Onto::Proposed, true);
        linking::approve(&house.ports, &act, &view.reference, bold).await.unwrap();
        assert_eq!(house.sign_in(&mut house.browser(), "okta", "asa").await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn requests_that_nobody_comes_back_to_are_forgotten_and_refusals_are_not() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        stranger(&house, false).await;
        let reference = waiting(&house).await.reference;
        linking::reject(&house.ports, &operator(&house), &reference, "okänd").await.unwrap();
        house.sign_in(&mut house.browser(), "okta", "adam").await;
        house.pass(60 * 24 * 91);
        let gone = portvakt::flows::housekeeping::tidy(&house.ports).await.unwrap();
        assert_eq!(gone.link_requests, 1);
        assert!(linking::show(&house.ports, &reference).await.is_ok());
    })
    .await;
}
