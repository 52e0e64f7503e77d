//! A CRM's own API, described in one TOML file.
//!
//! Invariant: a description that was read has every operation it needs and no key that the operation does not take;
//! what is wrong is said with file, operation and key.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::document;
use super::templates::{Style, Templates};

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Description {
    /// Of the CRM, as people read it.
    pub(crate) name: String,
    /// Which API it follows, and which version.
    pub(crate) follows: String,
    /// Whether it was run against the real one.
    #[serde(default)]
    pub(crate) proven: bool,
    /// What the settings may fill in, with what holds where they do not; an empty text must be filled in.
    #[serde(default)]
    pub(crate) values: BTreeMap<String, String>,
    /// Sent with every request.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) sign_in: SignIn,
    #[serde(default)]
    pub(crate) answer: Answers,
    pub(crate) find: Operation,
    pub(crate) create: Operation,
    pub(crate) update: Operation,
    pub(crate) deactivate: Operation,
    /// Before `update`, where the CRM takes changes only of those who may sign in.
    pub(crate) activate: Option<Operation>,
    pub(crate) freeze: Option<Operation>,
    pub(crate) erase: Option<Operation>,
    pub(crate) roles: Option<Operation>,
    pub(crate) set_roles: Option<Operation>,
    pub(crate) list: Option<Operation>,
}

/// How requests prove who asks.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    pub(crate) kind: SignInKind,
    /// `header`: the name of the header that holds the secret.
    pub(crate) header: Option<String>,
    /// `oauth`: what to ask for.
    pub(crate) scope: Option<String>,
    /// `session`: what to keep of the answer, each under a name, by JSON pointer.
    #[serde(default)]
    pub(crate) keep: BTreeMap<String, String>,
    /// `session`: the headers of each request that follows.
    #[serde(default)]
    pub(crate) send: BTreeMap<String, String>,
    /// `oauth`, `session`: where it is asked.
    pub(crate) method: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) body: Option<String>,
    /// `session`: what says that it failed, whatever the status.
    pub(crate) error: Option<String>,
}

/// The ways to prove it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SignInKind {
    /// Not at all, or by what the requests themselves carry.
    None,
    /// User name and secret (RFC 7617).
    Basic,
    /// The secret as a bearer token (RFC 6750).
    Bearer,
    /// The secret in a header of its own.
    Header,
    /// A token by client credentials (RFC 6749 §4.4).
    Oauth,
    /// A session, by a request of its own.
    Session,
}

/// How answers are read, unless the operation says otherwise.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Answers {
    /// These statuses are a yes; without it every 2xx.
    pub(crate) done: Vec<u16>,
    /// These statuses mean that there is no such thing.
    pub(crate) absent: Vec<u16>,
    /// These statuses mean: not now.
    pub(crate) again: Vec<u16>,
    /// Where something stands here, it failed, whatever the status: a JSON pointer.
    pub(crate) error: Option<String>,
    /// An error that contains one of these texts means: not now.
    pub(crate) again_saying: Vec<String>,
}

/// One request, and how its answer is read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Operation {
    pub(crate) method: Option<String>,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<String>,
    pub(crate) form: BTreeMap<String, String>,
    pub(crate) form_json: BTreeMap<String, String>,
    /// The list in the answer; without it the answer itself is the one.
    pub(crate) items: Option<String>,
    /// The CRM's id, within an item (`create`: within the answer).
    pub(crate) id: Option<String>,
    /// The name, within an item.
    pub(crate) name: Option<String>,
    /// Whether it may sign in, within an item.
    pub(crate) active: Option<String>,
    /// `list`: our id of the account, within an item; likewise the three that follow.
    pub(crate) account: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) last_login: Option<String>,
    /// `list`: the roles, within an item: names, or ids where [`roles`](Description::roles) tells their names.
    pub(crate) roles: Option<String>,
    /// `list`: how many there are in all, within the answer.
    pub(crate) total: Option<String>,
    /// `list`: how many in a page.
    pub(crate) size: Option<usize>,
    /// `list`: the mark of the next page, within the answer.
    pub(crate) next: Option<String>,
    /// Otherwise than [`Answers`] says: these statuses are a yes.
    pub(crate) done: Option<Vec<u16>>,
    /// Likewise: there is no such thing.
    pub(crate) absent: Option<Vec<u16>>,
    /// Likewise: not now.
    pub(crate) again: Option<Vec<u16>>,
}

impl Description {
    /// Whether the CRM is told roles: by an operation of their own, or with the update.
    pub(crate) fn tells_roles(&self) -> bool {
        let Operation { body, form, form_json, .. } = &self.update;
        let mut texts = body.iter().chain(form.values()).chain(form_json.values());
        self.set_roles.is_some() || texts.any(|text| text.contains("roles"))
    }

    /// The operations that the file has, by name.
    pub(crate) fn operations(&self) -> Vec<(&'static str, &Operation)> {
        let optional = [
            ("activate", &self.activate),
            ("freeze", &self.freeze),
            ("erase", &self.erase),
            ("roles", &self.roles),
            ("set_roles", &self.set_roles),
            ("list", &self.list),
        ];
        [("find", &self.find), ("create", &self.create), ("update", &self.update)]
            .into_iter()
            .chain([("deactivate", &self.deactivate)])
            .chain(optional.into_iter().filter_map(|(name, one)| Some((name, one.as_ref()?))))
            .collect()
    }
}

