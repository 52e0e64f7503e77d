//! Reads bodies, and says where they are wrong.
//!
//! Invariant: a body that is not of the wanted shape is refused with the path of the first mistake, before anything
//! is looked up or written.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// What a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The most bytes.
    pub bytes: usize,
    /// It must have come within this time.
    pub within: Duration,
}

/// Why a body could not be read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is larger than `server.request_limit_bytes`.
    TooLarge,
    /// It did not come within `server.body_within`.
    TooSlow,
    /// It broke off, or is not well formed.
    Broken(String),
}

impl Fault {
    /// The status that says so.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken(_) => StatusCode::BAD_REQUEST,
        }
    }

    /// What is wrong, and how to mend it.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::TooLarge => {
                "The body is larger than server.request_limit_bytes. Send smaller batches.".to_owned()
            }
            Self::TooSlow => {
                "The body did not come within server.body_within. Send it faster, or less at a time."
                    .to_owned()
            }
            Self::Broken(what) => what.clone(),
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let code = match fault {
            Fault::TooLarge => "too_large",
            Fault::TooSlow => "too_slow",
            Fault::Broken(_) => "body",
        };
        Self::new(fault.status(), code, fault.detail())
    }
}

/// Reads a body whole, within the [`Rules`] of the router.
///
/// # Errors
///
/// [`Fault`], which the door puts into its own words.
pub async fn whole<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Fault> {
    let within = request.extensions().get::<Rules>().map_or(Duration::MAX, |rules| rules.within);
    let reading = Bytes::from_request(request, state);
    let read = tokio::time::timeout(within, reading).await.map_err(|_| Fault::TooSlow)?;
    read.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Fault::TooLarge,
        _ => Fault::Broken(rejection.body_text()),
    })
}

impl Rules {
    /// What is wrong with a body that says of itself that it is too large, before any of it is read.
    pub(super) fn refuse(&self, headers: &HeaderMap) -> Option<Fault> {
        let announced = headers.get(header::CONTENT_LENGTH)?.to_str().ok()?;
        // A number that fits nowhere is too large as well; anything else the server has refused already.
        let is_too_large = announced.parse::<u64>().map_or(true, |bytes| bytes > self.bytes as u64);
        is_too_large.then_some(Fault::TooLarge)
    }
}

/// A JSON body of the shape `T`.
#[derive(Debug, Clone)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !kind.is_some_and(is_json) {
            let detail = "Send the body as JSON, with `Content-Type: application/json`.";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_type", detail));
        }
        let bytes = whole(request, state).await?;
        parse(&bytes).map(Self)
    }
}

/// `application/json`, or another type that ends with `+json` (RFC 6839 §3.1).
fn is_json(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let said = error.inner();
        // Where the text is no JSON at all, the place in the text helps; the path would only mislead.
        let detail = match said.classify() {
            serde_json::error::Category::Data if path != "." => format!("{path}: {said}"),
            serde_json::error::Category::Data => said.to_string(),
            _ => format!("The body is not JSON: {said}"),
        };
        Problem::new(StatusCode::BAD_REQUEST, "body", detail)
    })?;
    reader.end().map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "body", format!("The body goes on after its end: {error}"))
    })?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn said(text: &str) -> String {
        parse::<BTreeMap<String, Vec<u8>>>(text.as_bytes()).unwrap_err().detail
    }

    #[test]
    fn a_value_of_the_wrong_type_is_named_by_its_path() {
        assert!(said(r#"{"a": [1], "b": [1, "x"]}"#).starts_with("b[1]: invalid type: string"));
        assert!(said("[]").starts_with("invalid type: sequence"), "{}", said("[]"));
    }

    #[test]
    fn what_is_no_json_is_told_by_line_and_column() {
        assert!(said(r#"{"a": [1"#).contains("not JSON") && said(r#"{"a": [1"#).contains("line 1 column"));
        assert!(said("{} {}").contains("after its end"));
        assert!(said("").contains("not JSON"));
    }

    #[test]
    fn json_comes_under_several_names() {
        assert!(is_json("application/json; charset=utf-8") && is_json("application/problem+JSON"));
        assert!(!is_json("text/plain") && !is_json("application/x-www-form-urlencoded"));
    }
}
