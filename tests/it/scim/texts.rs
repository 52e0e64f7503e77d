//! Texts that nobody is called: taken or refused alike by both engines, and never a fault of ours.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::Value;

use crate::engines::TestDb;
use crate::house::TestHouse;

/// JSON as it is sent, some of it none.
#[expect(clippy::too_many_lines, reason = "one text after another")]
fn literals() -> Vec<String> {
    let plain = [
        // nothing, blanks, control characters
        r#""""#,
        r#""   ""#,
        r#""\u00a0""#,
        r#""\u0000""#,
        r#""a\u0000b""#,
        r#""\u0001""#,
        r#""\u0007""#,
        r#""\u001b[31m""#,
        r#""\u007f""#,
        r#""\u0080""#,
        r#""\u009f""#,
        r#""\t""#,
        r#""a\nb""#,
        r#""a\r\nSet-Cookie: b""#,
        "\"a\nb\"",
        "\"a\u{0}b\"",
        // surrogates, whole and halved
        r#""\ud800""#,
        r#""\udfff""#,
        r#""a\ud83d""#,
        r#""\ude00\ud83d""#,
        r#""\ud83d\ude00""#,
        "\"😀\"",
        "\"👩\u{200d}👩\u{200d}👧\"",
        // direction, width, marks, what is no character
        r#""\u202egnitset""#,
        r#""\u2066a\u2069""#,
        r#""\u200fa""#,
        r#""a\u200bb""#,
        r#""\ufeffa""#,
        r#""\u2028""#,
        r#""\ufffe""#,
        r#""\uffff""#,
        r#""\ufffd""#,
        r#""\ue000""#,
        // one letter in many forms
        r#""A\u030asa""#,
        "\"ÅSA\"",
        "\"åsa\"",
        "\"İstanbul\"",
        "\"ıstanbul\"",
        "\"Straße\"",
        "\"STRASSE\"",
        "\"ΣΑΣ\"",
        "\"σας\"",
        "\"ﬁn\"",
        "\"Ａｄｍｉｎ\"",
        "\"аdmin\"",
        "\"한\"",
        "\"한\"",
        "\"שלום\"",
        // what means something elsewhere
        "\"%\"",
        "\"_\"",
        "\"a%_b\"",
        "\"'\"",
        "\"' OR 1=1 --\"",
        r#""\"); DROP TABLE identity; --""#,
        r#""\\""#,
        r#""\\u0000""#,
        "\"$1\"",
        "\"{{7*7}}\"",
        "\"<script>alert(1)</script>\"",
        "\"../../etc/passwd\"",
        "\"null\"",
        "\"NaN\"",
        "\"bulkId:x\"",
        "\"00000000-0000-0000-0000-000000000000\"",
        // no text at all
        "null",
        "true",
        "0",
        "-0",
        "1e400",
        "12345678901234567890123",
        "[]",
        "{}",
        "[[\"a\"]]",
        "{\"value\":\"a\"}",
        "{\"a\":{\"b\":null}}",
    ];
    let mut all: Vec<String> = plain.into_iter().map(str::to_owned).collect();
    for text in ["x".repeat(512), "x".repeat(513), "å".repeat(512), "😀".repeat(512), "😀".repeat(513)] {
        all.push(format!("\"{text}\""));
    }
    for length in [3000, 64 * 1024, 64 * 1024 + 1] {
        // Not the same letter again and again, or an engine could shorten it.
        let text: String = (0..length)
            .map(|n: u64| char::from(b'a' + u8::try_from((n * n / 7) % 26).expect("a letter")))
            .collect();
        all.push(format!("\"{text}\""));
    }
    all.push(format!("\"a{}\"", "\\u0301".repeat(60)));
    all
}

