//! What a directory's changes take, what they may not take, and what comes back with a person.

use std::collections::BTreeSet;

use portvakt::domain::account::{AccountKind, Status, StatusReason};
use portvakt::domain::grant::{Grant, GrantKind, Origin};
use portvakt::domain::ids::{AccountId, GrantId, RoleId};
use portvakt::flows::people::{self, Dates, LeaveWish};
use portvakt::flows::{Refusal, entitle, lifecycle};
use portvakt::store::entitlement;
use serde_json::{Value, json};
use uuid::Uuid;

use super::directory::{GROUPS, patch};
use super::{SETTINGS, USERS, World, told};
use crate::engines::{change, look, on_each_engine};
use crate::house::POLICY;

impl World<'_> {
    async fn roles(&self, id: AccountId) -> BTreeSet<String> {
        let grants = look!(self.t, c => entitlement::held(c, id));
        let roles = grants.iter().filter(|grant| grant.kind.name() == "role");
        roles.map(|grant| grant.kind.value().to_owned()).collect()
    }

    async fn is_on_the_board(&self, id: AccountId) -> bool {
        self.roles(id).await.contains("board")
    }

    /// The board's group from now on has just these members.
    async fn board_becomes(&self, names: &[&str]) {
        self.becomes("group-board", names).await;
    }

    async fn was_held_back(&self, id: AccountId) -> usize {
        told(self, "account", id).await.iter().filter(|(action, _)| action == "grants_held_back").count()
    }

    async fn gives_by_hand(&self, id: AccountId, role: &str) {
        let grant = Grant {
            id: GrantId::new(Uuid::now_v7()),
            kind: GrantKind::Role(RoleId::parse(role).expect("a role's id")),
            origin: Origin::Manual,
            by: "operator:karin".to_owned(),
            why: Some("helps out".to_owned()),
            since: self.now(),
            ends_at: None,
            until: None,
        };
        change!(self.t, [grant] c => entitlement::give(c, id, &grant).await).expect("the grant is written");
    }
}

#[tokio::test]
async fn an_emptied_group_leaves_the_last_administrators_and_they_go_when_another_comes() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admins = w.board(&["anna", "bo"]).await;
        let cia = w.arrives("cia").await;
        w.board_becomes(&["anna"]).await;
        assert!(!w.is_on_the_board(admins[1]).await, "one of two may go");
        w.board_becomes(&[]).await;
        assert!(w.is_on_the_board(admins[0]).await);
        assert_eq!(w.was_held_back(admins[0]).await, 1);
        let act = w.act();
        assert_eq!(entitle::let_go_of_the_held_back(w.ports(), &act).await.unwrap(), 0);
        assert_eq!(w.was_held_back(admins[0]).await, 1, "it was told already");
        w.board_becomes(&["cia"]).await;
        assert!(w.is_on_the_board(cia).await);
        assert!(!w.is_on_the_board(admins[0]).await, "somebody else administers now");
        w.board_becomes(&["bo"]).await;
        assert!(w.is_on_the_board(admins[1]).await && !w.is_on_the_board(cia).await, "a swap is no emptying");
    })
    .await;
}

#[tokio::test]
async fn what_was_held_back_is_let_go_however_another_holder_came() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let anna = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        w.board_becomes(&[]).await;
        assert!(w.is_on_the_board(anna).await);
        w.gives_by_hand(bo, "board").await;
        let act = w.act();
        assert_eq!(entitle::let_go_of_the_held_back(w.ports(), &act).await.unwrap(), 1);
        assert!(!w.is_on_the_board(anna).await && w.is_on_the_board(bo).await);
    })
    .await;
}

#[tokio::test]
async fn of_two_administrators_whom_two_groups_drop_at_the_same_moment_one_stays() {
    on_each_engine(async |t| {
        let policy = POLICY.replace(
            "when = { group = \"group-board\" }",
            "when = { any = [{ group = \"one\" }, { group = \"two\" }] }",
        );
        let w = World::with(t, SETTINGS, &policy).await;
        let mut paths = Vec::new();
        let mut ids = Vec::new();
        for (name, group) in [("anna", "one"), ("bo", "two")] {
            ids.push(w.arrives(name).await);
            let member = json!([{ "value": w.scim_id(name).await }]);
            let body = json!({ "displayName": group, "externalId": group, "members": member });
            let made = w.house.send("POST", GROUPS, &w.token, &body).await;
            paths.push((format!("{GROUPS}/{}", made.body["id"].as_str().expect("an id")), member));
        }
        let operation =
            |op: &str, value: &Value| patch(&json!([{ "op": op, "path": "members", "value": value }]));
        for _ in 0..20 {
            let (one, other) = (operation("remove", &paths[0].1), operation("remove", &paths[1].1));
            let (one, other) = tokio::join!(
                w.house.send("PATCH", &paths[0].0, &w.token, &one),
                w.house.send("PATCH", &paths[1].0, &w.token, &other),
            );
            assert!(one.status.is_success() && other.status.is_success(), "{one:?} {other:?}");
            let left = [w.is_on_the_board(ids[0]).await, w.is_on_the_board(ids[1]).await];
            assert!(left[0] != left[1], "{left:?}");
            for (path, member) in &paths {
                let back = w.house.send("PATCH", path, &w.token, &operation("add", member)).await;
                assert!(back.status.is_success(), "{}", back.body);
            }
            assert!(w.is_on_the_board(ids[0]).await && w.is_on_the_board(ids[1]).await);
        }
    })
    .await;
}

