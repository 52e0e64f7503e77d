//! Pushed authorization requests (RFC 9126): what is asked for goes to the provider behind the browser's back, and the
//! browser carries only a reference to it.
//!
//! Invariant: where a provider or the settings demand it, nothing is sent by the browser instead.

use jiff::Timestamp;
use serde_json::Value;

use super::client_proof::{self, Form};
use super::error::{Endpoint, OidcError};
use super::http_client::Fault;
use super::metadata::Metadata;
use super::relying_party::RelyingParty;
use super::token_request::refusal_words;

/// When requests are pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PushedRequests {
    /// Where the provider offers it.
    #[default]
    Auto,
    /// Never.
    Off,
    /// Always.
    Require,
}

impl RelyingParty {
    /// The address where the request is to be pushed; nothing where the browser carries it.
    ///
    /// # Errors
    ///
    /// [`OidcError::ProviderUnusable`] where settings and provider do not agree.
    pub(super) fn pushed_to<'m>(&self, metadata: &'m Metadata) -> Result<Option<&'m str>, OidcError> {
        let address = metadata.pushed_authorization_request_endpoint.as_deref();
        let unusable =
            |reason: &str| self.provider.error(Endpoint::PushedRequest, Fault::Unusable(reason.to_owned()));
        match (self.settings.pushed_requests, address) {
            (PushedRequests::Off, _) if metadata.require_pushed_authorization_requests => {
                Err(unusable("the provider demands pushed requests, and oidc.par is \"off\""))
            }
            (PushedRequests::Off, _) | (PushedRequests::Auto, None) => Ok(None),
            (PushedRequests::Require, None) => {
                Err(unusable("the provider does not offer it, and oidc.par is \"require\""))
            }
            (PushedRequests::Auto | PushedRequests::Require, Some(address)) => Ok(Some(address)),
        }
    }

    /// Pushes a request. Gives the reference that the browser carries.
    pub(super) async fn push(
        &self,
        now: Timestamp,
        metadata: &Metadata,
        address: &str,
        parameters: &[(&'static str, String)],
    ) -> Result<String, OidcError> {
        // The client's name is a parameter of the request itself, however the client proves itself (RFC 9126 §2.1).
        let mut form: Form<'_> =
            parameters.iter().map(|(name, value)| (*name, value.as_str().into())).collect();
        let proof = client_proof::prove(&self.settings, metadata, now, &mut form)?;
        let told = |fault| self.provider.error(Endpoint::PushedRequest, fault);
        let answer = self.http.post_form(address, &proof, &form).await.map_err(told)?;
        let refusal = || serde_json::from_slice::<serde_json::Map<String, Value>>(&answer.body).ok();
        if !answer.status.is_success()
            && !answer.is_overloaded()
            && let Some(refusal) = refusal()
            && let Some(error) = refusal.get("error").and_then(Value::as_str)
        {
            let description = refusal.get("error_description").and_then(Value::as_str);
            let (error, description) = refusal_words(error, description);
            let reason =
                format!("{error}{}", description.map(|text| format!(": {text}")).unwrap_or_default());
            return Err(told(Fault::Unusable(reason)));
        }
        let object = answer.json_object().map_err(told)?;
        object
            .get("request_uri")
            .and_then(Value::as_str)
            .filter(|uri| !uri.is_empty())
            .map(str::to_owned)
            .ok_or_else(|| told(Fault::Unusable("the answer has no request_uri".to_owned())))
    }
}
