//! The settings of the daemon as a whole.
//!
//! Invariant: order default < file < environment; settings that came out are free of errors.

use std::path::{Path, PathBuf};

use super::asking::{self, StepUp};
use super::client::{self, Client};
use super::database::{self, Database};
use super::directory::{self, Directory};
use super::environment;
use super::mail::{self, Mail};
use super::mistake::{Mistake, Problem, Severity};
use super::reading::{Reading, Section};
use super::schema::SETTINGS;
use super::server::{self, Server, Sessions};
use super::shown::{self, ShownSetting};
use super::target::{self, Target};
use super::tree;
use crate::domain::language::Language;

/// The settings of the daemon. Paths are resolved against the settings file's folder.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the daemon listens and what it calls itself.
    pub server: Server,
    /// Where the data are.
    pub database: Database,
    /// The policy file that the first start applies.
    pub policy_file: PathBuf,
    /// Files with cases that every policy must answer before it is put into force.
    pub policy_cases: Vec<PathBuf>,
    /// The language of whoever has not said another. Default Swedish.
    pub language: Language,
    /// How long sessions live.
    pub sessions: Sessions,
    /// What a page that asks for a fresh sign-in demands.
    pub step_up: StepUp,
    /// User names or ids of accounts that no path may touch.
    pub protected: Vec<String>,
    /// The connections to identity providers.
    pub directories: Vec<Directory>,
    /// The CRMs that sign people in through Portvakt.
    pub clients: Vec<Client>,
    /// The CRMs that are told about accounts.
    pub targets: Vec<Target>,
    /// How notices leave the house; nothing: they do not.
    pub mail: Option<Mail>,
    /// What is set, as people may see it: without secrets.
    pub shown: Vec<ShownSetting>,
}

/// What came out of a settings file.
#[derive(Debug)]
pub(crate) struct ReadSettings {
    pub(crate) settings: Option<Settings>,
    pub(crate) mistakes: Vec<Mistake>,
    /// The policy file, known even where the settings have mistakes.
    pub(crate) policy_file: PathBuf,
    /// The ids of the directories, likewise; nothing where they could not be read.
    pub(crate) directory_ids: Option<Vec<String>>,
}

/// Reads settings: `text` stood in `file`, `environment` lies over it.
///
/// # Errors
///
/// Every mistake, at least one of them an error. Warnings alone do not stop the settings; they come
/// with [`check`](super::check()).
pub fn read_settings(
    text: &str,
    file: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Settings, Vec<Mistake>> {
    let read = read(text, file, environment, false);
    read.settings.ok_or(read.mistakes)
}

fn language(section: &Section<'_>) -> Option<Language> {
    section.field("default")?.choice(&[Language::Sv, Language::En], Language::tag)
}

fn settings(root: &Section<'_>, policy_file: PathBuf, shown: Vec<ShownSetting>) -> Option<Settings> {
    let section = root.section("server");
    if section.is_none() {
        root.missing("server", "write [server] with public_url, the address that browsers see");
    }
    let server = section.and_then(|section| server::server(&section));
    let database = match root.section("database") {
        Some(section) => database::database(&section),
        None => Some(Database { engine: database::default_engine(root.reading()), max_connections: 10 }),
    };
    let policy_cases: Vec<String> =
        root.section("policy").map(|section| section.texts("cases")).unwrap_or_default();
    let language = root.section("language").and_then(|section| language(&section));
    let sessions = server::sessions(root.section("sessions").as_ref());
    let step_up = asking::step_up(root.section("step_up").as_ref());
    let protected = root.section("accounts").map(|section| section.texts("protected")).unwrap_or_default();
    let directories = directory::directories(root);
    let clients = client::clients(root);
    let targets = target::targets(root);
    let mail = root.section("mail").and_then(|section| mail::mail(&section));
    Some(Settings {
        server: server?,
        database: database?,
        policy_file,
        policy_cases: policy_cases.iter().map(|text| root.reading().path(text)).collect(),
        language: language.unwrap_or_default(),
        sessions,
        step_up,
        protected,
        directories,
        clients,
        targets,
        mail,
        shown,
    })
}

/// Reads settings, and what of them can be known in spite of mistakes.
pub(crate) fn read(
    text: &str,
    file: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
    is_world_readable: bool,
) -> ReadSettings {
    let mut reading = Reading::new(file, SETTINGS);
    reading.is_world_readable = is_world_readable;
    let (mut table, syntax) = tree::parse(text);
    for mistake in &syntax {
        let what = format!("this is not TOML: {}", mistake.message);
        reading.error(&mistake.at, "", Problem::new(what, "see https://toml.io for how it is written"));
    }
    environment::apply(&mut table, environment, &reading);
    // A file that is not TOML would give mistakes about keys that only seem to be missing.
    let is_toml = syntax.is_empty();
    let (policy_text, directory_ids) = known_in_spite(&table);
    let policy_file = reading.path(policy_text.as_deref().unwrap_or("policy.toml"));
    let settings = if is_toml {
        let root = reading.root(&table);
        if let Some(field) = root.section("policy").and_then(|section| section.field("file")) {
            let _ = field.text();
        }
        settings(&root, policy_file.clone(), shown::shown(&table))
    } else {
        None
    };
    let mistakes = reading.into_mistakes();
    let is_refused = mistakes.iter().any(|mistake| mistake.severity == Severity::Error);
    ReadSettings {
        settings: settings.filter(|_| !is_refused),
        mistakes,
        policy_file,
        directory_ids: is_toml.then_some(directory_ids),
    }
}

/// The policy file and the ids of the directories, without judging them.
fn known_in_spite(table: &tree::Table) -> (Option<String>, Vec<String>) {
    let text_of = |node: &tree::Node, key: &str| match &node.value {
        tree::Value::Table(table) => match table.get(key).map(|node| &node.value) {
            Some(tree::Value::Text(text)) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    };
    let policy = table.get("policy").and_then(|node| text_of(node, "file"));
    let ids = match table.get("directory").map(|node| &node.value) {
        Some(tree::Value::List(items)) => items.iter().filter_map(|item| text_of(item, "id")).collect(),
        _ => Vec::new(),
    };
    (policy, ids)
}

#[cfg(test)]
mod tests;
