//! Directories that make accounts at the sign-in, and groups that come in the token.

use axum::http::StatusCode;
use portvakt::domain::actor::{Actor, Subject};
use portvakt::domain::language::Language;
use portvakt::flows::linking::{self, LinkState};
use portvakt::flows::people;
use portvakt::store::{account, audit};
use serde_json::{Value, json};

use super::browser::Page;
use super::house::{HELPERS, POLICY, TestHouse};
use crate::engines::{TestDb, look, on_each_engine};

/// A house whose directory `okta` makes accounts, and whose rule for helpers names no directory.
async fn creating(t: &TestDb) -> TestHouse<'_> {
    let house = TestHouse::open_with(t, |text| {
        let okta = "domains = [\"frivillig.example\"]\n[directory.oidc]\n";
        text.replacen(okta, &format!("{okta}jit = \"create\"\n"), 1)
    })
    .await;
    house.apply(&policy()).await;
    house
}

fn policy() -> String {
    let bound = format!("directory = \"entra\", group = \"{HELPERS}\"");
    assert!(POLICY.contains(&bound));
    POLICY.replace(&bound, &format!("group = \"{HELPERS}\""))
}

/// Comes through okta with these groups.
async fn come(house: &TestHouse<'_>, name: &str, groups: Value) -> Page {
    let mut browser = house.browser();
    let bend = |claims: &mut Value| {
        claims["preferred_username"] = format!("{name}@frivillig.example").into();
        claims["email"] = format!("{name}@frivillig.example").into();
        if groups.is_null() {
            return;
        }
        if groups == "overage" {
            claims["_claim_names"] = json!({ "groups": "src1" });
        } else {
            claims["groups"] = groups;
        }
    };
    let page = house.sign_in_with(&mut browser, "directory=okta", name, bend).await;
    if page.status != StatusCode::SEE_OTHER {
        return page;
    }
    browser.get("/sso/verify").await
}

#[tokio::test]
async fn a_directory_that_may_make_accounts_makes_one_and_only_one_per_subject() {
    on_each_engine(async |t| {
        let house = creating(t).await;
        let told = come(&house, "mia", Value::Null).await;
        assert_eq!((told.status, told.header("x-portvakt-user")), (StatusCode::OK, "mia@frivillig.example"));
        let again = come(&house, "mia", Value::Null).await;
        assert_eq!(again.header("x-portvakt-account"), told.header("x-portvakt-account"));
        assert_eq!(look!(t, c => account::page(c, None, 10)).len(), 1);
        // SCIM that comes later finds the person under the same id.
        let found = house.scim("okta", "GET", "/Users", &Value::Null).await;
        assert_eq!(found["Resources"][0]["userName"], "mia@frivillig.example");
    })
    .await;
}

#[tokio::test]
async fn nobody_gets_a_second_account_under_a_name_or_address_that_is_known() {
    on_each_engine(async |t| {
        let house = creating(t).await;
        house.provision("entra", "asa", "sv").await;
        for is_verified in [true, false] {
            let page = house
                .sign_in_with(&mut house.browser(), "directory=okta", "eve", |claims| {
                    claims["email"] = "asa@bjorkbacken.example".into();
                    claims["email_verified"] = is_verified.into();
                })
                .await;
            assert_eq!(page.status, StatusCode::FORBIDDEN);
            assert!(page.body.contains("name_taken"), "{}", page.body);
        }
        assert_eq!(look!(t, c => account::page(c, None, 10)).len(), 1);
        let waiting = linking::list(&house.ports, LinkState::Waiting).await.unwrap();
        assert_eq!((waiting.len(), waiting[0].attempts), (1, 2));
        let act = house.ports.act(Actor::Operator("eva".to_owned()), "test");
        linking::reject(&house.ports, &act, &waiting[0].reference, "nej").await.unwrap();
        // Turned down once, the same subject gets no account under another name either.
        let page = come(&house, "eve", Value::Null).await;
        assert!(page.body.contains("link_rejected"), "{}", page.body);
        assert_eq!(look!(t, c => account::page(c, None, 10)).len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_groups_of_a_token_give_rights_and_silence_or_too_many_take_none() {
    on_each_engine(async |t| {
        let house = creating(t).await;
        let roles =
            async |groups: Value| come(&house, "mia", groups).await.header("x-portvakt-roles").to_owned();
        assert_eq!(roles(json!([HELPERS, "other"])).await, "communicator");
        for (groups, left) in [
            (Value::Null, "communicator"),
            (json!("overage"), "communicator"),
            (json!(HELPERS), "communicator"),
            (json!([]), ""),
            (json!([HELPERS]), "communicator"),
            (json!(["other"]), ""),
        ] {
            house.pass(1);
            assert_eq!(roles(groups.clone()).await, left, "{groups}");
        }
        roles(json!([HELPERS])).await;
        let name = "mia@frivillig.example";
        let stories = people::explain(&house.ports, name, Language::Sv).await.unwrap();
        assert!(stories.iter().all(|story| story.groups[0].name == HELPERS), "{stories:?}");
        let identity = {
            let account = look!(t, c => account::resolve(c, name, None)).remove(0);
            look!(t, c => portvakt::store::identity::of_account(c, account.id)).remove(0).id
        };
        let about = look!(t, c => audit::about(c, &Subject::new("identity", identity), 50));
        let changes = about.iter().filter(|entry| entry.action == "groups_claimed").count();
        assert_eq!(changes, 6, "only what changed is written down");
    })
    .await;
}

#[tokio::test]
async fn where_scim_tells_of_groups_a_token_is_not_listened_to() {
    on_each_engine(async |t| {
        let house = creating(t).await;
        assert_eq!(come(&house, "mia", json!([HELPERS])).await.header("x-portvakt-roles"), "communicator");
        let group = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": "Någon annan", "externalId": "another", "members": [],
        });
        house.scim("okta", "POST", "/Groups", &group).await;
        // The next time anything about the person is recalculated, SCIM alone counts.
        house.apply(&format!("{}\n# once more\n", policy())).await;
        let told = come(&house, "mia", json!([HELPERS])).await;
        assert_eq!((told.status, told.header("x-portvakt-roles")), (StatusCode::OK, ""));
        // A directory that SCIM fills keeps its people's rights, whatever a token says.
        let id = house.provision("entra", "asa", "sv").await;
        house.make_helper(&id).await;
        let mut browser = house.browser();
        house
            .sign_in_with(&mut browser, "directory=entra", "asa", |claims| claims["groups"] = json!([]))
            .await;
        assert_eq!(browser.get("/sso/verify").await.header("x-portvakt-roles"), "communicator");
    })
    .await;
}

#[tokio::test]
async fn too_many_groups_to_list_are_told_as_such_where_nobody_gets_in_without_a_role() {
    on_each_engine(async |t| {
        let house = creating(t).await;
        house.apply(&policy().replace("unmatched = \"no_access\"", "unmatched = \"reject\"")).await;
        let page = come(&house, "mia", json!("overage")).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.body.contains("groups_unknown"), "{}", page.body);
        assert!(come(&house, "mia", json!([])).await.body.contains("no_role"));
        assert_eq!(come(&house, "mia", json!([HELPERS])).await.status, StatusCode::OK);
    })
    .await;
}
