//! What the people of a list must have, as SQL.
//!
//! Invariant: every text is put together from pieces of this file; what somebody typed is a bound value and never a piece.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{DirectoryId, RoleId, SectorId};

use super::super::conn::Conn;
use super::super::error::StoreError;
use super::super::value::{Many, micros};
use super::{Order, Scope, Wanted};

/// Something that people of a list must have; each kind at most once, but for words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Facet {
    /// Holds this role.
    Role(RoleId),
    /// Holds one of these roles.
    OneOf(Vec<RoleId>),
    /// Holds this sector.
    Sector(SectorId),
    /// Is limited, or is not.
    Limited(bool),
    /// A directory knows them.
    Directory(DirectoryId),
    /// Holds something of this origin.
    Origin(&'static str),
    /// Their directory told since this instant that they had left, and the account was closed.
    Left(Timestamp),
    /// A word of their name or address begins so; folded.
    Word(String),
}

/// A grant that holds at `$5`.
macro_rules! holds {
    ($what:literal) => {
        concat!(
            " AND EXISTS (SELECT 1 FROM entitlement e WHERE e.account_id = a.id AND ",
            $what,
            " AND e.until IS NULL AND (e.ends_at IS NULL OR e.ends_at > $5))"
        )
    };
}

impl Facet {
    /// The condition, for SQLite and for PostgreSQL.
    const fn condition(&self) -> (&'static str, &'static str) {
        match self {
            Self::Role(_) => {
                const TEXT: &str = holds!("e.kind = 'role' AND e.value = $6");
                (TEXT, TEXT)
            }
            Self::Sector(_) => {
                const TEXT: &str = holds!("e.kind = 'sector' AND e.value = $7");
                (TEXT, TEXT)
            }
            Self::Limited(true) => {
                const TEXT: &str = holds!("e.kind = 'limited'");
                (TEXT, TEXT)
            }
            Self::Limited(false) => {
                const TEXT: &str = " AND NOT EXISTS (SELECT 1 FROM entitlement e WHERE e.account_id = a.id
                    AND e.kind = 'limited' AND e.until IS NULL AND (e.ends_at IS NULL OR e.ends_at > $5))";
                (TEXT, TEXT)
            }
            Self::Directory(_) => {
                const TEXT: &str = " AND EXISTS (SELECT 1 FROM identity i WHERE i.account_id = a.id
                    AND i.directory = $8 AND i.deleted_at IS NULL)";
                (TEXT, TEXT)
            }
            Self::Origin(_) => {
                const TEXT: &str = holds!("e.origin = $9");
                (TEXT, TEXT)
            }
            Self::Left(_) => {
                const TEXT: &str = " AND EXISTS (SELECT 1 FROM account_status s WHERE s.account_id = a.id
                    AND s.status = 'deactivated' AND s.reason = 'departed' AND s.since >= $13)";
                (TEXT, TEXT)
            }
            Self::OneOf(_) => (
                holds!("e.kind = 'role' AND e.value IN (SELECT r.value FROM json_each($11) r)"),
                holds!("e.kind = 'role' AND e.value = ANY($11)"),
            ),
            Self::Word(_) => (
                " AND NOT EXISTS (SELECT 1 FROM json_each($10) t WHERE NOT EXISTS (SELECT 1 FROM account_word w
                    WHERE w.account_id = a.id AND w.word >= unhex(t.value) AND w.word < unhex(t.value || 'ff')))",
                " AND NOT EXISTS (SELECT 1 FROM UNNEST($10) t(value) WHERE NOT EXISTS (SELECT 1 FROM account_word w
                    WHERE w.account_id = a.id AND w.word >= t.value AND w.word < t.value || CAST('\\xff' AS BYTEA)))",
            ),
        }
    }
}

/// A statement for both engines.
pub(super) struct Text {
    pub(super) sqlite: String,
    pub(super) postgres: String,
}

impl Text {
    fn push(&mut self, text: &str) {
        self.sqlite.push_str(text);
        self.postgres.push_str(text);
    }

    fn push_each(&mut self, (sqlite, postgres): (&str, &str)) {
        self.sqlite.push_str(sqlite);
        self.postgres.push_str(postgres);
    }

