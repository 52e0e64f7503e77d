//! Undoes a run: gives each account back the status and the rights that it had before, for exactly what the run did.
//!
//! Invariant: what changed since is left alone unless the account is named; each account in a transaction of its own,
//! with its audit entry and outbox rows; what was undone is not undone again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::super::lead::{self, Claim, Fence};
use super::super::{Act, Compiled, Ports, Refusal, entitle, guard, stand};
use super::facts::{self, Surroundings};
use super::rights;
use super::step::never_released;
use super::{JOB, run};
use crate::domain::account::{Account, Standing, Status};
use crate::domain::actor::Subject;
use crate::domain::days::Reading;
use crate::domain::ids::{AccountId, RunId};
use crate::domain::language::Language;
use crate::domain::lifecycle::status_word;
use crate::domain::undo::{Done, LeftAlone, undo as decide};
use crate::store::plan::Run;
use crate::store::run_step::{self, RunStep};
use crate::store::{Conn, StoreError, account, entitlement, plan as table};

/// How many of the newest runs the beginning of an id is looked for among.
const RECENT: i64 = 10_000;

/// What is to be undone.
#[derive(Debug, Clone, Default)]
pub struct UndoWish {
    /// The run's id, or the first characters of it.
    pub run: String,
    /// Only these accounts, and these although they changed since; none: all that the run did.
    pub accounts: Vec<String>,
    /// Only show what would be done.
    pub dry_run: bool,
    /// Why.
    pub reason: Option<String>,
    /// The language of the sentences.
    pub language: Language,
}

/// What came of it, or would.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UndoReport {
    /// The run that was undone.
    pub run: RunId,
    /// The run that this was; nothing where it was only shown.
    pub recorded_as: Option<RunId>,
    /// How many accounts are as before the run again, or would be.
    pub undone: usize,
    /// Person by person.
    pub steps: Vec<UndoLine>,
}

/// What came of it for one account, or would.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UndoLine {
    /// The account.
    pub account: AccountId,
    /// Its sign-in name.
    pub user_name: String,
    /// The person's name.
    pub display_name: String,
    /// What the run did.
    pub step: &'static str,
    /// What the run did, in words.
    pub did: String,
    /// What the account is, or would be, after undoing; nothing where it is left alone.
    pub becomes: Option<Status>,
    /// What happens, in words.
    pub what: String,
    /// The stable name of why it is left alone.
    pub left_alone: Option<&'static str>,
    /// Whether it is left alone although there is something to undo.
    #[serde(skip)]
    pub is_refused: bool,
}

/// What all accounts have in common.
struct Undoing {
    act: Act,
    compiled: Arc<Compiled>,
    around: Surroundings,
    run: RunId,
    named: BTreeSet<AccountId>,
    reading: Reading,
}

/// Undoes a run, or shows what that would do.
///
/// # Errors
///
/// [`Refusal::NotFound`] when there is no such run, or it did nothing to a named account; [`Refusal::Ambiguous`] when
/// several begin so; [`Refusal::Conflict`] when it has not ended or another run is under way; [`Refusal::Store`] when
/// the database cannot be reached. What was undone before that stays undone, and is not undone again.
pub async fn undo(ports: &Ports, act: &Act, wish: &UndoWish) -> Result<UndoReport, Refusal> {
    let run = find_run(ports, &wish.run).await?;
    if run.finished_at.is_none() {
        return Err(Refusal::Conflict(format!(
            "the run {} has not ended; the next run finishes it, then it can be undone",
            run.id
        )));
    }
    let undoing = Arc::new(undoing(ports, act, &run, wish).await?);
    let steps = steps_of(ports, &undoing).await?;
    if wish.dry_run {
        let mut lines = Vec::with_capacity(steps.len());
        let mut c = ports.db.snapshot().await?;
        for step in &steps {
            let (account, done) = undoing.read(&mut c, step).await?;
            let judged = undoing.judge(&mut c, step, &done, &account).await?;
            lines.push(undoing.line(&account, &done, judged.as_ref().map(|standing| standing.status)));
        }
        return Ok(report(run.id, None, lines));
    }
    let Some(fence) = lead::take(ports, JOB).await? else {
        return Err(Refusal::Conflict(
            "a lifecycle run is under way; try again when it has ended".to_owned(),
        ));
    };
    let result = carry_out(ports, &undoing, &run, steps, &fence).await;
    lead::give_back(ports, &fence, "undo", false).await?;
    result
}

