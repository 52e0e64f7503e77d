//! What one came to see: who has access, what a run would do, the stop, the release, the run, and what the CRM heard.
//!
//! Invariant: everything shown is asked of Portvakt or of the CRM; the story only says what it should be.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::expected::{Expected, a_year_before};
use super::house::House;
use super::screen::Screen;
use super::told::by_status;
use super::{questions, zone};
use crate::demo::association::{Association, Outcome, Story};
use crate::domain::account::Status;
use crate::domain::plan::PlanState;
use crate::flows::lifecycle::{self, PlanView};
use crate::flows::people::{self, Line};
use crate::flows::report::{self, Filters, Form, Report, ReportName, Request};
use crate::jobs;

/// So many rows of a long list are shown.
const ROWS: usize = 15;

/// What the board says when it releases the plan.
const REASON: (&str, &str) = (
    "Trädgårdsgruppen och kursvärdarna har slutat; styrelsen har gått igenom listan",
    "The garden group and the course hosts have ended; the board has gone through the list",
);

/// Shows everything, in order.
pub(super) async fn everything(
    house: &mut House,
    (association, story): (&Association, &Story),
    screen: &mut Screen,
    end: &CancellationToken,
) -> anyhow::Result<()> {
    access(house, association, screen).await?;
    let hash = plan(house, association, screen).await?;
    if end.is_cancelled() {
        return Ok(());
    }
    carry_out(house, association, &hash, screen).await?;
    told(house, screen).await?;
    questions::ask(house, association, screen).await?;
    stale(house, (association, story), screen).await
}

async fn made(
    house: &House,
    screen: &Screen,
    name: ReportName,
    before: Option<Timestamp>,
) -> anyhow::Result<Report> {
    let (filters, language) = (Filters::default(), screen.language());
    let request = Request { name, as_of: None, before, filters, language, form: Form::Text };
    Ok(report::produce(&house.ports, &house.act("demo"), &request).await?)
}

/// Prints a report, at most so many rows of it. Gives how many there are.
async fn print(report: Report, screen: &Screen) -> anyhow::Result<usize> {
    let rows = report.count;
    for line in report::shortened(report, ROWS).await?.lines() {
        screen.line(format_args!("{}{line}", if line.is_empty() { "" } else { "  " }));
    }
    if rows > ROWS {
        let more = rows - ROWS;
        screen.say(&format!("  … och {more} till"), &format!("  … and {more} more"));
    }
    Ok(rows)
}

async fn access(house: &House, association: &Association, screen: &mut Screen) -> anyhow::Result<()> {
    screen.begin("Vilka har tillgång i dag?", "Who has access today?");
    let rows = print(made(house, screen, ReportName::Access, None).await?, screen).await?;
    let count = |outcome| association.count(outcome);
    let counts = by_status(&people::list(&house.ports).await?);
    let has = |status: Status| counts.get(&status).copied().unwrap_or_default();
    let active = count(Outcome::Active) + count(Outcome::DueNow);
    screen.check("aktiva konton", "active accounts", active, has(Status::Active));
    screen.check("frysta konton", "frozen accounts", count(Outcome::Frozen), has(Status::Frozen));
    screen.check(
        "lediga, pausade konton",
        "accounts on leave, paused",
        count(Outcome::Paused),
        has(Status::Paused),
    );
    screen.check(
        "avstängda konton",
        "deactivated accounts",
        count(Outcome::Deactivated),
        has(Status::Deactivated),
    );
    let listed = active + count(Outcome::Frozen) + count(Outcome::Paused);
    screen.check("rader i listan", "rows of the list", listed, rows);
    Ok(())
}

async fn plan(house: &House, association: &Association, screen: &mut Screen) -> anyhow::Result<String> {
    screen.begin(
        "Vad skulle en livscykelkörning göra nu, och varför?",
        "What would a lifecycle run do now, and why?",
    );
    let proposal = lifecycle::plan(&house.ports, &house.act("demo")).await?;
    let view = lifecycle::view(&house.ports, &proposal, screen.language()).await?;
    print_plan(&view, screen, &zone(house).await?);
    let due = association.count(Outcome::DueNow);
    screen.check("steg i planen", "steps of the plan", due, view.steps.len());
    let is_why = |word: &str| view.steps.iter().filter(|step| step.reason == word).count();
    screen.check("för att de inte setts till", "because they were not seen", due, is_why("inactive"));
    screen.check(
        "planen väntar på att någon släpper den",
        "the plan waits for release",
        PlanState::Waiting,
        view.state,
    );
    Ok(proposal.hash)
}

