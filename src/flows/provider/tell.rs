//! Tells clients that sessions have ended (OpenID Connect Back-Channel Logout 1.0).
//!
//! Invariant: a row waits until the client has said yes, or has not for three days; the audit says which. No
//! transaction is open while a client is spoken to, and each attempt has a token of its own.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::super::lead::{Claim, Fence};
use super::super::{Act, Ports, Refusal};
use super::keys;
use crate::config::Client;
use crate::crm::{BackChannel, Heard, backoff};
use crate::domain::actor::{Actor, Subject};
use crate::domain::ids::ClientId;
use crate::oidc::{Farewell, IssuerKey};
use crate::store::client_logout::{self, Waiting};
use crate::store::{Conn, StoreError};

/// How many rows are read at a time.
const BATCH: i64 = 64;

/// How many a client is told of at the same time.
const AT_ONCE: usize = 8;

/// A logout token is good for this long (Back-Channel Logout §2.4: at most two minutes).
const LIFE: SignedDuration = SignedDuration::from_mins(2);

/// What a round came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// The client has heard.
    pub heard: usize,
    /// They wait for another attempt.
    pub again: usize,
    /// Given up, or the client does not want to be told.
    pub dropped: usize,
}

impl Told {
    /// How many were tried.
    #[must_use]
    pub const fn tried(&self) -> usize {
        self.heard + self.again + self.dropped
    }

    /// This round and the next one, as one.
    #[must_use]
    pub const fn and(self, next: Self) -> Self {
        Self {
            heard: self.heard + next.heard,
            again: self.again + next.again,
            dropped: self.dropped + next.dropped,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Heard,
    Again,
    GivenUp,
    Unwanted,
}

impl End {
    const fn name(self) -> &'static str {
        match self {
            Self::Heard => "heard",
            Self::Again => "again",
            Self::GivenUp => "given_up",
            Self::Unwanted => "unwanted",
        }
    }
}

/// Whether a client is to be told something now. Reads only.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn is_due(ports: &Ports, client: &ClientId) -> Result<bool, Refusal> {
    let next = client_logout::next_due(&mut ports.db.read().await?, client).await?;
    Ok(next.is_some_and(|at| at <= ports.clock.now()))
}

/// Tells a client what is due, the longest waiting first: one round of at most 64.
///
/// # Errors
///
/// [`Refusal::Conflict`] when another node has taken the job, [`Refusal::Store`] when the database cannot be reached,
/// [`Refusal::Outside`] when there is no key to sign with.
pub async fn tell(ports: &Ports, client: &ClientId, fence: &Fence) -> Result<Told, Refusal> {
    let client = ports.issuing.client(client.as_str()).ok_or_else(|| Refusal::not_found("client", client))?;
    let rows = client_logout::due(&mut ports.db.read().await?, &client.id, ports.clock.now(), BATCH).await?;
    if rows.is_empty() {
        return Ok(Told::default());
    }
    let key = keys::signing(ports, client.algorithm).await?;
    let channel = ports.issuing.channels.get(&client.id);
    let round = Round { ports, client, channel, key: &key, claim: fence.claim() };
    let ends: Vec<End> =
        stream::iter(rows).map(|row| round.tell(row)).buffer_unordered(AT_ONCE).try_collect().await?;
    let count = |wanted: &[End]| ends.iter().filter(|end| wanted.contains(end)).count();
    Ok(Told {
        heard: count(&[End::Heard]),
        again: count(&[End::Again]),
        dropped: count(&[End::GivenUp, End::Unwanted]),
    })
}

/// Whether a session has ended, or run out, without its clients being queued. Reads only.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn has_ended(ports: &Ports) -> Result<bool, Refusal> {
    Ok(client_logout::has_ended(&mut ports.db.read().await?, ports.clock.now()).await?)
}

/// Queues what has ended by itself: sessions that ran out. Gives how many clients are to be told.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn queue_ended(ports: &Ports) -> Result<usize, Refusal> {
    let now = ports.clock.now();
    ports
        .db
        .write(move |c| Box::pin(async move { Ok::<_, Refusal>(client_logout::of_ended(c, now).await?) }))
        .await
}

