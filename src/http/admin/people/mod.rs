//! `/people`: the round of whoever looks after the CRM's accounts, in one screen.
//!
//! Invariant: whom the list shows, in which order and with which columns stands in its address, and the file has the
//! same.

mod change;
mod columns;
mod deed;
mod filters;
mod row;
mod wish;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::written::written;
use super::parts::{Chips, Empty, Export, Head, HeadCell, Pager, Picker, Sort};
use super::{ConsolePerson, Desk, Fields, Place};
use crate::domain::language::Language;
use crate::flows::people::roster::{self, Count, MOST_TOGETHER, Order, RosterPage};
use crate::flows::report::{Form, Layout, Separator};
use columns::Column;
use filters::Filters;
use row::RowView;
use wish::{Misread, NARROWING, Wish};

pub(super) use change::{apply, show as change};

/// Where the list is.
const PATH: &str = "/people";

/// So many people stand on a page.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "admin/people/list.html")]
struct ListPage {
    frame: Desk,
    filters: Filters,
    chips: Chips,
    /// The same list on one page with everybody marked, where they are few enough.
    mark_all: Option<(String, String)>,
    is_marked: bool,
    picker: Picker,
    export: Export,
    head: Head,
    caption: String,
    rows: Vec<RowView>,
    shown: Vec<Column>,
    pager: Pager,
    empty: Option<Empty>,
    /// Where somebody comes back to after a change.
    back: String,
    /// The address without what narrows it is told by these, in the filter's form.
    kept: Fields,
}

impl ListPage {
    fn shows(&self, column: &str) -> bool {
        self.shown.iter().any(|shown| shown.name() == column)
    }
}

/// `GET /people`: a page of the list.
pub(super) async fn list(console: ConsolePerson) -> Response {
    let wish = match Wish::read(&console) {
        Ok(wish) => wish,
        Err(Misread { sv, en }) => return console.misread(Place::People, sv, en).await,
    };
    let limit = if wish.is_marked { MOST_TOGETHER } else { PAGE };
    let asked = (&wish.selection, wish.order, &wish.turn);
    let extent = (limit, wish.shows(Column::Manager));
    let found = match roster::page(&console.ports, &console.actor, asked, extent).await {
        Ok(found) => found,
        Err(refusal) => return console.refuse(Place::People, refusal).await,
    };
    match console.desk(Place::People).await {
        Ok(desk) => console.page(StatusCode::OK, &page(&console, desk, &wish, found)),
        Err(answer) => answer,
    }
}

/// `GET /people/export?…&format=csv|xlsx|json`: the whole list as a file, noted with who fetched it.
pub(super) async fn export(console: ConsolePerson) -> Response {
    let wish = match Wish::read(&console) {
        Ok(wish) => wish,
        Err(Misread { sv, en }) => return console.misread(Place::People, sv, en).await,
    };
    let form = match console.query.one("format").unwrap_or("csv") {
        "csv" => Form::Csv,
        "xlsx" => Form::Xlsx,
        "json" => Form::Json,
        other => {
            let (sv, en) = (format!("Formatet {other} finns inte."), format!("There is no format {other}."));
            return console.misread(Place::People, sv, en).await;
        }
    };
    let language = console.frame.language;
    let separator = match language {
        Language::Sv => Separator::Semicolon,
        Language::En => Separator::Comma,
    };
    let columns: Vec<&'static str> =
        std::iter::once("status").chain(wish.columns.iter().map(|column| column.name())).collect();
    let asked = (&wish.selection, wish.order);
    let made = roster::export(&console.ports, &console.actor, asked, &columns, (language, form)).await;
    let layout = Layout { form, separator, with_head: false };
    match made.and_then(|report| written(report, layout)) {
        Ok(response) => response,
        Err(refusal) => console.refuse(Place::People, refusal).await,
    }
}

