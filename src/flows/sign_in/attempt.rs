//! Sign-ins on their way: sent to the provider with the browser, and asked about when it comes back.
//!
//! Invariant: state, nonce and PKCE verifier are bound to one browser, which keeps them sealed; beginning a sign-in
//! writes nothing.

use secrecy::{ExposeSecret, SecretString};

use super::ticket::{self, Attempt, Ticket};
use super::{Answer, Returned, count, told_unavailable};
use crate::config::{self, Asking};
use crate::domain::ids::DirectoryId;
use crate::flows::{Ports, Refusal, provider};
use crate::oidc::{Callback, OidcError, Prompt, SignInRequest, Verified, local_path};
use crate::store::login;

/// What somebody at the sign-in page wants.
#[derive(Debug)]
pub struct Wish {
    /// Through which directory.
    pub directory: DirectoryId,
    /// Where to go afterwards; anything but a local path is taken as the start page.
    pub return_to: String,
    /// The address they gave.
    pub login_hint: Option<SecretString>,
    /// What the provider shall do, beyond what the settings say.
    pub prompt: Option<Prompt>,
    /// How old, in seconds, the sign-in at the provider may be; the settings may ask for less.
    pub max_age: Option<u32>,
    /// Levels of assurance, one of which the token must show; none: those of the settings.
    pub acr_values: Vec<String>,
    /// The host that the browser names.
    pub host: Option<String>,
    /// What the browser keeps of sign-ins begun before, in other tabs perhaps.
    pub tickets: Vec<Ticket>,
}

/// A sign-in begun.
#[derive(Debug)]
pub struct Begun {
    /// Where to send the browser.
    pub authorize_url: String,
    /// What the browser must bring back, in a cookie.
    pub ticket: Ticket,
    /// The names of tickets that the browser has no use for any more.
    pub given_back: Vec<String>,
}

/// Where somebody lands who wanted to go to `return_to`: there if it is a local path, else at the start page.
#[must_use]
pub fn landing(ports: &Ports, return_to: &str) -> String {
    local_path(return_to).map_or_else(
        || format!("{}/", ports.settings.server.public_url.path()),
        |path| path.as_str().to_owned(),
    )
}

/// Begins a sign-in.
///
/// # Errors
///
/// [`Refusal::NotFound`] where people do not sign in through the directory, [`Refusal::Outside`] where its provider
/// does not answer.
pub async fn begin(ports: &Ports, wish: Wish) -> Result<Begun, Refusal> {
    let directory = wish.directory;
    let party = ports.parties.get(&directory).ok_or_else(|| Refusal::not_found("sign-in", &directory))?;
    let now = ports.clock.now();
    let here = super::seen_at(ports, wish.host.as_deref());
    let origin = (*here != ports.settings.server.public_url).then(|| here.as_str().to_owned());
    // Where it leads back to a client's request, what the client asked for: it is passed on, and the client judges
    // what came of it.
    let asked = provider::asked_of_sign_in(ports, &wish.return_to).await?;
    let request = SignInRequest {
        login_hint: wish.login_hint.map(|hint| hint.expose_secret().to_owned()).or(asked.login_hint),
        prompt: wish.prompt.or(asked.prompt),
        max_age: wish.max_age,
        acr_values: wish.acr_values,
        acr_wished: asked.acr_wished,
        redirect_uri: origin.as_ref().map(|_| here.join("/sso/callback")),
    };
    let asking = ports.settings.directories.iter().find(|known| known.id == directory);
    let asking = asking.and_then(|known| known.oidc.as_ref()).map(|oidc| &oidc.asking);
    let mut request = match asking {
        Some(asking) => as_set(asking, request),
        None => request,
    };
    let demanded_age = request.max_age;
    request.max_age = [request.max_age, asked.max_age].into_iter().flatten().min();
    let start = party.begin(now, &request).await.map_err(|error| {
        told_unavailable(&directory, &error);
        count(directory.as_str(), "unavailable");
        Refusal::Outside(error.to_string())
    })?;
    let attempt = Attempt {
        directory,
        state: start.state.expose_secret().to_owned(),
        nonce: start.nonce.expose_secret().to_owned(),
        verifier: start.pkce_verifier.expose_secret().to_owned(),
        return_to: landing(ports, &wish.return_to),
        max_age: demanded_age,
        acr_values: request.acr_values,
        origin,
        began: now,
    };
    let given_back = ticket::to_give_back(ports, &wish.tickets).await?;
    Ok(Begun { authorize_url: start.authorize_url, ticket: ticket::seal(ports, attempt).await?, given_back })
}

/// A request with what the settings ask for at each sign-in.
fn as_set(asking: &Asking, request: SignInRequest) -> SignInRequest {
    let prompt = asking.prompt.map(|prompt| match prompt {
        config::Prompt::Login => Prompt::Login,
        config::Prompt::Consent => Prompt::Consent,
        config::Prompt::SelectAccount => Prompt::SelectAccount,
    });
    let max_age = asking.max_age.map(|age| u32::try_from(age.as_secs()).unwrap_or(u32::MAX));
    let acr_values =
        if request.acr_values.is_empty() { asking.acr_values.clone() } else { request.acr_values };
    SignInRequest {
        login_hint: request.login_hint.filter(|_| asking.login_hint),
        prompt: request.prompt.or(prompt),
        max_age: [request.max_age, max_age].into_iter().flatten().min(),
        acr_values,
        acr_wished: request.acr_wished,
        redirect_uri: request.redirect_uri,
    }
}

/// The attempt of this browser that the answer belongs to: not too old, and without an answer so far. It is not used up
/// by looking.
pub(super) async fn waiting(ports: &Ports, returned: &Returned) -> Result<Option<Attempt>, Refusal> {
    let Some(attempt) = ticket::open(ports, &returned.tickets, &returned.state).await? else {
        return Ok(None);
    };
    let mut c = ports.db.read().await?;
    Ok((!login::is_taken(&mut c, &attempt.state_hash()).await?).then_some(attempt))
}

/// Asks the provider who came back.
pub(super) async fn ask(
    ports: &Ports,
    attempt: &Attempt,
    returned: &Returned,
) -> Result<Verified, OidcError> {
    let now = ports.clock.now();
    let party = ports.parties.get(&attempt.directory).ok_or_else(|| OidcError::Settings {
        directory: attempt.directory.to_string(),
        problems: vec!["people do not sign in through it any more".to_owned()],
    })?;
    let iss = returned.iss.as_deref();
    match &returned.answer {
        Answer::Code(code) => {
            let (nonce, verifier) =
                (SecretString::from(attempt.nonce.as_str()), SecretString::from(attempt.verifier.as_str()));
            let redirect_uri = attempt.origin.as_ref().map(|origin| format!("{origin}/sso/callback"));
            let callback = Callback {
                code,
                pkce_verifier: &verifier,
                nonce: &nonce,
                iss,
                max_age: attempt.max_age,
                acr_values: &attempt.acr_values,
                redirect_uri: redirect_uri.as_deref(),
            };
            party.finish(now, &callback).await
        }
        Answer::Error { error, description } => {
            Err(party.refused(now, error, description.as_deref(), iss).await)
        }
    }
}

/// Uses an attempt up without an outcome, so that its code is not exchanged again.
pub(super) async fn spend(ports: &Ports, attempt: Attempt) -> Result<(), Refusal> {
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                login::take(c, &attempt.state_hash(), attempt.ends()).await?;
                Ok::<_, Refusal>(())
            })
        })
        .await
}
