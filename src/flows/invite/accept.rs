//! Opens a link, and lets in whoever opened it.
//!
//! Invariant: a wrong code costs only the one who guesses: from the sixth in a minute on it is answered with "later",
//! while a right one is always taken. Guessing holds up no other way to sign in.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use subtle::ConstantTimeEq;

use super::super::session::{self, Beginning, Proof, held, may_enter};
use super::super::sign_in::Why;
use super::super::{Act, Compiled, Policies, Ports, Refusal, stand, tokens};
use super::alert;
use crate::config::Settings;
use crate::domain::account::{Account, Status, StatusReason};
use crate::domain::actor::{Actor, Subject};
use crate::domain::ids::DirectoryId;
use crate::mail::notice::Invited;
use crate::store::identity::{self, Identity};
use crate::store::invite::{self, Invite};
use crate::store::{Conn, account};

/// So many wrong codes in a minute are answered like any other.
const PATIENCE: u64 = 5;

/// A link that was opened.
#[derive(Debug)]
pub enum Opened {
    /// It is bound to this browser now.
    Bound {
        /// Whom it lets in.
        user_name: String,
        /// What the browser must bring back, in a cookie.
        browser: SecretString,
    },
    /// It is unknown, void, used or bound to another browser.
    Void,
    /// Too many wrong ones; nothing was looked at but the code.
    Slowed,
}

/// What became of a link.
#[derive(Debug)]
pub enum Accepted {
    /// The person is signed in.
    SignedIn {
        /// The session's secret, for the cookie.
        secret: SecretString,
    },
    /// The account may not enter any more.
    Refused(Box<(Account, Why, Arc<Compiled>)>),
    /// It is unknown, void, used or bound to another browser.
    Void,
    /// Too many wrong ones.
    Slowed,
}

/// Opens a link in a browser, and binds the two.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn open(
    ports: &Ports,
    code: &SecretString,
    browser: Option<SecretString>,
    request_id: Option<String>,
) -> Result<Opened, Refusal> {
    let act = ports.act(Actor::Job("invite".to_owned()), "invite").by_request(request_id);
    let hash = tokens::digest(code.expose_secret());
    let known = {
        let mut c = ports.db.read().await?;
        invite::find(&mut c, &hash).await?
    };
    if !known.is_some_and(|known| fits(&known, &act, browser.as_ref(), true)) {
        return Ok(if wrong(ports, &act).await? { Opened::Slowed } else { Opened::Void });
    }
    let browser = match browser.filter(tokens::is_secret) {
        Some(known) => known,
        None => tokens::secret()?.into(),
    };
    let held = browser.clone();
    let bound = ports.db.write(move |c| Box::pin(async move { bind(c, &act, &hash, &held).await })).await?;
    Ok(match bound {
        Some((user_name, is_first)) => {
            if is_first {
                alert(ports, Invited::Opened, &user_name, "a browser").await;
            }
            Opened::Bound { user_name, browser }
        }
        None => Opened::Void,
    })
}

/// Binds a link; nothing where another browser was quicker. Gives whom it lets in, and whether it was the first time.
async fn bind(
    c: &mut Conn,
    act: &Act,
    hash: &[u8],
    browser: &SecretString,
) -> Result<Option<(String, bool)>, Refusal> {
    let Some(invite) = invite::lock(c, hash).await?.filter(|one| fits(one, act, Some(browser), true)) else {
        return Ok(None);
    };
    let Some(account) = account::get(c, invite.account).await? else { return Ok(None) };
    let is_first = invite.browser.is_none();
    if is_first {
        invite::open(c, invite.id, &tokens::digest(browser.expose_secret()), act.now).await?;
        let after = json!({ "invite": invite.id });
        act.record(c, "invite_opened", Subject::new("account", account.id), None, Some(after)).await?;
    }
    Ok(Some((account.user_name, is_first)))
}

/// Whether the invitation can be used now, by this browser. One that nobody opened yet fits every browser, where
/// `may_be_new`.
fn fits(invite: &Invite, act: &Act, browser: Option<&SecretString>, may_be_new: bool) -> bool {
    let is_theirs = match (&invite.browser, browser) {
        (None, _) => may_be_new,
        (Some(bound), Some(browser)) => {
            bool::from(tokens::digest(browser.expose_secret()).as_slice().ct_eq(bound.as_slice()))
        }
        (Some(_), None) => false,
    };
    is_theirs && invite.used_at.is_none() && act.now < invite.expires_at
}

