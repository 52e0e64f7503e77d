//! The plan of the house as a table: who may use whom, and which outside crate belongs to which floor.
//!
//! Invariant: the table changes in the same commit as the reason for it.

use std::collections::BTreeSet;

use crate::source::{Names, SourceFile, Token, names, rust_files, tokens};

/// The floors, each below those that use it. Floor | floors it may use | outside crates it may name.
///
/// `all` means every floor above it in the table. The crates of [`ANYWHERE`] are not repeated. `reqwest::Url` means
/// that one item of the crate: an address is only a value.
const PLAN: &str = "
domain    |                              | secrecy sha2 unicode_normalization
config    | domain                       | base64 croner reqwest::Url secrecy serde_path_to_error toml
store     | domain                       | futures_util metrics rand rusqlite secrecy sha2 sqlx tokio tokio_util tracing
scim      | domain                       | serde_path_to_error unicode_normalization
oidc      | domain                       | arc_swap base64 futures_util metrics openidconnect rand reqwest ring rsa rustls secrecy sha2 subtle tokio tracing
pull      | domain                       | rand reqwest rustls secrecy serde_path_to_error tokio tracing
crm       | domain                       | base64 futures_util hmac minijinja reqwest ring rusqlite rustls secrecy serde_path_to_error sha2 sqlx tokio toml tracing
mail      | domain                       | base64 lettre reqwest::Url secrecy tokio tracing
telemetry | domain config                | metrics metrics_exporter_prometheus rand tokio tracing tracing_subscriber
flows     | domain config store scim oidc pull crm mail | arc_swap base64 csv futures_util hmac metrics rand rust_xlsxwriter secrecy sha2 subtle tokio tracing
http      | domain scim flows telemetry  | askama axum axum_extra base64 csv flate2 futures_util http_body_util hyper hyper_util metrics metrics_exporter_prometheus rand secrecy serde_path_to_error serde_urlencoded sha2 subtle tokio tokio_util tower tower_http tracing
jobs      | domain flows telemetry       | croner futures_util metrics rand tokio tokio_util tracing
app       | all                          | anyhow arc_swap axum futures_util hyper hyper_util metrics metrics_exporter_prometheus rand rustls secrecy tokio tokio_util tower tower_http tracing
demo      | all                          | anyhow axum axum_extra base64 futures_util hmac openidconnect rand reqwest rustls secrecy sha2 subtle tokio tokio_util tower tracing
cli       | all                          | anyhow clap csv futures_util rustls secrecy tokio tokio_util tracing
main      | cli                          | anyhow clap mimalloc rustls tokio
";

/// Outside crates that carry values and words, not conduct: every floor may use them.
const ANYWHERE: &[&str] = &["jiff", "serde", "serde_json", "thiserror", "uuid"];

/// Rooms without a name of their own.
const NAMELESS: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc", "manager"];

/// The longest file, tests included.
const MOST_LINES: usize = 400;

/// One floor: a folder of `src`, or a single file where the floor is that small.
struct Floor {
    name: &'static str,
    uses: Vec<&'static str>,
    crates: Vec<&'static str>,
}

/// The floors of [`PLAN`], the ground floor first.
fn plan() -> Vec<Floor> {
    let mut floors: Vec<Floor> = Vec::new();
    for line in PLAN.trim().lines() {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let uses = match columns[1] {
            "all" => floors.iter().map(|floor| floor.name).collect(),
            listed => listed.split_whitespace().collect(),
        };
        floors.push(Floor { name: columns[0], uses, crates: columns[2].split_whitespace().collect() });
    }
    floors
}

/// The floor that a file belongs to; `None` for `lib.rs`, which has no code.
fn floor_of(path: &str) -> Option<&str> {
    let below = path.strip_prefix("src/")?;
    let first = below.split('/').next()?;
    Some(first.strip_suffix(".rs").unwrap_or(first)).filter(|floor| *floor != "lib")
}

/// The module that a file is: `src/store/account.rs` is `store::account`.
fn module_of(path: &str) -> Vec<String> {
    let below = path.trim_start_matches("src/").trim_end_matches(".rs");
    below.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main")).map(str::to_owned).collect()
}

