//! A sign-in: away to the provider with the browser, and back with a code.
//!
//! Invariant: nobody is [`Verified`] before the callback's issuer, the code, the
//! signature and every claim have been checked.

use std::fmt;

use jiff::Timestamp;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::chance;
use super::claims::Claims;
use super::error::{Endpoint, Flaw, OidcError, TokenKind};
use super::http_client::Fault;
use super::id_token::{self, Expected};
use super::metadata::Metadata;
use super::person::{self, Verified};
use super::relying_party::RelyingParty;
use super::settings::ProviderKind;
use super::token_request::{self, Tokens};

/// What the provider is asked to do with the person (OpenID Connect Core §3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// Show nothing; answer with an error if that cannot be.
    None,
    /// Ask for the password again.
    Login,
    /// Ask for consent again.
    Consent,
    /// Let the person choose among accounts.
    SelectAccount,
}

impl Prompt {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }
}

/// What one sign-in asks for beyond the directory's settings.
#[derive(Clone, Default)]
pub struct SignInRequest {
    /// The address or name the person gave on our page.
    pub login_hint: Option<String>,
    /// What the provider shall do.
    pub prompt: Option<Prompt>,
    /// How old, in seconds, the sign-in at the provider may be; what is demanded of the token goes to [`Callback`] too.
    pub max_age: Option<u32>,
    /// Levels of assurance to ask for, best first; hand them to [`Callback`] too. The answer is in [`Verified::acr`].
    pub acr_values: Vec<String>,
    /// Levels that would be welcome, where none is demanded: what a client wishes, and judges itself.
    pub acr_wished: Vec<String>,
    /// Where the provider sends the browser back, where it is another than the settings name.
    pub redirect_uri: Option<String>,
}

impl fmt::Debug for SignInRequest {
    /// Leaves the hint out: it is mostly an address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInRequest")
            .field("prompt", &self.prompt)
            .field("max_age", &self.max_age)
            .field("acr_values", &self.acr_values)
            .field("acr_wished", &self.acr_wished)
            .finish_non_exhaustive()
    }
}

/// A sign-in begun. The caller binds `state`, `nonce` and `pkce_verifier` to
/// this browser, lets them be used once, and forgets them after ten minutes.
pub struct Start {
    /// Where to send the browser.
    pub authorize_url: String,
    /// Comes back with the callback; find the attempt by it.
    pub state: SecretString,
    /// Must stand in the ID token.
    pub nonce: SecretString,
    /// Proves that the code was asked for here.
    pub pkce_verifier: SecretString,
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start").finish_non_exhaustive()
    }
}

/// A callback whose `state` was found to be this browser's.
#[derive(Debug)]
pub struct Callback<'a> {
    /// The `code` parameter.
    pub code: &'a SecretString,
    /// From [`Start`].
    pub pkce_verifier: &'a SecretString,
    /// From [`Start`].
    pub nonce: &'a SecretString,
    /// The callback's `iss` parameter (RFC 9207).
    pub iss: Option<&'a str>,
    /// What [`SignInRequest`] asked for.
    pub max_age: Option<u32>,
    /// What [`SignInRequest`] asked for.
    pub acr_values: &'a [String],
    /// Where the browser came back to, where [`SignInRequest`] named it.
    pub redirect_uri: Option<&'a str>,
}

impl RelyingParty {
    /// Begins a sign-in.
    ///
    /// # Errors
    ///
    /// The provider's metadata cannot be had, or there is no randomness.
    pub async fn begin(&self, now: Timestamp, request: &SignInRequest) -> Result<Start, OidcError> {
        let known = self.provider.known(now).await?;
        let (state, nonce, pkce_verifier) = (chance::fresh()?, chance::fresh()?, chance::fresh()?);
        let unusable = |_| {
            let fault = Fault::Unusable("its address cannot be read".to_owned());
            self.provider.error(Endpoint::Authorization, fault)
        };
        let mut url = Url::parse(&known.metadata.authorization_endpoint).map_err(unusable)?;
        let parameters = self.parameters(&known.metadata, request, (&state, &nonce, &pkce_verifier));
        match self.pushed_to(&known.metadata)? {
            None => {
                url.query_pairs_mut().extend_pairs(parameters);
            }
            Some(address) => {
                let reference = self.push(now, &known.metadata, address, &parameters).await?;
                url.query_pairs_mut()
                    .append_pair("client_id", &self.settings.client_id)
                    .append_pair("request_uri", &reference);
            }
        }
        Ok(Start { authorize_url: url.into(), state, nonce, pkce_verifier })
    }

