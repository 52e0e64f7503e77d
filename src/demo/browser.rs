//! A person's browser, as far as a sign-in needs one: cookies, redirects and the login page's form.
//!
//! Invariant: cookies go back only to the host and port they came from; at most ten redirects are followed.

use std::collections::{BTreeMap, HashMap};

use reqwest::header::{CONTENT_TYPE, COOKIE, HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, StatusCode, Url};

use super::error::DemoError;

/// How many redirects are followed.
const REDIRECTS: usize = 10;

/// A browser with its own cookies.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    cookies: HashMap<String, BTreeMap<String, String>>,
}

/// The page that one ended up on.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where.
    pub url: Url,
    /// With which status.
    pub status: StatusCode,
    /// What it says.
    pub body: String,
}

impl Browser {
    /// A browser without cookies; the client follows no redirect by itself.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, cookies: HashMap::new() }
    }

    /// Opens an address and follows where it leads.
    ///
    /// # Errors
    ///
    /// [`DemoError::Unreachable`] when there is no answer or no end of redirects.
    pub async fn open(&mut self, address: &str) -> Result<Page, DemoError> {
        let url =
            Url::parse(address).map_err(|error| unreachable(&Method::GET, address, error.to_string()))?;
        self.follow(url, None).await
    }

    /// Clicks a person on the practice provider's login page and follows where that leads.
    ///
    /// # Errors
    ///
    /// [`DemoError::NotThere`] when the page does not list the person; else as [`Self::open`].
    pub async fn click(&mut self, login: &Page, person: &str) -> Result<Page, DemoError> {
        let request = login
            .body
            .split_once("name=\"request\" value=\"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .map(|(request, _)| request);
        let is_listed = login.body.contains(&format!("name=\"person\" value=\"{person}\""));
        let (Some(request), true) = (request, is_listed) else {
            return Err(DemoError::NotThere(format!("{person} on the page {}", login.url.path())));
        };
        let target = login.url.join("sign-in");
        let url = target.map_err(|error| unreachable(&Method::POST, login.url.path(), error.to_string()))?;
        let mut form = Url::clone(&url);
        form.query_pairs_mut().clear().append_pair("request", request).append_pair("person", person);
        self.follow(url, form.query().map(str::to_owned)).await
    }

    /// Sends a form to the site that it stands on, and follows where that leads.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub async fn submit(&mut self, address: &str, fields: &[(&str, String)]) -> Result<Page, DemoError> {
        let url =
            Url::parse(address).map_err(|error| unreachable(&Method::POST, address, error.to_string()))?;
        let mut form = Url::clone(&url);
        form.query_pairs_mut().clear().extend_pairs(fields);
        self.follow(url, form.query().map(str::to_owned)).await
    }

    async fn follow(&mut self, mut url: Url, mut form: Option<String>) -> Result<Page, DemoError> {
        for _ in 0..REDIRECTS {
            let (status, headers, body) = self.request(&url, form.take()).await?;
            let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
            match location.filter(|_| status.is_redirection()) {
                Some(location) => {
                    url = url
                        .join(location)
                        .map_err(|error| unreachable(&Method::GET, url.path(), error.to_string()))?;
                }
                None => return Ok(Page { url, status, body }),
            }
        }
        Err(unreachable(&Method::GET, url.path(), "too many redirects".to_owned()))
    }

    async fn request(
        &mut self,
        url: &Url,
        form: Option<String>,
    ) -> Result<(StatusCode, HeaderMap, String), DemoError> {
        let method = if form.is_some() { Method::POST } else { Method::GET };
        let broken =
            |error: reqwest::Error| unreachable(&method, url.path(), error.without_url().to_string());
        let mut request = self.client.request(method.clone(), url.clone());
        let jar = self.cookies.entry(url.authority().to_owned()).or_default();
        if !jar.is_empty() {
            let shown: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, shown.join("; "));
        }
        if let Some(form) = form {
            let kind = "application/x-www-form-urlencoded";
            let origin = url.origin().ascii_serialization();
            request = request.header(CONTENT_TYPE, kind).header(ORIGIN, origin).body(form);
        }
        let response = request.send().await.map_err(broken)?;
        let (status, headers) = (response.status(), response.headers().clone());
        for cookie in headers.get_all(SET_COOKIE) {
            keep(jar, cookie.to_str().unwrap_or_default());
        }
        Ok((status, headers, response.text().await.map_err(broken)?))
    }
}

/// Keeps a cookie, or drops it when the server says that it has ended.
fn keep(jar: &mut BTreeMap<String, String>, cookie: &str) {
    let mut parts = cookie.split(';').map(str::trim);
    let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
    let has_ended = parts.any(|part| part.eq_ignore_ascii_case("max-age=0"));
    if has_ended || value.is_empty() {
        jar.remove(name);
    } else {
        jar.insert(name.to_owned(), value.to_owned());
    }
}

fn unreachable(method: &Method, path: &str, reason: String) -> DemoError {
    let path = path.split('?').next().unwrap_or_default().to_owned();
    DemoError::Unreachable { method: method.to_string(), path, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_kept_until_the_server_ends_it() {
        let mut jar = BTreeMap::new();
        keep(&mut jar, "session=abc; Path=/; HttpOnly");
        keep(&mut jar, "other=1; Max-Age=600");
        assert_eq!(jar.get("session").map(String::as_str), Some("abc"));
        keep(&mut jar, "session=abc; Max-Age=0");
        keep(&mut jar, "other=; Path=/");
        assert!(jar.is_empty());
    }
}
