//! Filters: every operator on every type of attribute, and by chance against a reader that goes through everything.

use portvakt::scim::{Filter, ResourceKind};
use serde_json::{Value, json};

use super::{Client, ENTERPRISE, assert_error, filtered, group, ids};
use crate::chance::{Dice, TellsSeed, seed};
use crate::engines::on_each_engine;
use crate::house::TestHouse;

const OPERATORS: [&str; 10] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"];

fn asa() -> Value {
    json!({
        "userName": "Åsa.Öberg@x.se", "externalId": "Ext-5", "displayName": "Åsa Öberg", "active": true, "title": "m",
        "profileUrl": "https://x.se/M", "name": { "familyName": "Öberg" },
        "emails": [{ "type": "work", "value": "m@x.se", "primary": true }, { "type": "home", "value": "z@x.se" }],
        "x509Certificates": [{ "value": "TTTT" }],
        (ENTERPRISE): { "department": "m", "manager": { "value": "M" } },
        "urn:example:own:2.0:User": { "size": 5, "left": false, "word": "m", "list": [1, 5, 9] }
    })
}

/// Attribute, a value, and for each of [`OPERATORS`] whether the person is found: `y`, `n`, or `x` for a refusal.
const MATRIX: &[(&str, &str, &str)] = &[
    // text that is not case exact
    ("title", "\"M\"", "ynyyynynyy"),
    ("userName", "\"åsa.öberg@X.SE\"", "ynyyynynyy"),
    ("userName", "\"åsa\"", "nyyynyynny"),
    ("title", "\"l\"", "nynnnyynny"),
    ("name.familyName", "\"öBERG\"", "ynyyynynyy"),
    ("urn:ietf:params:scim:schemas:core:2.0:User:TITLE", "\"n\"", "nynnnnnyyy"),
    ("nickName", "\"m\"", "nynnnnnnnn"),
    // text that is
    ("externalId", "\"Ext-5\"", "ynyyynynyy"),
    ("externalId", "\"ext-5\"", "nynnnnnyyy"),
    ("profileUrl", "\"https://x.se/m\"", "nynnnnnyyy"),
    ("id", "\"nobody\"", "nynnnnnyyy"),
    // lists: one entry is enough, also to be different
    ("emails", "\"M@X.se\"", "yyyyyyynyy"),
    ("emails.value", "\"m@x.se\"", "yyyyyyynyy"),
    ("emails.type", "\"WORK\"", "yyyyynyyyy"),
    ("emails.display", "\"m\"", "nynnnnnnnn"),
    // true and false
    ("active", "true", "ynxxxxxxxy"),
    ("active", "\"False\"", "nyxxxxxxxy"),
    ("emails.primary", "true", "ynxxxxxxxy"),
    ("active", "1", "xxxxxxxxxy"),
    // instants, whatever their offset; as text in part
    ("meta.created", "\"2025-10-07T10:00:00+02:00\"", "ynnnnnynyy"),
    ("meta.lastModified", "\"2025-10-07T08:00:00.001Z\"", "nynnnnnyyy"),
    ("meta.created", "\"2025-10\"", "xxyynxxxxy"),
    ("meta.created", "5", "xxynnxxxxy"),
    ("meta.resourceType", "\"User\"", "ynyyynynyy"),
    // binary has no order
    ("x509Certificates.value", "\"TTTT\"", "ynyyyxxxxy"),
    // extensions
    ("department", "\"M\"", "ynyyynynyy"),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:department", "\"l\"", "nynnnyynny"),
    ("manager", "\"M\"", "ynyyynynyy"),
    ("manager.value", "\"m\"", "nynnnnnyyy"),
    ("urn:example:own:2.0:User:size", "5", "ynxxxnynyy"),
    ("urn:example:own:2.0:User:SIZE", "4.5", "nyxxxyynny"),
    ("urn:example:own:2.0:User:left", "false", "ynxxxxxxxy"),
    ("urn:example:own:2.0:User:word", "\"M\"", "ynyyynynyy"),
    ("urn:example:own:2.0:User:list", "5", "yyxxxyyyyy"),
    ("urn:example:own:2.0:User:none", "\"m\"", "nynnnnnnnn"),
    // what cannot be compared, or is not there
    ("name", "\"m\"", "xxxxxxxxxy"),
    ("addresses", "\"m\"", "xxxxxxxxxn"),
    ("password", "\"m\"", "xxxxxxxxxx"),
    ("nonsense", "\"m\"", "xxxxxxxxxx"),
    ("title", "null", "nyxxxxxxxy"),
    ("nickName", "null", "ynxxxxxxxn"),
    ("title", "true", "xxxxxxxxxy"),
    ("title", "\"\\u0000\"", "xxxxxxxxxy"),
];

#[tokio::test]
async fn every_operator_on_every_type_finds_refuses_or_passes_over() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let id = entra.made("/Users", &asa()).await;
        for (attribute, value, expected) in MATRIX {
            for (operator, expected) in OPERATORS.iter().zip(expected.chars()) {
                let filter = match *operator {
                    "pr" => format!("{attribute} pr"),
                    _ => format!("{attribute} {operator} {value}"),
                };
                let answer = entra.get(&filtered("/Users", &filter)).await;
                match expected {
                    'y' => assert_eq!(ids(&answer.body), [id.as_str()], "{filter}"),
                    'n' => assert_eq!(answer.body["totalResults"], 0, "{filter}"),
                    _ => {
                        assert_error(&answer, 400, Some("invalidFilter"), &filter);
                        let detail = answer.body["detail"].as_str().expect("a detail");
                        assert!(detail.starts_with("at position "), "{filter}: {detail}");
                    }
                }
            }
        }
    })
    .await;
}

