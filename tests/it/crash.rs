//! A power cut in the middle of a provider's push: nothing acknowledged is lost, nothing is half done.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::engines::{TestDb, on_each_engine};
use crate::running::{Place, client};

/// Directories push from this many connections at once.
const PUSHERS: usize = 8;
/// The daemon is killed after this many acknowledged writes.
const ACKNOWLEDGED: usize = 60;
const ROUNDS: usize = 3;

/// What the provider was told had been done.
#[derive(Default)]
struct Told {
    people: BTreeSet<(String, String)>,
    members: BTreeSet<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_daemon_loses_nothing_acknowledged_and_leaves_nothing_half_done() {
    on_each_engine(async |t| {
        let mut place = Place::new(&t.url, "");
        place.start().await;
        let token = place.done(&["directory", "token", "create", "entra"]);
        let group = make_group(&place.base, &token).await;
        let mut told = Told::default();
        for round in 0..ROUNDS {
            push_until_killed(&mut place, &token, &group, round, &mut told).await;
            place.start().await;
            everything_told_is_there(&place.base, &token, &group, &told).await;
            nothing_is_half_done(t).await;
        }
        assert!(told.people.len() >= ROUNDS * ACKNOWLEDGED / 2, "the load was real: {}", told.people.len());
        assert_eq!(place.end().code(), Some(0));
    })
    .await;
}

async fn make_group(base: &str, token: &str) -> String {
    let body = json!({ "displayName": "Hjälpare", "externalId": "group-helpers" });
    let sent =
        client().post(format!("{base}/scim/v2/entra/Groups")).bearer_auth(token).json(&body).send().await;
    let group: Value = sent.expect("an answer").json().await.expect("a group");
    group["id"].as_str().expect("an id").to_owned()
}

/// Pushes people and memberships from several connections, and kills the daemon when enough was acknowledged.
async fn push_until_killed(place: &mut Place, token: &str, group: &str, round: usize, told: &mut Told) {
    let (enough, count) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let mut pushers = Vec::new();
    for pusher in 0..PUSHERS {
        let (base, token, group) = (place.base.clone(), token.to_owned(), group.to_owned());
        let (enough, count) = (Arc::clone(&enough), Arc::clone(&count));
        pushers.push(tokio::spawn(async move {
            let (client, mut told) = (client(), Told::default());
            for n in 0..10_000 {
                let name = format!("p-{round}-{pusher}-{n}@forening.example");
                let Some(id) = create(&client, &base, &token, &name).await else { break };
                told.people.insert((id.clone(), name));
                if !add(&client, &base, &token, &group, &id).await {
                    break;
                }
                told.members.insert(id);
                if count.fetch_add(2, Ordering::Relaxed) >= ACKNOWLEDGED {
                    enough.notify_one();
                }
            }
            told
        }));
    }
    enough.notified().await;
    place.kill();
    for pusher in pushers {
        let heard = pusher.await.expect("a pusher ends when nobody answers");
        told.people.extend(heard.people);
        told.members.extend(heard.members);
    }
}

async fn create(client: &reqwest::Client, base: &str, token: &str, name: &str) -> Option<String> {
    let body = json!({ "userName": name, "externalId": format!("ext-{name}"), "active": true });
    let answer = client
        .post(format!("{base}/scim/v2/entra/Users"))
        .bearer_auth(token)
        .json(&body)
        .send()
        .await
        .ok()?;
    assert_eq!(answer.status().as_u16(), 201);
    let made: Value = answer.json().await.ok()?;
    made["id"].as_str().map(str::to_owned)
}

async fn add(client: &reqwest::Client, base: &str, token: &str, group: &str, id: &str) -> bool {
    let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "Add", "path": "members", "value": [{ "value": id }] }] });
    let request = client.patch(format!("{base}/scim/v2/entra/Groups/{group}")).bearer_auth(token);
    request.json(&body).send().await.is_ok_and(|answer| answer.status().as_u16() == 204)
}

async fn everything_told_is_there(base: &str, token: &str, group: &str, told: &Told) {
    let client = client();
    for (id, name) in &told.people {
        let shown = client.get(format!("{base}/scim/v2/entra/Users/{id}")).bearer_auth(token).send().await;
        let shown: Value = shown.expect("an answer").json().await.expect("a person");
        assert_eq!(shown["userName"], json!(name));
    }
    let shown = client.get(format!("{base}/scim/v2/entra/Groups/{group}")).bearer_auth(token).send().await;
    let shown: Value = shown.expect("an answer").json().await.expect("a group");
    let members: BTreeSet<&str> =
        shown["members"].as_array().into_iter().flatten().filter_map(|m| m["value"].as_str()).collect();
    for id in &told.members {
        assert!(members.contains(id.as_str()), "{id} was acknowledged as a member");
    }
}

/// Each of these finds rows that a torn transaction would leave.
const TORN: [&str; 6] = [
    "SELECT 'identity without account', CAST(COUNT(*) AS TEXT) FROM identity i
      WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.id = i.account_id)",
    "SELECT 'account without identity', CAST(COUNT(*) AS TEXT) FROM account a
      WHERE NOT EXISTS (SELECT 1 FROM identity i WHERE i.account_id = a.id)",
    "SELECT 'account without one open status', CAST(COUNT(*) AS TEXT) FROM account a
      WHERE 1 <> (SELECT COUNT(*) FROM account_status s WHERE s.account_id = a.id AND s.until IS NULL)",
    "SELECT 'account that no target is told of', CAST(COUNT(*) AS TEXT) FROM account a
      WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.account_id = a.id AND o.version = a.version)",
    "SELECT 'member without grants', CAST(COUNT(*) AS TEXT) FROM membership m JOIN identity i ON i.id = m.identity_id
      WHERE m.until IS NULL AND 4 <> (SELECT COUNT(*) FROM entitlement e
                                       WHERE e.account_id = i.account_id AND e.until IS NULL)",
    "SELECT 'change without audit', CAST(ABS((SELECT COUNT(*) FROM identity)
      - (SELECT COUNT(*) FROM audit WHERE action = 'identity_created')) AS TEXT)",
];

async fn nothing_is_half_done(t: &TestDb) {
    let mut raw = t.raw().await;
    for sql in TORN {
        for (what, count) in raw.pairs(sql).await {
            assert_eq!(count, "0", "{what}");
        }
    }
}
