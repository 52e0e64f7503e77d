//! The rows in which many callers repeat one kind of request, each beside what it is compared with.
//!
//! Invariant: the two take turns, slice by slice, so that whatever else the machine does falls on both.

use std::sync::Arc;
use std::time::Duration;

use crate::decisions::Evaluations;
use crate::engine::{Engine, Probe, Shape};
use crate::measure::{Bench, Work, side_by_side};
use crate::people::{self, Wire};
use crate::requests::{Empty, Kind, Requests};
use crate::sso::{SignIns, Verify};
use crate::table::{Aim, Row};

/// Everything that a row needs.
#[derive(Debug)]
pub(crate) struct Bed {
    /// The daemon and its people.
    pub(crate) wire: Arc<Wire>,
    /// Where the empty handler listens, and its process.
    pub(crate) hello: (std::net::SocketAddr, u32),
    /// The engine by itself.
    pub(crate) engine: Engine,
    /// How long each measurement takes.
    pub(crate) time: Duration,
}

impl Bed {
    fn empty(&self) -> Bench<Empty> {
        Bench::new(Empty { address: self.hello.0, process: self.hello.1 }, self.wire.callers)
    }

    fn probe(&self, shape: Shape, callers: usize) -> Bench<Probe> {
        Bench::new(Probe::new(&self.engine, shape), callers)
    }

    fn requests(&self, kind: Kind) -> Bench<Requests> {
        Bench::new(Requests::new(&self.wire, kind), self.wire.callers)
    }

    /// What the machine and the engine can do.
    ///
    /// # Errors
    ///
    /// When a measurement cannot be carried on.
    pub(crate) async fn probes(&self) -> anyhow::Result<Vec<Row>> {
        let callers = self.wire.callers;
        let mut empty = self.empty();
        let mut many = self.probe(Shape::Single, callers);
        let mut one = self.probe(Shape::Single, 1);
        let mut inserts = self.probe(Shape::Inserts, callers);
        let mut multi = self.probe(Shape::MultiRow, callers);
        side_by_side(&mut [&mut empty, &mut many, &mut one, &mut inserts, &mut multi], self.time).await?;
        let cpu = format!("{:.1} µs of server CPU each", empty.cpu_each());
        let mut rows = vec![told("probes", "hello: an empty axum handler", "/s", &mut empty).note(cpu)];
        rows.push(told("probes", format!("single-row commits, {callers} callers"), "/s", &mut many));
        rows.push(told("probes", "single-row commits, 1 caller", "/s", &mut one));
        rows.push(told("probes", "batch: 100 inserts a commit", "rows/s", &mut inserts));
        rows.push(told("probes", "batch: 100 rows in one insert", "rows/s", &mut multi));
        let mut wrote = 0;
        for bench in [&mut many, &mut one, &mut inserts, &mut multi] {
            wrote += bench.callers().iter().sum::<u64>();
        }
        self.engine.holds(wrote).await?;
        Ok(rows)
    }

    /// `GET` by id, and what it costs the daemon.
    ///
    /// # Errors
    ///
    /// When a measurement cannot be carried on.
    pub(crate) async fn get(&self) -> anyhow::Result<Vec<Row>> {
        let (mut empty, mut get) = (self.empty(), self.requests(Kind::Get));
        side_by_side(&mut [&mut empty, &mut get], self.time).await?;
        let (cpu, least) = (get.cpu_each(), empty.cpu_each());
        let cost = Row::new("get", "… server CPU each", cpu, "µs")
            .beside("hello", least, cpu / least)
            .aim(Aim::AtMost(2.5));
        let ratio = get.part_of(&empty);
        let row = told("get", "GET by id", "/s", &mut get);
        Ok(vec![row.beside("hello", empty.rate(), ratio).aim(Aim::AtLeast(0.5)), cost])
    }

    /// `filter=… eq` beside `GET` by id.
    ///
    /// # Errors
    ///
    /// When a measurement cannot be carried on.
    pub(crate) async fn filter(&self) -> anyhow::Result<Vec<Row>> {
        let mut get = self.requests(Kind::Get);
        let (mut name, mut external) = (self.requests(Kind::ByUserName), self.requests(Kind::ByExternalId));
        side_by_side(&mut [&mut get, &mut name, &mut external], self.time).await?;
        let mut rows = Vec::new();
        for (what, bench) in [("filter userName eq", &mut name), ("filter externalId eq", &mut external)] {
            let ratio = bench.part_of(&get);
            let row = told("filter", what, "/s", bench);
            rows.push(row.beside("get by id", get.rate(), ratio).aim(Aim::AtLeast(0.8)));
        }
        Ok(rows)
    }

    /// Everything together, beside the empty handler.
    ///
    /// # Errors
    ///
    /// When a measurement cannot be carried on.
    pub(crate) async fn mixed(&self) -> anyhow::Result<Vec<Row>> {
        let row = self.beside_hello("mixed", "mixed 40/40/10/5/5", Kind::Mixed).await?;
        Ok(vec![row.aim(Aim::AtLeast(0.15))])
    }

