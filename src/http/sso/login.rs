//! `/sso/login`: away to the directory's provider; where there are several, first the question which.
//!
//! Invariant: the answer to an address depends on its domain alone.

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::SecretString;
use serde::Deserialize;

use super::super::pages::{Frame, Notice, language, page, trouble};
use super::super::{House, RequestId};
use super::{cookies, proxy, step_up};
use crate::domain::ids::DirectoryId;
use crate::domain::language::Language;
use crate::domain::policy::Contact;
use crate::flows::Refusal;
use crate::flows::sign_in::{self, Entrance, Prompt, Wish};

/// The query of `GET /sso/login`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    directory: Option<String>,
    return_to: Option<String>,
    prompt: Option<String>,
    max_age: Option<u32>,
    acr_values: Option<String>,
    lang: Option<String>,
}

/// The form of `POST /sso/login`.
#[derive(Deserialize)]
pub(super) struct Address {
    email: String,
    return_to: Option<String>,
    lang: Option<String>,
}

/// What is wrong with what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// No directory has addresses of that domain.
    Address,
    /// There is no directory of that name.
    Directory,
}

#[derive(Template)]
#[template(path = "sso/login.html")]
struct LoginPage {
    frame: Frame,
    asks_address: bool,
    entrances: Vec<Entrance>,
    return_to: String,
    is_unknown_address: bool,
    is_unknown_directory: bool,
    contact: Option<Contact>,
}