/// Counts a wrong code. Gives whether there are too many.
async fn wrong(ports: &Ports, act: &Act) -> Result<bool, Refusal> {
    let count = ports.tally.one_more("invite", act.now);
    metrics::counter!("portvakt_invites_total", "event" => "refused").increment(1);
    if count == 1 {
        tracing::warn!("somebody opened an invitation that is unknown, void or another browser's");
        let act = act.clone();
        ports
            .db
            .write(move |c| {
                Box::pin(async move {
                    act.record(c, "invite_refused", Subject::new("invite", "unknown"), None, None).await?;
                    Ok::<_, Refusal>(())
                })
            })
            .await?;
    }
    Ok(count > PATIENCE)
}

/// Lets in whoever opened the link in this browser.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn accept(
    ports: &Ports,
    code: &SecretString,
    browser: Option<SecretString>,
    former: Option<SecretString>,
    request_id: Option<String>,
) -> Result<Accepted, Refusal> {
    let act = ports.act(Actor::Job("invite".to_owned()), "invite").by_request(request_id);
    let accepting = Accepting {
        act: act.clone(),
        hash: tokens::digest(code.expose_secret()),
        browser,
        former: former.map(|secret| tokens::digest(secret.expose_secret())),
        policies: Arc::clone(&ports.policies),
        settings: Arc::clone(&ports.settings),
    };
    let secret = SecretString::from(tokens::secret()?);
    let accepted =
        ports.db.write(move |c| Box::pin(async move { accepting.accept(c, secret).await })).await?;
    Ok(match accepted {
        Some((account, Ok(secret))) => {
            let (ports, name) = (ports.clone(), account.user_name);
            // Whoever comes in by a link does not wait for the mail server.
            tokio::spawn(async move { alert(&ports, Invited::Used, &name, "a browser").await });
            Accepted::SignedIn { secret }
        }
        Some((account, Err((why, compiled)))) => Accepted::Refused(Box::new((account, why, compiled))),
        None if wrong(ports, &act).await? => Accepted::Slowed,
        None => Accepted::Void,
    })
}

struct Accepting {
    act: Act,
    hash: Vec<u8>,
    browser: Option<SecretString>,
    former: Option<Vec<u8>>,
    policies: Arc<Policies>,
    settings: Arc<Settings>,
}

/// Whom the link was for, and the session's secret or why there is none.
type Verdict = (Account, Result<SecretString, (Why, Arc<Compiled>)>);

impl Accepting {
    async fn accept(&self, c: &mut Conn, secret: SecretString) -> Result<Option<Verdict>, Refusal> {
        let fitting = |one: &Invite| fits(one, &self.act, self.browser.as_ref(), false);
        let Some(invite) = invite::lock(c, &self.hash).await?.filter(fitting) else { return Ok(None) };
        if !invite::used(c, invite.id, self.act.now).await? {
            return Ok(None);
        }
        let compiled = self.policies.current(c).await?;
        let Some(account) = account::lock(c, invite.account).await? else { return Ok(None) };
        let effective = held(c, &compiled.policy, &account, self.act.now).await?;
        let mut judged = account.clone();
        if judged.standing.status == Status::Invited {
            judged.standing.status = Status::Active;
        }
        let subject = Subject::new("account", account.id);
        if let Err(why) = may_enter(&compiled.policy, &judged, &effective, self.act.now) {
            let after = json!({ "invite": invite.id, "code": why.code() });
            self.act.record(c, "sign_in_refused", subject, None, Some(after)).await?;
            return Ok(Some((account, Err((why, compiled)))));
        }
        let Some(identity) = identity_of(c, &account).await? else { return Ok(None) };
        let act = Act { actor: Actor::Account(account.id), ..self.act.clone() };
        if account.standing.status == Status::Invited {
            stand::change(c, &act, &account, Status::Active, StatusReason::SignedIn, None).await?;
        }
        act.record(c, "invite_used", subject, None, Some(json!({ "invite": invite.id }))).await?;
        let proof = Proof { amr: vec!["invite".to_owned()], at: Some(act.now), ..Proof::default() };
        let beginning = Beginning {
            account: &account,
            effective: &effective,
            identity: identity.id,
            directory: DirectoryId::local(),
            proof,
            id_token: None,
        };
        let sessions = &self.settings.sessions;
        let new = session::begin(c, &act, (sessions, &compiled), beginning, &secret).await?;
        session::end_former(c, sessions, self.former.as_deref(), &new).await?;
        Ok(Some((account, Ok(secret))))
    }
}

/// The identity that the session stands on: a living one before one that was deleted.
async fn identity_of(c: &mut Conn, account: &Account) -> Result<Option<Identity>, Refusal> {
    let mut all = identity::of_account(c, account.id).await?;
    all.sort_by_key(|one| (one.deleted_at.is_some(), one.created_at, one.id));
    Ok(all.into_iter().next())
}
