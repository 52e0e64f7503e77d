//! Writes to people about what was done to their accounts.
//!
//! Invariant: a letter about what was done decides nothing.

use serde_json::json;
use uuid::Uuid;

use super::super::post::{self, Draft, Kind};
use super::super::{Ports, Refusal};
use super::letters::Post;
use super::step::Taking;
use crate::domain::account::Account;
use crate::domain::days::later;
use crate::domain::lifecycle::Step;
use crate::domain::plan::PlannedStep;
use crate::mail::notice::Notice;

/// Tells the person what was done. Nothing rests on it.
pub(super) async fn tell(
    ports: &Ports,
    taking: &Taking,
    post: &Post,
    before: &Account,
    planned: &PlannedStep,
) -> Result<(), Refusal> {
    let notice = match planned.step {
        Step::Freeze => frozen(taking, post, planned),
        Step::Deactivate => {
            Notice::Deactivated { reason: planned.because.status_reason(before.standing.reason) }
        }
        Step::Keep | Step::Notify { .. } | Step::Remove | Step::Pause | Step::Return | Step::TakeRights => {
            return Ok(());
        }
    };
    let (act, post, before) = (taking.act.clone(), post.clone(), before.clone());
    let topic = format!("told:{}:{}:{}", planned.step.name(), before.id, taking.hash);
    let written = ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let Some(address) = post::reachable(c, &before, act.now).await? else { return Ok(None) };
                let letter = notice.letter(Uuid::now_v7(), &post.reader(&before, &address), &post.ways());
                let (account, recipient) = (Some(before.id), Some(before.id));
                let draft = Draft { kind: Kind::Told, topic, account, recipient, letter, about: json!({}) };
                post::put(c, &act, draft).await
            })
        })
        .await?;
    if let Some(letter) = written {
        post::attempt(ports, &taking.act, letter).await?;
    }
    Ok(())
}

fn frozen(taking: &Taking, post: &Post, planned: &PlannedStep) -> Notice {
    let rules = &taking.compiled.policy.lifecycle.rules;
    let rule = rules.iter().find(|rule| Some(&rule.id) == planned.rule.as_ref());
    let seen = rule.and_then(|rule| crate::domain::evidence::last_seen(&planned.evidence, &rule.evidence));
    let freeze_for = rule.and_then(|rule| rule.freeze_for);
    Notice::Frozen {
        last_seen: seen.map(|seen| post.day(seen.at)),
        deactivates_on: freeze_for.map(|length| post.day(later(taking.act.now, length))),
        sign_in_lifts: rule.is_some_and(|rule| rule.sign_in_lifts_freeze),
    }
}
