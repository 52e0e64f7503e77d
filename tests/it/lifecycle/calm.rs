//! When the lifecycle holds its hand: it is new, the day is excluded, the clock has jumped, a row cannot be read.

use jiff::SignedDuration;
use portvakt::domain::account::{AccountKind, Status, StatusReason};
use portvakt::domain::language::Language;
use portvakt::flows::lifecycle::{self, Due, RunOutcome, Watch};
use portvakt::flows::protection::{self, Agreed};
use portvakt::flows::{Refusal, clock_watch, people};
use portvakt::store::evidence_day;
use serde_json::json;

use super::{SETTINGS, World, told};
use crate::engines::{look, on_each_engine};
use crate::house::{POLICY, at};

fn policy(lifecycle: &str) -> String {
    POLICY.replace("mode = \"enforce\"", lifecycle)
}

#[tokio::test]
async fn a_new_lifecycle_observes_for_a_fortnight_and_says_so() {
    on_each_engine(async |t| {
        let w = World::with(t, SETTINGS, &policy("")).await;
        let admin = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        w.rewrite(bo, AccountKind::Person, Some(w.now() + SignedDuration::from_hours(24))).await;
        w.pass_days(13);
        w.signs_in(admin).await;
        let run = w.apply(None).await;
        assert_eq!(run.outcome, RunOutcome::Observed);
        assert_eq!(w.state(bo).await.0, Status::Active);
        let kept = lifecycle::find(w.ports(), &run.plan).await.unwrap();
        let view = lifecycle::view(w.ports(), &kept, Language::Sv).await.unwrap();
        assert!(view.notes[0].contains("observerar till 2025-10-21"), "{:?}", view.notes);
        assert_eq!(lifecycle::runs(w.ports(), 1).await.unwrap()[0].outcome, "observed");
        w.pass_days(1);
        w.signs_in(admin).await;
        assert_eq!(w.apply(None).await.applied, 1);
        // Another version of the policy does not begin anew.
        let act = w.act();
        portvakt::flows::policies::apply(w.ports(), &act, &policy("source_stale_after = \"6d\""))
            .await
            .unwrap();
        let compiled = {
            let mut c = t.db.read().await.unwrap();
            w.ports().policies.current(&mut c).await.unwrap()
        };
        let now = w.now();
        assert_eq!(look!(t, c => lifecycle::watch(c, &compiled.policy, now)), Watch::Acts);
    })
    .await;
}

#[tokio::test]
async fn no_step_falls_on_an_excluded_day_but_a_departure_does() {
    on_each_engine(async |t| {
        let days = "mode = \"enforce\"\nno_steps_on = [\"weekends\", \"swedish_holidays\", \"july\"]";
        let w = World::with(t, SETTINGS, &policy(days)).await;
        let admin = w.board(&["anna"]).await[0];
        let (bo, cia) = (w.arrives("bo").await, w.arrives("cia").await);
        // 8 November 2025 is a Saturday, a month after they came.
        w.house.clock.set(at("2025-11-08T08:00:00Z"));
        w.signs_in(admin).await;
        let plan = w.plan().await;
        assert!(plan.plan.steps.is_empty(), "{plan:?}");
        assert_eq!(plan.plan.kept.get("calm_day"), Some(&2));
        w.directory_says("cia", false).await;
        assert_eq!(w.state(cia).await, (Status::Deactivated, StatusReason::Departed));
        w.house.clock.set(at("2025-11-10T08:00:00Z"));
        assert_eq!(w.apply(None).await.applied, 1);
        assert_eq!(w.state(bo).await, (Status::Frozen, StatusReason::NeverSignedIn));
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_jumps_stops_every_automatic_step_until_a_person_releases_it() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        assert_eq!(clock_watch::look(w.ports()).await.unwrap(), None);
        // Within an hour is no jump, and time that passes is none either.
        w.house.clock.jump(SignedDuration::from_mins(59));
        assert_eq!(clock_watch::look(w.ports()).await.unwrap(), None);
        w.pass_days(3);
        assert_eq!(clock_watch::look(w.ports()).await.unwrap(), None);
        for jump in [400 * 24, -24] {
            w.house.clock.jump(SignedDuration::from_hours(jump));
            w.signs_in(admin).await;
            let seen = clock_watch::look(w.ports()).await.unwrap().expect("the jump is seen");
            assert_eq!(seen.showed.duration_since(seen.expected).as_hours(), jump);
            // It is still stopped when the clock is right again, and for every node.
            w.house.clock.jump(SignedDuration::from_hours(-jump));
            assert!(clock_watch::look(w.ports()).await.unwrap().is_some());
            w.pass_days(2);
            assert!(!lifecycle::is_due(w.ports()).await.unwrap());
            assert!(matches!(lifecycle::run_due(w.ports()).await.unwrap(), Due::Stopped(_)));
            let refused = lifecycle::apply(w.ports(), &w.act(), None).await.unwrap_err();
            assert!(refused.to_string().contains("lifecycle clock --release"), "{refused}");
            let silent = clock_watch::release(w.ports(), &w.act(), " ").await;
            assert!(matches!(silent, Err(Refusal::Invalid { .. })));
            assert!(clock_watch::release(w.ports(), &w.act(), "the time server was wrong").await.unwrap());
            assert!(!clock_watch::release(w.ports(), &w.act(), "again").await.unwrap());
            assert!(matches!(lifecycle::run_due(w.ports()).await.unwrap(), Due::Ran(_)));
        }
        assert_eq!(w.state(bo).await.0, Status::Active);
        let audited = told(&w, "setting", "clock").await;
        let count = |action: &str| audited.iter().filter(|(told, _)| told == action).count();
        assert_eq!((count("clock_jumped"), count("clock_released")), (2, 2));
    })
    .await;
}

