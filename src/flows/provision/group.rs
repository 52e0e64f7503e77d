//! Groups, as a directory provisions them.
//!
//! Invariant: a membership change recalculates only the accounts it touches, in the same transaction. A rename never
//! changes rights.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{Act, Activity, Compiled, Policies, Ports, Refusal, entitle};
use super::member::{Membership, Moved};
use super::{Precondition, count_repairs, document, uniqueness};
use crate::domain::actor::Subject;
use crate::domain::ids::{AccountId, DirectoryId, GroupId};
use crate::scim::{
    MemberChange, MemberRef, PatchRequest, Repairs, ResourceKind, ScimError, normalise_replace,
};
use crate::store::group::Group;
use crate::store::membership::Member;
use crate::store::{Conn, group, membership};

/// So many of the accounts that joined or left are named in the audit.
const NAMED: usize = 1_000;

/// A group as it stands now.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupView {
    /// What the directory says.
    pub group: Group,
    /// Its present members; nothing where they were not asked for.
    pub members: Option<Vec<Member>>,
}

/// What is to become of a group.
#[derive(Debug, Clone)]
pub enum GroupChange {
    /// This whole body (PUT); the members stay as they are where it does not speak of them.
    Replace(Value),
    /// These operations (PATCH).
    Patch(PatchRequest),
}

/// Takes a new group with a normalised document without members, and its first members.
///
/// # Errors
///
/// SCIM 409 `uniqueness` when the directory has a living group of that external id.
pub async fn create_group(
    ports: &Ports,
    act: &Act,
    directory: &DirectoryId,
    document: Value,
    members: Vec<MemberRef>,
) -> Result<GroupView, Refusal> {
    let work = Work::new(ports, act, directory);
    ports
        .db
        .write(move |c| Box::pin(async move { work.create(c, document, members).await }))
        .await
        .map_err(uniqueness)
}

/// Changes a group. No effect means no new version. The answer is without members.
///
/// # Errors
///
/// SCIM 404 for an id that is not this directory's; what the change itself is refused for.
pub async fn change_group(
    ports: &Ports,
    act: &Act,
    directory: &DirectoryId,
    id: GroupId,
    change: GroupChange,
    precondition: Precondition,
) -> Result<Group, Refusal> {
    let work = Work::new(ports, act, directory);
    ports
        .db
        .write(move |c| Box::pin(async move { work.change(c, id, change, precondition).await }))
        .await
        .map_err(uniqueness)
}

/// Deletes a group: a tombstone stays, its members lose what it gave.
///
/// # Errors
///
/// SCIM 404 for an id that is not this directory's.
pub async fn delete_group(
    ports: &Ports,
    act: &Act,
    directory: &DirectoryId,
    id: GroupId,
    precondition: Precondition,
) -> Result<(), Refusal> {
    let work = Work::new(ports, act, directory);
    ports.db.write(move |c| Box::pin(async move { work.delete(c, id, precondition).await })).await
}

/// A group with its members, where they are wanted.
pub(super) async fn view(c: &mut Conn, group: Group, with_members: bool) -> Result<GroupView, Refusal> {
    let members = if with_members { Some(membership::members(c, group.id).await?) } else { None };
    Ok(GroupView { group, members })
}

fn missing(id: GroupId) -> Refusal {
    Refusal::Scim(ScimError::not_found("Group", &id.to_string()))
}

/// What one write needs, owned.
struct Work {
    act: Act,
    directory: DirectoryId,
    policies: Arc<Policies>,
    activity: Arc<Activity>,
}

impl Work {
    fn new(ports: &Ports, act: &Act, directory: &DirectoryId) -> Self {
        Self {
            act: act.clone(),
            directory: directory.clone(),
            policies: Arc::clone(&ports.policies),
            activity: Arc::clone(&ports.activity),
        }
    }

    fn count(&self, repairs: &Repairs) {
        count_repairs(&self.activity, &self.directory, repairs, self.act.now);
    }

