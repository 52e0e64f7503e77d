//! `/people/{id}/change/{deed}`: freeze, deactivate, restore, end date, leave, protection.
//!
//! Invariant: the page says who gains and loses what before there is a button; the form carries the version that was
//! shown.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::super::pages::Icon;
use super::super::parts::Decide;
use super::super::{ConsolePerson, Desk, Fields, Note, Place, Sent};
use super::deed_words as say;
use super::who::{Met, Who, meet, seen, unseen};
use super::words;
use crate::domain::by_hand;
use crate::domain::grant::GrantKind;
use crate::domain::safety::SafetyStop;
use crate::flows::console::person::deeds::{self, Deed};
use crate::flows::people::{DeputyWish, LeaveWish, together};
use crate::flows::protection::Agreed;
use crate::flows::{Ports, Refusal, past};

/// What is decided about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Freeze,
    Deactivate,
    Restore,
    EndDate,
    Leave,
    EndLeave,
    ApproveLeave,
    RefuseLeave,
    Protect,
    Unprotect,
}

const KINDS: &[(Kind, &str)] = &[
    (Kind::Freeze, "freeze"),
    (Kind::Deactivate, "deactivate"),
    (Kind::Restore, "restore"),
    (Kind::EndDate, "end-date"),
    (Kind::Leave, "leave"),
    (Kind::EndLeave, "end-leave"),
    (Kind::ApproveLeave, "approve-leave"),
    (Kind::RefuseLeave, "refuse-leave"),
    (Kind::Protect, "protect"),
    (Kind::Unprotect, "unprotect"),
];

/// A preview with its decision.
#[derive(Template)]
#[template(path = "admin/person_page/deed.html")]
pub(super) struct DeedPage {
    pub(super) frame: Desk,
    pub(super) who: Who,
    pub(super) title: String,
    pub(super) lead: String,
    pub(super) lines: Vec<Line>,
    pub(super) rows: Vec<Row>,
    /// Nothing: it cannot be done, and the lines say why.
    pub(super) decide: Option<Decide>,
}

/// What somebody gains, loses or keeps.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) class: &'static str,
    pub(super) icon: Icon,
    /// What the sign says, for those who do not see it.
    pub(super) heard: String,
    pub(super) text: String,
}

/// A module before and after.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) before: String,
    pub(super) after: String,
}

impl Line {
    pub(super) fn gains(desk: &Desk, text: impl Into<String>) -> Self {
        let heard = desk.t("Får", "Gains").to_owned();
        Self { class: "gain", icon: desk.icon("plus"), heard, text: text.into() }
    }

    pub(super) fn loses(desk: &Desk, text: impl Into<String>) -> Self {
        let heard = desk.t("Förlorar", "Loses").to_owned();
        Self { class: "lose", icon: desk.icon("minus"), heard, text: text.into() }
    }

    pub(super) fn stays(desk: &Desk, text: impl Into<String>) -> Self {
        Self { class: "origin", icon: desk.icon("info"), heard: String::new(), text: text.into() }
    }

    pub(super) fn warning(desk: &Desk, text: impl Into<String>) -> Self {
        let heard = desk.t("Obs", "Note").to_owned();
        Self { class: "origin", icon: desk.icon("warn"), heard, text: text.into() }
    }
}

impl Kind {
    /// Its name in the address.
    pub(super) fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    fn of(name: &str) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }
}

/// `GET /people/{id}/change/{deed}`: what it would come to.
pub(super) async fn preview(console: ConsolePerson, Path((id, deed)): Path<(String, String)>) -> Response {
    let met = match meet(&console, &id, None).await {
        Ok(met) => met,
        Err(answer) => return answer,
    };
    let Some(kind) = Kind::of(&deed) else { return unknown(&console, &deed).await };
    let planned = Deed { actor: &console.actor, seen: met.seen(), reason: "" };
    if let Err(refusal) = deeds::may(&console.ports, planned).await {
        return console.refuse_to(Place::People, &met.path, refusal).await;
    }
    let ahead = match ahead(&console, &met, kind).await {
        Ok(ahead) => ahead,
        Err(refusal) => return console.refuse_to(Place::People, &met.path, refusal).await,
    };
    let shown = met.shown();
    page(&console, met, (kind, ahead), (&shown, &Fields::default()), None)
}

/// What stands in the way, or should be known beforehand.
#[derive(Debug, Default)]
struct Ahead {
    lines: Vec<Line>,
    /// Whether it cannot be done.
    is_stopped: bool,
}

/// What the same deed done to several would say of this one.
async fn ahead(console: &ConsolePerson, met: &Met, kind: Kind) -> Result<Ahead, Refusal> {
    let deed = match kind {
        Kind::Freeze => by_hand::Deed::Freeze,
        Kind::Deactivate => by_hand::Deed::Deactivate,
        Kind::Restore => by_hand::Deed::Restore,
        Kind::EndDate => by_hand::Deed::End,
        Kind::Leave => by_hand::Deed::Leave,
        Kind::EndLeave | Kind::ApproveLeave | Kind::RefuseLeave | Kind::Protect | Kind::Unprotect => {
            return Ok(Ahead::default());
        }
    };
    let (desk, policy) = (&met.desk, &console.person.compiled.policy);
    let found = together::preview(&console.ports, &console.actor, deed, &[met.id]).await?;
    let mut ahead = Ahead::default();
    for obstacle in found.lines.iter().filter_map(|line| line.obstacle) {
        ahead.is_stopped = true;
        ahead.lines.push(Line::warning(desk, obstacle.sentence(desk.reading())));
    }
    for stop in &found.stops {
        match stop {
            SafetyStop::CriticalEmpty { .. } | SafetyStop::NoAdministrator => {
                // An end or a leave that lies ahead is judged by the flow, for its own day.
                ahead.is_stopped |= matches!(kind, Kind::Freeze | Kind::Deactivate);
                ahead.lines.push(Line::warning(desk, stop.sentence(policy, desk.reading())));
            }
            // How many lose access in a day is no limit for a person who decides about one account.
            SafetyStop::TooMany { .. } | SafetyStop::InputShrank { .. } => {}
        }
    }
    for (_, role) in found.alone {
        let role = words::kind_of(desk, policy, &GrantKind::Role(role));
        let nobody = desk.t("Ingen annan som kan logga in har", "Nobody else who can sign in holds");
        ahead.lines.push(Line::warning(desk, format!("{nobody} {role}.")));
    }
    Ok(ahead)
}

