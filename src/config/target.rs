//! The CRMs that are told about accounts.
//!
//! Invariant: a target of a kind that this version cannot write to is refused, never left aside.

use reqwest::Url;

use super::address;
use super::directory::report_doubles;
use super::field::Field;
use super::mistake::Problem;
use super::reading::Section;
use super::secret::SigningKey;
use crate::domain::ids::TargetId;

/// One `[[target]]`.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name.
    pub id: TargetId,
    /// How it is told.
    pub kind: TargetKind,
    /// Where it listens.
    pub url: Url,
    /// What signs each delivery.
    pub signing_key: SigningKey,
    /// Whether the address may lead to this machine or to one that the internet cannot reach.
    pub allow_private: bool,
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
}

impl TargetKind {
    const ALL: [Self; 4] = [Self::Scim, Self::Webhook, Self::Rest, Self::Sql];

    /// The name in the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scim => "scim",
            Self::Webhook => "webhook",
            Self::Rest => "rest",
            Self::Sql => "sql",
        }
    }

    /// Whether this version can write to such a target.
    #[must_use]
    pub const fn is_carried_out(self) -> bool {
        match self {
            Self::Webhook => true,
            Self::Scim | Self::Rest | Self::Sql => false,
        }
    }
}

fn kind(field: &Field<'_>) -> Option<TargetKind> {
    let kind = field.choice(&TargetKind::ALL, TargetKind::name)?;
    if !kind.is_carried_out() {
        field.wrong(
            format!("this version cannot write to a target of the kind {:?}", kind.name()),
            "use kind = \"webhook\", or leave the target out",
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
    let kind = section.required("kind", "write webhook").and_then(|field| kind(&field));
    let allow_private = section.flag("allow_private");
    let url = section
        .required("url", "write where the CRM takes messages: \"https://crm.example/hooks/portvakt\"")
        .and_then(|field| reachable(&field, allow_private));
    let signing_key = section.required_secret("secret").and_then(|secret| {
        let key = SigningKey::parse(secret.expose());
        if let Err(reason) = &key {
            section.wrong(format!("the secret cannot sign: {reason}"), "write whsec_ and base64");
        }
        key.ok()
    });
    if signing_key.as_ref().is_some_and(|key| key.expose().len() < 24) {
        let fix = "take at least 24 random bytes: echo whsec_$(openssl rand -base64 32)";
        section.doubtful("the secret is short enough to be guessed", fix);
    }
    let (url, allow_private) = url?;
    Some(Target { id: id?, kind: kind?, url, signing_key: signing_key?, allow_private })
}

pub(crate) fn targets(root: &Section<'_>) -> Vec<Target> {
    let sections = root.each("target");
    report_doubles(&sections, "target");
    sections.iter().filter_map(target).collect()
}
