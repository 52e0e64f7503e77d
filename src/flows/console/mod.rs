//! Somebody at the console: who they are, and what they may do there.
//!
//! Invariant: a flow that changes anything for somebody at the console asks a [`ConsoleActor`] for the act, and gets it
//! only where the role allows that. No page decides.

pub mod connections;
pub mod file;
pub mod groups;
pub mod lifecycle;
pub mod person;
pub mod policy;
pub mod queue;
pub mod standing;
pub mod trail;
pub mod waiting;
pub mod who;

use super::session::{self, SignedInPerson};
use super::{Act, Refusal};
use crate::domain::ids::AccountId;
use crate::domain::policy::Console;

/// A person whose role opens the console.
#[derive(Debug, Clone)]
pub struct ConsoleActor {
    act: Act,
    account: AccountId,
    right: Console,
}

impl ConsoleActor {
    /// The person as somebody at the console; nothing where no role of theirs opens it. A limited account never reaches
    /// administration, whatever it holds.
    #[must_use]
    pub fn of(person: &SignedInPerson) -> Option<Self> {
        let right = session::console_of(&person.compiled.policy, &person.effective)?;
        let actor = Self { act: person.act.clone(), account: person.account.id, right };
        (!person.effective.limited).then_some(actor)
    }

    /// By the strongest of their roles.
    #[must_use]
    pub const fn right(&self) -> Console {
        self.right
    }

    /// Their own account.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// The act of somebody who reads.
    #[must_use]
    pub const fn reading(&self) -> &Act {
        &self.act
    }

    /// The act of somebody who answers what others ask of them: a review, a request for leave.
    ///
    /// # Errors
    ///
    /// [`Refusal::NeedsRight`] for an auditor, who changes nothing.
    pub fn reviewing(&self) -> Result<&Act, Refusal> {
        self.at_least(Console::Reviewer)
    }

    /// The act of somebody who changes anything else.
    ///
    /// # Errors
    ///
    /// [`Refusal::NeedsRight`] for anybody but an administrator.
    pub fn administering(&self) -> Result<&Act, Refusal> {
        self.at_least(Console::Administrator)
    }

    /// The strongest right comes first.
    fn at_least(&self, needed: Console) -> Result<&Act, Refusal> {
        if self.right <= needed { Ok(&self.act) } else { Err(Refusal::NeedsRight { needed }) }
    }
}
