//! Prints how directories stand, for people.
//!
//! Invariant: what a directory sent is printed without control characters.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::cli::shown::{minute, minute_or_never, plain, table};
use crate::cli::tokens;
use crate::domain::days::Reading;
use crate::flows::directories::{Counted, Row, Standing};

/// So many refused changes are shown; JSON has all.
const REFUSED_SHOWN: usize = 20;

pub(super) fn list(rows: &[Row], reading: &Reading) {
    let says = |sv: &str, en: &str| reading.pick(sv, en);
    let titles = [
        says("Katalog", "Directory"),
        says("Sort", "Kind"),
        says("Läge", "State"),
        says("Senaste anrop", "Last request"),
        says("Senaste ändring", "Last change"),
        says("Personer", "People"),
        says("Grupper", "Groups"),
        says("Väntande medlemmar", "Pending members"),
        says("Nekade ändringar", "Refused changes"),
        says("Token till", "Access until"),
    ];
    let row = |row: &Row| {
        vec![
            row.directory.to_string(),
            row.kind.to_owned(),
            state(row, reading),
            minute_or_never(row.last_request, reading),
            minute_or_never(row.last_change, reading),
            row.people.to_string(),
            row.groups.to_string(),
            row.pending_members.to_string(),
            row.refused_changes.to_string(),
            row.access_until.map_or_else(|| says("inga", "none"), |at| minute(at, reading)),
        ]
    };
    table(&titles, rows.iter().map(row));
}

fn state(row: &Row, reading: &Reading) -> String {
    match row.paused_since {
        Some(_) => reading.pick("PAUSAD", "PAUSED"),
        None => reading.pick("öppen", "open"),
    }
}

pub(super) fn standing(standing: &Standing, reading: &Reading) {
    println!("{} ({}, {})", plain(&standing.row.name), standing.row.directory, standing.row.kind);
    facts(standing, reading);
    let says = |sv: &str, en: &str| reading.pick(sv, en);
    if !standing.access.is_empty() {
        println!("\n{}", says("Token och klienter", "Tokens and clients"));
        tokens::print(&standing.access, reading);
    }
    if !standing.counts.is_empty() {
        println!("\n{}", says("Anrop", "Requests"));
        counts(&standing.counts, reading);
    }
    if !standing.repairs.is_empty() {
        println!("\n{}", says("Rättat i anropen", "Mended in the requests"));
        let titles = [says("Vad", "What"), says("Gånger", "Times"), says("Senast", "Last")];
        let rows = standing.repairs.iter();
        table(
            &titles,
            rows.map(|one| vec![one.repair.clone(), one.times.to_string(), minute(one.last_at, reading)]),
        );
    }
    pending(standing, reading);
    refused(standing, reading);
}

fn facts(standing: &Standing, reading: &Reading) {
    let says = |sv: &str, en: &str| reading.pick(sv, en);
    let row = &standing.row;
    let state = match &standing.pause {
        None => says("öppen", "open"),
        Some(pause) => {
            let (since, by, why) = (minute(pause.since, reading), &pause.by, &pause.reason);
            says(
                &format!("PAUSAD sedan {since} av {by}: {why}"),
                &format!("PAUSED since {since} by {by}: {why}"),
            )
        }
    };
    let error = standing.last_error.as_ref().map_or_else(
        || says("inget", "none"),
        |error| {
            let what = [Some(error.method.as_str()), error.resource.as_deref()];
            let what: Vec<&str> = what.into_iter().flatten().collect();
            let kind = error.scim_type.as_ref().map(|kind| format!(" {kind}")).unwrap_or_default();
            format!("{}  {} → {}{kind}", minute(error.at, reading), what.join(" "), error.status)
        },
    );
    let facts = [
        (says("SCIM-adress", "SCIM address"), row.scim_url.clone()),
        (says("token-adress", "token address"), standing.token_url.clone()),
        (says("läge", "state"), state),
        (says("senaste anrop", "last request"), minute_or_never(row.last_request, reading)),
        (says("senaste ändring", "last change"), minute_or_never(row.last_change, reading)),
        (says("senaste fel", "last error"), error),
        (says("avvisad token", "token turned away"), denied(standing, reading)),
        (says("personer", "people"), row.people.to_string()),
        (says("grupper", "groups"), row.groups.to_string()),
        (says("väntande medlemmar", "pending members"), row.pending_members.to_string()),
        (says("nekade ändringar", "refused changes"), row.refused_changes.to_string()),
    ];
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        println!("{name:<20}{}", plain(value));
    }
}

