//! Shows accounts to a CRM, and learns the CRM's own ids of them.
//!
//! Invariant: what is shown is the state that the CRM is told, from one moment; a CRM teaches only its own ids.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{Act, Ports, Refusal, find, state};
use crate::crm::AccountState;
use crate::domain::account::Account;
use crate::domain::actor::Subject;
use crate::domain::ids::{AccountId, TargetId};
use crate::domain::policy::{EvidenceSource, Policy};
use crate::store::{Conn, Span, account, evidence};

/// The longest id of a CRM, in characters.
const LONGEST: usize = 256;

/// An account with when it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// How it stands.
    #[serde(flatten)]
    pub state: AccountState,
    /// The latest sign-in that any source knows of; nothing: never seen.
    pub last_seen: Option<Timestamp>,
    /// The latest that each source knows of.
    pub evidence: BTreeMap<&'static str, Timestamp>,
}

/// A page of accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// In the order of their ids.
    pub accounts: Vec<Shown>,
    /// What the next page is asked for with; nothing: this is the last one.
    pub next: Option<AccountId>,
}

/// The accounts after the id `after`, at most `limit` of them.
///
/// # Errors
///
/// [`Refusal`] when the database cannot be reached or no policy is in force.
pub async fn list(
    ports: &Ports,
    target: &TargetId,
    after: Option<AccountId>,
    limit: usize,
) -> Result<Page, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let now = ports.clock.now();
    // One more than wanted tells whether there is a next page.
    let wanted = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let mut found = account::page(&mut c, after, wanted).await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().map(|account| account.id).filter(|_| has_more);
    let accounts = shown(&mut c, &compiled.policy, target, found, now).await?;
    Ok(Page { accounts, next })
}

/// The account that `text` means: its id, the CRM's id of it, or its user name.
///
/// # Errors
///
/// [`Refusal::NotFound`] or [`Refusal::Ambiguous`].
pub async fn show(ports: &Ports, target: &TargetId, text: &str) -> Result<Shown, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let account = find::account(&mut c, text, Some(target)).await?.one(text)?;
    let mut shown = shown(&mut c, &compiled.policy, target, vec![account], ports.clock.now()).await?;
    shown.pop().ok_or_else(|| Refusal::not_found("account", text))
}

/// Notes that `target` knows the account that `text` means as `crm_id`. Gives the account.
///
/// # Errors
///
/// [`Refusal::Taken`] when that id belongs to another account, or the account has another id there.
pub async fn teach(
    ports: &Ports,
    act: &Act,
    target: &TargetId,
    text: &str,
    crm_id: &str,
) -> Result<AccountId, Refusal> {
    check(crm_id)?;
    let (act, target) = (act.clone(), target.clone());
    let (text, crm_id) = (text.to_owned(), crm_id.to_owned());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let id = find::account(c, &text, Some(&target)).await?.one(&text)?.id;
                if account::set_crm_id(c, &target, id, &crm_id).await? {
                    let after = json!({ "target": target, "crm_id": crm_id });
                    act.record(c, "crm_id_learnt", Subject::new("account", id), None, Some(after)).await?;
                }
                Ok(id)
            })
        })
        .await
}

fn check(crm_id: &str) -> Result<(), Refusal> {
    let is_plain = !crm_id.trim().is_empty() && !crm_id.chars().any(char::is_control);
    if is_plain && crm_id.chars().count() <= LONGEST {
        return Ok(());
    }
    let problem =
        format!("write the CRM's own id of the account, 1 to {LONGEST} characters without line breaks");
    Err(Refusal::invalid("crm_id", problem))
}

async fn shown(
    c: &mut Conn,
    policy: &Policy,
    target: &TargetId,
    accounts: Vec<Account>,
    now: Timestamp,
) -> Result<Vec<Shown>, Refusal> {
    let span = Span::Listed(accounts.iter().map(|account| account.id).collect());
    let mut seen: HashMap<AccountId, BTreeMap<&'static str, Timestamp>> = HashMap::new();
    for (account, source, at) in evidence::latest_of(c, &span).await? {
        seen.entry(account).or_default().insert(EvidenceSource::name(source), at);
    }
    let states = state::of_all(c, policy, target, accounts, now).await?;
    let with_evidence = |state: AccountState| {
        let evidence = seen.remove(&state.account.id).unwrap_or_default();
        Shown { state, last_seen: evidence.values().max().copied(), evidence }
    };
    Ok(states.into_iter().map(with_evidence).collect())
}