/// Reads a description with its templates; `file` is how mistakes call it.
///
/// # Errors
///
/// Every mistake that was found, each with file, operation and key.
pub(crate) fn read(file: &str, text: &str) -> Result<(Description, Templates), Vec<String>> {
    let description: Description = document::read(file, text).map_err(|mistake| vec![mistake])?;
    let mut mistakes = Vec::new();
    let mut wrong = |at: &str, what: String| mistakes.push(format!("{file}: {at}: {what}"));
    check_sign_in(&description.sign_in, &mut wrong);
    for (name, operation) in description.operations() {
        check_operation(name, operation, &mut wrong);
    }
    for (name, operation) in [("find", &description.find), ("create", &description.create)] {
        if operation.id.is_none() {
            wrong(
                &format!("{name}.id"),
                "it is missing; say where the answer holds the id: \"/id\"".to_owned(),
            );
        }
    }
    if description.activate.is_some() && description.find.active.is_none() {
        let what = "it is missing, and [activate] needs it: say where the answer tells who may sign in";
        wrong("find.active", what.to_owned());
    }
    for (name, operation) in [("roles", &description.roles), ("list", &description.list)] {
        for (key, is_there) in operation.iter().flat_map(|one| {
            [("items", one.items.is_some()), ("id", one.id.is_some()), ("name", one.name.is_some())]
        }) {
            if !is_there {
                wrong(&format!("{name}.{key}"), "it is missing; write a JSON pointer".to_owned());
            }
        }
    }
    let templates = templates(&description, &mut wrong);
    if mistakes.is_empty() { Ok((description, templates)) } else { Err(mistakes) }
}

fn check_sign_in(sign_in: &SignIn, wrong: &mut impl FnMut(&str, String)) {
    let needs: &[(&str, bool)] = match sign_in.kind {
        SignInKind::None | SignInKind::Basic | SignInKind::Bearer => &[],
        SignInKind::Header => &[("header", sign_in.header.is_some())],
        SignInKind::Oauth => &[("path", sign_in.path.is_some())],
        SignInKind::Session => &[("path", sign_in.path.is_some()), ("keep", !sign_in.keep.is_empty())],
    };
    for (key, is_there) in needs {
        if !is_there {
            wrong(&format!("sign_in.{key}"), "it is missing, and this kind of sign-in needs it".to_owned());
        }
    }
    for (name, pointer) in &sign_in.keep {
        check_pointer(&format!("sign_in.keep.{name}"), Some(pointer), wrong);
    }
    check_pointer("sign_in.error", sign_in.error.as_ref(), wrong);
}

fn check_operation(name: &str, operation: &Operation, wrong: &mut impl FnMut(&str, String)) {
    if !operation.path.starts_with('/') {
        wrong(&format!("{name}.path"), "a path begins with /; the host stands in the settings".to_owned());
    }
    if let Some(method) = &operation.method
        && !matches!(method.as_str(), "GET" | "POST" | "PUT" | "PATCH" | "DELETE")
    {
        let what = format!("{method:?} is none of GET, POST, PUT, PATCH and DELETE");
        wrong(&format!("{name}.method"), what);
    }
    let has_form = !operation.form.is_empty() || !operation.form_json.is_empty();
    if has_form && operation.body.is_some() {
        wrong(&format!("{name}.body"), "there is a form too; keep one of them".to_owned());
    }
    let pointers = [
        ("items", &operation.items),
        ("id", &operation.id),
        ("name", &operation.name),
        ("active", &operation.active),
        ("next", &operation.next),
        ("account", &operation.account),
        ("display_name", &operation.display_name),
        ("email", &operation.email),
        ("last_login", &operation.last_login),
        ("roles", &operation.roles),
        ("total", &operation.total),
    ];
    for (key, pointer) in pointers {
        check_pointer(&format!("{name}.{key}"), pointer.as_ref(), wrong);
    }
}

fn check_pointer(at: &str, pointer: Option<&String>, wrong: &mut impl FnMut(&str, String)) {
    if let Some(text) = pointer
        && !text.is_empty()
        && !text.starts_with('/')
    {
        wrong(at, format!("{text:?} is no JSON pointer (RFC 6901); write \"/{text}\""));
    }
}

fn templates(description: &Description, wrong: &mut impl FnMut(&str, String)) -> Templates {
    let mut templates = Templates::default();
    let mut add = |at: String, style: Style, text: &str| {
        if let Err(what) = templates.add(&at, style, text) {
            wrong(&at, what);
        }
    };
    for (name, operation) in description.operations() {
        add(format!("{name}.path"), Style::Path, &operation.path);
        if let Some(body) = &operation.body {
            add(format!("{name}.body"), Style::Json, body);
        }
        let tables = [
            ("query", Style::Plain, &operation.query),
            ("headers", Style::Plain, &operation.headers),
            ("form", Style::Plain, &operation.form),
            ("form_json", Style::Json, &operation.form_json),
        ];
        for (table, style, entries) in tables {
            for (key, text) in entries {
                add(format!("{name}.{table}.{key}"), style, text);
            }
        }
    }
    let sign_in = &description.sign_in;
    for (key, style, text) in
        [("path", Style::Path, sign_in.path.as_ref()), ("body", Style::Json, sign_in.body.as_ref())]
    {
        if let Some(text) = text {
            add(format!("sign_in.{key}"), style, text);
        }
    }
    for (key, text) in &sign_in.send {
        add(format!("sign_in.send.{key}"), Style::Plain, text);
    }
    for (key, text) in &description.headers {
        add(format!("headers.{key}"), Style::Plain, text);
    }
    templates
}
