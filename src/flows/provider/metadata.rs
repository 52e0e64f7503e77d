//! What clients read about this provider (OpenID Connect Discovery §3, RFC 8414 §2) and its public keys.
//!
//! Invariant: what is announced is what is done; every address stands under the public address of the settings.

use serde_json::{Value, json};

use super::super::{Ports, Refusal};
use super::keys;
use crate::domain::client::{Claim, Scope};

/// The discovery document.
#[must_use]
pub fn discovery(ports: &Ports) -> Value {
    let at = |path: &str| ports.settings.server.public_url.join(path);
    let standing = ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid"];
    let told = Claim::ALL.iter().map(|claim| claim.name()).chain(["email_verified"]);
    json!({
        "issuer": ports.settings.server.public_url.as_str(),
        "authorization_endpoint": at("/oauth2/authorize"),
        "token_endpoint": at("/oauth2/token"),
        "userinfo_endpoint": at("/oauth2/userinfo"),
        "jwks_uri": at("/oauth2/jwks"),
        "end_session_endpoint": at("/oauth2/logout"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": Scope::ALL.iter().map(|scope| scope.name()).collect::<Vec<_>>(),
        "claims_supported": standing.into_iter().chain(told).collect::<Vec<_>>(),
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
    })
}

/// The public keys (RFC 7517 §5).
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn key_set(ports: &Ports) -> Result<Value, Refusal> {
    Ok(json!({ "keys": keys::keyring(ports).await?.published() }))
}

/// Whether pages of that origin may ask from within the browser: a public client names it.
#[must_use]
pub fn allows_origin(ports: &Ports, origin: &str) -> bool {
    ports.settings.clients.iter().any(|client| client.origins.iter().any(|known| known == origin))
}