/// One round for one client.
struct Round<'r> {
    ports: &'r Ports,
    client: &'r Client,
    channel: Option<&'r BackChannel>,
    key: &'r IssuerKey,
    claim: Claim,
}

impl Round<'_> {
    async fn tell(&self, row: Waiting) -> Result<End, Refusal> {
        let heard = match self.channel {
            Some(channel) => {
                self.claim.check(&mut self.ports.db.read().await?).await?;
                let now = self.ports.clock.now();
                Some(channel.tell(now, &self.token(&row, now)?).await)
            }
            None => None,
        };
        let end = self.note(row.clone(), heard).await?;
        report(&row, end);
        Ok(end)
    }

    fn token(&self, row: &Waiting, now: Timestamp) -> Result<String, Refusal> {
        let farewell = Farewell {
            issuer: self.ports.settings.server.public_url.as_str(),
            subject: &row.subject,
            audience: self.client.id.as_str(),
            now,
            life: LIFE,
            // A client that heard us though we did not hear its yes refuses the same id twice.
            id: &Uuid::new_v4().to_string(),
            session: &row.sid.to_string(),
        };
        farewell.signed(self.key).map_err(|error| Refusal::Outside(error.to_string()))
    }

    async fn note(&self, row: Waiting, heard: Option<Heard>) -> Result<End, Refusal> {
        let act = self.ports.act(Actor::Job("client-logout".to_owned()), format!("client {}", row.client));
        let (claim, jitter) = (self.claim.clone(), rand::random());
        self.ports
            .db
            .write(move |c| {
                Box::pin(async move {
                    claim.hold(c).await?;
                    Ok::<_, Refusal>(note(c, &act, &row, heard, jitter).await?)
                })
            })
            .await
    }
}

async fn note(
    c: &mut Conn,
    act: &Act,
    row: &Waiting,
    heard: Option<Heard>,
    jitter: f64,
) -> Result<End, StoreError> {
    let subject = Subject::new("account", row.account);
    let mut after = json!({ "client": row.client, "sid": row.sid, "ended_at": row.queued_at.to_string(),
        "attempts": row.attempts + 1 });
    match heard {
        None => {
            client_logout::done(c, row.sid).await?;
            Ok(End::Unwanted)
        }
        Some(Heard::Yes(status)) => {
            client_logout::done(c, row.sid).await?;
            if let Some(fields) = after.as_object_mut() {
                fields.insert("status".to_owned(), json!(status));
            }
            act.record(c, "client_logout_told", subject, None, Some(after)).await?;
            Ok(End::Heard)
        }
        Some(Heard::No { after: wished, error }) => {
            let failed = u32::try_from(row.attempts.saturating_add(1)).unwrap_or(u32::MAX);
            let Some(pause) = backoff(failed, jitter) else {
                client_logout::done(c, row.sid).await?;
                act.record(c, "client_logout_given_up", subject, None, Some(after)).await?;
                return Ok(End::GivenUp);
            };
            let pause = wished.map_or(pause, |wished| wished.max(pause));
            let due_at = act.now.saturating_add(pause).unwrap_or(Timestamp::MAX);
            client_logout::again(c, row, &error, due_at).await?;
            Ok(End::Again)
        }
    }
}

/// Says in log and counters how an attempt ended.
fn report(row: &Waiting, end: End) {
    let Waiting { client, sid, account, attempts, .. } = row;
    let labels = [("client", client.to_string()), ("outcome", end.name().to_owned())];
    metrics::counter!("portvakt_client_logouts_total", &labels).increment(1);
    match end {
        End::Heard | End::Unwanted => {
            tracing::debug!(client.id = %client, account.id = %account, %sid, "client {client} has heard that session {sid} has ended");
        }
        End::Again => {
            tracing::info!(client.id = %client, account.id = %account, %sid, attempts = attempts + 1,
                "client {client} has not heard that session {sid} has ended; it is told again");
        }
        End::GivenUp => {
            tracing::error!(client.id = %client, account.id = %account, %sid,
                "client {client} has not heard for three days that session {sid} has ended, and is told no more; is backchannel_logout_uri right?");
        }
    }
}
