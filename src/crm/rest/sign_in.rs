//! How requests to a described API prove who asks.
//!
//! Invariant: a session or token is kept in memory alone; the secret goes to the host of the settings and nowhere else.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use super::super::failed::Failed;
use super::call::{Desk, Read, form, put};
use super::description::{Operation, SignIn, SignInKind};
use super::templates::Style;

/// How long before its end a token is used no more.
const MARGIN: SignedDuration = SignedDuration::from_secs(30);

/// How long a token lives that does not say.
const UNSAID: i64 = 300;

/// Who asks: the name and the secret of the settings, and the session that they led to.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    user: String,
    secret: SecretString,
    session: Arc<Mutex<Option<Session>>>,
}

#[derive(Debug, Clone)]
struct Session {
    /// What templates see as `session`.
    kept: Value,
    proof: HeaderMap,
    ends: Option<Timestamp>,
}

impl Asker {
    pub(crate) fn new(user: String, secret: SecretString) -> Self {
        Self { user, secret, session: Arc::default() }
    }

    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    pub(crate) fn secret(&self) -> &str {
        self.secret.expose_secret()
    }

    /// The headers of a request and what templates see as `session`. `stale` is a proof that was refused: another one
    /// is got, unless somebody else has got one meanwhile.
    pub(crate) async fn proof(
        &self,
        desk: &Desk<'_>,
        with: &Value,
        now: Timestamp,
        stale: Option<&HeaderMap>,
    ) -> Result<(HeaderMap, Value), Failed> {
        let sign_in = &desk.description.sign_in;
        let mut headers = HeaderMap::new();
        let plain = match sign_in.kind {
            SignInKind::None => None,
            SignInKind::Basic => {
                let both = STANDARD.encode(format!("{}:{}", self.user, self.secret()));
                Some(("Authorization", format!("Basic {both}")))
            }
            SignInKind::Bearer => Some(("Authorization", format!("Bearer {}", self.secret()))),
            SignInKind::Header => {
                Some((sign_in.header.as_deref().unwrap_or_default(), self.secret().to_owned()))
            }
            SignInKind::Oauth | SignInKind::Session => {
                let session = self.session(desk, with, now, stale).await?;
                return Ok((session.proof, session.kept));
            }
        };
        if let Some((name, value)) = plain {
            put(&mut headers, name, &value).map_err(Failed::Refused)?;
        }
        Ok((headers, Value::Null))
    }

    async fn session(
        &self,
        desk: &Desk<'_>,
        with: &Value,
        now: Timestamp,
        stale: Option<&HeaderMap>,
    ) -> Result<Session, Failed> {
        // Held while a session is got, so that many requests at once sign in once.
        let mut kept = self.session.lock().await;
        if let Some(session) = kept.as_ref()
            && session.ends.is_none_or(|ends| now < ends)
            && stale.is_none_or(|stale| *stale != session.proof)
        {
            return Ok(session.clone());
        }
        let sign_in = &desk.description.sign_in;
        let session = match sign_in.kind {
            SignInKind::Oauth => self.token(desk, sign_in, with, now).await?,
            _ => Self::enter(desk, sign_in, with, now).await?,
        };
        *kept = Some(session.clone());
        Ok(session)
    }

    /// RFC 6749 §4.4, the client authenticated by HTTP basic (§2.3.1).
    async fn token(
        &self,
        desk: &Desk<'_>,
        sign_in: &SignIn,
        with: &Value,
        now: Timestamp,
    ) -> Result<Session, Failed> {
        let path = desk.templates.fill("sign_in.path", Style::Path, with).map_err(Failed::Refused)?;
        let mut asked = vec![("grant_type".to_owned(), "client_credentials".to_owned())];
        asked.extend(sign_in.scope.iter().map(|scope| ("scope".to_owned(), scope.clone())));
        let request = desk
            .courier
            .client()
            .post(desk.address(&path))
            .basic_auth(&self.user, Some(self.secret()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form(&asked));
        let failed = |said: String| Failed::again(format!("sign_in: {said}"));
        let reply = desk.courier.send(request, 64 * 1024).await.map_err(failed)?;
        if !reply.status.is_success() {
            return Err(failed(format!("{}; check the client's id and secret", reply.status)));
        }
        let answer: Value = serde_json::from_slice(&reply.body)
            .map_err(|_| failed("the answer of the token address is no JSON".to_owned()))?;
        let Some(token) = answer.get("access_token").and_then(Value::as_str) else {
            return Err(failed("the answer holds no access_token".to_owned()));
        };
        let life = answer.get("expires_in").and_then(Value::as_i64).unwrap_or(UNSAID).clamp(0, 86_400);
        let ends = now.saturating_add(SignedDuration::from_secs(life) - MARGIN).unwrap_or(now);
        let mut proof = HeaderMap::new();
        put(&mut proof, "Authorization", &format!("Bearer {token}")).map_err(failed)?;
        Ok(Session { kept: Value::Null, proof, ends: Some(ends) })
    }

    async fn enter(
        desk: &Desk<'_>,
        sign_in: &SignIn,
        with: &Value,
        now: Timestamp,
    ) -> Result<Session, Failed> {
        let operation = Operation {
            method: sign_in.method.clone(),
            path: sign_in.path.clone().unwrap_or_default(),
            body: sign_in.body.clone(),
            ..Operation::default()
        };
        let answer = match desk.call("sign_in", &operation, &HeaderMap::new(), with, now).await {
            Ok(Read::Yes(answer)) => answer,
            Ok(Read::Empty) => Value::Null,
            Ok(Read::Absent) => return Err(Failed::again("sign_in: there is no such address")),
            // Never one account's fault: nothing is lost while somebody sets the credentials right.
            Err(Failed::Refused(said) | Failed::NotSignedIn(said)) => {
                return Err(Failed::again(format!("{said}; check user_name and secret")));
            }
            Err(again) => return Err(again),
        };
        let mut kept = Map::new();
        for (name, pointer) in &sign_in.keep {
            match answer.pointer(pointer) {
                Some(value) if !matches!(value, Value::Null | Value::Bool(false)) => {
                    kept.insert(name.clone(), value.clone());
                }
                _ => {
                    let said = format!(
                        "sign_in.keep.{name}: nothing stands at {pointer:?}; check user_name and secret"
                    );
                    return Err(Failed::again(said));
                }
            }
        }
        let kept = Value::Object(kept);
        let with = super::call::and(with, "session", kept.clone());
        let mut proof = HeaderMap::new();
        for name in sign_in.send.keys() {
            let value = desk.templates.fill(&format!("sign_in.send.{name}"), Style::Plain, &with);
            value.and_then(|value| put(&mut proof, name, &value)).map_err(Failed::Refused)?;
        }
        Ok(Session { kept, proof, ends: None })
    }
}

/// What a template sees before there is a session.
pub(crate) fn nothing() -> Value {
    json!({})
}
