//! Remembers one provider's discovery document and keys, and fetches them sparingly.
//!
//! Invariant: at most one fetch runs at a time, an unknown key causes at most
//! one per refetch interval, and a failed fetch never throws away good keys.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwapOption;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tracing::Instrument;

use super::error::{Endpoint, OidcError};
use super::http_client::{Fault, HttpClient};
use super::issuer::{IssuerRule, discovery_address};
use super::keys::KeySet;
use super::metadata::Metadata;
use super::settings::RelyingPartySettings;

/// While nothing is known at all, a failed fetch is tried again after this long:
/// people are waiting at the sign-in page.
const COLD_RETRY: SignedDuration = SignedDuration::from_secs(5);

/// What one fetch brought home.
#[derive(Debug)]
pub(super) struct Known {
    /// The discovery document.
    pub(super) metadata: Metadata,
    /// The keys.
    pub(super) keys: KeySet,
    /// When.
    pub(super) fetched_at: Timestamp,
}

/// One provider, as last seen.
pub(super) struct Provider {
    directory: String,
    issuer: String,
    rule: IssuerRule,
    http: HttpClient,
    refetch: SignedDuration,
    usable: SignedDuration,
    known: ArcSwapOption<Known>,
    attempts: Arc<Mutex<Attempts>>,
}

/// When fetches were tried; its lock is what makes them single-flight.
#[derive(Debug, Default)]
struct Attempts {
    failed: Option<(Timestamp, OidcError)>,
    for_key: Option<Timestamp>,
}

impl Provider {
    /// A provider that nothing is known about yet.
    pub(super) fn new(settings: &RelyingPartySettings, rule: IssuerRule, http: HttpClient) -> Arc<Self> {
        Arc::new(Self {
            directory: settings.directory.clone(),
            issuer: settings.issuer.clone(),
            rule,
            http,
            refetch: SignedDuration::from_secs(settings.refetch_seconds.into()),
            usable: SignedDuration::from_secs(settings.keys_usable_seconds.into()),
            known: ArcSwapOption::empty(),
            attempts: Arc::default(),
        })
    }

    /// The newest there is, whatever its age.
    pub(super) fn latest(&self) -> Option<Arc<Known>> {
        self.known.load_full()
    }

    /// What is known, fetched first if there is nothing or it has grown too old.
    pub(super) async fn known(self: &Arc<Self>, now: Timestamp) -> Result<Arc<Known>, OidcError> {
        if let Some(known) = self.usable_at(now) {
            return Ok(known);
        }
        let attempts = Arc::clone(&self.attempts).lock_owned().await;
        if let Some(known) = self.usable_at(now) {
            return Ok(known);
        }
        self.fetch_unless_just_failed(now, COLD_RETRY.min(self.refetch), attempts).await
    }

    /// Fetches anew, for a timer; does nothing when that was done a moment ago.
    pub(super) async fn refresh(self: &Arc<Self>, now: Timestamp) -> Result<(), OidcError> {
        let attempts = Arc::clone(&self.attempts).lock_owned().await;
        if self.latest().is_some_and(|known| is_near(known.fetched_at, now, self.refetch)) {
            return Ok(());
        }
        self.fetch_unless_just_failed(now, self.refetch, attempts).await.map(|_| ())
    }

    /// Something newer than `seen`, in which a key was missing; `seen` itself
    /// when a fetch for a missing key was made a moment ago.
    pub(super) async fn newer_than(
        self: &Arc<Self>,
        seen: Arc<Known>,
        now: Timestamp,
    ) -> Result<Arc<Known>, OidcError> {
        let mut attempts = Arc::clone(&self.attempts).lock_owned().await;
        if let Some(known) = self.latest().filter(|known| !Arc::ptr_eq(known, &seen)) {
            return Ok(known);
        }
        if attempts.for_key.is_some_and(|at| is_near(at, now, self.refetch)) {
            return Ok(seen);
        }
        attempts.for_key = Some(now);
        self.fetch(now, attempts).await
    }

    fn usable_at(&self, now: Timestamp) -> Option<Arc<Known>> {
        self.latest().filter(|known| now.duration_since(known.fetched_at) <= self.usable)
    }

    async fn fetch_unless_just_failed(
        self: &Arc<Self>,
        now: Timestamp,
        pause: SignedDuration,
        attempts: OwnedMutexGuard<Attempts>,
    ) -> Result<Arc<Known>, OidcError> {
        match &attempts.failed {
            Some((at, error)) if is_near(*at, now, pause) => Err(error.clone()),
            _ => self.fetch(now, attempts).await,
        }
    }

    /// Fetches in a task of its own that holds the lock: a browser that goes
    /// away must not break off a fetch which others wait for, nor use up the
    /// interval's only one.
    async fn fetch(
        self: &Arc<Self>,
        now: Timestamp,
        mut attempts: OwnedMutexGuard<Attempts>,
    ) -> Result<Arc<Known>, OidcError> {
        let provider = Arc::clone(self);
        let work = async move {
            let fetched = provider.ask(now).await.map(Arc::new);
            match &fetched {
                Ok(known) => {
                    provider.known.store(Some(Arc::clone(known)));
                    attempts.failed = None;
                    tracing::debug!(
                        directory.id = provider.directory,
                        "fetched the provider's metadata and keys"
                    );
                }
                Err(error) => attempts.failed = Some((now, error.clone())),
            }
            fetched
        };
        match tokio::spawn(work.in_current_span()).await {
            Ok(fetched) => fetched,
            Err(_) => {
                Err(self
                    .error(Endpoint::Discovery, Fault::Unreachable("the fetch was broken off".to_owned())))
            }
        }
    }

    async fn ask(&self, now: Timestamp) -> Result<Known, OidcError> {
        let document = self.json(Endpoint::Discovery, &discovery_address(&self.issuer)).await?;
        let metadata = Metadata::read(document, &self.directory, &self.issuer, &self.rule)?;
        let document = self.json(Endpoint::Keys, &metadata.jwks_uri).await?;
        let keys =
            KeySet::read(&document).map_err(|reason| self.error(Endpoint::Keys, Fault::Unusable(reason)))?;
        Ok(Known { metadata, keys, fetched_at: now })
    }

    async fn json(
        &self,
        endpoint: Endpoint,
        address: &str,
    ) -> Result<serde_json::Map<String, serde_json::Value>, OidcError> {
        let answer = self.http.get(address, None).await.map_err(|fault| self.error(endpoint, fault))?;
        answer.json_object().map_err(|fault| self.error(endpoint, fault))
    }

    /// A fault of this provider, in the words of the floor.
    pub(super) fn error(&self, endpoint: Endpoint, fault: Fault) -> OidcError {
        let directory = self.directory.clone();
        match fault {
            Fault::Unreachable(reason) => OidcError::ProviderUnavailable { directory, endpoint, reason },
            Fault::Unusable(reason) => OidcError::ProviderUnusable { directory, endpoint, reason },
        }
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Whether two instants lie closer than `span`, in either order: callers'
/// instants may overtake each other, and the clock may be set back.
fn is_near(one: Timestamp, other: Timestamp, span: SignedDuration) -> bool {
    one.duration_since(other).abs() < span
}
