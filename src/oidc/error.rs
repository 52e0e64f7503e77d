//! What can go wrong towards a directory, in words and as codes for the audit.
//!
//! Invariant: no error holds a token, a code, a secret or a claim about a
//! person, so each may be logged as it is.

use std::fmt;

/// Which question to the provider failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `/.well-known/openid-configuration`.
    Discovery,
    /// `jwks_uri`.
    Keys,
    /// `token_endpoint`.
    Token,
    /// `userinfo_endpoint`.
    Userinfo,
    /// `authorization_endpoint`; the browser goes there, we do not.
    Authorization,
    /// `pushed_authorization_request_endpoint`.
    PushedRequest,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Discovery => "discovery document",
            Self::Keys => "key set",
            Self::Token => "token endpoint",
            Self::Userinfo => "userinfo endpoint",
            Self::Authorization => "authorization endpoint",
            Self::PushedRequest => "pushed authorization request endpoint",
        })
    }
}

/// Which kind of token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// An ID token (OpenID Connect Core §2).
    IdToken,
    /// A logout token (OpenID Connect Back-Channel Logout §2.4).
    LogoutToken,
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IdToken => "ID token",
            Self::LogoutToken => "logout token",
        })
    }
}

/// The check that a token did not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenCheck {
    /// Not three base64url parts with JSON objects inside.
    Malformed,
    /// `alg` is not on the directory's list.
    Algorithm,
    /// `crit` is present; no critical header is understood.
    Critical,
    /// `typ` says that this is another kind of token.
    Type,
    /// No published key fits `kid` and `alg`.
    Key,
    /// The signature is not of the key.
    Signature,
    /// `iss`.
    Issuer,
    /// `aud`.
    Audience,
    /// `azp`.
    AuthorizedParty,
    /// `exp`, `iat` or `nbf` is missing or not a number of seconds.
    Times,
    /// `exp` has passed.
    Expired,
    /// `nbf` lies ahead.
    NotYetValid,
    /// `iat` lies ahead.
    IssuedInFuture,
    /// `nonce` is missing or another browser's.
    Nonce,
    /// `at_hash` is not of the access token.
    AccessTokenHash,
    /// `auth_time` is missing, unreadable or older than was asked for.
    AuthenticationAge,
    /// `acr` (Entra: `acrs`) is none of the levels that were asked for.
    Assurance,
    /// `sub` is missing or unreadable.
    Subject,
    /// The claim that names the person (`oid` for Entra) is missing or unreadable.
    SubjectClaim,
    /// `tid` is missing or not an allowed tenant.
    Tenant,
    /// The groups claim is neither a string nor a list of strings.
    Groups,
    /// Userinfo speaks of another `sub` than the ID token.
    UserinfoSubject,
    /// `events` does not say back-channel logout.
    Events,
    /// A logout token with a `nonce`, as an ID token has.
    NoncePresent,
    /// A logout token with neither `sub` nor `sid`.
    LogoutTarget,
    /// A logout token without `jti`.
    TokenId,
}

impl TokenCheck {
    /// The stable reason code for the audit.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "token_malformed",
            Self::Algorithm => "token_algorithm",
            Self::Critical => "token_crit",
            Self::Type => "token_type",
            Self::Key => "token_key",
            Self::Signature => "token_signature",
            Self::Issuer => "token_issuer",
            Self::Audience => "token_audience",
            Self::AuthorizedParty => "token_azp",
            Self::Times => "token_times",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::IssuedInFuture => "token_issued_in_future",
            Self::Nonce => "token_nonce",
            Self::AccessTokenHash => "token_at_hash",
            Self::AuthenticationAge => "token_authentication_age",
            Self::Assurance => "token_acr",
            Self::Subject => "token_subject",
            Self::SubjectClaim => "token_subject_claim",
            Self::Tenant => "token_tenant",
            Self::Groups => "token_groups",
            Self::UserinfoSubject => "userinfo_subject",
            Self::Events => "token_events",
            Self::NoncePresent => "token_nonce_present",
            Self::LogoutTarget => "token_logout_target",
            Self::TokenId => "token_jti",
        }
    }
}

