//! The words of a question: subject, action, resource and context (`OpenID AuthZEN` 1.0 §5).
//!
//! Invariant: members that are not ours are ignored, as the specification demands; a member of ours that is wrong is
//! an error and never left aside.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::ids::AccountId;
use crate::domain::language::Language;
use crate::flows::decide::{self, Who};

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

/// Around what (§5.4): here the language of the sentence, and the past instant that is asked about.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Context {
    language: Option<String>,
    as_of: Option<Timestamp>,
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
        narrowed: bool,
        account: Option<AccountId>,
        account_version: Option<i64>,
    },
    Malformed {
        code: &'static str,
        error: Malformed,
    },
}

#[derive(Debug, Clone, Serialize)]
struct Malformed {
    status: u16,
    message: String,
}

impl From<decide::Answer> for Decision {
    fn from(answer: decide::Answer) -> Self {
        let context = Reasons::Answered {
            code: answer.code,
            reason_user: answer.reason_user,
            reason_admin: answer.reason_admin,
            narrowed: answer.narrowed,
            account: answer.account,
            account_version: answer.account_version,
        };
        Self { decision: answer.decision, context }
    }
}

impl Decision {
    /// The answer to one of several questions that could not be understood (§7.2.1).
    pub(super) fn malformed(message: String) -> Self {
        let context = Reasons::Malformed { code: "malformed", error: Malformed { status: 400, message } };
        Self { decision: false, context }
    }
}

/// Names the member of the request, where the flow speaks of its own.
pub(super) fn member(field: &str) -> &str {
    match field {
        "item" => "resource.id",
        "as_of" => "context.as_of",
        other => other,
    }
}
