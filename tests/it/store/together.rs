//! Reads that are asked together with those of others are as good as reads of one's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::future::join_all;
use portvakt::domain::ids::{DirectoryId, GroupId, IdentityId};
use portvakt::domain::name::fold;
use portvakt::store::identity::{self, Identity};
use portvakt::store::sheet::{self, Sheet, SheetKey, SheetKind};
use portvakt::store::token::{self, TokenKind};
use portvakt::store::{Db, StoreError, group, membership};
use serde_json::{Value, json};

use super::sample::{entra, minute, new_group, new_identity, okta, provisioned};
use crate::engines::{TestDb, change, look, on_each_engine};

const PERSON: SheetKind = SheetKind::Person { with_groups: true };

async fn one(db: &Db, directory: &DirectoryId, key: SheetKey) -> Option<Sheet> {
    let found = sheet::find(db, PERSON, directory, key).await.unwrap().expect("not too many");
    assert!(found.len() <= 1);
    found.into_iter().next()
}

/// Writes a group with its members.
async fn group_of(t: &TestDb, directory: &DirectoryId, name: &str, members: &[IdentityId]) -> GroupId {
    let (formed, key, members) = (new_group(directory, name, None), fold(name), members.to_vec());
    let id = formed.id;
    change!(t, [formed] c => {
        group::insert(c, &formed, &key).await?;
        membership::join(c, formed.id, &members, minute(0)).await
    })
    .unwrap();
    id
}