#[tokio::test]
async fn a_directory_takes_nothing_from_a_protected_or_break_glass_account() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let ids = w.board(&["anna", "brandlucka", "glas"]).await;
        w.rewrite(ids[2], AccountKind::BreakGlass, None).await;
        w.board_becomes(&["anna"]).await;
        for id in &ids[1..] {
            assert!(w.is_on_the_board(*id).await);
            assert_eq!(w.was_held_back(*id).await, 1);
        }
        w.directory_says("glas", false).await;
        assert_eq!(w.state(ids[2]).await.0, Status::Active);
    })
    .await;
}

#[tokio::test]
async fn a_directory_lifts_only_what_it_laid_down_itself() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let (bo, cia) = (w.arrives("bo").await, w.arrives("cia").await);
        people::deactivate(w.ports(), &w.act(), &bo.to_string(), "suspected misuse").await.unwrap();
        let leave = LeaveWish::new(w.now(), w.now() + jiff::SignedDuration::from_hours(30 * 24), "Karin Ek");
        people::grant_leave(w.ports(), &w.act(), &cia.to_string(), leave).await.unwrap();
        for name in ["bo", "cia"] {
            w.directory_says(name, false).await;
        }
        assert_eq!(w.state(bo).await, (Status::Deactivated, StatusReason::Departed));
        for name in ["bo", "cia"] {
            w.directory_says(name, true).await;
        }
        assert_eq!(w.state(bo).await, (Status::Deactivated, StatusReason::Manual), "a person lifts that");
        assert_eq!(w.get(bo).await.standing.note.as_deref(), Some("suspected misuse"));
        assert_eq!(w.state(cia).await, (Status::Paused, StatusReason::Leave), "the leave lasts");
        w.directory_says("cia", false).await;
        w.pass_days(31);
        w.directory_says("cia", true).await;
        assert_eq!(w.state(cia).await.0, Status::Active, "the leave is over");
    })
    .await;
}

#[tokio::test]
async fn who_was_frozen_before_they_departed_is_frozen_when_they_return() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let anna = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        w.pass_days(91);
        w.signs_in(anna).await;
        assert_eq!(w.apply(None).await.applied, 1);
        let frozen = w.state(bo).await;
        assert_eq!(frozen.0, Status::Frozen);
        w.directory_says("bo", false).await;
        w.directory_says("bo", true).await;
        assert_eq!(w.state(bo).await, frozen);
    })
    .await;
}

#[tokio::test]
async fn who_is_made_again_has_no_manual_role_until_a_person_decides() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let bo = w.arrives("bo").await;
        w.gives_by_hand(bo, "communicator").await;
        w.directory_says("bo", false).await;
        w.directory_says("bo", true).await;
        assert!(w.roles(bo).await.contains("communicator"), "who was only switched off is as they were");
        let path = format!("{USERS}/{}", w.scim_id("bo").await);
        w.house.send("DELETE", &path, &w.token, &Value::Null).await;
        assert_eq!(w.arrives("bo").await, bo);
        assert_eq!(w.state(bo).await.0, Status::Active);
        assert!(w.roles(bo).await.is_empty());
        let actions = told(&w, "account", bo).await;
        assert!(actions.iter().any(|(action, _)| action == "manual_rights_ended"), "{actions:?}");
    })
    .await;
}

#[tokio::test]
async fn the_last_administrator_stays_for_leave_and_for_dates_too() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admins = w.board(&["anna", "bo"]).await;
        let ended = Dates { valid_from: None, valid_until: Some(Some(w.now())) };
        let text = |at: usize| admins[at].to_string();
        people::set_dates(w.ports(), &w.act(), &text(1), ended, "the term is over").await.unwrap();
        let leave = LeaveWish::new(w.now(), w.now() + jiff::SignedDuration::from_hours(24), "Karin Ek");
        let act = w.act();
        for refused in [
            people::deactivate(w.ports(), &act, &text(0), "tidying").await,
            people::set_dates(w.ports(), &act, &text(0), ended, "tidying").await,
            people::grant_leave(w.ports(), &act, &text(0), leave).await,
        ] {
            assert!(matches!(refused, Err(Refusal::Conflict(_))), "{refused:?}");
        }
        let later = LeaveWish::new(
            w.now() + jiff::SignedDuration::from_hours(1),
            w.now() + jiff::SignedDuration::from_hours(48),
            "Karin Ek",
        );
        people::grant_leave(w.ports(), &w.act(), &text(0), later).await.unwrap();
        w.pass_days(1);
        lifecycle::follow_dates(w.ports(), &w.act()).await.unwrap();
        w.apply(None).await;
        assert_eq!(w.state(admins[0]).await.0, Status::Active);
    })
    .await;
}
