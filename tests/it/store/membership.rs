//! Tables `membership` and `membership_pending`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use portvakt::domain::ids::{AccountId, GroupId, IdentityId};
use portvakt::store::{account, group, identity, membership};
use serde_json::json;
use uuid::Uuid;

use super::sample::{entra, formed, minute, new_account, new_identity, okta, provisioned};
use crate::engines::{TestDb, change, look, on_each_engine};

async fn join(t: &TestDb, to: GroupId, who: &[IdentityId], now: Timestamp) -> Vec<AccountId> {
    let who = who.to_vec();
    change!(t, [] c => membership::join(c, to, &who, now).await).unwrap()
}

async fn leave(t: &TestDb, from: GroupId, who: &[IdentityId], now: Timestamp) -> Vec<AccountId> {
    let who = who.to_vec();
    change!(t, [] c => membership::leave(c, from, &who, now).await).unwrap()
}

async fn groups_at(t: &TestDb, who: IdentityId, at: Option<Timestamp>) -> Vec<GroupId> {
    look!(t, c => membership::groups_of(c, who, at)).into_iter().map(|of| of.group).collect()
}

#[tokio::test]
async fn joining_and_leaving_give_the_accounts_that_it_changed_something_for() {
    on_each_engine(async |t| {
        let staff = formed(t, &entra(), "staff").await.id;
        let (asa, bo) = (provisioned(t, &entra(), "asa").await, provisioned(t, &entra(), "bo").await);
        assert_eq!(join(t, staff, &[asa.id, asa.id], minute(1)).await, [asa.account]);
        assert_eq!(join(t, staff, &[asa.id, bo.id], minute(2)).await, [bo.account]);
        assert!(join(t, staff, &[], minute(2)).await.is_empty());
        let members = look!(t, c => membership::members(c, staff));
        let seen: Vec<_> = members.into_iter().map(|m| (m.identity, m.account, m.display)).collect();
        assert_eq!(seen, [(asa.id, asa.account, "asa".into()), (bo.id, bo.account, "bo".into())]);
        assert_eq!(leave(t, staff, &[asa.id], minute(3)).await, [asa.account]);
        assert!(leave(t, staff, &[asa.id], minute(4)).await.is_empty());
        assert_eq!(
            change!(t, [] c => membership::leave_all(c, staff, minute(5)).await).unwrap(),
            [bo.account]
        );
        assert!(look!(t, c => membership::members(c, staff)).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_member_is_shown_by_display_name_or_else_by_user_name() {
    on_each_engine(async |t| {
        let staff = formed(t, &entra(), "staff").await.id;
        let mut ids = Vec::new();
        for (name, document) in [
            ("a", json!({"userName": "a", "displayName": "Åsa \"Ö\" Berg"})),
            ("b", json!({"userName": "b", "displayName": null})),
            ("c", json!({"userName": "123"})),
            ("d", json!({})),
        ] {
            let person = new_account(name);
            let (mut new, keys) = new_identity(person.id, &entra(), name, None);
            new.document = document;
            ids.push(new.id);
            change!(t, [] c => {
                account::insert(c, &person).await?;
                identity::insert(c, &new, &keys).await
            })
            .unwrap();
        }
        join(t, staff, &ids, minute(1)).await;
        let members = look!(t, c => membership::members(c, staff));
        let shown: Vec<_> = members.into_iter().map(|member| member.display).collect();
        assert_eq!(shown, ["Åsa \"Ö\" Berg", "b", "123", ""]);
    })
    .await;
}

#[tokio::test]
async fn strangers_the_deleted_and_people_of_another_directory_do_not_join() {
    on_each_engine(async |t| {
        let staff = formed(t, &entra(), "staff").await.id;
        let asa = provisioned(t, &entra(), "asa").await.id;
        let foreign = provisioned(t, &okta(), "bo").await.id;
        let deleted = provisioned(t, &entra(), "cia").await.id;
        change!(t, [] c => identity::bury(c, deleted, minute(1)).await).unwrap();
        let all = [asa, foreign, deleted, IdentityId::new(Uuid::now_v7()), asa];
        let mut values: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
        values.insert("not an id of ours".into());
        let known = look!(t, c => membership::known(c, &entra(), &values));
        assert_eq!(known.into_iter().collect::<Vec<_>>(), [(asa.to_string(), asa)]);
        join(t, staff, &all, minute(2)).await;
        let members = look!(t, c => membership::members(c, staff));
        assert_eq!(members.into_iter().map(|m| m.identity).collect::<Vec<_>>(), [asa]);
        assert!(groups_at(t, foreign, None).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn of_those_asked_about_only_present_members_and_awaited_values_are_named() {
    on_each_engine(async |t| {
        let staff = formed(t, &entra(), "staff").await.id;
        let (asa, bo) = (provisioned(t, &entra(), "asa").await.id, provisioned(t, &entra(), "bo").await.id);
        join(t, staff, &[asa, bo], minute(1)).await;
        leave(t, staff, &[bo], minute(2)).await;
        let all = [asa, bo, IdentityId::new(Uuid::now_v7())];
        assert_eq!(look!(t, c => membership::present(c, staff, &all)), [asa]);
        let values = ["x".to_owned(), "y".to_owned()];
        let one = [values[0].clone()];
        change!(t, [one] c => membership::await_members(c, staff, &one, minute(1)).await).unwrap();
        assert_eq!(look!(t, c => membership::awaited(c, staff, &values)), one);
        assert!(look!(t, c => membership::awaited(c, staff, &[])).is_empty());
    })
    .await;
}

#[tokio::test]
async fn who_joins_leaves_and_joins_at_one_instant_is_a_member() {
    on_each_engine(async |t| {
        let staff = formed(t, &entra(), "staff").await.id;
        let asa = provisioned(t, &entra(), "asa").await;
        assert_eq!(join(t, staff, &[asa.id], minute(1)).await, [asa.account]);
        assert_eq!(leave(t, staff, &[asa.id], minute(1)).await, [asa.account]);
        assert!(groups_at(t, asa.id, Some(minute(1))).await.is_empty());
        assert_eq!(join(t, staff, &[asa.id], minute(1)).await, [asa.account]);
        assert_eq!(groups_at(t, asa.id, None).await, [staff]);
        assert_eq!(groups_at(t, asa.id, Some(minute(1))).await, [staff]);
        assert_eq!(leave(t, staff, &[asa.id], minute(2)).await, [asa.account]);
        assert_eq!(groups_at(t, asa.id, Some(minute(1))).await, [staff]);
        assert!(groups_at(t, asa.id, Some(minute(2))).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn past_memberships_and_pins_can_be_read_once_each() {
    on_each_engine(async |t| {
        let (one, two) = (formed(t, &entra(), "Ett").await, formed(t, &entra(), "Två").await);
        let asa = provisioned(t, &entra(), "asa").await.id;
        for (start, end) in [(1, 3), (5, 7)] {
            join(t, one.id, &[asa], minute(start)).await;
            leave(t, one.id, &[asa], minute(end)).await;
        }
        join(t, one.id, &[asa], minute(9)).await;
        join(t, two.id, &[asa], minute(9)).await;
        for (now, key) in [(minute(1), "ett"), (minute(2), "gamla ett")] {
            let (directory, id) = (entra(), one.id);
            change!(t, [] c => group::pin_name(c, &directory, key, id, now).await).unwrap();
        }
        let present = look!(t, c => membership::groups_of(c, asa, None));
        assert_eq!(present.len(), 2);
        assert_eq!((present[0].group, present[0].external_id.as_deref()), (one.id, Some("Ett")));
        assert_eq!(
            (&*present[0].name_key, &present[0].pins[..]),
            ("ett", &["ett".into(), "gamla ett".into()][..])
        );
        assert!(present[1].pins.is_empty());
        for (when, expected) in
            [(0, vec![]), (1, vec![one.id]), (3, vec![]), (6, vec![one.id]), (9, vec![one.id, two.id])]
        {
            assert_eq!(groups_at(t, asa, Some(minute(when))).await, expected, "at {when}");
        }
        assert_eq!(change!(t, [] c => membership::leave_everything(c, asa, minute(10)).await).unwrap(), 2);
        assert!(groups_at(t, asa, None).await.is_empty());
        let id = two.id;
        change!(t, [] c => group::bury(c, id, minute(11)).await).unwrap();
        assert_eq!(groups_at(t, asa, Some(minute(9))).await, [one.id, two.id]);
    })
    .await;
}

#[tokio::test]
async fn a_deleted_group_has_no_present_members_to_speak_of() {
    on_each_engine(async |t| {
        let staff = formed(t, &entra(), "staff").await.id;
        let asa = provisioned(t, &entra(), "asa").await.id;
        join(t, staff, &[asa], minute(1)).await;
        change!(t, [] c => group::bury(c, staff, minute(2)).await).unwrap();
        assert!(groups_at(t, asa, None).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn members_nobody_knows_yet_are_awaited() {
    on_each_engine(async |t| {
        let (one, two) = (formed(t, &entra(), "one").await.id, formed(t, &entra(), "two").await.id);
        let elsewhere = formed(t, &okta(), "one").await.id;
        let wait = async |group: GroupId, values: &[&str]| {
            let values: Vec<String> = values.iter().map(|v| (*v).to_owned()).collect();
            change!(t, [] c => membership::await_members(c, group, &values, minute(1)).await).unwrap();
        };
        wait(one, &["åsa", "bo", "bo"]).await;
        wait(one, &["bo"]).await;
        wait(two, &["bo", "123"]).await;
        wait(elsewhere, &["bo"]).await;
        let awaiting = async |values: &[&str]| {
            let values: Vec<String> = values.iter().map(|v| (*v).to_owned()).collect();
            look!(t, c => membership::awaiting(c, &entra(), &values))
        };
        assert_eq!(
            awaiting(&["bo", "åsa", "nobody"]).await,
            [(one, "bo".into()), (one, "åsa".into()), (two, "bo".into())]
        );
        let bo = vec!["bo".to_owned()];
        change!(t, [] c => membership::forget_awaited(c, one, Some(&bo)).await).unwrap();
        assert_eq!(awaiting(&["bo"]).await, [(two, "bo".into())]);
        assert_eq!(awaiting(&["åsa", "123"]).await, [(one, "åsa".into()), (two, "123".into())]);
        change!(t, [] c => membership::forget_awaited(c, two, None).await).unwrap();
        assert!(awaiting(&["bo", "123"]).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn five_thousand_join_and_leave_at_once() {
    on_each_engine(async |t| {
        let staff = formed(t, &entra(), "staff").await.id;
        let (ids, strangers) = change!(t, [] c => {
            let mut ids = Vec::new();
            for number in 0..5_000 {
                let person = new_account(&format!("p{number}"));
                let (new, keys) = new_identity(person.id, &entra(), &person.user_name, None);
                account::insert(c, &person).await?;
                identity::insert(c, &new, &keys).await?;
                ids.push(new.id);
            }
            let strangers: Vec<String> = (0..5_000).map(|n| format!("stranger {n}")).collect();
            membership::await_members(c, staff, &strangers, minute(0)).await?;
            Ok((ids, strangers))
        })
        .unwrap();
        assert_eq!(join(t, staff, &ids, minute(1)).await.len(), 5_000);
        assert_eq!(look!(t, c => membership::members(c, staff)).len(), 5_000);
        assert!(join(t, staff, &ids, minute(2)).await.is_empty());
        assert_eq!(leave(t, staff, &ids[1..], minute(3)).await.len(), 4_999);
        assert_eq!(look!(t, c => membership::members(c, staff)).len(), 1);
        assert_eq!(look!(t, c => membership::awaiting(c, &entra(), &strangers)).len(), 5_000);
    })
    .await;
}
