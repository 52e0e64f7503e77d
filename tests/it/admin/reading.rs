//! Reports, the audit and the settings: read by whoever sits at the console, changed by nobody, and noted.

use axum::http::StatusCode;
use portvakt::domain::actor::Subject;

use super::cast::{Cast, arrives, seat};
use crate::engines::on_each_engine;
use crate::sign_in::house::TestHouse;

#[tokio::test]
async fn an_auditor_reads_each_report_as_a_page_and_as_a_file_and_the_audit_tells() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        arrives(&house, "elak", "<img src=x onerror=alert(1)>").await;
        let mut cast = Cast::of(&house).await;
        let browser = &mut cast.auditor;
        let list = browser.get("/reports").await;
        for name in [
            "access",
            "stale",
            "never-signed-in",
            "departed",
            "privileged",
            "limited",
            "orphans",
            "expiring",
            "exceptions",
            "runs",
        ] {
            assert!(list.body.contains(&format!("href=\"/reports/{name}\"")), "{name}");
            let page = browser.get(&format!("/reports/{name}")).await;
            assert_eq!(page.status, StatusCode::OK, "{name}: {}", page.body);
            assert!(!page.body.contains("<img src=x"), "{name}");
            let entry = house.last_about(Subject::new("report", name)).await;
            let cia = house.account("cia").await.id;
            assert_eq!((entry.action.as_str(), entry.actor), ("report_read", format!("account:{cia}")));
        }
        let page = browser.get("/reports/access?role=administrator").await;
        assert!(page.body.contains("asa Åkesson") && !page.body.contains("dan Åkesson"), "{}", page.body);
        assert!(
            page.body.contains("/reports/access/file?role=administrator&amp;format=csv")
                || page.body.contains("/reports/access/file?role=administrator&#38;format=csv"),
            "{}",
            page.body
        );
        for (form, kind) in [
            ("csv", "text/csv; charset=utf-8"),
            ("json", "application/json"),
            ("html", "text/html; charset=utf-8"),
        ] {
            let file = browser.get(&format!("/reports/access/file?role=administrator&format={form}")).await;
            assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, kind));
            assert!(file.body.contains("asa Åkesson"), "{form}: {}", file.body);
        }
        assert_eq!(browser.get("/reports/nonsense").await.status, StatusCode::NOT_FOUND);
        assert_eq!(browser.get("/reports/access?colour=red").await.status, StatusCode::BAD_REQUEST);
        assert_eq!(browser.get("/reports/access?role=nobody").await.status, StatusCode::BAD_REQUEST);
        assert_eq!(browser.get("/reports/access/file?format=pdf").await.status, StatusCode::BAD_REQUEST);
        browser.get("/language/en").await;
        assert!(browser.get("/reports").await.body.contains("Who has access"));
        assert_eq!(cast.nobody.get("/reports").await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn the_audit_is_narrowed_and_paged_and_reading_it_is_an_entry() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        arrives(&house, "elak", "<svg onload=alert(1)>").await;
        let mut cast = Cast::of(&house).await;
        for number in 0..60 {
            arrives(&house, &format!("n{number:02}"), &format!("Nummer {number}")).await;
        }
        let browser = &mut cast.auditor;
        let first = browser.get("/audit").await;
        assert_eq!(first.status, StatusCode::OK, "{}", first.body);
        assert!(!first.body.contains("<svg onload"));
        let (before, _) = first.body.split_once("\" rel=\"next\"").expect("a next page");
        let next = before.rsplit("href=\"").next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
        let second = browser.get(&next).await;
        assert_eq!(second.status, StatusCode::OK, "{}", second.body);
        let ids = |body: &str| -> Vec<String> {
            let entries = body.split("Händelse <code>").skip(1);
            entries.map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
        };
        let (one, two) = (ids(&first.body), ids(&second.body));
        assert_eq!((one.len(), two.len()), (50, 50));
        assert!(one.iter().all(|id| !two.contains(id)), "no entry stands on two pages");

        let given = browser.get("/audit?action=granted_by_hand&subject=asa%40bjorkbacken.example").await;
        assert_eq!(ids(&given.body).len(), 1, "{}", given.body);
        assert!(
            given.body.contains("Behörighet given för hand") && given.body.contains("test (kommandoraden)")
        );
        let day = browser.get("/audit?until=2001-01-01").await;
        assert!(day.body.contains("Ingen händelse stämmer med urvalet"), "{}", day.body);
        let own = browser.get("/audit?actor=cia%40bjorkbacken.example&action=audit_read").await;
        assert_eq!(ids(&own.body).len(), 4, "what was read stands in it: {}", own.body);
        for wrong in ["from=yesterday", "after=1-2", "colour=red"] {
            assert_eq!(
                browser.get(&format!("/audit?{wrong}")).await.status,
                StatusCode::BAD_REQUEST,
                "{wrong}"
            );
        }
        let csv = browser.get("/audit/file?format=csv&action=identity_created").await;
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        assert!(csv.body.lines().count() > 60 && csv.body.contains("identity_created"), "{}", csv.body);
        let json = browser.get("/audit/file?format=json&action=granted_by_hand").await;
        let read: serde_json::Value = serde_json::from_str(&json.body).expect("JSON");
        assert_eq!(read.as_array().unwrap().len(), 3);
        let book = browser.get("/audit/file?format=xlsx&action=granted_by_hand").await;
        assert!(book.header("content-type").ends_with("spreadsheetml.sheet"));
        assert!(book.body.starts_with("PK"), "a workbook is a ZIP file");
        assert_eq!(browser.get("/audit/file?format=pdf").await.status, StatusCode::BAD_REQUEST);
        browser.get("/language/en").await;
        assert!(browser.get("/audit").await.body.contains("Who did what, when and why"));
    })
    .await;
}

#[tokio::test]
async fn the_settings_are_shown_as_they_are_set_and_no_secret_with_them() {
    on_each_engine(async |t| {
        let secret = "whsec_dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3Rz";
        let target = format!(
            "[[target]]\nid = \"crm\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/hook-s3cret\"\nsecret = \"{secret}\"\n"
        );
        let house = TestHouse::with(t, &target).await;
        let mut browser = seat(&house, "cia", Some("auditor")).await;
        let page = browser.get("/settings").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        for told in ["[directory entra oidc]", "bjorkbacken.example", "http://127.0.0.1:9/***", "Portvakt 0."] {
            assert!(page.body.contains(told), "{told}: {}", page.body);
        }
        for hidden in [secret, "hook-s3cret", "crm-pass"] {
            assert!(!page.body.contains(hidden), "{hidden}");
        }
        browser.get("/language/en").await;
        assert!(browser.get("/settings").await.body.contains("Secrets are not shown"));
    })
    .await;
}
