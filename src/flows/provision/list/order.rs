//! Puts a list in order while it is read, without keeping it.
//!
//! Invariant: of each resource only its key and its id are kept, and only of as many as the wanted page reaches to.

use std::cmp::Ordering;

use uuid::Uuid;

use super::super::super::Refusal;
use crate::scim::sort::{Sort, SortKey};
use crate::scim::{ScimError, ScimType};

/// The most memory that keys may take, in bytes.
const MOST: usize = 64 * 1024 * 1024;

/// The first of a list, in the wanted order.
pub(super) struct Best<'s> {
    sort: &'s Sort,
    /// How far the wanted page reaches.
    reach: usize,
    kept: Vec<(SortKey, u64, Uuid)>,
    weight: usize,
    total: u64,
}

impl<'s> Best<'s> {
    pub(super) fn new(sort: &'s Sort, reach: u64) -> Self {
        let reach = usize::try_from(reach).unwrap_or(usize::MAX);
        Self { sort, reach, kept: Vec::new(), weight: 0, total: 0 }
    }

    /// How many were taken.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Takes the next one. Between equals the earlier comes first.
    pub(super) fn take(&mut self, key: SortKey, id: Uuid) -> Result<(), Refusal> {
        self.weight += key.weight() + size_of::<(SortKey, u64, Uuid)>();
        self.kept.push((key, self.total, id));
        self.total += 1;
        if self.weight <= MOST && self.kept.len() <= self.reach.saturating_mul(2).max(4096) {
            return Ok(());
        }
        self.shrink();
        // What is still half as heavy would have to be thinned again and again.
        if self.weight > MOST / 2 {
            return Err(Refusal::Scim(ScimError::of(
                ScimType::TooMany,
                "the list is too long to be sorted so far in; narrow it by a filter, or page without sortBy",
            )));
        }
        Ok(())
    }

    /// The ids from `skip` on, in order.
    pub(super) fn page(mut self, skip: u64) -> Vec<Uuid> {
        self.shrink();
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        self.kept.into_iter().skip(skip).map(|(_, _, id)| id).collect()
    }

    fn shrink(&mut self) {
        let sort = self.sort;
        self.kept.sort_unstable_by(|one, other| Self::order(sort, one, other));
        self.kept.truncate(self.reach);
        let each = size_of::<(SortKey, u64, Uuid)>();
        self.weight = self.kept.iter().map(|(key, ..)| key.weight() + each).sum();
    }

    fn order(sort: &Sort, one: &(SortKey, u64, Uuid), other: &(SortKey, u64, Uuid)) -> Ordering {
        sort.order(&one.0, &other.0).then(one.1.cmp(&other.1))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::ResourceKind;

    #[test]
    fn the_pages_of_a_long_list_are_those_of_the_whole_list_in_order() {
        let sort = Sort::parse("title", Some("descending"), ResourceKind::User).unwrap();
        let all: Vec<(serde_json::Value, Uuid)> = (0..20_000_u128)
            .map(|n| (json!({ "title": format!("T{:03}", (n * 7919) % 500) }), Uuid::from_u128(n)))
            .collect();
        let mut whole = all.clone();
        whole.sort_by(|(one, _), (other, _)| sort.compare(one, other));
        for (skip, count) in [(0, 5), (4990, 20), (19_990, 50), (30_000, 5)] {
            let mut best = Best::new(&sort, skip + count);
            for (resource, id) in &all {
                best.take(sort.key_of(resource), *id).unwrap();
            }
            assert_eq!(best.total(), 20_000);
            let expected: Vec<Uuid> = whole
                .iter()
                .skip(usize::try_from(skip).unwrap())
                .take(usize::try_from(count).unwrap())
                .map(|(_, id)| *id)
                .collect();
            assert_eq!(best.page(skip), expected, "{skip}");
        }
    }

    #[test]
    fn keys_that_would_take_too_much_memory_are_refused() {
        let sort = Sort::parse("title", None, ResourceKind::User).unwrap();
        let long = sort.key_of(&json!({ "title": "x".repeat(60_000) }));
        let mut deep = Best::new(&sort, 1_000_000);
        let refused = (0..2_000).find_map(|n| deep.take(long.clone(), Uuid::from_u128(n)).err());
        assert!(matches!(refused, Some(Refusal::Scim(ref e)) if e.scim_type == Some(ScimType::TooMany)));
        let mut shallow = Best::new(&sort, 100);
        for n in 0..2_000 {
            shallow.take(long.clone(), Uuid::from_u128(n)).unwrap();
        }
        assert_eq!(shallow.page(0).len(), 100);
    }
}
