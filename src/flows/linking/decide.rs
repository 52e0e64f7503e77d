//! Decides about a subject that waits: ties it to an account, makes it one, or turns it down.
//!
//! Invariant: an account that another subject of the directory signs in as is given over only by an explicit word; then
//! the other subject is untied and the account's sessions end, in the same transaction. A protected account is never
//! given over.

use std::sync::Arc;

use serde_json::json;

use super::super::{Act, Policies, Ports, Refusal, find, provision};
use super::{Claims, View, found, queue, show};
use crate::config::{DirectoryOidc, Settings};
use crate::domain::account::{Account, Status};
use crate::domain::actor::Subject;
use crate::domain::ids::AccountId;
use crate::flows::sign_in::newcomer;
use crate::store::identity::{self, Identity};
use crate::store::link_request::{self, LinkRequest, LinkState, Verdict};
use crate::store::subject::{self, SubjectLink};
use crate::store::{Conn, account, session};

/// Which account a subject is tied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Onto {
    /// The one that is proposed.
    Proposed,
    /// This one: its id, user name or the CRM's id.
    Account(String),
    /// A new one, made of what the provider said.
    New,
}

/// What somebody decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Whose the subject is.
    pub onto: Onto,
    /// Whether a subject that signs in as the account already is to be untied.
    pub replace: bool,
    /// Why.
    pub reason: String,
}

/// Ties a subject to an account.
///
/// # Errors
///
/// [`Refusal::Conflict`] where the account is not in use, is signed in to by another subject, or nothing is proposed;
/// [`Refusal::Protected`].
pub async fn approve(ports: &Ports, act: &Act, reference: &str, approval: Approval) -> Result<View, Refusal> {
    let reason = super::super::people::named(&approval.reason)?;
    let onto = match &approval.onto {
        Onto::Account(text) => {
            let mut c = ports.db.read().await?;
            Target::Account(find::account(&mut c, text, None).await?.one(text)?.id)
        }
        Onto::Proposed => Target::Proposed,
        Onto::New => Target::New,
    };
    let work = Approving {
        act: act.because(reason.clone()),
        reason,
        onto,
        replace: approval.replace,
        policies: Arc::clone(&ports.policies),
        settings: Arc::clone(&ports.settings),
    };
    let key = queue::plain(reference);
    let asked = reference.to_owned();
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let request = found(link_request::lock(c, &key).await?, &asked)?;
                work.approve(c, request).await
            })
        })
        .await?;
    show(ports, reference).await
}

/// Turns a subject down. It stays turned down however often it comes, until somebody approves it after all.
///
/// # Errors
///
/// [`Refusal::Conflict`] where it was approved.
pub async fn reject(ports: &Ports, act: &Act, reference: &str, reason: &str) -> Result<View, Refusal> {
    let why = super::super::people::named(reason)?;
    let (act, key, asked) = (act.because(why.clone()), queue::plain(reference), reference.to_owned());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let request = found(link_request::lock(c, &key).await?, &asked)?;
                if request.state == LinkState::Approved {
                    return Err(conflict("it was approved; to undo that, deactivate the account"));
                }
                let by = act.actor.to_string();
                let verdict = Verdict { state: LinkState::Rejected, by, why, account: None, at: act.now };
                link_request::decide(c, request.id, &verdict).await?;
                let subject = Subject::new("link_request", request.id);
                let after = json!({ "reference": request.reference, "directory": request.directory });
                act.record(c, "link_rejected", subject, None, Some(after)).await?;
                Ok::<_, Refusal>(())
            })
        })
        .await?;
    show(ports, reference).await
}

fn conflict(why: impl Into<String>) -> Refusal {
    Refusal::Conflict(why.into())
}

enum Target {
    Proposed,
    Account(AccountId),
    New,
}

/// What the transaction needs, owned.
struct Approving {
    act: Act,
    reason: String,
    onto: Target,
    replace: bool,
    policies: Arc<Policies>,
    settings: Arc<Settings>,
}

impl Approving {
    async fn approve(&self, c: &mut Conn, request: LinkRequest) -> Result<(), Refusal> {
        if request.state == LinkState::Approved {
            return Err(conflict("it was approved already"));
        }
        let directory = self.settings.directories.iter().find(|known| known.id == request.directory);
        let oidc = directory.and_then(|directory| directory.oidc.as_ref());
        let oidc =
            oidc.ok_or_else(|| Refusal::not_found("sign-in through the directory", &request.directory))?;
        self.free(c, &request).await?;
        let identity = match self.onto {
            Target::New => self.new_account(c, &request, oidc).await?,
            Target::Account(id) => self.identity_of(c, &request, oidc, id).await?,
            Target::Proposed => {
                let proposed = request.proposed.ok_or_else(|| {
                    conflict(
                        "no account is proposed; name one with --account, or make one with --new-account",
                    )
                })?;
                self.identity_of(c, &request, oidc, proposed).await?
            }
        };
        let link = SubjectLink {
            directory: request.directory.clone(),
            issuer: request.issuer.clone(),
            subject: request.subject.clone(),
            identity: identity.id,
            by: self.act.actor.to_string(),
        };
        if !subject::link(c, &link, self.act.now).await? {
            return Err(conflict("the subject was linked at this very moment; look again"));
        }
        let after =
            json!({ "directory": link.directory, "issuer": link.issuer, "request": request.reference });
        self.act
            .record(c, "subject_linked", Subject::new("identity", identity.id), None, Some(after))
            .await?;
        self.decided(c, &request, identity.account).await
    }

