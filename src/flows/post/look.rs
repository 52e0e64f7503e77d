//! Shows letters to whoever looks after the mail, and tries the way out.
//!
//! Invariant: what a letter said is not shown, for it is gone once the letter has left.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::super::{Act, Ports, Refusal};
use super::send::{self, Attempt};
use super::write::{self, Draft, Kind};
use crate::domain::language::Language;
use crate::mail::Letter;
use crate::store::letter::LetterState;
use crate::store::{account, letter};

/// A letter as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LetterView {
    /// Its id; the Message-ID begins with it.
    pub id: Uuid,
    /// What kind.
    pub kind: String,
    /// The user name of the account it is about.
    pub about: Option<String>,
    /// Where it went.
    pub address: Option<String>,
    /// What became of it.
    pub state: &'static str,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was written.
    pub queued_at: Timestamp,
    /// When it is tried next.
    pub due_at: Option<Timestamp>,
    /// When it was done with.
    pub ended_at: Option<Timestamp>,
    /// What the mail server said last.
    pub said: Option<String>,
}

/// The newest letters in these states, of the last `days` days.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn letters(
    ports: &Ports,
    states: &[LetterState],
    days: i64,
    limit: i64,
) -> Result<Vec<LetterView>, Refusal> {
    let since = ports.clock.now().saturating_sub(SignedDuration::from_hours(days.saturating_mul(24)));
    let mut c = ports.db.read().await?;
    let mut shown = Vec::new();
    for one in letter::since(&mut c, states, since.unwrap_or(Timestamp::MIN), limit).await? {
        let about = match one.account {
            Some(id) => account::get(&mut c, id).await?.map(|account| account.user_name),
            None => None,
        };
        shown.push(LetterView {
            id: one.id,
            kind: one.kind,
            about,
            address: one.address,
            state: one.state.name(),
            attempts: one.attempts,
            queued_at: one.queued_at,
            due_at: one.ended_at.is_none().then_some(one.due_at),
            ended_at: one.ended_at,
            said: one.said,
        });
    }
    Ok(shown)
}

/// Sends a letter to an address, to see whether mail is set up.
///
/// # Errors
///
/// [`Refusal::Invalid`] where there is no mail server in the settings; [`Refusal::Outside`] with what it said where it
/// does not take the letter.
pub async fn try_out(ports: &Ports, act: &Act, address: &str) -> Result<Uuid, Refusal> {
    if ports.mailer.is_none() {
        return Err(Refusal::invalid("mail", "there is no [mail] in the settings; write smtp and from"));
    }
    let language = ports.settings.language;
    let (subject, text) = match language {
        Language::Sv => (
            "Ett prov från Portvakt",
            "Det här är ett prov. Kommer det fram är e-posten rätt inställd.\n\n-- \nPortvakt\n",
        ),
        Language::En => (
            "A trial from Portvakt",
            "This is a trial. If it arrives, mail is set up as it should be.\n\n-- \nPortvakt\n",
        ),
    };
    let id = Uuid::now_v7();
    let letter =
        Letter { id, to: address.to_owned(), language, subject: subject.to_owned(), text: text.to_owned() };
    let topic = format!("test:{id}");
    let draft = Draft { kind: Kind::Test, topic, account: None, recipient: None, letter, about: json!({}) };
    let writing = act.clone();
    ports.db.write(move |c| Box::pin(async move { write::put(c, &writing, draft).await })).await?;
    match send::attempt(ports, act, id).await? {
        Attempt::Sent => Ok(id),
        Attempt::Again(said) => {
            // A trial that goes tomorrow says nothing about today.
            send::drop_unwanted(ports, act, id).await?;
            Err(Refusal::Outside(said))
        }
        Attempt::Refused(said) => Err(Refusal::Outside(said)),
        Attempt::Elsewhere => Err(Refusal::Conflict("somebody else is sending it".to_owned())),
    }
}
