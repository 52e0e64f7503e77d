//! One group: who is in it, and what it gives.
//!
//! Invariant: reads only; a page of members costs the same wherever it lies.

use jiff::Timestamp;

use super::super::super::people::roster::Cursor;
use super::super::super::{Ports, Refusal};
use super::super::ConsoleActor;
use super::{GroupRow, known, lines};
use crate::domain::account::Status;
use crate::domain::days::Reading;
use crate::domain::ids::{AccountId, GroupId};
use crate::domain::mapping::GroupFacts;
use crate::domain::policy::doubts::groups_named;
use crate::domain::policy::rule_lines::RuleLine;
use crate::store::{account, group_list};

/// Somebody in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The account.
    pub account: AccountId,
    /// The name; where there is none, the sign-in name.
    pub name: String,
    /// The sign-in name.
    pub user_name: String,
    /// How the account stands.
    pub status: Status,
}

/// A group, with a page of its members.
#[derive(Debug, Clone)]
pub struct GroupLook {
    /// The group.
    pub group: GroupRow,
    /// When its directory last changed it.
    pub modified_at: Timestamp,
    /// How many members it waits for, whom nobody knows yet.
    pub awaited: i64,
    /// The rules that ask for it.
    pub rules: Vec<RuleLine>,
    /// Who stands on the page.
    pub members: Vec<Member>,
    /// Where the page before ends.
    pub before: Option<Cursor>,
    /// Where the page after begins.
    pub after: Option<Cursor>,
}

/// A group, with the members after `from` by name, or those before it.
///
/// # Errors
///
/// [`Refusal::NotFound`] where no directory tells of it; [`Refusal::NoPolicy`] before the first policy.
pub async fn look(
    ports: &Ports,
    _actor: &ConsoleActor,
    (id, from, is_back): (GroupId, Option<&Cursor>, bool),
    (limit, reading): (usize, &Reading),
) -> Result<GroupLook, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let found = group_list::groups(&mut c, Some(id)).await?.pop();
    let found = found.ok_or_else(|| Refusal::not_found("group", id))?;
    let pinned_names = group_list::pins(&mut c).await?.remove(&id).unwrap_or_default();
    let facts = GroupFacts { id: Some(id), external_id: found.external_id, pinned_names };
    let members = group_list::counts(&mut c, &[id]).await?.remove(&id).unwrap_or_default();
    let group = known(&groups_named(&compiled.policy), facts, (found.directory, found.name, members)).row;
    let awaited = group_list::awaited(&mut c, id).await?;
    let place = from.map(Cursor::name_and_account);
    let more = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let mut places = group_list::members(&mut c, id, (place.as_ref(), is_back), more).await?;
    let has_more = places.len() > limit;
    places.truncate(limit);
    if is_back {
        places.reverse();
    }
    let (has_before, has_after) = if is_back { (has_more, true) } else { (from.is_some(), has_more) };
    let ids: Vec<AccountId> = places.iter().map(|(_, id)| *id).collect();
    let mut members: Vec<Member> = account::of_ids(&mut c, &ids)
        .await?
        .into_iter()
        .map(|one| Member {
            account: one.id,
            name: if one.display_name.is_empty() { one.user_name.clone() } else { one.display_name },
            user_name: one.user_name,
            status: one.standing.status,
        })
        .collect();
    members.sort_by_cached_key(|member| ids.iter().position(|id| *id == member.account));
    drop(c);
    let rules = lines(ports, &compiled.policy, reading).await?;
    Ok(GroupLook {
        rules: rules.into_iter().filter(|line| group.rules.contains(&line.rule)).collect(),
        group,
        modified_at: found.modified_at,
        awaited,
        members,
        before: places.first().filter(|_| has_before).cloned().map(Cursor::by_name),
        after: places.last().filter(|_| has_after).cloned().map(Cursor::by_name),
    })
}
