//! Many at the same time: nothing is lost, nobody is told something untrue.

use futures_util::future::join_all;
use portvakt::domain::grant::Holder;
use portvakt::domain::ids::AccountId;
use portvakt::domain::policy::EvidenceSource;
use portvakt::store::item as items;
use portvakt::store::{
    EngineKind, StoreError, account, evidence, group, identity, login, membership, outbox, setting,
};

use super::sample::{crm, entra, formed, is_taken, item, minute, new_identity, person, provisioned};
use crate::engines::{TestDb, change, last_seen, look, on_each_engine};

/// As many as DESIGN's connections.
const CROWD: i64 = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_who_change_one_group_lose_nothing() {
    on_each_engine(async |t| {
        let staff = formed(t, &entra(), "staff").await.id;
        let mut members = Vec::new();
        for number in 0..CROWD {
            members.push(provisioned(t, &entra(), &format!("p{number}")).await.id);
        }
        let joins = members.iter().map(|id| async move {
            let (id, directory) = (*id, entra());
            change!(t, [] c => {
                let locked = group::lock(c, &directory, staff).await?.expect("it lives");
                membership::join(c, staff, &[id], minute(1)).await?;
                // What was read under the lock is still so.
                assert_eq!(group::touch(c, staff, minute(1)).await?, locked.version + 1);
                Ok(())
            })
        });
        for joined in join_all(joins).await {
            joined.unwrap();
        }
        let joined = look!(t, c => membership::members(c, staff));
        assert_eq!(joined.into_iter().map(|member| member.identity).collect::<Vec<_>>(), members);
        assert_eq!(look!(t, c => group::get(c, &entra(), staff)).unwrap().version, CROWD + 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_is_locked_is_raised_by_one_at_a_time() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await.id;
        let raises = (0..CROWD).map(|_| async move {
            change!(t, [] c => {
                account::lock(c, asa).await?.expect("it exists");
                outbox::announce(c, asa, &[crm()], false, minute(1)).await
            })
        });
        for raised in join_all(raises).await {
            raised.unwrap();
        }
        assert_eq!(look!(t, c => account::get(c, asa)).unwrap().version, CROWD + 1);
        let waiting = look!(t, c => outbox::due(c, &crm(), minute(1), 9));
        assert_eq!(waiting.iter().map(|row| row.version).collect::<Vec<_>>(), [CROWD + 1]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_with_one_name_one_is_written_and_the_others_hear_that_it_is_taken() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await.id;
        let inserts = (0..CROWD).map(|_| async move {
            let (new, keys) = new_identity(asa, &entra(), "Åsa", None);
            change!(t, [] c => identity::insert(c, &new, &keys).await)
        });
        let results: Vec<Result<(), StoreError>> = join_all(inserts).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        assert_eq!(results.iter().filter(|result| is_taken(result)).count(), results.len() - 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_take_one_name_one_has_it_and_the_others_hear_so() {
    on_each_engine(async |t| {
        let mut people = Vec::new();
        for number in 0..CROWD {
            people.push(provisioned(t, &entra(), &format!("p{number}")).await);
        }
        let updates = people.into_iter().map(|person| async move {
            let (_, keys) = new_identity(person.account, &entra(), "samma", person.external_id.as_deref());
            change!(t, [] c => identity::update(c, &person, &keys, minute(2)).await)
        });
        let results = join_all(updates).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        for refused in results.into_iter().filter_map(Result::err) {
            assert!(matches!(refused, StoreError::Taken { what: "userName or externalId" }), "{refused:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_that_many_assign_at_once_has_one_who_is_responsible() {
    on_each_engine(async |t| {
        let it = item("lease", "1");
        let mut people = Vec::new();
        for number in 0..6 {
            people.push(person(t, &format!("p{number}")).await.id);
        }
        let assign = |who: AccountId| {
            let it = it.clone();
            async move {
                let to = Holder::Account(who);
                change!(t, [] c => items::assign(c, &it, Some(&to), "target:crm", minute(1)).await)
            }
        };
        for assigned in join_all(people.iter().map(|who| assign(*who))).await {
            assert!(assigned.unwrap());
        }
        assert!(look!(t, c => items::assignee(c, &it, None)).is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_of_many_versions_and_sightings_counts() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await.id;
        let changes = (1..=CROWD).map(|number| async move {
            let target = crm();
            change!(t, [] c => {
                outbox::queue(c, &target, asa, number, false, minute(number)).await?;
                evidence::seen(c, asa, EvidenceSource::Sso, minute(number)).await
            })
        });
        for changed in join_all(changes).await {
            changed.unwrap();
        }
        let due = look!(t, c => outbox::due(c, &crm(), minute(CROWD), 9));
        assert_eq!((due.len(), due[0].version), (1, CROWD));
        assert_eq!(look!(t, c => last_seen(c, asa)), [(EvidenceSource::Sso, minute(CROWD))]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_many_bring_back_is_taken_by_one() {
    on_each_engine(async |t| {
        let takes = (0..CROWD).map(|_| take(t));
        assert_eq!(join_all(takes).await.into_iter().filter(|taken| *taken).count(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_holds_the_row_of_a_lock_is_alone() {
    on_each_engine(async |t| {
        assert_eq!(look!(t, c => setting::get(c, "count")), None);
        let raises = (0..CROWD).map(|_| async move {
            change!(t, [] c => {
                setting::hold(c, "safety").await?;
                let count: i64 = setting::get(c, "count").await?.map_or(0, |text| text.parse().expect("a number"));
                setting::set(c, "count", &(count + 1).to_string()).await
            })
        });
        for raised in join_all(raises).await {
            raised.unwrap();
        }
        assert_eq!(look!(t, c => setting::get(c, "count")), Some(CROWD.to_string()));
        // Where there is but one writer there is nothing to hold.
        if t.db.kind() == EngineKind::Postgres {
            let nothing = change!(t, [] c => setting::hold(c, "nothing").await);
            assert!(matches!(nothing, Err(StoreError::Corrupt { .. })), "{nothing:?}");
        }
    })
    .await;
}

async fn take(t: &TestDb) -> bool {
    change!(t, [] c => login::take(c, b"state", minute(10)).await).unwrap()
}
