//! The audit as people read it at the console: who did what, to what, when and why.
//!
//! Invariant: changes nothing but the audit itself, which keeps who read it, and what they looked for.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::find::{self, Found};
use super::super::report::{Separator, Texts, csv_lines};
use super::super::{Act, Ports, Refusal};
use super::ConsoleActor;
use super::file::{Form, csv_begins};
use super::who::{self, Names};
use crate::domain::actor::{Actor, Subject};
use crate::domain::days::later;
use crate::domain::ids::{AccountId, AuditId};
use crate::store::audit::{self, Sought};
use crate::store::{Conn, Db};

pub use crate::store::audit::Recorded;

/// So many entries go out together in a file.
const AT_ONCE: i64 = 500;

/// Which entries somebody looks for; what is not said is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// What was done, by its stable name.
    pub action: Option<String>,
    /// Who did it: an account's user name or id, or an actor as the audit writes it.
    pub actor: Option<String>,
    /// What it was done to: an account's user name or id, or the id of another thing.
    pub subject: Option<String>,
    /// Not before this instant.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
}

/// Where a page ends.
pub type Cursor = (Timestamp, AuditId);

/// A page of entries.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The entries, the newest first.
    pub entries: Vec<Recorded>,
    /// The names of those who acted and of those it was done to.
    pub names: Names,
    /// Where the next page begins; nothing: this is the last one.
    pub next: Option<Cursor>,
}

/// A page of the audit, and a note that it was read.
///
/// # Errors
///
/// [`Refusal::Ambiguous`] where a name is that of several accounts; [`Refusal::Store`] when the database cannot be
/// reached.
pub async fn read(
    ports: &Ports,
    actor: &ConsoleActor,
    wish: &Wish,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let sought = sought(&mut c, wish).await?;
    let most = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let mut entries = audit::page(&mut c, &sought, after, most).await?;
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().map(|last| (last.at, last.id)).filter(|_| has_more);
    let names = who::names(&mut c, entries.iter().flat_map(accounts)).await?;
    drop(c);
    note(ports, actor.reading(), wish, "page").await?;
    Ok(Page { entries, names, next })
}

/// The accounts that an entry names.
fn accounts(entry: &Recorded) -> impl Iterator<Item = AccountId> {
    let subject = (entry.subject_kind == "account").then(|| AccountId::parse(&entry.subject_id).ok());
    who::account_of(&entry.actor).into_iter().chain(subject.flatten())
}

async fn sought(c: &mut Conn, wish: &Wish) -> Result<Sought, Refusal> {
    let actor = match wish.actor.as_deref() {
        None => String::new(),
        Some(text) if Actor::from_text(text).is_some() => text.to_owned(),
        Some(text) => match of_account(c, text).await? {
            Some(id) => Actor::Account(id).to_string(),
            None => Actor::Operator(text.to_owned()).to_string(),
        },
    };
    let (subject_kind, subject_id) = match wish.subject.as_deref() {
        None => (String::new(), String::new()),
        Some(text) => match of_account(c, text).await? {
            Some(id) => ("account".to_owned(), id.to_string()),
            None => (String::new(), text.to_owned()),
        },
    };
    Ok(Sought {
        action: wish.action.clone().unwrap_or_default(),
        actor,
        subject_kind,
        subject_id,
        from: wish.from,
        until: wish.until,
    })
}

async fn of_account(c: &mut Conn, text: &str) -> Result<Option<AccountId>, Refusal> {
    match find::account(c, text, None).await? {
        Found::Nobody => Ok(None),
        found => Ok(Some(found.one(text)?.id)),
    }
}

/// Who reads what of whom belongs in the audit, like any change.
async fn note(ports: &Ports, act: &Act, wish: &Wish, form: &'static str) -> Result<(), Refusal> {
    let (act, wish) = (act.clone(), wish.clone());
    let after = json!({
        "action": wish.action, "actor": wish.actor, "subject": wish.subject,
        "from": wish.from.map(|at| at.to_string()), "until": wish.until.map(|at| at.to_string()), "form": form,
    });
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                act.record(c, "audit_read", Subject::new("audit", "entries"), None, Some(after)).await?;
                Ok::<_, Refusal>(())
            })
        })
        .await
}

/// The audit as a file, piece by piece.
#[derive(Debug)]
pub struct File {
    db: Db,
    sought: Sought,
    shape: Shape,
    after: Option<Cursor>,
    stage: Stage,
}

#[derive(Debug)]
enum Shape {
    Csv(Separator),
    /// Every entry is needed before the first byte.
    Xlsx(Box<Texts>),
    Json,
}

