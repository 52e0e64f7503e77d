//! `POST /sso/backchannel-logout/{directory}`: the provider says that somebody is out.
//!
//! Invariant: the answer tells nothing of why a token was not believed (OpenID Connect Back-Channel Logout §2.8).

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::super::{House, Problem, RequestId};
use crate::domain::ids::DirectoryId;
use crate::flows::sign_out::{self, ProviderLogout};

/// The form of the request (OpenID Connect Back-Channel Logout §2.5).
#[derive(Deserialize)]
pub(super) struct Told {
    logout_token: String,
}

/// `POST /sso/backchannel-logout/{directory}`.
pub(super) async fn logout(
    State(house): State<House>,
    Path(directory): Path<String>,
    id: RequestId,
    form: Result<Form<Told>, FormRejection>,
) -> Response {
    let (Ok(directory), Ok(Form(told))) = (DirectoryId::parse(&directory), form) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match sign_out::by_provider(&house.ports, &directory, &told.logout_token, Some(id.0)).await {
        Ok(ProviderLogout::Done(_)) => StatusCode::OK.into_response(),
        Ok(ProviderLogout::Refused) => StatusCode::BAD_REQUEST.into_response(),
        Ok(ProviderLogout::Unavailable) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(refusal) => Problem::from(refusal).into_response(),
    }
}
