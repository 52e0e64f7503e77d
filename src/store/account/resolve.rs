//! Finds the accounts that a text from outside means.
//!
//! Invariant: many texts are answered as each would be alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use crate::domain::account::Account;
use crate::domain::ids::{AccountId, TargetId};
use crate::domain::name::fold;
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::value::Many;

use super::{Row, get, of_ids, read};

/// The accounts that answer to a text: an account id; else a CRM's id (of `target`, where one is given) or a user
/// name, whatever its case. More than one means that the text is ambiguous: a CRM may count its people in the same
/// figures that a directory uses as names.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn resolve(
    c: &mut Conn,
    text: &str,
    target: Option<&TargetId>,
) -> Result<Vec<Account>, StoreError> {
    if let Ok(id) = AccountId::parse(text)
        && let Some(account) = get(c, id).await?
    {
        return Ok(vec![account]);
    }
    let mut rows = match target {
        Some(target) => q!(fetch_all as Row; c,
            columns!("JOIN account_crm_id x ON x.account_id = a.id WHERE x.target = $1 AND x.crm_id = $2"),
            target.as_str(), text)?,
        None => q!(fetch_all as Row; c,
            columns!("WHERE a.id IN (SELECT x.account_id FROM account_crm_id x WHERE x.crm_id = $1)"), text)?,
    };
    rows.extend(q!(fetch_all as Row; c,
        columns!("WHERE a.user_name_key = $1 AND a.status <> 'removed'"), fold(text.trim()))?);
    rows.sort_by_key(|row| row.id);
    rows.dedup_by_key(|row| row.id);
    read(rows)
}

/// The accounts that answer to each of many texts, as [`resolve`] finds them; texts without any are left out.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn resolve_all(
    c: &mut Conn,
    texts: &[&str],
    target: Option<&TargetId>,
) -> Result<HashMap<String, Vec<Account>>, StoreError> {
    let ids = texts.iter().filter_map(|text| AccountId::parse(text).ok());
    let mut known: BTreeMap<AccountId, Account> =
        of_ids(c, &ids.collect::<Vec<_>>()).await?.into_iter().map(|account| (account.id, account)).collect();
    let is_id = |text: &str| AccountId::parse(text).is_ok_and(|id| known.contains_key(&id));
    let others: Vec<&str> = texts.iter().copied().filter(|text| !is_id(text)).collect();
    let named = answering(c, &others, target).await?;
    let missing: Vec<AccountId> =
        named.values().flatten().copied().filter(|id| !known.contains_key(id)).collect();
    known.extend(of_ids(c, &missing).await?.into_iter().map(|account| (account.id, account)));
    let mut found = HashMap::with_capacity(texts.len());
    for text in texts {
        let ids = match named.get(*text) {
            Some(ids) => ids.clone(),
            None => AccountId::parse(text).into_iter().collect(),
        };
        let accounts: Vec<Account> = ids.iter().filter_map(|id| known.get(id).cloned()).collect();
        if !accounts.is_empty() {
            found.insert((*text).to_owned(), accounts);
        }
    }
    Ok(found)
}

/// The ids of those who answer to these texts as a CRM's id or as a user name. Every text has its set.
async fn answering(
    c: &mut Conn,
    texts: &[&str],
    target: Option<&TargetId>,
) -> Result<HashMap<String, BTreeSet<AccountId>>, StoreError> {
    let mut answering: HashMap<String, BTreeSet<AccountId>> =
        texts.iter().map(|text| ((*text).to_owned(), BTreeSet::new())).collect();
    if texts.is_empty() {
        return Ok(answering);
    }
    let crm_ids = Many(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
    let rows = q!(fetch_all as (String, Uuid); c,
        sqlite "SELECT x.crm_id, x.account_id FROM account_crm_id x
                 WHERE x.crm_id IN (SELECT e.value FROM json_each($1) e) AND x.target = COALESCE($2, x.target)",
        postgres "SELECT x.crm_id, x.account_id FROM account_crm_id x
                 WHERE x.crm_id = ANY($1) AND x.target = COALESCE($2, x.target)",
        crm_ids, target.map(|target| target.as_str().to_owned()))?;
    for (text, id) in rows {
        answering.entry(text).or_default().insert(AccountId::new(id));
    }
    let keys = Many(texts.iter().map(|text| fold(text.trim())).collect::<Vec<_>>());
    let rows = q!(fetch_all as (String, Uuid); c,
        sqlite "SELECT user_name_key, id FROM account
                 WHERE user_name_key IN (SELECT e.value FROM json_each($1) e) AND status <> 'removed'",
        postgres "SELECT user_name_key, id FROM account WHERE user_name_key = ANY($1) AND status <> 'removed'",
        keys)?;
    let mut named: HashMap<String, Vec<AccountId>> = HashMap::new();
    for (key, id) in rows {
        named.entry(key).or_default().push(AccountId::new(id));
    }
    for text in texts {
        if let (Some(ids), Some(all)) = (named.get(&fold(text.trim())), answering.get_mut(*text)) {
            all.extend(ids);
        }
    }
    Ok(answering)
}
