//! What happens to people as time passes.

use jiff::SignedDuration;
use portvakt::domain::account::{AccountKind, Status, StatusReason};
use portvakt::domain::ids::{DirectoryId, SessionId, TargetId};
use portvakt::domain::lifecycle::Exempt;
use portvakt::flows::lifecycle::RunOutcome;
use portvakt::store::session::{self, Session};
use portvakt::store::{identity, outbox};
use uuid::Uuid;

use super::{SETTINGS, World, steps, told};
use crate::engines::{change, last_seen, look, on_each_engine};
use crate::house::POLICY;

#[tokio::test]
async fn who_goes_quiet_is_frozen_and_two_weeks_later_deactivated() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        w.signs_in(bo).await;
        w.pass_days(91);
        w.signs_in(admin).await;
        let plan = w.plan().await;
        assert_eq!(steps(&w, &plan).await, [("bo".to_owned(), "freeze")]);
        let version = w.get(bo).await.version;
        let report = w.apply(None).await;
        assert_eq!((report.outcome, report.applied, report.skipped), (RunOutcome::Applied, 1, 0));
        assert_eq!(w.state(bo).await, (Status::Frozen, StatusReason::Inactive));
        assert_eq!(w.get(bo).await.version, version + 1);
        let (action, cause) = told(&w, "account", bo).await.remove(0);
        assert_eq!(action, "account_frozen");
        assert_eq!(cause, format!("rule everyone, plan {}", plan.hash));
        w.pass_days(13);
        assert_eq!(w.apply(None).await.outcome, RunOutcome::NothingToDo);
        w.pass_days(1);
        assert_eq!(w.apply(None).await.applied, 1);
        assert_eq!(w.state(bo).await, (Status::Deactivated, StatusReason::Inactive));
        assert_eq!(w.state(admin).await.0, Status::Active);
        let backlog = look!(w.t, c => outbox::backlog(c, &TargetId::parse("crm").unwrap()));
        assert!(backlog.waiting > 0, "{backlog:?}");
    })
    .await;
}

#[tokio::test]
async fn the_sessions_of_whom_a_step_takes_access_from_are_dead_from_that_commit_on() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        w.pass_days(31);
        w.signs_in(admin).await;
        let identity = look!(w.t, c => identity::of_account(c, bo)).remove(0).id;
        let now = w.now();
        let open = Session {
            id: SessionId::new(Uuid::now_v7()),
            account: bo,
            identity,
            directory: DirectoryId::parse("entra").unwrap(),
            provider_session: None,
            acr: None,
            amr: None,
            authenticated_at: None,
            created_at: now,
            last_used_at: now,
            expires_at: now + SignedDuration::from_hours(12),
            ended_at: None,
        };
        change!(w.t, [open] c => session::begin(c, &open, b"hash").await).unwrap();
        assert_eq!(w.apply(None).await.applied, 1);
        assert_eq!(w.state(bo).await, (Status::Frozen, StatusReason::NeverSignedIn));
        let session = look!(w.t, c => session::by_hash(c, b"hash")).unwrap();
        assert_eq!(session.ended_at, Some(w.get(bo).await.standing.since));
    })
    .await;
}

#[tokio::test]
async fn protected_machines_and_people_on_leave_are_kept_and_named() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        let protected = w.arrives("brandlucka").await;
        let emergency = w.arrives("nyckel").await;
        w.rewrite(emergency, AccountKind::BreakGlass, None).await;
        w.pass_days(200);
        w.signs_in(admin).await;
        let plan = w.plan().await;
        assert!(plan.plan.steps.is_empty());
        let mut named: Vec<_> = plan.exceptions.iter().map(|one| (one.account, one.because.name())).collect();
        named.sort();
        let mut expected = vec![(protected, "protected"), (emergency, "break_glass")];
        expected.sort();
        assert_eq!(named, expected);
        assert_eq!(w.apply(None).await.outcome, RunOutcome::NothingToDo);
    })
    .await;
}

