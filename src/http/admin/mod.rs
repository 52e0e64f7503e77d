//! The console: the pages for those who look after accounts and rights.
//!
//! Invariant: no page decides anything. It reads through a flow, or hands a typed actor to a flow that decides; it needs
//! no script, holds no inline style or script, and says everything in Swedish and in English.
//!
//! # How a page is made
//!
//! One folder or file per page, the templates beside it. A page that only shows:
//!
//! ```text
//! #[derive(Template)]
//! #[template(path = "admin/groups/list.html")]      // {% extends "admin/layout.html" %}, blocks `title` and `main`
//! struct GroupsPage { frame: Desk, chips: Chips, … } // the field is called `frame` in every template
//!
//! /// `GET /groups`: …
//! pub(super) async fn list(console: ConsolePerson) -> Response {
//!     let desk = match console.desk(Place::Groups).await { Ok(desk) => desk, Err(answer) => return answer };
//!     match groups::list(&console.ports, &console.actor).await {
//!         Ok(found) => console.page(StatusCode::OK, &GroupsPage { frame: desk, … }),
//!         Err(refusal) => console.refuse(Place::Groups, refusal).await,
//!     }
//! }
//! ```
//!
//! - **Who**: [`ConsolePerson`] is an extractor. Whoever is not signed in is sent to sign in and back; whoever has no role
//!   with a `console` gets a page that says so. `console.actor` is the [`ConsoleActor`](crate::flows::console::ConsoleActor)
//!   that flows take: a flow that changes something begins with `actor.administering()?` (or `reviewing()?`), one that
//!   reads uses `actor.reading()`. A template hides what somebody may not do with `frame.may_change`; that is courtesy and
//!   not protection.
//! - **Texts**: `{{ frame.t("Svenska", "English") }}`, and nothing else, so that a text without its other language does
//!   not compile. Numbers `frame.number(n)`, counted words `frame.count(n, ["person", "personer"], ["person", "people"])`,
//!   dates `frame.day(at)`, `frame.when(at)`, `frame.last_day(end)`. A flow's or domain's own sentence takes
//!   `frame.reading()`.
//! - **Menu**: a page that others should find adds its [`Place`] in `menu.rs`; every page names its place.
//! - **Addresses**: [`Fields`] reads a query (`console.query`) or a form and writes addresses: `fields.with("sort",
//!   "name").at(&frame, "/people")`. Everything that a list is narrowed, sorted and shown by stands in its address. A
//!   value that is not understood is `console.misread(…)`, 400.
//! - **Forms**: `method="post"`, with `<input type="hidden" name="token" value="{{ frame.token }}">`. The handler takes
//!   [`Sent`] instead of `ConsolePerson`: its origin and token are checked before it exists. Then one flow, then
//!   `console.go("/path", &Note::done("6 konton är frysta", "…"))`: 303, and the note stands on the next page once.
//!   What was not taken is shown again with 400 and [`Input::holding`](parts::Input::holding).
//! - **A change that takes something away** is three steps: mark (GET form) → preview (a page: who gains and loses what,
//!   what is left alone and why) → [`Decide`](parts::Decide) with the reason and one button that names the act. The
//!   preview's form carries each account's version; the flow answers [`Refusal::Stale`](crate::flows::Refusal::Stale)
//!   where somebody else was there first, and `console.refuse` tells who and what. Sending it twice finds the account
//!   changed already, and changes nothing.
//! - **What is not easily undone** (releasing a plan, making a token) begins with `console.require_fresh("/path")?`-like
//!   early return: it sends somebody to sign in anew whose sign-in is old.
//! - **Parts** ([`parts`]): `Pill`, `Empty`, `Figures`, `Timeline`, `Bars`, `Plot`, `Chips`, `Head`, `Picker`, `Pager`,
//!   `Export`, `Decide`, `Input`. Each is a struct with its own template; a page writes `{{ part }}`. Signs are
//!   `{{ frame.icon("save") }}`, by their names in `pages/icons.svg`.
//! - **The banner**: `{% include "admin/note.html" %}` first in block `main`. **htmx** (`/assets/htmx.js`) only shortens the
//!   way: `hx-get` of the same page with `hx-select="#list"`.
//! - Each route gets a line in `tests/golden/routes.txt`: `console` for any role at the console. Tests: `tests/it/admin`.

mod audit;
mod connections;
mod desk;
mod fields;
mod file;
mod groups;
mod language;
mod lifecycle;
mod menu;
mod note;
mod parts;
mod people;
mod person;
mod person_page;
mod policy;
mod queue;
mod refuse;
mod reports;
mod sent;
mod settings;
mod start;
mod words;

use axum::Router;
use axum::routing::get;

use super::House;

use desk::Desk;
use fields::Fields;
use menu::Place;
use note::Note;
use person::ConsolePerson;
use sent::Sent;

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/", get(start::show))
        .route("/people", get(people::list))
        .route("/people/change", get(people::change).post(people::apply))
        .route("/people/export", get(people::export))
        .route("/language/{tag}", get(language::choose))
        .merge(person_page::routes())
        .merge(groups::routes())
        .merge(policy::routes())
        .merge(lifecycle::routes())
        .merge(queue::routes())
        .merge(connections::routes())
        .merge(reports::routes())
        .merge(audit::routes())
        .merge(settings::routes())
}
