//! Reads Rust source as far as the plan of the house needs it: which paths a file names.
//!
//! Invariant: text within comments and literals never counts as a path.

use std::path::{Path, PathBuf};

/// One file of the source tree.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// From the root of the repository: `src/store/account.rs`.
    pub(crate) path: String,
    /// As it stands.
    pub(crate) text: String,
}

/// Every Rust file below `folder` of the repository, in order of path.
pub(crate) fn rust_files(folder: &str) -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = std::fs::read_to_string(&path).expect("the file is UTF-8");
                let path = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
                found.push(SourceFile { path, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// A word or a sign of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// An identifier or keyword.
    Word(String),
    /// The path separator, `::`.
    Colons,
    /// Any other sign.
    Sign(char),
    /// A string, byte string or character; its content.
    Literal(String),
}

/// The source without comments, in pieces.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        if rest.starts_with(&['/', '/']) {
            at += length_until(rest, |c| c == '\n');
        } else if rest.starts_with(&['/', '*']) {
            at += block_comment(rest);
        } else if let Some((length, content)) = literal(rest) {
            found.push(Token::Literal(content));
            at += length;
        } else if rest.starts_with(&[':', ':']) {
            found.push(Token::Colons);
            at += 2;
        } else if is_word(rest[0]) {
            let length = length_until(rest, |c| !is_word(c));
            found.push(Token::Word(rest[..length].iter().collect()));
            at += length;
        } else {
            if !rest[0].is_whitespace() {
                found.push(Token::Sign(rest[0]));
            }
            at += 1;
        }
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn length_until(chars: &[char], ends: impl Fn(char) -> bool) -> usize {
    chars.iter().position(|c| ends(*c)).unwrap_or(chars.len())
}

/// Length of the comment that starts here; comments nest.
fn block_comment(chars: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < chars.len() {
        if chars[at..].starts_with(&['/', '*']) {
            depth += 1;
            at += 2;
        } else if chars[at..].starts_with(&['*', '/']) {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    chars.len()
}

/// Length and content of the literal that starts here, if one does.
fn literal(chars: &[char]) -> Option<(usize, String)> {
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|prefix| {
        let after = &chars[prefix.len().min(chars.len())..];
        let raw = prefix.ends_with('r');
        let opens = after.first() == Some(&'"') || (raw && raw_opening(after).is_some());
        prefix.chars().eq(chars.iter().copied().take(prefix.len())) && opens
    });
    match prefix {
        Some(prefix) if prefix.ends_with('r') => {
            let hashes = raw_opening(&chars[prefix.len()..])?;
            let start = prefix.len() + hashes + 1;
            let mut end: Vec<char> = vec!['"'];
            end.extend(std::iter::repeat_n('#', hashes));
            let length = chars[start..].windows(end.len()).position(|window| window == end)?;
            Some((start + length + end.len(), chars[start..start + length].iter().collect()))
        }
        Some(prefix) => {
            let length = quoted(&chars[prefix.len() + 1..], '"')?;
            let start = prefix.len() + 1;
            Some((start + length + 1, chars[start..start + length].iter().collect()))
        }
        None => character(chars),
    }
}

/// How many `#` stand before the quote of a raw string, if this is one.
fn raw_opening(chars: &[char]) -> Option<usize> {
    let hashes = length_until(chars, |c| c != '#');
    (chars.get(hashes) == Some(&'"')).then_some(hashes)
}

/// A character literal, which must not be taken for a lifetime.
fn character(chars: &[char]) -> Option<(usize, String)> {
    match chars {
        ['\'', '\\', ..] => {
            let length = quoted(&chars[1..], '\'')?;
            Some((length + 2, chars[1..=length].iter().collect()))
        }
        ['\'', c, '\'', ..] => Some((3, c.to_string())),
        _ => None,
    }
}

/// Length up to the closing `quote`, with `\` before a quote passed over.
fn quoted(chars: &[char], quote: char) -> Option<usize> {
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            c if c == quote => return Some(at),
            _ => at += 1,
        }
    }
    None
}

/// A path that the source names, spelled out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedPath {
    /// `["crate", "domain", "account"]`; `super` and `self` are resolved where that is possible.
    pub(crate) segments: Vec<String>,
    /// Whether it stands in a `use`.
    pub(crate) is_use: bool,
}

/// What one file names and declares.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Every path of two segments or more, and every path of a `use`.
    pub(crate) paths: Vec<NamedPath>,
    /// The modules declared with `mod`.
    pub(crate) modules: Vec<String>,
}

/// Reads the paths out of `tokens`, which stand in the module `module` (empty for the root of the crate).
pub(crate) fn names(tokens: &[Token], module: &[String]) -> Names {
    let mut reader =
        Reader { tokens, at: 0, inside: Vec::new(), depth: 0, file: module, names: Names::default() };
    reader.read();
    reader.names
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Inline modules around this place, with the depth of braces at which each ends.
    inside: Vec<(String, usize)>,
    depth: usize,
    file: &'a [String],
    names: Names,
}

