//! Reads what a client asks for at the authorization endpoint (OpenID Connect Core §3.1.2.1, RFC 7636 §4.3).
//!
//! Invariant: no parameter counts that came twice; what a request that was read holds is safe to keep and to send back.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::config::Client;
use crate::domain::client::Scope;

/// Longest value of a parameter, in bytes.
const LONGEST: usize = 4_096;

/// Longest value of one that is kept beside `state`, in bytes: whoever sends browsers here fills our rows.
const LONGEST_KEPT: usize = 512;

/// Longest ID token that comes back as a hint, in bytes.
const LONGEST_HINT: usize = 16 * 1024;

/// Most values of `acr_values`.
const MOST_ACR: usize = 10;

/// The parameters of a request, as they came.
#[derive(Clone)]
pub struct Parameters(Vec<(String, String)>);

impl fmt::Debug for Parameters {
    /// Values may be secrets or addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Why a client does not get what it asked for (RFC 6749 §4.1.2.1, §5.2; OpenID Connect Core §3.1.2.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthError {
    /// The code.
    pub code: &'static str,
    /// For the client's developer; plain ASCII.
    pub description: String,
}

impl OAuthError {
    pub(super) fn new(code: &'static str, description: impl Into<String>) -> Self {
        Self { code, description: description.into() }
    }

    pub(super) fn invalid_request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }
}

impl Parameters {
    /// The parameters in the order they came.
    #[must_use]
    pub const fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The value of a parameter; an empty one counts as absent (RFC 6749 §3.1).
    ///
    /// # Errors
    ///
    /// `invalid_request` when it came twice, is too long or holds control characters.
    pub fn one(&self, name: &'static str) -> Result<Option<&str>, OAuthError> {
        self.within(name, LONGEST)
    }

    /// The ID token that came back as a hint.
    ///
    /// # Errors
    ///
    /// As [`Self::one`].
    pub fn hint(&self) -> Result<Option<&str>, OAuthError> {
        self.within("id_token_hint", LONGEST_HINT)
    }

    fn within(&self, name: &'static str, longest: usize) -> Result<Option<&str>, OAuthError> {
        let mut values = self.0.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let value = values.next();
        if values.next().is_some() {
            return Err(OAuthError::invalid_request(format!("{name} came twice")));
        }
        let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
        if value.len() > longest || value.chars().any(char::is_control) {
            let fault = format!("{name} is longer than {longest} bytes or holds control characters");
            return Err(OAuthError::invalid_request(fault));
        }
        Ok(Some(value))
    }

    /// As [`Self::one`], and it must be there.
    ///
    /// # Errors
    ///
    /// `invalid_request`, also when it is absent.
    pub fn required(&self, name: &'static str) -> Result<&str, OAuthError> {
        self.one(name)?.ok_or_else(|| OAuthError::invalid_request(format!("{name} is missing")))
    }
}

/// Whether the person shall be shown something (`prompt`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Prompt {
    /// Only if there is need.
    Any,
    /// Nothing: answer with an error if that cannot be.
    None,
    /// The sign-in at the directory, also for who is signed in.
    Login,
    /// The directory's choice among accounts.
    SelectAccount,
}

/// How the answer gets to the client (`response_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    /// In the address that the browser is sent to.
    #[default]
    Query,
    /// In a form that the browser sends (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

/// A request that was understood.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    /// Where the answer goes: one of the client's own addresses.
    pub(super) redirect_uri: String,
    /// How it gets there.
    pub(super) mode: Mode,
    /// What the client wants to see again in the answer.
    pub(super) state: Option<String>,
    /// What it wants to see again in the ID token.
    pub(super) nonce: Option<String>,
    /// The S256 challenge.
    pub(super) challenge: Option<String>,
    /// The scopes that it asked for and may have, with blanks between.
    pub(super) scope: String,
    pub(super) prompt: Prompt,
    /// How old, in seconds, the person's proof may be.
    pub(super) max_age: Option<u32>,
    /// Whom the client believes to be there.
    pub(super) login_hint: Option<String>,
    /// Levels of assurance, best first.
    pub(super) acr_values: Vec<String>,
    /// The `sub` that the client wants to see again.
    pub(super) hinted_subject: Option<String>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("prompt", &self.prompt).finish_non_exhaustive()
    }
}

/// The scopes of a text with blanks between; what we do not know is left out.
pub(super) fn scopes(text: &str) -> BTreeSet<Scope> {
    text.split(' ').filter_map(Scope::from_name).collect()
}

/// Scopes as a text.
pub(super) fn scope_text(scopes: &BTreeSet<Scope>) -> String {
    scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" ")
}

