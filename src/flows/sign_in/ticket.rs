//! A sign-in under way, sealed for the browser to keep until it comes back: what a stranger begins costs the database
//! nothing, and every node can take the answer.
//!
//! Invariant: a ticket that we did not write, that is another sign-in's, or that is older than ten minutes is no ticket.
//! The key is one for all nodes and stands in the database; it opens nothing but tickets.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use tokio::sync::OnceCell;

use crate::domain::ids::DirectoryId;
use crate::flows::{Ports, Refusal, tokens};
use crate::store::setting;

/// A ticket is void after this long.
pub(super) const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// Longer tickets are not kept by a browser, whose cookies have 4,096 bytes with name and attributes (RFC 6265 §6.1).
const LONGEST: usize = 3_800;

/// So many sign-ins of one browser may be under way: one in each of some tabs.
const MOST: usize = 5;

/// The setting that holds the key.
const KEY: &str = "sign_in.key";

/// What sets this use of the key apart from every other.
const PURPOSE: &[u8] = b"portvakt: sign-in under way";

/// A sign-in under way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    /// To which directory it was sent.
    pub(super) directory: DirectoryId,
    /// What the provider brings back.
    pub(super) state: String,
    /// The nonce that the ID token must carry.
    pub(super) nonce: String,
    /// The PKCE verifier.
    pub(super) verifier: String,
    /// Where the person wanted to go: a local path.
    pub(super) return_to: String,
    /// How old, in seconds, the sign-in at the provider may be.
    pub(super) max_age: Option<u32>,
    /// Levels of assurance, one of which the token must show.
    pub(super) acr_values: Vec<String>,
    /// At which of our hosts it began, where it is not the public one: scheme and host.
    pub(super) origin: Option<String>,
    /// When it began.
    pub(super) began: Timestamp,
}

impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempt").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl Attempt {
    /// The hash of its state.
    pub(super) fn state_hash(&self) -> Vec<u8> {
        tokens::digest(&self.state)
    }

    /// It is void from then on.
    pub(super) fn ends(&self) -> Timestamp {
        self.began.saturating_add(LIFE).unwrap_or(self.began)
    }

    fn is_open(&self, now: Timestamp) -> bool {
        // Another node's clock may be a little ahead.
        let is_begun = now.duration_since(self.began) >= -SignedDuration::from_mins(1);
        is_begun && now < self.ends()
    }
}

/// What the browser keeps of a sign-in under way.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// Which of the browser's it is: short, public, of letters and digits.
    pub name: String,
    /// The sign-in, sealed.
    pub sealed: SecretString,
}

/// The key of the tickets, read once.
#[derive(Debug, Default)]
pub(in crate::flows) struct Seal(OnceCell<SecretString>);

impl Seal {
    /// The key; made by whoever is the first ever to need it.
    async fn key(&self, ports: &Ports) -> Result<&SecretString, Refusal> {
        self.0.get_or_try_init(|| kept_key(ports)).await
    }
}

async fn kept_key(ports: &Ports) -> Result<SecretString, Refusal> {
    let known = setting::get(&mut ports.db.read().await?, KEY).await?;
    if let Some(known) = known.filter(|known| !known.is_empty()) {
        return Ok(known.into());
    }
    let new = tokens::secret()?;
    let kept = ports
        .db
        .write(move |c| {
            Box::pin(async move {
                setting::set_if_empty(c, KEY, &new).await?;
                Ok::<_, Refusal>(setting::get(c, KEY).await?)
            })
        })
        .await?;
    kept.map(SecretString::from).ok_or_else(|| Refusal::not_found("setting", KEY))
}

/// Seals a sign-in for its browser. Where it is too long for a cookie, it leads to the start page.
pub(super) async fn seal(ports: &Ports, mut attempt: Attempt) -> Result<Ticket, Refusal> {
    let key = ports.seal.key(ports).await?;
    let mut sealed = sealed(key, &attempt)?;
    if sealed.len() > LONGEST {
        attempt.return_to = super::landing(ports, "/");
        sealed = self::sealed(key, &attempt)?;
    }
    Ok(Ticket { name: name(&attempt.state), sealed: sealed.into() })
}

