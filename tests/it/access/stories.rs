//! The model of access, a story for each of its sentences, told over the doors that a directory and a CRM use.

use axum::http::{Method, StatusCode};
use portvakt::domain::actor::Actor;
use portvakt::domain::grant::GrantKind;
use portvakt::domain::ids::{RoleId, SectorId};
use portvakt::domain::language::Language;
use portvakt::flows::people::{self, Dates, ForWhom, Lasting, Wanted};
use portvakt::flows::{Act, lifecycle};
use serde_json::{Value, json};

use super::events::tell;
use crate::association::{Association, MORNING};
use crate::engines::{look, on_each_engine};
use crate::house::at;

/// The eleven components that know item restriction.
const ELEVEN: [&str; 11] = [
    "activity_list",
    "supplier",
    "note",
    "mailing",
    "folder",
    "form",
    "email_case",
    "board_discussion",
    "project",
    "lease",
    "vote",
];

pub(super) fn name(who: &str) -> String {
    format!("{who}@bjorkbacken.example")
}

/// Whoever holds the shell.
pub(super) fn operator(house: &Association) -> Act {
    house.ports.act(Actor::Operator("test".into()), "test")
}

pub(super) fn role(id: &str) -> GrantKind {
    GrantKind::Role(RoleId::parse(id).unwrap())
}

pub(super) fn sector(id: &str) -> GrantKind {
    GrantKind::Sector(SectorId::parse(id).unwrap())
}

/// The code of the answer; a yes that must be narrowed is `narrowed`.
pub(super) async fn code(
    house: &Association,
    who: &str,
    action: &str,
    component: &str,
    item: &str,
) -> String {
    let question = json!({
        "subject": { "type": "account", "id": name(who) },
        "action": { "name": action },
        "resource": { "type": component, "id": item },
    });
    let answer = house.crm(Method::POST, "/access/v1/evaluation", question).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    if answer.body["context"]["narrowed"] == json!(true) {
        return "narrowed".into();
    }
    answer.body["context"]["code"].as_str().expect("a code").to_owned()
}

/// Whether somebody sees a mailing.
pub(super) async fn sees(house: &Association, who: &str, mailing: &str) -> bool {
    code(house, who, "view", "mailing", mailing).await == "allowed"
}

pub(super) async fn give(house: &Association, who: &str, kind: GrantKind) {
    let given = (kind, Lasting::AsUsual);
    people::grant(&house.ports, &operator(house), &name(who), given, "story").await.expect("it is given");
}

pub(super) fn to_item(whom: ForWhom, component: &str, item: &str) -> Wanted {
    Wanted { whom, component: component.into(), item: item.into(), target: None }
}

pub(super) fn account(who: &str) -> ForWhom {
    ForWhom::Account(name(who))
}

#[tokio::test]
async fn a_role_opens_its_modules_from_the_commit_on_and_no_longer_than_it_is_held() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        assert_eq!(code(&house, "nils", "edit", "mailing", "1").await, "no_role");
        give(&house, "nils", role("communicator")).await;
        assert_eq!(code(&house, "nils", "edit", "mailing", "1").await, "allowed");
        assert_eq!(code(&house, "nils", "edit", "member", "1").await, "no_role");
        let taken =
            people::revoke(&house.ports, &operator(&house), &name("nils"), role("communicator"), "done")
                .await;
        taken.expect("it is taken");
        assert_eq!(code(&house, "nils", "edit", "mailing", "1").await, "no_role");
    })
    .await;
}

#[tokio::test]
async fn any_account_can_be_made_limited_and_then_never_reaches_administration() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        give(&house, "anna", role("administrator")).await;
        give(&house, "nils", role("administrator")).await;
        assert_eq!(code(&house, "nils", "administer", "settings", "*").await, "allowed");
        give(&house, "nils", GrantKind::Limited).await;
        for id in ["members", "mailings", "cases", "meetings", "projects", "documents", "property"] {
            give(&house, "nils", sector(id)).await;
        }
        assert_eq!(code(&house, "nils", "administer", "settings", "*").await, "administration_closed");
        assert_eq!(code(&house, "nils", "view", "settings", "*").await, "administration_closed");
        assert_eq!(code(&house, "nils", "edit", "lease", "1").await, "allowed");
        let list = people::list(&house.ports).await.unwrap();
        let limited: Vec<&str> =
            list.iter().filter(|line| line.limited).map(|line| line.display_name.as_str()).collect();
        assert_eq!(limited, ["hanna", "hugo", "nils"]);
    })
    .await;
}

#[tokio::test]
async fn a_limited_account_reaches_the_sectors_it_holds_one_or_several() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        assert_eq!(code(&house, "hanna", "view", "email_case", "*").await, "no_sector");
        give(&house, "hanna", sector("cases")).await;
        assert_eq!(code(&house, "hanna", "view", "email_case", "*").await, "narrowed");
        assert_eq!(code(&house, "hanna", "view", "mailing", "*").await, "narrowed");
        assert_eq!(code(&house, "hanna", "view", "member", "*").await, "no_sector");
    })
    .await;
}

