//! The moment that a report is made from, and what every report says of it first.
//!
//! Invariant: one snapshot, one instant, one policy for the whole report, however long the reading takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::lifecycle::facts::{self, Known, Moment, PAGE, Surroundings};
use super::super::people::roster;
use super::super::{Act, Compiled, Ports, Refusal, past};
use super::cell::Reader;
use super::field::{Column, Field};
use super::judge::Verdict;
use super::list::List;
use super::person::Person;
use super::words::{self, Words};
use super::{Cell, Filters, Report, ReportName, Request, Term};
use crate::domain::account::{Account, Status};
use crate::domain::days::Reading;
use crate::domain::evidence::last_seen;
use crate::domain::ids::{AccountId, DirectoryId, TargetId};
use crate::domain::policy::{EvidenceSource, Policy};
use crate::store::comparison::{self, Comparison};
use crate::store::{Conn, Span, account, audit, population, told};

/// What a report is made from.
#[derive(Debug)]
pub(super) struct Scene {
    /// The one moment.
    pub(super) conn: Conn,
    /// Which report.
    pub(super) name: ReportName,
    /// The policy of the moment.
    compiled: Arc<Compiled>,
    /// Sources and notices.
    pub(super) around: Surroundings,
    /// The moment it tells of.
    pub(super) moment: Moment,
    /// Who asked.
    ordered_by: String,
    /// Language, moment and time zone of its texts.
    pub(super) reading: Reading,
    /// The day that the report counts from or to.
    pub(super) before: Option<Timestamp>,
    /// Which rows.
    pub(super) filters: Filters,
    targets: Vec<TargetId>,
    /// Whether it is a list as somebody has it on the screen: with managers, and last seen by any source.
    pub(super) is_list: bool,
    managers: roster::Managers,
    /// The last comparison of each CRM; only the report `orphans` of the present needs them.
    pub(super) comparisons: Vec<Comparison>,
}

/// How many there are of what, among everybody that was read.
#[derive(Debug, Default)]
pub(super) struct Population {
    /// Accounts of each status.
    statuses: BTreeMap<Status, usize>,
    /// People of each directory that it calls active.
    present: BTreeMap<DirectoryId, usize>,
}

impl Population {
    /// Counts one account.
    pub(super) fn count(&mut self, person: &Person) {
        *self.statuses.entry(person.known.account.standing.status).or_default() += 1;
        for identity in &person.known.identities {
            if identity.presence == crate::domain::lifecycle::Presence::Active {
                *self.present.entry(identity.directory.clone()).or_default() += 1;
            }
        }
    }
}

impl Scene {
    /// Opens one moment.
    pub(super) async fn open(ports: &Ports, act: &Act, request: &Request) -> Result<Self, Refusal> {
        let mut conn = ports.db.snapshot().await?;
        let moment = match request.as_of {
            Some(at) if at < act.now => Moment::Past(at),
            Some(_) | None => Moment::Now(act.now),
        };
        let compiled = match moment {
            Moment::Now(_) => ports.policies.current(&mut conn).await?,
            Moment::Past(at) => ports.policies.as_of(&mut conn, at).await.map_err(past::too_early)?,
        };
        request.filters.check(&compiled.policy, &ports.settings)?;
        let around = facts::surroundings(&mut conn, &ports.settings, &compiled.policy, act.now).await?;
        let reading = Reading::of(&compiled.policy, request.language, moment.at());
        let mut comparisons = Vec::new();
        if let (ReportName::Orphans, Moment::Now(_)) = (request.name, moment) {
            for target in &ports.settings.targets {
                comparisons.extend(comparison::last(&mut conn, &target.id).await?);
            }
        }
        Ok(Self {
            conn,
            name: request.name,
            compiled,
            around,
            moment,
            ordered_by: act.actor.to_string(),
            reading,
            before: request.before,
            filters: request.filters.clone(),
            targets: ports.settings.targets.iter().map(|target| target.id.clone()).collect(),
            is_list: false,
            managers: roster::Managers::new(),
            comparisons,
        })
    }

