//! Table `account_status`.

use jiff::Timestamp;
use portvakt::domain::account::{Account, Status, StatusReason};
use portvakt::store::{account, standing as statuses};

use super::sample::{minute, person, standing};
use crate::engines::{TestDb, change, look, on_each_engine};

async fn becomes(t: &TestDb, who: &Account, status: Status, since: Timestamp) {
    let new = standing(status, StatusReason::Manual, since);
    change!(t, [who] c => statuses::change(c, who.id, &new).await).unwrap();
}

#[tokio::test]
async fn every_past_status_can_be_read_and_the_present_one_stands_in_the_account() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await;
        becomes(t, &asa, Status::Frozen, minute(10)).await;
        becomes(t, &asa, Status::Active, minute(20)).await;
        let history = look!(t, c => statuses::history(c, asa.id));
        let seen: Vec<_> = history.iter().map(|past| (past.standing.status, past.until)).collect();
        assert_eq!(
            seen,
            [(Status::Active, Some(minute(10))), (Status::Frozen, Some(minute(20))), (Status::Active, None)]
        );
        let at = async |when| look!(t, c => statuses::at(c, asa.id, when)).map(|past| past.standing.status);
        assert_eq!(at(minute(-1)).await, None);
        assert_eq!(at(minute(0)).await, Some(Status::Active));
        assert_eq!(at(minute(9)).await, Some(Status::Active));
        assert_eq!(at(minute(10)).await, Some(Status::Frozen));
        assert_eq!(at(minute(20)).await, Some(Status::Active));
        let present = look!(t, c => account::get(c, asa.id)).unwrap();
        assert_eq!(present.standing, history[2].standing);
        assert_eq!(present.activated_at, Some(minute(20)));
    })
    .await;
}

#[tokio::test]
async fn of_two_statuses_at_one_instant_the_later_written_counts() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await;
        becomes(t, &asa, Status::Paused, minute(10)).await;
        becomes(t, &asa, Status::Deactivated, minute(10)).await;
        let past = look!(t, c => statuses::at(c, asa.id, minute(10))).unwrap();
        assert_eq!((past.standing.status, past.until), (Status::Deactivated, None));
        assert_eq!(look!(t, c => statuses::history(c, asa.id)).len(), 3);
    })
    .await;
}

#[tokio::test]
async fn access_counts_as_taken_only_from_those_who_had_it_and_have_it_no_more() {
    on_each_engine(async |t| {
        let people = [person(t, "a").await, person(t, "b").await, person(t, "c").await, person(t, "d").await];
        let [frozen, back, long_gone, paused] = &people;
        becomes(t, long_gone, Status::Frozen, minute(5)).await;
        becomes(t, frozen, Status::Frozen, minute(20)).await;
        becomes(t, frozen, Status::Deactivated, minute(30)).await;
        becomes(t, back, Status::Deactivated, minute(20)).await;
        becomes(t, back, Status::Active, minute(21)).await;
        becomes(t, long_gone, Status::Deactivated, minute(20)).await;
        becomes(t, paused, Status::Paused, minute(20)).await;
        assert_eq!(look!(t, c => statuses::taken_since(c, minute(10))), 1);
        assert_eq!(look!(t, c => statuses::taken_since(c, minute(1))), 2);
        assert_eq!(look!(t, c => statuses::taken_since(c, minute(30))), 0);
    })
    .await;
}
