//! Links an account or a role to an item by hand, and takes such links away.
//!
//! Invariant: a link by hand has a reason, and an end unless the policy waives it. Links that events made are the
//! events' to take: only what a person gave is taken here.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{Act, Policies, Ports, Refusal, find};
use super::change::{conflict, named};
use super::rights::{Lasting, lasting_until, may_change_rights};
use super::seen;
use crate::domain::account::Status;
use crate::domain::actor::Subject;
use crate::domain::grant::{Holder, ItemRef, Link, LinkOrigin};
use crate::domain::ids::{ComponentId, GrantId, RoleId, TargetId};
use crate::domain::policy::Policy;
use crate::store::{Conn, account, item, link, setting};

/// Whom a link is for, as it came from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForWhom {
    /// An account: its id, its user name or the CRM's id of it.
    Account(String),
    /// Everybody with this role.
    Role(String),
}

/// Which link is meant: for whom, and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// For whom.
    pub whom: ForWhom,
    /// The component's name.
    pub component: String,
    /// The CRM's id of the item.
    pub item: String,
    /// The CRM that names them; nothing: an operator.
    pub target: Option<TargetId>,
}

/// Makes a link by hand, or makes it anew with another end or reason. Gives it.
///
/// # Errors
///
/// [`Refusal::Invalid`] for what the policy does not know or cannot be linked; [`Refusal::NotFound`] for an account
/// that is not there; [`Refusal::Conflict`] for an item that is deleted; [`Refusal::NotAllowed`] where the acting
/// person may not; [`Refusal::Protected`].
pub async fn link(
    ports: &Ports,
    act: &Act,
    wanted: Wanted,
    lasting: Lasting,
    reason: &str,
) -> Result<Link, Refusal> {
    let why = named(reason)?;
    let (act, policies) = (act.clone(), Arc::clone(&ports.policies));
    let work = (wanted, lasting, why);
    ports.db.write(move |c| Box::pin(async move { make(c, &act, &policies, work).await })).await
}

async fn make(
    c: &mut Conn,
    act: &Act,
    policies: &Policies,
    (wanted, lasting, why): (Wanted, Lasting, String),
) -> Result<Link, Refusal> {
    let compiled = policies.current(c).await?;
    let policy = &compiled.policy;
    let (holder, item) = understand(c, act, policy, &wanted).await?;
    let component = policy.components.get(&item.component);
    if !component.is_some_and(|component| component.supports_items) {
        let problem = format!("{} has no item restriction; a link would do nothing", item.component);
        return Err(Refusal::invalid("component", problem));
    }
    if item::get(c, &item).await?.is_some_and(|known| known.deleted_at.is_some()) {
        return Err(conflict("the item is deleted"));
    }
    let ends_at = lasting_until(policy.manual_grants_expire_after, lasting, act.now)?;
    let former = by_hand(c, &holder, &item).await?;
    for old in &former {
        link::end(c, old.id, act.now).await?;
    }
    let new = Link {
        id: GrantId::new(Uuid::now_v7()),
        item,
        holder,
        origin: LinkOrigin::Manual,
        by: act.actor.to_string(),
        why: Some(why),
        since: act.now,
        ends_at,
        until: None,
    };
    link::give(c, &new).await?;
    tell(c, act, "linked_by_hand", &new, (former.first().map(describe), Some(describe(&new)))).await?;
    Ok(new)
}

/// Takes a link that was made by hand. Gives it.
///
/// # Errors
///
/// [`Refusal::Conflict`] where there is no such link by hand; otherwise as [`link()`].
pub async fn unlink(ports: &Ports, act: &Act, wanted: Wanted, reason: &str) -> Result<Link, Refusal> {
    let why = named(reason)?;
    let (act, policies) = (act.clone(), Arc::clone(&ports.policies));
    ports.db.write(move |c| Box::pin(async move { drop_it(c, &act, &policies, (wanted, why)).await })).await
}

async fn drop_it(
    c: &mut Conn,
    act: &Act,
    policies: &Policies,
    (wanted, why): (Wanted, String),
) -> Result<Link, Refusal> {
    let compiled = policies.current(c).await?;
    let (holder, item) = understand(c, act, &compiled.policy, &wanted).await?;
    let Some(old) = by_hand(c, &holder, &item).await?.into_iter().next() else {
        return Err(conflict(
            "there is no link by hand; one that an event made ends when the CRM tells the next event",
        ));
    };
    link::end(c, old.id, act.now).await?;
    let after = Some(json!({ "reason": why }));
    tell(c, act, "unlinked_by_hand", &old, (Some(describe(&old)), after)).await?;
    Ok(old)
}

/// Writes it down at the item, and tells the CRMs of the account; a link of a role is part of no account's state.
async fn tell(
    c: &mut Conn,
    act: &Act,
    action: &'static str,
    about: &Link,
    (before, after): (Option<Value>, Option<Value>),
) -> Result<(), Refusal> {
    let subject = Subject::new("item", format!("{}/{}", about.item.component, about.item.item));
    act.record(c, action, subject, before.clone(), after.clone()).await?;
    if let Holder::Account(id) = about.holder {
        act.record(c, action, Subject::new("account", id), before, after).await?;
        act.announce(c, id, action == "unlinked_by_hand").await?;
    }
    Ok(())
}

async fn understand(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    wanted: &Wanted,
) -> Result<(Holder, ItemRef), Refusal> {
    let component = ComponentId::parse(&wanted.component).ok();
    let component = component.filter(|id| policy.components.contains_key(id)).ok_or_else(|| {
        Refusal::invalid("component", format!("the policy has no component {:?}", wanted.component))
    })?;
    let item = ItemRef::parse(component, &wanted.item).map_err(|e| Refusal::invalid("item", e))?;
    // Events of the same item wait, and so do other hands.
    setting::hold(c, "items").await?;
    let holder = match &wanted.whom {
        ForWhom::Role(text) => {
            may_change_rights(c, act, policy, None).await?;
            let role = RoleId::parse(text).ok().filter(|role| policy.roles.contains_key(role));
            let unknown = || Refusal::invalid("role", format!("the policy has no role {text:?}"));
            Holder::Role(role.ok_or_else(unknown)?)
        }
        ForWhom::Account(text) => {
            let found = find::account(c, text, wanted.target.as_ref()).await?.one(text)?;
            let account =
                account::lock(c, found.id).await?.ok_or_else(|| Refusal::not_found("account", text))?;
            if account.is_protected {
                return Err(Refusal::Protected { user_name: account.user_name });
            }
            if account.standing.status == Status::Removed {
                return Err(conflict("the account is removed; nothing can be done with it"));
            }
            may_change_rights(c, act, policy, Some(account.id)).await?;
            seen::unchanged(c, act, &account).await?;
            Holder::Account(account.id)
        }
    };
    Ok((holder, item))
}

async fn by_hand(c: &mut Conn, holder: &Holder, item: &ItemRef) -> Result<Vec<Link>, Refusal> {
    let mut links = link::of_item(c, item, None).await?;
    links.retain(|link| link.origin == LinkOrigin::Manual && link.holder == *holder);
    Ok(links)
}

fn describe(link: &Link) -> Value {
    json!({
        "item": format!("{}/{}", link.item.component, link.item.item),
        "holder": link.holder,
        "origin": link.origin,
        "reason": link.why,
        "ends_at": link.ends_at.map(|end| end.to_string()),
    })
}
