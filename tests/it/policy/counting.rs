//! What a plan says, against what really becomes of everybody.
//!
//! Invariant: the count here asks the decision for every account and every item, before and after; it shares nothing with
//! the plan but the rules themselves.

use std::collections::{BTreeMap, BTreeSet};

use portvakt::domain::access::{AccessFacts, Question, decide};
use portvakt::domain::effective::effective;
use portvakt::domain::grant::{GrantKind, Holder, ItemRef, Link, LinkOrigin};
use portvakt::domain::ids::{AccountId, ComponentId, GrantId, RoleId, SectorId};
use portvakt::domain::item_clock::Clocks;
use portvakt::domain::policy::{Action, Policy};
use portvakt::store::item::{self, Item};
use portvakt::store::{account, entitlement, link};
use uuid::Uuid;

use super::{World, in_force, with};
use crate::engines::{change, look, on_each_engine};
use crate::house::POLICY;

const COMPONENTS: [&str; 4] = ["mailing", "discussion", "member", "settings"];
const ITEMS: usize = 6;

/// What everybody holds and sees.
type Picture = BTreeMap<AccountId, (BTreeSet<String>, BTreeSet<ItemRef>)>;

fn item_ref(component: &str, number: usize) -> ItemRef {
    ItemRef { component: ComponentId::parse(component).unwrap(), item: number.to_string() }
}

fn role(id: &str) -> GrantKind {
    GrantKind::Role(RoleId::parse(id).unwrap())
}

/// The next of a row of numbers that look like chance.
fn dice(state: &mut u64, sides: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % sides
}

/// People in groups, grants by hand, items with links and assignments.
async fn populate(world: &World<'_>, seed: u64) -> Vec<AccountId> {
    let mut state = seed;
    let mut people = Vec::new();
    for number in 0..24 {
        people.push(world.arrives(&format!("p{number:02}")).await);
    }
    people.push(world.arrives("brandlucka").await);
    for (group, name, sides) in
        [("group-board", "Styrelsen", 8), ("group-helpers", "Hjälpare", 2), ("group-members", "Register", 3)]
    {
        let mut members: Vec<AccountId> =
            people.iter().copied().filter(|_| dice(&mut state, sides) == 0).collect();
        members.extend(people.last().filter(|_| group == "group-helpers"));
        members.sort_unstable();
        members.dedup();
        world.group(group, name, &members).await;
    }
    for id in &people {
        match dice(&mut state, 6) {
            0 => world.gives(*id, role("communicator")).await,
            1 => world.gives(*id, GrantKind::Limited).await,
            2 => world.gives(*id, GrantKind::Sector(SectorId::parse("members").unwrap())).await,
            _ => {}
        }
    }
    for component in COMPONENTS {
        for number in 0..ITEMS {
            let creator = usize::try_from(dice(&mut state, 25)).unwrap();
            place(world, &item_ref(component, number), people[creator], dice(&mut state, 5)).await;
        }
    }
    people
}

/// An item comes to be, and is linked or assigned in one of several ways.
async fn place(world: &World<'_>, which: &ItemRef, person: AccountId, how: u64) {
    let now = world.now();
    let one = Item {
        item: which.clone(),
        creator: None,
        project: None,
        created_at: now,
        deleted_at: None,
        clocks: Clocks::default(),
    };
    change!(world.t, [one] c => item::note(c, &one).await).unwrap();
    let by_role = Holder::Role(RoleId::parse("communicator").unwrap());
    let holders = match how {
        0 => vec![Holder::Account(person)],
        1 => vec![by_role],
        2 => vec![Holder::Account(person), by_role],
        _ => Vec::new(),
    };
    for holder in holders {
        let new = Link {
            id: GrantId::new(Uuid::now_v7()),
            item: which.clone(),
            holder,
            origin: LinkOrigin::Manual,
            by: "operator:karin".to_owned(),
            why: None,
            since: now,
            ends_at: None,
            until: None,
        };
        change!(world.t, [new] c => link::give(c, &new).await).unwrap();
    }
    let to = Holder::Account(person);
    if how == 3 {
        change!(world.t, [which, to] c => item::assign(c, &which, Some(&to), "target:crm", now).await)
            .unwrap();
    }
}

/// Asks for every account and every item.
async fn picture(world: &World<'_>, people: &[AccountId], policy: &Policy) -> Picture {
    let now = world.now();
    let mut picture = Picture::new();
    for id in people {
        let grants = look!(world.t, c => entitlement::held(c, *id));
        let known = look!(world.t, c => account::get(c, *id)).expect("an account");
        let found = effective(policy, &grants, now);
        let mut holds: BTreeSet<String> = found.roles.iter().map(|id| format!("role:{id}")).collect();
        holds.extend(found.sectors.iter().map(|id| format!("sector:{id}")));
        holds.extend(found.limited.then(|| "limited".to_owned()));
        holds.extend(found.item_restricted.then(|| "item_restricted".to_owned()));
        let mut sees = BTreeSet::new();
        for which in COMPONENTS.iter().flat_map(|one| (0..ITEMS).map(|number| item_ref(one, number))) {
            let links = look!(world.t, c => link::of_item(c, &which, None));
            let assignment = look!(world.t, c => item::assignee(c, &which, None));
            let facts = AccessFacts {
                account: Some(&known),
                grants: &grants,
                links: &links,
                assignment: assignment.as_ref(),
                now,
            };
            let question = Question {
                action: Action::View,
                component: which.component.to_string(),
                item: Some(which.item.clone()),
            };
            if decide(policy, &facts, &question).is_allowed() {
                sees.insert(which);
            }
        }
        picture.insert(*id, (holds, sees));
    }
    picture
}

