//! Reads a filter by recursive descent.
//!
//! Invariant: depth, length and terms are limited before they cost anything, so
//! that no text can overflow the stack; every refusal has a position.

use serde_json::Value;

use super::lexer::{Token, tokens};
use super::literal::{self, Literal};
use super::{CompareOp, Filter, MAX_DEPTH, MAX_LENGTH, MAX_TERMS};
use crate::scim::error::shown;
use crate::scim::path::{AttrPath, Field, is_readable};
use crate::scim::schema::{Attribute, ResourceKind};

/// What is wrong in a filter or a PATCH path, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at position {at}: {what}")]
pub(crate) struct Fault {
    /// Characters before the mistake.
    pub(crate) at: usize,
    /// What is wrong and what would be right.
    pub(crate) what: String,
}

/// Reads a whole filter.
pub(super) fn filter(text: &str, kind: ResourceKind) -> Result<Filter, Fault> {
    read(text, kind, None)
}

/// Reads the filter in the brackets of a value path on `entry`.
pub(crate) fn value_filter(text: &str, kind: ResourceKind, entry: &Field) -> Result<Filter, Fault> {
    read(text, kind, Some(entry))
}

fn read(text: &str, kind: ResourceKind, entry: Option<&Field>) -> Result<Filter, Fault> {
    if text.len() > MAX_LENGTH {
        let what = format!("the filter is longer than {MAX_LENGTH} bytes");
        return Err(Fault { at: 0, what });
    }
    let tokens = tokens(text).map_err(|byte| fault(text, byte, "the text has no closing quote"))?;
    let mut parser = Parser { text, tokens, next: 0, depth: 0, terms: 0, kind };
    let filter = parser.or_expression(entry)?;
    match parser.peek() {
        None => Ok(filter),
        Some(_) => Err(parser.fault("expected and, or, or the end")),
    }
}

fn fault(text: &str, byte: usize, what: impl Into<String>) -> Fault {
    let at = text.get(..byte).unwrap_or(text).chars().count();
    Fault { at, what: what.into() }
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<(usize, Token<'t>)>,
    next: usize,
    depth: usize,
    terms: usize,
    kind: ResourceKind,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.next).map(|(_, token)| *token)
    }

    /// A fault at the next token, or at the end.
    fn fault(&self, what: impl Into<String>) -> Fault {
        let byte = self.tokens.get(self.next).map_or(self.text.len(), |(byte, _)| *byte);
        fault(self.text, byte, what)
    }

    fn take(&mut self, wanted: Token<'static>, what: &str) -> Result<(), Fault> {
        if self.peek() != Some(wanted) {
            return Err(self.fault(what));
        }
        self.next += 1;
        Ok(())
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        if found {
            self.next += 1;
        }
        found
    }

    fn or_expression(&mut self, entry: Option<&Field>) -> Result<Filter, Fault> {
        let first = self.and_expression(entry)?;
        let mut all = vec![first];
        while self.take_keyword("or") {
            all.push(self.and_expression(entry)?);
        }
        Ok(single_or(all, Filter::Or))
    }

    fn and_expression(&mut self, entry: Option<&Field>) -> Result<Filter, Fault> {
        let first = self.term(entry)?;
        let mut all = vec![first];
        while self.take_keyword("and") {
            all.push(self.term(entry)?);
        }
        Ok(single_or(all, Filter::And))
    }

    fn term(&mut self, entry: Option<&Field>) -> Result<Filter, Fault> {
        match self.peek() {
            Some(Token::Open) => self.nested(entry),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("not") && self.opens_next() => {
                self.next += 1;
                Ok(Filter::Not(Box::new(self.nested(entry)?)))
            }
            Some(Token::Word(word)) => self.attribute(word, entry),
            _ => Err(self.fault("expected an attribute, not ( or (")),
        }
    }

    fn opens_next(&self) -> bool {
        matches!(self.tokens.get(self.next + 1), Some((_, Token::Open)))
    }

    fn nested(&mut self, entry: Option<&Field>) -> Result<Filter, Fault> {
        self.deeper()?;
        self.take(Token::Open, "expected (")?;
        let inner = self.or_expression(entry)?;
        self.take(Token::Close, "expected )")?;
        self.depth -= 1;
        Ok(inner)
    }

    fn deeper(&mut self) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fault(format!("nested deeper than {MAX_DEPTH}")));
        }
        Ok(())
    }

    fn attribute(&mut self, word: &str, entry: Option<&Field>) -> Result<Filter, Fault> {
        let resolved = match entry {
            Some(parent) => AttrPath::within(word, parent, self.kind),
            None => AttrPath::resolve(word, self.kind),
        };
        let path = resolved.map_err(|reason| self.fault(reason.to_string()))?;
        if path.attribute().is_none() || !is_readable(&path) {
            return Err(self.fault(format!("{} is not an attribute that can be searched", shown(word))));
        }
        self.next += 1;
        if self.peek() == Some(Token::OpenBracket) {
            return self.value_path(path, entry);
        }
        self.comparison(path)
    }

    fn value_path(&mut self, path: AttrPath, entry: Option<&Field>) -> Result<Filter, Fault> {
        let complex = path.sub().is_none() && path.leaf().is_none_or(Attribute::is_complex);
        let Some(field) = path.attribute().filter(|_| entry.is_none() && complex).cloned() else {
            return Err(self.fault(format!("{path} has no entries to choose among with [")));
        };
        self.deeper()?;
        self.take(Token::OpenBracket, "expected [")?;
        let inner = self.or_expression(Some(&field))?;
        self.take(Token::CloseBracket, "expected ]")?;
        self.depth -= 1;
        let filter = match self.peek() {
            Some(Token::Word(word)) if word.starts_with('.') => {
                let also = self.sub_comparison(word, &field)?;
                match inner {
                    Filter::And(mut all) => {
                        all.push(also);
                        Filter::And(all)
                    }
                    one => Filter::And(vec![one, also]),
                }
            }
            _ => inner,
        };
        Ok(Filter::ValuePath { path, filter: Box::new(filter) })
    }

    /// `.value eq "x"` after a bracket: outside the grammar, and what Entra sends.
    fn sub_comparison(&mut self, word: &str, field: &Field) -> Result<Filter, Fault> {
        let name = word.strip_prefix('.').unwrap_or(word);
        let path =
            AttrPath::within(name, field, self.kind).map_err(|reason| self.fault(reason.to_string()))?;
        self.next += 1;
        self.comparison(path)
    }

    fn comparison(&mut self, path: AttrPath) -> Result<Filter, Fault> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(self.fault(format!("more than {MAX_TERMS} comparisons")));
        }
        let Some(Token::Word(word)) = self.peek() else {
            return Err(self.fault("expected an operator: eq ne co sw ew gt ge lt le pr"));
        };
        if word.eq_ignore_ascii_case("pr") {
            self.next += 1;
            return Ok(Filter::Present(path));
        }
        let Some(op) = CompareOp::named(word) else {
            let what = format!("{} is not an operator: eq ne co sw ew gt ge lt le pr", shown(word));
            return Err(self.fault(what));
        };
        self.next += 1;
        let path = to_its_value(path);
        let value = self.literal(&path, op)?;
        Ok(Filter::Compare { path, op, value })
    }

    fn literal(&mut self, path: &AttrPath, op: CompareOp) -> Result<Literal, Fault> {
        let value = match self.peek() {
            Some(Token::Quoted(text)) => serde_json::from_str(text).ok(),
            Some(Token::Word(word)) => word_value(word),
            _ => None,
        };
        let Some(value) = value else {
            return Err(
                self.fault("expected a value: a text in double quotes, a number, true, false or null")
            );
        };
        let literal = literal::typed(value, op, path.leaf())
            .map_err(|right| self.fault(format!("{path} takes {right}")))?;
        self.next += 1;
        Ok(literal)
    }
}