async fn find_run(ports: &Ports, text: &str) -> Result<Run, Refusal> {
    let mut c = ports.db.read().await?;
    let wanted = text.trim().to_ascii_lowercase();
    if wanted.is_empty() {
        return Err(Refusal::not_found("run", text));
    }
    let runs = table::runs(&mut c, RECENT).await?;
    let mut found = runs.into_iter().filter(|run| run.id.to_string().starts_with(&wanted));
    match (found.next(), found.next()) {
        (Some(run), None) => Ok(run),
        (Some(_), Some(_)) => Err(Refusal::Ambiguous { what: "run", id: text.to_owned() }),
        (None, _) => Err(Refusal::not_found("run", text)),
    }
}

async fn undoing(ports: &Ports, act: &Act, run: &Run, wish: &UndoWish) -> Result<Undoing, Refusal> {
    let mut c = ports.db.read().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let mut named = BTreeSet::new();
    for text in &wish.accounts {
        named.insert(super::super::find::account(&mut c, text, None).await?.one(text)?.id);
    }
    let cause = match wish.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) => format!("undo of run {}: {reason}", run.id),
        None => format!("undo of run {}", run.id),
    };
    Ok(Undoing {
        around: facts::surroundings(&mut c, &ports.settings, &compiled.policy, act.now).await?,
        reading: Reading::of(&compiled.policy, wish.language, act.now),
        act: act.because(cause),
        compiled,
        run: run.id,
        named,
    })
}

/// The steps that are asked for.
async fn steps_of(ports: &Ports, undoing: &Undoing) -> Result<Vec<RunStep>, Refusal> {
    let mut c = ports.db.read().await?;
    let mut steps = run_step::of_run(&mut c, undoing.run).await?;
    if undoing.named.is_empty() {
        return Ok(steps);
    }
    if let Some(missing) = undoing.named.iter().find(|id| !steps.iter().any(|step| step.account == **id)) {
        return Err(Refusal::not_found("step of that run for the account", missing));
    }
    steps.retain(|step| undoing.named.contains(&step.account));
    Ok(steps)
}

fn report(run: RunId, recorded_as: Option<RunId>, steps: Vec<UndoLine>) -> UndoReport {
    let undone = steps.iter().filter(|line| line.left_alone.is_none()).count();
    UndoReport { run, recorded_as, undone, steps }
}

async fn carry_out(
    ports: &Ports,
    undoing: &Arc<Undoing>,
    run: &Run,
    steps: Vec<RunStep>,
    fence: &Fence,
) -> Result<UndoReport, Refusal> {
    let mut lines = Vec::with_capacity(steps.len());
    let mut prolonged = ports.clock.now();
    for step in steps {
        if ports.clock.now().duration_since(prolonged) >= super::apply::PROLONG_AFTER {
            lead::prolong(ports, fence).await?;
            prolonged = ports.clock.now();
        }
        let (undoing, claim) = (Arc::clone(undoing), fence.claim());
        let work =
            ports.db.write(move |c| Box::pin(async move { undoing.take_back(c, &claim, &step).await }));
        lines.push(work.await?);
    }
    let count = |is_done: bool| lines.iter().filter(|line| line.left_alone.is_none() == is_done).count();
    let (undone, left_alone) = (count(true), count(false));
    let recorded = Run {
        id: RunId::new(Uuid::now_v7()),
        plan: run.plan.clone(),
        by: undoing.act.actor.to_string(),
        started_at: undoing.act.now,
        finished_at: Some(ports.clock.now()),
        applied: i64::try_from(undone).unwrap_or(i64::MAX),
        skipped: i64::try_from(left_alone).unwrap_or(i64::MAX),
        outcome: run::UNDONE.to_owned(),
    };
    let id = recorded.id;
    let undoing = Arc::clone(undoing);
    ports.db.write(move |c| Box::pin(async move { undoing.close(c, &recorded).await })).await?;
    Ok(report(run.id, Some(id), lines))
}

impl Undoing {
    async fn read(&self, c: &mut Conn, step: &RunStep) -> Result<(Account, Done), Refusal> {
        let account = account::get(c, step.account).await?;
        let account = account.ok_or_else(|| Refusal::not_found("account", step.account))?;
        let done = serde_json::from_value(step.document.clone())
            .map_err(|error| StoreError::corrupt("run_step", step.account, error))?;
        Ok((account, done))
    }

