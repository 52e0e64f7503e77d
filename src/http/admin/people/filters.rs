//! What the list can be narrowed by, and what it is.
//!
//! Invariant: each chip is the same list without that filter.

use super::super::super::pages::Frame;
use super::super::ConsolePerson;
use super::super::parts::{Chip, Empty, status_words};
use super::PATH;
use super::wish::{Choice, NARROWING, Wish, choices, fixed};
use crate::domain::account::Status;
use crate::domain::language::Text;
use crate::flows::people::roster::{Signed, Who};

/// The fields of the filter's form.
#[derive(Debug, Clone)]
pub(super) struct Filters {
    pub(super) typed: String,
    pub(super) who: Vec<Choice>,
    pub(super) signed: Vec<Choice>,
    pub(super) day: String,
    pub(super) until: String,
    pub(super) roles: Vec<Choice>,
    pub(super) limited: Vec<Choice>,
    pub(super) sectors: Vec<Choice>,
    pub(super) directories: Vec<Choice>,
    pub(super) origins: Vec<Choice>,
    pub(super) privileged: bool,
    pub(super) left: String,
}

impl Filters {
    /// What the form says now.
    pub(super) fn of(console: &ConsolePerson, wish: &Wish) -> Self {
        let (frame, fields) = (&console.frame, &wish.fields);
        let policy = &console.person.compiled.policy;
        let named = |sv, en| frame.t(sv, en);
        let who = whose(frame);
        let signed = [
            ("any", named("När som helst", "Any time")),
            ("since", named("Har inte loggat in sedan", "Has not signed in since")),
            ("between", named("Loggade senast in mellan", "Last signed in between")),
            ("never", named("Har aldrig loggat in", "Has never signed in")),
        ];
        let limited =
            [("", named("Båda", "Either")), ("yes", named("Ja", "Yes")), ("no", named("Nej", "No"))];
        let origins = [
            ("", named("Regel eller för hand", "Rule or by hand")),
            ("rule", named("Regel", "Rule")),
            ("manual", named("För hand", "By hand")),
            ("review", named("Översyn", "Review")),
            ("deputy", named("Ställföreträdare", "Deputy")),
        ];
        let directories: Vec<(String, Text)> = console
            .ports
            .settings
            .directories
            .iter()
            .map(|one| (one.id.to_string(), Text::new(one.name.as_str(), one.name.as_str())))
            .collect();
        let of = |name| (fields, name);
        let selection = &wish.selection;
        Self {
            typed: selection.typed.clone(),
            who: fixed(of("who"), "able", &who),
            signed: fixed(of("signed"), "any", &signed),
            day: wish.day.map(|day| day.to_string()).unwrap_or_default(),
            until: wish.until.map(|day| day.to_string()).unwrap_or_default(),
            roles: choices(
                frame,
                of("role"),
                named("Alla roller", "All roles"),
                policy.roles.iter().map(|(id, role)| (id.to_string(), &role.name)),
            ),
            limited: fixed(of("limited"), "", &limited),
            sectors: choices(
                frame,
                of("sector"),
                named("Alla sektorer", "All sectors"),
                policy.sectors.iter().map(|(id, sector)| (id.to_string(), &sector.name)),
            ),
            directories: choices(
                frame,
                of("directory"),
                named("Alla kataloger", "All directories"),
                directories.iter().map(|(id, name)| (id.clone(), name)),
            ),
            origins: fixed(of("origin"), "", &origins),
            privileged: selection.is_privileged,
            left: wish.left.map(|day| day.to_string()).unwrap_or_default(),
        }
    }

