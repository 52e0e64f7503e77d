//! One statement of a description: its named parameters become the engine's own, numbered.
//!
//! Invariant: nothing but a parameter is ever replaced, and no value is ever written into a text; what stands in quotes
//! and comments stays as it is.

use std::sync::Arc;

use super::description::Engine;

/// A statement is one of these, so that none ends the transaction or changes the CRM's tables.
const KINDS: &[&str] = &["SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "VALUES"];

/// A statement as the engine takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    /// With `$1` or `?1` for the first parameter.
    pub(super) text: Arc<str>,
    /// The names, the first parameter's first.
    pub(super) names: Vec<String>,
}

impl Statement {
    /// Reads a statement.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn parse(engine: Engine, text: &str) -> Result<Self, String> {
        let mut reader = Reader { engine, text, at: 0, written: String::new(), names: Vec::new(), words: 0 };
        while reader.at < text.len() {
            reader.step()?;
        }
        if reader.words == 0 {
            return Err("it is empty".to_owned());
        }
        Ok(Self { text: reader.written.trim().into(), names: reader.names })
    }
}

/// Reads one text from its beginning to its end.
struct Reader<'t> {
    engine: Engine,
    text: &'t str,
    at: usize,
    written: String,
    names: Vec<String>,
    words: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Takes over so many bytes as they are.
    fn keep(&mut self, length: usize) {
        let kept = self.rest().get(..length).unwrap_or_else(|| self.rest());
        self.written.push_str(kept);
        self.at += kept.len();
    }

    fn step(&mut self) -> Result<(), String> {
        let rest = self.rest();
        let is_postgres = self.engine == Engine::Postgres;
        let mut signs = rest.chars();
        let (Some(first), second) = (signs.next(), signs.next()) else { return Ok(()) };
        match (first, second) {
            ('-', Some('-')) => self.keep(rest.find('\n').unwrap_or(rest.len())),
            ('/', Some('*')) => self.keep(comment(rest, is_postgres)?),
            ('\'' | '"', _) => self.keep(quoted(rest, first, false)?),
            ('`', _) if !is_postgres => self.keep(quoted(rest, '`', false)?),
            ('[', _) if !is_postgres => {
                self.keep(rest.find(']').map(|at| at + 1).ok_or("a bracket is not closed")?);
            }
            (':', Some(':' | '=')) => self.keep(2),
            (':', Some(sign)) if is_first(sign) => self.parameter(),
            ('$', _) if is_postgres && dollar(rest).is_some() => {
                let tag = dollar(rest).unwrap_or_default();
                let after = rest.get(tag.len()..).unwrap_or_default();
                let end = after.find(tag).ok_or_else(|| format!("{tag} is not closed"))?;
                self.keep(tag.len() * 2 + end);
            }
            ('$' | '?', Some(sign)) if sign.is_ascii_digit() => return Err(unnamed(first)),
            ('?' | '$' | '@', _) if !is_postgres => return Err(unnamed(first)),
            (';', _) => return self.end(),
            _ if is_first(first) => return self.word(),
            _ => self.keep(first.len_utf8()),
        }
        Ok(())
    }

    fn parameter(&mut self) {
        let name: String = self.rest().chars().skip(1).take_while(|sign| is_within(*sign)).collect();
        self.at += name.len() + 1;
        let known = self.names.iter().position(|one| *one == name);
        let number = known.unwrap_or(self.names.len()) + 1;
        if known.is_none() {
            self.names.push(name);
        }
        self.written.push(if self.engine == Engine::Postgres { '$' } else { '?' });
        self.written.push_str(&number.to_string());
    }

    fn word(&mut self) -> Result<(), String> {
        let rest = self.rest();
        let length = rest.find(|sign: char| !is_within(sign) && sign != '$').unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        if self.words == 0 && !KINDS.contains(&word.to_ascii_uppercase().as_str()) {
            return Err(format!("it begins with {word}; a statement here is one of {}", KINDS.join(", ")));
        }
        self.words += 1;
        self.keep(length);
        if self.engine == Engine::Postgres && word.eq_ignore_ascii_case("e") && self.rest().starts_with('\'')
        {
            self.keep(quoted(self.rest(), '\'', true)?);
        }
        Ok(())
    }

    /// A semicolon, which only the end of the text may follow.
    fn end(&mut self) -> Result<(), String> {
        if self.rest().trim_start_matches(|sign: char| sign == ';' || sign.is_whitespace()).is_empty() {
            self.at = self.text.len();
            return Ok(());
        }
        Err("there are several statements; write them as a list: [\"…\", \"…\"]".to_owned())
    }
}

fn is_first(sign: char) -> bool {
    sign.is_alphabetic() || sign == '_'
}

