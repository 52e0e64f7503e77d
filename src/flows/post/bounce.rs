//! Takes what mail systems send back, and makes void what rested on it.
//!
//! Invariant: a notice that came back does not count, so that the person keeps the full time after one that arrives. A
//! forged report can therefore only keep an account longer, never take one.

use serde_json::json;
use uuid::Uuid;

use super::super::{Act, Ports, Refusal};
use crate::domain::actor::Subject;
use crate::mail::bounce::{self, Bounce};
use crate::store::letter::{self, LetterState, StoredLetter};
use crate::store::{Conn, notice};

/// What a report did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// The letter that came back; nothing: none of ours.
    pub letter: Option<Uuid>,
    /// Its kind.
    pub kind: String,
    /// Whether a notice counts no more.
    pub is_notice_void: bool,
    /// What the other mail system said.
    pub said: String,
}

/// Takes a report about a letter that could not be delivered, as a mail system sent it.
///
/// # Errors
///
/// [`Refusal::Invalid`] when it tells of no failure for good; [`Refusal::Store`] when the database cannot be reached.
pub async fn returned(ports: &Ports, act: &Act, message: &[u8]) -> Result<Returned, Refusal> {
    let bounce = bounce::read(message).map_err(|error| Refusal::invalid("message", error))?;
    let act = act.clone();
    ports.db.write(move |c| Box::pin(async move { take(c, &act, bounce).await })).await
}

async fn take(c: &mut Conn, act: &Act, bounce: Bounce) -> Result<Returned, Refusal> {
    let none =
        Returned { letter: None, kind: String::new(), is_notice_void: false, said: bounce.said.clone() };
    let Some(found) = find(c, &bounce).await? else { return Ok(none) };
    if !letter::bounced(c, found.id, &bounce.said, act.now).await? {
        return Ok(Returned { letter: Some(found.id), kind: found.kind, ..none });
    }
    let is_notice_void = notice::came_back(c, found.id, act.now).await?;
    let subject = found
        .account
        .map_or_else(|| Subject::new("letter", found.id), |account| Subject::new("account", account));
    let after = json!({ "letter": found.id, "kind": found.kind, "said": bounce.said,
        "notice_void": is_notice_void });
    act.record(c, "letter_bounced", subject, None, Some(after)).await?;
    metrics::counter!("portvakt_letters_total", "kind" => found.kind.clone(), "outcome" => "bounced")
        .increment(1);
    Ok(Returned { letter: Some(found.id), kind: found.kind, is_notice_void, said: bounce.said })
}

/// The letter that the report names, else the last one to the address it names.
async fn find(c: &mut Conn, bounce: &Bounce) -> Result<Option<StoredLetter>, Refusal> {
    if let Some(id) = bounce.letter {
        return Ok(letter::get(c, id).await?);
    }
    for address in &bounce.addresses {
        let last = letter::last_to(c, address).await?;
        if let Some(last) = last.filter(|last| last.state == LetterState::Sent) {
            return Ok(Some(last));
        }
    }
    Ok(None)
}
