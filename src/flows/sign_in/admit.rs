//! Lets a verified person in, or writes down why not.
//!
//! Invariant: one transaction: attempt taken, account judged under its lock, session, evidence, audit and outbox
//! written. A refusal uses the attempt up too, and makes no account.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::attempt::Waiting;
use super::identity::{self, Found};
use super::{Outcome, Refused, Retry, Returned, SignedIn, Why};
use crate::config::Settings;
use crate::domain::access;
use crate::domain::account::{Account, Status, StatusReason};
use crate::domain::actor::{Actor, Subject};
use crate::domain::ids::{DirectoryId, SessionId};
use crate::domain::policy::EvidenceSource;
use crate::flows::session::{held, may_enter};
use crate::flows::{Act, Compiled, Policies, Ports, Refusal, provider, stand, tokens};
use crate::oidc::Verified;
use crate::store::evidence::{self, Health};
use crate::store::identity::Identity;
use crate::store::session::{self, Session};
use crate::store::{Conn, account, login, logout_token};

/// Lets `person` in, or refuses them.
pub(super) async fn admit(
    ports: &Ports,
    waiting: Waiting,
    person: Verified,
    returned: &Returned,
) -> Result<Outcome, Refusal> {
    let admission = Admission::new(ports, waiting, returned);
    let secret = SecretString::from(tokens::secret()?);
    ports.db.write(move |c| Box::pin(async move { admission.admit(c, &person, secret).await })).await
}

/// Writes down that somebody whom the provider did not vouch for was refused.
pub(super) async fn refuse(
    ports: &Ports,
    waiting: Waiting,
    why: Why,
    returned: &Returned,
) -> Result<Outcome, Refusal> {
    let admission = Admission::new(ports, waiting, returned);
    ports.db.write(move |c| Box::pin(async move { admission.refuse_unseen(c, why).await })).await
}

/// What the transaction needs, owned.
struct Admission {
    act: Act,
    waiting: Waiting,
    former: Option<Vec<u8>>,
    policies: Arc<Policies>,
    settings: Arc<Settings>,
}

impl Admission {
    fn new(ports: &Ports, waiting: Waiting, returned: &Returned) -> Self {
        let actor = Actor::Directory(waiting.attempt.directory.clone());
        Self {
            act: ports.act(actor, "sso").by_request(returned.request_id.clone()),
            waiting,
            former: returned.former.as_ref().map(|secret| tokens::digest(secret.expose_secret())),
            policies: Arc::clone(&ports.policies),
            settings: Arc::clone(&ports.settings),
        }
    }

    fn directory(&self) -> &DirectoryId {
        &self.waiting.attempt.directory
    }

    async fn refuse_unseen(&self, c: &mut Conn, why: Why) -> Result<Outcome, Refusal> {
        if login::take(c, &self.waiting.state).await?.is_none() {
            return Ok(Outcome::TooOld);
        }
        let compiled = self.policies.current(c).await?;
        self.refused(c, compiled, why, None, None).await
    }

    async fn admit(&self, c: &mut Conn, person: &Verified, secret: SecretString) -> Result<Outcome, Refusal> {
        if login::take(c, &self.waiting.state).await?.is_none() {
            return Ok(Outcome::TooOld);
        }
        let compiled = self.policies.current(c).await?;
        let directory = self.settings.directories.iter().find(|known| known.id == *self.directory());
        let Some((directory, oidc)) = directory.and_then(|d| d.oidc.as_ref().map(|oidc| (d, oidc))) else {
            return Ok(Outcome::TooOld);
        };
        let identity = match identity::find(c, &self.act, directory, oidc, person).await? {
            Found::Identity(identity) => identity,
            Found::Nobody(why, account) => {
                tracing::debug!(directory.id = %directory.id, subject = person.subject_value,
                    "nobody whom {} told of has this {}", directory.id, oidc.subject_claim);
                let closed = account.as_ref().and_then(|known| {
                    access::is_in_use(&compiled.policy, known, self.act.now).err().map(Why::NotInUse)
                });
                return self
                    .refused(c, compiled, closed.unwrap_or(why), account.as_deref(), Some(person))
                    .await;
            }
        };
        let account = account::lock(c, identity.account)
            .await?
            .ok_or_else(|| Refusal::not_found("account", identity.account))?;
        if let Err(why) = self.judge(c, &compiled, &identity, &account).await? {
            return self.refused(c, compiled, why, Some(&account), Some(person)).await;
        }
        self.let_in(c, person, &identity, &account, &secret).await?;
        let return_to = self.waiting.attempt.return_to.clone();
        Ok(Outcome::SignedIn(SignedIn { secret, return_to, account: account.id }))
    }

