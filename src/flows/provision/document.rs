//! Reads from a SCIM document what the store finds it by and what the account is called.
//!
//! Invariant: only canonical documents come here, as the SCIM floor makes them.

use serde_json::Value;

use crate::domain::account::Account;
use crate::domain::language::Language;
use crate::domain::name::{UserName, fold, one_line};
use crate::scim::{ScimError, resource};
use crate::store::identity::IdentityKeys;

/// The user name of a document.
pub(super) fn user_name(document: &Value) -> Result<UserName, ScimError> {
    UserName::parse(resource::user_name(document).unwrap_or_default())
        .map_err(|e| ScimError::invalid_value(format!("userName: {e}")))
}

/// What the store finds the identity by.
pub(super) fn identity_keys(document: &Value) -> Result<IdentityKeys, ScimError> {
    Ok(IdentityKeys {
        user_name: user_name(document)?.folded(),
        external_id: external_id(document),
        display_name: resource::display_name(document).map(fold),
        email: resource::primary_email(document).map(fold),
        active: is_active(document),
    })
}

/// The addresses beside the primary one that the store finds the identity by.
pub(super) fn further_addresses(document: &Value) -> Vec<String> {
    let primary = resource::primary_email(document).map(fold);
    let mut further: Vec<String> = resource::emails(document).into_iter().map(fold).collect();
    further.retain(|key| Some(key) != primary.as_ref());
    further
}

/// Whether the directory says active; a document that is silent says yes.
pub(super) fn is_active(document: &Value) -> bool {
    resource::active(document).unwrap_or(true)
}

/// Whether two documents call the person the same, in everything that an account is told.
pub(super) fn describes_the_same(one: &Value, other: &Value) -> bool {
    let told = |document: &Value| {
        let locale = document.get("locale").and_then(Value::as_str).map(str::to_owned);
        let text = |found: Option<&str>| found.map(str::to_owned);
        (
            text(resource::user_name(document)),
            display_name(document),
            text(resource::primary_email(document)),
            text(resource::language(document)),
            locale,
        )
    };
    told(one) == told(other)
}

/// Writes into the account what the document calls the person.
pub(super) fn describe(account: &mut Account, document: &Value) -> Result<(), ScimError> {
    let name = user_name(document)?;
    account.display_name = display_name(document).unwrap_or_else(|| name.as_str().to_owned());
    name.as_str().clone_into(&mut account.user_name);
    account.email = resource::primary_email(document).map(str::to_owned);
    // Somebody whose preferred language we do not speak may still live where one of ours is spoken.
    let locale = || document.get("locale").and_then(Value::as_str).and_then(Language::from_tag);
    account.language = resource::language(document).and_then(Language::from_tag).or_else(locale);
    Ok(())
}

fn display_name(document: &Value) -> Option<String> {
    let whole = resource::display_name(document).or_else(|| resource::formatted_name(document));
    let parts = [resource::given_name(document), resource::family_name(document)];
    let name = whole.map_or_else(|| parts.into_iter().flatten().collect::<Vec<_>>().join(" "), str::to_owned);
    Some(one_line(&name)).filter(|name| !name.is_empty())
}

/// The folded display name of a group.
pub(super) fn group_name_key(document: &Value) -> String {
    resource::display_name(document).map(fold).unwrap_or_default()
}

/// The directory's own id of a resource.
pub(super) fn external_id(document: &Value) -> Option<String> {
    resource::external_id(document).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_primary_address_and_the_folded_names_are_found() {
        let document = json!({ "userName": "Åsa@x.se", "externalId": "A1", "displayName": "Åsa ÖBERG",
            "emails": [{ "value": "b@x.se" }, { "value": "Åsa@X.se", "primary": true }] });
        let keys = identity_keys(&document).unwrap();
        assert_eq!(keys.user_name, "åsa@x.se");
        assert_eq!(keys.email.as_deref(), Some("åsa@x.se"));
        assert_eq!(keys.display_name.as_deref(), Some("åsa öberg"));
        assert_eq!(keys.external_id.as_deref(), Some("A1"));
        assert!(keys.active);
        assert_eq!(further_addresses(&document), ["b@x.se"]);
    }

    #[test]
    fn a_display_name_is_one_line() {
        let document = json!({ "userName": "a", "displayName": "Åsa\nhttps://elak.example\u{2028}Öberg" });
        assert_eq!(display_name(&document).as_deref(), Some("Åsa https://elak.example Öberg"));
    }

    #[test]
    fn a_person_without_display_name_is_called_by_their_parts() {
        let document = json!({ "userName": "a", "name": { "givenName": "Åsa", "familyName": "Öberg" } });
        assert_eq!(display_name(&document).as_deref(), Some("Åsa Öberg"));
    }
}
