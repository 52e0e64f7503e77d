//! However a list is found, by an index or by looking at everybody, it is what the filter says of each.

use jiff::SignedDuration;
use portvakt::scim::sort::Sort;
use portvakt::scim::{Filter, ResourceKind};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::{Client, group};
use crate::engines::{TestDb, on_each_engine};

const NAMES: &[&str] = &["Åsa", "åsa", "ÅSA", "Öberg", "öberg", "Ärla", "Bo", "bo ek", "Émile", "x"];
const ADDRESSES: &[&str] = &["asa@x.se", "ÅSA@x.se", "åsa@X.SE", "bo@x.se", "öst@y.se"];

/// A document; `n` keeps names apart.
fn document(n: usize) -> impl Strategy<Value = Value> {
    let email = (select(ADDRESSES), proptest::option::of(select(&["work", "home"][..])), any::<bool>());
    let emails = proptest::collection::vec(email, 0..4);
    let title = proptest::option::of(select(NAMES));
    let shoe = proptest::option::of(36..46_i64);
    (select(NAMES), proptest::option::of(select(NAMES)), any::<bool>(), emails, title, shoe).prop_map(
        move |(name, display, active, emails, title, shoe)| {
            let mut made = json!({ "userName": format!("{name}{}", n % 17), "externalId": format!("E{n}"), "active": active });
            let mut put = |key: &str, value: Option<Value>| {
                if let (Some(map), Some(value)) = (made.as_object_mut(), value) {
                    map.insert(key.to_owned(), value);
                }
            };
            put("displayName", display.map(Value::from));
            put("title", title.map(Value::from));
            put("urn:example:own:2.0:User", shoe.map(|shoe| json!({ "shoe": shoe })));
            let entries = emails.iter().enumerate().map(|(n, (value, kind, primary))| {
                json!({ "value": value, "type": kind, "primary": *primary && n == 0 })
            });
            put("emails", (!emails.is_empty()).then(|| entries.collect()));
            made
        },
    )
}

/// A comparison of people. `ids` are people and groups that exist, `times` when something changed.
fn of_people(ids: Vec<String>, times: Vec<String>) -> BoxedStrategy<String> {
    let op = || select(&["eq", "eq", "eq", "ne", "co", "sw", "ew", "gt", "le"][..]);
    let time_op = select(&["eq", "gt", "ge", "lt", "le", "ne"][..]);
    let quoted = |text: &str| json!(text).to_string();
    prop_oneof![
        3 => (op(), select(NAMES), 0..17_usize).prop_map(move |(op, name, n)| format!("userName {op} {}", quoted(&format!("{name}{n}")))),
        2 => (op(), 0..70_usize).prop_map(|(op, n)| format!("externalId {op} \"E{n}\"")),
        3 => (op(), select(NAMES)).prop_map(move |(op, name)| format!("displayName {op} {}", quoted(name))),
        3 => (op(), select(ADDRESSES)).prop_map(move |(op, one)| format!("emails.value {op} {}", quoted(one))),
        2 => (select(&["work", "home"][..]), select(ADDRESSES))
            .prop_map(move |(kind, one)| format!("emails[type eq \"{kind}\" and value eq {}]", quoted(one))),
        1 => (select(&["work", "home"][..]), select(ADDRESSES))
            .prop_map(move |(kind, one)| format!("emails[type eq \"{kind}\"].value eq {}", quoted(one))),
        2 => any::<bool>().prop_map(|flag| format!("active eq {flag}")),
        3 => (time_op, select(times)).prop_map(|(op, at)| format!("meta.lastModified {op} \"{at}\"")),
        1 => select(ids.clone()).prop_map(|id| format!("id eq \"{id}\"")),
        2 => select(ids).prop_map(|id| format!("groups.value eq \"{id}\"")),
        1 => (36..46_i64).prop_map(|shoe| format!("urn:example:own:2.0:User:shoe ge {shoe}")),
        1 => select(&["title pr", "displayName pr", "emails pr", "active pr", "groups pr", "externalId eq \"\""][..]).prop_map(str::to_owned),
    ]
    .boxed()
}

fn of_groups(ids: Vec<String>, times: Vec<String>) -> BoxedStrategy<String> {
    let time_op = select(&["eq", "ge", "lt"][..]);
    prop_oneof![
        3 => (select(&["eq", "ne", "sw"][..]), select(NAMES)).prop_map(|(op, name)| format!("displayName {op} {}", json!(name))),
        3 => select(ids.clone()).prop_map(|id| format!("members eq \"{id}\"")),
        2 => select(ids.clone()).prop_map(|id| format!("members[value eq \"{id}\" and type eq \"User\"]")),
        1 => select(ids.clone()).prop_map(|id| format!("members.value ne \"{id}\"")),
        1 => select(ids.clone()).prop_map(|id| format!("members.value gt \"{id}\"")),
        2 => select(ids).prop_map(|id| format!("id eq \"{id}\"")),
        2 => (time_op, select(times)).prop_map(|(op, at)| format!("meta.lastModified {op} \"{at}\"")),
        1 => select(&["members pr", "members eq \"nobody\"", "externalId pr"][..]).prop_map(str::to_owned),
    ]
    .boxed()
}

