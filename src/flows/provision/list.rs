//! Lists of a directory's people or groups, filtered, sorted and paged.
//!
//! Invariant: the evaluator decides about each resource; an index only chooses the candidates. A list is whole or an
//! error, and its pages have one stable order: that of the ids, which is that of creation.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use uuid::Uuid;

use super::super::{Ports, Refusal};
use super::{GroupView, UserView, group, user, wire};
use crate::domain::ids::{DirectoryId, GroupId, IdentityId};
use crate::scim::{
    Filter, ListQuery, ListResponse, Narrow, Page, Projection, ResourceKind, ScimError, ScimType,
};
use crate::store::group::{Group, GroupKey};
use crate::store::identity::{Identity, IdentityKey};
use crate::store::{self, Conn};

/// How many candidates are looked at together.
const CHUNK: i64 = 200;

/// Answers a list query. `base` is the directory's SCIM address without a slash at the end.
///
/// # Errors
///
/// SCIM 400 `invalidCursor` for a cursor that we did not issue.
pub async fn list(
    ports: &Ports,
    directory: &DirectoryId,
    base: &str,
    kind: ResourceKind,
    query: &ListQuery,
) -> Result<ListResponse, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let lister = Lister { directory, base, kind, query };
    if query.filter.is_none() && query.sort.is_none() {
        lister.plain(&mut c).await
    } else {
        lister.chosen(&mut c).await
    }
}

/// A resource before it is shown.
enum Row {
    User(Identity),
    Group(Group),
}

impl Row {
    fn id(&self) -> Uuid {
        match self {
            Self::User(identity) => identity.id.uuid(),
            Self::Group(group) => group.id.uuid(),
        }
    }
}

struct Lister<'a> {
    directory: &'a DirectoryId,
    base: &'a str,
    kind: ResourceKind,
    query: &'a ListQuery,
}

