//! What a new policy does to one account: what it gains, what it loses, and for which change of the policy.
//!
//! Invariant: what is not in a shift stays as it is; a shift that takes anything from an account in use counts
//! against the safety limits.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Policy;
use super::reach::{Reach, Sight};
use crate::domain::days::Reading;
use crate::domain::grant::{Grant, GrantKind, Origin};
use crate::domain::ids::{AccountId, ComponentId, RoleId, RuleId};
use crate::domain::mapping::Difference;
use crate::domain::safety::SafetyStop;

/// The change of the policy that a gain or loss comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "by", content = "id", rename_all = "snake_case")]
pub enum Cause {
    /// A rule gives it now, or gave it.
    Rule(RuleId),
    /// The role opens something else than before, or is there no more.
    Role(RoleId),
    /// The sector came or is there no more, by its name.
    Sector(String),
    /// The component lies elsewhere, or treats items otherwise.
    Component(ComponentId),
    /// Whether people on leave may sign in.
    Leave,
}

impl Cause {
    /// The cause, as people read it.
    #[must_use]
    pub fn words(&self, reading: &Reading) -> String {
        match self {
            Self::Rule(id) => reading.pick(format!("Regeln {id}"), format!("The rule {id}")),
            Self::Role(id) => reading.pick(format!("Rollen {id}"), format!("The role {id}")),
            Self::Sector(id) => reading.pick(format!("Sektorn {id}"), format!("The sector {id}")),
            Self::Component(id) => reading.pick(format!("Komponenten {id}"), format!("The component {id}")),
            Self::Leave => reading.pick("Inloggning under ledighet", "Sign-in while on leave"),
        }
    }
}

/// A role, sector or limit that comes or goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Move {
    /// What.
    pub kind: GrantKind,
    /// By which change.
    pub cause: Cause,
}

/// How many items come into sight and go out of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Items {
    /// Seen from now on.
    pub gained: u64,
    /// Seen no more.
    pub lost: u64,
}

/// What a new policy does to one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// The account.
    pub account: AccountId,
    /// Its sign-in name.
    pub user_name: String,
    /// Whether it was in use, so that a loss is one at once.
    pub is_in_use: bool,
    /// Roles, sectors and limits that come.
    pub gains: Vec<Move>,
    /// Roles, sectors and limits that go.
    pub loses: Vec<Move>,
    /// `module:action` that opens.
    pub opens: BTreeSet<String>,
    /// `module:action` that closes.
    pub closes: BTreeSet<String>,
    /// Components in which more is seen.
    pub sees_more: BTreeSet<ComponentId>,
    /// Components in which less is seen.
    pub sees_less: BTreeSet<ComponentId>,
    /// Items; counted for accounts in use only.
    pub items: Items,
    /// Rights that stay and have another rule behind them.
    pub rewritten: u64,
    /// Something of Portvakt's own pages closes.
    pub loses_console: bool,
    /// Every change of the policy that has a part in it.
    pub causes: BTreeSet<Cause>,
    /// Why something that the policy takes is held back, by the stable name of what holds it.
    pub held_back: BTreeSet<String>,
}

impl Shift {
    /// Whether an account in use loses something.
    #[must_use]
    pub fn takes(&self) -> bool {
        let is_limit = |kind: &GrantKind| matches!(kind, GrantKind::Limited | GrantKind::ItemRestricted);
        self.is_in_use
            && (self.loses.iter().any(|one| !is_limit(&one.kind))
                || self.gains.iter().any(|one| is_limit(&one.kind))
                || !self.closes.is_empty()
                || !self.sees_less.is_empty()
                || self.loses_console)
    }

    /// Whether the account may do or see more than before: also where it is a limit that goes.
    #[must_use]
    pub fn gives(&self) -> bool {
        self.gives_right() || !self.opens.is_empty() || !self.sees_more.is_empty()
    }

    /// Whether the account may do or see more of what there was before, or gets a right. A module that is new, with
    /// nothing in it that there was, raises nobody whose role opens every module.
    #[must_use]
    pub fn raises(&self, former: &Policy, policy: &Policy) -> bool {
        let was_there = |module: &str| {
            former.modules.keys().any(|id| id.as_str() == module)
                || policy.components.iter().any(|(id, component)| {
                    component.module.as_str() == module && former.components.contains_key(id)
                })
        };
        let mut opened = self.opens.iter().map(|name| name.split(':').next().unwrap_or_default());
        self.gives_right()
            || opened.any(was_there)
            || self.sees_more.iter().any(|id| former.components.contains_key(id))
    }