    /// A page, after the place `$14` (name), `$15` (seen), `$16` (id) where there is one; `$17` at most.
    pub(super) fn page(wanted: &Wanted, is_among: bool, is_after: bool) -> Self {
        let mut text = Self { sqlite: String::new(), postgres: String::new() };
        text.push("SELECT a.id, a.name_key, a.seen_at FROM ");
        text.narrow(wanted, wanted.order, is_among);
        let (after, order) = match wanted.order {
            Order::Name => (" AND (a.name_key, a.id) > ($14, $16)", " ORDER BY a.name_key, a.id"),
            Order::NameDown => {
                (" AND (a.name_key, a.id) < ($14, $16)", " ORDER BY a.name_key DESC, a.id DESC")
            }
            Order::Seen => (" AND (a.seen_at, a.id) > ($15, $16)", " ORDER BY a.seen_at, a.id"),
            Order::SeenDown => (" AND (a.seen_at, a.id) < ($15, $16)", " ORDER BY a.seen_at DESC, a.id DESC"),
        };
        if is_after {
            text.push(after);
        }
        text.push(order);
        text.push(" LIMIT $17");
        text
    }

    /// A count, no further than `$14`.
    pub(super) fn count(wanted: &Wanted, is_among: bool) -> Self {
        let mut text = Self { sqlite: String::new(), postgres: String::new() };
        text.push("SELECT COUNT(*) FROM (SELECT 1 FROM ");
        text.narrow(wanted, Order::Seen, is_among);
        text.push(" LIMIT $14) counted");
        text
    }

    fn narrow(&mut self, wanted: &Wanted, order: Order, is_among: bool) {
        if is_among {
            self.push_each((
                "json_each($12) one CROSS JOIN account a ON a.id = unhex(one.value) WHERE TRUE",
                "account a WHERE a.id = ANY($12)",
            ));
        } else {
            // SQLite has no statistics, and would take the index of an order that is not wanted.
            self.push_each((
                &format!("account a INDEXED BY {} WHERE TRUE", index(wanted.scope, order)),
                "account a WHERE TRUE",
            ));
        }
        self.push(match wanted.scope {
            Scope::Everybody => "",
            Scope::As(_) => " AND a.status = $1",
            Scope::Shut => " AND a.status <> 'active'",
        });
        if wanted.seen_from > 0 {
            self.push(" AND a.seen_at >= $2");
        }
        if wanted.seen_before < i64::MAX {
            self.push(" AND a.seen_at < $3");
        }
        if wanted.valid_at.is_some() {
            self.push(
                " AND (a.valid_from IS NULL OR a.valid_from <= $4) AND (a.valid_until IS NULL OR a.valid_until > $4)",
            );
        }
        let mut has_words = false;
        for facet in &wanted.facets {
            if !matches!(facet, Facet::Word(_)) || !has_words {
                self.push_each(facet.condition());
            }
            has_words |= matches!(facet, Facet::Word(_));
        }
    }
}

/// The index that has the people of a scope in an order.
const fn index(scope: Scope, order: Order) -> &'static str {
    match (scope, order) {
        (Scope::Everybody, Order::Name | Order::NameDown) => "account_named",
        (Scope::Everybody, Order::Seen | Order::SeenDown) => "account_seen",
        (Scope::As(_), Order::Name | Order::NameDown) => "account_named_as",
        (Scope::As(_), Order::Seen | Order::SeenDown) => "account_seen_as",
        (Scope::Shut, Order::Name | Order::NameDown) => "account_named_shut",
        (Scope::Shut, Order::Seen | Order::SeenDown) => "account_seen_shut",
    }
}

/// What is bound, in the order of its numbers.
pub(super) struct Values {
    pub(super) status: &'static str,
    pub(super) seen_from: i64,
    pub(super) seen_before: i64,
    pub(super) valid_at: i64,
    pub(super) now: i64,
    pub(super) role: String,
    pub(super) sector: String,
    pub(super) directory: String,
    pub(super) origin: &'static str,
    pub(super) words: Many<Vec<u8>>,
    pub(super) roles: Many<String>,
    pub(super) among: Many<Uuid>,
    pub(super) left: i64,
}

