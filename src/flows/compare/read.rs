//! Reads everybody whom a CRM has, and finds out whose each user is.
//!
//! Invariant: by the bond that we know, then by our id where the CRM keeps it, then by a name that one unbound account
//! alone has; what fits two is in conflict, and nobody's.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Refusal;
use super::Round;
use crate::crm::Pages;
use crate::domain::comparison::Holding;
use crate::domain::ids::{AccountId, TargetId};
use crate::domain::name::fold;
use crate::store::comparison_user::{self, Staged};
use crate::store::{Conn, account};

impl Round<'_> {
    /// Reads everybody. Gives how many there are.
    pub(super) async fn read(&self, mut pages: Pages) -> Result<i64, Refusal> {
        let mut position = 0_i64;
        loop {
            let page = pages.next().await;
            let page =
                page.map_err(|why| Refusal::Outside(format!("{} was not read: {why}", self.target.id)))?;
            if page.is_empty() {
                return Ok(position);
            }
            self.go_on().await?;
            let (count, first) = (i64::try_from(page.len()).unwrap_or(i64::MAX), position);
            let (id, target, claim) = (self.id, self.target.id.clone(), self.claim.clone());
            let written = self.ports.db.write::<_, Refusal, _>(move |c| {
                Box::pin(async move {
                    claim.hold(c).await?;
                    let staged = owned(c, &target, first, page).await?;
                    Ok(comparison_user::stage(c, id, &staged).await?)
                })
            });
            if i64::try_from(written.await?).unwrap_or(0) < count {
                return Err(Refusal::Outside(format!(
                    "{} was not read: the CRM changed while it was read, for a user came twice; try again",
                    self.target.id
                )));
            }
            position = position.saturating_add(count);
        }
    }
}

/// Whose the users of a page are.
async fn owned(
    c: &mut Conn,
    target: &TargetId,
    first: i64,
    page: Vec<Holding>,
) -> Result<Vec<Staged>, Refusal> {
    let ids = page.iter().map(|held| held.crm_id.clone()).collect();
    let linked = comparison_user::linked(c, target, ids).await?;
    let told: Vec<AccountId> = page.iter().filter_map(told_id).collect();
    let known: BTreeSet<AccountId> =
        account::of_ids(c, &told).await?.into_iter().map(|account| account.id).collect();
    let keys: BTreeSet<String> = page.iter().filter_map(|held| held.user_name.as_deref().map(fold)).collect();
    let mut named: BTreeMap<String, Vec<(AccountId, Option<String>)>> = BTreeMap::new();
    for (key, id, bound) in comparison_user::named(c, target, keys.into_iter().collect()).await? {
        named.entry(key).or_default().push((id, bound));
    }
    let staged = page.into_iter().zip(first..).map(|(holding, position)| {
        let by_link = linked.get(&holding.crm_id).copied();
        let by_id = told_id(&holding).filter(|id| known.contains(id));
        let (account, conflict) = match (by_link, by_id) {
            (Some(bound), Some(said)) if bound != said => {
                (Some(bound), Some(format!("it is bound to the account {bound}, and says that it is {said}")))
            }
            (Some(id), _) | (None, Some(id)) => (Some(id), None),
            (None, None) => {
                let key = holding.user_name.as_deref().map(fold).unwrap_or_default();
                by_name(named.get(&key).map(Vec::as_slice).unwrap_or_default())
            }
        };
        Staged { position, holding, account, conflict }
    });
    Ok(staged.collect())
}

fn told_id(held: &Holding) -> Option<AccountId> {
    held.account.as_deref().and_then(|id| AccountId::parse(id).ok())
}

fn by_name(candidates: &[(AccountId, Option<String>)]) -> (Option<AccountId>, Option<String>) {
    let free: Vec<AccountId> =
        candidates.iter().filter(|(_, bound)| bound.is_none()).map(|(id, _)| *id).collect();
    match (free.as_slice(), candidates) {
        ([one], _) => (Some(*one), None),
        ([], []) => (None, None),
        ([], [(id, bound), ..]) => {
            let other = bound.as_deref().unwrap_or_default();
            (None, Some(format!("it is called like the account {id}, which is bound to the user {other}")))
        }
        (several, _) => (None, Some(format!("{} accounts are called like it", several.len()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_finds_the_one_unbound_account_and_nobody_where_it_is_not_clear() {
        let id = |text: &str| AccountId::parse(text).unwrap();
        let asa = id("0198c1de-0000-7000-8000-000000000001");
        let bo = id("0198c1de-0000-7000-8000-000000000002");
        let bound = |id| (id, Some("7".to_owned()));
        assert_eq!(by_name(&[]), (None, None));
        assert_eq!(by_name(&[(asa, None)]), (Some(asa), None));
        assert_eq!(by_name(&[(asa, None), bound(bo)]), (Some(asa), None));
        let (whose, why) = by_name(&[bound(bo)]);
        assert!(whose.is_none() && why.unwrap().contains("bound to the user 7"));
        let (whose, why) = by_name(&[(asa, None), (bo, None)]);
        assert!(whose.is_none() && why.unwrap().starts_with("2 accounts"));
    }
}
