//! The CRMs that are told about accounts.
//!
//! Invariant: a key that only other kinds of target have is refused, never read over.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::Url;

use super::address;
use super::comparing::{Comparing, comparing};
use super::directory::report_doubles;
use super::field::Field;
use super::mistake::Problem;
use super::reading::Section;
use super::secret::{Secret, SigningKey};
use super::tree::{Table, Value};
use crate::domain::ids::{RoleId, TargetId};

/// One `[[target]]`.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name.
    pub id: TargetId,
    /// How it is told.
    pub kind: TargetKind,
    /// Where it listens; nowhere (`about:blank`), where it asks for itself.
    pub url: Url,
    /// What this kind of target needs.
    pub means: Means,
    /// Whether the address may lead to this machine or to one that the internet cannot reach.
    pub allow_private: bool,
    /// How it is read back.
    pub comparing: Comparing,
}

/// What each kind of target needs.
#[derive(Debug, Clone)]
pub enum Means {
    /// A webhook: what signs each delivery; the new key, and the former one while the CRM changes over.
    Webhook(Vec<SigningKey>),
    /// An API of the CRM's own, or SCIM.
    Api(Api),
    /// The CRM's own tables.
    Sql(Tables),
    /// Nothing: the CRM asks, with a token.
    Pull,
}

/// What an API of the CRM needs.
#[derive(Debug, Clone)]
pub struct Api {
    /// The description of the API; nothing for SCIM, which needs none.
    pub description: Option<PathBuf>,
    /// Under which name Portvakt signs in; empty where the secret says enough.
    pub user_name: String,
    /// With which password, token or key.
    pub secret: Secret,
    /// What the description leaves to be filled in.
    pub values: BTreeMap<String, String>,
    /// What the CRM calls each role.
    pub roles: BTreeMap<RoleId, String>,
    /// SCIM: as what the CRM takes roles.
    pub roles_as: RolesAs,
}

/// What a target needs that is told in its own tables.
#[derive(Debug, Clone)]
pub struct Tables {
    /// The description of the tables.
    pub description: PathBuf,
    /// As which role; empty for a file.
    pub user_name: String,
    /// With which password.
    pub secret: Option<Secret>,
    /// What the description leaves to be filled in.
    pub values: BTreeMap<String, String>,
    /// What the CRM calls each role.
    pub roles: BTreeMap<RoleId, String>,
}

impl Target {
    /// What the CRM calls each role; nothing where it is told by our own names.
    #[must_use]
    pub const fn roles(&self) -> Option<&BTreeMap<RoleId, String>> {
        match &self.means {
            Means::Webhook(_) | Means::Pull => None,
            Means::Api(api) => Some(&api.roles),
            Means::Sql(tables) => Some(&tables.roles),
        }
    }
}

/// As what a CRM takes roles over SCIM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RolesAs {
    /// As groups of its own.
    #[default]
    Groups,
    /// As the user's roles.
    Roles,
    /// As the user's entitlements.
    Entitlements,
}

impl RolesAs {
    const ALL: [Self; 3] = [Self::Groups, Self::Roles, Self::Entitlements];

    const fn name(self) -> &'static str {
        match self {
            Self::Groups => "groups",
            Self::Roles => "roles",
            Self::Entitlements => "entitlements",
        }
    }
}

/// How a CRM is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// Over SCIM 2.0.
    Scim,
    /// By signed messages (Standard Webhooks 1.0).
    Webhook,
    /// Over its own REST API.
    Rest,
    /// In its own SQL tables.
    Sql,
    /// Not at all: it asks for itself.
    Pull,
}

impl TargetKind {
    const ALL: [Self; 5] = [Self::Scim, Self::Webhook, Self::Rest, Self::Sql, Self::Pull];

    /// The name in the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scim => "scim",
            Self::Webhook => "webhook",
            Self::Rest => "rest",
            Self::Sql => "sql",
            Self::Pull => "pull",
        }
    }
}

