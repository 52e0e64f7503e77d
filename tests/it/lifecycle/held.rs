//! Rights that a directory takes from many at once: they wait for a release by hash.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use portvakt::domain::account::{AccountKind, Status, StatusReason};
use portvakt::domain::ids::AccountId;
use portvakt::domain::language::Language;
use portvakt::domain::safety::SafetyStop;
use portvakt::flows::lifecycle::{self, RunOutcome, UndoWish};
use portvakt::store::{entitlement, held_right};
use serde_json::{Value, json};

use super::{World, steps};
use crate::engines::{look, on_each_engine};

impl World<'_> {
    /// The helpers' group has just these members.
    async fn helpers_become(&self, names: &[String]) {
        self.becomes("group-helpers", names).await;
    }

    async fn holds(&self, id: AccountId) -> BTreeSet<String> {
        let grants = look!(self.t, c => entitlement::held(c, id));
        grants.iter().map(|grant| format!("{}:{}", grant.kind.name(), grant.kind.value())).collect()
    }

    async fn without_rights(&self, ids: &[AccountId]) -> usize {
        let mut count = 0;
        for id in ids {
            count += usize::from(self.holds(*id).await.is_empty());
        }
        count
    }
}

fn names(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|number| format!("person{number:02}")).collect()
}

#[tokio::test]
async fn an_emptied_group_is_recorded_and_what_it_takes_waits_for_its_hash() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let crowd = w.crowd(12).await;
        w.helpers_become(&names(0, 8)).await;
        let before = w.holds(crowd[0]).await;
        assert!(before.contains("role:communicator"));
        w.helpers_become(&[]).await;
        assert_eq!(w.without_rights(&crowd[..8]).await, 0, "nobody lost anything");
        let path = w.group_path("group-helpers").await.expect("the group");
        let found = w.house.send("GET", &path, &w.token, &Value::Null).await.body;
        assert!(found.get("members").is_none_or(|members| members == &json!([])), "{found}");

        let stopped = w.apply(None).await;
        let RunOutcome::AwaitsRelease(stops) = &stopped.outcome else { panic!("{stopped:?}") };
        assert!(matches!(stops[0], SafetyStop::TooMany { steps: 8, .. }), "{stops:?}");
        let proposal = lifecycle::find(w.ports(), &stopped.plan).await.unwrap();
        assert_eq!(steps(&w, &proposal).await.iter().filter(|(_, step)| *step == "take_rights").count(), 8);
        let view = lifecycle::view(w.ports(), &proposal, Language::Sv).await.unwrap();
        assert_eq!(view.steps[0].what, "Förlorar behörighet");
        assert_eq!(view.steps[0].takes, ["communicator", "mailings"]);
        assert!(view.steps[0].why.starts_with("Katalogen ger inte längre behörigheten"));

        lifecycle::release(w.ports(), &w.act(), &stopped.plan, "the campaign is over").await.unwrap();
        let run = w.apply(Some(&stopped.plan)).await;
        assert_eq!((run.applied, run.skipped), (8, 0));
        assert_eq!(w.without_rights(&crowd[..8]).await, 8);
        assert!(look!(t, c => held_right::all(c)).is_empty());

        // Undone, everybody holds what they held, and it waits again.
        let wish = UndoWish { run: run.run.to_string(), ..UndoWish::default() };
        assert_eq!(lifecycle::undo(w.ports(), &w.act(), &wish).await.unwrap().undone, 8);
        assert_eq!(w.holds(crowd[0]).await, before);
        assert_eq!(look!(t, c => held_right::all(c)).len(), 8);
        assert_eq!(lifecycle::undo(w.ports(), &w.act(), &wish).await.unwrap().undone, 0);
    })
    .await;
}

#[tokio::test]
async fn what_waits_is_let_be_when_the_directory_gives_it_again() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let crowd = w.crowd(12).await;
        w.helpers_become(&names(0, 8)).await;
        w.helpers_become(&[]).await;
        // Another change to one of them takes nothing either, also an hour later.
        w.pass_days(1);
        w.directory_says("person00", true).await;
        assert_eq!(w.without_rights(&crowd[..8]).await, 0);
        w.helpers_become(&names(0, 8)).await;
        assert_eq!(w.apply(None).await.outcome, RunOutcome::NothingToDo);
        assert!(look!(t, c => held_right::all(c)).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_few_may_lose_their_rights_in_an_hour_and_a_swap_is_not_counted() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let crowd = w.crowd(12).await;
        w.helpers_become(&names(0, 6)).await;
        // Six leave and six come.
        w.helpers_become(&names(6, 12)).await;
        assert_eq!(w.without_rights(&crowd).await, 6);
        w.pass_days(1);
        w.helpers_become(&names(9, 12)).await;
        assert_eq!(w.without_rights(&crowd).await, 9, "three are within the limits");
        w.helpers_become(&names(10, 12)).await;
        assert_eq!(w.without_rights(&crowd).await, 9, "a fourth within the hour is not");
        w.pass_days(1);
        w.helpers_become(&names(11, 12)).await;
        assert_eq!(w.without_rights(&crowd).await, 10, "a day later the next may go");
    })
    .await;
}

#[tokio::test]
async fn in_a_large_organisation_people_may_lose_their_rights_one_by_one() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let crowd = w.crowd(60).await;
        w.helpers_become(&names(0, 10)).await;
        // Six of 61 are within a tenth, though more than three.
        for gone in 1..=6 {
            w.helpers_become(&names(gone, 10)).await;
            assert_eq!(w.without_rights(&crowd[..10]).await, gone);
        }
        assert!(look!(t, c => held_right::all(c)).is_empty());
        w.helpers_become(&names(7, 10)).await;
        assert_eq!(w.without_rights(&crowd[..10]).await, 6, "the seventh waits");
    })
    .await;
}

#[tokio::test]
async fn what_waits_keeps_no_other_right_from_being_taken() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let eve = w.board(&["anna", "eve"]).await[1];
        w.crowd(8).await;
        let mut helpers = names(0, 8);
        helpers.push("eve".to_owned());
        w.helpers_become(&helpers).await;
        w.helpers_become(&[]).await;
        assert_eq!(look!(t, c => held_right::all(c)).len(), 9);
        let board = |holds: &BTreeSet<String>| holds.contains("role:board");
        assert!(board(&w.holds(eve).await));
        w.pass_days(1);
        w.becomes("group-board", &["anna".to_owned()]).await;
        let holds = w.holds(eve).await;
        assert!(!board(&holds), "the administrators' role goes at once: {holds:?}");
        assert!(holds.contains("role:communicator"), "and what waits stays: {holds:?}");
    })
    .await;
}

#[tokio::test]
async fn rights_that_wait_keep_nobody_elses_step_waiting() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let crowd = w.crowd(12).await;
        w.helpers_become(&names(0, 8)).await;
        w.helpers_become(&[]).await;
        w.rewrite(crowd[11], AccountKind::Person, Some(w.now() + SignedDuration::from_hours(1))).await;
        w.pass_days(1);
        let run = w.apply(None).await;
        assert!(matches!(run.outcome, RunOutcome::AwaitsRelease(_)), "{run:?}");
        assert_eq!(w.without_rights(&crowd[..8]).await, 0);
        assert_eq!(w.state(crowd[11]).await, (Status::Deactivated, StatusReason::Expired));
        lifecycle::release(w.ports(), &w.act(), &run.plan, "they have left").await.unwrap();
        assert_eq!(w.apply(Some(&run.plan)).await.applied, 8);
    })
    .await;
}
