//! An organisation through the years: people join, change, go quiet, rest, leave and come back, while mail, CRM and nodes
//! fail. Everything goes through the real flows; only time and chance are made.
//!
//! Invariant: the same seed gives the same lives. `PORTVAKT_SIMULATION=DAYS,PEOPLE,SEED` makes it longer: ten years of
//! five hundred are `3650,500,1`.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use jiff::{SignedDuration, Timestamp};
use portvakt::domain::account::{Status, StatusReason};
use portvakt::domain::actor::Actor;
use portvakt::domain::ids::{AccountId, SessionId, TargetId};
use portvakt::flows::people::{self, LeaveWish};
use portvakt::flows::{Clock, Ports, deliver, lead, lifecycle};
use portvakt::store::session::Session;
use portvakt::store::{identity, notice, outbox, session, standing};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use super::{SETTINGS, USERS, World};
use crate::engines::{change, look, on_each_engine};
use crate::house::POLICY;
use crate::practice_crm::{Mood, PracticeCrm};

/// Chance that can be repeated (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

/// What is known of a person without asking the daemon.
struct Person {
    name: String,
    id: AccountId,
    is_present: bool,
    /// Signs in never until this day.
    quiet_until: Timestamp,
    last_seen: Option<Timestamp>,
    leave: Option<(Timestamp, Timestamp)>,
}

/// A mail server that takes every letter, or none.
struct FailingPost {
    port: u16,
    fails: Arc<AtomicBool>,
}

impl FailingPost {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fails = Arc::new(AtomicBool::new(false));
        let is_failing = Arc::clone(&fails);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(converse(socket, Arc::clone(&is_failing)));
            }
        });
        Self { port, fails }
    }
}

async fn converse(socket: TcpStream, fails: Arc<AtomicBool>) {
    let (reading, mut writing) = socket.into_split();
    let mut lines = BufReader::new(reading).lines();
    let mut is_letter = false;
    drop(writing.write_all(b"220 test\r\n").await);
    while let Ok(Some(line)) = lines.next_line().await {
        let answer: &[u8] = match (is_letter, line.as_str()) {
            (true, ".") => {
                is_letter = false;
                b"250 taken\r\n"
            }
            (true, _) => continue,
            (false, "DATA") => {
                is_letter = true;
                b"354 go on\r\n"
            }
            (false, line) if line.starts_with("RCPT") && fails.load(Ordering::Relaxed) => b"451 later\r\n",
            (false, _) => b"250 ok\r\n",
        };
        drop(writing.write_all(answer).await);
    }
}

struct Life<'a> {
    w: World<'a>,
    dice: Dice,
    people: Vec<Person>,
    crm: PracticeCrm,
    mail: FailingPost,
    is_crm_up: bool,
    crashes: usize,
    frozen: usize,
}

fn days(count: u64) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::try_from(count).unwrap())
}

fn crm() -> TargetId {
    TargetId::parse("crm").unwrap()
}

impl<'a> Life<'a> {
    async fn begin(t: &'a crate::engines::TestDb, seed: u64) -> Self {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mail = FailingPost::open().await;
        let settings = SETTINGS
            .replace("http://127.0.0.1:9/hook", &format!("http://{}/hook", socket.local_addr().unwrap()));
        let settings = format!(
            "{settings}[mail]\nsmtp = \"smtp://127.0.0.1:{}\"\nfrom = \"Portvakt <p@forening.example>\"\n",
            mail.port
        );
        let policy = POLICY
            .replace("inactive_after = \"90d\"", "inactive_after = \"30d\"\nnotify_before = [\"7d\", \"1d\"]")
            .replace("never_signed_in_after = \"30d\"", "never_signed_in_after = \"20d\"")
            .replace("freeze_for = \"14d\"", "freeze_for = \"7d\"")
            .replace("max_accounts = 3\nmax_percent = 10", "max_accounts = 1000\nmax_percent = 100");
        let w = World::with(t, &settings, &policy).await;
        let crm = PracticeCrm::on(socket, &w.house.clock).await;
        w.board(&["anna", "beda"]).await;
        w.arrives("brandlucka").await;
        Self { w, dice: Dice(seed), people: Vec::new(), crm, mail, is_crm_up: true, crashes: 0, frozen: 0 }
    }

    async fn joins(&mut self) {
        let name = format!("person{:03}", self.people.len());
        let (id, now) = (self.w.arrives(&name).await, self.w.now());
        self.people.push(Person {
            name,
            id,
            is_present: true,
            quiet_until: now,
            last_seen: None,
            leave: None,
        });
    }

