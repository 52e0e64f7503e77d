//! Exchanges codes and refresh tokens for tokens (RFC 6749 §4.1.3, §6; OpenID Connect Core §3.1.3, §12).
//!
//! Invariant: a code and a refresh token work once. One that comes a second time, or from another client, revokes
//! everything that it gave, because one of those who hold it has stolen it (RFC 9700 §2.2.2, §4.14).

mod gift;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::super::{Act, Policies, Ports, Refusal, session as sessions, tokens};
use super::entrant::{Entrant, Reading, Verdict, judge};
use super::request::{OAuthError, Parameters, scopes};
use super::{Closed, count, enter};
use crate::config::Client;
use crate::domain::actor::{Actor, Subject};
use crate::domain::ids::AccountId;
use crate::domain::policy::EvidenceSource;
use crate::oidc::is_proof;
use crate::store::client_grant::{self, Held, TokenUse};
use crate::store::{Conn, client_logout, evidence, session};
use gift::Gift;

/// What the token endpoint answers.
pub enum TokenAnswer {
    /// Tokens (RFC 6749 §5.1); they are secrets.
    Tokens(Value),
    /// An error (RFC 6749 §5.2).
    Error(OAuthError),
}

impl std::fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tokens(_) => f.write_str("Tokens(***)"),
            Self::Error(error) => f.debug_tuple("Error").field(error).finish(),
        }
    }
}

/// Why there are no tokens: told to the client's developer in general, and to the log in particular.
type Why = &'static str;

/// What came of the transaction.
enum Outcome {
    Given(Box<Gift>),
    Nothing(Why),
    /// The client asked for scopes that it was not granted; nothing was used up.
    Scope,
}

/// Which grant the client shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GrantType {
    Code,
    Refresh,
}

impl GrantType {
    const fn name(self) -> &'static str {
        match self {
            Self::Code => "authorization_code",
            Self::Refresh => "refresh_token",
        }
    }
}

/// Exchanges what the client shows.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached, [`Refusal::Outside`] when the tokens cannot be signed.
pub async fn exchange(
    ports: &Ports,
    client: &Arc<Client>,
    parameters: &Parameters,
    request_id: Option<String>,
) -> Result<TokenAnswer, Refusal> {
    let shown = match read(parameters) {
        Ok(shown) => shown,
        Err(error) => return Ok(refused(client, "unknown", error)),
    };
    let kind = shown.kind;
    let job = Actor::Job("token".to_owned());
    let exchange = Exchange {
        act: ports.act(job, enter::cause(client)).by_request(request_id),
        client: Arc::clone(client),
        policies: Arc::clone(&ports.policies),
        idle: ports.settings.sessions.idle,
        shown,
        access: SecretString::from(tokens::secret()?),
        refresh: SecretString::from(tokens::secret()?),
    };
    let outcome = ports.db.write(move |c| Box::pin(async move { exchange.write(c).await })).await?;
    match outcome {
        Outcome::Given(gift) => {
            counted(client, kind.name(), "given");
            if kind == GrantType::Code {
                count(&client.id, "signed_in");
            }
            Ok(TokenAnswer::Tokens(gift.answer(ports, client).await?))
        }
        Outcome::Nothing(why) => {
            tracing::info!(client.id = %client.id, why, "client {} got no tokens: {why}", client.id);
            let error = OAuthError::new(
                "invalid_grant",
                "it is unknown, used, expired, revoked, or not meant for this",
            );
            Ok(refused(client, kind.name(), error))
        }
        Outcome::Scope => {
            let error = OAuthError::new("invalid_scope", "more was asked for than was granted");
            Ok(refused(client, kind.name(), error))
        }
    }
}

fn refused(client: &Client, kind: &'static str, error: OAuthError) -> TokenAnswer {
    counted(client, kind, error.code);
    TokenAnswer::Error(error)
}

fn counted(client: &Client, kind: &'static str, outcome: &'static str) {
    let labels =
        [("client", client.id.to_string()), ("grant", kind.to_owned()), ("outcome", outcome.to_owned())];
    metrics::counter!("portvakt_client_token_requests_total", &labels).increment(1);
}

