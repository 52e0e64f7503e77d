//! Prints targets and their dead letters, for people and for programs.
//!
//! Invariant: of an address only the host is printed.

use serde::Serialize;

use crate::cli::PrintAs;
use crate::crm::Finding;
use crate::flows::targets::{DeadLetter, Reading, ReplayView, TargetPortrait, TargetStanding};

pub(super) fn rows<T: Serialize>(
    format: PrintAs,
    rows: &[T],
    line: impl Fn(&T) -> String,
) -> anyhow::Result<()> {
    match format {
        PrintAs::Text => rows.iter().for_each(|row| println!("{}", line(row))),
        PrintAs::Json => println!("{}", serde_json::to_string_pretty(rows)?),
    }
    Ok(())
}

pub(super) fn standing(row: &TargetStanding) -> String {
    if let Some(reading) = &row.reading {
        return format!("{}  {}  {}", row.target, row.kind, read(reading));
    }
    let last = row.last_delivery.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let off = row.off_since.as_ref().map(|since| format!("  SWITCHED OFF since {since}")).unwrap_or_default();
    let rests = row.rests.as_ref();
    let rests = rests.map(|rest| format!("  LEFT ALONE since {}, tried at {}", rest.since, rest.until));
    let again =
        if row.again > 0 { format!(" ({} of them only told again)", row.again) } else { String::new() };
    format!(
        "{}  {} to {}  waiting {}{again}  dead letters {}  last delivery {last}{off}{}",
        row.target,
        row.kind,
        row.host,
        row.waiting,
        row.dead,
        rests.unwrap_or_default()
    )
}

fn read(reading: &Reading) -> String {
    match reading.at {
        Some(at) => format!("asks for itself, last came further at {at}, {} accounts behind", reading.behind),
        None => format!("asks for itself, has nothing yet, {} accounts behind", reading.behind),
    }
}

pub(super) fn letter(row: &DeadLetter) -> String {
    format!(
        "{}  {}  version {}  since {}  attempts {}  {}",
        row.account, row.user_name, row.version, row.queued_at, row.attempts, row.error
    )
}

pub(super) fn finding(finding: &Finding) -> String {
    let mark = if finding.is_good { "good" } else { "BAD " };
    let said = if finding.said.is_empty() { String::new() } else { format!(": {}", finding.said) };
    format!("{mark}  {}{said}", finding.what)
}

pub(super) fn portrait(format: PrintAs, portrait: &TargetPortrait) -> anyhow::Result<()> {
    if format == PrintAs::Json {
        println!("{}", serde_json::to_string_pretty(portrait)?);
        return Ok(());
    }
    let row = &portrait.standing;
    let or = |at: Option<jiff::Timestamp>, otherwise: &str| {
        at.map_or_else(|| otherwise.to_owned(), |at| at.to_string())
    };
    if let Some(reading) = &row.reading {
        println!("{}  {}  {}", row.target, row.kind, read(reading));
        println!("{:<16}{}", "can be read", portrait.can.join(", "));
        return Ok(());
    }
    println!("{}  {} to {}", row.target, row.kind, row.host);
    let facts = [
        ("can be told", portrait.can.join(", ")),
        ("waiting", format!("{}, {} of them only told again", row.waiting, row.again)),
        ("oldest change", or(row.oldest, "none waits")),
        ("next attempt", or(portrait.next_due, "none waits")),
        ("dead letters", row.dead.to_string()),
        ("last delivery", or(row.last_delivery, "never")),
        ("last answer", or(portrait.last_answer, "never")),
        ("switched off", row.off_since.clone().unwrap_or_else(|| "no".to_owned())),
    ];
    for (name, value) in facts {
        println!("{name:<16}{value}");
    }
    if let Some(rest) = &row.rests {
        println!(
            "{:<16}since {}, {} trials failed, tried again at {}: {}",
            "left alone", rest.since, rest.trials, rest.until, rest.error
        );
    }
    for (error, count) in &portrait.errors {
        println!("{:<16}{count} accounts: {error}", "in the way");
    }
    portrait.replays.iter().for_each(|replay| println!("{}", replayed(replay)));
    Ok(())
}

fn replayed(replay: &ReplayView) -> String {
    let ReplayView { kind, since, by, begun_at, queued, ended_at } = replay;
    let since = since.map(|at| format!(", told since {at}")).unwrap_or_default();
    let until = ended_at.map_or_else(|| "under way".to_owned(), |at| format!("queued by {at}"));
    format!("{kind:<16}by {by} at {begun_at}{since}: {queued} accounts, {until}")
}
