//! Decides whether an account may do something in the CRM, and says why.
//!
//! Invariant: deny by default. The checks come in one order and the first refusal wins; nothing that is added
//! after a limit can widen what the limit took, and a limited account never reaches administration.

mod remedy;
mod words;

use jiff::Timestamp;

use super::account::{Account, Status, StatusReason};
use super::effective::{held_roles, held_sectors, holds};
use super::grant::{Grant, GrantKind, Holder, Link, LinkOrigin, Origin};
use super::ids::{ComponentId, ModuleId, RoleId, SectorId};
use super::policy::{Action, Component, Policy};

pub use remedy::remedies;
pub use words::{reason_admin, reason_refused, reason_user, steps};

/// What a decision is made from.
#[derive(Debug, Clone, Copy)]
pub struct AccessFacts<'a> {
    /// The account; nothing: nobody knows it.
    pub account: Option<&'a Account>,
    /// Its grants; those not in force are ignored.
    pub grants: &'a [Grant],
    /// The links of the item in question, the account's own and those of roles; others are ignored.
    pub links: &'a [Link],
    /// Who is responsible for the item in question.
    pub assignment: Option<&'a Holder>,
    /// The instant that is asked about.
    pub now: Timestamp,
}

/// What somebody wants to do with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The action.
    pub action: Action,
    /// The component, as the CRM names it.
    pub component: String,
    /// The CRM's id of the item; nothing or `*`: the component as a whole.
    pub item: Option<String>,
}

impl Question {
    /// The item that is asked about; nothing for the component as a whole.
    #[must_use]
    pub fn one_item(&self) -> Option<&str> {
        self.item.as_deref().filter(|item| *item != "*")
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What was refused; nothing: allowed.
    pub refusal: Option<Refusal>,
    /// Allowed, but the CRM must show only items that are linked or assigned to the account.
    pub narrowed: bool,
    /// The checks that were passed, in order.
    pub trace: Vec<TraceStep>,
}

impl Decision {
    /// A no without any check passed: for an action or a kind of subject that nobody knows.
    #[must_use]
    pub const fn refused(refusal: Refusal) -> Self {
        Self { refusal: Some(refusal), narrowed: false, trace: Vec::new() }
    }

    /// Whether the answer is yes.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        self.refusal.is_none()
    }

    /// The stable code: `allowed`, or the code of the refusal.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.refusal.as_ref().map_or("allowed", Refusal::code)
    }
}

/// Why the answer is no, in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The question names an action that does not exist.
    UnknownAction(String),
    /// The question is about another kind of subject than an account.
    UnknownSubject(String),
    /// There is no such account.
    UnknownAccount,
    /// More than one account answers to the name; nobody is guessed at.
    AmbiguousAccount,
    /// The account's status does not let it in.
    NotActive(Status, StatusReason),
    /// The account begins at this instant.
    NotYetValid(Timestamp),
    /// The account ended at this instant.
    Expired(Timestamp),
    /// The policy does not know the component.
    UnknownComponent(String),
    /// Administration is closed to limited accounts.
    AdministrationClosed,
    /// No role that is held opens the module for the action.
    NoRole {
        /// The component asked about.
        component: ComponentId,
        /// Its module.
        module: ModuleId,
        /// The action asked about.
        action: Action,
        /// Whether some role lets the account see what it may not do more with.
        may_view: bool,
        /// Whether the account holds any role at all.
        holds_any: bool,
    },
    /// The limited account does not hold the sector; nothing: the component lies outside every sector.
    NoSector {
        /// The component asked about.
        component: ComponentId,
        /// The sector that it lies in.
        sector: Option<SectorId>,
    },
    /// The item is neither linked nor assigned to the item-restricted account.
    ItemNotLinked {
        /// The component asked about.
        component: ComponentId,
        /// The item asked about.
        item: String,
    },
}

impl Refusal {
    /// The stable code. Codes are only added.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownAction(_) => "unknown_action",
            Self::UnknownSubject(_) => "unknown_subject",
            Self::UnknownAccount => "unknown_account",
            Self::AmbiguousAccount => "ambiguous_account",
            Self::NotActive(..) => "not_active",
            Self::NotYetValid(_) => "not_yet_valid",
            Self::Expired(_) => "expired",
            Self::UnknownComponent(_) => "unknown_component",
            Self::AdministrationClosed => "administration_closed",
            Self::NoRole { .. } => "no_role",
            Self::NoSector { .. } => "no_sector",
            Self::ItemNotLinked { .. } => "item_not_linked",
        }
    }
}

/// A check that was passed, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TraceStep {
    /// The account is in use, since this instant.
    AccountActive(Status, Timestamp),
    /// The policy knows the component.
    ComponentKnown(ComponentId, ModuleId),
    /// It is not administration, or the account is not limited.
    AdministrationPassed {
        /// Whether the question is one of administration.
        is_administration: bool,
    },
    /// This role, by this origin, opens the module for the action.
    RoleOpens(RoleId, Origin),
    /// The account is not limited, so no sector is needed.
    SectorNotNeeded,
    /// The limited account holds the sector, by this origin.
    SectorHeld(SectorId, Origin),
    /// The item may be seen.
    ItemSeen(Sight),
}

/// Why an item may be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// The account is not item-restricted.
    NotRestricted,
    /// The component has no item restriction.
    NotSupported,
    /// A new item needs no link.
    Creating,
    /// The component as a whole: the answer must be narrowed.
    Narrowed,
    /// A link, the account's own or by a role it holds.
    Link(LinkOrigin, Holder),
    /// The present assignment, to the account or to a role it holds.
    Assignment(Holder),
}