impl Reader<'_> {
    fn read(&mut self) {
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match token {
                Token::Sign('{') => self.depth += 1,
                Token::Sign('}') => {
                    if self.inside.last().is_some_and(|(_, depth)| *depth == self.depth) {
                        self.inside.pop();
                    }
                    self.depth = self.depth.saturating_sub(1);
                }
                Token::Word(word) if word == "use" => {
                    // `impl Trait + use<'a>` names lifetimes, not paths.
                    if self.tokens.get(self.at) != Some(&Token::Sign('<')) {
                        self.tree(&mut Vec::new());
                    }
                }
                Token::Word(word) if word == "mod" => self.module(),
                Token::Word(word) => self.expression(word.clone()),
                Token::Colons => self.skip_relative(),
                Token::Sign(_) | Token::Literal(_) => {}
            }
        }
    }

    /// `mod name;` or `mod name {`.
    fn module(&mut self) {
        let Some(Token::Word(name)) = self.tokens.get(self.at) else { return };
        match self.tokens.get(self.at + 1) {
            Some(Token::Sign('{')) => {
                self.depth += 1;
                self.inside.push((name.clone(), self.depth));
            }
            Some(Token::Sign(';')) => self.names.modules.push(name.clone()),
            _ => return,
        }
        self.at += 2;
    }

    /// What follows a `::` that no word stands before, as in `<T as Trait>::name`: nothing of interest.
    fn skip_relative(&mut self) {
        if let Some(Token::Word(_)) = self.tokens.get(self.at) {
            self.at += 1;
        }
    }

    fn expression(&mut self, head: String) {
        let mut segments = vec![head];
        while self.tokens.get(self.at) == Some(&Token::Colons) {
            let Some(Token::Word(word)) = self.tokens.get(self.at + 1) else {
                self.at += 1;
                break;
            };
            segments.push(word.clone());
            self.at += 2;
        }
        if segments.len() > 1 {
            self.keep(&segments, false);
        }
    }

    /// One branch of a `use` tree; ends at `,`, `}` or `;`.
    fn tree(&mut self, before: &mut Vec<String>) {
        let start = before.len();
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match token {
                Token::Word(word) if word == "as" => self.at += 1,
                Token::Word(word) => before.push(word.clone()),
                Token::Sign('{') => {
                    while !matches!(self.tokens.get(self.at), None | Some(Token::Sign('}' | ';'))) {
                        self.tree(before);
                    }
                    self.at += 1;
                    before.truncate(start);
                }
                Token::Sign(',') => break,
                Token::Sign('}' | ';') => {
                    self.at -= 1;
                    break;
                }
                Token::Colons | Token::Sign(_) | Token::Literal(_) => {}
            }
        }
        if before.len() > start {
            let whole = before.clone();
            self.keep(&whole, true);
        }
        before.truncate(start);
    }

    fn keep(&mut self, segments: &[String], is_use: bool) {
        let mut whole: Vec<String> = Vec::new();
        if matches!(segments[0].as_str(), "super" | "self") {
            whole.push("crate".to_owned());
            whole.extend(self.file.iter().cloned());
            whole.extend(self.inside.iter().map(|(name, _)| name.clone()));
        }
        for segment in segments {
            match segment.as_str() {
                "super" => drop(whole.pop()),
                "self" => {}
                _ => whole.push(segment.clone()),
            }
        }
        self.names.paths.push(NamedPath { segments: whole, is_use });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str, module: &[&str]) -> Vec<String> {
        let module: Vec<String> = module.iter().map(|part| (*part).to_owned()).collect();
        names(&tokens(text), &module).paths.iter().map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn a_use_tree_is_spelled_out() {
        let text = "use crate::{domain::{account::Account, ids::*}, store as kept}; pub(crate) use serde::Serialize;";
        assert_eq!(
            paths(text, &[]),
            ["crate::domain::account::Account", "crate::domain::ids", "crate::store", "serde::Serialize"]
        );
    }

    #[test]
    fn supers_are_resolved_against_the_file_and_the_modules_within_it() {
        assert_eq!(paths("use super::super::store::Db;", &["http", "scim"]), ["crate::store::Db"]);
        assert_eq!(
            paths("mod tests { use super::Account; } use super::ids::A;", &["domain", "account"]),
            ["crate::domain::account::Account", "crate::domain::ids::A"]
        );
    }

    #[test]
    fn comments_and_literals_name_nothing() {
        let text = r##"
            // crate::a::b
            /* crate::c::d /* nested */ crate::e::f */
            let s = "crate::g \" ::h"; let r = r#"crate::i " ::j"#; let c = '"'; let l: &'a str = crate::k::l();
        "##;
        assert_eq!(paths(text, &[]), ["crate::k::l"]);
    }

    #[test]
    fn a_path_after_a_qualified_type_has_no_head() {
        assert_eq!(
            paths("<T as sqlx::Type>::name::first(); Vec::<tokio::Task>::new()", &[]),
            ["sqlx::Type", "tokio::Task"]
        );
    }
}
