//! What the console reads: the audit page by page, the plans of the last making, protection that is asked for.

use portvakt::domain::actor::{Actor, Subject};
use portvakt::store::audit::{self, Entry, Sought};
use portvakt::store::plan::{self, StoredPlan};
use portvakt::store::protection::{self, Request};
use portvakt::store::waiting;
use serde_json::json;

use super::sample::{minute, person};
use crate::engines::{TestDb, change, look, on_each_engine};

async fn append(t: &TestDb, at: i64, actor: &Actor, action: &'static str, subject: &str) {
    let entry = Entry {
        at: minute(at),
        actor: actor.clone(),
        cause: "test".into(),
        action,
        subject: Subject::new("account", subject),
        before: None,
        after: Some(json!({ "n": at })),
        request_id: None,
    };
    change!(t, [] c => audit::append(c, &entry).await).unwrap();
}

#[tokio::test]
async fn the_audit_is_read_page_by_page_and_by_what_is_sought() {
    on_each_engine(async |t| {
        let (anna, bo) = (Actor::Operator("anna".into()), Actor::Operator("bo".into()));
        for number in 0..10 {
            let (actor, action) = if number % 2 == 0 { (&anna, "plan_made") } else { (&bo, "signed_in") };
            // Pairs share their instant: only the id tells them apart.
            append(t, number / 2, actor, action, if number < 5 { "1" } else { "2" }).await;
        }
        let all = Sought::default();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = look!(t, c => audit::page(c, &all, after, 3));
            let Some(last) = page.last() else { break };
            after = Some((last.at, last.id));
            seen.extend(page);
        }
        assert_eq!(seen, look!(t, c => audit::newest(c, 100)));
        assert_eq!(seen.len(), 10);

        let count = async |sought: Sought| look!(t, c => audit::page(c, &sought, None, 100)).len();
        assert_eq!(count(Sought { action: "plan_made".into(), ..all.clone() }).await, 5);
        assert_eq!(count(Sought { actor: "operator:bo".into(), ..all.clone() }).await, 5);
        assert_eq!(count(Sought { subject_id: "1".into(), ..all.clone() }).await, 5);
        let about = Sought { subject_kind: "account".into(), subject_id: "2".into(), ..all.clone() };
        assert_eq!(count(about.clone()).await, 5);
        assert_eq!(count(Sought { action: "signed_in".into(), ..about.clone() }).await, 3);
        assert_eq!(count(Sought { from: Some(minute(3)), ..about.clone() }).await, 4);
        assert_eq!(count(Sought { until: Some(minute(3)), ..about }).await, 1);
        let days = Sought { from: Some(minute(1)), until: Some(minute(3)), ..all };
        assert_eq!(count(days).await, 4);
    })
    .await;
}

#[tokio::test]
async fn the_plans_of_the_last_making_are_given_and_one_that_waits_can_be_refused_once() {
    on_each_engine(async |t| {
        assert!(look!(t, c => plan::latest(c)).is_empty());
        for (hash, state, at) in [("aa", "waiting", 1), ("bb", "waiting", 2), ("cc", "applied", 2)] {
            let plan = StoredPlan {
                hash: hash.into(),
                created_at: minute(at),
                policy_version: 1,
                state: state.into(),
                document: json!({}),
                released_by: None,
                release_reason: None,
            };
            change!(t, [plan] c => plan::save(c, &plan, &[]).await).unwrap();
        }
        let hashes: Vec<String> = look!(t, c => plan::latest(c)).into_iter().map(|plan| plan.hash).collect();
        assert_eq!(hashes, ["bb", "cc"]);
        assert_eq!(look!(t, c => waiting::count(c, minute(0))).plans, 1, "an earlier plan waits for nobody");
        assert!(change!(t, [] c => plan::refuse(c, "bb").await).unwrap());
        assert!(!change!(t, [] c => plan::refuse(c, "bb").await).unwrap(), "once");
        assert!(!change!(t, [] c => plan::refuse(c, "cc").await).unwrap(), "it does not wait");
        assert_eq!(look!(t, c => waiting::count(c, minute(0))).plans, 0);
        assert!(!change!(t, [] c => plan::release(c, "bb", "operator:anna", "x", minute(5)).await).unwrap());
    })
    .await;
}

#[tokio::test]
async fn protection_that_is_asked_for_is_listed_the_oldest_first() {
    on_each_engine(async |t| {
        let (one, two) = (person(t, "one").await.id, person(t, "two").await.id);
        let ask = |account, at| Request {
            account,
            protects: at == 1,
            by: "operator:anna".into(),
            why: "å".into(),
            at: minute(at),
        };
        let (late, early) = (ask(one, 2), ask(two, 1));
        change!(t, [late] c => protection::ask(c, &late).await).unwrap();
        change!(t, [early] c => protection::ask(c, &early).await).unwrap();
        assert_eq!(look!(t, c => protection::requests(c)), [early, late]);
    })
    .await;
}