    /// Access decisions, beside the empty handler.
    ///
    /// # Errors
    ///
    /// When a measurement cannot be carried on.
    pub(crate) async fn access(&self) -> anyhow::Result<Vec<Row>> {
        let at_work = self.beside_hello("access", "access check, 1,000 at work", Kind::AccessAtWork).await?;
        let any = self.beside_hello("access", "access check, about anybody", Kind::Access).await?;
        let mut many = Bench::new(Evaluations(Arc::clone(&self.wire)), self.wire.callers);
        side_by_side(&mut [&mut many], self.time).await?;
        let each = many.cpu_each();
        let row = told("access", "evaluations of 100: decisions", "/s", &mut many);
        let cost = Row::new("access", "… server CPU for a decision", each, "µs").aim(Aim::AtMost(20.0));
        Ok(vec![at_work.aim(Aim::AtLeast(0.5)), any.aim(Aim::AtLeast(0.5)), row, cost])
    }

    /// `/sso/verify` for people who are signed in, beside the empty handler.
    ///
    /// # Errors
    ///
    /// When a measurement cannot be carried on.
    pub(crate) async fn verify(&self) -> anyhow::Result<Vec<Row>> {
        let (mut empty, mut verify) =
            (self.empty(), Bench::new(Verify(Arc::clone(&self.wire)), self.wire.callers));
        side_by_side(&mut [&mut empty, &mut verify], self.time).await?;
        let (ratio, note) = (verify.part_of(&empty), format!("{:.0} µs of server CPU", verify.cpu_each()));
        let row = told("verify", "/sso/verify", "/s", &mut verify).note(note);
        Ok(vec![row.beside("hello", empty.rate(), ratio).aim(Aim::AtLeast(0.6))])
    }

    /// Sign-ins with a provider beside them, next to what the engine commits one by one.
    ///
    /// # Errors
    ///
    /// When a measurement cannot be carried on.
    pub(crate) async fn sign_in(&self) -> anyhow::Result<Vec<Row>> {
        let mut commits = self.probe(Shape::Single, self.wire.callers);
        let mut sign_ins = Bench::new(SignIns(Arc::clone(&self.wire)), self.wire.callers);
        side_by_side(&mut [&mut commits, &mut sign_ins], self.time).await?;
        let (ratio, note) =
            (sign_ins.part_of(&commits), format!("{:.0} µs of server CPU", sign_ins.cpu_each()));
        let row = told("sign-in", "sign-in, whole", "/s", &mut sign_ins).note(note);
        Ok(vec![row.beside("single commits", commits.rate(), ratio)])
    }

    async fn beside_hello(&self, name: &'static str, what: &str, kind: Kind) -> anyhow::Result<Row> {
        let (mut empty, mut mixed) = (self.empty(), self.requests(kind));
        side_by_side(&mut [&mut empty, &mut mixed], self.time).await?;
        self.finish(&mut mixed).await;
        let ratio = mixed.part_of(&empty);
        Ok(told(name, what, "/s", &mut mixed).beside("hello", empty.rate(), ratio))
    }

    /// Durable writes of one kind from every caller, beside the engine's own batches.
    ///
    /// # Errors
    ///
    /// When a measurement cannot be carried on.
    pub(crate) async fn writes(
        &self,
        name: &'static str,
        what: &str,
        kind: Kind,
        aim: f64,
    ) -> anyhow::Result<Vec<Row>> {
        let mut inserts = self.probe(Shape::Inserts, self.wire.callers);
        let mut multi = self.probe(Shape::MultiRow, self.wire.callers);
        let mut writes = self.requests(kind);
        side_by_side(&mut [&mut inserts, &mut multi, &mut writes], self.time).await?;
        self.finish(&mut writes).await;
        let (ratio, strict) = (writes.part_of(&inserts), writes.part_of(&multi));
        let note =
            format!("{strict:.3} of 100 rows in one insert; {:.0} µs of server CPU", writes.cpu_each());
        let row = told(name, what, "/s", &mut writes).note(note);
        Ok(vec![row.beside("100 inserts a commit", inserts.rate(), ratio).aim(Aim::AtLeast(aim))])
    }

    /// Durable writes from one connection, beside single commits.
    ///
    /// # Errors
    ///
    /// When a measurement cannot be carried on.
    pub(crate) async fn single(&self) -> anyhow::Result<Vec<Row>> {
        let mut commits = self.probe(Shape::Single, 1);
        let mut writes = Bench::new(Requests::new(&self.wire, Kind::PatchTitle), 1);
        side_by_side(&mut [&mut commits, &mut writes], self.time).await?;
        self.finish(&mut writes).await;
        let ratio = writes.part_of(&commits);
        let row = told("single", "one connection: PATCH title", "/s", &mut writes);
        Ok(vec![row.beside("single commits", commits.rate(), ratio).aim(Aim::AtLeast(0.5))])
    }

    /// Leaves nobody deactivated, and reads back what was written last.
    async fn finish(&self, bench: &mut Bench<Requests>) {
        let requests = Requests::new(&self.wire, bench.work().kind());
        let mut tally = std::mem::take(bench.tally());
        if let Err(error) = requests.bring_back(bench.callers()).await {
            tally.note(&error);
        }
        if bench.work().kind() == Kind::PatchActive
            && let Some(caller) = bench.callers().first_mut()
            && let Err(error) = requests.really_follows(caller).await
        {
            tally.note(&error);
        }
        people::read_back(&self.wire, bench.callers(), &mut tally).await;
        *bench.tally() = tally;
    }
}

/// A row of a bench: its rate, its times, what was wrong.
fn told<W: Work>(
    name: &'static str,
    what: impl Into<String>,
    unit: &'static str,
    bench: &mut Bench<W>,
) -> Row {
    let mut row = Row::new(name, what, bench.rate(), unit);
    row.times = Some((bench.percentile(50), bench.percentile(99)));
    row.tally(std::mem::take(bench.tally()))
}
