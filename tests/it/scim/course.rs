//! Makes up courses of provisioning: what a directory could ask, by chance, one thing after another.
//!
//! Invariant: what is asked depends on chance alone, never on an answer, so that two houses are asked the same.

use serde_json::{Value, json};

use super::{ENTERPRISE, patch};
use crate::chance::Dice;

const TEXTS: [&str; 5] = ["a", "Å", "kassör", "Ordförande", "b c"];

/// A request; `{name}` stands for the id of what was created under that name.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) directory: usize,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) if_match: Option<&'static str>,
    pub(super) body: Value,
    /// The name of what it creates.
    pub(super) creates: Option<String>,
}

/// Makes up one course.
pub(super) struct Course<'d> {
    pub(super) dice: &'d mut Dice,
    pub(super) number: u64,
    pub(super) made: Vec<(usize, &'static str, String)>,
}

impl Course<'_> {
    fn text(&mut self) -> &'static str {
        TEXTS[self.dice.index(TEXTS.len())]
    }

    /// One of a few ids, so that courses meet themselves.
    fn external(&mut self) -> String {
        format!("e{}-{}", self.number, self.dice.roll(9))
    }

    fn user_name(&mut self) -> String {
        let name = format!("p{}-{}@x.se", self.number, self.dice.roll(9));
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

    pub(super) fn ask(&mut self, bulk: bool) -> Ask {
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
        let if_match =
            self.dice.once_in(4).then(|| *self.dice.of(&["W/\"1\"", "W/\"1\", W/\"2\"", "*", "W/\"99\""]));
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
