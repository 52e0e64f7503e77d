//! People and their last sign-in from an Okta organisation (`GET /api/v1/users`).
//!
//! Invariant: the token is sent only to the organisation's own host; the rate limit, which the organisation's
//! other tools share, is never used up.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use super::courier::{Answer, Courier, provider_time, retry_after};
use super::error::PullError;
use super::link::{Trail, next_of};
use super::settings::{OktaSettings, below, check};
use super::{Gathered, Listing, Pulled};

/// Leaves the credentials out of the answer.
const PLAIN: &str =
    r#"application/json; okta-response="omitCredentials,omitCredentialsLinks,omitTransitioningToStatus""#;

/// Slow down when less than this share of the limit is left.
const SPARE: u64 = 10;

/// Reads from an Okta organisation.
#[derive(Debug, Clone)]
pub struct OktaClient {
    settings: OktaSettings,
    courier: Courier,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: String,
    status: String,
    last_login: Option<Timestamp>,
    profile: Profile,
}

#[derive(Deserialize)]
struct Profile {
    login: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    #[serde(default)]
    error_code: String,
}

/// The rate limit as an answer states it.
struct RateLimit {
    limit: u64,
    remaining: u64,
    /// Until the count begins anew, by the provider's clock.
    resets_in: SignedDuration,
}

impl OktaClient {
    /// A client. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// [`PullError::Settings`] when the address is not https or the token cannot stand in a header.
    pub fn new(settings: OktaSettings) -> Result<Self, PullError> {
        check("directory.pull.base_url", &settings.base)?;
        authorization(&settings)?;
        Ok(Self { settings, courier: Courier::new()? })
    }

    /// The same client, less patient.
    #[cfg(test)]
    pub(super) fn with_pace(mut self, pace: super::pace::Pace) -> Self {
        self.courier.pace = pace;
        self
    }

    /// Everybody in the organisation but the deprovisioned, whom Okta leaves out of a plain listing.
    ///
    /// # Errors
    ///
    /// [`PullError`] when any page fails: a listing is whole or there is none.
    pub async fn list(&self, now: Timestamp) -> Result<Listing, PullError> {
        let mut url = below(&self.settings.base, "/api/v1/users?limit=200")?;
        let authorization = authorization(&self.settings)?;
        let (mut trail, mut gathered) = (Trail::new(&url), Gathered::default());
        loop {
            let what = format!("users, page {}", trail.pages());
            let request = || {
                let request =
                    self.courier.client.get(url.clone()).header(AUTHORIZATION, authorization.clone());
                request.header(ACCEPT, "application/json").header(CONTENT_TYPE, PLAIN)
            };
            let answer = self.courier.fetch(&what, request, |headers| until_reset(headers, now)).await?;
            if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                return Err(denied(&what, &answer));
            }
            for user in answer.json::<Vec<User>>(&what)? {
                add(&mut gathered, user, &what, now)?;
            }
            match next_of(&answer.headers) {
                None => return Ok(gathered.listing(true, Vec::new())),
                Some(link) => url = trail.step(&what, &link)?,
            }
            if let Some(pause) = courtesy(&answer.headers, now) {
                tokio::time::sleep(pause.min(self.courier.pace.longest)).await;
            }
        }
    }
}

