//! Undoing a run: what it did is as before, and nothing else.

use portvakt::domain::account::{Status, StatusReason};
use portvakt::domain::language::Language;
use portvakt::flows::Refusal;
use portvakt::flows::lifecycle::{self, UndoReport, UndoWish};
use portvakt::flows::people;

use super::{World, told};
use crate::engines::on_each_engine;

impl World<'_> {
    async fn undo(&self, run: impl ToString, accounts: &[&str], dry_run: bool) -> UndoReport {
        let wish = UndoWish {
            run: run.to_string(),
            accounts: accounts.iter().map(|name| format!("{name}@forening.example")).collect(),
            dry_run,
            reason: Some("released in error".to_owned()),
            language: Language::En,
        };
        lifecycle::undo(self.ports(), &self.act(), &wish).await.expect("the run is undone")
    }

    async fn version(&self, name: &str) -> i64 {
        self.of_name(name).await.version
    }
}

#[tokio::test]
async fn a_run_is_undone_once_and_who_changed_since_is_left_alone() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        let (bo, cia, dag) = (w.arrives("bo").await, w.arrives("cia").await, w.arrives("dag").await);
        w.pass_days(31);
        w.signs_in(admin).await;
        let run = w.apply(None).await;
        assert_eq!(run.applied, 3);
        w.pass_days(1);
        people::deactivate(w.ports(), &w.act(), &cia.to_string(), "has left").await.unwrap();
        w.directory_says("dag", false).await;

        let shown = w.undo(run.run, &[], true).await;
        assert_eq!((shown.undone, shown.recorded_as), (1, None));
        assert_eq!(w.state(bo).await, (Status::Frozen, StatusReason::NeverSignedIn), "it was only shown");

        let version = w.version("bo").await;
        let report = w.undo(run.run, &[], false).await;
        assert_eq!(report.undone, 1);
        assert_eq!(report.left_alone().into_iter().collect::<Vec<_>>(), [("changed_since", 2)]);
        assert_eq!(w.state(bo).await, (Status::Active, StatusReason::Provisioned));
        assert!(w.version("bo").await > version, "the CRM is told");
        assert_eq!(w.state(cia).await, (Status::Deactivated, StatusReason::Manual));
        let audited = told(&w, "account", bo).await;
        assert!(audited[0].1.starts_with("undo of run ") && audited[0].1.ends_with(": released in error"));

        let again = w.undo(run.run, &[], false).await;
        assert_eq!((again.undone, again.left_alone()["undone_already"]), (0, 1));
        assert_eq!(told(&w, "account", bo).await.len(), audited.len(), "a repeat does nothing");

        // Who is named is restored although a person changed them since; who departed is not, while it is so.
        assert_eq!(w.undo(run.run, &["cia"], false).await.undone, 1);
        assert_eq!(w.state(cia).await.0, Status::Active);
        let departed = w.undo(run.run, &["dag"], false).await;
        assert_eq!(departed.steps[0].left_alone, Some("still_holds"));
        assert!(departed.steps[0].what.contains("Inactive in the directory"), "{departed:?}");
        assert_eq!(w.state(dag).await, (Status::Deactivated, StatusReason::Departed));

        let runs = lifecycle::runs(w.ports(), 10).await.unwrap();
        assert_eq!(runs.iter().filter(|run| run.outcome == "undone").count(), 4);
        // The clock of who came back begins anew.
        assert_eq!(w.apply(None).await.applied, 0);
    })
    .await;
}

#[tokio::test]
async fn what_was_erased_stays_erased_and_an_unknown_run_is_refused() {
    on_each_engine(async |t| {
        let policy = crate::house::POLICY
            .replace("freeze_for = \"14d\"", "freeze_for = \"14d\"\nremove_after = \"30d\"");
        let w = World::with(t, super::SETTINGS, &policy).await;
        let admin = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        let mut runs = Vec::new();
        for pause in [31, 15, 31] {
            w.pass_days(pause);
            w.signs_in(admin).await;
            runs.push(w.apply(None).await);
        }
        assert_eq!(w.state(bo).await.0, Status::Removed);
        for run in &runs {
            let report = w.undo(run.run, &[], false).await;
            assert_eq!(report.steps[0].left_alone, Some("removed"), "{report:?}");
        }
        let wish = |run: &str| UndoWish { run: run.to_owned(), ..UndoWish::default() };
        for (run, expected) in
            [("ffffffff", "there is no run"), ("0", "names more than one run"), ("", "there is no run")]
        {
            let refused = lifecycle::undo(w.ports(), &w.act(), &wish(run)).await.unwrap_err();
            assert!(refused.to_string().contains(expected), "{run:?}: {refused}");
            assert!(matches!(refused, Refusal::NotFound { .. } | Refusal::Ambiguous { .. }));
        }
    })
    .await;
}
