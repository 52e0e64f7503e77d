//! `/`: how things stand, for whoever has a role at the console; for everybody else, who they are.
//!
//! Invariant: each number leads to the very list that it counted.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::Timestamp;

use super::super::pages;
use super::super::sso::visitor;
use super::super::{House, RequestId};
use super::connections::health::{self, Health};
use super::parts::{Bar, Bars, Figure, Figures};
use super::{ConsolePerson, Desk, Fields, Place};
use crate::domain::language::Language;
use crate::flows::console::standing::{self, Standing};
use crate::flows::console::waiting::{self, Waiting};
use crate::flows::people::roster::{self, Count};

/// The list of people.
const PEOPLE: &str = "/people";

#[derive(Template)]
#[template(path = "admin/start/start.html")]
struct StartPage {
    frame: Desk,
    today: String,
    stopped: Option<String>,
    figures: Figures,
    able: String,
    bars: Bars,
    /// How many have not signed in for 90 days, with the list of them.
    quiet: Option<(String, String)>,
    /// What waits, each with its place in the queue.
    waiting: Vec<(String, String)>,
    next_run: Option<String>,
    coming: Vec<(&'static str, String)>,
    health: Vec<Health>,
}

/// `GET /`: the person who is signed in; anybody else is sent to sign in.
pub(super) async fn show(
    State(house): State<House>,
    headers: HeaderMap,
    id: RequestId,
    RawQuery(query): RawQuery,
) -> Response {
    let person = match visitor::person(&house, &headers, &id, "/").await {
        Ok(person) => person,
        Err(answer) => return answer,
    };
    let fields = Fields::read(query.unwrap_or_default().as_bytes());
    match ConsolePerson::of(&house, &headers, id, ("/".to_owned(), fields), person) {
        Ok(console) => start(&console).await,
        Err(person) => pages::home(&house, &headers, &person),
    }
}

async fn start(console: &ConsolePerson) -> Response {
    let desk = match console.desk(Place::Start).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let (ports, actor) = (&console.ports, &console.actor);
    let figures = roster::figures(ports, actor).await;
    let standing = standing::standing(ports, actor).await;
    let waiting = waiting::count(ports).await;
    match (figures, standing, waiting) {
        (Ok(figures), Ok(standing), Ok(waiting)) => {
            console.page(StatusCode::OK, &page(console, desk, &figures, &standing, &waiting))
        }
        (Err(refusal), ..) | (_, Err(refusal), _) | (.., Err(refusal)) => console.trouble(refusal),
    }
}

fn page(
    console: &ConsolePerson,
    desk: Desk,
    figures: &roster::Figures,
    standing: &Standing,
    waiting: &Waiting,
) -> StartPage {
    let since = |at: Timestamp| at.to_zoned(desk.reading().zone.clone()).date().to_string();
    let quiet = figures.ages.days_180 + figures.ages.longer + figures.ages.never;
    let quiet_list = Fields::default().and("signed", "since").and("day", since(figures.limits[1]));
    StartPage {
        today: today(&desk),
        stopped: standing.stopped.map(|at| desk.when(at)),
        figures: key_figures(&desk, figures),
        able: desk.number(figures.able),
        bars: bars(&desk, figures),
        quiet: (quiet > 0).then(|| {
            let (some, all) = (desk.number(quiet), desk.number(figures.able));
            let words = match desk.language {
                Language::Sv => format!("{some} av {all} har inte loggat in på 90 dagar."),
                Language::En => format!("{some} of {all} have not signed in for 90 days."),
            };
            (words, quiet_list.at(&desk, PEOPLE))
        }),
        waiting: waits(&desk, waiting),
        next_run: standing.next_run.map(|at| desk.when(at)),
        coming: coming(&desk, standing),
        health: health::lines(console, &desk, standing),
        frame: desk,
    }
}

/// The days of the week, from Monday.
const DAYS: [(&str, &str); 7] = [
    ("Måndag", "Monday"),
    ("Tisdag", "Tuesday"),
    ("Onsdag", "Wednesday"),
    ("Torsdag", "Thursday"),
    ("Fredag", "Friday"),
    ("Lördag", "Saturday"),
    ("Söndag", "Sunday"),
];

/// The months of the year.
const MONTHS: [(&str, &str); 12] = [
    ("januari", "January"),
    ("februari", "February"),
    ("mars", "March"),
    ("april", "April"),
    ("maj", "May"),
    ("juni", "June"),
    ("juli", "July"),
    ("augusti", "August"),
    ("september", "September"),
    ("oktober", "October"),
    ("november", "November"),
    ("december", "December"),
];

/// "Tisdag 7 oktober 2025, klockan 07:58".
fn today(desk: &Desk) -> String {
    let now = desk.reading().now.to_zoned(desk.reading().zone.clone());
    let (day, month) = (usize::from(now.weekday().to_monday_zero_offset().unsigned_abs()), now.month());
    let named = |all: &[(&'static str, &'static str)], place: usize| {
        all.get(place).map_or("", |(sv, en)| desk.t(sv, en)).to_owned()
    };
    let (weekday, month) =
        (named(&DAYS, day), named(&MONTHS, usize::from(month.unsigned_abs()).saturating_sub(1)));
    let (number, year) = (now.day(), now.year());
    let time = format!("{:02}:{:02}", now.hour(), now.minute());
    match desk.language {
        Language::Sv => format!("{weekday} {number} {month} {year}, klockan {time}"),
        Language::En => format!("{weekday} {number} {month} {year}, {time}"),
    }
}

/// A count as a key figure.
fn shown(desk: &Desk, count: Count) -> String {
    match count {
        Count::Exactly(all) => desk.number(all),
        Count::MoreThan(all) => format!("> {}", desk.number(all)),
    }
}

fn key_figures(desk: &Desk, figures: &roster::Figures) -> Figures {
    let since = |at: Timestamp| at.to_zoned(desk.reading().zone.clone()).date().to_string();
    let list = |fields: Fields| Some(fields.at(desk, PEOPLE));
    let none = Fields::default;
    let figure = |number, words, small: String, address| Figure { number, words, small, address };
    let ages = &figures.ages;
    let longest = ages.longer + ages.never;
    let figures = vec![
        figure(
            desk.number(figures.able),
            desk.t("kan logga in", "can sign in"),
            desk.count(
                figures.accounts,
                ["konto i allt", "konton i allt"],
                ["account in all", "accounts in all"],
            ),
            list(none()),
        ),
        figure(
            desk.number(ages.never),
            desk.t("har aldrig loggat in", "have never signed in"),
            match figures.invited {
                0 => String::new(),
                some => {
                    format!("{} {}", desk.t("dessutom inbjudna:", "besides, invited:"), desk.number(some))
                }
            },
            list(none().and("signed", "never")),
        ),
        figure(
            desk.number(ages.days_180 + longest),
            desk.t("inte på 90 dagar", "not for 90 days"),
            format!("{} {}", desk.t("varav inte på 180:", "not for 180:"), desk.number(longest)),
            list(none().and("signed", "since").and("day", since(figures.limits[1])).and("sort", "seen")),
        ),
        figure(
            shown(desk, figures.limited),
            desk.t("begränsade", "limited"),
            desk.t("till sina sektorer", "to their sectors").to_owned(),
            list(none().and("limited", "yes")),
        ),
        figure(
            shown(desk, figures.privileged),
            desk.t("med höga behörigheter", "privileged"),
            desk.t("de administrerar", "they administer").to_owned(),
            list(none().and("privileged", "yes")),
        ),
        figure(
            shown(desk, figures.left),
            desk.t("slutade i veckan", "left this week"),
            desk.t("de senaste sju dagarna", "the last seven days").to_owned(),
            list(none().and("who", "all").and("left", since(figures.left_since))),
        ),
    ];
    Figures { label: desk.t("Nyckeltal", "Key figures"), figures }
}

/// When they last signed in.
fn bars(desk: &Desk, figures: &roster::Figures) -> Bars {
    let day = |at: Timestamp| at.to_zoned(desk.reading().zone.clone()).date();
    let [days_30, days_90, days_180] = figures.limits.map(day);
    let before = |date: jiff::civil::Date| date.yesterday().unwrap_or(date).to_string();
    let between = |from: String, until: String| {
        Fields::default().and("signed", "between").and("day", from).and("until", until).and("sort", "-seen")
    };
    let now = day(desk.reading().now).to_string();
    let ages = &figures.ages;
    let bar = |words: &str, fields: Fields, value: usize, class: &'static str| Bar {
        words: words.to_owned(),
        address: Some(fields.at(desk, PEOPLE)),
        value,
        class,
    };
    let bars = vec![
        bar(
            desk.t("Senaste 30 dagarna", "The last 30 days"),
            between(days_30.to_string(), now),
            ages.days_30,
            "c1",
        ),
        bar(
            desk.t("31–90 dagar", "31–90 days"),
            between(days_90.to_string(), before(days_30)),
            ages.days_90,
            "c2",
        ),
        bar(
            desk.t("91–180 dagar", "91–180 days"),
            between(days_180.to_string(), before(days_90)),
            ages.days_180,
            "c3",
        ),
        bar(
            desk.t("Mer än 180 dagar", "More than 180 days"),
            between("1970-01-02".to_owned(), before(days_180)),
            ages.longer,
            "c3",
        ),
        bar(desk.t("Aldrig", "Never"), Fields::default().and("signed", "never"), ages.never, "c4"),
    ];
    Bars::new(
        desk,
        desk.t(
            "Antal personer efter tid sedan senaste inloggning",
            "People by time since their last sign-in",
        ),
        desk.t("Tid", "Time"),
        bars,
    )
}

