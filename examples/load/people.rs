//! The invented people: what is sent about them, and what must come back.
//!
//! Invariant: a person's number says everything about them, so that every answer can be checked.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::client::{Answer, Ask, Connection};
use crate::measure::Tally;
use crate::place::Daemon;

/// A person of the directory.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// Which: everything else follows from it.
    pub(crate) number: usize,
    /// The id that the daemon issued.
    pub(crate) id: String,
}

impl Person {
    /// The user name.
    pub(crate) fn user_name(&self) -> String {
        user_name(self.number)
    }
}

/// The user name of a person.
pub(crate) fn user_name(number: usize) -> String {
    format!("p{number}@forening.example")
}

/// The id that the identity provider gave the person.
pub(crate) fn external_id(number: usize) -> String {
    format!("7c1e0000-0000-4000-8000-{number:012}")
}

/// The person whole, as Entra sends one.
pub(crate) fn document(number: usize, title: &str) -> String {
    let (name, external) = (user_name(number), external_id(number));
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],"externalId":"{external}","userName":"{name}","active":true,"userType":"Member","displayName":"Åsa Öberg {number}","name":{{"givenName":"Åsa","familyName":"Öberg {number}","formatted":"Åsa Öberg {number}"}},"title":"{title}","preferredLanguage":"sv","emails":[{{"value":"{name}","type":"work","primary":true}}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{{"employeeNumber":"{number}","department":"Föreningen"}}}}"#
    )
}

/// A PATCH of one attribute; `value` is JSON.
pub(crate) fn patch(attribute: &str, value: &str) -> String {
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{{"op":"replace","path":"{attribute}","value":{value}}}]}}"#
    )
}

/// What of a person's document is looked at.
#[derive(Debug, Deserialize)]
pub(crate) struct Shown<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, rename = "userName")]
    user_name: Cow<'a, str>,
    #[serde(borrow, default)]
    title: Cow<'a, str>,
    active: Option<bool>,
}

impl<'a> Shown<'a> {
    /// The id that the daemon gave.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Reads an answer that must be that person.
    pub(crate) fn read(answer: Answer<'a>, status: u16, number: usize) -> anyhow::Result<Self> {
        let shown: Self = body(answer, status)?;
        ensure!(shown.user_name == user_name(number), "another person came back: {}", shown.user_name);
        Ok(shown)
    }

    /// Demands that it is this one.
    pub(crate) fn is(&self, person: &Person) -> anyhow::Result<()> {
        ensure!(self.id == person.id, "another id came back: {} for {}", self.id, person.id);
        Ok(())
    }

    /// Demands that what was written is shown.
    pub(crate) fn has(&self, wrote: &Wrote) -> anyhow::Result<()> {
        match wrote {
            Wrote::Title(title) => ensure!(self.title == *title, "title is {:?}, not {title:?}", self.title),
            Wrote::Active(active) => {
                ensure!(self.active == Some(*active), "active is {:?}, not {active}", self.active);
            }
        }
        Ok(())
    }
}

/// What a request changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wrote {
    /// The title, to this.
    Title(String),
    /// Whether the person is active.
    Active(bool),
}

/// Reads a JSON answer of that status.
///
/// # Errors
///
/// When the status is another or the body is of another shape.
pub(crate) fn body<'a, T: Deserialize<'a>>(answer: Answer<'a>, status: u16) -> anyhow::Result<T> {
    ensure!(answer.status == status, "answered {}: {}", answer.status, answer.begins());
    serde_json::from_slice(answer.body).with_context(|| answer.begins())
}

/// The daemon as callers see it.
#[derive(Debug)]
pub(crate) struct Wire {
    /// Where it listens.
    pub(crate) address: std::net::SocketAddr,
    /// What every SCIM path begins with.
    pub(crate) scim: String,
    /// A token of the directory.
    pub(crate) token: String,
    /// A token of the CRM.
    pub(crate) crm_token: String,
    /// Its process.
    pub(crate) process: u32,
    /// How many callers ask at once.
    pub(crate) callers: usize,
    /// The people that every row asks about; those whom a row creates are not among them.
    pub(crate) people: Vec<Person>,
    next: AtomicUsize,
}

impl Wire {
    /// The way to a daemon that knows nobody yet.
    pub(crate) fn new(daemon: &Daemon, callers: usize) -> Self {
        Self {
            address: daemon.address,
            scim: daemon.scim.clone(),
            token: daemon.token.clone(),
            crm_token: daemon.crm_token.clone(),
            process: daemon.pid(),
            callers,
            people: Vec::new(),
            next: AtomicUsize::new(0),
        }
    }

