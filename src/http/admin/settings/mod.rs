//! `/settings`: the settings as the file and the environment have them, the language, and what this is.
//!
//! Invariant: nothing is changed here but the language of the browser; no secret is shown.

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::super::House;
use super::{ConsolePerson, Desk, Place};
use crate::domain::language::Language;

pub(super) fn routes() -> Router<House> {
    Router::new().route("/settings", get(show))
}

#[derive(Template)]
#[template(path = "admin/settings/settings.html")]
struct SettingsPage {
    frame: Desk,
    sections: Vec<Section>,
    languages: Vec<Choice>,
    about: Vec<(&'static str, String)>,
}

/// A table of the file.
struct Section {
    name: String,
    lines: Vec<Line>,
}

/// A setting.
struct Line {
    key: String,
    value: String,
    is_masked: bool,
    variable: Option<String>,
}

/// A language.
struct Choice {
    tag: &'static str,
    name: &'static str,
    address: String,
    is_chosen: bool,
}

/// `GET /settings`: what is set.
async fn show(console: ConsolePerson) -> Response {
    let frame = match console.desk(Place::Settings).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let languages = [Language::Sv, Language::En].map(|language| Choice {
        tag: language.tag(),
        name: match language {
            Language::Sv => "Svenska",
            Language::En => "English",
        },
        address: frame.at(&format!("/language/{}?back=%2Fsettings", language.tag())),
        is_chosen: language == frame.language,
    });
    let page = SettingsPage {
        sections: sections(&console),
        languages: languages.into(),
        about: about(&console, &frame),
        frame,
    };
    console.page(StatusCode::OK, &page)
}

fn sections(console: &ConsolePerson) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for setting in &console.ports.settings.shown {
        if sections.last().is_none_or(|section| section.name != setting.section) {
            sections.push(Section { name: setting.section.clone(), lines: Vec::new() });
        }
        if let Some(section) = sections.last_mut() {
            section.lines.push(Line {
                key: setting.key.clone(),
                value: setting.value.clone(),
                is_masked: setting.is_masked,
                variable: setting.variable.clone(),
            });
        }
    }
    sections
}

fn about(console: &ConsolePerson, frame: &Desk) -> Vec<(&'static str, String)> {
    let (settings, compiled) = (&console.ports.settings, &console.person.compiled);
    vec![
        (frame.t("Version", "Version"), format!("Portvakt {}", env!("CARGO_PKG_VERSION"))),
        (frame.t("Adress", "Address"), settings.server.public_url.to_string()),
        (frame.t("Databas", "Database"), settings.database.engine.to_string()),
        (frame.t("Policyns version", "Version of the policy"), compiled.number.to_string()),
        (frame.t("Tidszon", "Time zone"), compiled.policy.lifecycle.timezone.clone()),
        (
            frame.t("Språk för den som inte valt", "Language of whoever has not chosen"),
            settings.language.to_string(),
        ),
    ]
}
