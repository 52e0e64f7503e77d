//! Runs: once, by schedule, broken off and finished.

use portvakt::domain::account::Status;
use portvakt::domain::ids::RunId;
use portvakt::flows::lifecycle::{self, Due, RunOutcome};
use portvakt::store::plan::{self as table, Run};
use uuid::Uuid;

use super::{World, told};
use crate::engines::{change, on_each_engine};
use crate::house::at;

#[tokio::test]
async fn a_plan_that_is_carried_out_twice_does_each_step_once() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        w.pass_days(31);
        w.signs_in(admin).await;
        let (first, second) = (w.act(), w.act());
        let (first, second) = tokio::join!(
            Box::pin(lifecycle::apply(w.ports(), &first, None)),
            Box::pin(lifecycle::apply(w.ports(), &second, None)),
        );
        let taken: u64 = [first, second].into_iter().map(|report| report.unwrap().applied).sum();
        assert_eq!(taken, 1);
        let frozen = told(&w, "account", bo).await;
        assert_eq!(frozen.iter().filter(|(action, _)| action == "account_frozen").count(), 1);
        assert_eq!(w.apply(None).await.outcome, RunOutcome::NothingToDo);
        let runs = lifecycle::runs(w.ports(), 10).await.unwrap();
        assert_eq!(runs.len(), 3);
        assert!(runs.iter().all(|run| run.finished_at.is_some() && run.by == "operator:karin"));
    })
    .await;
}

#[tokio::test]
async fn a_step_that_no_longer_holds_is_skipped_and_says_why() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        w.pass_days(31);
        w.signs_in(admin).await;
        let plan = w.plan().await;
        w.signs_in(bo).await;
        let report = w.apply(Some(&plan.hash)).await;
        assert_eq!((report.applied, report.skipped), (0, 1));
        assert_eq!(w.state(bo).await.0, Status::Active);
        let kept = lifecycle::find(w.ports(), &plan.hash).await.unwrap();
        let view = lifecycle::view(w.ports(), &kept, portvakt::domain::language::Language::En).await.unwrap();
        let outcome = view.steps[0].outcome.clone().unwrap();
        assert!(outcome.starts_with("No longer holds: Nothing to do before"), "{outcome}");
        assert_eq!(view.steps[0].why, "Never signed in, the account was activated 31 days ago");
    })
    .await;
}

#[tokio::test]
async fn a_run_that_was_broken_off_is_finished_by_the_next() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        let (bo, cilla) = (w.arrives("bo").await, w.arrives("cilla").await);
        w.pass_days(31);
        w.signs_in(admin).await;
        let plan = w.plan().await;
        assert_eq!(plan.plan.steps.len(), 2);
        // As a daemon leaves it that was killed after the first step.
        let (hash, now) = (plan.hash.clone(), w.now());
        let broken = Run {
            id: RunId::new(Uuid::now_v7()),
            plan: hash.clone(),
            by: "job:lifecycle".to_owned(),
            started_at: now,
            finished_at: None,
            applied: 0,
            skipped: 0,
            outcome: "under_way".to_owned(),
        };
        change!(w.t, [broken, hash] c => {
            table::save_run(c, &broken).await?;
            table::step_done(c, &hash, 0, "applied", "").await
        })
        .unwrap();
        assert_eq!(w.apply(None).await.applied, 1);
        let states = [w.state(bo).await.0, w.state(cilla).await.0];
        assert_eq!(states, [Status::Frozen, Status::Frozen]);
        let runs = lifecycle::runs(w.ports(), 10).await.unwrap();
        let finished = runs.iter().find(|run| run.id == broken.id).unwrap();
        assert_eq!((finished.finished_at, finished.applied), (Some(now), 2));
    })
    .await;
}

#[tokio::test]
async fn a_night_that_was_missed_is_caught_up_once_and_none_runs_twice() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        let look = async || lifecycle::run_due(w.ports()).await.unwrap();
        assert_eq!(look().await, Due::NotYet(at("2025-10-08T00:00:00Z")));
        w.house.clock.set(at("2025-10-08T00:00:01Z"));
        w.signs_in(admin).await;
        let Due::Ran(report) = look().await else { panic!("it did not run") };
        assert_eq!(report.outcome, RunOutcome::NothingToDo);
        assert_eq!(look().await, Due::NotYet(at("2025-10-09T00:00:00Z")));
        // Three nights without a daemon.
        w.house.clock.set(at("2025-10-11T06:00:00Z"));
        assert!(matches!(look().await, Due::Ran(_)));
        assert_eq!(look().await, Due::NotYet(at("2025-10-12T00:00:00Z")));
        // The clock goes back a day, and comes forward again.
        w.house.clock.set(at("2025-10-10T05:00:00Z"));
        assert!(matches!(look().await, Due::NotYet(_)));
        w.house.clock.set(at("2025-10-11T07:00:00Z"));
        assert!(matches!(look().await, Due::NotYet(_)));
        assert_eq!(lifecycle::runs(w.ports(), 10).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn the_night_when_the_clocks_change_has_one_run() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        for (start, runs) in [("2025-10-25T12:00:00Z", 2), ("2026-03-28T12:00:00Z", 2)] {
            w.house.clock.set(at(start));
            lifecycle::run_due(w.ports()).await.unwrap();
            let mut ran = 0;
            for _ in 0..(48 * 4) {
                w.house.clock.advance(jiff::SignedDuration::from_mins(15));
                w.signs_in(admin).await;
                ran += usize::from(matches!(lifecycle::run_due(w.ports()).await.unwrap(), Due::Ran(_)));
            }
            assert_eq!(ran, runs, "{start}");
        }
    })
    .await;
}
