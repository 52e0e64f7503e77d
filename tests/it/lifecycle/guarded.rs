//! What the safety limits hold, and who may release it.

use portvakt::domain::account::{AccountKind, Status, StatusReason};
use portvakt::domain::plan::PlanState;
use portvakt::domain::safety::SafetyStop;
use portvakt::flows::lifecycle::{self, RunOutcome};
use portvakt::flows::{Refusal, people};

use super::{World, told};
use crate::engines::on_each_engine;

#[tokio::test]
async fn a_plan_beyond_the_limits_waits_and_is_released_by_its_hash_alone() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        let crowd = w.crowd(12).await;
        w.pass_days(91);
        w.signs_in(admin).await;
        let stopped = w.apply(None).await;
        let RunOutcome::AwaitsRelease(stops) = &stopped.outcome else { panic!("{stopped:?}") };
        assert_eq!(stops, &[SafetyStop::TooMany { steps: 12, last_day: 0, allowed: 3 }]);
        assert_eq!(w.state(crowd[0]).await.0, Status::Active);
        let again = lifecycle::apply(w.ports(), &w.act(), Some(&stopped.plan)).await.unwrap();
        assert!(matches!(again.outcome, RunOutcome::AwaitsRelease(_)));
        let nameless = lifecycle::release(w.ports(), &w.act(), &stopped.plan, "  ").await;
        assert!(matches!(nameless, Err(Refusal::Invalid { .. })));
        let released =
            lifecycle::release(w.ports(), &w.act(), &stopped.plan[..12], "the summer camp is over").await;
        assert_eq!(released.unwrap().state, PlanState::Released);
        let twice = lifecycle::release(w.ports(), &w.act(), &stopped.plan, "once more").await;
        assert!(matches!(twice, Err(Refusal::Conflict(_))));
        let report = w.apply(Some(&stopped.plan)).await;
        assert_eq!((report.applied, report.skipped), (12, 0));
        assert_eq!(w.state(crowd[11]).await, (Status::Frozen, StatusReason::Inactive));
        let done = lifecycle::apply(w.ports(), &w.act(), Some(&stopped.plan)).await;
        assert!(matches!(done, Err(Refusal::Conflict(_))));
        let actions: Vec<String> =
            told(&w, "plan", &stopped.plan).await.into_iter().map(|(a, _)| a).collect();
        assert!(actions.contains(&"plan_released".to_owned()), "{actions:?}");
    })
    .await;
}

#[tokio::test]
async fn a_released_plan_is_carried_out_by_the_next_run_if_the_world_has_not_changed() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        let crowd = w.crowd(5).await;
        w.pass_days(91);
        w.signs_in(admin).await;
        let stopped = w.apply(None).await;
        lifecycle::release(w.ports(), &w.act(), &stopped.plan, "agreed").await.unwrap();
        // One of them signs in: what was released is no longer what a run would do.
        w.signs_in(crowd[0]).await;
        let other = w.apply(None).await;
        assert!(matches!(other.outcome, RunOutcome::AwaitsRelease(_)), "{other:?}");
        assert_ne!(other.plan, stopped.plan);
        // By its hash it may still be carried out, but for the one who came.
        let report = w.apply(Some(&stopped.plan)).await;
        assert_eq!((report.applied, report.skipped), (4, 1));
        assert_eq!(w.state(crowd[0]).await.0, Status::Active);
    })
    .await;
}

#[tokio::test]
async fn departures_that_were_held_leave_with_a_released_plan() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let crowd = w.crowd(6).await;
        for number in 0..6 {
            w.directory_says(&format!("person{number:02}"), false).await;
        }
        assert_eq!(w.state(crowd[2]).await, (Status::Deactivated, StatusReason::Departed));
        assert_eq!(w.state(crowd[3]).await.0, Status::Active);
        let stopped = w.apply(None).await;
        assert!(matches!(stopped.outcome, RunOutcome::AwaitsRelease(_)), "{stopped:?}");
        lifecycle::release(w.ports(), &w.act(), &stopped.plan, "the project has ended").await.unwrap();
        assert_eq!(w.apply(Some(&stopped.plan)).await.applied, 3);
        assert_eq!(w.state(crowd[3]).await, (Status::Deactivated, StatusReason::Departed));
    })
    .await;
}