    /// The authorization request (OpenID Connect Core §3.1.2.1, RFC 7636 §4.3).
    fn parameters(
        &self,
        metadata: &Metadata,
        request: &SignInRequest,
        (state, nonce, pkce_verifier): (&SecretString, &SecretString, &SecretString),
    ) -> Vec<(&'static str, String)> {
        let redirect_uri = request.redirect_uri.as_ref().unwrap_or(&self.settings.redirect_uri);
        let mut parameters = vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.settings.client_id.clone()),
            ("redirect_uri", redirect_uri.clone()),
            ("scope", self.scope(metadata)),
            ("state", state.expose_secret().to_owned()),
            ("nonce", nonce.expose_secret().to_owned()),
            ("code_challenge", chance::challenge(pkce_verifier)),
            ("code_challenge_method", "S256".to_owned()),
        ];
        parameters.extend(wishes(request, self.settings.kind, metadata.claims_parameter_supported));
        parameters
    }

    /// Finishes a sign-in: exchanges the code and checks everything.
    ///
    /// # Errors
    ///
    /// [`OidcError::CallbackIssuer`], [`OidcError::ProviderSaidNo`],
    /// [`OidcError::BadToken`] or a fault of the provider.
    pub async fn finish(&self, now: Timestamp, callback: &Callback<'_>) -> Result<Verified, OidcError> {
        let known = self.provider.known(now).await?;
        self.check_callback_issuer(&known.metadata, callback.iss)?;
        let directory = &self.settings.directory;
        let tokens = token_request::exchange(self, &known.metadata, now, callback)
            .await
            .map_err(|none| none.of(directory))?;
        let (claims, algorithm) =
            self.signed_claims(now, tokens.id_token.expose_secret(), TokenKind::IdToken).await?;
        let expected = Expected {
            settings: &self.settings,
            rule: &self.rule,
            now,
            nonce: callback.nonce,
            max_age: callback.max_age,
            acr_values: callback.acr_values,
            access_token: tokens.access_token.as_ref(),
            algorithm,
        };
        id_token::check(&claims, &expected).map_err(|flaw| flaw.of(directory, TokenKind::IdToken))?;
        self.person(claims, tokens, &known.metadata).await
    }

    /// The error of a callback that carries `error` instead of a code.
    pub async fn refused(
        &self,
        now: Timestamp,
        error: &str,
        description: Option<&str>,
        iss: Option<&str>,
    ) -> OidcError {
        let checked = match self.provider.known(now).await {
            Ok(known) => self.check_callback_issuer(&known.metadata, iss),
            Err(unknown) => Err(unknown),
        };
        checked.err().unwrap_or_else(|| {
            let (error, description) = token_request::refusal_words(error, description);
            OidcError::ProviderSaidNo { directory: self.settings.directory.clone(), error, description }
        })
    }

    async fn person(
        &self,
        mut claims: Claims,
        tokens: Tokens,
        metadata: &Metadata,
    ) -> Result<Verified, OidcError> {
        let settings = &self.settings;
        let refused = |flaw: Flaw| flaw.of(&settings.directory, TokenKind::IdToken);
        let key = person::key(&claims, settings, &self.rule).map_err(refused)?;
        let wanted = settings.ask_userinfo && settings.kind != ProviderKind::Entra;
        if let (Some(address), Some(access_token)) = (&metadata.userinfo_endpoint, &tokens.access_token)
            && wanted
            && person::lacks_something(&claims, settings)
        {
            match token_request::userinfo(&self.http, address, access_token).await {
                Ok(userinfo) => {
                    person::add_userinfo(&mut claims, &userinfo, &key, settings).map_err(refused)?;
                }
                // The ID token stands on its own; what userinfo would have added stays unknown.
                Err(fault) => {
                    let error = self.provider.error(Endpoint::Userinfo, fault);
                    tracing::warn!(directory.id = settings.directory, %error, "signed in without userinfo");
                }
            }
        }
        person::verified(key, &claims, settings, tokens.id_token).map_err(refused)
    }

    /// RFC 9207 §2.4: present where announced, and the right one whenever present.
    fn check_callback_issuer(&self, metadata: &Metadata, iss: Option<&str>) -> Result<(), OidcError> {
        let fits = match iss {
            Some(iss) => self.rule.is_callback_issuer(iss, &self.settings.tenants),
            None => !metadata.authorization_response_iss_parameter_supported,
        };
        if fits {
            Ok(())
        } else {
            Err(OidcError::CallbackIssuer { directory: self.settings.directory.clone() })
        }
    }

    /// The scopes of the settings, or what suits the provider: some refuse a
    /// scope they do not know, so `groups` is asked for only where announced.
    fn scope(&self, metadata: &Metadata) -> String {
        if !self.settings.scopes.is_empty() {
            return self.settings.scopes.join(" ");
        }
        let has_groups = metadata.scopes_supported.iter().any(|scope| scope == "groups");
        if has_groups { "openid profile email groups" } else { "openid profile email" }.to_owned()
    }
}

