//! What SCIM shows of people and groups: their documents, still as text, and what stands beside them.
//!
//! Invariant: only the living are shown; a document is handed on as it is kept and not read on the way. Groups of
//! people come in the same statement as the people, members of groups in one statement for all groups.

use std::ops::ControlFlow;

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{DirectoryId, GroupId, IdentityId};

use super::conn::Conn;
use super::db::Db;
use super::error::StoreError;
use super::value::{Many, instant, unpack};

/// One person or group, as one directory tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// The SCIM id that we issued.
    pub id: Uuid,
    /// Who tells it.
    pub directory: DirectoryId,
    /// Grows with every change.
    pub version: i64,
    /// When the directory first told us.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub modified_at: Timestamp,
    /// The document as JSON text: an object.
    pub document: String,
    /// Of a person, where asked for: the groups they are in, with their names, in the order of their ids.
    pub groups: Vec<(GroupId, String)>,
}

/// Whether people or groups are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SheetKind {
    /// People, with or without the groups they are in.
    Person {
        /// With them.
        with_groups: bool,
    },
    /// Groups.
    Group,
}

/// By what one is looked up.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SheetKey {
    /// Our id.
    Id(Uuid),
    /// Folded user name, of people.
    UserName(String),
    /// Exact external id.
    ExternalId(String),
    /// Folded display name, of groups.
    DisplayName(String),
}

/// Id, directory, version, created, modified, document, groups, and the key it was found by.
pub(super) type Row = (Uuid, String, i64, i64, i64, String, Option<String>, Option<String>);

impl TryFrom<Row> for Sheet {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let (id, directory, version, created_at, modified_at, document, groups, _) = row;
        let groups: Vec<(Uuid, Option<String>)> = match groups {
            Some(text) => {
                serde_json::from_str(&text).map_err(|e| StoreError::corrupt("membership", id, e))?
            }
            None => Vec::new(),
        };
        Ok(Self {
            id,
            directory: DirectoryId::parse(&directory).map_err(|e| StoreError::corrupt("identity", id, e))?,
            version,
            created_at: instant(created_at, "identity", id)?,
            modified_at: instant(modified_at, "identity", id)?,
            document,
            groups: groups
                .into_iter()
                .map(|(id, name)| (GroupId::new(id), name.unwrap_or_default()))
                .collect(),
        })
    }
}

/// A person's columns. `$1` says whether the groups are wanted.
macro_rules! person_sqlite {
    ($key:literal, $tail:literal) => {
        concat!(
            "SELECT i.id, i.directory, i.version, i.created_at, i.modified_at, CAST(i.document AS TEXT), ",
            "CASE WHEN $1 THEN (SELECT json_group_array(json_array(hex(g.id), g.document ->> 'displayName') ORDER BY g.id) ",
            "FROM membership m CROSS JOIN directory_group g ",
            "WHERE m.identity_id = i.id AND m.until IS NULL AND g.id = m.group_id AND g.deleted_at IS NULL) END, ",
            $key,
            " FROM identity i WHERE i.deleted_at IS NULL AND ",
            $tail
        )
    };
}

macro_rules! person_postgres {
    ($key:literal, $tail:literal) => {
        concat!(
            "SELECT i.id, i.directory, i.version, i.created_at, i.modified_at, CAST(i.document AS TEXT), ",
            "CASE WHEN $1 THEN (SELECT CAST(jsonb_agg(jsonb_build_array(g.id, g.document ->> 'displayName') ORDER BY g.id) AS TEXT) ",
            "FROM membership m JOIN directory_group g ON g.id = m.group_id ",
            "WHERE m.identity_id = i.id AND m.until IS NULL AND g.deleted_at IS NULL) END, ",
            $key,
            " FROM identity i WHERE i.deleted_at IS NULL AND ",
            $tail
        )
    };
}

macro_rules! group_columns {
    ($key:literal, $tail:literal) => {
        concat!(
            "SELECT g.id, g.directory, g.version, g.created_at, g.modified_at, CAST(g.document AS TEXT), ",
            "CAST(NULL AS TEXT), ",
            $key,
            " FROM directory_group g WHERE g.deleted_at IS NULL AND ",
            $tail
        )
    };
}

/// Those who have this key in the directory, in the order of their ids; nothing where they are too many to be looked
/// up together with other keys. Asked together with what others ask at the same time.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn find(
    db: &Db,
    kind: SheetKind,
    directory: &DirectoryId,
    key: SheetKey,
) -> Result<Option<Vec<Sheet>>, StoreError> {
    let rows = db.together().sheets(kind, directory, key).await?;
    let of_directory = |row: &Row| row.1 == directory.as_str();
    rows.map(|rows| rows.into_iter().filter(of_directory).map(Sheet::try_from).collect()).transpose()
}

