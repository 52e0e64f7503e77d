//! Tables `policy_version`, `audit`, `notice` and `job_lease`.

use futures_util::future::join_all;
use portvakt::domain::actor::{Actor, Subject};
use portvakt::domain::ids::RuleId;
use portvakt::store::audit::{self, Entry};
use portvakt::store::notice::{self, Notice};
use portvakt::store::{StoreError, account, lease, outbox, policy};
use serde_json::{Value, json};

use super::sample::{crm, entra, minute, person};
use crate::engines::{TestDb, change, look, on_each_engine};

async fn apply(t: &TestDb, text: &'static str, at: i64) -> Result<i64, StoreError> {
    change!(t, [] c => policy::append(c, text, "hash", "operator:anna", minute(at)).await)
}

#[tokio::test]
async fn policies_are_numbered_and_the_one_in_force_at_any_instant_can_be_read() {
    on_each_engine(async |t| {
        assert_eq!(look!(t, c => policy::newest_number(c)), None);
        assert_eq!(look!(t, c => policy::current(c, None)), None);
        assert_eq!(apply(t, "one", 10).await.unwrap(), 1);
        assert_eq!(apply(t, "två", 20).await.unwrap(), 2);
        assert_eq!(look!(t, c => policy::newest_number(c)), Some(2));
        let newest = look!(t, c => policy::current(c, None)).unwrap();
        assert_eq!((newest.number, &*newest.text, &*newest.by), (2, "två", "operator:anna"));
        assert_eq!((&*newest.hash, newest.applied_at), ("hash", minute(20)));
        let at =
            async |when| look!(t, c => policy::current(c, Some(minute(when)))).map(|policy| policy.number);
        assert_eq!(
            (at(9).await, at(10).await, at(19).await, at(20).await),
            (None, Some(1), Some(1), Some(2))
        );
    })
    .await;
}

#[tokio::test]
async fn of_two_who_apply_a_policy_at_once_neither_overwrites_the_other() {
    on_each_engine(async |t| {
        let (one, two) = tokio::join!(apply(t, "one", 1), apply(t, "two", 1));
        let written = [&one, &two].into_iter().filter(|result| result.is_ok()).count();
        let taken = [&one, &two].into_iter().filter(|result| super::sample::is_taken(result)).count();
        assert_eq!(written + taken, 2, "{one:?} {two:?}");
        assert_eq!(look!(t, c => policy::newest_number(c)), i64::try_from(written).ok());
    })
    .await;
}

#[tokio::test]
async fn an_entry_is_read_back_with_whatever_was_before_and_after() {
    on_each_engine(async |t| {
        let values: Vec<Option<Value>> = vec![
            None,
            Some(json!({"status": "active", "å": [1, null]})),
            Some(json!(7)),
            Some(json!("7")),
            Some(json!(0.5)),
            Some(json!("ö")),
            Some(json!(true)),
            Some(json!([])),
            Some(json!({})),
        ];
        for (minutes, value) in (0_i64..).zip(&values) {
            let entry = Entry {
                at: minute(minutes),
                actor: Actor::Directory(entra()),
                cause: "scim".into(),
                action: "account_changed",
                subject: Subject::new("account", "1"),
                before: value.clone(),
                after: value.clone(),
                request_id: value.as_ref().map(|_| "r-1".into()),
            };
            change!(t, [] c => audit::append(c, &entry).await).unwrap();
        }
        let all = look!(t, c => audit::about(c, &Subject::new("account", "1"), 100));
        let read: Vec<_> = all.iter().rev().map(|entry| entry.before.clone()).collect();
        assert_eq!(read, values);
        assert!(all.iter().all(|entry| entry.before == entry.after));
        let first = all.last().unwrap();
        assert_eq!(
            (&*first.actor, &*first.cause, &*first.action),
            ("directory:entra", "scim", "account_changed")
        );
        assert_eq!((&*first.subject_kind, &*first.subject_id, first.at), ("account", "1", minute(0)));
        assert_eq!((first.request_id.as_deref(), all[0].request_id.as_deref()), (None, Some("r-1")));
    })
    .await;
}

#[tokio::test]
async fn the_newest_entries_come_first_and_only_those_asked_for() {
    on_each_engine(async |t| {
        let mut ids = Vec::new();
        for subject in ["1", "2", "1", "2"] {
            let entry = Entry {
                at: minute(1),
                actor: Actor::Job("lifecycle".into()),
                cause: "departed".into(),
                action: "account_deactivated",
                subject: Subject::new("account", subject),
                before: None,
                after: None,
                request_id: None,
            };
            ids.push(change!(t, [] c => audit::append(c, &entry).await).unwrap());
        }
        ids.reverse();
        let newest: Vec<_> = look!(t, c => audit::newest(c, 3)).into_iter().map(|entry| entry.id).collect();
        assert_eq!(newest, ids[..3]);
        let about = look!(t, c => audit::about(c, &Subject::new("account", "1"), 9));
        assert_eq!(about.into_iter().map(|entry| entry.id).collect::<Vec<_>>(), [ids[1], ids[3]]);
        assert!(look!(t, c => audit::about(c, &Subject::new("group", "1"), 9)).is_empty());
        assert_eq!(look!(t, c => audit::count(c)), 4);
    })
    .await;
}

