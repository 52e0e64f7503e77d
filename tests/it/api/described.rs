//! The described API is the one that there is: same routes, same scopes, and examples that really go in and come out.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::header;
use portvakt::domain::actor::Actor;
use portvakt::domain::grant::GrantKind;
use portvakt::domain::ids::RoleId;
use portvakt::flows::people::{self, Lasting};
use serde_json::{Value, json};

use super::schema::{faults, resolve};
use crate::association::Association;
use crate::engines::{TestDb, on_each_engine};
use crate::house::Answer;
use crate::routes;

const DOCUMENT: &str = include_str!("../../../docs/openapi.json");
const WEBHOOK: &str = include_str!("../../../docs/webhook.schema.json");

fn document() -> Value {
    serde_json::from_str(DOCUMENT).expect("the document is JSON")
}

/// One operation of the document.
struct Operation {
    path: String,
    method: String,
    said: Value,
}

fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().expect("paths");
    let of = |(path, methods): (&String, &Value)| {
        let methods = methods.as_object().expect("methods").clone();
        let path = path.clone();
        methods.into_iter().map(move |(method, said)| Operation {
            path: path.clone(),
            method: method.to_uppercase(),
            said,
        })
    };
    paths.iter().flat_map(of).collect()
}

impl Operation {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn sent(&self) -> Option<(&Value, &Value)> {
        let content = self.said.pointer("/requestBody/content/application~1json")?;
        Some((&content["schema"], &content["example"]))
    }