/// What the client shows.
struct Shown {
    kind: GrantType,
    /// The code or the refresh token.
    secret: SecretString,
    redirect_uri: Option<String>,
    verifier: Option<SecretString>,
    scope: Option<String>,
}

fn read(parameters: &Parameters) -> Result<Shown, OAuthError> {
    let text = |name| Ok::<_, OAuthError>(parameters.one(name)?.map(str::to_owned));
    let (kind, secret) = match parameters.required("grant_type")? {
        "authorization_code" => (GrantType::Code, parameters.required("code")?),
        "refresh_token" => (GrantType::Refresh, parameters.required("refresh_token")?),
        _ => {
            let known = "grant_type must be authorization_code or refresh_token";
            return Err(OAuthError::new("unsupported_grant_type", known));
        }
    };
    Ok(Shown {
        kind,
        secret: secret.into(),
        redirect_uri: text("redirect_uri")?,
        verifier: text("code_verifier")?.map(SecretString::from),
        scope: text("scope")?,
    })
}

/// What the transaction needs, owned.
struct Exchange {
    act: Act,
    client: Arc<Client>,
    policies: Arc<Policies>,
    idle: SignedDuration,
    shown: Shown,
    access: SecretString,
    refresh: SecretString,
}

impl Exchange {
    async fn write(&self, c: &mut Conn) -> Result<Outcome, Refusal> {
        match self.shown.kind {
            GrantType::Code => self.code(c).await,
            GrantType::Refresh => self.renew(c).await,
        }
    }

    async fn code(&self, c: &mut Conn) -> Result<Outcome, Refusal> {
        let now = self.act.now;
        let hash = tokens::digest(self.shown.secret.expose_secret());
        let Some(held) = client_grant::by_code(c, &hash).await? else {
            return Ok(Outcome::Nothing("there is no such code"));
        };
        // Under the account's lock, so that whoever takes its access away waits, or we wait for them.
        let verdict = self.judge(c, &held).await?;
        let is_first = client_grant::redeem(c, held.grant.id, now).await?;
        if !is_first || held.client_session.client != self.client.id {
            self.revoke(c, &held, "a code came twice, or from another client").await?;
            return Ok(Outcome::Nothing("the code was used before, or is another client's"));
        }
        if let Some(why) = self.flaw(&held) {
            return Ok(Outcome::Nothing(why));
        }
        match verdict {
            Verdict::In(entrant) => {
                let account = entrant.account.id;
                let scope = held.grant.scope.clone();
                let after = json!({ "client": self.client.id, "sid": held.client_session.id, "scope": scope,
                    "acr": held.grant.acr });
                let act = Act { actor: Actor::Account(account), ..self.act.clone() };
                act.record(c, "client_signed_in", Subject::new("account", account), None, Some(after))
                    .await?;
                evidence::seen(c, account, EvidenceSource::Sso, now).await?;
                self.give(c, held, *entrant, scope).await
            }
            Verdict::Out(account, closed, _) => self.closed(c, &held, account.id, &closed).await,
        }
    }

    /// What is wrong with the code, as it is shown.
    fn flaw(&self, held: &Held) -> Option<Why> {
        let grant = &held.grant;
        if self.act.now >= grant.code_expires_at {
            return Some("the code has expired");
        }
        if self.shown.redirect_uri.as_ref() != Some(&grant.redirect_uri) {
            return Some("redirect_uri is not the one that the code was sent to");
        }
        let is_proved = match (&grant.challenge, &self.shown.verifier) {
            (Some(challenge), Some(verifier)) => is_proof(verifier, challenge),
            // A verifier without a challenge is a request that somebody has meddled with (RFC 9700 §2.1.1).
            (Some(_), None) | (None, Some(_)) => false,
            (None, None) => !self.client.require_pkce,
        };
        if !is_proved {
            return Some("code_verifier does not prove that the code was asked for here");
        }
        ending(held, self.idle, self.act.now)
    }

