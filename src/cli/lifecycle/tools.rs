//! `portvakt lifecycle backtest` and `portvakt lifecycle clock`.
//!
//! Invariant: trying limits changes nothing; a clock that jumped is trusted again only by a person, with a reason.

use std::process::ExitCode;

use clap::Args;
use jiff::SignedDuration;
use serde_json::json;

use crate::cli::shown::{Shown, json, table};
use crate::cli::{PrintAs, exit, setup};
use crate::flows::lifecycle::{self, Backtest};
use crate::flows::{Ports, clock_watch};

#[derive(Debug, Args)]
pub(in crate::cli) struct BacktestArgs {
    /// The limits to try, such as 60d,90d,180d.
    #[arg(long, value_name = "LENGTHS", value_delimiter = ',', required = true, value_parser = setup::duration)]
    inactive_after: Vec<SignedDuration>,
    #[command(flatten)]
    printing: Shown,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ClockArgs {
    /// Trust the clock as it is: steps are taken again.
    #[arg(long, requires = "reason")]
    release: bool,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    printing: Shown,
}

pub(super) async fn backtest(ports: &Ports, args: BacktestArgs) -> anyhow::Result<ExitCode> {
    let tried = lifecycle::backtest(ports, &args.inactive_after).await?;
    if args.printing.format == PrintAs::Json {
        json(&tried)?;
        return Ok(exit::DONE);
    }
    print(&tried, &args.printing.reading(ports).await);
    Ok(exit::DONE)
}

fn print(tried: &Backtest, reading: &crate::domain::days::Reading) {
    let says = |sv: &str, en: &str| reading.pick(sv, en);
    let Some(from) = tried.from else {
        println!(
            "{}",
            says("Det finns ingen historik att prova på än.", "There is no history to try it on yet.")
        );
        return;
    };
    let (first, last, count) = (reading.date(from), reading.date(tried.until), tried.accounts);
    println!(
        "{}",
        says(
            &format!("{count} konton för personer, från {first} till {last}"),
            &format!("{count} accounts of people, from {first} to {last}")
        )
    );
    let titles = [
        says("Gräns, dagar", "Limit, days"),
        says("Skulle ha frysts", "Would have been frozen"),
        says("Tillbaka inom en månad", "Back within a month"),
        says("Tillbaka senare", "Back later"),
        says("För tidigt att säga", "Too early to say"),
    ];
    let rows = tried.limits.iter().map(|one| {
        let outcome = &one.outcome;
        let days = u64::try_from(one.inactive_after_days).unwrap_or_default();
        let counts = [days, outcome.frozen, outcome.back_within_month, outcome.back_later, outcome.too_early];
        counts.iter().map(u64::to_string).collect()
    });
    table(&titles, rows);
}

pub(super) async fn clock(ports: &Ports, args: ClockArgs) -> anyhow::Result<ExitCode> {
    let reading = args.printing.reading(ports).await;
    if args.release {
        let act = setup::act(ports, "command");
        let is_released =
            clock_watch::release(ports, &act, args.reason.as_deref().unwrap_or_default()).await?;
        let said = if is_released {
            reading.pick("Klockan är godkänd; steg tas igen.", "The clock is trusted; steps are taken again.")
        } else {
            reading.pick("Inget var stoppat.", "Nothing was stopped.")
        };
        println!("{said}");
        return Ok(exit::DONE);
    }
    let mut c = ports.db.read().await?;
    let jump = clock_watch::stopped(&mut c).await?;
    match (args.printing.format, &jump) {
        (PrintAs::Json, _) => json(&json!({ "stopped": jump.is_some(), "jump": jump }))?,
        (PrintAs::Text, Some(jump)) => println!("{}", jump.sentence(&reading)),
        (PrintAs::Text, None) => {
            println!("{}", reading.pick("Klockan går som den ska.", "The clock goes as it should."));
        }
    }
    Ok(if jump.is_some() { exit::awaits_release() } else { exit::DONE })
}
