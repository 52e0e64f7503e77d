//! Who is in a report: accounts with what is known about them at its moment, and the cells that every report has.
//!
//! Invariant: last seen is judged by the sources of the account's own lifecycle rule, as the plan judges it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::lifecycle::facts::{self, Known, Moment, PAGE, Surroundings};
use super::super::{Act, Compiled, Ports, Refusal, past};
use super::words::{self, Words};
use super::{Cell, Column, Request, Term};
use crate::domain::account::Status;
use crate::domain::days::{Reading, days_between};
use crate::domain::evidence::LastSeen;
use crate::domain::grant::{Grant, GrantKind, Origin};
use crate::domain::lifecycle::Presence;
use crate::domain::policy::Policy;
use crate::store::{Conn, account};

/// What a report is made from.
#[derive(Debug)]
pub(super) struct Scene {
    conn: Conn,
    /// The policy of the moment.
    pub(super) compiled: Arc<Compiled>,
    /// Sources and notices.
    pub(super) around: Surroundings,
    /// The moment it tells of.
    pub(super) moment: Moment,
    /// Who asked.
    pub(super) ordered_by: String,
    /// Language, moment and time zone of its texts.
    pub(super) reading: Reading,
}

/// An account in a report.
#[derive(Debug)]
pub(super) struct Person {
    /// What is known about it.
    pub(super) known: Known,
    /// When the person was last seen.
    pub(super) seen: Option<LastSeen>,
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
        let around = facts::surroundings(&mut conn, &ports.settings, &compiled.policy, act.now).await?;
        let reading = Reading::of(&compiled.policy, request.language, moment.at());
        Ok(Self { conn, compiled, around, moment, ordered_by: act.actor.to_string(), reading })
    }

    /// The policy of the moment.
    pub(super) fn policy(&self) -> &Policy {
        &self.compiled.policy
    }

    /// The words of the report's language.
    pub(super) const fn words(&self) -> Words {
        Words(self.reading.language)
    }

    /// Every account with rights that `wanted` picks, and how many accounts have each status.
    pub(super) async fn people(
        &mut self,
        wanted: impl Fn(&Self, &Person) -> bool,
    ) -> Result<(Vec<Person>, BTreeMap<Status, i64>), Refusal> {
        let (mut people, mut population) = (Vec::new(), BTreeMap::new());
        let mut after = None;
        loop {
            let accounts = account::page(&mut self.conn, after, PAGE).await?;
            let Some(last) = accounts.last() else { return Ok((people, population)) };
            after = Some(last.id);
            let policy = &self.compiled.policy;
            let page = facts::page(&mut self.conn, policy, &self.around, accounts, self.moment).await?;
            for known in page {
                *population.entry(known.account.standing.status).or_default() += 1;
                let seen = known.last_seen(policy, &self.around);
                let person = Person { known, seen };
                if person.has_rights() && wanted(self, &person) {
                    people.push(person);
                }
            }
        }
    }

    /// The head that every report has: the moment, who asked, the policy, the sources, the population.
    pub(super) fn head(&self, population: &BTreeMap<Status, i64>) -> Vec<(Column, Cell)> {
        let words = self.words();
        let line = |key| words.head(key);
        let counted = population.iter().map(|(status, count)| Term {
            id: format!("{status}: {count}"),
            words: format!("{}: {count}", words.status(*status)),
        });
        let sources = self.around.sources.iter().map(|source| words::source_health(source, &self.reading));
        vec![
            (line("as_of"), Cell::Text(self.moment.at().to_string())),
            (line("time_zone"), Cell::Text(self.policy().lifecycle.timezone.clone())),
            (line("ordered_by"), Cell::Text(self.ordered_by.clone())),
            (line("software"), Cell::Text(format!("portvakt {}", env!("CARGO_PKG_VERSION")))),
            (line("policy_version"), Cell::Count(self.compiled.number)),
            (line("policy_hash"), Cell::Text(self.compiled.hash.clone())),
            (line("sources"), Cell::Terms(sources.collect())),
            (line("population"), Cell::Terms(counted.collect())),
        ]
    }

    /// Roles as terms.
    pub(super) fn roles(&self, known: &Known) -> Cell {
        let roles = known.roles.iter().map(|id| Term {
            id: id.to_string(),
            words: self.policy().roles.get(id).map_or(id.as_str(), |role| self.text(&role.name)).to_owned(),
        });
        Cell::Terms(roles.collect())
    }

    /// Sectors as terms.
    pub(super) fn sectors(&self, known: &Known) -> Cell {
        let sectors = known.sectors.iter().map(|id| Term {
            id: id.to_string(),
            words: self.policy().sectors.get(id).map_or(id.as_str(), |s| self.text(&s.name)).to_owned(),
        });
        Cell::Terms(sectors.collect())
    }

    fn text<'a>(&self, text: &'a crate::domain::language::Text) -> &'a str {
        text.get(self.reading.language)
    }

    /// Whether an account is item-restricted.
    pub(super) fn item_restricted(&self, known: &Known) -> bool {
        let at = self.moment.at();
        known.grants.iter().any(|grant| grant.kind == GrantKind::ItemRestricted && grant.holds_at(at))
    }

    /// Whether an account holds a role that opens administration.
    pub(super) fn is_privileged(&self, known: &Known) -> bool {
        let policy = self.policy();
        let roles = known.roles.iter().filter_map(|id| policy.roles.get(id));
        roles.into_iter().any(|role| policy.is_administrator_role(role))
    }

    /// Where each grant in force comes from.
    pub(super) fn why(&self, known: &Known) -> Cell {
        let at = self.moment.at();
        let held = known.grants.iter().filter(|grant| grant.holds_at(at));
        Cell::Terms(held.map(|grant| self.origin(grant)).collect())
    }

    fn origin(&self, grant: &Grant) -> Term {
        let policy = self.policy();
        let what = match &grant.kind {
            GrantKind::Role(id) => {
                policy.roles.get(id).map_or(id.to_string(), |r| self.text(&r.name).to_owned())
            }
            GrantKind::Sector(id) => {
                policy.sectors.get(id).map_or(id.to_string(), |s| self.text(&s.name).to_owned())
            }
            GrantKind::Limited | GrantKind::ItemRestricted => self.words().limit(&grant.kind),
        };
        let held = [grant.kind.name(), grant.kind.value()].join(" ");
        let (origin, words) = match &grant.origin {
            Origin::Rule(rule) => (format!("rule {rule}"), self.words().by_rule(rule)),
            Origin::Manual => (format!("manual by {}", grant.by), self.words().by_hand(&grant.by)),
            Origin::Review => (format!("review by {}", grant.by), self.words().by_review(&grant.by)),
            Origin::Deputy(away) => (format!("deputy of {away}"), self.words().as_deputy()),
        };
        Term { id: format!("{}: {origin}", held.trim_end()), words: format!("{what}: {words}") }
    }

    /// When the person was last seen: the day, the source, and how many days ago.
    pub(super) fn last_seen(&self, seen: Option<LastSeen>) -> [Cell; 3] {
        match seen {
            None => [Cell::Nothing, Cell::Nothing, Cell::Nothing],
            Some(seen) => [
                Cell::Instant(seen.at),
                Cell::Term(Term {
                    id: seen.source.name().to_owned(),
                    words: self.words().source(seen.source).to_owned(),
                }),
                Cell::Count(days_between(seen.at, self.moment.at())),
            ],
        }
    }
}

