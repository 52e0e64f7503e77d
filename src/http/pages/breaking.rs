//! Sign-in names where there is little room: they break before the `@` and before a dot, not in the middle of a word.
//!
//! Invariant: each piece is escaped; nothing is lost of the name, and nothing is added to what is copied from the page.

use askama::Template;
use askama::filters::HtmlSafe;

/// A sign-in name, in the pieces that it may break into.
#[derive(Debug, Template)]
#[template(
    source = "{% for piece in pieces %}{{ piece }}{% if !loop.last %}<wbr>{% endif %}{% endfor %}",
    ext = "html"
)]
pub(crate) struct Breaking<'n> {
    pieces: Vec<&'n str>,
}

impl HtmlSafe for Breaking<'_> {}

/// The name in its pieces.
pub(crate) fn breaking(name: &str) -> Breaking<'_> {
    let (mut pieces, mut rest) = (Vec::new(), name);
    while let Some((at, _)) = rest.char_indices().skip(1).find(|(_, c)| matches!(c, '@' | '.')) {
        let (piece, behind) = rest.split_at(at);
        pieces.push(piece);
        rest = behind;
    }
    pieces.push(rest);
    Breaking { pieces }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_breaks_before_the_at_and_the_dots_and_is_escaped() {
        let told = |name| breaking(name).render().unwrap();
        assert_eq!(told("asa.lind@norr.example"), "asa<wbr>.lind<wbr>@norr<wbr>.example");
        assert_eq!(told("@asa"), "@asa");
        assert_eq!(told(""), "");
        assert!(!told("<b>.\"x\"@å").contains("<b>"));
    }
}
