//! `/lifecycle/backtest`: limits tried on the recorded past, before anybody is frozen by them.
//!
//! Invariant: reads only; each bar has its number beside it, and a table says the same.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::SignedDuration;

use super::super::parts::{Bar, Bars, Empty};
use super::super::{ConsolePerson, Desk, Place};
use crate::domain::days::days;
use crate::flows::lifecycle::{Backtest, Tried, backtest};

/// What is tried where nobody says another, in days.
const USUAL: &str = "30, 60, 90, 180";

/// So many limits are tried at once.
const MOST: usize = 8;

#[derive(Template)]
#[template(path = "admin/lifecycle/backtest.html")]
struct BacktestPage {
    frame: Desk,
    wanted: String,
    error: Option<String>,
    lead: String,
    bars: Option<Bars>,
    rows: Vec<Row>,
    nothing: Empty,
}

/// A limit in the table.
struct Row {
    limit: String,
    frozen: usize,
    soon: usize,
    late: usize,
    early: usize,
}

/// `GET /lifecycle/backtest?days=30,60,90`: what each limit would have come to.
pub(super) async fn show(console: ConsolePerson) -> Response {
    let frame = match console.desk(Place::Lifecycle).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let wanted = console.query.one("days").unwrap_or(USUAL).to_owned();
    let Some(limits) = limits(&wanted) else {
        let error = frame.t(
            "Skriv antal dagar med komma emellan, högst åtta: 30, 60, 90.",
            "Write numbers of days with commas between, eight at most: 30, 60, 90.",
        );
        let error = Some(error.to_owned());
        return console.page(StatusCode::BAD_REQUEST, &page(frame, wanted, None, error));
    };
    match backtest(&console.ports, &limits).await {
        Ok(found) => console.page(StatusCode::OK, &page(frame, wanted, Some(&found), None)),
        Err(refusal) => console.refuse(Place::Lifecycle, refusal).await,
    }
}

fn limits(text: &str) -> Option<Vec<SignedDuration>> {
    let numbers = text.split([',', ' ', ';']).map(str::trim).filter(|part| !part.is_empty());
    let days = numbers.map(|part| part.trim_end_matches('d').parse::<u16>().ok().filter(|days| *days > 0));
    let days: Vec<u16> = days.collect::<Option<_>>()?;
    let is_sound = !days.is_empty() && days.len() <= MOST;
    is_sound.then(|| days.into_iter().map(|days| SignedDuration::from_hours(24 * i64::from(days))).collect())
}

fn page(frame: Desk, wanted: String, found: Option<&Backtest>, error: Option<String>) -> BacktestPage {
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let limit = |tried: &Tried| days(tried.inactive_after_days, frame.language);
    let tried: &[Tried] = found.map_or(&[], |found| &found.limits);
    let bars = tried.iter().flat_map(|one| {
        let of = |words: &str| format!("{}: {words}", limit(one));
        [
            Bar {
                words: of(frame.t("frysta", "frozen")),
                address: None,
                value: number(one.outcome.frozen),
                class: "c1",
            },
            Bar {
                words: of(frame.t("åter inom en månad", "back within a month")),
                address: None,
                value: number(one.outcome.back_within_month),
                class: "c3",
            },
        ]
    });
    let bars: Vec<Bar> = bars.collect();
    let caption = frame.t(
        "Hur många konton varje gräns skulle ha fryst, och hur många av dem som kom tillbaka inom en månad",
        "How many accounts each limit would have frozen, and how many of them came back within a month",
    );
    let rows = tried.iter().map(|one| Row {
        limit: limit(one),
        frozen: number(one.outcome.frozen),
        soon: number(one.outcome.back_within_month),
        late: number(one.outcome.back_later),
        early: number(one.outcome.too_early),
    });
    let rows = rows.collect();
    let is_known = found.is_some_and(|found| found.from.is_some());
    BacktestPage {
        lead: found.map(|found| lead(&frame, found)).unwrap_or_default(),
        bars: is_known.then(|| Bars::new(&frame, caption, frame.t("Gräns", "Limit"), bars)),
        rows: if is_known { rows } else { Vec::new() },
        nothing: Empty {
            title: frame.t("Inget är antecknat ännu", "Nothing is recorded yet").to_owned(),
            text: frame
                .t(
                    "Inloggningar sparas dag för dag i tretton månader. Kom tillbaka när det finns några.",
                    "Sign-ins are kept day by day for thirteen months. Come back when there are some.",
                )
                .to_owned(),
            way: None,
        },
        wanted,
        error,
        frame,
    }
}

fn lead(frame: &Desk, found: &Backtest) -> String {
    let Some(from) = found.from else { return String::new() };
    let accounts = usize::try_from(found.accounts).unwrap_or(usize::MAX);
    let accounts = frame.count(accounts, ["konto", "konton"], ["account", "accounts"]);
    format!("{accounts}, {} – {}", frame.day(from), frame.day(found.until))
}