/// The names of the dependencies as Rust writes them.
fn outside_crates() -> BTreeSet<String> {
    let manifest: toml::Table = include_str!("../../Cargo.toml").parse().expect("the manifest is TOML");
    let listed = manifest["dependencies"].as_table().expect("dependencies are a table");
    listed.keys().map(|name| name.replace('-', "_")).collect()
}

/// The floors that the file names, its own left out.
fn floors_named<'a>(plan: &[Floor], file: &SourceFile, names: &'a Names) -> BTreeSet<&'a str> {
    let own = floor_of(&file.path);
    let root = if own == Some("main") { "portvakt" } else { "crate" };
    let ours = names.paths.iter().filter(|path| path.segments[0] == root);
    ours.filter_map(|path| path.segments.get(1).map(String::as_str))
        .filter(|floor| Some(*floor) != own && plan.iter().any(|known| known.name == *floor))
        .collect()
}

/// The outside crates that the file names, each with the item named of it; a module of ours with the name of a
/// crate is not it.
fn crates_named<'a>(names: &'a Names, outside: &BTreeSet<String>) -> BTreeSet<(&'a str, &'a str)> {
    let ours: BTreeSet<&str> = names
        .paths
        .iter()
        .filter(|path| path.is_use && path.segments[0] == "crate")
        .filter_map(|path| path.segments.last())
        .chain(&names.modules)
        .map(String::as_str)
        .collect();
    let heads = names.paths.iter().filter(|path| path.is_use || !ours.contains(path.segments[0].as_str()));
    heads
        .map(|path| (path.segments[0].as_str(), path.segments.get(1).map_or("", String::as_str)))
        .filter(|(head, _)| outside.contains(*head))
        .collect()
}

/// Whether the floor may name `item` of the crate `head`.
fn may_name(floor: &Floor, head: &str, item: &str) -> bool {
    let one = format!("{head}::{item}");
    ANYWHERE.contains(&head) || floor.crates.iter().any(|listed| *listed == head || *listed == one)
}

/// The code that runs: what stands before the tests at the end of the file.
fn without_tests(tokens: &[Token]) -> &[Token] {
    let marker = ["#", "[", "cfg", "(", "test", ")", "]", "mod"];
    let is_marker = |window: &[Token]| {
        window.iter().zip(marker).all(|(token, expected)| match token {
            Token::Word(word) => word == expected,
            Token::Sign(sign) => expected.chars().eq([*sign]),
            Token::Colons | Token::Literal(_) => false,
        })
    };
    let end = tokens.windows(marker.len()).position(is_marker).unwrap_or(tokens.len());
    &tokens[..end]
}