    /// What happens to one person today.
    async fn lives(&mut self, number: usize) {
        let now = self.w.now();
        let (leaves, returns, quiet, leave, renamed) = (
            self.dice.one_in(250),
            self.dice.one_in(30),
            self.dice.one_in(60),
            self.dice.one_in(150),
            self.dice.one_in(90),
        );
        let (signs_in, length) = (self.dice.one_in(4), 20 + self.dice.roll(60));
        let person = &mut self.people[number];
        let name = person.name.clone();
        if person.is_present && leaves || !person.is_present && returns {
            person.is_present = !person.is_present;
            let is_present = person.is_present;
            self.w.directory_says(&name, is_present).await;
            return;
        }
        if !person.is_present {
            return;
        }
        if renamed {
            let path = format!("{USERS}/{}", self.w.scim_id(&name).await);
            let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{ "op": "replace", "path": "title", "value": format!("since {now}") }] });
            assert!(self.w.house.send("PATCH", &path, &self.w.token, &body).await.status.is_success());
        }
        let status = self.w.get(self.people[number].id).await.standing.status;
        let person = &mut self.people[number];
        if quiet {
            person.quiet_until = now + days(length);
        }
        if leave && person.leave.is_none() && status == Status::Active {
            let (from, until) = (now, now + days(length));
            person.leave = Some((from, until));
            let wish = LeaveWish::new(from, until, "Karin Ek");
            people::grant_leave(self.w.ports(), &self.w.act(), &person.id.to_string(), wish).await.unwrap();
            return;
        }
        if person.leave.is_some_and(|(_, until)| until <= now) {
            person.leave = None;
        }
        if signs_in && status == Status::Active && person.quiet_until <= now {
            person.last_seen = Some(now);
            let id = person.id;
            self.w.signs_in(id).await;
            self.session(id).await;
        }
    }

    async fn session(&self, id: AccountId) {
        let of = look!(self.w.t, c => identity::of_account(c, id)).remove(0);
        let (sid, now) = (SessionId::new(Uuid::now_v7()), self.w.now());
        let open = Session {
            id: sid,
            account: id,
            identity: of.id,
            directory: of.directory,
            provider_session: None,
            acr: None,
            amr: None,
            authenticated_at: None,
            created_at: now,
            last_used_at: now,
            expires_at: now + days(400),
            ended_at: None,
        };
        let hash = sid.uuid().into_bytes();
        change!(self.w.t, [open] c => session::begin(c, &open, &hash).await).unwrap();
    }

    /// The night's run, on a node of its own that may be killed after a few steps; another finishes what it left.
    async fn night(&mut self) {
        if self.dice.one_in(12) {
            let node = self.node();
            let act = node.act(Actor::Job("lifecycle".to_owned()), "schedule");
            let mut turns = 1 + self.dice.roll(40);
            let mut run = pin!(lifecycle::apply(&node, &act, None));
            std::future::poll_fn(|context| match run.as_mut().poll(context) {
                Poll::Ready(_) => Poll::Ready(()),
                Poll::Pending if turns == 0 => Poll::Ready(()),
                Poll::Pending => {
                    turns -= 1;
                    Poll::Pending
                }
            })
            .await;
            self.crashes += 1;
            // The lease of the dead runs out.
            self.w.house.clock.advance(SignedDuration::from_mins(10));
        }
        let node = self.node();
        let act = node.act(Actor::Job("lifecycle".to_owned()), "schedule");
        lifecycle::follow_dates(&node, &act).await.unwrap();
        lifecycle::apply(&node, &act, None).await.unwrap();
        self.deliver(&node).await;
    }

    fn node(&self) -> Arc<Ports> {
        let ports = self.w.ports();
        let clock: Arc<dyn Clock> = Arc::clone(&ports.clock);
        Arc::new(Ports::new(ports.db.clone(), clock, Arc::clone(&ports.settings)).unwrap())
    }

    async fn deliver(&mut self, node: &Ports) {
        for _ in 0..50 {
            let fence = lead::take(node, "deliver:crm").await.unwrap().expect("nobody else has the job");
            let round = deliver::due(node, &crm(), &fence).await.unwrap();
            lead::give_back(node, &fence, "done", true).await.unwrap();
            if round.tried() == 0 || !self.is_crm_up {
                break;
            }
        }
        drop(self.crm.heard());
    }

    /// Every status follows the one before, and nobody was frozen whose notices had not gone out in time. Gives how
    /// often the account was frozen for being quiet.
    async fn history_is_sound(&self, id: AccountId, who: &str) -> usize {
        let t = self.w.t;
        let history = look!(t, c => standing::history(c, id));
        for pair in history.windows(2) {
            assert_eq!(pair[0].until, Some(pair[1].standing.since), "{who}: the intervals do not meet");
        }
        assert_eq!(history.last().map(|last| last.until), Some(None), "{who}");
        let is_quiet = |past: &&standing::Past| {
            past.standing.status == Status::Frozen && past.standing.reason == StatusReason::Inactive
        };
        let freezes: Vec<_> = history.iter().filter(is_quiet).collect();
        let sent = look!(t, c => notice::of_account(c, id));
        for past in &freezes {
            for lead in [7, 1] {
                let had_its_time = |one: &notice::Notice| {
                    one.days_before == lead
                        && one.sent_at + days(u64::try_from(lead).unwrap()) <= past.standing.since
                        && one.sent_at >= one.idle_since + days(20)
                };
                assert!(
                    sent.iter().any(had_its_time),
                    "{who} was frozen without the notice {lead} days before"
                );
            }
        }
        freezes.len()
    }

    /// What must be true each morning.
    async fn holds(&mut self, seed: u64, day: u64) {
        let at = format!("seed {seed}, day {day}");
        let (t, now) = (self.w.t, self.w.now());
        assert_eq!(
            self.w.state(self.w.of_name("brandlucka").await.id).await.0,
            Status::Active,
            "{at}: protected"
        );
        let backlog = look!(t, c => outbox::backlog(c, &crm()));
        let waits = backlog.waiting + backlog.dead > 0;
        let mut frozen = 0;
        for person in &self.people {
            let (id, name) = (person.id, &person.name);
            let account = self.w.get(id).await;
            let status = account.standing.status;
            let is_closed = matches!(status, Status::Frozen | Status::Deactivated | Status::Removed);
            assert!(person.is_present || is_closed, "{at}: {name} has left and is {status}");
            if person.is_present && person.leave.is_some_and(|(from, until)| from <= now && now < until) {
                assert!(!is_closed, "{at}: {name} is on leave and {status}");
            }
            if is_closed || status == Status::Paused {
                assert!(
                    look!(t, c => session::open_of(c, id)).is_empty(),
                    "{at}: {name} is {status} and has a session"
                );
            }
            frozen += self.history_is_sound(id, &format!("{at}: {name}")).await;
            if status == Status::Frozen && account.standing.since + days(1) >= now {
                let fresh =
                    [person.last_seen, account.returned_at, account.activated_at].into_iter().flatten().max();
                assert!(
                    fresh.is_none_or(
                        |seen| seen + days(if person.last_seen.is_some() { 30 } else { 20 }) <= now
                    ),
                    "{at}: {name} was seen or came back at {fresh:?}"
                );
            }
            if !waits {
                let told = look!(t, c => outbox::delivered(c, &crm(), id));
                let told = told.map(|(version, ..)| version);
                assert_eq!(told, Some(account.version), "{at}: the CRM and {name}");
            }
        }
        self.frozen = self.frozen.max(frozen);
    }

    async fn day(&mut self, most: usize) {
        self.w.pass_days(1);
        for name in ["anna", "beda", "brandlucka"] {
            let id = self.w.of_name(name).await.id;
            self.w.signs_in(id).await;
        }
        if self.people.len() < most && self.dice.one_in(3) || self.people.len() < most / 2 {
            self.joins().await;
        }
        for number in 0..self.people.len() {
            self.lives(number).await;
        }
        if self.dice.one_in(10) {
            self.is_crm_up = !self.is_crm_up;
            self.crm.is_now(if self.is_crm_up { Mood::Takes } else { Mood::Answers(503) });
        }
        if self.dice.one_in(10) {
            self.mail.fails.fetch_xor(true, Ordering::Relaxed);
        }
        self.night().await;
    }
}

/// Days, people, seed.
fn size() -> (u64, usize, u64) {
    let Ok(wanted) = std::env::var("PORTVAKT_SIMULATION") else { return (100, 9, 1) };
    let mut numbers = wanted.split(',').map(|number| number.trim().parse::<u64>().expect("DAYS,PEOPLE,SEED"));
    let mut next = || numbers.next().expect("DAYS,PEOPLE,SEED");
    (next(), usize::try_from(next()).unwrap(), next())
}

#[tokio::test]
async fn through_the_years_nobody_loses_access_by_accident_and_nobody_keeps_it() {
    let (length, most, seed) = size();
    on_each_engine(async |t| {
        let mut life = Life::begin(t, seed).await;
        for day in 0..length {
            life.day(most).await;
            life.holds(seed, day).await;
        }
        assert!(
            life.crashes > 0 && life.frozen > 0,
            "{} crashes, {} frozen: nothing was tried",
            life.crashes,
            life.frozen
        );
    })
    .await;
}
