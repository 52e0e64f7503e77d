//! What several pages say in the same words: who did something, what a right is called.
//!
//! Invariant: somebody who was erased has no name here either; what the policy no longer knows shows its id.

use super::super::pages::Frame;
use crate::domain::actor::Actor;
use crate::domain::ids::{RoleId, SectorId};
use crate::domain::policy::Policy;
use crate::flows::console::who::Names;

/// Who did something, as the audit writes it.
pub(super) fn who(frame: &Frame, names: &Names, actor: &str) -> String {
    match Actor::from_text(actor) {
        Some(Actor::Account(id)) => {
            names.of(id).map_or_else(|| frame.t("Raderad person", "Erased person").to_owned(), str::to_owned)
        }
        Some(Actor::Directory(id)) => format!("{} {id}", frame.t("Katalogen", "The directory")),
        Some(Actor::Target(id)) => format!("{} {id}", frame.t("CRM:et", "The CRM")),
        Some(Actor::Operator(name)) => format!("{name} ({})", frame.t("kommandoraden", "command line")),
        Some(Actor::Job(name)) => format!("Portvakt ({name})"),
        None => actor.to_owned(),
    }
}

/// The name of a role or sector by its id.
pub(super) fn right(frame: &Frame, policy: &Policy, id: &str) -> String {
    let role = RoleId::parse(id).ok().and_then(|id| policy.roles.get(&id)).map(|role| &role.name);
    let sector =
        || SectorId::parse(id).ok().and_then(|id| policy.sectors.get(&id)).map(|sector| &sector.name);
    role.or_else(sector).map_or_else(|| id.to_owned(), |name| frame.text(name).to_owned())
}
