//! Writes the letters of the lifecycle: what is coming, and what was done.
//!
//! Invariant: a notice counts from when the mail server took it, and not at all when it is refused or comes back; a
//! letter about what was done, and what others hear, decides nothing.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::super::post::{self, Attempt, Draft, How, Kind, Recipient};
use super::super::{Act, Ports, Refusal};
use super::about::About;
use super::facts::{self, Known, Surroundings};
use super::step::{Judged, Skipped, Taken, Taking};
use crate::domain::account::Account;
use crate::domain::days::{later, zone_of};
use crate::domain::language::Language;
use crate::domain::lifecycle::{Assessment, Step, assess};
use crate::domain::plan::PlannedStep;
use crate::domain::policy::care::WithoutAddress;
use crate::domain::policy::{Contact, Policy};
use crate::mail::notice::{Because, Beside, Notice, Reader, Ways};
use crate::store::letter::StoredLetter;
use crate::store::{Conn, account};

/// The page that notices lead to: it signs the person in, whoever that is, and says nothing before.
const PAGE: &str = "/sso/notice";

/// So many addresses are tried for one notice: the person's, then somebody else's.
const TRIES: usize = 3;

/// What is needed to write to people.
#[derive(Debug, Clone)]
pub(super) struct Post {
    sign_in: String,
    contact: Contact,
    zone: TimeZone,
    language: Language,
}

impl Post {
    /// The post, where there is a mail server.
    pub(super) fn open(ports: &Ports, policy: &Policy) -> Option<Self> {
        ports.mailer.as_ref()?;
        Some(Self {
            sign_in: ports.settings.server.public_url.join(PAGE),
            contact: policy.contact.clone(),
            zone: zone_of(policy),
            language: ports.settings.language,
        })
    }

    pub(super) fn ways(&self) -> Ways<'_> {
        Ways { sign_in: &self.sign_in, contact: &self.contact }
    }

    pub(super) fn reader<'r>(&self, account: &'r Account, address: &'r str) -> Reader<'r> {
        Reader { name: &account.display_name, address, language: account.language.unwrap_or(self.language) }
    }

    pub(super) fn day(&self, at: Timestamp) -> jiff::civil::Date {
        at.to_zoned(self.zone.clone()).date()
    }

    fn coming(&self, assessment: &Assessment, now: Timestamp) -> Option<Coming> {
        let Step::Notify { lead, not_before } = assessment.step else { return None };
        let freezes_on = self.day(not_before.max(later(now, lead)));
        let left = self.day(now).until(freezes_on).map_or(0, |span| span.get_days());
        Some(Coming {
            last_seen: assessment.last_seen.map(|seen| self.day(seen.at)),
            freezes_on,
            days_left: u32::try_from(left).unwrap_or_default(),
        })
    }
}

/// A freeze that is coming, in days.
#[derive(Debug, Clone, Copy)]
struct Coming {
    last_seen: Option<jiff::civil::Date>,
    freezes_on: jiff::civil::Date,
    days_left: u32,
}

/// What is ready to be sent.
enum Prepared {
    /// The notice, and what somebody else hears of it.
    Letters(Box<Account>, Uuid, Option<Uuid>),
    /// The policy goes on without a notice that reaches nobody: that is noted.
    Unneeded(Box<Account>),
    /// Nothing is sent.
    Not(Skipped),
}