fn denied(standing: &Standing, reading: &Reading) -> String {
    let Some(at) = standing.last_denied else { return String::new() };
    let why = match standing.last_denied_why.as_deref() {
        Some("expired") => reading.pick("hade gått ut", "had expired"),
        Some("revoked") => reading.pick("var återkallad", "was revoked"),
        Some("wrong_secret") => reading.pick("fel klienthemlighet", "wrong client secret"),
        other => other.unwrap_or_default().to_owned(),
    };
    format!("{}  {why}", minute(at, reading))
}

/// How often each thing was done: today, within 7 days, within 90 days.
fn counts(counts: &[Counted], reading: &Reading) {
    let says = |sv: &str, en: &str| reading.pick(sv, en);
    let titles = [
        says("Metod", "Method"),
        says("Utfall", "Outcome"),
        says("I dag", "Today"),
        says("7 dygn", "7 days"),
        says("90 dygn", "90 days"),
    ];
    let (today, week) = (utc_day(reading.now, 0), utc_day(reading.now, 6));
    let mut kinds: Vec<(&str, &str)> =
        counts.iter().map(|one| (one.method.as_str(), one.outcome.as_str())).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let sum = |kind: (&str, &str), since: &str| {
        let is_meant =
            |one: &&Counted| (one.method.as_str(), one.outcome.as_str()) == kind && *one.day >= *since;
        counts.iter().filter(is_meant).map(|one| one.times).sum::<i64>().to_string()
    };
    let row = |kind: (&str, &str)| {
        let outcome = match kind.1 {
            "ok" => says("klart", "ok"),
            "refused" => says("nekat", "refused"),
            "failed" => says("misslyckat", "failed"),
            "paused" => says("pausad", "paused"),
            other => other.to_owned(),
        };
        vec![kind.0.to_owned(), outcome, sum(kind, &today), sum(kind, &week), sum(kind, "")]
    };
    table(&titles, kinds.into_iter().map(row));
}

/// The UTC day so many days before an instant.
fn utc_day(at: Timestamp, days_before: i64) -> String {
    let date = at.to_zoned(TimeZone::UTC).date();
    date.checked_sub(days_before.days()).unwrap_or(date).to_string()
}

fn pending(standing: &Standing, reading: &Reading) {
    if standing.pending.is_empty() {
        return;
    }
    let says = |sv: &str, en: &str| reading.pick(sv, en);
    println!("\n{}", says("Grupper som väntar på medlemmar", "Groups that wait for members"));
    let titles = [
        says("Grupp", "Group"),
        says("Namn", "Name"),
        says("Väntar på", "Waits for"),
        says("Sedan", "Since"),
    ];
    let rows = standing.pending.iter();
    table(
        &titles,
        rows.map(|one| {
            vec![one.group.to_string(), one.name.clone(), one.members.to_string(), minute(one.since, reading)]
        }),
    );
}

fn refused(standing: &Standing, reading: &Reading) {
    if standing.refused.is_empty() {
        return;
    }
    let says = |sv: &str, en: &str| reading.pick(sv, en);
    println!(
        "\n{}",
        says("Nekade ändringar som inte har lyckats sedan", "Refused changes that have not succeeded since")
    );
    let titles = [
        says("Senast", "Last"),
        says("Gånger", "Times"),
        says("Vad", "What"),
        says("Vem", "Who"),
        says("Svar", "Answer"),
        says("Besked", "Detail"),
    ];
    let rows = standing.refused.iter().take(REFUSED_SHOWN).map(|one| {
        let kind = one.scim_type.as_ref().map(|kind| format!(" {kind}")).unwrap_or_default();
        vec![
            minute(one.last_at, reading),
            one.times.to_string(),
            format!("{} {}", one.method, one.resource),
            one.reference.clone(),
            format!("{}{kind}", one.status),
            one.detail.clone(),
        ]
    });
    table(&titles, rows);
    if standing.refused.len() > REFUSED_SHOWN {
        let more = standing.refused.len() - REFUSED_SHOWN;
        println!(
            "{}",
            says(
                &format!("… och {more} till (--format json)"),
                &format!("… and {more} more (--format json)")
            )
        );
    }
}
