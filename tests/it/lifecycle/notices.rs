//! Notices: nobody is frozen before every notice has really gone, and its full time after it.

use portvakt::domain::account::Status;
use portvakt::store::notice;
use tokio::net::TcpListener;

use super::{SETTINGS, World};
use crate::engines::{look, on_each_engine};
use crate::house::POLICY;
use crate::mail_server::MailServer;

fn settings(port: u16) -> String {
    format!(
        "{SETTINGS}[mail]\nsmtp = \"smtp://127.0.0.1:{port}\"\nfrom = \"Portvakt <p@forening.example>\"\n"
    )
}

fn policy() -> String {
    POLICY.replace("freeze_for = \"14d\"", "freeze_for = \"14d\"\nnotify_before = [\"14d\", \"1d\"]")
}

#[tokio::test]
async fn the_freeze_comes_after_every_notice_and_its_full_time() {
    on_each_engine(async |t| {
        let server = MailServer::start().await;
        let w = World::with(t, &settings(server.port), &policy()).await;
        let admin = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        w.signs_in(bo).await;
        // The first notice is late: nothing ran for eighty days.
        w.pass_days(80);
        w.signs_in(admin).await;
        assert_eq!(w.apply(None).await.applied, 1);
        let letter = server.letters().remove(0);
        assert!(letter.contains("To: bo@forening.example"), "{letter}");
        assert_eq!(look!(w.t, c => notice::of_account(c, bo))[0].days_before, 14);
        assert_eq!(w.apply(None).await.applied, 0);
        w.pass_days(13);
        assert_eq!(w.apply(None).await.applied, 1);
        assert_eq!(server.letters().len(), 1);
        assert_eq!(w.state(bo).await.0, Status::Active);
        w.pass_days(1);
        assert_eq!(w.apply(None).await.applied, 1);
        assert_eq!(w.state(bo).await.0, Status::Frozen);
        // The person is told what was done.
        assert_eq!(server.letters().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn while_mail_is_down_no_notice_counts_and_nobody_is_frozen() {
    on_each_engine(async |t| {
        let nobody_there = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let w = World::with(t, &settings(nobody_there), &policy()).await;
        let admin = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        w.signs_in(bo).await;
        for _ in 0..4 {
            w.pass_days(40);
            w.signs_in(admin).await;
            let report = w.apply(None).await;
            assert_eq!(report.applied, 0, "{report:?}");
            if report.skipped > 0 {
                let plan = portvakt::flows::lifecycle::find(w.ports(), &report.plan).await.unwrap();
                let language = portvakt::domain::language::Language::Sv;
                let view = portvakt::flows::lifecycle::view(w.ports(), &plan, language).await.unwrap();
                let outcome = view.steps[0].outcome.clone().unwrap();
                assert!(outcome.starts_with("Påminnelsen kunde inte skickas"), "{outcome}");
            }
        }
        assert_eq!(w.state(bo).await.0, Status::Active);
        assert!(look!(w.t, c => notice::of_account(c, bo)).is_empty());
    })
    .await;
}
