//! The parsers on a kept corpus and on what chance makes of it: a fuzz target that runs with every other test.
//!
//! Invariant: no input panics; what is understood is written and read again the same; what is refused is told shortly.

use std::path::PathBuf;

use portvakt::scim::bulk::{self, BulkOperation, BulkRequest};
use portvakt::scim::patch::PatchPath;
use portvakt::scim::{Filter, PatchRequest, ResourceKind, ScimError, normalise_create};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{ENTERPRISE, USER};

/// The lines of a file of the corpus.
fn lines(file: &str) -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(str::to_owned).collect()
}

fn sample(kind: ResourceKind) -> Value {
    match kind {
        ResourceKind::User => json!({
            "schemas": [USER], "userName": "asa", "active": true, "title": "T", "name": { "givenName": "Å" },
            "emails": [{ "type": "work", "value": "w@x", "primary": true }, { "type": "home", "value": "h@x" }],
            (ENTERPRISE): { "department": "D" }, "urn:example:own:2.0:User": { "list": [{ "k": 1, "v": 2 }] }
        }),
        ResourceKind::Group => {
            json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "G" })
        }
    }
}

/// A refusal that can stand in an answer and in a log.
fn assert_told_shortly(error: &ScimError, of: &str) {
    let detail = &error.detail;
    assert!(detail.len() < 700 && !detail.chars().any(char::is_control), "{of:?}: {detail:?}");
    assert!((400..500).contains(&error.status), "{of:?}: {error:?}");
}

fn try_filter(text: &str) {
    for kind in ResourceKind::ALL {
        match Filter::parse(text, kind) {
            Err(error) => assert_told_shortly(&error, text),
            Ok(filter) => {
                let again = Filter::parse(&filter.to_string(), kind)
                    .unwrap_or_else(|error| panic!("{text:?} as {filter}: {error}"));
                assert_eq!(again, filter, "{text:?}");
                let resource = sample(kind);
                assert_eq!(again.matches(&resource), filter.matches(&resource), "{text:?}");
                assert_eq!(again.narrow(), filter.narrow(), "{text:?}");
            }
        }
    }
}

fn try_path(text: &str) {
    for kind in ResourceKind::ALL {
        if let Err(error) = PatchPath::parse(text, kind) {
            assert_told_shortly(&error, text);
        }
        for op in ["add", "replace", "remove"] {
            for value in [json!("x"), json!({ "value": "x" }), json!([{ "value": "x" }]), Value::Null] {
                let operation = json!({ "op": op, "path": text, "value": value });
                try_patch(&json!({ "Operations": [operation] }), kind);
            }
        }
    }
}

fn try_patch(body: &Value, kind: ResourceKind) {
    let before = sample(kind);
    match PatchRequest::parse(body, kind).and_then(|request| request.apply(&before)) {
        Err(error) => assert_told_shortly(&error, &body.to_string()),
        Ok(done) => {
            let text = done.document.to_string();
            assert!(!text.chars().any(char::is_control), "{body}");
            let mut kept = normalise_create(&done.document, kind)
                .unwrap_or_else(|error| panic!("{body}: {text}: {error}"));
            if done.document.get("active").is_none() {
                kept.document.as_object_mut().expect("an object").shift_remove("active");
            }
            assert_eq!(kept.document, done.document, "{body}: what is kept can be sent again");
            assert_eq!(done.changed, done.document != before, "{body}");
        }
    }
}

fn try_bulk(body: &Value) {
    match BulkRequest::parse(body) {
        Err(error) => assert_told_shortly(&error, &body.to_string()),
        Ok(request) => {
            let sound: Vec<Option<&BulkOperation>> =
                request.operations.iter().map(|one| one.as_ref().ok()).collect();
            let mut order = bulk::order(&sound);
            order.sort_unstable();
            assert!(order.into_iter().eq(0..sound.len()), "each operation once: {body}");
            for operation in sound.into_iter().flatten() {
                let ids = operation.needs().into_iter().map(|name| (name, "id".to_owned())).collect();
                let ready =
                    operation.clone().resolved(&ids).unwrap_or_else(|error| panic!("{body}: {error}"));
                assert!(ready.needs().is_empty(), "{body}");
            }
        }
    }
}

fn try_text_as_json(text: &str, try_it: impl Fn(&Value)) {
    if let Ok(value) = serde_json::from_str(text) {
        try_it(&value);
    }
}

#[test]
fn every_line_of_the_corpus_is_understood_or_refused() {
    for text in lines("filters.txt") {
        try_filter(&text);
    }
    for text in lines("paths.txt") {
        try_path(&text);
    }
    for text in lines("patches.jsonl") {
        let body: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        for kind in ResourceKind::ALL {
            try_patch(&body, kind);
        }
    }
    for text in lines("bulk.jsonl") {
        try_bulk(&serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}")));
    }
}

/// What is done to a line: at a place between 0 and 1 something is taken out, doubled, or put in.
type Edit = (f64, usize, &'static str);

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let token = proptest::sample::select(vec![
        "", "", "", "", "\"", "[", "]", "(", ")", "{", "}", ":", ".", ",", "\\", "\\u0007", "\u{e5}",
        "\u{0}", " ", "not ", " and ", " or ", " eq ", " pr", "null", "true", "[]", "{}", "\"x\"", "1e309",
        "urn:", "members", "emails", "userName", "value", "bulkId:", "$ref",
    ]);
    proptest::collection::vec((0.0..1.0, 0..12usize, token), 1..4)
}

fn edited(line: &str, edits: &[Edit]) -> String {
    let mut text: Vec<char> = line.chars().collect();
    for (place, length, token) in edits {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place in a line"
        )]
        let at = ((text.len() as f64) * place) as usize;
        let end = (at + length).min(text.len());
        match token.is_empty() {
            // Twice what stands there, or none of it.
            true if length % 2 == 0 => {
                let again = text[at..end].to_vec();
                text.splice(at..at, again);
            }
            true => drop(text.drain(at..end)),
            false => drop(text.splice(at..at, token.chars())),
        }
    }
    text.into_iter().collect()
}

fn of(file: &str) -> impl Strategy<Value = String> {
    (proptest::sample::select(lines(file)), edits()).prop_map(|(line, edits)| edited(&line, &edits))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]
    #[test]
    fn a_mutated_filter_does_no_harm(text in of("filters.txt")) {
        try_filter(&text);
    }

    #[test]
    fn a_mutated_patch_does_no_harm(text in of("patches.jsonl")) {
        for kind in ResourceKind::ALL {
            try_text_as_json(&text, |body| try_patch(body, kind));
        }
    }

    #[test]
    fn a_mutated_bulk_request_does_no_harm(text in of("bulk.jsonl")) {
        try_text_as_json(&text, try_bulk);
    }
}

proptest! {
    // Each goes through two dozen requests.
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn a_mutated_path_does_no_harm(text in of("paths.txt")) {
        try_path(&text);
    }
}
