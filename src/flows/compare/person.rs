//! One person, three ways: what the directories say, what we say, what each CRM said when it was last read, and who is
//! wrong.
//!
//! Invariant: reads only, in one snapshot; what a CRM said is as old as its last comparison, and says so.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::super::people::find_one;
use super::super::{Ports, Refusal};
use super::judge::{is_under_way, ought};
use super::view::Listed;
use crate::config::Target;
use crate::domain::account::{Account, Status, StatusReason};
use crate::domain::comparison::{Holding, Ought, compare};
use crate::domain::ids::{AccountId, DirectoryId, TargetId};
use crate::domain::language::Language;
use crate::domain::name::fold;
use crate::domain::policy::Policy;
use crate::store::identity::Identity;
use crate::store::told::{self, Knows, Progress};
use crate::store::{Conn, Span, account, comparison, comparison_user, entitlement, identity};

/// A person, three ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ThreeWays {
    /// The account.
    pub account: AccountId,
    /// What we call them.
    pub user_name: String,
    /// Which status we give them.
    pub status: Status,
    /// Why.
    pub reason: StatusReason,
    /// What each directory says.
    pub directories: Vec<DirectorySays>,
    /// What each CRM says.
    pub crms: Vec<CrmSays>,
}

/// What a directory says of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DirectorySays {
    /// Which.
    pub directory: DirectoryId,
    /// Whether it has the person, and calls them active.
    pub active: bool,
    /// When it deleted them.
    pub deleted_at: Option<Timestamp>,
    /// The name to sign in with.
    pub user_name: Option<String>,
    /// The name that people read.
    pub display_name: Option<String>,
}

/// What a CRM says of a person, and who is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CrmSays {
    /// Which.
    pub target: TargetId,
    /// When it was read; nothing: it never was.
    pub read_at: Option<Timestamp>,
    /// What it should hold.
    pub ought: Ought,
    /// What it held; several where they conflict.
    pub held: Vec<Holding>,
    /// What differs, as the comparison found it.
    pub differences: Vec<Listed>,
    /// Who is wrong.
    pub wrong: Wrong,
}

/// Who is wrong of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// Everybody says the same.
    Nobody,
    /// The CRM was never read back, so that nobody knows.
    Unknown,
    /// The CRM is yet to be told.
    Waiting,
    /// The CRM will not take what it is told.
    Refuses,
    /// The CRM holds something else than it was told.
    Crm,
    /// We do not follow what the directory says.
    Portvakt,
    /// No directory knows the person, and we let them in.
    Directory,
}

impl Wrong {
    /// Who is wrong, and what to do, in one sentence.
    #[must_use]
    pub const fn sentence(self, language: Language) -> &'static str {
        let (sv, en) = match self {
            Self::Nobody => ("Alla säger detsamma.", "Everybody says the same."),
            Self::Unknown => (
                "CRM:et har aldrig lästs tillbaka: kör portvakt compare.",
                "The CRM was never read back: run portvakt compare.",
            ),
            Self::Waiting => (
                "CRM:et har ännu inte fått veta det senaste; det väntar på att skickas.",
                "The CRM has yet to be told the latest; it waits to be sent.",
            ),
            Self::Refuses => (
                "CRM:et tar inte emot det: se portvakt target dead.",
                "The CRM will not take it: see portvakt target dead.",
            ),
            Self::Crm => (
                "CRM:et har något annat än det fått veta: någon har ändrat där. Skicka om med portvakt target replay.",
                "The CRM holds something else than it was told: somebody changed it there. Send it again with portvakt \
                 target replay.",
            ),
            Self::Portvakt => (
                "Portvakt följer inte katalogen: se portvakt account show.",
                "Portvakt does not follow the directory: see portvakt account show.",
            ),
            Self::Directory => (
                "Ingen katalog känner personen, men kontot är i bruk.",
                "No directory knows the person, and the account is in use.",
            ),
        };
        match language {
            Language::Sv => sv,
            Language::En => en,
        }
    }
}

