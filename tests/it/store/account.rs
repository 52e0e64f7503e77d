//! Tables `account` and `account_crm_id`.

use portvakt::domain::account::{AccountKind, Status, StatusReason};
use portvakt::domain::ids::{AccountId, TargetId};
use portvakt::domain::language::Language;
use portvakt::store::{StoreError, account, outbox, standing as statuses};
use uuid::Uuid;

use super::sample::{crm, is_taken, minute, new_account, person, standing};
use crate::engines::{change, crm_id_of, look, on_each_engine};

#[tokio::test]
async fn an_account_is_read_back_as_it_was_written() {
    on_each_engine(async |t| {
        let mut whole = new_account("Åsa.Öberg@björkbacken.se");
        whole.email = Some("asa@example.org".into());
        whole.language = Some(Language::Sv);
        whole.kind = AccountKind::Temporary;
        whole.is_protected = true;
        whole.valid_from = Some(minute(-10));
        whole.valid_until = Some(minute(10));
        whole.leave_until = Some(minute(3));
        whole.returned_at = Some(minute(4));
        whole.activated_at = Some(minute(5));
        whole.standing.note = Some("välkommen".into());
        change!(t, [whole] c => account::insert(c, &whole).await).unwrap();
        assert_eq!(look!(t, c => account::get(c, whole.id)), Some(whole.clone()));
        let locked = change!(t, [whole] c => account::lock(c, whole.id).await).unwrap();
        assert_eq!(locked, Some(whole));
        let nobody = AccountId::new(Uuid::now_v7());
        assert_eq!(change!(t, [] c => account::lock(c, nobody).await).unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_description_is_new_only_where_it_says_something_else() {
    on_each_engine(async |t| {
        let mut asa = person(t, "asa").await;
        assert!(!change!(t, [asa] c => account::describe(c, &asa).await).unwrap());
        asa.email = Some("asa@example.org".into());
        asa.language = Some(Language::En);
        assert!(change!(t, [asa] c => account::describe(c, &asa).await).unwrap());
        assert!(!change!(t, [asa] c => account::describe(c, &asa).await).unwrap());
        asa.email = None;
        asa.user_name = "Åsa".into();
        assert!(change!(t, [asa] c => account::describe(c, &asa).await).unwrap());
        assert_eq!(look!(t, c => account::get(c, asa.id)), Some(asa.clone()));
        assert_eq!(look!(t, c => account::resolve(c, "åSA", None)), [asa]);
    })
    .await;
}

#[tokio::test]
async fn the_terms_of_an_account_are_written_without_touching_its_version() {
    on_each_engine(async |t| {
        let mut asa = person(t, "asa").await;
        asa.kind = AccountKind::Service;
        asa.is_protected = true;
        asa.valid_until = Some(minute(7));
        asa.created_at = minute(-1000);
        change!(t, [asa] c => account::set_terms(c, &asa).await).unwrap();
        assert_eq!(look!(t, c => account::get(c, asa.id)), Some(asa.clone()));
        for version in 2..4 {
            // However often one change says it.
            change!(t, [asa] c => {
                outbox::announce(c, asa.id, &[], false, minute(1)).await?;
                outbox::announce(c, asa.id, &[], true, minute(2)).await
            })
            .unwrap();
            assert_eq!(look!(t, c => account::get(c, asa.id)).map(|account| account.version), Some(version));
        }
    })
    .await;
}

#[tokio::test]
async fn an_account_answers_to_its_id_its_name_in_any_case_and_the_ids_of_crms() {
    on_each_engine(async |t| {
        let asa = person(t, "Åsa.ÖBERG@Äpple.se").await;
        let bo = person(t, "bo").await;
        let (target, other) = (crm(), TargetId::parse("other").unwrap());
        change!(t, [target, asa] c => account::set_crm_id(c, &target, asa.id, "4711").await).unwrap();
        for text in [&asa.id.to_string(), "åsa.öberg@äpple.se", " A\u{30a}SA.öberg@ÄPPLE.SE ", "4711"] {
            let found = look!(t, c => account::resolve(c, text, None));
            assert_eq!(found, std::slice::from_ref(&asa), "{text}");
        }
        assert_eq!(look!(t, c => account::resolve(c, "4711", Some(&target))), [asa]);
        assert!(look!(t, c => account::resolve(c, "4711", Some(&other))).is_empty());
        assert!(look!(t, c => account::resolve(c, &Uuid::now_v7().to_string(), None)).is_empty());
        let gone = standing(Status::Removed, StatusReason::Manual, minute(1));
        change!(t, [bo] c => statuses::change(c, bo.id, &gone).await).unwrap();
        assert!(look!(t, c => account::resolve(c, "bo", None)).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_text_that_means_several_accounts_gives_them_all() {
    on_each_engine(async |t| {
        let (asa, bo, cia) = (person(t, "Kansli").await, person(t, "kansli").await, person(t, "1042").await);
        let target = crm();
        assert_eq!(look!(t, c => account::resolve(c, "KANSLI", None)), [asa.clone(), bo.clone()]);
        // A CRM's number for one person is another's name.
        change!(t, [target, asa] c => account::set_crm_id(c, &target, asa.id, "1042").await).unwrap();
        assert_eq!(look!(t, c => account::resolve(c, "1042", Some(&target))), [asa.clone(), cia.clone()]);
        // One person under one text twice is not ambiguous.
        change!(t, [target, cia] c => account::set_crm_id(c, &target, cia.id, "kansli-3").await).unwrap();
        let other = TargetId::parse("other").unwrap();
        change!(t, [cia] c => account::set_crm_id(c, &other, cia.id, "kansli-3").await).unwrap();
        assert_eq!(look!(t, c => account::resolve(c, "kansli-3", None)), [cia]);
    })
    .await;
}

#[tokio::test]
async fn an_id_of_a_crm_belongs_to_one_account_and_an_account_has_one() {
    on_each_engine(async |t| {
        let (asa, bo, target) = (person(t, "asa").await, person(t, "bo").await, crm());
        let set = async |who: AccountId, id: &'static str| {
            change!(t, [target] c => account::set_crm_id(c, &target, who, id).await)
        };
        assert!(set(asa.id, "1").await.unwrap());
        assert!(!set(asa.id, "1").await.unwrap());
        assert!(matches!(set(bo.id, "1").await, Err(StoreError::Taken { what: "the CRM's id" })));
        assert!(is_taken(&set(asa.id, "2").await));
        assert_eq!(look!(t, c => crm_id_of(c, &target, asa.id)).as_deref(), Some("1"));
        assert_eq!(look!(t, c => crm_id_of(c, &target, bo.id)), None);
    })
    .await;
}

#[tokio::test]
async fn pages_of_accounts_hold_each_account_once() {
    on_each_engine(async |t| {
        let mut written = Vec::new();
        for name in ["a", "b", "c", "d", "e"] {
            written.push(person(t, name).await.id);
        }
        let mut read = Vec::new();
        loop {
            let page = look!(t, c => account::page(c, read.last().copied(), 2));
            if page.is_empty() {
                break;
            }
            read.extend(page.into_iter().map(|account| account.id));
        }
        assert_eq!(read, written);
        let frozen = standing(Status::Frozen, StatusReason::Inactive, minute(1));
        let first = written[0];
        change!(t, [] c => statuses::change(c, first, &frozen).await).unwrap();
        let mut counts = look!(t, c => account::count_by_status(c));
        counts.sort_unstable();
        assert_eq!(counts, [(Status::Active, 4), (Status::Frozen, 1)]);
    })
    .await;
}