/// Every place of a request where a text can stand. `N` is a number of its own.
const BODIES: &[(&str, &str, &str)] = &[
    ("POST", "/Users", r#"{"userName":TEXT}"#),
    ("POST", "/Users", r#"{"userName":"d-N","displayName":TEXT,"title":TEXT}"#),
    ("POST", "/Users", r#"{"userName":"e-N","externalId":TEXT}"#),
    ("POST", "/Users", r#"{"userName":"m-N","emails":[{"value":TEXT,"type":"work"}],"roles":TEXT}"#),
    ("POST", "/Users", r#"{"userName":"x-N","urn:example:own":{"a":TEXT}}"#),
    ("POST", "/Users", r#"{"userName":"k-N","urn:example:own":{TEXT:1},TEXT:1}"#),
    ("POST", "/Groups", r#"{"displayName":TEXT}"#),
    (
        "POST",
        "/Groups",
        r#"{"displayName":"g-N","externalId":TEXT,"members":[{"value":TEXT,"display":TEXT}]}"#,
    ),
    ("POST", "/.search", r#"{"filter":TEXT,"sortBy":TEXT,"attributes":[TEXT]}"#),
    ("PATCH", "/Users/USER", r#"{"Operations":[{"op":"remove","path":TEXT}]}"#),
    (
        "PATCH",
        "/Groups/GROUP",
        r#"{"Operations":[{"op":"remove","path":"members","value":[{"value":TEXT}]}]}"#,
    ),
    (
        "POST",
        "/Bulk",
        r#"{"Operations":[{"method":"POST","path":"/Users","bulkId":TEXT,"data":{"userName":TEXT}}]}"#,
    ),
];

async fn ask(house: &TestHouse, token: &str, method: &str, path: &str, body: String) -> (u16, Value) {
    let request = Request::builder().method(method).uri(format!("/scim/v2/entra{path}"));
    let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let answer = house.answer(request.body(Body::from(body)).expect("a sound request")).await;
    (answer.status.as_u16(), answer.body)
}

/// The statuses that the house on `t` answers, by place and text, and what it has kept in the end.
async fn told(t: &TestDb) -> (BTreeMap<String, u16>, Value) {
    let house = TestHouse::new(t).await;
    let token = house.directory_token("entra").await;
    let mut told = BTreeMap::new();
    let made = |path: &'static str, body: &'static str| {
        let (house, token) = (&house, &token);
        async move {
            ask(house, token, "POST", path, body.to_owned()).await.1["id"].as_str().expect("an id").to_owned()
        }
    };
    let (user, group) =
        (made("/Users", r#"{"userName":"asa"}"#).await, made("/Groups", r#"{"displayName":"g"}"#).await);
    for (number, literal) in literals().iter().enumerate() {
        for (method, path, body) in BODIES {
            let path = path.replace("USER", &user).replace("GROUP", &group);
            let filled = body.replace("-N", &format!("-{number}")).replace("TEXT", literal);
            let (status, answer) = ask(&house, &token, method, &path, filled).await;
            let shown: String = literal.chars().take(40).collect();
            assert!(status < 500, "{method} {path} {body} with {shown}: {answer}");
            told.insert(format!("{number} {shown} in {method} {body}"), status);
        }
        // A line of a request is not longer than this.
        if literal.len() > 3500 {
            continue;
        }
        let text = serde_json::from_str::<String>(literal).unwrap_or_else(|_| literal.clone());
        let query = |name: &str, value: &str| serde_urlencoded::to_string([(name, value)]).expect("a query");
        let mut paths = vec![
            format!("/Users?{}", query("sortBy", &text)),
            format!("/Users?{}", query("cursor", &text)),
            format!("/Users?{}&count=1", query("attributes", &text)),
            format!("/Users/{}", query("", &text).trim_start_matches('=')),
        ];
        let compared = ["userName eq", "externalId eq", "displayName eq", "id eq", "displayName sw"];
        for comparison in compared {
            paths.push(format!("/Users?{}", query("filter", &format!("{comparison} {literal}"))));
        }
        for path in paths {
            let (status, answer) = ask(&house, &token, "GET", &path, String::new()).await;
            assert!(status < 500, "{path}: {answer}");
            told.insert(format!("{number} GET {path}"), status);
            if path.contains("filter") && status == 200 {
                told.insert(
                    format!("{number} GET {path} found"),
                    u16::try_from(answer["totalResults"].as_u64().expect("a number")).expect("few"),
                );
            }
        }
    }
    (told, kept(&house, &token).await)
}

/// Documents without what the server issues.
async fn kept(house: &TestHouse, token: &str) -> Value {
    let mut all = ask(house, token, "GET", "?count=1000", String::new()).await.1["Resources"].take();
    for one in all.as_array_mut().expect("a list") {
        let map = one.as_object_mut().expect("an object");
        map.remove("id");
        map.remove("groups");
        map.remove("members");
        map.remove("meta");
    }
    all
}

#[tokio::test]
async fn both_engines_take_and_refuse_the_same_texts() {
    let sqlite = TestDb::sqlite().await;
    let (told_by_sqlite, kept_by_sqlite) = told(&sqlite).await;
    sqlite.db.close().await;
    assert!(literals().len() > 60 && told_by_sqlite.values().any(|status| *status == 201));
    // A table that is refused as a whole would prove little.
    let taken = told_by_sqlite.values().filter(|status| **status < 300).count();
    assert!(taken * 4 > told_by_sqlite.len(), "{taken} of {}", told_by_sqlite.len());
    assert!(kept_by_sqlite.as_array().expect("a list").len() > 100);
    if let Some(postgres) = TestDb::postgres().await {
        let (told_by_postgres, kept_by_postgres) = told(&postgres).await;
        assert_eq!(told_by_sqlite, told_by_postgres);
        let [one, other] = [&kept_by_sqlite, &kept_by_postgres].map(|kept| kept.as_array().expect("a list"));
        for (one, other) in one.iter().zip(other) {
            assert_eq!(one, other);
        }
        assert_eq!(one.len(), other.len());
        postgres.db.close().await;
    }
    let dirty = told_by_sqlite
        .iter()
        .filter(|(what, _)| what.contains(r"\u0007") && what.contains("POST") && !what.contains("bulkId"));
    for (what, status) in dirty {
        assert_eq!(*status, 400, "{what}");
    }
}
