//! Roles, sectors, actions and origins in words, for the pages about a person.
//!
//! Invariant: what the policy has dropped shows its id.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::super::Desk;
use crate::domain::grant::GrantKind;
use crate::domain::policy::{Action, Opening, Policy, Role};
use crate::flows::Refusal;

/// What somebody may do: "se, skapa", or everything.
pub(super) fn actions(desk: &Desk, actions: &BTreeSet<Action>) -> String {
    if actions.len() == Action::ALL.len() {
        return desk.t("allt", "everything").to_owned();
    }
    actions.iter().map(|action| self::action(desk, *action)).collect::<Vec<_>>().join(", ")
}

/// One action.
pub(super) fn action(desk: &Desk, action: Action) -> &'static str {
    let (sv, en) = match action {
        Action::View => ("se", "see"),
        Action::Create => ("skapa", "create"),
        Action::Edit => ("ändra", "change"),
        Action::Delete => ("ta bort", "remove"),
        Action::Assign => ("tilldela", "assign"),
        Action::Administer => ("administrera", "administer"),
    };
    desk.t(sv, en)
}

/// What a role opens: "Kommunikation: allt. Medlemmar: se."
pub(super) fn opens(desk: &Desk, policy: &Policy, role: &Role) -> String {
    let one = |opening: &Opening| {
        let module = match &opening.module {
            None => desk.t("Alla moduler", "Every module").to_owned(),
            Some(id) => {
                policy.modules.get(id).map_or(id.to_string(), |known| desk.text(&known.name).to_owned())
            }
        };
        let all = || desk.t("allt", "everything").to_owned();
        let may = opening.actions.as_ref().map_or_else(all, |some| actions(desk, some));
        format!("{module}: {may}.")
    };
    role.opens.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// A role, sector or limit.
pub(super) fn kind(desk: &Desk, policy: &Policy, kind: &GrantKind) -> String {
    match kind {
        GrantKind::Role(id) => {
            policy.roles.get(id).map_or(id.to_string(), |role| desk.text(&role.name).to_owned())
        }
        GrantKind::Sector(id) => {
            policy.sectors.get(id).map_or(id.to_string(), |sector| desk.text(&sector.name).to_owned())
        }
        GrantKind::Limited => desk.t("Begränsad användare", "Limited user").to_owned(),
        GrantKind::ItemRestricted => desk.t("Bara egna föremål", "Only own items").to_owned(),
    }
}

/// The same with what it is: "rollen Styrelse".
pub(super) fn kind_of(desk: &Desk, policy: &Policy, kind: &GrantKind) -> String {
    let name = self::kind(desk, policy, kind);
    match kind {
        GrantKind::Role(_) => format!("{} {name}", desk.t("rollen", "the role")),
        GrantKind::Sector(_) => format!("{} {name}", desk.t("sektorn", "the sector")),
        GrantKind::Limited => desk.t("begränsningen till sektorer", "the limit to sectors").to_owned(),
        GrantKind::ItemRestricted => {
            desk.t("begränsningen till egna föremål", "the limit to own items").to_owned()
        }
    }
}

/// `role:board`, `limited`: a right in an address or a form.
pub(super) fn key(kind: &GrantKind) -> String {
    match kind {
        GrantKind::Role(_) | GrantKind::Sector(_) => format!("{}:{}", kind.name(), kind.value()),
        GrantKind::Limited | GrantKind::ItemRestricted => kind.name().to_owned(),
    }
}

/// The right of a key.
pub(super) fn of_key(key: &str) -> Option<GrantKind> {
    let (name, value) = key.split_once(':').unwrap_or((key, ""));
    GrantKind::from_parts(name, value)
}

/// The last day before an end, as a date field holds it.
pub(super) fn field_day(desk: &Desk, end: Timestamp) -> String {
    let last = end.saturating_sub(SignedDuration::from_micros(1)).unwrap_or(end);
    last.to_zoned(desk.reading().zone.clone()).date().to_string()
}

/// What is wrong with which field of a form, in the reader's language; nothing: it is no field's fault.
pub(super) fn mistake(desk: &Desk, refusal: &Refusal) -> Option<(&'static str, String)> {
    let Refusal::Invalid { field, .. } = refusal else { return None };
    let (field, sv, en) = match field.as_str() {
        "reason" => ("reason", "Skriv varför, med några ord.", "Say why, in a few words."),
        "until" | "valid-until" => (
            "until",
            "Det datumet går inte. Välj ett senare, inom det som policyn tillåter.",
            "That date will not do. Choose a later one, within what the policy allows.",
        ),
        "from" => ("from", "Skriv den första dagen som ett datum.", "Give the first day as a date."),
        "approver" => ("approver", "Skriv vem som har beviljat ledigheten.", "Say who approved the leave."),
        "sign-in" => (
            "sign_in",
            "Skriv varför personen får logga in under ledigheten.",
            "Say why the person may sign in during the leave.",
        ),
        "deputy" => (
            "deputy",
            "Det finns ingen sådan person som kan vara ställföreträdare.",
            "There is no such person who can stand in.",
        ),
        "component" => (
            "component",
            "Välj en komponent där föremål kan kopplas.",
            "Choose a component where items can be linked.",
        ),
        "item" => ("item", "Skriv föremålets nummer i CRM:et.", "Give the item's number in the CRM."),
        _ => return None,
    };
    Some((field, desk.t(sv, en).to_owned()))
}
