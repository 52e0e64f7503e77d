//! What the audit calls things that were done to an account, in words.
//!
//! Invariant: a deed without words shows itself as the audit has it.

use super::super::pages::Frame;

/// The audit's word, Swedish, English.
const DEEDS: &[(&str, &str, &str)] = &[
    ("account_created", "Lades upp", "Was set up"),
    ("account_imported", "Hämtades från CRM:et", "Was taken over from the CRM"),
    ("account_invited", "Bjöds in", "Was invited"),
    ("account_activated", "Aktiverades", "Was activated"),
    ("account_paused", "Pausades", "Was paused"),
    ("account_frozen", "Frystes", "Was frozen"),
    ("account_deactivated", "Avaktiverades", "Was deactivated"),
    ("account_removed", "Togs bort", "Was removed"),
    ("account_changed", "Datum eller slag av konto ändrades", "Dates or kind of account changed"),
    ("account_protected", "Skyddades", "Was protected"),
    ("account_unprotected", "Skyddet hävdes", "Its protection ended"),
    ("protection_asked_for", "Någon bad om ändrat skydd", "Somebody asked for other protection"),
    ("granted_by_hand", "Fick en rättighet för hand", "Was given a right by hand"),
    ("revoked_by_hand", "En rättighet för hand togs bort", "A right by hand was taken"),
    ("grants_changed", "Rättigheter från regler ändrades", "Rights from rules changed"),
    ("grants_ended", "Rättigheter upphörde", "Rights ended"),
    ("grants_given_back", "Rättigheter gavs tillbaka", "Rights were given back"),
    ("grants_held_back", "Ändrade rättigheter väntar på beslut", "Changed rights wait for a decision"),
    ("grants_held_no_more", "Ändrade rättigheter väntar inte längre", "Changed rights wait no longer"),
    ("manual_rights_ended", "Rättigheter för hand upphörde", "Rights by hand ended"),
    (
        "rights_put_up",
        "Frågor ställdes om rättigheter efter byte",
        "Rights were asked about after a change of job",
    ),
    ("linked_by_hand", "Kopplades till ett föremål", "Was linked to an item"),
    ("unlinked_by_hand", "En koppling till ett föremål togs bort", "A link to an item was taken"),
    ("link_ended", "En koppling upphörde", "A link ended"),
    ("leave_asked", "Bad om ledighet", "Asked for leave"),
    ("leave_granted", "Ledighet beviljades", "Leave was granted"),
    ("leave_refused", "Ledighet avslogs", "Leave was refused"),
    ("leave_ended", "Ledigheten avslutades", "The leave was ended"),
    (
        "leave_not_followed",
        "Katalogens ledighet kunde inte följas",
        "The directory's leave could not be followed",
    ),
    ("deputy_given", "Blev ställföreträdare", "Became a deputy"),
    ("deputy_ended", "Är inte längre ställföreträdare", "Is a deputy no longer"),
    ("departure_held", "Avslut väntar på beslut", "A departure waits for a decision"),
    ("sessions_ended", "Inloggningar avslutades", "Sessions were ended"),
    ("signed_in", "Loggade in", "Signed in"),
    ("sign_in_refused", "Nekades inloggning", "Was refused at sign-in"),
    ("subject_linked", "Inloggningen kopplades till kontot", "The sign-in was linked to the account"),
    ("subject_untied", "Inloggningen kopplades bort", "The sign-in was untied"),
    ("notice_sent", "Påminnelse skickades", "A notice was sent"),
    ("notice_without_address", "Påminnelse kunde inte skickas", "A notice could not be sent"),
    ("letter_bounced", "Brev kom tillbaka", "A letter came back"),
    ("invite_made", "Inbjudan gjordes", "An invitation was made"),
    ("invite_opened", "Inbjudan öppnades", "The invitation was opened"),
    ("invite_used", "Inbjudan användes", "The invitation was used"),
    ("crm_id_learnt", "CRM:ets id blev känt", "The CRM's id became known"),
    ("delivery_given_up", "Ett CRM tog inte emot", "A CRM did not take it"),
    ("dead_letter_dropped", "En leverans lades åt sidan", "A delivery was put away"),
];

/// A deed in words.
pub(super) fn words<'a>(frame: &Frame, action: &'a str) -> &'a str {
    let known = DEEDS.iter().find(|(known, ..)| *known == action);
    known.map_or(action, |(_, sv, en)| if frame.tag() == "sv" { sv } else { en })
}
