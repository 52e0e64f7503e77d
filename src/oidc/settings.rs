//! What the operator says about one directory's OpenID provider.
//!
//! Invariant: a [`RelyingPartySettings`] that passes [`RelyingPartySettings::problems`]
//! names one issuer (or, for Entra, a closed list of tenants) and only
//! addresses that are https or on this machine.

use reqwest::Url;
use secrecy::SecretString;

use super::algorithm::SigningAlgorithm;
use super::client_key::ClientKey;
use super::http_client::is_safe_address;
use super::issuer::IssuerRule;
use super::pushed_request::PushedRequests;

/// Which provider's habits to expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// Microsoft Entra ID: the person is `oid` in tenant `tid`.
    Entra,
    /// Okta.
    Okta,
    /// Any other OpenID provider.
    Generic,
}

/// Claims that people or administrators of a tenant can set as they like: never a key.
const NEVER_A_KEY: [&str; 9] = [
    "email",
    "upn",
    "unique_name",
    "preferred_username",
    "verified_primary_email",
    "name",
    "nickname",
    "given_name",
    "family_name",
];

/// The settings of one directory's sign-in.
#[derive(Debug, Clone)]
pub struct RelyingPartySettings {
    /// The directory's id; stands in messages.
    pub directory: String,
    /// Which provider's habits to expect.
    pub kind: ProviderKind,
    /// The issuer, exactly as the provider writes it, trailing slash included.
    pub issuer: String,
    /// Our client id at the provider.
    pub client_id: String,
    /// Our client secret; none for a public client, which PKCE alone protects.
    pub client_secret: Option<SecretString>,
    /// The key that proves our client instead of a secret.
    pub client_key: Option<ClientKey>,
    /// When requests are pushed.
    pub pushed_requests: PushedRequests,
    /// Where the provider sends the browser back.
    pub redirect_uri: String,
    /// Scopes to ask for. Empty: `openid profile email`, and `groups` where the provider announces it.
    pub scopes: Vec<String>,
    /// The claim that names the person. None: `oid` for Entra, else `sub`.
    pub subject_claim: Option<String>,
    /// Tenants (`tid`) that may sign in. Empty: the one in the issuer.
    pub tenants: Vec<String>,
    /// How much the provider's clock may differ from ours, in seconds.
    pub leeway_seconds: u32,
    /// Algorithms that tokens may be signed with.
    pub algorithms: Vec<SigningAlgorithm>,
    /// The claim that lists groups.
    pub groups_claim: String,
    /// Where groups come joined in one string: what stands between them.
    pub groups_separator: Option<String>,
    /// Whether userinfo is asked for a name, address or groups that the ID token lacks (not with Entra).
    pub ask_userinfo: bool,
    /// How often, in seconds, an unknown key may cause a fetch.
    pub refetch_seconds: u32,
    /// How long, in seconds, keys stay usable while the provider is out of reach.
    pub keys_usable_seconds: u32,
}

impl RelyingPartySettings {
    /// The least that must be said; the rest as documented in `config/portvakt.toml`.
    #[must_use]
    pub fn new(
        directory: &str,
        kind: ProviderKind,
        issuer: &str,
        client_id: &str,
        redirect_uri: &str,
    ) -> Self {
        Self {
            directory: directory.to_owned(),
            kind,
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            client_secret: None,
            client_key: None,
            pushed_requests: PushedRequests::default(),
            redirect_uri: redirect_uri.to_owned(),
            scopes: Vec::new(),
            subject_claim: None,
            tenants: Vec::new(),
            leeway_seconds: 60,
            algorithms: SigningAlgorithm::DEFAULT.to_vec(),
            groups_claim: "groups".to_owned(),
            groups_separator: None,
            ask_userinfo: true,
            refetch_seconds: 30,
            keys_usable_seconds: 86_400,
        }
    }

    /// The claim whose value names the person.
    #[must_use]
    pub fn subject_claim(&self) -> &str {
        match (&self.subject_claim, self.kind) {
            (Some(claim), _) => claim,
            (None, ProviderKind::Entra) => "oid",
            (None, ProviderKind::Okta | ProviderKind::Generic) => "sub",
        }
    }