    /// The number of somebody who is not there yet.
    pub(crate) fn newcomer(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// A person of all, by any number.
    pub(crate) fn any(&self, n: usize) -> anyhow::Result<&Person> {
        self.people.get(n % self.people.len().max(1)).context("nobody is there")
    }

    /// A person whom only caller `caller` changes, by any number.
    pub(crate) fn own(&self, caller: usize, n: usize) -> anyhow::Result<&Person> {
        let each = (self.people.len() / self.callers).max(1);
        self.people.get((n % each) * self.callers + caller).context("fewer people than callers")
    }
}

/// Somebody who asks.
#[derive(Debug)]
pub(crate) struct Caller {
    /// Which, from 0.
    pub(crate) number: usize,
    /// Its connection.
    pub(crate) connection: Connection,
    /// What it wrote last, a few of them.
    pub(crate) wrote: Vec<(Person, Wrote)>,
    /// Whom it has deactivated and not yet brought back.
    pub(crate) away: Option<Person>,
    /// How often it was asked to do something.
    pub(crate) turn: usize,
    seed: u64,
}

/// So many of its last writes each caller remembers, to read them back.
const REMEMBERED: usize = 4;

impl Caller {
    /// Caller `number` of a daemon.
    pub(crate) fn new(wire: &Wire, number: usize) -> Self {
        let seed = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number as u64 + 1);
        Self {
            number,
            connection: Connection::new(wire.address),
            wrote: Vec::new(),
            away: None,
            turn: 0,
            seed,
        }
    }

    /// Any number, the same ones in each run.
    pub(crate) fn any(&mut self) -> usize {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.seed >> 33).unwrap_or_default()
    }

    /// Keeps what was written.
    pub(crate) fn remember(&mut self, person: &Person, wrote: Wrote) {
        self.wrote.retain(|(known, _)| known.number != person.number);
        if self.wrote.len() == REMEMBERED {
            self.wrote.remove(0);
        }
        self.wrote.push((person.clone(), wrote));
    }
}

/// Creates one person and gives the id.
///
/// # Errors
///
/// When the answer is not that person.
pub(crate) async fn create(
    connection: &mut Connection,
    wire: &Wire,
    number: usize,
) -> anyhow::Result<Person> {
    let (path, body) = (format!("{}/Users", wire.scim), document(number, "Medhjälpare"));
    let ask = Ask { method: "POST", path: &path, token: &wire.token, body: Some(&body), ..Ask::GET };
    let shown = Shown::read(connection.ask(ask).await?, 201, number)?;
    ensure!(shown.active == Some(true), "a new person is not active");
    Ok(Person { number, id: shown.id().to_owned() })
}

/// Creates people until there are `wanted`, from every connection.
///
/// # Errors
///
/// When an answer is not as it should be.
pub(crate) async fn fill(mut wire: Wire, wanted: usize) -> anyhow::Result<Wire> {
    let shared = Arc::new(wire);
    let mut tasks = Vec::new();
    for _ in 0..shared.callers {
        let wire = Arc::clone(&shared);
        tasks.push(tokio::spawn(async move {
            let (mut connection, mut made) = (Connection::new(wire.address), Vec::new());
            loop {
                let number = wire.newcomer();
                if number >= wanted {
                    return anyhow::Ok(made);
                }
                made.push(create(&mut connection, &wire, number).await?);
            }
        }));
    }
    let mut people = Vec::new();
    for task in tasks {
        people.extend(task.await??);
    }
    people.sort_by_key(|person| person.number);
    wire = Arc::into_inner(shared).context("a caller still works")?;
    wire.people = people;
    Ok(wire)
}

/// Reads back what callers wrote last.
pub(crate) async fn read_back(wire: &Wire, callers: &[Caller], tally: &mut Tally) {
    let mut connection = Connection::new(wire.address);
    for (person, wrote) in callers.iter().flat_map(|caller| &caller.wrote) {
        if let Err(error) = still(&mut connection, wire, person, wrote).await {
            tally.note(&error.context(format!("{} read back", person.user_name())));
        }
    }
}

async fn still(
    connection: &mut Connection,
    wire: &Wire,
    person: &Person,
    wrote: &Wrote,
) -> anyhow::Result<()> {
    let path = format!("{}/Users/{}", wire.scim, person.id);
    let ask = Ask { method: "GET", path: &path, token: &wire.token, body: None, ..Ask::GET };
    let shown = Shown::read(connection.ask(ask).await?, 200, person.number)?;
    shown.is(person)?;
    shown.has(wrote)
}

/// The status of a person's account, as the CRM is told of it.
///
/// # Errors
///
/// When the account cannot be read.
pub(crate) async fn status(
    connection: &mut Connection,
    wire: &Wire,
    person: &Person,
) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Told {
        account: Account,
    }
    #[derive(Deserialize)]
    struct Account {
        status: String,
    }
    let path = format!("/api/v1/accounts/{}", person.user_name());
    let ask = Ask { method: "GET", path: &path, token: &wire.crm_token, body: None, ..Ask::GET };
    let answer = connection.ask(ask).await?;
    let read: Result<Told, _> = body(answer, 200);
    match read {
        Ok(told) => Ok(told.account.status),
        Err(error) => bail!("the account of {}: {error:#}", person.user_name()),
    }
}
