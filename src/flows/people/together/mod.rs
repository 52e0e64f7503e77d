//! Does one thing to several accounts by hand: shown first, then done to all of them or to none.
//!
//! Invariant: one transaction. Whoever was changed by somebody else since they were shown stops it all, and is told with
//! what was done; whoever is so already is passed over, so that sending it twice does nothing twice. The last
//! administrator and the last holder of what is critical are counted over all of them.

mod apply;
mod preview;

use jiff::Timestamp;

use super::super::console::ConsoleActor;
use super::super::{Act, Ports, Refusal, post};
use super::is_present;
use crate::domain::account::Account;
use crate::domain::by_hand::{Beside, Deed, Obstacle, obstacle};
use crate::domain::ids::AccountId;
use crate::store::letter::{self, LetterState};
use crate::store::{Conn, leave};

pub use apply::{Done, carry_out};
pub use preview::{Preview, PreviewLine, preview};

/// What is to be done, with what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Ask by letter whether the account is still used.
    Remind,
    /// Approve a leave.
    Leave {
        /// Its first instant.
        from: Timestamp,
        /// The first instant after it.
        until: Timestamp,
        /// Who approved it.
        approver: String,
    },
    /// Set the first instant after the last day; nothing: lift it.
    End(Option<Timestamp>),
    /// No sign-in, rights kept.
    Freeze,
    /// Rights ended, restorable as they were.
    Deactivate,
    /// Open again.
    Restore,
}

impl Change {
    /// What it is called.
    #[must_use]
    pub const fn deed(&self) -> Deed {
        match self {
            Self::Remind => Deed::Remind,
            Self::Leave { .. } => Deed::Leave,
            Self::End(_) => Deed::End,
            Self::Freeze => Deed::Freeze,
            Self::Deactivate => Deed::Deactivate,
            Self::Restore => Deed::Restore,
        }
    }
}

/// What a reminder of this day is about, so that nobody gets two.
fn topic(account: AccountId, now: Timestamp) -> String {
    format!("reminder:{account}:{}", now.as_second().div_euclid(86_400))
}

/// Why it is not done to an account. `change` is not known yet while it is only being thought of.
async fn stands_in_the_way(
    c: &mut Conn,
    (actor, act): (&ConsoleActor, &Act),
    (deed, change): (Deed, Option<&Change>),
    account: &Account,
) -> Result<Option<Obstacle>, Refusal> {
    let mut beside = Beside { is_own: account.id == actor.account(), ..Beside::default() };
    match deed {
        Deed::Remind => {
            beside.is_reachable = post::reachable(c, account, act.now).await?.is_some();
            let former = letter::newest_of(c, &topic(account.id, act.now)).await?;
            beside.is_done = former.is_some_and(|letter| {
                matches!(letter.state, LetterState::Waiting | LetterState::Sending | LetterState::Sent)
            });
        }
        Deed::Restore => beside.is_present = is_present(c, account.id).await?,
        Deed::Leave | Deed::End | Deed::Freeze | Deed::Deactivate => {}
    }
    match change {
        Some(Change::End(until)) => beside.is_done = account.valid_until == *until,
        Some(Change::Leave { from, until, .. }) => {
            let open = leave::open(c, account.id).await?;
            beside.is_done = open.is_some_and(|open| open.from == *from && open.until == *until);
        }
        _ => {}
    }
    Ok(obstacle(deed, account, beside, act.now))
}

/// What every flow here begins with.
async fn open(ports: &Ports) -> Result<(Conn, std::sync::Arc<super::super::Compiled>), Refusal> {
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    Ok((c, compiled))
}
