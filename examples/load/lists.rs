//! Pages of a long list: the thousandth against the first.
//!
//! Invariant: the whole list is walked once, and everybody is on it exactly once.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Context, ensure};

use crate::client::{Answer, Ask, Connection};
use crate::measure::median;
use crate::people::{Wire, body};
use crate::requests::List;
use crate::table::{Aim, Row};

/// The page that is compared with the first, where there are so many.
const DEEP: usize = 1_000;
/// How often each of the two is read.
const TIMES: usize = 200;

/// Measures the pages.
///
/// # Errors
///
/// When an answer is not as it should be.
pub(crate) async fn pages(wire: &Wire) -> anyhow::Result<Vec<Row>> {
    let mut reader = Reader { wire, connection: Connection::new(wire.address) };
    let (cursors, listed) = reader.walk().await?;
    let deep = (listed / 100).clamp(1, DEEP);
    let cursor = cursors.get(deep - 1).context("a page")?.clone();
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        first.push(reader.timed("").await?);
        last.push(reader.timed(&cursor).await?);
    }
    let ratio = median(last.iter().zip(&first).map(|(last, first)| last / first).collect());
    let (first, last) = (median(first), median(last));
    let row = Row::new("list", format!("list of 100: page {deep} by cursor"), last, "ms");
    Ok(vec![row.beside("page 1", first, ratio).aim(Aim::AtMost(1.1))])
}

struct Reader<'a> {
    wire: &'a Wire,
    connection: Connection,
}

impl Reader<'_> {
    /// Reads every page; gives the cursor of each, and how many people are listed.
    async fn walk(&mut self) -> anyhow::Result<(Vec<String>, usize)> {
        let (mut cursors, mut seen, mut cursor) = (Vec::new(), BTreeSet::new(), String::new());
        loop {
            cursors.push(cursor.clone());
            let page = self.read(&cursor).await?;
            for shown in &page.resources {
                ensure!(seen.insert(shown.id().to_owned()), "{} is on two pages", shown.id());
            }
            let (next, total) = (page.next.clone(), page.total);
            if let Some(next) = next {
                cursor = next;
                continue;
            }
            let known = self.wire.people.iter().filter(|person| seen.contains(&person.id)).count();
            ensure!(known == self.wire.people.len(), "{known} of the people are on the list");
            ensure!(seen.len() as u64 == total, "{} are listed and {total} are told", seen.len());
            return Ok((cursors, seen.len()));
        }
    }

    async fn read(&mut self, cursor: &str) -> anyhow::Result<List<'_>> {
        body(self.ask(cursor).await?, 200)
    }

    async fn ask(&mut self, cursor: &str) -> anyhow::Result<Answer<'_>> {
        let path = format!("{}/Users?count=100&cursor={cursor}", self.wire.scim);
        let ask = Ask { method: "GET", path: &path, token: &self.wire.token, body: None, ..Ask::GET };
        self.connection.ask(ask).await
    }

    /// How long the daemon takes for a page, in milliseconds.
    async fn timed(&mut self, cursor: &str) -> anyhow::Result<f64> {
        let began = Instant::now();
        let answer = self.ask(cursor).await?;
        let took = began.elapsed();
        let page: List<'_> = body(answer, 200)?;
        ensure!(page.resources.len() == 100, "a page of {}", page.resources.len());
        Ok(took.as_secs_f64() * 1000.0)
    }
}
