//! What becomes of a browser that a client sends here (OpenID Connect Core §3.1.2).
//!
//! Invariant: nothing is sent to an address that the client has not registered, and nobody gets a code without a
//! living session whose account may enter.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::super::session::{Presence, Session, ShutOut};
use super::super::{Compiled, Ports, Refusal};
use super::enter::{self, Entered, TurnedAway};
use super::request::{self, Mode, OAuthError, Parameters, Prompt, Request};
use super::sign_in_first::{self, Waiting};
use super::{Closed, count, keys};
use crate::config::Client;
use crate::domain::account::Account;
use crate::domain::ids::{DirectoryId, SessionId};
use crate::oidc::{answer_url, read_hint};

/// How far the directory's clock may be behind ours when it says when the person proved who they are.
const LEEWAY: SignedDuration = SignedDuration::from_mins(1);

/// Where the browser goes next.
#[derive(Debug)]
pub enum Step {
    /// Nowhere: who sent it here, or where the answer would go, is not known.
    Untrusted(Untrusted),
    /// Nowhere: the request that it came back to is used, too old or unknown.
    TooOld,
    /// To the client, with an answer.
    Back(Answer),
    /// To the sign-in, and back.
    SignIn {
        /// The directory, where it is known which.
        directory: Option<DirectoryId>,
        /// The local path that leads back here.
        return_to: String,
    },
    /// To the page that explains why the person does not get in.
    Closed(Box<TurnedAway>),
}

/// An answer on its way to the client.
pub enum Answer {
    /// The browser is sent to this address.
    Address(SecretString),
    /// The browser sends these fields there by a form.
    Form {
        /// Where: one of the client's own addresses.
        address: String,
        /// Name and value.
        fields: Vec<(String, String)>,
    },
}

impl fmt::Debug for Answer {
    /// It may hold a code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

/// Why a request is not answered to where it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untrusted {
    /// There is no client of that name.
    Client,
    /// The client has not registered that address.
    RedirectUri,
}

/// A request, and who came with it.
struct Visit<'p> {
    ports: &'p Ports,
    client: Arc<Client>,
    request: Request,
    waiting: Option<Waiting>,
    request_id: Option<String>,
}

/// What the session lacks for the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    /// The person must sign in, or sign in again.
    SignIn,
    /// They did, and the directory did not do what was asked.
    Unmet,
}

/// A browser comes with a request of a client.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached, [`Refusal::NoPolicy`] before the first policy.
pub async fn arrive(
    ports: &Ports,
    parameters: &Parameters,
    who: Presence,
    request_id: Option<String>,
) -> Result<Step, Refusal> {
    let client = parameters.one("client_id").ok().flatten().and_then(|id| ports.issuing.client(id));
    let Some(client) = client else { return Ok(Step::Untrusted(Untrusted::Client)) };
    let redirect_uri = parameters.one("redirect_uri").ok().flatten();
    let Some(redirect_uri) = redirect_uri.filter(|uri| client.redirect_uris.iter().any(|own| own == uri))
    else {
        count(&client.id, "untrusted");
        tracing::warn!(client.id = %client.id, "a request of client {} names an address that it has not registered", client.id);
        return Ok(Step::Untrusted(Untrusted::RedirectUri));
    };
    let read = match request::read(parameters, client, redirect_uri) {
        Ok(request) => hinted(ports, parameters, client, request).await?,
        Err(error) => Err(error),
    };
    match read {
        Ok(request) => {
            let client = Arc::clone(client);
            Visit { ports, client, request, waiting: None, request_id }.go_on(who).await
        }
        Err(error) => {
            count(&client.id, error.code);
            let state = parameters.one("state").ok().flatten();
            let mode = request::mode(parameters).unwrap_or_default();
            Ok(refusal(ports, (redirect_uri, mode), state, &error))
        }
    }
}

