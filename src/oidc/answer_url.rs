//! Where a browser is sent back to a client, with an answer in the query.
//!
//! Invariant: only the query is added to; scheme, host and path are those of the registered address.

use reqwest::Url;

/// `address` with `answer` added to its query, each value encoded (RFC 6749 §4.1.2). Nothing where it is no address.
#[must_use]
pub fn answer_url(address: &str, answer: &[(&str, &str)]) -> Option<String> {
    let mut url = Url::parse(address).ok()?;
    if !answer.is_empty() {
        url.query_pairs_mut().extend_pairs(answer);
    }
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_added_to_what_stands_there_and_cannot_break_out_of_its_place() {
        let answered =
            |address: &str| answer_url(address, &[("code", "a&b=c#d"), ("state", "å \"x\"")]).unwrap();
        let query = "code=a%26b%3Dc%23d&state=%C3%A5+%22x%22";
        assert_eq!(answered("https://crm.example/cb"), format!("https://crm.example/cb?{query}"));
        assert_eq!(answered("https://crm.example/cb?t=1"), format!("https://crm.example/cb?t=1&{query}"));
        assert_eq!(answer_url("https://crm.example/bye", &[]).unwrap(), "https://crm.example/bye");
        assert_eq!(answer_url("nowhere", &[]), None);
    }
}
