//! Which issuers and tenants a directory stands for.
//!
//! Invariant: issuers are compared byte for byte. An Entra issuer shared by
//! many tenants stands only for the tenants that the settings list.

use reqwest::Url;

use super::http_client::is_safe_address;
use super::settings::{ProviderKind, RelyingPartySettings};

/// What Entra writes for the tenant in the discovery document of a shared issuer.
const PLACEHOLDER: &str = "{tenantid}";

/// The issuer a directory's tokens must carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum IssuerRule {
    /// This one, and for Entra only this tenant's tokens if the address names it.
    Exact {
        /// The issuer.
        issuer: String,
        /// The tenant that the issuer's address names.
        tenant: Option<String>,
    },
    /// Entra's `common`, `organizations` or `consumers`, for the tenants listed.
    Shared {
        /// The issuer with the tenant's place left open.
        template: String,
    },
}

impl IssuerRule {
    /// The rule for these settings.
    ///
    /// # Errors
    ///
    /// A sentence for the operator, when the issuer cannot be used.
    pub(super) fn new(settings: &RelyingPartySettings) -> Result<Self, String> {
        let issuer = &settings.issuer;
        let url = Url::parse(issuer).map_err(|error| format!("oidc.issuer is not an address: {error}"))?;
        if !is_safe_address(&url, true) || url.query().is_some() || url.fragment().is_some() {
            return Err(
                "oidc.issuer must be an https address without query or fragment (http only on this machine)"
                    .to_owned(),
            );
        }
        if settings.kind != ProviderKind::Entra {
            return Ok(Self::Exact { issuer: issuer.clone(), tenant: None });
        }
        let segments = || url.path_segments().into_iter().flatten();
        if let Some(shared) = segments().find(|s| matches!(*s, "common" | "organizations" | "consumers")) {
            if settings.tenants.is_empty() {
                return Err(format!(
                    "oidc.issuer {issuer:?} lets every tenant in; write your own tenant id in it, or list oidc.tenants"
                ));
            }
            let template = issuer.replacen(&format!("/{shared}/"), &format!("/{PLACEHOLDER}/"), 1);
            return Ok(Self::Shared { template });
        }
        let tenant = segments().find(|segment| is_tenant_id(segment)).map(str::to_owned);
        if tenant.is_none() && settings.tenants.is_empty() {
            return Err(
                "oidc.issuer names no tenant id; write it in the address, or list oidc.tenants".to_owned()
            );
        }
        Ok(Self::Exact { issuer: issuer.clone(), tenant })
    }

    /// Whether a discovery document may call itself this.
    pub(super) fn is_announced_by(&self, announced: &str) -> bool {
        match self {
            Self::Exact { issuer, .. } => announced == issuer,
            Self::Shared { template } => announced == template,
        }
    }

    /// Whether a token of tenant `tid` may carry this `iss`.
    pub(super) fn is_issuer_of(&self, iss: &str, tid: Option<&str>) -> bool {
        match self {
            Self::Exact { issuer, .. } => iss == issuer,
            Self::Shared { template } => tid.is_some_and(|tid| iss == template.replace(PLACEHOLDER, tid)),
        }
    }

    /// Whether a callback may carry this `iss` (RFC 9207), whose tenant is not known yet.
    pub(super) fn is_callback_issuer(&self, iss: &str, tenants: &[String]) -> bool {
        match self {
            Self::Exact { issuer, .. } => iss == issuer,
            Self::Shared { .. } => tenants.iter().any(|tenant| self.is_issuer_of(iss, Some(tenant))),
        }
    }

    /// Whether people of tenant `tid` may sign in, `tenants` being the settings' list.
    pub(super) fn lets_in(&self, tid: &str, tenants: &[String]) -> bool {
        let named = match self {
            Self::Exact { tenant, .. } => tenant.as_deref(),
            Self::Shared { .. } => None,
        };
        named.is_none_or(|tenant| tenant.eq_ignore_ascii_case(tid))
            && (tenants.is_empty() || tenants.iter().any(|tenant| tenant.eq_ignore_ascii_case(tid)))
    }
}

/// Where the discovery document lies (OpenID Connect Discovery §4.1): one
/// trailing slash of the issuer is taken off first.
pub(super) fn discovery_address(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer))
}

/// Whether `text` has the form of a tenant id: 8-4-4-4-12 hexadecimal digits.
fn is_tenant_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "c0ffee00-1111-4222-8333-444455556666";
    const THEIRS: &str = "deadbeef-1111-4222-8333-444455556666";

    fn rule(issuer: &str, tenants: &[&str]) -> IssuerRule {
        let mut settings =
            RelyingPartySettings::new("d", ProviderKind::Entra, issuer, "crm", "https://crm.example/cb");
        settings.tenants = tenants.iter().map(|&t| t.to_owned()).collect();
        IssuerRule::new(&settings).unwrap()
    }

    #[test]
    fn a_slash_more_or_less_is_another_issuer() {
        let rule = rule("https://login.example/x/", &[OURS]);
        assert!(rule.is_announced_by("https://login.example/x/"));
        assert!(!rule.is_announced_by("https://login.example/x"));
        assert!(!rule.is_issuer_of("https://LOGIN.example/x/", Some(OURS)));
    }

    #[test]
    fn one_trailing_slash_is_not_doubled_in_the_discovery_address() {
        assert_eq!(discovery_address("https://a/"), "https://a/.well-known/openid-configuration");
        assert_eq!(
            discovery_address("http://127.0.0.1:9501"),
            "http://127.0.0.1:9501/.well-known/openid-configuration"
        );
    }

    #[test]
    fn the_tenant_in_the_issuer_is_the_only_one() {
        let rule = rule(&format!("https://login.microsoftonline.com/{OURS}/v2.0"), &[]);
        assert!(rule.lets_in(OURS, &[]));
        assert!(rule.lets_in(&OURS.to_uppercase(), &[]));
        assert!(!rule.lets_in(THEIRS, &[]));
    }

    #[test]
    fn a_shared_issuer_takes_only_listed_tenants_each_with_its_own_iss() {
        let tenants = [OURS.to_owned()];
        let rule = rule("https://login.microsoftonline.com/common/v2.0", &[OURS]);
        assert!(rule.is_announced_by("https://login.microsoftonline.com/{tenantid}/v2.0"));
        assert!(!rule.is_announced_by("https://login.microsoftonline.com/common/v2.0"));
        let iss = format!("https://login.microsoftonline.com/{OURS}/v2.0");
        assert!(rule.is_issuer_of(&iss, Some(OURS)) && rule.lets_in(OURS, &tenants));
        assert!(!rule.is_issuer_of(&iss, Some(THEIRS)) && !rule.lets_in(THEIRS, &tenants));
        assert!(!rule.is_issuer_of(&iss, None));
        assert!(rule.is_callback_issuer(&iss, &tenants));
    }
}