/// Reads where a CRM listens. An operator who writes a private address by number means it;
/// a name that leads to one must be allowed expressly, or a changed record could point inwards.
pub(super) fn reachable(field: &Field<'_>, allow_private: Option<bool>) -> Option<(Url, bool)> {
    let url = field.parse(address::web)?;
    let is_private = address::is_private(&url);
    if is_private && allow_private == Some(false) {
        field.wrong("this address is private, and allow_private is false", "set allow_private = true");
    }
    if url.scheme() == "http" && !address::is_loopback(&url) {
        let fix = "use https; plain http is for this machine";
        field.wrong("plain http lets others on the way read names and rights", fix);
    }
    Some((url, allow_private.unwrap_or(is_private)))
}

fn target(section: &Section<'_>) -> Option<Target> {
    let id = section
        .required("id", "name the target")
        .and_then(|field| field.parse(|text| TargetId::parse(text).map_err(Problem::from)));
    let kind = section.required("kind", "write webhook, rest, scim, sql or pull");
    let kind = kind.and_then(|field| field.choice(&TargetKind::ALL, TargetKind::name));
    let url = match kind {
        Some(TargetKind::Sql) => {
            section.required("url", DATABASE).and_then(|field| database(section, &field))
        }
        Some(TargetKind::Pull) => Url::parse("about:blank").ok().map(|nowhere| (nowhere, false)),
        _ => section
            .required("url", "write where the CRM is: \"https://crm.example/hooks/portvakt\"")
            .and_then(|field| reachable(&field, section.flag("allow_private"))),
    };
    let kind = kind?;
    report_strange(section, kind);
    let means = match kind {
        TargetKind::Webhook => keys(section).map(Means::Webhook),
        TargetKind::Rest | TargetKind::Scim => api(section, kind).map(Means::Api),
        TargetKind::Sql => tables(section, url.as_ref().map(|(url, _)| url)).map(Means::Sql),
        TargetKind::Pull => Some(Means::Pull),
    };
    let comparing = comparing(section, kind);
    let (url, allow_private) = url?;
    Some(Target { id: id?, kind, url, means: means?, allow_private, comparing })
}

/// The keys that only other kinds of target have: nothing is read over.
fn report_strange(section: &Section<'_>, kind: TargetKind) {
    let strange: &[&str] = match kind {
        TargetKind::Webhook => &["description", "user_name", "values", "roles", "roles_as"],
        TargetKind::Rest => &["former_secret", "former_secret_file", "roles_as"],
        TargetKind::Scim => &["former_secret", "former_secret_file", "description", "values"],
        TargetKind::Sql => &["former_secret", "former_secret_file", "roles_as", "allow_private"],
        TargetKind::Pull => &[
            "url",
            "allow_private",
            "secret",
            "secret_file",
            "former_secret",
            "former_secret_file",
            "description",
            "user_name",
            "values",
            "roles",
            "roles_as",
        ],
    };
    for field in strange.iter().filter_map(|key| section.field(key)) {
        field.wrong(format!("a target of the kind {:?} has no such key", kind.name()), "leave it out");
    }
}

/// The keys that sign, the new one first.
fn keys(section: &Section<'_>) -> Option<Vec<SigningKey>> {
    let present = signing_key(section, "secret", section.required_secret("secret"))?;
    let former = section.secret("former_secret");
    let former = former.and_then(|former| signing_key(section, "former_secret", Some(former)));
    Some(std::iter::once(present).chain(former).collect())
}

fn signing_key(section: &Section<'_>, name: &str, secret: Option<Secret>) -> Option<SigningKey> {
    let secret = secret?;
    let key = match SigningKey::parse(secret.expose()) {
        Ok(key) => key,
        Err(reason) => {
            section.wrong(
                format!("the {name} cannot sign: {reason}"),
                "write whsec_ and base64, or whsk_ and base64 for a key of your own",
            );
            return None;
        }
    };
    if key.expose().len() < 24 {
        let fix = "take at least 24 random bytes: echo whsec_$(openssl rand -base64 32)";
        section.doubtful(format!("the {name} is short enough to be guessed"), fix);
    }
    Some(key)
}

fn api(section: &Section<'_>, kind: TargetKind) -> Option<Api> {
    let description = match kind {
        TargetKind::Rest => {
            Some(description(section, "name the file that describes the CRM's API: \"targets/tryton.toml\"")?)
        }
        TargetKind::Webhook | TargetKind::Scim | TargetKind::Sql | TargetKind::Pull => None,
    };
    Some(Api {
        description,
        user_name: section.text("user_name").unwrap_or_default(),
        roles: roles(section),
        values: values(section),
        secret: section.required_secret("secret")?,
        roles_as: section
            .field("roles_as")
            .and_then(|field| field.choice(&RolesAs::ALL, RolesAs::name))
            .unwrap_or_default(),
    })
}