    /// What narrows the list, each with the way to the list without it.
    pub(super) fn chips(&self, console: &ConsolePerson, wish: &Wish) -> Vec<Chip> {
        let (frame, fields, selection) = (&console.frame, &wish.fields, &wish.selection);
        let mut chips = Vec::new();
        let mut add = |names: &[&str], words: String| {
            // Who can sign in is what the list shows unasked; without that filter it shows everybody.
            let without = fields.without(names);
            let without = if names == ["who"] { without.and("who", "all") } else { without };
            chips.push(Chip { words, address: without.at(frame, PATH) });
        };
        if !matches!(selection.who, Who::Everybody) {
            add(&["who"], chosen(&self.who));
        }
        if !selection.typed.is_empty() {
            add(&["q"], frame.quoted(&selection.typed));
        }
        if !matches!(selection.signed, Signed::Any) {
            add(&["signed", "day", "until"], self.signed_words(console, wish));
        }
        let mut named = |name: &'static str, is_set: bool, choices: &[Choice], before: &str| {
            if is_set {
                add(&[name], format!("{before}{}", chosen(choices)));
            }
        };
        named("role", selection.role.is_some(), &self.roles, frame.t("Roll: ", "Role: "));
        named("limited", selection.limited.is_some(), &self.limited, frame.t("Begränsad: ", "Limited: "));
        named("sector", selection.sector.is_some(), &self.sectors, frame.t("Sektor: ", "Sector: "));
        named("directory", selection.directory.is_some(), &self.directories, "");
        named("origin", selection.origin.is_some(), &self.origins, frame.t("Från: ", "From: "));
        if selection.is_privileged {
            add(&["privileged"], frame.t("Höga behörigheter", "Privileged").to_owned());
        }
        if let Some(at) = selection.left_since {
            add(&["left"], format!("{} {}", frame.t("Slutade från", "Left from"), console.reading.date(at)));
        }
        chips
    }

    fn signed_words(&self, console: &ConsolePerson, wish: &Wish) -> String {
        let frame = &console.frame;
        match wish.selection.signed {
            Signed::Any | Signed::Never => chosen(&self.signed),
            Signed::NotSince(day) => format!("{} {}", chosen(&self.signed), console.reading.date(day)),
            Signed::Between(from, until) => format!(
                "{} {} {} {}",
                chosen(&self.signed),
                console.reading.date(from),
                frame.t("och", "and"),
                console.reading.last_day_before(until)
            ),
        }
    }
}

/// Why nobody is there, and what to do.
pub(super) fn empty(console: &ConsolePerson, wish: &Wish) -> Empty {
    let frame = &console.frame;
    let is_plain = wish.fields.without(&["signed", "day", "until", "sort", "column"]).is_empty();
    let text = match wish.selection.signed {
        Signed::NotSince(day) if is_plain => {
            let day = console.reading.date(day);
            match frame.tag() {
                "sv" => format!("Alla som kan logga in har gjort det sedan {day}."),
                _ => format!("Everyone who can sign in has done so since {day}."),
            }
        }
        Signed::Never if is_plain => frame
            .t("Alla som kan logga in har gjort det.", "Everyone who can sign in has done so.")
            .to_owned(),
        _ => frame.t("Ta bort ett filter och se om det räcker.", "Remove a filter and see.").to_owned(),
    };
    let clear = wish.fields.without(NARROWING).at(frame, PATH);
    Empty {
        title: frame.t("Ingen stämmer med urvalet", "Nobody matches").to_owned(),
        text,
        way: Some((clear, frame.t("Rensa urvalet", "Clear the filters"))),
    }
}

/// Whose status may be asked for.
fn whose(frame: &Frame) -> Vec<(&'static str, &'static str)> {
    let mut who = vec![
        ("able", frame.t("Kan logga in", "Can sign in")),
        ("shut", frame.t("Kan inte logga in", "Cannot sign in")),
        ("all", frame.t("Alla", "Everyone")),
    ];
    who.extend(Status::ALL.iter().map(|status| (status.name(), status_words(frame, *status))));
    who
}

fn chosen(choices: &[Choice]) -> String {
    choices.iter().find(|one| one.is_chosen).map(|one| one.words.clone()).unwrap_or_default()
}
