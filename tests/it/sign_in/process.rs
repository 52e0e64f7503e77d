//! The daemon as a process, its commands beside it, and everything it says at its most talkative.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, StatusCode, Url, redirect};
use serde_json::{Value, json};

use super::provider::{ACCESS_TOKEN, CLIENT, Provider, sign};
use crate::engines::on_each_engine;
use crate::running::{PATIENCE, Place};

const SECRET: &str = "mark-client-secret-7f3a";
const CODE: &str = "mark-code-7f3a";
const NAME: &str = "Märta Märkvärd";

/// A browser over real connections, which keeps cookies and follows nothing.
struct Browser {
    client: Client,
    base: String,
    cookies: BTreeMap<String, String>,
    /// Everything secret that it ever saw.
    secrets: Vec<String>,
}

impl Browser {
    fn new(base: &str) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder().no_proxy().timeout(PATIENCE).redirect(redirect::Policy::none());
        Self {
            client: client.build().unwrap(),
            base: base.to_owned(),
            cookies: BTreeMap::new(),
            secrets: Vec::new(),
        }
    }

    async fn get(&mut self, path: &str) -> (StatusCode, HeaderMap, String) {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        self.send(self.client.get(url)).await
    }

    async fn post(&mut self, path: &str, form: String) -> (StatusCode, HeaderMap, String) {
        let request = self.client.post(format!("{}{path}", self.base)).header(ORIGIN, &self.base);
        let kind = "application/x-www-form-urlencoded";
        self.send(request.header("content-type", kind).body(form)).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> (StatusCode, HeaderMap, String) {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header(COOKIE, cookies.join("; ")).send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        for set in headers.get_all(SET_COOKIE) {
            let (pair, rest) = set.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
                self.secrets.push(value.to_owned());
            }
        }
        (status, headers, answer.text().await.unwrap())
    }

    /// Goes to the provider and comes back with these claims bent.
    async fn sign_in(&mut self, provider: &Provider, bend: impl FnOnce(&mut Value)) -> (StatusCode, String) {
        let (status, headers, page) = self.get("/sso/login?directory=op").await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
        let url = Url::parse(headers[LOCATION].to_str().unwrap()).unwrap();
        let sent = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        let (state, nonce) = (sent("state"), sent("nonce"));
        let at = jiff_now();
        let mut claims = json!({
            "iss": provider.issuer(), "aud": CLIENT, "nonce": nonce, "iat": at, "exp": at + 300,
            "sub": "mark-subject-7f3a", "name": NAME, "email": "mark.person@forening.example",
        });
        bend(&mut claims);
        let token = sign(&claims);
        provider.hand_out_token(token.clone());
        self.secrets.extend([state.clone(), nonce, sent("code_challenge"), token]);
        let (status, _, page) = self.get(&format!("/sso/callback?code={CODE}&state={state}")).await;
        (status, page)
    }
}

/// The machine's own time, which the process goes by.
fn jiff_now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

fn directory(provider: &Provider) -> String {
    format!(
        "[[directory]]\nid = \"op\"\nkind = \"generic\"\n[directory.oidc]\nissuer = \"{}\"\nclient_id = \"{CLIENT}\"\n\
         client_secret = \"{SECRET}\"\n",
        provider.issuer()
    )
}

async fn provision(place: &Place, token: &str) {
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "mark.person@forening.example", "externalId": "mark-subject-7f3a", "displayName": NAME,
        "active": true,
    });
    let request = Client::new().post(format!("{}/scim/v2/op/Users", place.base));
    let request = request.header("authorization", format!("Bearer {token}"));
    let answer = request.header("content-type", "application/scim+json").body(user.to_string()).send().await;
    assert_eq!(answer.unwrap().status(), StatusCode::CREATED);
}

