//! Lays the environment over the settings file.
//!
//! Invariant: a variable that begins with `PORTVAKT__` and names no key is a mistake; nothing is ignored.

use super::mistake::Problem;
use super::reading::Reading;
use super::schema::{LISTS, SETTINGS, SEVERAL, keys_of};
use super::suggest::suggest;
use super::tree::{self, Node, Place, Table, Value};

const PREFIX: &str = "PORTVAKT__";

/// Puts every `PORTVAKT__SECTION__KEY` into `table`, over what the file says.
pub(crate) fn apply(
    table: &mut Table,
    environment: impl IntoIterator<Item = (String, String)>,
    reading: &Reading,
) {
    let mut variables: Vec<(String, String)> =
        environment.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
    variables.sort();
    for (name, value) in variables {
        let at = Place::Environment(name.clone());
        let lower = name.trim_start_matches(PREFIX).to_lowercase();
        let segments: Vec<&str> = lower.split("__").collect();
        if let Err(problem) = put(table, "", &segments, &value, &at) {
            reading.error(&at, "", problem);
        }
    }
}

fn is_table(pattern: &str) -> bool {
    !keys_of(SETTINGS, pattern).is_empty()
}

fn put(table: &mut Table, pattern: &str, segments: &[&str], value: &str, at: &Place) -> Result<(), Problem> {
    let Some((key, rest)) = segments.split_first() else {
        return Err(Problem::new("this variable names a section, not a key", "add __ and the key"));
    };
    let keys = keys_of(SETTINGS, pattern);
    if !keys.contains(key) {
        return Err(Problem::new(
            format!("there is no key {key:?} here"),
            suggest(key, keys.iter().copied()),
        ));
    }
    let own = if pattern.is_empty() { (*key).to_owned() } else { format!("{pattern}.{key}") };
    if !is_table(&own) {
        if !rest.is_empty() {
            return Err(Problem::new(format!("{key:?} has no keys of its own"), "end the name after it"));
        }
        set(table, key, value, at);
        return Ok(());
    }
    if SEVERAL.contains(&own.as_str()) {
        let Some((id, rest)) = rest.split_first() else {
            return Err(Problem::new("this variable does not say which one", "add __ and its id"));
        };
        return put(element(table, key, id)?, &own, rest, value, at);
    }
    if table.get(key).is_none() {
        table.set(key, Node { value: Value::Table(Table::default()), at: at.clone() });
    }
    match table.get_mut(key).map(|node| &mut node.value) {
        Some(Value::Table(inner)) => put(inner, &own, rest, value, at),
        // The reader reports that it is no table.
        _ => Ok(()),
    }
}

/// The table of the list under `key` whose id is `id`, as a variable's name can spell it.
fn element<'a>(table: &'a mut Table, key: &str, id: &str) -> Result<&'a mut Table, Problem> {
    let mut ids = Vec::new();
    let mut found = None;
    if let Some(Value::List(items)) = table.get_mut(key).map(|node| &mut node.value) {
        for item in items {
            let Value::Table(inner) = &mut item.value else { continue };
            let Some(Value::Text(own)) = inner.get("id").map(|node| &node.value) else { continue };
            let spelled = own.to_lowercase().replace(['-', '.'], "_");
            if spelled == id {
                found = Some(inner);
                break;
            }
            ids.push(spelled);
        }
    }
    found.ok_or_else(|| {
        let known = suggest(id, ids.iter().map(String::as_str));
        Problem::new(format!("the settings file has no {key} with the id {id:?}"), known)
    })
}

/// Sets a key, and drops the other spelling of the same secret that the file may hold.
fn set(table: &mut Table, key: &str, value: &str, at: &Place) {
    let other = key.strip_suffix("_file").map_or_else(|| format!("{key}_file"), str::to_owned);
    if table.get(&other).is_some_and(|node| !matches!(node.at, Place::Environment(_))) {
        table.remove(&other);
    }
    let node = if LISTS.contains(&key) { list(value, at) } else { text(value, at) };
    table.set(key, node);
}

fn text(value: &str, at: &Place) -> Node {
    Node { value: Value::Text(value.to_owned()), at: at.clone() }
}

