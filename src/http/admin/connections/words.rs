//! What mistakes, refusals and tokens are called, and what to do about them.
//!
//! Invariant: what has no words here shows its stable name.

use super::super::Desk;
use super::super::parts::Pill;
use crate::flows::directories::RefusedChange;
use crate::flows::tokens::roster::{Line, State};

/// The stable name of a repair, Swedish, English.
const REPAIRS: &[(&str, &str, &str)] = &[
    ("string_boolean", "ja eller nej skickat som text", "yes or no sent as a text"),
    ("message_case", "stora och små bokstäver i meddelandets ord", "the case of the message’s own words"),
    ("name_case", "stora och små bokstäver i uppgiftens namn", "the case of an attribute’s name"),
    ("dotted_key", "uppgift skriven med punkt i namnet", "an attribute written with a dot"),
    ("qualified_key", "uppgift skriven med hela sitt namn", "an attribute written with its whole name"),
    ("bare_value", "värde utan det som ska stå omkring det", "a value without what belongs around it"),
    ("json_text", "roll skickad som text i texten", "a role sent as a text within a text"),
    ("list_unwrapped", "lista där det ska vara ett värde", "a list where one value belongs"),
    ("list_wrapped", "ett värde där det ska vara en lista", "one value where a list belongs"),
    ("entry_created", "ändring av en rad som inte fanns", "a change of an entry that was not there"),
    ("remove_by_value", "borttagning av enstaka värden", "a removal of single values"),
    ("empty_removal", "borttagning av ingenting", "a removal of nothing"),
    ("moved_to_extension", "uppgift på fel ställe", "an attribute in the wrong place"),
    ("unknown_dropped", "uppgift som ingen känner till", "an attribute that nobody knows"),
    ("read_only_ignored", "uppgift som bara går att läsa", "an attribute that can only be read"),
    ("client_id_ignored", "katalogens eget id i stället för vårt", "the directory’s own id in place of ours"),
    ("password_dropped", "lösenord, som aldrig sparas", "a password, which is never kept"),
    ("schemas_corrected", "fel i listan av scheman", "a mistake in the list of schemas"),
    ("primary_corrected", "fler än en huvudadress", "more than one primary entry"),
    ("duplicate_dropped", "samma rad två gånger", "the same entry twice"),
    ("null_members_ignored", "tom uppgift om medlemmar", "an empty word on members"),
    ("member_by_reference", "medlem angiven med adress", "a member named by address"),
];

/// What was mended.
pub(super) fn repair<'w>(frame: &Desk, name: &'w str) -> &'w str {
    let known = REPAIRS.iter().find(|(known, ..)| *known == name);
    known.map_or(name, |(_, sv, en)| frame.t(sv, en))
}

/// How requests ended.
pub(super) fn outcome<'w>(frame: &Desk, name: &'w str) -> &'w str {
    match name {
        "ok" => frame.t("gick bra", "went well"),
        "refused" => frame.t("nekades", "refused"),
        "failed" => frame.t("misslyckades", "failed"),
        "paused" => frame.t("avvisades under en paus", "turned away while paused"),
        other => other,
    }
}

/// Why a token or secret opened nothing.
pub(super) fn denied<'w>(frame: &Desk, why: &'w str) -> &'w str {
    match why {
        "expired" => frame.t("den hade gått ut", "it had ended"),
        "revoked" => frame.t("den var återkallad", "it was revoked"),
        "wrong_secret" => frame.t("fel klienthemlighet", "a wrong client secret"),
        other => other,
    }
}

/// What was to be done with whom: "Lägga till person".
pub(super) fn tried(frame: &Desk, change: &RefusedChange) -> String {
    let whom = match change.resource.as_str() {
        "User" => frame.t("en person", "a person"),
        "Group" => frame.t("en grupp", "a group"),
        other => other,
    };
    let what = match change.method.as_str() {
        "POST" => frame.t("Lägga till", "Add"),
        "PUT" | "PATCH" => frame.t("Ändra", "Change"),
        "DELETE" => frame.t("Ta bort", "Delete"),
        other => other,
    };
    format!("{what} {whom}")
}

/// What makes a refused change go through.
pub(super) fn resolved_by(frame: &Desk, change: &RefusedChange) -> &'static str {
    match (change.scim_type.as_deref(), change.status) {
        (Some("uniqueness"), _) => frame.t(
            "Någon annan i katalogen har redan samma namn eller id. Ge en av dem ett annat hos leverantören.",
            "Somebody else in the directory has that name or id. Give one of them another at the provider.",
        ),
        (Some("invalidValue"), _) => frame.t(
            "Ett värde saknas eller har fel form. Rätta uppgiften, eller mappningen av den, hos leverantören.",
            "A value is missing or malformed. Mend it, or its mapping, at the provider.",
        ),
        (Some("mutability"), _) => frame.t(
            "Leverantören vill ändra något som inte får ändras. Ta bort det ur mappningen.",
            "The provider wants to change what must not change. Take it out of the mapping.",
        ),
        (Some("invalidSyntax" | "invalidPath" | "noTarget" | "invalidFilter"), _) => frame.t(
            "Leverantören skriver på ett sätt som inte går att förstå. Se över mappningen och dess uttryck.",
            "The provider writes what cannot be understood. Look over the mapping and its expressions.",
        ),
        (_, 404) => frame.t(
            "Den som ändringen gäller finns inte här. Låt leverantören skicka hela personen eller gruppen på nytt.",
            "Whom the change is about is not here. Let the provider send the whole person or group again.",
        ),
        (_, 500..) => frame.t(
            "Felet var hos oss eller tillfälligt. Låt leverantören försöka igen.",
            "The fault was ours, or passing. Let the provider try again.",
        ),
        _ => frame.t(
            "Rätta det som svaret säger hos leverantören, och låt den försöka igen.",
            "Mend what the answer says at the provider, and let it try again.",
        ),
    }
}

/// How a token stands.
pub(super) fn token_pill(frame: &Desk, line: &Line) -> Pill {
    match line.state {
        State::Valid => Pill::new(frame, "active", "dot", frame.t("Gäller", "Valid")),
        State::Ending => {
            let days = usize::try_from(line.days_left.unwrap_or_default()).unwrap_or_default();
            let days = frame.count(days, ["dag kvar", "dagar kvar"], ["day left", "days left"]);
            Pill::new(frame, "warn", "clock", days)
        }
        State::Expired => Pill::new(frame, "", "x", frame.t("Har gått ut", "Ended")),
        State::Revoked => Pill::new(frame, "", "slash", frame.t("Återkallad", "Revoked")),
    }
}
