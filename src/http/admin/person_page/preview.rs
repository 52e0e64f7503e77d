//! `/people/{id}/rights/preview` and the change itself: what is gained and lost, the reason, one button.
//!
//! Invariant: what stands in the preview is what the button does, or nothing is done.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::parts::{Decide, Input};
use super::super::{ConsolePerson, Desk, Fields, Note, Place, Sent};
use super::choice::held;
use super::deed::{DeedPage, Line, Row};
use super::who::{Met, meet, seen, unseen};
use super::words;
use crate::domain::effective::Effective;
use crate::domain::grant::GrantKind;
use crate::domain::policy::Policy;
use crate::flows::act::Seen;
use crate::flows::console::person::deeds::{self, Deed};
use crate::flows::past;
use crate::flows::people::{Foreseen, Lasting, RightChange};

/// `GET /people/{id}/rights/preview`: what the marked boxes would come to.
pub(super) async fn show(console: ConsolePerson, Path(id): Path<String>) -> Response {
    let met = match meet(&console, &id, None).await {
        Ok(met) => met,
        Err(answer) => return answer,
    };
    let fields = console.query.clone();
    let Some(seen) = seen(&fields, met.id) else { return unseen(&console).await };
    let Some(changes) = asked(&met, &console.person.compiled.policy, &fields) else {
        return misread(&console).await;
    };
    if changes.is_empty() {
        let frame = &console.frame;
        let title = frame.t("Inget att ändra", "Nothing to change");
        let text = frame.t("Markera eller avmarkera något först.", "Mark or unmark something first.");
        return console.go(&back(&met, &fields), &Note::warning(title, text));
    }
    page(&console, met, (seen, &changes), &fields, None).await
}

/// `POST /people/{id}/rights`: changes them.
pub(super) async fn change(Path(id): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    let met = match meet(&console, &id, None).await {
        Ok(met) => met,
        Err(answer) => return answer,
    };
    let Some(seen) = seen(&fields, met.id) else { return unseen(&console).await };
    let Some(changes) = direct(&fields) else { return misread(&console).await };
    let reason = fields.one("reason").unwrap_or_default();
    let deed = Deed { actor: &console.actor, seen, reason };
    let lasting = match fields.one("until") {
        None => Ok(Lasting::AsUsual),
        Some(day) => past::following(&console.ports, "until", day).await.map(Lasting::Until),
    };
    let done = match lasting {
        Ok(lasting) => deeds::change_rights(&console.ports, deed, changes.clone(), lasting).await,
        Err(refusal) => Err(refusal),
    };
    let back = back(&met, &fields);
    match done {
        Ok(_) => {
            let frame = &console.frame;
            let title = format!(
                "{}: {}",
                met.look.name,
                frame.t("behörigheterna är ändrade", "the rights are changed")
            );
            let text =
                frame.t("Skälet är sparat i granskningsloggen.", "The reason is kept in the audit log.");
            console.go(&back, &Note::done(title, text))
        }
        Err(refusal) => match words::mistake(&met.desk, &refusal) {
            Some(mistake) => page(&console, met, (seen, &changes), &fields, Some(mistake)).await,
            None => console.refuse_to(Place::People, &back, refusal).await,
        },
    }
}

async fn misread(console: &ConsolePerson) -> Response {
    let (sv, en) =
        ("En behörighet som adressen nämner finns inte.", "A right that the address names is not there.");
    console.misread(Place::People, sv.to_owned(), en.to_owned()).await
}

/// Where the reader came from.
fn back(met: &Met, fields: &Fields) -> String {
    let tab = if fields.one("of") == Some("limits") { "limits" } else { "rights" };
    format!("{}/{tab}", met.path)
}

