//! Tells a CRM over its own API, as one TOML file describes it.
//!
//! Invariant: an account is looked for before it is made, so that an attempt whose answer was lost makes no second
//! user; access is taken before anything else is changed; of the roles only those that the settings name are touched.

mod call;
mod description;
mod errand;
mod pages;
mod sign_in;
mod templates;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use reqwest::Url;
use reqwest::dns::Resolve;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::domain::account::Status;
use crate::domain::ids::{RoleId, TargetId};

use super::courier::{Courier, CrmError, Place};
use super::document;
use super::failed::Failed;
use super::resolver::SystemResolver;
use super::state::told_roles;
use super::trial::Finding;
use super::{AccountState, Delivery};
use call::Desk;
use description::Description;
use errand::Errand;
pub(super) use pages::Pages;
use sign_in::Asker;
use templates::Templates;

/// The most people that a trial reads.
const MOST_READ: usize = 10_000;

/// What a described target needs.
#[derive(Debug, Clone)]
pub struct RestSettings {
    /// The target's name.
    pub target: TargetId,
    /// Where the CRM is; the paths of the description come after it.
    pub url: Url,
    /// Whether the address may lead to this machine or to a private network.
    pub allow_private: bool,
    /// How mistakes call the description.
    pub file: String,
    /// The description's text.
    pub description: String,
    /// Under which name Portvakt signs in.
    pub user_name: String,
    /// With which password, token or key.
    pub secret: SecretString,
    /// What the description leaves to be filled in.
    pub values: BTreeMap<String, String>,
    /// What the CRM calls each role; a role that does not stand here is not told.
    pub roles: BTreeMap<RoleId, String>,
}

/// A CRM that is told over its own API.
#[derive(Debug, Clone)]
pub struct Rest(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    target: TargetId,
    url: Url,
    description: Description,
    templates: Templates,
    courier: Courier,
    asker: Asker,
    values: BTreeMap<String, String>,
    roles: BTreeMap<RoleId, String>,
}

impl Rest {
    /// A target as it is set.
    ///
    /// # Errors
    ///
    /// [`CrmError`] when the address may not be used, or the description has mistakes: all of them at once.
    pub fn new(settings: RestSettings) -> Result<Self, CrmError> {
        Self::resolving_by(settings, Arc::new(SystemResolver))
    }

    pub(super) fn resolving_by(settings: RestSettings, names: Arc<dyn Resolve>) -> Result<Self, CrmError> {
        let RestSettings { target, url, allow_private, .. } = &settings;
        let place = Place { target: target.clone(), url: url.clone(), allow_private: *allow_private };
        let courier = Courier::resolving_by(&place, names)?;
        let wrong = |reason: String| CrmError::Description { target: target.clone(), reason };
        let (description, templates) = description::read(&settings.file, &settings.description)
            .map_err(|mistakes| wrong(mistakes.join("; ")))?;
        let values =
            document::filled(&settings.file, &description.values, &settings.values).map_err(wrong)?;
        if !settings.roles.is_empty() && !description.tells_roles() {
            return Err(wrong(format!(
                "roles are set, but the description {} cannot tell them: it has no [set_roles], and [update] does \
                 not name them",
                settings.file
            )));
        }
        Ok(Self(Arc::new(Inner {
            target: settings.target,
            url: settings.url,
            description,
            templates,
            courier,
            asker: Asker::new(settings.user_name, settings.secret),
            values,
            roles: settings.roles,
        })))
    }

    pub(super) fn target(&self) -> &TargetId {
        &self.0.target
    }

    /// What the description says the CRM can be told.
    pub(super) fn abilities(&self) -> Vec<&'static str> {
        self.0.description.operations().into_iter().map(|(name, _)| name).collect()
    }

    pub(super) async fn deliver(&self, now: Timestamp, state: &AccountState) -> Delivery {
        let mut errand =
            Errand { rest: &self.0, now, with: self.0.context(Some(state), now), done: Vec::new() };
        match errand.tell(state).await {
            Ok(crm_id) => Delivery::Taken { answer: format!("done: {}", errand.done.join(", ")), crm_id },
            Err(failed) => failed.into(),
        }
    }

    /// Signs in, looks for somebody who cannot be there, reads roles and people. Writes nothing.
    pub(super) async fn test(&self, now: Timestamp) -> Vec<Finding> {
        let inner = &self.0;
        let described = &inner.description;
        let tried = if described.proven { "proven with the real one" } else { "follows its documentation" };
        let about = format!("{} ({}; {tried})", described.name, described.follows);
        let mut findings = vec![Finding::good("the description was read", about)];
        let mut errand = Errand { rest: inner, now, with: inner.context(None, now), done: Vec::new() };
        findings.push(match errand.find().await {
            Ok(None) => Finding::good("signed in; nobody answers to a name that nobody has", ""),
            Ok(Some(_)) => Finding::bad(
                "somebody answers to a name that nobody has",
                "find.items or find.id of the description reads too much",
            ),
            Err(failed) => Finding::bad("somebody could not be looked for", failed.words()),
        });
        if described.roles.is_some() {
            findings.push(match errand.role_ids(&inner.roles.values().cloned().collect()).await {
                Ok(ids) => Finding::good(format!("the CRM has all {} roles of the settings", ids.len()), ""),
                Err(failed) => Finding::bad("the roles do not fit", failed.words()),
            });
        }
        if described.list.is_some() {
            findings.push(match self.count(now).await {
                Ok(count) => Finding::good(format!("read {count} people"), ""),
                Err(failed) => Finding::bad("the people could not be read", failed.words()),
            });
        }
        findings
    }
}

impl Rest {
    /// Whether the description says how everybody is read.
    pub(super) fn lists(&self) -> bool {
        self.0.description.list.is_some()
    }

    /// Everybody, page by page.
    pub(super) fn pages(&self, now: Timestamp) -> Pages {
        Pages::new(Arc::clone(&self.0), now)
    }

    /// How many people there are: of very many only the first.
    async fn count(&self, now: Timestamp) -> Result<usize, Failed> {
        let (mut pages, mut count) = (self.pages(now), 0);
        loop {
            match pages.next().await?.len() {
                0 => return Ok(count),
                more => count += more,
            }
            if count >= MOST_READ {
                return Ok(count);
            }
        }
    }
}

impl Inner {
    /// What templates may use. Without an account: a name that nobody has.
    fn context(&self, state: Option<&AccountState>, now: Timestamp) -> Value {
        let (roles, others) = told_roles(&self.roles, state);
        let nobody = format!("portvakt-test-{}@nobody.invalid", now.as_microsecond());
        let account = state.map_or_else(
            || {
                json!({ "id": "", "crm_id": null, "user_name": nobody, "display_name": "", "email": null,
                "language": null, "external_ids": {} })
            },
            |state| serde_json::to_value(&state.account).unwrap_or_default(),
        );
        json!({
            "account": account,
            "active": state.is_some_and(|state| state.account.status == Status::Active),
            "crm_id": state.and_then(|state| state.account.crm_id.clone()),
            "found": null,
            "roles": roles,
            "other_roles": others,
            "role_ids": [],
            "other_role_ids": [],
            "values": self.values,
            "user": self.asker.user(),
            "secret": self.asker.secret(),
            "session": sign_in::nothing(),
            "page": { "offset": 0, "size": 0, "next": null },
            "random": format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple()),
        })
    }

    fn desk(&self) -> Desk<'_> {
        Desk {
            description: &self.description,
            templates: &self.templates,
            courier: &self.courier,
            base: &self.url,
        }
    }
}
