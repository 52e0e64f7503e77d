//! The daily digest for those who look after the accounts: what waits, what failed, what was done, what comes.
//!
//! Invariant: made from what is written down; it changes nothing but that it was sent. Nothing to say: no letter, unless
//! the settings want one.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::super::lifecycle::facts::{self, Moment, PAGE};
use super::super::{Act, Compiled, Ports, Refusal, mover, people};
use super::send;
use super::write::{self, Draft, Kind};
use crate::domain::account::{Status, StatusReason, shown_name};
use crate::domain::days::{Reading, later, zone_of};
use crate::domain::evidence::knowledge;
use crate::domain::language::Text;
use crate::domain::lifecycle::{Exempt, Step, assess, reason_word};
use crate::domain::policy::EvidenceSource;
use crate::mail::notice::{Digest, Part};
use crate::store::letter::LetterState;
use crate::store::{Conn, account, audit, entitlement, leave, letter, link_request, outbox, plan, standing};

/// So far ahead it looks.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// So many names stand on a line; the others are counted.
const NAMES: usize = 10;

/// Whether a digest is due: the settings want one, and its time of the day has come since the last.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn is_due(ports: &Ports, last: Option<Timestamp>) -> Result<bool, Refusal> {
    let Some(mail) = ports.settings.mail.as_ref().filter(|mail| !mail.digest_to.is_empty()) else {
        return Ok(false);
    };
    let mut c = ports.db.read().await?;
    let compiled = match ports.policies.current(&mut c).await {
        Ok(compiled) => compiled,
        Err(Refusal::NoPolicy) => return Ok(false),
        Err(other) => return Err(other),
    };
    let now = ports.clock.now().to_zoned(zone_of(&compiled.policy));
    let due = now.with().time(mail.digest_at).build().map_or(Timestamp::MAX, |due| due.timestamp());
    Ok(due <= now.timestamp() && last.is_none_or(|last| last < due))
}

/// Sends the digest of what happened since `last`. Gives to how many.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn send(ports: &Ports, act: &Act, last: Option<Timestamp>) -> Result<usize, Refusal> {
    let Some(mail) = &ports.settings.mail else { return Ok(0) };
    let digest = of(ports, act, last).await?;
    if digest.is_empty() && !mail.digest_empty {
        return Ok(0);
    }
    for address in &mail.digest_to {
        let letter = digest.letter(Uuid::now_v7(), address, ports.settings.language);
        let topic = format!("digest:{}:{address}", digest.day);
        let draft =
            Draft { kind: Kind::Digest, topic, account: None, recipient: None, letter, about: json!({}) };
        let writing = act.clone();
        let written =
            ports.db.write(move |c| Box::pin(async move { write::put(c, &writing, draft).await })).await?;
        if let Some(id) = written {
            send::attempt(ports, act, id).await?;
        }
    }
    Ok(mail.digest_to.len())
}

/// The digest of what happened since `last`, or in the last day.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn of(ports: &Ports, act: &Act, last: Option<Timestamp>) -> Result<Digest, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let reading = Reading::of(&compiled.policy, ports.settings.language, act.now);
    let day_ago = act.now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
    let since = last.unwrap_or(day_ago);
    let failed = failed(&mut c, ports, &reading, since).await?;
    let done = done(&mut c, &reading, since).await?;
    let coming = coming(&mut c, ports, &compiled, &reading).await?;
    let stale = stale(&mut c, ports, &compiled, &reading).await?;
    let plans = plans(&mut c, &reading).await?;
    let unlinked = link_request::in_state(&mut c, link_request::LinkState::Waiting).await?.len();
    drop(c);
    let mut awaits = plans;
    awaits.extend(waiting(ports, &reading, unlinked).await?);
    let part = |sv: &str, en: &str, lines| Part { heading: Text::new(sv, en), lines };
    Ok(Digest {
        day: act.now.to_zoned(reading.zone.clone()).date(),
        parts: vec![
            part("Väntar på beslut", "Awaits a decision", awaits),
            part("Gick inte", "Failed", failed),
            part("Källor som är tysta", "Sources that are silent", stale),
            part("Gjort sedan sist", "Done since the last time", done),
            part("Den kommande veckan", "The coming week", coming),
        ],
    })
}

