//! `/connections/…/tokens`: what a directory or CRM comes with, and making one more.
//!
//! Invariant: a secret stands on the answer to the form that made it and nowhere else: in no address, note or cache.
//! The form carries the id of what it makes, so that it makes one however often it is sent.

use askama::Template;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use secrecy::ExposeSecret;
use uuid::Uuid;

use super::super::parts::{Empty, Input, Pill};
use super::super::words::who;
use super::super::{ConsolePerson, Desk, Fields, Place, Sent};
use super::head::{Head, Tab, path};
use super::words;
use crate::domain::ids::TokenId;
use crate::domain::scope::Scopes;
use crate::flows::Refusal;
use crate::flows::console::connections::tokens::{self as flow, Kind, Made, Owner, Wish};
use crate::flows::console::who::Names;
use crate::flows::tokens::roster::Line;

/// For how many days a token is good where nobody says otherwise.
pub(super) const USUAL_DAYS: &str = "365";

/// More is not asked for: what is longer is forgotten before it ends.
const MOST_DAYS: i64 = 3650;

#[derive(Template)]
#[template(path = "admin/connections/tokens.html")]
struct TokensPage {
    frame: Desk,
    head: Head,
    lines: Vec<Row>,
    has_scopes: bool,
    none: Empty,
}

/// A token or client secret.
struct Row {
    address: Option<String>,
    name: String,
    what: String,
    scopes: String,
    made: String,
    used: String,
    ends: String,
    pill: Pill,
}