/// The optional parameters of the authorization request.
fn wishes(
    request: &SignInRequest,
    kind: ProviderKind,
    takes_claims: bool,
) -> impl Iterator<Item = (&'static str, String)> {
    [
        ("login_hint", request.login_hint.clone()),
        ("prompt", request.prompt.map(|prompt| prompt.name().to_owned())),
        ("max_age", request.max_age.map(|seconds| seconds.to_string())),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.map(|value| (name, value)))
    .chain(match request.acr_values.as_slice() {
        [] => welcome(&request.acr_wished, kind),
        demanded => assurance(demanded, kind, takes_claims),
    })
}

/// How a level of assurance is wished for that nobody insists on (OpenID Connect Core §3.1.2.1: `acr_values` is a
/// voluntary claim). Entra refuses a sign-in for a level that it does not know, so it hears only of its own: the
/// authentication contexts `c1` to `c99`.
fn welcome(levels: &[String], kind: ProviderKind) -> Vec<(&'static str, String)> {
    if kind != ProviderKind::Entra {
        return if levels.is_empty() { Vec::new() } else { vec![("acr_values", levels.join(" "))] };
    }
    let is_context = |level: &&String| {
        level
            .strip_prefix('c')
            .is_some_and(|number| number.parse::<u8>().is_ok_and(|n| (1..=99).contains(&n)))
    };
    let contexts: Vec<&String> = levels.iter().filter(is_context).collect();
    if contexts.is_empty() {
        return Vec::new();
    }
    vec![("claims", json!({ "id_token": { "acrs": { "values": contexts } } }).to_string())]
}

/// How a level of assurance is asked for: by `acr_values`, and as an essential claim where the provider takes that
/// (OpenID Connect Core §5.5.1.1). Entra knows only the claim, `acrs`, for its authentication contexts.
fn assurance(levels: &[String], kind: ProviderKind, takes_claims: bool) -> Vec<(&'static str, String)> {
    let wanted = match levels {
        [] => return Vec::new(),
        [one] => json!({ "essential": true, "value": one }),
        several => json!({ "essential": true, "values": several }),
    };
    let claim = |name: &str| ("claims", json!({ "id_token": { name: wanted } }).to_string());
    match kind {
        ProviderKind::Entra => vec![claim("acrs")],
        ProviderKind::Okta | ProviderKind::Generic => {
            let plain = ("acr_values", levels.join(" "));
            if takes_claims { vec![plain, claim("acr")] } else { vec![plain] }
        }
    }
}
