//! Writes down what an import has found out.
//!
//! Invariant: one transaction; only users that are tied to an account; an id that another has taken meanwhile undoes all
//! of it.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::{Count, Matching};
use crate::domain::actor::Subject;
use crate::domain::first_match::{CrmUser, Match};
use crate::domain::ids::{AccountId, TargetId};
use crate::domain::policy::EvidenceSource;
use crate::flows::{Act, Ports, Refusal};
use crate::store::{Conn, account, evidence};

/// What an import has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Applied {
    /// Accounts whose id in the CRM was learnt.
    pub crm_ids: usize,
    /// Accounts that are as old as the CRM says.
    pub created: usize,
    /// Accounts that were seen in the CRM later than was known.
    pub seen: usize,
}

/// Somebody who is tied to an account.
type Tied = (AccountId, CrmUser);

/// Writes down the CRM's ids, how old the accounts are, and when each person last signed in there.
///
/// # Errors
///
/// [`Refusal::Conflict`] when one of the ids or accounts was taken meanwhile; then nothing is changed.
pub async fn apply(ports: &Ports, act: &Act, matching: &Matching) -> Result<Applied, Refusal> {
    let tied = matching.users.iter().filter_map(|(user, found)| match found {
        Match::Linked(id, _) => Some((*id, user.clone())),
        Match::Doubtful(_) | Match::OnlyInCrm => None,
    });
    let mut tied: Vec<Tied> = tied.collect();
    tied.sort_unstable_by_key(|(id, _)| *id);
    let (act, target, count) = (act.clone(), matching.target.clone(), matching.count());
    ports.db.write(move |c| Box::pin(async move { write(c, &act, &target, tied, count).await })).await
}

async fn write(
    c: &mut Conn,
    act: &Act,
    target: &TargetId,
    tied: Vec<Tied>,
    count: Count,
) -> Result<Applied, Refusal> {
    let pairs: Vec<(AccountId, String)> = tied.iter().map(|(id, user)| (*id, user.crm_id.clone())).collect();
    let learnt = account::set_crm_ids(c, target, &pairs).await?;
    let ids: Vec<AccountId> = tied.iter().map(|(id, _)| *id).collect();
    let known = account::crm_ids(c, target, &ids).await?;
    if let Some((id, user)) = tied.iter().find(|(id, user)| known.get(id) != Some(&user.crm_id)) {
        let problem = format!(
            "account {id} or the CRM's id {:?} was taken by somebody else meanwhile; match again",
            user.crm_id
        );
        return Err(Refusal::Conflict(problem));
    }
    let created: Vec<(AccountId, Timestamp)> =
        tied.iter().filter_map(|(id, user)| Some((*id, user.created?))).collect();
    let created = account::set_created(c, &created).await?;
    let seen: Vec<(AccountId, Timestamp)> =
        tied.iter().filter_map(|(id, user)| Some((*id, user.last_login?))).collect();
    let seen = evidence::seen_all(c, EvidenceSource::Crm, &seen).await?;
    for (id, crm_id) in pairs.iter().filter(|(id, _)| learnt.contains(id)) {
        let after = json!({ "target": target, "crm_id": crm_id });
        act.record(c, "crm_id_learnt", Subject::new("account", id), None, Some(after)).await?;
    }
    for (id, before, after) in &created {
        let (before, after) = (json!({ "created_at": before }), json!({ "created_at": after }));
        act.record(c, "account_dated", Subject::new("account", id), Some(before), Some(after)).await?;
    }
    let applied = Applied { crm_ids: learnt.len(), created: created.len(), seen };
    if applied != Applied::default() {
        let after = json!({ "matching": count, "applied": applied });
        act.record(c, "crm_users_imported", Subject::new("target", target), None, Some(after)).await?;
    }
    Ok(applied)
}
