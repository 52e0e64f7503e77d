//! The checks of an ID token's claims (OpenID Connect Core §3.1.3.7).
//!
//! Invariant: every check runs on claims whose signature was verified, and a
//! token passes only if it passes all of them.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::algorithm::SigningAlgorithm;
use super::claims::Claims;
use super::error::{Flaw, TokenCheck};
use super::issuer::IssuerRule;
use super::settings::{ProviderKind, RelyingPartySettings};

/// What the token is held against.
pub(super) struct Expected<'a> {
    /// The directory's settings.
    pub(super) settings: &'a RelyingPartySettings,
    /// Its issuer.
    pub(super) rule: &'a IssuerRule,
    /// The instant of the check.
    pub(super) now: Timestamp,
    /// The nonce that this browser was sent away with.
    pub(super) nonce: &'a SecretString,
    /// How old, in seconds, the sign-in at the provider may be.
    pub(super) max_age: Option<u32>,
    /// Levels of assurance, one of which the token must show; none: whatever it shows.
    pub(super) acr_values: &'a [String],
    /// The access token that came along.
    pub(super) access_token: Option<&'a SecretString>,
    /// The algorithm of the token's signature.
    pub(super) algorithm: SigningAlgorithm,
}

/// Checks all that does not depend on who the person is.
///
/// # Errors
///
/// The first flaw.
pub(super) fn check(claims: &Claims, expected: &Expected<'_>) -> Result<(), Flaw> {
    issuer(claims, expected.rule)?;
    audience(claims, &expected.settings.client_id)?;
    authorized_party(claims, &expected.settings.client_id)?;
    let leeway = SignedDuration::from_secs(expected.settings.leeway_seconds.into());
    times(claims, expected.now, leeway)?;
    nonce(claims, expected.nonce)?;
    access_token_hash(claims, expected)?;
    authentication_age(claims, expected, leeway)?;
    assurance(claims, expected)
}

/// The levels of assurance that a token shows: `acr`, or for Entra the authentication contexts in `acrs`.
pub(super) fn levels(claims: &Claims, kind: ProviderKind) -> Vec<String> {
    let named = match kind {
        ProviderKind::Entra => claims.texts("acrs"),
        ProviderKind::Okta | ProviderKind::Generic => claims.shown("acr").into_iter().collect(),
    };
    named.into_iter().filter(|level| !level.is_empty() && !level.contains(char::is_whitespace)).collect()
}

/// One of the levels that were asked for is shown. The provider may answer with any (OpenID Connect Core §5.5.1.1), so
/// it is we who must look.
fn assurance(claims: &Claims, expected: &Expected<'_>) -> Result<(), Flaw> {
    let shown = levels(claims, expected.settings.kind);
    if expected.acr_values.is_empty() || expected.acr_values.iter().any(|wanted| shown.contains(wanted)) {
        return Ok(());
    }
    Err(Flaw::new(
        TokenCheck::Assurance,
        "the token shows none of the levels asked for; see oidc.acr_values and what the provider can do",
    ))
}

/// `iss` is the directory's; for a shared Entra issuer it must be that of `tid`.
pub(super) fn issuer(claims: &Claims, rule: &IssuerRule) -> Result<(), Flaw> {
    let iss = claims.required_text("iss", TokenCheck::Issuer)?;
    if rule.is_issuer_of(iss, claims.text("tid", TokenCheck::Tenant)?) {
        return Ok(());
    }
    Err(Flaw::new(TokenCheck::Issuer, "iss is not oidc.issuer"))
}

/// `aud` contains our client id.
pub(super) fn audience(claims: &Claims, client_id: &str) -> Result<(), Flaw> {
    if claims.audiences()?.contains(&client_id) {
        return Ok(());
    }
    Err(Flaw::new(TokenCheck::Audience, "aud does not contain oidc.client_id"))
}

/// `azp` is ours where it is present, and present where there are several audiences.
fn authorized_party(claims: &Claims, client_id: &str) -> Result<(), Flaw> {
    match claims.text("azp", TokenCheck::AuthorizedParty)? {
        Some(azp) if azp == client_id => Ok(()),
        Some(_) => Err(Flaw::new(TokenCheck::AuthorizedParty, "azp is not oidc.client_id")),
        None if claims.audiences()?.len() > 1 => {
            Err(Flaw::new(TokenCheck::AuthorizedParty, "several audiences and no azp"))
        }
        None => Ok(()),
    }
}

/// `exp` and `iat` are there and right at `now`, `nbf` too if it is there.
pub(super) fn times(claims: &Claims, now: Timestamp, leeway: SignedDuration) -> Result<(), Flaw> {
    let instant = |name| claims.instant(name, TokenCheck::Times);
    let missing = |name| Flaw::new(TokenCheck::Times, format!("there is no {name}"));
    let exp = instant("exp")?.ok_or_else(|| missing("exp"))?;
    let iat = instant("iat")?.ok_or_else(|| missing("iat"))?;
    if now.duration_since(exp) >= leeway {
        return Err(Flaw::new(TokenCheck::Expired, format!("it expired at {exp}")));
    }
    if instant("nbf")?.is_some_and(|nbf| nbf.duration_since(now) > leeway) {
        return Err(Flaw::new(TokenCheck::NotYetValid, "nbf lies ahead; compare the clocks"));
    }
    if iat.duration_since(now) > leeway {
        return Err(Flaw::new(TokenCheck::IssuedInFuture, format!("issued at {iat}; compare the clocks")));
    }
    Ok(())
}

fn nonce(claims: &Claims, expected: &SecretString) -> Result<(), Flaw> {
    let nonce = claims.required_text("nonce", TokenCheck::Nonce)?;
    if bool::from(nonce.as_bytes().ct_eq(expected.expose_secret().as_bytes())) {
        return Ok(());
    }
    Err(Flaw::new(TokenCheck::Nonce, "nonce is not the one sent"))
}

/// `at_hash`, where present, is of the access token (OpenID Connect Core §3.1.3.8).
fn access_token_hash(claims: &Claims, expected: &Expected<'_>) -> Result<(), Flaw> {
    let Some(hash) = claims.text("at_hash", TokenCheck::AccessTokenHash)? else { return Ok(()) };
    let fits = expected.access_token.is_some_and(|token| {
        hash == BASE64_URL_SAFE_NO_PAD.encode(expected.algorithm.half_hash(token.expose_secret()))
    });
    if fits {
        Ok(())
    } else {
        Err(Flaw::new(TokenCheck::AccessTokenHash, "at_hash is not of the access token"))
    }
}

/// The sign-in at the provider is recent enough, where that was asked for.
fn authentication_age(claims: &Claims, expected: &Expected<'_>, leeway: SignedDuration) -> Result<(), Flaw> {
    let flaw = |detail| Flaw::new(TokenCheck::AuthenticationAge, detail);
    let at = claims.instant("auth_time", TokenCheck::AuthenticationAge)?;
    let Some(max_age) = expected.max_age else { return Ok(()) };
    let at = at.ok_or_else(|| flaw("max_age was asked for and auth_time is missing"))?;
    let age = expected.now.duration_since(at);
    if age > SignedDuration::from_secs(max_age.into()) + leeway {
        return Err(flaw("the sign-in at the provider is older than asked for"));
    }
    if age < -leeway {
        return Err(flaw("auth_time lies ahead; compare the clocks"));
    }
    Ok(())
}