    /// Every mistake, one sentence each, naming the key and what would be right.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Err(problem) = IssuerRule::new(self) {
            problems.push(problem);
        }
        if self.client_id.trim().is_empty() {
            problems.push("oidc.client_id is empty; the provider's registration page shows it".to_owned());
        }
        match Url::parse(&self.redirect_uri) {
            Ok(url) if is_safe_address(&url, true) && url.fragment().is_none() => {}
            _ => problems.push(
                "oidc.redirect_uri must be an https address without fragment (http only on this machine)"
                    .to_owned(),
            ),
        }
        if !self.scopes.is_empty() && !self.scopes.iter().any(|scope| scope == "openid") {
            problems.push("oidc.scopes must contain \"openid\"".to_owned());
        }
        if self.algorithms.is_empty() {
            problems.push("oidc.algorithms is empty; leave it out for the default".to_owned());
        }
        let claim = self.subject_claim();
        if claim.is_empty() || NEVER_A_KEY.contains(&claim) {
            problems.push(format!(
                "oidc.subject_claim may not be {claim:?}: its value can be changed or reused; take sub or oid"
            ));
        }
        if self.groups_claim.is_empty() {
            problems.push("oidc.groups_claim is empty; leave it out for \"groups\"".to_owned());
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "c0ffee00-1111-4222-8333-444455556666";

    fn settings(kind: ProviderKind, issuer: &str) -> RelyingPartySettings {
        RelyingPartySettings::new("d", kind, issuer, "crm", "https://crm.example/sso/callback")
    }

    #[test]
    fn an_https_issuer_or_one_on_this_machine_is_accepted() {
        for issuer in
            ["https://idp.example", "https://idp.example/", "http://127.0.0.1:9501", "http://[::1]:1/x"]
        {
            assert_eq!(settings(ProviderKind::Generic, issuer).problems(), Vec::<String>::new(), "{issuer}");
        }
    }

    #[test]
    fn an_issuer_without_https_or_with_a_query_is_refused() {
        for issuer in [
            "http://idp.example",
            "ftp://idp.example",
            "idp.example",
            "https://idp.example?x=1",
            "https://i/#f",
            "",
        ] {
            assert_eq!(settings(ProviderKind::Generic, issuer).problems().len(), 1, "{issuer}");
        }
    }

    #[test]
    fn the_shared_entra_issuers_are_refused_unless_tenants_are_listed() {
        for shared in ["common", "organizations", "consumers"] {
            let mut s =
                settings(ProviderKind::Entra, &format!("https://login.microsoftonline.com/{shared}/v2.0"));
            assert_eq!(s.problems().len(), 1, "{shared}");
            s.tenants = vec![TENANT.to_owned()];
            assert_eq!(s.problems(), Vec::<String>::new(), "{shared}");
        }
    }

    #[test]
    fn an_entra_issuer_that_names_no_tenant_needs_a_list() {
        let mut s = settings(ProviderKind::Entra, "http://127.0.0.1:9501");
        assert_eq!(s.problems().len(), 1);
        s.tenants = vec![TENANT.to_owned()];
        assert!(s.problems().is_empty());
        assert!(
            settings(ProviderKind::Entra, &format!("https://login.microsoftonline.com/{TENANT}/v2.0"))
                .problems()
                .is_empty()
        );
    }

    #[test]
    fn an_address_or_a_user_name_is_never_the_key() {
        let mut s = settings(ProviderKind::Generic, "https://idp.example");
        for claim in ["email", "upn", "preferred_username", ""] {
            s.subject_claim = Some(claim.to_owned());
            assert_eq!(s.problems().len(), 1, "{claim}");
        }
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let mut s = settings(ProviderKind::Generic, "nowhere");
        s.client_id.clear();
        s.redirect_uri = "http://crm.example/cb".to_owned();
        s.scopes = vec!["email".to_owned()];
        s.algorithms.clear();
        assert_eq!(s.problems().len(), 5);
    }

    #[test]
    fn the_secret_does_not_show_in_debug() {
        let mut s = settings(ProviderKind::Generic, "https://idp.example");
        s.client_secret = Some("mark-7f3a".into());
        assert!(!format!("{s:?}").contains("mark-7f3a"));
    }
}
