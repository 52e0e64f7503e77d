//! The path of a PATCH operation (RFC 7644 figure 7).
//!
//! Invariant: a filter stands only where there are entries to choose among.

use crate::scim::error::ScimError;
use crate::scim::filter::{Fault, Filter, value_filter};
use crate::scim::path::AttrPath;
use crate::scim::schema::ResourceKind;

/// `attribute`, `attribute.sub`, `attribute[filter]` or `attribute[filter].sub`, each perhaps with a URN before it.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchPath {
    pub(crate) attr: AttrPath,
    pub(crate) filter: Option<Filter>,
}

impl PatchPath {
    /// Reads a path for resources of `kind`; names in any case.
    ///
    /// # Errors
    ///
    /// 400 `invalidPath` with the position, in characters from 0.
    pub fn parse(text: &str, kind: ResourceKind) -> Result<Self, ScimError> {
        read(text, kind).map_err(|fault| ScimError::invalid_path(format!("path, {fault}")))
    }
}

fn read(text: &str, kind: ResourceKind) -> Result<PatchPath, Fault> {
    let at = |byte: usize| text.get(..byte).unwrap_or(text).chars().count();
    let Some((head, rest)) = text.split_once('[') else {
        let attr = AttrPath::resolve(text, kind).map_err(|reason| fault(0, reason.to_string()))?;
        return Ok(PatchPath { attr, filter: None });
    };
    let Some((inner, tail)) = rest.rsplit_once(']') else {
        return Err(fault(at(text.len()), "expected ]"));
    };
    let attr = AttrPath::resolve(head, kind).map_err(|reason| fault(0, reason.to_string()))?;
    let opens = |attr: &AttrPath| attr.leaf().is_none_or(|spec| spec.multi_valued && spec.is_complex());
    let Some(field) = attr.attribute().filter(|_| attr.sub().is_none() && opens(&attr)).cloned() else {
        return Err(fault(at(head.len()), format!("{attr} has no entries to choose among with [")));
    };
    let filter = value_filter(inner, kind, &field)
        .map_err(|inside| Fault { at: inside.at + at(head.len() + 1), what: inside.what })?;
    if tail.is_empty() {
        return Ok(PatchPath { attr, filter: Some(filter) });
    }
    let after = at(text.len() - tail.len());
    let Some(name) = tail.strip_prefix('.') else {
        return Err(fault(after, "expected . and a sub-attribute, or the end"));
    };
    let sub = AttrPath::within(name, &field, kind).map_err(|reason| fault(after + 1, reason.to_string()))?;
    match sub.attribute() {
        Some(sub) => Ok(PatchPath { attr: attr.with_field(sub.clone()), filter: Some(filter) }),
        None => Err(fault(after, "expected a sub-attribute")),
    }
}

fn fault(at: usize, what: impl Into<String>) -> Fault {
    Fault { at, what: what.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_is_read_whatever_the_case() {
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user";
        let table = [
            ("USERNAME", "userName", false),
            ("Name.GivenName", "name.givenName", false),
            (r#"emails[type eq "other"].Value"#, "emails.value", true),
            (r#"addresses[type eq "a]b"]"#, "addresses", true),
            (
                r#"urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "work"].value"#,
                "emails.value",
                true,
            ),
        ];
        for (text, attr, filtered) in table {
            let path = PatchPath::parse(text, ResourceKind::User).unwrap();
            assert_eq!((path.attr.to_string().as_str(), path.filter.is_some()), (attr, filtered), "{text}");
        }
        let manager = PatchPath::parse(&format!("{enterprise}:Manager.value"), ResourceKind::User).unwrap();
        assert_eq!(manager.attr.extension(), Some(crate::scim::schema::ENTERPRISE_URN));
        assert_eq!(PatchPath::parse("manager.value", ResourceKind::User).unwrap(), manager);
        let foreign = PatchPath::parse("urn:example:ext:2.0:User:shoeSize", ResourceKind::User).unwrap();
        assert_eq!(foreign.attr.extension(), Some("urn:example:ext:2.0:User"));
    }

    #[test]
    fn what_is_no_path_is_refused_with_its_place() {
        let table = [
            ("emails[type eq", 14),
            ("emails[type eq]", 14),
            ("emails[type eq \"x\"]value", 19),
            ("emails[type eq \"x\"].nope", 20),
            ("title[a eq 1]", 5),
            ("name[givenName pr]", 4),
            ("titel", 0),
            ("", 0),
            ("name.", 0),
            ("a b", 0),
        ];
        for (text, at) in table {
            let error = PatchPath::parse(text, ResourceKind::User).unwrap_err();
            assert!(error.detail.contains(&format!("at position {at}:")), "{text}: {}", error.detail);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_path_parser_panic(text in "(emails|urn:|å|\\[|\\]|\\.|\"|:|type eq|\\PC){0,20}") {
            let _ = PatchPath::parse(&text, ResourceKind::User);
        }
    }
}
