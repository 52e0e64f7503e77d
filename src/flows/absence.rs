//! Leave that a directory's own attributes tell of.
//!
//! Invariant: what a person noted is never changed by a directory, and a value that cannot be read changes nothing: it is
//! reported. A leave that a directory noted ends when the directory says so no more.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::{Act, Refusal, people};
use crate::config::{Directory, LeaveAttributes};
use crate::domain::account::Account;
use crate::domain::actor::Subject;
use crate::domain::days::zone_of;
use crate::domain::mapping::attribute::values;
use crate::domain::policy::Policy;
use crate::store::identity::Identity;
use crate::store::{Conn, account, leave};

/// The longest leave, in months: a flag alone says no end.
const MONTHS: i64 = 18;

/// What a directory says of leave.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    /// None.
    Nothing,
    /// From and until, where they are said.
    Leave(Option<Timestamp>, Option<Timestamp>),
    /// Something that cannot be read: which attribute.
    Unreadable(&'static str),
}

/// Notes or ends the leave of an identity's account, as its directory says.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub(super) async fn follow(
    c: &mut Conn,
    act: &Act,
    directory: Option<&Directory>,
    policy: &Policy,
    identity: &Identity,
) -> Result<(), Refusal> {
    let Some((directory, attributes)) = directory.and_then(|d| Some((d, d.leave.as_ref()?))) else {
        return Ok(());
    };
    if !identity.active {
        return Ok(());
    }
    let told = read(&identity.document, attributes, &zone_of(policy));
    let open = leave::open(c, identity.account).await?;
    if matches!(told, Told::Nothing) && open.is_none() {
        return Ok(());
    }
    let Some(account) = account::lock(c, identity.account).await? else { return Ok(()) };
    let own = open.as_ref().is_some_and(|open| open.directory.as_ref() == Some(&directory.id));
    let (from, until) = match told {
        Told::Unreadable(which) => {
            return report(c, act, &account, &format!("the value of {which} cannot be read")).await;
        }
        Told::Nothing if own => return people::leave_over(c, act, &account).await,
        Told::Nothing => return Ok(()),
        Told::Leave(from, until) => (from, until),
    };
    if open.is_some() && !own {
        return Ok(());
    }
    let former = open.as_ref().map(|open| (open.from, open.until));
    let from = from.or(former.map(|(from, _)| from)).unwrap_or(act.now);
    let until = until.or(former.map(|(_, until)| until)).unwrap_or_else(|| longest(from));
    if until <= act.now {
        return if own { people::leave_over(c, act, &account).await } else { Ok(()) };
    }
    if former == Some((from, until)) {
        return Ok(());
    }
    let mut wish = people::LeaveWish::new(from, until, &directory.name);
    wish.directory = Some(directory.id.clone());
    match people::note_leave(c, act, policy, &account, wish).await {
        Ok(()) => Ok(()),
        // What cannot be a leave, or would leave nobody to administer, must not stop the directory's own change.
        Err(refusal @ (Refusal::Invalid { .. } | Refusal::Conflict(_) | Refusal::Protected { .. })) => {
            report(c, act, &account, &refusal.to_string()).await
        }
        Err(other) => Err(other),
    }
}

fn longest(from: Timestamp) -> Timestamp {
    let end = from.to_zoned(TimeZone::UTC).checked_add(MONTHS.months());
    end.map_or(Timestamp::MAX, |end| end.timestamp())
}

async fn report(c: &mut Conn, act: &Act, account: &Account, why: &str) -> Result<(), Refusal> {
    tracing::warn!(account.id = %account.id, "leave of account {} as its directory says it is not followed: {why}",
        account.id);
    metrics::counter!("portvakt_leave_not_followed_total").increment(1);
    let after = json!({ "why": why });
    act.record(c, "leave_not_followed", Subject::new("account", account.id), None, Some(after)).await?;
    Ok(())
}

fn read(document: &Value, attributes: &LeaveAttributes, zone: &TimeZone) -> Told {
    let at = |path: &Option<String>| {
        let found = path.as_ref().map(|path| values(document, path)).unwrap_or_default();
        found.into_iter().map(|value| value.trim().to_owned()).find(|value| !value.is_empty())
    };
    let (from, until, flag) = (at(&attributes.from), at(&attributes.until), at(&attributes.flag));
    let flag = match flag.as_deref() {
        None => None,
        Some("true" | "yes" | "ja" | "1") => Some(true),
        Some("false" | "no" | "nej" | "0") => Some(false),
        Some(_) => return Told::Unreadable("flag"),
    };
    let Ok(first) = from.as_deref().map(|text| instant(text, zone, 0)).transpose() else {
        return Told::Unreadable("from");
    };
    let Ok(last) = until.as_deref().map(|text| instant(text, zone, 1)).transpose() else {
        return Told::Unreadable("until");
    };
    match (attributes.flag.is_some(), flag, last) {
        (true, Some(true), last) => Told::Leave(first, last),
        (true, Some(false) | None, _) | (false, _, None) => Told::Nothing,
        (false, _, Some(last)) => Told::Leave(first, Some(last)),
    }
}

/// A day, from its beginning or `after` days later, or an instant.
fn instant(text: &str, zone: &TimeZone, after: i64) -> Result<Timestamp, ()> {
    if let Ok(at) = text.to_uppercase().parse::<Timestamp>() {
        return Ok(at);
    }
    let day: Date = text.parse().map_err(|_| ())?;
    let day = day.checked_add(after.days()).map_err(|_| ())?;
    day.to_zoned(zone.clone()).map(|midnight| midnight.timestamp()).map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(document: &Value, with_flag: bool) -> Told {
        let attributes = LeaveAttributes {
            from: Some("urn:hr:leaveFrom".into()),
            until: Some("urn:hr:leaveUntil".into()),
            flag: with_flag.then(|| "urn:hr:onLeave".into()),
        };
        read(document, &attributes, &TimeZone::get("Europe/Stockholm").unwrap())
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_days_where_the_organisation_is_and_the_last_one_counts() {
        let document = json!({ "urn:hr": { "leaveFrom": "2026-01-07", "leaveUntil": "2026-08-31" } });
        let both = Told::Leave(Some(at("2026-01-06T23:00:00Z")), Some(at("2026-08-31T22:00:00Z")));
        assert_eq!(told(&document, false), both);
        let exact = json!({ "urn:hr": { "leaveUntil": "2026-08-31T10:00:00Z" } });
        assert_eq!(told(&exact, false), Told::Leave(None, Some(at("2026-08-31T10:00:00Z"))));
    }

    #[test]
    fn a_flag_decides_where_there_is_one_and_nonsense_is_never_guessed() {
        let of = |flag: Value, until: &str| json!({ "urn:hr": { "onLeave": flag, "leaveUntil": until } });
        assert_eq!(told(&of(json!(true), ""), true), Told::Leave(None, None));
        assert_eq!(told(&of(json!("False"), "2026-08-31"), true), Told::Nothing);
        assert_eq!(told(&of(json!("perhaps"), ""), true), Told::Unreadable("flag"));
        assert_eq!(told(&of(json!(true), "31/8"), true), Told::Unreadable("until"));
        assert_eq!(told(&json!({}), true), Told::Nothing);
    }
}
