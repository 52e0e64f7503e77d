//! Tells a CRM in its own tables, as one TOML file describes them.
//!
//! Invariant: an account is one transaction, which holds whole or not at all; what differs from account to account is a
//! parameter, never a part of a statement; of the roles only those that the settings name are touched.

mod description;
mod errand;
mod lane;
mod pages;
mod postgres;
mod sqlite;
mod statement;
mod trial;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use secrecy::SecretString;
use tokio::time::timeout;

use crate::domain::ids::{RoleId, TargetId};

use super::courier::CrmError;
use super::failed::Failed;
use super::trial::Finding;
use super::{AccountState, Delivery, document};
use description::Description;
use errand::Errand;
use lane::{Database, Purpose};
pub(super) use pages::Pages;
use postgres::Server;
use sqlite::File;
use values::Values;

/// How long one account may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where a CRM keeps its tables.
#[derive(Debug, Clone)]
pub enum SqlPlace {
    /// On a server.
    Postgres {
        /// Where it is, with the database.
        url: Url,
        /// As which role.
        user_name: String,
        /// With which password; nothing where the server asks for none.
        secret: Option<SecretString>,
    },
    /// In a file.
    Sqlite(PathBuf),
}

/// What a target needs that is told in its own tables.
#[derive(Debug, Clone)]
pub struct SqlSettings {
    /// The target's name.
    pub target: TargetId,
    /// Where its tables are.
    pub place: SqlPlace,
    /// How mistakes call the description.
    pub file: String,
    /// The description's text.
    pub description: String,
    /// What the description leaves to be filled in.
    pub values: BTreeMap<String, String>,
    /// What the CRM calls each role; a role that does not stand here is not told.
    pub roles: BTreeMap<RoleId, String>,
}

/// A CRM that is told in its own tables.
#[derive(Debug, Clone)]
pub struct Sql(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    target: TargetId,
    description: Description,
    database: Database,
    values: BTreeMap<String, String>,
    roles: BTreeMap<RoleId, String>,
}

impl Sql {
    /// A target as it is set. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`CrmError`] when the address may not be used, or the description has mistakes: all of them at once.
    pub fn new(settings: SqlSettings) -> Result<Self, CrmError> {
        let SqlSettings { target, place, file, description, values, roles } = settings;
        let wrong = |reason: String| CrmError::Description { target: target.clone(), reason };
        let description = description::read(&file, &description).map_err(|all| wrong(all.join("; ")))?;
        let values = document::filled(&file, &description.values, &values).map_err(wrong)?;
        if !roles.is_empty() && !description.tells_roles() {
            return Err(wrong(format!(
                "roles are set, but the description {file} cannot tell them: it has no [set_roles], and [update] does \
                 not name :roles"
            )));
        }
        let database = match place {
            SqlPlace::Postgres { url, user_name, secret } => {
                Database::Postgres(Server::new(&url, &user_name, secret.as_ref()).map_err(wrong)?)
            }
            SqlPlace::Sqlite(path) => Database::Sqlite(File::new(&path)),
        };
        if database.engine() != description.engine {
            return Err(wrong(format!(
                "the url is for {}, but the description {file} is written for {}",
                database.engine().name(),
                description.engine.name()
            )));
        }
        Ok(Self(Arc::new(Inner { target, description, database, values, roles })))
    }

    pub(super) fn target(&self) -> &TargetId {
        &self.0.target
    }

    /// What the description says the CRM can be told.
    pub(super) fn abilities(&self) -> Vec<&'static str> {
        self.0.description.operations().collect()
    }

    pub(super) async fn deliver(&self, state: &AccountState) -> Delivery {
        let told = match self.0.tell(state).await {
            // Somebody may have made or changed the same person between our look and our write: one more look tells.
            Err(Failed::Refused(_)) => self.0.tell(state).await,
            told => told,
        };
        match told {
            Ok((answer, crm_id)) => Delivery::Taken { answer: format!("done: {answer}"), crm_id },
            Err(failed) => failed.into(),
        }
    }

    /// Whether the description says how everybody is read.
    pub(super) fn lists(&self) -> bool {
        self.0.description.statements("list").is_some()
    }

    /// Everybody, page by page.
    pub(super) fn pages(&self) -> Pages {
        Pages::new(Arc::clone(&self.0))
    }

    /// Prepares every statement, reads roles and people, and makes, changes and closes somebody in a transaction that is
    /// rolled back.
    pub(super) async fn test(&self, now: Timestamp) -> Vec<Finding> {
        let mut findings = self.0.test(now).await;
        if findings.iter().all(|finding| finding.is_good) && self.lists() {
            findings.push(match self.count().await {
                Ok(count) => Finding::good(format!("read {count} people"), ""),
                Err(failed) => Finding::bad("the people could not be read", failed.words()),
            });
        }
        findings
    }

    async fn count(&self) -> Result<usize, Failed> {
        let (mut pages, mut count) = (self.pages(), 0);
        loop {
            match pages.next().await?.len() {
                0 => return Ok(count),
                more => count += more,
            }
        }
    }
}

impl Inner {
    async fn tell(&self, state: &AccountState) -> Result<(String, Option<String>), Failed> {
        let told = async {
            let mut lane = self.database.begin(Purpose::Write).await?;
            let values = Values::of_account(&self.values, &self.roles, state);
            let mut errand = Errand { sql: self, lane: &mut lane, values, done: Vec::new() };
            let told = errand.tell(state).await;
            let done = errand.done.join(", ");
            match told {
                Ok(crm_id) => {
                    lane.commit().await?;
                    Ok((done, crm_id))
                }
                Err(failed) => {
                    lane.roll_back().await;
                    Err(failed)
                }
            }
        };
        // Who gives up here lets go of the transaction, which is rolled back.
        timeout(TIMEOUT, told)
            .await
            .unwrap_or_else(|_| Err(Failed::again(format!("no end within {} seconds", TIMEOUT.as_secs()))))
    }
}
