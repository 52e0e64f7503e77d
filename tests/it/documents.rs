//! What the documents point to is there: every test that a threat is said to be held by, and every file.

use std::collections::BTreeSet;
use std::path::Path;

use crate::source::{Token, rust_files, tokens};

const SECURITY: &str = include_str!("../../docs/security.md");

/// The names of all functions below `src` and `tests`, each with the module it stands in as far as its file tells.
fn functions() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for file in rust_files("src").iter().chain(&rust_files("tests")) {
        for pair in tokens(&file.text).windows(2) {
            if let [Token::Word(keyword), Token::Word(name)] = pair
                && keyword == "fn"
            {
                found.insert((name.clone(), file.path.clone()));
            }
        }
    }
    found
}

/// The texts between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_test_that_a_threat_is_held_by_is_there() {
    let functions = functions();
    let (mut count, mut missing) = (0, Vec::new());
    for named in quoted(SECURITY).filter(|text| text.contains("::")) {
        let (folder, path) = match named.strip_prefix("it ") {
            Some(path) => ("tests/it", path),
            None => ("src", named),
        };
        let mut parts: Vec<&str> = path.split("::").collect();
        let name = parts.pop().unwrap();
        // The rest of the path is the file's: `sign_in::forged` is tests/it/sign_in/forged.rs.
        let module: Vec<&str> = parts.into_iter().filter(|part| *part != "tests").collect();
        let start = format!("{folder}/{}", module.join("/"));
        let is_there = functions.iter().any(|(function, file)| function == name && file.starts_with(&start));
        if !is_there {
            missing.push(named);
        }
        count += 1;
    }
    assert!(missing.is_empty(), "docs/security.md names what is not there: {missing:?}");
    assert!(count > 50, "{count}");
}

#[test]
fn every_file_that_a_document_links_to_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [root.to_path_buf(), root.join("docs"), root.join("tests/counterparts")];
    let mut count = 0;
    for folder in folders {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "md") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let file = target.split('#').next().unwrap();
                if file.is_empty() || file.contains("://") {
                    continue;
                }
                assert!(folder.join(file).exists(), "{} links to {target}", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 20, "{count}");
}
