//! Reads what is known about accounts, a page at a time, for plans, steps and reports.
//!
//! Invariant: a page costs a fixed number of statements, whatever it holds; one account is a page of one, so that a
//! plan and its application see the same facts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::super::Refusal;
use crate::config::Settings;
use crate::domain::account::Account;
use crate::domain::days::whole_days;
use crate::domain::effective::{held_roles, held_sectors};
use crate::domain::evidence::{Evidence, LastSeen, SourceHealth, last_seen};
use crate::domain::grant::{Grant, GrantKind};
use crate::domain::ids::{AccountId, RoleId, SectorId};
use crate::domain::lifecycle::{Facts, IdentityState, Leave, Notice, Presence, rule_for};
use crate::domain::policy::{EvidenceSource, Policy};
use crate::store::evidence::Health;
use crate::store::leave::ApprovedLeave;
use crate::store::token::TokenKind;
use crate::store::{Conn, Span, entitlement, evidence, held_right, leave, notice, presence, standing, token};

/// How many accounts make a page: so few that each of its statements is quick, and read where it is asked.
pub(in crate::flows) const PAGE: i64 = 200;

/// What all accounts have in common at one moment.
#[derive(Debug, Clone)]
pub(in crate::flows) struct Surroundings {
    /// Every configured source, as fresh as it is.
    pub(in crate::flows) sources: Vec<SourceHealth>,
    /// Whether notices can be sent at all.
    pub(in crate::flows) mail_configured: bool,
    /// Whose rights wait for a release, and since when.
    held: BTreeMap<AccountId, Timestamp>,
    leads: Vec<SignedDuration>,
}

impl Surroundings {
    /// As if no rights waited for a release.
    pub(super) fn without_held(self) -> Self {
        Self { held: BTreeMap::new(), ..self }
    }
}

/// What is known about one account.
#[derive(Debug, Clone)]
pub(in crate::flows) struct Known {
    /// The account, with the status of the moment.
    pub(in crate::flows) account: Account,
    /// What it holds.
    pub(in crate::flows) grants: Vec<Grant>,
    /// The roles in force.
    pub(in crate::flows) roles: BTreeSet<RoleId>,
    /// The sectors in force.
    pub(in crate::flows) sectors: BTreeSet<SectorId>,
    /// Whether it is limited.
    pub(in crate::flows) limited: bool,
    /// What its directories say.
    pub(in crate::flows) identities: Vec<IdentityState>,
    /// Their documents, where a lifecycle rule asks for an attribute.
    pub(in crate::flows) documents: Vec<Value>,
    /// When each source last saw the person.
    pub(in crate::flows) evidence: Evidence,
    /// The notices that went out.
    pub(in crate::flows) notices: Vec<Notice>,
    /// The leave that is open.
    pub(in crate::flows) leave: Option<ApprovedLeave>,
}

impl Known {
    /// When the person was last seen, by the sources that the account's lifecycle rule names; by any where none applies.
    pub(in crate::flows) fn last_seen(&self, policy: &Policy, around: &Surroundings) -> Option<LastSeen> {
        if let Some(rule) = rule_for(policy, &self.facts(around)) {
            return last_seen(&self.evidence, &rule.evidence);
        }
        last_seen(&self.evidence, &EvidenceSource::ALL.iter().copied().collect())
    }

    /// In the form that the domain assesses.
    pub(in crate::flows) fn facts<'a>(&'a self, around: &'a Surroundings) -> Facts<'a> {
        Facts {
            account: &self.account,
            roles: &self.roles,
            sectors: &self.sectors,
            limited: self.limited,
            identities: &self.identities,
            documents: &self.documents,
            evidence: &self.evidence,
            sources: &around.sources,
            notices: &self.notices,
            mail_configured: around.mail_configured,
            held: around.held.get(&self.account.id).copied(),
            leave: self.leave.as_ref().map(|leave| Leave {
                from: leave.from,
                until: leave.until,
                keeps_sign_in: leave.sign_in_why.is_some(),
            }),
        }
    }
}

/// The moment that facts are read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flows) enum Moment {
    /// The present.
    Now(Timestamp),
    /// An instant in the past, by the history.
    Past(Timestamp),
}

impl Moment {
    /// The instant itself.
    pub(in crate::flows) const fn at(self) -> Timestamp {
        match self {
            Self::Now(at) | Self::Past(at) => at,
        }
    }

    const fn past(self) -> Option<Timestamp> {
        match self {
            Self::Now(_) => None,
            Self::Past(at) => Some(at),
        }
    }
}

