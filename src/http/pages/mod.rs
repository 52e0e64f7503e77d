//! The pages that people see: their frame, their files, and who they are to Portvakt.
//!
//! Invariant: no page needs a script, none holds an inline style or script, and each is Swedish and English in one
//! template.

mod assets;
mod breaking;
mod frame;
mod home;
mod notice;

use axum::Router;
use axum::routing::get;

use super::House;

pub(super) use breaking::breaking;
pub(super) use frame::{Frame, Icon, instant, language, page};
pub(super) use home::show as home;
pub(super) use notice::{Notice, trouble};

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/assets/portvakt.css", get(assets::stylesheet))
        .route("/assets/mark.svg", get(assets::mark))
        .route("/assets/icons.svg", get(assets::icons))
        .route("/assets/htmx.js", get(assets::script))
}
