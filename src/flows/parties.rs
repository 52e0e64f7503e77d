//! The relying party of each directory that people sign in through.
//!
//! Invariant: built once from the settings; every directory comes back to one address, `/sso/callback`.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Refusal;
use crate::config::{Audience, Directory, DirectoryKind, DirectoryOidc, Par, Settings};
use crate::domain::ids::DirectoryId;
use crate::oidc::{
    AssertionAudience, ClientKey, HttpClient, HttpLimits, OidcError, ProviderKind, PushedRequests,
    RelyingParty, RelyingPartySettings, SigningAlgorithm,
};

/// The relying parties, by directory.
#[derive(Debug, Default)]
pub struct Parties {
    by_directory: BTreeMap<DirectoryId, RelyingParty>,
}

impl Parties {
    /// Builds one for each directory with `[directory.oidc]`; they share one HTTP client. No provider is asked yet.
    ///
    /// # Errors
    ///
    /// [`OidcError::Settings`] with every mistake of a directory, [`OidcError::HttpClient`] when no client can be built.
    pub fn new(settings: &Settings) -> Result<Self, OidcError> {
        let with_sign_in: Vec<(&Directory, &DirectoryOidc)> = settings
            .directories
            .iter()
            .filter_map(|directory| directory.oidc.as_ref().map(|oidc| (directory, oidc)))
            .collect();
        if with_sign_in.is_empty() {
            return Ok(Self::default());
        }
        let http = HttpClient::new(HttpLimits::default())?;
        let callback = settings.server.public_url.join("/sso/callback");
        let mut by_directory = BTreeMap::new();
        for (directory, oidc) in with_sign_in {
            let party = RelyingParty::new(of(directory, oidc, &callback)?, http.clone())?;
            by_directory.insert(directory.id.clone(), party);
        }
        Ok(Self { by_directory })
    }

    /// The relying party of a directory; nothing where people do not sign in through it.
    #[must_use]
    pub fn get(&self, directory: &DirectoryId) -> Option<&RelyingParty> {
        self.by_directory.get(directory)
    }

    /// The public half of the key that Portvakt proves itself with at a directory's provider, as a JSON Web Key Set
    /// (RFC 7517 §5).
    ///
    /// # Errors
    ///
    /// [`Refusal::NotFound`] where people do not sign in through the directory, or no key proves Portvakt there.
    pub fn public_keys(&self, directory: &str) -> Result<Value, Refusal> {
        let party = self.by_directory.iter().find(|(id, _)| id.as_str() == directory).map(|(_, party)| party);
        let key = party.and_then(|party| party.settings().client_key.as_ref()?.public_jwk());
        let key = key.ok_or_else(|| Refusal::not_found("client_key for the sign-in through", directory))?;
        Ok(json!({ "keys": [key] }))
    }

    /// Asks each provider anew that last gave its metadata and keys before `old`. One that nobody has signed in through yet is left alone. Gives how many answered.
    ///
    /// # Errors
    ///
    /// The first provider's trouble; the others were asked all the same, and what was known before stays in use.
    pub async fn refresh(&self, old: Timestamp, now: Timestamp) -> Result<usize, OidcError> {
        let stale = self.by_directory.values().filter(|party| is_stale(party, old));
        let asked = join_all(stale.map(|party| party.refresh(now))).await;
        let answered = asked.len();
        asked.into_iter().collect::<Result<(), OidcError>>()?;
        Ok(answered)
    }

    /// The directories that people sign in through, in the order of their ids.
    pub fn directories(&self) -> impl Iterator<Item = &DirectoryId> {
        self.by_directory.keys()
    }
}

fn is_stale(party: &RelyingParty, old: Timestamp) -> bool {
    party.keys_fetched_at().is_some_and(|fetched_at| fetched_at <= old)
}

fn of(
    directory: &Directory,
    oidc: &DirectoryOidc,
    callback: &str,
) -> Result<RelyingPartySettings, OidcError> {
    let kind = match directory.kind {
        DirectoryKind::Entra => ProviderKind::Entra,
        DirectoryKind::Okta => ProviderKind::Okta,
        DirectoryKind::Generic => ProviderKind::Generic,
    };
    let mut party =
        RelyingPartySettings::new(directory.id.as_str(), kind, &oidc.issuer, &oidc.client_id, callback);
    party.client_secret = oidc.client_secret.as_ref().map(|secret| secret.secret_string().clone());
    party.scopes.clone_from(&oidc.scopes);
    party.subject_claim = Some(oidc.subject_claim.clone());
    party.tenants.clone_from(&oidc.tenants);
    party.leeway_seconds = u32::try_from(oidc.leeway.as_secs()).unwrap_or(party.leeway_seconds);
    if !oidc.algorithms.is_empty() {
        party.algorithms = algorithms(directory, &oidc.algorithms)?;
    }
    party.client_key = client_key(directory, oidc)?;
    party.pushed_requests = match oidc.asking.par {
        Par::Auto => PushedRequests::Auto,
        Par::Off => PushedRequests::Off,
        Par::Require => PushedRequests::Require,
    };
    party.groups_claim.clone_from(&oidc.groups_claim);
    party.groups_separator.clone_from(&oidc.groups_separator);
    party.ask_userinfo = oidc.userinfo;
    Ok(party)
}

fn client_key(directory: &Directory, oidc: &DirectoryOidc) -> Result<Option<ClientKey>, OidcError> {
    let Some(key) = &oidc.client_key else { return Ok(None) };
    let algorithm = match &key.algorithm {
        Some(name) => algorithms(directory, std::slice::from_ref(name))?.pop(),
        None => None,
    };
    let audience = match key.audience {
        Audience::Issuer => AssertionAudience::Issuer,
        Audience::TokenEndpoint => AssertionAudience::TokenEndpoint,
    };
    let read = ClientKey::read(key.pem.secret_string(), key.id.clone(), algorithm, audience);
    read.map(Some).map_err(|problem| OidcError::Settings {
        directory: directory.id.to_string(),
        problems: vec![format!("oidc.client_key: {problem}")],
    })
}

fn algorithms(directory: &Directory, names: &[String]) -> Result<Vec<SigningAlgorithm>, OidcError> {
    names
        .iter()
        .map(|name| {
            name.parse().map_err(|unknown| OidcError::Settings {
                directory: directory.id.to_string(),
                problems: vec![format!("oidc.algorithms: {name:?} is {unknown}")],
            })
        })
        .collect()
}
