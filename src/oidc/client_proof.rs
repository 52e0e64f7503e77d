//! How our client shows itself where a provider asks who it is: at the token endpoint and where requests are pushed.
//!
//! Invariant: one proof per request; a secret goes to the provider's own addresses and nowhere else.

use std::borrow::Cow;

use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::client_key::AssertionAudience;
use super::error::OidcError;
use super::http_client::ClientProof;
use super::metadata::Metadata;
use super::settings::RelyingPartySettings;

/// RFC 7523 §2.2.
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A form on its way to the provider.
pub(super) type Form<'f> = Vec<(&'static str, Cow<'f, str>)>;

/// Adds to `form` what proves our client there, and gives what proves it in the header.
///
/// A key signs an assertion; a secret goes in the header, in the form where the provider takes only that; a public
/// client only says its name.
///
/// # Errors
///
/// [`OidcError::NoRandomness`], or a key that cannot sign.
pub(super) fn prove<'s>(
    settings: &'s RelyingPartySettings,
    metadata: &Metadata,
    now: Timestamp,
    form: &mut Form<'s>,
) -> Result<ClientProof<'s>, OidcError> {
    let id = settings.client_id.as_str();
    let is_named = form.iter().any(|(name, _)| *name == "client_id");
    if let Some(key) = &settings.client_key {
        let audience = match key.audience {
            AssertionAudience::Issuer => &metadata.issuer,
            AssertionAudience::TokenEndpoint => &metadata.token_endpoint,
        };
        let assertion = key.assertion(now, id, audience)?;
        form.extend((!is_named).then(|| ("client_id", id.into())));
        form.push(("client_assertion_type", ASSERTION.into()));
        form.push(("client_assertion", assertion.expose_secret().to_owned().into()));
        return Ok(ClientProof::InForm);
    }
    match &settings.client_secret {
        Some(secret) if !metadata.wants_secret_in_form() => Ok(ClientProof::Basic { id, secret }),
        Some(secret) => {
            form.extend((!is_named).then(|| ("client_id", id.into())));
            form.push(("client_secret", secret.expose_secret().into()));
            Ok(ClientProof::InForm)
        }
        None => {
            form.extend((!is_named).then(|| ("client_id", id.into())));
            Ok(ClientProof::InForm)
        }
    }
}
