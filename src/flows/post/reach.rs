//! Finds out who can be written to: the person, the manager that the directory names, the owner of a sector.
//!
//! Invariant: an address that mail came back from is not written to again for a week, or until it is another one; only
//! somebody whose own account is in use hears of others.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::super::Refusal;
use crate::domain::account::Account;
use crate::domain::ids::{DirectoryId, IdentityId, SectorId};
use crate::domain::name::fold;
use crate::domain::policy::Policy;
use crate::domain::policy::care::Besides;
use crate::store::identity::{Identity, IdentityKey};
use crate::store::letter::LetterState;
use crate::store::{Conn, account, identity, letter};

/// So long nobody writes to an address that mail came back from.
const REST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The extension that names the manager (RFC 7643 §4.3).
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Why somebody is told of another's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::flows) enum How {
    /// The directory names them as the manager.
    Manager,
    /// They answer for this sector.
    Owner(SectorId),
}

/// Somebody who can be written to.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::flows) struct Recipient {
    /// Who.
    pub(in crate::flows) account: Account,
    /// Where.
    pub(in crate::flows) address: String,
    /// Why they.
    pub(in crate::flows) how: How,
}

/// The address of an account, where mail reaches it as far as is known.
pub(in crate::flows) async fn reachable(
    c: &mut Conn,
    account: &Account,
    now: Timestamp,
) -> Result<Option<String>, Refusal> {
    let Some(address) = account.email.clone() else { return Ok(None) };
    let last = letter::last_to(c, &address).await?;
    let came_back = last.is_some_and(|last| {
        let is_back = matches!(last.state, LetterState::Refused | LetterState::Bounced);
        let rests = last.ended_at.is_some_and(|at| now.duration_since(at) < REST);
        is_back && rests
    });
    Ok((!came_back).then_some(address))
}

/// Who hears of the account of `about` beside its person: the first that the policy names and mail reaches.
pub(in crate::flows) async fn besides(
    c: &mut Conn,
    policy: &Policy,
    about: &Account,
    sectors: &BTreeSet<SectorId>,
    now: Timestamp,
) -> Result<Option<Recipient>, Refusal> {
    for besides in &policy.notices.also_to {
        let candidates = match besides {
            Besides::Manager => {
                managers(c, about).await?.into_iter().map(|one| (one, How::Manager)).collect()
            }
            Besides::SectorOwner => owners(c, policy, sectors).await?,
        };
        for (candidate, how) in candidates {
            if candidate.id == about.id || !candidate.standing.status.is_usable() {
                continue;
            }
            if let Some(address) = reachable(c, &candidate, now).await? {
                return Ok(Some(Recipient { account: candidate, address, how }));
            }
        }
    }
    Ok(None)
}

async fn owners(
    c: &mut Conn,
    policy: &Policy,
    sectors: &BTreeSet<SectorId>,
) -> Result<Vec<(Account, How)>, Refusal> {
    let mut found = Vec::new();
    for id in sectors {
        let Some(owner) = policy.sectors.get(id).and_then(|sector| sector.owner.as_deref()) else { continue };
        let mut accounts = account::resolve(c, owner, None).await?;
        // A name that several answer to says nothing about which of them is meant.
        if accounts.len() == 1
            && let Some(account) = accounts.pop()
        {
            found.push((account, How::Owner(id.clone())));
        }
    }
    Ok(found)
}

/// The accounts of the managers that the directories name.
async fn managers(c: &mut Conn, of: &Account) -> Result<Vec<Account>, Refusal> {
    let mut found = Vec::new();
    for one in identity::of_account(c, of.id).await? {
        if one.deleted_at.is_some() {
            continue;
        }
        let Some(named) = manager(&one.document) else { continue };
        let Some(manager) = meant(c, &one.directory, named).await? else { continue };
        found.extend(account::get(c, manager.account).await?);
    }
    Ok(found)
}

/// What a document says of the manager: an id, or whatever the directory writes there.
pub(in crate::flows) fn manager(document: &Value) -> Option<&str> {
    let (_, extension) =
        document.as_object()?.iter().find(|(name, _)| name.eq_ignore_ascii_case(ENTERPRISE))?;
    let manager = extension.get("manager")?;
    let named = manager.as_str().or_else(|| manager.get("value")?.as_str())?.trim();
    (!named.is_empty()).then_some(named)
}

/// What a document says of the department.
pub(in crate::flows) fn department(document: &Value) -> Option<&str> {
    let (_, extension) =
        document.as_object()?.iter().find(|(name, _)| name.eq_ignore_ascii_case(ENTERPRISE))?;
    extension.get("department")?.as_str().map(str::trim).filter(|named| !named.is_empty())
}

/// The one person of the same directory that is meant: by our id, the directory's own, or the user name.
pub(in crate::flows) async fn meant(
    c: &mut Conn,
    directory: &DirectoryId,
    named: &str,
) -> Result<Option<Identity>, Refusal> {
    let mut keys = Vec::new();
    keys.extend(IdentityId::parse(named).ok().map(IdentityKey::Id));
    keys.push(IdentityKey::ExternalId(named.to_owned()));
    keys.push(IdentityKey::UserName(fold(named)));
    for key in keys {
        let mut found = identity::find(c, directory, &key).await?;
        if found.len() == 1 {
            return Ok(found.pop());
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_manager_is_an_object_or_a_bare_text_and_nothing_is_nobody() {
        let of = |manager: Value| json!({ ENTERPRISE: { "manager": manager, "department": " Info " } });
        assert_eq!(manager(&of(json!({ "value": "26118915" }))), Some("26118915"));
        assert_eq!(manager(&of(json!("26118915"))), Some("26118915"));
        assert_eq!(manager(&of(json!({ "value": " " }))), None);
        assert_eq!(manager(&json!({ "userName": "bo" })), None);
        assert_eq!(department(&of(Value::Null)), Some("Info"));
    }
}
