//! Reads for many questions at once what they ask for, with a few statements for all of them.
//!
//! Invariant: changes no answer; what is not read here is read when its question comes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::memory::{Known, Sight};
use super::sitting::{Sitting, matters};
use super::{Question, Who, item_of};
use crate::domain::grant::{Grant, ItemRef};
use crate::domain::ids::AccountId;
use crate::domain::policy::Policy;
use crate::flows::Refusal;
use crate::flows::find::{self, Found};
use crate::store::{entitlement, item, link};

impl Sitting<'_> {
    /// Reads what questions about the present ask for.
    pub(super) async fn prepare(&mut self, questions: &[&Question]) -> Result<(), Refusal> {
        let mut texts: BTreeSet<&str> = BTreeSet::new();
        for question in questions {
            match &question.who {
                Who::Account(text) if question.as_of.is_none() => match self.remembered(text) {
                    Some(known) => drop(self.known.insert((text.clone(), None), known)),
                    None => drop(texts.insert(text)),
                },
                Who::Account(_) | Who::Other(_) => {}
            }
        }
        if texts.len() > 1 {
            self.read_people(&texts).await?;
        }
        let compiled = self.policy(None).await?;
        let items = self.items_that_matter(&compiled.policy, questions);
        if items.len() > 1 {
            self.read_items(items).await?;
        }
        Ok(())
    }

    async fn read_people(&mut self, texts: &BTreeSet<&str>) -> Result<(), Refusal> {
        let asker = self.asker;
        let c = self.conn().await?;
        let found = find::accounts(c, texts, asker).await?;
        let ids: Vec<AccountId> = found
            .values()
            .filter_map(|found| match found {
                Found::One(account) => Some(account.id),
                Found::Nobody | Found::Several => None,
            })
            .collect();
        let held: BTreeMap<AccountId, Vec<Grant>> = entitlement::held_by(c, &ids).await?;
        self.read().await?;
        for (text, found) in found {
            let known = match found {
                Found::Nobody => Known::Nobody,
                Found::Several => Known::Several,
                Found::One(account) => {
                    let grants = held.get(&account.id).cloned().unwrap_or_default();
                    Known::One(account, grants)
                }
            };
            self.keep_known((text, None), known);
        }
        Ok(())
    }

    /// The items among the questions whose links decide, and that nobody remembers.
    fn items_that_matter(&mut self, policy: &Policy, questions: &[&Question]) -> BTreeSet<ItemRef> {
        let mut items = BTreeSet::new();
        for question in questions.iter().filter(|question| question.as_of.is_none()) {
            let Who::Account(text) = &question.who else { continue };
            let (Some(known), Ok(Some(item))) =
                (self.known.get(&(text.clone(), None)).cloned(), item_of(question))
            else {
                continue;
            };
            let Known::One(_, grants) = &*known else { continue };
            if !matters(policy, &item, grants, self.now) {
                continue;
            }
            match self.epoch.and_then(|epoch| self.ports.memory.items.get(epoch, &item)) {
                Some(sight) => drop(self.items.insert((item, None), sight)),
                None => drop(items.insert(item)),
            }
        }
        items
    }

    async fn read_items(&mut self, items: BTreeSet<ItemRef>) -> Result<(), Refusal> {
        let c = self.conn().await?;
        let mut links = link::of_items(c, &items).await?;
        let mut assignments = item::assignees(c, &items).await?;
        self.read().await?;
        for item in items {
            let sight = Sight {
                links: links.remove(&item).unwrap_or_default(),
                assignment: assignments.remove(&item),
            };
            self.keep_sight((item, None), &Arc::new(sight));
        }
        Ok(())
    }
}
