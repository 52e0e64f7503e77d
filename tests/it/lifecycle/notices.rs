//! Notices: nobody is frozen before every notice has really gone, and its full time after it.

use portvakt::domain::account::Status;
use portvakt::store::notice;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::{SETTINGS, World};
use crate::engines::{look, on_each_engine};
use crate::house::POLICY;

/// A mail server that takes every letter and hands it on.
async fn mail_server() -> (u16, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (hand_on, letters) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let hand_on = hand_on.clone();
            tokio::spawn(async move {
                let (reading, mut writing) = socket.into_split();
                let mut lines = BufReader::new(reading).lines();
                let mut letter: Option<String> = None;
                let _ = writing.write_all(b"220 test\r\n").await;
                while let Ok(Some(line)) = lines.next_line().await {
                    let answer: &[u8] = match &mut letter {
                        Some(text) if line == "." => {
                            drop(hand_on.send(std::mem::take(text)));
                            letter = None;
                            b"250 taken\r\n"
                        }
                        Some(text) => {
                            text.push_str(&line);
                            text.push('\n');
                            continue;
                        }
                        None if line == "DATA" => {
                            letter = Some(String::new());
                            b"354 go on\r\n"
                        }
                        None if line == "QUIT" => b"221 bye\r\n",
                        None => b"250 ok\r\n",
                    };
                    let _ = writing.write_all(answer).await;
                }
            });
        }
    });
    (port, letters)
}

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
        let (port, mut letters) = mail_server().await;
        let w = World::with(t, &settings(port), &policy()).await;
        let admin = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        w.signs_in(bo).await;
        // The first notice is late: nothing ran for eighty days.
        w.pass_days(80);
        w.signs_in(admin).await;
        assert_eq!(w.apply(None).await.applied, 1);
        let letter = letters.recv().await.unwrap();
        assert!(letter.contains("To: bo@forening.example"), "{letter}");
        assert_eq!(look!(w.t, c => notice::of_account(c, bo))[0].days_before, 14);
        assert_eq!(w.apply(None).await.applied, 0);
        w.pass_days(13);
        assert_eq!(w.apply(None).await.applied, 1);
        assert!(letters.recv().await.is_some());
        assert_eq!(w.state(bo).await.0, Status::Active);
        w.pass_days(1);
        assert_eq!(w.apply(None).await.applied, 1);
        assert_eq!(w.state(bo).await.0, Status::Frozen);
        // The person is told what was done.
        assert!(letters.recv().await.is_some());
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
