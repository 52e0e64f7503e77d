//! What several pages say in the same words: who did something, what they did, what a right or a source is called.
//!
//! Invariant: somebody who was erased has no name here either; what has no words here shows its stable name.

use super::super::pages::Frame;
use crate::domain::actor::Actor;
use crate::domain::ids::{RoleId, SectorId};
use crate::domain::policy::EvidenceSource;
use crate::domain::policy::Policy;
use crate::flows::console::who::Names;

/// The audit's word, Swedish, English: in the middle of a sentence, after who did it.
const ACTS: &[(&str, &str, &str)] = &[
    ("account_created", "lade upp kontot", "set up the account"),
    ("account_imported", "hämtade kontot från CRM:et", "took over the account from the CRM"),
    ("account_invited", "bjöd in personen", "invited the person"),
    ("account_activated", "öppnade kontot", "opened the account"),
    ("account_paused", "pausade kontot", "paused the account"),
    ("account_frozen", "fryste kontot", "froze the account"),
    ("account_deactivated", "avaktiverade kontot", "deactivated the account"),
    ("account_removed", "tog bort kontot", "removed the account"),
    ("account_told", "meddelade ett CRM", "told a CRM"),
    ("account_dated", "ändrade kontots datum", "changed the account’s dates"),
    ("client_signed_in", "släppte in personen i ett CRM", "let the person into a CRM"),
    ("client_refused", "släppte inte in personen i ett CRM", "did not let the person into a CRM"),
    ("client_tokens_revoked", "drog in ett CRM:s nycklar", "revoked a CRM’s tokens"),
    ("invite_refused", "nekade en inbjudan", "refused an invitation"),
    ("role_given", "gav en roll", "gave a role"),
    ("account_changed", "ändrade kontots datum eller slag", "changed the account’s dates or kind"),
    ("account_reminded", "skickade en påminnelse", "sent a reminder"),
    ("account_protected", "skyddade kontot", "protected the account"),
    ("account_unprotected", "hävde kontots skydd", "lifted the account’s protection"),
    ("protection_asked_for", "bad om ändrat skydd", "asked for other protection"),
    ("granted_by_hand", "gav en behörighet för hand", "gave a right by hand"),
    ("revoked_by_hand", "tog bort en behörighet", "took a right away"),
    ("grants_changed", "ändrade behörigheterna", "changed the rights"),
    ("grants_ended", "avslutade behörigheter vars tid var ute", "ended rights whose time was over"),
    ("grants_given_back", "gav tillbaka behörigheter", "gave rights back"),
    ("grants_held_back", "höll kvar behörigheter som skulle ändras", "held back a change of rights"),
    ("grants_held_no_more", "släppte behörigheter som hölls kvar", "held back the rights no more"),
    ("manual_rights_ended", "avslutade behörigheter för hand", "ended rights by hand"),
    ("rights_put_up", "frågade om behörigheter efter ett byte", "asked about rights after a change of job"),
    ("right_decided", "svarade på en fråga om en behörighet", "answered a question about a right"),
    ("linked_by_hand", "kopplade till ett föremål", "linked to an item"),
    ("unlinked_by_hand", "tog bort en koppling till ett föremål", "took a link to an item away"),
    ("link_ended", "avslutade en koppling", "ended a link"),
    ("leave_asked", "bad om ledighet", "asked for leave"),
    ("leave_granted", "beviljade ledighet", "granted leave"),
    ("leave_refused", "avslog ledighet", "refused leave"),
    ("leave_ended", "avslutade ledigheten", "ended the leave"),
    ("leave_not_followed", "kunde inte följa katalogens ledighet", "could not follow the directory’s leave"),
    ("deputy_given", "gav behörigheter som ställföreträdare", "gave rights as a deputy"),
    ("deputy_ended", "avslutade ställföreträdarens behörigheter", "ended the rights of a deputy"),
    ("departure_held", "lät ett avslut vänta på beslut", "let a departure wait for a decision"),
    ("sessions_ended", "avslutade inloggningar", "ended sessions"),
    ("signed_in", "loggade in", "signed in"),
    ("signed_out", "loggade ut", "signed out"),
    ("sign_in_refused", "nekade en inloggning", "refused a sign-in"),
    ("subject_linked", "kopplade inloggningen till kontot", "linked the sign-in to the account"),
    ("subject_untied", "kopplade bort inloggningen", "untied the sign-in"),
    ("notice_sent", "skickade en påminnelse", "sent a notice"),
    ("notice_without_address", "kunde inte skicka en påminnelse", "could not send a notice"),
    ("letter_bounced", "fick tillbaka ett brev", "got a letter back"),
    ("invite_made", "gjorde en inbjudan", "made an invitation"),
    ("invite_opened", "öppnade inbjudan", "opened the invitation"),
    ("invite_used", "använde inbjudan", "used the invitation"),
    ("crm_id_learnt", "lärde sig CRM:ets id", "learnt the CRM’s id"),
    ("delivery_given_up", "gav upp en leverans till ett CRM", "gave up a delivery to a CRM"),
    ("dead_letter_dropped", "lade en leverans åt sidan", "put a delivery away"),
];

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
    let known = ACTS.iter().find(|(known, ..)| *known == action);
    known.map_or(action, |(_, sv, en)| frame.t(sv, en))
}

/// A source that says when somebody was last seen.
pub(super) fn source_words(frame: &Frame, source: EvidenceSource) -> &'static str {
    match source {
        EvidenceSource::Sso => "SSO",
        EvidenceSource::Crm => frame.t("CRM:s logg", "The CRM’s log"),
        EvidenceSource::Directory => frame.t("Katalogens logg", "The directory’s log"),
    }
}
