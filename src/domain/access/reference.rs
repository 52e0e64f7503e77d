//! A naive evaluator, written from the rules and not from the code: it first lists everything that an account may
//! reach, as tickets, then looks whether the question's ticket is among them.

use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::domain::policy::Opening;
use crate::domain::sample;

const ROLES: [&str; 4] = ["board", "communicator", "secretary", "dropped"];
const SECTORS: [&str; 3] = ["mailings", "meetings", "members"];
const COMPONENTS: [&str; 6] = ["mailing", "board_discussion", "member", "archive", "settings", "nonsense"];
const ITEMS: [Option<&str>; 4] = [None, Some("*"), Some("1"), Some("2")];

#[derive(Debug, Clone)]
struct World {
    account: Option<Account>,
    grants: Vec<Grant>,
    links: Vec<Link>,
    assignment: Option<Holder>,
    now: Timestamp,
}

type Ticket = (Action, &'static str, Option<&'static str>);

/// Hours around the beginning of time.
fn hour(number: i64) -> Timestamp {
    Timestamp::from_second(number * 3600).unwrap()
}

/// Everything the account holds, as "kind:value".
fn names(world: &World) -> HashSet<String> {
    let mut names = HashSet::new();
    for grant in &world.grants {
        let started = grant.since <= world.now;
        let stopped = [grant.ends_at, grant.until].into_iter().flatten().any(|end| end <= world.now);
        if started && !stopped {
            names.insert(format!("{}:{}", grant.kind.name(), grant.kind.value()));
        }
    }
    names
}

/// The tickets of one opening of a role; lists that must be narrowed are marked by `true`.
fn opened(policy: &Policy, opening: &Opening, restricted: bool) -> Vec<(Ticket, bool)> {
    let mut tickets = Vec::new();
    for component in COMPONENTS {
        let Some((_, about)) = policy.components.iter().find(|(id, _)| id.as_str() == component) else {
            continue;
        };
        if opening.module.as_ref().is_some_and(|module| *module != about.module) {
            continue;
        }
        for action in Action::ALL {
            for item in ITEMS {
                let whole = matches!(item, None | Some("*"));
                let list = about.supports_items && restricted && whole && *action != Action::Create;
                if opening.actions.as_ref().is_none_or(|some| some.contains(action)) {
                    tickets.push(((*action, component, item), list));
                }
            }
        }
    }
    tickets
}

/// Every ticket that the account holds.
fn tickets(policy: &Policy, world: &World) -> HashSet<(Ticket, bool)> {
    let mut reach = HashSet::new();
    let Some(account) = &world.account else { return reach };
    let begun = account.valid_from.is_none_or(|from| from <= world.now);
    let over = account.valid_until.is_some_and(|until| until <= world.now);
    if account.standing.status != Status::Active || !begun || over {
        return reach;
    }
    let names = names(world);
    let has = |name: &str| names.contains(name);
    for (id, role) in &policy.roles {
        if has(&format!("role:{id}")) {
            reach.extend(role.opens.iter().flat_map(|one| opened(policy, one, has("item_restricted:"))));
        }
    }
    if has("limited:") {
        reach.retain(|((action, component, _), _)| {
            let about = &policy.components[&ComponentId::parse(component).unwrap()];
            let inside = about.sector.as_ref().is_some_and(|sector| has(&format!("sector:{sector}")));
            inside && !about.is_administration && *action != Action::Administer
        });
    }
    if has("item_restricted:") {
        let mine = |holder: &Holder| match holder {
            Holder::Account(id) => *id == account.id,
            Holder::Role(role) => policy.roles.contains_key(role) && has(&format!("role:{role}")),
        };
        reach.retain(|((action, component, item), list)| {
            let linked = world.links.iter().any(|link| {
                let ended = [link.ends_at, link.until].into_iter().flatten().any(|end| end <= world.now);
                link.item.component.as_str() == *component
                    && Some(link.item.item.as_str()) == *item
                    && !ended
                    && link.since <= world.now
                    && mine(&link.holder)
            });
            let assigned = world.assignment.as_ref().is_some_and(mine);
            let unbound = matches!(*component, "member" | "archive" | "settings");
            unbound || *list || *action == Action::Create || linked || assigned
        });
    }
    reach
}