#[tokio::test]
async fn each_of_the_eleven_components_shows_a_restricted_account_only_what_is_linked() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        for component in ELEVEN {
            assert_eq!(code(&house, "anna", "view", component, "1").await, "allowed", "{component}");
        }
        give(&house, "anna", GrantKind::ItemRestricted).await;
        for component in ELEVEN {
            assert_eq!(code(&house, "anna", "view", component, "1").await, "item_not_linked", "{component}");
            assert_eq!(code(&house, "anna", "view", component, "*").await, "narrowed", "{component}");
            let wanted = to_item(account("anna"), component, "1");
            people::link(&house.ports, &operator(&house), wanted, Lasting::AsUsual, "helps").await.unwrap();
            assert_eq!(code(&house, "anna", "edit", component, "1").await, "allowed", "{component}");
            assert_eq!(code(&house, "anna", "view", component, "2").await, "item_not_linked", "{component}");
        }
        assert_eq!(code(&house, "anna", "view", "member", "1").await, "allowed");
    })
    .await;
}

#[tokio::test]
async fn creating_taking_part_and_creating_within_a_project_make_links_that_say_so() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        give(&house, "anna", GrantKind::ItemRestricted).await;
        tell(
            &house,
            json!([
                { "event": "created", "component": "mailing", "item": "1", "by": name("hanna") },
                { "event": "created", "component": "note", "item": "2", "by": name("anna"), "project": "7" },
                { "event": "created", "component": "board_discussion", "item": "3", "by": name("rut"),
                  "participants": [name("anna")] },
                { "event": "created", "component": "mailing", "item": "4" },
            ]),
        )
        .await;
        assert!(sees(&house, "hanna", "1").await && !sees(&house, "hanna", "4").await);
        assert_eq!(code(&house, "anna", "view", "note", "2").await, "allowed");
        assert_eq!(code(&house, "anna", "view", "board_discussion", "3").await, "allowed");
        let stories = people::explain(&house.ports, &name("anna"), Language::Sv).await.unwrap();
        let links: Vec<(&str, &str)> = stories
            .iter()
            .filter(|story| story.kind == "link")
            .map(|story| (story.value.as_str(), story.origin))
            .collect();
        assert_eq!(links, [("board_discussion/3", "participant"), ("note/2", "created"), ("note/2", "project")]);
        // Whoever leaves the discussion loses that link and no other.
        let left = json!([{ "event": "participants", "component": "board_discussion", "item": "3", "participants": [] }]);
        tell(&house, left).await;
        assert_eq!(code(&house, "anna", "view", "board_discussion", "3").await, "item_not_linked");
        assert_eq!(code(&house, "anna", "view", "note", "2").await, "allowed");
    })
    .await;
}

#[tokio::test]
async fn a_link_to_a_role_is_a_link_to_everybody_who_holds_it() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let wanted = to_item(ForWhom::Role("communicator".into()), "mailing", "9");
        people::link(&house.ports, &operator(&house), wanted.clone(), Lasting::AsUsual, "newsletter")
            .await
            .unwrap();
        assert!(sees(&house, "hanna", "9").await && sees(&house, "hugo", "9").await);
        let stories = people::explain(&house.ports, &name("hugo"), Language::En).await.unwrap();
        let link = stories.iter().find(|story| story.kind == "link").expect("a link");
        assert_eq!((link.value.as_str(), link.by_role.as_deref()), ("mailing/9", Some("communicator")));
        assert_eq!((link.by.as_str(), link.why.as_deref()), ("operator:test", Some("newsletter")));
        people::unlink(&house.ports, &operator(&house), wanted, "over").await.unwrap();
        assert!(!sees(&house, "hanna", "9").await);
    })
    .await;
}

