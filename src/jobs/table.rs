//! Which jobs there are, when each is due and what it does.
//!
//! Invariant: a job is due by the ports' clock and the database alone, so that every node thinks the same.

mod clients;
mod compare;
mod mail;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use croner::parser::{CronParser, Seconds, Year};
use futures_util::future::BoxFuture;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::turn::Turn;
use crate::domain::actor::Actor;
use crate::domain::ids::{DirectoryId, TargetId};
use crate::flows::tokens::expiry;
use crate::flows::{
    Ports, Refusal, clock_watch, deliver, directories, entitle, housekeeping, lead, lifecycle, mover, people,
    pull,
};

/// How often a job with a date of its own looks at the clock.
const LOOK: Duration = Duration::from_secs(30);

/// How often what the directories did is written down.
const WRITE_DOWN: Duration = Duration::from_secs(5);

/// How often tokens that soon end are looked for.
const LOOK_AT_TOKENS: Duration = Duration::from_mins(5);

/// How often the outbox is looked at.
const LOOK_AT_OUTBOX: Duration = Duration::from_millis(500);

/// How often old rows are put away, and how old a provider's keys may grow.
const KEPT_UP: SignedDuration = SignedDuration::from_hours(1);

type Check = Arc<dyn Fn(Arc<Ports>) -> BoxFuture<'static, Result<bool, Refusal>> + Send + Sync>;
type LedWork = Arc<dyn Fn(Turn) -> BoxFuture<'static, Result<String, Refusal>> + Send + Sync>;
type OwnWork = Arc<dyn Fn(Arc<Ports>) -> BoxFuture<'static, Result<String, Refusal>> + Send + Sync>;

/// What a job does.
pub(super) enum Work {
    /// On the one node that has the lead.
    Led(LedWork),
    /// On every node.
    Here(OwnWork),
}

/// Every job of this daemon.
#[must_use]
pub fn table(ports: &Ports) -> Vec<Job> {
    let settings = &ports.settings;
    let mut jobs = vec![
        Job::every("housekeeping", KEPT_UP, |turn| Box::pin(tidied(turn))),
        Job::here("keys", LOOK, |ports| Box::pin(keys(ports))),
        Job::here("clock", LOOK, |ports| Box::pin(watched(ports))),
        Job::here("activity", WRITE_DOWN, |ports| Box::pin(written_down(ports))),
        Job::here("tokens", LOOK_AT_TOKENS, |ports| Box::pin(ending(ports))),
        scheduled_run(),
        Job::every("questions", KEPT_UP, |turn| Box::pin(asked(turn))),
        Job::every("dates", SignedDuration::from_mins(1), |turn| Box::pin(followed(turn))),
    ];
    jobs.extend(ports.crms.told().map(delivery));
    jobs.extend(clients::jobs(ports));
    jobs.extend(compare::jobs(ports));
    jobs.extend(mail::jobs(ports));
    let pulled =
        settings.directories.iter().filter_map(|directory| Some((&directory.id, directory.pull.as_ref()?)));
    jobs.extend(pulled.map(|(id, pull)| reading(id, &pull.schedule, &pull.timezone)));
    jobs
}

/// One job.
pub struct Job {
    name: String,
    tick: Duration,
    pause: Duration,
    check: Check,
    work: Work,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("name", &self.name).field("tick", &self.tick).finish_non_exhaustive()
    }
}

impl Job {
    /// A job that is due when `period` has passed since it last came to its end.
    pub fn every(
        name: &str,
        period: SignedDuration,
        work: impl Fn(Turn) -> BoxFuture<'static, Result<String, Refusal>> + Send + Sync + 'static,
    ) -> Self {
        let quarter = Duration::try_from(period / 4).unwrap_or(LOOK);
        let tick = quarter.clamp(Duration::from_millis(500), LOOK);
        Self::when(
            name,
            tick,
            move |last, now| Ok(last.saturating_add(period).is_ok_and(|due| due <= now)),
            work,
        )
    }

    /// A job that is due at the times of five cron fields in an IANA time zone, and once at the first start.
    pub fn at(
        name: &str,
        schedule: &str,
        zone: &str,
        work: impl Fn(Turn) -> BoxFuture<'static, Result<String, Refusal>> + Send + Sync + 'static,
    ) -> Self {
        let (schedule, zone) = (schedule.to_owned(), zone.to_owned());
        Self::when(name, LOOK, move |last, now| has_come(&schedule, &zone, last, now), work)
    }

