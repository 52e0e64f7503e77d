//! Tells a CRM over SCIM 2.0 (RFC 7643, RFC 7644).
//!
//! Invariant: a user is looked for by the CRM's id, then by externalId, then by userName, before one is made; nobody is
//! deleted, only deactivated; of groups, roles and entitlements only those that the settings name are touched, and what
//! else the CRM holds of a user stays. That somebody is not there is believed of a whole list alone.

mod groups;
mod pages;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use reqwest::dns::Resolve;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};

use crate::domain::account::Status;
use crate::domain::ids::{RoleId, TargetId};

use super::answer::retry_after;
use super::courier::{Courier, CrmError, Place};
use super::failed::{Failed, is_for_later, quote};
use super::resolver::SystemResolver;
use super::trial::Finding;
use super::{AccountState, Delivery};
pub(super) use pages::Pages;

/// Largest answer that is read, in bytes: a group with many members.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;

/// As what a CRM takes roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolesAs {
    /// As groups of its own, by displayName.
    Groups,
    /// As the user's `roles`.
    Roles,
    /// As the user's `entitlements`.
    Entitlements,
}

/// What a SCIM target needs.
#[derive(Debug, Clone)]
pub struct ScimSettings {
    /// The target's name.
    pub target: TargetId,
    /// The base address, before `/Users`.
    pub url: Url,
    /// Whether the address may lead to this machine or to a private network.
    pub allow_private: bool,
    /// With it, basic authentication; empty: the secret is a bearer token.
    pub user_name: String,
    /// The token or the password.
    pub secret: SecretString,
    /// What the CRM calls each role.
    pub roles: BTreeMap<RoleId, String>,
    /// As what it takes them.
    pub roles_as: RolesAs,
}

/// A CRM that is told over SCIM.
#[derive(Debug, Clone)]
pub struct Scim(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: ScimSettings,
    courier: Courier,
    /// Whether it takes PATCH, as it said when it was first asked.
    patches: OnceCell<bool>,
    /// One change of a group at a time: where only PUT is known, two at once would undo each other.
    group_turn: Mutex<()>,
    /// Whether it has listed a user's groups with the user: then who has none listed is in none.
    shows_groups: AtomicBool,
}

/// One account on its way.
struct Errand<'s> {
    scim: &'s Inner,
    now: Timestamp,
}

impl Scim {
    /// A target as it is set.
    ///
    /// # Errors
    ///
    /// [`CrmError`] when the address may not be used.
    pub fn new(settings: ScimSettings) -> Result<Self, CrmError> {
        Self::resolving_by(settings, Arc::new(SystemResolver))
    }

    pub(super) fn resolving_by(settings: ScimSettings, names: Arc<dyn Resolve>) -> Result<Self, CrmError> {
        let ScimSettings { target, url, allow_private, .. } = &settings;
        let place = Place { target: target.clone(), url: url.clone(), allow_private: *allow_private };
        let courier = Courier::resolving_by(&place, names)?;
        let (patches, group_turn, shows_groups) = (OnceCell::new(), Mutex::default(), AtomicBool::new(false));
        Ok(Self(Arc::new(Inner { settings, courier, patches, group_turn, shows_groups })))
    }

    pub(super) fn target(&self) -> &TargetId {
        &self.0.settings.target
    }