/// Reads what all accounts have in common.
pub(in crate::flows) async fn surroundings(
    c: &mut Conn,
    settings: &Settings,
    policy: &Policy,
    now: Timestamp,
) -> Result<Surroundings, Refusal> {
    let mut leads: Vec<SignedDuration> =
        policy.lifecycle.rules.iter().flat_map(|rule| rule.notify_before.iter().copied()).collect();
    leads.sort_unstable();
    leads.dedup();
    Ok(Surroundings {
        sources: sources(c, settings, now).await?,
        mail_configured: settings.mail.is_some(),
        held: held_right::all(c).await?.into_iter().map(|(id, held)| (id, held.since)).collect(),
        leads,
    })
}

/// Every configured source. Sign-ins through Portvakt are known at once. A CRM is a source when it may report: it has
/// a token, or has reported before. A directory's own log is one where it is fetched.
async fn sources(c: &mut Conn, settings: &Settings, now: Timestamp) -> Result<Vec<SourceHealth>, Refusal> {
    let known = evidence::health(c).await?;
    let find = |source, scope: &str| known.iter().find(|h| h.source == source && h.scope == scope);
    let mut sources = Vec::new();
    for directory in &settings.directories {
        if directory.oidc.is_some() {
            sources.push(SourceHealth::own(EvidenceSource::Sso, Some(directory.id.clone()), now));
        }
        if directory.pull.is_some() {
            let health = find(EvidenceSource::Directory, directory.id.as_str());
            let mut source = as_source(EvidenceSource::Directory, health);
            source.directory = Some(directory.id.clone());
            sources.push(source);
        }
    }
    for target in &settings.targets {
        let health = find(EvidenceSource::Crm, target.id.as_str());
        let tokens = token::of_owner(c, TokenKind::Target, target.id.as_str()).await?;
        if health.is_some() || tokens.iter().any(|token| token.is_valid_at(now)) {
            sources.push(as_source(EvidenceSource::Crm, health));
        }
    }
    Ok(sources)
}

fn as_source(source: EvidenceSource, health: Option<&Health>) -> SourceHealth {
    SourceHealth {
        source,
        directory: None,
        last_success: health.and_then(|health| health.last_success),
        complete: health.is_none_or(|health| health.is_complete),
        licensed: health.is_none_or(|health| health.is_licensed),
    }
}

/// What is known about one account.
pub(in crate::flows) async fn one(
    c: &mut Conn,
    policy: &Policy,
    around: &Surroundings,
    account: Account,
    now: Timestamp,
) -> Result<Option<Known>, Refusal> {
    Ok(page(c, policy, around, vec![account], Moment::Now(now)).await?.pop())
}

/// What is known about a page of accounts, all from one id to another, in their order. Accounts that came to be later
/// than a past moment are left out; names, kind and protection are the present ones, for they have no history.
pub(in crate::flows) async fn page(
    c: &mut Conn,
    policy: &Policy,
    around: &Surroundings,
    accounts: Vec<Account>,
    moment: Moment,
) -> Result<Vec<Known>, Refusal> {
    let (Some(first), Some(last)) = (accounts.first().map(|a| a.id), accounts.last().map(|a| a.id)) else {
        return Ok(Vec::new());
    };
    spanning(c, policy, around, (accounts, Span::Between(first, last)), moment).await
}

/// The same about any accounts.
pub(in crate::flows) async fn listed(
    c: &mut Conn,
    policy: &Policy,
    around: &Surroundings,
    accounts: Vec<Account>,
    moment: Moment,
) -> Result<Vec<Known>, Refusal> {
    let span = Span::Listed(accounts.iter().map(|account| account.id).collect());
    spanning(c, policy, around, (accounts, span), moment).await
}

async fn spanning(
    c: &mut Conn,
    policy: &Policy,
    around: &Surroundings,
    (accounts, span): (Vec<Account>, Span),
    moment: Moment,
) -> Result<Vec<Known>, Refusal> {
    let mut rows = Rows::read(c, &span, moment).await?;
    let asks = policy.lifecycle.rules.iter().any(|rule| rule.applies_to.attribute.is_some());
    let documents = if asks { presence::documents_of(c, &span).await? } else { Vec::new() };
    let mut documents = by_account(documents.into_iter().map(|(id, _, document)| (id, document)));
    let mut page = Vec::with_capacity(accounts.len());
    for mut account in accounts {
        let id = account.id;
        if let Some(standings) = &mut rows.standings {
            let Some(past) = standings.remove(&id).and_then(|mut rows| rows.pop()) else { continue };
            account.standing = past.standing;
        }
        let grants = rows.grants.remove(&id).unwrap_or_default();
        page.push(Known {
            roles: held_roles(policy, &grants, moment.at()).map(|held| held.id.clone()).collect(),
            sectors: held_sectors(policy, &grants, moment.at()).map(|(id, _)| id.clone()).collect(),
            limited: grants.iter().any(|g| g.kind == GrantKind::Limited && g.holds_at(moment.at())),
            grants,
            identities: presences(rows.presences.remove(&id).unwrap_or_default(), moment.at()),
            documents: documents.remove(&id).unwrap_or_default(),
            evidence: rows.evidence.remove(&id).unwrap_or_default().into_iter().collect(),
            notices: sent(rows.notices.remove(&id).unwrap_or_default(), &around.leads, moment.at()),
            leave: rows.leaves.remove(&id).and_then(|mut rows| rows.pop()),
            account,
        });
    }
    Ok(page)
}