    /// A job that every node does for itself at each `tick`, without a lease: it keeps something of the process itself
    /// fresh, or sees to a lease of its own.
    pub fn here(
        name: &str,
        tick: Duration,
        work: impl Fn(Arc<Ports>) -> BoxFuture<'static, Result<String, Refusal>> + Send + Sync + 'static,
    ) -> Self {
        let check: Check = Arc::new(|_| Box::pin(async { Ok(true) }));
        Self {
            name: name.to_owned(),
            tick,
            pause: Duration::from_mins(5),
            check,
            work: Work::Here(Arc::new(work)),
        }
    }

    /// A job that is due by when it last came to its end; one that never did is due.
    fn when(
        name: &str,
        tick: Duration,
        is_due: impl Fn(Timestamp, Timestamp) -> Result<bool, Refusal> + Send + Sync + 'static,
        work: impl Fn(Turn) -> BoxFuture<'static, Result<String, Refusal>> + Send + Sync + 'static,
    ) -> Self {
        let (job, is_due) = (name.to_owned(), Arc::new(is_due));
        let check: Check = Arc::new(move |ports| {
            let (job, is_due) = (job.clone(), Arc::clone(&is_due));
            Box::pin(async move {
                let last = lead::last_run(&ports, &job).await?;
                last.map_or(Ok(true), |last| is_due(last, ports.clock.now()))
            })
        });
        Self {
            name: name.to_owned(),
            tick,
            pause: Duration::from_mins(5),
            check,
            work: Work::Led(Arc::new(work)),
        }
    }

    /// Its name, which is also its lease's.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How often it is looked at.
    pub(super) const fn tick(&self) -> Duration {
        self.tick
    }

    /// How long it rests when it has failed.
    pub(super) const fn pause(&self) -> Duration {
        self.pause
    }

    /// Whether it is meant by `name`: its own, or what stands before the colon.
    pub(super) fn answers_to(&self, name: &str) -> bool {
        self.name == name || self.name.split_once(':').is_some_and(|(kind, _)| kind == name)
    }

    pub(super) async fn is_due(&self, ports: &Arc<Ports>) -> Result<bool, Refusal> {
        (self.check)(Arc::clone(ports)).await
    }

    pub(super) const fn what(&self) -> &Work {
        &self.work
    }
}

fn has_come(schedule: &str, zone: &str, last: Timestamp, now: Timestamp) -> Result<bool, Refusal> {
    let wrong =
        |error: &dyn fmt::Display| Refusal::invalid("schedule", format!("{schedule:?} in {zone}: {error}"));
    let zone = TimeZone::get(zone).map_err(|error| wrong(&error))?;
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let cron = parser.parse(schedule).map_err(|error| wrong(&error))?;
    let next = cron.find_next_occurrence(&last.to_zoned(zone), false).map_err(|error| wrong(&error))?;
    Ok(next.timestamp() <= now)
}

async fn tidied(turn: Turn) -> Result<String, Refusal> {
    let gone = housekeeping::tidy(&turn.ports).await?;
    let act = turn.ports.act(Actor::Job("housekeeping".to_owned()), "held back before");
    let let_go = entitle::let_go_of_the_held_back(&turn.ports, &act).await?;
    Ok(format!(
        "{} answers to sign-ins, {} old sessions, {} expired tokens of CRMs, {} requests to be linked, {} old days of \
         evidence, {} access tokens and {} rows about directories are gone; {let_go} accounts let go of rights that \
         were held back",
        gone.login_attempts,
        gone.sessions,
        gone.client_tokens,
        gone.link_requests,
        gone.days,
        gone.access_tokens,
        gone.directory_rows
    ))
}

/// Each node writes down what it gathered itself.
async fn written_down(ports: Arc<Ports>) -> Result<String, Refusal> {
    let count = directories::flush(&ports).await?;
    Ok(format!("{count} directories did something"))
}

/// Each node counts for its own answers; a warning is told by the node that comes first.
async fn ending(ports: Arc<Ports>) -> Result<String, Refusal> {
    let looked = expiry::look(&ports).await?;
    Ok(format!("{} tokens soon end, {} warnings told", looked.ending, looked.warned))
}

async fn keys(ports: Arc<Ports>) -> Result<String, Refusal> {
    let now = ports.clock.now();
    let old = now.saturating_sub(KEPT_UP).unwrap_or(Timestamp::MIN);
    let asked = ports.parties.refresh(old, now).await.map_err(|error| Refusal::Outside(error.to_string()))?;
    Ok(format!("{asked} providers gave their keys anew"))
}

/// The lifecycle, by the schedule of the policy in force.
fn scheduled_run() -> Job {
    Job {
        name: lifecycle::JOB.to_owned(),
        tick: LOOK,
        pause: Duration::from_mins(5),
        check: Arc::new(|ports| Box::pin(async move { lifecycle::is_due(&ports).await })),
        work: Work::Led(Arc::new(|turn: Turn| {
            Box::pin(async move {
                let report = lifecycle::run(&turn.ports, &turn.fence).await?;
                let (outcome, taken, skipped) = (report.outcome.name(), report.applied, report.skipped);
                Ok(format!("{outcome}: {taken} steps taken, {skipped} skipped"))
            })
        })),
    }
}