#[tokio::test]
async fn no_release_lets_the_last_administrator_fall() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admins = w.board(&["anna", "bo"]).await;
        w.crowd(1).await;
        w.pass_days(91);
        let stopped = w.apply(None).await;
        let RunOutcome::AwaitsRelease(stops) = &stopped.outcome else { panic!("{stopped:?}") };
        assert!(stops.contains(&SafetyStop::NoAdministrator), "{stops:?}");
        lifecycle::release(w.ports(), &w.act(), &stopped.plan, "in error").await.unwrap();
        let report = w.apply(Some(&stopped.plan)).await;
        assert_eq!((report.applied, report.skipped), (2, 1));
        let mut left = Vec::new();
        for id in admins {
            left.push(w.state(id).await.0);
        }
        left.sort();
        assert_eq!(left, [Status::Active, Status::Frozen]);
        let view = lifecycle::find(w.ports(), &stopped.plan).await.unwrap();
        let view = lifecycle::view(w.ports(), &view, portvakt::domain::language::Language::Sv).await.unwrap();
        let skipped: Vec<_> = view.steps.iter().filter_map(|step| step.outcome.clone()).collect();
        assert_eq!(skipped, ["Ingen aktiv administratör blir kvar."]);
    })
    .await;
}

#[tokio::test]
async fn of_two_administrators_who_are_deactivated_at_the_same_moment_one_stays() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admins = w.board(&["anna", "bo"]).await;
        for _ in 0..50 {
            let (first, second) = (admins[0].to_string(), admins[1].to_string());
            let (one, other) = (w.act(), w.act());
            let (one, other) = tokio::join!(
                people::deactivate(w.ports(), &one, &first, "tidying"),
                people::deactivate(w.ports(), &other, &second, "tidying"),
            );
            assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
            let fallen = if one.is_ok() { first } else { second };
            let back = people::activate(w.ports(), &w.act(), &fallen, "back").await.unwrap();
            assert_eq!(back.standing.status, Status::Active);
        }
    })
    .await;
}

#[tokio::test]
async fn of_two_administrators_whom_two_nodes_deactivate_at_the_same_moment_one_stays() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admins = w.board(&["anna", "bo"]).await;
        // Another node has a pool of its own.
        let db = portvakt::store::Db::open(&t.url, 4).await.unwrap();
        let clock: std::sync::Arc<dyn portvakt::flows::Clock> =
            std::sync::Arc::<portvakt::flows::SetClock>::clone(&w.house.clock);
        let settings = std::sync::Arc::clone(&w.ports().settings);
        let other_node = portvakt::flows::Ports::new(db, clock, settings).unwrap();
        for round in 0..25 {
            let (first, second) = (admins[round % 2].to_string(), admins[(round + 1) % 2].to_string());
            let (act, tomorrow) = (w.act(), w.now() + jiff::SignedDuration::from_hours(24));
            let ends = people::Dates { valid_until: Some(Some(tomorrow)), ..people::Dates::default() };
            let (one, other) = tokio::join!(
                people::deactivate(w.ports(), &act, &first, "tidying"),
                people::set_dates(&other_node, &act, &second, ends, "a helper for a day"),
            );
            assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
            if one.is_ok() {
                people::activate(w.ports(), &w.act(), &first, "back").await.unwrap();
            } else {
                let open = people::Dates { valid_until: Some(None), ..people::Dates::default() };
                people::set_dates(w.ports(), &w.act(), &second, open, "for good").await.unwrap();
            }
        }
        other_node.db.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_protected_account_is_refused_by_every_command_but_the_one_that_says_what_it_is_for() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let id = w.arrives("brandlucka").await.to_string();
        let act = w.act();
        for refused in [
            people::deactivate(w.ports(), &act, &id, "no").await,
            people::set_dates(w.ports(), &act, &id, people::Dates::default(), "no").await,
            people::end_leave(w.ports(), &act, &id).await,
            people::set_kind(w.ports(), &act, &id, AccountKind::Service).await,
        ] {
            assert!(matches!(refused, Err(Refusal::Protected { .. })), "{refused:?}");
        }
        // What it is for may be said of it all the same.
        let named = people::set_kind(w.ports(), &act, &id, AccountKind::BreakGlass).await.unwrap();
        assert!(named.is_protected && named.kind == AccountKind::BreakGlass);
        let nobody = people::deactivate(w.ports(), &act, "nobody@forening.example", "no").await;
        assert!(matches!(nobody, Err(Refusal::NotFound { .. })));
    })
    .await;
}
