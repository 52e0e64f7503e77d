//! What somebody does about plans: make one, release it, refuse it, carry it out.
//!
//! Invariant: nothing is released without a reason, a sign-in of late, and, where something critical is left without a
//! holder, the word that this is known.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::{ConsolePerson, Note, Place, Sent};
use super::HOME;
use super::plan::{Unread, answer, critical};
use crate::flows::Refusal;
use crate::flows::console::lifecycle as flow;
use crate::flows::lifecycle::{RunOutcome, RunReport, find};

/// `POST /lifecycle/plans`: makes a plan of what a run would do now.
pub(super) async fn make(sent: Sent) -> Response {
    let console = &sent.console;
    match flow::make(&console.ports, &console.actor).await {
        Ok(hash) => {
            let frame = &console.frame;
            let note = Note::done(
                frame.t("Planen är gjord", "The plan is made"),
                frame.t(
                    "Ingenting har ändrats. Så här skulle en körning bli nu.",
                    "Nothing was changed. This is what a run would do now.",
                ),
            );
            console.go(&format!("{HOME}/plans/{hash}"), &note)
        }
        Err(refusal) => console.refuse(Place::Lifecycle, refusal).await,
    }
}

/// Goes on where the person may decide about plans and signed in lately.
async fn admitted(console: &ConsolePerson, hash: &str) -> Result<(), Response> {
    if let Err(refusal) = console.actor.administering() {
        return Err(console.refuse(Place::Lifecycle, refusal).await);
    }
    console.require_fresh(&format!("{HOME}/plans/{hash}"))
}

/// `POST /lifecycle/plans/{hash}/release`: releases a plan that stopped, and carries it out.
pub(super) async fn release(Path(hash): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    if let Err(away) = admitted(&console, &hash).await {
        return away;
    }
    let reason = fields.one("reason").unwrap_or_default();
    let proposal = match find(&console.ports, &hash).await {
        Ok(proposal) => proposal,
        Err(refusal) => return console.refuse(Place::Lifecycle, refusal).await,
    };
    let is_unaware = critical(&proposal).next().is_some() && fields.one("critical").is_none();
    if reason.is_empty() || is_unaware {
        let unread =
            Unread { release_reason: Some(reason.to_owned()), critical: is_unaware, ..Unread::default() };
        return answer(&console, &hash, StatusCode::BAD_REQUEST, &unread).await;
    }
    match flow::release(&console.ports, &console.actor, &hash, reason).await {
        Ok(()) => carried_out(&console, &hash).await,
        Err(refusal) => console.refuse(Place::Lifecycle, refusal).await,
    }
}

/// `POST /lifecycle/plans/{hash}/apply`: carries out a plan that was released.
pub(super) async fn apply(Path(hash): Path<String>, sent: Sent) -> Response {
    match admitted(&sent.console, &hash).await {
        Ok(()) => carried_out(&sent.console, &hash).await,
        Err(away) => away,
    }
}

/// `POST /lifecycle/plans/{hash}/refuse`: turns a plan down that stopped.
pub(super) async fn refuse(Path(hash): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    if let Err(away) = admitted(&console, &hash).await {
        return away;
    }
    let reason = fields.one("reason").unwrap_or_default();
    if reason.is_empty() {
        let unread = Unread { refuse_reason: Some(String::new()), ..Unread::default() };
        return answer(&console, &hash, StatusCode::BAD_REQUEST, &unread).await;
    }
    let frame = &console.frame;
    match flow::refuse(&console.ports, &console.actor, &hash, reason).await {
        Ok(()) => console.go(
            HOME,
            &Note::done(
                frame.t("Planen är avvisad", "The plan is refused"),
                frame.t(
                    "Ingenting har gjorts. Vid nästa körning görs en ny plan med det som gäller då.",
                    "Nothing was done. The next run makes a new plan of what holds then.",
                ),
            ),
        ),
        Err(refusal) => console.refuse(Place::Lifecycle, refusal).await,
    }
}

/// Carries the plan out, also where nobody waits for the answer any more, and tells what came of it.
async fn carried_out(console: &ConsolePerson, hash: &str) -> Response {
    let (ports, actor, whole) = (Arc::clone(&console.ports), console.actor.clone(), hash.to_owned());
    let work = tokio::spawn(async move { flow::carry_out(&ports, &actor, &whole).await });
    let frame = &console.frame;
    let note = match work.await {
        Ok(Ok(report)) => told(console, &report),
        Ok(Err(refusal @ (Refusal::Store(_) | Refusal::NoPolicy))) => return console.trouble(refusal),
        Ok(Err(refusal)) => Note::warning(
            frame.t("Planen är godkänd men inte genomförd", "The plan is released but not carried out"),
            refusal.to_string(),
        ),
        Err(_) => Note::warning(
            frame.t("Planen är godkänd men inte genomförd", "The plan is released but not carried out"),
            frame.t("Nästa körning gör färdigt den.", "The next run finishes it."),
        ),
    };
    console.go(&format!("{HOME}/plans/{hash}"), &note)
}

fn told(console: &ConsolePerson, report: &RunReport) -> Note {
    let frame = &console.frame;
    match &report.outcome {
        RunOutcome::Applied | RunOutcome::NothingToDo => {
            let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
            let taken = frame.count(
                count(report.applied),
                ["steg togs", "steg togs"],
                ["step was taken", "steps were taken"],
            );
            let skipped = frame.count(
                count(report.skipped),
                ["hoppades över", "hoppades över"],
                ["was skipped", "were skipped"],
            );
            let kept =
                frame.t("Skälet är sparat i granskningsloggen.", "The reason is kept in the audit log.");
            Note::done(
                frame.t("Planen är genomförd", "The plan is carried out"),
                format!("{taken}, {skipped}. {kept}"),
            )
        }
        RunOutcome::Observed => Note::warning(
            frame.t(
                "Planen är godkänd, men livscykeln observerar bara",
                "The plan is released, but the lifecycle only observes",
            ),
            frame.t("Inget konto har ändrats.", "No account was changed."),
        ),
        RunOutcome::AwaitsRelease(_) => Note::warning(
            frame.t("Planen stannade igen", "The plan stopped again"),
            frame.t("Ingenting har gjorts. Se över skälen.", "Nothing was done. Look at the reasons."),
        ),
    }
}