/// Changes the document of a person, so that it tells the version it belongs to.
async fn renew(db: &Db, mut identity: Identity) -> i64 {
    let (_, keys) = new_identity(identity.account, &identity.directory, "åsa@x.se", Some("E-1"));
    db.write::<_, StoreError, _>(move |c| {
        Box::pin(async move {
            let now = identity::lock(c, &identity.directory, identity.id).await?.expect("a living person");
            identity.document = json!({ "userName": "åsa@x.se", "title": now.version + 1 });
            identity::update(c, &identity, &keys, minute(now.version)).await
        })
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_never_older_than_a_write_that_was_committed_before_the_question() {
    on_each_engine(async |t| {
        let asa = provisioned(t, &entra(), "åsa@x.se").await;
        let committed = Arc::new(AtomicI64::new(renew(&t.db, asa.clone()).await));
        let readers = (0..12).map(|n| {
            let (db, committed, id) = (t.db.clone(), Arc::clone(&committed), asa.id.uuid());
            tokio::spawn(async move {
                for round in 0..60 {
                    let key = match (n + round) % 2 {
                        0 => SheetKey::Id(id),
                        _ => SheetKey::UserName("åsa@x.se".into()),
                    };
                    let before = committed.load(Ordering::SeqCst);
                    let seen = one(&db, &entra(), key).await.expect("she is there all the time");
                    assert!(seen.version >= before, "version {} after {before} was committed", seen.version);
                    let document: Value = serde_json::from_str(&seen.document).unwrap();
                    assert_eq!(document["title"], seen.version, "document and version belong together");
                }
            })
        });
        let readers: Vec<_> = readers.collect();
        for _ in 0..40 {
            committed.store(renew(&t.db, asa.clone()).await, Ordering::SeqCst);
        }
        for reader in join_all(readers).await {
            reader.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_different_questions_finds_what_each_would_find_alone() {
    on_each_engine(async |t| {
        let mut people = Vec::new();
        for n in 0..20 {
            let directory = if n % 2 == 0 { entra() } else { okta() };
            people.push(provisioned(t, &directory, &format!("Person-{n}")).await);
        }
        let staff = group_of(t, &entra(), "Ättlingar", &[people[0].id, people[2].id]).await;
        let all: Arc<[Identity]> = people.into();
        let asking = (0..32_usize).map(|n| {
            let (db, all) = (t.db.clone(), Arc::clone(&all));
            tokio::spawn(async move {
                for round in 0..25_usize {
                    let at = (n * 31 + round * 7) % all.len();
                    let person = &all[at];
                    let own = if at % 2 == 0 { entra() } else { okta() };
                    let other = if at % 2 == 0 { okta() } else { entra() };
                    let key = match (n + round) % 3 {
                        0 => SheetKey::Id(person.id.uuid()),
                        1 => SheetKey::UserName(format!("person-{at}")),
                        _ => SheetKey::ExternalId(format!("Person-{at}")),
                    };
                    let found = one(&db, &own, key.clone()).await.expect("the person of the key");
                    assert_eq!((found.id, &found.directory), (person.id.uuid(), &own));
                    let groups: Vec<_> = found.groups.iter().map(|(id, name)| (*id, name.as_str())).collect();
                    let expected = if at == 0 || at == 2 { vec![(staff, "Ättlingar")] } else { Vec::new() };
                    assert_eq!(groups, expected);
                    assert_eq!(one(&db, &other, key).await, None, "of another directory");
                    assert_eq!(one(&db, &own, SheetKey::UserName("nobody".into())).await, None);
                }
            })
        });
        for asked in join_all(asking.collect::<Vec<_>>()).await {
            asked.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn groups_are_found_by_name_until_they_are_too_many() {
    on_each_engine(async |t| {
        let staff = group_of(t, &entra(), "Ättlingar", &[]).await;
        let find = async |name: &str| {
            let key = SheetKey::DisplayName(name.into());
            let found = sheet::find(&t.db, SheetKind::Group, &entra(), key).await.unwrap();
            found.map(|all| all.into_iter().map(|one| GroupId::new(one.id)).collect::<Vec<_>>())
        };
        assert_eq!(find("ättlingar").await, Some(vec![staff]));
        assert_eq!(find("nobody").await, Some(Vec::new()));
        for _ in 0..256 {
            group_of(t, &entra(), "Styrelsen", &[]).await;
        }
        assert_eq!(find("styrelsen").await, None);
        assert_eq!(find("ättlingar").await, Some(vec![staff]));
    })
    .await;
}

#[tokio::test]
async fn members_and_names_are_told_group_by_group() {
    on_each_engine(async |t| {
        let (asa, bo) = (provisioned(t, &entra(), "åsa").await.id, provisioned(t, &entra(), "bo").await.id);
        let both = group_of(t, &entra(), "Both", &[asa, bo]).await;
        let none = group_of(t, &entra(), "None", &[]).await;
        let one = group_of(t, &entra(), "One", &[bo]).await;
        change!(t, [] c => membership::leave(c, both, &[bo], minute(9)).await.map(drop)).unwrap();
        change!(t, [] c => membership::join(c, both, &[bo], minute(10)).await.map(drop)).unwrap();
        let groups = [one.uuid(), none.uuid(), both.uuid()];
        let told = async |only: Option<&[uuid::Uuid]>| {
            let mut told = Vec::new();
            look!(t, c => sheet::members(c, &groups, only, |group, members| {
                told.push((group, members.ids().collect::<Vec<_>>()));
                std::ops::ControlFlow::Continue(())
            }));
            told
        };
        assert_eq!(told(None).await, [(both, vec![asa, bo]), (one, vec![bo])]);
        assert_eq!(told(Some(&[asa.uuid()])).await, [(both, vec![asa])]);
        assert_eq!(look!(t, c => sheet::names(c, both)), ["åsa", "bo"]);
    })
    .await;
}

#[tokio::test]
async fn what_goes_wrong_is_told_to_everybody_and_passes() {
    on_each_engine(async |t| {
        let ask = async || {
            let asking = (0..16_u8).map(|n| {
                let db = t.db.clone();
                tokio::spawn(
                    async move { token::by_hash(&db, None, TokenKind::Directory, vec![n; 32]).await },
                )
            });
            let told = join_all(asking.collect::<Vec<_>>()).await;
            told.into_iter().map(Result::unwrap).collect::<Vec<_>>()
        };
        assert!(ask().await.iter().all(|told| matches!(told, Ok(None))));
        t.raw().await.execute("ALTER TABLE token RENAME TO mislaid").await;
        let told = ask().await;
        assert!(told.iter().all(|told| matches!(told, Err(StoreError::Unavailable(_)))), "{told:?}");
        t.raw().await.execute("ALTER TABLE mislaid RENAME TO token").await;
        assert!(ask().await.iter().all(|told| matches!(told, Ok(None))));
        t.db.close().await;
        assert!(ask().await.iter().all(|told| matches!(told, Err(StoreError::Closed))));
    })
    .await;
}