impl Lister<'_> {
    fn count(&self) -> i64 {
        i64::from(self.query.count)
    }

    /// Everything there is, page by page, straight from the database.
    async fn plain(&self, c: &mut Conn) -> Result<ListResponse, Refusal> {
        let total = match self.kind {
            ResourceKind::User => store::identity::count(c, self.directory).await?,
            ResourceKind::Group => store::group::count(c, self.directory).await?,
        };
        let (rows, start_index, next_cursor) = match &self.query.page {
            Page::Index(start) => {
                let offset = i64::try_from(start - 1).unwrap_or(i64::MAX);
                (self.page_at(c, offset).await?, Some(*start), None)
            }
            Page::Cursor(cursor) => {
                let after = match cursor {
                    Some(cursor) => Some(Cursor::read(cursor)?.after()?),
                    None => None,
                };
                let mut rows = self.page(c, after, self.count() + 1).await?;
                let is_more = rows.len() > self.query.count as usize;
                rows.truncate(self.query.count as usize);
                let last = rows.last().map(Row::id).filter(|_| is_more);
                (rows, None, last.map(|id| Cursor::After(id).write()))
            }
        };
        let mut resources = Vec::with_capacity(rows.len());
        for row in rows {
            resources.push(self.show(c, row, &self.query.projection).await?);
        }
        Ok(ListResponse { total: total.unsigned_abs(), start_index, next_cursor, resources })
    }

    /// What a filter lets through, in the wanted order.
    async fn chosen(&self, c: &mut Conn) -> Result<ListResponse, Refusal> {
        let (skip, start_index) = match &self.query.page {
            Page::Index(start) => (start - 1, Some(*start)),
            Page::Cursor(None) => (0, None),
            Page::Cursor(Some(cursor)) => (Cursor::read(cursor)?.offset()?, None),
        };
        let wanted = skip..skip.saturating_add(u64::from(self.query.count));
        let mut gathered = Gathered {
            wanted: wanted.clone(),
            total: 0,
            kept: Vec::new(),
            keeps_all: self.query.sort.is_some(),
        };
        match self.query.filter.as_ref().and_then(Filter::narrow) {
            Some(narrow) if self.key(&narrow).is_some() => {
                let rows = self.candidates(c, &narrow).await?;
                self.gather(c, rows, &mut gathered).await?;
            }
            _ => self.gather_all(c, &mut gathered).await?,
        }
        let total = gathered.total;
        let mut kept = gathered.kept;
        if let Some(sort) = &self.query.sort {
            kept.sort_by(|one, other| sort.compare(one, other));
            let from = usize::try_from(skip).unwrap_or(usize::MAX).min(kept.len());
            kept.drain(..from);
            kept.truncate(self.query.count as usize);
        }
        let is_cursor = matches!(self.query.page, Page::Cursor(_));
        let next_cursor = (is_cursor && wanted.end < total).then(|| Cursor::Offset(wanted.end).write());
        let resources = kept.into_iter().map(|whole| self.query.projection.apply(whole, self.kind)).collect();
        Ok(ListResponse { total, start_index, next_cursor, resources })
    }

    async fn gather_all(&self, c: &mut Conn, gathered: &mut Gathered) -> Result<(), Refusal> {
        let mut after = None;
        loop {
            let rows = self.page(c, after, CHUNK).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = Some(last.id());
            self.gather(c, rows, gathered).await?;
        }
    }

    async fn gather(&self, c: &mut Conn, rows: Vec<Row>, gathered: &mut Gathered) -> Result<(), Refusal> {
        for row in rows {
            let whole = self.show(c, row, &Projection::everything()).await?;
            if self.query.filter.as_ref().is_none_or(|filter| filter.matches(&whole)) {
                gathered.take(whole);
            }
        }
        Ok(())
    }

    fn key(&self, narrow: &Narrow) -> Option<Key> {
        match (self.kind, narrow) {
            (ResourceKind::User, Narrow::Id(id)) => Some(Key::User(IdentityKey::Id(
                IdentityId::parse(id).unwrap_or(IdentityId::new(Uuid::nil())),
            ))),
            (ResourceKind::User, Narrow::UserName(name)) => {
                Some(Key::User(IdentityKey::UserName(name.clone())))
            }
            (ResourceKind::User, Narrow::ExternalId(id)) => {
                Some(Key::User(IdentityKey::ExternalId(id.clone())))
            }
            (ResourceKind::User, Narrow::DisplayName(name)) => {
                Some(Key::User(IdentityKey::DisplayName(name.clone())))
            }
            (ResourceKind::Group, Narrow::Id(id)) => {
                Some(Key::Group(GroupKey::Id(GroupId::parse(id).unwrap_or(GroupId::new(Uuid::nil())))))
            }
            (ResourceKind::Group, Narrow::ExternalId(id)) => {
                Some(Key::Group(GroupKey::ExternalId(id.clone())))
            }
            (ResourceKind::Group, Narrow::DisplayName(name)) => {
                Some(Key::Group(GroupKey::DisplayName(name.clone())))
            }
            (ResourceKind::Group, Narrow::Member { group: Some(id), .. }) => {
                GroupId::parse(id).ok().map(|id| Key::Group(GroupKey::Id(id)))
            }
            (ResourceKind::Group, Narrow::Member { group: None, member }) => {
                IdentityId::parse(member).ok().map(|id| Key::Group(GroupKey::HasMember(id)))
            }
            // Only the primary address stands in a column, and a filter may mean any: everybody is looked at.
            (ResourceKind::User, Narrow::Email(_) | Narrow::Member { .. })
            | (ResourceKind::Group, Narrow::UserName(_) | Narrow::Email(_))
            | (_, Narrow::Modified { .. } | Narrow::Active(_)) => None,
        }
    }

    async fn candidates(&self, c: &mut Conn, narrow: &Narrow) -> Result<Vec<Row>, Refusal> {
        Ok(match self.key(narrow) {
            Some(Key::User(key)) => {
                store::identity::find(c, self.directory, &key).await?.into_iter().map(Row::User).collect()
            }
            Some(Key::Group(key)) => {
                store::group::find(c, self.directory, &key).await?.into_iter().map(Row::Group).collect()
            }
            None => Vec::new(),
        })
    }

    async fn page(&self, c: &mut Conn, after: Option<Uuid>, limit: i64) -> Result<Vec<Row>, Refusal> {
        Ok(match self.kind {
            ResourceKind::User => store::identity::page(c, self.directory, after.map(IdentityId::new), limit)
                .await?
                .into_iter()
                .map(Row::User)
                .collect(),
            ResourceKind::Group => store::group::page(c, self.directory, after.map(GroupId::new), limit)
                .await?
                .into_iter()
                .map(Row::Group)
                .collect(),
        })
    }

    async fn page_at(&self, c: &mut Conn, offset: i64) -> Result<Vec<Row>, Refusal> {
        Ok(match self.kind {
            ResourceKind::User => store::identity::page_at(c, self.directory, offset, self.count())
                .await?
                .into_iter()
                .map(Row::User)
                .collect(),
            ResourceKind::Group => store::group::page_at(c, self.directory, offset, self.count())
                .await?
                .into_iter()
                .map(Row::Group)
                .collect(),
        })
    }

    /// Loads what is wanted beside the document, for the answer or for the filter, and renders.
    async fn show(&self, c: &mut Conn, row: Row, projection: &Projection) -> Result<Value, Refusal> {
        let needs = |name: &str| {
            self.query.projection.wants(name)
                || self.query.filter.as_ref().is_some_and(|filter| filter.mentions(name))
        };
        Ok(match row {
            Row::User(identity) => {
                let view: UserView = user::view(c, identity, needs("groups")).await?;
                wire::user(&view, self.base, projection)
            }
            Row::Group(group) => {
                let view: GroupView = group::view(c, group, needs("members")).await?;
                let is_judged_by_members = self.query.filter.as_ref().is_some_and(|f| f.mentions("members"));
                let with_names = is_judged_by_members || self.query.projection.names("members", "display");
                wire::group_to_be_judged(&view, self.base, projection, with_names)
            }
        })
    }
}

