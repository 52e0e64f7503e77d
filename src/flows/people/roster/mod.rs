//! The list of people: who fits, in which order, a page at a time.
//!
//! Invariant: a page costs about the same wherever it lies. Last seen is the latest of all sources here, so that what a
//! list is narrowed and sorted by is what it shows; the next step is judged by the lifecycle's own rule.

mod cursor;
mod figures;
mod memory;
mod row;
mod selection;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::console::ConsoleActor;
use super::super::lifecycle::facts::{self, Moment};
use super::super::report::{self, Form, Report};
use super::super::{Ports, Refusal, post};
use crate::domain::ids::{AccountId, DirectoryId};
use crate::domain::language::Language;
use crate::domain::policy::Policy;
use crate::store::roster::{self, Facet, Wanted};
use crate::store::{Conn, Span, account, presence};

pub use crate::store::roster::Order;
pub use cursor::Cursor;
pub use figures::{Ages, Figures, figures};
pub use memory::Memory;
pub use row::{HeldRole, PersonRow};
pub use selection::{Selection, Signed, Who};

/// A filter that fewer people than this have is looked up first.
const FEW: usize = 2_000;

/// Where filters are many, no more than so many are counted.
const COUNTED: usize = 1_000;

/// The most people that are marked and changed together.
pub const MOST_TOGETHER: usize = 200;

/// How many people a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Exactly(usize),
    /// More than so many.
    MoreThan(usize),
}

/// A page of the list.
#[derive(Debug, Clone)]
pub struct RosterPage {
    /// Who stands on it.
    pub people: Vec<PersonRow>,
    /// How many the whole list has.
    pub count: Count,
    /// Where the page before ends.
    pub before: Option<Cursor>,
    /// Where the page after begins.
    pub after: Option<Cursor>,
}

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Turn {
    /// The first.
    #[default]
    First,
    /// The one after this.
    After(Cursor),
    /// The one before this.
    Before(Cursor),
}

/// A page of who fits `selection`, at most `limit` of them; with their managers, where that is wanted.
///
/// # Errors
///
/// [`Refusal::Invalid`] for a role, sector or directory that there is not; [`Refusal::Store`] when the database cannot be
/// reached.
pub async fn page(
    ports: &Ports,
    actor: &ConsoleActor,
    (selection, order, turn): (&Selection, Order, &Turn),
    (limit, with_managers): (usize, bool),
) -> Result<RosterPage, Refusal> {
    let act = actor.reading();
    let epoch = ports.db.epoch().await?;
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    selection.check(&compiled.policy, &ports.settings)?;
    let (order, after) = match turn {
        Turn::First => (order, None),
        Turn::After(cursor) => (order, Some(&cursor.0)),
        Turn::Before(cursor) => (turned(order), Some(&cursor.0)),
    };
    let wanted = selection.wanted(&compiled.policy, order, act.now);
    let among = among(ports, &mut c, &wanted).await?;
    let more = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let mut found = roster::page(&mut c, &wanted, among.as_deref(), after, more).await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let is_back = matches!(turn, Turn::Before(_));
    if is_back {
        found.reverse();
    }
    let (has_before, has_after) = match turn {
        Turn::First => (false, has_more),
        Turn::After(_) => (true, has_more),
        Turn::Before(_) => (has_more, true),
    };
    let count = if let Some(known) = ports.rosters.count(epoch, &wanted) {
        known
    } else {
        let count = count(ports, &mut c, &wanted, among.as_deref()).await?;
        if ports.db.epoch().await? == epoch {
            ports.rosters.keep_count(epoch, &wanted, count);
        }
        count
    };
    let before = found.first().filter(|_| has_before).map(|one| Cursor(one.place.clone()));
    let after = found.last().filter(|_| has_after).map(|one| Cursor(one.place.clone()));
    let ids: Vec<AccountId> = found.iter().map(|one| one.place.account).collect();
    let mut people = rows(ports, &mut c, &compiled.policy, &ids, act.now).await?;
    if with_managers {
        let mut managers = managers(&mut c, ids, &mut Managers::new()).await?;
        for one in &mut people {
            one.manager = managers.remove(&one.account);
        }
    }
    Ok(RosterPage { people, count, before, after })
}

/// The other way round.
const fn turned(order: Order) -> Order {
    match order {
        Order::Name => Order::NameDown,
        Order::NameDown => Order::Name,
        Order::Seen => Order::SeenDown,
        Order::SeenDown => Order::Seen,
    }
}

/// These people as the list shows them, in the order of the list.
async fn rows(
    ports: &Ports,
    c: &mut Conn,
    policy: &Policy,
    ids: &[AccountId],
    now: Timestamp,
) -> Result<Vec<PersonRow>, Refusal> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let around = facts::surroundings(c, &ports.settings, policy, now).await?;
    let accounts = account::of_ids(c, ids).await?;
    let known = facts::listed(c, policy, &around, accounts, Moment::Now(now)).await?;
    let mut rows: Vec<PersonRow> = known.iter().map(|one| row::row(policy, &around, one, now)).collect();
    rows.sort_by_cached_key(|row| ids.iter().position(|id| *id == row.account));
    Ok(rows)
}

