//! `/people/{id}/rights`: the roles as boxes, what they open, and the rights that somebody is asked about.
//!
//! Invariant: marking a box changes nothing; it leads to a preview.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::{ConsolePerson, Desk, Note, Place, Sent};
use super::choice::{self, Choice};
use super::who::{Met, Tab, Who, meet, named, path, seen, unseen};
use super::words;
use crate::domain::grant::GrantKind;
use crate::domain::ids::{ModuleId, RoleId};
use crate::domain::policy::{Policy, Role};
use crate::flows::console::person::{self, deeds};
use crate::flows::mover::{AskedRight, Verdict};
use crate::flows::people::Lasting;

#[derive(Template)]
#[template(path = "admin/person_page/rights.html")]
struct RightsPage {
    frame: Desk,
    who: Who,
    /// Where the form with the boxes goes.
    preview: String,
    /// What the form says of the version that was shown.
    shown: Vec<(String, String)>,
    here: String,
    roles: Vec<Choice>,
    may_change: bool,
    modules: Vec<Opened>,
    /// What confines all this.
    limits: Option<String>,
    questions: Vec<Asked>,
    answer: String,
}

/// A module that is open.
struct Opened {
    module: String,
    may: String,
    /// By which roles; or that it is closed, and why.
    via: String,
    is_open: bool,
}

/// A right that somebody is asked about.
struct Asked {
    id: String,
    what: String,
    text: String,
}

/// `GET /people/{id}/rights`.
pub(super) async fn show(console: ConsolePerson, Path(id): Path<String>) -> Response {
    let met = match meet(&console, &id, Some(Tab::Rights)).await {
        Ok(met) => met,
        Err(answer) => return answer,
    };
    let questions = match person::questions(&console.ports, &console.actor, met.id).await {
        Ok(questions) => questions,
        Err(refusal) => return console.refuse_to(Place::People, &met.path, refusal).await,
    };
    let policy = &console.person.compiled.policy;
    let roles = policy.roles.iter().map(|(id, role)| {
        let opens = about_role(&met, policy, role);
        choice::choice(&met, policy, &GrantKind::Role(id.clone()), opens)
    });
    let page = RightsPage {
        preview: met.desk.at(&format!("{}/rights/preview", met.path)),
        shown: met.shown().with("of", "roles").pairs().map(owned).collect(),
        here: met.desk.at(&format!("{}/rights", met.path)),
        roles: choice::sorted(roles.collect()),
        may_change: met.may_change,
        modules: opened(&met, policy),
        limits: limits(&met, policy),
        questions: questions.iter().map(|one| asked(&met, policy, one)).collect(),
        answer: met.desk.at(&format!("{}/questions", met.path)),
        frame: met.desk,
        who: met.who,
    };
    console.page(StatusCode::OK, &page)
}

/// A field of a form that is carried along.
pub(super) fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn about_role(met: &Met, policy: &Policy, role: &Role) -> String {
    let desk = &met.desk;
    let mut opens = words::opens(desk, policy, role);
    if role.is_critical {
        opens.push(' ');
        opens.push_str(desk.t(
            "Kritisk roll: får aldrig stå utan innehavare.",
            "Critical role: never left without a holder.",
        ));
    }
    if met.look.effective.limited && policy.is_administrator_role(role) {
        opens.push(' ');
        opens.push_str(desk.t(
            "Systemadministration förblir stängd så länge personen är begränsad.",
            "System administration stays closed as long as the person is limited.",
        ));
    }
    opens
}

/// Every module that a role opens, with what is left of it.
fn opened(met: &Met, policy: &Policy) -> Vec<Opened> {
    let (desk, held) = (&met.desk, &met.look.effective);
    let roles = || held.roles.iter().filter_map(|id| policy.roles.get(id));
    let opens = |role: &Role, module: &ModuleId| {
        role.opens.iter().any(|opening| opening.module.as_ref().is_none_or(|open| open == module))
    };
    let mut found = Vec::new();
    for (id, module) in &policy.modules {
        let by: Vec<&str> =
            roles().filter(|role| opens(role, id)).map(|role| desk.text(&role.name)).collect();
        if by.is_empty() {
            continue;
        }
        let left = held.modules.get(id);
        let via = match left {
            Some(_) => format!("{} {}", desk.t("via", "through"), by.join(", ")),
            None => desk
                .t("Ingen av personens sektorer når hit.", "None of the person's sectors reaches it.")
                .to_owned(),
        };
        found.push(Opened {
            module: desk.text(&module.name).to_owned(),
            may: left.map_or_else(|| desk.t("stängt", "closed").to_owned(), |may| words::actions(desk, may)),
            via,
            is_open: left.is_some(),
        });
    }
    found
}

fn limits(met: &Met, policy: &Policy) -> Option<String> {
    let (desk, held) = (&met.desk, &met.look.effective);
    held.limited.then(|| {
        let sectors: Vec<String> =
            held.sectors.iter().map(|id| words::kind(desk, policy, &GrantKind::Sector(id.clone()))).collect();
        if sectors.is_empty() {
            return desk
                .t(
                    "Begränsad, och har ingen sektor: ingenting är öppet.",
                    "Limited, and has no sector: nothing is open.",
                )
                .to_owned();
        }
        format!("{} {}.", desk.t("Begränsad till sektorerna", "Limited to the sectors"), sectors.join(", "))
    })
}

fn asked(met: &Met, policy: &Policy, one: &AskedRight) -> Asked {
    let desk = &met.desk;
    let what = match (one.kind.as_str(), RoleId::parse(&one.value)) {
        ("link", _) => format!("{} {}", desk.t("kopplingen till", "the link to"), one.value),
        _ => GrantKind::from_parts(&one.kind, &one.value)
            .map_or_else(|| one.value.clone(), |kind| words::kind_of(desk, policy, &kind)),
    };
    let changed = match one.changed.as_str() {
        "department" => desk.t("bytt avdelning", "another department"),
        "manager" => desk.t("bytt chef", "another manager"),
        _ => desk.t("lämnat en grupp", "left a group"),
    };
    let text = format!(
        "{}: {changed}, {}. {} {}.",
        desk.t("Sedan dess", "Since"),
        desk.day(one.asked_at),
        desk.t("Svar behövs före", "An answer is wanted before"),
        desk.day(one.answer_by)
    );
    Asked { id: one.id.to_string(), what, text }
}

/// `POST /people/{id}/questions`: decides about a right that somebody is asked about.
pub(super) async fn answer(Path(id): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    let id = match named(&console, &id).await {
        Ok(id) => id,
        Err(answer) => return answer,
    };
    let Some(seen) = seen(&fields, id) else { return unseen(&console).await };
    let verdict = match fields.one("verdict") {
        Some("keep") => Verdict::Keep(Lasting::AsUsual),
        Some("end") => Verdict::End,
        _ => return unseen(&console).await,
    };
    let deed = deeds::Deed { actor: &console.actor, seen, reason: fields.one("reason").unwrap_or_default() };
    let question = fields.one("question").unwrap_or_default();
    let (back, frame) = (format!("{}/rights", path(id)), &console.frame);
    match deeds::answer_question(&console.ports, deed, question, verdict).await {
        Ok(_) => {
            let title = frame.t("Svaret är sparat", "The answer is kept");
            let text =
                frame.t("Skälet är sparat i granskningsloggen.", "The reason is kept in the audit log.");
            console.go(&back, &Note::done(title, text))
        }
        Err(refusal) => console.refuse_to(Place::People, &back, refusal).await,
    }
}
