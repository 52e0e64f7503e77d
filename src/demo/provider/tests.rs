//! Whole sign-ins: Portvakt's relying party, a browser and the practice provider.

use std::collections::HashMap;
use std::sync::Arc;

use reqwest::{StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::*;
use crate::demo::association::{Association, PersonNo};
use crate::demo::browser::Browser;
use crate::demo::loopback;
use crate::flows::SetClock;
use crate::oidc::{
    Callback, HttpClient, HttpLimits, OidcError, ProviderKind, RelyingParty, RelyingPartySettings,
    SignInRequest, Start, Verified,
};

const BACK: &str = "http://127.0.0.1:1/sso/callback";

struct Scene {
    provider: PracticeProvider,
    party: RelyingParty,
    clock: Arc<SetClock>,
    _end: DropGuard,
}

impl Scene {
    async fn of(home: Home) -> Self {
        let listener = loopback::listen(0).await.unwrap();
        let base = loopback::address(&listener).unwrap();
        let clock = Arc::new(SetClock::new("2025-03-01T08:00:00Z".parse().unwrap()));
        let client = RegisteredClient {
            id: "portvakt".to_owned(),
            secret: "s3cret&/ +%".into(),
            redirect_uri: BACK.to_owned(),
            post_logout_redirect_uri: "http://127.0.0.1:1/".to_owned(),
        };
        let shared: Arc<dyn Clock> = clock.clone();
        let provider = PracticeProvider::new(home, &base, client, shared).unwrap();
        for person in Association::bjorkbacken().people().iter().filter(|person| person.home == home) {
            provider.list(Listed::of(person));
        }
        let end = CancellationToken::new();
        drop(loopback::serve(listener, provider.router(), end.clone()));
        let kind = match home {
            Home::Entra => ProviderKind::Entra,
            Home::Okta => ProviderKind::Okta,
        };
        let issuer = PracticeProvider::issuer_at(home, &base);
        let mut settings = RelyingPartySettings::new(home.id(), kind, &issuer, "portvakt", BACK);
        settings.client_secret = Some("s3cret&/ +%".into());
        let http = HttpClient::new(HttpLimits::default()).unwrap();
        Self { provider, party: RelyingParty::new(settings, http).unwrap(), clock, _end: end.drop_guard() }
    }

    async fn begin(&self) -> Start {
        self.party.begin(self.clock.now(), &SignInRequest::default()).await.unwrap()
    }

    /// Clicks the person; gives the parameters with which the browser comes back.
    async fn click(&self, start: &Start, person: &str) -> HashMap<String, String> {
        let mut browser = Browser::new(loopback::client("a browser").unwrap());
        let login = browser.open(&start.authorize_url).await.unwrap();
        // Nobody listens where the browser is sent back to: the address is all that is wanted here.
        let form = login.url.join("sign-in").unwrap();
        let request =
            login.body.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let client = loopback::client("a browser").unwrap();
        let body = format!("request={request}&person={person}");
        let kind = "application/x-www-form-urlencoded";
        let answer = client.post(form).header("content-type", kind).body(body).send().await.unwrap();
        let location = answer.headers()["location"].to_str().unwrap();
        assert!(location.starts_with(BACK));
        Url::parse(location).unwrap().query_pairs().into_owned().collect()
    }

    async fn finish(&self, start: &Start, back: &HashMap<String, String>) -> Result<Verified, OidcError> {
        let code = SecretString::from(back["code"].clone());
        let iss = back.get("iss").map(String::as_str);
        let (pkce_verifier, nonce) = (&start.pkce_verifier, &start.nonce);
        let callback = Callback {
            code: &code,
            pkce_verifier,
            nonce,
            iss,
            max_age: None,
            acr_values: &[],
            redirect_uri: None,
        };
        self.party.finish(self.clock.now(), &callback).await
    }
}

#[tokio::test]
async fn a_person_of_each_directory_signs_in_from_click_to_verified_token() {
    for (home, number) in [(Home::Entra, 2), (Home::Okta, 96)] {
        let scene = Scene::of(home).await;
        let association = Association::bjorkbacken();
        let person = association.person(PersonNo(number)).unwrap();
        let start = scene.begin().await;
        let back = scene.click(&start, &person.external_id).await;
        assert_eq!(back["state"], start.state.expose_secret());
        let verified = scene.finish(&start, &back).await.unwrap();
        assert_eq!(verified.subject_value, person.external_id);
        assert_eq!(verified.name.as_deref(), Some(person.name().as_str()));
        assert_eq!(verified.tenant.as_deref(), (home == Home::Entra).then_some(TENANT));
        assert_eq!(verified.subject == person.external_id, home == Home::Okta, "Entra's sub is pairwise");
    }
}

#[tokio::test]
async fn a_code_is_good_once_and_only_with_its_own_verifier() {
    let scene = Scene::of(Home::Okta).await;
    let person = "00u1bjorknorr0000096";
    let (start, other) = (scene.begin().await, scene.begin().await);
    let back = scene.click(&start, person).await;
    scene.finish(&start, &back).await.unwrap();
    assert_eq!(scene.finish(&start, &back).await.unwrap_err().code(), "provider_said_no");
    let back = scene.click(&start, person).await;
    assert_eq!(scene.finish(&other, &back).await.unwrap_err().code(), "provider_said_no");
    assert_eq!(scene.finish(&start, &back).await.unwrap_err().code(), "provider_said_no", "it was used up");
}

#[tokio::test]
async fn a_code_grows_old_by_the_shared_clock() {
    let scene = Scene::of(Home::Okta).await;
    let start = scene.begin().await;
    let back = scene.click(&start, "00u1bjorknorr0000096").await;
    scene.clock.advance(jiff::SignedDuration::from_mins(11));
    assert!(scene.finish(&start, &back).await.is_err());
}

#[tokio::test]
async fn a_request_without_pkce_nonce_or_the_right_address_gets_no_login_page() {
    let scene = Scene::of(Home::Entra).await;
    let good = Url::parse(&scene.begin().await.authorize_url).unwrap();
    let client = loopback::client("a browser").unwrap();
    let without = |names: &[&str]| {
        let mut url = good.clone();
        let kept: Vec<_> = good.query_pairs().filter(|(name, _)| !names.contains(&name.as_ref())).collect();
        url.query_pairs_mut().clear().extend_pairs(kept);
        url
    };
    assert_eq!(client.get(good.clone()).send().await.unwrap().status(), StatusCode::OK);
    for name in ["code_challenge", "code_challenge_method", "nonce", "scope", "response_type"] {
        let answer = client.get(without(&[name])).send().await.unwrap();
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        assert!(location.starts_with(&format!("{BACK}?error=")), "{name}: {location}");
        assert!(location.contains("&state=") && location.contains("&iss="), "{location}");
    }
    for name in ["client_id", "redirect_uri"] {
        let answer = client.get(without(&[name])).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{name}");
    }
}

#[tokio::test]
async fn who_was_forgotten_cannot_be_clicked_and_who_has_a_note_can() {
    let scene = Scene::of(Home::Okta).await;
    let id = "00u1bjorknorr0000096";
    scene.provider.note(id, Some(("har slutat", "has left")));
    let mut browser = Browser::new(loopback::client("a browser").unwrap());
    let login = browser.open(&scene.begin().await.authorize_url).await.unwrap();
    assert!(login.body.contains("har slutat") && login.body.contains(id));
    let start = scene.begin().await;
    let back = scene.click(&start, id).await;
    scene.finish(&start, &back).await.unwrap();
    scene.provider.forget(id);
    let refused = browser.click(&login, id).await.unwrap();
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}