async fn plans(c: &mut Conn, reading: &Reading) -> Result<Vec<String>, Refusal> {
    let newest = plan::newest(c).await?.filter(|plan| plan.state == "waiting");
    Ok(newest.map_or_else(Vec::new, |plan| {
        let steps = format!("portvakt lifecycle show {}", plan.hash.chars().take(12).collect::<String>());
        let day = reading.date(plan.created_at);
        vec![reading.pick(
            format!("En plan från {day} har stannat och väntar på godkännande: {steps}"),
            format!("A plan of {day} has stopped and awaits release: {steps}"),
        )]
    }))
}

async fn waiting(ports: &Ports, reading: &Reading, unlinked: usize) -> Result<Vec<String>, Refusal> {
    let mut lines = Vec::new();
    for one in people::leave_requests(ports).await? {
        let (from, until) = (reading.date(one.from), reading.last_day_before(one.until));
        let name = shown_name(&one.display_name, &one.user_name);
        lines.push(reading.pick(
            format!("{name} ber om ledighet {from} – {until}: portvakt account leave-requests"),
            format!("{name} asks for leave {from} – {until}: portvakt account leave-requests"),
        ));
    }
    let questions = mover::questions(ports).await?;
    let overdue = questions.iter().filter(|one| one.answer_by <= reading.now).count();
    if !questions.is_empty() {
        let count = questions.len();
        lines.push(reading.pick(
            format!(
                "{count} behörigheter efter byte av arbete, varav {overdue} försenade: portvakt account queue"
            ),
            format!(
                "{count} rights after a change of job, {overdue} of them overdue: portvakt account queue"
            ),
        ));
    }
    if unlinked > 0 {
        lines.push(reading.pick(
            format!("{unlinked} inloggningar som inte leder till något konto: portvakt link list"),
            format!("{unlinked} sign-ins that lead to no account: portvakt link list"),
        ));
    }
    Ok(lines)
}

async fn failed(
    c: &mut Conn,
    ports: &Ports,
    reading: &Reading,
    since: Timestamp,
) -> Result<Vec<String>, Refusal> {
    let mut lines = Vec::new();
    let states = [LetterState::Refused, LetterState::Failed, LetterState::Bounced];
    for one in letter::since(c, &states, since, 50).await? {
        let (kind, said) = (&one.kind, one.said.clone().unwrap_or_default());
        let address = one.address.clone().unwrap_or_default();
        lines.push(reading.pick(
            format!("Brevet till {address} ({kind}) kom inte fram: {said}"),
            format!("The letter to {address} ({kind}) did not arrive: {said}"),
        ));
    }
    for target in &ports.settings.targets {
        let (target, dead) = (&target.id, outbox::backlog(c, &target.id).await?.dead);
        if dead == 0 {
            continue;
        }
        lines.push(reading.pick(
            format!("{target} tar inte emot {dead} konton: portvakt target dead {target}"),
            format!("{target} does not take {dead} accounts: portvakt target dead {target}"),
        ));
    }
    for entry in audit::of_action(c, "leave_not_followed", since, 50).await? {
        let why = entry.after.as_ref().and_then(|after| after.get("why")?.as_str()).unwrap_or_default();
        lines.push(reading.pick(
            format!("Ledighet enligt katalogen följdes inte för {}: {why}", entry.subject_id),
            format!("Leave as the directory says was not followed for {}: {why}", entry.subject_id),
        ));
    }
    Ok(lines)
}

async fn done(c: &mut Conn, reading: &Reading, since: Timestamp) -> Result<Vec<String>, Refusal> {
    let mut lines = Vec::new();
    for (status, reason, count) in standing::counted_since(c, since).await? {
        // Those who came in the ordinary way are the directory's news, not ours.
        if reason == StatusReason::Provisioned {
            continue;
        }
        let ((sv, en), why) = (all_that_are(status), reason_word(reason, reading.language));
        lines.push(format!("{}: {count} ({why})", reading.pick(sv.to_owned(), en.to_owned())));
    }
    let notices = audit::count_of_action(c, "notice_sent", since).await?;
    if notices > 0 {
        lines
            .push(reading.pick(format!("{notices} påminnelser skickade"), format!("{notices} notices sent")));
    }
    Ok(lines)
}

