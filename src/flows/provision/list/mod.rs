//! Lists of a directory's people or groups, filtered, sorted and paged.
//!
//! Invariant: the evaluator decides about each resource; an index only chooses the candidates. A list is one moment's,
//! whole or an error, and its pages have one stable order: that of the ids, which is that of creation. However long it
//! is, only a page of it is in memory: a page that would be too large is shorter than was asked for, which RFC 7644
//! §3.4.2.4 and RFC 9865 §2 allow.

mod candidates;
mod cursor;
mod order;
mod show;
mod walk;

use std::ops::ControlFlow;

use uuid::Uuid;

use super::super::{Ports, Refusal};
use super::wire;
use crate::domain::ids::DirectoryId;
use crate::scim::{Filter, ListQuery, ListResponse, ResourceKind};
use crate::store::sheet::{self, From, Sheet, SheetKey, SheetKind};
use crate::store::{Conn, group, identity};

use cursor::Start;

/// A page takes no more than about this, in bytes, unless its first resource alone does.
const PAGE_BYTES: usize = 16 * 1024 * 1024;

/// Answers a list query. `base` is the directory's SCIM address without a slash at the end.
///
/// # Errors
///
/// SCIM 400 `invalidCursor` for a cursor that we did not issue, 400 `tooMany` for a list that is too long to be sorted.
pub async fn list(
    ports: &Ports,
    directory: &DirectoryId,
    base: &str,
    kind: ResourceKind,
    query: &ListQuery,
) -> Result<ListResponse, Refusal> {
    let lister = Lister { ports, directory, base, kind, query };
    match (&query.filter, &query.sort) {
        (None, None) => lister.plain().await,
        (Some(filter), None) => match lister.key(filter) {
            Some(key) => lister.few(filter, key).await,
            None => lister.filtered(filter).await,
        },
        (_, Some(sort)) => lister.sorted(sort).await,
    }
}

struct Lister<'a> {
    ports: &'a Ports,
    directory: &'a DirectoryId,
    base: &'a str,
    kind: ResourceKind,
    query: &'a ListQuery,
}

impl Lister<'_> {
    fn count(&self) -> usize {
        usize::try_from(self.query.count).unwrap_or(usize::MAX)
    }

    /// What is loaded of those who are shown, and judged before that.
    fn sheets(&self) -> SheetKind {
        match self.kind {
            ResourceKind::User => {
                SheetKind::Person { with_groups: self.shows_groups() || self.looks_at("groups") }
            }
            ResourceKind::Group => SheetKind::Group,
        }
    }

    /// What is loaded of those who are only judged.
    fn candidates(&self) -> SheetKind {
        match self.kind {
            ResourceKind::User => SheetKind::Person { with_groups: self.looks_at("groups") },
            ResourceKind::Group => SheetKind::Group,
        }
    }

    fn shows_groups(&self) -> bool {
        self.kind == ResourceKind::User && self.query.projection.wants("groups")
    }

    /// The filter or the order looks at the attribute.
    fn looks_at(&self, name: &str) -> bool {
        let by_order = |sort: &crate::scim::sort::Sort| {
            let path = sort.path();
            path.extension().is_none() && path.attribute().is_some_and(|field| field.name() == name)
        };
        self.query.filter.as_ref().is_some_and(|filter| filter.mentions(name))
            || self.query.sort.as_ref().is_some_and(by_order)
    }

    fn shows_members(&self) -> bool {
        self.kind == ResourceKind::Group && self.query.projection.wants_members()
    }

    /// The key that the filter comes to, where that finds few and nothing needs to be read beside them.
    fn key(&self, filter: &Filter) -> Option<SheetKey> {
        if self.kind == ResourceKind::Group && (self.shows_members() || self.looks_at("members")) {
            return None;
        }
        candidates::key(self.sheets(), &filter.narrow()?)
    }

    /// Those who have a key: few, found by one statement together with what others ask.
    async fn few(&self, filter: &Filter, key: SheetKey) -> Result<ListResponse, Refusal> {
        let start = Start::of(&self.query.page)?;
        let found = sheet::find(&self.ports.db, self.sheets(), self.directory, key).await?;
        let Some(found) = found else { return self.filtered(filter).await };
        let mut matching = Vec::with_capacity(found.len());
        for sheet in found {
            if filter.matches(&wire::value(&sheet, self.kind, self.base, None)?) {
                matching.push(sheet);
            }
        }
        let (total, skip) = match start {
            Start::Index(skip) => (matching.len() as u64, usize::try_from(skip).unwrap_or(usize::MAX)),
            Start::First => (matching.len() as u64, 0),
            Start::After { id, total } => (total, matching.partition_point(|sheet| sheet.id <= id)),
        };
        let rest = matching.len().saturating_sub(skip);
        let page: Vec<Sheet> = matching.into_iter().skip(skip).take(self.count()).collect();
        let last = page.last().map(|sheet| sheet.id).filter(|_| rest > page.len());
        let resources = page.iter().map(|sheet| self.show_one(sheet)).collect::<Result<_, _>>()?;
        Ok(ListResponse {
            total,
            start_index: start.start_index(),
            next_cursor: start.next(last, total),
            resources,
        })
    }

    /// Everything there is, page by page, straight from the database.
    async fn plain(&self) -> Result<ListResponse, Refusal> {
        let start = Start::of(&self.query.page)?;
        let is_one_statement = matches!(start, Start::After { .. }) && !self.shows_members();
        let db = &self.ports.db;
        let mut c = if is_one_statement { db.read().await? } else { db.snapshot().await? };
        let (from, total) = match start {
            Start::After { id, total } => (From::After(id), total),
            Start::First => (From::After(Uuid::nil()), self.everybody(&mut c).await?),
            Start::Index(skip) => {
                let skip = i64::try_from(skip).unwrap_or(i64::MAX);
                (From::Position(skip), self.everybody(&mut c).await?)
            }
        };
        let (mut page, mut bytes) = (Vec::new(), 0);
        // One more than is wanted tells whether there is a next page.
        let limit = i64::from(self.query.count) + 1;
        sheet::page(&mut c, self.sheets(), self.directory, from, limit, |sheet| {
            bytes += sheet.document.len();
            page.push(sheet);
            if bytes > PAGE_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .await?;
        let is_more = page.len() > self.count() || bytes > PAGE_BYTES;
        page.truncate(self.count());
        self.answer(c, start, total, page, is_more).await
    }

    async fn everybody(&self, c: &mut Conn) -> Result<u64, Refusal> {
        let count = match self.kind {
            ResourceKind::User => identity::count(c, self.directory).await?,
            ResourceKind::Group => group::count(c, self.directory).await?,
        };
        Ok(count.unsigned_abs())
    }

    /// Shows a page of an unsorted list; `is_more` says whether something comes after it.
    async fn answer(
        &self,
        c: Conn,
        start: Start,
        total: u64,
        page: Vec<Sheet>,
        is_more: bool,
    ) -> Result<ListResponse, Refusal> {
        let resources = self.show(c, &page).await?;
        let is_more = is_more || resources.len() < page.len();
        let last = page.get(..resources.len()).and_then(<[Sheet]>::last);
        let next_cursor = start.next(last.map(|sheet| sheet.id).filter(|_| is_more), total);
        Ok(ListResponse { total, start_index: start.start_index(), next_cursor, resources })
    }
}
