//! Reads a JSON body, and says where it is wrong.
//!
//! Invariant: a body that is not of the wanted shape is refused with the path of the first mistake, before anything
//! is looked up or written.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use super::problem::Problem;

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
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            let (status, text) = (rejection.status(), rejection.body_text());
            if status == StatusCode::PAYLOAD_TOO_LARGE {
                let detail = "The body is larger than server.request_limit_bytes. Send smaller batches.";
                return Problem::new(status, "too_large", detail);
            }
            Problem::new(status, "body", text)
        })?;
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
