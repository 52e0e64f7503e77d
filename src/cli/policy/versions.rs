//! Prints the versions of the policy, how two of them differ, and where people hold something else than the rules say.
//!
//! Invariant: a version is printed as it was written.

use std::process::ExitCode;

use serde_json::json;

use super::super::shown::{self, Shown, minute, table};
use super::super::{PrintAs, exit};
use crate::flows::Ports;
use crate::flows::policies::{self, Drift, Drifted};

pub(super) async fn list(ports: &Ports, limit: i64, shown: &Shown) -> anyhow::Result<ExitCode> {
    let versions = policies::list(ports, None, limit).await?;
    if shown.format == PrintAs::Json {
        let listed: Vec<_> = versions
            .iter()
            .map(|one| {
                json!({ "version": one.number, "applied_at": one.applied_at.to_string(), "by": one.by,
                    "sha256": one.hash })
            })
            .collect();
        shown::json(&listed)?;
        return Ok(exit::DONE);
    }
    let reading = shown.reading(ports).await;
    let titles =
        [("Version", "Version"), ("Gäller sedan", "In force since"), ("Av", "By"), ("SHA-256", "SHA-256")];
    let titles: Vec<String> = titles.iter().map(|(sv, en)| reading.pick(*sv, *en)).collect();
    let row = |one: &crate::flows::policies::Version| {
        let short: String = one.hash.chars().take(12).collect();
        vec![one.number.to_string(), minute(one.applied_at, &reading), one.by.clone(), short]
    };
    table(&titles, versions.iter().map(row));
    Ok(exit::DONE)
}

pub(super) async fn show(ports: &Ports, number: Option<i64>) -> anyhow::Result<ExitCode> {
    let version = policies::show(ports, number).await?;
    print!(
        "# version {} in force since {} by {}\n# sha256 {}\n{}",
        version.number, version.applied_at, version.by, version.hash, version.text
    );
    Ok(exit::DONE)
}

pub(super) async fn compare(ports: &Ports, former: i64, new: i64, shown: &Shown) -> anyhow::Result<ExitCode> {
    let reading = shown.reading(ports).await;
    let comparison = policies::compare(ports, former, new, reading.language).await?;
    if shown.format == PrintAs::Json {
        shown::json(&json!({ "from": former, "to": new, "differences": comparison.sentences,
            "lines": comparison.lines }))?;
        return Ok(exit::DONE);
    }
    if comparison.sentences.is_empty() {
        println!("{}", reading.pick("De gör detsamma.", "They do the same."));
    }
    for sentence in &comparison.sentences {
        println!("• {sentence}");
    }
    if !comparison.lines.is_empty() {
        println!();
    }
    for line in &comparison.lines {
        println!("{line}");
    }
    Ok(exit::DONE)
}

pub(super) async fn drift(ports: &Ports, shown: &Shown) -> anyhow::Result<ExitCode> {
    let drifted = policies::drift(ports, ports.clock.now()).await?;
    if shown.format == PrintAs::Json {
        shown::json(&drifted)?;
        return Ok(exit::DONE);
    }
    let reading = shown.reading(ports).await;
    if drifted.is_empty() {
        println!(
            "{}",
            reading.pick("Alla har det som reglerna säger.", "Everybody holds what the rules say.")
        );
        return Ok(exit::DONE);
    }
    let titles = [
        ("Konto", "Account"),
        ("Vad", "What"),
        ("Hur", "How"),
        ("Av", "By"),
        ("Varför", "Why"),
        ("Sedan", "Since"),
        ("Till", "Until"),
    ];
    let titles: Vec<String> = titles.iter().map(|(sv, en)| reading.pick(*sv, *en)).collect();
    let how = |one: &Drifted| match &one.how {
        Drift::ByHand => reading.pick("för hand, ingen regel ger det", "by hand, no rule gives it"),
        Drift::AlsoByRule(rule) => reading
            .pick(format!("för hand, och av regeln {rule}"), format!("by hand, and by the rule {rule}")),
        Drift::HeldBack(rule) => reading.pick(
            format!("hålls kvar; regeln {rule} ger det inte längre"),
            format!("held back; the rule {rule} gives it no more"),
        ),
        Drift::Missing(rule) => reading.pick(
            format!("saknas, men regeln {rule} ger det"),
            format!("missing, but the rule {rule} gives it"),
        ),
    };
    let rows = drifted.iter().map(|one| {
        let at = |at: Option<jiff::Timestamp>| at.map(|at| minute(at, &reading)).unwrap_or_default();
        vec![
            one.user_name.clone(),
            one.what.clone(),
            how(one),
            one.by.clone().unwrap_or_default(),
            one.why.clone().unwrap_or_default(),
            at(one.since),
            at(one.ends_at),
        ]
    });
    table(&titles, rows);
    Ok(exit::DONE)
}
