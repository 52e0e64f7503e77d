//! Which reads are asked together: tokens, and people and groups by what is theirs alone.
//!
//! Invariant: each kind of key is one statement for everybody who asks, and only keys that find few rows come here.
//! SQLite is asked by each for himself: its answer is there before a question could have waited for another.

use std::collections::{BTreeMap, HashMap};

use tokio::time::timeout;
use uuid::Uuid;

use crate::domain::ids::DirectoryId;

use super::conn::{Conn, Readers};
use super::error::StoreError;
use super::gather::{Gather, PATIENCE};
use super::sheet::{self, Row, SheetKey, SheetKind};
use super::sqlite::Pool;
use super::token::{self, Presented, TokenKind};

/// Groups by name that are taken from one statement. Names are not unique; whoever has more asks alone.
const NAMESAKES: usize = 256;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Question {
    Token(TokenKind, Vec<u8>),
    Sheet(SheetKind, Asked),
}

/// Our own ids are the same in every directory; other keys belong to one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Asked {
    Id(Uuid),
    UserName(String, String),
    ExternalId(String, String),
    DisplayName(String, String),
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub(super) enum Found {
    #[default]
    Nothing,
    Token(Box<Presented>),
    Sheets(Vec<Row>),
    /// Too many to be told here.
    Crowd,
}

/// Asks what many want to know at once.
#[derive(Debug, Clone)]
pub(super) enum Together {
    /// On PostgreSQL, whose answers are far away.
    Gathered(Gather<Question, Found>),
    /// On SQLite.
    Alone(Pool),
}

impl Together {
    /// Begins with readers from `readers`.
    pub(super) fn new(readers: Readers) -> Self {
        match readers {
            Readers::Sqlite(pool) => Self::Alone(pool),
            readers @ Readers::Postgres(_) => {
                Self::Gathered(Gather::new(readers, |c, questions| Box::pin(answer(c, questions))))
            }
        }
    }

    /// An answer as new as the question.
    async fn ask(&self, question: Question) -> Result<Found, StoreError> {
        let pool = match self {
            Self::Gathered(gather) => return gather.ask(question).await,
            Self::Alone(pool) => pool,
        };
        let asking = async {
            let mut conn = Conn::SqliteRead(pool.reader().await?);
            answer(&mut conn, vec![question.clone()]).await
        };
        let answers = timeout(PATIENCE, asking).await;
        let mut found = answers.unwrap_or_else(|_| Err(StoreError::refused("it does not answer")))?;
        Ok(found.remove(&question).unwrap_or_default())
    }

    /// The token under this hash.
    pub(super) async fn token(
        &self,
        kind: TokenKind,
        hash: Vec<u8>,
    ) -> Result<Option<Presented>, StoreError> {
        Ok(match self.ask(Question::Token(kind, hash)).await? {
            Found::Token(token) => Some(*token),
            Found::Nothing | Found::Sheets(_) | Found::Crowd => None,
        })
    }

    /// Those who have this key, of any directory where it is our own id; `None` where they are too many.
    pub(super) async fn sheets(
        &self,
        kind: SheetKind,
        directory: &DirectoryId,
        key: SheetKey,
    ) -> Result<Option<Vec<Row>>, StoreError> {
        let d = directory.as_str().to_owned();
        let asked = match key {
            SheetKey::Id(id) => Asked::Id(id),
            SheetKey::UserName(name) => Asked::UserName(d, name),
            SheetKey::ExternalId(id) => Asked::ExternalId(d, id),
            SheetKey::DisplayName(name) => Asked::DisplayName(d, name),
        };
        Ok(match self.ask(Question::Sheet(kind, asked)).await? {
            Found::Sheets(rows) => Some(rows),
            Found::Nothing | Found::Token(_) => Some(Vec::new()),
            Found::Crowd => None,
        })
    }

    /// Takes no more questions. On SQLite, returns when its connections are closed.
    pub(super) async fn close(&self) {
        match self {
            Self::Gathered(gather) => gather.close(),
            Self::Alone(pool) => pool.close().await,
        }
    }
}

