//! Many steps at once: taken together, each judged for itself, each once.

use portvakt::domain::account::{Status, StatusReason};
use portvakt::domain::actor::Subject;
use portvakt::domain::ids::TargetId;
use portvakt::flows::lifecycle::{self, RunOutcome};
use portvakt::store::{audit, outbox, plan as table, standing};

use super::World;
use crate::engines::{change, look, on_each_engine};

/// More than two chunks.
const MANY: usize = 230;

/// A plan over a crowd that has gone quiet, released by a person. Gives its hash and the crowd.
async fn quiet_crowd(w: &World<'_>) -> (String, Vec<portvakt::domain::ids::AccountId>) {
    let admin = w.board(&["anna"]).await[0];
    let crowd = w.crowd(MANY).await;
    w.pass_days(95);
    w.signs_in(admin).await;
    let plan = w.plan().await;
    assert_eq!(plan.plan.steps.len(), MANY);
    lifecycle::release(w.ports(), &w.act(), &plan.hash, "summer is over").await.unwrap();
    (plan.hash, crowd)
}

#[tokio::test]
async fn a_large_plan_is_carried_out_whole_and_whoever_came_back_is_left_alone() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let (hash, crowd) = quiet_crowd(&w).await;
        w.signs_in(crowd[7]).await;
        let before = w.get(crowd[0]).await.version;
        let run = w.apply(Some(&hash)).await;
        assert_eq!((run.applied, run.skipped, run.outcome), (MANY as u64 - 1, 1, RunOutcome::Applied));
        for (number, id) in crowd.iter().enumerate() {
            let expected = if number == 7 {
                (Status::Active, StatusReason::Provisioned)
            } else {
                (Status::Frozen, StatusReason::Inactive)
            };
            assert_eq!(w.state(*id).await, expected, "person {number}");
        }
        let frozen = crowd[0];
        assert_eq!(w.get(frozen).await.version, before + 1);
        let history = look!(t, c => standing::history(c, frozen));
        assert_eq!(history.len(), 2);
        assert_eq!(history[0].until, Some(history[1].standing.since));
        let entries = look!(t, c => audit::about(c, &Subject::new("account", frozen), 1));
        assert_eq!(
            (&*entries[0].action, &*entries[0].cause),
            ("account_frozen", &*format!("rule everyone, plan {hash}"))
        );
        let crm = TargetId::parse("crm").unwrap();
        let backlog = look!(t, c => outbox::backlog(c, &crm));
        assert_eq!((backlog.waiting, backlog.dead), (i64::try_from(MANY).unwrap() + 1, 0));
    })
    .await;
}

#[tokio::test]
async fn a_large_run_that_is_broken_off_and_finished_takes_each_step_once() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let (hash, crowd) = quiet_crowd(&w).await;
        // The first chunk was committed and its process killed: the run has no end and steps are left.
        let run = w.apply(Some(&hash)).await;
        let broken = table::Run {
            finished_at: None,
            outcome: "under_way".to_owned(),
            ..look!(t, c => table::runs(c, 1)).remove(0)
        };
        let id = crowd[3];
        change!(t, [broken, hash] c => {
            table::save_run(c, &broken).await?;
            for position in 100..i64::try_from(MANY).unwrap() {
                table::step_done(c, &hash, position, "planned", "").await?;
            }
            Ok(())
        })
        .unwrap();
        w.apply(None).await;
        let finished = look!(t, c => table::runs(c, 10)).into_iter().find(|one| one.id == run.run).unwrap();
        assert!(finished.finished_at.is_some());
        assert_eq!(finished.applied + finished.skipped, i64::try_from(MANY).unwrap());
        assert_eq!(look!(t, c => standing::history(c, id)).len(), 2, "nobody was frozen twice");
    })
    .await;
}

#[tokio::test]
async fn the_last_administrator_is_left_when_a_released_plan_takes_everybody_else() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        let crowd = w.crowd(12).await;
        w.pass_days(95);
        let plan = w.plan().await;
        assert_eq!(plan.plan.steps.len(), 13);
        lifecycle::release(w.ports(), &w.act(), &plan.hash, "closing down").await.unwrap();
        let run = w.apply(Some(&plan.hash)).await;
        assert_eq!((run.applied, run.skipped), (12, 1));
        assert_eq!(w.state(admin).await.0, Status::Active);
        assert_eq!(w.state(crowd[0]).await.0, Status::Frozen);
    })
    .await;
}