/// A browser comes back to its request after a sign-in.
///
/// # Errors
///
/// As [`arrive`].
pub async fn resume(
    ports: &Ports,
    secret: &str,
    who: Presence,
    request_id: Option<String>,
) -> Result<Step, Refusal> {
    let Some(waiting) = sign_in_first::find(ports, secret).await? else { return Ok(Step::TooOld) };
    // The settings may have changed since.
    let client = ports.issuing.client(waiting.row.client.as_str());
    let Some(client) = client.filter(|client| client.redirect_uris.contains(&waiting.request.redirect_uri))
    else {
        return Ok(Step::TooOld);
    };
    let (client, request) = (Arc::clone(client), waiting.request.clone());
    Visit { ports, client, request, waiting: Some(waiting), request_id }.go_on(who).await
}

/// The request with the `sub` of its hint (OpenID Connect Core §3.1.2.1, `id_token_hint`).
async fn hinted(
    ports: &Ports,
    parameters: &Parameters,
    client: &Client,
    request: Request,
) -> Result<Result<Request, OAuthError>, Refusal> {
    let token = match parameters.hint() {
        Ok(Some(token)) => token,
        Ok(None) => return Ok(Ok(request)),
        Err(error) => return Ok(Err(error)),
    };
    let ring = keys::keyring(ports).await?;
    let hint = read_hint(token, ports.settings.server.public_url.as_str(), ring.all());
    Ok(match hint.filter(|hint| hint.audience == client.id.as_str()) {
        Some(hint) => Ok(Request { hinted_subject: Some(hint.subject), ..request }),
        None => Err(OAuthError::invalid_request("id_token_hint is no ID token of this client")),
    })
}

/// The address that takes an error back to the client (RFC 6749 §4.1.2.1, RFC 9207 §2).
fn refusal(ports: &Ports, to: (&str, Mode), state: Option<&str>, error: &OAuthError) -> Step {
    let issuer = ports.settings.server.public_url.as_str();
    let mut answer =
        vec![("error", error.code), ("error_description", error.description.as_str()), ("iss", issuer)];
    answer.extend(state.map(|state| ("state", state)));
    back(to, &answer)
}

fn back((redirect_uri, mode): (&str, Mode), answer: &[(&str, &str)]) -> Step {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    match mode {
        Mode::Query => answer_url(redirect_uri, answer)
            .map_or(Step::Untrusted(Untrusted::RedirectUri), |url| Step::Back(Answer::Address(url.into()))),
        Mode::FormPost => Step::Back(Answer::Form {
            address: redirect_uri.to_owned(),
            fields: answer.iter().map(owned).collect(),
        }),
    }
}