    fn membership(&self, group: GroupId) -> Membership<'_> {
        Membership { act: &self.act, directory: &self.directory, group }
    }

    async fn create(
        &self,
        c: &mut Conn,
        document: Value,
        members: Vec<MemberRef>,
    ) -> Result<GroupView, Refusal> {
        let compiled = self.policies.current(c).await?;
        let group = Group {
            id: GroupId::new(Uuid::now_v7()),
            directory: self.directory.clone(),
            external_id: document::external_id(&document),
            document,
            version: 1,
            created_at: self.act.now,
            modified_at: self.act.now,
        };
        let name_key = document::group_name_key(&group.document);
        group::insert(c, &group, &name_key).await?;
        let after = json!({ "directory": self.directory, "name": group.document.get("displayName"),
            "external_id": group.external_id });
        self.act.record(c, "group_created", Subject::new("group", group.id), None, Some(after)).await?;
        self.pin(c, &compiled, &name_key).await?;
        let moved = self.membership(group.id).apply(c, &[MemberChange::Add(members)]).await?;
        self.note(c, group.id, &moved).await?;
        self.entitle(c, &compiled, moved).await?;
        view(c, group, true).await
    }

    async fn change(
        &self,
        c: &mut Conn,
        id: GroupId,
        change: GroupChange,
        precondition: Precondition,
    ) -> Result<Group, Refusal> {
        let mut group = group::lock(c, &self.directory, id).await?.ok_or_else(|| missing(id))?;
        precondition.check(group.version)?;
        let (new, changes) = match change {
            GroupChange::Replace(body) => {
                let made = normalise_replace(&body, ResourceKind::Group)?;
                self.count(&made.repairs);
                (made.document, made.members.map(MemberChange::Replace).into_iter().collect())
            }
            GroupChange::Patch(request) => {
                let patched = request.apply(&group.document)?;
                self.count(&patched.repairs);
                (patched.document, patched.members)
            }
        };
        let compiled = self.policies.current(c).await?;
        let is_rewritten = new != group.document;
        // Whether rules may see the group otherwise than before; under another name alone they do not.
        let mut tells_apart = false;
        if is_rewritten {
            let before =
                json!({ "name": group.document.get("displayName"), "external_id": group.external_id });
            let external_id = document::external_id(&new);
            tells_apart = group.external_id != external_id;
            group.external_id = external_id;
            group.document = new;
            group.modified_at = self.act.now;
            let name_key = document::group_name_key(&group.document);
            group.version = group::update(c, &group, &name_key, self.act.now).await?;
            let after =
                json!({ "name": group.document.get("displayName"), "external_id": group.external_id });
            self.act.record(c, "group_changed", Subject::new("group", id), Some(before), Some(after)).await?;
            tells_apart |= self.pin(c, &compiled, &name_key).await?;
        }
        let mut moved = self.membership(id).apply(c, &changes).await?;
        if !moved.is_empty() && !is_rewritten {
            group.version = group::touch(c, id, self.act.now).await?;
            group.modified_at = self.act.now;
        }
        self.note(c, id, &moved).await?;
        if tells_apart {
            // Then it may give the members who stayed something.
            let members = membership::member_ids(c, id).await?;
            moved.accounts.extend(members.into_iter().map(|(_, account)| account));
        }
        self.entitle(c, &compiled, moved).await?;
        Ok(group)
    }

    async fn delete(&self, c: &mut Conn, id: GroupId, precondition: Precondition) -> Result<(), Refusal> {
        let group = group::lock(c, &self.directory, id).await?.ok_or_else(|| missing(id))?;
        precondition.check(group.version)?;
        let compiled = self.policies.current(c).await?;
        let moved = self.membership(id).apply(c, &[MemberChange::RemoveAll]).await?;
        group::bury(c, id, self.act.now).await?;
        let before = json!({ "name": group.document.get("displayName"), "external_id": group.external_id,
            "members": moved.left });
        self.act.record(c, "group_deleted", Subject::new("group", id), Some(before), None).await?;
        self.entitle(c, &compiled, moved).await
    }

    /// Pins the name where a rule speaks of it. Gives whether anything was pinned.
    async fn pin(&self, c: &mut Conn, compiled: &Compiled, name_key: &str) -> Result<bool, Refusal> {
        if !entitle::speaks_of_name(&compiled.policy, &self.directory, name_key) {
            return Ok(false);
        }
        entitle::pin_names(c, &self.act, &compiled.policy).await
    }

    async fn note(&self, c: &mut Conn, id: GroupId, moved: &Moved) -> Result<(), Refusal> {
        if moved.is_empty() && moved.pending == 0 {
            return Ok(());
        }
        // Who was in which group when stands in the memberships themselves; a whole school here would only be long.
        let some: Vec<&AccountId> = moved.accounts.iter().take(NAMED).collect();
        let after = json!({ "joined": moved.joined, "left": moved.left, "pending": moved.pending,
            "accounts": some });
        self.act.record(c, "members_changed", Subject::new("group", id), None, Some(after)).await?;
        Ok(())
    }

    async fn entitle(&self, c: &mut Conn, compiled: &Compiled, moved: Moved) -> Result<(), Refusal> {
        let touched: Vec<AccountId> = moved.accounts.into_iter().collect();
        entitle::accounts(c, &self.act, &compiled.policy, &touched).await?;
        Ok(())
    }
}
