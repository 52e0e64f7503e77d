//! Sends what is due, and writes down what came of it.
//!
//! Invariant: claimed in one transaction, sent in none, settled in another; a notice is noted in the transaction that
//! says its letter has gone. What the mail server does not take now is tried again with growing pauses, for a day.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::super::lead::Fence;
use super::super::{Act, Ports, Refusal, lifecycle};
use super::write::Kind;
use crate::domain::actor::{Actor, Subject};
use crate::mail::{Letter, MailError};
use crate::store::Conn;
use crate::store::letter::{self, LetterState, StoredLetter};

/// So long a letter is nobody else's while it is being sent.
const CLAIMED: SignedDuration = SignedDuration::from_mins(5);

/// How long to wait after each attempt, in minutes; after the last the letter has failed. A day all in all.
const PAUSES: [i64; 8] = [1, 5, 15, 60, 120, 240, 480, 480];

/// How many letters are looked at together.
const PAGE: i64 = 100;

/// So many letters in a row that the mail server does not take: then it is not there, and the others wait.
const IN_A_ROW: usize = 3;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::flows) enum Attempt {
    /// The mail server took it.
    Sent,
    /// Not now; it is tried again.
    Again(String),
    /// Never.
    Refused(String),
    /// Somebody else is sending it, or it is done with.
    Elsewhere,
}

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Letters that went.
    pub sent: usize,
    /// Letters that are tried again.
    pub again: usize,
    /// Letters that will never be taken.
    pub refused: usize,
    /// Letters that nobody wants any more.
    pub dropped: usize,
}

/// Whether a letter is due.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn is_due(ports: &Ports) -> Result<bool, Refusal> {
    if ports.mailer.is_none() {
        return Ok(false);
    }
    let mut c = ports.db.read().await?;
    Ok(!letter::due(&mut c, ports.clock.now(), 1).await?.is_empty())
}

/// Sends what is due, for whoever has the lead.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached; [`Refusal::Conflict`] where another node leads now.
pub async fn send_due(ports: &Ports, fence: &Fence) -> Result<Round, Refusal> {
    let (mut round, mut in_a_row) = (Round::default(), 0);
    let mut c = ports.db.read().await?;
    let due = letter::due(&mut c, ports.clock.now(), PAGE).await?;
    drop(c);
    for one in due {
        if in_a_row >= IN_A_ROW {
            break;
        }
        let mut c = ports.db.read().await?;
        fence.claim().check(&mut c).await?;
        drop(c);
        let act = ports.act(Actor::Job("mail".to_owned()), "letter");
        if !is_wanted(ports, &act, &one).await? {
            drop_unwanted(ports, &act, one.id).await?;
            round.dropped += 1;
            continue;
        }
        match attempt(ports, &act, one.id).await? {
            Attempt::Sent => (round.sent, in_a_row) = (round.sent + 1, 0),
            Attempt::Again(_) => (round.again, in_a_row) = (round.again + 1, in_a_row + 1),
            Attempt::Refused(_) => round.refused += 1,
            Attempt::Elsewhere => {}
        }
    }
    Ok(round)
}

/// A notice is only sent while it is the next step; nothing else grows stale within a day.
async fn is_wanted(ports: &Ports, act: &Act, letter: &StoredLetter) -> Result<bool, Refusal> {
    if letter.kind == Kind::Notice.name() || letter.kind == Kind::Beside.name() {
        return lifecycle::is_still_due(ports, act, letter).await;
    }
    Ok(true)
}

/// Is done with a letter that nobody wants any more.
pub(in crate::flows) async fn drop_unwanted(ports: &Ports, act: &Act, id: Uuid) -> Result<(), Refusal> {
    let now = act.now;
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                letter::end(c, id, LetterState::Dropped, None, now).await?;
                Ok::<_, Refusal>(())
            })
        })
        .await
}

