//! A trial of a CRM's tables.
//!
//! Invariant: what is written in a trial is rolled back; only counters of the CRM's database may have moved on.

use jiff::Timestamp;
use tokio::time::timeout;

use super::errand::{Errand, lacks};
use super::lane::{Lane, Purpose};
use super::values::Values;
use super::{Inner, TIMEOUT};
use crate::crm::failed::Failed;
use crate::crm::trial::Finding;

/// Which columns an operation must give.
const COLUMNS: &[(&str, &[&str])] =
    &[("find", &["id"]), ("create", &["id"]), ("roles", &["name"]), ("list", &["id", "user_name", "active"])];

impl Inner {
    pub(super) async fn test(&self, now: Timestamp) -> Vec<Finding> {
        let described = &self.description;
        let tried = if described.proven { "proven with the real one" } else { "not proven with a real one" };
        let about = format!("{} ({}; {tried})", described.name, described.follows);
        let mut findings = vec![Finding::good("the description was read", about)];
        if timeout(TIMEOUT, self.try_all(now, &mut findings)).await.is_err() {
            let said = format!("no end within {} seconds", TIMEOUT.as_secs());
            findings.push(Finding::bad("the trial was given up", said));
        }
        findings
    }

    async fn try_all(&self, now: Timestamp, findings: &mut Vec<Finding>) {
        let mut lane = match self.database.begin(Purpose::Write).await {
            Ok(lane) => lane,
            Err(failed) => {
                findings.push(Finding::bad("the database could not be reached", failed.words()));
                return;
            }
        };
        findings.push(Finding::good("connected", ""));
        let prepared = self.prepare(&mut lane).await;
        let is_sound = prepared.is_ok();
        findings.push(match prepared {
            Ok(count) => Finding::good(format!("prepared {count} statements"), ""),
            Err(failed) => Finding::bad("a statement does not fit the tables", failed.words()),
        });
        if is_sound {
            let values = Values::of_nobody(&self.values, &self.roles, now);
            let mut errand = Errand { sql: self, lane: &mut lane, values, done: Vec::new() };
            findings.push(match errand.play().await {
                Ok(()) => Finding::good("made, changed and closed somebody, and rolled it back", ""),
                Err(failed) => Finding::bad(
                    format!(
                        "somebody could not be made, changed and closed (rolled back; done: {})",
                        errand.done.join(", ")
                    ),
                    failed.words(),
                ),
            });
        }
        lane.roll_back().await;
    }

    /// Prepares every statement. Gives how many there are.
    async fn prepare(&self, lane: &mut Lane) -> Result<usize, Failed> {
        let mut count = 0;
        for operation in self.description.operations() {
            let mut columns = Vec::new();
            for statement in self.description.statements(operation).unwrap_or_default() {
                let given = lane.prepare(operation, statement).await?;
                if !given.is_empty() {
                    columns = given;
                }
                count += 1;
            }
            let wanted =
                COLUMNS.iter().find(|(known, _)| *known == operation).map_or(&[][..], |(_, all)| all);
            if let Some(missing) = wanted.iter().find(|name| !columns.iter().any(|column| column == *name)) {
                return Err(Failed::Refused(lacks(operation, missing)));
            }
        }
        Ok(count)
    }
}

impl Errand<'_> {
    /// Everything that a description can do, with somebody who cannot be there.
    async fn play(&mut self) -> Result<(), Failed> {
        if self.find().await?.is_some() {
            return Err(Failed::Refused("find: somebody answers to a name that nobody has".to_owned()));
        }
        self.know_roles().await?;
        let id = self.create().await?;
        match self.find().await? {
            Some(found) if found.id == id => self.done.push("found".to_owned()),
            _ => return Err(Failed::Refused("find: who was just made is not found by :crm_id".to_owned())),
        }
        self.change("update").await?;
        self.follow_roles().await?;
        self.is_seen("update", true).await?;
        if self.has("freeze") {
            self.change("freeze").await?;
        }
        self.change("deactivate").await?;
        self.is_seen("deactivate", false).await?;
        if self.has("erase") {
            self.change("erase").await?;
        }
        Ok(())
    }

    /// Whether `find` sees what an operation did, where it tells who may sign in.
    async fn is_seen(&mut self, operation: &str, is_active: bool) -> Result<(), Failed> {
        match self.find().await? {
            None => Err(Failed::Refused(format!("find: nobody is found after {operation}"))),
            Some(found) if found.active.is_some_and(|active| active != is_active) => {
                let said = if is_active { "may not sign in" } else { "may still sign in" };
                Err(Failed::Refused(format!("{operation}: by the column active of find they {said}")))
            }
            Some(_) => Ok(()),
        }
    }
}
