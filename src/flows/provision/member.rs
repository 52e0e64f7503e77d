//! Who is in a group, as a directory changes it.
//!
//! Invariant: only the difference is written, and the accounts it touched are given back. A member that nobody knows
//! is remembered, not refused, and joins when the person appears.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::{Act, Refusal};
use crate::domain::ids::{AccountId, DirectoryId, GroupId, IdentityId};
use crate::scim::{Filter, MemberChange, MemberRef, ScimError};
use crate::store::{Conn, membership};

/// What changes of members came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Moved {
    /// Accounts that joined or left.
    pub(super) accounts: BTreeSet<AccountId>,
    /// How many joined.
    pub(super) joined: usize,
    /// How many left.
    pub(super) left: usize,
    /// Members that nobody knows yet and that were not awaited before.
    pub(super) pending: usize,
    came: BTreeSet<AccountId>,
    went: BTreeSet<AccountId>,
}

impl Moved {
    fn join(&mut self, accounts: Vec<AccountId>) {
        for account in accounts {
            // Who left and came back within one request has not moved.
            if self.went.remove(&account) {
                self.left -= 1;
                self.accounts.remove(&account);
            } else {
                self.joined += 1;
                self.came.insert(account);
                self.accounts.insert(account);
            }
        }
    }

    fn leave(&mut self, accounts: Vec<AccountId>) {
        for account in accounts {
            if self.came.remove(&account) {
                self.joined -= 1;
                self.accounts.remove(&account);
            } else {
                self.left += 1;
                self.went.insert(account);
                self.accounts.insert(account);
            }
        }
    }

    /// Whether anybody came or went.
    pub(super) fn is_empty(&self) -> bool {
        self.joined == 0 && self.left == 0
    }
}

/// The group whose members change.
pub(super) struct Membership<'a> {
    pub(super) act: &'a Act,
    pub(super) directory: &'a DirectoryId,
    pub(super) group: GroupId,
}

impl Membership<'_> {
    /// Carries out the changes in order.
    pub(super) async fn apply(&self, c: &mut Conn, changes: &[MemberChange]) -> Result<Moved, Refusal> {
        let mut moved = Moved::default();
        for change in changes {
            match change {
                MemberChange::Add(members) => self.add(c, members, &mut moved).await?,
                MemberChange::Remove(values) => self.remove(c, values, &mut moved).await?,
                MemberChange::Keep(values) => self.keep(c, values).await?,
                MemberChange::Exchange { from, to } => self.exchange(c, from, to, &mut moved).await?,
                MemberChange::RemoveMatching(filter) => self.remove_matching(c, filter, &mut moved).await?,
                MemberChange::Replace(members) => self.replace(c, members, &mut moved).await?,
                MemberChange::RemoveAll => {
                    moved.leave(membership::leave_all(c, self.group, self.act.now).await?);
                    membership::forget_awaited(c, self.group, None).await?;
                }
            }
        }
        Ok(moved)
    }

    async fn add(&self, c: &mut Conn, members: &[MemberRef], moved: &mut Moved) -> Result<(), Refusal> {
        let (known, unknown) = self.sort_out(c, members.iter().map(|member| &*member.value)).await?;
        moved.join(membership::join(c, self.group, &known, self.act.now).await?);
        self.wait_for(c, &unknown, moved).await
    }

    /// Remembers members that nobody knows yet; those that were waited for already are not counted again.
    async fn wait_for(&self, c: &mut Conn, unknown: &[String], moved: &mut Moved) -> Result<(), Refusal> {
        if !unknown.is_empty() {
            moved.pending += unknown.len() - membership::awaited(c, self.group, unknown).await?.len();
            membership::await_members(c, self.group, unknown, self.act.now).await?;
        }
        Ok(())
    }

    async fn remove(&self, c: &mut Conn, values: &[String], moved: &mut Moved) -> Result<(), Refusal> {
        // By whatever id they were added: one that takes nobody out would be access that is never withdrawn.
        let (known, unknown) = self.sort_out(c, values.iter().map(String::as_str)).await?;
        let left = membership::leave(c, self.group, &known, self.act.now).await?;
        // Whoever was in was not waited for.
        if left.len() < known.len() || !unknown.is_empty() {
            membership::forget_awaited(c, self.group, Some(values)).await?;
        }
        moved.leave(left);
        Ok(())
    }

    /// Refuses with `noTarget` where one of them neither is a member nor is awaited.
    async fn keep(&self, c: &mut Conn, values: &[String]) -> Result<(), Refusal> {
        let (known, unknown) = self.sort_out(c, values.iter().map(String::as_str)).await?;
        let present = membership::present(c, self.group, &known).await?;
        let awaited = membership::awaited(c, self.group, &unknown).await?;
        if present.len() == known.len() && awaited.len() == unknown.len() {
            return Ok(());
        }
        let detail = "the filter of the path names somebody who is no member; add the member first";
        Err(ScimError::no_target(detail).into())
    }

    async fn exchange(
        &self,
        c: &mut Conn,
        from: &[String],
        to: &[MemberRef],
        moved: &mut Moved,
    ) -> Result<(), Refusal> {
        self.keep(c, from).await?;
        self.remove(c, from, moved).await?;
        self.add(c, to, moved).await
    }

    async fn remove_matching(&self, c: &mut Conn, filter: &Filter, moved: &mut Moved) -> Result<(), Refusal> {
        let mut leaving = Vec::new();
        for member in membership::members(c, self.group).await? {
            let entry = json!({ "value": member.identity, "display": member.display, "type": "User" });
            if filter.matches(&entry) {
                leaving.push(member.identity);
            }
        }
        moved.leave(membership::leave(c, self.group, &leaving, self.act.now).await?);
        Ok(())
    }

    async fn replace(&self, c: &mut Conn, members: &[MemberRef], moved: &mut Moved) -> Result<(), Refusal> {
        let (known, unknown) = self.sort_out(c, members.iter().map(|member| &*member.value)).await?;
        let wanted: BTreeSet<IdentityId> = known.iter().copied().collect();
        let present = membership::member_ids(c, self.group).await?;
        let leaving: Vec<IdentityId> =
            present.into_iter().map(|(id, _)| id).filter(|id| !wanted.contains(id)).collect();
        moved.leave(membership::leave(c, self.group, &leaving, self.act.now).await?);
        moved.join(membership::join(c, self.group, &known, self.act.now).await?);
        let remembered = if unknown.is_empty() {
            Vec::new()
        } else {
            membership::awaited(c, self.group, &unknown).await?
        };
        moved.pending += unknown.len() - remembered.len();
        membership::forget_awaited(c, self.group, None).await?;
        if !unknown.is_empty() {
            membership::await_members(c, self.group, &unknown, self.act.now).await?;
        }
        Ok(())
    }

    /// Splits ids into those of people of this directory and those that nobody knows yet. A member may be named by our
    /// id or, where a client does not know it, by the directory's own.
    async fn sort_out<'v>(
        &self,
        c: &mut Conn,
        values: impl Iterator<Item = &'v str>,
    ) -> Result<(Vec<IdentityId>, Vec<String>), Refusal> {
        let values: BTreeSet<String> = values.map(str::to_owned).collect();
        let known = membership::known(c, self.directory, &values).await?;
        let unknown = values.into_iter().filter(|value| !known.contains_key(value)).collect();
        let known: BTreeSet<IdentityId> = known.into_values().collect();
        Ok((known.into_iter().collect(), unknown))
    }
}
