//! The decision against the naive evaluator, over worlds by chance: the pure decision, and the whole way through the
//! database, now and at past instants.

use jiff::Timestamp;
use portvakt::config;
use portvakt::domain::access::{self, AccessFacts};
use portvakt::domain::account::{Account, AccountKind, Standing, Status, StatusReason};
use portvakt::domain::grant::{Grant, GrantKind, Holder, ItemRef, Link, LinkOrigin, Origin};
use portvakt::domain::ids::{AccountId, ComponentId, GrantId, RoleId, RuleId, SectorId};
use portvakt::domain::policy::{Action, Policy};
use portvakt::flows::decide::{self, Semantic, Who};
use portvakt::store::{Conn, StoreError, account, entitlement, item, link, standing};
use uuid::Uuid;

use super::naive::{Book, Dice, Question, Verdict, World, verdict};
use crate::engines::{TestDb, on_each_engine};
use crate::house::{SETTINGS, TestHouse};

/// How many worlds; set `PORTVAKT_WORLDS` for more or fewer. Of the worlds in the database a thousandth of it.
fn worlds() -> u64 {
    std::env::var("PORTVAKT_WORLDS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000)
}

/// An hour of a world; the policy is in force before the first.
fn hour(number: i64) -> Timestamp {
    // 8 October 2025, midnight.
    Timestamp::from_second(1_759_881_600 + number * 3_600).unwrap()
}

fn component(number: usize) -> ComponentId {
    ComponentId::parse(&format!("c{number}")).unwrap()
}

fn kind(what: &str) -> GrantKind {
    match what.split_once(' ') {
        Some(("role", id)) => GrantKind::Role(RoleId::parse(id).unwrap()),
        Some((_, id)) => GrantKind::Sector(SectorId::parse(id).unwrap()),
        None if what == "limited" => GrantKind::Limited,
        None => GrantKind::ItemRestricted,
    }
}

/// Two people of a world: the one it is about, and another.
struct Pair {
    me: AccountId,
    them: AccountId,
}

impl Pair {
    fn holder(&self, whom: &str) -> Holder {
        match whom {
            "me" => Holder::Account(self.me),
            "them" => Holder::Account(self.them),
            role => Holder::Role(RoleId::parse(role).unwrap()),
        }
    }
}

fn person(id: AccountId, world: &World) -> Account {
    let (since, status) = world.life[0];
    Account {
        id,
        user_name: id.to_string(),
        display_name: String::new(),
        email: None,
        language: None,
        kind: AccountKind::Person,
        is_protected: false,
        valid_from: world.valid.0.map(hour),
        valid_until: world.valid.1.map(hour),
        created_at: hour(since),
        standing: stands(since, status),
        leave_until: None,
        returned_at: None,
        activated_at: None,
        version: 1,
    }
}

fn stands(since: i64, status: &str) -> Standing {
    let status = Status::from_name(status).unwrap();
    Standing { status, since: hour(since), reason: StatusReason::Manual, by: "job:test".into(), note: None }
}

fn grants(world: &World) -> Vec<Grant> {
    let one = |(number, (what, span)): (usize, &(String, super::naive::Span))| Grant {
        id: GrantId::new(Uuid::now_v7()),
        kind: kind(what),
        origin: Origin::Rule(RuleId::parse(&format!("g{number}")).unwrap()),
        by: "job:test".into(),
        why: None,
        since: hour(span.since),
        ends_at: span.ends.map(hour),
        until: span.ended.map(hour),
    };
    world.holds.iter().enumerate().map(one).collect()
}

/// The links of a world, in items that are its own by `mark`.
fn links(world: &World, pair: &Pair, mark: &str) -> Vec<Link> {
    let one = |(number, item, whom, span): &(usize, &'static str, String, super::naive::Span)| Link {
        id: GrantId::new(Uuid::now_v7()),
        item: ItemRef::parse(component(*number), &format!("{mark}{item}")).unwrap(),
        holder: pair.holder(whom),
        origin: LinkOrigin::Manual,
        by: "job:test".into(),
        why: None,
        since: hour(span.since),
        ends_at: span.ends.map(hour),
        until: span.ended.map(hour),
    };
    world.links.iter().map(one).collect()
}

fn judged(allowed: bool, narrowed: bool) -> Verdict {
    match (allowed, narrowed) {
        (false, _) => Verdict::No,
        (true, false) => Verdict::Yes,
        (true, true) => Verdict::Some,
    }
}

/// A world in the words of the domain.
struct Told<'w> {
    world: &'w World,
    pair: Pair,
    grants: Vec<Grant>,
    links: Vec<Link>,
}

