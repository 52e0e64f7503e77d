//! The lifecycle over everybody, and the reports: how long they take, what memory they need, and what others wait for.
//!
//! Invariant: the commands are the operator's own, from their start to their end; the rows of a report are counted.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rusqlite::Connection as Lite;
use sqlx::{Connection as _, PgConnection};

use crate::client::{Ask, Connection};
use crate::measure::count;
use crate::people::Wire;
use crate::place::{self, Scratch};
use crate::process;
use crate::rows::Bed;
use crate::table::{Aim, Row};

/// So many accounts are closed by one run.
const CLOSED: usize = 10_000;

/// What the policy asks for; the rest of it stays.
const RULE: &str = "id = \"everyone\"\nevidence = [\"sso\", \"crm\"]";

/// The lifecycle of the people of a daemon.
#[derive(Debug)]
pub(crate) struct Lifecycle<'l> {
    /// The program.
    pub(crate) binary: &'l Path,
    /// Where its database is.
    pub(crate) scratch: &'l Scratch,
    /// The people.
    pub(crate) wire: &'l Arc<Wire>,
}

impl Lifecycle<'_> {
    /// A plan over everybody, and a run that closes ten thousand of them while others work.
    ///
    /// # Errors
    ///
    /// When a command fails, or the run did not close whom it should.
    pub(crate) async fn rows(&self, bed: &Bed) -> anyhow::Result<Vec<Row>> {
        let people = self.wire.people.len();
        let closed = CLOSED.min(people / 2);
        self.grow_old(closed).await?;
        let text = include_str!("policy.toml")
            .replace("mode = \"observe\"", "mode = \"enforce\"")
            .replace(RULE, "id = \"everyone\"\nevidence = [\"sso\"]\nnever_signed_in_after = \"30d\"");
        place::with_policy(self.binary, self.scratch, &text, &["policy", "apply"])?;
        let began = Instant::now();
        self.command(&["lifecycle", "plan", "--format", "json"])?;
        let plan = began.elapsed().as_secs_f64();
        let aim = Aim::AtMost(f64::from(u32::try_from(people)?) / 50_000.0);
        let planned = Row::new("lifecycle", format!("lifecycle plan over {people} accounts"), plan, "s")
            .aim(aim)
            .note(format!("the whole command; {closed} steps"));
        let batch = bed.batch().await?;
        let (took, longest) = self.apply().await?;
        let rate = count(closed as u64) / took;
        let applied = Row::new("lifecycle", format!("lifecycle apply of {closed} steps"), rate, "/s")
            .beside("100 inserts a commit", batch, rate / batch)
            .aim(Aim::AtLeast(0.2))
            .note(format!("the whole command, the plan in it: {took:.1} s"));
        let others =
            Row::new("lifecycle", "… GET of others meanwhile", longest, "ms").aim(Aim::AtMost(1000.0));
        Ok(vec![planned, applied, others.note("the longest")])
    }

    /// Lets the accounts of the first people be as old as if they had come last year.
    async fn grow_old(&self, first: usize) -> anyhow::Result<()> {
        const OLDER: i64 = 400 * 86_400_000_000;
        let sql = format!(
            "UPDATE account SET created_at = created_at - {OLDER}, activated_at = NULL WHERE id IN
                (SELECT id FROM account ORDER BY id LIMIT {first})"
        );
        if let Some(file) = self.scratch.database.strip_prefix("sqlite:") {
            let conn = Lite::open(file)?;
            conn.busy_timeout(Duration::from_secs(30))?;
            conn.execute_batch(&sql)?;
        } else {
            let mut conn = PgConnection::connect(&self.scratch.database).await?;
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut conn).await?;
            conn.close().await?;
        }
        Ok(())
    }

    /// Runs `lifecycle apply`; gives its seconds, and the longest that somebody else waited, in milliseconds.
    async fn apply(&self) -> anyhow::Result<(f64, f64)> {
        let is_over = Arc::new(AtomicBool::new(false));
        let (over_there, wire) = (Arc::clone(&is_over), Arc::clone(self.wire));
        let others = tokio::spawn(async move {
            let (mut connection, mut longest) = (Connection::new(wire.address), Duration::ZERO);
            let mut turn = 0;
            while !over_there.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(5)).await;
                let path = format!("{}/Users/{}", wire.scim, wire.any(turn * 7)?.id);
                let asked = Instant::now();
                let ask = Ask { method: "GET", path: &path, token: &wire.token, body: None, ..Ask::GET };
                ensure!(connection.ask(ask).await?.status == 200, "somebody was not found");
                longest = longest.max(asked.elapsed());
                turn += 1;
            }
            anyhow::Ok(longest)
        });
        let began = Instant::now();
        let (binary, folder) = (self.binary.to_owned(), self.scratch.folder.clone());
        let run = tokio::task::spawn_blocking(move || {
            place::command(&binary, &folder.join("portvakt.toml"), &["lifecycle", "apply"])
        });
        let told = run.await?;
        let took = began.elapsed().as_secs_f64();
        is_over.store(true, Ordering::Relaxed);
        let longest = others.await??;
        told.context("the run")?;
        Ok((took, longest.as_secs_f64() * 1000.0))
    }

    /// Everybody as JSON and as CSV: how long it takes, and the most memory that the daemon needs for it.
    ///
    /// # Errors
    ///
    /// When an answer is not whole.
    pub(crate) async fn reports(&self) -> anyhow::Result<Vec<Row>> {
        let (mut rows, pid) = (Vec::new(), self.wire.process);
        for form in ["json", "csv"] {
            process::forget_peak(pid)?;
            let before = process::memory(pid)?.now;
            let path = format!("/api/v1/reports/access?format={form}");
            let began = Instant::now();
            let ask = Ask { method: "GET", path: &path, token: &self.wire.crm_token, body: None, ..Ask::GET };
            let mut connection = Connection::new(self.wire.address);
            let answer = connection.ask(ask).await?;
            let took = began.elapsed().as_secs_f64();
            ensure!(answer.status == 200, "answered {}: {}", answer.status, answer.begins());
            let lines = answer.body.split(|byte| *byte == b'\n').count() - 1;
            ensure!(lines > self.wire.people.len(), "{lines} lines for {} people", self.wire.people.len());
            let more = process::memory(pid)?.peak - before;
            let what = format!("memory that everybody as {form} takes beside what was held");
            let note = format!("{took:.1} s; held before: {before:.0} MiB");
            rows.push(Row::new("reports", what, more, "MiB").aim(Aim::AtMost(64.0)).note(note));
        }
        Ok(rows)
    }

    fn command(&self, arguments: &[&str]) -> anyhow::Result<String> {
        place::command(self.binary, &self.scratch.folder.join("portvakt.toml"), arguments)
    }
}
