//! Table `identity`.

use portvakt::domain::ids::{DirectoryId, IdentityId};
use portvakt::domain::name::fold;
use portvakt::store::identity::{self, Identity, IdentityKey, IdentityKeys};
use portvakt::store::membership;
use serde_json::json;
use uuid::Uuid;

use super::sample::{entra, formed, is_taken, minute, new_identity, okta, person, provisioned};
use crate::engines::{TestDb, change, look, on_each_engine};

async fn insert(
    t: &TestDb,
    (identity, keys): &(Identity, IdentityKeys),
) -> Result<(), portvakt::store::StoreError> {
    change!(t, [identity, keys] c => identity::insert(c, &identity, &keys).await)
}

#[tokio::test]
async fn an_identity_is_read_back_whole_and_only_in_its_own_directory() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await;
        let mut new = new_identity(asa.id, &entra(), "Åsa", Some("e-1"));
        new.0.document = json!({"userName": "Åsa", "n": 1.5, "big": 9_007_199_254_740_993_i64,
            "urn:x": {"ö": ["\"", "\\", "\u{1F600}", null]}});
        insert(t, &new).await.unwrap();
        let (identity, _) = new;
        assert_eq!(look!(t, c => identity::get(c, &entra(), identity.id)), Some(identity.clone()));
        assert_eq!(look!(t, c => identity::get(c, &okta(), identity.id)), None);
        let (ours, theirs) = (entra(), okta());
        let locked = change!(t, [identity] c => {
            Ok((identity::lock(c, &ours, identity.id).await?, identity::lock(c, &theirs, identity.id).await?))
        });
        assert_eq!(locked.unwrap(), (Some(identity), None));
    })
    .await;
}

#[tokio::test]
async fn names_and_external_ids_are_unique_among_the_living_of_one_directory() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await;
        let first = new_identity(asa.id, &entra(), "ÅSA", Some("1"));
        insert(t, &first).await.unwrap();
        assert!(is_taken(&insert(t, &new_identity(asa.id, &entra(), "åsa", Some("2"))).await));
        assert!(is_taken(&insert(t, &new_identity(asa.id, &entra(), "bo", Some("1"))).await));
        insert(t, &new_identity(asa.id, &okta(), "åsa", Some("1"))).await.unwrap();
        // Without an external id there is none to be taken; with another case it is another.
        insert(t, &new_identity(asa.id, &entra(), "c", None)).await.unwrap();
        insert(t, &new_identity(asa.id, &entra(), "d", None)).await.unwrap();
        insert(t, &new_identity(asa.id, &entra(), "e", Some("x"))).await.unwrap();
        insert(t, &new_identity(asa.id, &entra(), "f", Some("X"))).await.unwrap();
        let id = first.0.id;
        assert!(change!(t, [] c => identity::bury(c, id, minute(1)).await).unwrap());
        insert(t, &new_identity(asa.id, &entra(), "Åsa", Some("1"))).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_update_raises_the_version_and_refuses_a_name_that_is_taken() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await;
        let mut one = new_identity(asa.id, &entra(), "one", Some("1"));
        let two = new_identity(asa.id, &entra(), "two", Some("2"));
        insert(t, &one).await.unwrap();
        insert(t, &two).await.unwrap();
        one.0.document = json!({"userName": "uno"});
        one.1.user_name = "uno".into();
        one.1.active = false;
        let (identity, mut keys) = one;
        let update = async |identity: &Identity, keys: &IdentityKeys| {
            change!(t, [identity, keys] c => identity::update(c, &identity, &keys, minute(5)).await)
        };
        assert_eq!(update(&identity, &keys).await.unwrap(), 2);
        let read = look!(t, c => identity::get(c, &entra(), identity.id)).unwrap();
        assert_eq!((read.version, read.active, read.modified_at), (2, false, minute(5)));
        assert_eq!(read.document, identity.document);
        keys.user_name = "two".into();
        assert!(is_taken(&update(&identity, &keys).await));
        keys.user_name = "uno".into();
        keys.external_id = Some("2".into());
        assert!(is_taken(&update(&identity, &keys).await));
        keys.external_id = None;
        assert_eq!(update(&identity, &keys).await.unwrap(), 3);
    })
    .await;
}

