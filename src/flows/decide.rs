//! Answers whether an account may do something, now or at a past instant.
//!
//! Invariant: one moment of the database and no write. Whatever is unknown is refused, and an error is never a yes.

pub mod search;
pub mod why;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::find::{self, Found};
use super::{Compiled, Ports, Refusal, past};
use crate::domain::access::{self, AccessFacts, Decision, TraceStep};
use crate::domain::account::Account;
use crate::domain::effective::holds;
use crate::domain::grant::{Grant, GrantKind, ItemRef, Origin};
use crate::domain::ids::{AccountId, ComponentId, RuleId, TargetId};
use crate::domain::language::Language;
use crate::domain::policy::{Action, Policy};
use crate::store::{Conn, entitlement, item, link, standing};

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

/// Answers one question. `asker` is the CRM whose own account ids are understood; nothing: every CRM's.
///
/// # Errors
///
/// [`Refusal::Invalid`] when the item's id or the instant cannot be one; [`Refusal::TooOld`] when the caller knows a
/// newer version of the account; otherwise when the database cannot be read.
pub async fn evaluate(
    ports: &Ports,
    asker: Option<&TargetId>,
    question: &Question,
) -> Result<Answer, Refusal> {
    Sitting::open(ports, asker).await?.answer(question).await
}

