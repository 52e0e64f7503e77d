//! `/queue/links/{reference}`: a sign-in that leads to no account, and the account that it may belong to.
//!
//! Invariant: both sides are shown; an account that somebody else signs in as is given over only by a choice that says so.

use axum::extract::Path;
use axum::response::Response;

use super::super::parts::{Choice, Choices, Input, status, status_words};
use super::super::{ConsolePerson, Desk, Fields, Place, Sent};
use super::matter::{HOME, Matter, Side, done};
use crate::flows::console::queue as flow;
use crate::flows::linking::{self, Approval, Onto, View};

/// `GET /queue/links/{reference}`: both sides.
pub(super) async fn show(console: ConsolePerson, Path(reference): Path<String>) -> Response {
    answer(&console, &reference, None).await
}

async fn answer(console: &ConsolePerson, reference: &str, failed: Option<&Fields>) -> Response {
    let frame = match console.desk(Place::Queue).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    match linking::show(&console.ports, reference).await {
        Ok(view) => console.page(status(failed), &matter(frame, &view, failed)),
        Err(refusal) => console.refuse(Place::Queue, refusal).await,
    }
}

fn matter(frame: Desk, view: &View, failed: Option<&Fields>) -> Matter {
    let choices =
        if frame.may_change && view.state == "waiting" { choices(&frame, view, failed) } else { Vec::new() };
    let sides = [Some(came(&frame, view)), Some(proposed(&frame, view)), decided(&frame, view)];
    Matter {
        title: frame.t("Vem är det som loggar in?", "Who is it that signs in?").to_owned(),
        lead: format!("{} {}", frame.t("Referens", "Reference"), view.reference),
        sides: sides.into_iter().flatten().collect(),
        choices,
        frame,
    }
}

fn came(frame: &Desk, view: &View) -> Side {
    let came = &view.came;
    let verified = if came.email_verified {
        frame.t("bekräftad", "verified")
    } else {
        frame.t("inte bekräftad", "not verified")
    };
    let email = came.email.as_ref().map(|email| format!("{email} ({verified})")).unwrap_or_default();
    let often = usize::try_from(view.attempts).unwrap_or_default();
    let often = frame.count(often, ["gång", "gånger"], ["time", "times"]);
    Side {
        title: frame.t("Inloggningen säger", "The sign-in says").to_owned(),
        facts: vec![
            (frame.t("Namn", "Name"), came.name.clone().unwrap_or_default()),
            (frame.t("Användarnamn", "User name"), came.user_name.clone().unwrap_or_default()),
            (frame.t("E-post", "E-mail"), email),
            (frame.t("Katalog", "Directory"), view.directory.to_string()),
            (frame.t("Utfärdare", "Issuer"), view.issuer.clone()),
            (frame.t("Katalogens id", "The directory's id"), came.subject.clone()),
            (frame.t("Grupper", "Groups"), came.groups.as_ref().map(ToString::to_string).unwrap_or_default()),
            (frame.t("Först", "First"), frame.when(view.first_at)),
            (frame.t("Senast", "Last"), format!("{}, {often}", frame.when(view.last_at))),
            (frame.t("Ledde inte till något konto", "Led to no account"), view.code.clone()),
        ],
    }
}

fn proposed(frame: &Desk, view: &View) -> Side {
    let title = frame.t("Kontot som föreslås", "The account that is proposed").to_owned();
    let Some(side) = &view.proposal else {
        let none = frame.t("Inget konto stämmer.", "No account fits.").to_owned();
        return Side { title, facts: vec![(frame.t("Förslag", "Proposal"), none)] };
    };
    let by = match side.by.as_str() {
        "immutable_id" => frame.t("katalogens oföränderliga id", "the directory's immutable id"),
        "same_subject" => frame.t("samma person hos en annan utfärdare", "the same person at another issuer"),
        "verified_address" => frame.t("bekräftad e-postadress", "a verified address"),
        other => other,
    };
    let directories: Vec<String> = side.directories.iter().map(ToString::to_string).collect();
    let mut marks = Vec::new();
    if side.signs_in_already {
        marks
            .push(frame.t("någon annan loggar redan in som kontot", "somebody else signs in as the account"));
    }
    if side.is_protected {
        marks.push(frame.t("kontot är skyddat", "the account is protected"));
    }
    Side {
        title,
        facts: vec![
            (frame.t("Namn", "Name"), side.display_name.clone()),
            (frame.t("Användarnamn", "User name"), side.user_name.clone()),
            (frame.t("E-post", "E-mail"), side.email.clone().unwrap_or_default()),
            (frame.t("Status", "Status"), status_words(frame, side.status).to_owned()),
            (frame.t("Kataloger", "Directories"), directories.join(", ")),
            (frame.t("Talar för", "Speaks for it"), by.to_owned()),
            (frame.t("Märk", "Mind"), marks.join(", ")),
        ],
    }
}

