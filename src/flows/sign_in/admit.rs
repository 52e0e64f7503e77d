//! Lets a verified person in, or writes down why not.
//!
//! Invariant: one transaction: attempt taken, account judged under its lock, session, evidence, audit and outbox
//! written. A refusal uses the attempt up too.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::identity::{Found, Seeker};
use super::refuse::Refusing;
use super::thaw::may_thaw;
use super::ticket::{self, Attempt};
use super::{Outcome, Returned, SignedIn, Why, newcomer, token_groups};
use crate::config::Settings;
use crate::domain::access;
use crate::domain::account::{Account, Status, StatusReason};
use crate::domain::actor::Actor;
use crate::domain::effective::Effective;
use crate::domain::ids::DirectoryId;
use crate::domain::policy::EvidenceSource;
use crate::flows::linking::queue;
use crate::flows::session::{self, Beginning, Proof, held, may_enter};
use crate::flows::{Act, Compiled, Policies, Ports, Refusal, provider, stand, tokens};
use crate::oidc::Verified;
use crate::store::evidence::{self, Health};
use crate::store::identity::Identity;
use crate::store::{Conn, account, login, logout_token};

/// Lets `person` in, or refuses them.
pub(super) async fn admit(
    ports: &Ports,
    attempt: Attempt,
    person: Verified,
    returned: &Returned,
) -> Result<Outcome, Refusal> {
    let admission = Admission::new(ports, attempt, returned);
    let secret = SecretString::from(tokens::secret()?);
    ports.db.write(move |c| Box::pin(async move { admission.admit(c, &person, secret).await })).await
}

/// Writes down that somebody whom the provider did not vouch for was refused.
pub(super) async fn refuse(
    ports: &Ports,
    attempt: Attempt,
    why: Why,
    returned: &Returned,
) -> Result<Outcome, Refusal> {
    let admission = Admission::new(ports, attempt, returned);
    ports.db.write(move |c| Box::pin(async move { admission.refuse_unseen(c, why).await })).await
}

/// What the transaction needs, owned.
struct Admission {
    act: Act,
    attempt: Attempt,
    former: Option<Vec<u8>>,
    policies: Arc<Policies>,
    settings: Arc<Settings>,
}

/// Somebody who gets in.
struct Entrant<'e> {
    person: &'e Verified,
    identity: &'e Identity,
    account: &'e Account,
    effective: &'e Effective,
}

impl Admission {
    fn new(ports: &Ports, attempt: Attempt, returned: &Returned) -> Self {
        let actor = Actor::Directory(attempt.directory.clone());
        Self {
            act: ports.act(actor, "sso").by_request(returned.request_id.clone()),
            attempt,
            former: returned.former.as_ref().map(|secret| tokens::digest(secret.expose_secret())),
            policies: Arc::clone(&ports.policies),
            settings: Arc::clone(&ports.settings),
        }
    }

    fn directory(&self) -> &DirectoryId {
        &self.attempt.directory
    }