/// Answers questions in order, all from one moment, until `semantic` ends it. What could not be understood as a
/// question, here or by the caller, is answered with the sentence that says what is wrong, and counts as a no.
///
/// # Errors
///
/// [`Refusal`] when the database cannot be read; then nothing is answered.
pub async fn evaluate_all(
    ports: &Ports,
    asker: Option<&TargetId>,
    questions: Vec<Result<Question, String>>,
    semantic: Semantic,
) -> Result<Vec<Result<Answer, Unanswered>>, Refusal> {
    let mut sitting = Sitting::open(ports, asker).await?;
    let mut answers = Vec::with_capacity(questions.len());
    for question in questions {
        let answer = match question {
            Err(problem) => Err(Unanswered::Malformed(problem)),
            Ok(question) => match sitting.answer(&question).await {
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

/// Who was found, with what they hold at the instant in question.
enum Known {
    Nobody,
    Several,
    One(Box<Account>, Vec<Grant>),
}

impl Known {
    fn account(&self) -> Option<&Account> {
        match self {
            Self::One(account, _) => Some(account),
            Self::Nobody | Self::Several => None,
        }
    }
}

/// Refuses where the caller knows a newer version of the account than this moment has.
fn is_new_enough(wanted: Option<i64>, account: Option<&Account>) -> Result<(), Refusal> {
    let Some(wanted) = wanted else { return Ok(()) };
    let known = account.map_or(0, |account| account.version);
    if known >= wanted {
        return Ok(());
    }
    let have =
        if known == 0 { "no such account".to_owned() } else { format!("version {known} of the account") };
    Err(Refusal::TooOld(format!(
        "min_version: you know version {wanted}, and here is {have}; nothing was decided. Ask again, or without it"
    )))
}

/// One moment of the database, from which questions are answered; what was read once is kept.
struct Sitting<'p> {
    ports: &'p Ports,
    asker: Option<&'p TargetId>,
    now: Timestamp,
    c: Conn,
    policies: HashMap<Option<Timestamp>, Arc<Compiled>>,
    known: HashMap<(String, Option<Timestamp>), Arc<Known>>,
}

impl<'p> Sitting<'p> {
    async fn open(ports: &'p Ports, asker: Option<&'p TargetId>) -> Result<Self, Refusal> {
        let c = ports.db.snapshot().await?;
        let now = ports.clock.now();
        Ok(Self { ports, asker, now, c, policies: HashMap::new(), known: HashMap::new() })
    }

    async fn answer(&mut self, question: &Question) -> Result<Answer, Refusal> {
        let item = item_of(question)?;
        if question.as_of.is_some_and(|at| at > self.now) {
            return Err(Refusal::invalid("as_of", "that is in the future; give a past instant"));
        }
        let compiled = self.policy(question.as_of).await?;
        let known = match &question.who {
            Who::Account(text) => self.known(text, question.as_of).await?,
            Who::Other(_) => Arc::new(Known::Nobody),
        };
        let account = known.account();
        is_new_enough(question.min_version, account)?;
        let decision = self.decide(&compiled.policy, question, item.as_ref(), &known).await?;
        count(&decision);
        Ok(self.in_words(question, &compiled.policy, account, &decision))
    }

    fn in_words(
        &self,
        question: &Question,
        policy: &Policy,
        account: Option<&Account>,
        decision: &Decision,
    ) -> Answer {
        let language = question
            .language
            .or_else(|| account.and_then(|account| account.language))
            .unwrap_or(self.ports.settings.language);
        Answer {
            decision: decision.is_allowed(),
            code: decision.code(),
            narrowed: decision.narrowed,
            account: account.map(|account| account.id),
            account_version: account.map(|account| account.version),
            reason_user: access::reason_user(decision, policy, language),
            reason_admin: access::reason_admin(decision),
            rule: decision.trace.iter().find_map(|step| match step {
                TraceStep::RoleOpens(_, Origin::Rule(rule)) => Some(rule.clone()),
                _ => None,
            }),
            trace: access::steps(decision),
        }
    }

    async fn decide(
        &mut self,
        policy: &Policy,
        question: &Question,
        item: Option<&ItemRef>,
        known: &Known,
    ) -> Result<Decision, Refusal> {
        let Some(action) = Action::from_name(&question.action) else {
            return Ok(Decision::refused(access::Refusal::UnknownAction(question.action.clone())));
        };
        if let Who::Other(kind) = &question.who {
            return Ok(Decision::refused(access::Refusal::UnknownSubject(kind.clone())));
        }
        let now = question.as_of.unwrap_or(self.now);
        let (account, grants) = match known {
            Known::Nobody => (None, [].as_slice()),
            Known::Several => return Ok(Decision::refused(access::Refusal::AmbiguousAccount)),
            Known::One(account, grants) => (Some(&**account), grants.as_slice()),
        };
        // Links and assignment matter only to who is item-restricted; everybody else costs no statement more.
        let (mut links, mut assignment) = (Vec::new(), None);
        if let Some(item) = item
            && holds(grants, &GrantKind::ItemRestricted, now)
            && policy.components.get(&item.component).is_some_and(|component| component.supports_items)
        {
            links = link::of_item(&mut self.c, item, question.as_of).await?;
            assignment = item::assignee(&mut self.c, item, question.as_of).await?;
        }
        let facts = AccessFacts { account, grants, links: &links, assignment: assignment.as_ref(), now };
        let asked = access::Question {
            action,
            component: question.component.clone(),
            item: item.map(|item| item.item.clone()),
        };
        Ok(access::decide(policy, &facts, &asked))
    }

    async fn policy(&mut self, as_of: Option<Timestamp>) -> Result<Arc<Compiled>, Refusal> {
        if let Some(known) = self.policies.get(&as_of) {
            return Ok(Arc::clone(known));
        }
        let compiled = match as_of {
            None => self.ports.policies.current(&mut self.c).await?,
            Some(at) => self.ports.policies.as_of(&mut self.c, at).await.map_err(past::too_early)?,
        };
        self.policies.insert(as_of, Arc::clone(&compiled));
        Ok(compiled)
    }

    /// Who `text` means today, as they stood at the instant in question.
    async fn known(&mut self, text: &str, as_of: Option<Timestamp>) -> Result<Arc<Known>, Refusal> {
        let key = (text.to_owned(), as_of);
        if let Some(known) = self.known.get(&key) {
            return Ok(Arc::clone(known));
        }
        let known = match (find::account(&mut self.c, text, self.asker).await?, as_of) {
            (Found::Nobody, _) => Known::Nobody,
            (Found::Several, _) => Known::Several,
            (Found::One(account), None) => {
                let grants = entitlement::held(&mut self.c, account.id).await?;
                Known::One(account, grants)
            }
            (Found::One(account), Some(at)) => match standing::at(&mut self.c, account.id, at).await? {
                None => Known::Nobody,
                Some(past) => {
                    let grants = entitlement::held_at(&mut self.c, account.id, at).await?;
                    Known::One(Box::new(Account { standing: past.standing, ..*account }), grants)
                }
            },
        };
        let known = Arc::new(known);
        self.known.insert(key, Arc::clone(&known));
        Ok(known)
    }
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

fn count(decision: &Decision) {
    let outcome = if decision.is_allowed() { "allowed" } else { "refused" };
    metrics::counter!("portvakt_decisions_total", "outcome" => outcome, "code" => decision.code())
        .increment(1);
}
