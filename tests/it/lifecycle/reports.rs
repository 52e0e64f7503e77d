//! Reports: the present, the past, and what a spreadsheet makes of them.

use portvakt::domain::language::Language;
use portvakt::flows::report::{self, Filters, Form, Layout, ReportName, Request, Writer};
use serde_json::{Value, json};

use super::World;
use crate::engines::on_each_engine;
use crate::house::at;

/// A report as JSON.
pub(super) async fn made(w: &World<'_>, request: &Request) -> Value {
    let bytes = formed(w, request, Layout { form: Form::Json, ..Layout::default() }).await;
    serde_json::from_slice(&bytes).expect("a report is JSON")
}

/// A report in a form.
pub(super) async fn formed(w: &World<'_>, request: &Request, layout: Layout) -> Vec<u8> {
    let report = report::produce(w.ports(), &w.act(), request).await.unwrap();
    Writer::new(report, layout).unwrap().whole().await.unwrap()
}

async fn text(w: &World<'_>, request: &Request) -> String {
    String::from_utf8(formed(w, request, Layout::default()).await).unwrap()
}

pub(super) fn ask(name: ReportName) -> Request {
    let filters = Filters::default();
    Request { name, as_of: None, before: None, filters, language: Language::Sv, form: Form::Json }
}

/// The values of a column, in the order of the rows.
pub(super) fn column(report: &Value, key: &str) -> Vec<Value> {
    report["rows"].as_array().unwrap().iter().map(|row| row[key].clone()).collect()
}

pub(super) fn row(report: &Value, name: &str) -> Value {
    let rows = report["rows"].as_array().unwrap().clone();
    rows.into_iter().find(|row| row["display_name"] == name).unwrap_or(Value::Null)
}

#[tokio::test]
async fn the_access_list_says_who_has_what_why_and_when_they_were_last_seen() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["Öman"]).await[0];
        w.arrives("Åsa").await;
        w.signs_in(admin).await;
        w.pass_days(9);
        let report = made(&w, &ask(ReportName::Access)).await;
        let names = column(&report, "display_name");
        assert_eq!(names, ["Åsa", "Öman"]);
        let admin = row(&report, "Öman");
        assert_eq!(admin["user_name"], "Öman@forening.example");
        assert_eq!(admin["status"], "active");
        assert_eq!(admin["last_seen"], "2025-10-07T08:00:00Z");
        assert_eq!((&admin["last_seen_source"], &admin["days_since"]), (&json!("sso"), &json!(9)));
        assert_eq!((&admin["roles"], &admin["limited"]), (&json!(["board"]), &json!(false)));
        assert_eq!(admin["why"], json!(["role board: rule board"]));
        assert_eq!(row(&report, "Åsa")["last_seen"], Value::Null);
        let text = text(&w, &ask(ReportName::Access)).await;
        assert!(text.contains("Styrelse: regeln board") && text.contains("2025-10-07"), "{text}");
        let english = Request { language: Language::En, ..ask(ReportName::Access) };
        assert!(self::text(&w, &english).await.contains("Board: rule board"));
    })
    .await;
}

#[tokio::test]
async fn a_report_as_of_a_past_day_shows_the_past() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        w.signs_in(bo).await;
        w.pass_days(20);
        w.signs_in(admin).await;
        w.arrives("cilla").await;
        w.pass_days(80);
        w.signs_in(admin).await;
        w.apply(None).await;
        w.signs_in(bo).await;
        let now = made(&w, &ask(ReportName::Access)).await;
        assert_eq!(row(&now, "bo")["status"], "frozen");
        assert_eq!(row(&now, "bo")["days_since"], 0);
        let past = Request { as_of: Some(at("2025-10-17T00:00:00Z")), ..ask(ReportName::Access) };
        let then = made(&w, &past).await;
        assert_eq!(row(&then, "bo")["status"], "active");
        assert_eq!(row(&then, "bo")["days_since"], 9);
        assert_eq!(row(&then, "anna")["last_seen"], Value::Null);
        assert_eq!(row(&then, "cilla"), Value::Null);
        assert_eq!(then["head"]["as_of"], "2025-10-17T00:00:00Z");
        let too_early = Request { as_of: Some(at("2020-01-01T00:00:00Z")), ..ask(ReportName::Access) };
        assert!(report::produce(w.ports(), &w.act(), &too_early).await.is_err());
        assert_eq!(then, made(&w, &past).await);
    })
    .await;
}

#[tokio::test]
async fn the_stale_list_names_who_has_not_signed_in_since_a_day_exceptions_first() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        w.signs_in(bo).await;
        w.pass_days(50);
        let protected = w.arrives("brandlucka").await;
        w.signs_in(protected).await;
        w.arrives("cilla").await;
        w.pass_days(25);
        w.signs_in(admin).await;
        let before = Request { before: Some(at("2025-11-30T00:00:00Z")), ..ask(ReportName::Stale) };
        let report = made(&w, &before).await;
        let names = column(&report, "user_name");
        let expected = ["brandlucka", "cilla", "bo"].map(|name| format!("{name}@forening.example"));
        assert_eq!(names, expected);
        assert_eq!(row(&report, "brandlucka")["exception"], "protected");
        assert_eq!(row(&report, "bo")["days_since"], 75);
        assert_eq!(row(&report, "bo")["next_on"], "2026-01-05T08:00:00Z");
        let head = &report["head"];
        assert_eq!((&head["rows"], &head["never_signed_in"]), (&json!(3), &json!(1)));
        assert_eq!(head["population"], json!(["active: 4"]));
        assert_eq!(head["sources"][0], "sso entra: 2025-12-21T08:00:00Z");
        // Unasked, only who could have signed in for as long as the longest limit.
        assert_eq!(made(&w, &ask(ReportName::Stale)).await["rows"], json!([]));
        w.pass_days(20);
        let late = made(&w, &ask(ReportName::Stale)).await;
        assert_eq!(late["head"]["rows"], 1);
        assert_eq!(row(&late, "bo")["next_step"], "freeze");
    })
    .await;
}

#[tokio::test]
async fn a_name_that_looks_like_a_formula_is_harmless_in_the_csv_and_exact_in_json() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.arrives("=cmd|calc").await;
        let layout = Layout { form: Form::Csv, ..Layout::default() };
        let written = String::from_utf8(formed(&w, &ask(ReportName::Access), layout).await).unwrap();
        assert!(written.starts_with('\u{feff}'));
        let cells: Vec<&str> = written.lines().flat_map(|line| line.split(',')).collect();
        assert!(cells.iter().any(|cell| cell.trim_matches('"') == "'=cmd|calc"), "{written}");
        assert!(
            !cells.iter().any(|cell| cell.trim_matches('"').starts_with(['=', '+', '-', '@'])),
            "{written}"
        );
        let report = made(&w, &ask(ReportName::Access)).await;
        assert_eq!(row(&report, "=cmd|calc")["display_name"], "=cmd|calc");
    })
    .await;
}
