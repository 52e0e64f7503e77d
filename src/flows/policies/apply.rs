//! Puts a policy into force: the newest document, a plan that was looked at, or an earlier version.
//!
//! Invariant: drafted again in the transaction that carries it out; what goes beyond the safety limits waits for a
//! person's release, and a plan is carried out as it was shown or not at all.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::lifecycle::observe;
use super::super::{Act, Ports, Refusal, entitle};
use super::checks::{self, Checked};
use super::draft::{Draft, Wanted, draft};
use super::plan::{self, Proposal};
use super::since::since;
use super::{Applied, compile, hash};
use crate::domain::actor::{Actor, Subject};
use crate::domain::ids::DirectoryId;
use crate::domain::safety::SafetyStop;
use crate::store::policy::PolicyVersion;
use crate::store::policy_plan::StoredPolicyPlan;
use crate::store::{Conn, policy, policy_plan, population};

/// What came of putting a policy into force.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is in force.
    InForce(Applied),
    /// It goes beyond the safety limits; nothing was done.
    AwaitsRelease(Box<Proposal>),
}

/// What is to be put into force.
#[derive(Debug, Clone)]
struct Wish {
    text: String,
    /// The plan that was looked at.
    plan: Option<StoredPolicyPlan>,
    /// Why it may be carried out although it stops.
    release: Option<String>,
    /// The version that comes back.
    rollback_of: Option<i64>,
    directories: BTreeSet<DirectoryId>,
}

/// Puts a policy into force, and gives every account what its rules now say, in one transaction.
///
/// # Errors
///
/// [`Refusal::Policy`] with every mistake, [`Refusal::Conflict`] where it goes beyond the safety limits; then the former
/// policy stays in force.
pub async fn apply(ports: &Ports, act: &Act, text: &str) -> Result<Applied, Refusal> {
    match apply_text(ports, act, text, "policy", None).await? {
        Outcome::InForce(applied) => Ok(applied),
        Outcome::AwaitsRelease(proposal) => Err(Refusal::Conflict(format!(
            "the policy goes beyond the safety limits ({}); nothing was done. Look at the plan {} and release it",
            names(&proposal.plan.stops),
            proposal.plan.hash
        ))),
    }
}

/// Puts the policy in `text`, read from `file`, into force; `release` says why it may be although it stops.
///
/// # Errors
///
/// [`Refusal::Policy`] with every mistake and every case that does not hold; [`Refusal::Invalid`] for an empty reason.
pub async fn apply_text(
    ports: &Ports,
    act: &Act,
    text: &str,
    file: &str,
    release: Option<&str>,
) -> Result<Outcome, Refusal> {
    let checked = checks::check(ports, text, file)?;
    put(ports, act, checked, wish(ports, text.to_owned(), release)?).await
}

/// Carries out exactly the plan under `hash`.
///
/// # Errors
///
/// [`Refusal::NotFound`] where there is none; [`Refusal::Conflict`] where it was carried out already or the world has
/// moved since, which then says what moved.
pub async fn apply_plan(
    ports: &Ports,
    act: &Act,
    hash: &str,
    release: Option<&str>,
) -> Result<Outcome, Refusal> {
    let mut c = ports.db.read().await?;
    let stored = policy_plan::get(&mut c, hash).await?;
    let stored = stored.ok_or_else(|| Refusal::not_found("policy plan", hash))?;
    let rollback_of = policy::of_hash(&mut c, &super::hash(&stored.text)).await?;
    drop(c);
    if let Some(number) = stored.applied_as {
        return Err(Refusal::Conflict(format!(
            "the plan {} was carried out already: it is version {number}",
            stored.hash
        )));
    }
    let checked = checks::check(ports, &stored.text, &format!("policy of plan {hash}"))?;
    let wish = wish(ports, stored.text.clone(), release)?;
    put(ports, act, checked, Wish { plan: Some(stored), rollback_of, ..wish }).await
}

/// Puts the text of an earlier version into force again, as a new version.
///
/// # Errors
///
/// [`Refusal::NotFound`] where there is no such version; [`Refusal::Invalid`] without a reason.
pub async fn rollback(
    ports: &Ports,
    act: &Act,
    number: i64,
    reason: &str,
    is_released: bool,
) -> Result<Outcome, Refusal> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Refusal::invalid("reason", "say why the earlier version is to come back"));
    }
    let mut c = ports.db.read().await?;
    let version = policy::numbered(&mut c, number).await?;
    drop(c);
    let version = version.ok_or_else(|| Refusal::not_found("policy version", number))?;
    let checked = checks::check(ports, &version.text, &format!("policy version {number}"))?;
    let wish = wish(ports, version.text, is_released.then_some(reason))?;
    put(ports, &act.because(reason), checked, Wish { rollback_of: Some(number), ..wish }).await
}