/// What waits for somebody's answer: where it stands in the queue, and a sentence.
fn waits(desk: &Desk, waiting: &Waiting) -> Vec<(String, String)> {
    let line = |part: &str, count: usize, sv: [&str; 2], en: [&str; 2]| {
        (count > 0).then(|| (desk.at(&format!("/queue#{part}")), desk.count(count, sv, en)))
    };
    [
        line(
            "leave",
            waiting.leaves,
            ["person ber om ledighet", "personer ber om ledighet"],
            ["person asks for leave", "people ask for leave"],
        ),
        line(
            "rights",
            waiting.rights,
            ["behörighet att ompröva efter byte av arbete", "behörigheter att ompröva efter byte av arbete"],
            ["right to reconsider after a change of job", "rights to reconsider after a change of job"],
        ),
        line(
            "links",
            waiting.links,
            ["inloggning som inte leder till något konto", "inloggningar som inte leder till något konto"],
            ["sign-in that leads to no account", "sign-ins that lead to no account"],
        ),
        line(
            "held",
            waiting.held,
            [
                "person vars behörigheter väntar på att släppas igenom",
                "personer vars behörigheter väntar på att släppas igenom",
            ],
            ["person whose rights wait for release", "people whose rights wait for release"],
        ),
        line(
            "letters",
            waiting.dead,
            ["leverans till CRM:et som inte gick fram", "leveranser till CRM:et som inte gick fram"],
            ["delivery to the CRM that failed", "deliveries to the CRM that failed"],
        ),
        line(
            "protection",
            waiting.protections,
            ["ändring av ett skydd att bekräfta", "ändringar av skydd att bekräfta"],
            ["change of protection to confirm", "changes of protection to confirm"],
        ),
        line(
            "refused",
            waiting.refused,
            ["ändring som en katalog inte fick igenom", "ändringar som kataloger inte fick igenom"],
            ["change that a directory was refused", "changes that directories were refused"],
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What comes by itself until the next run: sign and sentence.
fn coming(desk: &Desk, standing: &Standing) -> Vec<(&'static str, String)> {
    let coming = &standing.coming;
    let line = |icon, count: usize, sv: [&str; 2], en: [&str; 2]| {
        (count > 0).then(|| (icon, desk.count(count, sv, en)))
    };
    [
        line(
            "undo",
            coming.returns,
            ["person är tillbaka från ledighet", "personer är tillbaka från ledighet"],
            ["person returns from leave", "people return from leave"],
        ),
        line(
            "pause",
            coming.leaves,
            ["ledighet börjar", "ledigheter börjar"],
            ["leave begins", "leaves begin"],
        ),
        line(
            "clock",
            coming.ends,
            ["konto når sitt slutdatum", "konton når sitt slutdatum"],
            ["account reaches its end date", "accounts reach their end date"],
        ),
        line(
            "clock",
            coming.rights,
            ["behörighet går ut", "behörigheter går ut"],
            ["right ends", "rights end"],
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
