//! Names a person or a group, and quotes an error, without telling personal data.
//!
//! Invariant: only our own ids, object ids of Entra and ids of Okta stand in clear; everything else that a client
//! sent is a hash or left out.

use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::domain::name::fold;
use crate::scim::ResourceKind;

/// Longest detail that is kept, in characters.
const LONGEST: usize = 200;

/// A person or a group: `id:…`, `externalId:…`, `userName:…` or `displayName:…`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference(String);

impl Reference {
    /// By the id that we issued, or what stands in its place in a path.
    #[must_use]
    pub fn id(text: &str) -> Self {
        Self(format!("id:{}", in_clear_or_hashed(text)))
    }

    /// By the directory's own id.
    #[must_use]
    pub fn external(text: &str) -> Self {
        Self(format!("externalId:{}", in_clear_or_hashed(text)))
    }

    /// By the name that a resource of this kind must have.
    #[must_use]
    pub fn name(kind: ResourceKind, text: &str) -> Self {
        Self(format!("{}:{}", kind.required(), hashed(&fold(text))))
    }

    /// For what was so malformed that it names nobody.
    #[must_use]
    pub fn none() -> Self {
        Self("-".to_owned())
    }

    /// By what the body of a create or a replace says: the external id first, then the name.
    #[must_use]
    pub fn of_body(kind: ResourceKind, body: &Value) -> Vec<Self> {
        let text = |wanted: &str| {
            let found = body.as_object()?.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.and_then(|(_, value)| value.as_str()).filter(|text| !text.is_empty())
        };
        let external = text("externalId").map(Self::external);
        external.into_iter().chain(text(kind.required()).map(|name| Self::name(kind, name))).collect()
    }

    /// As it is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A UUID and an id of Okta (`00u…`, `00g…`) say nothing about anybody; another text may be a name or an address.
fn in_clear_or_hashed(text: &str) -> String {
    if let Ok(id) = Uuid::try_parse(text) {
        return id.to_string();
    }
    if is_okta_id(text) { text.to_owned() } else { hashed(text) }
}

/// Whether the text has the form of an id that Okta gives a person or a group.
pub(in crate::flows) fn is_okta_id(text: &str) -> bool {
    text.len() == 20 && text.starts_with("00") && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The first twelve hexadecimal digits of SHA-256, so that whoever has the name can recognise it.
fn hashed(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let first = digest.iter().take(6).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("sha256:{first:012x}")
}

/// What an error says, without the values that it quotes and without addresses, and not too long.
#[must_use]
pub fn without_values(detail: &str) -> String {
    let mut told = String::new();
    let mut letters = detail.chars();
    while let Some(letter) = letters.next() {
        told.push(letter);
        if letter != '"' {
            continue;
        }
        let mut is_escaped = false;
        for inner in letters.by_ref() {
            if inner == '"' && !is_escaped {
                break;
            }
            is_escaped = inner == '\\' && !is_escaped;
        }
        told.push_str("…\"");
    }
    let words = told.split_whitespace().map(|word| if word.contains('@') { "…" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_opaque_id_stands_in_clear_and_anything_else_as_a_hash() {
        let object = "3F2504E0-4F89-41D3-9A0C-0305E82C3301";
        assert_eq!(Reference::external(object).as_str(), "externalId:3f2504e0-4f89-41d3-9a0c-0305e82c3301");
        assert_eq!(Reference::external("00u1a2b3c4D5E6f7G8h9").as_str(), "externalId:00u1a2b3c4D5E6f7G8h9");
        // printf %s asa.oberg | sha256sum
        assert_eq!(Reference::external("asa.oberg").as_str(), "externalId:sha256:039880e2c73b");
        for personal in ["asa@forening.example", "19800101-1234", "Åsa Öberg"] {
            for kind in ResourceKind::ALL {
                let told = [Reference::external(personal), Reference::name(kind, personal)];
                assert!(told.iter().all(|one| !one.as_str().contains(personal)), "{told:?}");
            }
        }
    }

    #[test]
    fn a_body_is_named_by_its_external_id_first_and_by_its_name_in_any_case() {
        let kind = ResourceKind::User;
        let body = json!({ "USERNAME": "Åsa@x.se", "externalid": "a" });
        assert_eq!(
            Reference::of_body(kind, &body),
            [Reference::external("a"), Reference::name(kind, "åsa@X.SE")]
        );
        assert!(Reference::of_body(kind, &json!({ "userName": 7 })).is_empty());
        assert!(Reference::of_body(kind, &json!(["userName"])).is_empty());
    }

    #[test]
    fn an_error_is_told_without_what_it_quotes() {
        let told = without_values("active must be a boolean, not \"ban\\\"ana\"; \"x\" asa@x.se cut \"off");
        assert_eq!(told, "active must be a boolean, not \"…\"; \"…\" … cut \"…\"");
        assert_eq!(without_values(&"ö".repeat(500)).chars().count(), LONGEST);
    }
}
