//! Takes in the users that a CRM has when Portvakt comes to it: who is whom, how old each is, when each last signed in.
//!
//! Invariant: nobody loses anything by an import; nothing is given, closed or told. What is in doubt waits for a person.
//! The same file again changes nothing.

mod file;
mod paper;
mod resolved;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Ports, Refusal};
use crate::domain::account::Status;
use crate::domain::days::zone_of;
use crate::domain::first_match::{Candidate, CrmUser, Known, Match, Tie, match_all};
use crate::domain::ids::{AccountId, TargetId};
use crate::store::{Conn, StoreError, account, identity};

pub use file::{Column, Encoding, Fault, Sheet, columns};
pub use paper::paper;
pub use write::{Applied, apply};

/// Accounts that are read at a time.
const AT_ONCE: i64 = 5_000;

/// What an import is to do.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// The CRM's users.
    pub users: Sheet,
    /// The titles of columns, where they are none that are known.
    pub columns: BTreeMap<Column, String>,
    /// What a person has decided.
    pub resolved: Option<Sheet>,
}

/// Why nothing can be matched.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The files have mistakes.
    #[error("{} mistakes in the file; nothing was done", .0.len())]
    Faults(Vec<Fault>),
    /// Something else.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

/// Who is whom.
#[derive(Debug)]
pub struct Matching {
    /// Which CRM.
    pub target: TargetId,
    /// Its users, each with who they are.
    pub users: Vec<(CrmUser, Match)>,
    /// Accounts that no user is.
    pub only_in_directory: Vec<AccountId>,
    known: Known,
}

/// How many there are of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Count {
    /// Users that are tied to an account.
    pub linked: usize,
    /// Those of them whose id was known before.
    pub known: usize,
    /// Users about whom a person must decide.
    pub doubtful: usize,
    /// Users whom no directory tells of.
    pub only_in_crm: usize,
    /// Accounts that no user is.
    pub only_in_directory: usize,
}

impl Matching {
    /// How many there are of each.
    #[must_use]
    pub fn count(&self) -> Count {
        let mut count = Count { only_in_directory: self.only_in_directory.len(), ..Count::default() };
        for (_, found) in &self.users {
            match found {
                Match::Linked(_, tie) => {
                    count.linked += 1;
                    count.known += usize::from(*tie == Tie::Known);
                }
                Match::Doubtful(_) => count.doubtful += 1,
                Match::OnlyInCrm => count.only_in_crm += 1,
            }
        }
        count
    }
}

/// Matches the users of a file with the accounts. Changes nothing.
///
/// # Errors
///
/// [`Failure::Faults`] with every mistake of the files, or [`Failure::Refused`].
pub async fn look(ports: &Ports, target: &TargetId, asked: &Asked) -> Result<Matching, Failure> {
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let zone = zone_of(&compiled.policy);
    let table = file::Table::read(&asked.users).map_err(Failure::Faults)?;
    let users = file::users(&table, &asked.columns, &zone, ports.clock.now()).map_err(Failure::Faults)?;
    let known = known(&mut c, target).await?;
    drop(c);
    let decided = match &asked.resolved {
        None => BTreeMap::new(),
        Some(sheet) => resolved::read(sheet, &users, &known).map_err(Failure::Faults)?,
    };
    let matches = match_all(&users, &known, &decided);
    let users: Vec<(CrmUser, Match)> = users.into_iter().zip(matches).collect();
    let mut claimed = BTreeSet::new();
    for (_, found) in &users {
        match found {
            Match::Linked(id, _) => drop(claimed.insert(*id)),
            Match::Doubtful(all) => claimed.extend(all.iter().map(|(id, _)| *id)),
            Match::OnlyInCrm => {}
        }
    }
    let unclaimed = known.all().filter(|one| one.crm_id.is_none() && !claimed.contains(&one.account));
    let only_in_directory = unclaimed.map(|one| one.account).collect();
    Ok(Matching { target: target.clone(), users, only_in_directory, known })
}

/// Everybody whom a user may be: all but those who were removed.
async fn known(c: &mut Conn, target: &TargetId) -> Result<Known, Refusal> {
    let (mut known, mut after) = (Known::default(), None);
    loop {
        let accounts = account::page(c, after, AT_ONCE).await?;
        let Some(last) = accounts.last() else { return Ok(known) };
        after = Some(last.id);
        let ids: Vec<AccountId> = accounts.iter().map(|account| account.id).collect();
        let mut names = identity::external_ids(c, &ids).await?;
        let mut crm_ids = account::crm_ids(c, target, &ids).await?;
        for account in accounts.into_iter().filter(|account| account.standing.status != Status::Removed) {
            known.add(Candidate {
                account: account.id,
                external_ids: names.remove(&account.id).unwrap_or_default().into_values().collect(),
                crm_id: crm_ids.remove(&account.id),
                user_name: account.user_name,
                name: account.display_name,
                email: account.email,
            });
        }
    }
}
