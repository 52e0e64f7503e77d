//! Whoever stands in for somebody on leave: copies of sectors and links, for as long as the leave lasts.
//!
//! Invariant: a copy bears whose it is a copy of and ends with the leave or with what it is a copy of, by its own date
//! and when the leave is ended earlier; roles are never copied, for they may open what the other does not need. Nobody
//! stands in for somebody whose account is closed.

use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;

use super::super::{Act, Ports, Refusal, find};
use super::change::conflict;
use crate::domain::account::Status;
use crate::domain::actor::{Actor, Subject};
use crate::domain::grant::{Grant, GrantKind, Holder, Link, LinkOrigin, Origin};
use crate::domain::ids::{AccountId, GrantId, SectorId};
use crate::store::leave::{self, ApprovedLeave, Deputy};
use crate::store::{Conn, account, entitlement, link};

/// Who is to stand in, as it came from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeputyWish {
    /// The account: its id, user name or a CRM's id.
    pub account: String,
    /// Copies of these sectors; nothing: of all that the person holds.
    pub sectors: Option<BTreeSet<SectorId>>,
    /// Copies of the links to items too.
    pub links: bool,
}

/// Who is meant, where they can stand in. Nobody makes themselves the deputy: it gives rights.
pub(super) async fn understand(
    c: &mut Conn,
    act: &Act,
    wish: DeputyWish,
    away: AccountId,
) -> Result<Deputy, Refusal> {
    let found = find::account(c, &wish.account, None).await?;
    let found = found.one(&wish.account).map_err(|refusal| Refusal::invalid("deputy", refusal))?;
    if found.id == away {
        return Err(Refusal::invalid("deputy", "nobody stands in for themselves; name somebody else"));
    }
    if act.actor == Actor::Account(found.id) {
        let why = format!("{} cannot make themselves the deputy; somebody else must", found.user_name);
        return Err(Refusal::NotAllowed(why));
    }
    if found.is_protected {
        return Err(Refusal::Protected { user_name: found.user_name });
    }
    match found.standing.status {
        Status::Active | Status::Invited => {}
        Status::Paused | Status::Frozen | Status::Deactivated | Status::Removed => {
            return Err(conflict(&format!("{} is not in use and cannot stand in", found.user_name)));
        }
    }
    Ok(Deputy { account: found.id, sectors: wish.sectors, links: wish.links })
}

/// Gives the deputy of a leave that has begun what they are to have. Again is harmless.
pub(super) async fn give(c: &mut Conn, act: &Act, leave: &ApprovedLeave) -> Result<(), Refusal> {
    let Some(deputy) = &leave.deputy else { return Ok(()) };
    // Whoever has left hands nothing on; the leave waits, should they come back before it is over.
    let away = account::get(c, leave.account).await?;
    if away.is_none_or(|away| away.standing.status.is_closed()) {
        return Ok(());
    }
    leave::deputy_given(c, leave.account, act.now).await?;
    let Some(account) = account::lock(c, deputy.account).await? else { return Ok(()) };
    if account.is_protected || account.standing.status == Status::Removed {
        return Ok(());
    }
    let given = (sectors(c, act, leave, deputy).await?, links(c, act, leave, deputy).await?);
    if given.0.is_empty() && given.1.is_empty() {
        return Ok(());
    }
    let after = json!({ "for": leave.account, "sectors": given.0, "links": given.1,
        "until": leave.until.to_string() });
    act.record(c, "deputy_given", Subject::new("account", account.id), None, Some(after)).await?;
    act.announce(c, account.id, false).await?;
    Ok(())
}

async fn sectors(
    c: &mut Conn,
    act: &Act,
    leave: &ApprovedLeave,
    deputy: &Deputy,
) -> Result<Vec<String>, Refusal> {
    let mut given = Vec::new();
    for held in entitlement::held(c, leave.account).await? {
        let GrantKind::Sector(id) = &held.kind else { continue };
        let is_meant = deputy.sectors.as_ref().is_none_or(|only| only.contains(id));
        // What the other has only as somebody's deputy is not theirs to hand on.
        if !held.holds_at(act.now) || !is_meant || matches!(held.origin, Origin::Deputy(_)) {
            continue;
        }
        let copy = Grant {
            id: GrantId::new(Uuid::now_v7()),
            kind: held.kind.clone(),
            origin: Origin::Deputy(leave.account),
            by: act.actor.to_string(),
            why: None,
            since: act.now,
            ends_at: Some(held.ends_at.map_or(leave.until, |end| end.min(leave.until))),
            until: None,
        };
        if entitlement::give(c, deputy.account, &copy).await? {
            given.push(id.to_string());
        }
    }
    Ok(given)
}

