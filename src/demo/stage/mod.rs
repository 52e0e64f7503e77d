//! The stage: plays fourteen months on a real daemon in seconds, shows what came of them, and stays open.
//!
//! ```text
//! house      a real daemon, two practice providers and a practice CRM, on the loopback
//! script     the story as cues: events, nights, reports, in order of time
//! play       does what each cue says, over HTTP where a stranger would
//! visit      one person's sign-in, in a browser of their own
//! told       what came of it        expected   what should have come of it, from the story alone
//! questions  a CRM asks about items, people try to get in
//! desk       what is left to decide
//! show       access list, plan, release, run, what the CRM heard, who has gone quiet
//! guide      where everything is, whom to sign in as, what to try
//! screen     what is written, in one of two languages
//! ```
//!
//! Invariant: what is expected is never asked of Portvakt, and what is shown is never taken from the story.

mod desk;
mod expected;
mod guide;
mod house;
mod play;
mod questions;
mod screen;
mod script;
mod show;
mod told;
mod visit;

use std::path::PathBuf;
use std::time::Instant;

use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::association::{Association, Home, Story};
use super::loopback;
use crate::domain::days::zone_of;
use crate::domain::language::Language;
use crate::flows::{Clock as _, SystemClock};
use crate::telemetry::LogFormat;

use expected::Expected;
use house::House;
use play::Play;
use screen::Screen;
use told::{Count, Told};

/// How the demo is to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// End after the show instead of staying open.
    pub once: bool,
    /// The database's address; nothing: `SQLite` in the folder.
    pub database: Option<String>,
    /// The folder; nothing: a temporary one that goes away at the end.
    pub data: Option<PathBuf>,
    /// Portvakt's port; 0: any that is free.
    pub port: u16,
    /// The language of the screen.
    pub language: Language,
    /// How lines of the log look.
    pub log_format: LogFormat,
}

/// Runs the demo. Gives whether every step ended as it should.
///
/// # Errors
///
/// When the demo cannot be set up, or the database cannot be reached any more.
pub async fn run(options: Options, end: CancellationToken) -> anyhow::Result<bool> {
    let (association, now) = (Association::bjorkbacken(), SystemClock.now());
    let story = Story::until(now, &association);
    let mut screen = Screen::new(options.language);
    let begun = Instant::now();
    let mut house = House::open(&options, story.start).await?;
    let performed = perform(&mut house, (&association, &story), &mut screen, &end).await;
    let is_right = matches!(performed, Ok(true));
    if !is_right && !end.is_cancelled() && house.is_temporary() {
        let kept = house.keep_folder().display().to_string();
        screen.say(&format!("\nMappen är kvar: {kept}"), &format!("\nThe folder is kept: {kept}"));
    }
    if performed.is_ok() && !end.is_cancelled() {
        summary(&screen, begun);
        if !options.once {
            house.live_on();
            guide::tell(&house, &association, &screen);
            end.cancelled().await;
        }
    }
    if end.is_cancelled() {
        screen.say("\nDemon stängs i ordning.", "\nThe demo closes in order.");
    }
    house.close().await;
    performed
}

fn summary(screen: &Screen, begun: Instant) {
    let (right, wrong) = screen.counts();
    let seconds = begun.elapsed().as_secs_f64();
    screen.say(
        &format!("\n{right} kontroller stämde, {wrong} gjorde det inte. {seconds:.1} sekunder."),
        &format!("\n{right} checks were right, {wrong} were not. {seconds:.1} seconds."),
    );
}

/// Plays and shows everything. Gives whether every step ended as it should.
async fn perform(
    house: &mut House,
    (association, story): (&Association, &Story),
    screen: &mut Screen,
    end: &CancellationToken,
) -> anyhow::Result<bool> {
    screen.begin("Föreningen Björkbacken ställs i ordning", "Föreningen Björkbacken is set up");
    set_up(house, screen).await?;
    let zone = zone(house).await?;
    screen.begin("Fjorton månader går", "Fourteen months pass");
    let scenes = script::script(story, &zone);
    let told = Play::new(house, (association, story), screen, &zone)?.all(&scenes, end).await?;
    if told.is_broken_off {
        return Ok(false);
    }
    judge(&told, &Expected::of(story), story, screen);
    show::everything(house, (association, story), screen, end).await?;
    if !end.is_cancelled() {
        desk::leave_matters(house, association, &zone, screen).await?;
    }
    Ok(screen.counts().1 == 0 && !end.is_cancelled())
}

async fn zone(house: &House) -> anyhow::Result<TimeZone> {
    let mut c = house.ports.db.read().await?;
    Ok(zone_of(&house.ports.policies.current(&mut c).await?.policy))
}

async fn set_up(house: &mut House, screen: &mut Screen) -> anyhow::Result<()> {
    let address = house.addresses.portvakt.clone();
    screen.say(
        &format!("  Portvakt lyssnar på {address}; klockan visar {}.", house.ports.clock.now()),
        &format!("  Portvakt listens at {address}; the clock shows {}.", house.ports.clock.now()),
    );
    let ready =
        loopback::client("curl/practice")?.get(format!("{address}/readyz")).send().await?.status().as_u16();
    screen.check("Portvakt är redo (/readyz)", "Portvakt is ready (/readyz)", 200, ready);
    for home in Home::ALL {
        let tested = house.directory(home).pusher.test_connection().await;
        let answer = tested.map_or_else(|error| error.to_string(), |()| "ok".to_owned());
        let name = home.name();
        let (sv, en) =
            (format!("{name} når Portvakt över SCIM"), format!("{name} reaches Portvakt over SCIM"));
        screen.check(&sv, &en, "ok", answer);
    }
    Ok(())
}

/// Compares what came of the story with what should have.
fn judge(told: &Told, expected: &Expected, story: &Story, screen: &mut Screen) {
    let mut compare = |sv: &str, en: &str, expected: usize, count: &Count| {
        screen.check(sv, en, expected, count.done);
        screen.reasons(&count.reasons);
    };
    compare("besked från katalogerna", "messages from the directories", expected.pushed, &told.pushed);
    compare("inloggningar genom Portvakt", "sign-ins through Portvakt", expected.sign_ins, &told.sign_ins);
    compare(
        "inloggningar som CRM:et berättade om",
        "sign-ins that the CRM told of",
        expected.seen,
        &told.seen,
    );
    compare("händelser med föremål i CRM:et", "events of items in the CRM", expected.items, &told.items);
    compare("beslut av administratörer", "decisions of administrators", expected.decided, &told.decided);
    compare("jobb som kördes", "jobs that ran", told.jobs.asked, &told.jobs);
    let mistake = told.mistake;
    let struck = story.accident.people.len();
    screen.say(
        &format!(
            "  Den dag katalogen i norr av misstag stängde av {struck} hann {} stängas av innan spärren höll resten.",
            mistake.departed
        ),
        &format!(
            "  The day the northern directory switched {struck} off by mistake, {} went before the safety limit held \
             the rest.",
            mistake.departed
        ),
    );
    let (accounted, held) = (mistake.departed + mistake.held, mistake.held > 0);
    screen.check("avstängda och hållna", "deactivated and held", struck, accounted);
    screen.check("spärren höll någon", "the safety limit held somebody", true, held);
    screen.check("aktiva när misstaget rättats", "active when it was mended", struck, mistake.back);
}
