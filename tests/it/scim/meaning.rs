//! What provisioning means: whose somebody is, who they are when they come back, and what a name never gives.

use futures_util::future::join_all;
use portvakt::domain::account::{Account, Status};
use portvakt::domain::grant::{Grant, GrantKind, Origin};
use portvakt::domain::ids::{GrantId, IdentityId, SectorId};
use portvakt::store::{account, audit, entitlement, identity};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Client, assert_error, group, patch, person};
use crate::engines::{TestDb, change, look, on_each_engine};
use crate::house::{TestHouse, at};

async fn account_of(t: &TestDb, identity: &str) -> Account {
    let id = IdentityId::parse(identity).expect("an id");
    let directories =
        ["entra", "okta"].map(|name| portvakt::domain::ids::DirectoryId::parse(name).expect("a name"));
    for directory in directories {
        if let Some(found) = look!(t, c => identity::get(c, &directory, id)) {
            return look!(t, c => account::get(c, found.account)).expect("an account");
        }
    }
    panic!("{identity} is nobody")
}

async fn held(t: &TestDb, account: &Account) -> Vec<String> {
    let grants = look!(t, c => entitlement::held(c, account.id));
    let mut told: Vec<String> = grants
        .iter()
        .map(|grant| format!("{} {} {}", grant.kind.name(), grant.kind.value(), grant.origin.name()))
        .collect();
    told.sort();
    told
}

#[tokio::test]
async fn a_directory_reaches_nobody_of_another_by_any_way() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let (entra, okta) = (Client::of(&house, "entra").await, Client::of(&house, "okta").await);
        let asa = entra.made("/Users", &person("asa")).await;
        let team = entra.made("/Groups", &group("group-helpers", &[&asa])).await;
        let own = okta.made("/Groups", &group("own", &[])).await;
        let before = (
            entra.get(&format!("/Users/{asa}")).await.body,
            entra.get(&format!("/Groups/{team}")).await.body,
        );
        for (endpoint, id, body) in [("Users", &asa, person("asa")), ("Groups", &team, group("g", &[]))] {
            let path = format!("/{endpoint}/{id}");
            let change = patch(&json!([{ "op": "replace", "path": "displayName", "value": "x" }]));
            for (method, body) in [
                ("GET", Value::Null),
                ("PUT", body.clone()),
                ("PATCH", change.clone()),
                ("DELETE", Value::Null),
            ] {
                assert_error(&okta.ask(method, &path, &body).await, 404, None, method);
                if method != "GET" {
                    let one = json!({ "method": method, "path": path, "data": body });
                    let done = okta.ask("POST", "/Bulk", &json!({ "Operations": [one] })).await.body;
                    assert_eq!(done["Operations"][0]["status"], "404", "{method} in bulk");
                }
            }
        }
        for filter in
            ["id pr", &format!("id eq \"{asa}\""), "userName sw \"asa\"", "externalId eq \"ext-asa\""]
        {
            assert!(okta.found("/Users", filter).await.is_empty(), "{filter}");
        }
        for member in [asa.as_str(), "ext-asa"] {
            let add = json!([{ "op": "add", "path": "members", "value": [{ "value": member }] }]);
            okta.change(&format!("/Groups/{own}"), &add).await;
            assert!(okta.members(&own).await.is_empty(), "{member}");
        }
        for filter in [format!("members eq \"{asa}\""), format!("id eq \"{team}\" and members eq \"{asa}\"")]
        {
            assert!(okta.found("/Groups", &filter).await.is_empty(), "{filter}");
        }
        assert_eq!(okta.get("?count=9").await.body["totalResults"], 1, "a search at the root");
        let after = (
            entra.get(&format!("/Users/{asa}")).await.body,
            entra.get(&format!("/Groups/{team}")).await.body,
        );
        assert_eq!(after, before);
        // The same names and ids in the other directory are somebody else.
        let other = okta.made("/Users", &person("asa")).await;
        assert_ne!(account_of(t, &other).await.id, account_of(t, &asa).await.id);
    })
    .await;
}

