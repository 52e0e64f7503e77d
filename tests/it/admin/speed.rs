//! The list over many people: its first byte comes soon, whatever it is narrowed by.
//!
//! `PORTVAKT_LIST_PEOPLE` says how many (default 3,000); the times are printed, for docs/performance.md.

use std::time::{Duration, Instant};

use axum::http::StatusCode;

use super::cast::seat;
use crate::engines::{Raw, on_each_engine};
use crate::sign_in::browser::Browser;
use crate::sign_in::house::TestHouse;

/// The statements that make the people, for either engine: each seen on a day of their own, every seventh never; every
/// fifth limited, every third a communicator, everybody in one of two directories.
fn statements(people: usize, is_sqlite: bool) -> Vec<String> {
    let numbers = if is_sqlite {
        format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {people})")
    } else {
        format!("WITH n(i) AS (SELECT generate_series(1, {people}))")
    };
    let id = |kind: u8| {
        if is_sqlite {
            format!("unhex(printf('{kind:02x}%030x', i))")
        } else {
            format!("CAST('{kind:02x}' || lpad(to_hex(i), 30, '0') AS UUID)")
        }
    };
    let bytes = |text: &str| {
        if is_sqlite { format!("CAST({text} AS BLOB)") } else { format!("convert_to({text}, 'UTF8')") }
    };
    let document = if is_sqlite { "'{}'" } else { "CAST('{}' AS JSONB)" };
    let day: i64 = 86_400_000_000;
    let seen = format!("CASE WHEN i % 7 = 0 THEN 0 ELSE 1900000000000000 - (i % 700) * {day} END");
    let (account, identity) = (id(0xa0), id(0xb0));
    let [role, limit, sector] = [0xc0, 0xd0, 0xe0].map(id);
    let grant = |id: &str, what: &str, who: &str| {
        format!(
            "{numbers} INSERT INTO entitlement (id, account_id, kind, value, origin, origin_ref, by_actor, since) \
             SELECT {id}, {account}, {what}, 'rule', 'r', 'test', 1 FROM n WHERE {who}"
        )
    };
    let caretakers = "'role', CASE WHEN i % 1000 = 3 THEN 'caretaker' ELSE 'communicator' END";
    vec![
        format!(
            "{numbers} INSERT INTO account (id, user_name, user_name_key, display_name, kind, is_protected, created_at, \
             status, status_since, status_reason, status_by, version, name_key, seen_at) \
             SELECT {account}, 'p' || i, 'p' || i, 'Person ' || i, 'person', FALSE, 1, \
             CASE WHEN i % 9 = 0 THEN 'frozen' ELSE 'active' END, 1, 'provisioned', 'test', 1, {}, {seen} FROM n",
            bytes("'person ' || i")
        ),
        format!(
            "{numbers} INSERT INTO account_word (word, account_id) SELECT {}, {account} FROM n",
            bytes("'p' || i")
        ),
        format!(
            "{numbers} INSERT INTO account_word (word, account_id) SELECT {}, {account} FROM n",
            bytes("'person'")
        ),
        format!(
            "{numbers} INSERT INTO evidence (account_id, source, seen_at) \
             SELECT {account}, 'crm', {seen} FROM n WHERE i % 7 <> 0"
        ),
        format!(
            "{numbers} INSERT INTO identity (id, directory, account_id, user_name_key, active, document, version, \
             created_at, modified_at) SELECT {identity}, CASE WHEN i % 4 = 0 THEN 'okta' ELSE 'entra' END, {account}, \
             'p' || i, TRUE, {document}, 1, 1, 1 FROM n"
        ),
        grant(&role, caretakers, "i % 3 = 0"),
        grant(&limit, "'limited', ''", "i % 5 = 0"),
        grant(&sector, "'sector', 'mailings'", "i % 5 = 0"),
        "ANALYZE".to_owned(),
    ]
}

/// How long the page takes: the middle of five.
async fn middle(browser: &mut Browser, address: &str) -> (Duration, usize) {
    let (mut times, mut weight) = (Vec::new(), 0);
    for _ in 0..5 {
        let began = Instant::now();
        let page = browser.get(address).await;
        times.push(began.elapsed());
        assert_eq!(page.status, StatusCode::OK, "{address}: {}", page.body);
        weight = page.body.len();
    }
    times.sort_unstable();
    (times[2], weight)
}

#[tokio::test]
async fn a_narrowed_list_of_many_comes_as_soon_as_an_empty_one() {
    let people: usize =
        std::env::var("PORTVAKT_LIST_PEOPLE").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000);
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut browser = seat(&house, "asa", Some("administrator")).await;
        let mut raw = t.raw().await;
        for statement in statements(people, matches!(raw, Raw::Sqlite(_))) {
            raw.execute(statement.leak()).await;
        }
        drop(raw);
        let (empty, _) = middle(&mut browser, "/people?q=nobodyatall").await;
        eprintln!("{:?}, {people} people: an empty page {empty:?}", t.db.kind());
        for address in [
            "/people",
            "/people?sort=seen",
            "/people?signed=since&day=2029-09-01&limited=yes&directory=entra&sort=seen",
            "/people?role=communicator&limited=yes&sector=mailings&sort=-seen",
            "/people?role=caretaker&limited=no&signed=since&day=2030-01-01",
            "/people?q=p99&who=all",
            "/people?q=person&limited=yes&sort=name",
            "/people?who=shut&directory=okta&sort=seen",
            "/",
        ] {
            let (took, weight) = middle(&mut browser, address).await;
            eprintln!("{:?}: {took:?} {weight} bytes {address}", t.db.kind());
            assert!(weight < 75_000, "{address}: {weight} bytes");
        }
    })
    .await;
}
