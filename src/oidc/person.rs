//! Who signed in, as the directory's verified claims say it.
//!
//! Invariant: a [`Verified`] is made only from claims that passed every check,
//! and its key is (issuer, subject), for Entra (tenant, object id).

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;

use super::claims::Claims;
use super::error::{Flaw, TokenCheck};
use super::groups::{self, GroupsClaim};
use super::id_token;
use super::issuer::IssuerRule;
use super::settings::{ProviderKind, RelyingPartySettings};

/// A person who signed in at the directory's provider just now.
#[derive(Clone)]
pub struct Verified {
    /// `iss` of the token.
    pub issuer: String,
    /// `sub` of the token; logout tokens name the person by it.
    pub subject: String,
    /// `tid`, always present for Entra.
    pub tenant: Option<String>,
    /// The value of the directory's subject claim: `oid` for Entra, else `sub` unless set otherwise.
    pub subject_value: String,
    /// The address, for mail and for showing; never a key.
    pub email: Option<String>,
    /// Whether the provider vouches for the address (for Entra: `xms_edov`).
    pub email_verified: bool,
    /// The name to show.
    pub name: Option<String>,
    /// The name that the person signs in with at the provider; never a key.
    pub user_name: Option<String>,
    /// The language the person reads, such as `sv-SE`.
    pub locale: Option<String>,
    /// The groups.
    pub groups: GroupsClaim,
    /// `sid`, the provider's session; logout tokens may name it.
    pub session_id: Option<String>,
    /// `acr`: how sure the provider is; for Entra the authentication contexts (`acrs`), blanks between.
    pub acr: Option<String>,
    /// `amr`: how the person proved who they are.
    pub amr: Vec<String>,
    /// When the person proved it.
    pub auth_time: Option<Timestamp>,
    /// The token itself, to be handed back as a hint at logout.
    pub id_token: SecretString,
}

impl fmt::Debug for Verified {
    /// Shows whose token it was by the directory's own ids; no personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("issuer", &self.issuer)
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

/// The person's key, found and checked.
#[derive(Clone)]
pub(super) struct Key {
    subject: String,
    tenant: Option<String>,
    subject_value: String,
}

/// Finds the person's key in the ID token and checks the tenant.
///
/// # Errors
///
/// A flaw of subject, tenant or subject claim.
pub(super) fn key(claims: &Claims, settings: &RelyingPartySettings, rule: &IssuerRule) -> Result<Key, Flaw> {
    let subject = claims.required_text("sub", TokenCheck::Subject)?.to_owned();
    let mut tenant = claims.text("tid", TokenCheck::Tenant)?.map(str::to_owned);
    let is_entra = settings.kind == ProviderKind::Entra;
    if is_entra || !settings.tenants.is_empty() {
        let tid = tenant.as_deref().ok_or_else(|| Flaw::new(TokenCheck::Tenant, "there is no tid"))?;
        if !rule.lets_in(tid, &settings.tenants) {
            return Err(Flaw::new(
                TokenCheck::Tenant,
                "tid is neither the issuer's tenant nor among oidc.tenants",
            ));
        }
        tenant = Some(tid.to_ascii_lowercase());
    }
    if is_entra {
        claims.required_text("oid", TokenCheck::SubjectClaim)?;
    }
    let subject_value = claims.required_text(settings.subject_claim(), TokenCheck::SubjectClaim)?.to_owned();
    Ok(Key { subject, tenant, subject_value })
}

/// Puts the person together from the key and the claims, userinfo's included.
///
/// # Errors
///
/// A flaw of groups or of `auth_time`.
pub(super) fn verified(
    key: Key,
    claims: &Claims,
    settings: &RelyingPartySettings,
    id_token: SecretString,
) -> Result<Verified, Flaw> {
    let vouched = match settings.kind {
        ProviderKind::Entra => "xms_edov",
        ProviderKind::Okta | ProviderKind::Generic => "email_verified",
    };
    let email = claims.shown("email");
    Ok(Verified {
        issuer: claims.required_text("iss", TokenCheck::Issuer)?.to_owned(),
        subject: key.subject,
        tenant: key.tenant,
        subject_value: key.subject_value,
        email_verified: email.is_some() && claims.says_yes(vouched),
        email,
        name: name(claims),
        user_name: claims.shown("preferred_username").or_else(|| claims.shown("upn")),
        locale: claims.shown("locale"),
        groups: groups::read(claims, &settings.groups_claim, settings.groups_separator.as_deref())?,
        session_id: claims.shown("sid"),
        acr: acr(claims, settings.kind),
        amr: claims.texts("amr"),
        auth_time: claims.instant("auth_time", TokenCheck::AuthenticationAge)?,
        id_token,
    })
}

/// How sure the provider is. Entra says it as the authentication contexts that were met; its own `acr` only tells a
/// password from a certificate of old.
fn acr(claims: &Claims, kind: ProviderKind) -> Option<String> {
    let levels = id_token::levels(claims, kind);
    (!levels.is_empty()).then(|| levels.join(" "))
}

fn name(claims: &Claims) -> Option<String> {
    claims.shown("name").or_else(|| {
        let parts: Vec<_> =
            ["given_name", "family_name"].iter().filter_map(|part| claims.shown(part)).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    })
}

/// Whether userinfo could add something that people or rules would miss.
pub(super) fn lacks_something(claims: &Claims, settings: &RelyingPartySettings) -> bool {
    let groups = groups::read(claims, &settings.groups_claim, None);
    claims.get("email").is_none() || name(claims).is_none() || groups == Ok(GroupsClaim::Absent)
}

/// Takes over from userinfo what the ID token leaves out. The subject stays
/// the token's, and an address comes with its own verification, never mixed.
///
/// # Errors
///
/// A flaw when userinfo speaks of somebody else (OpenID Connect Core §5.3.2).
pub(super) fn add_userinfo(
    claims: &mut Claims,
    userinfo: &Claims,
    key: &Key,
    settings: &RelyingPartySettings,
) -> Result<(), Flaw> {
    if userinfo.text("sub", TokenCheck::UserinfoSubject)? != Some(key.subject.as_str()) {
        return Err(Flaw::new(
            TokenCheck::UserinfoSubject,
            "userinfo speaks of another sub than the ID token",
        ));
    }
    if claims.get("email").is_none() {
        claims.replace("email", userinfo);
        claims.replace("email_verified", userinfo);
    }
    if groups::read(claims, &settings.groups_claim, None)? == GroupsClaim::Absent {
        for claim in [settings.groups_claim.as_str(), "_claim_names", "hasgroups"] {
            claims.replace(claim, userinfo);
        }
    }
    for claim in ["name", "given_name", "family_name", "preferred_username", "locale"] {
        claims.fill(claim, userinfo);
    }
    Ok(())
}