fn expression(leaf: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            3 => proptest::collection::vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" and "))),
            3 => proptest::collection::vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" or "))),
            1 => inner.prop_map(|one| format!("not ({one})")),
        ]
    })
}

fn one_of<S: Strategy>(strategy: &S, runner: &mut TestRunner) -> S::Value {
    strategy.new_tree(runner).expect("a value").current()
}

/// People and groups with a past: changed, left, deleted.
async fn furnish(client: &Client, runner: &mut TestRunner) -> Vec<String> {
    let mut people = Vec::new();
    for n in 0..45 {
        client.house.clock.advance(SignedDuration::from_millis(700));
        people.extend(client.make("Users", &one_of(&document(n), runner)).await);
    }
    for (n, id) in people.iter().enumerate() {
        client.house.clock.advance(SignedDuration::from_millis(300));
        let path = format!("Users/{id}");
        match n % 6 {
            0 => client.set(&path, "active", json!(n % 4 == 0)).await,
            1 => {
                client
                    .set(
                        &path,
                        "emails",
                        json!([{ "value": "ÖST@y.se" }, { "value": "ny@z.se", "type": "work" }]),
                    )
                    .await
            }
            2 => client.set(&path, "displayName", json!("Öberg")).await,
            3 => client.set(&path, "emails", json!([{ "value": "bo@x.se", "type": "home" }])).await,
            4 if n % 12 == 4 => drop(client.ask("DELETE", &path, &Value::Null).await),
            _ => {}
        }
    }
    let mut groups = Vec::new();
    for (n, name) in NAMES.iter().chain(NAMES).enumerate() {
        let members: Vec<&str> =
            people.iter().skip(n).step_by(n % 5 + 3).take(n % 7).map(String::as_str).collect();
        groups.extend(client.make("Groups", &group(name, &members)).await);
    }
    people.extend(groups);
    people
}

/// Holds every list against what the evaluator says of each resource of the whole.
async fn hold(client: &Client, runner: &mut TestRunner, path: &str, kind: ResourceKind, filters: &[String]) {
    let whole = client.ask("GET", &format!("{path}?count=1000"), &Value::Null).await;
    let whole = whole["Resources"].as_array().expect("resources");
    let sorts = match kind {
        ResourceKind::User => &["userName", "emails", "meta.lastModified", "title", "groups.value"][..],
        ResourceKind::Group => &["displayName", "members.value"],
    };
    let (mut found, mut empty) = (0, 0);
    for (n, text) in filters.iter().enumerate() {
        let filter = Filter::parse(text, kind).unwrap_or_else(|error| panic!("{text}: {error}"));
        let mut expected: Vec<&Value> = whole.iter().filter(|one| filter.matches(one)).collect();
        let mut asked = json!({ "filter": text, "attributes": ["id"] });
        if n % 4 == 3 {
            let by = one_of(&select(sorts), runner);
            let order = one_of(&select(&["ascending", "descending"][..]), runner);
            let sort = Sort::parse(by, Some(order), kind).expect("an attribute to sort by");
            expected.sort_by(|one, other| sort.compare(one, other));
            asked["sortBy"] = json!(by);
            asked["sortOrder"] = json!(order);
        }
        let expected: Vec<&str> = expected.iter().map(|one| one["id"].as_str().expect("an id")).collect();
        let (ids, total) = client.every(path, &asked, n % 9 + 1, n % 2 == 0).await;
        assert_eq!(ids, expected, "{path}: {asked}");
        assert_eq!(total, expected.len() as u64, "{path}: {asked}");
        found += usize::from(!expected.is_empty());
        empty += usize::from(expected.is_empty());
    }
    assert!(found > 20 && empty > 5, "{path}: {found} filters found somebody, {empty} nobody");
}

async fn the_lists_are_those_of_the_evaluator(t: &TestDb) {
    let mut runner = TestRunner::deterministic();
    let client = Client::new(t).await;
    let ids = furnish(&client, &mut runner).await;
    let everything = client.ask("GET", "Users?count=1000", &Value::Null).await;
    let everything = everything["Resources"].as_array().expect("resources");
    let times: Vec<String> =
        everything.iter().filter_map(|one| one["meta"]["lastModified"].as_str()).map(str::to_owned).collect();
    let mut filters = |leaf: BoxedStrategy<String>, count: usize| -> Vec<String> {
        let strategy = expression(leaf);
        (0..count).map(|_| one_of(&strategy, &mut runner)).collect()
    };
    let people = filters(of_people(ids.clone(), times.clone()), 120);
    let groups = filters(of_groups(ids, times), 60);
    hold(&client, &mut runner, "Users", ResourceKind::User, &people).await;
    hold(&client, &mut runner, "Groups", ResourceKind::Group, &groups).await;
}

#[tokio::test]
async fn every_list_holds_what_the_evaluator_finds_in_everything() {
    on_each_engine(the_lists_are_those_of_the_evaluator).await;
}
