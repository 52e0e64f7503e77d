//! Reminds those who gave rights to people who changed job, and does what the policy says about silence.
//!
//! Invariant: one letter to a reader about everything that waits for them; what a guard holds stays in the queue.

use std::collections::BTreeMap;

use serde_json::json;
use uuid::Uuid;

use super::super::post::{self, Draft, Kind};
use super::super::{Act, Ports, Refusal};
use super::{AskedRight, PAGE, Right, Verdict, carry_out, right_of, settle};
use crate::domain::account::{Account, shown_name};
use crate::domain::days::{later, zone_of};
use crate::domain::grant::GrantKind;
use crate::domain::ids::AccountId;
use crate::domain::language::Language;
use crate::domain::policy::Policy;
use crate::domain::policy::care::Unanswered;
use crate::mail::notice::{Asked, Question as Letter, Reader, Ways};
use crate::store::account;
use crate::store::question::{self, Question};

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Questions whose right is gone by itself.
    pub settled: usize,
    /// Rights that ended because nobody answered.
    pub ended: usize,
    /// Reminders that were written.
    pub reminders: usize,
}

/// Reminds those who gave rights, and does what the policy says about those that nobody answered in time.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn follow_up(ports: &Ports, act: &Act) -> Result<Round, Refusal> {
    let mut c = ports.db.read().await?;
    let compiled = match ports.policies.current(&mut c).await {
        Ok(compiled) => compiled,
        Err(Refusal::NoPolicy) => return Ok(Round::default()),
        Err(other) => return Err(other),
    };
    let policy = &compiled.policy;
    let (mut round, mut due) = (Round::default(), BTreeMap::<Option<AccountId>, Vec<_>>::new());
    for one in question::waiting(&mut c, PAGE).await? {
        let Some((account, right)) = right_of(&mut c, &one).await? else {
            settle(ports, act, one.id, "settled", "the right has ended").await?;
            round.settled += 1;
            continue;
        };
        let is_over = one.answer_by <= act.now;
        let shown = right.shown(&one, &account);
        let ends = is_over && policy.changed_job.unanswered == Unanswered::End;
        if ends && end_in_silence(ports, act, &account, right, one.id).await? {
            round.ended += 1;
            continue;
        }
        let rests = later(one.reminded_at.unwrap_or(one.asked_at), policy.changed_job.remind_every);
        if one.reminded_at.is_none() || rests <= act.now || is_over {
            due.entry(one.owner).or_default().push((shown, one));
        }
    }
    drop(c);
    for (owner, asked) in due {
        round.reminders += remind(ports, act, policy, owner, asked).await?;
    }
    Ok(round)
}

/// Ends a right that nobody answered for. Gives whether it ended: one that cannot end, because a guard keeps it or the
/// account is protected, stays in the queue, is told with the others and stops none of them.
async fn end_in_silence(
    ports: &Ports,
    act: &Act,
    account: &Account,
    right: Right,
    id: Uuid,
) -> Result<bool, Refusal> {
    match carry_out(ports, act, account, right, Verdict::End, "no answer after a change of job").await {
        Ok(()) => {
            settle(ports, act, id, "ended", "no answer").await?;
            Ok(true)
        }
        Err(Refusal::Store(error)) => Err(Refusal::Store(error)),
        Err(why) => {
            tracing::warn!(account.id = %account.id, "a right that nobody answered for stays: {why}");
            Ok(false)
        }
    }
}

/// Writes one letter to whoever gave rights about all of them; to those who look after the accounts where nobody did, or
/// they cannot be reached, or the time to answer is over.
async fn remind(
    ports: &Ports,
    act: &Act,
    policy: &Policy,
    owner: Option<AccountId>,
    asked: Vec<(AskedRight, Question)>,
) -> Result<usize, Refusal> {
    let is_over = asked.iter().any(|(_, one)| one.answer_by <= act.now);
    let readers = readers(ports, act, policy, owner, is_over).await?;
    let sign_in = ports.settings.server.public_url.join("/");
    let mut letters = Vec::new();
    for (recipient, name, address, language) in readers {
        let lines = asked.iter().map(|(shown, one)| Asked {
            id: one.id.to_string(),
            name: shown_name(&shown.display_name, &shown.user_name),
            right: spoken(policy, shown, language),
            why: &shown.changed,
            answer_by: shown.answer_by.to_zoned(zone_of(policy)).date(),
            is_over: one.answer_by <= act.now,
        });
        let letter = Letter { asked: lines.collect() };
        let reader = Reader { name: &name, address: &address, language };
        let ways = Ways { sign_in: &sign_in, contact: &policy.contact };
        let letter = letter.letter(Uuid::now_v7(), &reader, &ways);
        let whose = owner.map(|id| id.to_string()).unwrap_or_default();
        let topic = format!("question:{address}:{whose}:{}", act.now.as_second());
        letters.push(Draft {
            kind: Kind::Question,
            topic,
            account: None,
            recipient,
            letter,
            about: json!({}),
        });
    }
    let (count, acting, within) = (letters.len(), act.clone(), policy.changed_job.answer_within);
    let ids = ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let mut ids = Vec::new();
                for draft in letters {
                    ids.extend(post::put(c, &acting, draft).await?);
                }
                for (_, one) in asked {
                    let is_over = one.answer_by <= acting.now;
                    let answer_by = if is_over { later(acting.now, within) } else { one.answer_by };
                    question::reminded(c, one.id, acting.now, answer_by).await?;
                }
                Ok::<_, Refusal>(ids)
            })
        })
        .await?;
    for id in ids {
        post::attempt(ports, act, id).await?;
    }
    Ok(count)
}

/// A reader: their account, name, address and language.
type Who = (Option<AccountId>, String, String, Language);

/// Whoever gave the rights, where mail reaches them; else, and when the time is over, those who look after the accounts.
async fn readers(
    ports: &Ports,
    act: &Act,
    policy: &Policy,
    owner: Option<AccountId>,
    is_over: bool,
) -> Result<Vec<Who>, Refusal> {
    let mut c = ports.db.read().await?;
    let owner = match owner {
        Some(id) => account::get(&mut c, id).await?.filter(|owner| owner.standing.status.is_usable()),
        None => None,
    };
    let address = match &owner {
        Some(owner) => post::reachable(&mut c, owner, act.now).await?,
        None => None,
    };
    drop(c);
    let own = ports.settings.language;
    let mut readers: Vec<Who> = Vec::new();
    if let (Some(owner), Some(address)) = (owner, address) {
        let language = owner.language.unwrap_or(own);
        readers.push((Some(owner.id), owner.display_name, address, language));
    }
    if (readers.is_empty() || is_over) && ports.mailer.is_some() {
        let operators = post::operators(ports, policy.contact.email.as_deref());
        readers.extend(operators.into_iter().map(|to| (None, String::new(), to.address, to.language)));
    }
    Ok(readers)
}

/// A right as people call it.
fn spoken(policy: &Policy, shown: &AskedRight, language: Language) -> String {
    let named =
        GrantKind::from_parts(&shown.kind, &shown.value).and_then(|kind| post::right_name(policy, &kind));
    named.map_or_else(|| shown.value.clone(), |name| name.get(language).to_owned())
}
