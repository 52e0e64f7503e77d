//! Given, when, then: what a policy must answer, whoever changes it.
//!
//! Invariant: a case is judged by the same rules and the same decision as people are; nothing in it hangs on the clock.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::Policy;
use crate::domain::access::{AccessFacts, Question, decide};
use crate::domain::account::{Account, AccountKind, Standing, Status, StatusReason};
use crate::domain::effective::{Effective, effective};
use crate::domain::grant::{Grant, GrantKind, Holder, ItemRef, Link, LinkOrigin, Origin};
use crate::domain::ids::{AccountId, DirectoryId, GrantId, GroupId, RoleId, SectorId};
use crate::domain::mapping::{GroupFacts, IdentityFacts, map};

/// One case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// What must be true, as a sentence.
    pub name: String,
    /// The file it stands in.
    pub file: String,
    /// The line of its name, counted from 1.
    pub line: u32,
    /// The account.
    pub given: Given,
    /// What it wants to do; nothing: the case is only about what it holds.
    pub when: Option<Question>,
    /// What must come of it.
    pub then: Then,
}

/// An account as a case describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// What directories say about the person.
    pub identities: Vec<GivenIdentity>,
    /// What a person gave the account by hand.
    pub by_hand: Vec<GrantKind>,
    /// Its status.
    pub status: Status,
    /// Items that are linked to the account, or to a role.
    pub links: Vec<Touch>,
    /// Items that the account, or a role, is responsible for.
    pub assigned: Vec<Touch>,
}

/// What one directory says about the person.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenIdentity {
    /// The directory.
    pub directory: DirectoryId,
    /// Groups by the directory's own id, or by ours.
    pub groups: Vec<String>,
    /// Groups by the name that rules have pinned.
    pub group_names: Vec<String>,
    /// The SCIM user.
    pub document: Value,
}

/// An item that is linked or assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The item.
    pub item: ItemRef,
    /// To this role; nothing: to the account itself.
    pub role: Option<RoleId>,
}

/// What must come of it; what is not said is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Then {
    /// The decision.
    pub allowed: Option<bool>,
    /// The stable code of the reason.
    pub reason: Option<String>,
    /// Whether a list must be narrowed to linked items.
    pub narrowed: Option<bool>,
    /// Exactly these roles.
    pub roles: Option<BTreeSet<RoleId>>,
    /// Exactly these sectors.
    pub sectors: Option<BTreeSet<SectorId>>,
    /// Whether the account is limited.
    pub limited: Option<bool>,
    /// Whether it is item-restricted.
    pub item_restricted: Option<bool>,
}

/// What did not come out as it must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which expectation: `allowed`, `reason`, `roles` …
    pub what: &'static str,
    /// What the case demands.
    pub expected: String,
    /// What the policy gives.
    pub got: String,
}

/// Judges one case; empty: it holds.
#[must_use]
pub fn judge(policy: &Policy, case: &Case) -> Vec<Failure> {
    let now = Timestamp::UNIX_EPOCH;
    let grants = grants(policy, &case.given);
    let mut failures = Vec::new();
    holdings(&effective(policy, &grants, now), &case.then, &mut failures);
    if let Some(question) = &case.when {
        answers(policy, case, &grants, question, &mut failures);
    }
    failures
}

fn holdings(found: &Effective, then: &Then, failures: &mut Vec<Failure>) {
    let mut expect = |what, expected: Option<String>, got: String| {
        if let Some(expected) = expected.filter(|expected| *expected != got) {
            failures.push(Failure { what, expected, got });
        }
    };
    expect("roles", then.roles.as_ref().map(listed), listed(&found.roles));
    expect("sectors", then.sectors.as_ref().map(listed), listed(&found.sectors));
    expect("limited", then.limited.map(|flag| flag.to_string()), found.limited.to_string());
    let restricted = found.item_restricted.to_string();
    expect("item_restricted", then.item_restricted.map(|flag| flag.to_string()), restricted);
}

fn answers(policy: &Policy, case: &Case, grants: &[Grant], question: &Question, failures: &mut Vec<Failure>) {
    let account = account(case.given.status);
    let holder = |touch: &Touch| match &touch.role {
        Some(role) => Holder::Role(role.clone()),
        None => Holder::Account(account.id),
    };
    let links: Vec<Link> = case.given.links.iter().map(|touch| link(touch, holder(touch))).collect();
    let is_asked = |touch: &&Touch| {
        touch.item.component.as_str() == question.component
            && Some(touch.item.item.as_str()) == question.one_item()
    };
    let assignment = case.given.assigned.iter().find(is_asked).map(holder);
    let facts = AccessFacts {
        account: Some(&account),
        grants,
        links: &links,
        assignment: assignment.as_ref(),
        now: Timestamp::UNIX_EPOCH,
    };
    let decision = decide(policy, &facts, question);
    let said = |allowed: bool| if allowed { "allowed" } else { "refused" };
    let got = match decision.code() {
        "allowed" => "allowed".to_owned(),
        code => format!("refused ({code})"),
    };
    let then = &case.then;
    if let Some(expected) = then.allowed.filter(|expected| *expected != decision.is_allowed()) {
        failures.push(Failure { what: "decision", expected: said(expected).to_owned(), got });
    } else if let Some(expected) = then.reason.as_deref().filter(|expected| *expected != decision.code()) {
        let got = decision.code().to_owned();
        failures.push(Failure { what: "reason", expected: expected.to_owned(), got });
    }
    if let Some(expected) = then.narrowed.filter(|expected| *expected != decision.narrowed) {
        let (expected, got) = (expected.to_string(), decision.narrowed.to_string());
        failures.push(Failure { what: "narrowed", expected, got });
    }
}

