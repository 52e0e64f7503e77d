//! Tables `outbox` and `delivered`.

use jiff::Timestamp;
use portvakt::domain::ids::{AccountId, TargetId};
use portvakt::store::outbox::{self, Waiting};

use super::sample::{crm, minute, person};
use crate::engines::{TestDb, change, look, on_each_engine};

async fn queue(t: &TestDb, who: AccountId, version: i64, urgent: bool, now: Timestamp) {
    let target = crm();
    change!(t, [target] c => outbox::queue(c, &target, who, version, urgent, now).await).unwrap();
}

async fn due(t: &TestDb, now: Timestamp) -> Vec<Waiting> {
    look!(t, c => outbox::due(c, &crm(), now, 100))
}

async fn who_is_due(t: &TestDb, now: Timestamp) -> Vec<(AccountId, i64)> {
    due(t, now).await.into_iter().map(|row| (row.account, row.version)).collect()
}

async fn done(t: &TestDb, who: AccountId, version: i64, now: Timestamp) {
    let target = crm();
    change!(t, [target] c => outbox::done(c, &target, who, version, "200", now).await).unwrap();
}

/// How many rows wait, and how many are dead letters.
async fn backlog(t: &TestDb) -> (i64, i64) {
    let backlog = look!(t, c => outbox::backlog(c, &crm()));
    (backlog.waiting, backlog.dead)
}

async fn fail(t: &TestDb, row: &Waiting, until: Timestamp) {
    change!(t, [row] c => outbox::again(c, &row, "503", minute(0), until).await).unwrap();
}

#[tokio::test]
async fn a_newer_version_replaces_the_waiting_one_and_keeps_its_place() {
    on_each_engine(async |t| {
        let (asa, bo) = (person(t, "asa").await.id, person(t, "bo").await.id);
        queue(t, asa, 1, false, minute(1)).await;
        queue(t, bo, 1, false, minute(2)).await;
        queue(t, asa, 3, false, minute(3)).await;
        queue(t, asa, 2, false, minute(4)).await;
        assert_eq!(who_is_due(t, minute(4)).await, [(asa, 3), (bo, 1)]);
        assert_eq!(due(t, minute(4)).await[0].queued_at, minute(1));
        assert!(due(t, minute(0)).await.is_empty());
        assert_eq!(look!(t, c => outbox::due(c, &crm(), minute(4), 1)).len(), 1);
        let other = TargetId::parse("other").unwrap();
        assert!(look!(t, c => outbox::due(c, &other, minute(4), 9)).is_empty());
    })
    .await;
}

#[tokio::test]
async fn access_that_was_taken_away_goes_first_and_does_not_wait_for_a_retry() {
    on_each_engine(async |t| {
        let (asa, bo) = (person(t, "asa").await.id, person(t, "bo").await.id);
        queue(t, asa, 1, false, minute(1)).await;
        queue(t, bo, 1, false, minute(2)).await;
        fail(t, &due(t, minute(2)).await[1], minute(60)).await;
        assert_eq!(who_is_due(t, minute(3)).await, [(asa, 1)]);
        queue(t, bo, 2, true, minute(3)).await;
        assert_eq!(who_is_due(t, minute(3)).await, [(bo, 2), (asa, 1)]);
        // It stays urgent when another change comes on top, and the backoff of others holds.
        queue(t, bo, 3, false, minute(4)).await;
        fail(t, &due(t, minute(4)).await[1], minute(60)).await;
        queue(t, asa, 2, false, minute(5)).await;
        assert_eq!(who_is_due(t, minute(5)).await, [(bo, 3)]);
        assert_eq!(who_is_due(t, minute(60)).await, [(bo, 3), (asa, 2)]);
    })
    .await;
}