/// Sends one letter.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub(in crate::flows) async fn attempt(ports: &Ports, act: &Act, id: Uuid) -> Result<Attempt, Refusal> {
    let Some(mailer) = &ports.mailer else { return Ok(Attempt::Again("mail is not set up".to_owned())) };
    let now = ports.clock.now();
    let until = now.saturating_add(CLAIMED).unwrap_or(Timestamp::MAX);
    let claimed = ports.db.write(move |c| Box::pin(async move { claim(c, id, now, until).await })).await?;
    let Some(stored) = claimed else { return Ok(Attempt::Elsewhere) };
    let sent = match as_letter(&stored) {
        Some(letter) => mailer.send(now, &letter).await,
        None => Err(MailError::Refused("the letter has no text".to_owned())),
    };
    let act = Act { now: ports.clock.now(), ..act.clone() };
    ports.db.write(move |c| Box::pin(async move { settle(c, &act, stored, sent).await })).await
}

async fn claim(
    c: &mut Conn,
    id: Uuid,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<StoredLetter>, Refusal> {
    if !letter::claim(c, id, now, until).await? {
        return Ok(None);
    }
    Ok(letter::get(c, id).await?)
}

fn as_letter(stored: &StoredLetter) -> Option<Letter> {
    Some(Letter {
        id: stored.id,
        to: stored.address.clone()?,
        language: stored.language,
        subject: stored.subject.clone()?,
        text: stored.body.clone()?,
    })
}

async fn settle(
    c: &mut Conn,
    act: &Act,
    stored: StoredLetter,
    sent: Result<(), MailError>,
) -> Result<Attempt, Refusal> {
    let (id, kind) = (stored.id, stored.kind.clone());
    let (outcome, counted) = match sent {
        Ok(()) => {
            letter::end(c, id, LetterState::Sent, None, act.now).await?;
            note(c, act, &stored).await?;
            (Attempt::Sent, "sent")
        }
        Err(MailError::Refused(said)) => {
            letter::end(c, id, LetterState::Refused, Some(&said), act.now).await?;
            told(c, act, &stored, "letter_refused", &said).await?;
            (Attempt::Refused(said), "refused")
        }
        Err(MailError::Again(said)) => {
            if let Some(pause) = pause(stored.attempts) {
                let due_at = act.now.saturating_add(pause).unwrap_or(Timestamp::MAX);
                letter::again(c, id, &said, due_at).await?;
                (Attempt::Again(said), "again")
            } else {
                letter::end(c, id, LetterState::Failed, Some(&said), act.now).await?;
                told(c, act, &stored, "letter_failed", &said).await?;
                (Attempt::Refused(said), "failed")
            }
        }
    };
    metrics::counter!("portvakt_letters_total", "kind" => kind, "outcome" => counted).increment(1);
    Ok(outcome)
}

/// How long to wait after so many attempts; nothing: it has failed.
fn pause(attempts: i64) -> Option<SignedDuration> {
    let place = usize::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    PAUSES.get(place).map(|minutes| SignedDuration::from_mins(*minutes))
}

/// What is noted once a letter has gone.
async fn note(c: &mut Conn, act: &Act, stored: &StoredLetter) -> Result<(), Refusal> {
    let Some(account) = stored.account else { return Ok(()) };
    if stored.kind != Kind::Notice.name() {
        return Ok(());
    }
    lifecycle::About::read(stored)?.note(c, act, account, Some(stored.id)).await
}

/// What did not go is written down and logged; the address stands in neither.
async fn told(
    c: &mut Conn,
    act: &Act,
    stored: &StoredLetter,
    action: &'static str,
    said: &str,
) -> Result<(), Refusal> {
    tracing::warn!(letter.id = %stored.id, letter.kind = stored.kind, said,
        "the letter {} ({}) did not go: {said}", stored.id, stored.kind);
    let subject = stored
        .account
        .map_or_else(|| Subject::new("letter", stored.id), |account| Subject::new("account", account));
    let after =
        json!({ "letter": stored.id, "kind": stored.kind, "said": said, "attempts": stored.attempts });
    act.record(c, action, subject, None, Some(after)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_grow_and_end_within_a_day() {
        let pauses: Vec<SignedDuration> = (1..20).map_while(pause).collect();
        assert_eq!(pauses.len(), PAUSES.len());
        assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]));
        let whole: SignedDuration = pauses.iter().sum();
        assert!(whole < SignedDuration::from_hours(24) && whole > SignedDuration::from_hours(20), "{whole}");
    }
}
