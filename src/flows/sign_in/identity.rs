//! Finds the identity that a token's subject signs in as, and links the two the first time.
//!
//! Invariant: a subject is linked only to what its own directory told under the immutable id that the settings name;
//! never by an address, never to an identity that another subject signs in as.

use std::sync::Arc;

use serde_json::json;

use super::Why;
use crate::config::{Directory, DirectoryKind, DirectoryOidc, Jit, Settings, SubjectIs};
use crate::domain::account::Account;
use crate::domain::actor::Subject;
use crate::domain::ids::{AccountId, IdentityId};
use crate::domain::name::fold;
use crate::flows::{Act, Policies, Refusal};
use crate::oidc::Verified;
use crate::store::identity::{self, Identity, IdentityKey};
use crate::store::subject::{self, SubjectLink};
use crate::store::{Conn, account};

/// What a subject leads to.
pub(super) enum Found {
    /// This living identity, locked.
    Identity(Box<Identity>),
    /// Nobody: a person has to say whose it is, perhaps who is proposed.
    Nobody(Why, Option<Proposal>),
    /// The account of a person whom the directory has deleted.
    Deleted(Box<Account>),
}

/// An account that a subject may belong to, and what speaks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Proposal {
    /// Which.
    pub(super) account: AccountId,
    /// `immutable_id`, `same_subject` or `verified_address`.
    pub(super) by: &'static str,
}

/// A verified person, and the directory they came through.
pub(super) struct Seeker<'s> {
    pub(super) act: &'s Act,
    pub(super) directory: &'s Directory,
    pub(super) oidc: &'s DirectoryOidc,
    pub(super) person: &'s Verified,
    pub(super) policies: &'s Arc<Policies>,
    pub(super) settings: &'s Arc<Settings>,
}

impl Seeker<'_> {
    /// The key under which a subject is linked: within a directory with tenants it is tenant and subject.
    pub(super) fn key(&self) -> String {
        let has_tenants = self.directory.kind == DirectoryKind::Entra || !self.oidc.tenants.is_empty();
        match &self.person.tenant {
            Some(tenant) if has_tenants => format!("{tenant}/{}", self.person.subject_value),
            _ => self.person.subject_value.clone(),
        }
    }

    /// Finds, and where it is the first time links, the identity that the person signs in as.
    pub(super) async fn find(&self, c: &mut Conn) -> Result<Found, Refusal> {
        let key = self.key();
        if let Some((id, issuer)) = subject::linked(c, &self.directory.id, &key).await? {
            return Ok(match identity::lock(c, &self.directory.id, id).await? {
                None => Found::Nobody(Why::NotProvisioned, None),
                Some(identity) if issuer != self.person.issuer => {
                    let proposal = Proposal { account: identity.account, by: "same_subject" };
                    Found::Nobody(Why::OtherIssuer, Some(proposal))
                }
                Some(identity) => Found::Identity(Box::new(identity)),
            });
        }
        let told = match self.told(c).await? {
            Some(id) => identity::lock(c, &self.directory.id, id).await?,
            None => None,
        };
        let Some(identity) = told else {
            if let Some(account) = self.deleted(c).await? {
                return Ok(Found::Deleted(Box::new(account)));
            }
            return super::newcomer::receive(self, c, &key).await;
        };
        let proposal = Some(Proposal { account: identity.account, by: "immutable_id" });
        if subject::is_linked(c, identity.id).await? {
            return Ok(Found::Nobody(Why::AlreadyLinked, proposal));
        }
        if self.oidc.jit == Jit::Off {
            return Ok(Found::Nobody(Why::AwaitsApproval, proposal));
        }
        if !self.link(c, &key, identity.id).await? {
            // Linked to another identity at this very moment.
            return Ok(Found::Nobody(Why::AlreadyLinked, proposal));
        }
        Ok(Found::Identity(Box::new(identity)))
    }

    /// Links the subject to an identity. Gives `false` when it is linked already.
    pub(super) async fn link(&self, c: &mut Conn, key: &str, identity: IdentityId) -> Result<bool, Refusal> {
        let link = SubjectLink {
            directory: self.directory.id.clone(),
            issuer: self.person.issuer.clone(),
            subject: key.to_owned(),
            identity,
            by: self.act.actor.to_string(),
        };
        if !subject::link(c, &link, self.act.now).await? {
            return Ok(false);
        }
        let after = json!({ "directory": link.directory, "issuer": link.issuer, "claim": self.oidc.subject_claim,
            "is": self.oidc.subject_is.name() });
        self.act.record(c, "subject_linked", Subject::new("identity", identity), None, Some(after)).await?;
        Ok(true)
    }

    /// The living identity that the directory told under this subject.
    async fn told(&self, c: &mut Conn) -> Result<Option<IdentityId>, Refusal> {
        let subject = &self.person.subject_value;
        let key = match self.oidc.subject_is {
            SubjectIs::ExternalId => IdentityKey::ExternalId(subject.clone()),
            SubjectIs::UserName => IdentityKey::UserName(fold(subject)),
            SubjectIs::Id => match IdentityId::parse(subject) {
                Ok(id) => IdentityKey::Id(id),
                Err(_) => return Ok(None),
            },
        };
        let found = identity::find(c, &self.directory.id, &key).await?;
        // The key is unique among the living.
        Ok(found.first().map(|identity| identity.id))
    }

    /// A person whom the directory has deleted: they are told so, in the language of their account.
    async fn deleted(&self, c: &mut Conn) -> Result<Option<Account>, Refusal> {
        let tombstone = match self.oidc.subject_is {
            SubjectIs::ExternalId => {
                identity::tombstone(c, &self.directory.id, &self.person.subject_value).await?
            }
            SubjectIs::UserName | SubjectIs::Id => None,
        };
        match tombstone {
            Some(tombstone) => Ok(account::get(c, tombstone.account).await?),
            None => Ok(None),
        }
    }
}
