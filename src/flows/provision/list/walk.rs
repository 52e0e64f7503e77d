//! Goes through the candidates of a filter, or through everybody, and keeps what the wanted page needs.
//!
//! Invariant: a few hundred candidates are in memory at a time, and the members of one group.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

use uuid::Uuid;

use super::super::super::Refusal;
use super::super::wire;
use super::cursor::{self, Start};
use super::order::Best;
use super::{Lister, PAGE_BYTES, candidates};
use crate::domain::ids::GroupId;
use crate::scim::sort::{Sort, SortKey};
use crate::scim::{Filter, ListResponse, ResourceKind};
use crate::store::Conn;
use crate::store::sheet::{self, From, Members, Sheet};

/// How many candidates are looked at together.
const CHUNK: usize = 200;

impl Lister<'_> {
    /// What a filter lets through, in the order of the ids.
    pub(super) async fn filtered(&self, filter: &Filter) -> Result<ListResponse, Refusal> {
        let start = Start::of(&self.query.page)?;
        let mut c = self.ports.db.snapshot().await?;
        let mut source = self.source(&mut c, start).await?;
        let mut taken = Taken::new(start, self.count() as u64);
        'all: loop {
            let chunk = source.next(self, &mut c).await?;
            if chunk.is_empty() {
                break;
            }
            let verdicts = self.judge(&mut c, Some(filter), None, &chunk).await?;
            for (sheet, verdict) in chunk.into_iter().zip(verdicts) {
                if verdict.is_some() && taken.take(sheet).is_break() {
                    break 'all;
                }
            }
        }
        let total = taken.total(start);
        let mut page = taken.kept;
        let is_more = match start {
            Start::After { .. } => page.len() > self.count() || taken.is_cut,
            Start::First | Start::Index(_) => taken.wanted.end < total,
        };
        page.truncate(self.count());
        if self.candidates() != self.sheets() {
            let ids: Vec<Uuid> = page.iter().map(|sheet| sheet.id).collect();
            page = self.load(&mut c, &ids).await?;
        }
        self.answer(c, start, total, page, is_more).await
    }

    /// What a filter lets through, or everybody, in the wanted order.
    pub(super) async fn sorted(&self, sort: &Sort) -> Result<ListResponse, Refusal> {
        let (skip, is_by_cursor) = cursor::offset(&self.query.page)?;
        let reach = skip.saturating_add(u64::from(self.query.count));
        let mut c = self.ports.db.snapshot().await?;
        let mut source = self.source(&mut c, Start::First).await?;
        let mut best = Best::new(sort, reach);
        loop {
            let chunk = source.next(self, &mut c).await?;
            if chunk.is_empty() {
                break;
            }
            let verdicts = self.judge(&mut c, self.query.filter.as_ref(), Some(sort), &chunk).await?;
            for (sheet, key) in chunk.iter().zip(verdicts) {
                if let Some(key) = key {
                    best.take(key, sheet.id)?;
                }
            }
        }
        let total = best.total();
        let page = self.load(&mut c, &best.page(skip)).await?;
        let resources = self.show(c, &page).await?;
        let next = skip.saturating_add(resources.len() as u64);
        let is_next = is_by_cursor && !resources.is_empty() && next < total;
        let next_cursor = is_next.then(|| cursor::Cursor::Offset(next).write());
        let start_index = (!is_by_cursor).then(|| skip.saturating_add(1));
        Ok(ListResponse { total, start_index, next_cursor, resources })
    }

    /// Where the candidates come from.
    async fn source(&self, c: &mut Conn, start: Start) -> Result<Source, Refusal> {
        let after = if let Start::After { id, .. } = start { id } else { Uuid::nil() };
        let Some(narrow) = self.query.filter.as_ref().and_then(Filter::narrow) else {
            return Ok(Source::Everybody(after));
        };
        let ids = candidates::ids(c, self.kind, self.directory, &narrow).await?;
        let next = if after.is_nil() { 0 } else { ids.partition_point(|id| *id <= after) };
        Ok(Source::Some { ids, next })
    }

    /// The sheets of these ids, in their order, as many as go on a page.
    async fn load(&self, c: &mut Conn, ids: &[Uuid]) -> Result<Vec<Sheet>, Refusal> {
        let (mut page, mut bytes) = (Vec::with_capacity(ids.len()), 0);
        for chunk in ids.chunks(CHUNK) {
            let mut found = sheet::of_ids(c, self.sheets(), self.directory, chunk).await?;
            let place = |id: Uuid| chunk.iter().position(|one| *one == id);
            found.sort_by_cached_key(|sheet| place(sheet.id));
            bytes += found.iter().map(|sheet| sheet.document.len()).sum::<usize>();
            page.extend(found);
            if bytes > PAGE_BYTES {
                break;
            }
        }
        Ok(page)
    }

    /// For each of a chunk, whether the filter lets it through, and then the key to sort it by.
    async fn judge(
        &self,
        c: &mut Conn,
        filter: Option<&Filter>,
        sort: Option<&Sort>,
        chunk: &[Sheet],
    ) -> Result<Vec<Option<SortKey>>, Refusal> {
        let verdict = |sheet: &Sheet, members: &Members, names: &[String]| -> Result<_, Refusal> {
            let value = wire::value(sheet, self.kind, self.base, Some((members, names)))?;
            let passes = filter.is_none_or(|filter| filter.matches(&value));
            Ok(passes.then(|| sort.map(|sort| sort.key_of(&value)).unwrap_or_default()))
        };
        let mut known = HashMap::new();
        if self.kind == ResourceKind::Group && self.looks_at("members") {
            if filter.is_some_and(|filter| filter.looks_into("members", "display")) {
                for sheet in chunk {
                    let (members, names) = named(c, sheet.id).await?;
                    known.insert(sheet.id, verdict(sheet, &members, &names)?);
                }
            } else {
                let ids: Vec<Uuid> = chunk.iter().map(|sheet| sheet.id).collect();
                let only = if sort.is_some() { None } else { filter.and_then(members_asked) };
                let mut failed = None;
                sheet::members(c, &ids, only.as_deref(), |group, members| {
                    let place = ids.binary_search(&group.uuid()).ok();
                    let Some(sheet) = place.and_then(|at| chunk.get(at)) else {
                        return ControlFlow::Continue(());
                    };
                    match verdict(sheet, &members, &[]) {
                        Ok(verdict) => drop(known.insert(sheet.id, verdict)),
                        Err(error) => failed = Some(error),
                    }
                    if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                })
                .await?;
                failed.map_or(Ok(()), Err)?;
            }
        }
        let nobody = Members::default();
        let mut rest =
            |sheet: &Sheet| known.remove(&sheet.id).map_or_else(|| verdict(sheet, &nobody, &[]), Ok);
        chunk.iter().map(&mut rest).collect()
    }
}