#[derive(Template)]
#[template(path = "admin/connections/new.html")]
struct NewPage {
    frame: Desk,
    head: Head,
    address: String,
    id: String,
    kinds: Vec<(&'static str, &'static str, &'static str, bool)>,
    inputs: Vec<Input>,
    scopes: Vec<(&'static str, bool)>,
    back: String,
}

#[derive(Template)]
#[template(path = "admin/connections/secret.html")]
struct SecretPage {
    frame: Desk,
    head: Head,
    name: String,
    client_id: Option<String>,
    secret: String,
    ends: String,
    /// Where the client gets access tokens, or the directory sends its people and groups to.
    addresses: Vec<(&'static str, String)>,
    /// The old one, which is good still.
    old: Option<String>,
    list: String,
}

/// What a directory or target is called on its pages.
pub(super) fn name_of(console: &ConsolePerson, owner: &Owner) -> String {
    let directories = &console.ports.settings.directories;
    match owner {
        Owner::Directory(id) => {
            let known = directories.iter().find(|known| known.id == *id);
            known.map_or_else(|| id.to_string(), |known| known.name.clone())
        }
        Owner::Target(id) => id.to_string(),
    }
}

/// `GET /connections/directories/{name}/tokens`: those of a directory.
pub(super) async fn of_directory(console: ConsolePerson, Path(name): Path<String>) -> Response {
    let owner = Owner::directory(&console.ports, &name);
    list(&console, owner).await
}

/// `GET /connections/targets/{name}/tokens`: those of a CRM.
pub(super) async fn of_target(console: ConsolePerson, Path(name): Path<String>) -> Response {
    let owner = Owner::target(&console.ports, &name);
    list(&console, owner).await
}

async fn list(console: &ConsolePerson, owner: Result<Owner, Refusal>) -> Response {
    let frame = match console.desk(Place::Connections).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let owner = match owner {
        Ok(owner) => owner,
        Err(refusal) => return console.refuse(Place::Connections, refusal).await,
    };
    let (lines, names) = match flow::list(&console.ports, &owner).await {
        Ok(found) => found,
        Err(refusal) => return console.refuse(Place::Connections, refusal).await,
    };
    let mut head = Head::new(&frame, &owner, &name_of(console, &owner), Some(Tab::Tokens));
    if frame.may_change {
        let new = format!("{}/tokens/new", path(&owner));
        head = head.offering(&frame, &new, "plus", frame.t("Skapa en token", "Make a token"));
    }
    let page = TokensPage {
        head,
        has_scopes: matches!(owner, Owner::Target(_)),
        lines: lines.iter().map(|line| row(&frame, &owner, line, &names)).collect(),
        none: Empty {
            title: frame.t("Det finns inga token", "There are no tokens").to_owned(),
            text: frame.t("Den som ska komma in behöver en.", "Whoever is to come in needs one.").to_owned(),
            way: None,
        },
        frame,
    };
    console.page(StatusCode::OK, &page)
}

/// What a token is: "OAuth-klient pvc_…".
pub(super) fn kind_words(frame: &Desk, line: &Line) -> String {
    match &line.client_id {
        Some(client) => format!("{} {client}", frame.t("Hemlighet till klienten", "Secret of the client")),
        None => frame.t("Token", "Token").to_owned(),
    }
}

/// What a token opens.
pub(super) fn scope_words(frame: &Desk, line: &Line) -> String {
    match line.scopes.as_ref().map(Scopes::names) {
        None => String::new(),
        Some(names) if names.is_empty() => frame.t("allt", "everything").to_owned(),
        Some(names) => names.join(", "),
    }
}

fn row(frame: &Desk, owner: &Owner, line: &Line, names: &Names) -> Row {
    let by = who(frame, names, &line.created_by);
    Row {
        address: (frame.may_change && line.is_valid())
            .then(|| frame.at(&format!("{}/tokens/{}", path(owner), line.id))),
        name: line.name.clone(),
        what: kind_words(frame, line),
        scopes: scope_words(frame, line),
        made: format!("{}, {by}", frame.day(line.created_at)),
        used: line.last_used_at.map_or_else(|| frame.t("aldrig", "never").to_owned(), |at| frame.when(at)),
        ends: frame.day(line.expires_at),
        pill: words::token_pill(frame, line),
    }
}

/// `GET /connections/directories/{name}/tokens/new`: the form for one more.
pub(super) async fn new_of_directory(console: ConsolePerson, Path(name): Path<String>) -> Response {
    let owner = Owner::directory(&console.ports, &name);
    new(&console, owner, None).await
}

/// `GET /connections/targets/{name}/tokens/new`: the form for one more.
pub(super) async fn new_of_target(console: ConsolePerson, Path(name): Path<String>) -> Response {
    let owner = Owner::target(&console.ports, &name);
    new(&console, owner, None).await
}

/// Goes on where the person may make and revoke tokens and signed in lately; else they come back to `path`.
pub(super) async fn admitted(console: &ConsolePerson, path: &str) -> Result<(), Response> {
    if let Err(refusal) = console.actor.administering() {
        return Err(console.refuse(Place::Connections, refusal).await);
    }
    console.require_fresh(path)
}

async fn new(console: &ConsolePerson, owner: Result<Owner, Refusal>, failed: Option<&Fields>) -> Response {
    let owner = match owner {
        Ok(owner) => owner,
        Err(refusal) => return console.refuse(Place::Connections, refusal).await,
    };
    let path = format!("{}/tokens/new", path(&owner));
    if let Err(away) = admitted(console, &path).await {
        return away;
    }
    let frame = match console.desk(Place::Connections).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let title = name_of(console, &owner);
    console.page(super::super::parts::status(failed), &form(frame, &owner, &title, failed))
}

/// The days that a form asks for.
pub(super) fn days(fields: &Fields) -> Option<i64> {
    fields.one("days")?.parse().ok().filter(|days| (1..=MOST_DAYS).contains(days))
}

/// The field for the days, with what is wrong with it.
pub(super) fn days_input(frame: &Desk, failed: Option<&Fields>) -> Input {
    let error = failed.filter(|fields| days(fields).is_none()).map(|_| {
        frame
            .t("Skriv ett antal dagar, från 1 till 3650.", "Write a number of days, from 1 to 3650.")
            .to_owned()
    });
    let held = failed.map_or(Some(USUAL_DAYS), |fields| fields.one("days"));
    Input::new(
        "days",
        "number",
        frame.t("Gäller i så många dagar", "Good for so many days"),
        frame.t(
            "Du påminns 30, 7 och 1 dag innan den går ut.",
            "You are reminded 30, 7 and 1 days before it ends.",
        ),
    )
    .holding(held, error)
}

fn form(frame: Desk, owner: &Owner, title: &str, failed: Option<&Fields>) -> NewPage {
    let path = path(owner);
    let named = failed.and_then(|fields| fields.one("name"));
    let missing = failed.filter(|_| named.is_none_or(|name| name.chars().count() > 100)).map(|_| {
        frame.t("Skriv ett namn på högst 100 tecken.", "Write a name of at most 100 characters.").to_owned()
    });
    let name = Input::new(
        "name",
        "text",
        frame.t("Namn", "Name"),
        frame.t("Till exempel vem som använder den.", "Such as who uses it."),
    )
    .holding(named, missing);
    let kind = failed.and_then(|fields| fields.one("kind")).unwrap_or("token");
    let kinds = vec![
        (
            "token",
            frame.t("Token", "Token"),
            frame.t(
                "Ett ord som leverantören skickar med varje anrop. För Okta, och där det inte går med en klient.",
                "A word that the provider sends with each request. For Okta, and where a client will not do.",
            ),
            kind != "client",
        ),
        (
            "client",
            frame.t("OAuth-klient", "OAuth client"),
            frame.t(
                "Leverantören byter den mot en token som bara gäller en timme. Säkrast, och rätt för Entra.",
                "The provider changes it for a token that is good for an hour. The safest, and right for Entra.",
            ),
            kind == "client",
        ),
    ];
    let is_chosen = |name: &str| failed.is_some_and(|fields| fields.all("scope").any(|one| one == name));
    let (kinds, scopes) = match owner {
        Owner::Directory(_) => (kinds, Vec::new()),
        Owner::Target(_) => {
            (Vec::new(), flow::scopes().into_iter().map(|name| (name, is_chosen(name))).collect())
        }
    };
    NewPage {
        head: Head::new(&frame, owner, title, Some(Tab::Tokens)),
        address: frame.at(&format!("{path}/tokens/new")),
        id: Uuid::now_v7().to_string(),
        kinds,
        inputs: vec![name, days_input(&frame, failed)],
        scopes,
        back: frame.at(&format!("{path}/tokens")),
        frame,
    }
}

/// `POST /connections/directories/{name}/tokens/new`: makes it, and shows it.
pub(super) async fn make_of_directory(Path(name): Path<String>, sent: Sent) -> Response {
    let owner = Owner::directory(&sent.console.ports, &name);
    make(sent, owner).await
}

/// `POST /connections/targets/{name}/tokens/new`: makes it, and shows it.
pub(super) async fn make_of_target(Path(name): Path<String>, sent: Sent) -> Response {
    let owner = Owner::target(&sent.console.ports, &name);
    make(sent, owner).await
}

async fn make(sent: Sent, owner: Result<Owner, Refusal>) -> Response {
    let Sent { console, fields } = sent;
    let owner = match owner {
        Ok(owner) => owner,
        Err(refusal) => return console.refuse(Place::Connections, refusal).await,
    };
    if let Err(away) = admitted(&console, &format!("{}/tokens/new", path(&owner))).await {
        return away;
    }
    let Some(wish) = wished(&fields) else { return new(&console, Ok(owner), Some(&fields)).await };
    match flow::create(&console.ports, &console.actor, &owner, &wish).await {
        Ok(made) => shown(&console, &owner, &made, None).await,
        Err(refusal) => console.refuse(Place::Connections, refusal).await,
    }
}

/// What the form asks for; nothing where it does not say enough.
fn wished(fields: &Fields) -> Option<Wish> {
    let kind = if fields.one("kind") == Some("client") { Kind::Client } else { Kind::Token };
    let name = fields.one("name").filter(|name| name.chars().count() <= 100)?;
    Some(Wish {
        id: fields.one("id").and_then(|id| TokenId::parse(id).ok())?,
        kind,
        name: name.to_owned(),
        days: days(fields)?,
        scopes: fields.all("scope").map(str::to_owned).collect(),
    })
}

/// The page with the secret: this once. `old` is what it is made beside.
pub(super) async fn shown(
    console: &ConsolePerson,
    owner: &Owner,
    made: &Made,
    old: Option<&str>,
) -> Response {
    let frame = match console.desk(Place::Connections).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let url = |path: &str| console.ports.settings.server.public_url.join(path);
    let addresses = match owner {
        Owner::Directory(id) if made.client_id.is_some() => {
            vec![(frame.t("Token-adress", "Token address"), url(&format!("/scim/v2/{id}/token")))]
        }
        Owner::Directory(id) => {
            vec![(frame.t("SCIM-adress", "SCIM address"), url(&format!("/scim/v2/{id}")))]
        }
        Owner::Target(_) => vec![(frame.t("API-adress", "API address"), url("/api/v1"))],
    };
    let tokens = format!("{}/tokens", path(owner));
    let page = SecretPage {
        head: Head::new(&frame, owner, &name_of(console, owner), Some(Tab::Tokens)),
        name: made.name.clone(),
        client_id: made.client_id.clone(),
        secret: made.secret.expose_secret().to_owned(),
        ends: frame.day(made.expires_at),
        addresses,
        old: old.map(|id| frame.at(&format!("{tokens}/{id}"))),
        list: frame.at(&tokens),
        frame,
    };
    let mut response = console.page(StatusCode::OK, &page);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