enum Key {
    User(IdentityKey),
    Group(GroupKey),
}

/// What was let through so far. Without a sort only the wanted page is kept; the rest is counted.
struct Gathered {
    wanted: std::ops::Range<u64>,
    total: u64,
    kept: Vec<Value>,
    keeps_all: bool,
}

impl Gathered {
    fn take(&mut self, whole: Value) {
        if self.keeps_all || self.wanted.contains(&self.total) {
            self.kept.push(whole);
        }
        self.total += 1;
    }
}

/// Where the next page begins (RFC 9865).
enum Cursor {
    After(Uuid),
    Offset(u64),
}

impl Cursor {
    fn write(&self) -> String {
        match self {
            Self::After(id) => URL_SAFE_NO_PAD.encode(format!("a{}", id.simple())),
            Self::Offset(offset) => URL_SAFE_NO_PAD.encode(format!("o{offset}")),
        }
    }

    fn read(text: &str) -> Result<Self, Refusal> {
        let wrong = || invalid_cursor("the cursor is none that we issued; begin again with an empty one");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
        let plain = String::from_utf8(bytes).map_err(|_| wrong())?;
        if let Some(id) = plain.strip_prefix('a') {
            return Uuid::try_parse(id).map(Self::After).map_err(|_| wrong());
        }
        plain.strip_prefix('o').and_then(|offset| offset.parse().ok()).map(Self::Offset).ok_or_else(wrong)
    }

    fn after(self) -> Result<Uuid, Refusal> {
        match self {
            Self::After(id) => Ok(id),
            Self::Offset(_) => Err(invalid_cursor("the cursor belongs to a list with filter or sort")),
        }
    }

    fn offset(&self) -> Result<u64, Refusal> {
        match self {
            Self::Offset(offset) => Ok(*offset),
            Self::After(_) => Err(invalid_cursor("the cursor belongs to a list without filter and sort")),
        }
    }
}

fn invalid_cursor(detail: &str) -> Refusal {
    Refusal::Scim(ScimError::of(ScimType::InvalidCursor, detail))
}
