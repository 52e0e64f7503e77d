//! Logout, both ways: the browser sent to the provider, and the provider calling us.
//!
//! Invariant: an ID token is never taken for a logout token, since the one must
//! carry the logout event and no nonce, and the other is refused without a nonce.

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::claims::Claims;
use super::error::{Flaw, OidcError, TokenCheck, TokenKind};
use super::id_token;
use super::relying_party::RelyingParty;

/// The member of `events` that makes a token a logout token.
pub(super) const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Longest hint, in bytes, that is put in an address; servers refuse long ones.
const LONGEST_HINT: usize = 6_000;

/// A provider's word that a session, or all of a person's sessions, ended
/// (OpenID Connect Back-Channel Logout §2.4). At least one of `sub` and `sid` is present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutToken {
    /// Whose sessions: [`Verified::subject`](super::Verified::subject).
    pub sub: Option<String>,
    /// Which session: [`Verified::session_id`](super::Verified::session_id).
    pub sid: Option<String>,
    /// The token's id. Remember it until `exp` and the leeway have passed; a second one is a replay.
    pub jti: String,
    /// When the token ends.
    pub exp: Timestamp,
}

impl RelyingParty {
    /// Where to send the browser so that the provider's session ends too
    /// (OpenID Connect RP-Initiated Logout §2), if the provider offers that.
    ///
    /// A very long hint is left out; the client id then says who asks.
    #[must_use]
    pub fn end_session_url(
        &self,
        id_token_hint: Option<&SecretString>,
        post_logout_redirect_uri: &str,
        state: Option<&str>,
    ) -> Option<String> {
        let known = self.provider.latest()?;
        let mut url = Url::parse(known.metadata.end_session_endpoint.as_deref()?).ok()?;
        let hint = id_token_hint.map(ExposeSecret::expose_secret).filter(|hint| hint.len() <= LONGEST_HINT);
        url.query_pairs_mut()
            .extend_pairs(hint.map(|hint| ("id_token_hint", hint)))
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("post_logout_redirect_uri", post_logout_redirect_uri)
            .extend_pairs(state.map(|state| ("state", state)));
        Some(url.into())
    }

    /// Checks a logout token (OpenID Connect Back-Channel Logout §2.6). That
    /// its `jti` is new is the caller's to check.
    ///
    /// # Errors
    ///
    /// [`OidcError::BadToken`], or a fault of the provider whose keys are needed.
    pub async fn verify_logout_token(&self, now: Timestamp, token: &str) -> Result<LogoutToken, OidcError> {
        let (claims, _) = self.signed_claims(now, token, TokenKind::LogoutToken).await?;
        self.logout(now, &claims).map_err(|flaw| flaw.of(&self.settings.directory, TokenKind::LogoutToken))
    }

    fn logout(&self, now: Timestamp, claims: &Claims) -> Result<LogoutToken, Flaw> {
        id_token::issuer(claims, &self.rule)?;
        id_token::audience(claims, &self.settings.client_id)?;
        id_token::times(claims, now, SignedDuration::from_secs(self.settings.leeway_seconds.into()))?;
        let event = claims.get("events").and_then(|events| events.get(LOGOUT_EVENT));
        if !event.is_some_and(Value::is_object) {
            return Err(Flaw::new(TokenCheck::Events, "events has no back-channel logout"));
        }
        if claims.has("nonce") {
            return Err(Flaw::new(TokenCheck::NoncePresent, "it has a nonce, as an ID token"));
        }
        let sub = claims.text("sub", TokenCheck::LogoutTarget)?.map(str::to_owned);
        let sid = claims.text("sid", TokenCheck::LogoutTarget)?.map(str::to_owned);
        if sub.is_none() && sid.is_none() {
            return Err(Flaw::new(TokenCheck::LogoutTarget, "neither sub nor sid"));
        }
        let jti = claims.required_text("jti", TokenCheck::TokenId)?.to_owned();
        let exp = claims
            .instant("exp", TokenCheck::Times)?
            .ok_or_else(|| Flaw::new(TokenCheck::Times, "there is no exp"))?;
        Ok(LogoutToken { sub, sid, jti, exp })
    }
}
