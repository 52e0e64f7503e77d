//! Reads from a provider's own API when its people last signed in.
//!
//! Invariant: only a listing that is whole is used. An attempt that may have failed is no evidence, and a source that
//! does not tell successful sign-ins says nothing about anybody.

mod size;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

pub use self::size::believe;
use super::lead::{Claim, Fence};
use super::{Ports, Refusal};
use crate::config::PullFrom;
use crate::domain::ids::DirectoryId;
use crate::domain::policy::EvidenceSource;
use crate::pull::{GraphClient, GraphSettings, Listing, OktaClient, OktaSettings, PullError, Pulled};
use crate::store::Conn;
use crate::store::evidence::{self, Health};
use crate::store::identity::{self, IdentityKey};

/// How many people are noted in one transaction.
const PAGE: usize = 500;

/// The same, as the store counts.
const PAGE_ROWS: i64 = 500;

/// What a pull came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whom the provider lists.
    pub listed: usize,
    /// Of them, those whom the directory has provisioned here.
    pub known: usize,
    /// Of them, those who were seen later than anybody here knew.
    pub newer: usize,
    /// Whom the directory has provisioned here and the provider does not list. They are only counted: whether they
    /// have left is for the directory's provisioning to say.
    pub missing: usize,
    /// Whether the provider tells sign-in times at all.
    pub licensed: bool,
}

/// Reads a directory's people and notes when each was last seen.
///
/// Takes evidence only: a person who is gone from the listing, or shut out there, is counted and left as they are.
///
/// # Errors
///
/// [`Refusal::Outside`] when the provider gives no whole listing (noted as the source's health),
/// [`Refusal::Conflict`] when another node has taken the job, [`Refusal::NotFound`] where nothing is pulled.
pub async fn run(ports: &Ports, directory: &DirectoryId, fence: &Fence) -> Result<Outcome, Refusal> {
    let settings = ports.settings.directories.iter().find(|known| known.id == *directory);
    let pull = settings
        .and_then(|settings| settings.pull.as_ref())
        .ok_or_else(|| Refusal::not_found("directory with a section pull", directory))?;
    let now = ports.clock.now();
    let listing = match read(&pull.from, now).await {
        Ok(listing) => listing,
        Err(error) => {
            note_health(ports, fence.claim(), failed(directory, &error)).await?;
            return Err(Refusal::Outside(format!("directory {directory}: {error}")));
        }
    };
    let tells = listing.licensed && tells_successes(&listing.people);
    let mut health = read_whole(directory, &listing, tells, now);
    if let Some(doubt) = size::doubt(ports, directory, listing.people.len()).await? {
        let notes: Vec<String> = health.note.take().into_iter().chain([doubt]).collect();
        health = Health { is_complete: false, note: Some(notes.join("; ")), ..health };
    }
    let mut outcome = Outcome { listed: listing.people.len(), licensed: tells, ..Outcome::default() };
    outcome.missing = missing(ports, directory, &listing.people).await?;
    for page in listing.people.chunks(PAGE) {
        let work = Page { directory: directory.clone(), people: page.into(), claim: fence.claim() };
        let (known, newer) = ports.db.write(move |c| Box::pin(async move { work.note(c).await })).await?;
        outcome.known += known;
        outcome.newer += newer;
    }
    // Last of all, so that the source counts as fresh only when everything it said stands here.
    note_health(ports, fence.claim(), health).await?;
    Ok(outcome)
}

async fn read(from: &PullFrom, now: Timestamp) -> Result<Listing, PullError> {
    match from {
        PullFrom::Entra { tenant_id, client_id, client_secret, base_url, login_url } => {
            let settings = GraphSettings {
                authority: address(login_url, str::parse)?,
                base: address(base_url, str::parse)?,
                tenant_id: tenant_id.clone(),
                client_id: client_id.clone(),
                client_secret: client_secret.secret_string().clone(),
            };
            GraphClient::new(settings)?.list(now).await
        }
        PullFrom::Okta { base_url, token } => {
            let settings =
                OktaSettings { base: address(base_url, str::parse)?, token: token.secret_string().clone() };
            OktaClient::new(settings)?.list(now).await
        }
    }
}

