//! What was tried before a policy is put into force: the safety limits, the cases, and what somebody should look at.
//!
//! Invariant: what stops a plan and what holds stand in the same list, so that nobody takes silence for a yes.

use super::super::Desk;
use super::super::parts::{Figure, Figures};
use crate::domain::safety::SafetyStop;
use crate::flows::policies::Proposal;

/// Something that was tried.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) tone: &'static str,
    pub(super) icon: &'static str,
    pub(super) text: String,
    /// Whether it is in the words of the program.
    pub(super) is_english: bool,
}

impl Line {
    fn new(tone: &'static str, icon: &'static str, text: impl Into<String>) -> Self {
        Self { tone, icon, text: text.into(), is_english: false }
    }
}

/// How many gain and lose something.
pub(super) fn figures(frame: &Desk, proposal: &Proposal) -> Figures {
    let people = &proposal.people;
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let population = count(proposal.plan.population);
    let figure = |number: usize, words: &'static str, small: &str| Figure {
        number: frame.number(number),
        words,
        small: small.to_owned(),
        address: None,
    };
    let accounts = frame.count(population, ["konto", "konton"], ["account", "accounts"]);
    let of = format!("{} {accounts}", frame.t("av", "of"));
    Figures {
        label: frame.t("Planen i siffror", "The plan in numbers"),
        figures: vec![
            figure(
                people.iter().filter(|person| person.gains_something).count(),
                frame.t("får mer", "gain something"),
                "",
            ),
            figure(
                people.iter().filter(|person| person.loses_something).count(),
                frame.t("förlorar något", "lose something"),
                "",
            ),
            figure(
                count(proposal.plan.rewritten),
                frame.t("får det på ett nytt sätt", "have it in a new way"),
                frame.t("ingen skillnad i dag", "no difference today"),
            ),
            figure(population.saturating_sub(people.len()), frame.t("berörs inte", "are not touched"), &of),
        ],
    }
}

/// Everything that was tried.
pub(super) fn lines(frame: &Desk, proposal: &Proposal) -> Vec<Line> {
    let (plan, policy, reading) = (&proposal.plan, &proposal.policy, frame.reading());
    let stops = plan.stops.iter().map(|stop| Line::new("bad", "stop", stop.sentence(policy, reading)));
    let mut lines: Vec<Line> = stops.collect();
    let holds = |stops: fn(&SafetyStop) -> bool| !plan.stops.iter().any(stops);
    let mut held = Vec::new();
    if holds(|stop| matches!(stop, SafetyStop::CriticalEmpty { .. })) {
        held.push(
            frame
                .t(
                    "Inga kritiska roller eller sektorer blir tomma",
                    "No critical role or sector is left empty",
                )
                .to_owned(),
        );
    }
    if holds(|stop| matches!(stop, SafetyStop::NoAdministrator)) {
        held.push(frame.t("Någon administrerar fortfarande", "Somebody still administers").to_owned());
    }
    if holds(|stop| matches!(stop, SafetyStop::TooMany { .. })) {
        let taken = frame.count(
            usize::try_from(plan.taken).unwrap_or(usize::MAX),
            ["förlorar något", "förlorar något"],
            ["loses something", "lose something"],
        );
        held.push(format!("{taken}, {}", frame.t("inom gränsen", "within the limit")));
    }
    held.push(frame.t("Alla provfall håller", "Every case holds").to_owned());
    lines.extend(held.into_iter().map(|text| Line::new("ok", "check", text)));
    lines.extend(plan.doubts.iter().map(|doubt| Line::new("warn", "warn", doubt.sentence(policy, reading))));
    lines.extend(proposal.warnings.iter().map(|warning| Line {
        is_english: true,
        ..Line::new("warn", "warn", format!("{}: {} {}", warning.key_path, warning.what, warning.fix))
    }));
    lines
}
