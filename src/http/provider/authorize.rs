//! `/oauth2/authorize`: a client sends a browser.
//!
//! Invariant: a form is turned into an address first, since a browser keeps its cookies from a form of another site.

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::ExposeSecret;

use super::super::pages::{Frame, Notice, language, page, trouble};
use super::super::sso::{self, visitor};
use super::super::{House, RequestId};
use super::Pairs;
use crate::domain::ids::DirectoryId;
use crate::flows::provider::{self, Answer, Parameters, Step, Untrusted};
use crate::flows::sign_in;

/// `GET /oauth2/authorize`.
pub(super) async fn authorize(
    State(house): State<House>,
    headers: HeaderMap,
    id: RequestId,
    query: Result<Query<Pairs>, QueryRejection>,
) -> Response {
    let parameters = Parameters::new(query.map(|Query(pairs)| pairs).unwrap_or_default());
    let who = match visitor::look(&house, &headers, &id).await {
        Ok(who) => who,
        Err(refusal) => return trouble(&house, &headers, &id, refusal),
    };
    let request_id = Some(id.0.clone());
    let step = match (parameters.one("client_id"), parameters.one("continue")) {
        (Ok(None), Ok(Some(secret))) => provider::resume(&house.ports, secret, who, request_id).await,
        _ => provider::arrive(&house.ports, &parameters, who, request_id).await,
    };
    match step {
        Ok(Step::Back(Answer::Address(address))) => Redirect::to(address.expose_secret()).into_response(),
        Ok(Step::Back(Answer::Form { address, fields })) => by_the_browser(&house, &headers, address, fields),
        Ok(Step::SignIn { directory, return_to }) => to_sign_in(&house, directory.as_ref(), &return_to),
        Ok(Step::Closed(away)) => sso::turned_away(&house, &headers, &away),
        Ok(Step::Untrusted(what)) => untrusted(&house, &headers, what).await,
        Ok(Step::TooOld) => too_old(&house, &headers).await,
        Err(refusal) => trouble(&house, &headers, &id, refusal),
    }
}

/// `POST /oauth2/authorize` (OpenID Connect Core §3.1.2.1).
pub(super) async fn by_form(
    State(house): State<House>,
    headers: HeaderMap,
    form: Result<Form<Pairs>, FormRejection>,
) -> Response {
    match form.ok().and_then(|Form(pairs)| serde_urlencoded::to_string(pairs).ok()) {
        Some(query) => {
            let frame = Frame::new(&house, language(&house, &headers, None));
            Redirect::to(&frame.at(&format!("/oauth2/authorize?{query}"))).into_response()
        }
        None => untrusted(&house, &headers, Untrusted::Client).await,
    }
}

/// The page whose form carries the answer to the client: by itself, or at a click where no script runs.
#[derive(Template)]
#[template(path = "provider/answer.html")]
struct AnswerPage {
    frame: Frame,
    address: String,
    fields: Vec<(String, String)>,
}

fn by_the_browser(
    house: &House,
    headers: &HeaderMap,
    address: String,
    fields: Vec<(String, String)>,
) -> Response {
    let frame = Frame::new(house, language(house, headers, None));
    page(StatusCode::OK, &frame, &AnswerPage { frame: frame.clone(), address, fields })
}

/// `GET /assets/send.js`: sends the form of the page at once.
pub(super) async fn send_script() -> impl IntoResponse {
    let kind = (header::CONTENT_TYPE, "text/javascript; charset=utf-8");
    ([kind, (header::CACHE_CONTROL, "public, max-age=3600")], "document.forms[0].submit();\n")
}

fn to_sign_in(house: &House, directory: Option<&DirectoryId>, return_to: &str) -> Response {
    let mut wish = vec![("return_to", return_to)];
    wish.extend(directory.map(|directory| ("directory", directory.as_str())));
    let query = serde_urlencoded::to_string(wish).unwrap_or_default();
    Redirect::to(&format!("{}/sso/login?{query}", house.ports.settings.server.public_url.path()))
        .into_response()
}

async fn untrusted(house: &House, headers: &HeaderMap, what: Untrusted) -> Response {
    let frame = Frame::new(house, language(house, headers, None));
    let notice = Notice::new(frame, "warn", "Länken från CRM:et stämmer inte", "The CRM's link is not right");
    let notice = match what {
        Untrusted::Client => notice.say(
            "Portvakt känner inte till något CRM med det namn (client_id) som länken anger.",
            "Portvakt knows no CRM of the name (client_id) that the link gives.",
        ),
        Untrusted::RedirectUri => notice.say(
            "Länken vill skicka dig till en adress (redirect_uri) som inte är anmäld för CRM:et. Därför går vi inte dit.",
            "The link wants to send you to an address (redirect_uri) that is not registered for the CRM, so we do not go there.",
        ),
    };
    let mut notice = notice.say(
        "Det är den som sköter CRM:et som behöver rätta det. Du kan inte göra något åt det själv.",
        "Whoever runs the CRM needs to put it right. There is nothing you can do about it yourself.",
    );
    notice.contact = sign_in::contact(&house.ports).await.ok().flatten();
    notice.answer(StatusCode::BAD_REQUEST)
}

async fn too_old(house: &House, headers: &HeaderMap) -> Response {
    let frame = Frame::new(house, language(house, headers, None));
    let mut notice =
        Notice::new(frame, "warn", "Inloggningen blev inte klar", "The sign-in was not completed")
            .say(
                "Länken till CRM:et har redan använts, eller så är den för gammal.",
                "The way to the CRM has been used already, or is too old.",
            )
            .say(
                "Gå till CRM:et och logga in därifrån, så går det bra.",
                "Go to the CRM and sign in from there, and it will work.",
            );
    notice.contact = sign_in::contact(&house.ports).await.ok().flatten();
    notice.answer(StatusCode::BAD_REQUEST)
}
