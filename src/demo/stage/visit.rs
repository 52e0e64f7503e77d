//! A person signs in through Portvakt, in a browser of their own.
//!
//! Invariant: a visit counts as a sign-in only when it ends on Portvakt's own page, with a session.

use reqwest::{Client, StatusCode};

use crate::demo::DemoError;
use crate::demo::association::{Home, Person};
use crate::demo::browser::{Browser, Page};

/// The entrance of a directory.
pub(super) fn entrance(portvakt: &str, home: Home) -> String {
    format!("{portvakt}/sso/login?directory={}&return_to=%2F", home.id())
}

/// Opens the entrance of the person's directory, clicks the person, and follows where that leads.
pub(super) async fn comes(client: Client, portvakt: &str, person: &Person) -> Result<Page, DemoError> {
    enter(&mut Browser::new(client), portvakt, person).await
}

/// The same in a browser that is used further.
pub(super) async fn enter(browser: &mut Browser, portvakt: &str, person: &Person) -> Result<Page, DemoError> {
    let login = browser.open(&entrance(portvakt, person.home)).await?;
    browser.click(&login, &person.external_id).await
}

/// As [`comes`], for somebody who is to get in.
pub(super) async fn signs_in(client: Client, portvakt: &str, person: &Person) -> Result<(), DemoError> {
    let page = comes(client, portvakt, person).await?;
    if has_got_in(portvakt, &page) {
        return Ok(());
    }
    Err(DemoError::answer("GET", page.url.path(), page.status.as_u16(), &page.body))
}

/// Whether the page is the one behind the entrance.
pub(super) fn has_got_in(portvakt: &str, page: &Page) -> bool {
    page.status == StatusCode::OK && page.url.as_str() == format!("{portvakt}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_portvakts_own_page_is_a_sign_in() {
        let page = |url: &str, status| Page {
            url: url.parse().unwrap(),
            status: StatusCode::from_u16(status).unwrap(),
            body: String::new(),
        };
        let at = "http://127.0.0.1:8080";
        assert!(has_got_in(at, &page("http://127.0.0.1:8080/", 200)));
        assert!(!has_got_in(at, &page("http://127.0.0.1:8080/", 403)));
        assert!(!has_got_in(at, &page("http://127.0.0.1:8081/", 200)));
        assert!(!has_got_in(at, &page("http://127.0.0.1:8080/sso/callback?code=x", 200)));
    }
}
