//! `/connections/targets/{name}/replay`: telling a CRM again how accounts stand.
//!
//! Invariant: how many it is about is counted and shown before it is decided.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::DateTime;

use super::super::parts::{Decide, Input};
use super::super::{ConsolePerson, Desk, Fields, Note, Place, Sent};
use super::head::{Head, path};
use crate::domain::days::Reading;
use crate::flows::Refusal;
use crate::flows::console::connections::target as flow;
use crate::flows::console::connections::tokens::Owner;
use crate::flows::targets::replays::Again;

#[derive(Template)]
#[template(path = "admin/connections/replay.html")]
struct ReplayPage {
    frame: Desk,
    head: Head,
    address: String,
    inputs: Vec<Input>,
    /// How many it would be, once somebody has asked.
    count: Option<String>,
    decide: Option<Decide>,
}

/// What is asked for; nothing where the instant cannot be read.
fn again(reading: &Reading, fields: &Fields) -> Option<Again> {
    let since = match fields.one("since") {
        None => None,
        Some(text) => {
            let local: DateTime = text.parse().ok()?;
            Some(local.to_zoned(reading.zone.clone()).ok()?.timestamp())
        }
    };
    Some(Again { account: fields.one("account").map(str::to_owned), since })
}

/// `GET /connections/targets/{name}/replay?account=&since=&count=yes`: the form, and how many it would be.
pub(super) async fn show(console: ConsolePerson, Path(name): Path<String>) -> Response {
    let fields = console.query.clone();
    answer(&console, &name, &fields, None).await
}

async fn answer(console: &ConsolePerson, name: &str, fields: &Fields, error: Option<String>) -> Response {
    let frame = match console.desk(Place::Connections).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let owner = match Owner::target(&console.ports, name) {
        Ok(owner) => owner,
        Err(refusal) => return console.refuse(Place::Connections, refusal).await,
    };
    let wish = again(&console.reading, fields);
    let counted = match &wish {
        Some(again) if fields.one("count").is_some() => {
            flow::count_again(&console.ports, name, again).await.map(Some)
        }
        _ => Ok(None),
    };
    let (count, unknown) = match counted {
        Ok(count) => (count, None),
        // Whom nobody knows is said beside the field.
        Err(Refusal::NotFound { .. } | Refusal::Ambiguous { .. }) => {
            let said =
                frame.t("Inget konto heter så, eller flera.", "No account is called so, or several are.");
            (None, Some(said.to_owned()))
        }
        Err(refusal) => return console.refuse(Place::Connections, refusal).await,
    };
    let is_wrong = error.is_some() || unknown.is_some() || wish.is_none();
    let status = if is_wrong { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let unread = wish.is_none().then(|| {
        frame
            .t(
                "Skriv dag och tid så här: 2025-10-07T02:00.",
                "Write day and time like this: 2025-10-07T02:00.",
            )
            .to_owned()
    });
    let inputs = inputs(&frame, fields, (unknown, unread));
    let own = format!("{}/replay", path(&owner));
    let decide = count.filter(|count| *count > 0 && frame.may_change).map(|count| Decide {
        address: frame.at(&own),
        hidden: fields
            .pairs()
            .filter(|(name, _)| ["account", "since", "count"].contains(name))
            .map(owned)
            .collect(),
        inputs: vec![Decide::reason(&frame).holding(None, error)],
        button: frame.count(
            count,
            ["konto: skicka om", "konton: skicka om"],
            ["account: tell again", "accounts: tell again"],
        ),
        takes: false,
        cancel: frame.at(&path(&owner)),
        frame: frame.clone(),
    });
    let page = ReplayPage {
        head: Head::new(&frame, &owner, owner.as_str(), None),
        address: frame.at(&own),
        inputs,
        count: count.map(|count| {
            frame.count(
                count,
                ["konto skulle skickas om", "konton skulle skickas om"],
                ["account would be told again", "accounts would be told again"],
            )
        }),
        decide,
        frame,
    };
    console.page(status, &page)
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn inputs(frame: &Desk, fields: &Fields, (unknown, unread): (Option<String>, Option<String>)) -> Vec<Input> {
    let since = Input::new(
        "since",
        "datetime-local",
        frame.t("Bara det som CRM:et fått veta sedan", "Only what the CRM was told since"),
        frame.t(
            "När CRM:et har återställts: tiden för säkerhetskopian. Tomt: alla konton.",
            "Where the CRM was restored: the time of the backup. Empty: every account.",
        ),
    );
    let account = Input::new(
        "account",
        "text",
        frame.t("Bara ett konto", "Only one account"),
        frame.t("Användarnamn, eller CRM:ets id. Tomt: alla.", "The user name, or the CRM’s id. Empty: all."),
    );
    vec![
        since.optional().holding(fields.one("since"), unread),
        account.optional().holding(fields.one("account"), unknown),
    ]
}

/// `POST /connections/targets/{name}/replay`: begins it.
pub(super) async fn begin(Path(name): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    if let Err(refusal) = console.actor.administering() {
        return console.refuse(Place::Connections, refusal).await;
    }
    let frame = &console.frame;
    let Some(again) = again(&console.reading, &fields) else {
        return answer(&console, &name, &fields, None).await;
    };
    let Some(reason) = fields.one("reason") else {
        let error = frame.t("Skriv varför.", "Write why.").to_owned();
        return answer(&console, &name, &fields.with("count", "yes"), Some(error)).await;
    };
    match flow::tell_again(&console.ports, &console.actor, &name, &again, reason).await {
        Ok(()) => {
            let note = Note::done(
                frame.t("CRM:et får veta på nytt", "The CRM is told again"),
                frame.t(
                    "Det skickas efter alla ändringar. Skälet är sparat i granskningsloggen.",
                    "It is sent behind all changes. The reason is kept in the audit log.",
                ),
            );
            console.go(&format!("{}/targets/{name}", super::HOME), &note)
        }
        Err(refusal) => console.refuse(Place::Connections, refusal).await,
    }
}
