use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::domain::ids::SectorId;
use crate::domain::sample;

fn group(external: &str) -> GroupFacts {
    GroupFacts {
        id: Some(GroupId::new(Uuid::from_u128(7))),
        external_id: Some(external.into()),
        pinned_names: vec![],
    }
}

fn identity<'a>(directory: &str, groups: &[&str], document: &'a Value) -> IdentityFacts<'a> {
    IdentityFacts {
        directory: DirectoryId::parse(directory).unwrap(),
        groups: groups.iter().map(|id| group(id)).collect(),
        document,
    }
}

fn in_group(directory: Option<&str>, id: &str) -> Condition {
    Condition::Group { directory: directory.map(|d| DirectoryId::parse(d).unwrap()), id: id.into() }
}

fn rule(id: &str, priority: i64, when: Condition, gives: Gives) -> Rule {
    Rule { id: rule_id(id), when, gives, priority }
}

fn rule_id(id: &str) -> RuleId {
    RuleId::parse(id).unwrap()
}

fn role(id: &str) -> GrantKind {
    GrantKind::Role(RoleId::parse(id).unwrap())
}

fn roles(ids: &[&str]) -> Gives {
    Gives { roles: ids.iter().map(|id| RoleId::parse(id).unwrap()).collect(), ..Gives::default() }
}

fn limits(limited: Option<bool>, item_restricted: Option<bool>) -> Gives {
    Gives { limited, item_restricted, ..Gives::default() }
}

fn policy(rules: Vec<Rule>) -> Policy {
    Policy { rules, ..sample::policy() }
}

fn held(id: u128, kind: GrantKind, origin: Origin) -> Grant {
    sample::grant_of(id, kind, origin, Timestamp::UNIX_EPOCH)
}

#[test]
fn roles_and_sectors_of_all_matching_rules_are_united_and_name_their_rule() {
    let nobody = json!({});
    let sectors = BTreeSet::from([SectorId::parse("mailings").unwrap()]);
    let policy = policy(vec![
        rule("late", 50, in_group(None, "a"), Gives { sectors, ..roles(&["communicator", "secretary"]) }),
        rule("early", 10, in_group(None, "b"), roles(&["communicator"])),
        rule("other", 1, in_group(None, "c"), roles(&["board"])),
    ]);
    let mapped = map(&policy, &[identity("entra", &["a", "b"], &nobody)]);
    assert_eq!(mapped.grants.get(&role("communicator")), Some(&rule_id("early")));
    assert_eq!(mapped.grants.get(&role("secretary")), Some(&rule_id("late")));
    assert_eq!(mapped.grants.len(), 3);
    assert_eq!(mapped.matched, [rule_id("late"), rule_id("early")]);
    assert!(!mapped.unmatched);
}

#[test]
fn the_lowest_number_that_speaks_of_a_limit_decides_it() {
    let nobody = json!({});
    let all = || in_group(None, "a");
    let policy = policy(vec![
        rule("silent", 1, all(), roles(&["board"])),
        rule("free", 10, all(), limits(Some(false), None)),
        rule("tight", 50, all(), limits(Some(true), Some(true))),
    ]);
    let mapped = map(&policy, &[identity("entra", &["a"], &nobody)]);
    assert_eq!(mapped.limited, Some((false, rule_id("free"))));
    assert_eq!(mapped.item_restricted, Some((true, rule_id("tight"))));
    assert!(!mapped.grants.contains_key(&GrantKind::Limited));
    assert!(mapped.grants.contains_key(&GrantKind::ItemRestricted));
}

#[test]
fn between_equals_the_more_restrictive_wins() {
    let nobody = json!({});
    let all = || in_group(None, "a");
    let policy = policy(vec![
        rule("free", 10, all(), limits(Some(false), None)),
        rule("tight", 10, all(), limits(Some(true), None)),
    ]);
    let mapped = map(&policy, &[identity("entra", &["a"], &nobody)]);
    assert_eq!(mapped.limited, Some((true, rule_id("tight"))));
}

#[test]
fn a_group_counts_by_its_ids_and_a_name_only_where_it_is_pinned() {
    let document = json!({"groups": [{"display": "Utskick"}]});
    let mut pinned = identity("okta", &["x"], &document);
    let by_name =
        Condition::GroupName { directory: DirectoryId::parse("okta").unwrap(), name: "utskick".into() };
    assert!(!applies(&by_name, &[pinned.clone()]));
    pinned.groups[0].pinned_names.push("Utskick".into());
    assert!(applies(&by_name, &[pinned.clone()]));
    assert!(applies(&in_group(Some("okta"), "x"), &[pinned.clone()]));
    assert!(applies(&in_group(None, &Uuid::from_u128(7).to_string()), &[pinned.clone()]));
    assert!(!applies(&in_group(Some("entra"), "x"), &[pinned.clone()]));
    assert!(!applies(&in_group(None, "X"), &[pinned]));
}

#[test]
fn two_directories_can_be_asked_together_but_never_meet_one_condition_half_each() {
    let (staff, volunteer) = (json!({"userType": "staff"}), json!({"userType": "volunteer"}));
    let both = [identity("entra", &["a"], &volunteer), identity("okta", &["b"], &staff)];
    let across = Condition::All(vec![in_group(Some("entra"), "a"), in_group(Some("okta"), "b")]);
    assert!(applies(&across, &both));
    let halves = Condition::All(vec![
        Condition::Directory(DirectoryId::parse("entra").unwrap()),
        Condition::Attribute { directory: None, path: "userType".into(), one_of: vec!["staff".into()] },
    ]);
    assert!(!applies(&halves, &both));
    let not_in_a = Condition::Not(Box::new(in_group(None, "a")));
    assert!(!applies(&not_in_a, &both), "the other directory must not undo a `not`");
    assert!(applies(&not_in_a, &both[1..]));
    assert!(applies(&Condition::Any(vec![not_in_a, in_group(None, "a")]), &both));
}