fn print_plan(view: &PlanView, screen: &Screen, zone: &TimeZone) {
    screen.line(format_args!("  {} {}", screen.pick("plan", "plan"), view.hash));
    let titles = [
        screen.pick("Namn", "Name"),
        screen.pick("Steg", "Step"),
        screen.pick("Varför", "Why"),
        screen.pick("Senast sedd", "Last seen"),
        screen.pick("Roller", "Roles"),
    ];
    let rows = view.steps.iter().take(ROWS).map(|step| {
        let seen = step.last_seen.map(|at| at.to_zoned(zone.clone()).date().to_string());
        vec![
            step.display_name.clone(),
            step.what.clone(),
            step.why.clone(),
            seen.unwrap_or_default(),
            step.takes.join(", "),
        ]
    });
    screen.table(&titles, rows);
    if view.steps.len() > ROWS {
        let more = view.steps.len() - ROWS;
        screen.say(&format!("  … och {more} till"), &format!("  … and {more} more"));
    }
    screen.say("  Lämnas i fred:", "  Left alone:");
    for one in &view.exceptions {
        screen.line(format_args!("    {}: {}", one.display_name, one.why));
    }
    for stop in &view.stops {
        screen.line(format_args!("  {} {stop}", screen.pick("STOPP:", "STOP:")));
    }
}

/// Stopped, released with a reason, carried out.
async fn carry_out(
    house: &House,
    association: &Association,
    hash: &str,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    screen.begin("Stopp, släpp, körning", "Stop, release, run");
    let (ports, due) = (&house.ports, association.count(Outcome::DueNow));
    let stopped = lifecycle::apply(ports, &house.act("demo"), Some(hash)).await?;
    screen.check("körning utan släpp", "run without release", "awaits_release", stopped.outcome.name());
    screen.check("steg som då togs", "steps taken then", 0, stopped.applied);
    let reason = screen.pick(REASON.0, REASON.1).to_owned();
    let released = lifecycle::release(ports, &house.act("demo"), hash, &reason).await?;
    let by = released.released_by.unwrap_or_default();
    screen.say(&format!("  Släppt av {by}: {reason}."), &format!("  Released by {by}: {reason}."));
    let run = lifecycle::apply(ports, &house.act("demo"), Some(hash)).await?;
    screen.check("körning efter släpp", "run after release", "applied", run.outcome.name());
    screen.check("steg som togs", "steps taken", due, run.applied);
    let counts = by_status(&people::list(ports).await?);
    let frozen = counts.get(&Status::Frozen).copied().unwrap_or_default();
    screen.check("frysta konton nu", "frozen accounts now", due + association.count(Outcome::Frozen), frozen);
    Ok(())
}

/// What the CRM has heard by webhook.
async fn told(house: &House, screen: &mut Screen) -> anyhow::Result<()> {
    screen.begin("Vad CRM:et har fått veta", "What the CRM has been told");
    jobs::run_once(&house.ports, "deliver").await?;
    let (tally, accounts) = (house.crm.tally(), house.crm.accounts());
    screen.say(
        &format!("  {} undertecknade besked togs emot. De senaste:", tally.taken),
        &format!("  {} signed messages were taken. The latest:", tally.taken),
    );
    let mut latest: Vec<_> = accounts.iter().collect();
    latest.sort_by_key(|known| std::cmp::Reverse(known.at));
    let titles = [
        screen.pick("Konto", "Account"),
        screen.pick("CRM-id", "CRM id"),
        "Status",
        screen.pick("Skäl", "Reason"),
        screen.pick("Roller", "Roles"),
        "Version",
    ];
    screen.table(
        &titles,
        latest.iter().take(5).map(|known| {
            let told = &known.account;
            let (status, reason) = (told.status.clone(), told.reason.clone());
            let (roles, version) = (told.roles.join(", "), known.version.to_string());
            vec![told.display_name.clone(), known.crm_id.clone(), status, reason, roles, version]
        }),
    );
    let lines = people::list(&house.ports).await?;
    let is_known = |line: &&Line| {
        house
            .crm
            .known(&line.user_name)
            .is_some_and(|known| known.version == line.version && known.account.status == line.status.name())
    };
    let agreed = lines.iter().filter(is_known).count();
    screen.check(
        "konton där båda säger detsamma",
        "accounts of which both say the same",
        lines.len(),
        agreed,
    );
    screen.check("besked som CRM:et avvisade", "messages that the CRM refused", 0, tally.refused);
    Ok(())
}

async fn stale(
    house: &House,
    (association, story): (&Association, &Story),
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let limit = a_year_before(story.end, &zone(house).await?);
    let day = limit.to_zoned(zone(house).await?).date();
    screen.begin(
        &format!("Vilka har tillgång men har inte loggat in sedan {day}?"),
        &format!("Who has access but has not signed in since {day}?"),
    );
    let rows = print(made(house, screen, ReportName::Stale, Some(limit)).await?, screen).await?;
    let expected = Expected::of(story).quiet_since(limit, association);
    screen.check("rader i rapporten", "rows of the report", expected, rows);
    Ok(())
}
