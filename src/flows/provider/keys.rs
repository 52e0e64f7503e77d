//! The keys that sign our tokens: made, published before they sign, replaced, and taken away when no token needs them.
//!
//! Invariant: which key signs at an instant is told by the database alone, so that all nodes agree; a key is published
//! a day before it signs, and for as long after as a session can last. One maker at a time.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretSlice;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::{Act, Ports, Refusal};
use crate::config::TokenAlgorithm;
use crate::domain::actor::{Actor, Subject};
use crate::oidc::{IssuerKey, SigningAlgorithm, make_key};
use crate::store::signing_key::{self, StoredKey};
use crate::store::{Conn, setting};

/// A key signs for this long.
const LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A key is published for this long before it signs: clients may keep the key set that long.
const PUBLISHED_BEFORE: SignedDuration = SignedDuration::from_hours(24);

/// A key is published for at least this long after it signed last; longer, where sessions last longer.
const PUBLISHED_AFTER: SignedDuration = SignedDuration::from_hours(2);

/// A node reads the keys anew when it last did so longer ago than this.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// What signs snapshots.
const FOR_SNAPSHOTS: TokenAlgorithm = TokenAlgorithm::Es256;

/// The setting whose row the maker of a key locks.
const LOCK: &str = "signing_keys";

/// The keys as a node knows them.
#[derive(Debug)]
pub(super) struct Keyring {
    keys: Vec<(Arc<IssuerKey>, Timestamp)>,
    read_at: Timestamp,
}

impl Keyring {
    /// The public halves, for whoever checks a token.
    pub(super) fn published(&self) -> Vec<Value> {
        self.keys.iter().map(|(key, _)| key.public().clone()).collect()
    }

    /// Every key, to check a token of our own.
    pub(super) fn all(&self) -> impl Iterator<Item = &IssuerKey> {
        self.keys.iter().map(|(key, _)| &**key)
    }

    /// The key that signs: the latest whose time has come, and the first where a clock was set back before them all.
    fn signing(&self, algorithm: SigningAlgorithm, now: Timestamp) -> Option<Arc<IssuerKey>> {
        let fitting = || self.keys.iter().filter(|(key, _)| key.algorithm() == algorithm);
        let latest = fitting().rev().find(|(_, from)| *from <= now);
        latest.or_else(|| fitting().next()).map(|(key, _)| Arc::clone(key))
    }
}

const fn in_tokens(algorithm: TokenAlgorithm) -> SigningAlgorithm {
    match algorithm {
        TokenAlgorithm::Rs256 => SigningAlgorithm::Rs256,
        TokenAlgorithm::Es256 => SigningAlgorithm::Es256,
    }
}

/// The algorithms that clients want, and the one that signs snapshots once one was taken.
fn wanted(ports: &Ports, rows: &[StoredKey]) -> BTreeSet<TokenAlgorithm> {
    let of_clients = ports.settings.clients.iter().map(|client| client.algorithm);
    let signs_snapshots = |row: &StoredKey| row.algorithm == FOR_SNAPSHOTS.name();
    of_clients.chain(rows.iter().any(signs_snapshots).then_some(FOR_SNAPSHOTS)).collect()
}

/// The key that signs snapshots.
pub(in crate::flows) async fn for_snapshots(ports: &Ports) -> Result<Arc<IssuerKey>, Refusal> {
    signing(ports, FOR_SNAPSHOTS).await
}

/// The keys, read anew when they were read a minute ago.
pub(super) async fn keyring(ports: &Ports) -> Result<Arc<Keyring>, Refusal> {
    let now = ports.clock.now();
    match ports.issuing.keyring.load_full() {
        Some(known) if now.duration_since(known.read_at).abs() < FRESH => Ok(known),
        known => read(ports, known.as_deref(), now).await,
    }
}