fn word_value(word: &str) -> Option<Value> {
    match word.to_ascii_lowercase().as_str() {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "null" => Some(Value::Null),
        _ => serde_json::from_str::<serde_json::Number>(word).ok().map(Value::Number),
    }
}

/// `members eq "x"` means `members.value eq "x"` (RFC 7643 §2.4: `value` is the significant one).
fn to_its_value(path: AttrPath) -> AttrPath {
    let value = path.leaf().filter(|_| path.sub().is_none()).and_then(|spec| spec.sub_attribute("value"));
    match value {
        Some(spec) => path.with_field(Field::known(spec)),
        None => path,
    }
}

fn single_or(mut all: Vec<Filter>, many: impl FnOnce(Vec<Filter>) -> Filter) -> Filter {
    match (all.len(), all.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            all.extend(last);
            many(all)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::error::ScimType;

    fn refusal(text: &str) -> String {
        let error = Filter::parse(text, ResourceKind::User).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::InvalidFilter), "{text}");
        error.detail
    }

    #[test]
    fn a_filter_that_is_not_understood_is_refused_where_it_goes_wrong() {
        let table = [
            ("", 0),
            ("userName", 8),
            ("userName eq", 11),
            (r#"userName xx "a""#, 9),
            (r#"(userName eq "a""#, 16),
            (r#"userName eq "a" and"#, 19),
            (r#"userName eq "a"#, 12),
            (r#"emails[type eq "work""#, 21),
            (r#"eq "a""#, 0),
            (r#"userNam eq "a""#, 0),
            (r#"password eq "a""#, 0),
            ("active gt true", 10),
            (r#"active eq "banana""#, 10),
            (r#"meta.created gt "yesterday""#, 16),
            (r#"name eq "x""#, 8),
            ("userName eq true", 12),
            ("userName eq 'a'", 12),
            (r#"userName eq "a" userName eq "b""#, 16),
            (r#"userName eq "\u0000""#, 12),
            (r#"userName[value eq "a"]"#, 8),
            (r#"urn:ietf:params:scim:schemas:core:2.0:Usr:userName eq "a""#, 0),
            (r#"title eq "åäö" åå "x""#, 15),
        ];
        for (text, at) in table {
            let detail = refusal(text);
            assert!(detail.starts_with(&format!("at position {at}:")), "{text}: {detail}");
        }
    }

    #[test]
    fn bombs_are_refused_before_they_cost_anything() {
        assert!(refusal(&"(".repeat(4000)).contains("deeper"));
        assert!(refusal(&"not(".repeat(1000)).contains("deeper"));
        assert!(refusal(&"x".repeat(5000)).contains("longer"));
        assert!(refusal(&vec!["id pr"; 201].join(" or ")).contains("comparisons"));
        assert!(Filter::parse(&vec!["id pr"; 200].join(" or "), ResourceKind::User).is_ok());
    }

    #[test]
    fn an_answer_never_repeats_a_long_or_dangerous_text() {
        let detail = refusal(&format!("{}\u{7} eq 1", "a".repeat(3000)));
        assert!(detail.len() < 200 && !detail.contains('\u{7}'));
    }
}
