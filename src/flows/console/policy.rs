//! The policy at the console: its text, what it would do, its versions, and where people hold something else.
//!
//! Invariant: whoever checks, plans or puts into force is an administrator of the console; nobody gives themselves
//! anything by it. Reading changes nothing.

use std::collections::BTreeMap;

use super::super::policies::{
    self, Comparison, Drift, Drifted, Form, Kept, Look, Mistake, OpenPlan, Outcome, Version,
};
use super::super::{Ports, Refusal};
use super::ConsoleActor;
use super::who::{self, Names};
use crate::domain::actor::Subject;
use crate::domain::language::Language;
use crate::domain::policy::document::Block;
use crate::store::audit;

/// What the text is called where a mistake stands in it.
pub const TEXT: &str = "policy";

/// So many plans are listed.
const PLANS: i64 = 10;

/// A text as it was typed, with the line end that a form takes away.
fn whole(text: &str) -> String {
    format!("{}\n", text.trim_end())
}

/// The text of the policy: of a version, of a plan, or the one in force.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; [`Refusal::NotFound`]; [`Refusal::NoPolicy`] before the first one.
pub async fn text(
    ports: &Ports,
    actor: &ConsoleActor,
    (version, plan): (Option<i64>, Option<&str>),
) -> Result<String, Refusal> {
    actor.administering()?;
    match plan {
        Some(hash) => policies::text_of(ports, hash).await,
        None => Ok(policies::show(ports, version).await?.text),
    }
}

/// Every mistake and warning of a text, and every case that does not hold; nothing is done.
///
/// # Errors
///
/// [`Refusal::NeedsRight`].
pub fn check(ports: &Ports, actor: &ConsoleActor, text: &str) -> Result<Vec<Mistake>, Refusal> {
    actor.administering()?;
    match policies::check(ports, &whole(text), TEXT) {
        Ok(checked) => Ok(checked.warnings),
        Err(Refusal::Policy(mistakes)) => Ok(mistakes),
        Err(other) => Err(other),
    }
}

/// Makes a plan of what a text would do. Gives its hash.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; [`Refusal::Policy`] with every mistake.
pub async fn make(ports: &Ports, actor: &ConsoleActor, text: &str) -> Result<String, Refusal> {
    let act = actor.administering()?;
    Ok(policies::plan(ports, act, &whole(text), TEXT).await?.plan.hash)
}

/// Makes a plan of what going back to an earlier version would do. Gives its hash.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; [`Refusal::NotFound`]; [`Refusal::Policy`] where it would be a mistake by now.
pub async fn go_back(ports: &Ports, actor: &ConsoleActor, number: i64) -> Result<String, Refusal> {
    let act = actor.administering()?;
    let version = policies::show(ports, Some(number)).await?;
    Ok(policies::plan(ports, act, &version.text, &format!("policy version {number}")).await?.plan.hash)
}

/// A plan with what is needed to decide about it.
#[derive(Debug, Clone)]
pub struct PlanLook {
    /// The plan as it looks now.
    pub look: Box<Look>,
    /// How its text differs from the one in force.
    pub comparison: Comparison,
    /// Names of those it touches, and of whoever made it.
    pub names: Names,
    /// Whether whoever looks would gain by it: then somebody else must put it into force.
    pub is_own: bool,
}

/// A plan that somebody decides about.
#[derive(Debug, Clone)]
pub enum PlanFound {
    /// It waits.
    Open(PlanLook),
    /// It became this version.
    Applied(i64),
}

