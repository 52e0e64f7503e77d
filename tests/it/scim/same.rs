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

use super::chance::{Dice, TellsSeed, seed, times};
use super::{ENTERPRISE, patch};
use crate::engines::{TestDb, look};
use crate::house::{TestHouse, at};

const DIRECTORIES: [&str; 2] = ["entra", "okta"];

/// A request; `{name}` stands for the id of what was created under that name.
#[derive(Debug, Clone)]
struct Ask {
    directory: usize,
    method: &'static str,
    path: String,
    if_match: Option<&'static str>,
    body: Value,
    /// The name of what it creates.
    creates: Option<String>,
}

/// Makes up one course.
struct Course<'d> {
    dice: &'d mut Dice,
    number: u64,
    made: Vec<(usize, &'static str, String)>,
}

impl Course<'_> {
    fn text(&mut self) -> &'static str {
        *self.dice.of(&["a", "Å", "kassör", "Ordförande", "b c"])
    }

    /// One of a few ids, so that courses meet themselves.
    fn external(&mut self) -> String {
        format!("e{}-{}", self.number, self.dice.roll(4))
    }

    fn user_name(&mut self) -> String {
        let name = format!("p{}-{}@x.se", self.number, self.dice.roll(4));
        if self.dice.once_in(3) { name.to_uppercase() } else { name }
    }

    /// The name of something that was created, or of nothing.
    fn known(&mut self, directory: usize, kind: &str) -> String {
        let all: Vec<&String> = self
            .made
            .iter()
            .filter(|(own, of, _)| *own == directory && *of == kind)
            .map(|(_, _, name)| name)
            .collect();
        if all.is_empty() || self.dice.once_in(12) {
            return "nobody".to_owned();
        }
        format!("{{{}}}", self.dice.of(&all))
    }

    fn person(&mut self) -> Value {
        let mut made = json!({ "userName": self.user_name() });
        if !self.dice.once_in(4) {
            made["externalId"] = json!(self.external());
        }
        if self.dice.once_in(2) {
            made["active"] = self
                .dice
                .of(&[json!(true), json!(false), json!("True"), json!("banana"), Value::Null])
                .clone();
        }
        if self.dice.once_in(2) {
            made["displayName"] = json!(self.text());
            made[ENTERPRISE] = json!({ "department": self.text() });
        }
        if self.dice.once_in(3) {
            made["emails"] = json!([{ "value": format!("{}@x", self.dice.roll(3)), "type": "work" }]);
            made["password"] = json!("secret");
            made["urn:example:own"] = json!({ "b": 1, "a": [1.5, null, { "z": 1e3, "Å": -0.0 }] });
        }
        made
    }

    fn members(&mut self, directory: usize) -> Value {
        let mut all = Vec::new();
        for _ in 0..self.dice.roll(4) {
            let value = match self.dice.roll(5) {
                0 => self.external(),
                // Somebody of the other directory.
                1 => self.known(1 - directory, "Users"),
                _ => self.known(directory, "Users"),
            };
            all.push(json!({ "value": value }));
        }
        json!(all)
    }

    fn group(&mut self, directory: usize) -> Value {
        let name = *self.dice.of(&["Nyhetsbrevet", "group-board", "lag", "Å"]);
        let mut made = json!({ "displayName": name });
        match self.dice.roll(6) {
            0 => made["externalId"] = json!("group-board"),
            1 | 2 => made["externalId"] = json!("group-helpers"),
            3 => made["externalId"] = json!(self.external()),
            _ => {}
        }
        if !self.dice.once_in(4) {
            made["members"] = self.members(directory);
        }
        made
    }

    fn user_patch(&mut self) -> Value {
        let mut all = Vec::new();
        for _ in 0..=self.dice.roll(2) {
            let text = self.text();
            all.push(match self.dice.roll(10) {
                0 => json!({ "op": "Replace", "path": "active", "value": self.dice.of(&["True", "False", "false"]) }),
                1 => json!({ "op": "replace", "value": { "active": self.dice.once_in(2) } }),
                2 => json!({ "op": "replace", "path": "userName", "value": self.user_name() }),
                3 => json!({ "op": "Add", "path": "externalId", "value": self.external() }),
                4 => json!({ "op": "Add", "path": "emails[type eq \"work\"].value", "value": format!("{text}@x") }),
                5 => json!({ "op": "remove", "path": self.dice.of(&["displayName", "externalId", "active", "emails[type eq \"work\"]"]) }),
                6 => json!({ "op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": text }),
                7 => json!({ "op": "add", "path": "urn:example:own:x", "value": { "y": text } }),
                8 => json!({ "op": "replace", "path": self.dice.of(&["nonsense", "id", "emails[value eq \"q\"].type"]), "value": text }),
                _ => json!({ "op": "add", "path": "title", "value": text }),
            });
        }
        patch(&json!(all))
    }

    fn group_patch(&mut self, directory: usize) -> Value {
        let mut all = Vec::new();
        for _ in 0..=self.dice.roll(2) {
            let one = self.known(directory, "Users");
            let members = self.members(directory);
            let filtered = format!("members[value eq \"{one}\"]");
            all.push(match self.dice.roll(10) {
                0..=2 => json!({ "op": "Add", "path": "members", "value": members }),
                3 => json!({ "op": "Remove", "path": "members", "value": members }),
                4 => json!({ "op": "remove", "path": filtered }),
                5 => json!({ "op": "replace", "path": "members", "value": members }),
                6 => json!({ "op": "replace", "path": filtered, "value": { "value": self.known(directory, "Users") } }),
                7 => json!({ "op": "replace", "value": { "displayName": self.text() } }),
                8 => json!({ "op": "replace", "path": "externalId", "value": self.dice.of(&["group-board", "group-helpers", "x"]) }),
                _ => json!({ "op": "remove", "path": "members" }),
            });
        }
        patch(&json!(all))
    }

    fn ask(&mut self, bulk: bool) -> Ask {
        let directory = self.dice.index(2);
        let name = format!("s{}n{}", self.number, self.made.len());
        let kind = if self.dice.once_in(2) { "Users" } else { "Groups" };
        // A resource is created before the rest can be done to it.
        let (method, body) = match (kind, self.dice.roll(if self.made.len() < 2 { 2 } else { 9 })) {
            ("Users", 0 | 1) => ("POST", self.person()),
            (_, 0 | 1) => ("POST", self.group(directory)),
            ("Users", 2 | 3) => ("PUT", self.person()),
            (_, 2 | 3) => ("PUT", self.group(directory)),
            (_, 4) => ("DELETE", Value::Null),
            (_, 5) if bulk => return self.bulk(directory),
            ("Users", _) => ("PATCH", self.user_patch()),
            (_, _) => ("PATCH", self.group_patch(directory)),
        };
        if method == "POST" {
            self.made.push((directory, kind, name.clone()));
            return Ask {
                directory,
                method,
                path: format!("/{kind}"),
                if_match: None,
                body,
                creates: Some(name),
            };
        }
        let path = format!("/{kind}/{}", self.known(directory, kind));
        let if_match = self.dice.once_in(6).then(|| *self.dice.of(&["W/\"1\"", "W/\"1\", W/\"2\"", "*"]));
        Ask { directory, method, path, if_match, body, creates: None }
    }

    fn bulk(&mut self, directory: usize) -> Ask {
        let mut operations = Vec::new();
        for number in 0..=self.dice.roll(3) {
            let mut one = self.ask(false);
            one.directory = directory;
            // What it creates is known only by the answer, so that nothing later refers to it.
            if one.creates.is_some() {
                self.made.pop();
            }
            operations.push(json!({ "method": one.method, "path": one.path, "bulkId": format!("b{number}"), "data": one.body }));
        }
        let mut body = json!({ "Operations": operations });
        if self.dice.once_in(3) {
            body["failOnErrors"] = json!(1);
        }
        Ask { directory, method: "POST", path: "/Bulk".into(), if_match: None, body, creates: None }
    }
}

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
    async fn left(&mut self) -> String {
        let mut told = Vec::new();
        for (directory, token) in DIRECTORIES.iter().zip(&self.tokens) {
            for endpoint in ["Users", "Groups"] {
                let path = format!("/scim/v2/{directory}/{endpoint}?count=1000");
                let answer = self.house.send("GET", &path, token, &Value::Null).await;
                told.push(json!([answer.status.as_u16(), answer.body]));
            }
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
        let backlog = look!(self.t, c => outbox::backlog(c));
        self.plain(&json!([told, format!("{backlog:?}")]))
    }

    /// The value as text, keys in one order, and each id as the number of its first appearance.
    fn plain(&mut self, value: &Value) -> String {
        let text = sorted(value).to_string();
        let (mut plain, mut rest) = (String::with_capacity(text.len()), text.as_str());
        while let Some(first) = rest.chars().next() {
            let id = rest.get(..36).filter(|part| uuid::Uuid::try_parse(part).is_ok());
            match id {
                Some(id) => {
                    let next = self.seen.len();
                    let number = *self.seen.entry(id.to_owned()).or_insert(next);
                    write!(plain, "#{number}").expect("a text takes everything");
                    rest = &rest[36..];
                }
                None => {
                    plain.push(first);
                    rest = &rest[first.len_utf8()..];
                }
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

#[tokio::test]
async fn a_thousand_courses_of_provisioning_leave_both_engines_alike() {
    let Some(postgres) = TestDb::postgres().await else { return };
    let sqlite = TestDb::sqlite().await;
    let (seed, courses) = (seed(), times("PORTVAKT_TEST_SEQUENCES", 1000));
    let tells = TellsSeed(seed);
    let (mut one, mut other) = (Side::new(&sqlite).await, Side::new(&postgres).await);
    let mut answered: HashMap<String, u64> = HashMap::new();
    for number in 0..courses {
        let mut dice = Dice::new(seed.wrapping_add(number));
        let mut course = Course { dice: &mut dice, number, made: Vec::new() };
        let mut asked = Vec::new();
        for _ in 0..4 + course.dice.roll(4) {
            let ask = course.ask(true);
            let (by_one, by_other) = tokio::join!(one.ask(&ask), other.ask(&ask));
            *answered.entry(format!("{} {}", ask.method, &by_one[1..4])).or_default() += 1;
            asked.push(format!("{ask:?}"));
            assert_eq!(by_one, by_other, "course {number}:\n{}", asked.join("\n"));
        }
        // What is left goes, so that the next course has room; the tombstones stay.
        for (directory, kind, name) in std::mem::take(&mut course.made) {
            if one.ids.contains_key(&name) && !course.dice.once_in(60) {
                let path = format!("/{kind}/{{{name}}}");
                let ask = Ask {
                    directory,
                    method: "DELETE",
                    path,
                    if_match: None,
                    body: Value::Null,
                    creates: None,
                };
                asked.push(format!("{ask:?}"));
                let (by_one, by_other) = tokio::join!(one.ask(&ask), other.ask(&ask));
                assert_eq!(by_one, by_other, "course {number}:\n{}", asked.join("\n"));
            }
        }
        let (by_one, by_other) = tokio::join!(one.left(), other.left());
        assert_eq!(by_one, by_other, "course {number}:\n{}", asked.join("\n"));
        one.ids.clear();
        other.ids.clear();
    }
    let (by_one, by_other) = tokio::join!(one.waiting(), other.waiting());
    assert_eq!(by_one, by_other);
    for wanted in [
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
    ] {
        assert!(courses < 1000 || answered.contains_key(wanted), "{wanted} was never answered: {answered:?}");
    }
    drop(tells);
    sqlite.db.close().await;
    postgres.db.close().await;
}
