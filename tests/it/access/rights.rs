//! Rights by hand: who may give them, what is asked for, what is held back, and what is written down.

use axum::http::{Method, StatusCode};
use portvakt::domain::actor::{Actor, Subject};
use portvakt::domain::grant::GrantKind;
use portvakt::domain::language::Language;
use portvakt::flows::decide::{Question, Who, why};
use portvakt::flows::people::{self, ForWhom, Lasting};
use portvakt::flows::{Act, Refusal};
use portvakt::store::{audit, outbox};
use serde_json::{Value, json};

use super::events::tell;
use super::stories::{account, code, give, name, operator, role, sector, sees, to_item};
use crate::association::{Association, MORNING};
use crate::engines::{look, on_each_engine};
use crate::house::at;

async fn acting(house: &Association, who: &str) -> Act {
    let id = people::find_one(&house.ports, &name(who)).await.unwrap().id;
    house.ports.act(Actor::Account(id), "story")
}

fn usual(kind: GrantKind) -> (GrantKind, Lasting) {
    (kind, Lasting::AsUsual)
}

#[tokio::test]
async fn only_whoever_administers_gives_rights_and_never_to_themselves() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let try_it = async |by: &str, to: &str| {
            people::grant(
                &house.ports,
                &acting(&house, by).await,
                &name(to),
                usual(role("communicator")),
                "asked",
            )
            .await
        };
        assert!(matches!(try_it("anna", "nils").await, Err(Refusal::NotAllowed(_))));
        give(&house, "anna", role("administrator")).await;
        assert!(try_it("anna", "nils").await.is_ok());
        assert!(matches!(try_it("anna", "anna").await, Err(Refusal::NotAllowed(_))));
        give(&house, "rut", role("administrator")).await;
        give(&house, "rut", GrantKind::Limited).await;
        assert!(
            matches!(try_it("rut", "nils").await, Err(Refusal::NotAllowed(_))),
            "limited never administers"
        );
        let link = to_item(account("hanna"), "mailing", "1");
        let by_rut =
            people::link(&house.ports, &acting(&house, "rut").await, link, Lasting::AsUsual, "x").await;
        assert!(matches!(by_rut, Err(Refusal::NotAllowed(_))));
        assert!(!sees(&house, "hanna", "1").await);
    })
    .await;
}

#[tokio::test]
async fn a_right_by_hand_needs_a_reason_an_end_and_something_that_the_policy_knows() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let act = operator(&house);
        let refused = async |kind: GrantKind, lasting: Lasting, reason: &str| {
            people::grant(&house.ports, &act, &name("nils"), (kind, lasting), reason)
                .await
                .unwrap_err()
                .to_string()
        };
        assert!(refused(role("board"), Lasting::AsUsual, " ").await.starts_with("reason:"));
        assert!(refused(role("board"), Lasting::WithoutEnd, "x").await.starts_with("until:"));
        assert!(refused(role("board"), Lasting::Until(at(MORNING)), "x").await.contains("has passed"));
        assert!(refused(role("king"), Lasting::AsUsual, "x").await.contains("communicator"));
        assert!(refused(sector("moon"), Lasting::AsUsual, "x").await.contains("mailings"));
        people::grant(&house.ports, &act, &name("nils"), (GrantKind::Limited, Lasting::WithoutEnd), "x")
            .await
            .unwrap();
        give(&house, "nils", role("board")).await;
        let stories = people::explain(&house.ports, &name("nils"), Language::En).await.unwrap();
        let ends: Vec<bool> = stories.iter().map(|story| story.ends_at.is_some()).collect();
        assert_eq!(ends, [true, false], "a role ends after 180 days, a limit when somebody lifts it");
        let bad = [("member", "1", "component"), ("mailing", " ", "item"), ("moon", "1", "component")];
        for (component, item, says) in bad {
            let wanted = to_item(account("hanna"), component, item);
            let refusal = people::link(&house.ports, &act, wanted, Lasting::AsUsual, "x").await.unwrap_err();
            assert!(refusal.to_string().starts_with(says), "{refusal}");
        }
        let wanted = to_item(ForWhom::Role("king".into()), "mailing", "1");
        assert!(people::link(&house.ports, &act, wanted, Lasting::AsUsual, "x").await.is_err());
    })
    .await;
}