    async fn decided(&self, c: &mut Conn, request: &LinkRequest, account: AccountId) -> Result<(), Refusal> {
        let verdict = Verdict {
            state: LinkState::Approved,
            by: self.act.actor.to_string(),
            why: self.reason.clone(),
            account: Some(account),
            at: self.act.now,
        };
        link_request::decide(c, request.id, &verdict).await?;
        let after = json!({ "reference": request.reference, "directory": request.directory, "account": account,
            "replaced": self.replace });
        self.act
            .record(c, "link_approved", Subject::new("link_request", request.id), None, Some(after))
            .await?;
        Ok(())
    }

    /// Sees to it that the subject itself is not linked, as it may be under another issuer.
    async fn free(&self, c: &mut Conn, request: &LinkRequest) -> Result<(), Refusal> {
        let Some((identity, issuer)) = subject::linked(c, &request.directory, &request.subject).await? else {
            return Ok(());
        };
        if issuer == request.issuer {
            return Err(conflict("the subject signs in already; there is nothing to decide"));
        }
        if !self.replace {
            return Err(conflict(format!(
                "the subject is linked under the issuer {issuer:?}; say --replace to link it under {:?} instead",
                request.issuer
            )));
        }
        if let Some(identity) = identity::lock(c, &request.directory, identity).await? {
            self.end_sessions(c, identity.account).await?;
        }
        subject::untie_one(c, &request.directory, &request.subject).await?;
        Ok(())
    }

    async fn end_sessions(&self, c: &mut Conn, account: AccountId) -> Result<(), Refusal> {
        let ended = session::end_all(c, account, "another subject was linked", self.act.now).await?;
        if ended > 0 {
            let after = json!({ "sessions_ended": ended });
            self.act.record(c, "sessions_ended", Subject::new("account", account), None, Some(after)).await?;
        }
        Ok(())
    }

    /// The identity that the account has in the directory; one made of the claims where it has none.
    async fn identity_of(
        &self,
        c: &mut Conn,
        request: &LinkRequest,
        oidc: &DirectoryOidc,
        id: AccountId,
    ) -> Result<Identity, Refusal> {
        let account = account::lock(c, id).await?.ok_or_else(|| Refusal::not_found("account", id))?;
        may_be_tied(&account)?;
        let identities = identity::of_account(c, id).await?;
        let own = identities.into_iter().find(|i| i.deleted_at.is_none() && i.directory == request.directory);
        let Some(own) = own else { return self.adopted(c, request, oidc, id).await };
        if subject::is_linked(c, own.id).await? {
            if !self.replace {
                return Err(conflict(format!(
                    "another subject of {} signs in as {:?} already; say --replace to untie that one",
                    request.directory, account.user_name
                )));
            }
            subject::untie(c, own.id).await?;
            let after = json!({ "directory": request.directory, "request": request.reference });
            self.act.record(c, "subject_untied", Subject::new("identity", own.id), None, Some(after)).await?;
            self.end_sessions(c, id).await?;
        }
        Ok(own)
    }

    async fn adopted(
        &self,
        c: &mut Conn,
        request: &LinkRequest,
        oidc: &DirectoryOidc,
        id: AccountId,
    ) -> Result<Identity, Refusal> {
        let document = document(request, oidc)?;
        let house = (&self.policies, &self.settings);
        provision::adopt_within(c, &self.act, &request.directory, house, (id, document)).await
    }

    async fn new_account(
        &self,
        c: &mut Conn,
        request: &LinkRequest,
        oidc: &DirectoryOidc,
    ) -> Result<Identity, Refusal> {
        let document = document(request, oidc)?;
        let house = (&self.policies, &self.settings);
        provision::create_within(c, &self.act, &request.directory, house, document).await
    }
}

fn document(request: &LinkRequest, oidc: &DirectoryOidc) -> Result<serde_json::Value, Refusal> {
    let claims: Claims = serde_json::from_value(request.claims.clone()).unwrap_or_default();
    Ok(provision::document_of(&newcomer::of(&claims, oidc, &claims.subject))?)
}

fn may_be_tied(account: &Account) -> Result<(), Refusal> {
    if account.is_protected {
        return Err(Refusal::Protected { user_name: account.user_name.clone() });
    }
    match account.standing.status {
        Status::Deactivated | Status::Removed => Err(conflict(format!(
            "the account {:?} is {}; a sign-in is not what opens it again",
            account.user_name, account.standing.status
        ))),
        Status::Invited | Status::Active | Status::Paused | Status::Frozen => Ok(()),
    }
}
