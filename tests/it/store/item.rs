//! Tables `item`, `assignment` and `link`.

use portvakt::domain::grant::{Holder, Link, LinkOrigin};
use portvakt::domain::ids::{AccountId, GrantId, RoleId};
use portvakt::domain::item_clock::Clocks;
use portvakt::store::item::{self as items, Item};
use portvakt::store::link;
use uuid::Uuid;

use super::sample::{item, minute, person};
use crate::engines::{TestDb, change, look, on_each_engine};

fn board() -> Holder {
    Holder::Role(RoleId::parse("board").unwrap())
}

fn new_link(to: &str, holder: Holder, origin: LinkOrigin, since: i64) -> Link {
    Link {
        id: GrantId::new(Uuid::now_v7()),
        item: item("project", to),
        holder,
        origin,
        by: "target:crm".into(),
        why: None,
        since: minute(since),
        ends_at: None,
        until: None,
    }
}

async fn give(t: &TestDb, new: &Link) -> bool {
    change!(t, [new] c => link::give(c, &new).await).unwrap()
}

#[tokio::test]
async fn an_item_keeps_what_was_first_known_and_comes_back_when_it_is_noted_again() {
    on_each_engine(async |t| {
        let (asa, bo) = (person(t, "asa").await.id, person(t, "bo").await.id);
        let noted = async |creator: Option<AccountId>, project: Option<&str>| {
            let new = Item {
                item: item("note", "Å/1"),
                creator,
                project: project.map(str::to_owned),
                created_at: minute(1),
                deleted_at: None,
                clocks: Clocks::default(),
            };
            change!(t, [] c => items::note(c, &new).await).unwrap();
            look!(t, c => items::get(c, &item("note", "Å/1"))).unwrap()
        };
        assert_eq!(look!(t, c => items::get(c, &item("note", "Å/1"))), None);
        assert_eq!(noted(None, None).await.creator, None);
        assert_eq!(noted(Some(asa), None).await.creator, Some(asa));
        let known = noted(Some(bo), Some("p")).await;
        assert_eq!((known.creator, known.project.as_deref()), (Some(asa), Some("p")));
        let it = item("note", "Å/1");
        assert!(change!(t, [it] c => items::delete(c, &it, minute(2)).await).unwrap());
        assert!(!change!(t, [it] c => items::delete(c, &it, minute(3)).await).unwrap());
        assert_eq!(look!(t, c => items::get(c, &it)).unwrap().deleted_at, Some(minute(2)));
        assert_eq!(noted(None, None).await.deleted_at, None);
    })
    .await;
}

#[tokio::test]
async fn one_holder_at_a_time_is_responsible_and_the_former_ones_are_remembered() {
    on_each_engine(async |t| {
        let asa = Holder::Account(person(t, "asa").await.id);
        let it = item("lease", "7");
        let assign = async |to: Option<&Holder>, at: i64| {
            let to = to.cloned();
            change!(t, [it] c => items::assign(c, &it, to.as_ref(), "target:crm", minute(at)).await).unwrap()
        };
        assert!(!assign(None, 1).await);
        assert!(assign(Some(&asa), 2).await);
        assert!(!assign(Some(&asa), 3).await);
        assert!(assign(Some(&board()), 4).await);
        assert!(assign(None, 6).await);
        assert!(assign(Some(&asa), 6).await);
        for (when, expected) in
            [(1, None), (2, Some(&asa)), (4, Some(&board())), (5, Some(&board())), (6, Some(&asa))]
        {
            let was = look!(t, c => items::assignee(c, &it, Some(minute(when))));
            assert_eq!(was.as_ref(), expected, "at {when}");
        }
        assert_eq!(look!(t, c => items::assignee(c, &it, None)), Some(asa));
        assert_eq!(look!(t, c => items::assignee(c, &item("lease", "8"), None)), None);
    })
    .await;
}

#[tokio::test]
async fn a_holder_has_one_link_of_an_origin_to_an_item() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await.id;
        let mut first = new_link("1", Holder::Account(asa), LinkOrigin::Manual, 1);
        first.why = Some("hjälper till".into());
        first.ends_at = Some(minute(9));
        assert!(give(t, &first).await);
        assert!(!give(t, &new_link("1", Holder::Account(asa), LinkOrigin::Manual, 2)).await);
        let created = new_link("1", Holder::Account(asa), LinkOrigin::Created, 2);
        assert!(give(t, &created).await);
        let by_role = new_link("1", board(), LinkOrigin::Manual, 3);
        assert!(give(t, &by_role).await);
        assert!(!give(t, &new_link("1", board(), LinkOrigin::Manual, 3)).await);
        let it = item("project", "1");
        assert_eq!(
            look!(t, c => link::of_item(c, &it, None)),
            [first.clone(), created.clone(), by_role.clone()]
        );
        let id = first.id;
        assert!(change!(t, [] c => link::end(c, id, minute(5)).await).unwrap());
        assert!(!change!(t, [] c => link::end(c, id, minute(6)).await).unwrap());
        assert_eq!(look!(t, c => link::of_item(c, &it, None)), [created.clone(), by_role.clone()]);
        let ended = Link { until: Some(minute(5)), ..first };
        assert_eq!(look!(t, c => link::of_item(c, &it, Some(minute(1)))), std::slice::from_ref(&ended));
        assert_eq!(
            look!(t, c => link::of_item(c, &it, Some(minute(4)))),
            [ended, created.clone(), by_role.clone()]
        );
        assert_eq!(look!(t, c => link::of_item(c, &it, Some(minute(5)))), [created, by_role]);
        assert!(give(t, &new_link("1", Holder::Account(asa), LinkOrigin::Manual, 5)).await);
    })
    .await;
}

#[tokio::test]
async fn the_links_of_an_account_are_its_own_and_sorted_by_item() {
    on_each_engine(async |t| {
        let (asa, bo) = (person(t, "asa").await.id, person(t, "bo").await.id);
        let names = ["Z", "a", "B", "ö", "10", "9"];
        for name in names {
            give(t, &new_link(name, Holder::Account(asa), LinkOrigin::Participant, 1)).await;
            give(t, &new_link(name, Holder::Account(bo), LinkOrigin::Project, 1)).await;
        }
        give(t, &new_link("c", board(), LinkOrigin::Manual, 1)).await;
        let links = look!(t, c => link::of_account(c, asa));
        let seen: Vec<_> = links.iter().map(|link| link.item.item.as_str()).collect();
        assert_eq!(seen, ["10", "9", "B", "Z", "a", "ö"]);
        assert!(links.iter().all(|link| link.origin == LinkOrigin::Participant));
    })
    .await;
}