    pub(super) fn abilities(&self) -> Vec<&'static str> {
        let roles = match self.0.settings.roles_as {
            RolesAs::Groups => "groups",
            RolesAs::Roles => "roles",
            RolesAs::Entitlements => "entitlements",
        };
        vec!["find", "create", "update", "deactivate", "erase", roles]
    }

    pub(super) async fn deliver(&self, now: Timestamp, state: &AccountState) -> Delivery {
        let errand = Errand { scim: &self.0, now };
        match errand.tell(state).await {
            Ok((answer, crm_id)) => Delivery::Taken { answer: format!("done: {answer}"), crm_id },
            Err(failed) => failed.into(),
        }
    }

    /// Everybody, page by page.
    pub(super) fn pages(&self, now: Timestamp) -> Pages {
        Pages::new(Arc::clone(&self.0), now)
    }

    /// Reads the configuration, looks for somebody who cannot be there, and reads the groups. Writes nothing.
    pub(super) async fn test(&self, now: Timestamp) -> Vec<Finding> {
        let errand = Errand { scim: &self.0, now };
        let mut findings = vec![match errand.patches().await {
            Ok(true) => Finding::good("read ServiceProviderConfig", "it takes PATCH"),
            Ok(false) => Finding::good("read ServiceProviderConfig", "it takes no PATCH: PUT is used"),
            Err(failed) => Finding::bad("ServiceProviderConfig could not be read", failed.words()),
        }];
        let nobody = format!("portvakt-test-{}@nobody.invalid", now.as_microsecond());
        findings.push(match errand.search("Users", "userName", &nobody, &[]).await {
            Ok(None) => Finding::good("nobody answers to a name that nobody has", ""),
            Ok(Some(_)) => {
                Finding::bad("somebody answers to a name that nobody has", "look for them in the CRM")
            }
            Err(failed) => Finding::bad("somebody could not be looked for", failed.words()),
        });
        if self.0.settings.roles_as == RolesAs::Groups {
            for name in self.0.settings.roles.values() {
                findings.push(match errand.group(name).await {
                    Ok(_) => Finding::good(format!("the CRM has the group {name:?}"), ""),
                    Err(failed) => Finding::bad(format!("the group {name:?}"), failed.words()),
                });
            }
        }
        findings
    }
}