/// Answers `question` from `facts`.
#[must_use]
pub fn decide(policy: &Policy, facts: &AccessFacts<'_>, question: &Question) -> Decision {
    let mut trace = Vec::with_capacity(6);
    match judge(policy, facts, question, &mut trace) {
        Ok(narrowed) => Decision { refusal: None, narrowed, trace },
        Err(refusal) => Decision { refusal: Some(refusal), narrowed: false, trace },
    }
}

/// Whether the account is in use and inside its dates: the first check of every decision.
///
/// A paused account passes where the policy lets people sign in while on leave.
///
/// # Errors
///
/// [`Refusal::NotActive`], [`Refusal::NotYetValid`] or [`Refusal::Expired`].
pub fn is_in_use(policy: &Policy, account: &Account, now: Timestamp) -> Result<(), Refusal> {
    let standing = &account.standing;
    let is_on_leave_and_let_in = standing.status == Status::Paused && policy.leave_sign_in;
    if !standing.status.is_usable() && !is_on_leave_and_let_in {
        return Err(Refusal::NotActive(standing.status, standing.reason));
    }
    match (account.valid_from, account.valid_until) {
        (Some(from), _) if now < from => Err(Refusal::NotYetValid(from)),
        (_, Some(until)) if now >= until => Err(Refusal::Expired(until)),
        (_, _) => Ok(()),
    }
}

fn judge(
    policy: &Policy,
    facts: &AccessFacts<'_>,
    question: &Question,
    trace: &mut Vec<TraceStep>,
) -> Result<bool, Refusal> {
    let account = facts.account.ok_or(Refusal::UnknownAccount)?;
    is_in_use(policy, account, facts.now)?;
    trace.push(TraceStep::AccountActive(account.standing.status, account.standing.since));

    let (id, component) = ComponentId::parse(&question.component)
        .ok()
        .and_then(|id| policy.components.get(&id).map(|component| (id, component)))
        .ok_or_else(|| Refusal::UnknownComponent(question.component.clone()))?;
    trace.push(TraceStep::ComponentKnown(id.clone(), component.module.clone()));

    let is_limited = holds(facts.grants, &GrantKind::Limited, facts.now);
    let is_administration = component.is_administration || question.action == Action::Administer;
    if is_limited && is_administration {
        return Err(Refusal::AdministrationClosed);
    }
    trace.push(TraceStep::AdministrationPassed { is_administration });

    trace.push(role_check(policy, facts, question.action, &id, component)?);
    trace.push(if is_limited {
        sector_check(policy, facts, &id, component)?
    } else {
        TraceStep::SectorNotNeeded
    });

    let sight = item_check(policy, facts, question, (&id, component), account)?;
    let narrowed = sight == Sight::Narrowed;
    trace.push(TraceStep::ItemSeen(sight));
    Ok(narrowed)
}

fn role_check(
    policy: &Policy,
    facts: &AccessFacts<'_>,
    action: Action,
    id: &ComponentId,
    component: &Component,
) -> Result<TraceStep, Refusal> {
    let held = || held_roles(policy, facts.grants, facts.now);
    let module = &component.module;
    if let Some(opening) = held().find(|held| held.role.opens(module, action)) {
        return Ok(TraceStep::RoleOpens(opening.id.clone(), opening.grant.origin.clone()));
    }
    Err(Refusal::NoRole {
        component: id.clone(),
        module: module.clone(),
        action,
        may_view: held().any(|held| held.role.opens(module, Action::View)),
        holds_any: held().next().is_some(),
    })
}

fn sector_check(
    policy: &Policy,
    facts: &AccessFacts<'_>,
    id: &ComponentId,
    component: &Component,
) -> Result<TraceStep, Refusal> {
    let wanted = component.sector.as_ref();
    held_sectors(policy, facts.grants, facts.now)
        .find(|(sector, _)| Some(*sector) == wanted)
        .map(|(sector, grant)| TraceStep::SectorHeld(sector.clone(), grant.origin.clone()))
        .ok_or_else(|| Refusal::NoSector { component: id.clone(), sector: wanted.cloned() })
}

fn item_check(
    policy: &Policy,
    facts: &AccessFacts<'_>,
    question: &Question,
    (id, component): (&ComponentId, &Component),
    account: &Account,
) -> Result<Sight, Refusal> {
    if !holds(facts.grants, &GrantKind::ItemRestricted, facts.now) {
        return Ok(Sight::NotRestricted);
    }
    if !component.supports_items {
        return Ok(Sight::NotSupported);
    }
    if question.action == Action::Create {
        return Ok(Sight::Creating);
    }
    let Some(item) = question.one_item() else { return Ok(Sight::Narrowed) };
    let is_theirs = |holder: &Holder| match holder {
        Holder::Account(holder) => *holder == account.id,
        Holder::Role(role) => held_roles(policy, facts.grants, facts.now).any(|held| held.id == role),
    };
    let mut links = facts.links.iter().filter(|link| link.item.component == *id && link.item.item == item);
    if let Some(link) = links.find(|link| link.holds_at(facts.now) && is_theirs(&link.holder)) {
        return Ok(Sight::Link(link.origin, link.holder.clone()));
    }
    facts
        .assignment
        .filter(|holder| is_theirs(holder))
        .map(|holder| Sight::Assignment(holder.clone()))
        .ok_or_else(|| Refusal::ItemNotLinked { component: id.clone(), item: item.to_owned() })
}

#[cfg(test)]
mod matrix;
#[cfg(test)]
mod reference;
