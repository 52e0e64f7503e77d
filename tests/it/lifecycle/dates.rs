//! Dates that people set: leave, the end of an account, the end of a grant.

use jiff::SignedDuration;
use portvakt::domain::account::{AccountKind, Status, StatusReason};
use portvakt::domain::grant::{Grant, GrantKind, Origin};
use portvakt::domain::ids::{GrantId, RoleId};
use portvakt::flows::lifecycle;
use portvakt::flows::people::{self, LeaveWish};
use portvakt::store::entitlement;
use uuid::Uuid;

use super::World;
use crate::engines::{change, look, on_each_engine};

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

async fn tick(w: &World<'_>) -> usize {
    lifecycle::follow_dates(w.ports(), &w.act()).await.unwrap()
}

#[tokio::test]
async fn a_leave_pauses_on_its_first_day_and_the_clock_stands_still_until_the_last() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        w.signs_in(bo).await;
        let (from, until) = (w.now() + days(10), w.now() + days(210));
        let wish = LeaveWish::new(from, until, "Karin Ek");
        people::grant_leave(w.ports(), &w.act(), &bo.to_string(), wish).await.unwrap();
        assert_eq!((tick(&w).await, w.state(bo).await.0), (0, Status::Active));
        w.pass_days(10);
        assert_eq!(tick(&w).await, 1);
        assert_eq!(w.state(bo).await, (Status::Paused, StatusReason::Leave));
        w.pass_days(150);
        w.signs_in(admin).await;
        assert_eq!(tick(&w).await, 0);
        let plan = w.plan().await;
        assert!(plan.plan.steps.is_empty(), "{:?}", plan.plan.steps);
        assert_eq!(plan.exceptions[0].because.name(), "on_leave");
        w.pass_days(50);
        w.signs_in(admin).await;
        assert_eq!(tick(&w).await, 1);
        assert_eq!(w.state(bo).await, (Status::Active, StatusReason::Returned));
        w.pass_days(60);
        assert!(w.plan().await.plan.steps.is_empty());
        w.pass_days(31);
        w.signs_in(admin).await;
        assert_eq!(w.apply(None).await.applied, 1);
    })
    .await;
}

#[tokio::test]
async fn a_leave_can_begin_and_end_by_hand_at_once() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let bo = w.arrives("bo").await.to_string();
        let wish = LeaveWish::new(w.now(), w.now() + days(30), "Karin Ek");
        let paused = people::grant_leave(w.ports(), &w.act(), "BO@forening.example", wish).await.unwrap();
        assert_eq!(paused.standing.status, Status::Paused);
        let shown = people::show(w.ports(), &bo, portvakt::domain::language::Language::Sv).await.unwrap();
        assert_eq!(shown.leave.unwrap().approver, "Karin Ek");
        w.pass_days(3);
        let back = people::end_leave(w.ports(), &w.act(), &bo).await.unwrap();
        assert_eq!((back.standing.status, back.returned_at), (Status::Active, Some(w.now())));
        assert!(people::end_leave(w.ports(), &w.act(), &bo).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_temporary_account_ends_on_its_day_and_the_limits_hold_for_it_too() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let mut guests = Vec::new();
        for number in 0..5 {
            let guest = w.arrives(&format!("guest{number}")).await;
            w.rewrite(guest, AccountKind::Temporary, Some(w.now() + days(5))).await;
            guests.push(guest);
        }
        assert_eq!(tick(&w).await, 0);
        w.pass_days(5);
        assert_eq!(tick(&w).await, 3);
        let mut ended = 0;
        for guest in guests {
            ended += usize::from(w.state(guest).await == (Status::Deactivated, StatusReason::Expired));
        }
        assert_eq!(ended, 3);
        // The others go the next day, when the limits have room again.
        w.pass_days(2);
        assert_eq!(tick(&w).await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_manual_grant_ends_on_its_day_and_the_crm_is_told() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let bo = w.arrives("bo").await;
        let grant = Grant {
            id: GrantId::new(Uuid::now_v7()),
            kind: GrantKind::Role(RoleId::parse("communicator").unwrap()),
            origin: Origin::Manual,
            by: "account:anna".to_owned(),
            why: Some("the spring letter".to_owned()),
            since: w.now(),
            ends_at: Some(w.now() + days(5)),
            until: None,
        };
        change!(w.t, [grant] c => entitlement::give(c, bo, &grant).await).unwrap();
        let story =
            people::explain(w.ports(), &bo.to_string(), portvakt::domain::language::Language::Sv).await;
        let story = story.unwrap().remove(0);
        assert_eq!((story.name.as_str(), story.why.as_deref()), ("Kommunikatör", Some("the spring letter")));
        assert_eq!(lifecycle::end_grants(w.ports(), &w.act()).await.unwrap(), 0);
        w.pass_days(5);
        let version = w.get(bo).await.version;
        assert_eq!(lifecycle::end_grants(w.ports(), &w.act()).await.unwrap(), 1);
        assert!(look!(w.t, c => entitlement::held(c, bo)).is_empty());
        assert_eq!(w.get(bo).await.version, version + 1);
    })
    .await;
}

#[tokio::test]
async fn the_reason_decides_who_may_open_an_account_again() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let bo = w.arrives("bo").await.to_string();
        let open = async || people::activate(w.ports(), &w.act(), &bo, "back").await;
        people::deactivate(w.ports(), &w.act(), &bo, "lost the telephone").await.unwrap();
        assert_eq!(open().await.unwrap().standing.status, Status::Active);
        w.directory_says("bo", false).await;
        assert!(open().await.unwrap_err().to_string().contains("left the directory"));
        w.directory_says("bo", true).await;
        w.rewrite(portvakt::domain::ids::AccountId::parse(&bo).unwrap(), AccountKind::Person, Some(w.now()))
            .await;
        tick(&w).await;
        assert!(open().await.unwrap_err().to_string().contains("end date"));
    })
    .await;
}