async fn coming(
    c: &mut Conn,
    ports: &Ports,
    compiled: &Compiled,
    reading: &Reading,
) -> Result<Vec<String>, Refusal> {
    let (policy, now) = (&compiled.policy, reading.now);
    let until = later(now, WEEK);
    let mut lines = Vec::new();
    for one in account::ending(c, (now, None), until, 50).await? {
        let day = one.valid_until.map(|end| reading.last_day_before(end)).unwrap_or_default();
        let name = shown_name(&one.display_name, &one.user_name);
        lines.push(reading.pick(
            format!("{name}: kontot gäller till och med {day}"),
            format!("{name}: the account lasts until {day}"),
        ));
    }
    let grants = entitlement::count_ending(c, now, until).await?;
    if grants > 0 {
        lines.push(reading.pick(
            format!("{grants} behörigheter som getts för hand upphör"),
            format!("{grants} rights given by hand end"),
        ));
    }
    for one in leave::beginning(c, now, until).await? {
        let (name, day) = (name_of(c, one.account).await?, reading.date(one.from));
        lines.push(reading.pick(format!("{name} blir ledig {day}"), format!("{name} goes on leave {day}")));
    }
    for one in leave::ending(c, now, until).await? {
        let (name, day) = (name_of(c, one.account).await?, reading.last_day_before(one.until));
        lines.push(reading.pick(
            format!("{name} är ledig till och med {day}; ska det vara längre behöver det godkännas på nytt"),
            format!("{name} is on leave until {day}; for longer it must be approved again"),
        ));
    }
    let around = facts::surroundings(c, &ports.settings, policy, now).await?;
    let (mut frozen, mut deactivated, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let accounts = account::page(c, after, PAGE).await?;
        let Some(last) = accounts.last() else { break };
        after = Some(last.id);
        for known in facts::page(c, policy, &around, accounts, Moment::Now(now)).await? {
            let fresh = assess(policy, &known.facts(&around), now);
            let name = || known.account.shown_name().to_owned();
            match (fresh.step, fresh.exempt()) {
                (Step::Freeze, _) => frozen.push(name()),
                (Step::Deactivate, _) => deactivated.push(name()),
                (Step::Keep, Some(Exempt::Told { not_before })) if *not_before <= until => {
                    frozen.push(name());
                }
                (Step::Keep, Some(Exempt::Frozen { until: end })) if *end <= until => {
                    deactivated.push(name());
                }
                _ => {}
            }
        }
    }
    lines.extend(listed(reading, "fryses", "frozen", &frozen));
    lines.extend(listed(reading, "avaktiveras", "deactivated", &deactivated));
    Ok(lines)
}

fn listed(reading: &Reading, sv: &str, en: &str, names: &[String]) -> Option<String> {
    let shown: Vec<&str> = names.iter().take(NAMES).map(String::as_str).collect();
    let more = if names.len() > NAMES { ", …" } else { "" };
    let (count, shown) = (names.len(), shown.join(", "));
    (count > 0).then(|| {
        reading.pick(
            format!("{count} {sv} om inget händer: {shown}{more}"),
            format!("{count} to be {en} if nothing happens: {shown}{more}"),
        )
    })
}

async fn stale(
    c: &mut Conn,
    ports: &Ports,
    compiled: &Compiled,
    reading: &Reading,
) -> Result<Vec<String>, Refusal> {
    let policy = &compiled.policy;
    let around = facts::surroundings(c, &ports.settings, policy, reading.now).await?;
    let named: std::collections::BTreeSet<EvidenceSource> =
        policy.lifecycle.rules.iter().flat_map(|rule| rule.evidence.iter().copied()).collect();
    let directories = ports.settings.directories.iter().map(|directory| directory.id.clone()).collect();
    let known =
        knowledge(&named, &directories, &around.sources, policy.lifecycle.source_stale_after, reading.now);
    Ok(known.unknown.iter().map(|unknown| unknown.sentence(reading)).collect())
}

async fn name_of(c: &mut Conn, id: crate::domain::ids::AccountId) -> Result<String, Refusal> {
    let account = account::get(c, id).await?;
    Ok(account.map(|one| shown_name(&one.display_name, &one.user_name).to_owned()).unwrap_or_default())
}

/// Accounts that came to have a status, as the beginning of a line.
const fn all_that_are(status: Status) -> (&'static str, &'static str) {
    match status {
        Status::Invited => ("Inbjudna", "Invited"),
        Status::Active => ("Aktiva", "Active"),
        Status::Paused => ("Pausade", "Paused"),
        Status::Frozen => ("Frysta", "Frozen"),
        Status::Deactivated => ("Avaktiverade", "Deactivated"),
        Status::Removed => ("Borttagna", "Removed"),
    }
}