/// What the boxes say that were shown, and what is named outright.
fn asked(met: &Met, policy: &Policy, fields: &Fields) -> Option<Vec<RightChange>> {
    let mut changes = direct(fields)?;
    if !changes.is_empty() {
        return Some(changes);
    }
    let shown: Vec<GrantKind> = match fields.one("of")? {
        "roles" => policy.roles.keys().cloned().map(GrantKind::Role).collect(),
        "limits" => {
            let sectors = policy.sectors.keys().cloned().map(GrantKind::Sector);
            [GrantKind::Limited, GrantKind::ItemRestricted].into_iter().chain(sectors).collect()
        }
        _ => return None,
    };
    let marked: Vec<GrantKind> = fields.all("has").map(words::of_key).collect::<Option<_>>()?;
    if marked.iter().any(|kind| !shown.contains(kind)) {
        return None;
    }
    for kind in shown {
        let is_held = held(met, &kind).next().is_some();
        let is_locked = held(met, &kind).any(|story| story.rule.is_some());
        match (marked.contains(&kind), is_held) {
            (true, false) => changes.push(RightChange::Give(kind)),
            (false, true) if !is_locked => changes.push(RightChange::Take(kind)),
            (true, true) | (false, _) => {}
        }
    }
    Some(changes)
}

/// What is named outright: `give=role:board`, `take=sector:members`.
fn direct(fields: &Fields) -> Option<Vec<RightChange>> {
    let give = fields.all("give").map(|key| words::of_key(key).map(RightChange::Give));
    let take = fields.all("take").map(|key| words::of_key(key).map(RightChange::Take));
    give.chain(take).collect()
}