    /// The policy of the moment.
    pub(super) fn policy(&self) -> &Policy {
        &self.compiled.policy
    }

    /// The words of the report's language.
    pub(super) const fn words(&self) -> Words {
        Words(self.reading.language)
    }

    /// The next accounts after `after`, in the order of their ids; the last of them, and nothing where there are none.
    pub(super) async fn next(
        &mut self,
        after: Option<AccountId>,
    ) -> Result<Option<(AccountId, Vec<Person>)>, Refusal> {
        let accounts = account::page(&mut self.conn, after, PAGE).await?;
        let (Some(first), Some(last)) = (accounts.first().map(|a| a.id), accounts.last().map(|a| a.id))
        else {
            return Ok(None);
        };
        let (policy, around) = (&self.compiled.policy, &self.around);
        let known = facts::page(&mut self.conn, policy, around, accounts, self.moment).await?;
        Ok(Some((last, self.people(known, &Span::Between(first, last)).await?)))
    }

    /// These accounts, in the order of the list; one that came to be later than the moment is left out.
    pub(super) async fn listed(&mut self, ids: &[AccountId]) -> Result<Vec<Person>, Refusal> {
        let accounts: Vec<Account> = account::of_ids(&mut self.conn, ids).await?;
        let (policy, around) = (&self.compiled.policy, &self.around);
        let known = facts::listed(&mut self.conn, policy, around, accounts, self.moment).await?;
        let people = self.people(known, &Span::Listed(ids.to_vec())).await?;
        let mut people: BTreeMap<AccountId, Person> =
            people.into_iter().map(|person| (person.known.account.id, person)).collect();
        Ok(ids.iter().filter_map(|id| people.remove(id)).collect())
    }

    async fn people(&mut self, known: Vec<Known>, span: &Span) -> Result<Vec<Person>, Refusal> {
        let mut people = Vec::with_capacity(known.len());
        for known in known {
            let seen = if self.is_list {
                last_seen(&known.evidence, &EvidenceSource::ALL.iter().copied().collect())
            } else {
                known.last_seen(&self.compiled.policy, &self.around)
            };
            let verdict = Verdict::of(self, &known);
            let (crm_ids, manager) = (Vec::new(), None);
            people.push(Person { known, seen, verdict, knows: Vec::new(), crm_ids, items: None, manager });
        }
        if self.is_list {
            let ids = people.iter().map(|person| person.known.account.id).collect();
            let mut managers = roster::managers(&mut self.conn, ids, &mut self.managers).await?;
            for person in &mut people {
                person.manager = managers.remove(&person.known.account.id);
            }
        }
        match self.name {
            ReportName::Stale | ReportName::Orphans => self.learn_of_crms(&mut people, span).await?,
            ReportName::Limited => self.count_items(&mut people).await?,
            ReportName::Access
            | ReportName::NeverSignedIn
            | ReportName::Departed
            | ReportName::Privileged
            | ReportName::Expiring
            | ReportName::Exceptions
            | ReportName::Runs => {}
        }
        Ok(people)
    }

    /// What the CRMs know: of the present only, for what they knew earlier is not kept.
    async fn learn_of_crms(&mut self, people: &mut [Person], span: &Span) -> Result<(), Refusal> {
        if matches!(self.moment, Moment::Past(_)) {
            return Ok(());
        }
        let ids: Vec<AccountId> = people.iter().map(|person| person.known.account.id).collect();
        let mut knows: BTreeMap<AccountId, Vec<told::Knows>> = BTreeMap::new();
        let mut crm_ids: BTreeMap<AccountId, Vec<String>> = BTreeMap::new();
        for target in &self.targets {
            for one in told::of(&mut self.conn, span, target).await? {
                knows.entry(one.account).or_default().push(one);
            }
            if self.name == ReportName::Orphans {
                for (id, crm_id) in account::crm_ids(&mut self.conn, target, &ids).await? {
                    crm_ids.entry(id).or_default().push(format!("{target}: {crm_id}"));
                }
            }
        }
        for person in people {
            let id = person.known.account.id;
            person.knows = knows.remove(&id).unwrap_or_default();
            person.crm_ids = crm_ids.remove(&id).unwrap_or_default();
        }
        Ok(())
    }