async fn read(ports: &Ports, known: Option<&Keyring>, now: Timestamp) -> Result<Arc<Keyring>, Refusal> {
    let rows = signing_key::all(&mut ports.db.read().await?).await?;
    let mut keys = Vec::with_capacity(rows.len());
    for row in rows {
        let same = known.and_then(|ring| ring.keys.iter().find(|(key, _)| key.id() == row.id));
        let key = match same {
            Some((key, _)) => Arc::clone(key),
            None => match understood(&row) {
                Ok(key) => Arc::new(key),
                Err(error) => {
                    tracing::error!(key.id = row.id, %error, "signing key {} cannot be used: {error}", row.id);
                    continue;
                }
            },
        };
        keys.push((key, row.signs_from));
    }
    let ring = Arc::new(Keyring { keys, read_at: now });
    ports.issuing.keyring.store(Some(Arc::clone(&ring)));
    Ok(ring)
}

fn understood(row: &StoredKey) -> Result<IssuerKey, String> {
    let algorithm = row.algorithm.parse::<SigningAlgorithm>().map_err(|error| error.to_string())?;
    IssuerKey::read(algorithm, &row.private_key).map_err(|error| error.to_string())
}

/// The key that signs with `algorithm` now; it is made where there is none yet.
pub(super) async fn signing(ports: &Ports, algorithm: TokenAlgorithm) -> Result<Arc<IssuerKey>, Refusal> {
    let wanted = in_tokens(algorithm);
    let now = ports.clock.now();
    if let Some(key) = keyring(ports).await?.signing(wanted, now) {
        return Ok(key);
    }
    let act = ports.act(Actor::Job("signing-keys".to_owned()), "no key yet");
    make(ports, &act, algorithm, None, now).await?;
    read(ports, None, now)
        .await?
        .signing(wanted, now)
        .ok_or_else(|| Refusal::Outside(format!("there is no key that signs with {}", algorithm.name())))
}

/// Makes a key that signs from `signs_from`, unless another than `latest` has become the latest meanwhile.
async fn make(
    ports: &Ports,
    act: &Act,
    algorithm: TokenAlgorithm,
    latest: Option<&str>,
    signs_from: Timestamp,
) -> Result<bool, Refusal> {
    let wanted = in_tokens(algorithm);
    let failed = |error: &dyn std::fmt::Display| Refusal::Outside(error.to_string());
    let private_key: SecretSlice<u8> = tokio::task::spawn_blocking(move || make_key(wanted))
        .await
        .map_err(|error| failed(&error))?
        .map_err(|error| failed(&error))?;
    let id = IssuerKey::read(wanted, &private_key).map_err(|error| failed(&error))?.id().to_owned();
    let row =
        StoredKey { id, algorithm: algorithm.name().to_owned(), private_key, made_at: act.now, signs_from };
    let (act, latest) = (act.clone(), latest.map(str::to_owned));
    ports.db.write(move |c| Box::pin(async move { put(c, &act, &row, latest.as_deref()).await })).await
}

async fn put(c: &mut Conn, act: &Act, row: &StoredKey, latest: Option<&str>) -> Result<bool, Refusal> {
    setting::hold(c, LOCK).await?;
    let known = signing_key::all(c).await?;
    let newest = known.iter().rev().find(|key| key.algorithm == row.algorithm);
    if newest.map(|key| key.id.as_str()) != latest {
        return Ok(false);
    }
    signing_key::insert(c, row).await?;
    let after = json!({ "algorithm": row.algorithm, "signs_from": row.signs_from.to_string() });
    act.record(c, "signing_key_made", Subject::new("signing_key", &row.id), None, Some(after)).await?;
    Ok(true)
}

/// What keeping the keys came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Keys that were made.
    pub made: usize,
    /// Keys that are published no longer.
    pub removed: usize,
}

/// Makes the keys that are lacking or soon to be needed, and takes away those that no token needs.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached, [`Refusal::Outside`] when no key can be made.
pub async fn keep(ports: &Ports, act: &Act) -> Result<Kept, Refusal> {
    let rows = signing_key::all(&mut ports.db.read().await?).await?;
    let mut kept = Kept::default();
    for algorithm in wanted(ports, &rows) {
        let own = rows.iter().filter(|row| row.algorithm == algorithm.name());
        let signs_from = match own.clone().next_back() {
            None => Some((None, act.now)),
            Some(row) => {
                let next = row.signs_from.saturating_add(LIFE).unwrap_or(Timestamp::MAX);
                let soon = act.now.saturating_add(PUBLISHED_BEFORE).unwrap_or(Timestamp::MAX);
                (soon >= next).then_some((Some(row.id.as_str()), soon))
            }
        };
        if let Some((latest, signs_from)) = signs_from
            && make(ports, act, algorithm, latest, signs_from).await?
        {
            kept.made += 1;
        }
    }
    for row in outlived(&rows, needed_for(ports), act.now) {
        kept.removed += usize::from(remove(ports, act, row.id.clone(), "outlived").await?);
    }
    if kept != Kept::default() {
        read(ports, None, act.now).await?;
    }
    Ok(kept)
}