#[tokio::test]
async fn no_id_is_taken_from_a_client() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let first = entra.made("/Users", &person("asa")).await;
        let account = account_of(t, &first).await.id.to_string();
        let claims = [
            "1",
            "0",
            "admin",
            "root",
            first.as_str(),
            account.as_str(),
            "00000000-0000-0000-0000-000000000000",
        ];
        let mut seen = vec![first.clone()];
        for (number, claim) in claims.into_iter().enumerate() {
            let body = json!({ "id": claim, "externalId": claim, "userName": format!("p{number}"),
                "meta": { "location": claim, "version": "W/\"9\"" }, "groups": [{ "value": claim }] });
            let id = entra.made("/Users", &body).await;
            let shown = entra.get(&format!("/Users/{id}")).await.body;
            assert_eq!((&shown["externalId"], &shown["meta"]["version"]), (&json!(claim), &json!("W/\"1\"")));
            assert!(shown.get("groups").is_none() && !seen.contains(&id), "{claim}");
            assert_ne!(account_of(t, &id).await.id.to_string(), account, "{claim}");
            assert_eq!(entra.found("/Users", &format!("externalId eq \"{claim}\"")).await, [id.as_str()]);
            seen.push(id);
        }
        // Named as a member, our own id goes before an external id that looks the same.
        let team = entra.made("/Groups", &group("g", &[&first])).await;
        assert_eq!(entra.members(&team).await, [first]);
    })
    .await;
}

#[tokio::test]
async fn who_is_created_again_has_what_the_groups_give_and_nothing_given_by_hand() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let first = entra.made("/Users", &person("asa")).await;
        let team = entra.made("/Groups", &group("group-helpers", &[&first])).await;
        let before = account_of(t, &first).await;
        let grant = Grant {
            id: GrantId::new(Uuid::now_v7()),
            kind: GrantKind::Sector(SectorId::parse("members").expect("a sector")),
            origin: Origin::Manual,
            by: "operator:test".into(),
            why: Some("for the annual meeting".into()),
            since: at("2025-10-07T08:00:00Z"),
            ends_at: None,
            until: None,
        };
        let id = before.id;
        change!(t, [grant] c => entitlement::give(c, id, &grant).await).expect("it is given");
        assert!(held(t, &before).await.contains(&"sector members manual".to_owned()));
        house.clock.advance(jiff::SignedDuration::from_hours(1));
        assert_eq!(entra.ask("DELETE", &format!("/Users/{first}"), &Value::Null).await.status.as_u16(), 204);
        assert_error(&entra.get(&format!("/Users/{first}")).await, 404, None, "a tombstone");
        assert!(entra.members(&team).await.is_empty());
        let second = entra.made("/Users", &person("asa")).await;
        let after = account_of(t, &second).await;
        assert_eq!((second != first, after.id, after.standing.status), (true, id, Status::Active));
        assert!(held(t, &after).await.is_empty(), "nothing until the directory says so");
        entra
            .change(
                &format!("/Groups/{team}"),
                &json!([{ "op": "add", "path": "members", "value": [{ "value": second }] }]),
            )
            .await;
        assert_eq!(
            held(t, &after).await,
            ["item_restricted  rule", "limited  rule", "role communicator rule", "sector mailings rule"]
        );
        assert!(look!(t, c => entitlement::history(c, id)).len() > 4, "the history stays");
        let told = look!(t, c => audit::newest(c, 50));
        let ended =
            told.iter().find(|entry| entry.action == "manual_rights_ended").expect("a person can decide");
        assert_eq!(ended.before.as_ref().expect("what it was")["grants"][0]["value"], "members");
        // Another external id is another person, whatever the name.
        let mut stranger = person("asa");
        entra.ask("DELETE", &format!("/Users/{second}"), &Value::Null).await;
        stranger["externalId"] = json!("ext-stranger");
        let third = entra.made("/Users", &stranger).await;
        assert_ne!(account_of(t, &third).await.id, id);
    })
    .await;
}

#[tokio::test]
async fn an_account_has_one_living_identity_of_a_directory_at_most() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let first = entra.made("/Users", &person("asa")).await;
        entra.ask("DELETE", &format!("/Users/{first}"), &Value::Null).await;
        let second = entra.made("/Users", &person("asa")).await;
        entra
            .change(
                &format!("/Users/{second}"),
                &json!([{ "op": "replace", "path": "externalId", "value": "ext-new" }]),
            )
            .await;
        let mut other = person("bo");
        other["externalId"] = json!("ext-asa");
        let third = entra.made("/Users", &other).await;
        let (asa, bo) = (account_of(t, &second).await, account_of(t, &third).await);
        assert_ne!(asa.id, bo.id, "the old id of somebody who is still here is somebody else's now");
        assert_eq!(
            (asa.user_name.as_str(), bo.user_name.as_str()),
            ("asa@forening.example", "bo@forening.example")
        );
    })
    .await;
}