/// The members of one group with their names.
pub(super) async fn named(c: &mut Conn, group: Uuid) -> Result<(Members, Vec<String>), Refusal> {
    let mut members = Members::default();
    sheet::members(c, &[group], None, |_, all| {
        members = all;
        ControlFlow::Break(())
    })
    .await?;
    let names = sheet::names(c, GroupId::new(group)).await?;
    Ok((members, names))
}

/// Where the filter only asks whether certain people are members: these.
fn members_asked(filter: &Filter) -> Option<Vec<Uuid>> {
    let asked = filter.values_asked("members")?;
    Some(asked.into_iter().filter_map(|value| Uuid::try_parse(value).ok()).collect())
}

/// Where candidates come from, chunk by chunk in the order of their ids.
enum Source {
    /// All of the directory after this id.
    Everybody(Uuid),
    /// Those whom an index found.
    Some { ids: Vec<Uuid>, next: usize },
}

impl Source {
    /// The next chunk; empty only at the end.
    async fn next(&mut self, lister: &Lister<'_>, c: &mut Conn) -> Result<Vec<Sheet>, Refusal> {
        match self {
            Self::Everybody(after) => {
                let mut chunk = Vec::with_capacity(CHUNK);
                let limit = i64::try_from(CHUNK).unwrap_or(i64::MAX);
                let from = From::After(*after);
                sheet::page(c, lister.candidates(), lister.directory, from, limit, |sheet| {
                    chunk.push(sheet);
                    ControlFlow::Continue(())
                })
                .await?;
                if let Some(last) = chunk.last() {
                    *after = last.id;
                }
                Ok(chunk)
            }
            Self::Some { ids, next } => loop {
                let rest = ids.get(*next..).unwrap_or_default();
                let wanted = rest.get(..CHUNK).unwrap_or(rest);
                if wanted.is_empty() {
                    return Ok(Vec::new());
                }
                *next += wanted.len();
                // All of them may have been deleted meanwhile.
                let chunk = sheet::of_ids(c, lister.candidates(), lister.directory, wanted).await?;
                if !chunk.is_empty() {
                    return Ok(chunk);
                }
            },
        }
    }
}

/// What was let through so far: the wanted page is kept, the rest is counted.
struct Taken {
    wanted: Range<u64>,
    /// Nothing is counted: the total is known already.
    stops: bool,
    seen: u64,
    kept: Vec<Sheet>,
    bytes: usize,
    /// The page became too large before it was full.
    is_cut: bool,
}

impl Taken {
    fn new(start: Start, count: u64) -> Self {
        let (wanted, stops) = match start {
            Start::Index(skip) => (skip..skip.saturating_add(count), false),
            Start::First => (0..count, false),
            // One more than is wanted tells whether there is a next page.
            Start::After { .. } => (0..count.saturating_add(1), true),
        };
        Self { wanted, stops, seen: 0, kept: Vec::new(), bytes: 0, is_cut: false }
    }

    fn take(&mut self, sheet: Sheet) -> ControlFlow<()> {
        if self.wanted.contains(&self.seen) {
            self.bytes += sheet.document.len();
            self.kept.push(sheet);
            if self.bytes > PAGE_BYTES {
                self.wanted.end = self.seen + 1;
                self.is_cut = true;
            }
        }
        self.seen += 1;
        if self.stops && self.seen >= self.wanted.end {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn total(&self, start: Start) -> u64 {
        match start {
            Start::After { total, .. } => total,
            Start::Index(_) | Start::First => self.seen,
        }
    }
}