fn address<U, E: std::fmt::Display>(
    text: &str,
    parse: impl Fn(&str) -> Result<U, E>,
) -> Result<U, PullError> {
    parse(text).map_err(|error| PullError::Settings(format!("directory.pull: {text:?}: {error}")))
}

/// Where there are attempts and not one success, the provider does not record successes.
fn tells_successes(people: &[Pulled]) -> bool {
    let seen = |is_attempt| people.iter().any(|p| p.last_sign_in.is_some() && p.is_attempt == is_attempt);
    seen(false) || !seen(true)
}

fn read_whole(directory: &DirectoryId, listing: &Listing, tells: bool, now: Timestamp) -> Health {
    let silent = "the provider tells attempts to sign in and not one success; nothing is taken from them";
    let notes: Vec<&str> =
        listing.note.as_deref().into_iter().chain((listing.licensed && !tells).then_some(silent)).collect();
    Health {
        source: EvidenceSource::Directory,
        scope: directory.to_string(),
        last_success: Some(now),
        is_complete: true,
        is_licensed: tells,
        note: (!notes.is_empty()).then(|| notes.join("; ")),
    }
}

fn failed(directory: &DirectoryId, error: &PullError) -> Health {
    Health {
        source: EvidenceSource::Directory,
        scope: directory.to_string(),
        last_success: None,
        is_complete: false,
        is_licensed: true,
        note: Some(error.to_string()),
    }
}

async fn note_health(ports: &Ports, claim: Claim, health: Health) -> Result<(), Refusal> {
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                claim.hold(c).await?;
                Ok(evidence::set_health(c, &health).await?)
            })
        })
        .await
}

/// How many of a directory's living identities are not among `people`.
async fn missing(ports: &Ports, directory: &DirectoryId, people: &[Pulled]) -> Result<usize, Refusal> {
    let listed: BTreeSet<&str> = people.iter().map(|person| person.external_id.as_str()).collect();
    let mut c = ports.db.snapshot().await?;
    let (mut after, mut missing) = (None, 0);
    loop {
        let page = identity::page(&mut c, directory, after, PAGE_ROWS).await?;
        let Some(last) = page.last() else { return Ok(missing) };
        after = Some(last.id);
        let ids = page.iter().filter_map(|identity| identity.external_id.as_deref());
        missing += ids.filter(|id| !listed.contains(id)).count();
    }
}

/// People whose sign-in times are noted in one transaction.
struct Page {
    directory: DirectoryId,
    people: Arc<[Pulled]>,
    claim: Claim,
}

impl Page {
    /// Gives how many are known, and how many of them were seen later than was known.
    async fn note(&self, c: &mut Conn) -> Result<(usize, usize), Refusal> {
        self.claim.hold(c).await?;
        let (mut known, mut newer) = (0, 0);
        for person in self.people.iter() {
            let key = IdentityKey::ExternalId(person.external_id.clone());
            let found = identity::find(c, &self.directory, &key).await?;
            let Some(identity) = found.first() else { continue };
            known += 1;
            if let Some(at) = person.last_sign_in.filter(|_| !person.is_attempt)
                && evidence::seen(c, identity.account, EvidenceSource::Directory, at).await?
            {
                newer += 1;
            }
        }
        Ok((known, newer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(last_sign_in: Option<&str>, is_attempt: bool) -> Pulled {
        Pulled {
            external_id: "1".to_owned(),
            user_name: "asa".to_owned(),
            enabled: true,
            last_sign_in: last_sign_in.map(|at| at.parse().unwrap()),
            is_attempt,
        }
    }

    #[test]
    fn attempts_without_any_success_say_that_the_provider_records_none() {
        let success = person(Some("2025-01-01T00:00:00Z"), false);
        let attempt = person(Some("2025-01-01T00:00:00Z"), true);
        let never = person(None, false);
        assert!(tells_successes(&[success, attempt.clone()]));
        assert!(tells_successes(std::slice::from_ref(&never)));
        assert!(!tells_successes(&[attempt, never]));
    }
}
