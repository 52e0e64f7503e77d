//! People who do not get in, and what they are told.

use axum::http::StatusCode;
use portvakt::domain::actor::Subject;
use portvakt::domain::ids::DirectoryId;
use portvakt::store::{audit, subject};
use serde_json::{Value, json};

use super::browser::{Browser, Page};
use super::house::{POLICY, TENANT, TestHouse, external};
use crate::engines::{last_seen, look, on_each_engine};

/// How a token goes wrong.
type Bend = fn(&mut Value);

fn assert_refused(browser: &Browser, page: &Page) {
    assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
    assert!(!browser.cookies.contains_key("__Host-portvakt"));
}

/// The codes of the newest entries about the directory `entra`, the newest first.
async fn told(house: &TestHouse<'_>, limit: i64) -> Vec<(String, Option<Value>)> {
    let about = Subject::new("directory", "entra");
    let found = look!(house.t, c => audit::about(c, &about, limit));
    found.into_iter().map(|entry| (entry.action, entry.after.map(|after| after["code"].clone()))).collect()
}

#[tokio::test]
async fn a_deactivated_person_is_told_so_in_their_language_with_whom_to_contact() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        for (name, language, sentence) in [
            (
                "asa",
                "sv-SE",
                "Ditt konto är avaktiverat, eftersom det är avslutat i organisationens katalog.",
            ),
            ("bo", "en-GB", "Your account is deactivated, because it is closed in the organisation"),
        ] {
            let id = house.provision("entra", name, language).await;
            let mut before = house.browser();
            house.sign_in(&mut before, "entra", name).await;
            house.set_active("entra", &id, false).await;
            let account = house.account(name).await.id;
            let seen = look!(t, c => last_seen(c, account));
            house.pass(5);
            let mut browser = house.browser();
            let page = house.sign_in(&mut browser, "entra", name).await;
            assert_refused(&browser, &page);
            assert!(page.body.contains(sentence), "{}", page.body);
            assert!(page.body.contains("mailto:styrelsen@bjorkbacken.example"));
            assert_eq!(page.header("content-language"), &language[..2]);
            let last = house.last_about(Subject::new("account", account)).await;
            assert_eq!(last.action, "sign_in_refused");
            assert_eq!(last.after, Some(json!({ "directory": "entra", "code": "not_active" })));
            assert!(page.body.contains(&last.id.to_string()), "the reference is the audit entry");
            assert_eq!(look!(t, c => last_seen(c, account)), seen, "a refusal is no evidence");
        }
    })
    .await;
}

#[tokio::test]
async fn a_deleted_person_is_told_that_the_account_is_closed() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let id = house.provision("entra", "asa", "en").await;
        house.scim("entra", "DELETE", &format!("/Users/{id}"), &Value::Null).await;
        let mut browser = house.browser();
        let page = house.sign_in(&mut browser, "entra", "asa").await;
        assert_refused(&browser, &page);
        assert!(page.body.contains("Your account is deactivated"), "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn an_address_alone_leads_to_nobody() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        let accounts = look!(t, c => portvakt::store::account::page(c, None, 10)).len();
        let mut browser = house.browser();
        let page = house
            .sign_in_with(&mut browser, "directory=entra", "eve", |claims| {
                claims["email"] = "asa@bjorkbacken.example".into();
            })
            .await;
        assert_refused(&browser, &page);
        assert!(page.body.contains("du har inget konto i CRM:et"), "{}", page.body);
        let code = Some(json!("not_provisioned"));
        assert_eq!(
            told(&house, 2).await,
            [("sign_in_refused".into(), code.clone()), ("link_refused".into(), code)]
        );
        assert_eq!(look!(t, c => portvakt::store::account::page(c, None, 10)).len(), accounts);
        let entra = DirectoryId::parse("entra").unwrap();
        let key = format!("{TENANT}/{}", external("eve"));
        assert_eq!(look!(t, c => subject::linked(c, &entra, &key)), None);
    })
    .await;
}

