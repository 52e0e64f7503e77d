//! Writes the matching down as a file that a person reads, decides in and gives back.
//!
//! Invariant: no cell can be taken for a formula; the titles that are read back are the same in every language.

use super::resolved::{ACCOUNT, CRM_ID, DECISION};
use super::{Matching, Refusal};
use crate::domain::first_match::{CrmUser, Doubt, Match, Tie};
use crate::domain::ids::AccountId;
use crate::domain::language::{Language, Text};
use crate::flows::report::harmless;

/// The titles.
const TITLES: [&str; 9] =
    [DECISION, "class", CRM_ID, "crm_user_name", "crm_email", "crm_name", ACCOUNT, "account_name", "why"];

/// The matching as CSV: what is in doubt first, a line for each account that it may be.
///
/// # Errors
///
/// [`Refusal::Outside`] when it cannot be written.
pub fn paper(matching: &Matching, separator: u8, language: Language) -> Result<Vec<u8>, Refusal> {
    let failed = |error: String| Refusal::Outside(format!("the matching cannot be written: {error}"));
    let mut bytes = "\u{feff}".as_bytes().to_vec();
    let mut writer = csv::WriterBuilder::new()
        .delimiter(separator)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(TITLES).map_err(|error| failed(error.to_string()))?;
    for row in rows(matching, language) {
        writer.write_record(row.map(harmless)).map_err(|error| failed(error.to_string()))?;
    }
    bytes.extend(writer.into_inner().map_err(|error| failed(error.to_string()))?);
    Ok(bytes)
}

type Row = [String; 9];

fn rows(matching: &Matching, language: Language) -> Vec<Row> {
    let side = |id: AccountId| {
        let known = matching.known.get(id);
        let name =
            |known: &crate::domain::first_match::Candidate| format!("{} ({})", known.user_name, known.name);
        (id.to_string(), known.map(name).unwrap_or_default())
    };
    let (mut doubtful, mut only, mut linked) = (Vec::new(), Vec::new(), Vec::new());
    for (user, found) in &matching.users {
        match found {
            Match::Doubtful(all) => {
                doubtful.extend(all.iter().map(|(id, doubt)| {
                    row("doubtful", Some(user), side(*id), in_doubt(*doubt).get(language))
                }));
            }
            Match::OnlyInCrm => only.push(row("only_in_crm", Some(user), (String::new(), String::new()), "")),
            Match::Linked(id, tie) => {
                linked.push(row("linked", Some(user), side(*id), tied(*tie).get(language)));
            }
        }
    }
    let unclaimed = matching.only_in_directory.iter().map(|id| row("only_in_directory", None, side(*id), ""));
    doubtful.into_iter().chain(only).chain(unclaimed).chain(linked).collect()
}

fn row(class: &str, user: Option<&CrmUser>, (account, account_name): (String, String), why: &str) -> Row {
    let text = |value: fn(&CrmUser) -> Option<String>| user.and_then(value).unwrap_or_default();
    [
        String::new(),
        class.to_owned(),
        text(|user| Some(user.crm_id.clone())),
        text(|user| user.user_name.clone()),
        text(|user| user.email.clone()),
        text(|user| user.name.clone()),
        account,
        account_name,
        why.to_owned(),
    ]
}

fn tied(tie: Tie) -> Text {
    match tie {
        Tie::Known => Text::new("CRM:ets id var känt", "the CRM's id was known"),
        Tie::Decided => Text::new("avgjort av en människa", "decided by a person"),
        Tie::ExternalId => Text::new("samma id i katalogen", "the same id in the directory"),
        Tie::UserName => Text::new("samma användarnamn", "the same user name"),
    }
}

fn in_doubt(doubt: Doubt) -> Text {
    match doubt {
        Doubt::Email => Text::new("bara e-postadressen är densamma", "only the e-mail address is the same"),
        Doubt::Name => Text::new("bara namnet är detsamma", "only the person's name is the same"),
        Doubt::Several => Text::new("fler än en passar", "more than one fits"),
        Doubt::Contradiction => Text::new(
            "katalogens id och användarnamnet pekar på olika konton",
            "the directory's id and the user name lead to different accounts",
        ),
        Doubt::Taken => Text::new(
            "kontot är redan en annan användare i CRM:et",
            "the account is another user of the CRM already",
        ),
    }
}