fn is_within(sign: char) -> bool {
    is_first(sign) || sign.is_ascii_digit()
}

fn unnamed(sign: char) -> String {
    format!("{sign} stands for a parameter without a name; write :name")
}

/// The length of a quoted text; a quote within it is doubled, or escaped where `escapes`.
fn quoted(text: &str, quote: char, escapes: bool) -> Result<usize, String> {
    let mut signs = text.char_indices().skip(1).peekable();
    while let Some((at, sign)) = signs.next() {
        if escapes && sign == '\\' {
            signs.next();
        } else if sign == quote {
            if signs.peek().is_none_or(|(_, next)| *next != quote) {
                return Ok(at + quote.len_utf8());
            }
            signs.next();
        }
    }
    Err(format!("a {quote} is not closed"))
}

/// The length of a comment; PostgreSQL's nest.
fn comment(text: &str, nests: bool) -> Result<usize, String> {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") && (nests || depth == 0) {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth.saturating_sub(1), at + 2);
            if depth == 0 {
                return Ok(at);
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    Err("a comment is not closed".to_owned())
}

/// The `$tag$` that opens a text of PostgreSQL.
fn dollar(text: &str) -> Option<&str> {
    let after = text.strip_prefix('$')?;
    let end = after.find('$')?;
    let tag = after.get(..end)?;
    let is_tag = tag.chars().all(is_within) && !tag.starts_with(|sign: char| sign.is_ascii_digit());
    if is_tag { text.get(..end + 2) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(engine: Engine, text: &str) -> (String, Vec<String>) {
        let Statement { text, names } = Statement::parse(engine, text).unwrap();
        (text.to_string(), names)
    }

    #[test]
    fn a_name_becomes_the_engines_own_parameter_wherever_it_stands() {
        let text = "UPDATE t SET a = :name, b=:other,c = f(:name) WHERE d=:_x;\n";
        let (read_text, names) = read(Engine::Postgres, text);
        assert_eq!(read_text, "UPDATE t SET a = $1, b=$2,c = f($1) WHERE d=$3");
        assert_eq!(names, ["name", "other", "_x"]);
        assert_eq!(read(Engine::Sqlite, text).0, "UPDATE t SET a = ?1, b=?2,c = f(?1) WHERE d=?3");
    }

    #[test]
    fn what_stands_in_quotes_and_comments_is_no_parameter() {
        for text in [
            "SELECT ':a', 'it''s :a', \":a\", 'å:a'",
            "SELECT 1 -- :a ; ?\n",
            "SELECT /* :a ; */ 1",
            "SELECT a::text, now()::date",
        ] {
            for engine in [Engine::Postgres, Engine::Sqlite] {
                let (kept, names) = read(engine, text);
                assert_eq!((kept.as_str(), names.len()), (text.trim(), 0), "{engine:?}");
            }
        }
        for text in [
            "SELECT $$ :a ; ' $$, $x$ :a $$ $x$",
            "SELECT E'\\':a', e'\\\\'",
            "SELECT /* /* :a */ :b */ 1",
            "SELECT d ? 'a', d @> '{}', x[1:2]",
        ] {
            assert_eq!(read(Engine::Postgres, text), (text.to_owned(), Vec::new()));
        }
        for text in ["SELECT [:a], `:a`", "SELECT '\\'"] {
            assert_eq!(read(Engine::Sqlite, text), (text.to_owned(), Vec::new()));
        }
    }

    #[test]
    fn what_is_no_single_statement_with_named_parameters_is_refused() {
        for (engine, text, part) in [
            (Engine::Postgres, "SELECT 1; DELETE FROM t", "several statements"),
            (Engine::Postgres, "SELECT $1", "without a name"),
            (Engine::Sqlite, "SELECT ?", "without a name"),
            (Engine::Sqlite, "SELECT ?2", "without a name"),
            (Engine::Sqlite, "SELECT @a", "without a name"),
            (Engine::Postgres, "COMMIT", "begins with COMMIT"),
            (Engine::Sqlite, "attach 'x' as y", "begins with attach"),
            (Engine::Sqlite, "DROP TABLE t", "begins with DROP"),
            (Engine::Postgres, " -- nothing", "empty"),
            (Engine::Postgres, "SELECT 'a", "not closed"),
            (Engine::Postgres, "SELECT /* a", "not closed"),
            (Engine::Postgres, "SELECT $a$ b", "not closed"),
            (Engine::Sqlite, "SELECT [a", "not closed"),
        ] {
            let said = Statement::parse(engine, text).unwrap_err();
            assert!(said.contains(part), "{text}: {said}");
        }
    }
}
