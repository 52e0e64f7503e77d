//! Says whether a resource meets a filter: the truth that every index only shortens the way to.
//!
//! Invariant: pure, and bounded by the tree's depth, which the parser limits.

use serde_json::Value;

use super::{CompareOp, Filter, Literal, compare};
use crate::scim::path::{AttrPath, each};

/// `resource` meets `filter`.
pub(super) fn matches(filter: &Filter, resource: &Value) -> bool {
    match filter {
        Filter::And(all) => all.iter().all(|one| matches(one, resource)),
        Filter::Or(all) => all.iter().any(|one| matches(one, resource)),
        Filter::Not(inner) => !matches(inner, resource),
        Filter::Compare { path, op, value: Literal::Null } => {
            is_present(path, resource) == (*op == CompareOp::Ne)
        }
        Filter::Compare { path, op, value } => compared(path, *op, value, resource),
        Filter::Present(path) => is_present(path, resource),
        Filter::ValuePath { path, filter } => path
            .attribute_in(resource)
            .is_some_and(|entries| each(entries, &mut |entry| entry.is_object() && matches(filter, entry))),
    }
}

/// One value is enough; an attribute without any value differs from every literal.
fn compared(path: &AttrPath, op: CompareOp, literal: &Literal, resource: &Value) -> bool {
    let spec = path.leaf();
    let mut seen = false;
    let one_holds = path.any(resource, &mut |value| {
        if value.is_null() {
            return false;
        }
        seen = true;
        compare::holds(value, op, literal, spec)
    });
    one_holds || (!seen && op == CompareOp::Ne)
}

fn is_present(path: &AttrPath, resource: &Value) -> bool {
    path.any(resource, &mut |value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::schema::ResourceKind;

    fn person() -> Value {
        json!({
            "id": "Id-1", "externalId": "Ext-1", "userName": "Åsa.Öberg@x.se", "title": "Kassör", "active": false,
            "name": { "familyName": "Öberg" },
            "emails": [
                { "type": "work", "value": "asa@x.se", "primary": true },
                { "type": "home", "value": "hem@x.se" }
            ],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "employeeNumber": "42", "manager": { "value": "m" } },
            "urn:example:ext:2.0:User": { "shoeSize": 43, "left": true },
            "meta": { "lastModified": "2026-03-01T08:00:00Z" }
        })
    }

    #[test]
    fn each_filter_says_what_the_rfc_says() {
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let table = [
            (r#"userName eq "åsa.öberg@X.SE""#, true),
            (r#"USERNAME EQ "åsa.öberg@x.se""#, true),
            (r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "ÅSA""#, true),
            (r#"externalId eq "ext-1""#, false),
            (r#"externalId eq "Ext-1""#, true),
            (r#"id eq "id-1""#, false),
            (r#"title ne "kassör""#, false),
            (r#"nickName ne "x""#, true),
            ("nickName pr", false),
            ("not (nickName pr)", true),
            ("nickName eq null", true),
            ("title eq null", false),
            ("active eq false", true),
            (r#"active eq "False""#, true),
            ("active eq True", false),
            (r#"emails co "HEM@""#, true),
            (r#"emails[type eq "work" and value co "hem"]"#, false),
            (r#"emails[type eq "work"].value eq "asa@x.se""#, true),
            (r#"emails[type eq "home"].value eq "asa@x.se""#, false),
            (r#"emails[primary eq "True"]"#, true),
            (r#"emails.type ne "work""#, true),
            (r#"title eq "x" or title eq "kassör" and active eq true"#, false),
            (r#"(title eq "x" or title eq "kassör") and active eq false"#, true),
            (r#"name.familyName ge "öberg""#, true),
            (r#"name.familyName gt "öberg""#, false),
            (r#"meta.lastModified eq "2026-03-01T09:00:00+01:00""#, true),
            (r#"meta.lastModified lt "2026-03-01T08:00:00.001Z""#, true),
            (r#"department eq "x""#, false),
            (r#"manager eq "m" and id eq "Id-1""#, true),
            ("employeeNumber eq 42", true),
            ("urn:example:ext:2.0:User:shoesize gt 42", true),
            ("urn:example:ext:2.0:User:left eq true", true),
        ];
        for (text, expected) in table {
            let filter = Filter::parse(text, ResourceKind::User).unwrap();
            assert_eq!(matches(&filter, &person()), expected, "{text}");
        }
        let qualified = format!(r#"{enterprise}:manager.value eq "m""#);
        assert!(Filter::parse(&qualified, ResourceKind::User).unwrap().matches(&person()));
    }

    #[test]
    fn a_group_is_found_by_its_member() {
        let group = json!({ "id": "g", "members": [{ "value": "u1" }, { "value": "u2" }] });
        let filter = Filter::parse(r#"id eq "g" and members eq "u2""#, ResourceKind::Group).unwrap();
        assert!(filter.matches(&group) && filter.mentions("members"));
    }

    #[test]
    fn a_filter_tells_which_members_are_all_that_it_asks_about() {
        let asked = |text: &str| {
            let filter = Filter::parse(text, ResourceKind::Group).unwrap();
            filter.values_asked("members").map(|all| all.join(" "))
        };
        assert_eq!(asked(r#"id eq "g" and members eq "u2""#).as_deref(), Some("u2"));
        let text = r#"not (members.value eq "a") or members[value eq "b"] or displayName pr"#;
        assert_eq!(asked(text).as_deref(), Some("a b"));
        assert_eq!(asked("displayName pr").as_deref(), Some(""));
        for other in
            ["members pr", r#"members.value ne "a""#, r#"members.value sw "a""#, r#"members[type eq "User"]"#]
        {
            assert_eq!(asked(other), None, "{other}");
        }
        let filter = Filter::parse(r#"members[display eq "Åsa"]"#, ResourceKind::Group).unwrap();
        assert!(filter.looks_into("members", "display") && !filter.looks_into("members", "value"));
    }
}