const PEOPLE: [&str; 4] = ["asa", "Asa", "åsa", "Bo"];
const WORDS: [&str; 6] = ["a", "A", "å", "Å", "asa", "b"];

fn somebody(dice: &mut Dice, number: usize) -> Value {
    let mut made = json!({ "userName": format!("{}{number}", dice.of(&PEOPLE)), "active": dice.once_in(2) });
    for (name, value) in
        [("displayName", dice.of(&WORDS)), ("externalId", dice.of(&WORDS)), ("title", dice.of(&WORDS))]
    {
        // An external id is taken once only.
        let value = if name == "externalId" { format!("{value}{number}") } else { (*value).to_owned() };
        if dice.once_in(2) {
            made[name] = json!(value);
        }
    }
    let mut emails = Vec::new();
    for _ in 0..dice.roll(3) {
        let kind = if dice.once_in(2) { "work" } else { "home" };
        emails.push(json!({ "type": kind, "value": format!("{}@x", dice.of(&WORDS)) }));
    }
    made["emails"] = json!(emails);
    made
}

/// A filter on people or groups; `ids` are some that there are.
fn condition(dice: &mut Dice, kind: ResourceKind, ids: &[String], depth: u64) -> String {
    if depth > 0 && dice.once_in(2) {
        let one = condition(dice, kind, ids, depth - 1);
        let other = condition(dice, kind, ids, depth - 1);
        return match dice.roll(4) {
            0 => format!("not ({one})"),
            1 => format!("({one}) or {other}"),
            _ => format!("({one}) AND ({other})"),
        };
    }
    let word = *dice.of(&WORDS);
    let op = dice.of(&OPERATORS[..9]);
    let id = dice.of(ids);
    let number = dice.roll(12);
    match (kind, dice.roll(12)) {
        (ResourceKind::User, 0) => format!("userName eq \"{}{number}\"", dice.of(&PEOPLE)),
        (ResourceKind::User, 1) => format!("emails[type eq \"work\"].value {op} \"{word}@x\""),
        (ResourceKind::User, 2) => format!("emails.value eq \"{word}@X\""),
        (ResourceKind::User, 3) => format!("emails[value eq \"{word}@x\" and type eq \"home\"]"),
        (ResourceKind::User, 4) => format!("active eq {}", dice.once_in(2)),
        (ResourceKind::User, 5) => format!("groups.value eq \"{id}\""),
        (ResourceKind::Group, 0 | 1) => format!("members eq \"{id}\""),
        (ResourceKind::Group, 2) => format!("members[value eq \"{id}\"]"),
        (ResourceKind::Group, 3) => format!("members.display {op} \"{word}\""),
        (ResourceKind::Group, 4 | 5) => format!("members[display co \"{word}\"]"),
        (_, 6) => format!("id eq \"{id}\""),
        (_, 7) => format!("externalId eq \"{word}{number}\""),
        (_, 8) => format!(
            "meta.lastModified {} \"2025-10-07T08:{number:02}:00Z\"",
            dice.of(&["gt", "ge", "lt", "le", "eq"])
        ),
        (_, 9) => format!("displayName {op} \"{word}\""),
        (_, 10) => "displayName pr".to_owned(),
        (_, _) => format!("externalId {op} \"{word}\""),
    }
}

#[tokio::test]
async fn what_an_index_shortens_is_what_a_reading_of_everything_finds() {
    let seed = seed();
    let _tells = TellsSeed(seed);
    on_each_engine(async |t| {
        let mut dice = Dice::new(seed);
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let mut all_ids = vec!["nobody".to_owned()];
        for number in 0..12 {
            house.clock.advance(jiff::SignedDuration::from_mins(1));
            all_ids.push(entra.made("/Users", &somebody(&mut dice, number)).await);
        }
        for number in 0..6 {
            let members: Vec<&str> =
                all_ids[1..].iter().filter(|_| dice.once_in(3)).map(String::as_str).collect();
            let mut made = group(&format!("{}{number}", dice.of(&WORDS)), &members);
            made["displayName"] = json!(dice.of(&WORDS));
            house.clock.advance(jiff::SignedDuration::from_mins(1));
            all_ids.push(entra.made("/Groups", &made).await);
        }
        for kind in ResourceKind::ALL {
            let endpoint = format!("/{}", kind.endpoint());
            let mut whole = entra.get(&format!("{endpoint}?count=1000")).await.body["Resources"].take();
            if kind == ResourceKind::Group {
                let named =
                    entra.get("/Groups?attributes=members.display,members.value,members.type").await.body;
                for (one, named) in whole
                    .as_array_mut()
                    .expect("a list")
                    .iter_mut()
                    .zip(named["Resources"].as_array().expect("a list"))
                {
                    one["members"] = named["members"].clone();
                }
            }
            for _ in 0..120 {
                let text = condition(&mut dice, kind, &all_ids, 3);
                let filter = Filter::parse(&text, kind).unwrap_or_else(|error| panic!("{text}: {error}"));
                let expected: Vec<&str> = whole
                    .as_array()
                    .expect("a list")
                    .iter()
                    .filter(|one| filter.matches(one))
                    .map(|one| one["id"].as_str().expect("an id"))
                    .collect();
                assert_eq!(entra.found(&endpoint, &text).await, expected, "{text}");
            }
        }
    })
    .await;
}
