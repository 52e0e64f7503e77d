//! People, as a directory provisions them.
//!
//! Invariant: a person created again with the same external id is a new identity on the same account.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{Act, Activity, Policies, Ports, Refusal, absence, depart, entitle, mover, protection};
use super::{Precondition, count_repairs, document, uniqueness};
use crate::config::Settings;
use crate::domain::account::{Account, AccountKind, Standing, Status, StatusReason};
use crate::domain::actor::Subject;
use crate::domain::ids::{AccountId, DirectoryId, GroupId, IdentityId};
use crate::domain::mapping;
use crate::domain::policy::Policy;
use crate::scim::resource::{active, keep_active};
use crate::scim::{PatchRequest, Repairs, ResourceKind, ScimError, normalise_replace};
use crate::store::identity::{Identity, IdentityKeys};
use crate::store::{Conn, account, address, claimed_group, group, identity, membership, presence, subject};

/// A person as they stand now, with the groups they are in.
#[derive(Debug, Clone, PartialEq)]
pub struct UserView {
    /// What the directory says.
    pub identity: Identity,
    /// Groups: id and name. Empty where they were not asked for.
    pub groups: Vec<(GroupId, String)>,
}

/// What is to become of a person's document.
#[derive(Debug, Clone)]
pub enum UserChange {
    /// This whole body (PUT).
    Replace(Value),
    /// These operations (PATCH).
    Patch(PatchRequest),
}

/// Takes a new person with a normalised document.
///
/// # Errors
///
/// SCIM 409 `uniqueness` when the directory has a living person of that user name or external id.
pub async fn create_user(
    ports: &Ports,
    act: &Act,
    directory: &DirectoryId,
    document: Value,
) -> Result<UserView, Refusal> {
    let work = Work::new(ports, act, directory);
    ports.db.write(move |c| Box::pin(async move { work.create(c, document).await })).await.map_err(uniqueness)
}

/// Changes a person. No effect means no new version.
///
/// # Errors
///
/// SCIM 404 for an id that is not this directory's; what the change itself is refused for.
pub async fn change_user(
    ports: &Ports,
    act: &Act,
    directory: &DirectoryId,
    id: IdentityId,
    change: UserChange,
    precondition: Precondition,
) -> Result<UserView, Refusal> {
    let work = Work::new(ports, act, directory);
    let activity = Arc::clone(&ports.activity);
    ports
        .db
        .write(move |c| Box::pin(async move { work.change(c, &activity, id, change, precondition).await }))
        .await
        .map_err(uniqueness)
}

/// Deletes a person: a tombstone stays, the account departs.
///
/// # Errors
///
/// SCIM 404 for an id that is not this directory's.
pub async fn delete_user(
    ports: &Ports,
    act: &Act,
    directory: &DirectoryId,
    id: IdentityId,
    precondition: Precondition,
) -> Result<(), Refusal> {
    let work = Work::new(ports, act, directory);
    ports.db.write(move |c| Box::pin(async move { work.delete(c, id, precondition).await })).await
}

/// An identity with its groups, where they are wanted.
pub(super) async fn view(c: &mut Conn, identity: Identity, with_groups: bool) -> Result<UserView, Refusal> {
    let mut groups = Vec::new();
    if with_groups {
        for group in group::find(c, &identity.directory, &group::GroupKey::HasMember(identity.id)).await? {
            let name = group.document.get("displayName").and_then(Value::as_str).unwrap_or_default();
            groups.push((group.id, name.to_owned()));
        }
    }
    Ok(UserView { identity, groups })
}

fn missing(id: IdentityId) -> Refusal {
    Refusal::Scim(ScimError::not_found("User", &id.to_string()))
}

/// What one write needs, owned.
pub(super) struct Work {
    act: Act,
    directory: DirectoryId,
    policies: Arc<Policies>,
    settings: Arc<Settings>,
}

impl Work {
    fn new(ports: &Ports, act: &Act, directory: &DirectoryId) -> Self {
        Self::within(act, directory, (&ports.policies, &ports.settings))
    }

    /// Within a transaction that somebody else has opened.
    pub(super) fn within(
        act: &Act,
        directory: &DirectoryId,
        (policies, settings): (&Arc<Policies>, &Arc<Settings>),
    ) -> Self {
        Self {
            act: act.clone(),
            directory: directory.clone(),
            policies: Arc::clone(policies),
            settings: Arc::clone(settings),
        }
    }

    fn count(&self, activity: &Activity, repairs: &Repairs) {
        count_repairs(activity, &self.directory, repairs, self.act.now);
    }

    async fn create(&self, c: &mut Conn, document: Value) -> Result<UserView, Refusal> {
        let (identity, may_have_groups) = self.enter(c, document).await?;
        view(c, identity, may_have_groups).await
    }