    /// Path and query as the examples of the parameters fill them.
    fn address(&self) -> String {
        let (mut path, mut query) = (self.path.clone(), Vec::new());
        for parameter in self.said["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().expect("a name");
            let example = match &parameter["example"] {
                Value::Null => continue,
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            match parameter["in"].as_str() {
                Some("path") => path = path.replace(&format!("{{{name}}}"), &example),
                _ => query.push(format!("{name}={example}")),
            }
        }
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    }

    /// The content that the document promises for a status.
    fn content<'a>(&'a self, document: &'a Value, status: u16) -> &'a Value {
        let said = &self.said["responses"][status.to_string()];
        assert!(!said.is_null(), "{} may not answer {status}", self.name());
        match said["$ref"].as_str() {
            Some(target) => &resolve(document, target)["content"],
            None => &said["content"],
        }
    }

    async fn ask(&self, house: &Association, body: Option<&Value>) -> Answer {
        let method = self.method.parse().expect("a method");
        let request = house.crm_request(method, &self.address());
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        house.answer(request.body(body).expect("a request")).await
    }
}

#[test]
fn every_route_of_the_crm_is_described_with_its_scope_and_nothing_else_is() {
    let described: BTreeSet<(String, String, String)> = operations(&document())
        .into_iter()
        .filter_map(|one| {
            let scope = one.said["security"][0]["token"][0].as_str()?.to_owned();
            Some((one.path, one.method, scope))
        })
        .collect();
    let real =
        routes::of_targets().into_iter().map(|(path, method, scope)| (path, method, scope.to_string()));
    assert_eq!(described, real.collect());
    let open: Vec<String> = operations(&document())
        .into_iter()
        .filter(|one| one.said["security"] == json!([]))
        .map(|one| one.name())
        .collect();
    assert_eq!(open, ["GET /api/openapi.json"]);
}

#[test]
fn names_are_used_once_and_the_version_is_that_of_the_program() {
    let document = document();
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let all = operations(&document);
    let names: BTreeSet<&str> = all.iter().filter_map(|one| one.said["operationId"].as_str()).collect();
    assert_eq!(names.len(), all.len());
    for one in &all {
        let placeholders: BTreeSet<&str> =
            one.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        let listed =
            one.said["parameters"].as_array().into_iter().flatten().filter(|known| known["in"] == "path");
        assert_eq!(
            placeholders,
            listed.filter_map(|known| known["name"].as_str()).collect(),
            "{}",
            one.name()
        );
    }
}

#[test]
fn an_account_is_described_as_the_webhook_tells_it() {
    let mut told: Value = serde_json::from_str(WEBHOOK).expect("the schema is JSON");
    for word in ["$schema", "$id", "title"] {
        told.as_object_mut().expect("a schema").remove(word);
    }
    let document = document();
    assert_eq!(document["components"]["schemas"]["AccountState"], told);
    let account = &document["components"]["schemas"]["Account"]["properties"];
    for (name, schema) in told["properties"].as_object().expect("members") {
        assert_eq!(&account[name], schema, "{name}");
    }
}

#[test]
fn every_example_is_of_the_shape_beside_it() {
    let document = document();
    for one in operations(&document) {
        let sent = one.sent().map(|(schema, example)| ("sent".to_owned(), schema.clone(), example.clone()));
        let answers =
            one.said["responses"].as_object().expect("answers").iter().flat_map(|(status, said)| {
                let contents = said["content"].as_object().cloned().unwrap_or_default();
                contents.into_iter().map(move |(_, content)| {
                    (status.clone(), content["schema"].clone(), content["example"].clone())
                })
            });
        for (which, schema, example) in
            sent.into_iter().chain(answers).filter(|(.., example)| !example.is_null())
        {
            assert_eq!(faults(&document, &schema, &example), [] as [String; 0], "{} {which}", one.name());
        }
    }
    for (name, said) in document["components"]["responses"].as_object().expect("answers") {
        let content = &said["content"]["application/problem+json"];
        if !content["example"].is_null() {
            assert_eq!(
                faults(&document, &content["schema"], &content["example"]),
                [] as [String; 0],
                "{name}"
            );
        }
    }
}

/// What only answers "there is none": nobody has asked for leave, and nobody has changed job.
const ANSWERS_NONE: &[&str] =
    &["POST /api/v1/accounts/{id}/leave/answer", "POST /api/v1/right-questions/{id}"];

#[tokio::test]
async fn what_the_examples_send_is_taken_and_what_comes_back_is_as_described() {
    on_each_engine(async |t| {
        let house = open(t).await;
        let document = document();
        for one in operations(&document) {
            let answer = one.ask(&house, one.sent().map(|(_, example)| example)).await;
            let status = answer.status.as_u16();
            if ANSWERS_NONE.contains(&one.name().as_str()) {
                assert!([400, 404].contains(&status), "{} {status} {}", one.name(), answer.body);
            } else {
                assert_eq!(status, 200, "{}: {}", one.name(), answer.body);
            }
            let kind = answer.headers[header::CONTENT_TYPE].to_str().expect("plain text").split(';').next();
            let kind = kind.unwrap_or_default().replace("vnd.oai.openapi+", "");
            let schema = &one.content(&document, status)[&kind]["schema"];
            assert!(schema.is_object(), "{} does not say that it answers {kind}", one.name());
            assert_eq!(
                faults(&document, schema, &answer.body),
                [] as [String; 0],
                "{}: {}",
                one.name(),
                answer.body
            );
        }
    })
    .await;
}

#[tokio::test]
async fn what_the_description_demands_is_demanded_and_what_it_closes_is_closed() {
    let t = TestDb::sqlite().await;
    let house = open(&t).await;
    let document = document();
    let mut tried = 0;
    for one in operations(&document) {
        let Some((schema, example)) = one.sent() else { continue };
        let schema = schema["$ref"].as_str().map_or(schema, |target| resolve(&document, target));
        let mut bad = vec![json!("text"), json!(5), Value::Null];
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let mut without = example.clone();
            without.as_object_mut().expect("an object").remove(name);
            bad.push(without);
        }
        if schema["additionalProperties"] == json!(false) {
            let mut more = example.clone();
            more["nobody_knows_it"] = json!(1);
            bad.push(more);
        }
        for body in bad.iter().filter(|body| one.path != "/access/v1/evaluations" || !body.is_object()) {
            let answer = one.ask(&house, Some(body)).await;
            let status = answer.status.as_u16();
            assert!((400..500).contains(&status), "{} took {body}: {status} {}", one.name(), answer.body);
            let schema = &one.content(&document, status)["application/problem+json"]["schema"];
            assert_eq!(faults(&document, schema, &answer.body), [] as [String; 0], "{}", one.name());
            tried += 1;
        }
    }
    assert!(tried > 60, "{tried}");
    t.db.close().await;
}

/// The association with somebody who may decide.
async fn open(t: &TestDb) -> Association {
    let house = Association::open(t).await;
    let act = house.ports.act(Actor::Operator("berit".to_owned()), "test");
    let role = GrantKind::Role(RoleId::parse("administrator").expect("a name"));
    let given = (role, Lasting::AsUsual);
    people::grant(&house.ports, &act, "anna@bjorkbacken.example", given, "test").await.expect("it is given");
    house
}
