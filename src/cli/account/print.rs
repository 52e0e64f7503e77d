//! Prints accounts, for people and for programs.
//!
//! Invariant: JSON has stable names and exact instants; text has days.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::cli::PrintAs;
use crate::flows::people::{GrantStory, Line, Portrait};
use crate::flows::report::aligned;
use crate::flows::session;

fn json(value: &(impl Serialize + ?Sized)) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).date().to_string()
}

fn day_or(at: Option<Timestamp>, zone: &TimeZone, otherwise: &str) -> String {
    at.map_or_else(|| otherwise.to_owned(), |at| day(at, zone))
}

fn joined(names: impl IntoIterator<Item = impl ToString>) -> String {
    names.into_iter().map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}

fn yes(flag: bool) -> String {
    if flag { "yes".to_owned() } else { String::new() }
}

fn table(titles: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let mut table = vec![titles.iter().map(|title| (*title).to_owned()).collect()];
    table.extend(rows);
    for line in aligned(&table) {
        println!("{line}");
    }
}

pub(super) fn list(lines: &[Line], format: PrintAs, zone: &TimeZone) -> anyhow::Result<()> {
    if format == PrintAs::Json {
        return json(lines);
    }
    let titles = [
        "Name",
        "User name",
        "Status",
        "Last seen",
        "Days",
        "Roles",
        "Limited",
        "Sectors",
        "Kind",
        "Protected",
    ];
    let row = |line: &Line| {
        vec![
            line.display_name.clone(),
            line.user_name.clone(),
            line.status.to_string(),
            day_or(line.last_seen, zone, "never"),
            line.days_since.map(|days| days.to_string()).unwrap_or_default(),
            joined(&line.roles),
            yes(line.limited),
            joined(&line.sectors),
            line.kind.to_string(),
            yes(line.is_protected),
        ]
    };
    table(&titles, lines.iter().map(row));
    Ok(())
}

pub(super) fn portrait(portrait: &Portrait, format: PrintAs, zone: &TimeZone) -> anyhow::Result<()> {
    if format == PrintAs::Json {
        return json(portrait);
    }
    let line = &portrait.line;
    println!("{} ({})", line.display_name, line.user_name);
    let source = line.last_seen_source.map(|source| format!(" ({source})")).unwrap_or_default();
    let leave = portrait.leave.as_ref().map(|leave| {
        let (from, until) = (day(leave.from, zone), day(leave.until, zone));
        format!("from {from} to before {until}, approved by {}", leave.approver)
    });
    let dates = format!("{} – {}", day_or(line.valid_from, zone, ""), day_or(line.valid_until, zone, ""));
    let facts = [
        ("account", line.account.to_string()),
        (
            "status",
            format!("{} since {} ({})", line.status, day(line.status_since, zone), line.status_reason),
        ),
        ("next", portrait.next.clone()),
        ("kind", line.kind.to_string()),
        ("protected", yes(line.is_protected)),
        ("created", day(portrait.created_at, zone)),
        ("last seen", day_or(line.last_seen, zone, "never") + &source),
        ("roles", joined(&line.roles)),
        ("limited", yes(line.limited)),
        ("sectors", joined(&line.sectors)),
        ("item-restricted", yes(line.item_restricted)),
        ("directories", joined(&line.directories)),
        ("valid", dates),
        ("leave", leave.unwrap_or_default()),
        ("e-mail", portrait.email.clone().unwrap_or_default()),
        ("open sessions", portrait.sessions.to_string()),
        ("version", line.version.to_string()),
    ];
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty() && value != " – ") {
        println!("{name:<16}{value}");
    }
    println!();
    holdings(&portrait.holds, zone);
    println!();
    let history = portrait.history.iter().map(|chapter| {
        let standing = &chapter.standing;
        let until = day_or(chapter.until, zone, "");
        let note = standing.note.clone().unwrap_or_default();
        let state = standing.status.to_string();
        vec![day(standing.since, zone), until, state, standing.reason.to_string(), standing.by.clone(), note]
    });
    table(&["Since", "Until", "Status", "Reason", "By", "Note"], history);
    println!();
    let told = portrait.told.iter().map(|told| {
        let version = told.version.map(|version| version.to_string()).unwrap_or_default();
        let at = told.at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        let answer = told.answer.clone().unwrap_or_default();
        vec![told.target.to_string(), version, at, answer, told.pending.clone().unwrap_or_default()]
    });
    table(&["CRM", "Version", "Told", "It answered", "Still to be told"], told);
    println!();
    let changes = portrait.changes.iter().map(|change| {
        vec![change.at.to_string(), change.action.clone(), change.actor.clone(), change.cause.clone()]
    });
    table(&["When", "Change", "By", "Cause"], changes);
    Ok(())
}

pub(super) fn sessions(lines: &[session::Line], format: PrintAs) -> anyhow::Result<()> {
    if format == PrintAs::Json {
        return json(lines);
    }
    let row = |line: &session::Line| {
        vec![
            line.session.to_string(),
            line.directory.to_string(),
            line.since.to_string(),
            line.last_used.to_string(),
            line.ends.to_string(),
            line.authenticated_at.map(|at| at.to_string()).unwrap_or_default(),
            [line.acr.clone(), line.amr.clone()].into_iter().flatten().collect::<Vec<_>>().join(" "),
        ]
    };
    let titles = ["Session", "Through", "Since", "Last used", "Ends", "Proved", "How"];
    table(&titles, lines.iter().map(row));
    Ok(())
}

pub(super) fn stories(stories: &[GrantStory], format: PrintAs, zone: &TimeZone) -> anyhow::Result<()> {
    if format == PrintAs::Json {
        return json(stories);
    }
    holdings(stories, zone);
    Ok(())
}

/// Everything that an account holds, with its origin.
fn holdings(stories: &[GrantStory], zone: &TimeZone) {
    if stories.is_empty() {
        println!("the account holds nothing");
        return;
    }
    let row = |story: &GrantStory| {
        let groups = story.groups.iter().map(|group| format!("{} ({})", group.name, group.directory));
        let origin = match (&story.rule, &story.by_role) {
            (Some(rule), _) => format!("{} {rule}", story.origin),
            (None, Some(role)) => format!("{} (role {role})", story.origin),
            (None, None) => story.origin.to_owned(),
        };
        let ends = day_or(story.ends_at, zone, "");
        let ends = if story.in_force { ends } else { format!("{ends} (ended)") };
        vec![
            story.kind.to_owned(),
            story.name.clone(),
            day(story.since, zone),
            origin,
            joined(groups),
            story.by.clone(),
            story.why.clone().unwrap_or_default(),
            ends,
        ]
    };
    let titles = ["Kind", "What", "Since", "Origin", "Through", "By", "Why", "Ends"];
    table(&titles, stories.iter().map(row));
}
