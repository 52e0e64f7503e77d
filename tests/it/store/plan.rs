//! Tables `plan`, `plan_step` and `run`.

use portvakt::domain::ids::{AccountId, RunId};
use portvakt::store::plan::{self, Run, StoredPlan, StoredStep};
use serde_json::json;
use uuid::Uuid;

use super::sample::{minute, person};
use crate::engines::{TestDb, change, look, on_each_engine};

fn new_plan(hash: &str, state: &str, created: i64) -> StoredPlan {
    StoredPlan {
        hash: hash.into(),
        created_at: minute(created),
        policy_version: 3,
        state: state.into(),
        document: json!({"reason": "för många", "counts": {"freeze": 2}}),
        released_by: None,
        release_reason: None,
    }
}

fn step(position: i64, account: AccountId) -> StoredStep {
    StoredStep {
        position,
        account,
        document: json!({"step": "freeze", "idle": 400.5, "text": "\"å\\"}),
        state: "planned".into(),
        outcome: None,
    }
}

async fn save(t: &TestDb, plan: &StoredPlan, steps: &[StoredStep]) {
    let steps = steps.to_vec();
    change!(t, [plan] c => plan::save(c, &plan, &steps).await).unwrap();
}

async fn release(t: &TestDb, hash: &'static str) -> bool {
    change!(t, [] c => plan::release(c, hash, "operator:anna", "sommarlov", minute(5)).await).unwrap()
}

#[tokio::test]
async fn a_plan_is_found_by_as_much_of_its_hash_as_makes_it_the_only_one() {
    on_each_engine(async |t| {
        let (one, two) = (new_plan("ab12", "proposed", 1), new_plan("ab9f", "proposed", 2));
        save(t, &one, &[]).await;
        save(t, &two, &[]).await;
        for (text, expected) in [
            ("ab12", Some(&one)),
            ("ab1", Some(&one)),
            ("ab9", Some(&two)),
            ("ab", None),
            ("a", None),
            ("", None),
            ("ac", None),
            ("ab123", None),
            ("%", None),
        ] {
            assert_eq!(look!(t, c => plan::get(c, text)).as_ref(), expected, "{text:?}");
        }
        assert_eq!(look!(t, c => plan::newest(c)), Some(two));
    })
    .await;
}

#[tokio::test]
async fn steps_are_read_in_order_with_what_came_of_them() {
    on_each_engine(async |t| {
        let (asa, bo) = (person(t, "asa").await.id, person(t, "bo").await.id);
        let mut steps = vec![step(0, bo), step(1, asa), step(2, asa)];
        steps[2].outcome = Some("protected".into());
        save(t, &new_plan("ab", "proposed", 1), &steps).await;
        assert_eq!(look!(t, c => plan::steps(c, "ab")), steps);
        change!(t, [] c => plan::step_done(c, "ab", 1, "applied", "frozen").await).unwrap();
        steps[1].state = "applied".into();
        steps[1].outcome = Some("frozen".into());
        assert_eq!(look!(t, c => plan::steps(c, "ab")), steps);
        save(t, &new_plan("ab", "proposed", 2), &steps[..1]).await;
        assert_eq!(look!(t, c => plan::steps(c, "ab")), steps[..1]);
        assert!(look!(t, c => plan::steps(c, "cd")).is_empty());
    })
    .await;
}

#[tokio::test]
async fn only_a_plan_that_waits_can_be_released_and_the_same_plan_keeps_its_release() {
    on_each_engine(async |t| {
        save(t, &new_plan("ab", "proposed", 1), &[]).await;
        assert!(!release(t, "ab").await);
        assert!(!release(t, "cd").await);
        save(t, &new_plan("ab", "waiting", 2), &[]).await;
        assert!(release(t, "ab").await);
        assert!(!release(t, "ab").await);
        save(t, &new_plan("ab", "waiting", 3), &[]).await;
        let kept = look!(t, c => plan::get(c, "ab")).unwrap();
        assert_eq!((&*kept.state, kept.created_at), ("released", minute(3)));
        assert_eq!(kept.released_by.as_deref(), Some("operator:anna"));
        assert_eq!(kept.release_reason.as_deref(), Some("sommarlov"));
        // Once it was carried out the release is used up.
        change!(t, [] c => plan::set_state(c, "ab", "applied").await).unwrap();
        let again = new_plan("ab", "waiting", 4);
        save(t, &again, &[]).await;
        assert_eq!(look!(t, c => plan::get(c, "ab")), Some(again));
    })
    .await;
}

#[tokio::test]
async fn a_run_is_written_as_it_goes_and_the_newest_comes_first() {
    on_each_engine(async |t| {
        save(t, &new_plan("ab", "released", 1), &[]).await;
        let mut runs = Vec::new();
        for started in [1, 2, 2] {
            let run = Run {
                id: RunId::new(Uuid::now_v7()),
                plan: "ab".into(),
                by: "job:lifecycle".into(),
                started_at: minute(started),
                finished_at: None,
                applied: 0,
                skipped: 0,
                outcome: "running".into(),
            };
            change!(t, [run] c => plan::save_run(c, &run).await).unwrap();
            runs.insert(0, run);
        }
        runs[0].finished_at = Some(minute(3));
        runs[0].applied = 4;
        runs[0].skipped = 1;
        runs[0].outcome = "done".into();
        let done = runs[0].clone();
        change!(t, [done] c => plan::save_run(c, &done).await).unwrap();
        assert_eq!(look!(t, c => plan::runs(c, 9)), runs);
        assert_eq!(look!(t, c => plan::runs(c, 1)), [done]);
    })
    .await;
}