/// Whether the whole file is tests: `tests.rs`, or a file within a folder `tests`.
fn is_tests(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn assert_none(complaints: &[String], rule: &str) {
    assert!(complaints.is_empty(), "{rule}\n  {}", complaints.join("\n  "));
}

#[test]
fn a_floor_uses_only_floors_below_it() {
    let plan = plan();
    let mut complaints = Vec::new();
    for file in rust_files("src") {
        let Some(name) = floor_of(&file.path) else { continue };
        let Some(floor) = plan.iter().find(|floor| floor.name == name) else {
            complaints.push(format!("{}: `{name}` is not on the plan", file.path));
            continue;
        };
        let names = names(&tokens(&file.text), &module_of(&file.path));
        let across = floors_named(&plan, &file, &names).into_iter().filter(|used| !floor.uses.contains(used));
        complaints.extend(across.map(|used| format!("{}: `{name}` must not use `{used}`", file.path)));
    }
    assert_none(&complaints, "A floor uses only what lies below it (docs/architecture.md).");
}

#[test]
fn an_outside_crate_is_named_only_on_its_floors() {
    let plan = plan();
    let outside = outside_crates();
    let mut complaints = Vec::new();
    for file in rust_files("src").iter().filter(|file| !is_tests(&file.path)) {
        let Some(floor) = floor_of(&file.path).and_then(|name| plan.iter().find(|floor| floor.name == name))
        else {
            continue;
        };
        let tokens = tokens(&file.text);
        let names = names(without_tests(&tokens), &module_of(&file.path));
        let strange =
            crates_named(&names, &outside).into_iter().filter(|(head, item)| !may_name(floor, head, item));
        complaints.extend(
            strange
                .map(|(head, item)| format!("{}: `{head}::{item}` is not for `{}`", file.path, floor.name)),
        );
    }
    assert_none(&complaints, "An outside crate belongs to the floors that hide it.");
}

#[test]
fn the_pure_floors_never_wait() {
    let waits = |file: &SourceFile| {
        let tokens = tokens(&file.text);
        without_tests(&tokens)
            .iter()
            .any(|token| matches!(token, Token::Word(word) if matches!(word.as_str(), "async" | "await")))
    };
    let is_pure = |file: &SourceFile| matches!(floor_of(&file.path), Some("domain" | "scim"));
    let waiting: Vec<String> = rust_files("src")
        .into_iter()
        .filter(|file| is_pure(file) && waits(file))
        .map(|file| file.path)
        .collect();
    assert_none(&waiting, "`domain` and `scim` are plain types and functions: no async.");
}

#[test]
fn every_floor_of_the_plan_is_there() {
    let there = names(&tokens(include_str!("../../src/lib.rs")), &[]).modules;
    let is_missing = |floor: &Floor| floor.name != "main" && !there.iter().any(|module| module == floor.name);
    let missing: Vec<String> =
        plan().iter().filter(|floor| is_missing(floor)).map(|floor| format!("`{}`", floor.name)).collect();
    assert_none(&missing, "src/lib.rs lacks floors of the plan.");
}

#[test]
fn the_plan_lists_each_floor_below_its_users() {
    let plan = plan();
    for (height, floor) in plan.iter().enumerate() {
        for used in &floor.uses {
            let below = plan[..height].iter().any(|lower| lower.name == *used);
            assert!(below, "`{}` is listed as using `{used}`, which is not below it", floor.name);
        }
    }
}

#[test]
fn no_file_is_longer_than_a_person_reads() {
    let long: Vec<String> = rust_files("src")
        .iter()
        .chain(&rust_files("tests"))
        .map(|file| (file.text.lines().count(), &file.path))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    assert_none(&long, &format!("A file has at most {MOST_LINES} lines; split it by subject."));
}

#[test]
fn every_module_has_a_name_that_says_something() {
    let nameless: Vec<String> = rust_files("src")
        .into_iter()
        .filter(|file| {
            module_of(&file.path)
                .iter()
                .chain(&names(&tokens(&file.text), &[]).modules)
                .any(|module| NAMELESS.contains(&module.as_str()))
        })
        .map(|file| file.path)
        .collect();
    assert_none(&nameless, "A thing with no home is a thing not yet named.");
}

/// Folders of somebody's machine, as opposed to those of any Unix system.
fn is_machine_path(text: &str) -> bool {
    let is_this_checkout = text.contains(env!("CARGO_MANIFEST_DIR"));
    is_this_checkout
        || ["/home/", "/root/", "/mnt/"].iter().any(|folder| {
            text.match_indices(folder)
                .any(|(at, _)| at == 0 || text[..at].ends_with([' ', '"', '\'', '(', '=', ':']))
        })
}

#[test]
fn no_path_of_one_machine_stands_in_the_source() {
    let mut complaints = Vec::new();
    for file in rust_files("src") {
        let told = tokens(&file.text).into_iter().filter_map(|token| match token {
            Token::Literal(text) if is_machine_path(&text) => Some(text),
            _ => None,
        });
        complaints.extend(told.map(|text| format!("{}: {text}", file.path)));
    }
    assert_none(&complaints, "Paths come from the settings.");
}

#[test]
fn a_module_of_ours_is_not_taken_for_the_crate_of_its_name() {
    let outside = outside_crates();
    let text = "use crate::metrics; fn f() { metrics::counter(); }";
    assert!(crates_named(&names(&tokens(text), &[]), &outside).is_empty());
    let text = "fn f() { metrics::counter(); }";
    assert_eq!(crates_named(&names(&tokens(text), &[]), &outside), BTreeSet::from([("metrics", "counter")]));
}
