//! What a client is given: an access token, an ID token, and a refresh token where it asked to come back.
//!
//! Invariant: the hashes are written in the transaction of the exchange; the ID token is signed after it, of what was
//! read in it.

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::super::super::{Ports, Refusal, tokens};
use super::super::entrant::Entrant;
use super::super::keys;
use super::super::request::scopes;
use super::GrantType;
use crate::config::Client;
use crate::domain::client::Scope;
use crate::oidc::IdToken;
use crate::store::Conn;
use crate::store::client_grant::{self, ClientToken, Held, TokenUse};

/// An ID token is good for this long: it says who has signed in, and opens nothing.
const ID_TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(1);

/// What a client is given.
pub(super) struct Gift {
    held: Held,
    entrant: Entrant,
    scope: String,
    now: Timestamp,
    access_until: Timestamp,
    access: SecretString,
    refresh: Option<SecretString>,
    nonce: Option<String>,
}

impl Gift {
    pub(super) fn new(
        kind: GrantType,
        client: &Client,
        held: Held,
        entrant: Entrant,
        scope: String,
        now: Timestamp,
    ) -> Self {
        let until = now.saturating_add(client.token_life).unwrap_or(now).min(held.expires_at);
        // A nonce ties the token to the browser that began; with a refresh there is none
        // (OpenID Connect Core §12.2).
        let nonce = held.grant.nonce.clone().filter(|_| kind == GrantType::Code);
        let access = SecretString::default();
        Self { held, entrant, scope, now, access_until: until, access, refresh: None, nonce }
    }

    /// The tokens themselves, told apart by what stands before them.
    pub(super) fn with_secrets(mut self, access: &SecretString, refresh: &SecretString) -> Self {
        self.access = format!("pva_{}", access.expose_secret()).into();
        if scopes(&self.scope).contains(&Scope::OfflineAccess) {
            self.refresh = Some(format!("pvr_{}", refresh.expose_secret()).into());
        }
        self
    }

    /// Writes the hashes of the tokens.
    pub(super) async fn write(&self, c: &mut Conn) -> Result<(), Refusal> {
        let grant = self.held.grant.id;
        let mut put = vec![(TokenUse::Access, &self.access, &self.scope, self.access_until)];
        if let Some(refresh) = &self.refresh {
            // What was granted at first can be asked for again, though less was asked for now (RFC 6749 §6).
            put.push((TokenUse::Refresh, refresh, &self.held.grant.scope, self.held.expires_at));
        }
        for (is_for, secret, scope, expires_at) in put {
            let token = ClientToken { grant, scope: scope.clone(), expires_at, used_at: None };
            let hash = tokens::digest(secret.expose_secret());
            client_grant::put_token(c, &token, is_for, &hash, self.now).await?;
        }
        Ok(())
    }

    /// The answer of the token endpoint (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
    pub(super) async fn answer(&self, ports: &Ports, client: &Client) -> Result<Value, Refusal> {
        let Held { grant, client_session, .. } = &self.held;
        let key = keys::signing(ports, client.algorithm).await?;
        let amr: Vec<String> =
            grant.amr.as_deref().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
        let id_token = IdToken {
            issuer: ports.settings.server.public_url.as_str(),
            subject: &client_session.subject,
            audience: client.id.as_str(),
            now: self.now,
            life: ID_TOKEN_LIFE,
            auth_time: grant.authenticated_at,
            nonce: self.nonce.as_deref(),
            acr: grant.acr.as_deref(),
            amr: &amr,
            session: &client_session.id.to_string(),
            access_token: self.access.expose_secret(),
            told: self.entrant.told(client, &scopes(&self.scope), &self.held),
        };
        let id_token = id_token.signed(&key).map_err(|error| Refusal::Outside(error.to_string()))?;
        let mut answer = json!({
            "access_token": self.access.expose_secret(),
            "token_type": "Bearer",
            "expires_in": self.access_until.duration_since(self.now).as_secs(),
            "scope": self.scope,
            "id_token": id_token,
        });
        if let (Some(refresh), Some(members)) = (&self.refresh, answer.as_object_mut()) {
            members.insert("refresh_token".to_owned(), json!(refresh.expose_secret()));
        }
        Ok(answer)
    }
}