fn parsed(text: &str) -> Policy {
    portvakt::config::parse_policy(text, "policy.toml").expect("the policy can be read")
}

/// How many gain and lose each right.
fn rights(before: &Picture, after: &Picture) -> BTreeMap<String, (u64, u64)> {
    let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (id, (is, _)) in after {
        let was = &before[id].0;
        for right in is.difference(was) {
            counts.entry(right.clone()).or_default().0 += 1;
        }
        for right in was.difference(is) {
            counts.entry(right.clone()).or_default().1 += 1;
        }
    }
    counts
}

/// How many items come into sight and go out of it.
fn items(before: &Picture, after: &Picture) -> (u64, u64) {
    let count = |one: &Picture, other: &Picture| -> usize {
        one.iter().map(|(id, (_, sees))| sees.difference(&other[id].1).count()).sum()
    };
    (u64::try_from(count(after, before)).unwrap(), u64::try_from(count(before, after)).unwrap())
}

/// Policies that follow one another, each another kind of change.
fn course() -> Vec<String> {
    let registrar = "[[role]]\nid = \"registrar\"\nname = { sv = \"Register\", en = \"Registrar\" }\n\
        modules = [\"members\"]\n[[rule]]\nid = \"register\"\nwhen = { group = \"group-members\" }\n\
        gives = { roles = [\"registrar\"], sectors = [\"members\"] }\n[[rule]]\nid = \"board\"";
    vec![
        with("[[rule]]\nid = \"board\"", registrar),
        with(
            "limited = true, item_restricted = true, sectors = [\"mailings\"]",
            "limited = true, sectors = [\"members\"]",
        ),
        with("modules = [\"communication\", \"members:view\"]", "modules = [\"members:view\"]"),
        POLICY
            .replacen("items = true", "items = false", 1)
            .replace("links_on = [\"created\", \"project\"]\n", ""),
        with("gives = { roles = [\"board\"], limited = false }", "gives = { roles = [\"communicator\"] }"),
        with("sector = \"members\"", "sector = \"mailings\""),
        POLICY.to_owned(),
    ]
}

#[tokio::test]
async fn the_numbers_of_a_plan_are_what_becomes_of_everybody() {
    on_each_engine(async |t| {
        let world = World::open(t).await;
        let people = populate(&world, 7).await;
        let mut former = parsed(POLICY);
        let (mut gained, mut lost) = (0, 0);
        for (step, text) in course().iter().enumerate() {
            let before = picture(&world, &people, &former).await;
            let plan = world.plan(text).await.plan;
            let outcome = world.apply_plan(&plan.hash, Some("övning")).await;
            let (number, _) = in_force(outcome.unwrap_or_else(|refusal| panic!("step {step}: {refusal}")));
            assert_eq!(number, i64::try_from(step).unwrap() + 2);
            former = parsed(text);
            let after = picture(&world, &people, &former).await;
            let told: BTreeMap<String, (u64, u64)> =
                plan.rights.iter().map(|(what, count)| (what.clone(), (count.gain, count.lose))).collect();
            assert_eq!(told, rights(&before, &after), "step {step}");
            assert_eq!((plan.items.gained, plan.items.lost), items(&before, &after), "step {step}");
            assert_eq!(plan.population, u64::try_from(people.len()).unwrap());
            gained += plan.items.gained;
            lost += plan.items.lost;
            let again = world.plan(text).await.plan;
            assert!(
                again.is_in_force && again.changed == again.held_back.len() as u64,
                "step {step}: {again:?}"
            );
        }
        assert!(gained > 20 && lost > 20, "the course moves items: {gained}, {lost}");
    })
    .await;
}

#[tokio::test]
async fn a_plan_groups_what_it_does_by_the_change_that_does_it() {
    on_each_engine(async |t| {
        let world = World::open(t).await;
        let helpers = world.crowd("group-helpers", 3).await;
        let text = with("modules = [\"communication\", \"members:view\"]", "modules = [\"communication\"]")
            .replace("sectors = [\"mailings\"]", "sectors = [\"mailings\", \"members\"]")
            + "[[rule]]\nid = \"ghosts\"\nwhen = { group = \"nobody-knows\" }\ngives = { roles = [\"board\"] }\n";
        let proposal = world.plan(&text).await;
        let plan = &proposal.plan;
        let told: Vec<String> = plan.groups.iter().map(|group| format!("{:?} {}", group.cause, group.accounts)).collect();
        assert_eq!(told.len(), 1, "a limited helper had no use of members:view before: {told:?}");
        let rule = &plan.groups[0];
        assert_eq!((rule.accounts, rule.rights["sector:members"].gain), (3, 3));
        assert_eq!(rule.named, ["group-helpers-00@forening.example", "group-helpers-01@forening.example", "group-helpers-02@forening.example"]);
        assert_eq!(proposal.people.len(), helpers.len());
        let doubts = serde_json::to_value(&plan.doubts).unwrap();
        assert_eq!(doubts[0]["doubt"], "unknown_group", "{doubts}");
        assert_eq!(doubts[0]["text"], "group-board");
        assert!(doubts.to_string().contains("nobody-knows") && doubts.to_string().contains("role_without_holder"));
        let as_told = serde_json::to_value(proposal.view()).unwrap();
        assert_eq!((&as_told["state"], as_told["accounts"].as_array().unwrap().len()), (&"proposed".into(), 3));
    })
    .await;
}