    async fn judge(
        &self,
        c: &mut Conn,
        step: &RunStep,
        done: &Done,
        account: &Account,
    ) -> Result<Result<Standing, LeftAlone>, Refusal> {
        if step.undone_at.is_some() {
            return Ok(Err(LeftAlone::UndoneAlready));
        }
        let (policy, now) = (&self.compiled.policy, self.act.now);
        let known = facts::one(c, policy, &self.around, account.clone(), now).await?;
        let known = known.ok_or_else(|| Refusal::not_found("account", account.id))?;
        let by = self.act.actor.to_string();
        let is_named = self.named.contains(&account.id);
        let judged = decide(policy, done, &known.facts(&self.around), is_named, &by, now);
        if judged.is_ok()
            && !is_named
            && let Some(changed) = rights::changed_since(c, account, done).await?
        {
            return Ok(Err(changed));
        }
        Ok(judged)
    }

    /// Takes one step back, in one transaction.
    async fn take_back(&self, c: &mut Conn, claim: &Claim, step: &RunStep) -> Result<UndoLine, Refusal> {
        claim.hold(c).await?;
        account::lock(c, step.account).await?;
        let (account, done) = self.read(c, step).await?;
        // Read again under the lock: somebody else may have undone it meanwhile.
        let step = run_step::one(c, self.run, step.account).await?.unwrap_or_else(|| step.clone());
        let judged = match self.judge(c, &step, &done, &account).await? {
            // What came with the run may be what lets somebody administer.
            Ok(standing)
                if account.standing.status.is_usable()
                    && (!standing.status.is_usable() || !done.given.is_empty()) =>
            {
                self.unless_last(c, account.id, standing).await?
            }
            other => other,
        };
        if let Ok(standing) = &judged {
            self.restore(c, &account, &done, standing).await?;
            run_step::undone(c, self.run, account.id, &self.act.actor.to_string(), self.act.now).await?;
        }
        Ok(self.line(&account, &done, judged.as_ref().map(|standing| standing.status)))
    }

    async fn unless_last(
        &self,
        c: &mut Conn,
        id: AccountId,
        standing: Standing,
    ) -> Result<Result<Standing, LeftAlone>, Refusal> {
        guard::hold(c).await?;
        let stops = guard::stops(c, &self.compiled.policy, &BTreeSet::from([id]), self.act.now).await?;
        Ok(if never_released(stops).is_empty() { Ok(standing) } else { Err(LeftAlone::LastAdministrator) })
    }

    async fn restore(
        &self,
        c: &mut Conn,
        account: &Account,
        done: &Done,
        to: &Standing,
    ) -> Result<(), Refusal> {
        let (act, policy) = (&self.act, &self.compiled.policy);
        for id in &done.given {
            entitlement::end(c, *id, act.now).await?;
        }
        rights::give_back(c, act, policy, account.id, &done.ended).await?;
        if done.step.status().is_some() {
            stand::change(c, act, account, to.status, to.reason, to.note.clone()).await?;
        }
        if to.status.is_usable() && done.ended.is_empty() {
            entitle::accounts(c, act, policy, &[account.id]).await?;
        }
        Ok(())
    }

    async fn close(&self, c: &mut Conn, recorded: &Run) -> Result<(), Refusal> {
        table::save_run(c, recorded).await?;
        let after = json!({ "run": self.run, "undone": recorded.applied, "left_alone": recorded.skipped });
        let subject = Subject::new("plan", &recorded.plan);
        self.act.record(c, "lifecycle_undone", subject, None, Some(after)).await?;
        Ok(())
    }

    fn line(&self, account: &Account, done: &Done, judged: Result<Status, &LeftAlone>) -> UndoLine {
        let what = match judged {
            Ok(_) if done.step.status().is_none() => {
                self.reading.pick("Får tillbaka sin behörighet.", "Gets its rights back.")
            }
            Ok(status) => {
                let word = status_word(status, &self.reading);
                self.reading.pick(format!("Blir {word} igen."), format!("Becomes {word} again."))
            }
            Err(why) => why.sentence(&self.reading),
        };
        UndoLine {
            account: account.id,
            user_name: account.user_name.clone(),
            display_name: account.display_name.clone(),
            step: done.step.name(),
            did: done.step.sentence(&self.reading),
            becomes: judged.ok(),
            what,
            is_refused: judged.err().is_some_and(|why| !why.is_harmless()),
            left_alone: judged.err().map(LeftAlone::name),
        }
    }
}

/// How each status is counted, for whoever prints a report.
impl UndoReport {
    /// How many accounts are left alone, by the stable name of why.
    #[must_use]
    pub fn left_alone(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for name in self.steps.iter().filter_map(|line| line.left_alone) {
            *counts.entry(name).or_default() += 1;
        }
        counts
    }
}
