//! Which database keeps the data.
//!
//! Invariant: a password in the address never prints; the path of a SQLite file is resolved against the
//! settings file's folder.

use std::fmt;
use std::path::PathBuf;

use reqwest::Url;

use super::mistake::Problem;
use super::reading::{Reading, Section};
use super::secret::Secret;
use super::tree::Place;

/// The section `[database]`.
#[derive(Debug, Clone)]
pub struct Database {
    /// Which engine, and where.
    pub engine: Engine,
    /// Connections in the pool. Default 10.
    pub max_connections: u32,
}

/// A database engine and where its data are.
#[derive(Clone)]
pub enum Engine {
    /// A file on this machine.
    Sqlite(PathBuf),
    /// A server; the address may hold a password.
    Postgres(Secret),
}

impl Engine {
    /// The address that the store connects to. It may hold a password: never log it.
    #[must_use]
    pub fn expose_url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(url) => url.expose().to_owned(),
        }
    }
}

/// The address without its password, for logs.
impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => match Url::parse(url.expose()) {
                Ok(mut url) => {
                    let hidden = url.password().is_none() || url.set_password(Some("***")).is_ok();
                    url.set_query(None);
                    if hidden { f.write_str(url.as_str()) } else { f.write_str("postgres://***") }
                }
                Err(_) => f.write_str("postgres://***"),
            },
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const FIX: &str = "write \"sqlite:data/portvakt.db\" or \"postgres://user@host/database\"";

fn engine(text: &str, reading: &Reading) -> Result<Engine, Problem> {
    if let Some(rest) = text.strip_prefix("sqlite:") {
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.is_empty() || path.contains(":memory:") {
            return Err(Problem::new(
                "a database that is not a file forgets everything at the next start",
                FIX,
            ));
        }
        if path.contains('?') {
            let fix = "leave out the question mark and what follows; Portvakt sets its own options";
            return Err(Problem::new("a SQLite file takes no options here", fix));
        }
        return Ok(Engine::Sqlite(reading.path(path)));
    }
    // The address is not shown in the mistake: it may hold a password.
    let url = Url::parse(text).map_err(|error| Problem::new(format!("it is no address: {error}"), FIX))?;
    match url.scheme() {
        "postgres" | "postgresql" => Ok(Engine::Postgres(Secret::new(text))),
        other => Err(Problem::new(format!("there is no database engine {other:?}"), FIX)),
    }
}

pub(crate) fn database(section: &Section<'_>) -> Option<Database> {
    let reading = section.reading();
    let from_file = section.field("url_file").is_some();
    let inline = section.field("url");
    let engine = if from_file {
        section.secret("url").and_then(|url| match engine(url.expose(), reading) {
            Ok(engine) => Some(engine),
            Err(problem) => {
                section.wrong(problem.what, problem.fix);
                None
            }
        })
    } else {
        inline
            .as_ref()
            .map_or_else(|| Some(default_engine(reading)), |field| field.parse(|text| engine(text, reading)))
    };
    let max = section.field("max_connections").and_then(|field| field.whole(&(1..=1_000)));
    if let (Some(field), Some(Engine::Postgres(url))) = (&inline, &engine)
        && reading.is_world_readable
        && matches!(field.at(), Place::Line { .. })
        && Url::parse(url.expose()).is_ok_and(|url| url.password().is_some())
    {
        field.doubtful("a password stands in a file that every user of the machine may read", "use url_file");
    }
    Some(Database {
        engine: engine?,
        max_connections: max.and_then(|max| u32::try_from(max).ok()).unwrap_or(10),
    })
}

/// The database where the settings name none.
pub(crate) fn default_engine(reading: &Reading) -> Engine {
    Engine::Sqlite(reading.path("data/portvakt.db"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_address_does_not_print() {
        let engine =
            Engine::Postgres(Secret::new("postgres://p:hunter2@db.example/portvakt?password=hunter3"));
        assert_eq!(format!("{engine:?}"), "postgres://p:***@db.example/portvakt");
        assert!(engine.expose_url().contains("hunter2"));
    }
}