async fn unknown(console: &ConsolePerson, deed: &str) -> Response {
    let (sv, en) = (format!("Åtgärden ”{deed}” finns inte."), format!("There is no deed “{deed}”."));
    console.misread(Place::People, sv, en).await
}

fn page(
    console: &ConsolePerson,
    met: Met,
    (kind, ahead): (Kind, Ahead),
    (shown, said): (&Fields, &Fields),
    mistake: Option<&(&'static str, String)>,
) -> Response {
    let desk = &met.desk;
    let mut says = say::text(kind, desk, &met.look, &console.person.compiled.policy);
    says.lines.extend(ahead.lines);
    let status = if mistake.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let hidden = ["version", "seen"].into_iter().filter_map(|name| Some((name, shown.one(name)?)));
    let decide = Decide {
        frame: desk.clone(),
        address: desk.at(&format!("{}/change/{}", met.path, kind.name())),
        hidden: hidden.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        inputs: say::inputs(kind, desk, &met.look, &desk.name, (said, mistake)),
        button: says.button.to_owned(),
        takes: says.lines.iter().any(|line| line.class == "lose"),
        cancel: desk.at(&met.path),
    };
    let page = DeedPage {
        title: says.title.to_owned(),
        lead: says.lead,
        lines: says.lines,
        rows: Vec::new(),
        decide: (!ahead.is_stopped).then_some(decide),
        frame: met.desk,
        who: met.who,
    };
    console.page(status, &page)
}

/// `POST /people/{id}/change/{deed}`: does it.
pub(super) async fn carry_out(Path((id, deed)): Path<(String, String)>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    let met = match meet(&console, &id, None).await {
        Ok(met) => met,
        Err(answer) => return answer,
    };
    let Some(kind) = Kind::of(&deed) else { return unknown(&console, &deed).await };
    let Some(seen) = seen(&fields, met.id) else { return unseen(&console).await };
    let reason = fields.one("reason").unwrap_or_default();
    let planned = Deed { actor: &console.actor, seen, reason };
    let done = act(&console.ports, kind, planned, &fields).await;
    match done {
        Ok(waits) => {
            let (title, text) = say::done(kind, &met.desk, &met.look.name, waits);
            console.go(&met.path, &Note::done(title, text))
        }
        Err(refusal) => match words::mistake(&met.desk, &refusal) {
            Some(mistake) => {
                page(&console, met, (kind, Ahead::default()), (&fields, &fields), Some(&mistake))
            }
            None => console.refuse_to(Place::People, &met.path, refusal).await,
        },
    }
}

/// Does it. Gives whether it waits for a second administrator.
async fn act(ports: &Ports, kind: Kind, deed: Deed<'_>, fields: &Fields) -> Result<bool, Refusal> {
    match kind {
        Kind::Freeze => deeds::freeze(ports, deed).await.map(|_| false),
        Kind::Deactivate => deeds::deactivate(ports, deed).await.map(|_| false),
        Kind::Restore => deeds::restore(ports, deed).await.map(|_| false),
        Kind::EndDate => {
            let until = match fields.one("until") {
                Some(day) => Some(past::following(ports, "until", day).await?),
                None => None,
            };
            deeds::set_end(ports, deed, until).await.map(|_| false)
        }
        Kind::Leave => deeds::grant_leave(ports, deed, leave(ports, fields).await?).await.map(|_| false),
        Kind::EndLeave => deeds::end_leave(ports, deed).await.map(|_| false),
        Kind::ApproveLeave => {
            let reason = fields.one("approver").unwrap_or_default();
            deeds::approve_leave(ports, Deed { reason, ..deed }).await.map(|_| false)
        }
        Kind::RefuseLeave => deeds::refuse_leave(ports, deed).await.map(|_| false),
        Kind::Protect => deeds::protect(ports, deed, true).await.map(|agreed| agreed == Agreed::Waits),
        Kind::Unprotect => deeds::protect(ports, deed, false).await.map(|agreed| agreed == Agreed::Waits),
    }
}

/// The leave that a form wishes.
async fn leave(ports: &Ports, fields: &Fields) -> Result<LeaveWish, Refusal> {
    let from = past::beginning(ports, "from", fields.one("from").unwrap_or_default()).await?;
    let until = past::following(ports, "until", fields.one("until").unwrap_or_default()).await?;
    // Whoever stands in gets copies of all sectors and links; with less, the leave is noted by command.
    let stand_in = |account: &str| DeputyWish { account: account.to_owned(), sectors: None, links: true };
    let mut wish = LeaveWish::new(from, until, fields.one("approver").unwrap_or_default());
    wish.sign_in_why = fields.one("sign_in").map(str::to_owned);
    wish.deputy = fields.one("deputy").map(stand_in);
    Ok(wish)
}
