//! Finds the identity that a token's subject signs in as, and links the two the first time.
//!
//! Invariant: a subject is linked only to what its own directory told under the immutable id that the settings name;
//! never by an address, never to an identity that another subject signs in as.

use serde_json::json;

use super::Why;
use crate::config::{Directory, DirectoryKind, DirectoryOidc, SubjectIs};
use crate::domain::account::Account;
use crate::domain::actor::Subject;
use crate::domain::ids::IdentityId;
use crate::domain::name::fold;
use crate::flows::{Act, Refusal};
use crate::oidc::Verified;
use crate::store::identity::{self, Identity, IdentityKey};
use crate::store::subject::{self, SubjectLink};
use crate::store::{Conn, account};

/// What a subject leads to.
pub(super) enum Found {
    /// This living identity, locked.
    Identity(Box<Identity>),
    /// None; the account is of a person whom the directory has deleted.
    Nobody(Why, Option<Box<Account>>),
}

/// The key under which a subject is linked: within a directory with tenants it is tenant and subject.
fn key(directory: &Directory, oidc: &DirectoryOidc, person: &Verified) -> String {
    let has_tenants = directory.kind == DirectoryKind::Entra || !oidc.tenants.is_empty();
    match &person.tenant {
        Some(tenant) if has_tenants => format!("{tenant}/{}", person.subject_value),
        _ => person.subject_value.clone(),
    }
}

/// Finds, and where it is the first time links, the identity that `person` signs in as.
pub(super) async fn find(
    c: &mut Conn,
    act: &Act,
    directory: &Directory,
    oidc: &DirectoryOidc,
    person: &Verified,
) -> Result<Found, Refusal> {
    let key = key(directory, oidc, person);
    if let Some((id, issuer)) = subject::linked(c, &directory.id, &key).await? {
        if issuer != person.issuer {
            return Ok(Found::Nobody(Why::OtherIssuer, None));
        }
        return Ok(match identity::lock(c, &directory.id, id).await? {
            Some(identity) => Found::Identity(Box::new(identity)),
            None => Found::Nobody(Why::NotProvisioned, None),
        });
    }
    let Some(id) = told(c, directory, oidc, &person.subject_value).await? else {
        return deleted(c, directory, oidc, &person.subject_value).await;
    };
    let Some(identity) = identity::lock(c, &directory.id, id).await? else {
        return Ok(Found::Nobody(Why::NotProvisioned, None));
    };
    if subject::is_linked(c, identity.id).await? {
        return Ok(Found::Nobody(Why::AlreadyLinked, None));
    }
    let link = SubjectLink {
        directory: directory.id.clone(),
        issuer: person.issuer.clone(),
        subject: key,
        identity: identity.id,
        by: act.actor.to_string(),
    };
    if !subject::link(c, &link, act.now).await? {
        // Linked to another identity at this very moment.
        return Ok(Found::Nobody(Why::AlreadyLinked, None));
    }
    let after = json!({ "directory": directory.id, "issuer": link.issuer, "claim": oidc.subject_claim,
        "is": oidc.subject_is.name() });
    act.record(c, "subject_linked", Subject::new("identity", identity.id), None, Some(after)).await?;
    Ok(Found::Identity(Box::new(identity)))
}

/// The living identity that the directory told under this subject.
async fn told(
    c: &mut Conn,
    directory: &Directory,
    oidc: &DirectoryOidc,
    subject: &str,
) -> Result<Option<IdentityId>, Refusal> {
    let key = match oidc.subject_is {
        SubjectIs::ExternalId => IdentityKey::ExternalId(subject.to_owned()),
        SubjectIs::UserName => IdentityKey::UserName(fold(subject)),
        SubjectIs::Id => match IdentityId::parse(subject) {
            Ok(id) => IdentityKey::Id(id),
            Err(_) => return Ok(None),
        },
    };
    let found = identity::find(c, &directory.id, &key).await?;
    // The key is unique among the living.
    Ok(found.first().map(|identity| identity.id))
}

/// A person whom the directory has deleted: they are told so, in the language of their account.
async fn deleted(
    c: &mut Conn,
    directory: &Directory,
    oidc: &DirectoryOidc,
    subject: &str,
) -> Result<Found, Refusal> {
    let tombstone = match oidc.subject_is {
        SubjectIs::ExternalId => identity::tombstone(c, &directory.id, subject).await?,
        SubjectIs::UserName | SubjectIs::Id => None,
    };
    let account = match tombstone {
        Some(tombstone) => account::get(c, tombstone.account).await?,
        None => None,
    };
    Ok(Found::Nobody(Why::NotProvisioned, account.map(Box::new)))
}
