//! What the program is built from: no second TLS or HTTP stack, only licences we may ship, only the registry.
//!
//! Invariant: says the same as `deny.toml`, for those who have not installed that tool.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// Never in the tree: other TLS stacks and what they link.
const BANNED: &[&str] =
    &["aws-lc-rs", "aws-lc-sys", "native-tls", "openssl", "openssl-sys", "tokio-native-tls"];

/// At most one version of each, so that a fix reaches all of it.
const SINGLE: &[&str] = &[
    "axum",
    "axum-core",
    "h2",
    "http",
    "hyper",
    "libsqlite3-sys",
    "reqwest",
    "ring",
    "rustls",
    "sqlx-core",
    "tokio",
];

/// Licences that go with Apache-2.0.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// One package of `Cargo.lock`, which names the packages of every platform.
#[derive(Debug, serde::Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
}

#[derive(Debug, serde::Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

fn locked() -> Vec<Locked> {
    toml::from_str::<Lock>(include_str!("../../Cargo.lock")).expect("the lock file is TOML").package
}

/// Every package that is built on this machine, as cargo describes it.
fn described() -> Vec<Value> {
    let cargo = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("cargo can be started");
        assert!(output.status.success(), "cargo: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("cargo writes UTF-8")
    };
    // Offline, only this platform's packages are at hand: the others were never fetched.
    let version = cargo(&["-vV"]);
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("cargo names its host");
    let text =
        cargo(&["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", host]);
    let metadata: Value = serde_json::from_str(&text).expect("cargo writes JSON");
    metadata["packages"].as_array().expect("packages are a list").clone()
}

/// Whether the terms of an SPDX expression can be met with `known` licences alone.
///
/// `/` is an old spelling of `OR`. `AND` binds tighter than `OR` (SPDX 2.3 annex D).
fn is_allowed(expression: &str, known: &[&str]) -> bool {
    let text = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut at = 0;
    either(&words, &mut at, known) && at == words.len()
}

fn either(words: &[&str], at: &mut usize, known: &[&str]) -> bool {
    let mut holds = both(words, at, known);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        holds |= both(words, at, known);
    }
    holds
}

fn both(words: &[&str], at: &mut usize, known: &[&str]) -> bool {
    let mut holds = one(words, at, known);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        holds &= one(words, at, known);
    }
    holds
}

fn one(words: &[&str], at: &mut usize, known: &[&str]) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let holds = either(words, at, known);
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return holds && closed;
    }
    if words.get(*at) == Some(&"WITH") {
        let exception = words.get(*at + 1).copied().unwrap_or_default();
        *at += 2;
        return known.contains(&format!("{word} WITH {exception}").as_str());
    }
    known.contains(word)
}

#[test]
fn no_banned_package_is_in_the_lock_file() {
    let found: Vec<String> = locked()
        .into_iter()
        .map(|package| package.name)
        .filter(|name| BANNED.contains(&name.as_str()))
        .collect();
    assert!(found.is_empty(), "TLS is rustls with ring; banned: {found:?}");
}

#[test]
fn the_stacks_that_matter_are_there_once() {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in locked() {
        versions.entry(package.name).or_default().push(package.version);
    }
    for name in SINGLE {
        let found = versions.get(*name).map(Vec::as_slice).unwrap_or_default();
        assert!(found.len() <= 1, "{name} is in the tree in several versions: {found:?}");
    }
}

#[test]
fn every_package_comes_from_the_registry() {
    let strange: Vec<String> = locked()
        .into_iter()
        .filter(|package| package.source.as_deref().is_none_or(|source| source != REGISTRY))
        .map(|package| package.name)
        .filter(|name| name != env!("CARGO_PKG_NAME"))
        .collect();
    assert!(strange.is_empty(), "not from the registry: {strange:?}");
}

#[test]
fn every_licence_may_be_shipped_with_ours() {
    let packages = described();
    assert!(packages.len() > 100, "cargo described only {} packages", packages.len());
    let strange: Vec<String> = packages
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(|terms| is_allowed(terms, LICENCES)))
        .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
        .collect();
    assert!(strange.is_empty(), "licences to look at:\n  {}", strange.join("\n  "));
}

#[test]
fn licence_terms_are_read_as_spdx_says() {
    let known = ["MIT", "BSD-3-Clause", "Apache-2.0 WITH LLVM-exception"];
    for (terms, allowed) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("GPL-3.0 AND MIT OR MIT", true),
        ("(GPL-3.0 OR MIT) AND BSD-3-Clause", true),
        ("(GPL-3.0 OR MIT) AND GPL-3.0", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0", false),
        ("(MIT", false),
        ("", false),
    ] {
        assert_eq!(is_allowed(terms, &known), allowed, "{terms}");
    }
}
