//! Methods, media types, errors and discovery: what a client meets before any resource.

use axum::http::{StatusCode, header};
use serde_json::{Map, Value, json};

use super::{Client, assert_error, ids, person};
use crate::engines::{TestDb, on_each_engine};
use crate::house::TestHouse;

type Case = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [u8],
    u16,
    Option<&'static str>,
);

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

const REFUSED: &[Case] = &[
    ("GET", "/Nothing", &[], b"", 404, None),
    ("GET", "/Users/nobody", &[], b"", 404, None),
    ("PUT", "/Users/nobody", JSON, b"{\"userName\":\"x\"}", 404, None),
    ("DELETE", "/Groups/00000000-0000-0000-0000-000000000000", &[], b"", 404, None),
    ("GET", "/Schemas/urn:nobody", &[], b"", 404, None),
    ("GET", "/ResourceTypes/Nobody", &[], b"", 404, None),
    ("GET", "/Me", &[], b"", 501, None),
    ("PATCH", "/Me", JSON, b"{}", 501, None),
    ("DELETE", "/Users", &[], b"", 405, None),
    ("PUT", "/Groups", JSON, b"{}", 405, None),
    ("GET", "/Bulk", &[], b"", 405, None),
    ("GET", "/.search", &[], b"", 405, None),
    ("POST", "/ServiceProviderConfig", JSON, b"{}", 405, None),
    ("PATCH", "/Schemas", JSON, b"{}", 405, None),
    ("BREW", "/Users", &[], b"", 405, None),
    ("GET", "/Schemas?filter=id%20pr", &[], b"", 403, None),
    ("GET", "/ResourceTypes?filter=id%20pr", &[], b"", 403, None),
    ("POST", "/Users", &[("content-type", "text/xml")], b"<a/>", 415, None),
    ("PATCH", "/Users/x", &[("content-type", "application/json-patch+json")], b"[]", 415, None),
    (
        "POST",
        "/Users",
        &[("content-type", "application/json"), ("content-length", "9999999999")],
        b"",
        413,
        None,
    ),
    ("POST", "/Users", JSON, b"", 400, Some("invalidSyntax")),
    ("POST", "/Users", JSON, b"{\"userName\"", 400, Some("invalidSyntax")),
    ("POST", "/Users", JSON, b"[]", 400, Some("invalidSyntax")),
    ("POST", "/Users", JSON, b"\xff\xfe{\x00}\x00", 400, Some("invalidSyntax")),
    ("POST", "/Users", JSON, b"{\"userName\":\"\\ud800\"}", 400, Some("invalidSyntax")),
    ("POST", "/Users", JSON, b"{}", 400, Some("invalidValue")),
];

#[tokio::test]
async fn whatever_is_refused_is_refused_in_scims_own_words() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::new(&t).await;
    let entra = Client::of(&house, "entra").await;
    for (method, path, headers, body, status, kind) in REFUSED {
        let answer = entra.ask_with(method, path, headers, body).await;
        assert_error(&answer, *status, *kind, &format!("{method} {path}"));
        if *status == 405 {
            assert!(answer.headers.contains_key(header::ALLOW), "{method} {path} says what is allowed");
        }
    }
    for path in ["/scim", "/scim/v2", "/scim/v2/", "/scim/v3/entra/Users"] {
        assert_error(&house.send("GET", path, &entra.token, &Value::Null).await, 404, None, path);
    }
    let elsewhere = house.send("GET", "/scimmer", "", &Value::Null).await;
    assert_eq!(elsewhere.headers[header::CONTENT_TYPE], "application/problem+json");
    t.db.close().await;
}

#[tokio::test]
async fn who_has_no_token_is_told_so_whatever_is_asked() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::new(&t).await;
    for path in ["", "/Users", "/Users/x", "/Groups", "/Me", "/Bulk", "/Schemas", "/.search", "/Nothing"] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let path = format!("/scim/v2/entra{path}");
            let answer = house.send(method, &path, "", &Value::Null).await;
            assert_error(&answer, 401, None, &format!("{method} {path}"));
            assert!(answer.headers.contains_key(header::WWW_AUTHENTICATE));
        }
    }
    t.db.close().await;
}

#[tokio::test]
async fn head_answers_as_get_without_a_body_and_options_tells_the_methods() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::new(&t).await;
    let entra = Client::of(&house, "entra").await;
    let id = entra.made("/Users", &person("asa")).await;
    for path in ["/Users", "/Groups", "/ServiceProviderConfig", "/Schemas", &format!("/Users/{id}")] {
        let head = entra.ask("HEAD", path, &Value::Null).await;
        let get = entra.get(path).await;
        assert_eq!((head.status, head.body), (StatusCode::OK, Value::Null), "{path}");
        assert_eq!(head.headers.get(header::ETAG), get.headers.get(header::ETAG), "{path}");
        let options = entra.ask("OPTIONS", path, &Value::Null).await;
        assert_eq!(options.status, StatusCode::NO_CONTENT, "{path}");
        let allow = options.headers[header::ALLOW].to_str().expect("a list of methods");
        assert!(allow.contains("GET") && !allow.contains("TRACE"), "{path}: {allow}");
    }
    t.db.close().await;
}