    fn refusing(&self, compiled: &Arc<Compiled>) -> Refusing<'_> {
        Refusing { act: &self.act, compiled: Arc::clone(compiled), attempt: &self.attempt }
    }

    /// Takes the answer; `false` where it was taken before.
    async fn take(&self, c: &mut Conn) -> Result<bool, Refusal> {
        Ok(login::take(c, &self.attempt.state_hash(), self.attempt.ends()).await?)
    }

    async fn refuse_unseen(&self, c: &mut Conn, why: Why) -> Result<Outcome, Refusal> {
        if !self.take(c).await? {
            return Ok(Outcome::TooOld);
        }
        let compiled = self.policies.current(c).await?;
        self.refusing(&compiled).unseen(c, why).await
    }

    async fn admit(&self, c: &mut Conn, person: &Verified, secret: SecretString) -> Result<Outcome, Refusal> {
        if !self.take(c).await? {
            return Ok(Outcome::TooOld);
        }
        let compiled = self.policies.current(c).await?;
        let directory = self.settings.directories.iter().find(|known| known.id == *self.directory());
        let Some((directory, oidc)) = directory.and_then(|d| d.oidc.as_ref().map(|oidc| (d, oidc))) else {
            return Ok(Outcome::TooOld);
        };
        let (act, policies, settings) = (&self.act, &self.policies, &self.settings);
        let seeker = Seeker { act, directory, oidc, person, policies, settings };
        let identity = match seeker.find(c).await? {
            Found::Identity(identity) => identity,
            Found::Deleted(account) => {
                let closed = access::is_in_use(&compiled.policy, &account, self.act.now).err();
                let why = closed.map_or(Why::NotProvisioned, Why::NotInUse);
                return self.refusing(&compiled).known(c, why, &account).await;
            }
            Found::Nobody(why, proposal) => {
                let doubt = queue::Doubt {
                    directory: &directory.id,
                    subject: &seeker.key(),
                    issuer: &person.issuer,
                    code: why.code(),
                    claims: &newcomer::claims(person),
                    proposed: proposal.map(|proposal| (proposal.account, proposal.by)),
                };
                let placed = queue::put(c, &self.act, &doubt).await?;
                return self.refusing(&compiled).unknown(c, why, person, placed).await;
            }
        };
        let mut account = account::lock(c, identity.account)
            .await?
            .ok_or_else(|| Refusal::not_found("account", identity.account))?;
        let thaws = identity.active && may_thaw(c, act, &compiled.policy, settings, &account).await?;
        token_groups::follow(&seeker, c, &compiled.policy, &identity).await?;
        let effective = held(c, &compiled.policy, &account, self.act.now).await?;
        if let Err(why) = self.judge(&seeker, &compiled, &identity, (&account, &effective), thaws) {
            return self.refusing(&compiled).known(c, why, &account).await;
        }
        if thaws {
            let act = Act { actor: Actor::Account(account.id), ..act.clone() };
            stand::change(c, &act, &account, Status::Active, StatusReason::SignedIn, None).await?;
            account.standing.status = Status::Active;
        }
        let entrant = Entrant { person, identity: &identity, account: &account, effective: &effective };
        self.let_in(c, &compiled, &entrant, &secret).await?;
        let return_to = self.attempt.return_to.clone();
        let ticket = ticket::name(&self.attempt.state);
        Ok(Outcome::SignedIn(SignedIn { secret, return_to, account: account.id, ticket }))
    }

    /// Whether the person may sign in. An invited account, or a frozen one that the sign-in
    /// lifts (`thaws`), is judged as the active one that the sign-in makes of it.
    fn judge(
        &self,
        seeker: &Seeker<'_>,
        compiled: &Compiled,
        identity: &Identity,
        (account, effective): (&Account, &Effective),
        thaws: bool,
    ) -> Result<(), Why> {
        let mut judged = account.clone();
        if thaws || judged.standing.status == Status::Invited {
            judged.standing.status = Status::Active;
        }
        may_enter(&compiled.policy, &judged, effective, self.act.now).map_err(|why| match why {
            Why::NoRoles if token_groups::are_unknown(seeker) => Why::GroupsUnknown,
            other => other,
        })?;
        // What the account says of itself is told first: it knows the reason.
        if identity.active { Ok(()) } else { Err(Why::NotActiveInDirectory) }
    }

    async fn let_in(
        &self,
        c: &mut Conn,
        compiled: &Compiled,
        entrant: &Entrant<'_>,
        secret: &SecretString,
    ) -> Result<(), Refusal> {
        let Entrant { person, identity, account, effective } = entrant;
        let now = self.act.now;
        let act = Act { actor: Actor::Account(account.id), ..self.act.clone() };
        if account.standing.status == Status::Invited {
            stand::change(c, &act, account, Status::Active, StatusReason::SignedIn, None).await?;
        }
        let proof = Proof {
            provider_session: person.session_id.clone(),
            acr: person.acr.clone(),
            amr: person.amr.clone(),
            at: person.auth_time,
        };
        let beginning = Beginning {
            account,
            effective,
            identity: identity.id,
            directory: identity.directory.clone(),
            proof,
            id_token: Some(&person.id_token),
        };
        let sessions = &self.settings.sessions;
        let new = session::begin(c, &act, (sessions, compiled), beginning, secret).await?;
        logout_token::note_subject(c, new.id, &person.subject).await?;
        if person.email_verified {
            provider::vouch(c, new.id, person.email.as_deref()).await?;
        }
        session::end_former(c, sessions, self.former.as_deref(), &new).await?;
        // Last, because every sign-in through the directory meets at this one row.
        let health = Health {
            source: EvidenceSource::Sso,
            scope: identity.directory.to_string(),
            last_success: Some(now),
            is_complete: true,
            is_licensed: true,
            note: None,
        };
        Ok(evidence::set_health(c, &health).await?)
    }
}
