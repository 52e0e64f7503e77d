//! Large groups: how they grow, what one member costs, and what a group of everybody costs in memory.
//!
//! Invariant: after each part the group's members are read whole and compared with those that must be there.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use serde::Deserialize;

use crate::client::{Ask, Connection};
use crate::measure::median;
use crate::people::{self, Person, Shown, Wire, Wrote, body};
use crate::process;
use crate::table::{Aim, Row};

/// The group that grows.
const GROWN: usize = 20_000;
/// The group of everybody.
const ALL: usize = 100_000;
/// Those who come to a role at once.
const CROWD: usize = 10_000;
/// How many are added at a time.
const STEP: usize = 100;
/// How often one member is taken out.
const TIMES: usize = 40;
/// How long a request may keep others waiting after it was given up.
const SETTLING: Duration = Duration::from_mins(15);

/// One caller and the group it works on.
#[derive(Debug)]
pub(crate) struct Groups {
    wire: Arc<Wire>,
    connection: Connection,
}

/// A group and who must be in it.
#[derive(Debug)]
pub(crate) struct Group {
    path: String,
    members: BTreeSet<String>,
}

#[derive(Deserialize)]
struct ShownGroup<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    members: Vec<ShownMember<'a>>,
}

#[derive(Deserialize)]
struct ShownMember<'a> {
    #[serde(borrow)]
    value: Cow<'a, str>,
}

impl Groups {
    /// A caller of its own.
    pub(crate) fn new(wire: &Arc<Wire>) -> Self {
        Self { wire: Arc::clone(wire), connection: Connection::new(wire.address) }
    }

    /// A group that grows, and one member less in it.
    ///
    /// # Errors
    ///
    /// When an answer is not as it should be.
    pub(crate) async fn one_that_grows(mut self) -> anyhow::Result<Vec<Row>> {
        let (row, mut group) = self.growth().await?;
        Ok(vec![row, self.one_less(&mut group).await?])
    }

    /// A group of everybody, one member less in it, and one more.
    ///
    /// # Errors
    ///
    /// When an answer is not as it should be.
    pub(crate) async fn one_of_everybody(mut self) -> anyhow::Result<Vec<Row>> {
        let (row, mut group) = self.everybody().await?;
        Ok(vec![row, self.one_less(&mut group).await?, self.one_more(&mut group).await?])
    }

    /// From nobody to 20,000 in adds of a hundred: the last tenth against the first. The group gives a role.
    ///
    /// # Errors
    ///
    /// When an answer is not as it should be.
    async fn growth(&mut self) -> anyhow::Result<(Row, Group)> {
        let size = self.wire.people.len().min(GROWN) / STEP * STEP;
        ensure!(size >= 10 * STEP, "a group cannot grow with {size} people; take --people 2000");
        let mut group = self.empty("Medlemsansvariga", "registrars").await?;
        let mut took = Vec::new();
        for hundred in self.wire.people.clone().chunks(STEP).take(size / STEP) {
            took.push(self.add(&mut group, hundred).await?);
        }
        self.holds(&group).await?;
        let tenth = took.len() / 10;
        let (first, last) = (took.iter().copied().take(tenth), took.iter().copied().rev().take(tenth));
        let (first, last) = (median(first.collect()), median(last.collect()));
        let row = Row::new("group", format!("group 0 → {size}, adds of 100: last tenth"), last, "ms")
            .beside("first tenth", first, last / first)
            .aim(Aim::AtMost(1.2))
            .note(format!("{:.1} s in all; the group gives a role", took.iter().sum::<f64>() / 1000.0));
        Ok((row, group))
    }