impl Errand<'_> {
    async fn tell(&self, state: &AccountState) -> Result<(String, Option<String>), Failed> {
        let is_active = state.account.status == Status::Active;
        let Some(found) = self.find(state).await? else {
            if !is_active {
                return Ok(("the CRM has no such user".to_owned(), None));
            }
            let made = self.send(Method::POST, "Users", Some(&self.user(state, &Value::Null))).await?;
            let made = made.ok_or_else(|| Failed::again("Users: there is no such address"))?;
            // It may have been made: the next attempt looks for it.
            let id = wire::id(&made).ok_or_else(|| Failed::again("POST Users: the answer holds no id"))?;
            self.follow_groups(state, &id, None).await?;
            return Ok((format!("created {id}"), Some(id)));
        };
        let id = wire::id(&found).ok_or_else(|| Failed::Refused("the CRM's user has no id".to_owned()))?;
        let path = format!("Users/{}", wire::segment(&id));
        let removed = state.account.status == Status::Removed;
        if removed {
            self.follow_groups(state, &id, Some(&found)).await?;
            self.must(Method::PUT, &path, &wire::erased(state, &id)).await?;
            return Ok((format!("found {id}, erased"), Some(id)));
        }
        if self.patches().await? {
            let operations = wire::patch(&self.user(state, &found), &found, is_active);
            self.must(Method::PATCH, &path, &operations).await?;
        } else {
            self.must(Method::PUT, &path, &wire::overlaid(found.clone(), &self.user(state, &found))).await?;
        }
        self.follow_groups(state, &id, Some(&found)).await?;
        let done = if is_active { "updated" } else { "deactivated" };
        Ok((format!("found {id}, {done}"), Some(id)))
    }

    /// The user as we have it; of what the CRM holds besides, only roles or entitlements.
    fn user(&self, state: &AccountState, found: &Value) -> Value {
        let ScimSettings { roles, roles_as, .. } = &self.scim.settings;
        wire::user(state, roles, *roles_as, found)
    }

    /// The CRM's user: by its id, by our id, by the name.
    async fn find(&self, state: &AccountState) -> Result<Option<Value>, Failed> {
        if let Some(id) = &state.account.crm_id
            && let Some(user) = self.read(id).await?
        {
            return Ok(Some(user));
        }
        // A wrong address answers 404 too: that somebody is gone is believed once a whole list has been read.
        if let Some(user) = self.search("Users", "externalId", &state.account.id.to_string(), &[]).await? {
            return Ok(Some(user));
        }
        match &state.account.crm_id {
            Some(id) if state.account.status == Status::Active => {
                return Err(Failed::Refused(format!(
                    "the CRM no longer has the user {id} that this account was; look for it there"
                )));
            }
            Some(_) => return Ok(None),
            None => {}
        }
        if state.account.user_name.is_empty() {
            return Ok(None);
        }
        self.search("Users", "userName", &state.account.user_name, &[]).await
    }

    /// The CRM's user of this id.
    async fn read(&self, id: &str) -> Result<Option<Value>, Failed> {
        self.send(Method::GET, &format!("Users/{}", wire::segment(id)), None).await
    }

    /// The one resource whose attribute has this value (RFC 7644 §3.4.2.2); of it only what `asked` names, or all.
    async fn search(
        &self,
        kind: &str,
        attribute: &str,
        value: &str,
        asked: &[&str],
    ) -> Result<Option<Value>, Failed> {
        let filter = format!("{attribute} eq {}", Value::from(value));
        let asked = asked.join(",");
        let mut pairs = vec![("filter", filter.as_str())];
        if !asked.is_empty() {
            pairs.push(("attributes", asked.as_str()));
        }
        let query = wire::query(&pairs);
        let list = self.send(Method::GET, &format!("{kind}?{query}"), None).await?;
        let list = list.ok_or_else(|| Failed::again(format!("{kind}: there is no such address")))?;
        let mut found =
            wire::resources(&list).map_err(|what| Failed::again(format!("GET {kind}: {what}")))?;
        // A CRM that passes over the filter would give us somebody else, and says nothing of whom we look for.
        let is_empty = found.is_empty();
        found.retain(|one| wire::has(one, attribute, value));
        if found.is_empty() && !is_empty {
            return Err(Failed::Refused(format!("{kind}: the CRM passes over the filter {attribute} eq")));
        }
        match (found.pop(), found.len()) {
            (one, 0) => Ok(one),
            (_, more) => Err(Failed::Refused(format!(
                "{kind}: the CRM has {} with this {attribute}; leave one",
                more + 1
            ))),
        }
    }

    async fn patches(&self) -> Result<bool, Failed> {
        let read = async {
            let config = self.send(Method::GET, "ServiceProviderConfig", None).await?;
            // A CRM that does not say gets what every one must take (RFC 7644 §3.5.1).
            Ok(config.is_some_and(|config| config.pointer("/patch/supported") == Some(&Value::Bool(true))))
        };
        self.scim.patches.get_or_try_init(|| read).await.copied()
    }

    /// A write to something that is there.
    async fn must(&self, method: Method, path: &str, body: &Value) -> Result<(), Failed> {
        let said = format!("{method} {}: the CRM no longer has it", wire::kind(path));
        self.send(method, path, Some(body)).await?.map(drop).ok_or(Failed::Refused(said))
    }

    /// One request. Nothing: 404.
    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Option<Value>, Failed> {
        let ScimSettings { url, user_name, secret, .. } = &self.scim.settings;
        let name = format!("{method} {}", wire::kind(path));
        let address = format!("{}/{path}", url.as_str().trim_end_matches('/'));
        let address: Url =
            address.parse().map_err(|_| Failed::Refused(format!("{name}: this is no address")))?;
        let mut request = self.scim.courier.client().request(method, address);
        request = match user_name.as_str() {
            "" => request.bearer_auth(secret.expose_secret()),
            user => request.basic_auth(user, Some(secret.expose_secret())),
        };
        request = request.header(ACCEPT, "application/scim+json, application/json");
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/scim+json").body(body.to_string());
        }
        let reply = self.scim.courier.send(request, LARGEST_ANSWER).await;
        let reply = reply.map_err(|error| Failed::again(format!("{name}: {error}")))?;
        let said = || format!("{name}: {}", quote(reply.status, &reply.body));
        match reply.status.as_u16() {
            204 => Ok(Some(Value::Null)),
            200..=299 => match serde_json::from_slice(&reply.body) {
                Ok(value) if !reply.is_cut => Ok(Some(value)),
                _ => Err(Failed::again(format!("{name}: the answer is not whole, or is no JSON"))),
            },
            404 => Ok(None),
            401 => Err(Failed::NotSignedIn(said())),
            // Somebody made it between our look and our write: the next attempt finds it (RFC 7644 §3.12).
            status if is_for_later(status) || status == 412 => {
                Err(Failed::Again { after: retry_after(&reply.headers, self.now), said: said() })
            }
            _ => Err(Failed::Refused(said())),
        }
    }
}
