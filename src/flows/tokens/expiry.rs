//! Warns before tokens and secrets end: 30, 7 and 1 days before, and when they have.
//!
//! Invariant: each warning is told once, whichever node tells it; a token that lives shorter than a warning's time is
//! not warned of so early.

use jiff::{SignedDuration, Timestamp};

use super::{Token, TokenKind};
use crate::flows::{Ports, Refusal};
use crate::store::token::{self, Ending};

/// So many days before their end tokens are warned of first.
pub const FIRST_WARNING_DAYS: i64 = 30;

/// Days before the end at which a warning is told; 0 is the end itself.
const LEVELS: [i64; 4] = [0, 1, 7, FIRST_WARNING_DAYS];

/// What has ended longer ago is not told any more.
const TOLD_AFTERWARDS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What a look at the tokens came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looked {
    /// How many end within 30 days.
    pub ending: usize,
    /// How many warnings were told now.
    pub warned: usize,
}

fn length_of(days: i64) -> SignedDuration {
    SignedDuration::from_hours(days.saturating_mul(24))
}

/// The warning that is due for a token: so many days before its end. Nothing where it has longer to live, or was
/// made to live no longer than that.
#[must_use]
pub fn level(created_at: Timestamp, expires_at: Timestamp, now: Timestamp) -> Option<i64> {
    let left = expires_at.duration_since(now);
    let whole = expires_at.duration_since(created_at);
    LEVELS.into_iter().find(|days| left <= length_of(*days)).filter(|days| whole > length_of(*days))
}

/// Looks for tokens and secrets that soon end, warns in the log of those that nobody was warned of, and counts them.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn look(ports: &Ports) -> Result<Looked, Refusal> {
    let now = ports.clock.now();
    let ending = ending(ports, now).await?;
    let ending: Vec<Ending> = ending.into_iter().filter(|one| is_known(ports, &one.token)).collect();
    let living = ending.iter().filter(|one| now < one.token.expires_at).count();
    ports.activity.note_ending(living);
    let mut warned = 0;
    for Ending { token, warned_days } in &ending {
        let due = level(token.created_at, token.expires_at, now);
        let Some(level) = due.filter(|level| warned_days.is_none_or(|told| told > *level)) else { continue };
        let id = token.id;
        let is_new =
            ports.db.write(move |c| Box::pin(async move { token::warned(c, id, level).await })).await?;
        if is_new {
            warned += 1;
            tell(token, level);
        }
    }
    Ok(Looked { ending: living, warned })
}

async fn ending(ports: &Ports, now: Timestamp) -> Result<Vec<Ending>, Refusal> {
    let after = now.saturating_sub(TOLD_AFTERWARDS).unwrap_or(Timestamp::MIN);
    let until = now.saturating_add(length_of(FIRST_WARNING_DAYS)).unwrap_or(Timestamp::MAX);
    let mut c = ports.db.read().await?;
    Ok(token::ending(&mut c, after, until).await?)
}

/// Whether the settings still have the directory or target: nobody needs a token for another.
fn is_known(ports: &Ports, token: &Token) -> bool {
    match token.kind {
        TokenKind::Directory | TokenKind::Client => {
            ports.settings.directories.iter().any(|known| known.id.as_str() == token.owner)
        }
        TokenKind::Target => ports.settings.targets.iter().any(|known| known.id.as_str() == token.owner),
        TokenKind::Metrics => true,
    }
}

fn tell(token: &Token, level: i64) {
    let (id, owner, kind, name) = (token.id, &token.owner, token.kind.name(), &token.name);
    let labels = [("kind", kind.to_owned()), ("owner", owner.clone()), ("days", level.to_string())];
    metrics::counter!("portvakt_token_warnings_total", &labels).increment(1);
    let command = match token.kind {
        TokenKind::Client => "directory client create",
        TokenKind::Directory | TokenKind::Metrics => "directory token create",
        TokenKind::Target => "target token create",
    };
    if level == 0 {
        tracing::error!(token.id = %id, owner, kind,
            "{kind} token {id} ({name}) of {owner} has ended and opens nothing any more; make a new one: portvakt {command} {owner}");
    } else {
        let ends = token.expires_at;
        tracing::warn!(token.id = %id, owner, kind, expires_at = %ends,
            "{kind} token {id} ({name}) of {owner} ends at {ends}, within {level} day(s); make a new one (portvakt {command} {owner}), give it to whoever uses the old one, and revoke that");
    }
}

/// How many tokens and secrets of each kind and owner end within 30, 7 and 1 days: kind, owner, days, count.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn counts(ports: &Ports) -> Result<Vec<(&'static str, String, i64, usize)>, Refusal> {
    let now = ports.clock.now();
    let ending = ending(ports, now).await?;
    let settings = &ports.settings;
    let directories = settings.directories.iter().map(|known| known.id.as_str());
    let directories: Vec<&str> = directories.collect();
    let targets: Vec<&str> = settings.targets.iter().map(|known| known.id.as_str()).collect();
    let owners = [
        (TokenKind::Directory, &directories),
        (TokenKind::Client, &directories),
        (TokenKind::Target, &targets),
    ];
    let mut counts = Vec::new();
    for (kind, owners) in owners {
        for owner in owners {
            for days in LEVELS.into_iter().filter(|days| *days > 0) {
                let is_meant = |Ending { token, .. }: &&Ending| {
                    let left = token.expires_at.duration_since(now);
                    token.kind == kind
                        && token.owner == **owner
                        && left > SignedDuration::ZERO
                        && left <= length_of(days)
                };
                let count = ending.iter().filter(is_meant).count();
                counts.push((kind.name(), (*owner).to_owned(), days, count));
            }
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(count: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + length_of(count)
    }

    #[test]
    fn a_yearly_token_is_warned_of_thirty_seven_and_one_days_before_and_at_its_end() {
        let due = |now| level(day(0), day(365), day(now));
        assert_eq!([due(300), due(334), due(335), due(357)], [None, None, Some(30), Some(30)]);
        assert_eq!([due(358), due(363), due(364), due(365)], [Some(7), Some(7), Some(1), Some(0)]);
    }

    #[test]
    fn a_token_made_for_a_week_is_not_warned_of_a_month_before() {
        let due = |now| level(day(0), day(7), day(now));
        assert_eq!([due(0), due(3), due(6), due(7)], [None, None, Some(1), Some(0)]);
        assert_eq!(level(day(0), day(1), day(0)), None);
    }
}