/// Each node watches its own clock.
async fn watched(ports: Arc<Ports>) -> Result<String, Refusal> {
    let jump = clock_watch::look(&ports).await?;
    Ok(if jump.is_some() { "the clock has jumped" } else { "the clock goes as it should" }.to_owned())
}

async fn followed(turn: Turn) -> Result<String, Refusal> {
    if clock_watch::look(&turn.ports).await?.is_some() {
        return Ok("the clock has jumped; nothing is done".to_owned());
    }
    let act = turn.ports.act(Actor::Job("dates".to_owned()), "end date");
    // Leaves end first: with one of them a deputy gets again what they have for another who is away still.
    let accounts = lifecycle::follow_dates(&turn.ports, &act).await?;
    let grants = lifecycle::end_grants(&turn.ports, &act).await?;
    let deputies = people::follow_deputies(&turn.ports, &act).await?;
    entitle::forget_resolved(&turn.ports, &act).await?;
    Ok(format!(
        "{grants} grants ended, {accounts} accounts followed their dates, {deputies} leaves got a deputy"
    ))
}

/// Rights by hand of people who changed job: reminded of, and ended where the policy says so.
async fn asked(turn: Turn) -> Result<String, Refusal> {
    let act = turn.ports.act(Actor::Job("questions".to_owned()), "change of job");
    let round = mover::follow_up(&turn.ports, &act).await?;
    Ok(format!(
        "{} reminders, {} rights ended, {} settled by themselves",
        round.reminders, round.ended, round.settled
    ))
}

/// A job per target, so that one that hangs keeps no other from hearing.
fn delivery(target: &TargetId) -> Job {
    let (looked_at, told) = (target.clone(), target.clone());
    Job {
        name: format!("deliver:{target}"),
        tick: LOOK_AT_OUTBOX,
        pause: Duration::from_secs(5),
        check: Arc::new(move |ports| {
            let target = looked_at.clone();
            Box::pin(async move { deliver::is_due(&ports, &target).await })
        }),
        work: Work::Led(Arc::new(move |turn| Box::pin(deliver_all(turn, told.clone())))),
    }
}

/// Round after round, until nothing is due.
async fn deliver_all(turn: Turn, target: TargetId) -> Result<String, Refusal> {
    let mut sum = deliver::Outcome::default();
    while !turn.end.is_cancelled() {
        let queued = deliver::fill::advance(&turn.ports, &target, &turn.fence).await?;
        let round = deliver::due(&turn.ports, &target, &turn.fence).await?;
        sum = sum.and(round);
        if round.is_off || (round.tried() == 0 && queued.is_none_or(|count| count == 0)) {
            break;
        }
    }
    let off = match (sum.is_off, sum.rests_until) {
        (true, _) => "; the target is switched off".to_owned(),
        (false, Some(until)) => format!("; the target is left alone until {until}"),
        (false, None) => String::new(),
    };
    Ok(format!(
        "{} delivered, {} to be tried again, {} dead letters{off}",
        sum.delivered, sum.again, sum.dead
    ))
}

fn reading(directory: &DirectoryId, schedule: &str, zone: &str) -> Job {
    let id = directory.clone();
    Job::at(&format!("pull:{directory}"), schedule, zone, move |turn| {
        let id = id.clone();
        Box::pin(async move {
            let read = pull::run(&turn.ports, &id, &turn.fence).await?;
            Ok(format!(
                "{} listed, {} known, {} seen later than known, {} missing",
                read.listed, read.known, read.newer, read.missing
            ))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_nightly_job_is_due_once_a_night_by_the_zone_it_names() {
        let is_due = |last, now| has_come("0 1 * * *", "Europe/Stockholm", at(last), at(now)).unwrap();
        assert!(!is_due("2025-10-06T23:00:00Z", "2025-10-07T22:59:59Z"));
        assert!(is_due("2025-10-06T23:00:00Z", "2025-10-07T23:00:00Z"));
        assert!(is_due("2025-10-06T22:59:00Z", "2025-10-06T23:00:00Z"));
    }

    #[test]
    fn a_schedule_that_cannot_be_read_is_refused_with_its_words() {
        let now = at("2025-10-07T00:00:00Z");
        let refused = has_come("nightly", "Europe/Stockholm", now, now).unwrap_err().to_string();
        assert!(refused.contains("nightly"), "{refused}");
    }
}
