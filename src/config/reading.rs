//! The reading of one file: its tables, the keys each of them takes, and the mistakes so far.
//!
//! Invariant: reading goes on after a mistake, so that one run names them all; a key that the
//! schema does not know is a mistake.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use super::field::Field;
use super::mistake::{Mistake, Problem, Severity};
use super::schema::{Schema, keys_of};
use super::suggest::suggest;
use super::tree::{Place, Table, Value};

/// The reading of one file.
pub(crate) struct Reading {
    file: String,
    folder: PathBuf,
    schema: Schema,
    /// Whether every user of the machine may read the file itself.
    pub(crate) is_world_readable: bool,
    list: RefCell<Vec<Mistake>>,
}

impl Reading {
    pub(crate) fn new(file: &Path, schema: Schema) -> Self {
        Self {
            file: file.display().to_string(),
            folder: file.parent().map(Path::to_path_buf).unwrap_or_default(),
            schema,
            is_world_readable: false,
            list: RefCell::new(Vec::new()),
        }
    }

    /// A path of the file, which is relative to the file's folder.
    pub(crate) fn path(&self, text: &str) -> PathBuf {
        self.folder.join(text)
    }

    pub(crate) fn error(&self, at: &Place, key_path: &str, problem: Problem) {
        self.note(Severity::Error, at, key_path, problem);
    }

    pub(crate) fn warning(&self, at: &Place, key_path: &str, problem: Problem) {
        self.note(Severity::Warning, at, key_path, problem);
    }

    fn note(&self, severity: Severity, at: &Place, key_path: &str, problem: Problem) {
        let (file, line, column) = match at {
            Place::Line { line, column } => (self.file.clone(), Some(*line), Some(*column)),
            Place::Environment(variable) => (format!("environment {variable}"), None, None),
            Place::Nowhere => (self.file.clone(), None, None),
        };
        let Problem { what, fix } = problem;
        let key_path = key_path.to_owned();
        self.list.borrow_mut().push(Mistake { severity, file, line, column, key_path, what, fix });
    }

    /// The mistakes, in the order of the file.
    pub(crate) fn into_mistakes(self) -> Vec<Mistake> {
        let mut list = self.list.into_inner();
        list.sort_by(|a, b| (a.line, a.column, &a.key_path).cmp(&(b.line, b.column, &b.key_path)));
        list.dedup();
        list
    }

    /// The whole document, with its unknown keys reported.
    pub(crate) fn root<'a>(&'a self, table: &'a Table) -> Section<'a> {
        Section::open(self, table, &Place::Nowhere, String::new(), "")
    }
}

/// One table of the file.
pub(crate) struct Section<'a> {
    reading: &'a Reading,
    table: &'a Table,
    at: Place,
    path: String,
    pattern: String,
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

impl<'a> Section<'a> {
    /// The table, with its unknown keys reported; `pattern` is its name in the schema.
    pub(crate) fn open(
        reading: &'a Reading,
        table: &'a Table,
        at: &Place,
        path: String,
        pattern: &str,
    ) -> Self {
        let keys = keys_of(reading.schema, pattern);
        for entry in table.entries().iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
            reading.error(
                &entry.key_at,
                &join(&path, &entry.key),
                Problem::new("there is no such key", suggest(&entry.key, keys.iter().copied())),
            );
        }
        Self { reading, table, at: at.clone(), path, pattern: pattern.to_owned() }
    }

    pub(crate) const fn reading(&self) -> &'a Reading {
        self.reading
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table.entries().is_empty()
    }

    /// Notes that something about the table as a whole is wrong.
    pub(crate) fn wrong(&self, what: impl Into<String>, fix: impl Into<String>) {
        self.reading.error(&self.at, &self.path, Problem::new(what, fix));
    }

    /// Notes that somebody should look at the table as a whole.
    pub(crate) fn doubtful(&self, what: impl Into<String>, fix: impl Into<String>) {
        self.reading.warning(&self.at, &self.path, Problem::new(what, fix));
    }

    pub(crate) fn field(&self, key: &str) -> Option<Field<'a>> {
        debug_assert!(
            keys_of(self.reading.schema, &self.pattern).contains(&key),
            "the schema of {:?} lacks {key:?}",
            self.pattern
        );
        let node = self.table.get(key)?;
        Some(Field::new(self.reading, node, join(&self.path, key)))
    }

    /// The key, which must be there.
    pub(crate) fn required(&self, key: &str, fix: &str) -> Option<Field<'a>> {
        let field = self.field(key);
        if field.is_none() {
            self.missing(key, fix);
        }
        field
    }

    pub(crate) fn missing(&self, key: &str, fix: &str) {
        self.reading.error(&self.at, &join(&self.path, key), Problem::new("it is missing", fix));
    }

    /// The text of `id`, unjudged.
    pub(crate) fn plain_id(&self) -> Option<(&'a str, Field<'a>)> {
        let field = self.field("id")?;
        field.plain_text().map(|id| (id, field))
    }

    /// The table under `key`.
    pub(crate) fn section(&self, key: &str) -> Option<Section<'a>> {
        self.field(key)?.section(&join(&self.pattern, key))
    }

    /// The tables under `[[key]]`.
    pub(crate) fn each(&self, key: &str) -> Vec<Section<'a>> {
        let Some(field) = self.field(key) else { return Vec::new() };
        if matches!(field.value(), Value::Table(_)) {
            let header = join(&self.pattern, key);
            field.wrong("there can be several of these", format!("write [[{header}]] instead of [{header}]"));
            return Vec::new();
        }
        let pattern = join(&self.pattern, key);
        field.items().into_iter().filter_map(|item| item.section(&pattern)).collect()
    }

    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.field(key)?.text().map(str::to_owned)
    }

    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        self.field(key)?.flag()
    }

    /// The texts of a list; absent is empty.
    pub(crate) fn texts(&self, key: &str) -> Vec<String> {
        self.list(key).into_iter().filter_map(|item| item.text().map(str::to_owned)).collect()
    }

    /// The values of a list; absent is empty.
    pub(crate) fn list(&self, key: &str) -> Vec<Field<'a>> {
        self.field(key).map(|field| field.items()).unwrap_or_default()
    }
}