/// `GET /sso/login`.
pub(super) async fn show(
    State(house): State<House>,
    headers: HeaderMap,
    id: RequestId,
    query: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let asked = query.map(|Query(asked)| asked).unwrap_or_default();
    let return_to = asked.return_to.or_else(|| proxy::wanted(&house, &headers)).unwrap_or_default();
    let entrances = sign_in::entrances(&house.ports);
    let wanted = match (&asked.directory, entrances.as_slice()) {
        (Some(name), all) => all.iter().find(|entrance| entrance.directory.as_str() == name),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    if let Some(entrance) = wanted {
        let wish = Wish {
            directory: entrance.directory.clone(),
            return_to,
            login_hint: None,
            prompt: prompt(asked.prompt.as_deref()),
            max_age: asked.max_age,
            acr_values: asked.acr_values.as_deref().map(step_up::levels).unwrap_or_default(),
            host: proxy::host(&headers).map(str::to_owned),
            tickets: cookies::tickets(&house, &headers),
        };
        return away(&house, &headers, &id, wish).await;
    }
    let (status, wrong) = match asked.directory {
        Some(_) => (StatusCode::NOT_FOUND, Wrong::Directory),
        None => (StatusCode::OK, Wrong::Nothing),
    };
    choice(&house, &headers, &id, Choice { return_to, lang: asked.lang, status, wrong }).await
}

/// `POST /sso/login`: an address that shows the way. It is no part of an address bar or an access log.
pub(super) async fn by_address(
    State(house): State<House>,
    headers: HeaderMap,
    id: RequestId,
    form: Result<Form<Address>, FormRejection>,
) -> Response {
    let Ok(Form(Address { email, return_to, lang })) = form else {
        let nothing = Choice {
            return_to: String::new(),
            lang: None,
            status: StatusCode::BAD_REQUEST,
            wrong: Wrong::Address,
        };
        return choice(&house, &headers, &id, nothing).await;
    };
    let return_to = return_to.unwrap_or_default();
    let Some(directory) = sign_in::by_address(&house.ports, &email) else {
        let unknown = Choice { return_to, lang, status: StatusCode::OK, wrong: Wrong::Address };
        return choice(&house, &headers, &id, unknown).await;
    };
    let wish = Wish {
        directory,
        return_to,
        login_hint: Some(SecretString::from(email.trim())),
        prompt: None,
        max_age: None,
        acr_values: Vec::new(),
        host: proxy::host(&headers).map(str::to_owned),
        tickets: cookies::tickets(&house, &headers),
    };
    away(&house, &headers, &id, wish).await
}

/// What the provider is to do; anything else is not passed on.
fn prompt(text: Option<&str>) -> Option<Prompt> {
    match text {
        Some("select_account") => Some(Prompt::SelectAccount),
        Some("login") => Some(Prompt::Login),
        Some("consent") => Some(Prompt::Consent),
        _ => None,
    }
}

/// Sends the browser to the provider.
async fn away(house: &House, headers: &HeaderMap, id: &RequestId, wish: Wish) -> Response {
    let (directory, return_to) = (wish.directory.clone(), wish.return_to.clone());
    match sign_in::begin(&house.ports, wish).await {
        Ok(begun) => {
            let mut response = Redirect::to(&begun.authorize_url).into_response();
            let void = begun.given_back.iter().map(|name| cookies::take_ticket(house, name));
            for cookie in void.chain([cookies::keep(house, &begun.ticket)]).flatten() {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(Refusal::Outside(_)) => unavailable(house, headers, &directory, &return_to).await,
        Err(refusal) => trouble(house, headers, id, refusal),
    }
}

/// The page for a provider that does not answer. Whoever is signed in stays so.
pub(super) async fn unavailable(
    house: &House,
    headers: &HeaderMap,
    directory: &DirectoryId,
    return_to: &str,
) -> Response {
    let frame = Frame::new(house, language(house, headers, None));
    let again = again(&frame, directory, return_to, false);
    let mut notice =
        Notice::new(frame, "warn", "Inloggningen svarar inte just nu", "Sign-in is not answering just now")
            .say(
                "Vi når inte organisationens inloggningstjänst. Försök igen om en stund.",
                "We cannot reach the organisation's sign-in service. Try again in a while.",
            )
            .say(
                "Är du redan inloggad kan du fortsätta arbeta.",
                "If you are signed in already you can keep working.",
            )
            .lead(again, "Försök igen", "Try again");
    notice.contact = contact(house).await;
    let mut response = notice.answer(StatusCode::SERVICE_UNAVAILABLE);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    response
}

/// The address that begins the sign-in again.
pub(super) fn again(frame: &Frame, directory: &DirectoryId, return_to: &str, as_another: bool) -> String {
    let return_to =
        askama::filters::urlencode_strict(return_to).map(|text| text.to_string()).unwrap_or_default();
    let prompt = if as_another { "&prompt=select_account" } else { "" };
    frame.at(&format!("/sso/login?directory={directory}&return_to={return_to}{prompt}"))
}

/// Whom to contact; a page without that is better than none.
pub(super) async fn contact(house: &House) -> Option<Contact> {
    sign_in::contact(&house.ports).await.ok().flatten()
}

/// What the page that asks for the way shows.
struct Choice {
    return_to: String,
    lang: Option<String>,
    status: StatusCode,
    wrong: Wrong,
}

async fn choice(house: &House, headers: &HeaderMap, id: &RequestId, choice: Choice) -> Response {
    let wish = choice.lang.as_deref().and_then(Language::from_tag);
    let frame = Frame::new(house, language(house, headers, wish));
    let entrances = sign_in::entrances(&house.ports);
    if entrances.is_empty() {
        let notice = Notice::new(frame, "warn", "Här går det inte att logga in", "There is no sign-in here")
            .say(
                "Ingen katalog är inställd för inloggning i Portvakt.",
                "No directory is set up for sign-in in Portvakt.",
            );
        return notice.answer(StatusCode::NOT_FOUND);
    }
    let contact = match sign_in::contact(&house.ports).await {
        Ok(contact) => contact,
        Err(refusal) => return trouble(house, headers, id, refusal),
    };
    let login = LoginPage {
        frame: frame.clone(),
        asks_address: sign_in::has_domains(&house.ports),
        entrances,
        return_to: sign_in::landing(&house.ports, &choice.return_to),
        is_unknown_address: choice.wrong == Wrong::Address,
        is_unknown_directory: choice.wrong == Wrong::Directory,
        contact,
    };
    page(choice.status, &frame, &login)
}