#[test]
fn nobody_matched_gets_what_the_policy_says_and_a_person_without_identity_gets_nothing() {
    let nobody = json!({});
    let mut policy = policy(vec![rule("a", 1, in_group(None, "a"), roles(&["board"]))]);
    let stranger = [identity("entra", &[], &nobody)];
    assert!(map(&policy, &stranger).unmatched);
    assert!(map(&policy, &stranger).grants.is_empty());
    policy.unmatched = Unmatched::Role(RoleId::parse("communicator").unwrap());
    let mapped = map(&policy, &stranger);
    assert!(mapped.unmatched);
    assert_eq!(mapped.grants.get(&role("communicator")), Some(&RuleId::unmatched()));
    assert!(map(&policy, &[]).grants.is_empty());
}

#[test]
fn administrators_are_withheld_where_only_people_may_make_them() {
    let nobody = json!({});
    let mut policy = policy(vec![rule("a", 1, in_group(None, "a"), roles(&["board", "communicator"]))]);
    policy.administrators_by_rule = false;
    let mapped = map(&policy, &[identity("entra", &["a"], &nobody)]);
    assert_eq!(mapped.withheld, [(RoleId::parse("board").unwrap(), rule_id("a"))]);
    assert_eq!(mapped.grants.keys().collect::<Vec<_>>(), [&role("communicator")]);
}

#[test]
fn a_difference_touches_only_what_rules_gave() {
    let wanted = Mapped {
        grants: BTreeMap::from([(role("communicator"), rule_id("a")), (role("board"), rule_id("b"))]),
        ..Mapped::default()
    };
    let grants = [
        held(1, role("communicator"), Origin::Manual),
        held(2, role("secretary"), Origin::Manual),
        held(3, role("secretary"), Origin::Rule(rule_id("a"))),
        held(4, role("board"), Origin::Rule(rule_id("a"))),
        Grant { until: Some(Timestamp::UNIX_EPOCH), ..held(5, role("board"), Origin::Rule(rule_id("b"))) },
    ];
    let difference = difference(&grants, &wanted);
    let (board, communicator) =
        ((role("board"), Origin::Rule(rule_id("b"))), (role("communicator"), Origin::Rule(rule_id("a"))));
    assert_eq!(difference.give, [board, communicator]);
    assert_eq!(difference.end, [sample::grant_id(3), sample::grant_id(4)]);
}

#[test]
fn what_is_held_as_wanted_is_left_alone() {
    let nobody = json!({});
    let policy = policy(vec![rule("a", 1, in_group(None, "a"), limits(Some(true), None))]);
    let wanted = map(&policy, &[identity("entra", &["a"], &nobody)]);
    let grants = [held(1, GrantKind::Limited, Origin::Rule(rule_id("a")))];
    assert!(difference(&grants, &wanted).is_empty());
    assert_eq!(difference(&grants, &Mapped::default()).end, [sample::grant_id(1)]);
}

mod properties {
    use proptest::collection::{btree_set, vec};
    use proptest::prelude::*;

    use super::*;

    const GROUPS: [&str; 5] = ["a", "b", "c", "d", "e"];

    fn condition() -> impl Strategy<Value = Condition> {
        let group = prop::sample::select(GROUPS.to_vec()).prop_map(|id| in_group(None, id));
        group.prop_recursive(3, 12, 3, |inner| {
            let several = vec(inner, 1..4);
            prop_oneof![several.clone().prop_map(Condition::All), several.prop_map(Condition::Any)]
        })
    }

    fn gives() -> impl Strategy<Value = Gives> {
        let roles = prop::sample::subsequence(vec!["board", "secretary", "communicator"], 0..=3);
        let sectors = prop::sample::subsequence(vec!["mailings", "members"], 0..=2);
        (roles, sectors).prop_map(|(roles, sectors)| Gives {
            roles: roles.iter().map(|id| RoleId::parse(id).unwrap()).collect(),
            sectors: sectors.iter().map(|id| SectorId::parse(id).unwrap()).collect(),
            ..Gives::default()
        })
    }

    proptest! {
        /// Where no rule says `not`, no rule sets a limit and nobody gets anything for matching nothing: with any of
        /// these, a policy may say that somebody outside a group has more.
        #[test]
        fn taking_a_group_away_gives_no_role_and_no_sector(
            rules in vec((condition(), gives(), 0..9_i64), 1..8),
            groups in btree_set(prop::sample::select(GROUPS.to_vec()), 1..=5),
            taken in any::<prop::sample::Index>(),
        ) {
            let rules = rules.into_iter().enumerate();
            let rules = rules.map(|(n, (when, gives, priority))| rule(&format!("r{n}"), priority, when, gives));
            let policy = Policy { unmatched: Unmatched::NoAccess, ..policy(rules.collect()) };
            let (nobody, all) = (json!({}), groups.iter().copied().collect::<Vec<_>>());
            let gone = all[taken.index(all.len())];
            let rest: Vec<&str> = all.iter().copied().filter(|group| *group != gone).collect();
            let before = map(&policy, &[identity("entra", &all, &nobody)]);
            let after = map(&policy, &[identity("entra", &rest, &nobody)]);
            let gained: Vec<_> = after.grants.keys().filter(|kind| !before.grants.contains_key(*kind)).collect();
            prop_assert!(gained.is_empty(), "without {gone}: {gained:?}");
        }
    }
}
