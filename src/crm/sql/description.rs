//! A CRM's own tables, described in one TOML file.
//!
//! Invariant: a description that was read has every operation it needs, of each statement only named parameters that
//! there are; what is wrong is said with file, operation and key.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::statement::Statement;
use super::values::NAMES;
use crate::crm::document;

/// Which engine the statements are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Engine {
    Postgres,
    Sqlite,
}

impl Engine {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
        }
    }
}

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    follows: String,
    #[serde(default)]
    proven: bool,
    engine: Engine,
    #[serde(default)]
    values: BTreeMap<String, String>,
    find: Operation,
    create: Operation,
    update: Operation,
    deactivate: Operation,
    freeze: Option<Operation>,
    erase: Option<Operation>,
    roles: Option<Operation>,
    set_roles: Option<Operation>,
    list: Option<Operation>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    sql: Sql,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a statement, or a list of statements")]
enum Sql {
    One(String),
    Several(Vec<String>),
}

/// A description that was read.
#[derive(Debug, Clone)]
pub(super) struct Description {
    /// Of the CRM, as people read it.
    pub(super) name: String,
    /// Which tables it follows, and which version of the CRM.
    pub(super) follows: String,
    /// Whether it was run against the real one.
    pub(super) proven: bool,
    pub(super) engine: Engine,
    /// What the settings may fill in, with what holds where they do not; an empty text must be filled in.
    pub(super) values: BTreeMap<String, String>,
    /// The statements of each operation, in the order of the file format.
    operations: Vec<(&'static str, Vec<Statement>)>,
}

impl Description {
    /// The names of the operations.
    pub(super) fn operations(&self) -> impl Iterator<Item = &'static str> {
        self.operations.iter().map(|(name, _)| *name)
    }

    /// The statements of an operation; nothing: it is not described.
    pub(super) fn statements(&self, name: &str) -> Option<&[Statement]> {
        self.operations.iter().find(|(known, _)| *known == name).map(|(_, all)| all.as_slice())
    }

    /// Whether the CRM is told roles: by an operation of their own, or with the update.
    pub(super) fn tells_roles(&self) -> bool {
        let names = |operation| self.statements(operation).into_iter().flatten().flat_map(|one| &one.names);
        self.statements("set_roles").is_some() || names("update").any(|name| name == "roles")
    }
}

/// Reads a description; `file` is how mistakes call it.
///
/// # Errors
///
/// Every mistake that was found, each with file, operation and key.
pub(super) fn read(file: &str, text: &str) -> Result<Description, Vec<String>> {
    let written: Written = document::read(file, text).map_err(|mistake| vec![mistake])?;
    let Written { name, follows, proven, engine, values, .. } = written;
    let mut mistakes = Vec::new();
    for name in values.keys().filter(|name| NAMES.contains(&name.as_str())) {
        mistakes
            .push(format!("{file}: values.{name}: every statement has a :{name} already; call it otherwise"));
    }
    let must = [
        ("find", written.find),
        ("create", written.create),
        ("update", written.update),
        ("deactivate", written.deactivate),
    ];
    let may = [
        ("freeze", written.freeze),
        ("erase", written.erase),
        ("roles", written.roles),
        ("set_roles", written.set_roles),
        ("list", written.list),
    ];
    let all = must.into_iter().chain(may.into_iter().filter_map(|(name, one)| Some((name, one?))));
    let mut operations = Vec::new();
    for (operation, Operation { sql }) in all {
        let texts = match sql {
            Sql::One(text) => vec![text],
            Sql::Several(texts) => texts,
        };
        let (mut statements, is_list) = (Vec::new(), texts.len() != 1);
        for (at, text) in texts.iter().enumerate() {
            let key = if is_list { format!("{operation}.sql[{at}]") } else { format!("{operation}.sql") };
            match statement(engine, operation, text, &values) {
                Ok(statement) => statements.push(statement),
                Err(what) => mistakes.push(format!("{file}: {key}: {what}")),
            }
        }
        let reads = matches!(operation, "find" | "roles" | "list");
        if texts.is_empty() || (reads && is_list) {
            mistakes.push(format!("{file}: {operation}.sql: write one statement"));
        }
        operations.push((operation, statements));
    }
    let description = Description { name, follows, proven, engine, values, operations };
    if mistakes.is_empty() { Ok(description) } else { Err(mistakes) }
}

fn statement(
    engine: Engine,
    operation: &str,
    text: &str,
    values: &BTreeMap<String, String>,
) -> Result<Statement, String> {
    let statement = Statement::parse(engine, text)?;
    let is_paged = |name: &str| matches!(name, "after" | "size");
    for name in &statement.names {
        let is_known = NAMES.contains(&name.as_str()) || values.contains_key(name);
        if !is_known || (is_paged(name) && operation != "list") {
            let mut known: Vec<&str> =
                NAMES.iter().copied().filter(|name| !is_paged(name) || operation == "list").collect();
            known.extend(values.keys().map(String::as_str));
            return Err(format!("there is no :{name}; a statement may use: {}", known.join(", ")));
        }
    }
    for name in ["after", "size"] {
        if operation == "list" && !statement.names.iter().any(|used| used == name) {
            return Err(format!(
                "it does not use :{name}; people are read page by page: WHERE id > :after … ORDER BY id LIMIT :size"
            ));
        }
    }
    Ok(statement)
}
