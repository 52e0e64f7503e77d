//! Makes a link that lets an administrator in.
//!
//! Invariant: a name that nobody bears makes an account only where nobody administers yet, or where it is asked for in
//! so many words; a link gives no right by itself.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

use super::super::find::{self, Found};
use super::super::session::{held, may_enter};
use super::super::{Act, Policies, Ports, Refusal, provision, tokens};
use super::{LIFE, administrators, alert};
use crate::config::Settings;
use crate::domain::account::{Account, AccountKind, Status};
use crate::domain::actor::Subject;
use crate::domain::grant::{Grant, GrantKind, Origin};
use crate::domain::ids::{AccountId, DirectoryId, GrantId, InviteId, RoleId};
use crate::domain::policy::Policy;
use crate::mail::notice::Invited;
use crate::store::invite::{self, Invite};
use crate::store::{Conn, account, entitlement};

/// Whom to invite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The account: its sign-in name, id or the CRM's id.
    pub user_name: String,
    /// A role to give, where the account administers nothing yet.
    pub role: Option<String>,
    /// Whether to make the account where there is none, though somebody administers already.
    pub is_new: bool,
    /// Why.
    pub reason: String,
}

/// A link that was made.
#[derive(Debug)]
pub struct Made {
    /// The address to open, shown only now.
    pub link: SecretString,
    /// Whom it lets in.
    pub user_name: String,
    /// Whether the account was made for it.
    pub is_new: bool,
    /// Whether the settings protect the account.
    pub is_protected: bool,
    /// It is void from then on.
    pub expires_at: Timestamp,
}

/// Makes a link.
///
/// # Errors
///
/// [`Refusal::NotFound`] for a name that nobody bears; [`Refusal::Conflict`] where the account may not enter or
/// administers nothing.
pub async fn make(ports: &Ports, act: &Act, wish: Wish) -> Result<Made, Refusal> {
    let reason = super::super::people::named(&wish.reason)?;
    let secret = tokens::secret()?;
    let hash = tokens::digest(&secret);
    let making = Making {
        act: act.because(reason.clone()),
        reason,
        wish,
        policies: Arc::clone(&ports.policies),
        settings: Arc::clone(&ports.settings),
    };
    let (account, is_new, expires_at) =
        ports.db.write(move |c| Box::pin(async move { making.make(c, &hash).await })).await?;
    alert(ports, Invited::Made, &account.user_name, &act.actor.to_string()).await;
    let link = ports.settings.server.public_url.join(&format!("/sso/invite?code={secret}"));
    Ok(Made {
        link: link.into(),
        user_name: account.user_name,
        is_new,
        is_protected: account.is_protected,
        expires_at,
    })
}

struct Making {
    act: Act,
    reason: String,
    wish: Wish,
    policies: Arc<Policies>,
    settings: Arc<Settings>,
}

impl Making {
    async fn make(&self, c: &mut Conn, hash: &[u8]) -> Result<(Account, bool, Timestamp), Refusal> {
        let compiled = self.policies.current(c).await?;
        let policy = &compiled.policy;
        let found = find::account(c, &self.wish.user_name, None).await?;
        let (id, is_new) = match found {
            Found::Nobody => (self.new_account(c, policy).await?, true),
            known => (known.one(&self.wish.user_name)?.id, false),
        };
        let account = account::lock(c, id).await?.ok_or_else(|| Refusal::not_found("account", id))?;
        self.see_to_role(c, policy, &account, is_new).await?;
        may_come(c, &self.act, policy, &account).await?;
        let expires_at = self.act.now.saturating_add(LIFE).unwrap_or(self.act.now);
        let invite = Invite {
            id: InviteId::new(Uuid::now_v7()),
            account: id,
            created_at: self.act.now,
            created_by: self.act.actor.to_string(),
            expires_at,
            browser: None,
            opened_at: None,
            used_at: None,
        };
        invite::insert(c, &invite, hash).await?;
        let after = json!({ "invite": invite.id, "expires_at": expires_at.to_string(), "is_new": is_new });
        self.act.record(c, "invite_made", Subject::new("account", id), None, Some(after)).await?;
        Ok((account, is_new, expires_at))
    }