impl Person {
    /// Whether it has rights, in force or kept for its return.
    fn has_rights(&self) -> bool {
        match self.known.account.standing.status {
            Status::Invited | Status::Active | Status::Paused | Status::Frozen => true,
            Status::Deactivated | Status::Removed => false,
        }
    }

    /// Whether the person can sign in at the moment. What a directory said in the past is not kept.
    pub(super) fn can_sign_in(&self, moment: Moment) -> bool {
        let (account, at) = (&self.known.account, moment.at());
        let is_known = match moment {
            Moment::Now(_) => self.known.identities.iter().any(|one| one.presence == Presence::Active),
            Moment::Past(_) => true,
        };
        is_known
            && account.standing.status.is_usable()
            && account.valid_from.is_none_or(|from| from <= at)
            && account.valid_until.is_none_or(|until| at < until)
    }

    /// The directories that know the person, each once.
    pub(super) fn directories(&self) -> Cell {
        let mut names: Vec<String> =
            self.known.identities.iter().map(|one| one.directory.to_string()).collect();
        names.sort();
        names.dedup();
        Cell::Terms(names.into_iter().map(|name| Term { id: name.clone(), words: name }).collect())
    }

    /// When it was last seen, for sorting: never is before everything.
    pub(super) fn seen_at(&self) -> Timestamp {
        self.seen.map_or(Timestamp::MIN, |seen| seen.at)
    }
}
