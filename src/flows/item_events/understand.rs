//! Understands an event: which item, which accounts and roles it speaks of.
//!
//! Invariant: nobody is guessed at; an event that names somebody unknown is refused whole and says whom.

use jiff::{SignedDuration, Timestamp};

use super::{Named, Refused, Told};
use crate::domain::grant::{Holder, ItemRef};
use crate::domain::ids::{AccountId, ComponentId, RoleId, TargetId};
use crate::domain::links::ItemEvent;
use crate::domain::policy::{Component, Policy};
use crate::flows::find::{self, Found};
use crate::store::{Conn, StoreError};

/// How far the CRM's clock may be ahead of ours.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// The event in words of the domain, with its component.
///
/// # Errors
///
/// Outer: the database cannot be reached. Inner: why the event is refused.
pub(super) async fn event<'p>(
    c: &mut Conn,
    policy: &'p Policy,
    target: &TargetId,
    told: &Told,
    now: Timestamp,
) -> Result<Result<(ItemEvent, &'p Component), Refused>, StoreError> {
    let (item, component) = match place(policy, told, now) {
        Ok(place) => place,
        Err(refused) => return Ok(Err(refused)),
    };
    let mut event = ItemEvent {
        kind: told.kind,
        item,
        by: None,
        project: told.project.clone(),
        assignee: None,
        participants: None,
    };
    if let Some(by) = &told.by {
        match account(c, target, "by", by).await? {
            Ok(id) => event.by = Some(id),
            Err(refused) => return Ok(Err(refused)),
        }
    }
    event.assignee = match &told.assignee {
        None => None,
        Some(None) => Some(None),
        Some(Some(named)) => match holder(c, policy, target, named).await? {
            Ok(holder) => Some(Some(holder)),
            Err(refused) => return Ok(Err(refused)),
        },
    };
    if let Some(names) = &told.participants {
        let mut participants = std::collections::BTreeSet::new();
        for (place, name) in names.iter().enumerate() {
            match account(c, target, &format!("participants[{place}]"), name).await? {
                Ok(id) => participants.insert(id),
                Err(refused) => return Ok(Err(refused)),
            };
        }
        event.participants = Some(participants);
    }
    Ok(Ok((event, component)))
}

/// What can be said without looking anybody up.
fn place<'p>(policy: &'p Policy, told: &Told, now: Timestamp) -> Result<(ItemRef, &'p Component), Refused> {
    let id = ComponentId::parse(&told.component).map_err(|e| Refused::new("unknown_component", e))?;
    let component = policy.components.get(&id).ok_or_else(|| {
        Refused::new("unknown_component", format!("component: the policy has no component {id}"))
    })?;
    if let Some(project) = &told.project {
        // A project is an item too, and its id is held to the same form.
        ItemRef::parse(id.clone(), project).map_err(|e| Refused::new("invalid", format!("project: {e}")))?;
    }
    let item = ItemRef::parse(id, &told.item).map_err(|e| Refused::new("invalid", format!("item: {e}")))?;
    if told.at.is_some_and(|at| at > now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX)) {
        return Err(Refused::new(
            "in_future",
            "at: that time has not come; check the CRM's clock and time zone",
        ));
    }
    Ok((item, component))
}

/// The account or role that a CRM names as responsible.
///
/// # Errors
///
/// Outer: the database cannot be reached. Inner: nobody answers to the name, or several do.
pub(in crate::flows) async fn holder(
    c: &mut Conn,
    policy: &Policy,
    target: &TargetId,
    named: &Named,
) -> Result<Result<Holder, Refused>, StoreError> {
    match named {
        Named::Account(text) => Ok(account(c, target, "assignee.account", text).await?.map(Holder::Account)),
        Named::Role(text) => Ok(RoleId::parse(text)
            .ok()
            .filter(|role| policy.roles.contains_key(role))
            .map(Holder::Role)
            .ok_or_else(|| {
                Refused::new("unknown_role", format!("assignee.role: the policy has no role {text:?}"))
            })),
    }
}

async fn account(
    c: &mut Conn,
    target: &TargetId,
    field: &str,
    text: &str,
) -> Result<Result<AccountId, Refused>, StoreError> {
    Ok(match find::account(c, text, Some(target)).await? {
        Found::One(account) => Ok(account.id),
        Found::Nobody => {
            Err(Refused::new("unknown_account", format!("{field}: no account answers to {text:?}")))
        }
        Found::Several => Err(Refused::new(
            "ambiguous_account",
            format!("{field}: more than one account answers to {text:?}; use the account id"),
        )),
    })
}
