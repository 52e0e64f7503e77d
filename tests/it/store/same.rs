//! Whatever is done in whatever order, both engines answer and remember the same.

use jiff::Timestamp;
use portvakt::domain::account::{Status, StatusReason};
use portvakt::domain::grant::{Holder, Link, LinkOrigin, Origin};
use portvakt::domain::ids::{AccountId, GrantId, GroupId, IdentityId, RoleId, RuleId};
use portvakt::domain::item_clock::Clocks;
use portvakt::domain::policy::EvidenceSource;
use portvakt::store::item::{self as items, Item};
use portvakt::store::{
    Conn, StoreError, account, entitlement, evidence, group, identity, lease, link, membership, outbox,
    policy, standing as statuses,
};
use uuid::Uuid;

use super::sample::{
    crm, entra, item, minute, new_account, new_grant, new_group, new_identity, okta, role, sector, standing,
};
use crate::chance::Dice;
use crate::engines::{TestDb, crm_id_of, last_seen};

/// Draws what an operation is about.
#[derive(Clone)]
struct Draw(Dice);

impl Draw {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0.roll(sides)
    }

    fn below(&mut self, sides: u64) -> i64 {
        i64::try_from(self.roll(sides)).unwrap()
    }

    /// One of eight ids of a kind: few enough that operations meet.
    fn id(&mut self, kind: u64) -> Uuid {
        Uuid::from_u64_pair(kind, self.roll(8))
    }

    fn account(&mut self) -> AccountId {
        AccountId::new(self.id(1))
    }

    fn identity(&mut self) -> IdentityId {
        IdentityId::new(self.id(2))
    }

    fn group(&mut self) -> GroupId {
        GroupId::new(self.id(3))
    }

    fn name(&mut self) -> &'static str {
        ["åsa", "Åsa", "bo", "BO", "ÖSTEN", "östen", "a-b", "a_b"][usize::try_from(self.roll(8)).unwrap()]
    }

    fn holder(&mut self) -> Holder {
        if self.roll(2) == 0 {
            Holder::Account(self.account())
        } else {
            Holder::Role(RoleId::parse("board").unwrap())
        }
    }
}

/// One operation by chance; what it answered, in words.
async fn people(c: &mut Conn, dice: &mut Draw, now: Timestamp) -> Result<String, StoreError> {
    let directory = if dice.roll(2) == 0 { entra() } else { okta() };
    Ok(match dice.roll(9) {
        0 => {
            let mut new = new_account(dice.name());
            new.id = dice.account();
            format!("{:?}", account::insert(c, &new).await?)
        }
        1 | 2 => {
            let (mut new, keys) = new_identity(dice.account(), &directory, dice.name(), Some(dice.name()));
            new.id = dice.identity();
            format!("{:?}", identity::insert(c, &new, &keys).await?)
        }
        3 => {
            let (mut new, keys) = new_identity(dice.account(), &directory, dice.name(), None);
            new.id = dice.identity();
            format!("{:?}", identity::update(c, &new, &keys, now).await?)
        }
        4 => format!("{:?}", identity::bury(c, dice.identity(), now).await?),
        5 => {
            let mut new = new_group(&directory, dice.name(), Some(dice.name()));
            new.id = dice.group();
            format!("{:?}", group::insert(c, &new, dice.name()).await?)
        }
        6 => format!("{:?}", group::pin_name(c, &directory, dice.name(), dice.group(), now).await?),
        7 => {
            let status = Status::ALL[usize::try_from(dice.roll(6)).unwrap()];
            let new = standing(status, StatusReason::Manual, now);
            format!("{:?}", statuses::change(c, dice.account(), &new).await?)
        }
        _ => format!("{:?}", account::set_crm_id(c, &crm(), dice.account(), dice.name()).await?),
    })
}

async fn rights(c: &mut Conn, dice: &mut Draw, now: Timestamp) -> Result<String, StoreError> {
    let (one, two) = (dice.identity(), dice.identity());
    Ok(match dice.roll(9) {
        0 | 1 => format!("{:?}", membership::join(c, dice.group(), &[one, two], now).await?),
        2 => format!("{:?}", membership::leave(c, dice.group(), &[one, two], now).await?),
        3 => {
            let values = [dice.name().to_owned(), dice.name().to_owned()];
            format!("{:?}", membership::await_members(c, dice.group(), &values, now).await?)
        }
        4 | 5 => {
            let origin =
                if dice.roll(2) == 0 { Origin::Manual } else { Origin::Rule(RuleId::parse("r").unwrap()) };
            let kind = if dice.roll(2) == 0 { role("board") } else { sector("mail") };
            let mut new = new_grant(kind, origin, now);
            new.id = GrantId::new(dice.id(4));
            format!("{:?}", entitlement::give(c, dice.account(), &new).await?)
        }
        6 => format!("{:?}", entitlement::end(c, GrantId::new(dice.id(4)), now).await?),
        7 => {
            let new = Link {
                id: GrantId::new(dice.id(5)),
                item: item("note", dice.name()),
                holder: dice.holder(),
                origin: LinkOrigin::Manual,
                by: "test".into(),
                why: None,
                since: now,
                ends_at: None,
                until: None,
            };
            format!("{:?}", link::give(c, &new).await?)
        }
        _ => format!("{:?}", link::end(c, GrantId::new(dice.id(5)), now).await?),
    })
}

