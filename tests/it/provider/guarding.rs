//! Guesses that are slowed, pages of other origins that are kept out, and what stays out of rows and logs.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use portvakt::domain::actor::Subject;
use portvakt::store::audit;

use super::crm::{self, Crm, SECRET, basic};
use crate::engines::{look, on_each_engine};

#[tokio::test]
async fn guessed_secrets_are_told_to_wait_and_the_right_one_passes_all_the_while() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let guess = async || {
            let shown = [("grant_type", "authorization_code"), ("code", "x")];
            crm.post("/oauth2/token", Some(&basic("crm", "guessed")), &shown).await
        };
        for _ in 0..20 {
            assert_eq!(guess().await.status, StatusCode::UNAUTHORIZED);
        }
        for _ in 0..5 {
            let told = guess().await;
            assert_eq!(told.status, StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(told.headers["retry-after"], "60");
        }
        crm.tokens(&house, &mut browser, "asa").await;
        let page = Crm::page(&house);
        page.tokens(&house, &mut browser, "asa").await;
        house.pass(1);
        assert_eq!(guess().await.status, StatusCode::UNAUTHORIZED, "a minute later");
        let written = look!(t, c => audit::about(c, &Subject::new("client", "crm"), 100));
        assert_eq!(written.len(), 3, "the first, the twentieth, and the first of the next minute");
        assert!(written.iter().all(|entry| entry.action == "client_secret_refused"));
    })
    .await;
}

#[tokio::test]
async fn only_pages_of_registered_origins_can_ask_from_within_a_browser() {
    let t = crate::engines::TestDb::sqlite().await;
    let house = crm::open(&t).await;
    let crm = Crm::new(&house);
    let from = async |method: &str, path: &str, origin: &str| {
        let request = Request::builder().method(method).uri(path).header("origin", origin);
        let request = request.header("access-control-request-headers", "authorization");
        let told = crm.send(request.body(Body::empty()).unwrap()).await;
        let header = |name: &str| told.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        (told.status, header("access-control-allow-origin"), header("access-control-allow-headers"))
    };
    let ours = Some("https://page.example".to_owned());
    for path in ["/oauth2/userinfo", "/oauth2/token", "/oauth2/jwks", "/.well-known/openid-configuration"] {
        let (status, origin, headers) = from("OPTIONS", path, "https://page.example").await;
        assert_eq!((status, &origin), (StatusCode::NO_CONTENT, &ours), "{path}");
        assert_eq!(headers.as_deref(), Some("authorization, content-type"));
        for other in
            ["https://evil.example", "https://page.example.evil.example", "null", "https://crm.example"]
        {
            let (_, origin, headers) = from("OPTIONS", path, other).await;
            assert_eq!((origin, headers), (None, None), "{path} {other}");
        }
    }
    assert_eq!(
        from("GET", "/oauth2/userinfo", "https://page.example").await.1,
        ours,
        "errors can be read too"
    );
    assert_eq!(from("GET", "/oauth2/userinfo", "https://evil.example").await.1, None);
    assert_eq!(from("OPTIONS", "/oauth2/authorize", "https://page.example").await.1, None);
    t.db.close().await;
}

#[tokio::test]
async fn an_access_token_comes_in_the_header_or_in_a_form_and_never_in_the_address() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let told = crm.tokens(&house, &mut browser, "asa").await;
        let access = told.text("access_token");
        let in_form = crm.post("/oauth2/userinfo", None, &[("access_token", &access)]).await;
        assert_eq!(in_form.status, StatusCode::OK);
        let by_post = crm.post("/oauth2/userinfo", Some(&format!("Bearer {access}")), &[]).await;
        assert_eq!(by_post.body, in_form.body);
        let address = format!("/oauth2/userinfo?access_token={access}");
        let in_address = crm.send(Request::get(address).body(Body::empty()).unwrap()).await;
        assert_eq!(in_address.status, StatusCode::UNAUTHORIZED);
        assert_eq!(in_address.headers["www-authenticate"], "Bearer");
        for wrong in ["", "x", &told.text("refresh_token"), &told.text("id_token"), &"x".repeat(9_000)] {
            assert_eq!(crm.userinfo(wrong).await.status, StatusCode::UNAUTHORIZED, "{wrong:.20}");
        }
        house.pass(10);
        assert_eq!(crm.userinfo(&access).await.status, StatusCode::UNAUTHORIZED, "after ten minutes");
    })
    .await;
}

#[tokio::test]
async fn no_code_token_or_secret_stands_in_the_database() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let away = crm.ask(&mut browser, &[]).await;
        let waiting = away.sent("return_to").unwrap().split('=').next_back().unwrap().to_owned();
        let code = crm::through_directory(&house, &mut browser, &away, "asa").await.sent("code").unwrap();
        let told = crm.token(&crm.exchange(&code)).await;
        let secrets =
            [code, waiting, told.text("access_token"), told.text("refresh_token"), SECRET.to_owned()];
        let mut raw = t.raw().await;
        let mut rows = Vec::new();
        for sql in [
            "SELECT client, CAST(request AS TEXT) FROM client_request",
            "SELECT redirect_uri, scope FROM client_grant",
            "SELECT kind, scope FROM client_token",
            "SELECT action, CAST(after AS TEXT) FROM audit WHERE after IS NOT NULL",
        ] {
            rows.extend(raw.pairs(sql).await);
        }
        assert!(!rows.is_empty());
        if let Some(file) = t.file() {
            let bytes = std::fs::read(&file).unwrap();
            let log = std::fs::read(file.with_extension("db-wal")).unwrap_or_default();
            let text = String::from_utf8_lossy(&[bytes, log].concat()).into_owned();
            rows.push(("file".to_owned(), text));
        }
        for secret in &secrets {
            let bare = secret.trim_start_matches("pva_").trim_start_matches("pvr_");
            for (what, row) in &rows {
                let is_way_back = what == "file" && *bare == secrets[1];
                assert!(is_way_back || !row.contains(bare), "{what} holds {bare:.8}…");
            }
        }
    })
    .await;
}
