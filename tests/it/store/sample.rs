//! People, groups and instants to test with.
//!
//! Invariant: every id is new; every instant is counted from one that is fixed.

use jiff::{SignedDuration, Timestamp};
use portvakt::domain::account::{Account, AccountKind, Standing, Status, StatusReason};
use portvakt::domain::grant::{Grant, GrantKind, ItemRef, Origin};
use portvakt::domain::ids::{
    AccountId, ComponentId, DirectoryId, GrantId, GroupId, IdentityId, RoleId, SectorId, TargetId,
};
use portvakt::domain::name::fold;
use portvakt::store::group::Group;
use portvakt::store::identity::{Identity, IdentityKeys};
use portvakt::store::{StoreError, account, group, identity};
use serde_json::json;
use uuid::Uuid;

use crate::engines::{TestDb, change};

/// So many minutes after the beginning of time.
pub(crate) fn minute(count: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap() + SignedDuration::from_mins(count)
}

pub(crate) fn entra() -> DirectoryId {
    DirectoryId::parse("entra").unwrap()
}

pub(crate) fn okta() -> DirectoryId {
    DirectoryId::parse("okta").unwrap()
}

pub(crate) fn crm() -> TargetId {
    TargetId::parse("crm").unwrap()
}

pub(crate) fn role(name: &str) -> GrantKind {
    GrantKind::Role(RoleId::parse(name).unwrap())
}

pub(crate) fn sector(name: &str) -> GrantKind {
    GrantKind::Sector(SectorId::parse(name).unwrap())
}

pub(crate) fn item(component: &str, id: &str) -> ItemRef {
    ItemRef { component: ComponentId::parse(component).unwrap(), item: id.to_owned() }
}

pub(crate) fn standing(status: Status, reason: StatusReason, since: Timestamp) -> Standing {
    Standing { status, since, reason, by: "job:test".into(), note: None }
}

/// An active account that is not yet written.
pub(crate) fn new_account(user_name: &str) -> Account {
    Account {
        id: AccountId::new(Uuid::now_v7()),
        user_name: user_name.into(),
        display_name: user_name.to_uppercase(),
        email: None,
        language: None,
        kind: AccountKind::Person,
        is_protected: false,
        valid_from: None,
        valid_until: None,
        created_at: minute(0),
        standing: standing(Status::Active, StatusReason::Provisioned, minute(0)),
        leave_until: None,
        returned_at: None,
        activated_at: None,
        version: 1,
    }
}

/// An identity that is not yet written, with the keys its document gives.
pub(crate) fn new_identity(
    of: AccountId,
    directory: &DirectoryId,
    user_name: &str,
    external_id: Option<&str>,
) -> (Identity, IdentityKeys) {
    let identity = Identity {
        id: IdentityId::new(Uuid::now_v7()),
        directory: directory.clone(),
        account: of,
        active: true,
        external_id: external_id.map(str::to_owned),
        document: json!({"userName": user_name, "urn:example:own": {"kept": [1, true, null]}}),
        version: 1,
        created_at: minute(0),
        modified_at: minute(0),
        deleted_at: None,
    };
    let keys = IdentityKeys {
        user_name: fold(user_name),
        external_id: identity.external_id.clone(),
        display_name: None,
        email: None,
        active: true,
    };
    (identity, keys)
}

/// A group that is not yet written.
pub(crate) fn new_group(directory: &DirectoryId, name: &str, external_id: Option<&str>) -> Group {
    Group {
        id: GroupId::new(Uuid::now_v7()),
        directory: directory.clone(),
        external_id: external_id.map(str::to_owned),
        document: json!({"displayName": name}),
        version: 1,
        created_at: minute(0),
        modified_at: minute(0),
    }
}

pub(crate) fn new_grant(kind: GrantKind, origin: Origin, since: Timestamp) -> Grant {
    Grant {
        id: GrantId::new(Uuid::now_v7()),
        kind,
        origin,
        by: "operator:test".into(),
        why: None,
        since,
        ends_at: None,
        until: None,
    }
}

/// Writes an active account.
pub(crate) async fn person(t: &TestDb, user_name: &str) -> Account {
    let person = new_account(user_name);
    change!(t, [person] c => account::insert(c, &person).await).unwrap();
    person
}

/// Writes an account with an identity in a directory.
pub(crate) async fn provisioned(t: &TestDb, directory: &DirectoryId, user_name: &str) -> Identity {
    let person = new_account(user_name);
    let (identity, keys) = new_identity(person.id, directory, user_name, Some(user_name));
    change!(t, [identity] c => {
        account::insert(c, &person).await?;
        identity::insert(c, &identity, &keys).await
    })
    .unwrap();
    identity
}

/// Writes a group.
pub(crate) async fn formed(t: &TestDb, directory: &DirectoryId, name: &str) -> Group {
    let formed = new_group(directory, name, Some(name));
    let key = fold(name);
    change!(t, [formed] c => group::insert(c, &formed, &key).await).unwrap();
    formed
}

/// Whether a change was refused because something was taken.
pub(crate) fn is_taken<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Taken { .. }))
}
