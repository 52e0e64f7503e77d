//! The requests that many callers repeat at the same time, one type for each kind.
//!
//! Invariant: every answer is checked for its status, for the id and for what was changed; a caller changes only people
//! of its own, so that what it wrote last is what must be there.

use std::sync::Arc;

use anyhow::ensure;
use serde::Deserialize;

use crate::client::{Ask, Connection};
use crate::measure::Work;
use crate::people::{self, Caller, Person, Shown, Wire, Wrote, body};

/// What a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `GET /Users/{id}`.
    Get,
    /// `GET /Users?filter=userName eq "…"`.
    ByUserName,
    /// `GET /Users?filter=externalId eq "…"`.
    ByExternalId,
    /// `POST /Users`.
    Create,
    /// `PATCH /Users/{id}`: `active`, to false and back.
    PatchActive,
    /// `PATCH /Users/{id}`: `title`.
    PatchTitle,
    /// `PUT /Users/{id}`.
    Put,
    /// 40 % filter, 40 % get, 10 % PATCH, 5 % PUT, 5 % create.
    Mixed,
    /// `POST /access/v1/evaluation`, about anybody.
    Access,
    /// The same, about the people who are at work.
    AccessAtWork,
}

/// People who are at work at the same time.
const AT_WORK: usize = 1_000;

/// The order of a mixed load, over and over.
const MIXED: [Kind; 20] = [
    Kind::ByUserName,
    Kind::Get,
    Kind::ByExternalId,
    Kind::Get,
    Kind::PatchTitle,
    Kind::ByUserName,
    Kind::Get,
    Kind::ByExternalId,
    Kind::Get,
    Kind::Put,
    Kind::ByUserName,
    Kind::Get,
    Kind::ByExternalId,
    Kind::Get,
    Kind::PatchActive,
    Kind::ByUserName,
    Kind::Get,
    Kind::ByExternalId,
    Kind::Get,
    Kind::Create,
];

/// Requests of one kind to the daemon.
#[derive(Debug)]
pub(crate) struct Requests {
    wire: Arc<Wire>,
    kind: Kind,
}

impl Requests {
    /// Requests of that kind.
    pub(crate) fn new(wire: &Arc<Wire>, kind: Kind) -> Self {
        Self { wire: Arc::clone(wire), kind }
    }

    /// Which kind.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    async fn get(&self, caller: &mut Caller) -> anyhow::Result<()> {
        let person = self.wire.any(caller.any())?;
        let path = format!("{}/Users/{}", self.wire.scim, person.id);
        let ask = Ask { method: "GET", path: &path, token: &self.wire.token, body: None, ..Ask::GET };
        Shown::read(caller.connection.ask(ask).await?, 200, person.number)?.is(person)
    }

    async fn find(&self, caller: &mut Caller, by: Kind) -> anyhow::Result<()> {
        let person = self.wire.any(caller.any())?;
        let (attribute, value) = match by {
            Kind::ByExternalId => ("externalId", people::external_id(person.number)),
            _ => ("userName", person.user_name()),
        };
        let path = format!("{}/Users?filter={attribute}%20eq%20%22{value}%22", self.wire.scim);
        let ask = Ask { method: "GET", path: &path, token: &self.wire.token, body: None, ..Ask::GET };
        let found: List<'_> = body(caller.connection.ask(ask).await?, 200)?;
        ensure!(found.total == 1, "{} were found for {attribute} {value}", found.total);
        ensure!(found.resources.len() == 1, "{} were shown", found.resources.len());
        found.resources.iter().try_for_each(|shown| shown.is(person))
    }

    async fn create(&self, caller: &mut Caller) -> anyhow::Result<()> {
        let made = people::create(&mut caller.connection, &self.wire, self.wire.newcomer()).await?;
        caller.remember(&made, Wrote::Active(true));
        Ok(())
    }

    async fn patch_active(&self, caller: &mut Caller) -> anyhow::Result<()> {
        if let Some(person) = caller.away.clone() {
            self.set_active(caller, &person, true).await?;
            caller.away = None;
        } else {
            let person = self.mine(caller)?;
            self.set_active(caller, &person, false).await?;
            caller.away = Some(person);
        }
        Ok(())
    }

    async fn set_active(&self, caller: &mut Caller, person: &Person, active: bool) -> anyhow::Result<()> {
        let body = people::patch("active", if active { "true" } else { "false" });
        self.change(caller, "PATCH", person, &body, Wrote::Active(active)).await
    }

    async fn patch_title(&self, caller: &mut Caller) -> anyhow::Result<()> {
        let (person, title) = (self.mine(caller)?, format!("Titel {}", caller.turn));
        let body = people::patch("title", &format!("\"{title}\""));
        self.change(caller, "PATCH", &person, &body, Wrote::Title(title)).await
    }

    async fn put(&self, caller: &mut Caller) -> anyhow::Result<()> {
        let (person, title) = (self.mine(caller)?, format!("Uppdrag {}", caller.turn));
        let body = people::document(person.number, &title);
        self.change(caller, "PUT", &person, &body, Wrote::Title(title)).await
    }

    /// A person of the caller's own who is not away.
    fn mine(&self, caller: &mut Caller) -> anyhow::Result<Person> {
        loop {
            let person = self.wire.own(caller.number, caller.any())?;
            if caller.away.as_ref().is_none_or(|away| away.number != person.number) {
                return Ok(person.clone());
            }
        }
    }

    async fn change(
        &self,
        caller: &mut Caller,
        method: &'static str,
        person: &Person,
        body: &str,
        wrote: Wrote,
    ) -> anyhow::Result<()> {
        let path = format!("{}/Users/{}", self.wire.scim, person.id);
        let ask = Ask { method, path: &path, token: &self.wire.token, body: Some(body), ..Ask::GET };
        let shown = Shown::read(caller.connection.ask(ask).await?, 200, person.number)?;
        shown.is(person)?;
        shown.has(&wrote)?;
        caller.remember(person, wrote);
        Ok(())
    }

    /// Asks about one of so many people.
    async fn access(&self, caller: &mut Caller, of: usize) -> anyhow::Result<()> {
        #[derive(Deserialize)]
        struct Decided {
            decision: bool,
        }
        let person = self.wire.any(caller.any() % of)?;
        let body_of = format!(
            r#"{{"subject":{{"type":"account","id":"{}"}},"action":{{"name":"view"}},"resource":{{"type":"mailing","id":"*"}}}}"#,
            person.user_name()
        );
        let (path, token) = ("/access/v1/evaluation", self.wire.crm_token.as_str());
        let ask = Ask { method: "POST", path, token, body: Some(&body_of), ..Ask::GET };
        let decided: Decided = body(caller.connection.ask(ask).await?, 200)?;
        ensure!(decided.decision, "{} was refused", person.user_name());
        Ok(())
    }

    /// Brings back those whom the callers have deactivated and not brought back yet.
    ///
    /// # Errors
    ///
    /// When an answer is not as it should be.
    pub(crate) async fn bring_back(&self, callers: &mut [Caller]) -> anyhow::Result<()> {
        for caller in callers {
            if caller.away.is_some() {
                self.patch_active(caller).await?;
            }
        }
        Ok(())
    }

    /// Deactivates somebody and looks at the account, then brings them back and looks again.
    ///
    /// # Errors
    ///
    /// When the account does not follow.
    pub(crate) async fn really_follows(&self, caller: &mut Caller) -> anyhow::Result<()> {
        let person = self.mine(caller)?;
        for (active, wanted) in [(false, "deactivated"), (true, "active")] {
            self.set_active(caller, &person, active).await?;
            let mut connection = Connection::new(self.wire.address);
            let status = people::status(&mut connection, &self.wire, &person).await?;
            ensure!(status == wanted, "active {active} was answered 200, and the account is {status}");
        }
        Ok(())
    }
}