/// The questions of one read, those of a kind together.
#[derive(Default)]
struct Sorted {
    hashes: Vec<Vec<u8>>,
    ids: BTreeMap<SheetKind, Vec<Uuid>>,
    user_names: BTreeMap<(bool, String), Vec<String>>,
    external_ids: BTreeMap<(SheetKind, String), Vec<String>>,
    group_names: BTreeMap<String, Vec<String>>,
}

impl Sorted {
    fn new(questions: Vec<Question>) -> Self {
        let mut sorted = Self::default();
        for question in questions {
            sorted.add(question);
        }
        sorted
    }

    fn add(&mut self, question: Question) {
        match question {
            Question::Token(_, hash) => self.hashes.push(hash),
            Question::Sheet(kind, Asked::Id(id)) => self.ids.entry(kind).or_default().push(id),
            Question::Sheet(kind, Asked::ExternalId(directory, id)) => {
                self.external_ids.entry((kind, directory)).or_default().push(id);
            }
            Question::Sheet(SheetKind::Person { with_groups }, Asked::UserName(directory, name)) => {
                self.user_names.entry((with_groups, directory)).or_default().push(name);
            }
            Question::Sheet(SheetKind::Group, Asked::DisplayName(directory, name)) => {
                self.group_names.entry(directory).or_default().push(name);
            }
            // Groups have no user name; names of people are not looked up here.
            Question::Sheet(SheetKind::Group, Asked::UserName(..))
            | Question::Sheet(SheetKind::Person { .. }, Asked::DisplayName(..)) => {}
        }
    }
}

/// Answers every question of one read.
async fn answer(c: &mut Conn, questions: Vec<Question>) -> Result<HashMap<Question, Found>, StoreError> {
    let sorted = Sorted::new(questions);
    let mut answers = HashMap::new();
    if !sorted.hashes.is_empty() {
        for (hash, found) in token::by_hashes(c, sorted.hashes).await? {
            answers.insert(Question::Token(found.token.kind, hash), Found::Token(Box::new(found)));
        }
    }
    for (kind, ids) in sorted.ids {
        let rows = sheet::by_ids(c, kind, ids).await?;
        put(&mut answers, kind, rows, |row| Some(Asked::Id(row.0)));
    }
    for ((with_groups, directory), names) in sorted.user_names {
        let rows = sheet::by_user_names(c, &directory, names, with_groups).await?;
        let key = |row: &Row| Some(Asked::UserName(row.1.clone(), row.7.clone()?));
        put(&mut answers, SheetKind::Person { with_groups }, rows, key);
    }
    for ((kind, directory), ids) in sorted.external_ids {
        let rows = sheet::by_external_ids(c, kind, &directory, ids).await?;
        put(&mut answers, kind, rows, |row| Some(Asked::ExternalId(row.1.clone(), row.7.clone()?)));
    }
    for (directory, names) in sorted.group_names {
        let limit = i64::try_from(NAMESAKES).unwrap_or(i64::MAX);
        let rows = sheet::groups_by_names(c, &directory, names.clone(), limit).await?;
        if rows.len() < NAMESAKES {
            let key = |row: &Row| Some(Asked::DisplayName(row.1.clone(), row.7.clone()?));
            put(&mut answers, SheetKind::Group, rows, key);
        } else {
            // Which of the names is the common one is not worth knowing: each is asked for by itself then.
            answers.extend(names.into_iter().map(|name| {
                let asked = Asked::DisplayName(directory.clone(), name);
                (Question::Sheet(SheetKind::Group, asked), Found::Crowd)
            }));
        }
    }
    Ok(answers)
}

/// Puts rows under the questions that they answer.
fn put(
    answers: &mut HashMap<Question, Found>,
    kind: SheetKind,
    rows: Vec<Row>,
    key: impl Fn(&Row) -> Option<Asked>,
) {
    for row in rows {
        let Some(asked) = key(&row) else { continue };
        match answers.entry(Question::Sheet(kind, asked)).or_default() {
            Found::Sheets(found) => found.push(row),
            other => *other = Found::Sheets(vec![row]),
        }
    }
}