    async fn renew(&self, c: &mut Conn) -> Result<Outcome, Refusal> {
        let now = self.act.now;
        let hash = tokens::digest(self.shown.secret.expose_secret());
        let Some(token) = client_grant::token(c, TokenUse::Refresh, &hash).await? else {
            return Ok(Outcome::Nothing("there is no such refresh token"));
        };
        let Some(held) = client_grant::get(c, token.grant).await? else {
            return Ok(Outcome::Nothing("the grant is gone"));
        };
        let scope = match &self.shown.scope {
            None => token.scope.clone(),
            Some(asked) if scopes(asked).is_subset(&scopes(&token.scope)) => asked.clone(),
            Some(_) => return Ok(Outcome::Scope),
        };
        let verdict = self.judge(c, &held).await?;
        let is_first = client_grant::use_up(c, &hash, now).await?;
        if !is_first || held.client_session.client != self.client.id {
            self.revoke(c, &held, "a refresh token came twice, or from another client").await?;
            return Ok(Outcome::Nothing("the refresh token was used before, or is another client's"));
        }
        if now >= token.expires_at {
            return Ok(Outcome::Nothing("the refresh token has expired"));
        }
        if let Some(why) = ending(&held, self.idle, now) {
            return Ok(Outcome::Nothing(why));
        }
        match verdict {
            Verdict::In(entrant) => {
                session::used(c, held.client_session.session, now).await?;
                self.give(c, held, *entrant, scope).await
            }
            Verdict::Out(account, closed, _) => self.closed(c, &held, account.id, &closed).await,
        }
    }

    async fn judge(&self, c: &mut Conn, held: &Held) -> Result<Verdict, Refusal> {
        let whose = (held.client_session.account, Reading::Lock);
        judge(c, &self.policies, &self.client, whose, self.act.now).await
    }

    /// Revokes what a stolen code or token gave, and writes it down once.
    async fn revoke(&self, c: &mut Conn, held: &Held, why: &'static str) -> Result<(), Refusal> {
        if client_grant::revoke(c, held.grant.id, why, self.act.now).await? {
            let account = held.client_session.account;
            let after = json!({ "client": held.client_session.client, "sid": held.client_session.id,
                "by": self.client.id, "why": why });
            let subject = Subject::new("account", account);
            self.act.record(c, "client_tokens_revoked", subject, None, Some(after)).await?;
        }
        Ok(())
    }

    /// Ends the client's session of a person who may not enter any more.
    async fn closed(
        &self,
        c: &mut Conn,
        held: &Held,
        account: AccountId,
        closed: &Closed,
    ) -> Result<Outcome, Refusal> {
        client_grant::revoke(c, held.grant.id, closed.code(), self.act.now).await?;
        client_logout::of_client(c, held.client_session.id, self.act.now).await?;
        let after = json!({ "client": self.client.id, "code": closed.code() });
        self.act.record(c, "client_refused", Subject::new("account", account), None, Some(after)).await?;
        Ok(Outcome::Nothing("the person may not enter any more"))
    }

    async fn give(
        &self,
        c: &mut Conn,
        held: Held,
        entrant: Entrant,
        scope: String,
    ) -> Result<Outcome, Refusal> {
        let gift = Gift::new(self.shown.kind, &self.client, held, entrant, scope, self.act.now);
        let gift = gift.with_secrets(&self.access, &self.refresh);
        gift.write(c).await?;
        Ok(Outcome::Given(Box::new(gift)))
    }
}

/// Why what hangs on this session is void; nothing: it is not.
pub(super) fn ending(held: &Held, idle: SignedDuration, now: Timestamp) -> Option<Why> {
    if held.grant.revoked_at.is_some() {
        return Some("it was revoked");
    }
    let is_ended = held.ended_at.is_some() || held.client_session.ended_at.is_some();
    let is_living = !is_ended && sessions::is_within(held.last_used_at, held.expires_at, idle, now);
    (!is_living).then_some("the session has ended")
}
