//! The provider's discovery document, as far as it is used.
//!
//! Invariant: every address in a [`Metadata`] is https, or http on this machine
//! when the issuer itself is on this machine.

use reqwest::Url;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::{Endpoint, OidcError, printable};
use super::http_client::{is_safe_address, is_this_machine};
use super::issuer::IssuerRule;

/// What the provider announces (OpenID Connect Discovery §3, RFC 9126 §5,
/// RFC 9207 §3, OpenID Connect RP-Initiated Logout §2.1).
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Metadata {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) end_session_endpoint: Option<String>,
    pub(super) pushed_authorization_request_endpoint: Option<String>,
    #[serde(default)]
    pub(super) claims_parameter_supported: bool,
    #[serde(default)]
    pub(super) require_pushed_authorization_requests: bool,
    #[serde(default)]
    pub(super) scopes_supported: Vec<String>,
    #[serde(default = "basic_only")]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

/// What an absent list means (OpenID Connect Discovery §3).
fn basic_only() -> Vec<String> {
    vec!["client_secret_basic".to_owned()]
}

impl Metadata {
    /// Reads the document at `configured` and holds it against the rule for the issuer.
    ///
    /// # Errors
    ///
    /// [`OidcError::IssuerMismatch`], or [`OidcError::ProviderUnusable`] for
    /// a document that lacks something or names an unsafe address.
    pub(super) fn read(
        document: Map<String, Value>,
        directory: &str,
        configured: &str,
        rule: &IssuerRule,
    ) -> Result<Self, OidcError> {
        let unusable = |endpoint, reason| OidcError::ProviderUnusable {
            directory: directory.to_owned(),
            endpoint,
            reason,
        };
        let metadata: Self = serde_json::from_value(Value::Object(document))
            .map_err(|error| unusable(Endpoint::Discovery, printable(&error.to_string(), 200)))?;
        if !rule.is_announced_by(&metadata.issuer) {
            return Err(OidcError::IssuerMismatch {
                directory: directory.to_owned(),
                configured: configured.to_owned(),
                announced: printable(&metadata.issuer, 200),
            });
        }
        let loopback_allowed = Url::parse(configured).is_ok_and(|url| is_this_machine(&url));
        for (endpoint, address) in metadata.addresses() {
            let safe = Url::parse(address).is_ok_and(|url| is_safe_address(&url, loopback_allowed));
            if !safe {
                return Err(unusable(
                    endpoint,
                    format!("its address is not https: {}", printable(address, 200)),
                ));
            }
        }
        Ok(metadata)
    }

    /// Whether the client secret goes in the form because the header is not taken.
    pub(super) fn wants_secret_in_form(&self) -> bool {
        let offers = |method: &str| self.token_endpoint_auth_methods_supported.iter().any(|m| m == method);
        offers("client_secret_post") && !offers("client_secret_basic")
    }

    fn addresses(&self) -> impl Iterator<Item = (Endpoint, &str)> {
        let required = [
            (Endpoint::Authorization, self.authorization_endpoint.as_str()),
            (Endpoint::Token, self.token_endpoint.as_str()),
            (Endpoint::Keys, self.jwks_uri.as_str()),
        ];
        let offered = [
            self.userinfo_endpoint.as_deref().map(|address| (Endpoint::Userinfo, address)),
            self.end_session_endpoint.as_deref().map(|address| (Endpoint::Authorization, address)),
            self.pushed_authorization_request_endpoint
                .as_deref()
                .map(|address| (Endpoint::PushedRequest, address)),
        ];
        required.into_iter().chain(offered.into_iter().flatten())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(issuer: &str, change: impl Fn(&mut Map<String, Value>)) -> Result<Metadata, OidcError> {
        let mut document = json!({
            "issuer": issuer,
            "authorization_endpoint": "https://idp.example/auth",
            "token_endpoint": "https://idp.example/token",
            "jwks_uri": "https://idp.example/jwks",
        });
        change(document.as_object_mut().unwrap());
        let rule = IssuerRule::Exact { issuer: issuer.to_owned(), tenant: None };
        Metadata::read(document.as_object().unwrap().clone(), "d", issuer, &rule)
    }

    #[test]
    fn a_document_with_only_the_required_members_is_enough() {
        let metadata = read("https://idp.example", |_| {}).unwrap();
        assert!(!metadata.wants_secret_in_form());
        assert!(!metadata.authorization_response_iss_parameter_supported);
    }

    #[test]
    fn another_issuer_is_refused_with_both_names() {
        let error = read("https://idp.example", |d| {
            d.insert("issuer".into(), json!("https://idp.example/"));
        })
        .unwrap_err();
        assert_eq!(error.code(), "provider_issuer_mismatch");
        assert!(error.to_string().contains("\"https://idp.example/\""));
    }

    #[test]
    fn an_address_without_https_is_refused_even_on_this_machine() {
        for address in ["http://idp.example/jwks", "http://127.0.0.1/jwks", "file:///x", "//idp.example"] {
            let error = read("https://idp.example", |d| {
                d.insert("jwks_uri".into(), json!(address));
            });
            assert_eq!(error.unwrap_err().code(), "provider_unusable", "{address}");
        }
        assert!(
            read("http://127.0.0.1:1", |d| {
                d.insert("jwks_uri".into(), json!("http://127.0.0.1:2/jwks"));
            })
            .is_ok()
        );
    }

    #[test]
    fn the_secret_goes_in_the_form_only_where_nothing_else_is_offered() {
        let with = |methods: Value| {
            read("https://idp.example", |d| {
                d.insert("token_endpoint_auth_methods_supported".into(), methods.clone());
            })
            .unwrap()
            .wants_secret_in_form()
        };
        assert!(with(json!(["client_secret_post"])));
        assert!(!with(json!(["client_secret_post", "client_secret_basic"])));
        assert!(!with(json!(["private_key_jwt"])));
    }
}
