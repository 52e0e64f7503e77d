//! What a policy would do to one person, in words.
//!
//! Invariant: a limit that comes stands among what is lost, and one that goes among what is gained.

use super::super::Desk;
use crate::domain::policy::Policy;
use crate::domain::policy::move_words::{is_limit, opened, right};
use crate::flows::policies::Person;

/// What somebody gains and loses.
#[derive(Debug, Default)]
pub(super) struct Moves {
    pub(super) gains: Vec<String>,
    pub(super) loses: Vec<String>,
    /// What is neither.
    pub(super) note: String,
}

/// The person's gains and losses; the new policy comes first among `policies`.
pub(super) fn moves(frame: &Desk, policies: &[&Policy], person: &Person) -> Moves {
    let name = |short: &String| right(policies, short, frame.language);
    let free = frame.t("inte längre", "no longer");
    let mut moves = Moves::default();
    let (limits, rights): (Vec<&String>, Vec<&String>) = person.gains.iter().partition(|one| is_limit(one));
    let (freed, lost): (Vec<&String>, Vec<&String>) = person.loses.iter().partition(|one| is_limit(one));
    moves.gains.extend(rights.into_iter().map(name));
    moves.gains.extend(freed.into_iter().map(|one| format!("{free} {}", name(one))));
    moves.gains.extend(opened(policies, &person.opens, frame.language));
    moves.loses.extend(lost.into_iter().map(name));
    moves.loses.extend(limits.into_iter().map(name));
    moves.loses.extend(opened(policies, &person.closes, frame.language));
    let items = |count: u64| {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        frame.count(count, ["föremål", "föremål"], ["item", "items"])
    };
    if person.items.gained > 0 {
        let seen = frame.t("blir synliga", "come into sight");
        moves.gains.push(format!("{} {seen}", items(person.items.gained)));
    }
    if person.items.lost > 0 {
        let unseen = frame.t("syns inte längre", "go out of sight");
        moves.loses.push(format!("{} {unseen}", items(person.items.lost)));
    }
    moves.note = note(frame, person, &moves).to_owned();
    moves
}

fn note(frame: &Desk, person: &Person, moves: &Moves) -> &'static str {
    if moves.gains.is_empty() && moves.loses.is_empty() && person.rewritten > 0 {
        frame
            .t("Har det redan. Får det nu av en annan regel.", "Has it already. Gets it by another rule now.")
    } else if person.in_use {
        ""
    } else {
        frame.t("Kontot används inte nu.", "The account is not in use now.")
    }
}

/// Why somebody keeps what the policy would take.
pub(super) fn held_back(frame: &Desk, by: &str) -> String {
    match by {
        "protected" => frame.t("Kontot är skyddat.", "The account is protected."),
        "break_glass" => frame.t("Det är ett nödkonto.", "It is an emergency account."),
        "critical_empty" => frame.t(
            "Ingen annan har den kritiska rollen eller sektorn.",
            "Nobody else holds the critical role or sector.",
        ),
        "no_administrator" => {
            frame.t("Ingen annan administrerar Portvakt.", "Nobody else administers Portvakt.")
        }
        other => return other.to_owned(),
    }
    .to_owned()
}
