//! The settings as the file and the environment have them, for people who look at them and change nothing.
//!
//! Invariant: a secret is never here, nor what may hold one: a key that can also be read from a file of its own, the path
//! of an address that is told, a password within an address, values that only their reader understands.

use super::schema::{SETTINGS, keys_of};
use super::tree::{Node, Place, Table, Value};

/// What stands in place of a secret.
const MASK: &str = "***";

/// One setting that somebody has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownSetting {
    /// The table that it stands in: `server`, `directory entra`, `directory entra oidc`.
    pub section: String,
    /// Its key.
    pub key: String,
    /// What it is set to, or a mask.
    pub value: String,
    /// Whether that is a mask.
    pub is_masked: bool,
    /// The environment variable that sets it; nothing: the file does.
    pub variable: Option<String>,
}

/// Every setting that is set, in the order of the file.
pub(super) fn shown(table: &Table) -> Vec<ShownSetting> {
    let mut settings = Vec::new();
    walk(table, "", "", &mut settings);
    settings
}

/// `pattern` is the table's name in the schema, `section` its name for people.
fn walk(table: &Table, pattern: &str, section: &str, settings: &mut Vec<ShownSetting>) {
    for entry in table.entries() {
        let (key, node) = (entry.key.as_str(), &entry.node);
        let own = if pattern.is_empty() { key.to_owned() } else { format!("{pattern}.{key}") };
        let named = |more: &str| {
            let text = if section.is_empty() { key.to_owned() } else { format!("{section} {key}") };
            if more.is_empty() { text } else { format!("{text} {more}") }
        };
        match &node.value {
            Value::Table(inner) => walk(inner, &own, &named(""), settings),
            Value::List(items) if items.iter().any(|item| matches!(item.value, Value::Table(_))) => {
                for item in items {
                    if let Value::Table(inner) = &item.value {
                        walk(inner, &own, &named(&id_of(inner)), settings);
                    }
                }
            }
            Value::Text(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Flag(_)
            | Value::Other(_)
            | Value::List(_) => settings.push(one(pattern, section, key, node)),
        }
    }
}

fn id_of(table: &Table) -> String {
    match table.get("id").map(|node| &node.value) {
        Some(Value::Text(id)) => id.clone(),
        _ => String::new(),
    }
}

fn one(pattern: &str, section: &str, key: &str, node: &Node) -> ShownSetting {
    let (value, is_masked) = match masking(pattern, key) {
        Masking::Whole => (MASK.to_owned(), true),
        Masking::Path => host_only(&told(&node.value)),
        Masking::Password => without_password(&told(&node.value)),
    };
    let variable = match &node.at {
        Place::Environment(name) => Some(name.clone()),
        Place::Line { .. } | Place::Nowhere => None,
    };
    ShownSetting { section: section.to_owned(), key: key.to_owned(), value, is_masked, variable }
}

enum Masking {
    Whole,
    Path,
    Password,
}

/// What may be shown of a key. One that the schema does not know shows nothing.
fn masking(pattern: &str, key: &str) -> Masking {
    let keys = keys_of(SETTINGS, pattern);
    let has_file = keys.iter().any(|known| known.strip_suffix("_file") == Some(key));
    match (pattern, key) {
        _ if has_file || !keys.contains(&key) => Masking::Whole,
        ("target", "url") | ("mail", "smtp") => Masking::Path,
        _ => Masking::Password,
    }
}

fn told(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Other(words) => (*words).to_owned(),
        Value::List(items) => items.iter().map(|item| told(&item.value)).collect::<Vec<_>>().join(", "),
        Value::Table(_) => MASK.to_owned(),
    }
}

/// An address without its path and without who signs in there.
fn host_only(text: &str) -> (String, bool) {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    let is_masked = host.len() != authority.len() || path.len() > 1;
    let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
    let path = if path.len() > 1 { format!("/{MASK}") } else { path.to_owned() };
    (format!("{scheme}{host}{path}"), is_masked)
}

/// A text without what stands before the @ of an address in it.
fn without_password(text: &str) -> (String, bool) {
    let Some((scheme, rest)) = text.split_once("://") else { return (text.to_owned(), false) };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) => (format!("{scheme}://{MASK}@{host}{path}"), true),
        None => (text.to_owned(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree;
    use super::*;

    #[test]
    fn no_secret_is_shown_wherever_it_stands() {
        let text = r#"
[server]
public_url = "https://portvakt.example"
metrics_token = "hunter2"
[database]
url = "postgres://p:hunter2@db.example/portvakt"
[[directory]]
id = "entra"
domains = ["a.example", "b.example"]
[directory.oidc]
issuer = "https://anna:hunter2@login.example/x"
client_secret = "hunter2"
client_secret_file = "/run/secret"
[[target]]
id = "crm"
url = "https://hooks.example/hunter2?key=hunter2"
secret = "hunter2"
values = { key = "hunter2" }
[mail]
smtp = "smtps://anna:hunter2@mail.example:465"
password = "hunter2"
"#;
        let (table, mistakes) = tree::parse(text);
        assert!(mistakes.is_empty());
        let shown = shown(&table);
        assert!(!format!("{shown:?}").contains("hunter2"), "{shown:?}");
        let of = |section: &str, key: &str| {
            let found = shown.iter().find(|one| one.section == section && one.key == key);
            found.map(|one| (one.value.as_str(), one.is_masked))
        };
        assert_eq!(of("server", "public_url"), Some(("https://portvakt.example", false)));
        assert_eq!(of("database", "url"), Some(("***", true)));
        assert_eq!(of("directory entra", "domains"), Some(("a.example, b.example", false)));
        assert_eq!(of("directory entra oidc", "issuer"), Some(("https://***@login.example/x", true)));
        assert_eq!(of("directory entra oidc", "client_secret_file"), Some(("/run/secret", false)));
        assert_eq!(of("target crm", "url"), Some(("https://hooks.example/***", true)));
        assert_eq!(of("target crm values", "key"), Some(("***", true)));
        assert_eq!(of("mail", "smtp"), Some(("smtps://mail.example:465", true)));
    }
}
