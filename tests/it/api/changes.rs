//! Changes are complete, in one order, and go on where they stopped.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use portvakt::domain::ids::{AccountId, TargetId};
use portvakt::store::{departure, outbox};
use serde_json::{Value, json};

use crate::association::Association;
use crate::engines::{Raw, TestDb, look, on_each_engine};

const CHANGES: &str = "/api/v1/changes";

async fn page(house: &Association, query: &str) -> Value {
    let answer = house.crm(Method::GET, &format!("{CHANGES}?{query}"), Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body
}

/// User name and version of each account of a page.
fn told(page: &Value) -> Vec<(String, i64)> {
    let one = |state: &Value| {
        let name = state["account"]["user_name"].as_str().expect("a name").split('@').next();
        (name.unwrap_or_default().to_owned(), state["version"].as_i64().expect("a version"))
    };
    page["changes"].as_array().expect("a list").iter().map(one).collect()
}

fn names(page: &Value) -> Vec<String> {
    told(page).into_iter().map(|(name, _)| name).collect()
}

fn next(page: &Value) -> String {
    page["next"].as_str().expect("a cursor").to_owned()
}

/// Everything from a cursor on, and the cursor behind it.
async fn all(house: &Association, since: &str, limit: usize) -> (Vec<(String, i64)>, String) {
    let (mut found, mut cursor) = (Vec::new(), since.to_owned());
    loop {
        let since = if cursor.is_empty() { String::new() } else { format!("&since={cursor}") };
        let page = page(house, &format!("limit={limit}{since}")).await;
        found.extend(told(&page));
        cursor = next(&page);
        if page["has_more"] == false {
            return (found, cursor);
        }
    }
}

async fn rename(house: &Association, who: &str, name: &str) {
    replace(house, who, "displayName", json!(name)).await;
}

/// The directory replaces what it says of somebody.
async fn replace(house: &Association, who: &str, what: &str, value: Value) {
    let found = format!("/scim/v2/entra/Users?filter=userName%20eq%20%22{who}@bjorkbacken.example%22");
    let id = house.scim(Method::GET, &found, Value::Null).await.body["Resources"][0]["id"].clone();
    let change = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": what, "value": value }],
    });
    let path = format!("/scim/v2/entra/Users/{}", id.as_str().expect("an id"));
    let answer = house.scim(Method::PATCH, &path, change).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

#[tokio::test]
async fn everybody_comes_once_page_by_page_and_then_only_who_has_changed() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let (mut found, cursor) = all(&house, "", 2).await;
        found.sort();
        let everybody: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(everybody, ["anna", "hanna", "hugo", "nils", "rut"]);
        assert_eq!(all(&house, &cursor, 2).await, (Vec::new(), cursor.clone()));

        rename(&house, "hugo", "Hugo").await;
        rename(&house, "anna", "Anna").await;
        rename(&house, "hugo", "Hugo H").await;
        let page = page(&house, &format!("since={cursor}")).await;
        let mut changed = names(&page);
        changed.sort();
        assert_eq!(changed, ["anna", "hugo"], "each once, as it stands now");
        let hugo = page["changes"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|one| one["account"]["display_name"] == "Hugo H");
        let shown =
            house.crm(Method::GET, "/api/v1/accounts/hugo@bjorkbacken.example", Value::Null).await.body;
        let hugo = hugo.expect("Hugo is told");
        assert_eq!((&hugo["account"], &hugo["version"]), (&shown["account"], &shown["version"]));
        assert_eq!(hugo["type"], "account.state");
        // What is asked again is told again.
        assert_eq!(all(&house, &cursor, 100).await.0.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_cursor_is_good_after_a_restart_and_for_every_clock() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let (_, cursor) = all(&house, "", 100).await;
        let token = house.crm.clone();
        drop(house);
        let house = Association::again(t, token).await;
        house.clock.advance(jiff::SignedDuration::from_hours(-48));
        rename(&house, "rut", "Rut").await;
        let (found, later) = all(&house, &cursor, 100).await;
        assert_eq!(found.len(), 1);
        assert_eq!(all(&house, &later, 100).await.0, []);
    })
    .await;
}

