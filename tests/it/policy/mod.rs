//! Changing the policy: what a plan says against what happens, what blocks it, and how it is read.
//!
//! Invariant: people and groups come in over SCIM, as a directory sends them; what a plan counts is counted again here
//! by other means.

mod applying;
mod cases;
mod counting;
mod document;
mod speed;
mod versions;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use portvakt::domain::account::Account;
use portvakt::domain::actor::Actor;
use portvakt::domain::grant::{Grant, GrantKind, Origin};
use portvakt::domain::ids::{AccountId, GrantId};
use portvakt::flows::policies::{self, Outcome, Proposal};
use portvakt::flows::{Act, Refusal};
use portvakt::store::{account, entitlement, identity};
use serde_json::json;
use uuid::Uuid;

use crate::engines::{TestDb, change, look};
use crate::house::{POLICY, SETTINGS, TestHouse};

const USERS: &str = "/scim/v2/entra/Users";
const GROUPS: &str = "/scim/v2/entra/Groups";

/// A house whose people come from one directory.
struct World<'a> {
    t: &'a TestDb,
    house: TestHouse,
    token: String,
}

impl<'a> World<'a> {
    async fn open(t: &'a TestDb) -> Self {
        Self::with(t, SETTINGS).await
    }

    async fn with(t: &'a TestDb, settings: &str) -> Self {
        let house = TestHouse::with(t, settings, POLICY).await;
        let token = house.directory_token("entra").await;
        Self { t, house, token }
    }

    fn act(&self) -> Act {
        // Each act a moment later, so that one ends what another gave.
        self.house.clock.advance(SignedDuration::from_secs(1));
        self.house.ports.act(Actor::Operator("karin".to_owned()), "command")
    }

    fn now(&self) -> Timestamp {
        self.act().now
    }

    /// A person arrives from the directory.
    async fn arrives(&self, name: &str) -> AccountId {
        let user_name = format!("{name}@forening.example");
        let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": user_name,
            "externalId": format!("ext-{name}"), "displayName": name, "active": true });
        let answer = self.house.send("POST", USERS, &self.token, &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        self.of_name(name).await.id
    }

    /// People arrive and are put into a group.
    async fn group(&self, id: &str, display: &str, members: &[AccountId]) -> String {
        let mut values = Vec::new();
        for id in members {
            let known = look!(self.t, c => identity::of_account(c, *id)).pop().expect("an identity");
            values.push(json!({ "value": known.id.to_string() }));
        }
        let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": display, "externalId": id, "members": values });
        let answer = self.house.send("POST", GROUPS, &self.token, &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body["id"].as_str().expect("an id").to_owned()
    }

    /// So many people who are all in one group.
    async fn crowd(&self, group: &str, count: usize) -> Vec<AccountId> {
        let mut ids = Vec::new();
        for number in 0..count {
            ids.push(self.arrives(&format!("{group}-{number:02}")).await);
        }
        self.group(group, group, &ids).await;
        ids
    }

    async fn of_name(&self, name: &str) -> Account {
        let name = format!("{name}@forening.example");
        look!(self.t, c => account::resolve(c, &name, None)).pop().expect("an account of that name")
    }

    /// A person gives something by hand.
    async fn gives(&self, to: AccountId, kind: GrantKind) {
        let grant = Grant {
            id: GrantId::new(Uuid::now_v7()),
            kind,
            origin: Origin::Manual,
            by: "operator:karin".to_owned(),
            why: Some("kampanj".to_owned()),
            since: self.now(),
            ends_at: None,
            until: None,
        };
        change!(self.t, [grant] c => entitlement::give(c, to, &grant).await).expect("it is given");
    }

    async fn plan(&self, policy: &str) -> Proposal {
        let act = self.act();
        policies::plan(&self.house.ports, &act, policy, "policy.toml").await.expect("a plan is made")
    }

    async fn apply(&self, policy: &str, release: Option<&str>) -> Result<Outcome, Refusal> {
        let act = self.act();
        policies::apply_text(&self.house.ports, &act, policy, "policy.toml", release).await
    }

    async fn apply_plan(&self, hash: &str, release: Option<&str>) -> Result<Outcome, Refusal> {
        policies::apply_plan(&self.house.ports, &self.act(), hash, release).await
    }

    async fn held(&self, id: AccountId) -> Vec<String> {
        let held = look!(self.t, c => entitlement::held(c, id));
        held.iter().map(|grant| format!("{}:{}", grant.kind.name(), grant.kind.value())).collect()
    }

    async fn number(&self) -> i64 {
        policies::show(&self.house.ports, None).await.expect("a policy is in force").number
    }
}

/// The version that came into force, which changed so many accounts.
fn in_force(outcome: Outcome) -> (i64, usize) {
    match outcome {
        Outcome::InForce(applied) => (applied.number, applied.changed),
        Outcome::AwaitsRelease(proposal) => panic!("it awaits release: {:?}", proposal.plan.stops),
    }
}

/// The policy with one part replaced.
fn with(part: &str, other: &str) -> String {
    assert!(POLICY.contains(part), "{part}");
    POLICY.replace(part, other)
}