#[tokio::test]
async fn an_account_that_cannot_be_read_is_named_and_keeps_nobody_elses_step_from_being_taken() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admins = w.board(&["anna", "bo"]).await;
        let cia = w.arrives("cia").await;
        w.pass_days(31);
        w.signs_in(admins[0]).await;
        let mut raw = t.raw().await;
        raw.execute("UPDATE entitlement SET kind = 'nonsense' WHERE account_id = (SELECT id FROM account WHERE display_name = 'bo')").await;
        let run = w.apply(None).await;
        assert_eq!((run.applied, run.skipped), (1, 0));
        assert_eq!(w.state(cia).await.0, Status::Frozen);
        assert_eq!(w.state(admins[1]).await.0, Status::Active);
        let kept = lifecycle::find(w.ports(), &run.plan).await.unwrap();
        assert_eq!(kept.plan.kept.get("needs_attention"), Some(&1));
        assert_eq!(kept.exceptions[0].account, admins[1]);
    })
    .await;
}

#[tokio::test]
async fn a_rule_about_an_attribute_applies_to_whom_the_directory_says() {
    on_each_engine(async |t| {
        let rule = "[[lifecycle.rule]]\nid = \"office\"\nevidence = [\"sso\"]\ninactive_after = \"300d\"\n\
            applies_to = { attribute = { path = \"userType\", in = [\"kansli\"] } }\n[[lifecycle.rule]]\nid = \"everyone\"";
        let w = World::with(t, SETTINGS, &POLICY.replace("[[lifecycle.rule]]\nid = \"everyone\"", rule)).await;
        let admin = w.board(&["anna"]).await[0];
        let (bo, cia) = (w.arrives("bo").await, w.arrives("cia").await);
        w.says("bo", json!([{ "op": "replace", "path": "userType", "value": "Kansli" }])).await;
        w.pass_days(31);
        w.signs_in(admin).await;
        assert_eq!(w.apply(None).await.applied, 1);
        assert_eq!((w.state(bo).await.0, w.state(cia).await.0), (Status::Active, Status::Frozen));
    })
    .await;
}

#[tokio::test]
async fn two_administrators_protect_an_account_and_two_lift_it_again() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let id = w.arrives("bo").await;
        let name = id.to_string();
        let karin = w.act();
        let olle = || w.ports().act(portvakt::domain::actor::Actor::Operator("olle".to_owned()), "command");
        for (protects, first, second) in [(true, &karin, &olle()), (false, &olle(), &karin)] {
            let ask = async |act, why: &str| protection::propose(w.ports(), act, &name, protects, why).await;
            assert!(matches!(ask(first, "").await, Err(Refusal::Invalid { .. })));
            assert_eq!(ask(first, "the treasurer").await.unwrap(), Agreed::Waits);
            assert_eq!(w.get(id).await.is_protected, !protects);
            let alone = ask(first, "the treasurer").await.unwrap_err();
            assert!(alone.to_string().contains("another administrator"), "{alone}");
            assert!(matches!(ask(second, "agreed").await.unwrap(), Agreed::Done(_)));
            assert_eq!(w.get(id).await.is_protected, protects);
            // The settings say nothing of it, and a restart leaves it as it was agreed.
            protection::follow_settings(w.ports(), &karin).await.unwrap();
            assert_eq!(w.get(id).await.is_protected, protects);
            let refused = people::deactivate(w.ports(), &karin, &name, "tidying").await;
            assert_eq!(matches!(refused, Err(Refusal::Protected { .. })), protects, "{refused:?}");
        }
        // What the settings protect is lifted only there; an old request is not confirmed.
        let fixed = w.arrives("brandlucka").await.to_string();
        let refused = protection::propose(w.ports(), &karin, &fixed, false, "why not").await.unwrap_err();
        assert!(refused.to_string().contains("settings file"), "{refused}");
        let cia = w.arrives("cia").await.to_string();
        protection::propose(w.ports(), &karin, &cia, true, "the chair").await.unwrap();
        w.pass_days(8);
        let late = protection::propose(w.ports(), &olle(), &cia, true, "the chair").await.unwrap();
        assert_eq!(late, Agreed::Waits);
    })
    .await;
}

#[tokio::test]
async fn limits_are_tried_on_the_days_on_which_people_were_really_seen() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let (bo, cia) = (w.arrives("bo").await, w.arrives("cia").await);
        let service = w.arrives("robot").await;
        w.rewrite(service, AccountKind::Service, None).await;
        let limits = [60, 90].map(|days| SignedDuration::from_hours(24 * days));
        let none = lifecycle::backtest(w.ports(), &limits).await.unwrap();
        assert_eq!((none.from, none.accounts), (None, 0));
        for (pause, who) in [(0, vec![bo, cia]), (70, vec![bo]), (50, vec![bo]), (55, vec![bo])] {
            w.pass_days(pause);
            for id in who {
                w.signs_in(id).await;
            }
        }
        w.pass_days(10);
        let tried = lifecycle::backtest(w.ports(), &limits).await.unwrap();
        assert_eq!((tried.from, tried.accounts), (Some(at("2025-10-07T08:00:00Z")), 2));
        let counts: Vec<_> = tried
            .limits
            .iter()
            .map(|one| (one.inactive_after_days, one.outcome.frozen, one.outcome.back_within_month))
            .collect();
        assert_eq!(counts, [(60, 2, 1), (90, 1, 0)]);
        assert_eq!(look!(t, c => evidence_day::first(c)), tried.from);
        assert!(matches!(lifecycle::backtest(w.ports(), &[]).await, Err(Refusal::Invalid { .. })));
    })
    .await;
}
