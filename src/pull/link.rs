//! Links from one page to the next.
//!
//! Invariant: a link is followed as it was given, only to the scheme, host and port that the settings name, and
//! only once.

use std::collections::HashSet;

use reqwest::Url;
use reqwest::header::{HeaderMap, LINK};

use super::courier::MOST_PAGES;
use super::error::PullError;

/// The pages that were visited, and the host they must stay on.
#[derive(Debug)]
pub(crate) struct Trail {
    base: Url,
    visited: HashSet<String>,
}

impl Trail {
    /// A trail that begins at `first`.
    pub(crate) fn new(first: &Url) -> Self {
        Self { base: first.clone(), visited: [first.as_str().to_owned()].into() }
    }

    /// The next page, if it may be visited.
    pub(crate) fn step(&mut self, what: &str, link: &str) -> Result<Url, PullError> {
        let unusable = |reason: String| PullError::Unusable { what: what.to_owned(), reason };
        let url =
            Url::parse(link).map_err(|error| unusable(format!("the link to the next page: {error}")))?;
        let place = |url: &Url| {
            (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default())
        };
        if place(&url) != place(&self.base) || !url.username().is_empty() || url.password().is_some() {
            let host = url.host_str().unwrap_or("nowhere").to_owned();
            return Err(PullError::ForeignLink { what: what.to_owned(), host });
        }
        if self.visited.len() >= MOST_PAGES {
            return Err(unusable(format!("there are more than {MOST_PAGES} pages")));
        }
        if !self.visited.insert(url.as_str().to_owned()) {
            return Err(unusable("the pages go in a circle".to_owned()));
        }
        Ok(url)
    }

    /// How many pages were visited, the present one included.
    pub(crate) fn pages(&self) -> usize {
        self.visited.len()
    }
}

/// The target of `rel="next"` in the `Link` headers, on one line or several (RFC 8288 §3).
pub(crate) fn next_of(headers: &HeaderMap) -> Option<String> {
    headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).find_map(next_in)
}

fn next_in(header: &str) -> Option<String> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, after) = after.split_once('>')?;
        // The parameters reach to the next target; commas within them do not matter to us.
        let parameters = after.split_once('<').map_or(after, |(parameters, _)| parameters);
        let is_next = parameters.split([';', ',']).filter_map(|part| part.trim().split_once('=')).any(
            |(name, value)| {
                let mut kinds = value.trim().trim_matches('"').split_ascii_whitespace();
                name.trim().eq_ignore_ascii_case("rel") && kinds.any(|kind| kind.eq_ignore_ascii_case("next"))
            },
        );
        if is_next {
            return Some(target.to_owned());
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(lines: &[&str]) -> Option<String> {
        next_of(&lines.iter().map(|line| (LINK, line.parse().unwrap())).collect())
    }

    #[test]
    fn the_next_page_is_found_on_one_line_or_several() {
        let (own, onward) = (
            r#"<https://a.example/u?limit=2>; rel="self""#,
            r#"<https://a.example/u?after=x,y>; rel="next""#,
        );
        let found = Some("https://a.example/u?after=x,y".to_owned());
        assert_eq!(next(&[own, onward]), found);
        assert_eq!(next(&[&format!("{own}, {onward}")]), found);
        assert_eq!(next(&[&format!("{onward},{own}")]), found);
        assert_eq!(next(&[r"<https://a.example/u?after=x,y>;rel=next"]), found);
        assert_eq!(next(&[own]), None);
        assert_eq!(next(&["nonsense", "<broken"]), None);
    }

    #[test]
    fn a_trail_stays_on_its_host_and_never_turns_back() {
        let mut trail = Trail::new(&Url::parse("https://a.example/u").unwrap());
        assert!(trail.step("users", "https://a.example:443/u?page=2").is_ok());
        for foreign in
            ["https://b.example/u", "http://a.example/u", "https://a.example:8443/u", "https://x@a.example/u"]
        {
            assert!(matches!(trail.step("users", foreign), Err(PullError::ForeignLink { .. })), "{foreign}");
        }
        for broken in ["https://a.example/u?page=2", "https://a.example/u", "/u?page=3"] {
            assert!(matches!(trail.step("users", broken), Err(PullError::Unusable { .. })), "{broken}");
        }
        assert_eq!(trail.pages(), 2);
    }
}
