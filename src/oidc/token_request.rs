//! The two questions of a sign-in to the provider: the code for tokens, and userinfo.
//!
//! Invariant: a code is sent once; no answer but a good one is taken for tokens.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::claims::Claims;
use super::client_proof::{self, Form};
use super::error::{Endpoint, OidcError, printable};
use super::http_client::{Answer, Fault, HttpClient};
use super::metadata::Metadata;
use super::relying_party::RelyingParty;
use super::sign_in::Callback;

/// The tokens of a good answer (OpenID Connect Core §3.1.3.3).
pub(super) struct Tokens {
    /// The ID token, not yet believed.
    pub(super) id_token: SecretString,
    /// The access token, for userinfo and `at_hash`.
    pub(super) access_token: Option<SecretString>,
}

/// Why there are no tokens.
pub(super) enum NoTokens {
    /// Our client could not show itself.
    Unproven(OidcError),
    /// The exchange failed.
    Fault(Fault),
    /// The provider refused.
    Refused {
        /// The OAuth error code.
        error: String,
        /// The provider's words.
        description: Option<String>,
    },
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: Option<SecretString>,
    access_token: Option<SecretString>,
}

/// Exchanges `code` (RFC 6749 §4.1.3, RFC 7636 §4.5), as the client that [`client_proof`] shows.
pub(super) async fn exchange(
    party: &RelyingParty,
    metadata: &Metadata,
    now: Timestamp,
    callback: &Callback<'_>,
) -> Result<Tokens, NoTokens> {
    let settings = &party.settings;
    let redirect_uri = callback.redirect_uri.unwrap_or(&settings.redirect_uri);
    let mut form: Form<'_> = vec![
        ("grant_type", "authorization_code".into()),
        ("code", callback.code.expose_secret().into()),
        ("redirect_uri", redirect_uri.into()),
        ("code_verifier", callback.pkce_verifier.expose_secret().into()),
    ];
    let proof = client_proof::prove(settings, metadata, now, &mut form).map_err(NoTokens::Unproven)?;
    let asked = party.http.post_form(&metadata.token_endpoint, &proof, &form).await;
    read(&asked.map_err(NoTokens::Fault)?)
}

fn read(answer: &Answer) -> Result<Tokens, NoTokens> {
    if !answer.is_overloaded()
        && let Ok(refusal) = serde_json::from_slice::<Map<String, Value>>(&answer.body)
        && let Some(error) = refusal.get("error").and_then(Value::as_str)
    {
        let description = refusal.get("error_description").and_then(Value::as_str);
        let (error, description) = refusal_words(error, description);
        return Err(NoTokens::Refused { error, description });
    }
    let object = answer.json_object().map_err(NoTokens::Fault)?;
    let unusable = |reason: &str| NoTokens::Fault(Fault::Unusable(reason.to_owned()));
    let tokens: TokenAnswer = serde_json::from_value(Value::Object(object))
        .map_err(|_| unusable("id_token or access_token is not a text"))?;
    let id_token =
        tokens.id_token.ok_or_else(|| unusable("the answer has no id_token; is openid among the scopes?"))?;
    Ok(Tokens { id_token, access_token: tokens.access_token })
}

/// The provider's `error` and `error_description`, cut to what a log or a page can show.
pub(super) fn refusal_words(error: &str, description: Option<&str>) -> (String, Option<String>) {
    (printable(error, 64), description.map(|text| printable(text, 300)).filter(|text| !text.is_empty()))
}

/// Asks userinfo (OpenID Connect Core §5.3). Signed answers are not supported.
pub(super) async fn userinfo(
    http: &HttpClient,
    address: &str,
    access_token: &SecretString,
) -> Result<Claims, Fault> {
    http.get(address, Some(access_token)).await?.json_object().map(Claims::new)
}

impl NoTokens {
    /// The same, said of a directory.
    pub(super) fn of(self, directory: &str) -> OidcError {
        let directory = directory.to_owned();
        let endpoint = Endpoint::Token;
        match self {
            Self::Unproven(error) => error,
            Self::Fault(Fault::Unreachable(reason)) => {
                OidcError::ProviderUnavailable { directory, endpoint, reason }
            }
            Self::Fault(Fault::Unusable(reason)) => {
                OidcError::ProviderUnusable { directory, endpoint, reason }
            }
            Self::Refused { error, description } => {
                OidcError::ProviderSaidNo { directory, error, description }
            }
        }
    }
}
