//! Searches among many items: what somebody sees, out of all that there is.
//!
//! Invariant: the person sees exactly the items of their own, and every one of them is looked at.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Ask, Connection};
use crate::groups::Groups;
use crate::measure::{count, median};
use crate::people::{Wire, body};
use crate::table::{Aim, Row};

/// Items that the person sees.
const THEIRS: usize = 1_000;
/// Events of one request.
const BATCH: usize = 1_000;
/// How often is searched.
const TIMES: usize = 200;

#[derive(Deserialize)]
struct Found {
    page: Page,
    results: Vec<Item>,
}

#[derive(Deserialize)]
struct Page {
    next_token: String,
}

#[derive(Deserialize)]
struct Item {
    id: String,
}

/// Measures a search that finds a thousand items before and after there are `items` of them.
///
/// # Errors
///
/// When an answer is not as it should be.
pub(crate) async fn search(wire: &Arc<Wire>, items: usize) -> anyhow::Result<Vec<Row>> {
    let person = wire.any(0)?.clone();
    Groups::new(wire).confine(&person).await?;
    let mut crm = Crm { wire, connection: Connection::new(wire.address) };
    let mine: Vec<Value> =
        (0..THEIRS).map(|number| created(&format!("mine-{number:06}"), &person.user_name())).collect();
    crm.tell(&mine).await?;
    let alone = crm.searched(&person.user_name()).await?;
    let (began, mut told) = (Instant::now(), THEIRS);
    while told < items {
        let events = (told..items.min(told + BATCH)).map(|number| {
            // Everybody but the one who searches.
            let by = wire.any(1 + number % (wire.people.len() - 1))?;
            Ok(created(&format!("other-{number:08}"), &by.user_name()))
        });
        let events = events.collect::<anyhow::Result<Vec<Value>>>()?;
        crm.tell(&events).await?;
        told += events.len();
    }
    let rate = count((told - THEIRS) as u64) / began.elapsed().as_secs_f64();
    let crowded = crm.searched(&person.user_name()).await?;
    let what = format!("search: {THEIRS} items that a person sees, of {items}");
    let row = Row::new("search", what, crowded, "ms")
        .beside("alone", alone, crowded / alone)
        .aim(Aim::AtMost(1.5))
        .note(format!("{rate:.0} item events a second before"));
    Ok(vec![row])
}

fn created(item: &str, by: &str) -> Value {
    json!({ "event": "created", "component": "note", "item": item, "by": by })
}

/// The CRM.
struct Crm<'a> {
    wire: &'a Wire,
    connection: Connection,
}

impl Crm<'_> {
    async fn tell(&mut self, events: &[Value]) -> anyhow::Result<()> {
        let sent = serde_json::to_string(events)?;
        let (path, token) = ("/api/v1/item-events", self.wire.crm_token.as_str());
        let ask = Ask { method: "POST", path, token, body: Some(&sent), ..Ask::GET };
        let answer = self.connection.ask(ask).await?;
        ensure!(answer.status == 200, "answered {}: {}", answer.status, answer.begins());
        Ok(())
    }

    /// How long a search takes in the middle, in milliseconds.
    async fn searched(&mut self, who: &str) -> anyhow::Result<f64> {
        let sent = json!({ "subject": { "type": "account", "id": who }, "action": { "name": "view" },
            "resource": { "type": "note" }, "page": { "limit": THEIRS + 1 } })
        .to_string();
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let (path, token) = ("/access/v1/search/resource", self.wire.crm_token.as_str());
            let ask = Ask { method: "POST", path, token, body: Some(&sent), ..Ask::GET };
            let began = Instant::now();
            let found: Found = body(self.connection.ask(ask).await?, 200)?;
            times.push(began.elapsed().as_secs_f64() * 1000.0);
            let seen: BTreeSet<&str> = found.results.iter().map(|item| item.id.as_str()).collect();
            ensure!(seen.len() == THEIRS && found.page.next_token.is_empty(), "{} are seen", seen.len());
            let other = seen.iter().find(|item| !item.starts_with("mine-"));
            ensure!(other.is_none(), "somebody else's item is seen: {}", other.context("an item")?);
        }
        Ok(median(times))
    }
}
