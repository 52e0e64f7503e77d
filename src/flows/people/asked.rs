//! People who ask for leave themselves, and what somebody decides.
//!
//! Invariant: whoever asks is signed in, and decides nothing; who approves it is somebody else. Only the days are kept.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::super::post::{self, Draft, Kind};
use super::super::{Act, Ports, Refusal};
use super::change::{change, conflict, named};
use super::leave::{LeaveWish, check, note};
use super::rights::may_change_rights;
use crate::domain::account::Account;
use crate::domain::actor::{Actor, Subject};
use crate::domain::days::{earlier, zone_of};
use crate::domain::ids::AccountId;
use crate::domain::language::Language;
use crate::domain::policy::Policy;
use crate::mail::notice::{LeaveAnswer, Reader, Ways};
use crate::store::leave_request::{self, LeaveRequest};
use crate::store::{Conn, account};

/// A request as those who decide see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskedLeave {
    /// The request.
    pub id: Uuid,
    /// Who asks.
    pub account: AccountId,
    /// Their user name.
    pub user_name: String,
    /// Their name.
    pub display_name: String,
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// When they asked.
    pub asked_at: Timestamp,
}

/// Writes down that somebody asks for leave. One that waits already gives way to it.
///
/// # Errors
///
/// [`Refusal::Invalid`] for days that cannot be a leave.
pub async fn ask_for_leave(
    ports: &Ports,
    act: &Act,
    id: AccountId,
    (from, until): (Timestamp, Timestamp),
) -> Result<(), Refusal> {
    check(&LeaveWish::new(from, until, "?"), act.now)?;
    let act = act.clone();
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let account = account::lock(c, id).await?.ok_or_else(|| Refusal::not_found("account", id))?;
                leave_request::ask(c, account.id, from, until, act.now).await?;
                let after = json!({ "from": from.to_string(), "until": until.to_string() });
                act.record(c, "leave_asked", Subject::new("account", id), None, Some(after)).await?;
                Ok::<_, Refusal>(())
            })
        })
        .await
}

/// The request of an account that waits for a decision.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn waiting_request(ports: &Ports, id: AccountId) -> Result<Option<LeaveRequest>, Refusal> {
    let mut c = ports.db.read().await?;
    let newest = leave_request::newest(&mut c, id).await?;
    Ok(newest.filter(|request| request.state == "waiting"))
}

/// The requests that wait for a decision, the oldest first.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn leave_requests(ports: &Ports) -> Result<Vec<AskedLeave>, Refusal> {
    let mut c = ports.db.read().await?;
    let mut asked = Vec::new();
    for one in leave_request::waiting(&mut c, 1000).await? {
        let Some(account) = account::get(&mut c, one.account).await? else { continue };
        asked.push(AskedLeave {
            id: one.id,
            account: one.account,
            user_name: account.user_name,
            display_name: account.display_name,
            from: one.from,
            until: one.until,
            asked_at: one.asked_at,
        });
    }
    Ok(asked)
}

/// Approves the request of an account: the leave is noted, and the person told.
///
/// # Errors
///
/// [`Refusal::NotFound`] where none waits; [`Refusal::NotAllowed`] where the acting person may not, or asks
/// themselves; as [`grant_leave`](super::grant_leave).
pub async fn approve_leave(ports: &Ports, act: &Act, text: &str, approver: &str) -> Result<Account, Refusal> {
    let approver =
        named(approver).map_err(|_| Refusal::invalid("approver", "name who approves the leave"))?;
    let answer = Answer::by(ports, true);
    let letter = answer.letter;
    let done = change(ports, act, text, move |c, act, policy, account| {
        Box::pin(async move {
            let request = decided(c, act, policy, account, ("approved", None)).await?;
            answer.write(c, act, policy, account, &request).await?;
            // A day that has gone by while the request lay waiting is no reason to refuse it.
            let wish = LeaveWish::new(request.from, request.until, &approver);
            check(&wish, act.now)?;
            note(c, act, policy, account, wish).await
        })
    })
    .await?;
    post::attempt(ports, act, letter).await?;
    Ok(done)
}

/// Refuses the request of an account, with a reason that is kept and not told.
///
/// # Errors
///
/// As [`approve_leave`].
pub async fn refuse_leave(ports: &Ports, act: &Act, text: &str, reason: &str) -> Result<Account, Refusal> {
    let why = named(reason)?;
    let answer = Answer::by(ports, false);
    let letter = answer.letter;
    let done = change(ports, act, text, move |c, act, policy, account| {
        Box::pin(async move {
            let request = decided(c, act, policy, account, ("refused", Some(&why))).await?;
            answer.write(c, act, policy, account, &request).await?;
            let after = json!({ "reason": why });
            act.record(c, "leave_refused", Subject::new("account", account.id), None, Some(after)).await?;
            Ok(())
        })
    })
    .await?;
    post::attempt(ports, act, letter).await?;
    Ok(done)
}

async fn decided(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    account: &Account,
    (state, why): (&str, Option<&str>),
) -> Result<LeaveRequest, Refusal> {
    if act.actor == Actor::Account(account.id) {
        return Err(Refusal::NotAllowed("nobody approves their own leave; somebody else must".to_owned()));
    }
    may_change_rights(c, act, policy, Some(account.id)).await?;
    let newest = leave_request::newest(c, account.id).await?;
    let request = newest.filter(|request| request.state == "waiting");
    let request = request.ok_or_else(|| Refusal::not_found("leave request of", &account.user_name))?;
    if !leave_request::decide(c, request.id, state, &act.actor.to_string(), why, act.now).await? {
        return Err(conflict("somebody else has decided about it this moment"));
    }
    Ok(request)
}

/// Tells the person what was decided. Nothing rests on it.
struct Answer {
    is_approved: bool,
    letter: Uuid,
    sign_in: String,
    language: Language,
    is_sent: bool,
}

impl Answer {
    fn by(ports: &Ports, is_approved: bool) -> Self {
        Self {
            is_approved,
            letter: Uuid::now_v7(),
            sign_in: ports.settings.server.public_url.join("/sso/notice"),
            language: ports.settings.language,
            is_sent: ports.mailer.is_some(),
        }
    }

    /// Writes the letter down with the decision, where it can reach the person.
    async fn write(
        &self,
        c: &mut Conn,
        act: &Act,
        policy: &Policy,
        account: &Account,
        request: &LeaveRequest,
    ) -> Result<(), Refusal> {
        if !self.is_sent {
            return Ok(());
        }
        let Some(address) = post::reachable(c, account, act.now).await? else { return Ok(()) };
        let day = |at: Timestamp| at.to_zoned(zone_of(policy)).date();
        let last = earlier(request.until, SignedDuration::from_secs(1));
        let answer = LeaveAnswer { is_approved: self.is_approved, from: day(request.from), until: day(last) };
        let language = account.language.unwrap_or(self.language);
        let reader = Reader { name: &account.display_name, address: &address, language };
        let ways = Ways { sign_in: &self.sign_in, contact: &policy.contact };
        let draft = Draft {
            kind: Kind::Leave,
            topic: format!("leave:{}", request.id),
            account: Some(account.id),
            recipient: Some(account.id),
            letter: answer.letter(self.letter, &reader, &ways),
            about: json!({}),
        };
        post::put(c, act, draft).await?;
        Ok(())
    }
}
