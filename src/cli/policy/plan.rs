//! Prints what a policy would do.
//!
//! Invariant: the numbers hold everybody; names are the first of them, and `--format json` has all.

use serde_json::json;

use super::super::PrintAs;
use super::super::shown::{self, Shown, plain};
use crate::domain::days::Reading;
use crate::domain::policy::plan::{Counts, Group, PolicyPlan};
use crate::flows::policies::{Applied, Proposal};

/// Prints a plan.
pub(super) fn show(proposal: &Proposal, shown: &Shown, reading: &Reading) -> anyhow::Result<()> {
    if shown.format == PrintAs::Json {
        return shown::json(&proposal.view());
    }
    for warning in &proposal.warnings {
        eprintln!("{warning}");
    }
    let plan = &proposal.plan;
    let says = |sv: &str, en: &str| reading.pick(sv, en);
    println!("{} {}", says("Plan", "Plan"), plan.hash);
    let follows = match plan.follows {
        0 => says("den första policyn", "the first policy"),
        number => reading.pick(format!("efter version {number}"), format!("after version {number}")),
    };
    println!("{follows} · {} {}", plan.population, says("konton", "accounts"));
    if plan.is_in_force {
        println!("{}", says("Texten gäller redan.", "This text is in force already."));
    }
    for stop in &plan.stops {
        println!("{}: {}", says("Stannar", "Stops"), stop.sentence(&proposal.policy, reading));
    }
    println!();
    numbers(plan, reading);
    for group in &plan.groups {
        println!();
        tell(group, reading);
    }
    rest(proposal, reading);
    if plan.is_stopped() {
        println!("\nportvakt policy apply --plan {} --release --reason \"…\"", plan.hash);
    } else if !plan.is_in_force {
        println!("\nportvakt policy apply --plan {}", plan.hash);
    }
    Ok(())
}

fn numbers(plan: &PolicyPlan, reading: &Reading) {
    if plan.changed == 0 {
        println!("{}", reading.pick("Ingens åtkomst ändras.", "Nobody's access changes."));
    } else {
        println!(
            "{}",
            reading.pick(
                format!("{} konton berörs, {} förlorar något.", plan.changed, plan.taken),
                format!("{} account(s) are touched, {} lose something.", plan.changed, plan.taken),
            )
        );
        counted(plan.rights.iter(), "", reading);
        items(plan.items.gained, plan.items.lost, "", reading);
    }
    if plan.rewritten > 0 {
        println!(
            "{}",
            reading.pick(
                format!("{} konton behåller allt men får det av en annan regel.", plan.rewritten),
                format!("{} account(s) keep everything and have it by another rule.", plan.rewritten),
            )
        );
    }
}

/// "role:board  +3  −1".
fn counted<'a>(rights: impl Iterator<Item = (&'a String, &'a Counts)>, indent: &str, reading: &Reading) {
    for (what, Counts { gain, lose }) in rights {
        let words = match (gain, lose) {
            (gain, 0) => reading.pick(format!("{gain} får"), format!("{gain} gain")),
            (0, lose) => reading.pick(format!("{lose} förlorar"), format!("{lose} lose")),
            (gain, lose) => {
                reading.pick(format!("{gain} får, {lose} förlorar"), format!("{gain} gain, {lose} lose"))
            }
        };
        println!("{indent}  {what}: {words}");
    }
}

fn items(gained: u64, lost: u64, indent: &str, reading: &Reading) {
    if gained + lost > 0 {
        let sv = format!("föremål: {gained} blir synliga, {lost} syns inte längre");
        let en = format!("items: {gained} come into sight, {lost} go out of it");
        println!("{indent}  {}", reading.pick(sv, en));
    }
}

fn tell(group: &Group, reading: &Reading) {
    let cause = group.cause.words(reading);
    println!(
        "{cause}: {}",
        reading.pick(
            format!("{} konton, {} förlorar något", group.accounts, group.taken),
            format!("{} account(s), {} lose something", group.accounts, group.taken),
        )
    );
    counted(group.rights.iter(), "", reading);
    counted(group.actions.iter(), "", reading);
    items(group.items.gained, group.items.lost, "", reading);
    let named: Vec<String> = group.named.iter().map(|name| plain(name)).collect();
    let more = u64::try_from(named.len()).is_ok_and(|shown| shown < group.accounts);
    println!("  {}{}", named.join(", "), if more { " …" } else { "" });
}

fn rest(proposal: &Proposal, reading: &Reading) {
    let plan = &proposal.plan;
    if !plan.held_back.is_empty() {
        println!(
            "\n{}",
            reading.pick("Hålls kvar tills någon annan har det:", "Held back until somebody else holds it:")
        );
        for one in &plan.held_back {
            println!("  {} ({})", plain(&one.user_name), one.by.join(", "));
        }
    }
    if !plan.doubts.is_empty() {
        println!("\n{}", reading.pick("Att se över:", "To look at:"));
        for doubt in &plan.doubts {
            println!("  {}", doubt.sentence(&proposal.policy, reading));
        }
    }
}

/// Says that a policy is in force.
pub(super) fn applied(applied: &Applied, shown: &Shown) -> anyhow::Result<()> {
    if shown.format == PrintAs::Json {
        return shown::json(&json!({ "version": applied.number, "is_new": applied.is_new,
            "changed": applied.changed }));
    }
    if applied.is_new {
        println!("policy version {} is in force; {} account(s) changed", applied.number, applied.changed);
    } else {
        println!("nothing to do: this text is in force already, as version {}", applied.number);
    }
    Ok(())
}