    async fn count_items(&mut self, people: &mut [Person]) -> Result<(), Refusal> {
        let Moment::Now(now) = self.moment else { return Ok(()) };
        let limited = people.iter().filter(|person| person.known.limited);
        let ids: Vec<AccountId> = limited.map(|person| person.known.account.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut seen = population::items_of_accounts(&mut self.conn, &ids, now).await?;
        for person in people {
            person.items = Some(seen.remove(&person.known.account.id).map_or(0, |items| items.len()));
        }
        Ok(())
    }

    /// The lines that every report begins with: the moment, who asked, the policy, the sources, the filters, the population.
    async fn head(&mut self, population: &Population) -> Result<Vec<(Column, Cell)>, Refusal> {
        let words = self.words();
        let line = |key| words.head(key);
        let is_past = matches!(self.moment, Moment::Past(_));
        let sources =
            self.around.sources.iter().map(|source| words::source_health(source, &self.reading, is_past));
        let entries = audit::count_until(&mut self.conn, self.moment.at()).await?;
        let mut head = vec![
            (line("as_of"), Cell::Text(self.moment.at().to_string())),
            (line("time_zone"), Cell::Text(self.policy().lifecycle.timezone.clone())),
            (line("ordered_by"), Cell::Text(self.ordered_by.clone())),
            (line("software"), Cell::Text(format!("portvakt {}", env!("CARGO_PKG_VERSION")))),
            (line("policy_version"), Cell::Count(self.compiled.number)),
            (line("policy_hash"), Cell::Text(self.compiled.hash.clone())),
            (line("sources"), Cell::Terms(sources.collect())),
            (line("filters"), Cell::Terms(self.filters.told(words))),
            (line("audit_entries"), Cell::Count(entries)),
        ];
        if !population.statuses.is_empty() {
            let counted = population.statuses.iter().map(|(status, count)| {
                Term::new(&format!("{status}: {count}"), format!("{}: {count}", words.status(*status)))
            });
            head.push((line("population"), Cell::Terms(counted.collect())));
        }
        // What a directory said earlier is not kept.
        if !is_past && !population.present.is_empty() {
            let counted = population.present.iter().map(|(id, count)| Term::plain(&format!("{id}: {count}")));
            head.push((line("directory_population"), Cell::Terms(counted.collect())));
        }
        Ok(head)
    }

    /// Puts a report together: what all begin with, `lines` of its own, its count and its hash.
    pub(super) async fn report(
        mut self,
        population: &Population,
        lines: Vec<(&'static str, Cell)>,
        fields: &[Field],
        list: impl FnOnce(Self) -> List,
    ) -> Result<Report, Refusal> {
        let words = self.words();
        let mut head = self.head(population).await?;
        head.extend(lines.into_iter().map(|(key, cell)| (words.head(key), cell)));
        let (name, at) = (self.name, self.moment.at());
        let reader = self.reader();
        let list = list(self);
        let (count, hash) = (list.count(), list.hash());
        head.push((words.head("rows"), Cell::count(count)));
        head.push((words.head("hash"), Cell::Text(hash.clone())));
        Ok(Report {
            name: name.name(),
            title: words.title(name).to_owned(),
            language: reader.language,
            zone: reader.zone,
            at,
            head,
            columns: fields.iter().map(|field| field.column(words)).collect(),
            count,
            hash,
            list,
        })
    }

    /// Who reads it.
    pub(super) fn reader(&self) -> Reader {
        Reader { language: self.reading.language, zone: self.reading.zone.clone() }
    }
}