/// Takes a notify step: judged and written down, sent, and only then noted as sent.
pub(super) async fn notify(
    ports: &Ports,
    taking: &Arc<Taking>,
    post: Option<&Post>,
    position: i64,
    planned: PlannedStep,
) -> Result<Taken, Refusal> {
    let Some(post) = post else {
        let said = "mail is not set up".to_owned();
        return skip(ports, taking, position, Skipped::NotSent { said }).await;
    };
    let mut refused = None;
    for _ in 0..TRIES {
        match prepare(ports, taking, post, &planned).await? {
            // Once refused, whoever else could hear of it was looked for in vain.
            Prepared::Not(why) => {
                let why = match (why, refused) {
                    (Skipped::Unreachable, Some(said)) => Skipped::NotSent { said },
                    (why, _) => why,
                };
                return skip(ports, taking, position, why).await;
            }
            Prepared::Unneeded(account) => return done(ports, taking, position, account).await,
            Prepared::Letters(account, letter, beside) => {
                match post::attempt(ports, &taking.act, letter).await? {
                    Attempt::Sent => {
                        if let Some(beside) = beside {
                            post::attempt(ports, &taking.act, beside).await?;
                        }
                        return done(ports, taking, position, account).await;
                    }
                    Attempt::Refused(said) => {
                        drop_beside(ports, taking, beside).await?;
                        refused = Some(said);
                    }
                    Attempt::Again(said) => {
                        return skip(ports, taking, position, Skipped::NotSent { said }).await;
                    }
                    Attempt::Elsewhere => {
                        let said = "it is being sent already".to_owned();
                        return skip(ports, taking, position, Skipped::NotSent { said }).await;
                    }
                }
            }
        }
    }
    skip(ports, taking, position, Skipped::NotSent { said: refused.unwrap_or_default() }).await
}

/// What somebody else would have heard of a notice that did not go is not true any more.
async fn drop_beside(ports: &Ports, taking: &Taking, beside: Option<Uuid>) -> Result<(), Refusal> {
    match beside {
        Some(beside) => post::drop_unwanted(ports, &taking.act, beside).await,
        None => Ok(()),
    }
}

async fn prepare(
    ports: &Ports,
    taking: &Arc<Taking>,
    post: &Post,
    planned: &PlannedStep,
) -> Result<Prepared, Refusal> {
    let (taking, post, planned) = (Arc::clone(taking), post.clone(), planned.clone());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                taking.claim.hold(c).await?;
                match taking.judge(c, &planned).await? {
                    Judged::Holds(known, fresh) => write(c, &taking, &post, *known, &fresh).await,
                    Judged::Not(why) => Ok(Prepared::Not(why)),
                }
            })
        })
        .await
}

async fn write(
    c: &mut Conn,
    taking: &Taking,
    post: &Post,
    known: Known,
    fresh: &Assessment,
) -> Result<Prepared, Refusal> {
    let (policy, now) = (&taking.compiled.policy, taking.act.now);
    // The fresh look says when the freeze comes; the planned one may be a day old.
    let (Some(coming), Some(about)) = (post.coming(fresh, now), About::of(fresh, &taking.hash)) else {
        return Ok(Prepared::Not(Skipped::NoLongerHolds { found: fresh.because.clone() }));
    };
    let own = post::reachable(c, &known.account, now).await?;
    let is_late = about.lead_seconds <= policy.notices.also_from.as_secs();
    let other = match &own {
        Some(_) if !is_late => None,
        Some(_) | None => post::besides(c, policy, &known.account, &known.sectors, now).await?,
    };
    let account = known.account;
    let letter = match (own, other) {
        (Some(address), other) => {
            let notice = Notice::Warning {
                last_seen: coming.last_seen,
                freezes_on: coming.freezes_on,
                days_left: coming.days_left,
            };
            let letter = notice.letter(Uuid::now_v7(), &post.reader(&account, &address), &post.ways());
            let draft = draft(Kind::Notice, &account, &account, letter, &about);
            let beside = match other {
                Some(other) => beside(c, taking, post, (&account, &about), (&other, coming, true)).await?,
                None => None,
            };
            post::put(c, &taking.act, draft).await?.map(|letter| (letter, beside))
        }
        (None, Some(other)) => {
            let letter = beside(c, taking, post, (&account, &about), (&other, coming, false)).await?;
            letter.map(|letter| (letter, None))
        }
        (None, None)
            if policy.notices.without_address == WithoutAddress::Proceed && account.email.is_none() =>
        {
            about.note(c, &taking.act, account.id, None).await?;
            return Ok(Prepared::Unneeded(Box::new(account)));
        }
        (None, None) => return Ok(Prepared::Not(Skipped::Unreachable)),
    };
    Ok(match letter {
        Some((letter, beside)) => Prepared::Letters(Box::new(account), letter, beside),
        None => Prepared::Not(Skipped::NotSent { said: "it is being sent already".to_owned() }),
    })
}

