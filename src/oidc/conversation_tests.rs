//! Whole conversations with a provider that is well, slow, broken or gone.

use std::{collections::HashMap, time::Duration};

use jiff::ToSpan;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::practice_provider::{
    ACCESS_TOKEN, NONCE, PracticeProvider, client, ed, finish, finish_with, now, public, sign_ed,
};
use super::{
    GroupsClaim, HttpClient, HttpLimits, OidcError, Prompt, ProviderKind, RelyingParty, SignInRequest,
    TokenCheck,
};

#[tokio::test]
async fn the_browser_is_sent_away_with_pkce_state_and_nonce() {
    let provider = PracticeProvider::start().await;
    let request = SignInRequest {
        login_hint: Some("anna@forening.example".to_owned()),
        prompt: Some(Prompt::Login),
        max_age: Some(0),
        acr_values: vec!["urn:mfa".to_owned(), "urn:pwd".to_owned()],
        ..SignInRequest::default()
    };
    let start = provider.relying_party().begin(now(), &request).await.unwrap();
    let url = Url::parse(&start.authorize_url).unwrap();
    let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(query["tenant"], "1", "the endpoint's own query stays");
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["scope"], "openid profile email");
    assert_eq!(query["code_challenge"], super::chance::challenge(&start.pkce_verifier));
    assert_eq!(query["code_challenge_method"], "S256");
    assert_eq!(query["state"], start.state.expose_secret());
    assert_eq!(query["nonce"], start.nonce.expose_secret());
    assert_eq!((query["prompt"].as_str(), query["max_age"].as_str()), ("login", "0"));
    assert_eq!(query["acr_values"], "urn:mfa urn:pwd");
    assert!(!format!("{start:?} {request:?}").contains("anna"));
}