#[tokio::test]
async fn notices_that_went_out_are_remembered_in_order() {
    on_each_engine(async |t| {
        let (asa, bo) = (person(t, "asa").await.id, person(t, "bo").await.id);
        let mut notices = Vec::new();
        for (account, days_before, sent) in [(asa, 30, 1), (asa, 7, 2), (bo, 30, 1)] {
            let notice = Notice {
                account,
                rule: RuleId::parse("quiet").unwrap(),
                days_before,
                idle_since: minute(0),
                sent_at: minute(sent),
                letter: None,
            };
            change!(t, [notice] c => notice::sent(c, &notice).await).unwrap();
            notices.push(notice);
        }
        assert_eq!(look!(t, c => notice::of_account(c, asa)), notices[..2]);
        assert_eq!(look!(t, c => notice::of_account(c, bo)), notices[2..]);
    })
    .await;
}

#[tokio::test]
async fn two_nodes_never_hold_one_lease_and_who_lost_it_is_refused() {
    on_each_engine(async |t| {
        let take = async |holder: &'static str, now: i64, until: i64| {
            change!(t, [] c => lease::take(c, "lifecycle", holder, minute(now), minute(until)).await).unwrap()
        };
        let finish = async |holder: &'static str, fence: i64, now: i64| {
            change!(t, [] c => lease::finish(c, "lifecycle", holder, fence, "done", minute(now)).await)
                .unwrap()
        };
        assert_eq!(look!(t, c => lease::last_run(c, "lifecycle")), None);
        assert_eq!(take("a", 0, 10).await, Some(1));
        assert_eq!(take("b", 9, 19).await, None);
        assert_eq!(take("a", 9, 20).await, Some(1), "it is prolonged");
        assert_eq!(take("b", 20, 30).await, Some(2), "it ran out");
        assert_eq!(take("a", 21, 31).await, None);
        assert!(!finish("a", 1, 21).await);
        assert!(!finish("b", 1, 21).await);
        assert_eq!(look!(t, c => lease::last_run(c, "lifecycle")), None);
        assert!(finish("b", 2, 22).await);
        assert_eq!(look!(t, c => lease::last_run(c, "lifecycle")), Some(minute(22)));
        assert_eq!(take("a", 22, 30).await, Some(3), "it was let go at this very instant");
        assert_eq!(look!(t, c => lease::last_run(c, "other")), None);
    })
    .await;
}

#[tokio::test]
async fn what_is_undone_takes_its_entries_along_and_those_of_nobody_else() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await.id;
        let entry = |subject: &str| Entry {
            at: minute(1),
            actor: Actor::Job("lifecycle".into()),
            cause: "departed".into(),
            action: "account_deactivated",
            subject: Subject::new("account", subject),
            before: None,
            after: Some(json!({ "status": "deactivated" })),
            request_id: None,
        };
        // As many as share a commit; every other one fails, some of them after more than is kept in memory.
        let changes = (0..12).map(|number| {
            let entry = entry(&number.to_string());
            async move {
                change!(t, [entry] c => {
                    for _ in 0..=(number % 4) * 400 {
                        audit::append(c, &entry).await?;
                    }
                    outbox::announce(c, asa, &[crm()], false, minute(1)).await?;
                    if number % 2 == 0 { Ok(()) } else { Err(StoreError::Panicked) }
                })
            }
        });
        let ended = join_all(changes).await;
        assert_eq!(ended.iter().filter(|done| done.is_ok()).count(), 6);
        for number in 0..12_usize {
            let left = look!(t, c => audit::about(c, &Subject::new("account", number), 9_999)).len();
            let wanted = if number % 2 == 0 { (number % 4) * 400 + 1 } else { 0 };
            assert_eq!(left, wanted, "of change {number}");
        }
        assert_eq!(look!(t, c => account::get(c, asa)).unwrap().version, 7);
        assert_eq!(look!(t, c => outbox::due(c, &crm(), minute(1), 9))[0].version, 7);
    })
    .await;
}

#[tokio::test]
async fn a_reader_cannot_write_an_entry_down() {
    on_each_engine(async |t| {
        let entry = Entry {
            at: minute(1),
            actor: Actor::Job("lifecycle".into()),
            cause: "departed".into(),
            action: "account_deactivated",
            subject: Subject::new("account", "1"),
            before: None,
            after: None,
            request_id: None,
        };
        let mut reader = t.db.read().await.unwrap();
        assert!(matches!(audit::append(&mut reader, &entry).await, Err(StoreError::Unavailable(_))));
    })
    .await;
}