#[tokio::test]
async fn a_source_that_does_not_know_stops_every_step_of_inactivity_and_is_named() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        w.pass_days(91);
        w.signs_in(admin).await;
        // The CRM may report from now on, and never has.
        w.house.target_token("crm").await;
        let plan = w.plan().await;
        assert!(plan.plan.steps.is_empty());
        assert_eq!(plan.plan.kept.get(Exempt::Unknown { sources: Vec::new() }.name()), Some(&2));
        assert_eq!(plan.plan.unknown[0].unknown.source.name(), "crm");
        assert_eq!(plan.plan.unknown[0].accounts, 2);
        assert_eq!(w.apply(None).await.outcome, RunOutcome::NothingToDo);
        assert_eq!(w.state(bo).await.0, Status::Active);
        // A departure needs no evidence.
        w.directory_says("bo", false).await;
        assert_eq!(w.state(bo).await, (Status::Deactivated, StatusReason::Departed));
    })
    .await;
}

#[tokio::test]
async fn a_policy_that_observes_keeps_its_plans_and_does_nothing() {
    on_each_engine(async |t| {
        let observing = POLICY.replace("mode = \"enforce\"", "mode = \"observe\"");
        let w = World::with(t, SETTINGS, &observing).await;
        let admin = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        let guest = w.arrives("guest").await;
        w.rewrite(guest, AccountKind::Temporary, Some(w.now())).await;
        w.pass_days(31);
        w.signs_in(admin).await;
        let plan = w.plan().await;
        assert_eq!(plan.plan.steps.len(), 2);
        assert_eq!(w.apply(None).await.outcome, RunOutcome::Observed);
        assert_eq!(w.apply(Some(&plan.hash)).await.outcome, RunOutcome::Observed);
        let act = w.act();
        assert_eq!(portvakt::flows::lifecycle::follow_dates(w.ports(), &act).await.unwrap(), 0);
        assert_eq!(w.state(bo).await.0, Status::Active);
        assert_eq!(w.state(guest).await.0, Status::Active);
    })
    .await;
}

#[tokio::test]
async fn who_is_active_again_in_the_directory_comes_back_as_they_were() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let bo = w.arrives("bo").await;
        w.directory_says("bo", false).await;
        assert_eq!(w.state(bo).await, (Status::Deactivated, StatusReason::Departed));
        w.pass_days(100);
        w.directory_says("bo", true).await;
        assert_eq!(w.state(bo).await, (Status::Active, StatusReason::Returned));
        // Whoever just came back has the whole time anew.
        let plan = w.plan().await;
        assert!(!plan.plan.steps.iter().any(|step| step.account == bo));
    })
    .await;
}

#[tokio::test]
async fn who_is_removed_leaves_a_number_without_a_name_behind() {
    on_each_engine(async |t| {
        let removing = POLICY.replace("freeze_for = \"14d\"", "freeze_for = \"14d\"\nremove_after = \"30d\"");
        let w = World::with(t, SETTINGS, &removing).await;
        let admin = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        w.signs_in(bo).await;
        let path = format!("/scim/v2/entra/Users/{}", w.scim_id("bo").await);
        w.house.send("DELETE", &path, &w.token, &serde_json::Value::Null).await;
        w.pass_days(30);
        w.signs_in(admin).await;
        assert_eq!(w.apply(None).await.applied, 1);
        let left = w.get(bo).await;
        assert_eq!((left.standing.status, left.standing.reason), (Status::Removed, StatusReason::Departed));
        assert_eq!((left.user_name.as_str(), left.display_name.as_str(), left.email), ("", "", None));
        let tombstone = look!(w.t, c => identity::of_account(c, bo)).remove(0);
        assert_eq!((tombstone.document, tombstone.external_id), (serde_json::json!({}), None));
        assert!(look!(w.t, c => last_seen(c, bo)).is_empty());
        assert_eq!(w.apply(None).await.outcome, RunOutcome::NothingToDo);
        // Somebody of that name is somebody new.
        assert_ne!(w.arrives("bo").await, bo);
    })
    .await;
}
