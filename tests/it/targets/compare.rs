//! A CRM is read back: whole or not at all; what differs is shown, and put right where the settings say so.

use portvakt::domain::comparison::{Attribute, Class, Treatment};
use portvakt::domain::language::Language;
use portvakt::flows::compare::{self, Asked, ComparisonView, Listed, Release, Wrong};
use portvakt::flows::report::{self, Filters, Form, ReportName};
use portvakt::flows::{Clock as _, Ports, Refusal};
use portvakt::store::comparison_user::{self, Staged};
use portvakt::store::{EngineKind, account, comparison};
use serde_json::json;

use super::tables::Tables;
use super::{actions, change, crm, deliver_all, group, make, operator, seconds};
use crate::engines::{TestDb, look, on_each_engine};
use crate::house::TestHouse;

const HEAL: &str =
    "[target.compare]\nmissing = \"heal\"\nactive = \"heal\"\nroles = \"heal\"\nemail = \"accept\"";

async fn compared(house: &TestHouse, asked: &Asked) -> Result<ComparisonView, Refusal> {
    // What was told at this very instant is not held against the CRM.
    house.clock.advance(seconds(60));
    compare::run_alone(&house.ports, &operator(house, "command"), &crm(), asked).await
}

fn healing() -> Asked {
    Asked { heal: true, release: None }
}

async fn all(ports: &Ports, found: &ComparisonView) -> Vec<Listed> {
    let (mut listed, mut last): (Vec<Listed>, Option<Listed>) = (Vec::new(), None);
    loop {
        let page = compare::differences(ports, found, last.as_ref()).await.unwrap();
        let Some(end) = page.last() else { return listed };
        last = Some(end.clone());
        listed.extend(page);
    }
}

fn short(listed: &[Listed]) -> Vec<(Class, Option<Attribute>, &str, Treatment)> {
    let mut short: Vec<_> = listed
        .iter()
        .map(|one| {
            let who = one.user_name.as_deref().or(one.theirs.as_deref()).unwrap_or_default();
            (one.class, one.attribute, who, one.treatment)
        })
        .collect();
    short.sort_by_key(|(class, attribute, who, _)| (*class, *attribute, *who));
    short
}

/// Åsa, Bo, Cilla and Dag, told to the CRM; Bo is a helper there.
async fn told(t: &TestDb, more: &str) -> (Tables, TestHouse) {
    let tables = Tables::new(t).await;
    let house = tables.house(t, more).await;
    let mut ids = Vec::new();
    for name in ["asa", "bo", "cilla", "dag"] {
        ids.push(make(&house, name).await);
    }
    group(&house, "group-helpers", &[&ids[1]]).await;
    assert_eq!(deliver_all(&house.ports).await, 4);
    (tables, house)
}

