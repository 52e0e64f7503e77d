//! Finds who may do something, with what, and what somebody may do (`OpenID AuthZEN` 1.0 §8).
//!
//! Invariant: whatever is found is what the decision says yes to, judged by the same function, and nothing that it says
//! yes to is left out: a page that is not the last says where the next begins. Items that somebody sees are read from
//! an index; the items that they do not see are never looked at.

use std::sync::Arc;

use super::memory::Sight;
use super::{Answer, Question, Sitting, Who, item_of};
use crate::domain::access::{self, AccessFacts};
use crate::domain::effective::held_roles;
use crate::domain::grant::ItemRef;
use crate::domain::ids::{AccountId, ComponentId, RoleId, TargetId};
use crate::domain::policy::{Action, Policy};
use crate::flows::{Ports, Refusal};
use crate::store::{account, entitlement, sight};

/// How many accounts are judged together.
const PAGE: usize = 500;

/// Which page is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What the page before ended with; nothing: the first page.
    pub after: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// A page of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What was found.
    pub results: Vec<T>,
    /// What the next page begins after; nothing: this is the last one.
    pub next: Option<String>,
    /// The answer about the component as a whole, where the search began with it: a no explains an empty page.
    pub answer: Option<Answer>,
}

impl<T> Page<T> {
    const fn nothing(answer: Option<Answer>) -> Self {
        Self { results: Vec::new(), next: None, answer }
    }
}

/// An account that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Our id.
    pub account: AccountId,
    /// The sign-in name.
    pub user_name: String,
    /// The asking CRM's own id, where it has told us.
    pub crm_id: Option<String>,
}

/// The items of the question's component with which the account may do the action. `*` comes first where the whole
/// component is open: then the items that follow are those that are known here.
///
/// # Errors
///
/// As [`super::evaluate`], and [`Refusal::Invalid`] for a past instant.
pub async fn resources(
    ports: &Ports,
    asker: Option<&TargetId>,
    question: &Question,
    page: &Wanted,
) -> Result<Page<String>, Refusal> {
    only_now(question)?;
    let whole = Question { item: None, ..question.clone() };
    let mut sitting = Sitting::open(ports, asker);
    let answer = sitting.answer(&whole).await?;
    let Some(component) = ComponentId::parse(&question.component).ok().filter(|_| answer.decision) else {
        return Ok(Page::nothing(Some(answer)));
    };
    let limit = i64::try_from(page.limit.saturating_add(1)).unwrap_or(i64::MAX);
    // No item is called "*": it stands for the component, and before every item.
    let is_first = page.after.as_deref().is_none_or(str::is_empty);
    let after = page.after.as_deref().filter(|after| *after != "*").unwrap_or_default();
    let mut results = if answer.narrowed {
        let Some((account, roles)) = sitting.holder(question).await? else {
            return Ok(Page::nothing(Some(answer)));
        };
        let now = sitting.now;
        sight::theirs(sitting.conn().await?, (account, &roles), &component, after, now, limit).await?
    } else {
        let mut all: Vec<String> = if is_first { vec!["*".to_owned()] } else { Vec::new() };
        all.extend(sight::living(sitting.conn().await?, &component, after, limit).await?);
        all
    };
    let has_more = results.len() > page.limit;
    results.truncate(page.limit);
    let next = results.last().cloned().or_else(|| page.after.clone()).unwrap_or_default();
    Ok(Page { results, next: has_more.then_some(next), answer: Some(answer) })
}

/// The accounts that may do the action with the question's item, whoever the question is about.
///
/// # Errors
///
/// As [`super::evaluate`], and [`Refusal::Invalid`] for a past instant, a version of nobody, or a place that is none.
pub async fn subjects(
    ports: &Ports,
    asker: Option<&TargetId>,
    question: &Question,
    page: &Wanted,
) -> Result<Page<Subject>, Refusal> {
    only_now(question)?;
    if question.min_version.is_some() {
        let problem = "it belongs to one account, and this search names none; leave it out";
        return Err(Refusal::invalid("min_version", problem));
    }
    let mut after = match page.after.as_deref().filter(|after| !after.is_empty()) {
        None => None,
        Some(text) => Some(AccountId::parse(text).map_err(|e| Refusal::invalid("token", e))?),
    };
    let item = item_of(question)?;
    let mut sitting = Sitting::open(ports, asker);
    let compiled = sitting.policy(None).await?;
    let policy = &compiled.policy;
    let is_account = matches!(question.who, Who::Account(_));
    let (Some(action), true) = (Action::from_name(&question.action), is_account) else {
        return Ok(Page::nothing(None));
    };
    let roles = opening(policy, &question.component, action);
    if roles.is_empty() {
        return Ok(Page::nothing(None));
    }
    let about = About::read(&mut sitting, policy, question, action, item).await?;
    let mut found: Vec<Subject> = Vec::new();
    while found.len() <= page.limit {
        let size = i64::try_from(PAGE).unwrap_or(i64::MAX);
        let ids = sight::holders(sitting.conn().await?, &roles, after, size).await?;
        let Some(last) = ids.last() else { break };
        after = Some(*last);
        found.extend(about.among(&mut sitting, policy, &ids).await?);
    }
    let has_more = found.len() > page.limit;
    found.truncate(page.limit);
    let last = found.last().map(|subject| subject.account.to_string());
    let next = last.or_else(|| page.after.clone()).unwrap_or_default();
    if let Some(asker) = asker {
        let ids: Vec<AccountId> = found.iter().map(|subject| subject.account).collect();
        let mut crm_ids = account::crm_ids(sitting.conn().await?, asker, &ids).await?;
        for subject in &mut found {
            subject.crm_id = crm_ids.remove(&subject.account);
        }
    }
    Ok(Page { results: found, next: has_more.then_some(next), answer: None })
}