/// Reads the request of `client`, whose `redirect_uri` was found to be its own.
///
/// # Errors
///
/// The error to send back to the client.
pub(super) fn read(
    parameters: &Parameters,
    client: &Client,
    redirect_uri: &str,
) -> Result<Request, OAuthError> {
    unsupported(parameters)?;
    if parameters.required("response_type")? != "code" {
        return Err(OAuthError::new("unsupported_response_type", "response_type must be code"));
    }
    let mode = mode(parameters)?;
    let asked = scopes(parameters.required("scope")?);
    if !asked.contains(&Scope::OpenId) {
        return Err(OAuthError::new("invalid_scope", "openid is missing in scope"));
    }
    // What a client may not have, or nobody knows, is left out, and the answer says what was granted
    // (OpenID Connect Core §3.1.2.1, RFC 6749 §3.3).
    let granted: BTreeSet<Scope> = asked.intersection(&client.scopes).copied().collect();
    let text = |name| Ok::<_, OAuthError>(parameters.within(name, LONGEST_KEPT)?.map(str::to_owned));
    let acr = parameters.within("acr_values", LONGEST_KEPT)?.unwrap_or_default();
    let acr_values = acr.split(' ').filter(|one| !one.is_empty()).take(MOST_ACR).map(str::to_owned);
    Ok(Request {
        redirect_uri: redirect_uri.to_owned(),
        mode,
        state: parameters.one("state")?.map(str::to_owned),
        nonce: text("nonce")?,
        challenge: challenge(parameters, client)?,
        scope: scope_text(&granted),
        prompt: prompt(parameters)?,
        max_age: max_age(parameters)?,
        login_hint: text("login_hint")?,
        acr_values: acr_values.collect(),
        hinted_subject: None,
    })
}

/// How the client wants its answer, also where the rest of the request is wrong.
pub(super) fn mode(parameters: &Parameters) -> Result<Mode, OAuthError> {
    match parameters.one("response_mode")? {
        None | Some("query") => Ok(Mode::Query),
        Some("form_post") => Ok(Mode::FormPost),
        Some(_) => Err(OAuthError::invalid_request("response_mode must be query or form_post")),
    }
}

/// What a provider must refuse by its own code (OpenID Connect Core §3.1.2.6).
fn unsupported(parameters: &Parameters) -> Result<(), OAuthError> {
    for (name, code) in [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ] {
        if parameters.one(name)?.is_some() {
            return Err(OAuthError::new(code, format!("{name} is not supported")));
        }
    }
    Ok(())
}

fn challenge(parameters: &Parameters, client: &Client) -> Result<Option<String>, OAuthError> {
    let method = parameters.one("code_challenge_method")?;
    let Some(challenge) = parameters.one("code_challenge")? else {
        return if method.is_some() || client.require_pkce {
            Err(OAuthError::invalid_request("code_challenge is missing: this client must use PKCE with S256"))
        } else {
            Ok(None)
        };
    };
    if method != Some("S256") {
        return Err(OAuthError::invalid_request("code_challenge_method must be S256"));
    }
    // 32 bytes as base64url (RFC 7636 §4.2).
    let is_formed =
        challenge.len() == 43 && challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if !is_formed {
        return Err(OAuthError::invalid_request("code_challenge is no S256 challenge"));
    }
    Ok(Some(challenge.to_owned()))
}

fn prompt(parameters: &Parameters) -> Result<Prompt, OAuthError> {
    let mut found = Prompt::Any;
    let words: Vec<&str> =
        parameters.one("prompt")?.unwrap_or_default().split(' ').filter(|word| !word.is_empty()).collect();
    for word in &words {
        found = match (*word, found) {
            ("none", _) if words.len() > 1 => {
                return Err(OAuthError::invalid_request("prompt=none stands alone"));
            }
            ("none", _) => Prompt::None,
            // Choosing an account is a sign-in too.
            ("select_account", _) | ("login", Prompt::SelectAccount) => Prompt::SelectAccount,
            ("login", _) => Prompt::Login,
            // The clients are the organisation's own; there is nothing to consent to.
            ("consent", before) => before,
            _ => return Err(OAuthError::invalid_request("prompt has an unknown value")),
        };
    }
    Ok(found)
}

fn max_age(parameters: &Parameters) -> Result<Option<u32>, OAuthError> {
    let Some(text) = parameters.one("max_age")? else { return Ok(None) };
    text.parse()
        .map(Some)
        .map_err(|_| OAuthError::invalid_request("max_age must be a whole number of seconds"))
}
