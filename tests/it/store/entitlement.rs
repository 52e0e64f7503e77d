//! Table `entitlement`.

use portvakt::domain::account::{Status, StatusReason};
use portvakt::domain::grant::{Grant, GrantKind, Origin};
use portvakt::domain::ids::{AccountId, RuleId};
use portvakt::store::{entitlement, standing as statuses};

use super::sample::{minute, new_grant, person, role, sector, standing};
use crate::engines::{TestDb, change, look, on_each_engine};

async fn give(t: &TestDb, to: AccountId, grant: &Grant) -> bool {
    change!(t, [grant] c => entitlement::give(c, to, &grant).await).unwrap()
}

fn by_rule(name: &str) -> Origin {
    Origin::Rule(RuleId::parse(name).unwrap())
}

#[tokio::test]
async fn the_same_from_the_same_origin_is_held_once_at_a_time() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await.id;
        let first = new_grant(role("board"), by_rule("r1"), minute(1));
        assert!(give(t, asa, &first).await);
        assert!(!give(t, asa, &new_grant(role("board"), by_rule("r1"), minute(2))).await);
        assert!(give(t, asa, &new_grant(role("board"), by_rule("r2"), minute(2))).await);
        assert!(give(t, asa, &new_grant(role("board"), Origin::Manual, minute(2))).await);
        assert!(give(t, asa, &new_grant(sector("board"), Origin::Manual, minute(2))).await);
        let id = first.id;
        assert!(change!(t, [] c => entitlement::end(c, id, minute(3)).await).unwrap());
        assert!(!change!(t, [] c => entitlement::end(c, id, minute(4)).await).unwrap());
        assert!(give(t, asa, &new_grant(role("board"), by_rule("r1"), minute(3))).await);
        let all = look!(t, c => entitlement::history(c, asa));
        assert_eq!(all.len(), 5);
        assert_eq!((all[0].id, all[0].until), (id, Some(minute(3))));
    })
    .await;
}

#[tokio::test]
async fn a_grant_is_read_back_as_it_was_given_and_in_the_order_of_kinds() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await.id;
        let mut whole = new_grant(role("a_b"), Origin::Review, minute(1));
        whole.why = Some("årsmötet".into());
        whole.ends_at = Some(minute(9));
        let kinds = [
            role("a-b"),
            role("a.b"),
            role("ab"),
            sector("x"),
            GrantKind::Limited,
            GrantKind::ItemRestricted,
        ];
        let mut given = vec![whole];
        given.extend(kinds.into_iter().map(|kind| new_grant(kind, by_rule("r"), minute(1))));
        for grant in &given {
            assert!(give(t, asa, grant).await);
        }
        given.sort_by(|a, b| a.kind.cmp(&b.kind));
        assert_eq!(look!(t, c => entitlement::held(c, asa)), given);
        assert_eq!(look!(t, c => entitlement::held_at(c, asa, minute(1))), given);
    })
    .await;
}

#[tokio::test]
async fn what_was_held_at_a_past_instant_can_be_read() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await.id;
        let board = new_grant(role("board"), Origin::Manual, minute(10));
        let staff = new_grant(role("staff"), Origin::Manual, minute(20));
        give(t, asa, &board).await;
        give(t, asa, &staff).await;
        let id = board.id;
        change!(t, [] c => entitlement::end(c, id, minute(30)).await).unwrap();
        for (when, expected) in
            [(9, vec![]), (10, vec![board.id]), (20, vec![board.id, staff.id]), (30, vec![staff.id])]
        {
            let held = look!(t, c => entitlement::held_at(c, asa, minute(when)));
            assert_eq!(held.into_iter().map(|grant| grant.id).collect::<Vec<_>>(), expected, "at {when}");
        }
        assert_eq!(look!(t, c => entitlement::held(c, asa)), [staff]);
    })
    .await;
}

#[tokio::test]
async fn only_active_accounts_hold_a_role_and_only_until_its_end() {
    on_each_engine(async |t| {
        let mut people = Vec::new();
        for name in ["plain", "ending", "frozen", "ended", "twice"] {
            people.push(person(t, name).await.id);
        }
        for who in &people {
            let mut grant = new_grant(role("board"), Origin::Manual, minute(1));
            if *who == people[1] {
                grant.ends_at = Some(minute(5));
            }
            give(t, *who, &grant).await;
            if *who == people[3] {
                change!(t, [] c => entitlement::end(c, grant.id, minute(2)).await).unwrap();
            }
        }
        give(t, people[4], &new_grant(role("board"), by_rule("r"), minute(1))).await;
        let (frozen, new) = (people[2], standing(Status::Frozen, StatusReason::Inactive, minute(2)));
        change!(t, [] c => statuses::change(c, frozen, &new).await).unwrap();
        let holders = async |when| look!(t, c => entitlement::active_holders(c, &role("board"), when, 99));
        assert_eq!(holders(minute(4)).await, [people[0], people[1], people[4]]);
        assert_eq!(holders(minute(5)).await, [people[0], people[4]]);
        assert!(look!(t, c => entitlement::active_holders(c, &sector("board"), minute(4), 99)).is_empty());
    })
    .await;
}

#[tokio::test]
async fn grants_whose_end_has_come_are_overdue_until_somebody_ends_them() {
    on_each_engine(async |t| {
        let (asa, bo) = (person(t, "asa").await.id, person(t, "bo").await.id);
        let mut ids = Vec::new();
        for (who, ends) in [(asa, Some(5)), (asa, Some(6)), (bo, Some(5)), (bo, None)] {
            let mut grant = new_grant(role(&format!("r{}", ids.len())), Origin::Manual, minute(1));
            grant.ends_at = ends.map(minute);
            give(t, who, &grant).await;
            ids.push(grant.id);
        }
        let overdue = async |when, limit| {
            let found = look!(t, c => entitlement::overdue(c, when, limit));
            found.into_iter().map(|(account, grant)| (account, grant.id)).collect::<Vec<_>>()
        };
        assert!(overdue(minute(4), 9).await.is_empty());
        assert_eq!(overdue(minute(5), 9).await, [(asa, ids[0]), (bo, ids[2])]);
        assert_eq!(overdue(minute(9), 2).await, [(asa, ids[0]), (asa, ids[1])]);
        let first = ids[0];
        change!(t, [] c => entitlement::end(c, first, minute(5)).await).unwrap();
        assert_eq!(overdue(minute(5), 9).await, [(bo, ids[2])]);
    })
    .await;
}
