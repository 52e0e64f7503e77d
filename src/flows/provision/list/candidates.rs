//! Turns what a filter narrows to into what the store can look up.
//!
//! Invariant: nobody whom the filter lets through is left out; whoever is found still passes the filter itself.

use jiff::Timestamp;
use uuid::Uuid;

use super::super::super::Refusal;
use crate::domain::ids::DirectoryId;
use crate::scim::{Narrow, ResourceKind};
use crate::store::Conn;
use crate::store::sheet::{SheetKey, SheetKind};
use crate::store::sought::{self, Sought};

/// The one key that a condition comes to, where it finds few and is asked together with others.
pub(super) fn key(kind: SheetKind, narrow: &Narrow) -> Option<SheetKey> {
    match (kind, narrow) {
        (_, Narrow::Id(id)) => Some(SheetKey::Id(uuid(id))),
        (_, Narrow::ExternalId(id)) => Some(SheetKey::ExternalId(id.clone())),
        (SheetKind::Person { .. }, Narrow::UserName(name)) => Some(SheetKey::UserName(name.clone())),
        (SheetKind::Group, Narrow::DisplayName(name)) => Some(SheetKey::DisplayName(name.clone())),
        (SheetKind::Person { .. }, Narrow::DisplayName(_))
        | (SheetKind::Group, Narrow::UserName(_))
        | (_, Narrow::Member { .. } | Narrow::Email(_) | Narrow::Modified { .. } | Narrow::Active(_))
        | (_, Narrow::Any(_)) => None,
    }
}

/// The ids of those who may meet a condition, in order.
pub(super) async fn ids(
    c: &mut Conn,
    kind: ResourceKind,
    directory: &DirectoryId,
    narrow: &Narrow,
) -> Result<Vec<Uuid>, Refusal> {
    let mut parts = Parts::default();
    match narrow {
        Narrow::Any(all) => all.iter().for_each(|one| parts.add(one)),
        single => parts.add(single),
    }
    let mut found = Vec::new();
    for sought in parts.sought() {
        let ids = match kind {
            ResourceKind::User => sought::people(c, directory, sought).await?,
            ResourceKind::Group => sought::groups(c, directory, sought).await?,
        };
        found.extend(ids);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The conditions of a choice, those of a kind together: one statement for each.
#[derive(Default)]
struct Parts {
    ids: Vec<Uuid>,
    user_names: Vec<String>,
    external_ids: Vec<String>,
    display_names: Vec<String>,
    addresses: Vec<String>,
    members: Vec<Uuid>,
    active: Vec<bool>,
    windows: Vec<(Option<Timestamp>, Option<Timestamp>)>,
}

impl Parts {
    fn add(&mut self, narrow: &Narrow) {
        match narrow {
            Narrow::Id(id) | Narrow::Member { group: Some(id), .. } => self.ids.push(uuid(id)),
            Narrow::UserName(name) => self.user_names.push(name.clone()),
            Narrow::ExternalId(id) => self.external_ids.push(id.clone()),
            Narrow::DisplayName(name) => self.display_names.push(name.clone()),
            Narrow::Email(address) => self.addresses.push(address.clone()),
            Narrow::Member { group: None, member } => self.members.push(uuid(member)),
            Narrow::Active(flag) => self.active.push(*flag),
            Narrow::Modified { from, until } => self.windows.push((*from, *until)),
            Narrow::Any(all) => all.iter().for_each(|one| self.add(one)),
        }
    }

    fn sought(self) -> Vec<Sought> {
        let texts = [
            (self.user_names, Sought::UserNames as fn(Vec<String>) -> Sought),
            (self.external_ids, Sought::ExternalIds),
            (self.display_names, Sought::DisplayNames),
            (self.addresses, Sought::Addresses),
        ];
        let ids = [(self.ids, Sought::Ids as fn(Vec<Uuid>) -> Sought), (self.members, Sought::HasMember)];
        let mut all: Vec<Sought> =
            texts.into_iter().filter(|(texts, _)| !texts.is_empty()).map(|(texts, of)| of(texts)).collect();
        all.extend(ids.into_iter().filter(|(ids, _)| !ids.is_empty()).map(|(ids, of)| of(ids)));
        all.extend(self.active.into_iter().map(Sought::Active));
        all.extend(self.windows.into_iter().map(|(from, until)| Sought::Modified(from, until)));
        all
    }
}

/// What is no id of ours belongs to nobody, like the id that is all zeros.
fn uuid(text: &str) -> Uuid {
    Uuid::try_parse(text).unwrap_or(Uuid::nil())
}
