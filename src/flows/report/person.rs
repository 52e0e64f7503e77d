//! What a report says of one account: a cell for each column.
//!
//! Invariant: last seen is judged by the sources of the account's own lifecycle rule, as the plan judges it.

use jiff::Timestamp;

use super::super::lifecycle::facts::{Known, Moment};
use super::field::Field;
use super::judge::Verdict;
use super::scene::Scene;
use super::{Cell, Term};
use crate::domain::days::days_between;
use crate::domain::evidence::LastSeen;
use crate::domain::grant::{Grant, GrantKind, Origin};
use crate::domain::language::Text;
use crate::domain::lifecycle::Presence;
use crate::store::told::{Knows, Progress};

/// An account in a report.
#[derive(Debug)]
pub(super) struct Person {
    /// What is known about it.
    pub(super) known: Known,
    /// When the person was last seen.
    pub(super) seen: Option<LastSeen>,
    /// What the lifecycle says of it.
    pub(super) verdict: Verdict,
    /// What the CRMs know of it; read only where a column tells of it.
    pub(super) knows: Vec<Knows>,
    /// The account's ids in the CRMs; likewise.
    pub(super) crm_ids: Vec<String>,
    /// How many items it sees; likewise.
    pub(super) items: Option<usize>,
    /// Who their manager is, as the directory says; likewise.
    pub(super) manager: Option<String>,
}

impl Person {
    /// Whether the person can sign in at the moment. What a directory said in the past is not kept.
    pub(super) fn can_sign_in(&self, moment: Moment) -> bool {
        let (account, at) = (&self.known.account, moment.at());
        let is_known = match moment {
            Moment::Now(_) => self.is_present(),
            Moment::Past(_) => true,
        };
        is_known
            && account.standing.status.is_usable()
            && account.valid_from.is_none_or(|from| from <= at)
            && account.valid_until.is_none_or(|until| at < until)
    }

    /// Whether any directory says that the person is there.
    pub(super) fn is_present(&self) -> bool {
        self.known.identities.iter().any(|one| one.presence == Presence::Active)
    }

    /// Whether no directory knows the person: it never did, or has deleted them.
    pub(super) fn is_orphan(&self) -> bool {
        self.known.identities.iter().all(|one| matches!(one.presence, Presence::Deleted | Presence::Gone))
    }

    /// When it was last seen, for sorting: never is before everything.
    pub(super) fn seen_at(&self) -> Timestamp {
        self.seen.map_or(Timestamp::MIN, |seen| seen.at)
    }

    fn directories(&self) -> Cell {
        let mut names: Vec<String> =
            self.known.identities.iter().map(|one| one.directory.to_string()).collect();
        names.sort();
        names.dedup();
        Cell::Terms(names.iter().map(Term::plain).collect())
    }

    /// What a column says of this person.
    pub(super) fn cell(&self, scene: &Scene, field: Field) -> Cell {
        let (known, account, words) = (&self.known, &self.known.account, scene.words());
        match field {
            Field::Account => Cell::Text(account.id.to_string()),
            Field::DisplayName => Cell::Text(account.display_name.clone()),
            Field::UserName => Cell::Text(account.user_name.clone()),
            Field::Email => Cell::text(account.email.as_deref()),
            Field::Kind => Cell::Term(Term::new(&account.kind, words.kind(account.kind))),
            Field::CreatedAt => Cell::Day(account.created_at),
            Field::ActivatedAt => Cell::day(account.activated_at),
            Field::ValidUntil => Cell::day(account.valid_until),
            Field::Manager => Cell::text(self.manager.as_deref()),
            Field::Protected => Cell::Flag(account.is_protected),
            Field::CanSignIn => Cell::Flag(self.can_sign_in(scene.moment)),
            Field::Limited => Cell::Flag(known.limited),
            Field::Roles => scene.roles(known),
            Field::Sectors => scene.sectors(known),
            Field::ItemRestricted => Cell::Flag(scene.item_restricted(known)),
            Field::Privileged => Cell::Flag(scene.is_privileged(known)),
            Field::Items => self.items.map_or(Cell::Nothing, Cell::count),
            Field::Directories => self.directories(),
            Field::CrmIds => Cell::Terms(self.crm_ids.iter().map(Term::plain).collect()),
            Field::Crm => self.crm(scene),
            Field::GoneSince => {
                let gone = known.identities.iter().map(|one| one.since).max();
                Cell::day(gone)
            }
            Field::Status | Field::StatusSince | Field::StatusWhy | Field::StatusBy => {
                self.standing(scene, field)
            }
            Field::LastSeen | Field::LastSeenSource | Field::DaysSince => self.last_seen(scene, field),
            _ => self.verdict.cell(scene, self, field),
        }
    }