#[tokio::test]
async fn json_is_taken_under_each_of_its_names_and_with_a_mark_before_it() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::new(&t).await;
    let entra = Client::of(&house, "entra").await;
    let kinds: [&[(&str, &str)]; 5] = [
        &[("content-type", "application/json")],
        &[("content-type", "application/scim+json")],
        &[("content-type", "Application/SCIM+JSON; Charset=UTF-8")],
        &[("content-type", "application/json;charset=utf-8"), ("accept", "application/json")],
        &[],
    ];
    for (number, headers) in kinds.into_iter().enumerate() {
        let body = format!("\u{feff}{}", person(&format!("p{number}")));
        let answer = entra.ask_with("POST", "/Users?aadOptscim062020&x=%zz", headers, body.as_bytes()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{headers:?}: {}", answer.body);
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/scim+json");
        assert_eq!(
            answer.headers[header::LOCATION],
            answer.body["meta"]["location"].as_str().expect("a place")
        );
    }
    t.db.close().await;
}

#[tokio::test]
async fn the_configuration_tells_exactly_what_is_so() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::new(&t).await;
    let entra = Client::of(&house, "entra").await;
    let config = entra.get("/ServiceProviderConfig").await.body;
    assert_eq!(config["meta"]["location"], "http://127.0.0.1:8080/scim/v2/entra/ServiceProviderConfig");
    let payload =
        usize::try_from(config["bulk"]["maxPayloadSize"].as_u64().expect("a number")).expect("bytes");
    let operations =
        usize::try_from(config["bulk"]["maxOperations"].as_u64().expect("a number")).expect("few");
    let bulk = |count: usize| {
        let one = json!({ "method": "DELETE", "path": "/Users/nobody" });
        json!({ "Operations": vec![one; count] }).to_string()
    };
    let sent = |text: String| {
        let entra = &entra;
        async move { entra.ask_with("POST", "/Bulk", JSON, text.as_bytes()).await.status.as_u16() }
    };
    assert_eq!(sent(bulk(operations)).await, 200);
    assert_eq!(sent(bulk(operations + 1)).await, 413);
    let filled = |size: usize| bulk(1) + &" ".repeat(size - bulk(1).len());
    assert_eq!(sent(filled(payload)).await, 200);
    assert_eq!(sent(filled(payload + 1)).await, 413);
    let most = config["filter"]["maxResults"].as_u64();
    assert_eq!(most, config["pagination"]["maxPageSize"].as_u64());
    t.db.close().await;
}

/// A value of an attribute as `/Schemas` describes it; nothing for what is not the client's to write.
fn example(attribute: &Value, number: usize) -> Option<Value> {
    if attribute["mutability"] == "readOnly" || attribute["returned"] == "never" {
        return None;
    }
    let single = match attribute["type"].as_str().expect("a type") {
        "string" => json!(format!("Å{number}")),
        "reference" => json!(format!("https://forening.example/{number}")),
        "boolean" => json!(true),
        "binary" => json!("UG9ydHZha3Q="),
        "complex" => {
            let parts = attribute["subAttributes"].as_array().expect("parts").iter().enumerate();
            let named =
                parts.filter_map(|(n, part)| Some((part["name"].as_str()?.to_owned(), example(part, n)?)));
            Value::Object(named.collect::<Map<_, _>>())
        }
        other => panic!("no example of {other}"),
    };
    Some(if attribute["multiValued"] == true { json!([single]) } else { single })
}

#[tokio::test]
async fn every_attribute_that_the_schemas_list_can_be_written_and_read_back() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let schemas = entra.get("/Schemas").await.body;
        let attributes = |id: &str| {
            let all = schemas["Resources"].as_array().expect("schemas");
            let schema = all.iter().find(|schema| schema["id"] == id).expect("the schema");
            schema["attributes"].as_array().expect("attributes").clone()
        };
        let mut sent = Map::new();
        for (number, attribute) in attributes(super::USER).iter().enumerate() {
            if let Some(value) = example(attribute, number) {
                sent.insert(attribute["name"].as_str().expect("a name").to_owned(), value);
            }
        }
        let extension = attributes(super::ENTERPRISE);
        let extension =
            extension.iter().filter_map(|a| Some((a["name"].as_str()?.to_owned(), example(a, 0)?)));
        sent.insert(super::ENTERPRISE.to_owned(), Value::Object(extension.collect::<Map<_, _>>()));
        let id = entra.made("/Users", &Value::Object(sent.clone())).await;
        let shown = entra.get(&format!("/Users/{id}")).await.body;
        assert!(sent.len() > 18, "{sent:?}");
        for (name, value) in sent {
            assert_eq!(shown[&name], value, "{name}");
        }
        assert_eq!(ids(&entra.get("/Users?count=1").await.body), [id]);
    })
    .await;
}

#[tokio::test]
async fn each_schema_and_type_is_found_by_its_own_address_and_names_its_parts() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::new(&t).await;
    let entra = Client::of(&house, "entra").await;
    for list in ["/Schemas", "/ResourceTypes"] {
        let answer = entra.get(&format!("{list}?sortBy=x&count=1&startIndex=9")).await;
        let all = answer.body["Resources"].as_array().expect("a list").clone();
        assert_eq!(answer.body["totalResults"], all.len(), "paging is passed over here (RFC 7644 §4)");
        for one in all {
            let id = one["id"].as_str().expect("an id");
            assert_eq!(entra.get(&format!("{list}/{id}")).await.body, one, "{list}/{id}");
        }
    }
    let schema = entra.get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:Schema").await.body;
    let parts = schema["attributes"][3]["subAttributes"].as_array().expect("what is said of an attribute");
    assert!(parts.iter().any(|part| part["name"] == "subAttributes"));
    t.db.close().await;
}
