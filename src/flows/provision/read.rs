//! One person or one group, as a directory reads it.
//!
//! Invariant: the answer is one moment's: what stands beside the document is of the same moment, and the entity tag
//! belongs to what is shown. What the client has already, or did not ask for, is not loaded.

use std::ops::ControlFlow;

use super::super::{Ports, Refusal};
use super::wire::{self, Seen, Shown};
use crate::domain::ids::{DirectoryId, GroupId, IdentityId};
use crate::scim::write::References;
use crate::scim::{Projection, ScimError};
use crate::store::sheet::{self, Members, Sheet, SheetKey, SheetKind};

/// Who reads, and what of it.
#[derive(Debug)]
pub struct Reader<'r> {
    /// Everything a flow needs.
    pub ports: &'r Ports,
    /// The directory that reads.
    pub directory: &'r DirectoryId,
    /// Its SCIM address without a slash at the end.
    pub base: &'r str,
    /// What is shown.
    pub projection: &'r Projection,
}

impl Reader<'_> {
    /// A person as they stand now, unless the client has this version already, as `is_known` says.
    ///
    /// # Errors
    ///
    /// SCIM 404 for an id that is not this directory's.
    pub async fn user(&self, id: IdentityId, is_known: impl Fn(i64) -> bool) -> Result<Seen, Refusal> {
        let kind = SheetKind::Person { with_groups: self.projection.wants("groups") };
        let found = sheet::find(&self.ports.db, kind, self.directory, SheetKey::Id(id.uuid())).await?;
        let sheet = only(found).ok_or_else(|| missing("User", &id))?;
        if is_known(sheet.version) {
            return Ok(Seen::Known(sheet.version));
        }
        wire::person_sheet(&sheet, self.base, self.projection).map(Seen::Shown)
    }

    /// A group as it stands now, unless the client has this version already, as `is_known` says.
    ///
    /// # Errors
    ///
    /// SCIM 404 for an id that is not this directory's.
    pub async fn group(&self, id: GroupId, is_known: impl Fn(i64) -> bool) -> Result<Seen, Refusal> {
        if !self.projection.wants_members() {
            let key = SheetKey::Id(id.uuid());
            let found = sheet::find(&self.ports.db, SheetKind::Group, self.directory, key).await?;
            let sheet = only(found).ok_or_else(|| missing("Group", &id))?;
            if is_known(sheet.version) {
                return Ok(Seen::Known(sheet.version));
            }
            return self.show(&sheet, None, &[]).map(Seen::Shown);
        }
        let mut c = self.ports.db.snapshot().await?;
        let found = sheet::of_ids(&mut c, SheetKind::Group, self.directory, &[id.uuid()]).await?;
        let sheet = only(Some(found)).ok_or_else(|| missing("Group", &id))?;
        if is_known(sheet.version) {
            return Ok(Seen::Known(sheet.version));
        }
        let mut members = Members::default();
        sheet::members(&mut c, &[sheet.id], None, |_, all| {
            members = all;
            ControlFlow::Break(())
        })
        .await?;
        let shows_names = References::members(self.base, self.projection).shows_names();
        let names = if shows_names { sheet::names(&mut c, id).await? } else { Vec::new() };
        drop(c);
        self.show(&sheet, Some(&members), &names).map(Seen::Shown)
    }

    fn show(&self, sheet: &Sheet, members: Option<&Members>, names: &[String]) -> Result<Shown, Refusal> {
        wire::group_sheet(sheet, members, names, self.base, self.projection)
    }
}

fn only(found: Option<Vec<Sheet>>) -> Option<Sheet> {
    found.and_then(|sheets| sheets.into_iter().next())
}

fn missing(kind: &str, id: &dyn std::fmt::Display) -> Refusal {
    Refusal::Scim(ScimError::not_found(kind, &id.to_string()))
}
