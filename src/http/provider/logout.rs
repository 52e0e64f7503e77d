//! `/oauth2/logout`: a client asks that the person be signed out.
//!
//! Invariant: without an ID token of this very session the person is asked, by a page of our own.

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::ExposeSecret;

use super::super::pages::{Frame, Notice, language, page, trouble};
use super::super::sso::{is_own_form, visitor};
use super::super::{House, RequestId};
use super::Pairs;
use crate::domain::language::Language;
use crate::flows::provider::{self, LogoutRequest, LogoutStep, OAuthError, Parameters};
use crate::flows::session::Presence;

/// What the page sends on when the person says yes.
const SENT_ON: [&str; 4] = ["client_id", "id_token_hint", "post_logout_redirect_uri", "state"];

#[derive(Template)]
#[template(path = "provider/logout.html")]
struct LogoutPage {
    frame: Frame,
    name: String,
    client: Option<String>,
    sent_on: Vec<(String, String)>,
}

/// `GET /oauth2/logout`.
pub(super) async fn ask(
    State(house): State<House>,
    headers: HeaderMap,
    id: RequestId,
    query: Result<Query<Pairs>, QueryRejection>,
) -> Response {
    let pairs = query.map(|Query(pairs)| pairs).unwrap_or_default();
    let parameters = Parameters::new(pairs.clone());
    let secret = visitor::secret(&house, &headers);
    let request_id = Some(id.0.clone());
    let (step, person) = match (visitor::look(&house, &headers, &id).await, &secret) {
        (Ok(Presence::SignedIn(person)), Some(secret)) => {
            let session = Some((&person.session, secret));
            let step = provider::log_out(&house.ports, &parameters, session, request_id).await;
            (step, Some(person))
        }
        // Who may not enter any more loses nothing by it.
        (Ok(Presence::ShutOut(_)), secret) => {
            (provider::confirmed(&house.ports, &parameters, secret.as_ref(), request_id).await, None)
        }
        (Ok(_), _) => (provider::log_out(&house.ports, &parameters, None, request_id).await, None),
        (Err(refusal), _) => return trouble(&house, &headers, &id, refusal),
    };
    match (step, person) {
        (Ok(LogoutStep::Ask(request)), Some(person)) => {
            let account = &person.account;
            question(&house, &headers, (account.user_name.clone(), account.language), request, pairs)
        }
        (Ok(LogoutStep::Ask(request) | LogoutStep::Done(request)), _) => done(&house, &request),
        (Ok(LogoutStep::Wrong(error)), _) => wrong(&house, &headers, &error),
        (Err(refusal), _) => trouble(&house, &headers, &id, refusal),
    }
}

/// `POST /oauth2/logout`: the yes of our own page; from elsewhere the same as an address.
pub(super) async fn by_form(
    State(house): State<House>,
    headers: HeaderMap,
    id: RequestId,
    form: Result<Form<Pairs>, FormRejection>,
) -> Response {
    let pairs = form.map(|Form(pairs)| pairs).unwrap_or_default();
    let is_yes = pairs.iter().any(|(name, value)| name == "confirm" && value == "yes");
    if !is_yes || !is_own_form(&house, &headers) {
        let query = serde_urlencoded::to_string(sent_on(pairs)).unwrap_or_default();
        let base = house.ports.settings.server.public_url.path();
        return Redirect::to(&format!("{base}/oauth2/logout?{query}")).into_response();
    }
    let secret = visitor::secret(&house, &headers);
    let parameters = Parameters::new(pairs);
    match provider::confirmed(&house.ports, &parameters, secret.as_ref(), Some(id.0.clone())).await {
        Ok(LogoutStep::Done(request) | LogoutStep::Ask(request)) => done(&house, &request),
        Ok(LogoutStep::Wrong(error)) => wrong(&house, &headers, &error),
        Err(refusal) => trouble(&house, &headers, &id, refusal),
    }
}

fn sent_on(pairs: Pairs) -> Pairs {
    pairs.into_iter().filter(|(name, _)| SENT_ON.contains(&name.as_str())).collect()
}

fn question(
    house: &House,
    headers: &HeaderMap,
    (name, tongue): (String, Option<Language>),
    request: LogoutRequest,
    pairs: Pairs,
) -> Response {
    let frame = Frame::new(house, language(house, headers, tongue));
    let shown = LogoutPage { frame: frame.clone(), name, client: request.client, sent_on: sent_on(pairs) };
    page(StatusCode::OK, &frame, &shown)
}

/// On to the client, or to our own page; the browser forgets the session.
fn done(house: &House, request: &LogoutRequest) -> Response {
    let own = format!("{}/sso/signed-out", house.ports.settings.server.public_url.path());
    let next = request.next.as_ref().map_or(own.as_str(), |next| next.expose_secret());
    let mut response = Redirect::to(next).into_response();
    if let Some(cookie) = visitor::dismiss(house) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn wrong(house: &House, headers: &HeaderMap, error: &OAuthError) -> Response {
    let frame = Frame::new(house, language(house, headers, None));
    let out = frame.at("/sso/logout");
    Notice::new(frame, "warn", "Du är inte utloggad", "You are not signed out")
        .say(
            "Länken från CRM:et stämmer inte, så ingenting hände. Den som sköter CRM:et behöver rätta det:",
            "The CRM's link is not right, so nothing happened. Whoever runs the CRM needs to put it right:",
        )
        .say(&error.description, &error.description)
        .lead(out, "Logga ut här", "Sign out here")
        .answer(StatusCode::BAD_REQUEST)
}
