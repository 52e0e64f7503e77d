//! Whether a person may enter a client, now.
//!
//! Invariant: asked at the request, at the exchange of the code, at each refresh and at userinfo, of the account as it
//! is then.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::super::session::may_enter;
use super::super::sign_in::Why;
use super::super::{Compiled, Policies, Refusal};
use super::follow::address_hash;
use crate::config::Client;
use crate::domain::account::Account;
use crate::domain::client::{self, Claim, Scope};
use crate::domain::effective::{Effective, effective};
use crate::domain::ids::AccountId;
use crate::store::client_grant::Held;
use crate::store::{Conn, account, entitlement};

/// Why a person does not get into a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// They would not get in anywhere.
    Everywhere(Why),
    /// They lack what this client requires.
    Here,
}

impl Closed {
    /// The stable code, for the audit and the page. Codes are only added.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Everywhere(why) => why.shown_code(),
            Self::Here => "client_requirement",
        }
    }
}

/// A person who may enter a client.
#[derive(Debug)]
pub(super) struct Entrant {
    pub(super) account: Account,
    pub(super) held: Effective,
}

/// What came of asking.
#[derive(Debug)]
pub(super) enum Verdict {
    In(Box<Entrant>),
    Out(Box<Account>, Closed, Arc<Compiled>),
}

/// How the account is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Only looked at.
    Look,
    /// Locked until the end of the write transaction, so that it cannot lose its access meanwhile.
    Lock,
}

/// Judges the account by the policy in force.
pub(super) async fn judge(
    c: &mut Conn,
    policies: &Policies,
    client: &Client,
    (id, reading): (AccountId, Reading),
    now: Timestamp,
) -> Result<Verdict, Refusal> {
    let account = match reading {
        Reading::Look => account::get(c, id).await?,
        Reading::Lock => account::lock(c, id).await?,
    };
    let account = account.ok_or_else(|| Refusal::not_found("account", id))?;
    let compiled = policies.current(c).await?;
    let grants = entitlement::held(c, id).await?;
    let held = effective(&compiled.policy, &grants, now);
    let closed = match may_enter(&compiled.policy, &account, &held, now) {
        Err(why) => Some(Closed::Everywhere(why)),
        Ok(()) => client.requires.as_ref().and_then(|requirement| {
            let is_met = requirement.is_met(&compiled.policy, &account, &grants, &held, now);
            (!is_met).then_some(Closed::Here)
        }),
    };
    Ok(match closed {
        Some(closed) => Verdict::Out(Box::new(account), closed, compiled),
        None => Verdict::In(Box::new(Entrant { account, held })),
    })
}

impl Entrant {
    /// What the client is told of the person.
    pub(super) fn told(
        &self,
        client: &Client,
        scopes: &BTreeSet<Scope>,
        session: &Held,
    ) -> Map<String, Value> {
        let asked = scopes.intersection(&client.scopes).flat_map(|scope| scope.claims());
        let wanted: BTreeSet<Claim> = asked.chain(&client.claims).copied().collect();
        let vouched = session.vouched_email.as_deref();
        let is_verified =
            vouched.is_some() && address_hash(self.account.email.as_deref()).as_deref() == vouched;
        client::told(&self.account, &self.held, &wanted, is_verified)
    }
}