/// What stands over the cells of an entry.
const TITLES: [&str; 10] =
    ["id", "at", "actor", "action", "subject_kind", "subject_id", "cause", "before", "after", "request_id"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begins,
    /// Whether an entry has gone out.
    GoesOn(bool),
    Over,
}

/// Begins a file of the entries that are sought, and notes that it was read.
///
/// # Errors
///
/// As [`read`].
pub async fn file(
    ports: &Ports,
    actor: &ConsoleActor,
    wish: &Wish,
    (form, separator): (Form, Separator),
) -> Result<File, Refusal> {
    let mut c = ports.db.read().await?;
    let mut sought = sought(&mut c, wish).await?;
    drop(c);
    // What happens after it was asked for is not in it, however long the file takes.
    let end = later(actor.reading().now, SignedDuration::from_micros(1));
    sought.until = Some(sought.until.map_or(end, |until| until.min(end)));
    note(ports, actor.reading(), wish, form.name()).await?;
    let shape = match form {
        Form::Csv => Shape::Csv(separator),
        Form::Xlsx => Shape::Xlsx(Box::new(Texts::new(&TITLES, actor.reading().now)?)),
        Form::Json => Shape::Json,
    };
    Ok(File { db: ports.db.clone(), sought, shape, after: None, stage: Stage::Begins })
}

impl File {
    /// The next piece; nothing: that was all.
    ///
    /// # Errors
    ///
    /// [`Refusal::Store`] when the database cannot be reached; [`Refusal::Outside`] when CSV cannot be written.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        match self.stage {
            Stage::Over => Ok(None),
            Stage::Begins => {
                self.stage = Stage::GoesOn(false);
                Ok(Some(self.beginning()?))
            }
            Stage::GoesOn(has_begun) => {
                let mut c = self.db.read().await?;
                let entries = audit::page(&mut c, &self.sought, self.after, AT_ONCE).await?;
                drop(c);
                let Some(last) = entries.last() else {
                    self.stage = Stage::Over;
                    return Ok(Some(self.end().await?));
                };
                self.after = Some((last.at, last.id));
                self.stage = Stage::GoesOn(true);
                Ok(Some(self.pieces(&entries, has_begun)?))
            }
        }
    }

    /// Everything at once.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next); [`Refusal::Invalid`] for more entries than a sheet of Excel holds.
    pub async fn whole(mut self) -> Result<Vec<u8>, Refusal> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await? {
            whole.extend(piece);
        }
        Ok(whole)
    }

    fn beginning(&self) -> Result<Vec<u8>, Refusal> {
        match &self.shape {
            Shape::Json => Ok(b"[".to_vec()),
            Shape::Xlsx(_) => Ok(Vec::new()),
            Shape::Csv(separator) => csv_begins(&TITLES, *separator),
        }
    }

    fn pieces(&mut self, entries: &[Recorded], has_begun: bool) -> Result<Vec<u8>, Refusal> {
        match &mut self.shape {
            Shape::Csv(separator) => csv_lines(entries.iter().map(cells), *separator),
            Shape::Xlsx(book) => book.add(entries.iter().map(cells)).map(|()| Vec::new()),
            Shape::Json => {
                let objects: Vec<String> = entries.iter().map(|entry| object(entry).to_string()).collect();
                let text = objects.join(",\n");
                Ok(if has_begun { format!(",\n{text}") } else { format!("\n{text}") }.into_bytes())
            }
        }
    }

    async fn end(&mut self) -> Result<Vec<u8>, Refusal> {
        match std::mem::replace(&mut self.shape, Shape::Json) {
            Shape::Csv(_) => Ok(Vec::new()),
            Shape::Xlsx(book) => book.end().await,
            Shape::Json => Ok(b"\n]\n".to_vec()),
        }
    }
}

fn cells(entry: &Recorded) -> Vec<String> {
    let text = |value: &Option<Value>| value.as_ref().map(ToString::to_string).unwrap_or_default();
    vec![
        entry.id.to_string(),
        entry.at.to_string(),
        entry.actor.clone(),
        entry.action.clone(),
        entry.subject_kind.clone(),
        entry.subject_id.clone(),
        entry.cause.clone(),
        text(&entry.before),
        text(&entry.after),
        entry.request_id.clone().unwrap_or_default(),
    ]
}

fn object(entry: &Recorded) -> Value {
    json!({
        "id": entry.id.to_string(), "at": entry.at.to_string(), "actor": entry.actor, "action": entry.action,
        "subject": { "kind": entry.subject_kind, "id": entry.subject_id }, "cause": entry.cause,
        "before": entry.before, "after": entry.after, "request_id": entry.request_id,
    })
}