    /// Whether the person may sign in. An invited account is judged as the active one that the sign-in makes of it.
    async fn judge(
        &self,
        c: &mut Conn,
        compiled: &Compiled,
        identity: &Identity,
        account: &Account,
    ) -> Result<Result<(), Why>, Refusal> {
        let mut judged = account.clone();
        if judged.standing.status == Status::Invited {
            judged.standing.status = Status::Active;
        }
        let effective = held(c, &compiled.policy, account, self.act.now).await?;
        let verdict = may_enter(&compiled.policy, &judged, &effective, self.act.now);
        // What the account says of itself is told first: it knows the reason.
        let is_active = if identity.active { Ok(()) } else { Err(Why::NotActiveInDirectory) };
        Ok(verdict.and(is_active))
    }

    async fn let_in(
        &self,
        c: &mut Conn,
        person: &Verified,
        identity: &Identity,
        account: &Account,
        secret: &SecretString,
    ) -> Result<(), Refusal> {
        let now = self.act.now;
        let act = Act { actor: Actor::Account(account.id), ..self.act.clone() };
        if account.standing.status == Status::Invited {
            stand::change(c, &act, account, Status::Active, StatusReason::SignedIn, None).await?;
        }
        let new = self.session(person, identity);
        session::begin(c, &new, &tokens::digest(secret.expose_secret())).await?;
        logout_token::note_subject(c, new.id, &person.subject).await?;
        if person.email_verified {
            provider::vouch(c, new.id, person.email.as_deref()).await?;
        }
        self.end_former(c, &new).await?;
        evidence::seen(c, account.id, EvidenceSource::Sso, now).await?;
        let after = json!({ "directory": new.directory, "session": new.id, "acr": new.acr, "amr": new.amr });
        act.record(c, "signed_in", Subject::new("account", account.id), None, Some(after)).await?;
        // Last, because every sign-in through the directory meets at this one row.
        let health = Health {
            source: EvidenceSource::Sso,
            scope: new.directory.to_string(),
            last_success: Some(now),
            is_complete: true,
            is_licensed: true,
            note: None,
        };
        Ok(evidence::set_health(c, &health).await?)
    }

    fn session(&self, person: &Verified, identity: &Identity) -> Session {
        let now = self.act.now;
        Session {
            id: SessionId::new(Uuid::now_v7()),
            account: identity.account,
            identity: identity.id,
            directory: identity.directory.clone(),
            provider_session: person.session_id.clone(),
            acr: person.acr.clone(),
            amr: (!person.amr.is_empty()).then(|| person.amr.join(" ")),
            authenticated_at: person.auth_time,
            created_at: now,
            last_used_at: now,
            expires_at: now.saturating_add(self.settings.sessions.absolute).unwrap_or(now),
            ended_at: None,
        }
    }

    /// Ends the session that the browser had before: it holds a new one from now on. Clients that it was the same
    /// person's way into go on with the new one.
    async fn end_former(&self, c: &mut Conn, new: &Session) -> Result<(), Refusal> {
        if let Some(hash) = &self.former
            && let Some(former) = session::by_hash(c, hash).await?
        {
            provider::follow(c, &former, new, self.settings.sessions.idle).await?;
            session::end(c, former.id, "signed in again", self.act.now).await?;
        }
        Ok(())
    }

    async fn refused(
        &self,
        c: &mut Conn,
        compiled: Arc<Compiled>,
        why: Why,
        account: Option<&Account>,
        person: Option<&Verified>,
    ) -> Result<Outcome, Refusal> {
        let subject = match account {
            Some(account) => Subject::new("account", account.id),
            None => Subject::new("directory", self.directory()),
        };
        let after = json!({ "directory": self.directory(), "code": why.code() });
        if why.is_about_linking() {
            self.act.record(c, "link_refused", subject.clone(), None, Some(after.clone())).await?;
        }
        let reference = self.act.record(c, "sign_in_refused", subject, None, Some(after)).await?;
        let came_as = match account {
            Some(account) => Some(account.user_name.clone()),
            None => person.and_then(|person| person.email.clone().or_else(|| person.name.clone())),
        };
        Ok(Outcome::Refused(Box::new(Refused {
            why,
            language: account.and_then(|account| account.language),
            came_as,
            reference,
            at: self.act.now,
            compiled,
            retry: Retry {
                directory: self.directory().clone(),
                return_to: self.waiting.attempt.return_to.clone(),
            },
        })))
    }
}
