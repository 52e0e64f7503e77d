//! The words of a question: subject, action, resource and context (`OpenID AuthZEN` 1.0 §5).
//!
//! Invariant: members that are not ours are ignored, as the specification demands; a member of ours that is wrong is
//! an error and never left aside.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{AccountId, RuleId};
use crate::domain::language::Language;
use crate::flows::Refusal;
use crate::flows::decide::{self, Unanswered, Who};
use crate::http::Problem;

/// Whom it is about (§5.1).
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Subject {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

/// What is to be done (§5.3).
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Action {
    name: String,
}

/// With what (§5.2): the component, and the CRM's id of the item or `*`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Resource {
    #[serde(rename = "type")]
    kind: String,
    id: String,
}

/// Around what (§5.4): here the language of the sentence, the past instant that is asked about, and the version of the
/// account that the answer must at least know.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Context {
    language: Option<String>,
    as_of: Option<Timestamp>,
    min_version: Option<i64>,
}

/// A kind of subject or resource without its id: what a search looks for. An id beside it is ignored (§8.4, §8.5).
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

impl Kind {
    /// Whoever is of this kind.
    pub(super) fn anybody(self) -> Subject {
        Subject { kind: self.kind, id: String::new() }
    }

    /// The component as a whole.
    pub(super) fn everything(self) -> Resource {
        Resource { kind: self.kind, id: "*".to_owned() }
    }
}

impl Action {
    /// No action in particular.
    pub(super) fn any() -> Self {
        Self { name: String::new() }
    }
}

/// The question as the flow understands it.
pub(super) fn question(
    subject: Subject,
    action: Action,
    resource: Resource,
    context: Option<Context>,
) -> decide::Question {
    let context = context.unwrap_or_default();
    decide::Question {
        who: if subject.kind == "account" { Who::Account(subject.id) } else { Who::Other(subject.kind) },
        action: action.name,
        component: resource.kind,
        item: Some(resource.id),
        language: context.language.as_deref().and_then(Language::from_tag),
        as_of: context.as_of,
        min_version: context.min_version,
    }
}

/// The answer on the wire (§5.5).
#[derive(Debug, Clone, Serialize)]
pub(super) struct Decision {
    decision: bool,
    context: Reasons,
}

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Reasons {
    Answered {
        code: &'static str,
        reason_user: String,
        reason_admin: String,
        rule: Option<RuleId>,
        trace: Vec<String>,
        narrowed: bool,
        account: Option<AccountId>,
        account_version: Option<i64>,
    },
    Unanswered {
        code: &'static str,
        error: Error,
    },
}

#[derive(Debug, Clone, Serialize)]
struct Error {
    status: u16,
    message: String,
}

impl From<decide::Answer> for Decision {
    fn from(answer: decide::Answer) -> Self {
        let context = Reasons::Answered {
            code: answer.code,
            reason_user: answer.reason_user,
            reason_admin: answer.reason_admin,
            rule: answer.rule,
            trace: answer.trace,
            narrowed: answer.narrowed,
            account: answer.account,
            account_version: answer.account_version,
        };
        Self { decision: answer.decision, context }
    }
}

impl Decision {
    /// The answer to one of several questions that could not be answered (§7.2.1).
    pub(super) fn unanswered(why: Unanswered) -> Self {
        let (code, status, message) = match why {
            Unanswered::Malformed(message) => ("malformed", 400, message),
            Unanswered::TooOld(message) => ("too_old", 409, message),
        };
        Self { decision: false, context: Reasons::Unanswered { code, error: Error { status, message } } }
    }
}

/// Names the member of the request, where the flow speaks of its own.
fn member(field: &str) -> &str {
    match field {
        "item" => "resource.id",
        "as_of" | "as-of" => "context.as_of",
        "min_version" => "context.min_version",
        "token" => "page.token",
        other => other,
    }
}

/// A refusal that names the member of the request.
pub(super) fn in_our_words(refusal: Refusal) -> Problem {
    Problem::from(match refusal {
        Refusal::Invalid { field, problem } => Refusal::Invalid { field: member(&field).to_owned(), problem },
        other => other,
    })
}