fn listed<T: ToString>(all: &BTreeSet<T>) -> String {
    let names: Vec<String> = all.iter().map(ToString::to_string).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn grants(policy: &Policy, given: &Given) -> Vec<Grant> {
    let facts: Vec<IdentityFacts<'_>> = given.identities.iter().map(facts).collect();
    let by_rule = map(policy, &facts).grants.into_iter().map(|(kind, rule)| (kind, Origin::Rule(rule)));
    let by_hand = given.by_hand.iter().map(|kind| (kind.clone(), Origin::Manual));
    by_rule
        .chain(by_hand)
        .map(|(kind, origin)| Grant {
            id: GrantId::new(Uuid::nil()),
            kind,
            origin,
            by: "case".to_owned(),
            why: None,
            since: Timestamp::UNIX_EPOCH,
            ends_at: None,
            until: None,
        })
        .collect()
}

fn facts(given: &GivenIdentity) -> IdentityFacts<'_> {
    let group = |id: &String| GroupFacts {
        id: GroupId::parse(id).ok(),
        external_id: Some(id.clone()),
        pinned_names: Vec::new(),
    };
    let named = |name: &String| GroupFacts { id: None, external_id: None, pinned_names: vec![name.clone()] };
    IdentityFacts {
        directory: given.directory.clone(),
        groups: given.groups.iter().map(group).chain(given.group_names.iter().map(named)).collect(),
        document: &given.document,
    }
}

fn link(touch: &Touch, holder: Holder) -> Link {
    Link {
        id: GrantId::new(Uuid::nil()),
        item: touch.item.clone(),
        holder,
        origin: LinkOrigin::Manual,
        by: "case".to_owned(),
        why: None,
        since: Timestamp::UNIX_EPOCH,
        ends_at: None,
        until: None,
    }
}

fn account(status: Status) -> Account {
    Account {
        id: AccountId::new(Uuid::nil()),
        user_name: "case".to_owned(),
        display_name: "case".to_owned(),
        email: None,
        language: None,
        kind: AccountKind::Person,
        is_protected: false,
        valid_from: None,
        valid_until: None,
        created_at: Timestamp::UNIX_EPOCH,
        standing: Standing {
            status,
            since: Timestamp::UNIX_EPOCH,
            reason: StatusReason::Manual,
            by: "case".to_owned(),
            note: None,
        },
        leave_until: None,
        returned_at: None,
        activated_at: None,
        version: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ComponentId;
    use crate::domain::sample;

    fn helper(item: &str, then: Then) -> Case {
        let mailing = ComponentId::parse("mailing").unwrap();
        let by_hand = vec![
            GrantKind::Role(sample::role_id("communicator")),
            GrantKind::Sector(sample::sector_id("mailings")),
            GrantKind::Limited,
            GrantKind::ItemRestricted,
        ];
        let linked = Touch { item: ItemRef::parse(mailing, "1").unwrap(), role: None };
        Case {
            name: "a helper sees what is linked".to_owned(),
            file: "cases.toml".to_owned(),
            line: 1,
            given: Given {
                identities: Vec::new(),
                by_hand,
                status: Status::Active,
                links: vec![linked],
                assigned: Vec::new(),
            },
            when: Some(Question {
                action: super::super::Action::View,
                component: "mailing".to_owned(),
                item: Some(item.to_owned()),
            }),
            then,
        }
    }

    #[test]
    fn a_case_that_holds_says_nothing_and_one_that_does_not_says_what_came_instead() {
        let policy = sample::policy();
        let allowed = Then { allowed: Some(true), limited: Some(true), ..Then::default() };
        assert_eq!(judge(&policy, &helper("1", allowed.clone())), []);
        let failures = judge(&policy, &helper("2", allowed));
        assert_eq!(failures.len(), 1);
        assert_eq!(
            (failures[0].expected.as_str(), failures[0].got.as_str()),
            ("allowed", "refused (item_not_linked)")
        );
        let by_code = Then { reason: Some("no_sector".to_owned()), ..Then::default() };
        assert_eq!(judge(&policy, &helper("2", by_code))[0].got, "item_not_linked");
        let other = Then { roles: Some(BTreeSet::new()), ..Then::default() };
        assert_eq!(judge(&policy, &helper("1", other))[0].expected, "none");
    }
}