/// People or groups by their ids, of every directory.
pub(super) async fn by_ids(c: &mut Conn, kind: SheetKind, ids: Vec<Uuid>) -> Result<Vec<Row>, StoreError> {
    let ids = Many(ids);
    match kind {
        SheetKind::Person { with_groups } => q!(fetch_all as Row; c,
            sqlite person_sqlite!("NULL", "i.id IN (SELECT unhex(e.value) FROM json_each($2) e) ORDER BY i.id"),
            postgres person_postgres!("CAST(NULL AS TEXT)", "i.id = ANY($2) ORDER BY i.id"), with_groups, ids),
        SheetKind::Group => q!(fetch_all as Row; c,
            sqlite group_columns!("NULL", "g.id IN (SELECT unhex(e.value) FROM json_each($1) e) ORDER BY g.id"),
            postgres group_columns!("CAST(NULL AS TEXT)", "g.id = ANY($1) ORDER BY g.id"), ids),
    }
}

/// People of a directory by their folded user names, in no order: asked for one, SQLite may read everybody in it rather
/// than take the index of the names.
pub(super) async fn by_user_names(
    c: &mut Conn,
    directory: &str,
    names: Vec<String>,
    with_groups: bool,
) -> Result<Vec<Row>, StoreError> {
    q!(fetch_all as Row; c,
        sqlite person_sqlite!("i.user_name_key",
            "i.directory = $2 AND i.user_name_key IN (SELECT e.value FROM json_each($3) e)"),
        postgres person_postgres!("i.user_name_key", "i.directory = $2 AND i.user_name_key = ANY($3)"),
        with_groups, directory, Many(names))
}

/// People or groups of a directory by their external ids, in no order, likewise.
pub(super) async fn by_external_ids(
    c: &mut Conn,
    kind: SheetKind,
    directory: &str,
    ids: Vec<String>,
) -> Result<Vec<Row>, StoreError> {
    let ids = Many(ids);
    match kind {
        SheetKind::Person { with_groups } => q!(fetch_all as Row; c,
            sqlite person_sqlite!("i.external_id",
                "i.directory = $2 AND i.external_id IN (SELECT e.value FROM json_each($3) e)"),
            postgres person_postgres!("i.external_id", "i.directory = $2 AND i.external_id = ANY($3)"),
            with_groups, directory, ids),
        SheetKind::Group => q!(fetch_all as Row; c,
            sqlite group_columns!("g.external_id",
                "g.directory = $1 AND g.external_id IN (SELECT e.value FROM json_each($2) e)"),
            postgres group_columns!("g.external_id", "g.directory = $1 AND g.external_id = ANY($2)"),
            directory, ids),
    }
}

/// Groups of a directory by their folded names, at most `limit` of them.
pub(super) async fn groups_by_names(
    c: &mut Conn,
    directory: &str,
    names: Vec<String>,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    q!(fetch_all as Row; c,
        sqlite group_columns!("g.display_name_key",
            "g.directory = $1 AND g.display_name_key IN (SELECT e.value FROM json_each($2) e) ORDER BY g.id LIMIT $3"),
        postgres group_columns!("g.display_name_key",
            "g.directory = $1 AND g.display_name_key = ANY($2) ORDER BY g.id LIMIT $3"),
        directory, Many(names), limit)
}

/// Those of these ids who are living and of this directory, in the order of their ids.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_ids(
    c: &mut Conn,
    kind: SheetKind,
    directory: &DirectoryId,
    ids: &[Uuid],
) -> Result<Vec<Sheet>, StoreError> {
    let rows = by_ids(c, kind, ids.to_vec()).await?;
    rows.into_iter().filter(|row| row.1 == directory.as_str()).map(Sheet::try_from).collect()
}

/// Where a page of a directory begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// After this id. As quick wherever it lies.
    After(Uuid),
    /// After so many.
    Position(i64),
}