/// The sign-in with this state, where the browser holds it and it is not too old.
pub(super) async fn open(
    ports: &Ports,
    tickets: &[Ticket],
    state: &SecretString,
) -> Result<Option<Attempt>, Refusal> {
    let name = name(state.expose_secret());
    let Some(ticket) = tickets.iter().find(|ticket| ticket.name == name) else { return Ok(None) };
    let key = ports.seal.key(ports).await?;
    let attempt = opened(key, &ticket.sealed).filter(|attempt| {
        let is_its_own = attempt.state.as_bytes().ct_eq(state.expose_secret().as_bytes());
        bool::from(is_its_own) && attempt.is_open(ports.clock.now())
    });
    Ok(attempt)
}

/// The names of those that the browser had better give back before it gets one more: what is void, and the oldest.
pub(super) async fn to_give_back(ports: &Ports, tickets: &[Ticket]) -> Result<Vec<String>, Refusal> {
    if tickets.is_empty() {
        return Ok(Vec::new());
    }
    let (key, now) = (ports.seal.key(ports).await?, ports.clock.now());
    let began = |ticket: &Ticket| {
        opened(key, &ticket.sealed).filter(|attempt| attempt.is_open(now)).map(|attempt| attempt.began)
    };
    let mut all: Vec<_> = tickets.iter().map(|ticket| (began(ticket), &ticket.name)).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.0));
    let kept = all.iter().take(MOST - 1).take_while(|(began, _)| began.is_some()).count();
    Ok(all.into_iter().skip(kept).map(|(_, name)| name.clone()).collect())
}

/// The name of the ticket for a state; another state may by chance have the same, which then takes its place.
pub(super) fn name(state: &str) -> String {
    let start =
        tokens::digest(state).iter().take(4).fold(0_u32, |start, byte| (start << 8) | u32::from(*byte));
    format!("{start:08x}")
}

fn sealed(key: &SecretString, attempt: &Attempt) -> Result<String, Refusal> {
    let text = serde_json::to_vec(attempt).map_err(|error| Refusal::Outside(error.to_string()))?;
    let text = BASE64_URL_SAFE_NO_PAD.encode(text);
    let seal = mac(key, &text).ok_or_else(|| Refusal::Outside("a ticket cannot be sealed".to_owned()))?;
    Ok(format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(seal.finalize().into_bytes())))
}

fn opened(key: &SecretString, sealed: &SecretString) -> Option<Attempt> {
    let (text, seal) = sealed.expose_secret().split_once('.')?;
    let seal = BASE64_URL_SAFE_NO_PAD.decode(seal).ok()?;
    mac(key, text)?.verify_slice(&seal).ok()?;
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

fn mac(key: &SecretString, text: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes()).ok()?;
    mac.update(PURPOSE);
    mac.update(text.as_bytes());
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt() -> Attempt {
        Attempt {
            directory: DirectoryId::parse("entra").unwrap(),
            state: "state".to_owned(),
            nonce: "nonce".to_owned(),
            verifier: "verifier".to_owned(),
            return_to: "/å?a=1".to_owned(),
            max_age: Some(300),
            acr_values: vec!["urn:mfa".to_owned()],
            origin: Some("https://crm.example".to_owned()),
            began: "2026-01-01T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn a_ticket_is_opened_by_the_key_that_sealed_it_and_by_no_other() {
        let key = SecretString::from("one");
        let ticket = sealed(&key, &attempt()).unwrap();
        assert_eq!(opened(&key, &ticket.clone().into()), Some(attempt()));
        assert_eq!(opened(&SecretString::from("other"), &ticket.clone().into()), None);
        let mut ends: Vec<String> = (0..ticket.len()).map(|end| ticket[..end].to_owned()).collect();
        ends.extend([format!("{ticket}A"), ticket.replace('.', ".."), String::new(), ".".to_owned()]);
        assert!(ends.into_iter().all(|text| opened(&key, &text.into()).is_none()));
        let (text, seal) = ticket.split_once('.').unwrap();
        let other = sealed(&key, &Attempt { nonce: "other".to_owned(), ..attempt() }).unwrap();
        let (other_text, other_seal) = other.split_once('.').unwrap();
        assert_eq!(opened(&key, &format!("{other_text}.{seal}").into()), None);
        assert_eq!(opened(&key, &format!("{text}.{other_seal}").into()), None);
    }

    #[test]
    fn a_ticket_is_open_for_ten_minutes_and_for_a_node_whose_clock_is_a_little_behind() {
        let (attempt, began) = (attempt(), attempt().began);
        let after = |seconds: i64| began.saturating_add(SignedDuration::from_secs(seconds)).unwrap();
        assert!(attempt.is_open(began) && attempt.is_open(after(599)) && attempt.is_open(after(-60)));
        assert!(!attempt.is_open(after(600)) && !attempt.is_open(after(-61)));
    }
}
