//! What a CRM is told: how fast a queue is emptied, and what a long one costs others.
//!
//! Invariant: the CRM counts what it took; the bare loop posts as many bytes over as many connections.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rusqlite::Connection as Lite;
use sqlx::{Connection as _, PgConnection};

use crate::client::{Ask, Connection};
use crate::measure::{Bench, Work, count, side_by_side};
use crate::people::Wire;
use crate::place::{self, Scratch};
use crate::requests::{Kind, Requests};
use crate::table::{Aim, Row};

/// So many accounts are told of.
const DRAINED: u64 = 10_000;
/// A target is told of so many at the same time.
const AT_ONCE: usize = 8;
/// Longer than this nothing may take.
const PATIENCE: Duration = Duration::from_mins(3);

/// The deliveries of a daemon whose CRM was switched off while its people came.
#[derive(Debug)]
pub(crate) struct Deliveries<'d> {
    /// The program.
    pub(crate) binary: &'d Path,
    /// Where its database is.
    pub(crate) scratch: &'d Scratch,
    /// The people.
    pub(crate) wire: &'d Arc<Wire>,
    /// Where the CRM listens.
    pub(crate) crm: SocketAddr,
    /// How long each measurement takes.
    pub(crate) time: Duration,
}

impl Deliveries<'_> {
    /// A change of a person while everybody waits to be told, the emptying of the queue, and the same change afterwards.
    ///
    /// # Errors
    ///
    /// When the CRM is not told, or a command fails.
    pub(crate) async fn rows(&self) -> anyhow::Result<Vec<Row>> {
        let crowded = self.titles().await?;
        self.ask("POST", "/hook/open").await?;
        place::command(
            self.binary,
            &self.scratch.folder.join("portvakt.toml"),
            &["target", "resume", "crm"],
        )?;
        let wanted = DRAINED.min(self.wire.people.len() as u64);
        let (rate, bytes) = self.drained(wanted).await?;
        let mut bare = Bench::new(Bare { crm: self.crm, body: "x".repeat(bytes) }, AT_ONCE);
        side_by_side(&mut [&mut bare], self.time).await?;
        self.ask("POST", "/hook/close").await?;
        self.forget().await?;
        let alone = self.titles().await?;
        let people = self.wire.people.len();
        Ok(vec![
            Row::new("drain", format!("{wanted} accounts told to a CRM that answers at once"), rate, "/s")
                .beside("a bare loop", bare.rate(), rate / bare.rate())
                .aim(Aim::AtLeast(0.3))
                .note(format!("{AT_ONCE} at a time, {bytes} bytes each, signed")),
            Row::new("drain", format!("PATCH title while {people} accounts wait to be told"), crowded, "/s")
                .beside("with none waiting", alone, crowded / alone)
                .aim(Aim::AtLeast(0.9)),
        ])
    }

    async fn titles(&self) -> anyhow::Result<f64> {
        let mut titles = Bench::new(Requests::new(self.wire, Kind::PatchTitle), self.wire.callers);
        side_by_side(&mut [&mut titles], self.time).await?;
        Ok(titles.rate())
    }

    /// Waits until the CRM has taken so many. Gives how many it took a second, from the first on, and the bytes of one.
    async fn drained(&self, wanted: u64) -> anyhow::Result<(f64, usize)> {
        let asked = Instant::now();
        let (mut first, mut last) = (None, (0, 0));
        loop {
            ensure!(asked.elapsed() < PATIENCE, "the CRM took {} of {wanted}", last.0);
            tokio::time::sleep(Duration::from_millis(5)).await;
            last = self.told().await?;
            let (since, before) = match first {
                None if last.0 == 0 => continue,
                None => *first.insert((Instant::now(), last.0)),
                Some(seen) => seen,
            };
            if last.0 >= wanted {
                return Ok((count(last.0 - before) / since.elapsed().as_secs_f64(), last.1));
            }
        }
    }

    /// How many the CRM took, and the bytes of the last.
    async fn told(&self) -> anyhow::Result<(u64, usize)> {
        let text = self.ask("GET", "/hook/told").await?;
        let (taken, bytes) = text.split_once(' ').context("the CRM does not say what it took")?;
        Ok((taken.parse()?, bytes.parse()?))
    }

    async fn ask(&self, method: &'static str, path: &str) -> anyhow::Result<String> {
        let mut connection = Connection::new(self.crm);
        let answer = connection.ask(Ask { method, path, ..Ask::GET }).await?;
        ensure!(answer.status == 200, "the CRM answered {}", answer.status);
        Ok(String::from_utf8_lossy(answer.body).into_owned())
    }

    /// Throws away what still waits.
    async fn forget(&self) -> anyhow::Result<()> {
        const SQL: &str = "DELETE FROM outbox";
        if let Some(file) = self.scratch.database.strip_prefix("sqlite:") {
            let conn = Lite::open(file)?;
            conn.busy_timeout(Duration::from_secs(30))?;
            conn.execute_batch(SQL)?;
        } else {
            let mut conn = PgConnection::connect(&self.scratch.database).await?;
            sqlx::query(SQL).execute(&mut conn).await?;
            conn.close().await?;
        }
        Ok(())
    }
}

/// The same requests, with nothing around them.
#[derive(Debug)]
struct Bare {
    crm: SocketAddr,
    body: String,
}

impl Work for Bare {
    type Caller = Connection;

    fn caller(&self, _: usize) -> Connection {
        Connection::new(self.crm)
    }

    async fn once(&self, caller: &mut Connection) -> anyhow::Result<u64> {
        let ask = Ask { method: "POST", path: "/hook", body: Some(&self.body), ..Ask::GET };
        let status = caller.ask(ask).await?.status;
        ensure!(status == 204, "answered {status}");
        Ok(1)
    }
}
