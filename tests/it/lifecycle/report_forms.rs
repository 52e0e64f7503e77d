//! The same report as CSV, Excel, JSON and a page: the same figures, the same bytes, and never a formula.

use std::io::Cursor;

use axum::http::{StatusCode, header};
use calamine::{Data, Reader, Xlsx};
use portvakt::flows::report::{Form, Layout, ReportName, Separator};
use serde_json::Value;

use super::World;
use super::reports::{ask, formed, made};
use crate::engines::on_each_engine;

/// Names that a spreadsheet would obey.
const BAD: &[&str] = &["=1+1", "+46701234567", "-x", "@SUM(A1)", "＝1", "=cmd|' /C calc'!A0"];

fn of(form: Form) -> Layout {
    Layout { form, ..Layout::default() }
}

async fn workbook(w: &World<'_>, name: ReportName) -> Xlsx<Cursor<Vec<u8>>> {
    let bytes = formed(w, &ask(name), of(Form::Xlsx)).await;
    Xlsx::new(Cursor::new(bytes)).expect("a workbook")
}

#[tokio::test]
async fn no_cell_of_the_workbook_or_the_csv_is_a_formula() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        for name in BAD {
            w.arrives(name).await;
        }
        let mut book = workbook(&w, ReportName::Access).await;
        for sheet in book.sheet_names() {
            let formulas = book.worksheet_formula(&sheet).expect("a sheet");
            assert_eq!(formulas.used_cells().count(), 0, "{sheet}");
        }
        let rows = book.worksheet_range("Rader").expect("the rows");
        let names: Vec<String> = rows.rows().skip(1).map(|row| row[0].to_string()).collect();
        for name in BAD {
            assert!(names.contains(&(*name).to_owned()), "{name} is not as it was: {names:?}");
        }
        for separator in [Separator::Comma, Separator::Semicolon] {
            let layout = Layout { form: Form::Csv, separator, with_head: true };
            let text = formed(&w, &ask(ReportName::Access), layout).await;
            let delimiter = if separator == Separator::Comma { b',' } else { b';' };
            let mut reader = csv::ReaderBuilder::new()
                .delimiter(delimiter)
                .has_headers(false)
                .flexible(true)
                .from_reader(text.trim_ascii_start());
            let mut cells = 0;
            for record in reader.records() {
                for cell in &record.expect("a record") {
                    let first = cell.trim_start_matches('\u{feff}').chars().find(|c| !c.is_whitespace());
                    assert!(!first.is_some_and(|c| "=+-@＝".contains(c)), "{cell:?}");
                    cells += 1;
                }
            }
            assert!(cells > BAD.len() * 10);
        }
    })
    .await;
}

#[tokio::test]
async fn all_forms_have_the_same_rows() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["Öman"]).await[0];
        w.signs_in(admin).await;
        w.arrives("Åsa; <b>\"Å\"</b>").await;
        let json = made(&w, &ask(ReportName::Access)).await;
        let text = formed(&w, &ask(ReportName::Access), of(Form::Csv)).await;
        let mut reader = csv::Reader::from_reader(&text[3..]);
        let titles: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let mut book = workbook(&w, ReportName::Access).await;
        let rows = book.worksheet_range("Rader").unwrap();
        assert_eq!(json["rows"].as_array().unwrap().len(), records.len());
        assert_eq!(rows.height(), records.len() + 1);
        for (number, record) in records.iter().enumerate() {
            let object = json["rows"][number].as_object().unwrap();
            assert_eq!(object.len(), titles.len());
            for (column, (key, value)) in object.iter().enumerate() {
                let (csv, cell) = (&record[column], rows.get((number + 1, column)).unwrap_or(&Data::Empty));
                match (value, cell) {
                    (Value::Null, Data::Empty) => assert_eq!(csv, ""),
                    (Value::String(text), Data::DateTime(day)) => {
                        let (year, month, date, ..) = day.to_ymd_hms_milli();
                        assert_eq!(csv, format!("{year:04}-{month:02}-{date:02}"));
                        assert!(text.starts_with("2025-10-0"), "{key}: {text}");
                    }
                    (_, Data::Empty) => assert_eq!(csv, "", "{key}"),
                    (Value::Number(count), cell) => {
                        assert_eq!(
                            (csv, cell.to_string()),
                            (&*count.to_string(), count.to_string()),
                            "{key}"
                        );
                    }
                    (_, cell) => assert_eq!(csv, cell.to_string(), "{key}"),
                }
            }
        }
        let about = book.worksheet_range("Om rapporten").unwrap();
        let hash = json["head"]["hash"].as_str().unwrap();
        assert!(about.rows().any(|row| row.get(1).is_some_and(|cell| *cell == *hash)));
        let page = String::from_utf8(formed(&w, &ask(ReportName::Access), of(Form::Html)).await).unwrap();
        assert!(
            page.contains(hash) && page.contains("&lt;b&gt;&quot;Å&quot;&lt;/b&gt;") && !page.contains("<b>")
        );
        assert_eq!(page.matches("<tr>").count(), records.len() + 1);
    })
    .await;
}

#[tokio::test]
async fn the_same_report_has_the_same_bytes_in_every_form() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        w.crowd(3).await;
        w.pass_days(2);
        for form in [Form::Csv, Form::Json, Form::Html, Form::Xlsx, Form::Text] {
            for name in [ReportName::Access, ReportName::Stale, ReportName::Exceptions] {
                let request = portvakt::flows::report::Request {
                    as_of: Some(crate::house::at("2025-10-08T08:00:00Z")),
                    ..ask(name)
                };
                let first = formed(&w, &request, of(form)).await;
                w.pass_days(1);
                assert!(first == formed(&w, &request, of(form)).await, "{form} of {name} differs");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_api_gives_every_form_and_refuses_what_it_does_not_know() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let token = w.house.target_token("crm").await;
        let get = async |path: &str| {
            w.house.send("GET", &format!("/api/v1/reports/{path}"), &token, &Value::Null).await
        };
        for name in ReportName::ALL {
            let answer = get(name.name()).await;
            assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.body);
            assert_eq!(answer.body["report"], name.name());
            assert_eq!(
                answer.body["rows"].as_array().unwrap().len() as u64,
                answer.body["head"]["rows"].as_u64().unwrap()
            );
        }
        for (format, kind) in [
            ("csv", "text/csv; charset=utf-8"),
            ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            ("html", "text/html; charset=utf-8"),
        ] {
            let answer = get(&format!("access?format={format}&role=board&separator=semicolon&lang=en")).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(answer.headers[header::CONTENT_TYPE], kind);
        }
        let file = get("stale?format=csv").await.headers[header::CONTENT_DISPOSITION].clone();
        assert_eq!(file, "attachment; filename=\"stale-2025-10-07.csv\"");
        for path in [
            "access?unknown=1",
            "access?role=king",
            "access?limited=2",
            "access?status=gone",
            "access?before=2025-01-01",
            "runs?role=board",
            "access?format=pdf",
            "access?directory=okta",
            "access?sector=moon",
        ] {
            assert_eq!(get(path).await.status, StatusCode::BAD_REQUEST, "{path}");
        }
        let nothing = get("nothing").await;
        assert_eq!(nothing.status, StatusCode::NOT_FOUND);
        let detail = nothing.body["detail"].as_str().unwrap();
        assert!(detail.starts_with("there is no report \"nothing\"; there are: access, "), "{detail}");
    })
    .await;
}
