//! A thousand courses of provisioning by chance, on two houses at once: one keeps to SQLite, one to PostgreSQL.
//!
//! Invariant: every answer is the same, and so is what is left: documents, members, grants, statuses, versions, what
//! the CRMs are to be told, and the audit. Ids and the order of keys aside, which are each house's own.

use std::collections::HashMap;
use std::fmt::Write as _;

use jiff::SignedDuration;
use portvakt::domain::ids::TargetId;
use portvakt::store::{account, audit, entitlement, outbox};
use serde_json::{Map, Value, json};

use super::course::{Ask, Course};
use crate::chance::{Dice, TellsSeed, seed, times};
use crate::engines::{TestDb, look};
use crate::house::{TestHouse, at};

const DIRECTORIES: [&str; 2] = ["entra", "okta"];

/// One house, and the names of what it issued.
struct Side<'t> {
    t: &'t TestDb,
    house: TestHouse,
    tokens: Vec<String>,
    ids: HashMap<String, String>,
    /// Each id in the order in which it was first seen: the same on both sides.
    seen: HashMap<String, usize>,
    audited: i64,
}

impl<'t> Side<'t> {
    async fn new(t: &'t TestDb) -> Self {
        let house = TestHouse::new(t).await;
        let mut tokens = Vec::new();
        for directory in DIRECTORIES {
            tokens.push(house.directory_token(directory).await);
        }
        let audited = look!(t, c => audit::count(c));
        Self { t, house, tokens, ids: HashMap::new(), seen: HashMap::new(), audited }
    }

    /// Puts this house's ids in the place of names.
    fn filled(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, id) in &self.ids {
            text = text.replace(&format!("{{{name}}}"), id);
        }
        text
    }

    async fn ask(&mut self, ask: &Ask) -> String {
        let path = format!("/scim/v2/{}{}", DIRECTORIES[ask.directory], self.filled(&ask.path));
        // What could not be created has no id.
        let path = path.replace(['{', '}'], "");
        let body = self.filled(&ask.body.to_string());
        let mut request = axum::http::Request::builder().method(ask.method).uri(path);
        request = request.header("authorization", format!("Bearer {}", self.tokens[ask.directory]));
        request = request.header("content-type", "application/scim+json");
        if let Some(tag) = ask.if_match {
            request = request.header("if-match", tag);
        }
        let body = if ask.body.is_null() { String::new() } else { body };
        let answer = self.house.answer(request.body(body.into()).expect("a sound request")).await;
        self.house.clock.advance(SignedDuration::from_secs(1));
        if let (Some(name), Some(id)) = (&ask.creates, answer.body["id"].as_str()) {
            self.ids.insert(name.clone(), id.to_owned());
        }
        let tag = answer.headers.get("etag").map(|tag| tag.to_str().expect("a tag").to_owned());
        self.plain(&json!([answer.status.as_u16(), tag, answer.body]))
    }

    /// What is left, as text: who there is, what they hold, what the audit says of it.
    async fn left(&mut self, made: &[(usize, &'static str, String)]) -> String {
        let mut told = Vec::new();
        for (directory, kind, name) in made {
            let Some(id) = self.ids.get(name) else { continue };
            let path = format!("/scim/v2/{}/{kind}/{id}", DIRECTORIES[*directory]);
            let answer = self.house.send("GET", &path, &self.tokens[*directory], &Value::Null).await;
            told.push(json!([answer.status.as_u16(), answer.body]));
        }
        let count = look!(self.t, c => audit::count(c));
        let mut entries = look!(self.t, c => audit::newest(c, count - self.audited));
        self.audited = count;
        entries.reverse();
        for entry in &entries {
            told.push(json!([
                entry.at.to_string(),
                entry.actor,
                entry.cause,
                entry.action,
                entry.subject_kind,
                entry.subject_id,
                entry.before,
                entry.after
            ]));
        }
        let mut accounts: Vec<_> = entries
            .iter()
            .filter(|entry| entry.subject_kind == "account")
            .map(|entry| &entry.subject_id)
            .collect();
        accounts.dedup();
        for id in accounts {
            let id = portvakt::domain::ids::AccountId::parse(id).expect("an account");
            let account = look!(self.t, c => account::get(c, id)).expect("an account");
            let held = look!(self.t, c => entitlement::history(c, id));
            let mut held: Vec<String> = held
                .iter()
                .map(|grant| {
                    format!(
                        "{} {} {} {} {:?}",
                        grant.kind.name(),
                        grant.kind.value(),
                        grant.origin.reference(),
                        grant.since,
                        grant.until
                    )
                })
                .collect();
            held.sort();
            told.push(json!([format!("{account:?}"), held]));
        }
        self.plain(&json!(told))
    }

    /// What the CRM is still to be told, of everybody.
    async fn waiting(&mut self) -> String {
        let crm = TargetId::parse("crm").expect("a name");
        let rows = look!(self.t, c => outbox::due(c, &crm, at("2100-01-01T00:00:00Z"), 1_000_000));
        let mut told: Vec<Value> = rows
            .iter()
            .map(|row| {
                json!([
                    row.account,
                    row.version,
                    row.queued_at.to_string(),
                    row.due_at.to_string(),
                    row.attempts
                ])
            })
            .collect();
        told.sort_by_key(|row| row[0].as_str().map(str::to_owned));
        let backlog = look!(self.t, c => outbox::backlog(c, &TargetId::parse("crm").unwrap()));
        self.plain(&json!([told, format!("{backlog:?}")]))
    }

    /// The value as text, keys in one order, and each id as the number of its first appearance.
    fn plain(&mut self, value: &Value) -> String {
        let text = sorted(value).to_string();
        let (mut plain, mut rest) = (String::with_capacity(text.len()), text.as_str());
        while let Some(first) = rest.chars().next() {
            let id = rest.get(..36).filter(|part| uuid::Uuid::try_parse(part).is_ok());
            if let Some(id) = id {
                let next = self.seen.len();
                let number = *self.seen.entry(id.to_owned()).or_insert(next);
                write!(plain, "#{number}").expect("a text takes everything");
                rest = &rest[36..];
            } else {
                plain.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        plain
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(all) => all.iter().map(sorted).collect(),
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.iter().collect();
            pairs.sort_by_key(|(key, _)| *key);
            Value::Object(
                pairs.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect::<Map<_, _>>(),
            )
        }
        // An engine may write the same number in another way.
        Value::Number(number) => json!(number.as_f64().map(|number| number + 0.0)),
        other => other.clone(),
    }
}

/// One course: what was asked, and what came of it.
type Told = (Vec<String>, Vec<String>);

/// Goes through all courses on the house of `t`.
async fn gone_through(t: &TestDb, seed: u64, courses: u64) -> Vec<Told> {
    let mut side = Side::new(t).await;
    let mut all = Vec::new();
    for number in 0..courses {
        let mut dice = Dice::of_course(seed, number);
        let mut course = Course { dice: &mut dice, number, made: Vec::new() };
        let (mut asked, mut told) = (Vec::new(), Vec::new());
        for _ in 0..3 + course.dice.roll(4) {
            let ask = course.ask(true);
            told.push(side.ask(&ask).await);
            asked.push(format!("{ask:?}"));
        }
        told.push(side.left(&course.made).await);
        // Groups go, so that their external ids are free for the next course; the people stay.
        for (directory, kind, name) in &course.made {
            if *kind == "Groups" && side.ids.contains_key(name) && !course.dice.once_in(60) {
                let path = format!("/{kind}/{{{name}}}");
                let ask = Ask {
                    directory: *directory,
                    method: "DELETE",
                    path,
                    if_match: None,
                    body: Value::Null,
                    creates: None,
                };
                told.push(side.ask(&ask).await);
                asked.push(format!("{ask:?}"));
            }
        }
        side.ids.clear();
        all.push((asked, told));
    }
    all.push((vec!["what the CRM is to be told".to_owned()], vec![side.waiting().await]));
    t.db.close().await;
    all
}

/// Each house in a thread of its own, for the other's sake.
fn on_one_engine(is_postgres: bool, seed: u64, courses: u64) -> std::thread::JoinHandle<Option<Vec<Told>>> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let t = if is_postgres { TestDb::postgres().await? } else { TestDb::sqlite().await };
            Some(gone_through(&t, seed, courses).await)
        })
    })
}

