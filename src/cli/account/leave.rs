//! `portvakt account leave …`: approved leave, who stands in, and people who ask for it themselves.
//!
//! Invariant: nothing asks why somebody is away; that they may sign in all the same needs a reason.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::cli::shown::{Shown as InWords, json, minute, table};
use crate::cli::{PrintAs, day, exit, setup};
use crate::domain::account::Account;
use crate::domain::ids::SectorId;
use crate::flows::Ports;
use crate::flows::people::{self, DeputyWish, LeaveWish};

#[derive(Debug, Args)]
pub(in crate::cli) struct LeaveArgs {
    /// The account: its id, user name or the CRM's id.
    account: String,
    /// The first day.
    #[arg(long, value_name = "DATE", required_unless_present = "end")]
    from: Option<String>,
    /// The last day; at most 18 months from the first.
    #[arg(long, value_name = "DATE", required_unless_present = "end")]
    until: Option<String>,
    /// Who approved it.
    #[arg(long, value_name = "NAME", required_unless_present = "end")]
    approver: Option<String>,
    /// Do not pause sign-in, for this reason. It is kept and shown; say nothing of health or family.
    #[arg(long, value_name = "REASON")]
    sign_in: Option<String>,
    /// Who stands in: gets copies of the sectors until the leave ends.
    #[arg(long, value_name = "ACCOUNT")]
    deputy: Option<String>,
    /// Only these sectors, separated by commas.
    #[arg(long, value_name = "SECTORS", value_delimiter = ',', value_parser = sector, requires = "deputy")]
    deputy_sectors: Option<Vec<SectorId>>,
    /// Copies of the links to items too.
    #[arg(long, requires = "deputy")]
    deputy_links: bool,
    /// End the leave now.
    #[arg(long, conflicts_with_all = ["from", "until", "approver", "sign_in", "deputy"])]
    end: bool,
}

fn sector(text: &str) -> Result<SectorId, String> {
    SectorId::parse(text.trim()).map_err(|error| error.to_string())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Answer {
    /// The leave is noted.
    Approve,
    /// Everything stays as it is.
    Refuse,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AnswerArgs {
    /// The account: its id, user name or the CRM's id.
    account: String,
    /// What is decided.
    #[arg(value_enum)]
    answer: Answer,
    /// Who approved it; needed to approve.
    #[arg(long, value_name = "NAME", required_if_eq("answer", "approve"))]
    approver: Option<String>,
    /// Why it is refused; needed to refuse. Kept, and not told to the person.
    #[arg(long, required_if_eq("answer", "refuse"))]
    reason: Option<String>,
}

pub(in crate::cli) type Shown = InWords;

pub(super) async fn note(ports: &Ports, args: LeaveArgs) -> anyhow::Result<Account> {
    let act = setup::act(ports, "command");
    let (Some(from), Some(until), Some(approver)) = (args.from, args.until, args.approver) else {
        return Ok(people::end_leave(ports, &act, &args.account).await?);
    };
    let zone = day::zone(ports).await?;
    let mut wish = LeaveWish::new(day::start(&from, &zone)?, day::after(&until, &zone)?, &approver);
    wish.sign_in_why = args.sign_in;
    wish.deputy = args.deputy.map(|account| DeputyWish {
        account,
        sectors: args.deputy_sectors.map(|all| all.into_iter().collect()),
        links: args.deputy_links,
    });
    Ok(people::grant_leave(ports, &act, &args.account, wish).await?)
}

pub(super) async fn answer(ports: &Ports, args: AnswerArgs) -> anyhow::Result<Account> {
    let act = setup::act(ports, "command");
    Ok(match args.answer {
        Answer::Approve => {
            let approver = args.approver.unwrap_or_default();
            people::approve_leave(ports, &act, &args.account, &approver).await?
        }
        Answer::Refuse => {
            let reason = args.reason.unwrap_or_default();
            people::refuse_leave(ports, &act, &args.account, &reason).await?
        }
    })
}

pub(super) async fn requests(ports: &Ports, shown: &Shown) -> anyhow::Result<ExitCode> {
    let asked = people::leave_requests(ports).await?;
    if shown.format == PrintAs::Json {
        json(&asked)?;
        return Ok(exit::DONE);
    }
    let reading = shown.reading(ports).await;
    let titles = [
        reading.pick("Namn", "Name"),
        reading.pick("Användarnamn", "User name"),
        reading.pick("Från och med", "From"),
        reading.pick("Till och med", "Until"),
        reading.pick("Begärd", "Asked"),
    ];
    let day = |at: Timestamp| reading.date(at);
    let rows = asked.iter().map(|one| {
        vec![
            one.display_name.clone(),
            one.user_name.clone(),
            day(one.from),
            reading.last_day_before(one.until),
            minute(one.asked_at, &reading),
        ]
    });
    table(&titles, rows);
    Ok(exit::DONE)
}
