//! `/ServiceProviderConfig`: what the door says about itself (RFC 7643 §5, RFC 9865 §3).
//!
//! Invariant: only what the caller states is claimed, and the bulk limits are
//! always there, for clients turn PATCH off when one is missing.

use serde_json::{Value, json};

use super::messages::CONFIG_URN;

/// One way to authenticate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationScheme {
    /// `oauthbearertoken`, `oauth2` or `httpbasic`.
    pub kind: &'static str,
    /// The name for people.
    pub name: &'static str,
    /// What it is.
    pub description: &'static str,
    /// Where it is specified.
    pub spec_uri: &'static str,
}

/// The paging methods (RFC 9865).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// Cursor paging is offered.
    pub cursor: bool,
    /// Index paging is offered.
    pub index: bool,
    /// Resources per page when the client asks for none.
    pub default_page_size: u32,
    /// The most resources per page.
    pub max_page_size: u32,
    /// Seconds that a cursor lives, where it does not live for ever.
    pub cursor_timeout: Option<u32>,
}

/// What the door supports.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one switch of the document")]
pub struct Capabilities {
    /// PATCH works.
    pub patch: bool,
    /// Bulk works.
    pub bulk: bool,
    /// The most operations in a bulk request; 0 where bulk is off.
    pub bulk_max_operations: u32,
    /// The most bytes in a bulk request; 0 where bulk is off.
    pub bulk_max_payload: u32,
    /// Filters work.
    pub filter: bool,
    /// The most resources in one answer.
    pub filter_max_results: u32,
    /// A password can be changed.
    pub change_password: bool,
    /// Sorting works.
    pub sort: bool,
    /// Entity tags work.
    pub etag: bool,
    /// The paging methods, where they are told; some clients refuse the document for an attribute they do not know.
    pub paging: Option<Paging>,
    /// The ways to authenticate, the preferred one first.
    pub schemes: Vec<AuthenticationScheme>,
    /// Where people read about the service.
    pub documentation: Option<String>,
}

/// `GET /ServiceProviderConfig`. `base_url` is the directory's SCIM address without a slash at the end.
#[must_use]
pub fn service_provider_config(base_url: &str, can: &Capabilities) -> Value {
    let mut document = json!({
        "schemas": [CONFIG_URN],
        "patch": { "supported": can.patch },
        "bulk": {
            "supported": can.bulk,
            "maxOperations": can.bulk_max_operations,
            "maxPayloadSize": can.bulk_max_payload,
        },
        "filter": { "supported": can.filter, "maxResults": can.filter_max_results },
        "changePassword": { "supported": can.change_password },
        "sort": { "supported": can.sort },
        "etag": { "supported": can.etag },
        "authenticationSchemes": schemes(&can.schemes),
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base_url}/ServiceProviderConfig"),
        },
    });
    if let (Some(map), Some(paging)) = (document.as_object_mut(), can.paging) {
        map.insert("pagination".into(), pagination(paging));
    }
    if let (Some(map), Some(address)) = (document.as_object_mut(), &can.documentation) {
        map.insert("documentationUri".into(), address.clone().into());
    }
    document
}

fn pagination(paging: Paging) -> Value {
    let mut document = json!({
        "cursor": paging.cursor,
        "index": paging.index,
        "defaultPaginationMethod": if paging.index { "index" } else { "cursor" },
        "defaultPageSize": paging.default_page_size,
        "maxPageSize": paging.max_page_size,
    });
    if let (Some(map), Some(seconds)) = (document.as_object_mut(), paging.cursor_timeout) {
        map.insert("cursorTimeout".into(), seconds.into());
    }
    document
}

fn schemes(schemes: &[AuthenticationScheme]) -> Vec<Value> {
    let mut rendered = Vec::with_capacity(schemes.len());
    for (index, scheme) in schemes.iter().enumerate() {
        rendered.push(json!({
            "type": scheme.kind,
            "name": scheme.name,
            "description": scheme.description,
            "specUri": scheme.spec_uri,
            "primary": index == 0,
        }));
    }
    rendered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bulk_limits_are_there_even_when_bulk_is_not() {
        let can = Capabilities {
            patch: true,
            bulk: false,
            bulk_max_operations: 0,
            bulk_max_payload: 0,
            filter: true,
            filter_max_results: 1000,
            change_password: false,
            sort: true,
            etag: true,
            paging: Some(Paging {
                cursor: true,
                index: true,
                default_page_size: 100,
                max_page_size: 1000,
                cursor_timeout: None,
            }),
            schemes: vec![],
            documentation: None,
        };
        let document = service_provider_config("https://x.example", &can);
        assert_eq!(document["bulk"]["maxOperations"], 0);
        assert_eq!(document["bulk"]["maxPayloadSize"], 0);
        assert_eq!(document["pagination"]["maxPageSize"], 1000);
        assert!(document.get("documentationUri").is_none());
    }
}
