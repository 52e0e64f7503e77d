//! `/people/{id}/deliveries`: the proof of what each CRM took, what waits, and what was given up.
//!
//! Invariant: a delivery that was given up can be sent again, and says what the CRM answered.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::parts::Pill;
use super::super::{ConsolePerson, Desk, Note, Place, Sent};
use super::who::{Met, Tab, Who, meet, named, path};
use crate::flows::console::person::deeds;
use crate::flows::console::person::sides::{self, Delivery};

#[derive(Template)]
#[template(path = "admin/person_page/deliveries.html")]
struct DeliveriesPage {
    frame: Desk,
    who: Who,
    address: String,
    rows: Vec<Row>,
}

/// One CRM.
struct Row {
    target: String,
    state: Pill,
    taken: String,
    answer: String,
    waits: String,
    error: String,
    may_resend: bool,
}

/// `GET /people/{id}/deliveries`.
pub(super) async fn show(console: ConsolePerson, Path(id): Path<String>) -> Response {
    let met = match meet(&console, &id, Some(Tab::Deliveries)).await {
        Ok(met) => met,
        Err(answer) => return answer,
    };
    let found = match sides::deliveries(&console.ports, &console.actor, met.id).await {
        Ok(found) => found,
        Err(refusal) => return console.refuse_to(Place::People, &met.path, refusal).await,
    };
    let page = DeliveriesPage {
        address: met.desk.at(&format!("{}/deliveries", met.path)),
        rows: found.iter().map(|delivery| row(&met, delivery)).collect(),
        frame: met.desk,
        who: met.who,
    };
    console.page(StatusCode::OK, &page)
}

fn row(met: &Met, delivery: &Delivery) -> Row {
    let desk = &met.desk;
    let is_dead = delivery.pending.as_ref().is_some_and(|pending| pending.is_dead);
    let state = match (&delivery.pending, &delivery.proof) {
        (Some(_), _) if is_dead => Pill::new(desk, "bad", "stop", desk.t("Gavs upp", "Given up")),
        (Some(_), _) => Pill::new(desk, "warn", "clock", desk.t("Väntar", "Waits")),
        (None, Some(_)) => Pill::new(desk, "ok", "check", desk.t("Framme", "Taken")),
        (None, None) => Pill::new(desk, "", "info", desk.t("Ingenting sänt", "Nothing sent")),
    };
    let version = desk.t("version", "version");
    let taken =
        delivery.proof.as_ref().map(|proof| format!("{version} {} · {}", proof.version, desk.when(proof.at)));
    let waits = delivery.pending.as_ref().map(|pending| {
        let attempts = usize::try_from(pending.attempts).unwrap_or_default();
        let failed = desk.count(
            attempts,
            ["försök misslyckades", "försök misslyckades"],
            ["attempt failed", "attempts failed"],
        );
        let since = format!(
            "{version} {} · {} {}",
            pending.version,
            desk.t("sedan", "since"),
            desk.when(pending.since)
        );
        let next = if pending.is_dead {
            String::new()
        } else {
            format!(" · {} {}", desk.t("nästa försök", "next attempt"), desk.when(pending.due_at))
        };
        if attempts == 0 { format!("{since}{next}") } else { format!("{since} · {failed}{next}") }
    });
    Row {
        target: delivery.target.to_string(),
        state,
        taken: taken.unwrap_or_default(),
        answer: delivery.proof.as_ref().map(|proof| proof.answer.clone()).unwrap_or_default(),
        waits: waits.unwrap_or_default(),
        error: delivery.pending.as_ref().and_then(|pending| pending.error.clone()).unwrap_or_default(),
        may_resend: is_dead && desk.may_change,
    }
}

/// `POST /people/{id}/deliveries`: sends again what a CRM did not take.
pub(super) async fn resend(Path(id): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    let id = match named(&console, &id).await {
        Ok(id) => id,
        Err(answer) => return answer,
    };
    let back = format!("{}/deliveries", path(id));
    let target = fields.one("target").unwrap_or_default();
    match deeds::resend(&console.ports, &console.actor, id, target).await {
        Ok(0) => {
            let frame = &console.frame;
            let title = frame.t("Inget att sända om", "Nothing to send again");
            let text = frame
                .t("Leveransen är redan på väg eller framme.", "The delivery is under way or taken already.");
            console.go(&back, &Note::warning(title, text))
        }
        Ok(_) => {
            let frame = &console.frame;
            let title = frame.t("Leveransen sänds om", "The delivery is sent again");
            let text = frame.t(
                "Ladda om sidan om en stund för att se hur det gick.",
                "Reload the page in a while to see how it went.",
            );
            console.go(&back, &Note::done(title, text))
        }
        Err(refusal) => console.refuse_to(Place::People, &back, refusal).await,
    }
}
