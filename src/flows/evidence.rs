//! Takes what a CRM's own log says about who signed in there.
//!
//! Invariant: a batch is one transaction with one audit entry that counts and names nobody. Last seen never moves
//! back, and a time that has not come is no evidence. An empty batch says that the CRM is alive and saw nobody new.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::find::{self, Found};
use super::{Act, Ports, Refusal};
use crate::domain::actor::Subject;
use crate::domain::ids::{AccountId, TargetId};
use crate::domain::policy::EvidenceSource;
use crate::store::evidence::Health;
use crate::store::{Conn, StoreError, evidence};

/// How far the CRM's clock may be ahead of ours.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// A sign-in in the CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Who: an account id, the CRM's own id, or a user name.
    pub account: String,
    /// When.
    pub at: Timestamp,
}

/// What became of one row of the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// It is the latest that this source has seen of the account.
    Recorded,
    /// A later time, or this one, is known already.
    Older,
    /// No account answers to the name.
    UnknownAccount,
    /// Several accounts answer to the name.
    Ambiguous,
    /// The time has not come.
    InFuture,
    /// The row could not be understood, for this reason.
    Invalid(String),
}

impl Noted {
    /// The stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Older => "older",
            Self::UnknownAccount => "unknown_account",
            Self::Ambiguous => "ambiguous",
            Self::InFuture => "in_future",
            Self::Invalid(_) => "invalid",
        }
    }
}

/// Records what `target` has seen; gives what became of each row, in order. A row that could not be understood comes
/// with the reason and is answered with it.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached; then nothing is recorded.
pub async fn record(
    ports: &Ports,
    act: &Act,
    target: &TargetId,
    rows: Vec<Result<Sighting, String>>,
) -> Result<Vec<Noted>, Refusal> {
    let (mut noted, sightings) = {
        let mut c = ports.db.read().await?;
        sort_out(&mut c, target, rows, act.now).await?
    };
    let (act, target, before) = (act.clone(), target.clone(), noted.clone());
    let newer = ports
        .db
        .write(move |c| Box::pin(async move { write(c, &act, &target, before, sightings).await }))
        .await?;
    for place in newer {
        if let Some(row) = noted.get_mut(place) {
            *row = Noted::Recorded;
        }
    }
    for row in &noted {
        metrics::counter!("portvakt_crm_sign_ins_total", "outcome" => row.name()).increment(1);
    }
    Ok(noted)
}

/// A row of the batch whose account is known: account, time, place in the batch.
type Sorted = (AccountId, Timestamp, usize);

/// What can be said of each row before anything is written, and the rows that are to be written, by account and time.
///
/// In that order two batches at once cannot wait for each other, and all newer rows of an account count as recorded.
async fn sort_out(
    c: &mut Conn,
    target: &TargetId,
    rows: Vec<Result<Sighting, String>>,
    now: Timestamp,
) -> Result<(Vec<Noted>, Vec<Sorted>), StoreError> {
    let latest = now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
    let mut known: HashMap<String, Result<AccountId, Noted>> = HashMap::new();
    let (mut noted, mut sightings) = (Vec::with_capacity(rows.len()), Vec::new());
    for (place, row) in rows.into_iter().enumerate() {
        let outcome = match row {
            Err(problem) => Noted::Invalid(problem),
            Ok(row) if row.at > latest => Noted::InFuture,
            Ok(row) => {
                let who = if let Some(who) = known.get(&row.account) {
                    who.clone()
                } else {
                    let who = match find::account(c, &row.account, Some(target)).await? {
                        Found::One(account) => Ok(account.id),
                        Found::Nobody => Err(Noted::UnknownAccount),
                        Found::Several => Err(Noted::Ambiguous),
                    };
                    known.insert(row.account, who.clone());
                    who
                };
                who.map_or_else(
                    |why| why,
                    |account| {
                        sightings.push((account, row.at, place));
                        Noted::Older
                    },
                )
            }
        };
        noted.push(outcome);
    }
    sightings.sort_unstable();
    Ok((noted, sightings))
}

/// Writes the sightings, the source's health and the audit entry. Gives the places of the rows that were news.
async fn write(
    c: &mut Conn,
    act: &Act,
    target: &TargetId,
    before: Vec<Noted>,
    sightings: Vec<Sorted>,
) -> Result<Vec<usize>, Refusal> {
    let mut newer = Vec::new();
    for (account, at, place) in sightings {
        if evidence::seen(c, account, EvidenceSource::Crm, at).await? {
            newer.push(place);
        }
    }
    let is_refused = |row: &Noted| matches!(row, Noted::InFuture | Noted::Invalid(_));
    // A batch of nothing but nonsense says nothing about anybody: the source grows stale instead of silently wrong.
    if before.is_empty() || !before.iter().all(is_refused) {
        let health = Health {
            source: EvidenceSource::Crm,
            scope: target.to_string(),
            last_success: Some(act.now),
            is_complete: true,
            is_licensed: true,
            note: None,
        };
        evidence::set_health(c, &health).await?;
    }
    let count = |name: &str| before.iter().filter(|row| row.name() == name).count();
    let after = json!({
        "rows": before.len(),
        "recorded": newer.len(),
        "older": count("older").saturating_sub(newer.len()),
        "unknown_account": count("unknown_account"),
        "ambiguous": count("ambiguous"),
        "in_future": count("in_future"),
        "invalid": count("invalid"),
    });
    act.record(c, "sign_ins_reported", Subject::new("target", target), None, Some(after)).await?;
    Ok(newer)
}