#[tokio::test]
async fn the_deleted_stay_as_tombstones_and_the_newest_is_found() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await;
        let mut ids = Vec::new();
        for round in 1..=2 {
            let new = new_identity(asa.id, &entra(), "asa", Some("e-1"));
            let id = new.0.id;
            insert(t, &new).await.unwrap();
            assert_eq!(look!(t, c => identity::count(c, &entra())), 1);
            assert!(change!(t, [] c => identity::bury(c, id, minute(round)).await).unwrap());
            assert!(!change!(t, [] c => identity::bury(c, id, minute(9)).await).unwrap());
            ids.push(id);
        }
        let stone = look!(t, c => identity::tombstone(c, &entra(), "e-1")).unwrap();
        assert_eq!((stone.id, stone.deleted_at, stone.active), (ids[1], Some(minute(2)), false));
        assert_eq!(look!(t, c => identity::tombstone(c, &okta(), "e-1")), None);
        assert_eq!(look!(t, c => identity::get(c, &entra(), ids[1])), None);
        assert_eq!(look!(t, c => identity::count(c, &entra())), 0);
        let all: Vec<_> = look!(t, c => identity::of_account(c, asa.id)).into_iter().map(|i| i.id).collect();
        assert_eq!(all, ids);
    })
    .await;
}

#[tokio::test]
async fn identities_are_found_by_each_of_their_keys() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await;
        let mut new = new_identity(asa.id, &entra(), "ÅSA@x.se", Some("E-1"));
        new.1.display_name = Some(fold("Åsa Öberg"));
        new.1.email = Some(fold("Åsa@x.se"));
        insert(t, &new).await.unwrap();
        let id = new.0.id;
        let other = provisioned(t, &entra(), "other").await;
        let staff = formed(t, &entra(), "staff").await;
        change!(t, [staff] c => membership::join(c, staff.id, &[id], minute(1)).await).unwrap();
        let find = async |directory: &DirectoryId, key: IdentityKey| {
            let found = look!(t, c => identity::find(c, directory, &key));
            found.into_iter().map(|identity| identity.id).collect::<Vec<_>>()
        };
        for key in [
            IdentityKey::UserName("åsa@x.se".into()),
            IdentityKey::ExternalId("E-1".into()),
            IdentityKey::DisplayName("åsa öberg".into()),
            IdentityKey::Email("åsa@x.se".into()),
            IdentityKey::Id(id),
            IdentityKey::MemberOf(staff.id),
        ] {
            assert_eq!(find(&entra(), key.clone()).await, [id], "{key:?}");
            assert!(find(&okta(), key.clone()).await.is_empty(), "{key:?}");
        }
        assert!(find(&entra(), IdentityKey::ExternalId("e-1".into())).await.is_empty());
        change!(t, [] c => identity::bury(c, id, minute(2)).await).unwrap();
        assert!(find(&entra(), IdentityKey::UserName("åsa@x.se".into())).await.is_empty());
        assert!(find(&entra(), IdentityKey::MemberOf(staff.id)).await.is_empty());
        assert_eq!(find(&entra(), IdentityKey::Id(other.id)).await, [other.id]);
    })
    .await;
}

#[tokio::test]
async fn pages_hold_each_living_identity_once_and_in_order() {
    on_each_engine(async |t| {
        let mut written: Vec<IdentityId> = Vec::new();
        for name in ["a", "b", "c", "d", "e"] {
            written.push(provisioned(t, &entra(), name).await.id);
        }
        provisioned(t, &okta(), "elsewhere").await;
        let gone = written.remove(2);
        change!(t, [] c => identity::bury(c, gone, minute(1)).await).unwrap();
        let ids = |page: Vec<Identity>| page.into_iter().map(|identity| identity.id).collect::<Vec<_>>();
        let first = ids(look!(t, c => identity::page(c, &entra(), None, 3)));
        let rest = ids(look!(t, c => identity::page(c, &entra(), first.last().copied(), 3)));
        assert_eq!([first, rest].concat(), written);
        assert_eq!(look!(t, c => identity::count(c, &entra())), 4);
        assert!(
            !change!(t, [] c => identity::bury(c, IdentityId::new(Uuid::nil()), minute(1)).await).unwrap()
        );
    })
    .await;
}
