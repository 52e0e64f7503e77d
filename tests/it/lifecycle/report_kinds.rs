//! What each report holds, and who is in it.

use axum::http::StatusCode;
use jiff::SignedDuration;
use portvakt::domain::account::AccountKind;
use portvakt::domain::actor::{Actor, Subject};
use portvakt::domain::ids::TargetId;
use portvakt::flows::report::{self, Asked, Filters, ReportName, Request};
use portvakt::store::{account, audit, outbox};
use serde_json::{Value, json};

use super::World;
use super::reports::{ask, column, made, row};
use crate::engines::{change, look, on_each_engine};
use crate::house::at;

async fn asked(w: &World<'_>, asked: Asked<'_>) -> Value {
    let request = report::ask(w.ports(), asked).await.unwrap();
    made(w, &request).await
}

/// The CRM takes the newest state of an account now.
async fn crm_takes(w: &World<'_>, id: portvakt::domain::ids::AccountId) {
    let (now, crm) = (w.now(), TargetId::parse("crm").unwrap());
    let version = w.get(id).await.version;
    change!(w.t, [crm] c => outbox::done(c, &crm, id, version, "200", now).await).unwrap();
}

#[tokio::test]
async fn departed_counts_from_the_directorys_word_to_the_crms_answer() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let bo = w.arrives("bo").await;
        let cilla = w.arrives("cilla").await;
        crm_takes(&w, bo).await;
        w.pass_days(1);
        w.directory_says("bo", false).await;
        w.house.clock.advance(SignedDuration::from_mins(90));
        let waiting = made(&w, &ask(ReportName::Departed)).await;
        assert_eq!((&waiting["head"]["confirmed"], &waiting["head"]["unconfirmed"]), (&json!(0), &json!(1)));
        assert_eq!(row(&waiting, "bo")["hours"], Value::Null);
        assert_eq!(row(&waiting, "bo")["targets"], json!(["crm: waiting"]));
        crm_takes(&w, bo).await;
        // A later confirmation of something else does not move the first.
        w.pass_days(3);
        crm_takes(&w, bo).await;
        w.directory_says("cilla", false).await;
        crm_takes(&w, cilla).await;
        let report = made(&w, &ask(ReportName::Departed)).await;
        assert_eq!(column(&report, "display_name"), ["cilla", "bo"]);
        let bo = row(&report, "bo");
        assert_eq!(
            (&bo["left_at"], &bo["confirmed_at"]),
            (&json!("2025-10-08T08:00:00Z"), &json!("2025-10-08T09:30:00Z"))
        );
        assert_eq!((&bo["hours"], &bo["status"]), (&json!(1.5), &json!("deactivated")));
        let head = &report["head"];
        assert_eq!((&head["confirmed"], &head["unconfirmed"]), (&json!(2), &json!(0)));
        assert_eq!((&head["hours_p50"], &head["hours_max"]), (&json!(0.0), &json!(1.5)));
        let then = Request { as_of: Some(at("2025-10-08T09:00:00Z")), ..ask(ReportName::Departed) };
        let then = made(&w, &then).await;
        assert_eq!((&then["head"]["rows"], &then["head"]["confirmed"]), (&json!(1), &json!(0)));
    })
    .await;
}

#[tokio::test]
async fn a_departure_that_the_limits_held_counts_from_the_day_the_directory_said_so() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let board = w.board(&["anna"]).await;
        w.directory_says("anna", false).await;
        assert_eq!(
            made(&w, &ask(ReportName::Departed)).await["rows"],
            json!([]),
            "the last administrator is held"
        );
        w.pass_days(2);
        w.arrives("bo").await;
        w.becomes("group-board", &["anna", "bo"]).await;
        w.apply(None).await;
        crm_takes(&w, board[0]).await;
        let report = made(&w, &ask(ReportName::Departed)).await;
        assert_eq!(row(&report, "anna")["left_at"], "2025-10-07T08:00:00Z");
        assert_eq!(row(&report, "anna")["hours"], 48.0);
    })
    .await;
}

#[tokio::test]
async fn each_report_holds_whom_it_is_about_and_nobody_else() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["Öman"]).await[0];
        w.signs_in(admin).await;
        let asa = w.arrives("Åsa").await;
        w.arrives("brandlucka").await;
        let gone = w.arrives("gustav").await;
        w.group("group-helpers", "Hjälpare", &["Åsa"]).await;
        w.rewrite(gone, AccountKind::Temporary, Some(at("2025-11-01T00:00:00Z"))).await;
        let of = async |name| column(&made(&w, &ask(name)).await, "display_name");
        assert_eq!(of(ReportName::Privileged).await, ["Öman"]);
        assert_eq!(of(ReportName::Limited).await, ["Åsa"]);
        assert_eq!(of(ReportName::NeverSignedIn).await, ["brandlucka", "gustav", "Åsa"]);
        assert_eq!(of(ReportName::Exceptions).await, ["brandlucka"]);
        assert_eq!(of(ReportName::Expiring).await, ["gustav"]);
        assert_eq!(of(ReportName::Orphans).await, Vec::<Value>::new());
        let limited = made(&w, &ask(ReportName::Limited)).await;
        assert_eq!(
            (&row(&limited, "Åsa")["sectors"], &row(&limited, "Åsa")["items"]),
            (&json!(["mailings"]), &json!(0))
        );
        let expiring = made(&w, &ask(ReportName::Expiring)).await;
        assert_eq!(
            (&row(&expiring, "gustav")["what"], &row(&expiring, "gustav")["days_left"]),
            (&json!("account"), &json!(24))
        );
        let soon = Request { before: Some(at("2025-10-20T00:00:00Z")), ..ask(ReportName::Expiring) };
        assert_eq!(made(&w, &soon).await["rows"], json!([]));
        // Deleted in the directory, and kept by the limits: nobody answers for the account any more.
        w.rewrite(asa, AccountKind::Person, None).await;
        let path = format!("{}/{}", super::USERS, w.scim_id("brandlucka").await);
        let answer = w.house.send("DELETE", &path, &w.token, &Value::Null).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
        let orphans = made(&w, &ask(ReportName::Orphans)).await;
        assert_eq!(column(&orphans, "display_name"), ["brandlucka"]);
        assert_eq!(row(&orphans, "brandlucka")["protected"], true);
    })
    .await;
}

