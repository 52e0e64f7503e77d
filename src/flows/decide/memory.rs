//! What was read for decisions, for as long as nothing is committed.
//!
//! Invariant: only what is true of the epoch that it stands under.

use std::sync::Arc;

use crate::domain::account::Account;
use crate::domain::grant::{Grant, Holder, ItemRef, Link};
use crate::domain::ids::TargetId;
use crate::flows::Compiled;
use crate::store::Memo;

/// So many accounts, and so many items, are remembered.
const MOST: usize = 16_384;

/// What was read for decisions, for as long as nothing is committed.
#[derive(Debug)]
pub struct Memory {
    pub(super) policy: Memo<(), Arc<Compiled>>,
    pub(super) known: Memo<(Option<TargetId>, String), Arc<Known>>,
    pub(super) items: Memo<ItemRef, Arc<Sight>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { policy: Memo::new(1), known: Memo::new(MOST), items: Memo::new(MOST) }
    }
}

/// Who was found, with what they hold at the instant in question.
#[derive(Debug)]
pub(super) enum Known {
    Nobody,
    Several,
    One(Box<Account>, Vec<Grant>),
}

impl Known {
    pub(super) fn account(&self) -> Option<&Account> {
        match self {
            Self::One(account, _) => Some(account),
            Self::Nobody | Self::Several => None,
        }
    }
}

/// Who sees an item: its links, and whoever is responsible for it.
#[derive(Debug, Default)]
pub(super) struct Sight {
    pub(super) links: Vec<Link>,
    pub(super) assignment: Option<Holder>,
}
