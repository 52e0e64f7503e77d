//! What others did, in words.
//!
//! Invariant: an act that has no words here shows its stable name; nothing is hidden.

use super::super::pages::Frame;

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