#[tokio::test]
async fn what_is_no_cursor_or_of_another_database_is_refused_in_words() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let other = TestDb::sqlite().await;
        let elsewhere = all(&Association::open(&other).await, "", 100).await.1;
        let (_, own) = all(&house, "", 100).await;
        // As if the database had been restored from a backup of before.
        let mut raw = t.raw().await;
        raw.execute("UPDATE setting SET value = substr(value, 1, 33) || '5' WHERE name = 'changes'").await;
        for (query, status, code, says) in [
            ("since=x".to_owned(), 400, "cursor", "`next`"),
            ("since=".to_owned(), 400, "cursor", "`revision`"),
            (format!("since={elsewhere}"), 410, "cursor_gone", "/api/v1/snapshot"),
            (format!("since={own}"), 410, "cursor_gone", "restored from a backup"),
            ("limit=0".to_owned(), 400, "query", "1 to 5000"),
            ("wait=51".to_owned(), 400, "query", "0 to 50"),
            ("until=5".to_owned(), 400, "query", "until"),
        ] {
            let answer = house.crm(Method::GET, &format!("{CHANGES}?{query}"), Value::Null).await;
            assert_eq!((answer.status.as_u16(), &answer.body["code"]), (status, &json!(code)), "{query}");
            assert!(answer.body["detail"].as_str().expect("a detail").contains(says), "{}", answer.body);
        }
    })
    .await;
}

/// Two transactions that are open at the same time, of which the younger commits first.
#[tokio::test]
async fn nothing_is_passed_over_that_commits_late() {
    let Some(t) = TestDb::postgres().await else { return };
    let house = Association::open(&t).await;
    let (_, cursor) = all(&house, "", 100).await;
    let change = |who: &'static str| match who {
        "anna" => "UPDATE account SET version = version + 1, position = NULL WHERE user_name LIKE 'anna%'",
        _ => "UPDATE account SET version = version + 1, position = NULL WHERE user_name LIKE 'hugo%'",
    };
    let (mut elder, mut younger) = (t.raw().await, t.raw().await);
    for (raw, who) in [(&mut elder, "anna"), (&mut younger, "hugo")] {
        raw.execute("BEGIN").await;
        raw.execute(change(who)).await;
    }
    assert_eq!(page(&house, &format!("since={cursor}")).await["changes"], json!([]));
    younger.execute("COMMIT").await;
    let first = page(&house, &format!("since={cursor}")).await;
    assert_eq!(names(&first), ["hugo"]);
    // Meanwhile others come and go, and are placed.
    rename(&house, "rut", "Rut").await;
    let second = page(&house, &format!("since={}", next(&first))).await;
    assert_eq!(names(&second), ["rut"]);
    elder.execute("COMMIT").await;
    let third = page(&house, &format!("since={}", next(&second))).await;
    assert_eq!(names(&third), ["anna"]);
    drop((elder, younger));
    t.db.close().await;
}

#[tokio::test]
async fn who_follows_while_many_write_ends_with_everybody_as_they_stand() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let names = ["anna", "hanna", "hugo", "nils", "rut"];
        let writing = async {
            for round in 0..6 {
                let all = names.map(|who| rename(&house, who, if round % 2 == 0 { "One" } else { "Two" }));
                futures_util::future::join_all(all).await;
            }
        };
        let following = async {
            let (mut known, mut cursor) = (BTreeMap::new(), String::new());
            for _ in 0..40 {
                let (found, later) = all(&house, &cursor, 2).await;
                for (name, version) in found {
                    let before = known.insert(name, version);
                    assert!(before <= Some(version), "a version never goes back");
                }
                cursor = later;
                tokio::task::yield_now().await;
            }
            (known, cursor)
        };
        let ((), (mut known, cursor)) = tokio::join!(writing, following);
        known.extend(all(&house, &cursor, 2).await.0);
        let now: BTreeMap<String, i64> = all(&house, "", 100).await.0.into_iter().collect();
        assert_eq!(known, now);
    })
    .await;
}

