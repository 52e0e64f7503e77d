//! The CRMs that are told about accounts.
//!
//! Invariant: a target of a kind that this version cannot write to is refused, never left aside.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::Url;

use super::address;
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
}

/// What each kind of target needs.
#[derive(Debug, Clone)]
pub enum Means {
    /// A webhook: what signs each delivery; the new key, and the former one while the CRM changes over.
    Webhook(Vec<SigningKey>),
    /// An API of the CRM's own, or SCIM.
    Api(Api),
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

    /// Whether this version can write to such a target.
    #[must_use]
    pub const fn is_carried_out(self) -> bool {
        match self {
            Self::Webhook | Self::Rest | Self::Scim | Self::Pull => true,
            Self::Sql => false,
        }
    }
}

fn kind(field: &Field<'_>) -> Option<TargetKind> {
    let kind = field.choice(&TargetKind::ALL, TargetKind::name)?;
    if !kind.is_carried_out() {
        field.wrong(
            format!("this version cannot write to a target of the kind {:?}", kind.name()),
            "use kind = \"webhook\", \"rest\", \"scim\" or \"pull\", or leave the target out",
        );
    }
    Some(kind)
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
    let kind = section.required("kind", "write webhook, rest, scim or pull").and_then(|field| kind(&field));
    let allow_private = section.flag("allow_private");
    let url = if kind == Some(TargetKind::Pull) {
        Url::parse("about:blank").ok().map(|nowhere| (nowhere, false))
    } else {
        section
            .required("url", "write where the CRM is: \"https://crm.example/hooks/portvakt\"")
            .and_then(|field| reachable(&field, allow_private))
    };
    let kind = kind?;
    report_strange(section, kind);
    let means = match kind {
        TargetKind::Webhook => keys(section).map(Means::Webhook),
        TargetKind::Rest | TargetKind::Scim | TargetKind::Sql => api(section, kind).map(Means::Api),
        TargetKind::Pull => Some(Means::Pull),
    };
    let (url, allow_private) = url?;
    Some(Target { id: id?, kind, url, means: means?, allow_private })
}

/// The keys that only other kinds of target have: nothing is read over.
fn report_strange(section: &Section<'_>, kind: TargetKind) {
    let strange: &[&str] = match kind {
        TargetKind::Webhook => &["description", "user_name", "values", "roles", "roles_as"],
        TargetKind::Rest => &["former_secret", "former_secret_file", "roles_as"],
        TargetKind::Scim | TargetKind::Sql => {
            &["former_secret", "former_secret_file", "description", "values"]
        }
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
            let fix = "name the file that describes the CRM's API: \"targets/tryton.toml\"";
            let path = section.required("description", fix)?.text()?;
            Some(section.reading().path(path))
        }
        TargetKind::Webhook | TargetKind::Scim | TargetKind::Sql | TargetKind::Pull => None,
    };
    let mut roles = BTreeMap::new();
    for (name, text, field) in texts_by_name(section, "roles") {
        if let Some(role) = field.accept(RoleId::parse(&name).map_err(Problem::from)) {
            roles.insert(role, text);
        }
    }
    let values = texts_by_name(section, "values").into_iter().map(|(name, text, _)| (name, text)).collect();
    Some(Api {
        description,
        user_name: section.text("user_name").unwrap_or_default(),
        secret: section.required_secret("secret")?,
        values,
        roles,
        roles_as: section
            .field("roles_as")
            .and_then(|field| field.choice(&RolesAs::ALL, RolesAs::name))
            .unwrap_or_default(),
    })
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
