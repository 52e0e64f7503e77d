//! Puts a plan into force: exactly the one that was shown.
//!
//! Invariant: not without a reason, a sign-in of late, and, where it goes beyond the safety limits, the word that this is
//! known.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::{ConsolePerson, Note, Place, Sent};
use super::HOME;
use super::plan::{Unread, answer, path};
use crate::flows::Refusal;
use crate::flows::console::policy as flow;
use crate::flows::policies::{Applied, Outcome};

/// `POST /policy/plans/{hash}`: puts the plan into force.
pub(super) async fn apply(Path(hash): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    if let Err(refusal) = console.actor.administering() {
        return console.refuse_to(Place::Groups, HOME, refusal).await;
    }
    if let Err(away) = console.require_fresh(&path(&hash)) {
        return away;
    }
    let reason = fields.one("reason").unwrap_or_default().to_owned();
    if reason.is_empty() {
        let unread = Unread { reason: Some(reason), stops: false };
        return answer(&console, &hash, StatusCode::BAD_REQUEST, &unread).await;
    }
    let is_released = fields.one("release") == Some("yes");
    match carried_out(&console, &hash, (&reason, is_released)).await {
        Ok(Outcome::InForce(applied)) => in_force(&console, applied),
        Ok(Outcome::AwaitsRelease(_)) => {
            let unread = Unread { reason: Some(reason), stops: true };
            answer(&console, &hash, StatusCode::BAD_REQUEST, &unread).await
        }
        // The page says what moved, or leads to the version that the plan became.
        Err(Refusal::Conflict(_)) => answer(&console, &hash, StatusCode::CONFLICT, &Unread::default()).await,
        Err(refusal) => console.refuse_to(Place::Groups, &path(&hash), refusal).await,
    }
}

/// Carries the plan out, also where nobody waits for the answer any more.
async fn carried_out(
    console: &ConsolePerson,
    hash: &str,
    (reason, is_released): (&str, bool),
) -> Result<Outcome, Refusal> {
    let (ports, actor) = (Arc::clone(&console.ports), console.actor.clone());
    let (whole, reason) = (hash.to_owned(), reason.to_owned());
    let work = tokio::spawn(async move { flow::apply(&ports, &actor, &whole, (&reason, is_released)).await });
    work.await.unwrap_or_else(|broken| Err(Refusal::Outside(broken.to_string())))
}

fn in_force(console: &ConsolePerson, applied: Applied) -> Response {
    let (frame, number) = (&console.frame, applied.number);
    let title = match frame.tag() {
        "sv" => format!("Version {number} gäller"),
        _ => format!("Version {number} is in force"),
    };
    let changed = frame.count(
        applied.changed,
        ["konto fick ändrade behörigheter", "konton fick ändrade behörigheter"],
        ["account’s rights changed", "accounts’ rights changed"],
    );
    let kept = frame.t("Skälet är sparat i granskningsloggen.", "The reason is kept in the audit log.");
    console.go(&format!("{HOME}/versions/{number}"), &Note::done(title, format!("{changed}. {kept}")))
}
