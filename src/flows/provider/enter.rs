//! Lets a person into a client: a code, bound to the client, its address and its proof.
//!
//! Invariant: one transaction judges the account under its lock, opens the client's session and writes the code's hash;
//! a code lives for a minute.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::super::session::Session;
use super::super::{Act, Compiled, Policies, Ports, Refusal, tokens};
use super::entrant::{Reading, Verdict, judge};
use super::request::Request;
use super::{Closed, count};
use crate::config::{Client, SubjectKind};
use crate::domain::account::Account;
use crate::domain::actor::{Actor, Subject};
use crate::domain::ids::{AccountId, AuditId, ClientGrantId, ClientSessionId};
use crate::store::client_grant::{self, ClientGrant};
use crate::store::client_session::{self, ClientSession};
use crate::store::{Conn, client_request, session};

/// A code is void after this long (RFC 6749 §4.1.2: ten minutes at most).
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(1);

/// A person who does not get into a client.
#[derive(Debug)]
pub struct TurnedAway {
    /// The client, as people read it.
    pub client: String,
    /// Whose account it is.
    pub account: Account,
    /// Why.
    pub closed: Closed,
    /// The policy that this was judged by, which names whom to contact.
    pub compiled: Arc<Compiled>,
    /// The audit entry that tells more.
    pub reference: AuditId,
    /// When.
    pub at: Timestamp,
    /// The local path that leads back to the request.
    pub return_to: String,
}

/// Somebody with a session who wants to enter.
pub(super) struct Entering {
    pub(super) client: Arc<Client>,
    pub(super) request: Request,
    /// The hash under which the request waits, where it does.
    pub(super) waiting: Option<Vec<u8>>,
    pub(super) session: Session,
    pub(super) request_id: Option<String>,
}

/// What came of it.
pub(super) enum Entered {
    /// A code.
    Code(String),
    /// It is another person than the client's hint names.
    Other,
    /// The session ended at this very moment.
    SessionEnded,
    /// The request was answered before.
    TooOld,
    /// The person may not enter.
    Closed(Box<Account>, Closed, Arc<Compiled>),
}

/// Lets the person in.
pub(super) async fn enter(ports: &Ports, entering: Entering) -> Result<Entered, Refusal> {
    let cause = cause(&entering.client);
    let act = ports.act(Actor::Account(entering.session.account), cause);
    let entry = Entry {
        act: act.by_request(entering.request_id.clone()),
        policies: Arc::clone(&ports.policies),
        code: tokens::secret()?,
        entering,
    };
    let client = entry.entering.client.id.clone();
    let entered = ports.db.write(move |c| Box::pin(async move { entry.write(c).await })).await?;
    if matches!(entered, Entered::Code(_)) {
        count(&client, "code");
    }
    Ok(entered)
}

/// What the audit says that an act was for.
pub(super) fn cause(client: &Client) -> String {
    format!("client {}", client.id)
}

/// What the transaction needs, owned.
struct Entry {
    act: Act,
    policies: Arc<Policies>,
    code: String,
    entering: Entering,
}

impl Entry {
    async fn write(&self, c: &mut Conn) -> Result<Entered, Refusal> {
        let Entering { client, request, waiting, session, .. } = &self.entering;
        let now = self.act.now;
        let whose = (session.account, Reading::Lock);
        if let Verdict::Out(account, closed, compiled) = judge(c, &self.policies, client, whose, now).await? {
            return Ok(Entered::Closed(account, closed, compiled));
        }
        if !session::is_open(c, session.id).await? {
            return Ok(Entered::SessionEnded);
        }
        let subject = subject(c, client, session.account).await?;
        if request.hinted_subject.as_ref().is_some_and(|hinted| *hinted != subject) {
            return Ok(Entered::Other);
        }
        if let Some(hash) = waiting
            && !client_request::take(c, hash).await?
        {
            return Ok(Entered::TooOld);
        }
        let opened = ClientSession {
            id: ClientSessionId::new(Uuid::new_v4()),
            client: client.id.clone(),
            session: session.id,
            account: session.account,
            subject,
            created_at: now,
            ended_at: None,
        };
        let opened = client_session::open(c, &opened).await?;
        client_grant::insert(c, &self.grant(opened.id), &tokens::digest(&self.code)).await?;
        Ok(Entered::Code(self.code.clone()))
    }

    fn grant(&self, client_session: ClientSessionId) -> ClientGrant {
        let Entering { request, session, .. } = &self.entering;
        let now = self.act.now;
        ClientGrant {
            id: ClientGrantId::new(Uuid::now_v7()),
            client_session,
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            nonce: request.nonce.clone(),
            scope: request.scope.clone(),
            authenticated_at: session.authenticated_at.unwrap_or(session.created_at),
            acr: session.acr.clone(),
            amr: session.amr.clone(),
            created_at: now,
            code_expires_at: now.saturating_add(CODE_LIFE).unwrap_or(now),
            redeemed_at: None,
            revoked_at: None,
        }
    }
}

/// The name under which the client knows the person (OpenID Connect Core §8).
async fn subject(c: &mut Conn, client: &Client, account: AccountId) -> Result<String, Refusal> {
    match &client.subject {
        SubjectKind::Public => Ok(account.to_string()),
        SubjectKind::Pairwise { sector } => {
            let proposed = Uuid::new_v4().to_string();
            Ok(client_session::subject(c, sector, account, &proposed).await?)
        }
    }
}

/// Writes down that somebody does not get into a client.
pub(super) async fn record_refusal(
    ports: &Ports,
    client: &Client,
    account: &Account,
    closed: &Closed,
    request_id: Option<String>,
) -> Result<(Timestamp, AuditId), Refusal> {
    let act = ports.act(Actor::Account(account.id), cause(client)).by_request(request_id);
    let (now, id) = (act.now, account.id);
    let after = json!({ "client": client.id, "code": closed.code() });
    let reference = ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let subject = Subject::new("account", id);
                Ok::<_, Refusal>(act.record(c, "client_refused", subject, None, Some(after)).await?)
            })
        })
        .await?;
    Ok((now, reference))
}
