//! People and their sign-in times from Microsoft Graph (v1.0, `GET /users`).
//!
//! Invariant: a token is sent only to the host of the settings, and only for one listing; a tenant without the
//! licence for sign-in times gives people without times, and says so.

use std::borrow::Cow;

use jiff::Timestamp;
use reqwest::{StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::courier::{Answer, Courier, retry_after};
use super::error::PullError;
use super::link::Trail;
use super::settings::{GraphSettings, below, check};
use super::{Gathered, Listing, Pulled};

const TOKEN: &str = "the token from Entra ID";

/// The service cuts larger pages to 120 where sign-in times are asked for.
const WITH_TIMES: &str = "/v1.0/users?$select=id,accountEnabled,userPrincipalName,signInActivity&$top=100";
const WITHOUT_TIMES: &str = "/v1.0/users?$select=id,accountEnabled,userPrincipalName&$top=500";

/// The code for a tenant without Entra ID P1 or P2; trying again is useless.
const UNLICENSED: &str = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";

/// Reads from Microsoft Graph.
#[derive(Debug, Clone)]
pub struct GraphClient {
    settings: GraphSettings,
    courier: Courier,
}

#[derive(Deserialize)]
struct Token {
    access_token: SecretString,
}

#[derive(Deserialize)]
struct Page {
    value: Vec<User>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    #[serde(rename = "userPrincipalName")]
    name: String,
    account_enabled: Option<bool>,
    sign_in_activity: Option<Activity>,
}

#[derive(Deserialize, Default)]
struct Activity {
    #[serde(rename = "lastSignInDateTime")]
    attempt: Option<Timestamp>,
    #[serde(rename = "lastNonInteractiveSignInDateTime")]
    silent_attempt: Option<Timestamp>,
    #[serde(rename = "lastSuccessfulSignInDateTime")]
    success: Option<Timestamp>,
}

#[derive(Deserialize, Default)]
struct Complaint {
    #[serde(default)]
    error: ComplaintBody,
}

#[derive(Deserialize, Default)]
struct ComplaintBody {
    #[serde(default)]
    code: String,
}

/// How one reading of all pages ended.
enum Reading {
    Whole(Gathered),
    Unlicensed,
}

impl GraphClient {
    /// A client. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// [`PullError::Settings`] when an address is not https, or the tenant's id is none.
    pub fn new(settings: GraphSettings) -> Result<Self, PullError> {
        check("directory.pull.login_url", &settings.authority)?;
        check("directory.pull.base_url", &settings.base)?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        if settings.tenant_id.is_empty() || !settings.tenant_id.chars().all(is_plain) {
            let mend = "directory.pull.tenant_id: write the tenant's id as the Entra portal shows it";
            return Err(PullError::Settings(mend.to_owned()));
        }
        Ok(Self { settings, courier: Courier::new()? })
    }

    /// The same client, less patient.
    #[cfg(test)]
    pub(super) fn with_pace(mut self, pace: super::pace::Pace) -> Self {
        self.courier.pace = pace;
        self
    }

    /// Everybody in the tenant, with their sign-in times where its licence has them.
    ///
    /// Needs the application permissions `User.Read.All` and, for the times, `AuditLog.Read.All`.
    ///
    /// # Errors
    ///
    /// [`PullError`] when any page fails: a listing is whole or there is none.
    pub async fn list(&self, now: Timestamp) -> Result<Listing, PullError> {
        let mut token = self.token().await?;
        if let Reading::Whole(gathered) = self.read(&mut token, WITH_TIMES, now).await? {
            return Ok(gathered.listing(true, Vec::new()));
        }
        match self.read(&mut token, WITHOUT_TIMES, now).await? {
            Reading::Whole(gathered) => {
                let note = "sign-in times are not available from the provider: the tenant has no Entra ID P1 or P2 licence";
                Ok(gathered.listing(false, vec![note.to_owned()]))
            }
            Reading::Unlicensed => Err(denied("users", UNLICENSED)),
        }
    }

    async fn read(&self, token: &mut SecretString, path: &str, now: Timestamp) -> Result<Reading, PullError> {
        let mut url = below(&self.settings.base, path)?;
        let (mut trail, mut gathered) = (Trail::new(&url), Gathered::default());
        loop {
            let what = format!("users, page {}", trail.pages());
            let answer = self.page(token, &url, &what).await?;
            if answer.status == StatusCode::FORBIDDEN {
                let code = code_of(&answer);
                return if code == UNLICENSED { Ok(Reading::Unlicensed) } else { Err(denied(&what, &code)) };
            }
            let page: Page = answer.json(&what)?;
            for user in page.value {
                add(&mut gathered, user, &what, now)?;
            }
            match page.next {
                None => return Ok(Reading::Whole(gathered)),
                Some(link) => url = trail.step(&what, &link)?,
            }
        }
    }

    /// One page; a token that died on the way is renewed once.
    async fn page(&self, token: &mut SecretString, url: &Url, what: &str) -> Result<Answer, PullError> {
        let answer = self.get(token, url, what).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        *token = self.token().await?;
        let answer = self.get(token, url, what).await?;
        if answer.status == StatusCode::UNAUTHORIZED {
            return Err(denied(what, &format!("401 {}", code_of(&answer))));
        }
        Ok(answer)
    }

    async fn get(&self, token: &SecretString, url: &Url, what: &str) -> Result<Answer, PullError> {
        let request = || self.courier.client.get(url.clone()).bearer_auth(token.expose_secret());
        self.courier.fetch(what, request, retry_after).await
    }

    /// A token by client credentials (RFC 6749 §4.4).
    async fn token(&self) -> Result<SecretString, PullError> {
        let settings = &self.settings;
        let url = below(&settings.authority, &format!("/{}/oauth2/v2.0/token", settings.tenant_id))?;
        let scope = format!("{}/.default", settings.base.as_str().trim_end_matches('/'));
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &settings.client_id),
            ("client_secret", settings.client_secret.expose_secret()),
            ("scope", &scope),
        ];
        let body = encode(&form);
        let request = || {
            let request = self.courier.client.post(url.clone());
            request.header("content-type", "application/x-www-form-urlencoded").body(body.clone())
        };
        let answer = self.courier.fetch(TOKEN, request, retry_after).await?;
        if answer.status.is_client_error() {
            return Err(no_token(&answer));
        }
        answer.json::<Token>(TOKEN).map(|token| token.access_token)
    }
}