    fn gives_right(&self) -> bool {
        let is_limit = |kind: &GrantKind| matches!(kind, GrantKind::Limited | GrantKind::ItemRestricted);
        self.gains.iter().any(|one| !is_limit(&one.kind)) || self.loses.iter().any(|one| is_limit(&one.kind))
    }

    /// Whether there is nothing to tell of the account.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rewritten == 0 && self.is_still()
    }

    fn is_still(&self) -> bool {
        self.gains.is_empty()
            && self.loses.is_empty()
            && self.opens.is_empty()
            && self.closes.is_empty()
            && self.sees_more.is_empty()
            && self.sees_less.is_empty()
            && !self.loses_console
            && self.held_back.is_empty()
    }

    /// Whether all rights stay, and some have another rule behind them.
    #[must_use]
    pub fn is_only_rewritten(&self) -> bool {
        self.rewritten > 0 && self.is_still()
    }

    /// Whether it counts against the safety limits: something is taken, or only kept because nobody else holds it.
    #[must_use]
    pub fn counts(&self) -> bool {
        let keeps = [SafetyStop::CRITICAL_EMPTY, SafetyStop::NO_ADMINISTRATOR];
        self.takes() || self.held_back.iter().any(|by| keeps.contains(&by.as_str()))
    }

    /// The substance of the shift, for hashes: not how many items there happen to be today.
    #[must_use]
    pub fn substance(&self) -> String {
        let mut text = format!("{} {}", self.account, self.is_in_use);
        for (sign, moves) in [('+', &self.gains), ('-', &self.loses)] {
            let mut lines: Vec<String> = moves
                .iter()
                .map(|one| format!(" {sign}{}:{}@{:?}", one.kind.name(), one.kind.value(), one.cause))
                .collect();
            lines.sort();
            text.extend(lines);
        }
        for (sign, names) in [('>', &self.opens), ('<', &self.closes)] {
            text.extend(names.iter().map(|name| format!(" {sign}{name}")));
        }
        for (sign, names) in [('>', &self.sees_more), ('<', &self.sees_less)] {
            text.extend(names.iter().map(|name| format!(" {sign}see:{name}")));
        }
        // Writing to a String cannot fail.
        let _ = write!(text, " ~{} {} {:?}", self.rewritten, self.loses_console, self.held_back);
        text
    }

    /// 16 hexadecimal digits of the substance's SHA-256.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut text = hexadecimal(&Sha256::digest(self.substance()));
        text.truncate(16);
        text
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// One account before and after.
#[derive(Debug, Clone, Copy)]
pub struct BeforeAfter<'a> {
    /// The account.
    pub account: AccountId,
    /// Its sign-in name.
    pub user_name: &'a str,
    /// What it holds now.
    pub held: &'a [Grant],
    /// What would change of that.
    pub difference: &'a Difference,
    /// In use under the former policy, and under the new one.
    pub in_use: (bool, bool),
    /// What its grants amount to under the former policy.
    pub before: &'a Reach,
    /// What they will amount to under the new one.
    pub after: &'a Reach,
}

/// What changes for the account; an empty shift where nothing does.
#[must_use]
pub fn shift(former: Option<&Policy>, policy: &Policy, one: &BeforeAfter<'_>) -> Shift {
    let (before, after) = (one.before, one.after);
    let gains: Vec<Move> = after.kinds.difference(&before.kinds).map(|kind| gain(one, kind)).collect();
    let loses: Vec<Move> = before.kinds.difference(&after.kinds).map(|kind| loss(one, kind)).collect();
    let none = Reach::default();
    let (was, is) = (if one.in_use.0 { before } else { &none }, if one.in_use.1 { after } else { &none });
    let sees_more = is.sees.iter().filter(|(id, sight)| was.sees.get(*id) < Some(*sight));
    let sees_less = was.sees.iter().filter(|(id, sight)| is.sees.get(*id) < Some(*sight));
    let more: BTreeSet<ComponentId> = sees_more.map(|(id, _)| id.clone()).collect();
    let less: BTreeSet<ComponentId> = sees_less.map(|(id, _)| id.clone()).collect();
    let mut shift = Shift {
        account: one.account,
        user_name: one.user_name.to_owned(),
        is_in_use: one.in_use.0,
        causes: gains.iter().chain(&loses).map(|one| one.cause.clone()).collect(),
        opens: after.opens.difference(&before.opens).cloned().collect(),
        closes: before.opens.difference(&after.opens).cloned().collect(),
        sees_more: more,
        sees_less: less,
        items: Items::default(),
        rewritten: rewritten(one),
        loses_console: !before.consoles.is_subset(&after.consoles),
        held_back: BTreeSet::new(),
        gains,
        loses,
    };
    if let Some(former) = former {
        name_causes(former, policy, one, &mut shift);
    }
    shift
}