/// The rows of one page, by account.
struct Rows {
    presences: BTreeMap<AccountId, Vec<presence::Presence>>,
    grants: BTreeMap<AccountId, Vec<Grant>>,
    evidence: BTreeMap<AccountId, Vec<(EvidenceSource, Timestamp)>>,
    notices: BTreeMap<AccountId, Vec<notice::Notice>>,
    leaves: BTreeMap<AccountId, Vec<ApprovedLeave>>,
    standings: Option<BTreeMap<AccountId, Vec<standing::Past>>>,
}

impl Rows {
    async fn read(c: &mut Conn, span: &Span, moment: Moment) -> Result<Self, Refusal> {
        let latest = evidence::latest_of(c, span).await?;
        let evidence = match moment.past() {
            None => latest,
            Some(at) => {
                // The latest of all may be older than the days that are kept: then it stands for them.
                let mut rows = evidence::latest_of_before(c, span, at).await?;
                rows.extend(latest.into_iter().filter(|(_, _, seen)| *seen <= at));
                rows
            }
        };
        let standings = match moment.past() {
            None => None,
            Some(at) => Some(by_account(standing::at_of(c, span, at).await?)),
        };
        let presences = presence::of(c, span).await?;
        let notices = notice::of(c, span).await?;
        let leaves = leave::open_of(c, span, moment.past()).await?;
        Ok(Self {
            presences: by_account(presences.into_iter().map(|row| (row.account, row))),
            grants: by_account(entitlement::held_of(c, span, moment.past()).await?),
            evidence: by_account(evidence.into_iter().map(|(id, source, at)| (id, (source, at)))),
            notices: by_account(notices.into_iter().map(|row| (row.account, row))),
            leaves: by_account(leaves.into_iter().map(|row| (row.account, row))),
            standings,
        })
    }
}

fn by_account<T>(rows: impl IntoIterator<Item = (AccountId, T)>) -> BTreeMap<AccountId, Vec<T>> {
    let mut sorted: BTreeMap<AccountId, Vec<T>> = BTreeMap::new();
    for (id, row) in rows {
        sorted.entry(id).or_default().push(row);
    }
    sorted
}

fn presences(rows: Vec<presence::Presence>, at: Timestamp) -> Vec<IdentityState> {
    rows.into_iter()
        .filter(|row| row.created_at <= at)
        .map(|row| {
            let (presence, since) = match (row.deleted_at, row.active) {
                (Some(deleted), _) => (Presence::Deleted, deleted),
                (None, true) => (Presence::Active, row.modified_at),
                (None, false) => (Presence::Inactive, row.modified_at),
            };
            IdentityState { directory: row.directory, presence, since }
        })
        .collect()
}

/// The notices with the time before the freeze that each was meant for. The table knows whole days; where the policy
/// has finer ones that fall on the same day, one notice stands for each of them, with its full time.
fn sent(rows: Vec<notice::Notice>, leads: &[SignedDuration], at: Timestamp) -> Vec<Notice> {
    let mut sent = Vec::new();
    for row in rows.into_iter().filter(|row| row.sent_at <= at) {
        let day = SignedDuration::from_hours(row.days_before.saturating_mul(24));
        sent.push(Notice { lead: day, sent_at: row.sent_at });
        let finer = leads.iter().filter(|lead| **lead != day && whole_days(**lead) == row.days_before);
        sent.extend(finer.map(|lead| Notice { lead: *lead, sent_at: row.sent_at }));
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::RuleId;
    use crate::domain::sample;

    #[test]
    fn a_notice_of_half_a_day_is_found_again_under_its_own_time() {
        let at = sample::at("2025-10-07T02:00:00Z");
        let row = notice::Notice {
            account: sample::account_id(1),
            rule: RuleId::parse("everyone").unwrap(),
            days_before: 0,
            idle_since: at,
            sent_at: at,
            letter: None,
        };
        let half = SignedDuration::from_hours(12);
        let found = sent(vec![row], &[half, SignedDuration::from_hours(336)], at);
        assert!(found.iter().any(|notice| notice.lead == half));
        assert!(found.iter().all(|notice| notice.lead <= half));
    }
}