fn encode(form: &[(&str, &str)]) -> String {
    // An address of its own only lends its encoder of forms.
    let mut carrier = Url::parse("form:/").ok();
    if let Some(carrier) = &mut carrier {
        carrier.query_pairs_mut().extend_pairs(form);
    }
    carrier.as_ref().and_then(Url::query).unwrap_or_default().to_owned()
}

fn add(gathered: &mut Gathered, user: User, what: &str, now: Timestamp) -> Result<(), PullError> {
    if user.id.is_empty() || user.name.is_empty() {
        let reason = "somebody has no id or no userPrincipalName".to_owned();
        return Err(PullError::Unusable { what: what.to_owned(), reason });
    }
    if user.account_enabled.is_none() {
        gathered.meet_unknown_state("no accountEnabled");
    }
    let activity = user.sign_in_activity.unwrap_or_default();
    let attempts = [activity.attempt, activity.silent_attempt];
    let real = |at: Option<Timestamp>| at.filter(|at| *at > Timestamp::UNIX_EPOCH).map(|at| at.min(now));
    let succeeded = real(activity.success);
    let attempted = attempts.into_iter().filter_map(real).max();
    gathered.add(Pulled {
        external_id: user.id,
        user_name: user.name,
        enabled: user.account_enabled.unwrap_or(true),
        last_sign_in: succeeded.or(attempted),
        is_attempt: succeeded.is_none() && attempted.is_some(),
    });
    Ok(())
}

fn code_of(answer: &Answer) -> String {
    let complaint: Complaint = serde_json::from_slice(&answer.body).unwrap_or_default();
    complaint.error.code.chars().filter(|c| !c.is_control()).take(100).collect()
}

fn denied(what: &str, code: &str) -> PullError {
    let mend = match code {
        UNLICENSED => "the tenant's licence does not cover this question",
        "Authorization_RequestDenied" | "Authentication_MSGraphPermissionMissing" => {
            "give the application User.Read.All and AuditLog.Read.All, as application permissions with an administrator's consent"
        }
        _ => "see the application's permissions in the Entra portal",
    };
    PullError::Denied { what: what.to_owned(), code: code.to_owned(), mend: mend.to_owned() }
}

/// Why Entra ID gives no token (its AADSTS codes).
fn no_token(answer: &Answer) -> PullError {
    #[derive(Deserialize, Default)]
    struct Refusal {
        #[serde(default)]
        error: String,
        #[serde(default)]
        error_codes: Vec<u32>,
    }
    let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
    let number = refusal.error_codes.first().copied().unwrap_or_default();
    let mend: Cow<'_, str> = match number {
        7_000_215 => "client_secret is wrong; take the secret's value, not its id".into(),
        7_000_222 => "client_secret has expired; make a new one in the Entra portal".into(),
        700_016 => "client_id is not known in this tenant".into(),
        90_002 => "tenant_id is not known".into(),
        _ => "see tenant_id, client_id and client_secret".into(),
    };
    let name: String = refusal.error.chars().filter(|c| !c.is_control()).take(60).collect();
    let code = format!("{} {name} AADSTS{number}", answer.status.as_u16());
    PullError::Denied { what: TOKEN.to_owned(), code, mend: mend.into_owned() }
}