/// A person three ways, by id, user name or the CRM's id.
///
/// # Errors
///
/// As [`find_one`].
pub async fn person(ports: &Ports, text: &str) -> Result<ThreeWays, Refusal> {
    let account = find_one(ports, text).await?;
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let now = ports.clock.now();
    let directories: Vec<DirectorySays> =
        identity::of_account(&mut c, account.id).await?.into_iter().map(says).collect();
    let mut crms = Vec::new();
    for target in &ports.settings.targets {
        crms.push(crm(&mut c, &compiled.policy, target, &account, &directories, now).await?);
    }
    Ok(ThreeWays {
        account: account.id,
        user_name: account.user_name,
        status: account.standing.status,
        reason: account.standing.reason,
        directories,
        crms,
    })
}

fn says(identity: Identity) -> DirectorySays {
    let text = |key: &str| identity.document.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    DirectorySays {
        active: identity.active && identity.deleted_at.is_none(),
        deleted_at: identity.deleted_at,
        user_name: text("userName"),
        display_name: text("displayName"),
        directory: identity.directory,
    }
}

async fn crm(
    c: &mut Conn,
    policy: &Policy,
    target: &Target,
    account: &Account,
    directories: &[DirectorySays],
    now: Timestamp,
) -> Result<CrmSays, Refusal> {
    let grants = entitlement::held(c, account.id).await?;
    let crm_id = account::crm_ids(c, &target.id, &[account.id]).await?.remove(&account.id);
    let ought = ought(policy, target, account, &grants, crm_id, now);
    let knows = told::of(c, &Span::Listed(vec![account.id]), &target.id).await?;
    let read = comparison::last(c, &target.id).await?;
    let (mut held, mut differences) = (Vec::new(), BTreeMap::new());
    if let Some(read) = &read {
        held = comparison_user::of_account(c, read.id, account.id).await?;
        for kept in comparison::of_account(c, read.id, account.id).await? {
            differences.insert(kept.id, Listed::new(kept, Some(account.user_name.clone())));
        }
    }
    let read_at = read.map(|read| read.begun_at);
    let wrong = judge(account, target, directories, &ought, (&held, read_at), &knows);
    let differences = differences.into_values().collect();
    Ok(CrmSays { target: target.id.clone(), read_at, ought, held, differences, wrong })
}

/// Who is wrong: ourselves before the CRM, for it follows us.
fn judge(
    account: &Account,
    target: &Target,
    directories: &[DirectorySays],
    ought: &Ought,
    (held, read_at): (&[Holding], Option<Timestamp>),
    knows: &[Knows],
) -> Wrong {
    let is_known = directories.iter().any(|one| one.active);
    let has_left = !directories.is_empty() && !is_known;
    // Whoever decided otherwise for a reason of their own is not wrong.
    let is_shut_out_wrongly = is_known && account.standing.is_departure();
    let is_named_otherwise = ought.active
        && is_known
        && directories
            .iter()
            .filter(|one| one.active)
            .all(|one| one.user_name.as_ref().is_some_and(|name| fold(name) != fold(&account.user_name)));
    if is_shut_out_wrongly || is_named_otherwise || (has_left && ought.active && !account.is_protected) {
        return Wrong::Portvakt;
    }
    if directories.is_empty() && ought.active && !account.is_protected {
        return Wrong::Directory;
    }
    if knows.iter().any(|one| one.progress == Progress::Dead) {
        return Wrong::Refuses;
    }
    let Some(read_at) = read_at else {
        let waits = knows.iter().any(|one| one.progress == Progress::Waiting);
        return if waits { Wrong::Waiting } else { Wrong::Unknown };
    };
    let governed = target.roles().into_iter().flatten().map(|(_, name)| name.clone()).collect();
    if compare(ought, held, &governed).is_empty() {
        return Wrong::Nobody;
    }
    if is_under_way(knows, read_at) { Wrong::Waiting } else { Wrong::Crm }
}
