//! What a token says about the person's groups.
//!
//! Invariant: "too many to list" and "not said" are never read as "none".

use serde_json::Value;

use super::claims::{Claims, is_plain};
use super::error::{Flaw, TokenCheck};

/// The groups claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupsClaim {
    /// The token does not speak of groups; nothing may be concluded.
    Absent,
    /// There are more than the token can hold (Entra); ask elsewhere or fail closed.
    Overage,
    /// These, and no others.
    Listed(Vec<String>),
}

/// Reads the claim called `name`; one string may hold several with `separator` between.
///
/// # Errors
///
/// A flaw of groups when the claim is neither a text nor a list of texts.
pub(super) fn read(claims: &Claims, name: &str, separator: Option<&str>) -> Result<GroupsClaim, Flaw> {
    let moved = claims.get("_claim_names").and_then(|names| names.get(name)).is_some();
    if moved || claims.says_yes("hasgroups") {
        return Ok(GroupsClaim::Overage);
    }
    let listed = match claims.get(name) {
        None => return Ok(GroupsClaim::Absent),
        Some(Value::String(text)) => match separator.filter(|separator| !separator.is_empty()) {
            Some(separator) => text.split(separator).map(str::trim).map(str::to_owned).collect(),
            None => vec![text.clone()],
        },
        Some(Value::Array(all)) => all
            .iter()
            .map(|one| one.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| odd(name))?,
        Some(_) => return Err(odd(name)),
    };
    let listed: Vec<String> = listed.into_iter().filter(|group| !group.is_empty()).collect();
    // To leave one out would be to say that the person is not in it.
    if !listed.iter().all(|group| is_plain(group)) {
        return Err(odd(name));
    }
    Ok(GroupsClaim::Listed(listed))
}

fn odd(name: &str) -> Flaw {
    Flaw::new(
        TokenCheck::Groups,
        format!(
            "{name} is neither a text nor a list of texts; see oidc.groups_claim and the provider's claim settings"
        ),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn groups(claims: &Value, separator: Option<&str>) -> Result<GroupsClaim, Flaw> {
        read(&Claims::new(claims.as_object().unwrap().clone()), "groups", separator)
    }

    fn listed(names: &[&str]) -> GroupsClaim {
        GroupsClaim::Listed(names.iter().map(|&name| name.to_owned()).collect())
    }

    #[test]
    fn a_list_a_single_text_and_a_joined_text_are_all_read() {
        assert_eq!(groups(&json!({"groups": ["a", "b"]}), None), Ok(listed(&["a", "b"])));
        assert_eq!(groups(&json!({"groups": "crm; utskick"}), None), Ok(listed(&["crm; utskick"])));
        assert_eq!(groups(&json!({"groups": "crm; utskick;"}), Some(";")), Ok(listed(&["crm", "utskick"])));
        assert_eq!(groups(&json!({"groups": []}), None), Ok(listed(&[])));
    }

    #[test]
    fn absent_is_not_the_same_as_none() {
        assert_eq!(groups(&json!({}), None), Ok(GroupsClaim::Absent));
        assert_eq!(groups(&json!({"groups": null}), None), Ok(GroupsClaim::Absent));
    }

    #[test]
    fn too_many_groups_are_never_a_list_even_beside_one() {
        for claims in [
            json!({"_claim_names": {"groups": "src1"}}),
            json!({"hasgroups": true}),
            json!({"hasgroups": "true", "groups": []}),
            json!({"_claim_names": {"groups": "src1"}, "groups": ["a"]}),
        ] {
            assert_eq!(groups(&claims, None), Ok(GroupsClaim::Overage), "{claims}");
        }
        assert_eq!(groups(&json!({"_claim_names": {"roles": "src1"}}), None), Ok(GroupsClaim::Absent));
    }

    #[test]
    fn groups_of_another_form_are_refused() {
        for claims in [
            json!({"groups": {"a": 1}}),
            json!({"groups": [1]}),
            json!({"groups": 7}),
            json!({"groups": ["a\u{0}b"]}),
            json!({"groups": "a".repeat(2000)}),
        ] {
            assert_eq!(groups(&claims, None).unwrap_err().check, TokenCheck::Groups, "{claims}");
        }
    }
}