#[tokio::test]
async fn who_waits_is_told_when_something_happens_and_when_the_daemon_ends() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let (_, cursor) = all(&house, "", 100).await;
        let asked = Instant::now();
        let query = format!("since={cursor}&wait=30");
        let (told, ()) = tokio::join!(page(&house, &query), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            rename(&house, "nils", "Nils").await;
        });
        assert_eq!(names(&told), ["nils"]);
        let query = format!("since={}&wait=30", next(&told));
        let (empty, ()) = tokio::join!(page(&house, &query), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            house.readiness.end();
        });
        assert_eq!((&empty["changes"], &empty["next"]), (&json!([]), &told["next"]));
        assert!(asked.elapsed() < Duration::from_secs(20), "nobody waited in vain");
    })
    .await;
}

#[tokio::test]
async fn a_crm_that_only_asks_is_queued_nothing_and_proves_what_it_has_by_asking_on() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let reader = TargetId::parse("reader").expect("a name");
        let token = house.target_token("reader").await;
        let ask = async |query: String| {
            house.send("GET", &format!("{CHANGES}?{query}"), &token, &Value::Null).await.body
        };
        assert_eq!(look!(t, c => outbox::backlog(c, &reader)).waiting, 0);
        let first = ask(String::new()).await;
        let id = first["changes"][0]["account"]["id"].as_str().and_then(|id| AccountId::parse(id).ok());
        let id = id.expect("an account");
        assert_eq!(
            look!(t, c => outbox::delivered(c, &reader, id)),
            None,
            "what was sent may have been lost"
        );
        ask(format!("since={}", next(&first))).await;
        let (version, ..) = look!(t, c => outbox::delivered(c, &reader, id)).expect("it has it");
        assert_eq!(json!(version), first["changes"][0]["version"]);

        replace(&house, "hugo", "active", json!(false)).await;
        let told = ask(format!("since={}", next(&first))).await;
        let hugo = told["changes"][0]["account"]["id"].as_str().and_then(|id| AccountId::parse(id).ok());
        assert_eq!(told["changes"][0]["account"]["status"], "deactivated");
        let hugo = [hugo.expect("an account")];
        let confirmed = async || {
            let told = look!(t, c => departure::told(c, &hugo));
            told.into_iter().find(|one| one.target == "reader").expect("it is to know").confirmed_at
        };
        assert_eq!(confirmed().await, None);
        ask(format!("since={}", next(&told))).await;
        assert!(confirmed().await.is_some());
        let standing = portvakt::flows::targets::list(&house.ports).await.expect("a list");
        let reading = standing.into_iter().find_map(|row| row.reading).expect("how far it has come");
        assert_eq!((reading.behind, reading.at.is_some()), (0, true));
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_accounts_get_their_places_in_turns() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        crowd(t).await;
        let (found, cursor) = all(&house, "", 4_000).await;
        assert_eq!(found.len(), 10_025);
        assert_eq!(all(&house, &cursor, 4_000).await.0, []);
    })
    .await;
}

/// Lets in 10,020 more like Nils, who holds nothing.
async fn crowd(t: &TestDb) {
    let mut raw = t.raw().await;
    let sql = match &raw {
        Raw::Sqlite(_) => {
            "INSERT INTO account (id, user_name, user_name_key, display_name, kind, is_protected, created_at, status,
                    status_since, status_reason, status_by, version)
             SELECT randomblob(16), 'x' || n.value, 'x' || n.value, 'x', a.kind, FALSE, a.created_at, a.status,
                    a.status_since, a.status_reason, a.status_by, 1
               FROM account a, json_each('[' || substr(replace(hex(zeroblob(10020)), '00', ',0'), 2) || ']') n
              WHERE a.user_name LIKE 'nils%'"
        }
        Raw::Postgres(_) => {
            "INSERT INTO account (id, user_name, user_name_key, display_name, kind, is_protected, created_at, status,
                    status_since, status_reason, status_by, version)
             SELECT gen_random_uuid(), 'x' || n, 'x' || n, 'x', a.kind, FALSE, a.created_at, a.status,
                    a.status_since, a.status_reason, a.status_by, 1
               FROM account a, generate_series(1, 10020) n WHERE a.user_name LIKE 'nils%'"
        }
    };
    raw.execute(sql).await;
}
