//! Answers whether an account may do something, now or at a past instant.
//!
//! Invariant: one moment of the database and no write. Whatever is unknown is refused, and an error is never a yes.

mod memory;
mod prepare;
pub mod search;
mod sitting;
pub mod why;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Ports, Refusal};
use crate::domain::grant::ItemRef;
use crate::domain::ids::{AccountId, ComponentId, RuleId, TargetId};
use crate::domain::language::Language;

pub use crate::store::Epoch;
use memory::Known;
pub use memory::Memory;
use sitting::Sitting;

/// Whom a question is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// An account: its id, its user name, or the id that the asking CRM has for it.
    Account(String),
    /// A kind of subject that Portvakt knows nothing of.
    Other(String),
}

/// What is asked, as it came from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// About whom.
    pub who: Who,
    /// The action's name.
    pub action: String,
    /// The component's name.
    pub component: String,
    /// The CRM's id of the item; nothing or `*`: the component as a whole.
    pub item: Option<String>,
    /// The language of the sentence; nothing: the account's own.
    pub language: Option<Language>,
    /// The past instant that is asked about; nothing: now.
    pub as_of: Option<Timestamp>,
    /// The version of the account that the answer must at least know; nothing: whatever is committed.
    pub min_version: Option<i64>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Yes or no.
    pub decision: bool,
    /// The stable code: `allowed`, or why not.
    pub code: &'static str,
    /// Yes, but only items that are linked or assigned to the account may be shown.
    pub narrowed: bool,
    /// The account; nothing: none, or several.
    pub account: Option<AccountId>,
    /// Its present version.
    pub account_version: Option<i64>,
    /// A sentence for the person; a refusal says whom to contact.
    pub reason_user: String,
    /// The code and the checks in order, for administrators.
    pub reason_admin: String,
    /// The rule behind the role that opened it; nothing: a no, or a role by hand.
    pub rule: Option<RuleId>,
    /// The checks in order, one by one.
    pub trace: Vec<String>,
}

/// Why one of several questions was not answered; it counts as a no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unanswered {
    /// It is no question; the sentence says what is wrong.
    Malformed(String),
    /// The caller knows a newer state than the one that could be read.
    TooOld(String),
}

/// When a list of questions is answered no further (`OpenID AuthZEN` 1.0 §7.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Semantic {
    /// Every question is answered.
    #[default]
    ExecuteAll,
    /// The first no is the last answer.
    DenyOnFirstDeny,
    /// The first yes is the last answer.
    PermitOnFirstPermit,
}

impl Semantic {
    const fn ends_with(self, decision: bool) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !decision,
            Self::PermitOnFirstPermit => decision,
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asker<'a> {
    /// The CRM whose own account ids are understood; nothing: every CRM's.
    pub target: Option<&'a TargetId>,
    /// The state of the database since the question came, where that is known already.
    pub epoch: Option<Epoch>,
}

impl<'a> From<Option<&'a TargetId>> for Asker<'a> {
    fn from(target: Option<&'a TargetId>) -> Self {
        Self { target, epoch: None }
    }
}

/// Answers one question.
///
/// # Errors
///
/// [`Refusal::Invalid`] when the item's id or the instant cannot be one; [`Refusal::TooOld`] when the caller knows a
/// newer version of the account; otherwise when the database cannot be read.
pub async fn evaluate(
    ports: &Ports,
    asker: impl Into<Asker<'_>>,
    question: &Question,
) -> Result<Answer, Refusal> {
    let asker = asker.into();
    let mut sitting = Sitting::remembering(ports, asker).await?;
    let mut answer = sitting.answer(question).await;
    if sitting.has_moved() {
        answer = Sitting::open(ports, asker.target).answer(question).await;
    }
    answer.inspect(count)
}

/// Answers questions in order, all from one moment, until `semantic` ends it. What could not be understood as a
/// question, here or by the caller, is answered with the sentence that says what is wrong, and counts as a no.
///
/// # Errors
///
/// [`Refusal`] when the database cannot be read; then nothing is answered.
pub async fn evaluate_all(
    ports: &Ports,
    asker: impl Into<Asker<'_>>,
    questions: Vec<Result<Question, String>>,
    semantic: Semantic,
) -> Result<Vec<Result<Answer, Unanswered>>, Refusal> {
    let asker = asker.into();
    let mut sitting = Sitting::remembering(ports, asker).await?;
    let mut answers = answer_all(&mut sitting, &questions, semantic).await;
    if sitting.has_moved() {
        answers = answer_all(&mut Sitting::open(ports, asker.target), &questions, semantic).await;
    }
    let answers = answers?;
    answers.iter().flatten().for_each(count);
    Ok(answers)
}

async fn answer_all(
    sitting: &mut Sitting<'_>,
    questions: &[Result<Question, String>],
    semantic: Semantic,
) -> Result<Vec<Result<Answer, Unanswered>>, Refusal> {
    let sound: Vec<&Question> = questions.iter().flatten().collect();
    sitting.prepare(&sound).await?;
    let mut answers = Vec::with_capacity(questions.len());
    for question in questions {
        let answer = match question {
            Err(problem) => Err(Unanswered::Malformed(problem.clone())),
            Ok(question) => match sitting.answer(question).await {
                Ok(answer) => Ok(answer),
                Err(Refusal::Invalid { field, problem }) => {
                    Err(Unanswered::Malformed(format!("{field}: {problem}")))
                }
                Err(Refusal::TooOld(problem)) => Err(Unanswered::TooOld(problem)),
                Err(other) => return Err(other),
            },
        };
        let ends = semantic.ends_with(answer.as_ref().is_ok_and(|answer| answer.decision));
        answers.push(answer);
        if ends {
            break;
        }
    }
    Ok(answers)
}

/// The item that is asked about; nothing for the component as a whole, and for a component that cannot be one.
fn item_of(question: &Question) -> Result<Option<ItemRef>, Refusal> {
    let (Some(text), Ok(component)) = (question.item.as_deref(), ComponentId::parse(&question.component))
    else {
        return Ok(None);
    };
    if text == "*" {
        return Ok(None);
    }
    ItemRef::parse(component, text).map(Some).map_err(|e| Refusal::invalid("item", e))
}

fn count(answer: &Answer) {
    let outcome = if answer.decision { "allowed" } else { "refused" };
    metrics::counter!("portvakt_decisions_total", "outcome" => outcome, "code" => answer.code).increment(1);
}
