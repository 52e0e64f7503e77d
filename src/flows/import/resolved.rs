//! Reads what a person has decided in the file of the matching.
//!
//! Invariant: a line without a decision decides nothing; one that decides names a user of the list and, to link, one
//! account.

use std::collections::BTreeSet;

use super::file::{Fault, Sheet, Table};
use crate::domain::first_match::{CrmUser, Decisions, Known};

/// The titles that are read back.
pub(super) const DECISION: &str = "decision";
/// The CRM's id of the user.
pub(super) const CRM_ID: &str = "crm_id";
/// The account's id or sign-in name.
pub(super) const ACCOUNT: &str = "account";

/// What a person decided of each user.
pub(super) fn read(sheet: &Sheet, users: &[CrmUser], known: &Known) -> Result<Decisions, Vec<Fault>> {
    let table = Table::read(sheet)?;
    let place = |title: &str| {
        let what = format!("there is no column {title:?}; the titles are {}", table.titles());
        table.place(title).ok_or_else(|| vec![table.fault(1, None, what)])
    };
    let (decision, crm_id, account) = (place(DECISION)?, place(CRM_ID)?, place(ACCOUNT)?);
    let ids: BTreeSet<&str> = users.iter().map(|user| user.crm_id.as_str()).collect();
    let (mut decisions, mut faults) = (Decisions::new(), Vec::new());
    for (line, cells) in table.rows() {
        let cell = |place: usize| cells.get(place).map_or("", String::as_str);
        let mut wrong = |place: usize, what: String| faults.push(table.fault(line, Some(place), what));
        let links = match cell(decision).to_lowercase().as_str() {
            "" => continue,
            "link" | "koppla" => true,
            "no" | "nej" => false,
            other => {
                wrong(
                    decision,
                    format!("{other:?} is no decision; write link (koppla), no (nej) or nothing"),
                );
                continue;
            }
        };
        if !ids.contains(cell(crm_id)) {
            wrong(crm_id, format!("the list of the CRM's users has no {:?}", cell(crm_id)));
            continue;
        }
        let user = cell(crm_id).to_owned();
        if !links {
            decisions.entry(user).or_insert(None);
            continue;
        }
        let Some(id) = known.named(cell(account)) else {
            wrong(
                account,
                format!("{:?} is no account's id, nor the user name of exactly one", cell(account)),
            );
            continue;
        };
        if let Some(Some(other)) = decisions.insert(user, Some(id))
            && other != id
        {
            wrong(decision, format!("the user is linked to {other} in a line before; link to one account"));
        }
    }
    table.sound(decisions, faults)
}