impl Work for Requests {
    type Caller = Caller;

    fn caller(&self, number: usize) -> Caller {
        Caller::new(&self.wire, number)
    }

    async fn once(&self, caller: &mut Caller) -> anyhow::Result<u64> {
        caller.turn += 1;
        let kind = match self.kind {
            Kind::Mixed => MIXED.get(caller.turn % MIXED.len()).copied().unwrap_or(Kind::Get),
            kind => kind,
        };
        match kind {
            Kind::Get | Kind::Mixed => self.get(caller).await,
            by @ (Kind::ByUserName | Kind::ByExternalId) => self.find(caller, by).await,
            Kind::Create => self.create(caller).await,
            Kind::PatchActive => self.patch_active(caller).await,
            Kind::PatchTitle => self.patch_title(caller).await,
            Kind::Put => self.put(caller).await,
            Kind::Access => self.access(caller, usize::MAX).await,
            Kind::AccessAtWork => self.access(caller, AT_WORK).await,
        }
        .map(|()| 1)
    }

    fn process(&self) -> Option<u32> {
        Some(self.wire.process)
    }
}

/// An answer that lists people.
#[derive(Debug, Deserialize)]
pub(crate) struct List<'a> {
    /// How many there are in all.
    #[serde(rename = "totalResults")]
    pub(crate) total: u64,
    /// What the next page is asked for with.
    #[serde(rename = "nextCursor")]
    pub(crate) next: Option<String>,
    /// The people of this page.
    #[serde(borrow, rename = "Resources", default)]
    pub(crate) resources: Vec<Shown<'a>>,
}

/// An empty answer again and again: what the machine can do.
#[derive(Debug)]
pub(crate) struct Empty {
    /// Where the empty handler listens.
    pub(crate) address: std::net::SocketAddr,
    /// Its process.
    pub(crate) process: u32,
}

impl Work for Empty {
    type Caller = Connection;

    fn caller(&self, _: usize) -> Connection {
        Connection::new(self.address)
    }

    async fn once(&self, caller: &mut Connection) -> anyhow::Result<u64> {
        let answer = caller.ask(Ask { method: "GET", path: "/", token: "", body: None, ..Ask::GET }).await?;
        ensure!(answer.status == 200 && answer.body.is_empty(), "answered {}", answer.status);
        Ok(1)
    }

    fn process(&self) -> Option<u32> {
        Some(self.process)
    }
}