/// Writes down what somebody else hears. Where the person cannot be reached it is the notice itself, and counts.
async fn beside(
    c: &mut Conn,
    taking: &Taking,
    post: &Post,
    (account, about): (&Account, &About),
    (other, coming, is_told): (&Recipient, Coming, bool),
) -> Result<Option<Uuid>, Refusal> {
    let reader = post.reader(&other.account, &other.address);
    let name = account.shown_name();
    let sectors = &taking.compiled.policy.sectors;
    let (because, whom) = match &other.how {
        How::Manager => (Because::Manager, "manager"),
        How::Owner(id) => {
            let sector = sectors.get(id).map_or(id.as_str(), |sector| sector.name.get(reader.language));
            (Because::Owner(sector), "sector_owner")
        }
    };
    let text = Beside {
        name,
        last_seen: coming.last_seen,
        freezes_on: coming.freezes_on,
        days_left: coming.days_left,
        is_told,
        because,
    };
    let letter = text.letter(Uuid::now_v7(), &reader, &post.ways());
    let kind = if is_told { Kind::Beside } else { Kind::Notice };
    let draft = draft(kind, account, &other.account, letter, &about.to(whom));
    post::put(c, &taking.act, draft).await
}

fn draft(
    kind: Kind,
    account: &Account,
    recipient: &Account,
    letter: crate::mail::Letter,
    about: &About,
) -> Draft {
    let topic =
        format!("{}:{}:{}:{}", kind.name(), account.id, about.idle_since.as_second(), about.lead_seconds);
    Draft {
        kind,
        topic,
        account: Some(account.id),
        recipient: Some(recipient.id),
        letter,
        about: about.value(),
    }
}

/// Whether a notice that waits to be sent is still the next step for its account.
pub(in crate::flows) async fn is_still_due(
    ports: &Ports,
    act: &Act,
    letter: &StoredLetter,
) -> Result<bool, Refusal> {
    let Some(id) = letter.account else { return Ok(false) };
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let around = facts::surroundings(&mut c, &ports.settings, &compiled.policy, act.now).await?;
    let Some(account) = account::get(&mut c, id).await? else { return Ok(false) };
    let fresh = assessed(&mut c, &compiled.policy, &around, account, act.now).await?;
    let is_due = About::read(letter).map(|about| fresh.is_some_and(|fresh| about.is_of(&fresh)));
    Ok(is_due.unwrap_or_else(|error| {
        // It is dropped then, and the next run writes another.
        tracing::error!(letter.id = %letter.id, %error, "the letter {} is not sent: {error}", letter.id);
        false
    }))
}

async fn assessed(
    c: &mut Conn,
    policy: &Policy,
    around: &Surroundings,
    account: Account,
    now: Timestamp,
) -> Result<Option<Assessment>, Refusal> {
    let known = facts::one(c, policy, around, account, now).await?;
    Ok(known.map(|known| assess(policy, &known.facts(around), now)))
}

/// Notes that a step was not taken.
pub(super) async fn skip(
    ports: &Ports,
    taking: &Arc<Taking>,
    position: i64,
    why: Skipped,
) -> Result<Taken, Refusal> {
    end(ports, taking, position, Taken::Skipped(why)).await
}

async fn done(
    ports: &Ports,
    taking: &Arc<Taking>,
    position: i64,
    account: Box<Account>,
) -> Result<Taken, Refusal> {
    end(ports, taking, position, Taken::Done(account)).await
}

async fn end(ports: &Ports, taking: &Arc<Taking>, position: i64, taken: Taken) -> Result<Taken, Refusal> {
    let taking = Arc::clone(taking);
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                taking.note(c, position, &taken).await?;
                Ok(taken)
            })
        })
        .await
}
