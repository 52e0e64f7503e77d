//! The console's list of people among everybody: narrowed three times, beside a page with nobody on it.
//!
//! Invariant: before each page something is written, so that the daemon reads and counts anew; every page holds what it
//! should.

use std::time::Instant;

use anyhow::{Context, ensure};

use crate::client::{Ask, Connection};
use crate::measure::median;
use crate::people::{Wire, external_id, patch};
use crate::sso;
use crate::table::{Aim, Row};

/// How often each page is asked for.
const TIMES: usize = 50;
/// A page with nobody on it.
const EMPTY: &str = "/people?q=nobodyofthatname";
/// A page weighs no more than this.
const HEAVIEST: usize = 100_000;
/// Lists with three filters, with who fits and whether anybody does: everybody; the hundredth part that a word leaves; nobody,
/// which only going through everybody tells.
const LISTS: &[(&str, &str, bool)] = &[
    ("everybody fits", "/people?limited=yes&sector=mailings&directory=load&sort=seen", true),
    ("the beginning of a user name", "/people?q=p77%40forening.example&limited=yes&directory=load", true),
    ("nobody fits", "/people?limited=no&signed=never&role=helper", false),
];

/// Measures the first byte, which comes when the whole page is made.
///
/// # Errors
///
/// When an answer is not as it should be.
pub(crate) async fn list(wire: &Wire) -> anyhow::Result<Vec<Row>> {
    let mut connection = Connection::new(wire.address);
    let steward = wire.newcomer();
    let document = crate::people::document(steward, "Ansvarig").replace("\"Member\"", "\"Steward\"");
    let path = format!("{}/Users", wire.scim);
    let ask = Ask { method: "POST", path: &path, token: &wire.token, body: Some(&document), ..Ask::GET };
    ensure!(connection.ask(ask).await?.status == 201, "the steward {} was not made", external_id(steward));
    let session = sso::sign_in(&mut connection, steward).await?;
    let mut reader = Reader { wire, connection, session, turn: 0 };
    let mut rows = Vec::new();
    for (what, address, has_people) in LISTS {
        let (mut empty, mut full, mut weight) = (Vec::new(), Vec::new(), 0);
        for _ in 0..TIMES {
            empty.push(reader.timed(EMPTY, false).await?.0);
            let (took, bytes) = reader.timed(address, *has_people).await?;
            full.push(took);
            weight = bytes;
        }
        ensure!(weight < HEAVIEST, "{address} weighs {weight} bytes");
        let ratio = median(full.iter().zip(&empty).map(|(full, empty)| full / empty).collect());
        let row = Row::new("console", format!("people, three filters: {what}"), median(full), "ms");
        let row = row.beside("empty page", median(empty), ratio).aim(Aim::AtMost(5.0));
        rows.push(row.note(format!("{weight} bytes")));
    }
    let start = reader.timed("/", false).await?;
    rows.push(Row::new("console", "start page", start.0, "ms").note(format!("{} bytes", start.1)));
    Ok(rows)
}

struct Reader<'a> {
    wire: &'a Wire,
    connection: Connection,
    session: String,
    turn: usize,
}

impl Reader<'_> {
    /// How long the daemon takes for a page after something was written, in milliseconds, and how much it weighs.
    async fn timed(&mut self, address: &str, has_people: bool) -> anyhow::Result<(f64, usize)> {
        self.turn += 1;
        let person = self.wire.any(self.turn)?;
        let path = format!("{}/Users/{}", self.wire.scim, person.id);
        let body = patch("title", &format!("\"Titel {}\"", self.turn));
        let ask =
            Ask { method: "PATCH", path: &path, token: &self.wire.token, body: Some(&body), ..Ask::GET };
        let status = self.connection.ask(ask).await?.status;
        ensure!(status == 200, "a title was answered {status}");
        let began = Instant::now();
        let ask = Ask { path: address, cookie: &self.session, ..Ask::GET };
        let answer = self.connection.ask(ask).await?;
        let took = began.elapsed().as_secs_f64() * 1_000.0;
        ensure!(answer.status == 200, "{address} answered {}: {}", answer.status, answer.begins());
        let page = std::str::from_utf8(answer.body).context("a page is text")?;
        ensure!(page.contains("class=\"pick\"") == has_people, "{address}: {}", answer.begins());
        Ok((took, answer.body.len()))
    }
}
