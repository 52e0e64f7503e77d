//! One request of a described API: made, sent, and its answer read.
//!
//! Invariant: where no status has come, or an answer cannot be read, it is never a yes; what a failure says names the
//! operation and never a header, a body or the secret.

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Map, Value};

use super::super::answer::retry_after;
use super::super::courier::{Courier, Reply};
use super::super::failed::{Failed, is_for_later, quote, shortened};
use super::description::{Answers, Description, Operation};
use super::templates::{Style, Templates};

/// Largest answer that is read, in bytes: a page of a list.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// What was found in an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Read {
    /// A yes, with the answer.
    Yes(Value),
    /// A yes without a word: enough for a write, no proof that something is not there.
    Empty,
    /// There is no such thing.
    Absent,
}

impl Read {
    /// What a question was answered with; nothing: there is no such thing.
    pub(crate) fn answer(self, name: &str) -> Result<Option<Value>, Failed> {
        match self {
            Self::Yes(value) => Ok(Some(value)),
            Self::Absent => Ok(None),
            Self::Empty => Err(Failed::again(format!(
                "{name}: the answer is empty; where that means that there is none, list its status in `absent`"
            ))),
        }
    }
}

/// What requests are made from.
pub(crate) struct Desk<'d> {
    pub(crate) description: &'d Description,
    pub(crate) templates: &'d Templates,
    pub(crate) courier: &'d Courier,
    pub(crate) base: &'d Url,
}

impl Desk<'_> {
    /// Sends one operation; `proof` are the headers that say who asks, `with` what templates may use.
    pub(crate) async fn call(
        &self,
        name: &str,
        operation: &Operation,
        proof: &HeaderMap,
        with: &Value,
        now: Timestamp,
    ) -> Result<Read, Failed> {
        let (url, headers, body) = self.write(name, operation, proof, with).map_err(Failed::Refused)?;
        let default = if body.is_some() { "POST" } else { "GET" };
        let method = operation.method.as_deref().unwrap_or(default);
        let method = Method::from_bytes(method.as_bytes()).unwrap_or(Method::POST);
        let mut request = self.courier.client().request(method, url).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        let reply = self.courier.send(request, LARGEST_ANSWER).await;
        let reply = reply.map_err(|error| Failed::again(format!("{name}: {error}")))?;
        judge(name, &self.description.answer, operation, &reply, now)
    }

    fn write(
        &self,
        name: &str,
        operation: &Operation,
        proof: &HeaderMap,
        with: &Value,
    ) -> Result<(Url, HeaderMap, Option<String>), String> {
        let fill = |key: &str, style| self.templates.fill(&format!("{name}.{key}"), style, with);
        let mut url = self.address(&fill("path", Style::Path)?);
        for key in operation.query.keys() {
            let value = fill(&format!("query.{key}"), Style::Plain)?;
            url.query_pairs_mut().append_pair(key, &value);
        }
        let mut headers = proof.clone();
        let own = operation.headers.keys().map(|key| (key, format!("{name}.headers.{key}")));
        let all = self.description.headers.keys().map(|key| (key, format!("headers.{key}"))).chain(own);
        for (key, at) in all {
            put(&mut headers, key, &self.templates.fill(&at, Style::Plain, with)?)?;
        }
        if operation.body.is_some() {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
            let body = self.templates.fill_json(&format!("{name}.body"), with)?;
            return Ok((url, headers, Some(body)));
        }
        if operation.form.is_empty() && operation.form_json.is_empty() {
            return Ok((url, headers, None));
        }
        let mut pairs = Vec::new();
        for key in operation.form.keys() {
            pairs.push((key.clone(), fill(&format!("form.{key}"), Style::Plain)?));
        }
        for key in operation.form_json.keys() {
            let at = format!("{name}.form_json.{key}");
            pairs.push((key.clone(), self.templates.fill_json(&at, with)?));
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        Ok((url, headers, Some(form(&pairs))))
    }

    /// The address of a path: always on the host of the settings.
    pub(crate) fn address(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }
}