async fn links(
    c: &mut Conn,
    act: &Act,
    leave: &ApprovedLeave,
    deputy: &Deputy,
) -> Result<Vec<String>, Refusal> {
    let mut given = Vec::new();
    if !deputy.links {
        return Ok(given);
    }
    for held in link::of_account(c, leave.account).await? {
        if !held.holds_at(act.now) || held.origin == LinkOrigin::Deputy {
            continue;
        }
        let copy = Link {
            id: GrantId::new(Uuid::now_v7()),
            item: held.item.clone(),
            holder: Holder::Account(deputy.account),
            origin: LinkOrigin::Deputy,
            by: act.actor.to_string(),
            why: None,
            since: act.now,
            ends_at: Some(held.ends_at.map_or(leave.until, |end| end.min(leave.until))),
            until: None,
        };
        end_shorter(c, act, &copy).await?;
        if link::give(c, &copy).await? {
            leave::note_link(c, copy.id, leave.account).await?;
            given.push(format!("{}/{}", held.item.component, held.item.item));
        }
    }
    Ok(given)
}

/// Ends the deputy's link to the item where they have one for somebody else who is back sooner: the longer one takes
/// its place.
async fn end_shorter(c: &mut Conn, act: &Act, copy: &Link) -> Result<(), Refusal> {
    let Holder::Account(deputy) = copy.holder else { return Ok(()) };
    let same = |one: &Link| one.origin == LinkOrigin::Deputy && one.item == copy.item;
    for one in link::of_account(c, deputy).await?.into_iter().filter(same) {
        if one.ends_at.is_some_and(|end| copy.ends_at.is_none_or(|longer| end < longer)) {
            link::end(c, one.id, act.now).await?;
        }
    }
    Ok(())
}

/// Locks the deputies of accounts that are on leave. Before the guard's lock: whoever changes a deputy takes the
/// deputy's first.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub(in crate::flows) async fn hold(c: &mut Conn, away: &[AccountId]) -> Result<(), Refusal> {
    let deputies: Vec<AccountId> =
        leave::with_deputy(c, away).await?.into_iter().map(|(_, deputy)| deputy).collect();
    if !deputies.is_empty() {
        account::lock_all(c, &deputies).await?;
    }
    Ok(())
}

/// Ends what others have for accounts that are closed. If one comes back while its leave lasts, the deputy is
/// given it again.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub(in crate::flows) async fn leave_alone(
    c: &mut Conn,
    act: &Act,
    closed: &[AccountId],
) -> Result<(), Refusal> {
    for (away, _) in leave::with_deputy(c, closed).await? {
        end(c, act, away).await?;
        leave::deputy_waits(c, away).await?;
    }
    Ok(())
}

/// Ends what others have only for `away`. What they have for somebody else who is away stays, or comes back.
pub(in crate::flows) async fn end(c: &mut Conn, act: &Act, away: AccountId) -> Result<(), Refusal> {
    let mut deputies = BTreeSet::new();
    for (deputy, grant) in entitlement::of_deputies(c, away).await? {
        entitlement::end(c, grant.id, act.now).await?;
        deputies.insert(deputy);
    }
    for id in leave::links_for(c, away).await? {
        let holder = link::holder_of(c, id).await?;
        link::end(c, id, act.now).await?;
        if let Some(Holder::Account(deputy)) = holder {
            deputies.insert(deputy);
        }
    }
    for deputy in deputies {
        let before = json!({ "for": away });
        act.record(c, "deputy_ended", Subject::new("account", deputy), Some(before), None).await?;
        act.announce(c, deputy, true).await?;
        for other in leave::stood_in_by(c, deputy).await? {
            if other.account != away && other.from <= act.now && act.now < other.until {
                give(c, act, &other).await?;
            }
        }
    }
    Ok(())
}

/// Gives deputies what they are to have where a leave has begun by itself. Gives how many leaves there were.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn follow_deputies(ports: &Ports, act: &Act) -> Result<usize, Refusal> {
    let mut c = ports.db.read().await?;
    let waiting = leave::awaiting_deputy(&mut c, act.now).await?;
    drop(c);
    let count = waiting.len();
    for one in waiting {
        let act = act.because("leave");
        ports
            .db
            .write(move |c| {
                Box::pin(async move {
                    account::lock(c, one.account).await?;
                    hold(c, &[one.account]).await?;
                    // It may have been ended, or another may have taken its place.
                    if leave::open(c, one.account).await?.as_ref() == Some(&one) {
                        give(c, &act, &one).await?;
                    }
                    Ok::<_, Refusal>(())
                })
            })
            .await?;
    }
    Ok(count)
}
