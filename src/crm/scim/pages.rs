//! Everybody in a CRM that speaks SCIM, page by page (RFC 7644 §3.4.2.4).
//!
//! Invariant: so many come as `totalResults` said at first, and it says the same at every page; else nothing was read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;

use super::{Errand, Inner, RolesAs, wire};
use crate::crm::failed::Failed;
use crate::crm::pages::Length;
use crate::domain::comparison::Holding;

/// How many are asked for at a time.
const SIZE: &str = "200";

/// What is asked for of each.
const ASKED: &str = "id,externalId,userName,displayName,active,emails";

/// A reading that goes on.
#[derive(Debug)]
pub(crate) struct Pages {
    scim: Arc<Inner>,
    now: Timestamp,
    length: Length,
    is_over: bool,
    /// The members of each group that is a role; nothing until they were read.
    members: Option<BTreeMap<String, BTreeSet<String>>>,
}

impl Pages {
    pub(super) fn new(scim: Arc<Inner>, now: Timestamp) -> Self {
        Self { scim, now, length: Length::default(), is_over: false, members: None }
    }

    /// The next users; none: that was all.
    pub(crate) async fn next(&mut self) -> Result<Vec<Holding>, Failed> {
        if self.is_over {
            return Ok(Vec::new());
        }
        let scim = Arc::clone(&self.scim);
        let errand = Errand { scim: &scim, now: self.now };
        if self.members.is_none() {
            self.members = Some(errand.members_of_roles().await?);
        }
        let attribute = match scim.settings.roles_as {
            RolesAs::Groups => "",
            RolesAs::Roles => ",roles",
            RolesAs::Entitlements => ",entitlements",
        };
        let (start, asked) = ((self.length.read() + 1).to_string(), format!("{ASKED}{attribute}"));
        let query = wire::query(&[("startIndex", &start), ("count", SIZE), ("attributes", &asked)]);
        let list = errand.send(Method::GET, &format!("Users?{query}"), None).await?;
        let list = list.ok_or_else(|| Failed::again("Users: there is no such address"))?;
        let total = list.get("totalResults").and_then(Value::as_u64);
        let total =
            total.ok_or_else(|| Failed::again("GET Users: the answer is no list: it has no totalResults"))?;
        let page = list.get("Resources").and_then(Value::as_array).cloned().unwrap_or_default();
        let is_over = self.length.count(Some(total), page.len());
        self.is_over = is_over.map_err(|what| Failed::again(format!("GET Users: {what}")))?.unwrap_or(true);
        page.iter().map(|user| self.holding(user)).collect()
    }

    fn holding(&self, user: &Value) -> Result<Holding, Failed> {
        let id = wire::id(user).ok_or_else(|| Failed::Refused("GET Users: a user has no id".to_owned()))?;
        let text = |key: &str| user.get(key).and_then(Value::as_str).map(str::to_owned);
        let roles = self.roles(user, &id);
        Ok(Holding {
            account: text("externalId"),
            user_name: text("userName"),
            display_name: text("displayName"),
            email: email(user),
            // RFC 7643 §4.1.1 leaves it out where it is not known.
            active: user.get("active").and_then(Value::as_bool),
            roles,
            last_login: None,
            crm_id: id,
        })
    }

    fn roles(&self, user: &Value, id: &str) -> Option<BTreeSet<String>> {
        let settings = &self.scim.settings;
        let attribute = match settings.roles_as {
            _ if settings.roles.is_empty() => return None,
            RolesAs::Groups => {
                let groups = self.members.iter().flatten();
                return Some(
                    groups.filter(|(_, all)| all.contains(id)).map(|(name, _)| name.clone()).collect(),
                );
            }
            RolesAs::Roles => "roles",
            RolesAs::Entitlements => "entitlements",
        };
        let listed = user.get(attribute).and_then(Value::as_array);
        let name = |one: &Value| one.get("value").unwrap_or(one).as_str().map(str::to_owned);
        Some(listed.into_iter().flatten().filter_map(name).collect())
    }
}

/// The address that counts: the primary one, else the first.
fn email(user: &Value) -> Option<String> {
    let all = user.get("emails")?.as_array()?;
    let is_primary = |one: &&Value| one.get("primary").and_then(Value::as_bool) == Some(true);
    let one = all.iter().find(is_primary).or_else(|| all.first());
    Some(one.and_then(|one| one.get("value")).and_then(Value::as_str).unwrap_or_default().to_owned())
}

impl Errand<'_> {
    /// Who is in each group that the settings name.
    async fn members_of_roles(&self) -> Result<BTreeMap<String, BTreeSet<String>>, Failed> {
        let settings = &self.scim.settings;
        let mut members = BTreeMap::new();
        if settings.roles_as != RolesAs::Groups {
            return Ok(members);
        }
        for name in settings.roles.values().collect::<BTreeSet<_>>() {
            let whole = self.whole_group(&self.group(name).await?, name).await?;
            let listed = whole.get("members").and_then(Value::as_array).into_iter().flatten();
            let ids = listed.filter_map(|member| member.get("value")?.as_str().map(str::to_owned));
            members.insert(name.clone(), ids.collect());
        }
        Ok(members)
    }
}