/// How long a token of a key may be shown after the key signed last.
fn needed_for(ports: &Ports) -> SignedDuration {
    ports.settings.sessions.absolute.max(PUBLISHED_AFTER) + PUBLISHED_AFTER
}

/// The keys whose successor has signed for so long that no token of theirs is left.
fn outlived(rows: &[StoredKey], needed_for: SignedDuration, now: Timestamp) -> Vec<&StoredKey> {
    let is_outlived = |row: &&StoredKey| {
        rows.iter().any(|next| {
            let takes_over = next.algorithm == row.algorithm && next.signs_from > row.signs_from;
            takes_over && next.signs_from.saturating_add(needed_for).is_ok_and(|end| end <= now)
        })
    };
    rows.iter().filter(is_outlived).collect()
}

async fn remove(ports: &Ports, act: &Act, id: String, why: &str) -> Result<bool, Refusal> {
    let act = act.because(why);
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                setting::hold(c, LOCK).await?;
                let is_gone = signing_key::remove(c, &id).await?;
                if is_gone {
                    act.record(c, "signing_key_removed", Subject::new("signing_key", &id), None, None)
                        .await?;
                }
                Ok::<_, Refusal>(is_gone)
            })
        })
        .await
}

/// A key as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    /// Its name (`kid`).
    pub id: String,
    /// What it signs with.
    pub algorithm: String,
    /// When it was made and first published.
    pub made_at: Timestamp,
    /// It signs from then on, until the next one of its algorithm does.
    pub signs_from: Timestamp,
}

/// Every key that is published, the longest-serving first.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn keys(ports: &Ports) -> Result<Vec<Key>, Refusal> {
    let rows = signing_key::all(&mut ports.db.read().await?).await?;
    let shown = |row: StoredKey| Key {
        id: row.id,
        algorithm: row.algorithm,
        made_at: row.made_at,
        signs_from: row.signs_from,
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// Replaces every key at once, for a key that somebody else may have: new ones sign from now on, the old ones are
/// published no longer, and tokens of theirs are believed nowhere.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached, [`Refusal::Outside`] when no key can be made.
pub async fn replace(ports: &Ports, act: &Act) -> Result<Kept, Refusal> {
    let rows = signing_key::all(&mut ports.db.read().await?).await?;
    let mut kept = Kept::default();
    for algorithm in wanted(ports, &rows) {
        let latest = rows.iter().rev().find(|row| row.algorithm == algorithm.name());
        let made = make(ports, act, algorithm, latest.map(|row| row.id.as_str()), act.now).await?;
        kept.made += usize::from(made);
    }
    for row in rows {
        kept.removed += usize::from(remove(ports, act, row.id, "replaced").await?);
    }
    read(ports, None, act.now).await?;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_outlived_when_its_successor_has_signed_for_as_long_as_a_session_lasts() {
        let at = |hours: i64| Timestamp::from_second(1_900_000_000 + hours * 3600).unwrap();
        let key = |id: &str, algorithm: &str, from: i64| StoredKey {
            id: id.to_owned(),
            algorithm: algorithm.to_owned(),
            private_key: Vec::new().into(),
            made_at: at(from),
            signs_from: at(from),
        };
        let rows = [key("a", "ES256", 0), key("r", "RS256", 0), key("b", "ES256", 100)];
        let gone = |now: i64| {
            let keys = outlived(&rows, SignedDuration::from_hours(14), at(now));
            keys.into_iter().map(|row| row.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(gone(113), Vec::<String>::new());
        assert_eq!(gone(114), ["a"]);
        assert_eq!(gone(9_999), ["a"], "the last of its kind stays");
    }
}