const DATABASE: &str = "write \"postgres://db.example/crm\" or \"sqlite:data/crm.db\"";

/// Reads where a CRM's tables are: a server, or a file, which becomes a `file:` address. It stands in the house.
fn database(section: &Section<'_>, field: &Field<'_>) -> Option<(Url, bool)> {
    let url = field.parse(|text| {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = section.reading().path(path.strip_prefix("//").unwrap_or(path));
            let path = std::path::absolute(path).ok().filter(|path| path.file_name().is_some());
            let url = path.and_then(|path| Url::from_file_path(path).ok());
            return url.ok_or_else(|| Problem::new("it names no file", DATABASE));
        }
        // The address is not shown in the mistake: it may hold a password.
        let url =
            Url::parse(text).map_err(|error| Problem::new(format!("it is no address: {error}"), DATABASE))?;
        let has_login = !url.username().is_empty()
            || url.password().is_some()
            || url.query_pairs().any(|(key, _)| matches!(&*key, "user" | "password"));
        match url.scheme() {
            _ if has_login => Err(Problem::new(
                "the address holds a user name or a password",
                "leave them out of the address; write user_name and secret_file",
            )),
            "postgres" | "postgresql" => Ok(url),
            other => Err(Problem::new(format!("there is no database engine {other:?}"), DATABASE)),
        }
    })?;
    Some((url, true))
}

fn tables(section: &Section<'_>, url: Option<&Url>) -> Option<Tables> {
    let is_file = url.is_some_and(|url| url.scheme() == "file");
    let user_name = if is_file {
        for field in ["user_name", "secret", "secret_file"].iter().filter_map(|key| section.field(key)) {
            field.wrong("a file asks nobody for a name or a password", "leave it out");
        }
        Some(String::new())
    } else {
        let name = section.required("user_name", "name the role with which Portvakt enters the database");
        name.and_then(|name| name.text().map(str::to_owned))
    };
    let described =
        description(section, "name the file that describes the CRM's tables: \"targets/mine.toml\"");
    Some(Tables {
        description: described?,
        user_name: user_name?,
        secret: if is_file { None } else { section.secret("secret") },
        values: values(section),
        roles: roles(section),
    })
}

fn description(section: &Section<'_>, fix: &str) -> Option<PathBuf> {
    let path = section.required("description", fix)?;
    Some(section.reading().path(path.text()?))
}

fn roles(section: &Section<'_>) -> BTreeMap<RoleId, String> {
    let mut roles = BTreeMap::new();
    for (name, text, field) in texts_by_name(section, "roles") {
        if let Some(role) = field.accept(RoleId::parse(&name).map_err(Problem::from)) {
            roles.insert(role, text);
        }
    }
    roles
}

fn values(section: &Section<'_>) -> BTreeMap<String, String> {
    texts_by_name(section, "values").into_iter().map(|(name, text, _)| (name, text)).collect()
}

/// The texts of a table whose keys are the operator's own words.
fn texts_by_name<'a>(section: &Section<'a>, key: &str) -> Vec<(String, String, Field<'a>)> {
    let Some(field) = section.field(key) else { return Vec::new() };
    let Value::Table(table) = field.value() else {
        field.wrong("it must be a table", format!("write {key} = {{ name = \"text\" }}"));
        return Vec::new();
    };
    named(&field, table)
}

fn named<'a>(field: &Field<'a>, table: &'a Table) -> Vec<(String, String, Field<'a>)> {
    let entries = table.entries().iter();
    entries
        .filter_map(|entry| {
            let one = field.within(&entry.key, &entry.node);
            Some((entry.key.clone(), one.text()?.to_owned(), one))
        })
        .collect()
}

pub(crate) fn targets(root: &Section<'_>) -> Vec<Target> {
    let sections = root.each("target");
    report_doubles(&sections, "target");
    sections.iter().filter_map(target).collect()
}
