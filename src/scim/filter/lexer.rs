//! Cuts a filter into words, texts and brackets.
//!
//! Invariant: every token knows the byte where it starts, so that a refusal can say where.

/// A piece of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A word: an attribute, an operator, a number, `true`.
    Word(&'t str),
    /// A text with its quotes, still escaped.
    Quoted(&'t str),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
}

/// The tokens of `text` with the byte where each starts; on failure the byte where an unfinished text starts.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token<'_>)>, usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or(' ');
        let (token, length) = match first {
            _ if first.is_whitespace() => {
                at += first.len_utf8();
                continue;
            }
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '[' => (Token::OpenBracket, 1),
            ']' => (Token::CloseBracket, 1),
            '"' => {
                let length = quoted_length(rest).ok_or(at)?;
                (Token::Quoted(rest.get(..length).unwrap_or(rest)), length)
            }
            _ => {
                let length = rest.find(ends_word).unwrap_or(rest.len());
                (Token::Word(rest.get(..length).unwrap_or(rest)), length)
            }
        };
        found.push((at, token));
        at += length;
    }
    Ok(found)
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"')
}

/// Bytes from the opening to the closing quote, both counted.
fn quoted_length(rest: &str) -> Option<usize> {
    let mut escaped = false;
    for (index, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(index + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_and_quotes_end_a_word() {
        let all = tokens(r#"not(a[b eq "x\"]"])"#).unwrap();
        let kinds: Vec<_> = all.iter().map(|(_, token)| *token).collect();
        assert_eq!(kinds.first(), Some(&Token::Word("not")));
        assert_eq!(kinds.get(1), Some(&Token::Open));
        assert!(kinds.contains(&Token::Quoted(r#""x\"]""#)));
    }

    #[test]
    fn an_open_text_is_refused_where_it_starts() {
        assert_eq!(tokens("a eq \"b"), Err(5));
    }
}