    fn standing(&self, scene: &Scene, field: Field) -> Cell {
        let (standing, words) = (&self.known.account.standing, scene.words());
        match field {
            Field::StatusSince => Cell::Day(standing.since),
            Field::StatusWhy => Cell::Term(Term::new(&standing.reason, words.status_reason(standing.reason))),
            Field::StatusBy => Cell::Text(standing.by.clone()),
            _ => Cell::Term(Term::new(&standing.status, words.status(standing.status))),
        }
    }

    fn last_seen(&self, scene: &Scene, field: Field) -> Cell {
        let Some(seen) = self.seen else { return Cell::Nothing };
        match field {
            Field::LastSeen => Cell::Day(seen.at),
            Field::LastSeenSource => Cell::Term(Term::new(&seen.source, scene.words().source(seen.source))),
            _ => Cell::Count(days_between(seen.at, scene.moment.at())),
        }
    }

    /// What each CRM knows: the newest that it took, and whether something newer waits or was given up.
    fn crm(&self, scene: &Scene) -> Cell {
        let term = |knows: &Knows| {
            let (id, told) = match knows.progress {
                Progress::Taken if knows.version >= self.known.account.version => {
                    ("told", scene.words().told())
                }
                Progress::Taken => return None,
                Progress::Waiting => ("waiting", scene.words().waits()),
                Progress::Dead => ("failed", scene.words().failed()),
            };
            let day = scene.reading.date(knows.since);
            Some(Term::new(
                &format!("{}: {id} {}", knows.target, knows.since),
                format!("{}: {told} {day}", knows.target),
            ))
        };
        Cell::Terms(self.knows.iter().filter_map(term).collect())
    }

    /// Whether a CRM will not take what it should know.
    pub(super) fn has_failed(&self) -> bool {
        self.knows.iter().any(|knows| knows.progress == Progress::Dead)
    }
}

impl Scene {
    fn text<'a>(&self, text: &'a Text) -> &'a str {
        text.get(self.reading.language)
    }

    /// A role, sector or limit in words.
    pub(super) fn grant_words(&self, kind: &GrantKind) -> String {
        let policy = self.policy();
        match kind {
            GrantKind::Role(id) => {
                policy.roles.get(id).map_or(id.to_string(), |role| self.text(&role.name).to_owned())
            }
            GrantKind::Sector(id) => {
                policy.sectors.get(id).map_or(id.to_string(), |sector| self.text(&sector.name).to_owned())
            }
            GrantKind::Limited | GrantKind::ItemRestricted => self.words().limit(kind),
        }
    }

    fn roles(&self, known: &Known) -> Cell {
        let roles = known.roles.iter();
        Cell::Terms(roles.map(|id| Term::new(&id, self.grant_words(&GrantKind::Role(id.clone())))).collect())
    }

    fn sectors(&self, known: &Known) -> Cell {
        let sectors = known.sectors.iter();
        Cell::Terms(
            sectors.map(|id| Term::new(&id, self.grant_words(&GrantKind::Sector(id.clone())))).collect(),
        )
    }

    fn item_restricted(&self, known: &Known) -> bool {
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
    pub(super) fn origins(&self, known: &Known, picks: impl Fn(&Grant) -> bool) -> Cell {
        let at = self.moment.at();
        let held = known.grants.iter().filter(|grant| grant.holds_at(at) && picks(grant));
        Cell::Terms(held.map(|grant| self.origin(grant)).collect())
    }

    /// What a grant gives, and where it comes from.
    fn origin(&self, grant: &Grant) -> Term {
        let held = [grant.kind.name(), grant.kind.value()].join(" ");
        let Term { id, words } = self.source_of(grant);
        Term::new(
            &format!("{}: {id}", held.trim_end()),
            format!("{}: {words}", self.grant_words(&grant.kind)),
        )
    }

    /// Where a grant comes from.
    pub(super) fn source_of(&self, grant: &Grant) -> Term {
        match &grant.origin {
            Origin::Rule(rule) => Term::new(&format!("rule {rule}"), self.words().by_rule(rule)),
            Origin::Manual => Term::new(&format!("manual by {}", grant.by), self.words().by_hand(&grant.by)),
            Origin::Review => {
                Term::new(&format!("review by {}", grant.by), self.words().by_review(&grant.by))
            }
            Origin::Deputy(away) => Term::new(&format!("deputy of {away}"), self.words().as_deputy()),
        }
    }
}