    /// Takes a new person, with an account. Gives whether a group may have named them before.
    pub(super) async fn enter(&self, c: &mut Conn, document: Value) -> Result<(Identity, bool), Refusal> {
        let compiled = self.policies.current(c).await?;
        let keys = document::identity_keys(&document)?;
        let (former, is_awaited) = match &keys.external_id {
            Some(external) => identity::arriving(c, &self.directory, external).await?,
            None => (None, false),
        };
        let (account, is_known) = self.account_for(c, former, &document, keys.active).await?;
        let id = account.id;
        let identity = self.write(c, id, document, &keys).await?;
        if is_known || is_awaited {
            self.join_awaiting(c, &identity).await?;
            self.settle(c, &compiled.policy, &identity, is_known).await?;
            return Ok((identity, true));
        }
        let is_told =
            keys.active && entitle::newcomer(c, &self.act, &compiled.policy, account, &identity).await?;
        if !is_told {
            self.act.announce(c, id, false).await?;
        }
        Ok((identity, false))
    }

    /// Writes a new identity of an account.
    pub(super) async fn write(
        &self,
        c: &mut Conn,
        account: AccountId,
        document: Value,
        keys: &IdentityKeys,
    ) -> Result<Identity, Refusal> {
        let identity = Identity {
            id: IdentityId::new(Uuid::now_v7()),
            directory: self.directory.clone(),
            account,
            active: keys.active,
            external_id: keys.external_id.clone(),
            document,
            version: 1,
            created_at: self.act.now,
            modified_at: self.act.now,
            deleted_at: None,
        };
        identity::insert(c, &identity, keys).await?;
        let further = document::further_addresses(&identity.document);
        if !further.is_empty() {
            address::note(c, &self.directory, identity.id, further).await?;
        }
        let after = json!({ "directory": self.directory, "account": account, "active": keys.active,
            "external_id": keys.external_id });
        self.act
            .record(c, "identity_created", Subject::new("identity", identity.id), None, Some(after))
            .await?;
        self.follow(c, &identity, None).await?;
        Ok(identity)
    }

    /// The account of a new identity, and whether it was known: that of the tombstone with the same external id, or a
    /// new one.
    async fn account_for(
        &self,
        c: &mut Conn,
        former: Option<AccountId>,
        document: &Value,
        active: bool,
    ) -> Result<(Account, bool), Refusal> {
        if let Some(former) = former
            && let Some(known) = account::lock(c, former).await?
            && known.standing.status != Status::Removed
            && !self.lives_here(c, known.id).await?
        {
            if known.standing.status == Status::Deactivated {
                entitle::end_manual(c, &self.act, known.id).await?;
            }
            return Ok((known, true));
        }
        let new = self.new_account(document, active)?;
        account::insert(c, &new).await?;
        let after = json!({ "status": new.standing.status, "is_protected": new.is_protected });
        self.act.record(c, "account_created", Subject::new("account", new.id), None, Some(after)).await?;
        Ok((new, false))
    }

    /// Whether the account has a living identity in this directory, for it has one at most: whoever was created anew
    /// for a deleted person may have got another external id since, so that the old one can come up once more.
    async fn lives_here(&self, c: &mut Conn, account: AccountId) -> Result<bool, Refusal> {
        let identities = identity::of_account(c, account).await?;
        Ok(identities.iter().any(|one| one.deleted_at.is_none() && one.directory == self.directory))
    }

    fn new_account(&self, document: &Value, active: bool) -> Result<Account, Refusal> {
        let (status, reason) = if active {
            (Status::Active, StatusReason::Provisioned)
        } else {
            (Status::Deactivated, StatusReason::Departed)
        };
        let now = self.act.now;
        let mut account = Account {
            id: AccountId::new(Uuid::now_v7()),
            user_name: String::new(),
            display_name: String::new(),
            email: None,
            language: None,
            kind: AccountKind::Person,
            is_protected: false,
            valid_from: None,
            valid_until: None,
            created_at: now,
            standing: Standing { status, since: now, reason, by: self.act.actor.to_string(), note: None },
            leave_until: None,
            returned_at: None,
            activated_at: active.then_some(now),
            version: 0,
        };
        document::describe(&mut account, document)?;
        account.is_protected = protection::is_protected(&self.settings, &self.directory, &account.user_name);
        Ok(account)
    }

    /// Joins the groups that named this person before they were known.
    pub(super) async fn join_awaiting(&self, c: &mut Conn, identity: &Identity) -> Result<(), Refusal> {
        let values: Vec<String> = identity.external_id.iter().cloned().collect();
        for (group, value) in membership::awaiting(c, &self.directory, &values).await? {
            membership::join(c, group, &[identity.id], self.act.now).await?;
            membership::forget_awaited(c, group, Some(&[value])).await?;
            group::touch(c, group, self.act.now).await?;
        }
        Ok(())
    }

