//! One directory's relying party: the settings and what is known of the provider.
//!
//! Invariant: it has no clock; every instant is the caller's.

use std::sync::Arc;

use jiff::Timestamp;

use super::algorithm::SigningAlgorithm;
use super::claims::Claims;
use super::error::{Flaw, OidcError, TokenCheck, TokenKind};
use super::http_client::HttpClient;
use super::issuer::IssuerRule;
use super::jws::Jws;
use super::provider::Provider;
use super::settings::RelyingPartySettings;

/// Signs people in at one directory's provider. Made once, shared by all requests.
#[derive(Debug)]
pub struct RelyingParty {
    pub(super) settings: RelyingPartySettings,
    pub(super) rule: IssuerRule,
    pub(super) http: HttpClient,
    pub(super) provider: Arc<Provider>,
}

impl RelyingParty {
    /// A relying party; the provider is asked when the first person comes, or by [`Self::refresh`].
    ///
    /// # Errors
    ///
    /// [`OidcError::Settings`] with every mistake.
    pub fn new(settings: RelyingPartySettings, http: HttpClient) -> Result<Self, OidcError> {
        let problems = settings.problems();
        match IssuerRule::new(&settings) {
            Ok(rule) if problems.is_empty() => {
                let provider = Provider::new(&settings, rule.clone(), http.clone());
                Ok(Self { settings, rule, http, provider })
            }
            _ => Err(OidcError::Settings { directory: settings.directory, problems }),
        }
    }

    /// The settings it was made with.
    #[must_use]
    pub fn settings(&self) -> &RelyingPartySettings {
        &self.settings
    }

    /// Fetches the provider's metadata and keys anew; for a timer, hourly or so.
    ///
    /// Does nothing when that was done within the refetch interval.
    ///
    /// # Errors
    ///
    /// [`OidcError::ProviderUnavailable`], [`OidcError::ProviderUnusable`] or
    /// [`OidcError::IssuerMismatch`]; what was known before stays in use.
    pub async fn refresh(&self, now: Timestamp) -> Result<(), OidcError> {
        self.provider.refresh(now).await
    }

    /// When the provider last gave its metadata and keys.
    #[must_use]
    pub fn keys_fetched_at(&self) -> Option<Timestamp> {
        self.provider.latest().map(|known| known.fetched_at)
    }

    /// The claims of `token` once its signature is verified, and the algorithm used.
    ///
    /// An unknown key asks the provider again, as sparingly as [`Provider`] allows.
    pub(super) async fn signed_claims(
        &self,
        now: Timestamp,
        token: &str,
        kind: TokenKind,
    ) -> Result<(Claims, SigningAlgorithm), OidcError> {
        let refused = |flaw: Flaw| flaw.of(&self.settings.directory, kind);
        let jws = Jws::read(token, kind, &self.settings.algorithms).map_err(refused)?;
        let known = self.provider.known(now).await?;
        let claims = match jws.claims(&known.keys) {
            Err(flaw) if flaw.check == TokenCheck::Key => {
                let newer = self.provider.newer_than(known, now).await?;
                jws.claims(&newer.keys)
            }
            settled => settled,
        };
        claims.map(|claims| (claims, jws.algorithm)).map_err(refused)
    }
}
