//! What each act is called: before it, on its button, and after it.
//!
//! Invariant: the button names the act and the count; what was done is told with what happens now.

use super::super::super::pages::Frame;
use super::super::parts::{Input, Pill};
use super::super::{Desk, Note};
use crate::domain::account::Status;
use crate::domain::by_hand::Deed;
use crate::flows::people::together::Done;

/// What stands on the page before the act.
pub(super) struct Wording {
    pub(super) title: String,
    pub(super) explanation: String,
    pub(super) button: String,
    /// What the status becomes, where it does.
    pub(super) becomes: Option<Pill>,
}

/// "6 konton".
fn accounts(frame: &Frame, count: usize) -> String {
    frame.count(count, ["konto", "konton"], ["account", "accounts"])
}

/// What stands on the page before `deed` is done to so many.
pub(super) fn wording(desk: &Desk, deed: Deed, count: usize) -> Wording {
    let all = accounts(desk, count);
    let people = desk.count(count, ["person", "personer"], ["person", "people"]);
    let (sv, en, explained_sv, explained_en, becomes) = match deed {
        Deed::Remind => (
            format!("Påminn {people}"),
            format!("Remind {people}"),
            "De får ett brev som frågar om de använder sitt konto. Ingen frist börjar löpa, och kontona rörs inte.",
            "They get a letter that asks whether they use their account. No deadline begins, and the accounts stay as they are.",
            None,
        ),
        Deed::Leave => (
            format!("Pausa {all}"),
            format!("Put {all} on leave"),
            "De kan inte logga in under tiden, behörigheterna finns kvar, och tiden räknas inte som frånvaro. Efteråt öppnas kontona av sig själva.",
            "They cannot sign in meanwhile, their rights are kept, and the time does not count as absence. Afterwards the accounts open by themselves.",
            Some(Status::Paused),
        ),
        Deed::End => (
            format!("Sätt slutdatum för {all}"),
            format!("Set the end date of {all}"),
            "Efter sista dagen stängs kontona av sig själva. Utan datum tas slutdatumet bort.",
            "After the last day the accounts close by themselves. Without a date the end date is lifted.",
            None,
        ),
        Deed::Freeze => (
            format!("Frys {all}"),
            format!("Freeze {all}"),
            "De kan inte logga in längre och pågående inloggningar avslutas. Behörigheterna finns kvar, så kontona kan öppnas igen som de var.",
            "They cannot sign in any more, and open sessions end. Their rights are kept, so the accounts can be opened again as they were.",
            Some(Status::Frozen),
        ),
        Deed::Deactivate => (
            format!("Avaktivera {all}"),
            format!("Deactivate {all}"),
            "De kan inte logga in längre, pågående inloggningar avslutas och behörigheterna upphör i CRM:et. Kontona kan öppnas igen som de var.",
            "They cannot sign in any more, open sessions end, and their rights end in the CRM. The accounts can be opened again as they were.",
            Some(Status::Deactivated),
        ),
        Deed::Restore => (
            format!("Öppna {all} igen"),
            format!("Restore {all}"),
            "De kan logga in igen, med de behörigheter de hade. Den som är pausad kommer tillbaka från ledigheten.",
            "They can sign in again, with the rights they had. Whoever is on leave returns from it.",
            Some(Status::Active),
        ),
    };
    let button = desk.t(&sv, &en).to_owned();
    Wording {
        title: format!("{button}?"),
        explanation: desk.t(explained_sv, explained_en).to_owned(),
        button,
        becomes: becomes.map(|status| Pill::status(desk, status)),
    }
}

/// What has to be said besides the reason.
pub(super) fn inputs(desk: &Desk, deed: Deed, today: &str) -> Vec<Input> {
    match deed {
        Deed::Leave => vec![
            Input::new("from", "date", desk.t("Första dagen", "First day"), "").holding(Some(today), None),
            Input::new("until", "date", desk.t("Sista dagen", "Last day"), ""),
            Input::new(
                "approver",
                "text",
                desk.t("Godkänd av", "Approved by"),
                desk.t("Den som har beviljat ledigheten.", "Whoever granted the leave."),
            )
            .holding(Some(&desk.name), None),
        ],
        Deed::End => vec![
            Input::new(
                "until",
                "date",
                desk.t("Sista dagen", "Last day"),
                desk.t("Lämna tomt för att ta bort slutdatumet.", "Leave empty to lift the end date."),
            )
            .optional(),
        ],
        Deed::Remind | Deed::Freeze | Deed::Deactivate | Deed::Restore => Vec::new(),
    }
}

/// What is wrong with a field that the flow did not take, by the field's name there.
pub(super) fn wrong(frame: &Frame, field: &str) -> Option<(&'static str, String)> {
    let (name, sv, en) = match field {
        "reason" => ("reason", "Skriv varför, med några ord.", "Write why, in a few words."),
        "approver" => ("approver", "Skriv vem som har godkänt ledigheten.", "Write who approved the leave."),
        "until" => (
            "until",
            "Sista dagen måste ligga framåt i tiden, efter den första, och inom 18 månader.",
            "The last day must lie ahead, after the first one, and within 18 months.",
        ),
        "valid-until" => (
            "until",
            "Kontot skulle ta slut innan det börjar gälla. Välj ett senare datum.",
            "The account would end before it begins. Choose a later date.",
        ),
        _ => return None,
    };
    Some((name, frame.t(sv, en).to_owned()))
}

/// What is told once it is done.
pub(super) fn done(frame: &Frame, deed: Deed, done: Done) -> Note {
    let count = done.changed + done.already;
    let (all, people) =
        (accounts(frame, count), frame.count(count, ["person", "personer"], ["person", "people"]));
    let is = |sv: [&str; 2], en: [&str; 2]| {
        let [one, several] = if frame.tag() == "sv" { sv } else { en };
        format!("{all} {}", if count == 1 { one } else { several })
    };
    let title = match deed {
        Deed::Remind => match frame.tag() {
            "sv" => format!("{people} får ett brev"),
            _ => format!("A letter goes to {people}"),
        },
        Deed::Leave => is(["har fått ledigt", "har fått ledigt"], ["is given leave", "are given leave"]),
        Deed::End => is(
            ["har fått nytt slutdatum", "har fått nytt slutdatum"],
            ["has a new end date", "have a new end date"],
        ),
        Deed::Freeze => is(["är fryst", "är frysta"], ["is frozen", "are frozen"]),
        Deed::Deactivate => is(["är avaktiverat", "är avaktiverade"], ["is deactivated", "are deactivated"]),
        Deed::Restore => is(["är öppet igen", "är öppna igen"], ["is open again", "are open again"]),
    };
    let kept = frame.t("Skälet är sparat i granskningsloggen.", "The reason is kept in the audit log.");
    let text = if done.left == 0 {
        kept.to_owned()
    } else {
        let left = accounts(frame, done.left);
        match frame.tag() {
            "sv" => format!("{kept} {left} lämnades orört, för något stod i vägen."),
            _ => format!("{kept} {left} left alone, because something stood in the way."),
        }
    };
    if count == 0 {
        let title = frame.t("Ingenting har ändrats", "Nothing has been changed");
        return Note::warning(title, text);
    }
    Note::done(title, text)
}