/// A list in brackets as TOML writes it, or values separated by commas.
fn list(value: &str, at: &Place) -> Node {
    if value.trim_start().starts_with('[')
        && let Some(node) = tree::parse_value(value.trim(), at)
    {
        return node;
    }
    let items = value.split(',').map(str::trim).filter(|item| !item.is_empty());
    Node { value: Value::List(items.map(|item| text(item, at)).collect()), at: at.clone() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::settings::{Settings, read_settings};

    const FILE: &str = r#"
[server]
public_url = "http://127.0.0.1:8080"
[[directory]]
id = "entra-1"
kind = "generic"
[directory.oidc]
issuer = "https://id.example"
client_id = "portvakt"
client_secret_file = "/nonexistent/secret"
"#;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        read_settings(FILE, Path::new("portvakt.toml"), pairs)
            .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_environment_wins_over_the_file_also_by_id_and_over_a_secrets_file() {
        let settings = read(&[
            ("PORTVAKT__SERVER__LISTEN", "0.0.0.0:9000"),
            ("PORTVAKT__SERVER__REQUEST_LIMIT_BYTES", "4096"),
            ("PORTVAKT__DATABASE__URL", "postgres://p@db.example/portvakt"),
            ("PORTVAKT__DIRECTORY__ENTRA_1__OIDC__CLIENT_SECRET", "hunter2"),
            ("PORTVAKT__DIRECTORY__ENTRA_1__OIDC__USERINFO", "false"),
            ("PORTVAKT__DIRECTORY__ENTRA_1__DOMAINS", "a.example, b.example"),
            ("PORTVAKT__ACCOUNTS__PROTECTED", "[\"a,b\", \"c\"]"),
            ("PORTVAKT_CONFIG", "not ours"),
            ("HOME", "/root"),
        ])
        .unwrap();
        assert_eq!(settings.server.listen.to_string(), "0.0.0.0:9000");
        assert_eq!(settings.server.request_limit_bytes, 4_096);
        assert_eq!(settings.database.engine.expose_url(), "postgres://p@db.example/portvakt");
        assert_eq!(settings.directories[0].domains, ["a.example", "b.example"]);
        let oidc = settings.directories[0].oidc.as_ref().unwrap();
        assert_eq!(oidc.client_secret.as_ref().unwrap().expose(), "hunter2");
        assert!(!oidc.userinfo);
        assert_eq!(settings.protected, ["a,b", "c"]);
    }

    #[test]
    fn a_variable_that_names_nothing_is_a_mistake_with_its_name() {
        let said = read(&[
            ("PORTVAKT__SERVER__LISTN", "x"),
            ("PORTVAKT__DIRECTORY__ENTAR_1__KIND", "okta"),
            ("PORTVAKT__DIRECTORY__ENTRA_1__OIDC__CLIENT_SECRET", "hunter2"),
            ("PORTVAKT__SERVER", "x"),
            ("PORTVAKT__DATABASE__MAX_CONNECTIONS", "many"),
        ])
        .unwrap_err();
        assert_eq!(
            said,
            [
                "environment PORTVAKT__DIRECTORY__ENTAR_1__KIND: the settings file has no directory with the id \
                 \"entar_1\" — did you mean \"entra_1\"?",
                "environment PORTVAKT__SERVER: this variable names a section, not a key — add __ and the key",
                "environment PORTVAKT__SERVER__LISTN: there is no key \"listn\" here — did you mean \"listen\"?",
                "environment PORTVAKT__DATABASE__MAX_CONNECTIONS: database.max_connections: it must be a whole \
                 number, but it is a text — write a number from 1 to 1000, without quotes",
            ]
        );
    }

    #[test]
    fn a_secret_that_both_variables_give_is_a_mistake_that_does_not_show_it() {
        let said = read(&[
            ("PORTVAKT__DIRECTORY__ENTRA_1__OIDC__CLIENT_SECRET", "hunter2"),
            ("PORTVAKT__DIRECTORY__ENTRA_1__OIDC__CLIENT_SECRET_FILE", "/nonexistent/x"),
        ])
        .unwrap_err();
        assert!(said[0].contains("client_secret and client_secret_file are both set"), "{said:?}");
        assert!(!said[0].contains("hunter2"));
    }
}