async fn events(c: &mut Conn, dice: &mut Draw, now: Timestamp) -> Result<String, StoreError> {
    let (who, version) = (dice.account(), dice.below(20));
    Ok(match dice.roll(8) {
        0 => {
            let it = item("note", dice.name());
            let new = Item {
                item: it,
                creator: Some(who),
                project: None,
                created_at: now,
                deleted_at: None,
                clocks: Clocks::default(),
            };
            format!("{:?}", items::note(c, &new).await?)
        }
        1 => {
            let to = dice.holder();
            format!("{:?}", items::assign(c, &item("note", dice.name()), Some(&to), "test", now).await?)
        }
        2 | 3 => format!("{:?}", outbox::queue(c, &crm(), who, version, dice.roll(2) == 0, now).await?),
        4 => format!("{:?}", outbox::done(c, &crm(), who, version, "200", now).await?),
        5 => format!("{:?}", evidence::seen(c, who, EvidenceSource::Crm, minute(dice.below(600))).await?),
        6 => format!("{:?}", policy::append(c, dice.name(), "h", "test", now).await?),
        _ => format!("{:?}", lease::take(c, "job", dice.name(), now, minute(dice.below(600))).await?),
    })
}

/// One change of several operations; all of them or none.
async fn step(t: &TestDb, dice: &Draw, now: Timestamp) -> Result<Vec<String>, String> {
    let mut dice = dice.clone();
    let done = t.db.write::<_, StoreError, _>(move |c| {
        Box::pin(async move {
            let mut said = Vec::new();
            for _ in 0..=dice.roll(2) {
                said.push(match dice.roll(3) {
                    0 => people(c, &mut dice, now).await?,
                    1 => rights(c, &mut dice, now).await?,
                    _ => events(c, &mut dice, now).await?,
                });
            }
            Ok(said)
        })
    });
    // The engines word their refusals differently.
    done.await.map_err(|error| {
        if matches!(error, StoreError::Taken { .. }) { "taken" } else { "refused" }.to_owned()
    })
}

/// All that can be read, in words.
async fn contents(t: &TestDb, now: Timestamp) -> Vec<String> {
    let mut conn = t.db.snapshot().await.unwrap();
    let c = &mut conn;
    let mut all = Vec::new();
    macro_rules! tell {
        ($($told:expr),* $(,)?) => { $(all.push(format!("{:?}", $told.await.unwrap()));)* };
    }
    for number in 0..8 {
        let id = |kind| Uuid::from_u64_pair(kind, number);
        let (who, person, of) = (AccountId::new(id(1)), IdentityId::new(id(2)), GroupId::new(id(3)));
        tell!(
            account::get(c, who),
            crm_id_of(c, &crm(), who),
            statuses::history(c, who),
            statuses::at(c, who, minute(100)),
            identity::of_account(c, who),
            entitlement::history(c, who),
            entitlement::held(c, who),
            link::of_account(c, who),
            last_seen(c, who),
            evidence::latest_before(c, who, now),
            outbox::delivered(c, &crm(), who),
            membership::groups_of(c, person, None),
            membership::groups_of(c, person, Some(minute(100))),
            membership::members(c, of),
        );
    }
    for name in ["åsa", "bo", "östen", "a-b", "a_b", "Åsa", "BO", "ÖSTEN"] {
        let it = item("note", name);
        tell!(
            account::resolve(c, name, None),
            group::pinned(c, &entra(), name),
            items::get(c, &it),
            items::assignee(c, &it, None),
            link::of_item(c, &it, None),
            membership::awaiting(c, &entra(), &[name.to_owned()]),
        );
    }
    tell!(
        identity::page(c, &entra(), None, 100),
        group::page(c, &okta(), None, 100),
        statuses::taken_since(c, minute(100)),
        entitlement::active_holders(c, &role("board"), now, 99),
        outbox::due(c, &crm(), now, 100),
        outbox::backlog(c, &crm()),
        policy::current(c, Some(minute(100))),
    );
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_engines_answer_and_remember_the_same_whatever_is_done() {
    for seed in 1..=3 {
        let Some(postgres) = TestDb::postgres().await else { return };
        let sqlite = TestDb::sqlite().await;
        let mut dice = Draw(Dice::new(seed));
        let mut clock = 0;
        let mut stood = 0;
        for number in 0..300 {
            // Sometimes two changes happen at the same instant.
            clock += dice.below(3);
            let now = minute(clock);
            let (ours, theirs) = tokio::join!(step(&sqlite, &dice, now), step(&postgres, &dice, now));
            assert_eq!(ours, theirs, "change {number} of seed {seed}");
            stood += usize::from(ours.is_ok());
            dice.roll(2);
        }
        assert!(stood > 100, "only {stood} changes of seed {seed} were possible");
        let now = minute(clock);
        let (ours, theirs) = (contents(&sqlite, now).await, contents(&postgres, now).await);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "seed {seed}");
        }
    }
}