fn grants() -> impl Strategy<Value = Vec<Grant>> {
    let kind = prop_oneof![
        6 => select(&ROLES[..]).prop_map(|id| GrantKind::Role(sample::role_id(id))),
        4 => select(&SECTORS[..]).prop_map(|id| GrantKind::Sector(sample::sector_id(id))),
        2 => Just(GrantKind::Limited),
        2 => Just(GrantKind::ItemRestricted),
    ];
    let one =
        (kind, -2_i64..1, proptest::option::weighted(0.2, -1_i64..3)).prop_map(|(kind, since, ends)| {
            let grant = sample::grant_of(1, kind, Origin::Manual, hour(since));
            Grant { ends_at: ends.map(hour), ..grant }
        });
    vec(one, 0..7)
}

fn holder() -> impl Strategy<Value = Holder> {
    prop_oneof![
        (1_u128..3).prop_map(|id| Holder::Account(sample::account_id(id))),
        select(&ROLES[..]).prop_map(|id| Holder::Role(sample::role_id(id))),
    ]
}

fn links() -> impl Strategy<Value = Vec<Link>> {
    let one = (
        select(&COMPONENTS[..3]),
        select(vec!["1", "2"]),
        holder(),
        proptest::option::weighted(0.2, -1_i64..2),
    );
    vec(
        one.prop_map(|(component, item, holder, until)| {
            let link = sample::link(9, sample::item(component, item), holder, LinkOrigin::Manual);
            Link { until: until.map(hour), ..link }
        }),
        0..3,
    )
}

fn world() -> impl Strategy<Value = World> {
    let dates = proptest::option::weighted(0.15, -1_i64..2);
    let status = prop_oneof![8 => Just(Status::Active), 1 => select(Status::ALL)];
    let account = (proptest::bool::weighted(0.95), status, dates.clone(), dates).prop_map(
        |(known, status, from, until)| {
            let mut account = sample::account(1, hour(-9));
            account.standing.status = status;
            account.valid_from = from.map(hour);
            account.valid_until = until.map(hour);
            known.then_some(account)
        },
    );
    (account, grants(), links(), proptest::option::of(holder())).prop_map(
        |(account, grants, links, assignment)| World { account, grants, links, assignment, now: hour(0) },
    )
}

fn ask(policy: &Policy, world: &World, (action, component, item): Ticket) -> Decision {
    let facts = AccessFacts {
        account: world.account.as_ref(),
        grants: &world.grants,
        links: &world.links,
        assignment: world.assignment.as_ref(),
        now: world.now,
    };
    decide(policy, &facts, &Question { action, component: component.into(), item: item.map(Into::into) })
}

fn questions() -> impl Iterator<Item = Ticket> {
    Action::ALL.iter().flat_map(|action| {
        COMPONENTS.iter().flat_map(move |c| ITEMS.iter().map(move |item| (*action, *c, *item)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(700))]

    #[test]
    fn the_naive_evaluator_gives_the_same_answers(world in world()) {
        let policy = sample::policy();
        let reach = tickets(&policy, &world);
        for question in questions() {
            let decision = ask(&policy, &world, question);
            let narrowed = reach.contains(&(question, true));
            let allowed = narrowed || reach.contains(&(question, false));
            prop_assert_eq!(decision.is_allowed(), allowed, "{:?}: {}", question, reason_admin(&decision));
            prop_assert_eq!(decision.narrowed, narrowed, "{:?}", question);
        }
    }

    #[test]
    fn taking_a_role_sector_or_link_away_never_widens_access(world in world(), which in 0_usize..9) {
        let policy = sample::policy();
        let mut less = world.clone();
        let widening = |grant: &Grant| matches!(grant.kind, GrantKind::Role(_) | GrantKind::Sector(_));
        if which < less.grants.len() && widening(&less.grants[which]) {
            less.grants.remove(which);
        } else if which % 3 < less.links.len() {
            less.links.remove(which % 3);
        } else {
            less.assignment = None;
        }
        for question in questions() {
            let after = ask(&policy, &less, question);
            prop_assert!(!after.is_allowed() || ask(&policy, &world, question).is_allowed(), "{:?}", question);
        }
    }

    #[test]
    fn a_limited_account_never_reaches_administration(mut world in world()) {
        let policy = sample::policy();
        world.grants.push(sample::grant_of(1, GrantKind::Limited, Origin::Manual, hour(-1)));
        for question in questions() {
            if question.0 == Action::Administer || question.1 == "settings" {
                prop_assert!(!ask(&policy, &world, question).is_allowed(), "{:?}", question);
            }
        }
    }
}
