//! Tables `directory_group` and `group_name_pin`.

use portvakt::domain::ids::GroupId;
use portvakt::store::group::{self, Group, GroupKey};
use portvakt::store::{StoreError, membership};
use serde_json::json;

use super::sample::{entra, formed, is_taken, minute, new_group, okta, provisioned};
use crate::engines::{TestDb, change, look, on_each_engine};

async fn insert(t: &TestDb, new: &Group, key: &'static str) -> Result<(), StoreError> {
    change!(t, [new] c => group::insert(c, &new, key).await)
}

fn ids(groups: Vec<Group>) -> Vec<GroupId> {
    groups.into_iter().map(|group| group.id).collect()
}

#[tokio::test]
async fn an_external_id_is_unique_among_living_groups_and_a_name_is_not() {
    on_each_engine(async |t| {
        let first = new_group(&entra(), "Styrelsen", Some("g-1"));
        insert(t, &first, "styrelsen").await.unwrap();
        insert(t, &new_group(&entra(), "Styrelsen", Some("g-2")), "styrelsen").await.unwrap();
        assert!(is_taken(&insert(t, &new_group(&entra(), "X", Some("g-1")), "x").await));
        insert(t, &new_group(&okta(), "X", Some("g-1")), "x").await.unwrap();
        let id = first.id;
        assert!(change!(t, [] c => group::bury(c, id, minute(1)).await).unwrap());
        assert!(!change!(t, [] c => group::bury(c, id, minute(2)).await).unwrap());
        assert_eq!(look!(t, c => group::get(c, &entra(), id)), None);
        insert(t, &new_group(&entra(), "X", Some("g-1")), "x").await.unwrap();
        assert_eq!(look!(t, c => group::count(c, &entra())), 2);
    })
    .await;
}

#[tokio::test]
async fn an_update_and_a_touch_raise_the_version() {
    on_each_engine(async |t| {
        let mut first = new_group(&entra(), "Styrelsen", Some("g-1"));
        insert(t, &first, "styrelsen").await.unwrap();
        insert(t, &new_group(&entra(), "Other", Some("g-2")), "other").await.unwrap();
        first.document = json!({"displayName": "Nya styrelsen"});
        let update = async |group: &Group| {
            change!(t, [group] c => group::update(c, &group, "nya styrelsen", minute(3)).await)
        };
        assert_eq!(update(&first).await.unwrap(), 2);
        let id = first.id;
        assert_eq!(change!(t, [] c => group::touch(c, id, minute(4)).await).unwrap(), 3);
        let read = look!(t, c => group::get(c, &entra(), id)).unwrap();
        assert_eq!((read.version, read.modified_at, &read.document), (3, minute(4), &first.document));
        let (ours, theirs) = (entra(), okta());
        let locked = change!(t, [] c => Ok((group::lock(c, &ours, id).await?, group::lock(c, &theirs, id).await?)));
        assert_eq!(locked.unwrap(), (Some(read), None));
        first.external_id = Some("g-2".into());
        assert!(is_taken(&update(&first).await));
    })
    .await;
}

#[tokio::test]
async fn groups_are_found_by_each_of_their_keys_and_in_pages() {
    on_each_engine(async |t| {
        let (one, two) = (formed(t, &entra(), "Ättlingar").await, formed(t, &entra(), "Två").await);
        formed(t, &okta(), "Två").await;
        let asa = provisioned(t, &entra(), "asa").await;
        change!(t, [one, asa] c => membership::join(c, one.id, &[asa.id], minute(1)).await).unwrap();
        for key in [
            GroupKey::DisplayName("ättlingar".into()),
            GroupKey::ExternalId("Ättlingar".into()),
            GroupKey::Id(one.id),
            GroupKey::HasMember(asa.id),
        ] {
            assert_eq!(ids(look!(t, c => group::find(c, &entra(), &key))), [one.id], "{key:?}");
            assert!(look!(t, c => group::find(c, &okta(), &key)).is_empty(), "{key:?}");
        }
        assert_eq!(ids(look!(t, c => group::page(c, &entra(), None, 9))), [one.id, two.id]);
        assert_eq!(ids(look!(t, c => group::page(c, &entra(), Some(one.id), 9))), [two.id]);
        change!(t, [one, asa] c => membership::leave(c, one.id, &[asa.id], minute(2)).await).unwrap();
        assert!(look!(t, c => group::find(c, &entra(), &GroupKey::HasMember(asa.id))).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_pin_once_set_keeps_its_group() {
    on_each_engine(async |t| {
        let (first, later) = (formed(t, &okta(), "a").await, formed(t, &okta(), "b").await);
        let directory = okta();
        let pin = async |id: GroupId| {
            change!(t, [directory] c => group::pin_name(c, &directory, "styrelsen", id, minute(1)).await)
                .unwrap()
        };
        assert_eq!(look!(t, c => group::pinned(c, &okta(), "styrelsen")), None);
        assert!(pin(first.id).await);
        assert!(!pin(later.id).await);
        assert!(!pin(first.id).await);
        assert_eq!(look!(t, c => group::pinned(c, &okta(), "styrelsen")), Some(first.id));
        assert_eq!(look!(t, c => group::pinned(c, &entra(), "styrelsen")), None);
    })
    .await;
}
