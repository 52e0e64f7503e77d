//! `/lifecycle/plans/{hash}/file`: a plan as a file, whole.
//!
//! Invariant: the file has everybody who is in the plan.

use axum::extract::Path;
use axum::response::Response;

use super::super::file::{as_file, form_of};
use super::super::reports::separator;
use super::super::{ConsolePerson, Place};
use crate::flows::console::lifecycle as flow;

/// `GET /lifecycle/plans/{hash}/file?format=csv|xlsx|json`: the plan with every step.
pub(super) async fn plan(console: ConsolePerson, Path(hash): Path<String>) -> Response {
    let form = match form_of(&console, Place::Lifecycle).await {
        Ok(form) => form,
        Err(answer) => return answer,
    };
    let language = console.frame.language;
    let wanted = (form, language, separator(language));
    match flow::plan_file(&console.ports, &console.actor, &hash, wanted).await {
        Ok((hash, file)) => {
            let short: String = hash.chars().take(12).collect();
            as_file(&format!("plan-{short}"), form, file)
        }
        Err(refusal) => console.refuse(Place::Lifecycle, refusal).await,
    }
}
