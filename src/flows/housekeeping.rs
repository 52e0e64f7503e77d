//! Puts away what has had its time: old days of evidence, dead sessions, sign-ins that nobody finished, and more.
//!
//! Invariant: what is put away here was without effect already; running it twice, or not for a week, changes no
//! decision.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::{Ports, Refusal, directories, entitle};
use crate::domain::days::earlier;
use crate::store::{
    activity, client, client_grant, client_logout, client_request, evidence, held_right, item_event, letter,
    link_request, login, refused, session,
};

/// Days of evidence are kept this many months.
const MONTHS: i64 = 13;

/// Ended sessions are kept this long, for whoever asks what happened.
const SESSIONS_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Requests to be linked that nobody decided, or that were approved, are kept this long after the subject came last.
const LINK_REQUESTS_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Access tokens are kept this long after their end, so that one who still sends it is told apart from a stranger.
const ACCESS_TOKENS_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What a directory was refused is kept this long after the last time, where it never succeeds.
const REFUSALS_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Ids of the CRMs' events are kept this long: no CRM repeats an event after that.
const EVENTS_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);

/// That a letter went is kept this long, for whoever asks where it is; notices stay as long as their account.
const LETTERS_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What was put away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PutAway {
    /// Days of evidence.
    pub days: u64,
    /// Sessions.
    pub sessions: u64,
    /// Answers to sign-ins that cannot come again, and what clients asked for in vain.
    pub login_attempts: u64,
    /// Tokens of CRMs that had expired.
    pub client_tokens: u64,
    /// Requests to be linked.
    pub link_requests: u64,
    /// Access tokens of OAuth clients.
    pub access_tokens: u64,
    /// Old counts of directories, and what they were refused long ago.
    pub directory_rows: u64,
}

/// Forgets days of evidence older than 13 months, sessions that ended 30 days ago, sign-ins that ran out, what CRMs held
/// that has expired, requests to be linked whose subject has not come for 90 days, access tokens that ended a day ago,
/// and what directories did and were refused more than 90 days ago.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn tidy(ports: &Ports) -> Result<PutAway, Refusal> {
    let now = ports.clock.now();
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let days = evidence::forget_days(c, months_ago(now)).await?;
                let old = earlier(now, SESSIONS_FOR);
                let sessions = session::forget(c, old).await?;
                let login_attempts = login::forget(c, now).await?;
                let requests = client_request::forget(c, now).await?;
                let day_ago = earlier(now, ACCESS_TOKENS_FOR);
                let client_tokens = client_grant::forget(c, now, day_ago).await?;
                client_logout::forget(c, old).await?;
                held_right::forget(c, earlier(now, entitle::WINDOW)).await?;
                letter::forget(c, earlier(now, LETTERS_FOR)).await?;
                item_event::forget(c, earlier(now, EVENTS_FOR)).await?;
                let unasked = earlier(now, LINK_REQUESTS_FOR);
                let link_requests = link_request::forget(c, unasked).await?;
                let access_tokens = client::forget(c, day_ago).await?;
                let counts = activity::forget_counts(c, directories::oldest_day(now)).await?;
                let long_ago = earlier(now, REFUSALS_FOR);
                let directory_rows = counts + refused::forget_before(c, long_ago).await?;
                Ok::<_, Refusal>(PutAway {
                    days,
                    sessions,
                    login_attempts: login_attempts + requests,
                    client_tokens,
                    link_requests,
                    access_tokens,
                    directory_rows,
                })
            })
        })
        .await
}

fn months_ago(now: Timestamp) -> Timestamp {
    let then = now.to_zoned(TimeZone::UTC).checked_sub(MONTHS.months());
    then.map_or(Timestamp::MIN, |then| then.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirteen_months_are_counted_by_the_calendar() {
        let now: Timestamp = "2026-03-31T12:00:00Z".parse().unwrap();
        assert_eq!(months_ago(now), "2025-02-28T12:00:00Z".parse().unwrap());
    }
}
