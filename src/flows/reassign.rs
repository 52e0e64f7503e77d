//! Tells beforehand who would lose and who would gain sight of an item if somebody else became responsible.
//!
//! Invariant: changes nothing. Everybody is judged as the decision would judge them, before and after, from one moment;
//! the answer is whole.

use std::collections::BTreeSet;

use serde::Serialize;

use super::item_events::{self, Named};
use super::{Ports, Refusal};
use crate::domain::access::{self, AccessFacts, Question};
use crate::domain::account::Account;
use crate::domain::grant::{Grant, Holder, ItemRef, Link};
use crate::domain::ids::{AccountId, ComponentId, TargetId};
use crate::domain::name::sort_key;
use crate::domain::policy::{Action, Policy};
use crate::store::{Conn, account, entitlement, item, link, sight};

/// How many accounts are judged together.
const PAGE: usize = 500;

/// Who would see what they do not see, and who would see it no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Who is responsible now; nothing: nobody.
    pub from: Option<Holder>,
    /// Who would be; nothing: nobody.
    pub to: Option<Holder>,
    /// Who would lose sight of the item: a link by hand would keep it for them.
    pub loses: Vec<Person>,
    /// Who would gain sight of it.
    pub gains: Vec<Person>,
}

/// Somebody, as a CRM can show them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Our id.
    pub account: AccountId,
    /// The CRM's own id, where it has told us.
    pub crm_id: Option<String>,
    /// The sign-in name.
    pub user_name: String,
    /// The person's name.
    pub display_name: String,
}

/// What would happen if `to` became responsible for the item.
///
/// # Errors
///
/// [`Refusal::NotFound`] for a component that the policy does not know; [`Refusal::Invalid`] where the item or the
/// responsible cannot be one.
pub async fn preview(
    ports: &Ports,
    target: &TargetId,
    (component, item): (&str, &str),
    to: Option<Named>,
) -> Result<Preview, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let now = ports.clock.now();
    let compiled = ports.policies.current(&mut c).await?;
    let policy = &compiled.policy;
    let known = ComponentId::parse(component).ok().filter(|id| policy.components.contains_key(id));
    let component = known.ok_or_else(|| Refusal::not_found("component", component))?;
    let item = ItemRef::parse(component, item).map_err(|e| Refusal::invalid("item", e))?;
    let to = match to {
        None => None,
        Some(named) => match item_events::holder(&mut c, policy, target, &named).await? {
            Ok(holder) => Some(holder),
            Err(refused) => return Err(Refusal::invalid("assignee", refused.detail)),
        },
    };
    let from = item::assignee(&mut c, &item, None).await?;
    let links = link::of_item(&mut c, &item, None).await?;
    let mut touched = BTreeSet::new();
    for holder in [&from, &to].into_iter().flatten() {
        touched.extend(behind(&mut c, holder).await?);
    }
    let (mut loses, mut gains) = (Vec::new(), Vec::new());
    let touched: Vec<AccountId> = touched.into_iter().collect();
    for page in touched.chunks(PAGE) {
        let mut grants = entitlement::held_by(&mut c, page).await?;
        let mut crm_ids = account::crm_ids(&mut c, target, page).await?;
        for account in account::of_ids(&mut c, page).await? {
            let grants = grants.remove(&account.id).unwrap_or_default();
            let sees = |assignment: Option<&Holder>| {
                let facts = Facts { policy, account: &account, grants: &grants, links: &links, item: &item };
                facts.sees(assignment, now)
            };
            let (before, after) = (sees(from.as_ref()), sees(to.as_ref()));
            if before == after {
                continue;
            }
            let crm_id = crm_ids.remove(&account.id);
            let person = Person {
                account: account.id,
                crm_id,
                user_name: account.user_name,
                display_name: account.display_name,
            };
            if before { loses.push(person) } else { gains.push(person) }
        }
    }
    for list in [&mut loses, &mut gains] {
        list.sort_by_cached_key(|one| (sort_key(&one.display_name), one.account));
    }
    Ok(Preview { from, to, loses, gains })
}

/// Whom an assignment to `holder` may let see the item.
async fn behind(c: &mut Conn, holder: &Holder) -> Result<Vec<AccountId>, Refusal> {
    match holder {
        Holder::Account(id) => Ok(vec![*id]),
        Holder::Role(role) => Ok(sight::holders(c, std::slice::from_ref(role), None, i64::MAX).await?),
    }
}

struct Facts<'a> {
    policy: &'a Policy,
    account: &'a Account,
    grants: &'a [Grant],
    links: &'a [Link],
    item: &'a ItemRef,
}

impl Facts<'_> {
    fn sees(&self, assignment: Option<&Holder>, now: jiff::Timestamp) -> bool {
        let facts = AccessFacts {
            account: Some(self.account),
            grants: self.grants,
            links: self.links,
            assignment,
            now,
        };
        let question = Question {
            action: Action::View,
            component: self.item.component.to_string(),
            item: Some(self.item.item.clone()),
        };
        access::decide(self.policy, &facts, &question).is_allowed()
    }
}