fn decided(frame: &Desk, view: &View) -> Option<Side> {
    let decided = view.decided.as_ref()?;
    let verdict = if view.state == "approved" {
        frame.t("Kopplad", "Linked")
    } else {
        frame.t("Avvisad", "Turned down")
    };
    Some(Side {
        title: frame.t("Beslutet", "The decision").to_owned(),
        facts: vec![
            (frame.t("Beslut", "Decision"), verdict.to_owned()),
            (frame.t("När", "When"), frame.when(decided.at)),
            (frame.t("Skäl", "Reason"), decided.why.clone()),
        ],
    })
}

fn choices(frame: &Desk, view: &View, failed: Option<&Fields>) -> Vec<Choice> {
    let asks = Choices::new(frame, &format!("{HOME}/links/{}", view.reference), HOME, failed);
    let mut choices = Vec::new();
    if let Some(side) = view.proposal.as_ref().filter(|side| !side.is_protected) {
        let name = if side.display_name.is_empty() { &side.user_name } else { &side.display_name };
        let link = format!("{} {name}", frame.t("Koppla till", "Link to"));
        let text = if side.signs_in_already {
            frame.t(
                "Den inloggning som är kopplad i dag kopplas bort, och kontots sessioner avslutas.",
                "The sign-in that is linked today is untied, and the account's sessions end.",
            )
        } else {
            frame.t("Personen loggar sedan in som kontot.", "The person then signs in as the account.")
        };
        let choice = asks.choice("proposed", (link.clone(), text), link, Vec::new());
        choices.push(if side.signs_in_already { choice.carrying("replace", "yes").taking() } else { choice });
    }
    let account = Input::new(
        "account",
        "text",
        frame.t("Konto", "Account"),
        frame.t("Användarnamn eller id.", "User name or id."),
    );
    choices.push(asks.choice(
        "account",
        (
            frame.t("Koppla till ett annat konto", "Link to another account"),
            frame.t("Personen loggar sedan in som kontot.", "The person then signs in as the account."),
        ),
        frame.t("Koppla till kontot", "Link to the account"),
        vec![account],
    ));
    choices.push(asks.choice(
        "new",
        (
            frame.t("Skapa ett nytt konto", "Make a new account"),
            frame.t(
                "Det får de behörigheter som reglerna ger, och inga andra.",
                "It gets the rights that the rules give, and no others.",
            ),
        ),
        frame.t("Skapa kontot", "Make the account"),
        Vec::new(),
    ));
    choices.push(
        asks.choice(
            "reject",
            (
                frame.t("Avvisa inloggningen", "Turn the sign-in down"),
                frame.t(
                    "Den förblir avvisad hur ofta den än kommer.",
                    "It stays turned down however often it comes.",
                ),
            ),
            frame.t("Avvisa", "Turn down"),
            Vec::new(),
        )
        .taking(),
    );
    choices
}

/// `POST /queue/links/{reference}`: decides about it.
pub(super) async fn decide(Path(reference): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    if let Err(refusal) = console.actor.administering() {
        return console.refuse(Place::Queue, refusal).await;
    }
    let (act, reason) = (fields.one("act").unwrap_or_default(), fields.one("reason"));
    let onto = match (act, fields.one("account")) {
        ("proposed", _) => Some(Onto::Proposed),
        ("account", Some(account)) => Some(Onto::Account(account.to_owned())),
        ("new", _) => Some(Onto::New),
        _ => None,
    };
    let (ports, actor) = (&console.ports, &console.actor);
    let result = match (onto, reason) {
        (Some(onto), Some(reason)) => {
            let replace = fields.one("replace").is_some();
            let approval = Approval { onto, replace, reason: reason.to_owned() };
            flow::approve_link(ports, actor, &reference, approval).await
        }
        (None, Some(reason)) if act == "reject" => flow::reject_link(ports, actor, &reference, reason).await,
        _ => return answer(&console, &reference, Some(&fields)).await,
    };
    match result {
        Ok(()) if act == "reject" => done(&console, "Inloggningen är avvisad", "The sign-in is turned down"),
        Ok(()) => done(&console, "Inloggningen är kopplad", "The sign-in is linked"),
        Err(refusal) => console.refuse(Place::Queue, refusal).await,
    }
}