fn gain(one: &BeforeAfter<'_>, kind: &GrantKind) -> Move {
    let given = one.difference.give.iter().find(|(given, _)| given == kind);
    let cause = match given {
        Some((_, Origin::Rule(rule))) => Cause::Rule(rule.clone()),
        Some((_, Origin::Manual | Origin::Review | Origin::Deputy(_))) | None => by_part(kind),
    };
    Move { kind: kind.clone(), cause }
}

fn loss(one: &BeforeAfter<'_>, kind: &GrantKind) -> Move {
    let ended = one.held.iter().filter(|grant| grant.kind == *kind && one.difference.end.contains(&grant.id));
    let rule = ended.filter_map(|grant| match &grant.origin {
        Origin::Rule(rule) => Some(Cause::Rule(rule.clone())),
        Origin::Manual | Origin::Review | Origin::Deputy(_) => None,
    });
    let stays = one.held.iter().any(|grant| grant.kind == *kind && !one.difference.end.contains(&grant.id));
    let cause = if stays { None } else { rule.min() };
    Move { kind: kind.clone(), cause: cause.unwrap_or_else(|| by_part(kind)) }
}

/// The part of the policy that came or went.
fn by_part(kind: &GrantKind) -> Cause {
    match kind {
        GrantKind::Role(role) => Cause::Role(role.clone()),
        GrantKind::Sector(sector) => Cause::Sector(sector.to_string()),
        // No policy drops a limit; the origin is then a rule's that ended at this very instant.
        GrantKind::Limited | GrantKind::ItemRestricted => Cause::Rule(RuleId::unmatched()),
    }
}

/// Grants that end and are given anew by another rule.
fn rewritten(one: &BeforeAfter<'_>) -> u64 {
    let given = one.difference.give.iter().map(|(kind, _)| kind);
    let again = given.filter(|kind| one.before.kinds.contains(kind)).collect::<BTreeSet<_>>();
    u64::try_from(again.len()).unwrap_or(u64::MAX)
}

/// Notes the roles and components whose own change has a part in what opens and closes.
fn name_causes(former: &Policy, policy: &Policy, one: &BeforeAfter<'_>, shift: &mut Shift) {
    if one.in_use.0 != one.in_use.1 {
        shift.causes.insert(Cause::Leave);
    }
    let is_moved = !shift.opens.is_empty() || !shift.closes.is_empty() || shift.loses_console;
    let seen: BTreeSet<ComponentId> = shift.sees_more.union(&shift.sees_less).cloned().collect();
    if is_moved || !seen.is_empty() {
        for id in one.before.effective.roles.intersection(&one.after.effective.roles) {
            if let (Some(was), Some(is)) = (former.roles.get(id), policy.roles.get(id))
                && (was.opens != is.opens || was.console != is.console)
            {
                shift.causes.insert(Cause::Role(id.clone()));
            }
        }
    }
    for (id, is) in &policy.components {
        let Some(was) = former.components.get(id) else {
            if seen.contains(id) {
                shift.causes.insert(Cause::Component(id.clone()));
            }
            continue;
        };
        let is_other = (&was.module, &was.sector, was.supports_items, was.is_administration)
            != (&is.module, &is.sector, is.supports_items, is.is_administration);
        if is_other && (seen.contains(id) || is_moved) {
            shift.causes.insert(Cause::Component(id.clone()));
        }
    }
    let gone = seen.iter().filter(|id| !policy.components.contains_key(*id));
    shift.causes.extend(gone.cloned().map(Cause::Component).collect::<Vec<_>>());
}

/// Whether the items of a component are to be counted anew for the account.
#[must_use]
pub fn touches_items(before: Option<Sight>, after: Option<Sight>, roles_differ: bool) -> bool {
    before != after || (roles_differ && before == Some(Sight::Linked))
}
