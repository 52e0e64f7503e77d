//! The provider as a SCIM client: pushes people and groups to Portvakt over HTTP.
//!
//! Invariant: every request is shaped as Entra or Okta sends it; anything but the expected answer is an error.

mod entra;
mod okta;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::super::association::{GroupNo, Home, Person, PersonNo};
use super::super::error::DemoError;

use wire::Wire;

/// Where the people are.
const USERS: &str = "/Users";
/// Where the groups are.
const GROUPS: &str = "/Groups";
/// What a PATCH is always wrapped in (RFC 7644 §3.5.2).
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A directory's provisioning towards Portvakt.
#[derive(Debug)]
pub struct Pusher {
    home: Home,
    wire: Wire,
    people: BTreeMap<PersonNo, String>,
    groups: BTreeMap<GroupNo, PushedGroup>,
}

/// A group as Portvakt has it.
#[derive(Debug)]
struct PushedGroup {
    id: String,
    members: BTreeSet<PersonNo>,
}

impl Pusher {
    /// Provisioning to `base` (`…/scim/v2/{directory}`) with a directory token.
    ///
    /// # Errors
    ///
    /// [`DemoError::Client`] when no HTTP client can be made.
    pub fn new(home: Home, base: &str, token: SecretString) -> Result<Self, DemoError> {
        let user_agent = match home {
            Home::Entra => "AzureAD-SCIM-practice/1.0",
            Home::Okta => "Okta SCIM Client 1.0.0",
        };
        let wire = Wire::new(base, token, user_agent)?;
        Ok(Self { home, wire, people: BTreeMap::new(), groups: BTreeMap::new() })
    }

