//! What a CRM reads that asks for itself: everybody by changes, and everybody as a snapshot.
//!
//! Invariant: everybody comes exactly once, and a second look finds nobody.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::ensure;
use serde::Deserialize;

use crate::client::{Answer, Ask, Connection};
use crate::measure::count;
use crate::people::{Wire, body};
use crate::process;
use crate::table::{Aim, Row};

#[derive(Deserialize)]
struct Page {
    changes: Vec<State>,
    next: String,
    has_more: bool,
}

#[derive(Deserialize)]
struct State {
    account: Account,
}

#[derive(Deserialize)]
struct Account {
    id: String,
}

/// Reads everybody in both ways.
///
/// # Errors
///
/// When an answer is not as it should be.
pub(crate) async fn read(wire: &Wire) -> anyhow::Result<Vec<Row>> {
    let mut reader = Reader { wire, connection: Connection::new(wire.address) };
    // The first time everybody gets a place; from then on only who has changed.
    let (placed, first, _) = reader.walk("").await?;
    let (people, rate, cursor) = reader.walk("").await?;
    ensure!(placed == people && people >= wire.people.len(), "{placed} and then {people} came");
    let (again, ..) = reader.walk(&cursor).await?;
    ensure!(again == 0, "{again} came again");
    let what = format!("changes: {people} accounts, 5,000 a page");
    let changes = Row::new("changes", what, rate, "rows/s").aim(Aim::AtLeast(50_000.0));
    let changes = changes.note(format!("{first:.0} the first time, when places are given out"));

    process::forget_peak(wire.process)?;
    let began = Instant::now();
    let answer = reader.ask("/api/v1/snapshot").await?;
    ensure!(answer.status == 200, "answered {}: {}", answer.status, answer.begins());
    let lines = answer.body.split(|byte| *byte == b'\n').count() - 1;
    ensure!(lines == people + 2, "{lines} lines for {people} accounts");
    let rate = count(people as u64) / began.elapsed().as_secs_f64();
    let peak = process::memory(wire.process)?.peak;
    let snapshot = Row::new("changes", format!("snapshot of {people} accounts"), rate, "rows/s");
    Ok(vec![changes, snapshot.note(format!("memory at most {peak:.0} MiB"))])
}

struct Reader<'a> {
    wire: &'a Wire,
    connection: Connection,
}

impl Reader<'_> {
    /// How many came from a cursor on, how many a second, and the cursor behind them.
    async fn walk(&mut self, since: &str) -> anyhow::Result<(usize, f64, String)> {
        let (mut seen, mut cursor) = (BTreeSet::new(), since.to_owned());
        let mut took = 0.0;
        loop {
            let since = if cursor.is_empty() { String::new() } else { format!("&since={cursor}") };
            let began = Instant::now();
            let answer = self.ask(&format!("/api/v1/changes?limit=5000{since}")).await?;
            took += began.elapsed().as_secs_f64();
            let page: Page = body(answer, 200)?;
            for state in page.changes {
                ensure!(seen.insert(state.account.id), "somebody came twice");
            }
            cursor = page.next;
            if !page.has_more {
                return Ok((seen.len(), count(seen.len() as u64) / took, cursor));
            }
        }
    }

    async fn ask(&mut self, path: &str) -> anyhow::Result<Answer<'_>> {
        let ask = Ask { method: "GET", path, token: &self.wire.crm_token, body: None, ..Ask::GET };
        self.connection.ask(ask).await
    }
}