/// Names of managers that were looked up, by directory and by what that says of them.
pub(in crate::flows) type Managers = BTreeMap<(DirectoryId, String), Option<String>>;

/// Whom the directories name as these people's managers. Each manager is looked up once: they are few.
pub(in crate::flows) async fn managers(
    c: &mut Conn,
    ids: Vec<AccountId>,
    known: &mut Managers,
) -> Result<BTreeMap<AccountId, String>, Refusal> {
    let mut found = BTreeMap::new();
    for (id, directory, document) in presence::documents_of(c, &Span::Listed(ids)).await? {
        let Some(named) = post::manager(&document) else { continue };
        let key = (directory, named.to_owned());
        if !known.contains_key(&key) {
            let account = match post::meant(c, &key.0, named).await? {
                Some(identity) => account::get(c, identity.account).await?,
                None => None,
            };
            let name = account.map(|one| one.display_name).filter(|name| !name.is_empty());
            known.insert(key.clone(), name);
        }
        let name = known.get(&key).cloned().flatten();
        // Somebody whom we do not know is told as the directory tells.
        found.insert(id, name.unwrap_or_else(|| named.to_owned()));
    }
    Ok(found)
}

/// Who has the rarest things that are asked for, where few have them; nothing where no filter leaves few.
async fn among(ports: &Ports, c: &mut Conn, wanted: &Wanted) -> Result<Option<Vec<uuid::Uuid>>, Refusal> {
    let mut lists = Vec::new();
    for facet in &wanted.facets {
        if ports.rosters.is_wide(facet, wanted.now) {
            continue;
        }
        match roster::few(c, facet, wanted.now, FEW).await? {
            Some(found) => lists.push(found),
            None => ports.rosters.found_wide(facet, wanted.now),
        }
    }
    Ok(roster::overlap(lists))
}

async fn count(
    ports: &Ports,
    c: &mut Conn,
    wanted: &Wanted,
    among: Option<&[uuid::Uuid]>,
) -> Result<Count, Refusal> {
    let number = |count: i64| usize::try_from(count).unwrap_or_default();
    if wanted.facets.is_empty() {
        let count = match wanted.valid_at {
            // Whoever is outside their dates is taken off, so that indexes are enough.
            Some(now) => roster::able(c, wanted.seen_from, wanted.seen_before, now).await?,
            None => roster::count(c, wanted, None, i64::MAX).await?,
        };
        return Ok(Count::Exactly(number(count)));
    }
    if among.is_none() && ports.rosters.is_crowd(wanted) {
        return Ok(Count::MoreThan(COUNTED));
    }
    let most = i64::try_from(COUNTED).unwrap_or(i64::MAX).saturating_add(1);
    let most = if among.is_some() { i64::MAX } else { most };
    let found = number(roster::count(c, wanted, among, most).await?);
    let is_whole = among.is_some() || found <= COUNTED;
    if is_whole {
        return Ok(Count::Exactly(found));
    }
    ports.rosters.found_crowd(wanted);
    Ok(Count::MoreThan(COUNTED))
}

/// The whole list as a report, with the columns that are shown.
///
/// # Errors
///
/// As [`page`].
pub async fn export(
    ports: &Ports,
    actor: &ConsoleActor,
    (selection, order): (&Selection, Order),
    columns: &[&'static str],
    (language, form): (Language, Form),
) -> Result<Report, Refusal> {
    let act = actor.reading();
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    selection.check(&compiled.policy, &ports.settings)?;
    let wanted = selection.wanted(&compiled.policy, order, act.now);
    let among = among(ports, &mut c, &wanted).await?;
    let found = roster::page(&mut c, &wanted, among.as_deref(), None, i64::MAX).await?;
    drop(c);
    let ids: Vec<AccountId> = found.into_iter().map(|one| one.place.account).collect();
    let terms = selection.terms();
    report::of_people(ports, act, (ids, columns), (terms, language, form)).await
}

/// Gives everybody a sort key and search words who came to be before lists had them. Gives to how many.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn name_everybody(ports: &Ports) -> Result<usize, Refusal> {
    const PAGE: i64 = 500;
    let mut named = 0;
    loop {
        let mut c = ports.db.read().await?;
        let ids = roster::unnamed(&mut c, PAGE).await?;
        drop(c);
        if ids.is_empty() {
            return Ok(named);
        }
        named += ids.len();
        ports
            .db
            .write(move |c| {
                Box::pin(async move {
                    for one in account::lock_all(c, &ids).await? {
                        roster::name(c, &one).await?;
                    }
                    Ok::<_, Refusal>(())
                })
            })
            .await?;
    }
}
