//! `/language/{tag}`: the language of the pages, as chosen in this browser.
//!
//! Invariant: it changes what a browser reads and nothing else, so a plain link may do it.

use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};

use super::super::House;
use super::super::pages::Frame;
use super::super::sso::cookies::{self, Kind};
use super::Fields;
use crate::domain::language::Language;
use crate::flows::sign_in;

/// `GET /language/{tag}?back=`: keeps the choice for a year, and goes back.
pub(super) async fn choose(
    State(house): State<House>,
    Path(tag): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let language = Language::from_tag(&tag).unwrap_or(house.ports.settings.language);
    let frame = Frame::new(&house, language);
    let fields = Fields::read(query.unwrap_or_default().as_bytes());
    let back = sign_in::local_path(fields.one("back").unwrap_or("/"));
    let mut response =
        Redirect::to(&frame.at(back.as_ref().map_or("/", |path| path.as_str()))).into_response();
    if let Some(cookie) = cookies::give(&house, Kind::Language, &language.tag().into()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