#[tokio::test]
async fn who_is_awaited_joins_when_they_appear_or_get_the_id() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let here = entra.made("/Users", &person("here")).await;
        let waiting = ["ext-one", "ext-two", "ext-never", &here];
        let team = entra.made("/Groups", &group("group-helpers", &waiting)).await;
        assert_eq!(entra.members(&team).await, [here.as_str()], "the known join at once");
        let one = entra.made("/Users", &person("one")).await;
        assert_eq!(entra.members(&team).await, [here.clone(), one.clone()]);
        let mut nameless = person("two");
        nameless.as_object_mut().expect("an object").remove("externalId");
        let two = entra.made("/Users", &nameless).await;
        assert_eq!(entra.members(&team).await.len(), 2);
        entra
            .change(
                &format!("/Users/{two}"),
                &json!([{ "op": "add", "path": "externalId", "value": "ext-two" }]),
            )
            .await;
        assert_eq!(entra.members(&team).await, [here, one, two.clone()]);
        assert!(held(t, &account_of(t, &two).await).await.contains(&"role communicator rule".to_owned()));
        let remove = json!([{ "op": "Remove", "path": "members", "value": [{ "value": "ext-never" }] }]);
        entra.change(&format!("/Groups/{team}"), &remove).await;
        entra.made("/Users", &person("never")).await;
        assert_eq!(entra.members(&team).await.len(), 3, "who is no longer awaited does not join");
    })
    .await;
}

#[tokio::test]
async fn a_name_gives_a_group_nothing_and_takes_nothing_from_it() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let asa = entra.made("/Users", &person("asa")).await;
        let bo = entra.made("/Users", &person("bo")).await;
        let helpers = entra.made("/Groups", &group("group-helpers", &[&asa])).await;
        let before = (account_of(t, &asa).await.version, held(t, &account_of(t, &asa).await).await);
        let path = format!("/Groups/{helpers}");
        for name in ["Hjälpare", "group-board", "GROUP-HELPERS", "Nyhetsbrevet", "x"] {
            let forms = [
                json!([{ "op": "replace", "value": { "id": helpers, "displayName": name } }]),
                json!([{ "op": "Replace", "path": "displayName", "value": name }]),
            ];
            for form in forms {
                entra.change(&path, &form).await;
                let now = account_of(t, &asa).await;
                assert_eq!((now.version, held(t, &now).await), before, "{name}");
            }
        }
        let old_name = json!({ "displayName": "group-helpers", "members": [{ "value": bo }] });
        entra.made("/Groups", &old_name).await;
        assert!(
            held(t, &account_of(t, &bo).await).await.is_empty(),
            "a new group with an old name has no rights"
        );
    })
    .await;
}

#[tokio::test]
async fn who_is_inactive_stays_readable_listed_and_in_their_groups() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let asa = entra.made("/Users", &person("asa")).await;
        let team = entra.made("/Groups", &group("group-helpers", &[&asa])).await;
        let path = format!("/Users/{asa}");
        for (off, on) in [(json!("False"), json!("True")), (json!(false), json!(true))] {
            entra.change(&path, &json!([{ "op": "Replace", "path": "active", "value": off }])).await;
            assert_eq!(entra.get(&path).await.body["active"], false);
            assert_eq!(entra.members(&team).await, [asa.as_str()]);
            for filter in
                ["userName eq \"ASA@forening.example\"", "externalId eq \"ext-asa\"", "active eq false"]
            {
                assert_eq!(entra.found("/Users", filter).await, [asa.as_str()], "{filter}");
            }
            assert_eq!(account_of(t, &asa).await.standing.status, Status::Deactivated);
            assert_error(
                &entra.ask("POST", "/Users", &person("asa")).await,
                409,
                Some("uniqueness"),
                "sent again",
            );
            entra.change(&path, &json!([{ "op": "replace", "value": { "active": on } }])).await;
            let now = account_of(t, &asa).await;
            assert_eq!(now.standing.status, Status::Active);
            assert!(held(t, &now).await.contains(&"role communicator rule".to_owned()));
        }
    })
    .await;
}

#[tokio::test]
async fn parallel_changes_of_members_lose_nobody() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let mut people = Vec::new();
        for number in 0..12 {
            people.push(entra.made("/Users", &person(&format!("p{number}"))).await);
        }
        let team = entra.made("/Groups", &group("g", &[&people[0]])).await;
        let path = format!("/Groups/{team}");
        let add = |id: &String| json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]);
        let adds: Vec<Value> = people[1..].iter().map(add).collect();
        for answer in join_all(adds.iter().map(|operations| entra.patched(&path, operations))).await {
            assert!(answer.status.is_success(), "{}", answer.body);
        }
        assert_eq!(entra.members(&team).await, people);
        let remove = |id: &String| json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }]);
        let removes: Vec<Value> = people[1..].iter().map(remove).collect();
        for answer in join_all(removes.iter().map(|operations| entra.patched(&path, operations))).await {
            assert!(answer.status.is_success(), "{}", answer.body);
        }
        assert_eq!(entra.members(&team).await, people[..1]);
        assert_eq!(entra.get(&path).await.body["meta"]["version"], "W/\"23\"", "one version for each change");
    })
    .await;
}
