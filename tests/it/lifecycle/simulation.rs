//! An organisation through the years: people join, change groups, go quiet, rest, leave and come back, while the
//! directory, the CRM and its log, mail and nodes fail. Everything goes through the real flows; only time and chance are
//! made.
//!
//! Invariant: the same seed gives the same lives. `PORTVAKT_SIMULATION=DAYS,PEOPLE,SEED` makes it longer: ten years of
//! five hundred are `3650,500,1`.

mod morning;

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use jiff::{SignedDuration, Timestamp};
use portvakt::domain::account::Status;
use portvakt::domain::actor::Actor;
use portvakt::domain::ids::{AccountId, SessionId, TargetId};
use portvakt::flows::people::{self, LeaveWish};
use portvakt::flows::{Clock, Ports, deliver, lead, lifecycle};
use portvakt::store::session::Session;
use portvakt::store::{identity, session};
use serde_json::json;
use uuid::Uuid;

use super::{SETTINGS, World};
use crate::chance::Dice;
use crate::engines::{change, look, on_each_engine};
use crate::house::POLICY;
use crate::mail_server::MailServer;
use crate::practice_crm::{Mood, PracticeCrm};

/// What is known of a person without asking the daemon.
struct Person {
    name: String,
    id: AccountId,
    is_present: bool,
    is_helper: bool,
    /// Signs in never until this day.
    quiet_until: Timestamp,
    last_seen: Option<Timestamp>,
    leave: Option<(Timestamp, Timestamp)>,
}

/// What the CRM has seen, and whether it says so.
struct CrmLog {
    token: String,
    is_silent: bool,
    told_at: Timestamp,
    untold: Vec<usize>,
}

struct Life<'a> {
    w: World<'a>,
    dice: Dice,
    people: Vec<Person>,
    crm: PracticeCrm,
    mail: MailServer,
    is_mail_up: bool,
    is_directory_up: bool,
    is_crm_up: bool,
    log: CrmLog,
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
        let mail = MailServer::start().await;
        let settings = SETTINGS
            .replace("http://127.0.0.1:9/hook", &format!("http://{}/hook", socket.local_addr().unwrap()));
        let settings = format!("{settings}{}", mail.settings());
        let policy = POLICY
            .replace("inactive_after = \"90d\"", "inactive_after = \"30d\"\nnotify_before = [\"7d\", \"1d\"]")
            .replace("never_signed_in_after = \"30d\"", "never_signed_in_after = \"20d\"")
            .replace("freeze_for = \"14d\"", "freeze_for = \"7d\"")
            .replace("max_accounts = 3\nmax_percent = 10", "max_accounts = 1000\nmax_percent = 100");
        let w = World::with(t, &settings, &policy).await;
        let crm = PracticeCrm::on(socket, &w.house.clock).await;
        w.board(&["anna", "beda"]).await;
        w.arrives("brandlucka").await;
        w.group("group-helpers", "Hjälparna", &[""; 0]).await;
        let log = CrmLog {
            token: w.house.target_token("crm").await,
            is_silent: false,
            told_at: w.now(),
            untold: Vec::new(),
        };
        Self {
            w,
            dice: Dice::new(seed),
            people: Vec::new(),
            crm,
            mail,
            is_mail_up: true,
            is_directory_up: true,
            is_crm_up: true,
            log,
            crashes: 0,
            frozen: 0,
        }
    }

    async fn joins(&mut self) {
        let name = format!("person{:03}", self.people.len());
        let (id, now) = (self.w.arrives(&name).await, self.w.now());
        self.people.push(Person {
            name,
            id,
            is_present: true,
            is_helper: false,
            quiet_until: now,
            last_seen: None,
            leave: None,
        });
    }

    /// What happens to one person today.
    async fn lives(&mut self, number: usize) {
        if self.is_directory_up && self.changes(number).await || !self.people[number].is_present {
            return;
        }
        let (quiet, leave, signs_in) = (self.dice.once_in(60), self.dice.once_in(150), self.dice.once_in(4));
        let (length, in_crm) = (20 + self.dice.roll(60), self.dice.once_in(3));
        let now = self.w.now();
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
            if in_crm {
                self.log.untold.push(number);
            } else {
                person.last_seen = Some(now);
                let id = person.id;
                self.w.signs_in(id).await;
                self.session(id).await;
            }
        }
    }

    /// What the directory says of one person today. Gives whether that is all of the day.
    async fn changes(&mut self, number: usize) -> bool {
        let (leaves, returns, renamed, moves) =
            (self.dice.once_in(250), self.dice.once_in(30), self.dice.once_in(90), self.dice.once_in(120));
        let now = self.w.now();
        let person = &mut self.people[number];
        let name = person.name.clone();
        if person.is_present && leaves || !person.is_present && returns {
            person.is_present = !person.is_present;
            let is_present = person.is_present;
            self.w.directory_says(&name, is_present).await;
            return true;
        }
        if moves {
            person.is_helper = !person.is_helper;
            let is_helper = person.is_helper;
            self.w.membership("group-helpers", &name, is_helper).await;
        }
        if renamed {
            let title = format!("since {now}");
            self.w.says(&name, json!([{ "op": "replace", "path": "title", "value": title }])).await;
        }
        false
    }

    /// The CRM tells whom it has seen, unless its log is broken; then it tells later, under the day it tells.
    async fn crm_tells(&mut self) {
        if self.log.is_silent {
            return;
        }
        let now = self.w.now();
        let mut rows = Vec::new();
        for number in std::mem::take(&mut self.log.untold) {
            let person = &mut self.people[number];
            person.last_seen = Some(now);
            rows.push(json!({ "account": person.id, "at": now }));
        }
        let answer = self.w.house.send("POST", "/api/v1/sign-ins", &self.log.token, &json!(rows)).await;
        assert!(answer.status.is_success(), "{}", answer.body);
        self.log.told_at = now;
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
        if self.dice.once_in(12) {
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

    async fn day(&mut self, most: usize) {
        self.w.pass_days(1);
        for name in ["anna", "beda", "brandlucka"] {
            let id = self.w.of_name(name).await.id;
            self.w.signs_in(id).await;
        }
        if self.people.len() < most && self.dice.once_in(3) || self.people.len() < most / 2 {
            self.joins().await;
        }
        for number in 0..self.people.len() {
            self.lives(number).await;
        }
        if self.dice.once_in(10) {
            self.is_crm_up = !self.is_crm_up;
            self.crm.is_now(if self.is_crm_up { Mood::Takes } else { Mood::Answers(503) });
        }
        if self.dice.once_in(10) {
            self.is_mail_up = !self.is_mail_up;
            self.mail.set_busy(!self.is_mail_up);
        }
        drop(self.mail.letters());
        if self.dice.once_in(10) {
            self.is_directory_up = !self.is_directory_up;
        }
        if self.dice.once_in(15) {
            self.log.is_silent = !self.log.is_silent;
        }
        self.crm_tells().await;
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