/// What went wrong towards a directory.
///
/// `directory` is the directory's id in the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// The settings cannot work; every mistake is listed.
    #[error("directory {directory}: the oidc settings cannot be used: {}", problems.join("; "))]
    Settings {
        /// The directory's id.
        directory: String,
        /// One sentence per mistake, each naming its key.
        problems: Vec<String>,
    },
    /// The HTTP client could not be built (no usable root certificates, for instance).
    #[error("the HTTP client towards identity providers could not be built: {reason}")]
    HttpClient {
        /// What the client said.
        reason: String,
    },
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes: {reason}")]
    NoRandomness {
        /// What the system said.
        reason: String,
    },
    /// The provider could not be reached, was too slow, or said it is down. Worth trying again.
    #[error("directory {directory}: the provider's {endpoint} is out of reach: {reason}")]
    ProviderUnavailable {
        /// The directory's id.
        directory: String,
        /// What was asked.
        endpoint: Endpoint,
        /// What happened.
        reason: String,
    },
    /// The provider answered something that cannot be used: too large, not JSON, a redirect,
    /// an address without https. Trying again will not help.
    #[error("directory {directory}: the provider's {endpoint} cannot be used: {reason}")]
    ProviderUnusable {
        /// The directory's id.
        directory: String,
        /// What was asked.
        endpoint: Endpoint,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The discovery document names another issuer (OpenID Connect Discovery §4.3).
    #[error(
        "directory {directory}: the provider calls itself {announced:?} but oidc.issuer is {configured:?}; \
         they must be the same, character by character"
    )]
    IssuerMismatch {
        /// The directory's id.
        directory: String,
        /// `oidc.issuer` in the settings.
        configured: String,
        /// `issuer` in the discovery document.
        announced: String,
    },
    /// The provider refused in the words of OAuth (RFC 6749 §4.1.2.1 and §5.2).
    #[error("directory {directory}: the provider refused with {error}{}", colon(description.as_deref()))]
    ProviderSaidNo {
        /// The directory's id.
        directory: String,
        /// The code, such as `access_denied` or `invalid_grant`.
        error: String,
        /// The provider's own words, cut to what can be shown.
        description: Option<String>,
    },
    /// The callback carries another provider's `iss`, or none where one was promised (RFC 9207 §2.4).
    #[error("directory {directory}: the callback's iss is missing or not the issuer of this directory")]
    CallbackIssuer {
        /// The directory's id.
        directory: String,
    },
    /// A token did not pass a check.
    #[error("directory {directory}: {token} refused ({}): {detail}", check.code())]
    BadToken {
        /// The directory's id.
        directory: String,
        /// Which kind of token.
        token: TokenKind,
        /// Which check.
        check: TokenCheck,
        /// What was wrong and, where a setting decides, which one.
        detail: String,
    },
}

impl OidcError {
    /// The stable reason code for the audit.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Settings { .. } => "oidc_settings",
            Self::HttpClient { .. } => "oidc_http_client",
            Self::NoRandomness { .. } => "no_randomness",
            Self::ProviderUnavailable { .. } => "provider_unavailable",
            Self::ProviderUnusable { .. } => "provider_unusable",
            Self::IssuerMismatch { .. } => "provider_issuer_mismatch",
            Self::ProviderSaidNo { .. } => "provider_said_no",
            Self::CallbackIssuer { .. } => "callback_issuer",
            Self::BadToken { check, .. } => check.code(),
        }
    }

    /// Whether the same request may succeed later without anybody changing a setting.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::ProviderUnavailable { .. } | Self::NoRandomness { .. })
    }
}

/// A failed check, before it is known of which directory and which token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flaw {
    /// The check.
    pub(super) check: TokenCheck,
    /// What was wrong.
    pub(super) detail: String,
}

impl Flaw {
    /// A flaw of `check` with a sentence for the log.
    pub(super) fn new(check: TokenCheck, detail: impl Into<String>) -> Self {
        Self { check, detail: detail.into() }
    }

    /// The same, said of a directory and a token.
    pub(super) fn of(self, directory: &str, token: TokenKind) -> OidcError {
        OidcError::BadToken { directory: directory.to_owned(), token, check: self.check, detail: self.detail }
    }
}

/// At most `most` characters of `text` from outside, without control or
/// direction characters, so that it can stand in a log line or on a page.
pub(super) fn printable(text: &str, most: usize) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().filter(|c| !hidden(*c)).take(most).collect()
}

fn colon(description: Option<&str>) -> String {
    description.map(|text| format!(": {text}")).unwrap_or_default()
}
