//! Reads from a SCIM document what the store finds it by and what the account is called.
//!
//! Invariant: only canonical documents come here, as the SCIM floor makes them.

use serde_json::Value;

use crate::domain::account::Account;
use crate::domain::language::Language;
use crate::domain::name::{UserName, fold};
use crate::scim::ScimError;
use crate::store::identity::IdentityKeys;

fn text<'d>(document: &'d Value, name: &str) -> Option<&'d str> {
    document.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

/// The primary address; the first one where none is marked.
fn email(document: &Value) -> Option<&str> {
    let entries = document.get("emails")?.as_array()?;
    let is_primary = |entry: &&Value| entry.get("primary").and_then(Value::as_bool) == Some(true);
    let entry = entries.iter().find(is_primary).or_else(|| entries.first())?;
    text(entry, "value")
}

/// The user name of a document.
pub(super) fn user_name(document: &Value) -> Result<UserName, ScimError> {
    let given = document.get("userName").and_then(Value::as_str).unwrap_or_default();
    UserName::parse(given).map_err(|e| ScimError::invalid_value(format!("userName: {e}")))
}

/// What the store finds the identity by.
pub(super) fn identity_keys(document: &Value) -> Result<IdentityKeys, ScimError> {
    Ok(IdentityKeys {
        user_name: user_name(document)?.folded(),
        external_id: text(document, "externalId").map(str::to_owned),
        display_name: text(document, "displayName").map(fold),
        email: email(document).map(fold),
        active: is_active(document),
    })
}

/// Whether the directory says active; a document that is silent says yes.
pub(super) fn is_active(document: &Value) -> bool {
    document.get("active").and_then(Value::as_bool).unwrap_or(true)
}

/// Writes into the account what the document calls the person.
pub(super) fn describe(account: &mut Account, document: &Value) -> Result<(), ScimError> {
    let name = user_name(document)?;
    account.display_name = display_name(document).unwrap_or_else(|| name.as_str().to_owned());
    name.as_str().clone_into(&mut account.user_name);
    account.email = email(document).map(str::to_owned);
    account.language = text(document, "preferredLanguage")
        .and_then(Language::from_tag)
        .or_else(|| text(document, "locale").and_then(Language::from_tag));
    Ok(())
}

fn display_name(document: &Value) -> Option<String> {
    if let Some(name) = text(document, "displayName") {
        return Some(name.to_owned());
    }
    let name = document.get("name")?;
    if let Some(formatted) = text(name, "formatted") {
        return Some(formatted.to_owned());
    }
    let parts: Vec<&str> = ["givenName", "familyName"].iter().filter_map(|part| text(name, part)).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// The folded display name of a group.
pub(super) fn group_name_key(document: &Value) -> String {
    text(document, "displayName").map(fold).unwrap_or_default()
}

/// The directory's own id of a resource.
pub(super) fn external_id(document: &Value) -> Option<String> {
    text(document, "externalId").map(str::to_owned)
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
    }

    #[test]
    fn a_person_without_display_name_is_called_by_their_parts() {
        let document = json!({ "userName": "a", "name": { "givenName": "Åsa", "familyName": "Öberg" } });
        assert_eq!(display_name(&document).as_deref(), Some("Åsa Öberg"));
    }
}
