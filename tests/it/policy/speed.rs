//! A plan over many: it reads in pages, and its statements do not grow with the number of people.
//!
//! `PORTVAKT_PLAN_PEOPLE` says how many (default 3,000); the time is printed, for docs/performance.md.

use std::time::Instant;

use super::{World, with};
use crate::engines::{Raw, on_each_engine};

/// The statements that make the people, for either engine: people, identities, the membership of every other, and what
/// the rules gave them.
fn statements(people: usize, is_sqlite: bool, group: &str) -> Vec<String> {
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
    let group = if is_sqlite {
        format!("unhex('{}')", group.replace('-', ""))
    } else {
        format!("CAST('{group}' AS UUID)")
    };
    let document = "'{\"userName\":\"x\",\"userType\":\"Member\",\"active\":true}'";
    let document = if is_sqlite { document.to_owned() } else { format!("CAST({document} AS JSONB)") };
    vec![
        format!(
            "{numbers} INSERT INTO account (id, user_name, user_name_key, display_name, kind, is_protected, created_at, \
             status, status_since, status_reason, status_by, version) SELECT {}, 'p' || i, 'p' || i, 'p', 'person', FALSE, 1, \
             'active', 1, 'provisioned', 'test', 1 FROM n",
            id(0xa0)
        ),
        format!(
            "{numbers} INSERT INTO identity (id, directory, account_id, user_name_key, active, document, version, \
             created_at, modified_at) SELECT {}, 'entra', {}, 'p' || i, TRUE, {document}, 1, 1, 1 FROM n",
            id(0xb0),
            id(0xa0)
        ),
        format!(
            "{numbers} INSERT INTO membership (group_id, identity_id, since) SELECT {group}, {}, 1 FROM n WHERE i % 2 = 0",
            id(0xb0)
        ),
        format!(
            "{numbers} INSERT INTO entitlement (id, account_id, kind, value, origin, origin_ref, by_actor, since) \
             SELECT {}, {}, 'role', 'communicator', 'rule', 'helpers', 'test', 1 FROM n WHERE i % 2 = 0",
            id(0xc0),
            id(0xa0)
        ),
    ]
}

async fn populate(world: &World<'_>, people: usize) {
    let group = world.group("group-helpers", "Hjälpare", &[]).await;
    let mut raw = world.t.raw().await;
    for statement in statements(people, matches!(raw, Raw::Sqlite(_)), &group) {
        raw.execute(statement.leak()).await;
    }
}

#[tokio::test]
async fn a_plan_looks_at_everybody_and_says_how_long_it_took() {
    let people: usize =
        std::env::var("PORTVAKT_PLAN_PEOPLE").ok().and_then(|text| text.parse().ok()).unwrap_or(3_000);
    on_each_engine(async |t| {
        let world = World::open(t).await;
        populate(&world, people).await;
        let text = with("sectors = [\"mailings\"]", "sectors = [\"mailings\", \"members\"]");
        let began = Instant::now();
        let plan = world.plan(&text).await.plan;
        eprintln!("{:?}: a plan over {people} accounts took {:?}", t.db.kind(), began.elapsed());
        assert_eq!(plan.population, u64::try_from(people).unwrap());
        let half = u64::try_from(people / 2).unwrap();
        assert_eq!((plan.changed, plan.rights["sector:members"].gain), (half, half));
        assert_eq!(plan.rights["limited"].gain, half, "what the rules gave was never given");
        assert_eq!(plan.groups.len(), 1, "{:?}", plan.groups);
    })
    .await;
}