    /// An account of a name that nobody bears: kept for when everything else fails, known to no provider.
    async fn new_account(&self, c: &mut Conn, policy: &Policy) -> Result<AccountId, Refusal> {
        if !self.wish.is_new && has_administrator(c, &self.act, policy).await? {
            return Err(Refusal::Conflict(format!(
                "there is no account {:?}, and somebody administers already; check the name, or make the account with --new",
                self.wish.user_name
            )));
        }
        let newcomer = provision::Newcomer {
            user_name: self.wish.user_name.clone(),
            external_id: None,
            display_name: None,
            email: None,
            language: None,
        };
        let document = provision::document_of(&newcomer)?;
        let house = (&self.policies, &self.settings);
        let identity = provision::create_within(c, &self.act, &DirectoryId::local(), house, document).await?;
        let id = identity.account;
        let made = account::lock(c, id).await?.ok_or_else(|| Refusal::not_found("account", id))?;
        account::set_terms(c, &Account { kind: AccountKind::BreakGlass, ..made }).await?;
        Ok(id)
    }

    /// Sees to it that the account administers: by what it holds, or by the role that is to be given.
    async fn see_to_role(
        &self,
        c: &mut Conn,
        policy: &Policy,
        account: &Account,
        is_new: bool,
    ) -> Result<(), Refusal> {
        let roles = administrators(policy);
        let names = || roles.iter().map(RoleId::as_str).collect::<Vec<_>>().join(", ");
        let effective = held(c, policy, account, self.act.now).await?;
        let wanted = match &self.wish.role {
            Some(name) => roles.iter().find(|role| role.as_str() == name).ok_or_else(|| {
                Refusal::invalid(
                    "role",
                    format!("{name:?} does not administer Portvakt; there are: {}", names()),
                )
            })?,
            None if roles.iter().any(|role| effective.roles.contains(role)) => return Ok(()),
            None if is_new => roles.first().ok_or_else(|| {
                Refusal::Conflict("no role of the policy has console = \"administrator\"".to_owned())
            })?,
            None => {
                return Err(Refusal::Conflict(format!(
                    "{:?} administers nothing; give it a role with --role, one of: {}",
                    account.user_name,
                    names()
                )));
            }
        };
        if effective.roles.contains(wanted) {
            return Ok(());
        }
        if account.is_protected && !is_new {
            return Err(Refusal::Protected { user_name: account.user_name.clone() });
        }
        self.give(c, policy, account, wanted, is_new).await
    }

    async fn give(
        &self,
        c: &mut Conn,
        policy: &Policy,
        account: &Account,
        role: &RoleId,
        is_new: bool,
    ) -> Result<(), Refusal> {
        let now = self.act.now;
        // What is kept for when everything else fails must not run out by itself.
        let life = policy.manual_grants_expire_after.filter(|_| !is_new);
        let grant = Grant {
            id: GrantId::new(Uuid::now_v7()),
            kind: GrantKind::Role(role.clone()),
            origin: Origin::Manual,
            by: self.act.actor.to_string(),
            why: Some(self.reason.clone()),
            since: now,
            ends_at: life.and_then(|life| now.saturating_add(life).ok()),
            until: None,
        };
        entitlement::give(c, account.id, &grant).await?;
        let after = json!({ "role": role, "ends_at": grant.ends_at.map(|at| at.to_string()) });
        self.act.record(c, "role_given", Subject::new("account", account.id), None, Some(after)).await?;
        self.act.announce(c, account.id, false).await?;
        Ok(())
    }
}

async fn has_administrator(c: &mut Conn, act: &Act, policy: &Policy) -> Result<bool, Refusal> {
    for role in administrators(policy) {
        if !entitlement::active_holders(c, &GrantKind::Role(role), act.now, 1).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Refuses at once what the link would be refused for.
async fn may_come(c: &mut Conn, act: &Act, policy: &Policy, account: &Account) -> Result<(), Refusal> {
    let mut judged = account.clone();
    if judged.standing.status == Status::Invited {
        judged.standing.status = Status::Active;
    }
    let effective = held(c, policy, account, act.now).await?;
    may_enter(policy, &judged, &effective, act.now).map_err(|why| {
        Refusal::Conflict(format!(
            "{:?} may not enter ({}); a link lets in nobody who is kept out",
            account.user_name,
            why.code()
        ))
    })
}