fn wish(ports: &Ports, text: String, release: Option<&str>) -> Result<Wish, Refusal> {
    let release = release.map(|reason| reason.trim().to_owned());
    if release.as_ref().is_some_and(String::is_empty) {
        return Err(Refusal::invalid("reason", "say why the policy may take effect although it stops"));
    }
    let directories = plan::directories(ports);
    Ok(Wish { text, plan: None, release, rollback_of: None, directories })
}

/// What the transaction came to.
enum Done {
    InForce(Applied),
    Stopped(Box<Draft>),
}

async fn put(ports: &Ports, act: &Act, checked: Checked, wish: Wish) -> Result<Outcome, Refusal> {
    let text = wish.text.clone();
    let (doing, own) = (act.clone(), checked.clone());
    let done = ports
        .db
        .write(move |c| Box::pin(async move { put_into_force(c, &doing, &own, &wish).await }))
        .await?;
    match done {
        Done::InForce(applied) => Ok(Outcome::InForce(applied)),
        Done::Stopped(draft) => {
            let stored = plan::stored(act, &text, &draft)?;
            let now = act.now;
            ports.db.write(move |c| Box::pin(async move { plan::keep(c, &stored, now).await })).await?;
            metrics::counter!("portvakt_plans_stopped_total").increment(1);
            Ok(Outcome::AwaitsRelease(Box::new(Proposal {
                plan: draft.plan,
                policy: checked.policy,
                created_at: now,
                people: draft.people,
                warnings: checked.warnings,
            })))
        }
    }
}

async fn put_into_force(c: &mut Conn, act: &Act, checked: &Checked, wish: &Wish) -> Result<Done, Refusal> {
    // Nobody's rights move between the judging and the writing.
    population::hold(c).await?;
    let text_hash = hash(&wish.text);
    let former = policy::current(c, None).await?;
    if let Some(former) = former.as_ref().filter(|former| former.hash == text_hash && wish.plan.is_none()) {
        return Ok(Done::InForce(Applied { number: former.number, is_new: false, changed: 0 }));
    }
    let before = former.clone().map(compile).transpose()?;
    let wanted = Wanted { policy: &checked.policy, hash: &text_hash, directories: &wish.directories };
    let draft = draft(c, before.as_ref(), wanted, act.now).await?;
    if let Some(stored) = wish.plan.as_ref().filter(|stored| stored.hash != draft.plan.hash) {
        let moved = since(c, stored, &draft, former.as_ref()).await?;
        return Err(Refusal::Conflict(moved.sentence(&stored.hash)));
    }
    gives_nothing_to_themselves(act, &draft)?;
    if draft.plan.is_stopped() && wish.release.is_none() {
        return Ok(Done::Stopped(Box::new(draft)));
    }
    let number = policy::append(c, &wish.text, &text_hash, &act.actor.to_string(), act.now).await?;
    record(c, act, wish, &draft, former.as_ref(), number).await?;
    observe::note(c, before.as_ref().map(|before| &before.policy), &checked.policy, act.now).await?;
    let because = act.because(format!("policy {number}"));
    let changed = entitle::everybody(c, &because, &checked.policy).await?;
    // The cache is not filled here: the commit may still fail.
    Ok(Done::InForce(Applied { number, is_new: true, changed }))
}

/// A person who puts a policy into force gets nothing by it: somebody else must, or whoever holds the shell.
fn gives_nothing_to_themselves(act: &Act, draft: &Draft) -> Result<(), Refusal> {
    let Actor::Account(id) = &act.actor else { return Ok(()) };
    match draft.people.iter().find(|person| person.account == *id && person.is_raised) {
        None => Ok(()),
        Some(person) => Err(Refusal::NotAllowed(format!(
            "{} would gain access by this policy; somebody else must put it into force",
            person.user_name
        ))),
    }
}

/// Writes down the version, the plan it came by, and the release.
async fn record(
    c: &mut Conn,
    act: &Act,
    wish: &Wish,
    draft: &Draft,
    former: Option<&PolicyVersion>,
    number: i64,
) -> Result<(), Refusal> {
    let plan = &draft.plan;
    if let (true, Some(reason)) = (plan.is_stopped(), &wish.release) {
        let after = json!({ "stops": plan.stops, "accounts": plan.taken, "reason": reason });
        let subject = Subject::new("policy_plan", &plan.hash);
        act.record(c, "policy_plan_released", subject, None, Some(after)).await?;
    }
    let before = former.map(|former| json!({ "number": former.number, "hash": former.hash }));
    let mut after = json!({ "number": number, "hash": plan.policy, "plan": plan.hash });
    if let (Some(fields), Some(of)) = (after.as_object_mut(), wish.rollback_of) {
        fields.insert("rollback_of".to_owned(), json!(of));
    }
    act.record(c, "policy_applied", Subject::new("policy", number), before, Some(after)).await?;
    plan::keep(c, &plan::stored(act, &wish.text, draft)?, act.now).await?;
    Ok(policy_plan::set_applied(c, &plan.hash, number).await?)
}

fn names(stops: &[SafetyStop]) -> String {
    stops.iter().map(SafetyStop::name).collect::<Vec<_>>().join(", ")
}