/// At most `limit` of a directory's people or groups, in the order of their ids, each handed to `with`, which says
/// whether to go on.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn page(
    c: &mut Conn,
    kind: SheetKind,
    directory: &DirectoryId,
    from: From,
    limit: i64,
    mut with: impl FnMut(Sheet) -> ControlFlow<()> + Send,
) -> Result<(), StoreError> {
    let mut failed = None;
    let mut take = |row: Row| match Sheet::try_from(row) {
        Ok(sheet) => with(sheet),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    };
    let d = directory.as_str();
    match (kind, from) {
        (SheetKind::Person { with_groups }, From::After(id)) => each!(Row; c,
            sqlite person_sqlite!("NULL", "i.directory = $2 AND i.id > $3 ORDER BY i.id LIMIT $4"),
            postgres person_postgres!("CAST(NULL AS TEXT)", "i.directory = $2 AND i.id > $3 ORDER BY i.id LIMIT $4"),
            (with_groups, d, id, limit), &mut take)?,
        (SheetKind::Group, From::After(id)) => each!(Row; c,
            sqlite group_columns!("NULL", "g.directory = $1 AND g.id > $2 ORDER BY g.id LIMIT $3"),
            postgres group_columns!("CAST(NULL AS TEXT)", "g.directory = $1 AND g.id > $2 ORDER BY g.id LIMIT $3"),
            (d, id, limit), &mut take)?,
        // Where it begins is found in the index alone; the rows are read from there on.
        (SheetKind::Person { with_groups }, From::Position(skip)) => each!(Row; c,
            sqlite person_sqlite!("NULL", "i.directory = $2 AND i.id >= (SELECT x.id FROM identity x WHERE x.directory = $2
                AND x.deleted_at IS NULL ORDER BY x.id LIMIT 1 OFFSET $3) ORDER BY i.id LIMIT $4"),
            postgres person_postgres!("CAST(NULL AS TEXT)", "i.directory = $2 AND i.id >= (SELECT x.id FROM identity x
                WHERE x.directory = $2 AND x.deleted_at IS NULL ORDER BY x.id LIMIT 1 OFFSET $3) ORDER BY i.id LIMIT $4"),
            (with_groups, d, skip, limit), &mut take)?,
        (SheetKind::Group, From::Position(skip)) => each!(Row; c,
            sqlite group_columns!("NULL", "g.directory = $1 AND g.id >= (SELECT x.id FROM directory_group x
                WHERE x.directory = $1 AND x.deleted_at IS NULL ORDER BY x.id LIMIT 1 OFFSET $2) ORDER BY g.id LIMIT $3"),
            postgres group_columns!("CAST(NULL AS TEXT)", "g.directory = $1 AND g.id >= (SELECT x.id FROM directory_group x
                WHERE x.directory = $1 AND x.deleted_at IS NULL ORDER BY x.id LIMIT 1 OFFSET $2) ORDER BY g.id LIMIT $3"),
            (d, skip, limit), &mut take)?,
    }
    failed.map_or(Ok(()), Err)
}

/// The members of a group, in the order of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members(Vec<Uuid>);

impl Members {
    /// The database puts them together as they come; to sort them there takes it far longer.
    fn read(packed: &str) -> Self {
        let mut ids = Vec::with_capacity(packed.len() / 32);
        ids.extend(unpack(packed));
        ids.sort_unstable();
        Self(ids)
    }

    /// Their ids.
    pub fn ids(&self) -> impl Iterator<Item = IdentityId> + '_ {
        self.0.iter().copied().map(IdentityId::new)
    }
}

/// The present members of these groups, group by group in the order of their ids; a group without any is left out.
/// `only` asks just for these of them. `with` says whether to go on.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn members(
    c: &mut Conn,
    groups: &[Uuid],
    only: Option<&[Uuid]>,
    mut with: impl FnMut(GroupId, Members) -> ControlFlow<()> + Send,
) -> Result<(), StoreError> {
    let take = |(group, packed): (Uuid, String)| with(GroupId::new(group), Members::read(&packed));
    let groups = Many(groups.to_vec());
    match only {
        None => each!((Uuid, String); c,
            sqlite "SELECT m.group_id, group_concat(hex(m.identity_id), '') FROM membership m
                     WHERE m.group_id IN (SELECT unhex(e.value) FROM json_each($1) e) AND m.until IS NULL
                     GROUP BY m.group_id ORDER BY m.group_id",
            postgres "SELECT m.group_id, string_agg(encode(uuid_send(m.identity_id), 'hex'), '')
                      FROM membership m WHERE m.group_id = ANY($1) AND m.until IS NULL
                     GROUP BY m.group_id ORDER BY m.group_id",
            (groups), take),
        Some(only) => each!((Uuid, String); c,
            sqlite "SELECT m.group_id, group_concat(hex(m.identity_id), '') FROM membership m
                     WHERE m.group_id IN (SELECT unhex(e.value) FROM json_each($1) e) AND m.until IS NULL
                       AND m.identity_id IN (SELECT unhex(e.value) FROM json_each($2) e)
                     GROUP BY m.group_id ORDER BY m.group_id",
            postgres "SELECT m.group_id, string_agg(encode(uuid_send(m.identity_id), 'hex'), '')
                      FROM membership m WHERE m.group_id = ANY($1) AND m.until IS NULL AND m.identity_id = ANY($2)
                     GROUP BY m.group_id ORDER BY m.group_id",
            (groups, Many(only.to_vec())), take),
    }
}

/// What the members of a group are called, in the order of their ids.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn names(c: &mut Conn, group: GroupId) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    each!((String,); c,
    sqlite "SELECT COALESCE(i.document ->> 'displayName', i.document ->> 'userName', '')
                  FROM membership m CROSS JOIN identity i ON i.id = m.identity_id
                 WHERE m.group_id = $1 AND m.until IS NULL ORDER BY m.identity_id",
    postgres "SELECT COALESCE(i.document ->> 'displayName', i.document ->> 'userName', '')
                  FROM membership m JOIN identity i ON i.id = m.identity_id
                 WHERE m.group_id = $1 AND m.until IS NULL ORDER BY m.identity_id",
    (group.uuid()), |(name,): (String,)| {
        names.push(name);
        ControlFlow::Continue(())
    })?;
    Ok(names)
}