/// A form as it is sent (WHATWG URL §5).
pub(crate) fn form(pairs: &[(String, String)]) -> String {
    let Ok(mut url) = Url::parse("http://form.invalid/") else { return String::new() };
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

/// Puts a header; what cannot be one is said without its value.
pub(crate) fn put(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), String> {
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name:?} is no header"))?;
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| format!("the header {name} would hold control characters"))?;
    value.set_sensitive(true);
    headers.insert(header, value);
    Ok(())
}

fn judge(
    name: &str,
    general: &Answers,
    operation: &Operation,
    reply: &Reply,
    now: Timestamp,
) -> Result<Read, Failed> {
    let status = reply.status.as_u16();
    let listed =
        |own: &Option<Vec<u16>>, general: &[u16]| own.as_deref().unwrap_or(general).contains(&status);
    let has_done = operation.done.is_some() || !general.done.is_empty();
    let is_done = if has_done { listed(&operation.done, &general.done) } else { reply.status.is_success() };
    let after = retry_after(&reply.headers, now);
    let is_absent = listed(&operation.absent, &general.absent);
    if is_done && !(is_absent && is_empty(reply)) {
        return understand(name, general, reply);
    }
    if is_absent {
        return Ok(Read::Absent);
    }
    let said = format!("{name}: {}", quote(reply.status, &reply.body));
    if status == 401 {
        return Err(Failed::NotSignedIn(said));
    }
    let is_usual = is_for_later(status);
    let is_listed = listed(&operation.again, &general.again);
    let has_again = operation.again.is_some() || !general.again.is_empty();
    if is_listed || (is_usual && !has_again) || matches!(status, 429 | 503) {
        return Err(Failed::Again { after, said });
    }
    Err(Failed::Refused(said))
}

fn is_empty(reply: &Reply) -> bool {
    reply.body.iter().all(u8::is_ascii_whitespace) && !reply.is_cut
}

fn understand(name: &str, general: &Answers, reply: &Reply) -> Result<Read, Failed> {
    if is_empty(reply) {
        return Ok(Read::Empty);
    }
    let value: Value = match serde_json::from_slice(&reply.body) {
        Ok(value) if !reply.is_cut => value,
        _ => return Err(Failed::again(format!("{name}: the answer is not whole, or is no JSON"))),
    };
    let Some(pointer) = &general.error else { return Ok(Read::Yes(value)) };
    match value.pointer(pointer) {
        None | Some(Value::Null | Value::Bool(false)) => Ok(Read::Yes(value)),
        Some(Value::Number(number)) if number.as_i64() == Some(0) => Ok(Read::Yes(value)),
        Some(error) => {
            let text = error.to_string();
            let said = format!("{name}: {}", shortened(&text));
            let passes = |known: &String| text.to_lowercase().contains(&known.to_lowercase());
            if general.again_saying.iter().any(passes) {
                return Err(Failed::again(said));
            }
            Err(Failed::Refused(said))
        }
    }
}

/// The items of an answer: the list that `items` points at, or the answer itself. Null there means none; an answer
/// without that place is somebody else's, a proxy's perhaps, and proves nothing.
pub(crate) fn items(name: &str, operation: &Operation, answer: Value) -> Result<Vec<Value>, Failed> {
    let Some(pointer) = &operation.items else {
        return Ok(if answer.is_null() { Vec::new() } else { vec![answer] });
    };
    match answer.pointer(pointer) {
        Some(Value::Array(items)) => Ok(items.clone()),
        Some(Value::Object(members)) => Ok(members.values().cloned().collect()),
        Some(Value::Null) => Ok(Vec::new()),
        None => Err(Failed::again(format!("{name}.items: nothing stands at {pointer:?} of the answer"))),
        Some(_) => Err(Failed::Refused(format!("{name}.items: what stands at {pointer:?} is no list"))),
    }
}

/// The text at a pointer: a text as it is, a number in digits.
pub(crate) fn text_at(value: &Value, pointer: Option<&String>) -> Option<String> {
    match value.pointer(pointer?)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `with` and one name more.
pub(crate) fn and(with: &Value, name: &str, value: Value) -> Value {
    let mut all = with.as_object().cloned().unwrap_or_else(Map::new);
    all.insert(name.to_owned(), value);
    Value::Object(all)
}