impl<'w> Told<'w> {
    fn new(world: &'w World) -> Self {
        let pair = Pair { me: AccountId::new(Uuid::from_u128(1)), them: AccountId::new(Uuid::from_u128(2)) };
        Self { grants: grants(world), links: links(world, &pair, ""), pair, world }
    }
}

fn decided(policy: &Policy, told: &Told<'_>, asked: &Question, now: i64) -> Verdict {
    let Told { world, pair, grants, links } = told;
    let mut account = person(pair.me, world);
    let (mut is_known, mut held) = (false, None);
    for (since, status) in world.life.iter().filter(|(since, _)| *since <= now) {
        account.standing = stands(*since, status);
        is_known = true;
    }
    if let Some(item) = asked.item {
        held = world.responsible(asked.component, item, now).map(|whom| pair.holder(whom));
    }
    let facts = AccessFacts {
        account: is_known.then_some(&account),
        grants,
        links,
        assignment: held.as_ref(),
        now: hour(now),
    };
    let question = access::Question {
        action: Action::from_name(asked.action).unwrap(),
        component: format!("c{}", asked.component),
        item: asked.item.map(str::to_owned),
    };
    let decision = access::decide(policy, &facts, &question);
    judged(decision.is_allowed(), decision.narrowed)
}

fn books(count: u64) -> Vec<(Book, Policy)> {
    (0..count)
        .map(|number| {
            let book = Book::random(&mut Dice::new(1_000 + number));
            let policy = config::parse_policy(&book.document(), "by chance")
                .unwrap_or_else(|mistakes| panic!("{}\n{}", mistakes[0], book.document()));
            (book, policy)
        })
        .collect()
}

#[test]
fn the_decision_says_what_a_person_with_a_pencil_says() {
    let books = books(64);
    let mut seen = [0_u64; 3];
    for seed in 0..worlds() {
        let mut dice = Dice::new(seed);
        let (book, policy) = &books[dice.roll(books.len())];
        let world = World::random(&mut dice);
        let told = Told::new(&world);
        for _ in 0..3 {
            let (asked, now) = (Question::random(&mut dice), dice.hour(0, 11));
            let expected = verdict(book, &world, &asked, now);
            let found = decided(policy, &told, &asked, now);
            assert_eq!(found, expected, "seed {seed}, hour {now}: {asked:?}\n{world:#?}\n{book:#?}");
            seen[expected as usize] += 1;
        }
    }
    // Worlds in which everything is refused would prove nothing.
    let all: u64 = seen.iter().sum();
    assert!(all < 1_000 || seen.iter().all(|count| *count * 100 > all), "{seen:?}");
}

#[test]
fn taking_a_right_or_a_link_away_never_widens_access_and_a_limit_closes_administration() {
    let books = books(16);
    for seed in 0..worlds() / 10 {
        let mut dice = Dice::new(seed ^ 0xdead_beef);
        let (_, policy) = &books[dice.roll(books.len())];
        let world = World::random(&mut dice);
        let mut less = world.clone();
        let (place, is_link) = (dice.roll(8), dice.once_in(2));
        if is_link && place < less.links.len() {
            less.links.remove(place);
        } else if !is_link && place < less.holds.len() && less.holds[place].0.contains(' ') {
            less.holds.remove(place);
        }
        let mut limited = world.clone();
        limited.holds.push(("limited".into(), super::naive::Span { since: 0, ended: None, ends: None }));
        let (less, world, limited) = (Told::new(&less), Told::new(&world), Told::new(&limited));
        for _ in 0..4 {
            let (asked, now) = (Question::random(&mut dice), dice.hour(0, 11));
            if decided(policy, &less, &asked, now) == Verdict::Yes {
                assert_eq!(decided(policy, &world, &asked, now), Verdict::Yes, "seed {seed}: {asked:?}");
            }
            if asked.action == "administer" || asked.component == 5 {
                assert_eq!(decided(policy, &limited, &asked, now), Verdict::No, "seed {seed}: {asked:?}");
            }
        }
    }
}