#[tokio::test]
async fn what_was_told_is_found_as_it_was_told() {
    on_each_engine(async |t| {
        let (_tables, house) = told(t, "").await;
        let found = compared(&house, &healing()).await.unwrap();
        assert_eq!((found.people, found.under_way, found.to_heal, found.healed), (4, 0, 0, 0));
        assert_eq!(all(&house.ports, &found).await, Vec::new());
        assert_eq!(compare::last(&house.ports, &crm()).await.unwrap(), Some(found));
        assert!(actions(t, "target", "crm").await.contains(&"target_compared".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn each_kind_of_difference_is_found_and_healed_through_the_outbox_and_a_second_run_changes_nothing() {
    on_each_engine(async |t| {
        let (tables, house) = told(t, HEAL).await;
        for change in [
            "UPDATE crm_user SET may_log_in = FALSE WHERE login LIKE 'asa@%'",
            "UPDATE crm_user SET full_name = 'Robert', email = 'other@x.example' WHERE login LIKE 'bo@%'",
            "DELETE FROM crm_user_role",
            "INSERT INTO crm_user (login, full_name, may_log_in, last_login) VALUES ('eva', 'Eva', TRUE, '2025-09-30T10:00:00Z')",
            "INSERT INTO crm_user (login, full_name) VALUES ('dag2', 'Dag')",
        ] {
            tables.execute(change).await;
        }
        let found = compared(&house, &Asked::default()).await.unwrap();
        let listed = all(&house.ports, &found).await;
        assert_eq!(
            short(&listed),
            [
                (Class::Extra, None, "dag2", Treatment::Report),
                (Class::Extra, None, "eva", Treatment::Report),
                (Class::Different, Some(Attribute::Active), "asa@forening.example", Treatment::Heal),
                (Class::Different, Some(Attribute::Roles), "bo@forening.example", Treatment::Heal),
                (Class::Different, Some(Attribute::DisplayName), "bo@forening.example", Treatment::Report),
            ]
        );
        assert_eq!((found.extra, found.different, found.to_heal, found.healed), (2, 2, 2, 0));
        assert_eq!(deliver_all(&house.ports).await, 0, "nothing is told unless it is asked for");
        let found = compared(&house, &healing()).await.unwrap();
        assert_eq!((found.healed, found.stop.as_deref()), (2, None));
        // While they wait, nothing is said of them, and nothing is told twice.
        let waiting = compared(&house, &healing()).await.unwrap();
        assert_eq!((waiting.under_way, waiting.healed, waiting.different), (2, 0, 0));
        assert_eq!(deliver_all(&house.ports).await, 2);
        let again = compared(&house, &healing()).await.unwrap();
        assert_eq!((again.different, again.to_heal, again.healed, again.extra), (0, 0, 0, 2));
        let people = tables.people().await;
        let of = |name: &str| people.iter().find(|one| one.login.starts_with(name)).unwrap();
        let bo = of("bo@");
        assert!(of("asa@").may_log_in && bo.roles == "Utskick" && bo.name == "bo", "{people:?}");
        assert_eq!(deliver_all(&house.ports).await, 0);
    })
    .await;
}

#[tokio::test]
async fn who_is_missing_is_made_unless_the_crm_had_them_once() {
    on_each_engine(async |t| {
        let (tables, house) = told(t, HEAL).await;
        tables.execute("DELETE FROM crm_user WHERE login LIKE 'asa@%'").await;
        let found = compared(&house, &healing()).await.unwrap();
        let listed = all(&house.ports, &found).await;
        assert_eq!(short(&listed), [(Class::Missing, None, "asa@forening.example", Treatment::Report)]);
        assert_eq!((found.missing, found.healed), (1, 0));
        // One whom the CRM was never told of, because the letter was put away.
        make(&house, "eva").await;
        let act = operator(&house, "nobody");
        let eva = look!(t, c => account::resolve(c, "eva@forening.example", None)).remove(0);
        let forgotten = crate::engines::change!(t, [] c => {
            portvakt::store::outbox::done(c, &crm(), eva.id, eva.version, "", act.now).await
        });
        forgotten.unwrap();
        let found = compared(&house, &healing()).await.unwrap();
        assert_eq!((found.missing, found.healed), (2, 1));
        assert_eq!(deliver_all(&house.ports).await, 1);
        assert!(tables.people().await.iter().any(|one| one.login == "eva@forening.example"));
    })
    .await;
}

#[tokio::test]
async fn what_is_clear_to_nobody_is_in_conflict_and_left_alone() {
    on_each_engine(async |t| {
        let (tables, house) = told(t, HEAL).await;
        // Bo's row says that it is Åsa's, and another user bears Cilla's name.
        let asa = look!(t, c => account::resolve(c, "asa@forening.example", None)).remove(0).id;
        tables.execute("UPDATE crm_user SET portvakt_account = NULL WHERE login LIKE 'asa@%'").await;
        tables
            .execute(&format!("UPDATE crm_user SET portvakt_account = '{asa}' WHERE login LIKE 'bo@%'"))
            .await;
        tables
            .execute("INSERT INTO crm_user (login, full_name) VALUES ('CILLA@forening.example', 'x')")
            .await;
        let found = compared(&house, &healing()).await.unwrap();
        assert_eq!((found.conflicting, found.extra, found.healed), (2, 0, 0));
        let listed = all(&house.ports, &found).await;
        let why: Vec<&str> = listed.iter().filter_map(|one| one.theirs.as_deref()).collect();
        assert!(why.iter().any(|one| one.contains("is bound to the account")), "{why:?}");
        assert!(why.iter().any(|one| one.contains("is called like the account")), "{why:?}");
    })
    .await;
}

#[tokio::test]
async fn the_safety_stop_holds_back_what_takes_access_until_somebody_releases_exactly_that() {
    on_each_engine(async |t| {
        let (tables, house) = told(t, HEAL).await;
        let all_out: Vec<String> = {
            let mut out = Vec::new();
            for name in ["eva", "frida", "gun", "hans"] {
                out.push(make(&house, name).await);
            }
            out
        };
        deliver_all(&house.ports).await;
        for id in &all_out {
            house.clock.advance(seconds(26 * 3600));
            change(&house, id, "active", json!(false)).await;
        }
        house.clock.advance(seconds(26 * 3600));
        deliver_all(&house.ports).await;
        // Somebody lets four people in again, behind our back.
        tables.execute("UPDATE crm_user SET may_log_in = TRUE").await;
        let found = compared(&house, &healing()).await.unwrap();
        assert_eq!((found.stop.as_deref(), found.to_heal, found.healed), (Some("too_many"), 4, 0));
        assert_eq!(deliver_all(&house.ports).await, 0);
        let wrong =
            Asked { heal: true, release: Some(Release { hash: "0".repeat(64), reason: "seen".into() }) };
        assert_eq!(compared(&house, &wrong).await.unwrap().healed, 0);
        let hash = found.hash.unwrap();
        let release =
            Asked { heal: true, release: Some(Release { hash, reason: "seen with the board".into() }) };
        let found = compared(&house, &release).await.unwrap();
        assert_eq!((found.stop, found.healed), (None, 4));
        assert_eq!(deliver_all(&house.ports).await, 4);
        assert_eq!(tables.people().await.iter().filter(|one| one.may_log_in).count(), 4);
        let done = actions(t, "target", "crm").await;
        assert!(
            done.contains(&"comparison_stopped".to_owned())
                && done.contains(&"comparison_released".to_owned())
        );
    })
    .await;
}

#[tokio::test]
async fn a_list_that_shrank_stops_everything() {
    on_each_engine(async |t| {
        let (tables, house) = told(t, HEAL).await;
        compared(&house, &healing()).await.unwrap();
        tables.execute("DELETE FROM crm_user_role").await;
        tables.execute("DELETE FROM crm_user WHERE login NOT LIKE 'bo@%'").await;
        let found = compared(&house, &healing()).await.unwrap();
        assert_eq!((found.people, found.stop.as_deref(), found.healed), (1, Some("list_shrank"), 0));
    })
    .await;
}

#[tokio::test]
async fn a_reading_that_fails_says_nothing_and_leaves_the_last_word_standing() {
    on_each_engine(async |t| {
        let (tables, house) = told(t, "").await;
        let first = compared(&house, &Asked::default()).await.unwrap();
        let rename = ["crm_user_role RENAME TO away", "away RENAME TO crm_user_role"];
        tables.execute(&format!("ALTER TABLE {}", rename[0])).await;
        let refused = compared(&house, &Asked::default()).await.unwrap_err();
        assert!(
            matches!(&refused, Refusal::Outside(why) if why.contains("crm was not read: list")),
            "{refused}"
        );
        assert_eq!(compare::last(&house.ports, &crm()).await.unwrap(), Some(first));
        let kept = look!(t, c => comparison::of_target(c, &crm(), 10));
        assert_eq!((kept.len(), kept[0].is_complete), (2, false));
        assert!(kept[0].error.as_ref().unwrap().contains("was not read"), "{kept:?}");
        tables.execute(&format!("ALTER TABLE {}", rename[1])).await;
        assert!(compared(&house, &Asked::default()).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn what_a_comparison_that_was_broken_off_has_left_is_put_away_by_the_next() {
    on_each_engine(async |t| {
        let (_tables, house) = told(t, "").await;
        let now = house.clock.now();
        let left = crate::engines::change!(t, [] c => {
            let id = comparison::begin(c, &crm(), "somebody", now).await?;
            let holding = portvakt::domain::comparison::Holding { crm_id: "1".into(), ..Default::default() };
            let staged = Staged { position: 0, holding, account: None, conflict: None };
            comparison_user::stage(c, id, &[staged]).await.map(|count| (id, count))
        });
        let (id, count) = left.unwrap();
        assert_eq!(count, 1);
        let found = compared(&house, &Asked::default()).await.unwrap();
        assert_eq!((found.people, found.extra), (4, 0));
        let kept = look!(t, c => comparison::of_target(c, &crm(), 10));
        let broken = kept.iter().find(|one| one.id == id).unwrap();
        assert_eq!((broken.is_complete, broken.error.as_deref()), (false, Some("broken off")));
        assert!(look!(t, c => comparison_user::strangers(c, id, -1, 10)).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_person_is_shown_three_ways_with_who_is_wrong() {
    on_each_engine(async |t| {
        let (tables, house) = told(t, "").await;
        let who = async |name: &str| {
            let ways = compare::person(&house.ports, &format!("{name}@forening.example")).await.unwrap();
            (ways.crms[0].wrong, ways)
        };
        assert_eq!(who("asa").await.0, Wrong::Unknown);
        tables.execute("UPDATE crm_user SET may_log_in = FALSE WHERE login LIKE 'asa@%'").await;
        compared(&house, &Asked::default()).await.unwrap();
        let (wrong, ways) = who("asa").await;
        assert_eq!(wrong, Wrong::Crm);
        assert_eq!((ways.directories.len(), ways.directories[0].active), (1, true));
        let crm = &ways.crms[0];
        assert_eq!((crm.held[0].active, crm.ought.active, crm.differences.len()), (Some(false), true, 1));
        assert_eq!(who("bo").await.0, Wrong::Nobody);
        let token = house.directory_token("entra").await;
        let list = house.send("GET", "/scim/v2/entra/Users", &token, &serde_json::Value::Null).await;
        let users = list.body["Resources"].as_array().unwrap();
        let id = users.iter().find(|one| one["displayName"] == "dag").unwrap()["id"].as_str().unwrap();
        change(&house, id, "active", json!(false)).await;
        assert_eq!(who("dag").await.0, Wrong::Waiting);
        for wrong in [Wrong::Nobody, Wrong::Crm, Wrong::Directory] {
            assert_ne!(wrong.sentence(Language::Sv), wrong.sentence(Language::En));
        }
    })
    .await;
}

#[tokio::test]
async fn whom_no_account_stands_for_is_in_the_report_of_orphans_with_last_login_and_roles() {
    on_each_engine(async |t| {
        let (tables, house) = told(t, "").await;
        tables
            .execute("INSERT INTO crm_user (login, full_name, may_log_in, last_login) VALUES ('eva', 'Eva', TRUE, '2025-09-30T10:00:00Z')")
            .await;
        tables.execute("INSERT INTO crm_user (login, full_name, may_log_in) VALUES ('shut', 'Shut', FALSE)").await;
        tables
            .execute("INSERT INTO crm_user_role SELECT u.id, r.id FROM crm_user u, crm_role r WHERE u.login = 'eva' AND r.name = 'Arkiv'")
            .await;
        compared(&house, &Asked::default()).await.unwrap();
        let request = report::Request {
            name: ReportName::Orphans,
            as_of: None,
            before: None,
            filters: Filters::default(),
            language: Language::En,
            form: Form::Json,
        };
        let act = operator(&house, "command");
        let mut made = report::produce(&house.ports, &act, &request).await.unwrap();
        let columns: Vec<&str> = made.columns.iter().map(|column| column.key).collect();
        let at = |key: &str| columns.iter().position(|known| *known == key).unwrap();
        let (count, rows) = (made.count, made.rows(10).await.unwrap());
        assert_eq!((count, rows.len()), (1, 1));
        let cell = |key: &str| format!("{:?}", rows[0][at(key)]);
        assert!(cell("user_name").contains("eva") && cell("roles").contains("Arkiv"), "{:?}", rows[0]);
        assert!(cell("last_seen").contains("2025-09-30") && cell("days_since").contains('6'), "{:?}", rows[0]);
        assert!(made.head.iter().any(|(column, _)| column.key == "compared"));
        let again = report::produce(&house.ports, &act, &request).await.unwrap();
        assert_eq!(again.hash, made.hash, "the same input gives the same hash");
    })
    .await;
}

#[tokio::test]
async fn many_people_are_compared_page_by_page() {
    on_each_engine(async |t| {
        let tables = Tables::new(t).await;
        let house = tables.house(t, "").await;
        let many = match tables.kind() {
            EngineKind::Sqlite => {
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2300)
                 INSERT INTO crm_user (login, full_name, may_log_in) SELECT 'p' || i, 'P', TRUE FROM n"
            }
            EngineKind::Postgres => {
                "INSERT INTO crm_user (login, full_name, may_log_in) SELECT 'p' || i, 'P', TRUE FROM generate_series(1, 2300) i"
            }
        };
        tables.execute(many).await;
        let found = compared(&house, &Asked::default()).await.unwrap();
        assert_eq!((found.people, found.extra), (2300, 2300));
        assert_eq!(all(&house.ports, &found).await.len(), 2300);
        // What an older comparison found is put away.
        tables.execute("DELETE FROM crm_user").await;
        let found = compared(&house, &Asked::default()).await.unwrap();
        assert_eq!((found.people, all(&house.ports, &found).await.len()), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_webhook_cannot_be_read_back_and_says_so() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let refused = compared(&house, &Asked::default()).await.unwrap_err().to_string();
        assert!(refused.contains("a webhook only listens and cannot be read back"), "{refused}");
    })
    .await;
}