impl Values {
    pub(super) fn of(wanted: &Wanted, among: Option<&[Uuid]>) -> Self {
        let mut values = Self {
            status: match wanted.scope {
                Scope::As(status) => status.name(),
                Scope::Everybody | Scope::Shut => "",
            },
            seen_from: wanted.seen_from,
            seen_before: wanted.seen_before,
            valid_at: wanted.valid_at.map_or(0, micros),
            now: micros(wanted.now),
            role: String::new(),
            sector: String::new(),
            directory: String::new(),
            origin: "",
            words: Many(Vec::new()),
            roles: Many(Vec::new()),
            among: Many(among.unwrap_or_default().to_vec()),
            left: 0,
        };
        for facet in &wanted.facets {
            match facet {
                Facet::Role(id) => values.role = id.to_string(),
                Facet::OneOf(ids) => values.roles = Many(ids.iter().map(ToString::to_string).collect()),
                Facet::Sector(id) => values.sector = id.to_string(),
                Facet::Limited(_) => {}
                Facet::Directory(id) => values.directory = id.to_string(),
                Facet::Origin(origin) => values.origin = origin,
                Facet::Left(since) => values.left = micros(*since),
                Facet::Word(word) => values.words.0.push(word.clone().into_bytes()),
            }
        }
        values
    }
}

/// Who has what is wanted, where those are few: at most `most`, some perhaps twice. Nothing where they are more, or where
/// only going through everybody tells.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn few(
    c: &mut Conn,
    facet: &Facet,
    now: Timestamp,
    most: usize,
) -> Result<Option<Vec<Uuid>>, StoreError> {
    let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    let found = match facet {
        Facet::Role(id) => holders(c, "role", id.as_str(), now, limit).await?,
        Facet::Sector(id) => holders(c, "sector", id.as_str(), now, limit).await?,
        Facet::Limited(true) => holders(c, "limited", "", now, limit).await?,
        Facet::Limited(false) => return Ok(None),
        Facet::OneOf(ids) => {
            let mut all = Vec::new();
            for id in ids {
                all.extend(holders(c, "role", id.as_str(), now, limit).await?);
            }
            all
        }
        Facet::Directory(id) => q!(fetch_all as (Uuid,); c,
            "SELECT account_id FROM identity WHERE directory = $1 AND deleted_at IS NULL LIMIT $2",
            id.as_str(), limit)?,
        Facet::Origin(origin) => q!(fetch_all as (Uuid,); c,
            "SELECT account_id FROM entitlement WHERE origin = $1 AND until IS NULL LIMIT $2", *origin, limit)?,
        Facet::Left(since) => q!(fetch_all as (Uuid,); c,
            "SELECT account_id FROM account_status
              WHERE status = 'deactivated' AND reason = 'departed' AND since >= $1 LIMIT $2", micros(*since), limit)?,
        Facet::Word(word) => {
            let from = word.clone().into_bytes();
            // No byte of UTF-8 is 255: whatever begins with the word lies before.
            let before = [from.as_slice(), &[u8::MAX]].concat();
            q!(fetch_all as (Uuid,); c,
                "SELECT account_id FROM account_word WHERE word >= $1 AND word < $2 LIMIT $3", from, before, limit)?
        }
    };
    Ok((found.len() <= most).then(|| found.into_iter().map(|(id,)| id).collect()))
}

async fn holders(
    c: &mut Conn,
    kind: &'static str,
    value: &str,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(Uuid,)>, StoreError> {
    q!(fetch_all as (Uuid,); c,
        "SELECT account_id FROM entitlement WHERE kind = $1 AND value = $2 AND until IS NULL
            AND (ends_at IS NULL OR ends_at > $3) LIMIT $4",
        kind, value, micros(now), limit)
}

/// Who is in every list, each once.
#[must_use]
pub fn overlap(lists: Vec<Vec<Uuid>>) -> Option<Vec<Uuid>> {
    let mut lists = lists.into_iter();
    let mut kept = lists.next()?;
    kept.sort_unstable();
    kept.dedup();
    for mut list in lists {
        list.sort_unstable();
        kept.retain(|id| list.binary_search(id).is_ok());
    }
    Some(kept)
}