/// Writes a world as its hours pass.
async fn write(c: &mut Conn, world: &World, pair: &Pair, mark: &str) -> Result<(), StoreError> {
    account::insert(c, &person(pair.me, world)).await?;
    let stranger = World { life: vec![(0, "active")], valid: (None, None), ..world.clone() };
    account::insert(c, &person(pair.them, &stranger)).await?;
    for (since, status) in world.life.iter().skip(1) {
        standing::change(c, pair.me, &stands(*since, status)).await?;
    }
    for grant in grants(world) {
        entitlement::give(c, pair.me, &grant).await?;
        if let Some(until) = grant.until {
            entitlement::end(c, grant.id, until).await?;
        }
    }
    for one in links(world, pair, mark) {
        assert!(link::give(c, &one).await?, "each link is one of its own");
        if let Some(until) = one.until {
            link::end(c, one.id, until).await?;
        }
    }
    for (number, name, whom, since) in &world.duties {
        let item = ItemRef::parse(component(*number), &format!("{mark}{name}")).unwrap();
        let to = whom.as_deref().map(|whom| pair.holder(whom));
        item::assign(c, &item, to.as_ref(), "job:test", hour(*since)).await?;
    }
    Ok(())
}

async fn through_the_database(t: &TestDb, book: &Book, seeds: std::ops::Range<u64>) {
    let house = TestHouse::with(t, SETTINGS, &book.document()).await;
    house.clock.set(hour(10));
    let mut all = Vec::new();
    for seed in seeds {
        let mut dice = Dice::new(seed ^ 0x00c0_ffee);
        let world = World::random(&mut dice);
        let pair = Pair { me: AccountId::new(Uuid::now_v7()), them: AccountId::new(Uuid::now_v7()) };
        let (me, mark, written) = (pair.me, format!("w{seed}-"), world.clone());
        let prefix = mark.clone();
        t.db.write::<_, StoreError, _>(move |c| {
            Box::pin(async move { write(c, &written, &pair, &prefix).await })
        })
        .await
        .unwrap();
        for turn in 0..12 {
            let (asked, now) =
                (Question::random(&mut dice), if turn % 3 == 0 { 10 } else { dice.hour(0, 11) });
            let question = decide::Question {
                who: Who::Account(me.to_string()),
                action: asked.action.to_owned(),
                component: format!("c{}", asked.component),
                item: asked
                    .item
                    .map(|item| if item == "*" { item.to_owned() } else { format!("{mark}{item}") }),
                language: None,
                as_of: (now < 10).then(|| hour(now)),
                min_version: None,
            };
            let answer = decide::evaluate(&house.ports, None, &question).await.unwrap();
            let expected = verdict(book, &world, &asked, now);
            let found = judged(answer.decision, answer.narrowed);
            assert_eq!(
                found, expected,
                "seed {seed}, hour {now}: {asked:?} {}\n{world:#?}",
                answer.reason_admin
            );
            all.push((question, answer));
        }
    }
    // Asked all at once, of a house that remembers nothing yet, each has the answer that it had alone.
    let (questions, alone): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    let asked = questions.into_iter().map(Ok).collect();
    let together = decide::evaluate_all(&house.afresh(), None, asked, Semantic::ExecuteAll).await.unwrap();
    let together: Vec<_> = together.into_iter().map(|answer| answer.expect("an answer")).collect();
    assert_eq!(together, alone);
}

#[tokio::test]
async fn both_engines_say_what_a_person_with_a_pencil_says_also_of_the_past() {
    let (number, each) = (4, (worlds() / 1_000).div_ceil(4).max(1));
    for (place, (book, _)) in (0..).zip(books(number)) {
        on_each_engine(async |t| through_the_database(t, &book, place * each..(place + 1) * each).await)
            .await;
    }
}