#[test]
fn a_thousand_courses_of_provisioning_leave_both_engines_alike() {
    let (seed, courses) = (seed(), times("PORTVAKT_TEST_SEQUENCES", 1000));
    let _tells = TellsSeed(seed);
    let houses = [on_one_engine(true, seed, courses), on_one_engine(false, seed, courses)];
    let [postgres, sqlite] = houses.map(|house| house.join().expect("it goes through its courses"));
    let (Some(postgres), Some(sqlite)) = (postgres, sqlite) else { return };
    let mut answered: HashMap<String, u64> = HashMap::new();
    for (number, ((asked, by_sqlite), (_, by_postgres))) in sqlite.iter().zip(&postgres).enumerate() {
        for (one, other) in by_sqlite.iter().zip(by_postgres) {
            assert_eq!(one, other, "course {number}:\n{}", asked.join("\n"));
        }
        assert_eq!(by_sqlite.len(), by_postgres.len(), "course {number}");
        for (asked, told) in asked.iter().zip(by_sqlite) {
            let method =
                asked.split("method: \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
            *answered.entry(format!("{method} {}", told.get(1..4).unwrap_or_default())).or_default() += 1;
        }
    }
    let wanted = [
        "POST 201",
        "POST 409",
        "POST 200",
        "PUT 200",
        "PUT 404",
        "PATCH 200",
        "PATCH 204",
        "PATCH 400",
        "PATCH 412",
        "DELETE 204",
    ];
    for wanted in wanted {
        assert!(courses < 1000 || answered.contains_key(wanted), "{wanted} was never answered: {answered:?}");
    }
}