impl Visit<'_> {
    async fn go_on(self, who: Presence) -> Result<Step, Refusal> {
        match who {
            Presence::Nobody => self.sign_in(None).await,
            Presence::ShutOut(out) => self.shut_out(*out).await,
            Presence::SignedIn(person) => match self.lack(&person.session) {
                Some(Lack::SignIn) => self.sign_in(Some(&person.session)).await,
                Some(Lack::Unmet) => {
                    Ok(self.error("login_required", "the person was not asked to sign in anew"))
                }
                None => self.enter(&person.session).await,
            },
        }
    }

    /// What the session lacks; nothing: it will do.
    fn lack(&self, session: &Session) -> Option<Lack> {
        let waiting = self.waiting.as_ref();
        let is_new = waiting.is_some_and(|waiting| waiting.is_followed_by(session.id));
        let wants_new = matches!(self.request.prompt, Prompt::Login | Prompt::SelectAccount);
        let proved_at = session.authenticated_at.unwrap_or(session.created_at);
        let is_old = self.request.max_age.is_some_and(|seconds| {
            self.ports.clock.now().duration_since(proved_at) > SignedDuration::from_secs(seconds.into())
        });
        if !is_new {
            let acr = session.acr.as_ref();
            let is_weak = !self.request.acr_values.is_empty()
                && !acr.is_some_and(|acr| self.request.acr_values.contains(acr));
            // A level is a wish (OpenID Connect Core §5.5.1.1): without a page it is not insisted on.
            let is_weak = is_weak && self.request.prompt != Prompt::None;
            return (wants_new || is_old || is_weak).then_some(Lack::SignIn);
        }
        // A directory that says when must say that it was for this request.
        let came_at = waiting.map_or(Timestamp::MIN, |waiting| waiting.row.created_at);
        let is_after = proved_at >= came_at.saturating_sub(LEEWAY).unwrap_or(Timestamp::MIN);
        ((is_old || self.request.prompt == Prompt::Login) && !is_after).then_some(Lack::Unmet)
    }

    async fn sign_in(self, former: Option<&Session>) -> Result<Step, Refusal> {
        if self.request.prompt == Prompt::None {
            return Ok(self.error("login_required", "nobody is signed in, or not as was asked"));
        }
        let former = former.map(|session| session.id);
        Ok(sign_in_first::go(self.ports, &self.waiting(former).await?))
    }

    async fn shut_out(self, out: ShutOut) -> Result<Step, Refusal> {
        let wants_new = matches!(self.request.prompt, Prompt::Login | Prompt::SelectAccount);
        if wants_new && self.waiting.is_none() {
            return self.sign_in(None).await;
        }
        let ShutOut { account, why, compiled, act: _ } = out;
        self.turn_away(account, Closed::Everywhere(why), compiled).await
    }

    async fn enter(self, session: &Session) -> Result<Step, Refusal> {
        let entering = enter::Entering {
            client: Arc::clone(&self.client),
            request: self.request.clone(),
            waiting: self.waiting.as_ref().map(Waiting::hash),
            session: session.clone(),
            request_id: self.request_id.clone(),
        };
        match enter::enter(self.ports, entering).await? {
            Entered::Code(code) => {
                let issuer = self.ports.settings.server.public_url.as_str();
                let mut answer = vec![("code", code.as_str()), ("iss", issuer)];
                answer.extend(self.request.state.as_deref().map(|state| ("state", state)));
                Ok(back(self.destination(), &answer))
            }
            Entered::Other => {
                Ok(self.error("login_required", "another person is signed in than id_token_hint names"))
            }
            Entered::SessionEnded => self.sign_in(None).await,
            Entered::TooOld => Ok(Step::TooOld),
            Entered::Closed(account, closed, compiled) => self.turn_away(*account, closed, compiled).await,
        }
    }

    /// Says no: to the client, where nothing may be shown, or to the person.
    async fn turn_away(
        self,
        account: Account,
        closed: Closed,
        compiled: Arc<Compiled>,
    ) -> Result<Step, Refusal> {
        count(&self.client.id, "refused");
        let (at, reference) =
            enter::record_refusal(self.ports, &self.client, &account, &closed, self.request_id.clone())
                .await?;
        if self.request.prompt == Prompt::None {
            return Ok(self.error("access_denied", "the person may not enter"));
        }
        let waiting = self.waiting(None).await?;
        Ok(Step::Closed(Box::new(TurnedAway {
            client: self.client.name.clone(),
            account,
            closed,
            compiled,
            reference,
            at,
            return_to: sign_in_first::way_back(self.ports, &waiting),
        })))
    }

    /// The request, kept so that the browser can come back to it.
    async fn waiting(&self, former: Option<SessionId>) -> Result<Waiting, Refusal> {
        if let Some(waiting) = &self.waiting {
            return Ok(waiting.clone());
        }
        let now = self.ports.clock.now();
        sign_in_first::keep(self.ports, &self.client, &self.request, former, now).await
    }

    fn error(&self, code: &'static str, description: &'static str) -> Step {
        count(&self.client.id, code);
        let error = OAuthError::new(code, description);
        refusal(self.ports, self.destination(), self.request.state.as_deref(), &error)
    }

    fn destination(&self) -> (&str, Mode) {
        (&self.request.redirect_uri, self.request.mode)
    }
}
