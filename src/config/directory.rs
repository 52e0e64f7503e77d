//! The directories: connections to identity providers.
//!
//! Invariant: an id and an address domain belong to one directory only.

use std::collections::BTreeMap;

use super::mail::address_of;
use super::mistake::Problem;
use super::oidc::{self, DirectoryOidc};
use super::pull::{self, Pull};
use super::reading::Section;
use crate::domain::ids::DirectoryId;

/// One `[[directory]]`.
#[derive(Debug, Clone)]
pub struct Directory {
    /// Its name in addresses: `/scim/v2/{id}`.
    pub id: DirectoryId,
    /// Whose habits to expect.
    pub kind: DirectoryKind,
    /// As people read it. Default the id.
    pub name: String,
    /// The domains of the addresses whose owners sign in here, in lower case.
    pub domains: Vec<String>,
    /// User names or ids of accounts that no path may touch.
    pub protected: Vec<String>,
    /// How people sign in; nothing: they do not.
    pub oidc: Option<DirectoryOidc>,
    /// What is fetched from the provider's own API.
    pub pull: Option<Pull>,
    /// The attributes that say that somebody is on leave.
    pub leave: Option<LeaveAttributes>,
}

/// The attributes that say that somebody is on leave, as dotted SCIM paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaveAttributes {
    /// Its first day.
    pub from: Option<String>,
    /// Its last day.
    pub until: Option<String>,
    /// Whether it lasts; `true` or `false`.
    pub flag: Option<String>,
}

/// Which provider's habits to expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DirectoryKind {
    /// Microsoft Entra ID.
    Entra,
    /// Okta.
    Okta,
    /// Any other that speaks SCIM and OpenID Connect.
    Generic,
}

impl DirectoryKind {
    const ALL: [Self; 3] = [Self::Entra, Self::Okta, Self::Generic];

    /// The name in the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::Okta => "okta",
            Self::Generic => "generic",
        }
    }
}

fn domain(text: &str) -> Result<String, Problem> {
    let domain = text.trim().trim_start_matches('@').to_lowercase();
    address_of(&format!("x@{domain}")).map(|_| domain).map_err(|_| {
        Problem::new(format!("{text:?} is no domain"), "write what follows the @: \"example.org\"")
    })
}

fn id(text: &str) -> Result<DirectoryId, Problem> {
    let id = DirectoryId::parse(text)?;
    if id == DirectoryId::local() {
        return Err(Problem::new(
            format!("{text:?} is the name for those who came by invitation"),
            "choose another name",
        ));
    }
    Ok(id)
}

fn directory(section: &Section<'_>) -> Option<Directory> {
    let id = section
        .required("id", "name the directory; the name appears in addresses: /scim/v2/NAME")
        .and_then(|field| field.parse(id));
    let kind = section
        .required("kind", "write entra, okta or generic")
        .and_then(|field| field.choice(&DirectoryKind::ALL, DirectoryKind::name));
    // With an unknown kind the parts are read all the same, so that their mistakes are named too.
    let assumed = kind.unwrap_or(DirectoryKind::Generic);
    let name = section.text("name");
    let domains = section.list("domains").iter().filter_map(|item| item.parse(domain)).collect();
    let protected = section.texts("protected");
    let oidc = section.section("oidc").and_then(|part| oidc::oidc(&part, assumed));
    let pull = kind.and_then(|kind| section.section("pull").and_then(|part| pull::pull(&part, kind)));
    let leave = section.section("leave").and_then(|part| leave(&part));
    let id = id?;
    let name = name.unwrap_or_else(|| id.to_string());
    Some(Directory { id, kind: kind?, name, domains, protected, oidc, pull, leave })
}

fn leave(section: &Section<'_>) -> Option<LeaveAttributes> {
    let path =
        |key: &str| section.text(key).map(|path| path.trim().to_owned()).filter(|path| !path.is_empty());
    let leave = LeaveAttributes { from: path("from"), until: path("until"), flag: path("flag") };
    if leave.until.is_none() && leave.flag.is_none() {
        section.wrong(
            "it names neither the last day nor a flag, so nobody would ever be on leave",
            "name until, flag, or both: dotted SCIM paths such as \"urn:example:hr:2.0:User:leaveUntil\"",
        );
        return None;
    }
    Some(leave)
}

/// Reports the ids that occur twice.
pub(crate) fn report_doubles(sections: &[Section<'_>], what: &str) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for section in sections {
        let Some((id, field)) = section.plain_id() else { continue };
        let count = seen.entry(id).or_default();
        *count += 1;
        if *count > 1 {
            field.wrong(format!("there are two of the {what} {id:?}"), "give each an id of its own");
        }
    }
}

pub(crate) fn directories(root: &Section<'_>) -> Vec<Directory> {
    let sections = root.each("directory");
    report_doubles(&sections, "directory");
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    for section in &sections {
        let own = section.plain_id().map_or("", |(id, _)| id);
        for item in section.list("domains") {
            let Some(Ok(name)) = item.plain_text().map(domain) else { continue };
            if let Some(other) = owners.insert(name.clone(), own.to_owned()) {
                item.wrong(
                    format!("the domain {name:?} is listed twice, in {other:?} and in {own:?}"),
                    "a sign-in that starts from an address must lead to one directory",
                );
            }
        }
    }
    sections.iter().filter_map(directory).collect()
}
