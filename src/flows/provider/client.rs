//! Recognises a client by its secret, or a public one by its name.
//!
//! Invariant: secrets are compared by their hashes, in constant time, and all of them. The right secret always passes,
//! however many wrong ones came before, so that nobody can lock a client out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use subtle::{Choice, ConstantTimeEq};

use super::super::{Ports, Refusal, tokens};
use crate::config::Client;
use crate::domain::actor::{Actor, Subject};
use crate::domain::ids::ClientId;

/// Wrong secrets are counted by windows of this length.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);

/// So many wrong secrets in a window are answered as such; further ones are told to wait.
const PATIENCE: u32 = 20;

/// What a client shows at the token endpoint (RFC 6749 §2.3.1).
#[derive(Debug)]
pub struct Credentials {
    /// Who it says that it is.
    pub id: String,
    /// What it proves it with; nothing for a public client.
    pub secret: Option<SecretString>,
}

/// What came of it.
#[derive(Debug)]
pub enum Authenticated {
    /// It is this client.
    Client(Arc<Client>),
    /// It is not.
    Nobody,
    /// It is not, and there were many such before: to come back after so many seconds.
    TooMany(i64),
}

/// Wrong secrets of the present window, by client.
#[derive(Debug, Default)]
pub(super) struct Guesses(Mutex<BTreeMap<ClientId, (Timestamp, u32)>>);

impl Guesses {
    /// Counts a wrong secret. Gives how many it was in this window, and how long the window lasts still.
    fn note(&self, client: &ClientId, now: Timestamp) -> (u32, SignedDuration) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(client.clone()).or_insert((now, 0));
        if now.duration_since(window.0).abs() >= WINDOW {
            *window = (now, 0);
        }
        window.1 = window.1.saturating_add(1);
        (window.1, WINDOW - now.duration_since(window.0).abs())
    }
}

/// Who calls.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn authenticate(
    ports: &Ports,
    shown: &Credentials,
    request_id: Option<String>,
) -> Result<Authenticated, Refusal> {
    let Some(client) = ports.issuing.client(&shown.id) else { return Ok(Authenticated::Nobody) };
    let is_known = match &shown.secret {
        None => client.is_public(),
        Some(secret) => is_one_of(client, secret),
    };
    if is_known {
        return Ok(Authenticated::Client(Arc::clone(client)));
    }
    let now = ports.clock.now();
    let (wrong, left) = ports.issuing.guesses.note(&client.id, now);
    metrics::counter!("portvakt_client_secrets_refused_total", "client" => client.id.to_string())
        .increment(1);
    if wrong > PATIENCE {
        return Ok(Authenticated::TooMany(left.as_secs().max(1)));
    }
    if wrong == 1 || wrong == PATIENCE {
        tracing::warn!(client.id = %client.id, "client {} did not prove itself: {wrong} times within a minute", client.id);
        record(ports, &client.id, wrong, request_id).await?;
    }
    Ok(Authenticated::Nobody)
}

fn is_one_of(client: &Client, secret: &SecretString) -> bool {
    let given = tokens::digest(secret.expose_secret());
    let is_one = client.secrets.iter().fold(Choice::from(0), |found, known| {
        found | tokens::digest(known.expose()).as_slice().ct_eq(given.as_slice())
    });
    is_one.into()
}

/// Writes it down: the first of a window and the last, so that a flood is two entries a minute.
async fn record(
    ports: &Ports,
    client: &ClientId,
    wrong: u32,
    request_id: Option<String>,
) -> Result<(), Refusal> {
    let act = ports.act(Actor::Job("token".to_owned()), "client secret").by_request(request_id);
    let (subject, after) = (Subject::new("client", client), json!({ "within_a_minute": wrong }));
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                act.record(c, "client_secret_refused", subject, None, Some(after)).await?;
                Ok::<_, Refusal>(())
            })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_secrets_are_counted_by_the_minute_and_by_client() {
        let guesses = Guesses::default();
        let at = |seconds: i64| Timestamp::from_second(1_900_000_000 + seconds).unwrap();
        let (one, other) = (ClientId::parse("one").unwrap(), ClientId::parse("other").unwrap());
        assert_eq!(guesses.note(&one, at(0)), (1, WINDOW));
        assert_eq!(guesses.note(&one, at(59)), (2, SignedDuration::from_secs(1)));
        assert_eq!(guesses.note(&other, at(59)).0, 1);
        assert_eq!(guesses.note(&one, at(60)).0, 1);
        assert_eq!(guesses.note(&one, at(-600)).0, 1, "a clock that goes back begins anew");
    }
}
