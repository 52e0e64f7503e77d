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
    let counted =
        |is_it: fn(&Step) -> bool| proposal.plan.steps.iter().filter(|step| is_it(&step.step)).count();
    let alert = Alert::PlanStopped {
        hash: &proposal.hash,
        made_on: proposal.plan.created_at.to_zoned(zone_of(policy)).date(),
        counts: PlanCounts {
            freeze: counted(|step| *step == Step::Freeze),
            deactivate: counted(|step| *step == Step::Deactivate),
            remove: counted(|step| *step == Step::Remove),
        },
        causes: &causes,
        page: None,
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
