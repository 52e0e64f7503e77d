//! Explains a decision: through which group, rule and grant it is a yes, or what would make it one.
//!
//! Invariant: the decision is the one that a CRM gets; what explains it is read from the same intervals, for the same
//! instant.

use serde::Serialize;

use super::{Answer, Question, Sitting, Who, item_of};
use crate::domain::access::{self, Decision, Refusal as No, Sight, TraceStep};
use crate::domain::grant::Holder;
use crate::domain::language::Language;
use crate::flows::people::{self, GrantStory};
use crate::flows::{Ports, Refusal};

/// An answer with what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// The answer.
    #[serde(flatten)]
    pub answer: Answer,
    /// The checks as people read them, in order.
    pub checks: Vec<String>,
    /// The grants, links and assignments that it rests on, each with its origin.
    pub because: Vec<GrantStory>,
    /// What would give it; empty for a yes.
    pub would_give: Vec<String>,
}

/// Answers `question` as [`super::evaluate`] does, and explains the answer.
///
/// # Errors
///
/// As [`super::evaluate`].
pub async fn explained(ports: &Ports, question: &Question, language: Language) -> Result<Explained, Refusal> {
    let mut sitting = Sitting::open(ports, None);
    let answer = sitting.answer(question).await?;
    let item = item_of(question)?;
    let compiled = sitting.policy(question.as_of).await?;
    let known = match &question.who {
        Who::Account(text) => sitting.known(text, question.as_of).await?,
        Who::Other(_) => std::sync::Arc::new(super::Known::Nobody),
    };
    let decision = sitting.decide(&compiled.policy, question, item.as_ref(), &known).await?;
    drop(sitting);
    let checks = decision.trace.iter().map(|step| step.sentence(&compiled.policy, language)).collect();
    let would_give = decision
        .refusal
        .as_ref()
        .map(|refusal| access::remedies(refusal, &compiled.policy, language))
        .unwrap_or_default();
    let mut because = match answer.account {
        None => Vec::new(),
        Some(id) => people::explain_at(ports, &id.to_string(), language, question.as_of).await?,
    };
    let asked = item.map(|item| format!("{}/{}", item.component, item.item));
    because.retain(|story| story.in_force && matters(story, &decision, asked.as_deref()));
    Ok(Explained { answer, checks, because, would_give })
}

/// Whether the decision rests on what the story tells.
fn matters(story: &GrantStory, decision: &Decision, item: Option<&str>) -> bool {
    let limits = match &decision.refusal {
        Some(No::AdministrationClosed | No::NoSector { .. }) => Some("limited"),
        Some(No::ItemNotLinked { .. }) => Some("item_restricted"),
        _ => None,
    };
    let of_role =
        |holder: &Holder, value: &str| matches!(holder, Holder::Role(role) if role.as_str() == value);
    limits == Some(story.kind)
        || decision.trace.iter().any(|step| match step {
            TraceStep::RoleOpens(role, origin) => {
                story.kind == "role" && story.value == role.as_str() && story.origin == origin.name()
            }
            TraceStep::SectorHeld(sector, origin) => {
                story.kind == "sector" && story.value == sector.as_str() && story.origin == origin.name()
            }
            TraceStep::ItemSeen(Sight::Link(origin, holder)) => {
                (story.kind == "link" && Some(story.value.as_str()) == item && story.origin == origin.name())
                    || (story.kind == "role" && of_role(holder, &story.value))
            }
            TraceStep::ItemSeen(Sight::Assignment(holder)) => {
                (story.kind == "assignment" && Some(story.value.as_str()) == item)
                    || (story.kind == "role" && of_role(holder, &story.value))
            }
            TraceStep::AccountActive(..)
            | TraceStep::ComponentKnown(..)
            | TraceStep::AdministrationPassed { .. }
            | TraceStep::SectorNotNeeded
            | TraceStep::ItemSeen(
                Sight::NotRestricted | Sight::NotSupported | Sight::Creating | Sight::Narrowed,
            ) => false,
        })
}