    async fn change(
        &self,
        c: &mut Conn,
        activity: &Activity,
        id: IdentityId,
        change: UserChange,
        precondition: Precondition,
    ) -> Result<UserView, Refusal> {
        let mut identity = identity::lock(c, &self.directory, id).await?.ok_or_else(|| missing(id))?;
        precondition.check(identity.version)?;
        let new = match change {
            UserChange::Replace(body) => {
                let made = normalise_replace(&body, ResourceKind::User)?;
                self.count(activity, &made.repairs);
                let mut document = made.document;
                // Silence about `active` must not bring a person back.
                keep_active(&mut document, &identity.document);
                document
            }
            UserChange::Patch(request) => {
                let patched = request.apply(&identity.document)?;
                self.count(activity, &patched.repairs);
                patched.document
            }
        };
        if new == identity.document {
            return view(c, identity, true).await;
        }
        let compiled = self.policies.current(c).await?;
        let mut keys = document::identity_keys(&new)?;
        // Who takes `active` away says nothing about it: the person stays as they were.
        keys.active = active(&new).unwrap_or(identity.active);
        let changed = changed_attributes(&identity.document, &new);
        // Most changes, a new title say, touch neither what the account is called nor what the rules look at.
        let is_settled = identity.active
            && keys.active
            && document::describes_the_same(&identity.document, &new)
            && !mapping::tells_apart(&compiled.policy, &self.directory, &identity.document, &new);
        let before = json!({ "active": identity.active, "version": identity.version });
        let is_known_by_another_id = keys.external_id != identity.external_id;
        let old = std::mem::replace(&mut identity.document, new);
        identity.active = keys.active;
        identity.external_id.clone_from(&keys.external_id);
        identity.modified_at = self.act.now;
        identity.version = identity::update(c, &identity, &keys, self.act.now).await?;
        if changed.iter().any(|name| name == "emails") {
            let further = document::further_addresses(&identity.document);
            address::note(c, &self.directory, id, further).await?;
        }
        // Names of attributes only: the audit outlives the person's data.
        let after = json!({ "active": keys.active, "version": identity.version, "changed": changed });
        self.act
            .record(c, "identity_changed", Subject::new("identity", id), Some(before), Some(after))
            .await?;
        self.follow(c, &identity, Some(&old)).await?;
        if is_known_by_another_id {
            self.join_awaiting(c, &identity).await?;
        }
        if is_known_by_another_id || !is_settled {
            self.settle(c, &compiled.policy, &identity, true).await?;
        }
        view(c, identity, true).await
    }

    /// What else follows from a document: leave that it tells of, and a change of job.
    async fn follow(&self, c: &mut Conn, identity: &Identity, old: Option<&Value>) -> Result<(), Refusal> {
        let compiled = self.policies.current(c).await?;
        let directory = self.settings.directories.iter().find(|one| one.id == self.directory);
        absence::follow(c, &self.act, directory, &compiled.policy, identity).await?;
        mover::attributes_changed(c, &self.act, &compiled.policy, identity, old).await
    }

    async fn delete(&self, c: &mut Conn, id: IdentityId, precondition: Precondition) -> Result<(), Refusal> {
        let identity = identity::lock(c, &self.directory, id).await?.ok_or_else(|| missing(id))?;
        precondition.check(identity.version)?;
        let compiled = self.policies.current(c).await?;
        identity::bury(c, id, self.act.now).await?;
        membership::leave_everything(c, id, self.act.now).await?;
        claimed_group::set(c, id, &[], self.act.now).await?;
        subject::untie(c, id).await?;
        let before = json!({ "active": identity.active, "account": identity.account });
        self.act.record(c, "identity_deleted", Subject::new("identity", id), Some(before), None).await?;
        depart::follow(c, &self.act, &compiled.policy, identity.account).await?;
        Ok(())
    }

    /// Brings the account in line with the identity: names, presence, grants; tells the CRMs of whatever changed.
    async fn settle(
        &self,
        c: &mut Conn,
        policy: &Policy,
        identity: &Identity,
        is_known: bool,
    ) -> Result<(), Refusal> {
        let id = identity.account;
        let mut account = account::lock(c, id).await?.ok_or_else(|| Refusal::not_found("account", id))?;
        document::describe(&mut account, &identity.document)?;
        let is_renamed = account::describe(c, &account).await?;
        let is_present = identity.active || presence::is_anywhere(c, id).await?;
        let followed = depart::follow_locked(c, &self.act, policy, account, is_present).await?;
        let is_entitled = is_present && !entitle::accounts(c, &self.act, policy, &[id]).await?.is_empty();
        let was_told =
            is_entitled || matches!(followed, depart::Followed::Departed | depart::Followed::Returned);
        if !was_told && (is_renamed || !is_known) {
            self.act.announce(c, id, false).await?;
        }
        Ok(())
    }
}

/// The names of the top-level attributes in which two documents differ.
fn changed_attributes(old: &Value, new: &Value) -> Vec<String> {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return Vec::new() };
    let mut names: Vec<String> = new
        .iter()
        .filter(|(name, value)| old.get(*name) != Some(value))
        .map(|(name, _)| name.clone())
        .collect();
    names.extend(old.keys().filter(|name| !new.contains_key(*name)).cloned());
    names.sort();
    names
}