#[tokio::test]
async fn an_item_reassigned_away_is_out_of_sight_at_once_unless_a_link_by_hand_stays() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let to = |assignee: Value| {
            json!([{ "event": "assigned", "component": "mailing", "item": "5", "assignee": assignee }])
        };
        let hanna = json!({ "account": name("hanna") });
        let hugo = json!({ "account": name("hugo") });
        tell(&house, to(hanna.clone())).await;
        let preview = async |assignee: &Value| {
            let path = "/api/v1/items/mailing/5/reassign-preview";
            let answer = house.crm(Method::POST, path, json!({ "assignee": assignee })).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            let names = |list: &str| -> Vec<String> {
                let people = answer.body[list].as_array().expect("a list");
                people.iter().map(|one| one["display_name"].as_str().unwrap().to_owned()).collect()
            };
            (names("loses"), names("gains"))
        };
        let (loses, gains) = preview(&hugo).await;
        assert_eq!((loses, gains), (vec!["hanna".to_owned()], vec!["hugo".to_owned()]));
        assert!(sees(&house, "hanna", "5").await, "a preview changes nothing");
        // The board sees it in any case, and nobody gains what they have.
        assert_eq!(preview(&json!({ "account": name("anna") })).await, (vec!["hanna".to_owned()], vec![]));
        assert_eq!(preview(&json!({ "role": "communicator" })).await, (vec![], vec!["hugo".to_owned()]));

        let wanted = to_item(account("hanna"), "mailing", "5");
        people::link(&house.ports, &operator(&house), wanted.clone(), Lasting::AsUsual, "knows it").await.unwrap();
        assert_eq!(preview(&hugo).await, (vec![], vec!["hugo".to_owned()]));
        tell(&house, to(hugo.clone())).await;
        assert!(sees(&house, "hanna", "5").await && sees(&house, "hugo", "5").await);
        people::unlink(&house.ports, &operator(&house), wanted, "handed over").await.unwrap();
        assert!(!sees(&house, "hanna", "5").await);
        tell(&house, to(hanna)).await;
        assert!(!sees(&house, "hugo", "5").await && sees(&house, "hanna", "5").await);
        assert_eq!(preview(&Value::Null).await, (vec!["hanna".to_owned()], vec![]));
    })
    .await;
}

#[tokio::test]
async fn whatever_is_given_by_hand_ends_on_its_day_and_the_job_writes_it_down() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let end = at(MORNING) + jiff::SignedDuration::from_hours(2);
        let act = operator(&house);
        people::grant(
            &house.ports,
            &act,
            &name("nils"),
            (role("communicator"), Lasting::Until(end)),
            "campaign",
        )
        .await
        .unwrap();
        people::grant(&house.ports, &act, &name("rut"), (GrantKind::Limited, Lasting::Until(end)), "trial")
            .await
            .unwrap();
        let wanted = to_item(account("hanna"), "mailing", "8");
        people::link(&house.ports, &act, wanted, Lasting::Until(end), "campaign").await.unwrap();
        house.after_hours(1);
        assert_eq!(code(&house, "nils", "edit", "mailing", "1").await, "allowed");
        assert_eq!(code(&house, "rut", "view", "member", "1").await, "no_sector");
        assert!(sees(&house, "hanna", "8").await);
        house.after_hours(1);
        assert_eq!(code(&house, "nils", "edit", "mailing", "1").await, "no_role");
        assert_eq!(code(&house, "rut", "view", "member", "1").await, "allowed");
        assert!(!sees(&house, "hanna", "8").await);
        assert_eq!(lifecycle::end_grants(&house.ports, &operator(&house)).await.unwrap(), 3);
        assert_eq!(lifecycle::end_grants(&house.ports, &operator(&house)).await.unwrap(), 0);
        let newest = look!(t, c => portvakt::store::audit::newest(c, 2));
        assert!(newest.iter().all(|entry| entry.action == "link_ended"), "{newest:?}");
    })
    .await;
}

#[tokio::test]
async fn a_campaign_helper_is_let_in_from_the_first_day_to_the_last() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let hours = |number| at(MORNING) + jiff::SignedDuration::from_hours(number);
        let dates = Dates { valid_from: Some(Some(hours(2))), valid_until: Some(Some(hours(4))) };
        people::set_dates(&house.ports, &operator(&house), &name("hugo"), dates, "campaign").await.unwrap();
        let asked = async || code(&house, "hugo", "create", "mailing", "*").await;
        assert_eq!(asked().await, "not_yet_valid");
        house.after_hours(2);
        assert_eq!(asked().await, "allowed");
        house.after_hours(2);
        assert_eq!(asked().await, "expired");
    })
    .await;
}

#[tokio::test]
async fn leaving_a_group_takes_what_it_gave_with_the_answer_to_the_directory() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        assert_eq!(code(&house, "rut", "edit", "member", "1").await, "allowed");
        let groups = house.scim(Method::GET, "/scim/v2/entra/Groups", Value::Null).await.body;
        let registry = groups["Resources"]
            .as_array()
            .unwrap()
            .iter()
            .find(|group| group["displayName"] == "Medlemsregistret");
        let id = registry.expect("the group")["id"].as_str().unwrap().to_owned();
        let empty = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "remove", "path": "members" }] });
        let answer = house.scim(Method::PATCH, &format!("/scim/v2/entra/Groups/{id}"), empty).await;
        assert!(answer.status.is_success(), "{}", answer.body);
        assert_eq!(code(&house, "rut", "edit", "member", "1").await, "no_role");
        assert_eq!(code(&house, "rut", "view", "mailing", "1").await, "no_role");
    })
    .await;
}