/// A plan by its hash, everybody in it judged anew.
///
/// # Errors
///
/// [`Refusal::NotFound`] where there is none; [`Refusal::Policy`] where a case has come that does not hold.
pub async fn plan(
    ports: &Ports,
    actor: &ConsoleActor,
    hash: &str,
    language: Language,
) -> Result<PlanFound, Refusal> {
    let look = match policies::look(ports, hash, actor.reading().now).await? {
        Kept::Open(look) => look,
        Kept::Applied(number) => return Ok(PlanFound::Applied(number)),
    };
    let comparison =
        policies::compare_texts((&look.former, "policy in force"), (&look.text, TEXT), language)?;
    let people = &look.proposal.people;
    let mut c = ports.db.read().await?;
    let by = look.moved.iter().filter_map(|moved| moved.version.as_ref()).map(|(_, _, by)| by.as_str());
    let by = by.chain([look.by.as_str()]).filter_map(who::account_of);
    let names = who::names(&mut c, people.iter().map(|person| person.account).chain(by)).await?;
    drop(c);
    let is_own = people.iter().any(|person| person.account == actor.account() && person.is_raised);
    Ok(PlanFound::Open(PlanLook { look, comparison, names, is_own }))
}

/// Carries out exactly the plan under `hash`; `is_released`: although it goes beyond the safety limits.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; [`Refusal::Invalid`] without a reason; [`Refusal::NotAllowed`] where the acting person would
/// gain by it; [`Refusal::Conflict`] where the world has moved since.
pub async fn apply(
    ports: &Ports,
    actor: &ConsoleActor,
    hash: &str,
    (reason, is_released): (&str, bool),
) -> Result<Outcome, Refusal> {
    let act = actor.administering()?;
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Refusal::invalid("reason", "say why the policy is put into force"));
    }
    policies::apply_plan(ports, &act.because(reason), hash, is_released.then_some(reason)).await
}

/// A version with why it was put into force.
#[derive(Debug, Clone)]
pub struct VersionLine {
    /// The version.
    pub version: Version,
    /// Why, as the audit has it.
    pub why: Option<String>,
    /// The earlier version whose text came back.
    pub rollback_of: Option<i64>,
}

/// The versions, the newest first.
#[derive(Debug, Clone)]
pub struct Versions {
    /// A page of them.
    pub versions: Vec<VersionLine>,
    /// Plans that follow the policy in force and wait.
    pub plans: Vec<OpenPlan>,
    /// Names of those who made them.
    pub names: Names,
    /// Where the next page begins.
    pub next: Option<i64>,
}

/// The versions before `before`, or the newest.
///
/// # Errors
///
/// [`Refusal::NoPolicy`] before the first one.
pub async fn versions(
    ports: &Ports,
    _actor: &ConsoleActor,
    before: Option<i64>,
    limit: usize,
) -> Result<Versions, Refusal> {
    let more = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let mut found = policies::list(ports, before, more).await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let plans = if before.is_none() { policies::open(ports, PLANS).await? } else { Vec::new() };
    let next = found.last().filter(|_| has_more).map(|last| last.number);
    let mut versions = Vec::with_capacity(found.len());
    for version in found {
        versions.push(with_reason(ports, version).await?);
    }
    let by = versions.iter().map(|line| line.version.by.as_str());
    let by = by.chain(plans.iter().map(|plan| plan.by.as_str())).filter_map(who::account_of);
    let mut c = ports.db.read().await?;
    let names = who::names(&mut c, by).await?;
    Ok(Versions { versions, plans, names, next })
}

/// One version, with the name of whoever put it into force and how it differs from the one before.
///
/// # Errors
///
/// [`Refusal::NotFound`] where there is no such version.
pub async fn version(
    ports: &Ports,
    _actor: &ConsoleActor,
    number: i64,
    language: Language,
) -> Result<(VersionLine, Option<Comparison>, Names), Refusal> {
    let line = with_reason(ports, policies::show(ports, Some(number)).await?).await?;
    let comparison = match policies::compare(ports, number - 1, number, language).await {
        Ok(comparison) => Some(comparison),
        // The first one follows none, and an old one may be a mistake by now.
        Err(Refusal::NotFound { .. } | Refusal::Policy(_)) => None,
        Err(other) => return Err(other),
    };
    let mut c = ports.db.read().await?;
    let names = who::names(&mut c, who::account_of(&line.version.by).into_iter()).await?;
    Ok((line, comparison, names))
}