#[tokio::test]
async fn what_was_delivered_is_noted_and_a_newer_version_goes_on_waiting() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await.id;
        assert_eq!(look!(t, c => outbox::delivered(c, &crm(), asa)), None);
        queue(t, asa, 1, false, minute(1)).await;
        let first = due(t, minute(1)).await.remove(0);
        fail(t, &first, minute(9)).await;
        queue(t, asa, 2, false, minute(2)).await;
        done(t, asa, 1, minute(3)).await;
        let left = due(t, minute(3)).await.remove(0);
        assert_eq!((left.version, left.attempts, left.due_at, left.last_error), (2, 0, minute(3), None));
        assert_eq!(look!(t, c => outbox::delivered(c, &crm(), asa)), Some((1, minute(3), "200".into())));
        done(t, asa, 2, minute(4)).await;
        assert!(due(t, minute(9)).await.is_empty());
        done(t, asa, 1, minute(5)).await;
        assert_eq!(look!(t, c => outbox::delivered(c, &crm(), asa)), Some((2, minute(4), "200".into())));
    })
    .await;
}

#[tokio::test]
async fn a_failed_attempt_is_counted_and_waits() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await.id;
        queue(t, asa, 1, false, minute(1)).await;
        fail(t, &due(t, minute(1)).await[0], minute(5)).await;
        fail(t, &due(t, minute(5)).await[0], minute(9)).await;
        assert!(due(t, minute(8)).await.is_empty());
        let row = due(t, minute(9)).await.remove(0);
        assert_eq!((row.attempts, row.last_error.as_deref(), row.queued_at), (2, Some("503"), minute(1)));
    })
    .await;
}

#[tokio::test]
async fn what_failed_for_good_is_a_dead_letter_until_somebody_acts() {
    on_each_engine(async |t| {
        let (asa, bo) = (person(t, "asa").await.id, person(t, "bo").await.id);
        queue(t, asa, 1, false, minute(1)).await;
        queue(t, bo, 1, false, minute(2)).await;
        let give_up =
            async |row: &Waiting| change!(t, [row] c => outbox::give_up(c, &row, "410").await).unwrap();
        let rows = due(t, minute(2)).await;
        queue(t, bo, 2, false, minute(3)).await;
        assert!(give_up(&rows[0]).await);
        assert!(!give_up(&rows[1]).await, "it was replaced meanwhile");
        assert_eq!(who_is_due(t, minute(3)).await, [(bo, 2)]);
        assert!(give_up(&due(t, minute(3)).await[0]).await);
        let dead = look!(t, c => outbox::dead(c, None));
        let seen: Vec<_> =
            dead.iter().map(|row| (row.account, row.attempts, row.last_error.as_deref())).collect();
        assert_eq!(seen, [(asa, 1, Some("410")), (bo, 1, Some("410"))]);
        assert_eq!(look!(t, c => outbox::dead(c, Some(&crm()))).len(), 2);
        assert!(look!(t, c => outbox::dead(c, Some(&TargetId::parse("other").unwrap()))).is_empty());
        assert_eq!(backlog(t).await, (0, 2));
        // A newer version is a new chance.
        queue(t, bo, 3, false, minute(4)).await;
        let row = due(t, minute(4)).await.remove(0);
        assert_eq!((row.account, row.attempts, row.queued_at), (bo, 0, minute(4)));
        assert_eq!(backlog(t).await, (1, 1));
        let target = crm();
        let revive = async |who: AccountId| {
            change!(t, [target] c => outbox::revive(c, &target, who, minute(5)).await).unwrap()
        };
        assert!(!revive(bo).await);
        assert!(revive(asa).await);
        assert!(!revive(asa).await);
        assert_eq!(who_is_due(t, minute(5)).await, [(asa, 1), (bo, 3)]);
    })
    .await;
}

#[tokio::test]
async fn what_failed_in_a_version_that_was_queued_for_nobody_here_is_counted_all_the_same() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await.id;
        queue(t, asa, 1, false, minute(1)).await;
        // The account was raised for another target; what was sent here is its present state.
        let sent = Waiting { version: 2, ..due(t, minute(1)).await.remove(0) };
        fail(t, &sent, minute(5)).await;
        assert!(due(t, minute(4)).await.is_empty(), "it waits its turn");
        change!(t, [sent] c => outbox::tried(c, &sent, "502", minute(5)).await).unwrap();
        let row = due(t, minute(5)).await.remove(0);
        assert_eq!((row.attempts, row.last_error.as_deref()), (1, Some("502")));
        let sent = Waiting { version: 2, ..row };
        assert!(change!(t, [sent] c => outbox::give_up(c, &sent, "410").await).unwrap());
        assert_eq!(backlog(t).await, (0, 1));
    })
    .await;
}
