//! The way in when no provider can be asked: whoever holds the shell invites an administrator by a link.
//!
//! Invariant: a link is good for fifteen minutes, for one use, in the browser that opens it first. There are no local
//! passwords. Making, opening and using one are written down, counted, logged as a warning and told by mail.

mod accept;
mod make;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Ports, Refusal};
use crate::domain::account::AccountKind;
use crate::domain::ids::{AccountId, InviteId, RoleId};
use crate::domain::policy::{Console, Policy};
use crate::mail::notice::{Alert, Invited};
use crate::store::invite::{self, Invite};
use crate::store::{Conn, account};

pub use accept::{Accepted, Opened, accept, open};
pub use make::{Made, Wish, make};

/// How long a link is good for.
pub const LIFE: SignedDuration = SignedDuration::from_mins(15);

/// How many invitations are shown.
const SHOWN: i64 = 50;

/// An invitation as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its id; not the secret in the link.
    pub invite: InviteId,
    /// Whom it lets in.
    pub account: AccountId,
    /// Their sign-in name.
    pub user_name: String,
    /// Whether the account is kept for when everything else fails.
    pub is_break_glass: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// It is void from then on.
    pub expires_at: Timestamp,
    /// When it was opened.
    pub opened_at: Option<Timestamp>,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// `open`, `used` or `void`.
    pub state: &'static str,
}

/// The newest invitations, the newest first.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn list(ports: &Ports) -> Result<Vec<Line>, Refusal> {
    let (mut c, now) = (ports.db.snapshot().await?, ports.clock.now());
    let mut lines = Vec::new();
    for invite in invite::newest(&mut c, SHOWN).await? {
        lines.push(line(&mut c, invite, now).await?);
    }
    Ok(lines)
}

async fn line(c: &mut Conn, invite: Invite, now: Timestamp) -> Result<Line, Refusal> {
    let account = account::get(c, invite.account).await?;
    let state = match invite.used_at {
        Some(_) => "used",
        None if now < invite.expires_at => "open",
        None => "void",
    };
    Ok(Line {
        invite: invite.id,
        account: invite.account,
        is_break_glass: account.as_ref().is_some_and(|account| account.kind == AccountKind::BreakGlass),
        user_name: account.map(|account| account.user_name).unwrap_or_default(),
        created_at: invite.created_at,
        created_by: invite.created_by,
        expires_at: invite.expires_at,
        opened_at: invite.opened_at,
        used_at: invite.used_at,
        state,
    })
}

/// The roles that administer Portvakt, those that must not be left empty first.
fn administrators(policy: &Policy) -> Vec<RoleId> {
    let mut roles: Vec<_> =
        policy.roles.iter().filter(|(_, role)| role.console == Some(Console::Administrator)).collect();
    roles.sort_by_key(|(_, role)| !role.is_critical);
    roles.into_iter().map(|(id, _)| id.clone()).collect()
}

/// Tells whoever looks after the accounts; that one was only opened goes to the log alone. Nothing rests on it: a
/// letter that does not go out is only logged.
async fn alert(ports: &Ports, event: Invited, user_name: &str, by: &str) {
    tracing::warn!(event = event.name(), %by, "an invitation to sign in without a provider was {}", event.name());
    metrics::counter!("portvakt_invites_total", "event" => event.name()).increment(1);
    if event == Invited::Opened {
        return;
    }
    let told = async {
        let mut c = ports.db.read().await?;
        let compiled = ports.policies.current(&mut c).await?;
        drop(c);
        let (Some(mailer), Some(address)) = (&ports.mailer, &compiled.policy.contact.email) else {
            return Ok(());
        };
        let now = ports.clock.now();
        let letter = Alert::Invitation { event, user_name, by, at: now }.letter(
            uuid::Uuid::now_v7(),
            address,
            ports.settings.language,
        );
        mailer.send(now, &letter).await.map_err(|error| Refusal::Outside(error.to_string()))
    };
    if let Err(error) = told.await {
        tracing::warn!(%error, "the letter about an invitation was not sent: {error}");
    }
}
