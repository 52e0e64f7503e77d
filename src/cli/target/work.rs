//! What `portvakt target …` does beyond looking.
//!
//! Invariant: with `--dry-run` nothing is changed, and what is listed is what would be done.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use jiff::SignedDuration;
use tokio::time::{Instant, sleep};

use super::print;
use crate::cli::{PrintAs, exit, setup};
use crate::flows::Ports;
use crate::flows::targets::replays::{self, Again};
use crate::flows::targets::{self, Which, drain as draining};

/// How often a queue that somebody else empties is looked at.
const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn test(ports: &Ports, name: &str, format: PrintAs) -> anyhow::Result<ExitCode> {
    let target = targets::find(ports, name)?;
    let findings = ports.crms.get(&target)?.test(ports.clock.now()).await;
    print::rows(format, &findings, print::finding)?;
    Ok(if findings.iter().all(|finding| finding.is_good) { exit::DONE } else { exit::refused() })
}

pub(super) async fn replay(ports: &Ports, name: &str, again: &Again, dry_run: bool) -> anyhow::Result<()> {
    let target = targets::find(ports, name)?;
    let count = replays::count(ports, &target, again).await?;
    if dry_run {
        println!("target {target} would be told again of {count} account(s); nothing was done");
        return Ok(());
    }
    replays::begin(ports, &setup::act(ports, "command"), &target, again).await?;
    println!("target {target} is told again of {count} account(s), behind everything that changed");
    Ok(())
}

pub(super) async fn drain(ports: &Ports, name: &str, within: SignedDuration) -> anyhow::Result<ExitCode> {
    let target = targets::find(ports, name)?;
    let end = Instant::now() + Duration::try_from(within).context("the time must not be negative")?;
    let hastened = draining::begin(ports, &setup::act(ports, "command"), &target).await?;
    eprintln!("{hastened} account(s) had to wait and are due now");
    let mut before = None;
    loop {
        let left = draining::step(ports, &target).await?;
        if left.waiting == 0 {
            println!("nothing waits for target {target}; {} dead letter(s)", left.dead);
            return Ok(exit::DONE);
        }
        if Instant::now() >= end {
            println!(
                "{} account(s) still wait for target {target}; why: portvakt target show {target}",
                left.waiting
            );
            return Ok(exit::refused());
        }
        if before != Some(left) {
            eprintln!("{} account(s) wait", left.waiting);
        }
        before = Some(left);
        sleep(LOOK).await;
    }
}

pub(super) async fn resend(ports: &Ports, name: &str, which: &Which, dry_run: bool) -> anyhow::Result<()> {
    let target = targets::find(ports, name)?;
    if dry_run {
        return listed(ports, name, which, "would be sent again").await;
    }
    let count = targets::resend(ports, &setup::act(ports, "command"), &target, which).await?;
    println!("{count} dead letter(s) of target {target} are sent again, as their accounts stand now");
    Ok(())
}

pub(super) async fn drop_letters(
    ports: &Ports,
    name: &str,
    which: &Which,
    reason: &str,
    dry_run: bool,
) -> anyhow::Result<()> {
    let target = targets::find(ports, name)?;
    anyhow::ensure!(!reason.trim().is_empty(), "the reason is empty; the audit keeps it with each letter");
    if dry_run {
        return listed(ports, name, which, "would be put away").await;
    }
    let count = targets::drop_letters(ports, &setup::act(ports, reason.trim()), &target, which).await?;
    println!(
        "{count} dead letter(s) of target {target} were put away; the next change of each account is told all the same"
    );
    Ok(())
}

async fn listed(ports: &Ports, name: &str, which: &Which, what: &str) -> anyhow::Result<()> {
    let target = targets::find(ports, name)?;
    let letters = targets::dead(ports, &target, which).await?;
    print::rows(PrintAs::Text, &letters, print::letter)?;
    println!("{} dead letter(s) of target {target} {what}; nothing was done", letters.len());
    Ok(())
}