#[tokio::test]
async fn what_a_rule_gives_is_not_taken_by_hand_and_a_link_of_an_event_neither() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let act = operator(&house);
        let refusal =
            people::revoke(&house.ports, &act, &name("hanna"), role("communicator"), "x").await.unwrap_err();
        assert!(refusal.to_string().contains("newsletter-helpers"), "{refusal}");
        let refusal =
            people::revoke(&house.ports, &act, &name("nils"), GrantKind::Limited, "x").await.unwrap_err();
        assert!(refusal.to_string().contains("does not hold"), "{refusal}");
        tell(
            &house,
            json!([{ "event": "created", "component": "mailing", "item": "1", "by": name("hanna") }]),
        )
        .await;
        let wanted = to_item(account("hanna"), "mailing", "1");
        assert!(people::unlink(&house.ports, &act, wanted, "x").await.is_err());
        assert!(sees(&house, "hanna", "1").await);
    })
    .await;
}

#[tokio::test]
async fn the_last_administrator_keeps_the_role_and_is_not_limited() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let act = operator(&house);
        give(&house, "anna", role("administrator")).await;
        let last = [
            people::revoke(&house.ports, &act, &name("anna"), role("administrator"), "x").await,
            people::grant(&house.ports, &act, &name("anna"), usual(GrantKind::Limited), "x").await,
        ];
        for refused in last {
            let why = refused.unwrap_err().to_string();
            assert!(why.contains("nobody else would hold"), "{why}");
        }
        give(&house, "rut", role("administrator")).await;
        give(&house, "rut", GrantKind::Limited).await;
        // Somebody limited administers nothing, and is nobody to rely on.
        assert!(people::revoke(&house.ports, &act, &name("anna"), role("administrator"), "x").await.is_err());
        give(&house, "nils", role("administrator")).await;
        people::revoke(&house.ports, &act, &name("anna"), role("administrator"), "x").await.unwrap();
        assert_eq!(code(&house, "anna", "view", "settings", "*").await, "no_role");
        // What is not critical may be taken from anybody.
        give(&house, "nils", role("caretaker")).await;
        people::revoke(&house.ports, &act, &name("nils"), role("caretaker"), "x").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_change_by_hand_is_written_down_and_told_to_the_crms_under_a_new_version() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let before = people::find_one(&house.ports, &name("nils")).await.unwrap();
        give(&house, "nils", role("communicator")).await;
        let wanted = to_item(account("nils"), "mailing", "1");
        people::link(&house.ports, &operator(&house), wanted, Lasting::AsUsual, "helps").await.unwrap();
        let after = people::find_one(&house.ports, &name("nils")).await.unwrap();
        assert_eq!(after.version, before.version + 2);
        let entries = look!(t, c => audit::about(c, &Subject::new("account", after.id), 2));
        let told: Vec<(&str, &str)> =
            entries.iter().map(|one| (one.action.as_str(), one.actor.as_str())).collect();
        assert_eq!(told, [("linked_by_hand", "operator:test"), ("granted_by_hand", "operator:test")]);
        assert_eq!(entries[0].after.as_ref().unwrap()["reason"], "helps");
        let target = portvakt::domain::ids::TargetId::parse("crm").unwrap();
        let due = look!(t, c => outbox::due(c, &target, at(MORNING), 100));
        let waiting = due.iter().find(|row| row.account == after.id);
        assert_eq!(waiting.map(|row| row.version), Some(after.version));
    })
    .await;
}

