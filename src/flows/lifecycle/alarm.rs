//! Tells those who look after the accounts that a plan has stopped.
//!
//! Invariant: one letter for each plan and address, however often the plan comes back.

use serde_json::json;
use uuid::Uuid;

use super::super::post::{self, Draft, Kind};
use super::super::{Act, Ports, Refusal};
use super::plan::Proposal;
use crate::domain::days::{Reading, zone_of};
use crate::domain::language::{Language, Text};
use crate::domain::lifecycle::Step;
use crate::domain::plan::PlannedStep;
use crate::domain::safety::SafetyStop;
use crate::mail::notice::{Alert, PlanCounts};

/// Writes the letters down, and sends them.
pub(super) async fn plan_stopped(
    ports: &Ports,
    act: &Act,
    proposal: &Proposal,
    stops: &[SafetyStop],
) -> Result<(), Refusal> {
    if ports.mailer.is_none() {
        return Ok(());
    }
    let mut c = ports.db.read().await?;
    let compiled = ports.policies.current(&mut c).await?;
    drop(c);
    let policy = &compiled.policy;
    let sentence =
        |stop: &SafetyStop, language| stop.sentence(policy, &Reading::of(policy, language, act.now));
    let causes: Vec<Text> = stops
        .iter()
        .map(|stop| Text::new(sentence(stop, Language::Sv), sentence(stop, Language::En)))
        .collect();
    let alert = Alert::PlanStopped {
        hash: &proposal.hash,
        made_on: proposal.plan.created_at.to_zoned(zone_of(policy)).date(),
        counts: counts(&proposal.plan.steps),
        causes: &causes,
    };
    for to in post::operators(ports, policy.contact.email.as_deref()) {
        let letter = alert.letter(Uuid::now_v7(), &to.address, to.language);
        let topic = format!("alert:{}:{}", proposal.hash, to.address);
        let draft = Draft {
            kind: Kind::Alert,
            topic,
            account: None,
            recipient: to.account,
            letter,
            about: json!({}),
        };
        let writing = act.clone();
        let written =
            ports.db.write(move |c| Box::pin(async move { post::put(c, &writing, draft).await })).await?;
        if let Some(id) = written {
            post::attempt(ports, act, id).await?;
        }
    }
    Ok(())
}

/// What a plan would do, counted.
fn counts(steps: &[PlannedStep]) -> PlanCounts {
    let mut counts = PlanCounts::default();
    for one in steps {
        match one.step {
            Step::Freeze => counts.freeze += 1,
            Step::Deactivate => counts.deactivate += 1,
            Step::Remove => counts.remove += 1,
            Step::TakeRights => counts.take_rights += 1,
            Step::Keep | Step::Notify { .. } | Step::Pause | Step::Return => {}
        }
    }
    counts
}