/// What the account may do with the question's item; `true`: only with items that are linked or assigned to it.
///
/// # Errors
///
/// As [`super::evaluate`].
pub async fn actions(
    ports: &Ports,
    asker: Option<&TargetId>,
    question: &Question,
    page: &Wanted,
) -> Result<Page<(Action, bool)>, Refusal> {
    let mut sitting = Sitting::open(ports, asker);
    let mut found = Vec::new();
    for action in Action::ALL {
        let one = Question { action: action.name().to_owned(), ..question.clone() };
        let answer = sitting.answer(&one).await?;
        if answer.decision {
            found.push((*action, answer.narrowed));
        }
    }
    // The order is that of the actions themselves, so that an action that came or went meanwhile shifts nothing.
    let before = page.after.as_deref().and_then(Action::from_name);
    found.retain(|(action, _)| before.is_none_or(|before| *action > before));
    let mut results = found;
    let has_more = results.len() > page.limit;
    results.truncate(page.limit);
    let last = results.last().map(|(action, _)| action.name().to_owned());
    let next = last.or_else(|| page.after.clone()).unwrap_or_default();
    Ok(Page { results, next: has_more.then_some(next), answer: None })
}

/// What a search for accounts is about, read once.
struct About {
    question: access::Question,
    sight: Arc<Sight>,
}

impl About {
    async fn read(
        sitting: &mut Sitting<'_>,
        policy: &Policy,
        question: &Question,
        action: Action,
        item: Option<ItemRef>,
    ) -> Result<Self, Refusal> {
        let supports_items = |item: &&ItemRef| {
            policy.components.get(&item.component).is_some_and(|component| component.supports_items)
        };
        let sight = match item.as_ref().filter(supports_items) {
            Some(item) => sitting.sight(item, None).await?,
            None => Arc::default(),
        };
        let item = item.map(|item| item.item);
        let question = access::Question { action, component: question.component.clone(), item };
        Ok(Self { question, sight })
    }

    /// Those of these accounts who may.
    async fn among(
        &self,
        sitting: &mut Sitting<'_>,
        policy: &Policy,
        ids: &[AccountId],
    ) -> Result<Vec<Subject>, Refusal> {
        let accounts = account::of_ids(sitting.conn().await?, ids).await?;
        let mut grants = entitlement::held_by(sitting.conn().await?, ids).await?;
        let mut found = Vec::new();
        for account in accounts {
            let grants = grants.remove(&account.id).unwrap_or_default();
            let facts = AccessFacts {
                account: Some(&account),
                grants: &grants,
                links: &self.sight.links,
                assignment: self.sight.assignment.as_ref(),
                now: sitting.now,
            };
            if access::decide(policy, &facts, &self.question).is_allowed() {
                found.push(Subject { account: account.id, user_name: account.user_name, crm_id: None });
            }
        }
        Ok(found)
    }
}

impl Sitting<'_> {
    /// The account that the question is about, with the roles it holds now.
    async fn holder(&mut self, question: &Question) -> Result<Option<(AccountId, Vec<RoleId>)>, Refusal> {
        let compiled = self.policy(None).await?;
        let Who::Account(text) = &question.who else { return Ok(None) };
        let known = self.known(text, None).await?;
        Ok(match &*known {
            super::Known::One(account, grants) => {
                let roles = held_roles(&compiled.policy, grants, self.now).map(|held| held.id.clone());
                Some((account.id, roles.collect()))
            }
            super::Known::Nobody | super::Known::Several => None,
        })
    }
}

/// The roles that open the component for the action: nobody else can be found.
fn opening(policy: &Policy, component: &str, action: Action) -> Vec<RoleId> {
    let component = ComponentId::parse(component).ok().and_then(|id| policy.components.get(&id));
    let Some(component) = component else { return Vec::new() };
    let opens = policy.roles.iter().filter(|(_, role)| role.opens(&component.module, action));
    opens.map(|(id, _)| id.clone()).collect()
}

fn only_now(question: &Question) -> Result<(), Refusal> {
    match question.as_of {
        None => Ok(()),
        Some(_) => Err(Refusal::invalid(
            "as_of",
            "a search answers for now; ask the evaluation endpoint about a past instant",
        )),
    }
}
