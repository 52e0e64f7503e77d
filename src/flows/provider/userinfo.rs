//! Tells a client about the person, by an access token (OpenID Connect Core §5.3).
//!
//! Invariant: the token opens nothing once its session, its grant or the account's access has ended.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::super::{Ports, Refusal, tokens};
use super::entrant::{Reading, Verdict, judge};
use super::request::scopes;
use super::tokens::ending;
use crate::store::client_grant::{self, TokenUse};

/// Longer tokens are not ours.
const LONGEST: usize = 128;

/// What is told of the person whose token this is; nothing for a token that opens nothing.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn userinfo(ports: &Ports, token: &SecretString) -> Result<Option<Map<String, Value>>, Refusal> {
    let secret = token.expose_secret();
    if secret.is_empty() || secret.len() > LONGEST {
        return Ok(None);
    }
    let now = ports.clock.now();
    let mut c = ports.db.snapshot().await?;
    let hash = tokens::digest(secret);
    let Some(token) = client_grant::token(&mut c, TokenUse::Access, &hash).await? else { return Ok(None) };
    let Some(held) = client_grant::get(&mut c, token.grant).await? else { return Ok(None) };
    if now >= token.expires_at || ending(&held, ports.settings.sessions.idle, now).is_some() {
        return Ok(None);
    }
    let Some(client) = ports.issuing.client(held.client_session.client.as_str()).map(Arc::clone) else {
        return Ok(None);
    };
    let whose = (held.client_session.account, Reading::Look);
    let Verdict::In(entrant) = judge(&mut c, &ports.policies, &client, whose, now).await? else {
        return Ok(None);
    };
    let mut told = entrant.told(&client, &scopes(&token.scope), &held);
    told.insert("sub".to_owned(), json!(held.client_session.subject));
    Ok(Some(told))
}