async fn with_reason(ports: &Ports, version: Version) -> Result<VersionLine, Refusal> {
    let mut c = ports.db.read().await?;
    let entries = audit::about(&mut c, &Subject::new("policy", version.number), 1).await?;
    let entry = entries.into_iter().next();
    let after = entry.as_ref().and_then(|entry| entry.after.as_ref());
    let rollback_of = after.and_then(|after| after.get("rollback_of")?.as_i64());
    Ok(VersionLine { version, why: entry.map(|entry| entry.cause), rollback_of })
}

/// How two versions differ.
///
/// # Errors
///
/// [`Refusal::NotFound`] where there is no such version.
pub async fn compare(
    ports: &Ports,
    _actor: &ConsoleActor,
    (former, new): (i64, i64),
    language: Language,
) -> Result<Comparison, Refusal> {
    policies::compare(ports, former, new, language).await
}

/// The policy in force as people read it, block by block.
///
/// # Errors
///
/// [`Refusal::NoPolicy`] before the first one.
pub async fn document(
    ports: &Ports,
    _actor: &ConsoleActor,
    language: Language,
) -> Result<Vec<Block>, Refusal> {
    policies::blocks(ports, None, language).await
}

/// The policy in force as a file that people read.
///
/// # Errors
///
/// [`Refusal::NoPolicy`] before the first one.
pub async fn paper(
    ports: &Ports,
    _actor: &ConsoleActor,
    (language, form): (Language, Form),
) -> Result<String, Refusal> {
    policies::document(ports, None, language, form).await
}

/// The version in force, with its text as it was written.
///
/// # Errors
///
/// [`Refusal::NoPolicy`] before the first one.
pub async fn written(ports: &Ports, _actor: &ConsoleActor) -> Result<Version, Refusal> {
    policies::show(ports, None).await
}

/// A page of what people hold that the rules do not say, and the other way round.
#[derive(Debug, Clone)]
pub struct DriftPage {
    /// The differences.
    pub rows: Vec<Drifted>,
    /// How many there are in all, by the name of their kind.
    pub counts: BTreeMap<&'static str, usize>,
    /// How many of the kind that was asked for.
    pub count: usize,
    /// Names of those who hold something, and of those who gave it.
    pub names: Names,
}

/// The stable name of a kind of difference.
#[must_use]
pub const fn kind_of(drift: &Drift) -> &'static str {
    match drift {
        Drift::ByHand => "by_hand",
        Drift::AlsoByRule(_) => "also_by_rule",
        Drift::HeldBack(_) => "held_back",
        Drift::Missing(_) => "missing",
    }
}

/// A page of the differences of one kind, or of all.
///
/// # Errors
///
/// [`Refusal::NoPolicy`] before the first policy.
pub async fn drift(
    ports: &Ports,
    actor: &ConsoleActor,
    kind: Option<&str>,
    (from, limit): (usize, usize),
) -> Result<DriftPage, Refusal> {
    let all = policies::drift(ports, actor.reading().now).await?;
    let mut counts = BTreeMap::new();
    for one in &all {
        *counts.entry(kind_of(&one.how)).or_default() += 1;
    }
    let fitting: Vec<Drifted> =
        all.into_iter().filter(|one| kind.is_none_or(|kind| kind == kind_of(&one.how))).collect();
    let count = fitting.len();
    let rows: Vec<Drifted> = fitting.into_iter().skip(from).take(limit).collect();
    let by = rows.iter().filter_map(|one| one.by.as_deref()).filter_map(who::account_of);
    let mut c = ports.db.read().await?;
    let names = who::names(&mut c, rows.iter().map(|one| one.account).chain(by)).await?;
    Ok(DriftPage { rows, counts, count, names })
}
