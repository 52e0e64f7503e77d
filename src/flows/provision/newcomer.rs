//! People whom no directory told of over SCIM: what is known of them comes from somewhere else.
//!
//! Invariant: they become identities like any other, through the same checks, within the transaction of whoever took
//! them in.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::{Act, Policies, Refusal, entitle};
use super::document;
use super::user::Work;
use crate::config::Settings;
use crate::domain::ids::{AccountId, DirectoryId};
use crate::scim::{ResourceKind, ScimError, normalise_create};
use crate::store::Conn;
use crate::store::identity::Identity;

/// What is known of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::flows) struct Newcomer {
    /// The sign-in name.
    pub(in crate::flows) user_name: String,
    /// The directory's own id.
    pub(in crate::flows) external_id: Option<String>,
    /// The person's name.
    pub(in crate::flows) display_name: Option<String>,
    /// The address.
    pub(in crate::flows) email: Option<String>,
    /// The language they read.
    pub(in crate::flows) language: Option<String>,
}

/// The SCIM User that says it.
///
/// # Errors
///
/// What SCIM would refuse of it.
pub(in crate::flows) fn document_of(newcomer: &Newcomer) -> Result<Value, ScimError> {
    let mut user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": newcomer.user_name, "active": true,
    });
    let texts = [
        ("externalId", &newcomer.external_id),
        ("displayName", &newcomer.display_name),
        ("preferredLanguage", &newcomer.language),
    ];
    if let Some(fields) = user.as_object_mut() {
        for (name, text) in texts {
            fields.extend(text.as_ref().map(|text| (name.to_owned(), json!(text))));
        }
        if let Some(email) = &newcomer.email {
            let email = json!([{ "value": email, "type": "work", "primary": true }]);
            fields.insert("emails".to_owned(), email);
        }
    }
    let made = normalise_create(&user, ResourceKind::User)?.document;
    document::identity_keys(&made)?;
    Ok(made)
}

/// Takes a new person with an account of their own.
pub(in crate::flows) async fn create_within(
    c: &mut Conn,
    act: &Act,
    directory: &DirectoryId,
    house: (&Arc<Policies>, &Arc<Settings>),
    document: Value,
) -> Result<Identity, Refusal> {
    let (identity, _) = Work::within(act, directory, house).enter(c, document).await?;
    Ok(identity)
}

/// Gives an account that is there an identity in one more directory. What the account is called stays as it is.
pub(in crate::flows) async fn adopt_within(
    c: &mut Conn,
    act: &Act,
    directory: &DirectoryId,
    house: (&Arc<Policies>, &Arc<Settings>),
    (account, document): (AccountId, Value),
) -> Result<Identity, Refusal> {
    let keys = document::identity_keys(&document)?;
    let work = Work::within(act, directory, house);
    let identity = work.write(c, account, document, &keys).await?;
    work.join_awaiting(c, &identity).await?;
    let compiled = house.0.current(c).await?;
    entitle::accounts(c, act, &compiled.policy, &[account]).await?;
    Ok(identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_of_somebody_is_left_out() {
        let mut newcomer = Newcomer {
            user_name: "asa".to_owned(),
            external_id: Some("a-1".to_owned()),
            display_name: None,
            email: None,
            language: None,
        };
        let made = document_of(&newcomer).unwrap();
        assert_eq!((made["userName"].as_str(), made["externalId"].as_str()), (Some("asa"), Some("a-1")));
        assert!(made.get("emails").is_none() && made.get("displayName").is_none());
        newcomer.user_name = " ".to_owned();
        assert!(document_of(&newcomer).is_err());
    }
}