#[tokio::test]
async fn runs_lists_also_those_that_did_nothing_the_newest_first() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let admin = w.board(&["anna"]).await[0];
        w.signs_in(admin).await;
        w.apply(None).await;
        w.pass_days(1);
        w.crowd(5).await;
        w.pass_days(95);
        w.signs_in(admin).await;
        w.apply(None).await;
        let report = made(&w, &ask(ReportName::Runs)).await;
        assert_eq!(column(&report, "outcome"), ["awaits_release", "nothing_to_do"]);
        assert_eq!(column(&report, "stops"), [json!(["too_many"]), json!([])]);
        assert_eq!(column(&report, "steps"), [5, 0]);
        let then = Request { as_of: Some(at("2025-10-08T00:00:00Z")), ..ask(ReportName::Runs) };
        assert_eq!(made(&w, &then).await["head"]["rows"], 1);
    })
    .await;
}

#[tokio::test]
async fn filters_narrow_the_rows_and_one_that_means_nothing_is_refused() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        w.arrives("bo").await;
        w.arrives("cilla").await;
        w.directory_says("cilla", false).await;
        let access = Asked { name: "access", ..Asked::default() };
        let of = async |asking| column(&asked(&w, asking).await, "display_name");
        assert_eq!(of(access).await, ["anna", "bo"]);
        assert_eq!(of(Asked { role: Some("board"), ..access }).await, ["anna"]);
        assert_eq!(of(Asked { limited: Some("yes"), ..access }).await, Vec::<Value>::new());
        assert_eq!(of(Asked { limited: Some("no"), ..access }).await, ["anna", "bo"]);
        assert_eq!(of(Asked { status: Some("deactivated"), ..access }).await, ["cilla"]);
        assert_eq!(of(Asked { directory: Some("entra"), ..access }).await, ["anna", "bo"]);
        let report = asked(&w, Asked { role: Some("board"), limited: Some("no"), ..access }).await;
        assert_eq!(report["head"]["filters"], json!(["role=board", "limited=false"]));
        for (field, asking) in [
            ("limited", Asked { limited: Some("perhaps"), ..access }),
            ("status", Asked { status: Some("gone"), ..access }),
            ("before", Asked { before: Some("2025-10-01"), ..access }),
            ("role", Asked { name: "runs", role: Some("board"), ..Asked::default() }),
        ] {
            let refused = report::ask(w.ports(), asking).await.unwrap_err().to_string();
            assert!(refused.starts_with(field), "{refused}");
        }
        for (field, asking) in [
            ("role", Asked { role: Some("king"), ..access }),
            ("sector", Asked { sector: Some("moon"), ..access }),
            ("directory", Asked { directory: Some("okta"), ..access }),
        ] {
            let request = report::ask(w.ports(), asking).await.unwrap();
            let refused = report::produce(w.ports(), &w.act(), &request).await.unwrap_err().to_string();
            assert!(refused.starts_with(field) && refused.contains("there are:"), "{refused}");
        }
    })
    .await;
}

#[tokio::test]
async fn who_read_which_report_stands_in_the_audit_with_its_hash() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        let filters = Filters::read(Some("board"), None, None, None, None).unwrap();
        let report = made(&w, &Request { filters, ..ask(ReportName::Access) }).await;
        let entry = look!(t, c => audit::about(c, &Subject::new("report", "access"), 10)).remove(0);
        assert_eq!(
            (&*entry.action, &*entry.actor),
            ("report_read", &*Actor::Operator("karin".to_owned()).to_string())
        );
        let after = entry.after.unwrap();
        assert_eq!((&after["rows"], &after["filters"]), (&json!(1), &json!(["role=board"])));
        assert_eq!(after["hash"], report["head"]["hash"]);
    })
    .await;
}

#[tokio::test]
async fn the_hash_is_made_from_the_rows_as_the_documents_say() {
    use sha2::{Digest, Sha256};
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    on_each_engine(async |t| {
        let w = World::open(t).await;
        w.board(&["anna"]).await;
        w.crowd(3).await;
        let report = made(&w, &ask(ReportName::Access)).await;
        let lines: String = report["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| hex(&Sha256::digest(row.to_string())) + "\n")
            .collect();
        assert_eq!(report["head"]["hash"], hex(&Sha256::digest(lines)));
        assert_eq!(report["head"]["rows"], 4);
        let other = look!(t, c => account::count_by_status(c));
        assert_eq!(report["head"]["population"], json!([format!("active: {}", other[0].1)]));
        assert_eq!(report["head"]["directory_population"], json!(["entra: 4"]));
    })
    .await;
}
