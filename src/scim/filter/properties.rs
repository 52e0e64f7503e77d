//! Properties of the filter parser over texts and trees that nobody wrote by hand.
//!
//! Invariant: no input panics, and a tree survives being written and read.

use proptest::prelude::*;
use serde_json::json;

use super::{CompareOp, Filter};
use crate::scim::schema::ResourceKind;

fn comparison() -> impl Strategy<Value = String> {
    let attribute = prop_oneof![
        Just("userName"),
        Just("externalId"),
        Just("name.familyName"),
        Just("emails.type"),
        Just("department"),
        Just("urn:example:x:2.0:User:shoe"),
    ];
    let op = proptest::sample::select(CompareOp::ALL.to_vec());
    let text = prop_oneof![Just("a".to_owned()), Just("Å".to_owned()), "\\PC{0,6}"];
    (attribute, op, text)
        .prop_map(|(attribute, op, text)| format!("{attribute} {} {}", op.name(), json!(text)))
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => comparison(),
        1 => Just("title pr".to_owned()),
        1 => Just("active eq \"True\"".to_owned()),
        1 => Just("emails[type eq \"work\"].value eq \"x\"".to_owned()),
        1 => Just("emails[type eq \"work\" or not (primary pr)]".to_owned()),
    ];
    leaf.prop_recursive(5, 24, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(|all| all.join(" and ")),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(|all| all.join(" OR ")),
            inner.clone().prop_map(|one| format!("({one})")),
            inner.prop_map(|one| format!("not({one})")),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,200}") {
        let _ = Filter::parse(&text, ResourceKind::User);
    }

    #[test]
    fn no_mixture_of_tokens_makes_the_parser_panic(
        parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "(", ")", "[", "]", "not", "and", "or", "eq", "pr", "userName", "emails", "\"x\"", "\"", ".", ".value",
                "true", "1", "urn:", ":", "å", "\\", "members", "null",
            ]),
            0..40,
        )
    ) {
        for separator in ["", " "] {
            let _ = Filter::parse(&parts.join(separator), ResourceKind::Group);
        }
    }

    #[test]
    fn a_filter_written_and_read_again_is_the_same(text in expression()) {
        let filter = Filter::parse(&text, ResourceKind::User).unwrap();
        let again = Filter::parse(&filter.to_string(), ResourceKind::User).unwrap();
        prop_assert_eq!(&again, &filter);
        prop_assert_eq!(again.to_string(), filter.to_string());
    }

    #[test]
    fn a_match_always_lies_within_the_narrowing(text in expression(), name in "[aåÅA]{1,2}") {
        let filter = Filter::parse(&text, ResourceKind::User).unwrap();
        let person = json!({ "userName": name, "externalId": name, "active": true });
        if filter.matches(&person) {
            match filter.narrow() {
                Some(super::Narrow::UserName(folded)) => prop_assert_eq!(folded, crate::domain::name::fold(&name)),
                Some(super::Narrow::ExternalId(exact)) => prop_assert_eq!(exact, crate::scim::fold::composed(&name)),
                Some(super::Narrow::Active(flag)) => prop_assert!(flag),
                _ => {}
            }
        }
    }
}