#[tokio::test]
async fn a_crm_passes_rights_on_for_a_person_with_system_administration_and_nobody_else() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        give(&house, "anna", role("administrator")).await;
        let post = async |path: &str, body: Value| {
            let answer = house.crm(Method::POST, path, body).await;
            (answer.status, answer.body)
        };
        let grants = format!("/api/v1/accounts/{}/grants", name("nils"));
        let right = |kind: &str, value: &str, by: &str| {
            json!({ "kind": kind, "value": value, "reason": "asked for in the CRM", "by": name(by) })
        };
        assert_eq!(post(&grants, right("role", "communicator", "hanna")).await.0, StatusCode::FORBIDDEN);
        assert_eq!(post(&grants, right("role", "administrator", "anna")).await.0, StatusCode::FORBIDDEN);
        assert_eq!(post(&grants, right("crown", "", "anna")).await.0, StatusCode::BAD_REQUEST);
        assert_eq!(post(&grants, json!({ "kind": "limited", "reason": "x" })).await.0, StatusCode::BAD_REQUEST);
        let (status, body) = post(&grants, right("role", "communicator", "anna")).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!(code(&house, "nils", "edit", "mailing", "1").await, "allowed");
        assert_eq!(post(&grants, right("item_restricted", "", "anna")).await.0, StatusCode::OK);
        assert_eq!(code(&house, "nils", "edit", "mailing", "1").await, "item_not_linked");
        let link = json!({ "component": "mailing", "item": "1", "holder": { "account": name("nils") },
            "reason": "keeps it", "by": name("anna") });
        let (status, body) = post("/api/v1/links", link.clone()).await;
        assert_eq!((status, &body["origin"]), (StatusCode::OK, &json!("manual")), "{body}");
        assert_eq!(code(&house, "nils", "edit", "mailing", "1").await, "allowed");
        let shown = house.crm(Method::GET, &grants, Value::Null).await.body;
        let kinds: Vec<&str> = shown.as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["role", "item_restricted", "link"], "{shown}");
        let id = people::find_one(&house.ports, &name("anna")).await.unwrap().id;
        assert_eq!(shown[0]["by"], json!(format!("account:{id}")));
        assert_eq!(post("/api/v1/links/end", link).await.0, StatusCode::OK);
        assert_eq!(code(&house, "nils", "edit", "mailing", "1").await, "item_not_linked");
        let end = format!("{grants}/end");
        assert_eq!(post(&end, right("role", "communicator", "anna")).await.0, StatusCode::OK);
        assert_eq!(code(&house, "nils", "edit", "mailing", "1").await, "no_role");
    })
    .await;
}

#[tokio::test]
async fn an_answer_is_explained_by_group_rule_and_role_and_a_no_by_what_would_give_it() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let why = async |who: &str, component: &str, item: Option<&str>, as_of: Option<&str>| {
            let question = Question {
                who: Who::Account(name(who)),
                action: "edit".into(),
                component: component.into(),
                item: item.map(str::to_owned),
                language: None,
                as_of: as_of.map(at),
                min_version: None,
            };
            why::explained(&house.ports, &question, Language::En).await.unwrap()
        };
        let yes = why("rut", "member", Some("1"), None).await;
        let line = yes.because[0].sentence(Language::En);
        for part in ["Member registrar", "by the rule member-registrars", "through the group Medlemsregistret (entra)", "by directory:entra"] {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert!(yes.would_give.is_empty() && yes.answer.rule.is_some());
        let no = why("nils", "member", Some("1"), None).await;
        assert!(no.because.is_empty());
        assert!(no.would_give.iter().any(|way| way.contains("by the rule member-registrars: the group 8a1c6f0e")), "{no:?}");
        let restricted = why("hanna", "mailing", Some("1"), None).await;
        assert!(restricted.because.iter().any(|story| story.kind == "item_restricted"));
        assert!(restricted.would_give[0].contains("account link"));
        house.after_hours(24);
        tell(&house, json!([{ "event": "assigned", "component": "mailing", "item": "1", "assignee": { "account": name("hanna") } }])).await;
        house.after_hours(24);
        tell(&house, json!([{ "event": "assigned", "component": "mailing", "item": "1", "assignee": null }])).await;
        let then = why("hanna", "mailing", Some("1"), Some("2026-03-03T20:00:00Z")).await;
        assert!(then.answer.decision && then.because.iter().any(|story| story.kind == "assignment"), "{then:?}");
        assert!(!why("hanna", "mailing", Some("1"), None).await.answer.decision);
        let past = people::explain_at(&house.ports, &name("hanna"), Language::Sv, Some(at("2026-03-03T20:00:00Z"))).await;
        assert!(past.unwrap().iter().any(|story| story.value == "mailing/1"));
    })
    .await;
}
