//! How directories, sources and CRMs are, a line each: for the start page and for the list of connections.
//!
//! Invariant: what is well is said shortly; what is not says what that means.

use jiff::Timestamp;

use super::super::parts::Pill;
use super::super::{ConsolePerson, Desk};
use crate::domain::ids::DirectoryId;
use crate::domain::policy::EvidenceSource;
use crate::flows::console::standing::{SourceLine, Standing};
use crate::flows::directories::Row;
use crate::flows::targets::TargetStanding;

/// A line of the table.
#[derive(Debug, Clone)]
pub(in super::super) struct Health {
    /// What it is called.
    pub(in super::super) name: String,
    /// Its own page; nothing: it has none.
    pub(in super::super) address: Option<String>,
    /// What it is.
    pub(in super::super) what: String,
    /// When it was last heard of.
    pub(in super::super) contact: String,
    /// How it is.
    pub(in super::super) pill: Pill,
    /// What that means.
    pub(in super::super) text: String,
}

/// Directories first, then sources, then CRMs.
pub(in super::super) fn lines(console: &ConsolePerson, desk: &Desk, standing: &Standing) -> Vec<Health> {
    let directories = standing.directories.iter().map(|row| directory(desk, row));
    let sources = standing.sources.iter().map(|line| source(console, desk, line));
    let targets = standing.targets.iter().map(|target| crm(desk, target));
    directories.chain(sources).chain(targets).collect()
}

fn contact(desk: &Desk, at: Option<Timestamp>) -> String {
    at.map_or_else(|| desk.t("aldrig", "never").to_owned(), |at| desk.when(at))
}

fn works(desk: &Desk) -> Pill {
    Pill::new(desk, "ok", "check", desk.t("Fungerar", "Working"))
}

/// How a directory is.
pub(super) fn directory(desk: &Desk, row: &Row) -> Health {
    let people = usize::try_from(row.people).unwrap_or_default();
    let people = desk.count(people, ["person", "personer"], ["person", "people"]);
    let (pill, text) = if let Some(since) = row.paused_since {
        let text = format!("{} {}", desk.t("Sedan", "Since"), desk.when(since));
        (Pill::new(desk, "warn", "pause", desk.t("Pausad", "Paused")), text)
    } else if row.last_request.is_none() {
        let text = desk.t("Har inte hört av sig än.", "Has not been heard of yet.").to_owned();
        (Pill::new(desk, "", "clock", desk.t("Väntar", "Waiting")), text)
    } else if row.refused_changes > 0 {
        let text = desk.count(
            row.refused_changes,
            ["ändring gick inte att ta emot", "ändringar gick inte att ta emot"],
            ["change could not be taken", "changes could not be taken"],
        );
        (Pill::new(desk, "warn", "warn", desk.t("Se över", "Look at it")), text)
    } else {
        (works(desk), String::new())
    };
    Health {
        name: row.name.clone(),
        address: Some(desk.at(&format!("/connections/directories/{}", row.directory))),
        what: format!("{}, {people}", desk.t("Katalog", "Directory")),
        contact: contact(desk, row.last_request),
        pill,
        text,
    }
}

fn source(console: &ConsolePerson, desk: &Desk, line: &SourceLine) -> Health {
    let named = |id: &DirectoryId| {
        let known = console.ports.settings.directories.iter().find(|one| one.id == *id);
        known.map_or_else(|| id.to_string(), |one| one.name.clone())
    };
    let name = match (line.source, &line.directory) {
        (EvidenceSource::Directory, Some(id)) => {
            format!("{} {}", desk.t("Inloggningsloggen i", "The sign-in log of"), named(id))
        }
        (EvidenceSource::Directory, None) => desk.t("Katalogens logg", "The directory’s log").to_owned(),
        (EvidenceSource::Crm, _) => desk.t("CRM:s inloggningslogg", "The CRM’s sign-in log").to_owned(),
        (EvidenceSource::Sso, _) => "SSO".to_owned(),
    };
    let (pill, text) = match &line.doubt {
        None => (works(desk), String::new()),
        Some(doubt) => (
            Pill::new(desk, "warn", "warn", desk.t("Vet inte", "Does not know")),
            doubt.sentence(desk.reading()),
        ),
    };
    Health {
        name,
        address: None,
        what: desk.t("Källa för senast inloggad", "Source of last signed in").to_owned(),
        contact: contact(desk, line.last_success),
        pill,
        text,
    }
}

/// How a CRM is.
pub(super) fn crm(desk: &Desk, target: &TargetStanding) -> Health {
    let (pill, text) = state(desk, target);
    let (what, last) = match &target.reading {
        Some(reading) => (desk.t("Frågar själv efter konton", "Asks for accounts by itself"), reading.at),
        None => (desk.t("Mottagare av konton", "Receives accounts"), target.last_delivery),
    };
    Health {
        name: target.target.to_string(),
        address: Some(desk.at(&format!("/connections/targets/{}", target.target))),
        what: what.to_owned(),
        contact: contact(desk, last),
        pill,
        text,
    }
}

fn state(desk: &Desk, target: &TargetStanding) -> (Pill, String) {
    let number = |count: i64| usize::try_from(count).unwrap_or_default();
    if let Some(reading) = &target.reading {
        let behind = desk.count(
            number(reading.behind),
            ["konto har ändrats sedan dess", "konton har ändrats sedan dess"],
            ["account has changed since", "accounts have changed since"],
        );
        if reading.at.is_some() {
            return (works(desk), behind);
        }
        let text = desk.t("Har inte frågat än.", "Has not asked yet.").to_owned();
        return (Pill::new(desk, "", "clock", desk.t("Väntar", "Waiting")), text);
    }
    let waits = desk.count(
        number(target.waiting),
        ["leverans väntar", "leveranser väntar"],
        ["delivery waiting", "deliveries waiting"],
    );
    if target.off_since.is_some() {
        (Pill::new(desk, "warn", "pause", desk.t("Avstängd", "Switched off")), waits)
    } else if let Some(rest) = &target.rests {
        let text = format!("{} {}. {waits}", desk.t("Nytt försök", "Tried again"), desk.when(rest.until));
        (Pill::new(desk, "bad", "stop", desk.t("Svarar inte", "Does not answer")), text)
    } else if target.dead > 0 {
        let text = desk.count(
            number(target.dead),
            ["leverans gick inte fram", "leveranser gick inte fram"],
            ["delivery failed", "deliveries failed"],
        );
        (Pill::new(desk, "bad", "stop", desk.t("Se över", "Look at it")), text)
    } else {
        (works(desk), waits)
    }
}