#[tokio::test]
async fn a_level_of_assurance_is_asked_for_as_an_essential_claim_where_the_provider_takes_claims() {
    let provider = PracticeProvider::start().await;
    provider.change(|a| a.discovery["claims_parameter_supported"] = json!(true));
    let request = SignInRequest { acr_values: vec!["urn:mfa".to_owned()], ..SignInRequest::default() };
    let start = provider.relying_party().begin(now(), &request).await.unwrap();
    let url = Url::parse(&start.authorize_url).unwrap();
    let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(query["acr_values"], "urn:mfa");
    assert_eq!(query["claims"], r#"{"id_token":{"acr":{"essential":true,"value":"urn:mfa"}}}"#);
}

#[tokio::test]
async fn a_level_that_nobody_insists_on_is_not_asked_for_as_essential_and_gives_way_to_one_that_is_demanded()
{
    let provider = PracticeProvider::start().await;
    provider.change(|a| a.discovery["claims_parameter_supported"] = json!(true));
    let wished = vec!["urn:mfa".to_owned(), "urn:key".to_owned()];
    let mut request = SignInRequest { acr_wished: wished, ..SignInRequest::default() };
    let mut asked = Vec::new();
    for demanded in [&[][..], &["urn:pwd".to_owned()]] {
        request.acr_values = demanded.to_vec();
        let start = provider.relying_party().begin(now(), &request).await.unwrap();
        let url = Url::parse(&start.authorize_url).unwrap();
        let query: HashMap<_, _> = url.query_pairs().into_owned().collect();
        asked.push((query["acr_values"].clone(), query.contains_key("claims")));
    }
    assert_eq!(asked, [("urn:mfa urn:key".to_owned(), false), ("urn:pwd".to_owned(), true)]);
}

#[tokio::test]
async fn groups_are_asked_for_where_the_provider_announces_the_scope() {
    let provider = PracticeProvider::start().await;
    provider.change(|a| a.discovery["scopes_supported"] = json!(["openid", "groups"]));
    let start = provider.relying_party().begin(now(), &SignInRequest::default()).await.unwrap();
    assert!(start.authorize_url.contains("scope=openid+profile+email+groups&"));
}

#[tokio::test]
async fn a_good_token_gives_the_person_as_the_provider_says() {
    let provider = PracticeProvider::start().await;
    provider.hand_out(&sign_ed(&provider.good_claims(), "ed", 1));
    let person = finish(&provider.relying_party(), now()).await.unwrap();
    assert_eq!((person.issuer.as_str(), person.subject.as_str()), (provider.server.uri().as_str(), "anna"));
    assert_eq!(person.subject_value, "anna");
    assert_eq!((person.email.as_deref(), person.email_verified), (Some("anna@forening.example"), true));
    assert_eq!(person.groups, GroupsClaim::Listed(vec!["styrelse".to_owned()]));
    assert_eq!((person.session_id.as_deref(), person.acr.as_deref()), (Some("s1"), Some("urn:mfa")));
    assert_eq!(person.amr, ["pwd", "otp"]);
    assert_eq!(person.auth_time, Some(now() - 10.seconds()));
    let shown = format!("{person:?}");
    assert!(!shown.contains("anna") && !shown.contains("Anna"));
}

#[tokio::test]
async fn the_secret_goes_where_the_provider_takes_it_and_nowhere_for_a_public_client() {
    let provider = PracticeProvider::start().await;
    provider.hand_out(&sign_ed(&provider.good_claims(), "ed", 1));
    finish(&provider.relying_party(), now()).await.unwrap();
    provider.change(|a| a.discovery["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]));
    finish(&provider.relying_party(), now()).await.unwrap();
    let mut settings = provider.settings(ProviderKind::Generic);
    settings.client_secret = None;
    finish(&RelyingParty::new(settings, client()).unwrap(), now()).await.unwrap();

    let sent = provider.requests("/token").await;
    let bodies: Vec<_> = sent.iter().map(|r| String::from_utf8(r.body.clone()).unwrap()).collect();
    let basic = sent[0].headers["authorization"].to_str().unwrap();
    // RFC 6749 §2.3.1: each half is form-encoded before the pair is base64: crm:s3cret%26%2Fmark
    assert_eq!(basic, "Basic Y3JtOnMzY3JldCUyNiUyRm1hcms=");
    assert!(bodies[0].contains("code_verifier=v3rifier") && !bodies[0].contains("s3cret"));
    assert!(
        bodies[1].contains("client_secret=s3cret%26%2Fmark")
            && !sent[1].headers.contains_key("authorization")
    );
    assert!(bodies[2].contains("client_id=crm") && !bodies[2].contains("s3cret"));
    assert!(!sent[2].headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_callback_with_the_wrong_issuer_never_reaches_the_provider() {
    let provider = PracticeProvider::start().await;
    let party = provider.relying_party();
    provider.hand_out(&sign_ed(&provider.good_claims(), "ed", 1));
    let wrong = finish_with(&party, now(), Some("https://evil.example"), None).await;
    assert_eq!(wrong.unwrap_err().code(), "callback_issuer");
    provider.change(|a| a.discovery["authorization_response_iss_parameter_supported"] = json!(true));
    party.refresh(now() + 31.seconds()).await.unwrap();
    assert_eq!(finish(&party, now()).await.unwrap_err().code(), "callback_issuer", "promised and missing");
    assert!(provider.requests("/token").await.is_empty());
    assert!(finish_with(&party, now(), Some(&provider.server.uri()), None).await.is_ok());
    let refused = party.refused(now(), "access_denied", None, Some("https://evil.example")).await;
    assert_eq!(refused.code(), "callback_issuer");
}

#[tokio::test]
async fn a_refusal_comes_in_the_providers_words_cut_to_what_can_be_shown() {
    let provider = PracticeProvider::start().await;
    let party = provider.relying_party();
    let body = json!({"error": "invalid_grant", "error_description": format!("gone\r\n\u{202e}{}", "x".repeat(999))});
    provider.change(|a| a.token = ResponseTemplate::new(400).set_body_json(body));
    let OidcError::ProviderSaidNo { error, description, .. } = finish(&party, now()).await.unwrap_err()
    else {
        panic!("another error")
    };
    assert_eq!(error, "invalid_grant");
    assert!(description.is_some_and(|text| text.starts_with("gonex") && text.len() == 300));
    let refused = party.refused(now(), "access_denied", Some("the user cancelled"), None).await;
    assert_eq!(
        refused.to_string(),
        "directory d: the provider refused with access_denied: the user cancelled"
    );
}

#[tokio::test]
async fn a_rotated_key_works_after_one_fetch() {
    let provider = PracticeProvider::start().await;
    let party = provider.relying_party();
    provider.hand_out(&sign_ed(&provider.good_claims(), "ed", 1));
    finish(&party, now()).await.unwrap();
    provider.change(|a| a.keys = vec![public(&ed("ed-2", 2))]);
    provider.hand_out(&sign_ed(&provider.good_claims(), "ed-2", 2));
    finish(&party, now() + 1.second()).await.unwrap();
    assert_eq!(provider.requests("/jwks").await.len(), 2);
}

#[tokio::test]
async fn a_thousand_unknown_keys_cause_at_most_two_fetches() {
    let provider = PracticeProvider::start().await;
    let party = provider.relying_party();
    for n in 0..1_000 {
        let token = sign_ed(&json!({}), &format!("random-{n}"), 9);
        let error = party.verify_logout_token(now() + (n * 20).milliseconds(), &token).await.unwrap_err();
        assert_eq!(error.code(), TokenCheck::Key.code());
    }
    assert_eq!(provider.requests("/jwks").await.len(), 2);
    let token = sign_ed(&json!({}), "random", 9);
    party.verify_logout_token(now() + 31.seconds(), &token).await.unwrap_err();
    assert_eq!(provider.requests("/jwks").await.len(), 3, "the interval has passed");
}

#[tokio::test]
async fn many_at_once_wait_for_one_fetch() {
    let provider = PracticeProvider::start().await;
    let party = provider.relying_party();
    let request = SignInRequest::default();
    let all = futures_util::future::join_all((0..50).map(|_| party.begin(now(), &request))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(provider.requests("/jwks").await.len(), 1);
}

#[tokio::test]
async fn good_keys_stay_in_use_for_a_day_while_the_provider_is_down() {
    let provider = PracticeProvider::start().await;
    let party = provider.relying_party();
    let token = sign_ed(&json!({"iss": "x"}), "ed", 1);
    party.refresh(now()).await.unwrap();
    provider.change(|a| a.instead = Some(ResponseTemplate::new(503)));
    let later = now() + 23.hours();
    assert_eq!(party.refresh(later).await.unwrap_err().code(), "provider_unavailable");
    assert_eq!(party.keys_fetched_at(), Some(now()));
    // Refused for its issuer: the signature was verified with the key kept.
    assert_eq!(party.verify_logout_token(later, &token).await.unwrap_err().code(), "token_issuer");
    let unknown = party.verify_logout_token(later, &sign_ed(&json!({}), "new", 2)).await;
    assert!(unknown.unwrap_err().is_passing(), "a new key cannot be told from a forged one now");
    let too_late = party.verify_logout_token(now() + 25.hours(), &token).await;
    assert_eq!(too_late.unwrap_err().code(), "provider_unavailable");
}

#[tokio::test]
async fn a_provider_that_was_down_at_first_is_tried_again_a_little_later() {
    let provider = PracticeProvider::start().await;
    let party = provider.relying_party();
    provider.change(|a| a.instead = Some(ResponseTemplate::new(500)));
    let request = SignInRequest::default();
    for _ in 0..10 {
        assert!(party.begin(now(), &request).await.unwrap_err().is_passing());
    }
    assert_eq!(provider.server.received_requests().await.unwrap().len(), 1);
    provider.change(|a| a.instead = None);
    assert!(party.begin(now() + 6.seconds(), &request).await.is_ok());
}

#[tokio::test]
async fn an_answer_that_is_slow_large_redirected_or_not_json_is_told_apart() {
    let provider = PracticeProvider::start().await;
    let limits = HttpLimits { timeout: Duration::from_millis(200), body_bytes: 512 * 1024 };
    let large = ResponseTemplate::new(200).set_body_string(format!("{{\"a\":\"{}\"}}", "x".repeat(600_000)));
    let moved =
        ResponseTemplate::new(302).insert_header("location", format!("{}/x", provider.server.uri()).as_str());
    for (answer, code) in [
        (ResponseTemplate::new(200).set_delay(Duration::from_secs(30)), "provider_unavailable"),
        (ResponseTemplate::new(502), "provider_unavailable"),
        (large, "provider_unusable"),
        (moved, "provider_unusable"),
        (ResponseTemplate::new(200).set_body_string("<html>"), "provider_unusable"),
        (ResponseTemplate::new(200).set_body_string("[]"), "provider_unusable"),
        (ResponseTemplate::new(200).set_body_string("{}"), "provider_unusable"),
        (ResponseTemplate::new(404), "provider_unusable"),
    ] {
        provider.change(|a| a.instead = Some(answer));
        let http = HttpClient::new(limits).unwrap();
        let party = RelyingParty::new(provider.settings(ProviderKind::Generic), http).unwrap();
        assert_eq!(party.refresh(now()).await.unwrap_err().code(), code);
    }
    assert!(provider.requests("/x").await.is_empty(), "no redirect is followed");
}

#[tokio::test]
async fn a_token_answer_without_tokens_is_an_error_of_the_provider() {
    let provider = PracticeProvider::start().await;
    let party = provider.relying_party();
    for (answer, code) in [
        (ResponseTemplate::new(200).set_body_json(json!({"access_token": "a"})), "provider_unusable"),
        (ResponseTemplate::new(200).set_body_json(json!({"id_token": 7})), "provider_unusable"),
        (ResponseTemplate::new(200).set_body_json(json!({"error": "bad_code"})), "provider_said_no"),
        (ResponseTemplate::new(401).set_body_json(json!({"error": "invalid_client"})), "provider_said_no"),
        (ResponseTemplate::new(503).set_body_json(json!({"error": "server_error"})), "provider_unavailable"),
        (ResponseTemplate::new(400), "provider_unusable"),
    ] {
        provider.change(|a| a.token = answer);
        assert_eq!(finish(&party, now()).await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn userinfo_fills_what_the_token_leaves_out_and_speaks_of_nobody_else() {
    let provider = PracticeProvider::start().await;
    provider
        .change(|a| a.discovery["userinfo_endpoint"] = json!(format!("{}/userinfo", provider.server.uri())));
    let party = provider.relying_party();
    let mut thin = provider.good_claims();
    for claim in ["name", "email", "groups"] {
        thin.as_object_mut().unwrap().remove(claim);
    }
    provider.hand_out(&sign_ed(&thin, "ed", 1));
    let said =
        |userinfo| provider.change(|a| a.userinfo = ResponseTemplate::new(200).set_body_json(userinfo));

    said(
        json!({"sub": "anna", "name": "Anna A", "email": "a@x.example", "groups": "crm", "iss": "https://evil"}),
    );
    let person = finish(&party, now()).await.unwrap();
    assert_eq!((person.name.as_deref(), person.email.as_deref()), (Some("Anna A"), Some("a@x.example")));
    assert!(!person.email_verified, "the token's verification was of another address");
    assert_eq!(person.groups, GroupsClaim::Listed(vec!["crm".to_owned()]));
    assert_eq!(person.issuer, provider.server.uri());
    let asked = provider.requests("/userinfo").await;
    assert_eq!(asked[0].headers["authorization"].to_str().unwrap(), format!("Bearer {ACCESS_TOKEN}"));

    said(json!({"sub": "anna", "_claim_names": {"groups": "src1"}}));
    assert_eq!(finish(&party, now()).await.unwrap().groups, GroupsClaim::Overage);
    said(json!({"sub": "boss", "email": "boss@x.example"}));
    assert_eq!(finish(&party, now()).await.unwrap_err().code(), "userinfo_subject");
    provider.change(|a| a.userinfo = ResponseTemplate::new(500));
    assert_eq!(finish(&party, now()).await.unwrap().groups, GroupsClaim::Absent);
}

#[tokio::test]
async fn logout_goes_to_the_provider_with_a_hint_where_that_is_offered() {
    let provider = PracticeProvider::start().await;
    let party = provider.relying_party();
    let hint = SecretString::from("a.b.c");
    assert_eq!(
        party.end_session_url(Some(&hint), "https://crm.example/", None),
        None,
        "nothing is known yet"
    );
    party.refresh(now()).await.unwrap();
    let url = party.end_session_url(Some(&hint), "https://crm.example/", Some("bye")).unwrap();
    let query =
        "id_token_hint=a.b.c&client_id=crm&post_logout_redirect_uri=https%3A%2F%2Fcrm.example%2F&state=bye";
    assert_eq!(url, format!("{}/end?{query}", provider.server.uri()));
    let long = SecretString::from("x".repeat(7_000));
    assert!(!party.end_session_url(Some(&long), "https://crm.example/", None).unwrap().contains("xxx"));
}

#[tokio::test]
async fn no_error_tells_a_token_a_code_or_a_secret() {
    let provider = PracticeProvider::start().await;
    let party = provider.relying_party();
    let mut claims = provider.good_claims();
    claims["nonce"] = json!("other");
    let token = sign_ed(&claims, "ed", 1);
    provider.hand_out(&token);
    let error = finish(&party, now()).await.unwrap_err();
    let shown = format!("{error} {error:?} {party:?}");
    for secret in [token.as_str(), NONCE, "c0de", "v3rifier", "s3cret", ACCESS_TOKEN, "anna"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}