    /// One member less, by value path, against a PATCH of a person.
    ///
    /// # Errors
    ///
    /// When an answer is not as it should be.
    async fn one_less(&mut self, group: &mut Group) -> anyhow::Result<Row> {
        let size = group.members.len();
        let leavers: Vec<String> = group.members.iter().step_by(size / TIMES).take(TIMES).cloned().collect();
        let (mut user, mut member) = (Vec::new(), Vec::new());
        for (turn, leaver) in leavers.iter().enumerate() {
            user.push(self.retitle(turn).await?);
            let operation = format!(r#"{{"op":"remove","path":"members[value eq \"{leaver}\"]"}}"#);
            member.push(self.patch(&group.path, &operation).await?);
            group.members.remove(leaver);
        }
        self.holds(group).await?;
        let (user, member) = (median(user), median(member));
        let row = Row::new("member", format!("one member removed of {size}"), member, "ms");
        Ok(row.beside("PATCH of a person", user, member / user).aim(Aim::AtMost(1.3)))
    }

    /// PUT of everybody: memory, and how long it takes. Gives the group filled, by smaller requests if need be.
    ///
    /// # Errors
    ///
    /// When an answer is not as it should be.
    async fn everybody(&mut self) -> anyhow::Result<(Row, Group)> {
        let people: Vec<Person> = self.wire.people.iter().take(ALL).cloned().collect();
        let mut group = self.empty("Alla", "everybody").await?;
        let members: Vec<String> = people.iter().map(|one| format!(r#"{{"value":"{}"}}"#, one.id)).collect();
        let body_of = format!(
            r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Alla","externalId":"everybody","members":[{}]}}"#,
            members.join(",")
        );
        drop(members);
        let wanted: BTreeSet<String> = people.iter().map(|person| person.id.clone()).collect();
        process::forget_peak(self.wire.process)?;
        let began = Instant::now();
        let ask = Ask {
            method: "PUT",
            path: &group.path,
            token: &self.wire.token,
            body: Some(&body_of),
            ..Ask::GET
        };
        let answer = self.connection.ask(ask).await?;
        let (status, took) = (answer.status, began.elapsed());
        if answer.status == 200 {
            let shown: ShownGroup<'_> = body(answer, 200)?;
            ensure!(shown.members.len() == people.len(), "PUT shows {} members", shown.members.len());
        }
        let peak = process::memory(self.wire.process)?.peak;
        let mut note = format!("answered {status} after {:.1} s", took.as_secs_f64());
        let mut row = Row::new("put", format!("memory during PUT of {} members", people.len()), peak, "MiB")
            .aim(Aim::AtMost(300.0));
        if status == 200 {
            group.members = wanted;
        } else {
            note.push_str("; filled by adds of 1,000 instead");
            row.tally.note(&anyhow::anyhow!("PUT of {} members was answered {status}", people.len()));
            self.settle().await?;
            for thousand in people.chunks(1_000) {
                self.add(&mut group, thousand).await?;
            }
        }
        self.holds(&group).await?;
        Ok((row.note(note), group))
    }

    /// One member more in the group of everybody, and the memory it takes.
    ///
    /// # Errors
    ///
    /// When an answer is not as it should be.
    async fn one_more(&mut self, group: &mut Group) -> anyhow::Result<Row> {
        let size = group.members.len();
        let missing = |group: &Group, one: &&Person| !group.members.contains(&one.id);
        let leavers: Vec<Person> =
            self.wire.people.iter().take(ALL).filter(|one| missing(group, one)).cloned().collect();
        ensure!(!leavers.is_empty(), "nobody is outside the group");
        process::forget_peak(self.wire.process)?;
        let (mut user, mut member) = (Vec::new(), Vec::new());
        for (turn, leaver) in leavers.iter().enumerate() {
            user.push(self.retitle(turn).await?);
            member.push(self.add(group, std::slice::from_ref(leaver)).await?);
        }
        let peak = process::memory(self.wire.process)?.peak;
        self.holds(group).await?;
        let (user, member) = (median(user), median(member));
        let row = Row::new("member", format!("one member added to {size}"), member, "ms");
        Ok(row.beside("PATCH of a person", user, member / user).note(format!("memory at most {peak:.0} MiB")))
    }

    /// Ten thousand who come to a role in one request, and how long others wait for theirs meanwhile.
    ///
    /// # Errors
    ///
    /// When an answer is not as it should be.
    pub(crate) async fn crowd(&mut self) -> anyhow::Result<Row> {
        let people: Vec<Person> = self.wire.people.iter().take(CROWD).cloned().collect();
        let mut group = self.empty("Kören", "crowd").await?;
        let (is_over, mut other) = (Arc::new(AtomicBool::new(false)), Self::new(&self.wire));
        let is_over_there = Arc::clone(&is_over);
        let others = tokio::spawn(async move {
            let mut waited = Vec::new();
            while !is_over_there.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(5)).await;
                waited.push(other.retitle(waited.len()).await?);
            }
            anyhow::Ok(waited)
        });
        let took = self.add(&mut group, &people).await;
        is_over.store(true, Ordering::Relaxed);
        let (waited, took) = (others.await??, took?);
        self.holds(&group).await?;
        let longest = waited.into_iter().fold(0.0, f64::max);
        let row = Row::new(
            "crowd",
            format!("PATCH of a person while {} come to a role", people.len()),
            longest,
            "ms",
        );
        Ok(row.aim(Aim::AtMost(1000.0)).note(format!("the longest; the group itself took {took:.0} ms")))
    }

    /// Lets a person see only the items of their own.
    ///
    /// # Errors
    ///
    /// When the group cannot be made.
    pub(crate) async fn confine(&mut self, person: &Person) -> anyhow::Result<()> {
        let mut group = self.empty("Begränsade", "confined").await?;
        self.add(&mut group, std::slice::from_ref(person)).await.map(drop)
    }

    async fn empty(&mut self, name: &str, external: &str) -> anyhow::Result<Group> {
        let path = format!("{}/Groups", self.wire.scim);
        let made = format!(
            r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"{name}","externalId":"{external}"}}"#
        );
        let ask = Ask { method: "POST", path: &path, token: &self.wire.token, body: Some(&made), ..Ask::GET };
        let shown: ShownGroup<'_> = body(self.connection.ask(ask).await?, 201)?;
        Ok(Group { path: format!("{path}/{}", shown.id), members: BTreeSet::new() })
    }

    /// Adds people in one operation and gives the milliseconds.
    async fn add(&mut self, group: &mut Group, people: &[Person]) -> anyhow::Result<f64> {
        let values: Vec<String> = people.iter().map(|one| format!(r#"{{"value":"{}"}}"#, one.id)).collect();
        let operation = format!(r#"{{"op":"add","path":"members","value":[{}]}}"#, values.join(","));
        let took = self.patch(&group.path, &operation).await?;
        group.members.extend(people.iter().map(|person| person.id.clone()));
        Ok(took)
    }

    async fn patch(&mut self, path: &str, operation: &str) -> anyhow::Result<f64> {
        let sent = format!(
            r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operation}]}}"#
        );
        let ask = Ask { method: "PATCH", path, token: &self.wire.token, body: Some(&sent), ..Ask::GET };
        let began = Instant::now();
        let answer = self.connection.ask(ask).await?;
        let took = began.elapsed();
        ensure!(matches!(answer.status, 200 | 204), "answered {}: {}", answer.status, answer.begins());
        Ok(took.as_secs_f64() * 1000.0)
    }

    /// Changes a person's title and gives the milliseconds.
    async fn retitle(&mut self, turn: usize) -> anyhow::Result<f64> {
        let title = format!("Gruppmått {turn} {}", uuid::Uuid::now_v7().simple());
        let person = self.wire.any(turn * 7)?;
        let path = format!("{}/Users/{}", self.wire.scim, person.id);
        let sent = people::patch("title", &format!("\"{title}\""));
        let ask =
            Ask { method: "PATCH", path: &path, token: &self.wire.token, body: Some(&sent), ..Ask::GET };
        let began = Instant::now();
        let answer = self.connection.ask(ask).await?;
        let took = began.elapsed();
        let shown = Shown::read(answer, 200, person.number)?;
        shown.is(person)?;
        shown.has(&Wrote::Title(title))?;
        Ok(took.as_secs_f64() * 1000.0)
    }

    /// Reads the members whole and compares.
    async fn holds(&mut self, group: &Group) -> anyhow::Result<()> {
        let ask = Ask { method: "GET", path: &group.path, token: &self.wire.token, body: None, ..Ask::GET };
        let shown: ShownGroup<'_> = body(self.connection.ask(ask).await?, 200)?;
        let there: BTreeSet<&str> = shown.members.iter().map(|member| &*member.value).collect();
        ensure!(there.len() == shown.members.len(), "a member is shown twice");
        let missing = group.members.iter().filter(|member| !there.contains(member.as_str())).count();
        let (wanted, shown) = (group.members.len(), there.len());
        ensure!(
            missing == 0 && wanted == shown,
            "{wanted} members must be there, {shown} are; {missing} miss"
        );
        Ok(())
    }

    /// Waits until a request that was given up no longer holds the writer.
    async fn settle(&mut self) -> anyhow::Result<()> {
        let until = Instant::now() + SETTLING;
        let mut turn = 0;
        while Instant::now() < until {
            if self.retitle(turn).await.is_ok() {
                return Ok(());
            }
            turn += 1;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        bail!("the daemon takes no change {} minutes after a large one", SETTLING.as_secs() / 60)
    }
}