#[tokio::test]
async fn nothing_secret_stands_in_a_log_however_much_is_told() {
    on_each_engine(async |t| {
        let provider = Provider::start().await;
        let mut place = Place::new(&t.url, &directory(&provider));
        place.level = "trace";
        place.start().await;
        let mut browser = Browser::new(&place.base);
        // A stranger first, who waits and is approved; then the same person through every door.
        let (status, page) = browser.sign_in(&provider, |_| {}).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{page}");
        let token = place.done(&["directory", "token", "create", "op"]);
        provision(&place, &token).await;
        let (status, page) = browser.sign_in(&provider, |_| {}).await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
        assert_eq!(browser.get("/sso/verify").await.0, StatusCode::OK);
        assert_eq!(browser.get("/").await.0, StatusCode::OK);
        for wrong in ["aud", "iss", "sub"] {
            let mut other = Browser::new(&place.base);
            let (status, _) =
                other.sign_in(&provider, |claims| claims[wrong] = json!(["mark-wrong-7f3a"])).await;
            assert_eq!(status, StatusCode::FORBIDDEN);
            browser.secrets.extend(other.secrets);
        }
        let at = jiff_now();
        let logout = sign(&json!({
            "iss": provider.issuer(), "aud": CLIENT, "iat": at, "exp": at + 60, "jti": "mark-jti-7f3a",
            "sub": "mark-subject-7f3a", "events": { "urn:another": {} },
        }));
        let form = format!("logout_token={logout}");
        assert_eq!(browser.post("/sso/backchannel-logout/op", form).await.0, StatusCode::BAD_REQUEST);
        let link = place.done(&["admin", "invite", "mark.admin", "--new"]);
        let code = link.split_once("code=").unwrap().1.to_owned();
        let mut admin = Browser::new(&place.base);
        assert_eq!(admin.get(&link).await.0, StatusCode::OK);
        assert_eq!(admin.post("/sso/invite", format!("code={code}")).await.0, StatusCode::SEE_OTHER);
        assert_eq!(admin.get("/").await.0, StatusCode::OK);
        assert_eq!(browser.post("/sso/logout", String::new()).await.0, StatusCode::SEE_OTHER);
        browser.secrets.extend(admin.secrets);
        browser.secrets.extend([
            token,
            code,
            logout,
            SECRET.to_owned(),
            CODE.to_owned(),
            ACCESS_TOKEN.to_owned(),
        ]);
        browser.secrets.extend(["mark-jti-7f3a".to_owned(), "mark-wrong-7f3a".to_owned()]);
        browser.secrets.extend(["mark.person".to_owned(), NAME.to_owned()]);
        assert_eq!(place.end().code(), Some(0));
        let log = place.log();
        let is_talkative = log.contains("DEBUG") && log.contains("GET /sso/callback answered 303");
        assert!(is_talkative && log.lines().count() > 50, "it does not tell everything: {log}");
        assert!(log.contains("was not believed") && log.contains("token_audience"));
        for secret in &browser.secrets {
            let leak = log.lines().find(|told| told.contains(secret.as_str()));
            assert_eq!(leak, None, "{secret}");
        }
        assert!(browser.secrets.len() > 25, "{}", browser.secrets.len());
    })
    .await;
}

#[tokio::test]
async fn an_operator_links_a_stranger_looks_up_a_reference_and_ends_a_session() {
    on_each_engine(async |t| {
        let provider = Provider::start().await;
        let mut place = Place::new(&t.url, &directory(&provider));
        place.start().await;
        let mut browser = Browser::new(&place.base);
        browser.sign_in(&provider, |_| {}).await;
        let json = |text: String| -> Value { serde_json::from_str(&text).unwrap() };
        let listed = json(place.done(&["link", "list", "--format", "json"]));
        let reference = listed[0]["reference"].as_str().unwrap().to_owned();
        let told = place.done(&["link", "show", &reference, "--lang", "sv"]);
        assert!(
            told.contains("Den som loggade in:") && told.contains(NAME) && told.contains("inget föreslås"),
            "{told}"
        );
        let told = place.done(&["link", "list", "--lang", "en"]);
        assert!(told.contains("The directory has not told of the person"), "{told}");
        let nobody = place.run(&["link", "approve", &reference, "--reason", "hon är vår"]);
        assert_eq!(nobody.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&nobody.stderr).contains("--account"), "{nobody:?}");
        assert_eq!(place.run(&["link", "approve", &reference]).status.code(), Some(2), "a reason is needed");
        let done = place.done(&["link", "approve", &reference, "--new-account", "--reason", "hon är vår"]);
        assert!(done.contains("godkänd") && done.contains("hon är vår"), "{done}");
        assert_eq!(browser.sign_in(&provider, |_| {}).await.0, StatusCode::SEE_OTHER);
        let name = "mark.person@forening.example";
        let sessions = json(place.done(&["account", "sessions", name, "--format", "json"]));
        let id = sessions[0]["session"].as_str().unwrap().to_owned();
        assert_eq!(place.run(&["account", "sessions", name, "--end", &id]).status.code(), Some(2));
        place.done(&["account", "sessions", name, "--end", &id, "--reason", "stulen dator"]);
        assert_eq!(browser.get("/sso/verify").await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(json(place.done(&["account", "sessions", name, "--format", "json"])), json!([]));
        place.done(&["account", "deactivate", name, "--reason", "slutat"]);
        let (status, page) = browser.sign_in(&provider, |_| {}).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        let start = page.find("<b class=\"mono\">").unwrap() + "<b class=\"mono\">".len();
        let shown = page[start..].split('<').next().unwrap();
        let entry = json(place.done(&["audit", "show", shown, "--format", "json"]));
        assert_eq!((&entry[0]["action"], &entry[0]["who"]), (&json!("sign_in_refused"), &json!(name)));
        assert_eq!(entry[0]["after"]["code"], "not_active");
        assert!(place.done(&["audit", "show", &reference]).contains("link_approved"));
        let unknown = place.run(&["audit", "show", "K7QM-4TXD"]);
        assert_eq!(unknown.status.code(), Some(1));
        let link = place.done(&["admin", "invite", "eva"]);
        assert!(link.starts_with(&format!("{}/sso/invite?code=", place.base)) && link.lines().count() == 1);
        let listed = json(place.done(&["admin", "list", "--format", "json"]));
        assert_eq!((&listed[0]["user_name"], &listed[0]["state"]), (&json!("eva"), &json!("open")));
    })
    .await;
}