fn page(console: &ConsolePerson, desk: Desk, wish: &Wish, found: RosterPage) -> ListPage {
    let fields = &wish.fields;
    let at = |fields: &Fields| fields.at(&desk, PATH);
    let count = count_words(&desk, found.count);
    let filters = Filters::of(console, wish);
    let chips = Chips {
        frame: (*desk).clone(),
        count: count.clone(),
        narrowed: filters.chips(console, wish),
        clear: at(&fields.without(NARROWING)),
    };
    let mark_all = match found.count {
        Count::Exactly(all) if (1..=MOST_TOGETHER).contains(&all) && !wish.is_marked && desk.may_change => {
            let words = format!("{} {}", desk.t("Markera alla", "Select all"), desk.number(all));
            Some((at(&fields.with("mark", "all")), words))
        }
        Count::Exactly(_) | Count::MoreThan(_) => None,
    };
    let on_page = found.people.len();
    let pager = Pager {
        frame: (*desk).clone(),
        words: format!(
            "{} {} {} {count}",
            desk.t("Visar", "Showing"),
            desk.number(on_page),
            desk.t("av", "of")
        ),
        back: found.before.map(|cursor| at(&fields.with("before", cursor))),
        next: found.after.map(|cursor| at(&fields.with("after", cursor))),
    };
    let picker = Picker {
        frame: (*desk).clone(),
        address: desk.at(PATH),
        kept: fields.without(&["column"]),
        columns: columns::ticks(&desk, &wish.columns),
        reset: at(&fields.without(&["column"])),
    };
    let rows: Vec<RowView> = found.people.iter().map(|person| row::row(console, &desk, person)).collect();
    ListPage {
        chips,
        mark_all,
        is_marked: wish.is_marked,
        picker,
        export: Export { frame: (*desk).clone(), path: "/people/export", fields: fields.clone() },
        head: head(&desk, wish),
        caption: caption(&desk, wish, &count),
        empty: rows.is_empty().then(|| filters::empty(console, wish)),
        rows,
        shown: wish.columns.clone(),
        pager,
        back: fields.query(),
        kept: keep(fields),
        filters,
        frame: desk,
    }
}

/// What the form of the filters carries along: order and columns.
fn keep(fields: &Fields) -> Fields {
    fields.without(NARROWING)
}

/// "26 personer", or "fler än 1 000 personer".
fn count_words(desk: &Desk, count: Count) -> String {
    match count {
        Count::Exactly(all) => desk.count(all, ["person", "personer"], ["person", "people"]),
        Count::MoreThan(all) => {
            let words = desk.count(all, ["person", "personer"], ["person", "people"]);
            format!("{} {words}", desk.t("fler än", "more than"))
        }
    }
}

fn caption(desk: &Desk, wish: &Wish, count: &str) -> String {
    let order = match wish.order {
        Order::Name => desk.t("efter namn", "by name"),
        Order::NameDown => desk.t("efter namn, sist i alfabetet först", "by name, the last first"),
        Order::Seen => desk.t("längst frånvaro först", "longest absence first"),
        Order::SeenDown => desk.t("senast inloggad först", "latest sign-in first"),
    };
    format!("{count}, {order}")
}

/// The head of the table. Whoever clicks on the column that the list is sorted by turns it round.
fn head(desk: &Desk, wish: &Wish) -> Head {
    let sorted = |up: (Order, &str), down: (Order, &str)| {
        let (next, sort) = if wish.order == up.0 {
            (down.1, Sort::Ascending)
        } else if wish.order == down.0 {
            (up.1, Sort::Descending)
        } else {
            (up.1, Sort::Other)
        };
        Some((wish.fields.with("sort", next).at(desk, PATH), sort))
    };
    let by_name = || sorted((Order::Name, "name"), (Order::NameDown, "-name"));
    let by_seen = || sorted((Order::Seen, "seen"), (Order::SeenDown, "-seen"));
    let plain = |words, class| HeadCell { words, class, sort: None };
    let mut cells = vec![
        HeadCell { words: desk.t("Namn", "Name"), class: "", sort: by_name() },
        plain(desk.t("Status", "Status"), ""),
    ];
    cells.extend(wish.columns.iter().map(|column| {
        let words = column.words(desk);
        match column {
            Column::Seen => HeadCell { words, class: "", sort: by_seen() },
            Column::Days => plain(words, "r lo"),
            Column::Directory | Column::Origin | Column::Manager => plain(words, "lo"),
            Column::Roles | Column::Limited | Column::Next | Column::End | Column::UserName => {
                plain(words, "")
            }
        }
    }));
    Head { frame: (**desk).clone(), has_picks: desk.may_change, cells }
}