#[tokio::test]
async fn an_account_that_one_subject_signs_in_to_is_closed_to_another() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let id = house.provision("entra", "asa", "sv").await;
        house.sign_in(&mut house.browser(), "entra", "asa").await;
        let patch = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "path": "externalId", "value": external("eve") }],
        });
        house.scim("entra", "PATCH", &format!("/Users/{id}"), &patch).await;
        let mut browser = house.browser();
        let page = house.sign_in(&mut browser, "entra", "eve").await;
        assert_refused(&browser, &page);
        assert_eq!(told(&house, 1).await[0].1, Some(json!("already_linked")));
        assert_eq!(house.sign_in(&mut house.browser(), "entra", "asa").await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn nobody_without_a_role_gets_in_where_the_policy_rejects_the_unmatched() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let id = house.provision("entra", "asa", "sv").await;
        house.provision("entra", "bo", "sv").await;
        house.make_helper(&id).await;
        house.apply(&POLICY.replace("unmatched = \"no_access\"", "unmatched = \"reject\"")).await;
        assert_eq!(house.sign_in(&mut house.browser(), "entra", "asa").await.status, StatusCode::SEE_OTHER);
        let mut browser = house.browser();
        let page = house.sign_in(&mut browser, "entra", "bo").await;
        assert_refused(&browser, &page);
        assert!(page.body.contains("Ingen av dina grupper ger åtkomst till CRM:et."), "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn a_token_that_fails_a_check_is_named_in_the_audit_and_not_on_the_page() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        let cases: [(&str, Bend); 5] = [
            ("token_nonce", |claims| claims["nonce"] = "another".into()),
            ("token_audience", |claims| claims["aud"] = "another".into()),
            ("token_issuer", |claims| claims["iss"] = "https://evil.example".into()),
            ("token_tenant", |claims| claims["tid"] = "c0ffee00-1111-4222-8333-000000000000".into()),
            ("token_expired", |claims| claims["exp"] = 1.into()),
        ];
        for (code, bend) in cases {
            let mut browser = house.browser();
            let page = house.sign_in_with(&mut browser, "directory=entra", "asa", bend).await;
            assert_refused(&browser, &page);
            assert!(page.body.contains("not_verified") && !page.body.contains(code), "{}", page.body);
            assert_eq!(told(&house, 1).await[0].1, Some(json!(code)));
        }
    })
    .await;
}

#[tokio::test]
async fn a_person_whom_the_provider_refuses_may_try_again() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut browser = house.browser();
        let away = browser.get("/sso/login?directory=entra&return_to=/kampanjer").await;
        let state = away.sent("state").unwrap();
        let page = browser.get(&format!("/sso/callback?error=access_denied&state={state}")).await;
        assert_refused(&browser, &page);
        assert!(page.body.contains("return_to=%2Fkampanjer"), "{}", page.body);
        assert_eq!(told(&house, 1).await[0].1, Some(json!("provider_refused")));
        assert_eq!(
            browser.get(&format!("/sso/callback?error=access_denied&state={state}")).await.status,
            StatusCode::BAD_REQUEST
        );
    })
    .await;
}

#[tokio::test]
async fn while_the_provider_is_down_sign_in_says_so_and_sessions_live() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provider.set_down(true);
        let mut early = house.browser();
        let down = early.get("/sso/login?directory=entra").await;
        assert_eq!((down.status, down.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "60"));
        assert!(down.body.contains("Inloggningen svarar inte just nu"), "{}", down.body);
        house.provider.set_down(false);
        house.pass(1);
        house.provision("entra", "asa", "sv").await;
        let mut browser = house.browser();
        house.sign_in(&mut browser, "entra", "asa").await;
        let away = early.get("/sso/login?directory=entra").await;
        house.provider.set_down(true);
        let page = early.get(&format!("/sso/callback?code=c&state={}", away.sent("state").unwrap())).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(browser.get("/sso/verify").await.status, StatusCode::OK);
    })
    .await;
}
