//! The names that a policy defines, for whoever refers to them.
//!
//! Invariant: collected before anything is judged, so that a part with a mistake in it does not make
//! every reference to it look wrong too.

use std::collections::BTreeSet;

use super::super::directory::report_doubles;
use super::super::field::Field;
use super::super::reading::Section;
use super::super::suggest::suggest;
use crate::domain::ids::{DirectoryId, ModuleId, RoleId, SectorId};

/// The names that a policy defines.
pub(super) struct Names {
    modules: Vec<String>,
    sectors: Vec<String>,
    roles: Vec<String>,
    directories: Option<Vec<String>>,
}

impl Names {
    /// Collects them and reports those that occur twice.
    pub(super) fn collect(root: &Section<'_>, directories: Option<&BTreeSet<DirectoryId>>) -> Self {
        let names = |key: &str| {
            let sections = root.each(key);
            report_doubles(&sections, key);
            sections.iter().filter_map(|part| part.plain_id().map(|(id, _)| id.to_owned())).collect()
        };
        names("component");
        names("rule");
        Self {
            modules: names("module"),
            sectors: names("sector"),
            roles: names("role"),
            directories: directories.map(|ids| ids.iter().map(ToString::to_string).collect()),
        }
    }

    pub(super) fn module(&self, field: &Field<'_>, text: &str) -> Option<ModuleId> {
        known(field, text, "module", &self.modules).then(|| ModuleId::parse(text).ok()).flatten()
    }

    pub(super) fn sector(&self, field: &Field<'_>) -> Option<SectorId> {
        let text = field.text()?;
        known(field, text, "sector", &self.sectors).then(|| SectorId::parse(text).ok()).flatten()
    }

    pub(super) fn role(&self, field: &Field<'_>) -> Option<RoleId> {
        let text = field.text()?;
        known(field, text, "role", &self.roles).then(|| RoleId::parse(text).ok()).flatten()
    }

    /// A directory, which must be among those of the settings where they are known.
    pub(super) fn directory(&self, field: &Field<'_>) -> Option<DirectoryId> {
        match &self.directories {
            Some(directories) => {
                let text = field.text()?;
                known(field, text, "directory", directories).then(|| DirectoryId::parse(text).ok()).flatten()
            }
            None => field.parse(|text| DirectoryId::parse(text).map_err(Into::into)),
        }
    }
}

/// Whether `text` is among `names`; a mistake where it is not.
fn known(field: &Field<'_>, text: &str, what: &str, names: &[String]) -> bool {
    let is_known = names.iter().any(|name| name == text);
    if !is_known {
        field.wrong(format!("there is no {what} {text:?}"), suggest(text, names.iter().map(String::as_str)));
    }
    is_known
}