    /// How many requests it has sent.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.wire.requests()
    }

    /// The id that Portvakt gave the person.
    #[must_use]
    pub fn id_of(&self, person: PersonNo) -> Option<&str> {
        self.people.get(&person).map(String::as_str)
    }

    /// What an administrator's "test connection" sends: a question for somebody who does not exist.
    ///
    /// # Errors
    ///
    /// [`DemoError`] when the answer is not an empty list.
    pub async fn test_connection(&mut self) -> Result<(), DemoError> {
        let nobody = "userName eq \"6d1c7a3e-2f0b-4b6e-9d55-0c3f5a7e1b2d\"";
        match self.find(USERS, nobody).await? {
            None => Ok(()),
            Some(_) => Err(DemoError::answer("GET", USERS, 200, "somebody has a name that nobody has")),
        }
    }

    /// Provisions a person: looks for the sign-in name first, then creates.
    ///
    /// # Errors
    ///
    /// [`DemoError`] when Portvakt refuses, or has the person already.
    pub async fn arrives(&mut self, person: &Person) -> Result<(), DemoError> {
        let filter = format!("userName eq \"{}\"", person.user_name);
        if self.find(USERS, &filter).await?.is_some() {
            return Err(DemoError::answer("GET", USERS, 200, "the person is there already"));
        }
        let body = match self.home {
            Home::Entra => entra::user(person),
            Home::Okta => okta::user(person)?,
        };
        let created = self.wire.send(Method::POST, USERS, &[], Some(&body), &[StatusCode::CREATED]).await?;
        self.people.insert(person.number, id(&created, USERS)?);
        Ok(())
    }

    /// Makes a group, without members.
    ///
    /// # Errors
    ///
    /// [`DemoError`] when Portvakt refuses.
    pub async fn group_made(&mut self, group: GroupNo) -> Result<(), DemoError> {
        let body = match self.home {
            Home::Entra => {
                self.find(GROUPS, &format!("displayName eq \"{}\"", group.group().name)).await?;
                entra::group(&group.group())
            }
            Home::Okta => okta::group(&group.group()),
        };
        let created = self.wire.send(Method::POST, GROUPS, &[], Some(&body), &[StatusCode::CREATED]).await?;
        let pushed = PushedGroup { id: id(&created, GROUPS)?, members: BTreeSet::new() };
        self.groups.insert(group, pushed);
        Ok(())
    }

    /// Puts people into a group.
    ///
    /// # Errors
    ///
    /// [`DemoError`] when Portvakt refuses, or does not know the group or somebody yet.
    pub async fn joins(&mut self, group: GroupNo, people: &[&Person]) -> Result<(), DemoError> {
        let (path, ids) = (self.group_path(group)?, self.ids(people)?);
        let operations = match self.home {
            Home::Entra => entra::members_added(&ids),
            Home::Okta => okta::members_added(&group.group(), self.group_id(group), &ids),
        };
        self.patch(&path, operations).await?;
        if let Some(pushed) = self.groups.get_mut(&group) {
            pushed.members.extend(people.iter().map(|person| person.number));
        }
        Ok(())
    }

    /// Takes people out of a group.
    ///
    /// # Errors
    ///
    /// [`DemoError`] when Portvakt refuses, or does not know the group or somebody.
    pub async fn leaves(&mut self, group: GroupNo, people: &[&Person]) -> Result<(), DemoError> {
        let (path, ids) = (self.group_path(group)?, self.ids(people)?);
        let operations = match self.home {
            Home::Entra => entra::members_removed(&ids),
            Home::Okta => okta::members_removed(&group.group(), self.group_id(group), &ids),
        };
        self.patch(&path, operations).await?;
        if let Some(pushed) = self.groups.get_mut(&group) {
            pushed.members.retain(|number| people.iter().all(|person| person.number != *number));
        }
        Ok(())
    }

    /// Changes a person's title and department.
    ///
    /// # Errors
    ///
    /// [`DemoError`] when Portvakt refuses or does not know the person.
    pub async fn becomes(&mut self, person: &Person, title: &str, department: &str) -> Result<(), DemoError> {
        let path = self.user_path(person)?;
        match self.home {
            Home::Entra => self.patch(&path, entra::work_changed(person, title, department)).await,
            Home::Okta => {
                let mut whole = self.wire.send(Method::GET, &path, &[], None, &[StatusCode::OK]).await?;
                okta::change_work(&mut whole, title, department);
                self.wire.send(Method::PUT, &path, &[], Some(&whole), &[StatusCode::OK]).await.map(drop)
            }
        }
    }

    /// Says that the person is not active any more.
    ///
    /// # Errors
    ///
    /// [`DemoError`] when Portvakt refuses or does not know the person.
    pub async fn switched_off(&mut self, person: &Person) -> Result<(), DemoError> {
        self.set_active(person, false).await
    }

    /// Says that the person is active again. Okta looks for the person first, as for a new one.
    ///
    /// # Errors
    ///
    /// [`DemoError`] when Portvakt refuses or does not know the person.
    pub async fn switched_on(&mut self, person: &Person) -> Result<(), DemoError> {
        if self.home == Home::Okta {
            let found = self.find(USERS, &format!("userName eq \"{}\"", person.user_name)).await?;
            if found.as_deref() != self.id_of(person.number) {
                return Err(DemoError::NotThere(person.user_name.clone()));
            }
        }
        self.set_active(person, true).await
    }

    /// Deletes a person, as Entra does thirty days after they left.
    ///
    /// # Errors
    ///
    /// [`DemoError`] when Portvakt refuses or does not know the person.
    pub async fn deleted(&mut self, person: &Person) -> Result<(), DemoError> {
        let path = self.user_path(person)?;
        self.wire.send(Method::DELETE, &path, &[], None, &[StatusCode::NO_CONTENT]).await?;
        self.people.remove(&person.number);
        for group in self.groups.values_mut() {
            group.members.remove(&person.number);
        }
        Ok(())
    }

    async fn set_active(&mut self, person: &Person, active: bool) -> Result<(), DemoError> {
        let operations = match self.home {
            Home::Entra => entra::active(active),
            Home::Okta => okta::active(active),
        };
        let path = self.user_path(person)?;
        self.patch(&path, operations).await
    }

    async fn patch(&mut self, path: &str, operations: Value) -> Result<(), DemoError> {
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        let done = [StatusCode::OK, StatusCode::NO_CONTENT];
        self.wire.send(Method::PATCH, path, &[], Some(&body), &done).await.map(drop)
    }

    /// The id of the one resource that the filter finds.
    async fn find(&mut self, path: &str, filter: &str) -> Result<Option<String>, DemoError> {
        let mut query = vec![("filter", filter)];
        match (self.home, path) {
            (Home::Okta, _) => query.extend([("startIndex", "1"), ("count", "100")]),
            (Home::Entra, GROUPS) => query.insert(0, ("excludedAttributes", "members")),
            (Home::Entra, _) => {}
        }
        let list = self.wire.send(Method::GET, path, &query, None, &[StatusCode::OK]).await?;
        match list.get("totalResults").and_then(Value::as_u64) {
            Some(0) => Ok(None),
            Some(1) => list.pointer("/Resources/0").map(|found| id(found, path)).transpose(),
            _ => Err(DemoError::answer("GET", path, 200, &list.to_string())),
        }
    }

    fn user_path(&self, person: &Person) -> Result<String, DemoError> {
        let id = self.id_of(person.number).ok_or_else(|| DemoError::NotThere(person.user_name.clone()))?;
        Ok(format!("{USERS}/{id}"))
    }

    fn group_path(&self, group: GroupNo) -> Result<String, DemoError> {
        match self.groups.get(&group) {
            Some(pushed) => Ok(format!("{GROUPS}/{}", pushed.id)),
            None => Err(DemoError::NotThere(group.group().name.to_owned())),
        }
    }

    fn group_id(&self, group: GroupNo) -> &str {
        self.groups.get(&group).map_or("", |pushed| pushed.id.as_str())
    }

    fn ids<'a>(&'a self, people: &[&'a Person]) -> Result<Vec<(&'a str, &'a str)>, DemoError> {
        let one = |person: &&'a Person| {
            let id =
                self.id_of(person.number).ok_or_else(|| DemoError::NotThere(person.user_name.clone()))?;
            Ok((id, person.user_name.as_str()))
        };
        people.iter().map(one).collect()
    }
}

fn id(resource: &Value, path: &str) -> Result<String, DemoError> {
    let id = resource.get("id").and_then(Value::as_str).map(str::to_owned);
    id.ok_or_else(|| DemoError::answer("POST", path, 200, "the resource has no id"))
}
