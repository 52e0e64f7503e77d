//! A CRM that is told in its own tables: whole or not at all, the newest wins, and nobody else is kept waiting.

use portvakt::flows::Clock as _;
use portvakt::flows::targets::{self, Which};
use portvakt::store::{EngineKind, account};
use serde_json::json;
use sqlx::{Connection as _, Executor as _};

use super::tables::Tables;
use super::{change, crm, deliver, deliver_all, group, make, seconds};
use crate::engines::{look, on_each_engine};
use crate::house::TestHouse;

async fn dead(house: &TestHouse) -> Vec<String> {
    let letters = targets::dead(&house.ports, &crm(), &Which::default()).await.unwrap();
    letters.into_iter().map(|letter| letter.error).collect()
}

#[tokio::test]
async fn a_person_is_made_changed_closed_and_let_in_again_with_no_more_rights_than_are_granted() {
    on_each_engine(async |t| {
        let tables = Tables::new(t).await;
        tables.grant_least().await;
        // Somebody whom the CRM knew before, and who holds a role there that is none of ours.
        tables.execute("INSERT INTO crm_user (login, full_name) VALUES ('Asa@forening.example', 'A')").await;
        tables.execute("INSERT INTO crm_user_role SELECT u.id, r.id FROM crm_user u, crm_role r WHERE r.name <> 'Styrelse'").await;
        let house = tables.house(t, "").await;
        make(&house, "asa").await;
        let bo = make(&house, "bo").await;
        group(&house, "group-helpers", &[&bo]).await;
        assert_eq!(deliver_all(&house.ports).await, 2);
        let people = tables.people().await;
        let shown: Vec<_> =
            people.iter().map(|one| (one.login.as_str(), one.name.as_str(), one.may_log_in, one.roles.as_str())).collect();
        assert_eq!(
            shown,
            [("asa@forening.example", "asa", true, "Arkiv"), ("bo@forening.example", "bo", true, "Utskick")]
        );
        let person = look!(t, c => account::resolve(c, "bo@forening.example", None)).remove(0);
        assert_eq!(people[1].version, Some(person.version));
        let learned = look!(t, c => account::crm_ids(c, &crm(), &[person.id])).remove(&person.id);
        assert_eq!(learned, Some(people[1].id.to_string()));
        // A new name, then out and in again.
        change(&house, &bo, "displayName", json!("Bo O'Hara; DROP TABLE crm_user --")).await;
        change(&house, &bo, "userName", json!("bo.ny@forening.example")).await;
        deliver_all(&house.ports).await;
        assert_eq!(tables.people().await[1].name, "Bo O'Hara; DROP TABLE crm_user --");
        change(&house, &bo, "active", json!(false)).await;
        deliver_all(&house.ports).await;
        let closed = &tables.people().await[1];
        assert_eq!((closed.may_log_in, closed.roles.as_str(), closed.login.as_str()), (false, "", "bo.ny@forening.example"));
        change(&house, &bo, "active", json!(true)).await;
        deliver_all(&house.ports).await;
        let back = &tables.people().await[1];
        assert_eq!((back.may_log_in, back.roles.as_str()), (true, "Utskick"));
        assert_eq!(tables.people().await.len(), 2, "nobody is made twice");
        assert_eq!(dead(&house).await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn an_older_version_never_overwrites_a_newer_one_and_a_repeat_changes_nothing() {
    on_each_engine(async |t| {
        let tables = Tables::new(t).await;
        let house = tables.house(t, "").await;
        let asa = make(&house, "asa").await;
        deliver_all(&house.ports).await;
        let told = tables.people().await;
        tables.execute("UPDATE crm_user SET portvakt_version = 1000000, full_name = 'newer'").await;
        change(&house, &asa, "active", json!(false)).await;
        assert_eq!(deliver_all(&house.ports).await, 1);
        let kept = tables.people().await;
        assert_eq!((kept[0].name.as_str(), kept[0].may_log_in), ("newer", true));
        let id = look!(t, c => account::resolve(c, "asa@forening.example", None)).remove(0).id;
        let proof = look!(t, c => portvakt::store::delivered::proofs(c, id)).remove(0);
        assert!(proof.answer.contains("version 1000000 already"), "{}", proof.answer);
        // The same version again is written again, and leaves what was there.
        tables.execute(&format!("UPDATE crm_user SET portvakt_version = {}", told[0].version.unwrap())).await;
        let again = targets::replays::Again { account: Some("asa@forening.example".into()), since: None };
        let act = super::operator(&house, "command");
        for _ in 0..2 {
            targets::replays::begin(&house.ports, &act, &crm(), &again).await.unwrap();
            deliver_all(&house.ports).await;
        }
        let last = tables.people().await;
        assert_eq!((last.len(), last[0].may_log_in), (1, false));
    })
    .await;
}

#[tokio::test]
async fn what_the_tables_refuse_is_a_dead_letter_of_that_account_alone() {
    on_each_engine(async |t| {
        let tables = Tables::new(t).await;
        let house = tables.house(t, "").await;
        make(&house, "asa").await;
        make(&house, "bo").await;
        // The CRM gives each name to one; hers is taken by somebody who is bound to another account.
        tables
            .execute("INSERT INTO crm_user (login, full_name, portvakt_account) VALUES ('asa@forening.example', 'x', 'other')")
            .await;
        deliver_all(&house.ports).await;
        let letters = dead(&house).await;
        assert_eq!(letters.len(), 1, "{letters:?}");
        let words = if t.db.kind() == EngineKind::Postgres { "create: 23505: " } else { "create: UNIQUE constraint" };
        assert!(letters[0].starts_with(words) && !letters[0].contains("asa@"), "{letters:?}");
        let people = tables.people().await;
        assert_eq!(people.len(), 2, "{people:?}");
        assert!(people.iter().any(|one| one.login == "bo@forening.example" && one.may_log_in));
    })
    .await;
}

#[tokio::test]
async fn a_lock_and_a_missing_grant_are_for_later_and_use_up_nobody() {
    on_each_engine(async |t| {
        let tables = Tables::new(t).await;
        let house = tables.house(t, "").await;
        let asa = make(&house, "asa").await;
        deliver_all(&house.ports).await;
        change(&house, &asa, "displayName", json!("Åsa")).await;
        // The CRM itself holds what we would write.
        let round = match tables.kind() {
            EngineKind::Sqlite => {
                let conn = tables.lite();
                conn.execute_batch("BEGIN IMMEDIATE").unwrap();
                let round = deliver(&house.ports).await;
                conn.execute_batch("ROLLBACK").unwrap();
                round
            }
            EngineKind::Postgres => {
                let mut conn = tables.postgres().await;
                let mut held = conn.begin().await.unwrap();
                held.execute("UPDATE crm_user SET email = 'x'").await.unwrap();
                let round = deliver(&house.ports).await;
                held.rollback().await.unwrap();
                tables.execute("REVOKE UPDATE ON crm_user FROM CURRENT_USER").await;
                house.clock.advance(seconds(10));
                let ungranted = deliver(&house.ports).await;
                assert_eq!((ungranted.again, ungranted.dead), (1, 0));
                tables.execute("GRANT UPDATE ON crm_user TO CURRENT_USER").await;
                round
            }
        };
        assert_eq!((round.again, round.dead), (1, 0));
        house.clock.set(house.clock.now() + seconds(3600));
        assert_eq!(deliver(&house.ports).await.delivered, 1);
        assert_eq!(tables.people().await[0].name, "Åsa");
    })
    .await;
}

#[tokio::test]
async fn a_delivery_that_is_broken_off_leaves_nothing_half_and_is_made_again() {
    on_each_engine(async |t| {
        let tables = Tables::new(t).await;
        let house = tables.house(t, "").await;
        let people = [make(&house, "asa").await, make(&house, "bo").await, make(&house, "cilla").await];
        group(&house, "group-helpers", &[&people[0], &people[1], &people[2]]).await;
        let patience = std::time::Duration::from_millis(3);
        for pause in 1..12_u32 {
            // As a process that is killed: whatever was under way is dropped where it stands.
            drop(tokio::time::timeout(patience * pause, super::deliver(&house.ports)).await);
            for one in tables.people().await {
                assert_eq!((one.roles.as_str(), one.may_log_in), ("Utskick", true), "whole or not at all");
            }
            // Another process takes over once the lease has run out.
            house.clock.advance(seconds(600));
        }
        deliver_all(&house.ports).await;
        let told = tables.people().await;
        assert_eq!(told.len(), 3, "{told:?}");
    })
    .await;
}

#[tokio::test]
async fn a_trial_tries_everything_and_leaves_nothing() {
    on_each_engine(async |t| {
        let tables = Tables::new(t).await;
        tables.grant_least().await;
        let house = tables.house(t, "").await;
        tables.execute("INSERT INTO crm_user (login, full_name, last_login) VALUES ('eva', 'Eva', '2025-10-01T10:00:00Z')").await;
        let before = tables.people().await;
        let tried = house.ports.crms.get(&crm()).unwrap().test(house.clock.now()).await;
        assert!(tried.iter().all(|finding| finding.is_good), "{tried:#?}");
        let what: Vec<&str> = tried.iter().map(|finding| finding.what.as_str()).collect();
        assert!(what.contains(&"made, changed and closed somebody, and rolled it back"), "{what:?}");
        assert!(what.contains(&"prepared 9 statements") && what.contains(&"read 1 people"), "{what:?}");
        assert_eq!(tables.people().await, before);
        // A role that the CRM lacks is named.
        tables.grant_all().await;
        tables.execute("DELETE FROM crm_role WHERE name = 'Styrelse'").await;
        let tried = house.ports.crms.get(&crm()).unwrap().test(house.clock.now()).await;
        let bad: Vec<_> = tried.iter().filter(|finding| !finding.is_good).collect();
        assert!(bad.len() == 1 && bad[0].said.contains("none that is called \"Styrelse\""), "{bad:?}");
        // A table that is not there is said with the operation.
        tables.execute("ALTER TABLE crm_user RENAME COLUMN full_name TO whole_name").await;
        let tried = house.ports.crms.get(&crm()).unwrap().test(house.clock.now()).await;
        let bad: Vec<_> = tried.iter().filter(|finding| !finding.is_good).collect();
        assert!(bad.len() == 1 && bad[0].said.starts_with("create: ") && bad[0].said.contains("full_name"), "{bad:?}");
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_not_there_is_for_later() {
    on_each_engine(async |t| {
        let tables = Tables::new(t).await;
        let (before, _) = crate::house::SETTINGS.split_once("[[target]]").unwrap();
        let settings = match tables.kind() {
            EngineKind::Sqlite => tables.settings("").replace("crm.db", "nowhere.db"),
            EngineKind::Postgres => tables.settings("").replace("/portvakt_test_", "/nowhere_"),
        };
        let house = TestHouse::with(t, &format!("{before}{settings}"), crate::house::POLICY).await;
        make(&house, "asa").await;
        let round = deliver(&house.ports).await;
        assert_eq!((round.again, round.dead), (1, 0));
    })
    .await;
}