async fn page(
    console: &ConsolePerson,
    met: Met,
    (seen, changes): (Seen, &[RightChange]),
    fields: &Fields,
    mistake: Option<(&'static str, String)>,
) -> Response {
    let back = back(&met, fields);
    let deed = Deed { actor: &console.actor, seen, reason: "" };
    let foreseen = match deeds::foresee(&console.ports, deed, changes).await {
        Ok(foreseen) => foreseen,
        Err(refusal) => return console.refuse_to(Place::People, &back, refusal).await,
    };
    let policy = &console.person.compiled.policy;
    let status = if mistake.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let desk = &met.desk;
    let count = desk.count(changes.len(), ["behörighet", "behörigheter"], ["right", "rights"]);
    let lines = lines(desk, policy, &foreseen, changes);
    let decide = Decide {
        frame: desk.clone(),
        address: desk.at(&format!("{}/rights", met.path)),
        hidden: hidden(seen, changes, fields),
        inputs: inputs(desk, &foreseen, changes, fields, mistake.as_ref()),
        button: format!("{} {count}", desk.t("Ändra", "Change")),
        takes: lines.iter().any(|line| line.class == "lose"),
        cancel: desk.at(&back),
    };
    let page = DeedPage {
        title: desk.t("Granska ändringen", "Review the change").to_owned(),
        lead: desk.t("Ingenting är ändrat än.", "Nothing has been changed yet.").to_owned(),
        lines,
        rows: rows(desk, policy, &foreseen),
        decide: Some(decide),
        frame: met.desk,
        who: met.who,
    };
    console.page(status, &page)
}

fn hidden(seen: Seen, changes: &[RightChange], fields: &Fields) -> Vec<(String, String)> {
    let change = |change: &RightChange| match change {
        RightChange::Give(kind) => ("give".to_owned(), words::key(kind)),
        RightChange::Take(kind) => ("take".to_owned(), words::key(kind)),
    };
    let mut hidden: Vec<(String, String)> = changes.iter().map(change).collect();
    hidden.push(("version".to_owned(), seen.version.to_string()));
    hidden.push(("seen".to_owned(), seen.at.as_microsecond().to_string()));
    hidden.extend(fields.one("of").map(|of| ("of".to_owned(), of.to_owned())));
    hidden
}

fn inputs(
    desk: &Desk,
    foreseen: &Foreseen,
    changes: &[RightChange],
    fields: &Fields,
    mistake: Option<&(&'static str, String)>,
) -> Vec<Input> {
    let wrong = |name: &str| mistake.filter(|(field, _)| *field == name).map(|(_, words)| words.clone());
    let is_timed =
        |change: &RightChange| matches!(change, RightChange::Give(GrantKind::Role(_) | GrantKind::Sector(_)));
    let mut inputs = Vec::new();
    if changes.iter().any(is_timed) {
        let help = match foreseen.usual_end {
            Some(end) => format!(
                "{} {}.",
                desk.t("Lämnas det tomt gäller det till och med", "Left empty, it lasts until and including"),
                desk.last_day(end)
            ),
            None => {
                desk.t("Lämnas det tomt gäller det tills vidare.", "Left empty, it has no end.").to_owned()
            }
        };
        let until = Input::new("until", "date", desk.t("Gäller till och med", "Until and including"), &help);
        inputs.push(until.optional().holding(fields.one("until"), wrong("until")));
    }
    inputs.push(Decide::reason(desk).holding(fields.one("reason"), wrong("reason")));
    inputs
}

fn is_held(held: &Effective, kind: &GrantKind) -> bool {
    match kind {
        GrantKind::Role(id) => held.roles.contains(id),
        GrantKind::Sector(id) => held.sectors.contains(id),
        GrantKind::Limited => held.limited,
        GrantKind::ItemRestricted => held.item_restricted,
    }
}

/// Who gains and loses what, in words.
fn lines(desk: &Desk, policy: &Policy, foreseen: &Foreseen, changes: &[RightChange]) -> Vec<Line> {
    let mut lines: Vec<Line> = changes.iter().map(|change| line(desk, policy, foreseen, change)).collect();
    if foreseen.after.limited && foreseen.after.sectors.is_empty() {
        let text = desk.t(
            "En begränsad användare utan sektor når ingenting i CRM:et.",
            "A limited user without a sector reaches nothing in the CRM.",
        );
        lines.push(Line::warning(desk, text));
    }
    let administers = |id| policy.roles.get(id).is_some_and(|role| policy.is_administrator_role(role));
    if foreseen.after.limited && foreseen.after.roles.iter().any(administers) {
        let text = desk.t(
            "Systemadministration förblir stängd så länge personen är begränsad.",
            "System administration stays closed as long as the person is limited.",
        );
        lines.push(Line::stays(desk, text));
    }
    let rules = desk.t("Det som regler ger ändras inte här.", "What rules give is not changed here.");
    lines.push(Line::stays(desk, rules));
    lines
}

fn line(desk: &Desk, policy: &Policy, foreseen: &Foreseen, change: &RightChange) -> Line {
    let (RightChange::Give(kind) | RightChange::Take(kind)) = change;
    let name = words::kind_of(desk, policy, kind);
    let takes_by_being = matches!(kind, GrantKind::Limited | GrantKind::ItemRestricted);
    match change {
        RightChange::Give(_) if is_held(&foreseen.before, kind) => Line::stays(
            desk,
            format!("{name}: {}", desk.t("nytt skäl eller slutdatum", "another reason or end")),
        ),
        RightChange::Give(GrantKind::Limited) => Line::loses(
            desk,
            desk.t(
                "allt utanför personens sektorer, och all administration",
                "everything outside the person's sectors, and all administration",
            ),
        ),
        RightChange::Give(GrantKind::ItemRestricted) => Line::loses(
            desk,
            desk.t(
                "alla föremål som inte är kopplade till eller tilldelade personen",
                "every item that is neither linked nor assigned to the person",
            ),
        ),
        RightChange::Give(_) => Line::gains(desk, name),
        RightChange::Take(_) => match foreseen.stays.iter().find(|(stays, _)| stays == kind) {
            Some((_, rule)) => {
                let why = desk.t("är kvar, för det ger också regeln", "stays, because of the rule");
                Line::stays(desk, format!("{name} {why} {rule}"))
            }
            None if takes_by_being => {
                let free = desk.t("fri från", "free of");
                Line::gains(desk, format!("{free} {name}"))
            }
            None => Line::loses(desk, name),
        },
    }
}

/// The modules that become another, before and after.
fn rows(desk: &Desk, policy: &Policy, foreseen: &Foreseen) -> Vec<Row> {
    let may = |held: &Effective, id| {
        held.modules
            .get(id)
            .map_or_else(|| desk.t("stängt", "closed").to_owned(), |may| words::actions(desk, may))
    };
    let changed = policy
        .modules
        .iter()
        .filter(|(id, _)| foreseen.before.modules.get(*id) != foreseen.after.modules.get(*id));
    changed
        .map(|(id, module)| Row {
            name: desk.text(&module.name).to_owned(),
            before: may(&foreseen.before, id),
            after: may(&foreseen.after, id),
        })
        .collect()
}
