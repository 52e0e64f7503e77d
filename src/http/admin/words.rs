//! What several pages say in the same words: who did something, what they did, what a right is called.
//!
//! Invariant: somebody who was erased has no name here either; what has no words here shows its stable name.

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

/// What was done to an account, as the audit calls it, in the middle of a sentence.
pub(super) fn act_words<'w>(frame: &Frame, action: &'w str) -> &'w str {
    let (sv, en) = match action {
        "account_frozen" => ("fryste kontot", "froze the account"),
        "account_deactivated" => ("avaktiverade kontot", "deactivated the account"),
        "account_activated" => ("öppnade kontot", "opened the account"),
        "account_paused" => ("pausade kontot", "paused the account"),
        "account_invited" => ("bjöd in personen", "invited the person"),
        "account_removed" => ("tog bort kontot", "removed the account"),
        "account_changed" => ("ändrade kontots datum eller slag", "changed the account’s dates or kind"),
        "account_reminded" => ("skickade en påminnelse", "sent a reminder"),
        "account_protected" => ("skyddade kontot", "protected the account"),
        "account_unprotected" => ("hävde kontots skydd", "lifted the account’s protection"),
        "leave_granted" => ("beviljade ledighet", "granted leave"),
        "leave_ended" => ("avslutade ledigheten", "ended the leave"),
        "grants_changed" | "rights_changed" | "entitled" => ("ändrade behörigheterna", "changed the rights"),
        "signed_in" => ("loggade in", "signed in"),
        "signed_out" => ("loggade ut", "signed out"),
        other => (other, other),
    };
    frame.t(sv, en)
}
