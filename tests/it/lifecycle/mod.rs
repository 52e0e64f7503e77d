//! The lifecycle: plans, the safety stop, steps as time passes, dates, notices, reports.
//!
//! Invariant: people come in over SCIM, as a directory sends them; time is moved by the clock alone.

mod away;
mod calm;
mod dates;
mod deputies;
mod directory;
mod guarded;
mod held;
mod killed;
mod letters;
mod many;
mod moved;
mod notices;
mod report_forms;
mod report_kinds;
mod reports;
mod rights;
mod runs;
mod simulation;
mod steps;
mod undo;

use std::sync::Arc;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use portvakt::domain::account::{Account, AccountKind, Status, StatusReason};
use portvakt::domain::actor::Actor;
use portvakt::domain::ids::AccountId;
use portvakt::domain::policy::EvidenceSource;
use portvakt::flows::lifecycle::{self, Proposal, RunReport};
use portvakt::flows::{Act, Clock, Ports};
use portvakt::store::{account, evidence, identity};
use serde_json::json;

use crate::engines::{TestDb, change, look};
use crate::house::{POLICY, TestHouse};

/// One directory that people sign in through, and a CRM.
const SETTINGS: &str = r#"
[server]
listen = "127.0.0.1:0"
public_url = "http://127.0.0.1:8080"
[database]
url = "sqlite:unused.db"
[policy]
file = "policy.toml"
[accounts]
protected = ["brandlucka@forening.example"]
[[directory]]
id = "entra"
kind = "generic"
[directory.oidc]
issuer = "http://127.0.0.1:9"
client_id = "portvakt"
[[target]]
id = "crm"
kind = "webhook"
url = "http://127.0.0.1:9/hook"
secret = "whsec_dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3Rz"
"#;

const USERS: &str = "/scim/v2/entra/Users";

/// A house whose people come from one directory.
struct World<'a> {
    t: &'a TestDb,
    house: TestHouse,
    token: String,
}

impl<'a> World<'a> {
    async fn open(t: &'a TestDb) -> Self {
        Self::with(t, SETTINGS, POLICY).await
    }

    async fn with(t: &'a TestDb, settings: &str, policy: &str) -> Self {
        let house = TestHouse::with(t, settings, policy).await;
        let token = house.directory_token("entra").await;
        Self { t, house, token }
    }

    fn ports(&self) -> &Arc<Ports> {
        &self.house.ports
    }

    fn act(&self) -> Act {
        self.ports().act(Actor::Operator("karin".to_owned()), "command")
    }

    fn now(&self) -> Timestamp {
        self.house.clock.now()
    }

    fn pass_days(&self, days: i64) {
        self.house.clock.advance(SignedDuration::from_hours(24 * days));
    }

    /// A person arrives from the directory.
    async fn arrives(&self, name: &str) -> AccountId {
        let user_name = format!("{name}@forening.example");
        let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": user_name,
            "externalId": format!("ext-{name}"), "displayName": name, "active": true,
            "emails": [{ "value": user_name, "primary": true, "type": "work" }] });
        let answer = self.house.send("POST", USERS, &self.token, &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        self.of_name(name).await.id
    }

    async fn scim_id(&self, name: &str) -> String {
        let id = self.of_name(name).await.id;
        look!(self.t, c => identity::of_account(c, id)).pop().expect("an identity").id.to_string()
    }

    /// The person signs in now.
    async fn signs_in(&self, id: AccountId) {
        let now = self.now();
        change!(self.t, [] c => {
            evidence::seen(c, id, EvidenceSource::Sso, now).await.map(drop)
        })
        .expect("the sign-in is noted");
    }

    async fn of_name(&self, name: &str) -> Account {
        let name = format!("{name}@forening.example");
        look!(self.t, c => account::resolve(c, &name, None)).pop().expect("an account of that name")
    }

    async fn get(&self, id: AccountId) -> Account {
        look!(self.t, c => account::get(c, id)).expect("the account")
    }

    async fn state(&self, id: AccountId) -> (Status, StatusReason) {
        let standing = self.get(id).await.standing;
        (standing.status, standing.reason)
    }

    async fn plan(&self) -> Proposal {
        lifecycle::plan(self.ports(), &self.act()).await.expect("a plan is made")
    }

    async fn apply(&self, hash: Option<&str>) -> RunReport {
        lifecycle::apply(self.ports(), &self.act(), hash).await.expect("a plan is carried out")
    }

    /// So many ordinary people who sign in today.
    async fn crowd(&self, count: usize) -> Vec<AccountId> {
        let mut ids = Vec::new();
        for number in 0..count {
            let id = self.arrives(&format!("person{number:02}")).await;
            self.signs_in(id).await;
            ids.push(id);
        }
        ids
    }

    /// Changes the row of an account, as an import would.
    async fn rewrite(&self, id: AccountId, kind: AccountKind, valid_until: Option<Timestamp>) {
        let mut account = self.get(id).await;
        account.kind = kind;
        account.valid_until = valid_until;
        change!(self.t, [account] c => account::set_terms(c, &account).await).expect("the row is written");
    }
}

/// The steps of a plan: name and step.
async fn steps(w: &World<'_>, proposal: &Proposal) -> Vec<(String, &'static str)> {
    let mut steps = Vec::new();
    for step in &proposal.plan.steps {
        steps.push((w.get(step.account).await.display_name, step.step.name()));
    }
    steps.sort();
    steps
}

/// The audit entries about a thing: action and cause, the newest first.
async fn told(w: &World<'_>, kind: &'static str, id: impl std::fmt::Display) -> Vec<(String, String)> {
    let subject = portvakt::domain::actor::Subject::new(kind, id);
    let entries = look!(w.t, c => portvakt::store::audit::about(c, &subject, 100));
    entries.into_iter().map(|entry| (entry.action, entry.cause)).collect()
}