fn authorization(settings: &OktaSettings) -> Result<HeaderValue, PullError> {
    let text = format!("SSWS {}", settings.token.expose_secret());
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        PullError::Settings("directory.pull.token: it has characters that no header can carry".to_owned())
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn add(gathered: &mut Gathered, user: User, what: &str, now: Timestamp) -> Result<(), PullError> {
    if user.id.is_empty() || user.profile.login.is_empty() {
        let reason = "somebody has no id or no login".to_owned();
        return Err(PullError::Unusable { what: what.to_owned(), reason });
    }
    let enabled = match user.status.as_str() {
        "ACTIVE" | "RECOVERY" | "PASSWORD_EXPIRED" | "LOCKED_OUT" | "STAGED" | "PROVISIONED" => true,
        "SUSPENDED" | "DEPROVISIONED" => false,
        unknown => {
            gathered.meet_unknown_state(unknown);
            true
        }
    };
    gathered.add(Pulled {
        external_id: user.id,
        user_name: user.profile.login,
        enabled,
        last_sign_in: user.last_login.map(|at| at.min(now)),
        is_attempt: false,
    });
    Ok(())
}

fn denied(what: &str, answer: &Answer) -> PullError {
    let complaint: Complaint = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code: String = complaint.error_code.chars().filter(|c| !c.is_control()).take(40).collect();
    let mend = if answer.status == StatusCode::UNAUTHORIZED {
        "the API token is wrong, revoked, or died after 30 days without use; make a new one"
    } else {
        "the administrator who made the API token may not read users"
    };
    let code = format!("{} {code}", answer.status.as_u16());
    PullError::Denied { what: what.to_owned(), code, mend: mend.to_owned() }
}

fn rate_limit(headers: &HeaderMap, now: Timestamp) -> Option<RateLimit> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    let resets_at = i64::try_from(number("x-rate-limit-reset")?).ok()?;
    let resets_at = Timestamp::from_second(resets_at).ok()?;
    Some(RateLimit {
        limit: number("x-rate-limit-limit")?,
        remaining: number("x-rate-limit-remaining")?,
        // Both times from the provider's clock, since ours may differ by minutes.
        resets_in: resets_at.duration_since(provider_time(headers).unwrap_or(now)),
    })
}

/// How long a busy answer asks us to wait; nothing where the headers are absent, empty or speak of the past.
fn until_reset(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let by_limit = || {
        let limit = rate_limit(headers, now)?;
        let is_spent = limit.limit > 0 && limit.resets_in.is_positive();
        is_spent.then(|| Duration::try_from(limit.resets_in).ok()).flatten()
    };
    retry_after(headers).or_else(by_limit)
}

/// The pause before the next page when the limit is nearly used up: what is left, spread over the time left.
fn courtesy(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let limit = rate_limit(headers, now)?;
    if limit.limit == 0 || limit.remaining.saturating_mul(SPARE) >= limit.limit {
        return None;
    }
    let left = Duration::try_from(limit.resets_in).ok()?;
    let requests = u32::try_from(limit.remaining).ok()?.max(1);
    Some(left / requests)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2025-10-07T12:00:00Z".parse().unwrap()
    }

    fn headers(limit: &str, remaining: &str, reset: i64, date: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-rate-limit-limit", limit.parse().unwrap());
        headers.insert("x-rate-limit-remaining", remaining.parse().unwrap());
        headers.insert("x-rate-limit-reset", HeaderValue::from(reset));
        headers.insert("date", HeaderValue::from_static(date));
        headers
    }

    #[test]
    fn the_wait_is_measured_by_the_providers_own_clock() {
        let reset = now().as_second() + 600;
        let skewed = headers("600", "0", reset, "Tue, 07 Oct 2025 12:09:58 GMT");
        assert_eq!(until_reset(&skewed, now()), Some(Duration::from_secs(2)));
    }

    #[test]
    fn a_reset_in_the_past_or_a_limit_of_nothing_is_no_wish() {
        let date = "Tue, 07 Oct 2025 12:00:00 GMT";
        assert_eq!(until_reset(&headers("600", "0", now().as_second() - 5, date), now()), None);
        assert_eq!(until_reset(&headers("0", "0", now().as_second() + 5, date), now()), None);
        assert_eq!(until_reset(&HeaderMap::new(), now()), None);
    }

    #[test]
    fn we_slow_down_when_little_is_left_for_the_others() {
        let date = "Tue, 07 Oct 2025 12:00:00 GMT";
        let reset = now().as_second() + 30;
        assert_eq!(courtesy(&headers("600", "60", reset, date), now()), None);
        assert_eq!(courtesy(&headers("600", "15", reset, date), now()), Some(Duration::from_secs(2)));
        assert_eq!(courtesy(&headers("600", "0", reset, date), now()), Some(Duration::from_secs(30)));
        assert_eq!(courtesy(&headers("600", "0", reset - 60, date), now()), None);
    }
}
