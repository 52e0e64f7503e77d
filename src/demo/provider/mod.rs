//! A practice identity provider: real OpenID Connect with a login page on which one clicks a person, and a SCIM
//! client that pushes people and groups as Entra and Okta do.
//!
//! Invariant: it signs in whoever is clicked, also who has left: so that Portvakt's own refusal can be seen. It must
//! therefore never be built into anything but the demo.

mod authorize;
mod keys;
mod ledger;
mod page;
pub mod push;
mod token;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::association::{Home, Person, TENANT};
use super::error::DemoError;
use crate::flows::Clock;

use keys::SigningKey;
use ledger::Ledger;

pub(in crate::demo) use page::{STYLE, escape};

/// The one client of the provider: Portvakt.
#[derive(Debug, Clone)]
pub struct RegisteredClient {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: SecretString,
    /// Where codes may be sent; compared exactly.
    pub redirect_uri: String,
    /// Where a browser may be sent after signing out; compared exactly.
    pub post_logout_redirect_uri: String,
}

/// A person on the login page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The directory's own id: `oid` at the one like Entra, `sub` at the one like Okta.
    pub id: String,
    /// The sign-in name and address.
    pub user_name: String,
    /// The name.
    pub name: String,
    /// What the person does.
    pub title: String,
    /// The language tag.
    pub locale: &'static str,
    /// What is worth knowing before one clicks, in Swedish and English.
    pub note: Option<(&'static str, &'static str)>,
}

impl Listed {
    /// The person as the login page shows them.
    #[must_use]
    pub fn of(person: &Person) -> Self {
        Self {
            id: person.external_id.clone(),
            user_name: person.user_name.clone(),
            name: person.name(),
            title: person.title.to_owned(),
            locale: person.reads.tag(),
            note: None,
        }
    }
}

/// A practice identity provider.
#[derive(Debug, Clone)]
pub struct PracticeProvider {
    house: Arc<House>,
}

/// What every request of one provider needs.
#[derive(Debug)]
struct House {
    home: Home,
    base: String,
    client: RegisteredClient,
    clock: Arc<dyn Clock>,
    key: SigningKey,
    people: Mutex<BTreeMap<String, Listed>>,
    ledger: Mutex<Ledger>,
}

impl PracticeProvider {
    /// A provider at `base` (`http://127.0.0.1:PORT`) that knows nobody yet.
    ///
    /// # Errors
    ///
    /// [`DemoError::NoRandomness`] or [`DemoError::Key`] when no signing key can be made.
    pub fn new(
        home: Home,
        base: &str,
        client: RegisteredClient,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, DemoError> {
        let house = House {
            home,
            base: base.to_owned(),
            client,
            clock,
            key: SigningKey::generate()?,
            people: Mutex::default(),
            ledger: Mutex::default(),
        };
        Ok(Self { house: Arc::new(house) })
    }

    /// The issuer of a provider at `base`, as it stands in its tokens.
    #[must_use]
    pub fn issuer_at(home: Home, base: &str) -> String {
        match home {
            Home::Entra => format!("{base}/{TENANT}/v2.0"),
            Home::Okta => base.to_owned(),
        }
    }

    /// Lists a person on the login page, or changes how they are listed.
    pub fn list(&self, person: Listed) {
        self.house.people().insert(person.id.clone(), person);
    }

    /// Puts a note beside a person, or takes it away.
    pub fn note(&self, id: &str, note: Option<(&'static str, &'static str)>) {
        if let Some(person) = self.house.people().get_mut(id) {
            person.note = note;
        }
    }

    /// Takes a person off the login page.
    pub fn forget(&self, id: &str) {
        self.house.people().remove(id);
    }

    /// Its pages and endpoints.
    pub fn router(&self) -> Router {
        let paths = Paths::of(self.house.home);
        Router::new()
            .route(&format!("{}/.well-known/openid-configuration", paths.issuer), get(discovery))
            .route(&paths.keys, get(keys))
            .route(&paths.authorize, get(authorize::authorize))
            .route(&paths.sign_in, post(authorize::sign_in))
            .route(&paths.token, post(token::token))
            .route(&paths.end_session, get(authorize::end_session))
            .with_state(Arc::clone(&self.house))
    }
}

impl House {
    fn issuer(&self) -> String {
        PracticeProvider::issuer_at(self.home, &self.base)
    }

    fn people(&self) -> MutexGuard<'_, BTreeMap<String, Listed>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the endpoints lie: as at the provider that it is like.
struct Paths {
    issuer: String,
    keys: String,
    authorize: String,
    sign_in: String,
    token: String,
    end_session: String,
}

impl Paths {
    fn of(home: Home) -> Self {
        let (issuer, keys, root) = match home {
            Home::Entra => (
                format!("/{TENANT}/v2.0"),
                format!("/{TENANT}/discovery/v2.0/keys"),
                format!("/{TENANT}/oauth2/v2.0"),
            ),
            Home::Okta => (String::new(), "/oauth2/v1/keys".to_owned(), "/oauth2/v1".to_owned()),
        };
        Self {
            issuer,
            keys,
            authorize: format!("{root}/authorize"),
            sign_in: format!("{root}/sign-in"),
            token: format!("{root}/token"),
            end_session: format!("{root}/logout"),
        }
    }
}

/// `GET …/.well-known/openid-configuration` (OpenID Connect Discovery §4).
async fn discovery(State(house): State<Arc<House>>) -> Json<Value> {
    let paths = Paths::of(house.home);
    let at = |path: &str| format!("{}{path}", house.base);
    Json(json!({
        "issuer": house.issuer(),
        "authorization_endpoint": at(&paths.authorize),
        "token_endpoint": at(&paths.token),
        "jwks_uri": at(&paths.keys),
        "end_session_endpoint": at(&paths.end_session),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": [match house.home { Home::Entra => "pairwise", Home::Okta => "public" }],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "scopes_supported": ["openid", "profile", "email"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

/// `GET …/keys` (RFC 7517 §5).
async fn keys(State(house): State<Arc<House>>) -> Json<Value> {
    Json(json!({ "keys": [house.key.public()] }))
}
