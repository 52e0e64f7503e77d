//! Protection that two administrators agree on: one asks, another confirms.
//!
//! Invariant: nobody confirms what they asked for themselves; what the settings file protects is not lifted here.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::people::{find_one, named, unchanged};
use super::super::{Act, Ports, Refusal};
use crate::config::Settings;
use crate::domain::account::Account;
use crate::domain::actor::Subject;
use crate::domain::days::later;
use crate::domain::ids::AccountId;
use crate::store::protection::{self, Request};
use crate::store::{Conn, account, identity};

/// A request is good for this long.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agreed {
    /// It is noted, and waits for another administrator.
    Waits,
    /// Another had asked for it: it is done.
    Done(Box<Account>),
}

/// Asks for an account to be protected (`protects`), or for its protection to end; confirms it where another
/// administrator has asked for the same within the last seven days.
///
/// # Errors
///
/// [`Refusal::Invalid`] without a reason; [`Refusal::Conflict`] where it is so already, where the same administrator
/// asked, or where the settings file protects the account.
pub async fn propose(
    ports: &Ports,
    act: &Act,
    text: &str,
    protects: bool,
    reason: &str,
) -> Result<Agreed, Refusal> {
    let why = named(reason)?;
    let id = find_one(ports, text).await?.id;
    let (act, settings, policies) = (act.clone(), Arc::clone(&ports.settings), Arc::clone(&ports.policies));
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let account = account::lock(c, id).await?.ok_or_else(|| Refusal::not_found("account", id))?;
                unchanged(c, &act, &account).await?;
                may(c, &settings, &account, protects).await?;
                let by = act.actor.to_string();
                let asked = asked_for(c, id, act.now).await?.filter(|one| one.protects == protects);
                match asked {
                    Some(request) if request.by == by => Err(Refusal::Conflict(format!(
                        "you asked for this yourself on {}; another administrator must confirm it",
                        request.at
                    ))),
                    Some(request) => {
                        protection::agree(c, &request, &by, act.now).await?;
                        let after = json!({ "is_protected": protects, "asked_by": request.by,
                            "why": request.why, "confirmed_why": why });
                        let new = super::turn(c, &act, &policies, &account, protects, after).await?;
                        Ok(Agreed::Done(Box::new(new)))
                    }
                    None => {
                        let after = json!({ "protects": protects, "why": why });
                        protection::ask(c, &Request { account: id, protects, by, why, at: act.now }).await?;
                        let subject = Subject::new("account", id);
                        act.record(c, "protection_asked_for", subject, None, Some(after)).await?;
                        Ok(Agreed::Waits)
                    }
                }
            })
        })
        .await
}

/// What an administrator asked for about an account and no other has confirmed yet.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub(in crate::flows) async fn asked_for(
    c: &mut Conn,
    id: AccountId,
    now: Timestamp,
) -> Result<Option<Request>, Refusal> {
    let asked = protection::request(c, id).await?;
    Ok(asked.filter(|one| now <= later(one.at, GOOD_FOR)))
}

/// What one administrator asked for and another has yet to confirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedProtection {
    /// For which account.
    pub account: Account,
    /// To protect it, or to end its protection.
    pub protects: bool,
    /// Who asked, as [`Actor`](crate::domain::actor::Actor) writes itself.
    pub by: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Timestamp,
    /// Until when it can be confirmed.
    pub until: Timestamp,
}

/// What was asked for before this can be confirmed no more.
pub(in crate::flows) fn asked_since(now: Timestamp) -> Timestamp {
    now.saturating_sub(GOOD_FOR).unwrap_or(Timestamp::MIN)
}

/// What waits for another administrator, the oldest first.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn asked(ports: &Ports) -> Result<Vec<AskedProtection>, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let mut requests = protection::requests(&mut c).await?;
    let now = ports.clock.now();
    requests.retain(|request| now <= later(request.at, GOOD_FOR));
    let ids: Vec<AccountId> = requests.iter().map(|request| request.account).collect();
    let mut accounts: BTreeMap<AccountId, Account> =
        account::of_ids(&mut c, &ids).await?.into_iter().map(|account| (account.id, account)).collect();
    let asked = requests.into_iter().filter_map(|Request { account, protects, by, why, at }| {
        let account = accounts.remove(&account)?;
        Some(AskedProtection { account, protects, by, why, at, until: later(at, GOOD_FOR) })
    });
    Ok(asked.collect())
}

async fn may(c: &mut Conn, settings: &Settings, account: &Account, protects: bool) -> Result<(), Refusal> {
    if account.is_protected == protects {
        let how = if protects { "protected already" } else { "not protected" };
        return Err(Refusal::Conflict(format!("the account {} is {how}", account.user_name)));
    }
    let known = identity::of_account(c, account.id).await?;
    let directories = known.into_iter().map(|identity| identity.directory).collect();
    if !protects && super::protects(settings, account, &directories) {
        return Err(Refusal::Conflict(format!(
            "the settings file protects the account {}; its protection is lifted only there",
            account.user_name
        )));
    }
    Ok(())
}
