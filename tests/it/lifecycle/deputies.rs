//! Deputies: what they have and when it ends, who cannot become one, and what a CRM cannot pass on.

use axum::http::StatusCode;
use jiff::Timestamp;
use portvakt::domain::account::Status;
use portvakt::domain::grant::{Grant, GrantKind, Holder, ItemRef, Link, LinkOrigin, Origin};
use portvakt::domain::ids::{AccountId, ComponentId, GrantId, RoleId, SectorId, TargetId};
use portvakt::flows::mover::{self, Verdict};
use portvakt::flows::people::{self, Lasting, LeaveWish};
use portvakt::flows::{Refusal, lifecycle};
use portvakt::jobs;
use portvakt::store::question::{self, Question};
use portvakt::store::{account, entitlement, leave, link, setting};
use serde_json::json;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::away::{days, held, tick, two, wish};
use super::{SETTINGS, World, told};
use crate::engines::{TestDb, change, look, on_each_engine};
use crate::house::POLICY;

async fn goes_on_leave(w: &World<'_>, id: AccountId, from: Timestamp, until: Timestamp) {
    people::grant_leave(w.ports(), &w.act(), &id.to_string(), wish(from, until)).await.unwrap();
}

async fn leaves(w: &World<'_>, id: AccountId) {
    people::deactivate(w.ports(), &w.act(), &id.to_string(), "has left").await.unwrap();
}

async fn comes_back(w: &World<'_>, id: AccountId) {
    people::activate(w.ports(), &w.act(), &id.to_string(), "is back").await.unwrap();
    tick(w).await;
}

#[tokio::test]
async fn who_has_left_hands_nothing_to_a_deputy_until_they_are_back() {
    on_each_engine(async |t| {
        let (w, bo, dora) = two(t).await;
        goes_on_leave(&w, bo, w.now() + days(5), w.now() + days(60)).await;
        leaves(&w, bo).await;
        w.pass_days(5);
        tick(&w).await;
        assert_eq!(held(&w, dora).await, (0, 0), "the leave began after the departure");
        comes_back(&w, bo).await;
        assert_eq!((held(&w, dora).await, w.state(bo).await.0), ((1, 1), Status::Paused));
        let version = w.get(dora).await.version;
        leaves(&w, bo).await;
        assert_eq!(held(&w, dora).await, (0, 0), "from that commit on");
        assert!(w.get(dora).await.version > version, "the CRM is told");
        assert!(told(&w, "account", dora).await.iter().any(|(action, _)| action == "deputy_ended"));
        tick(&w).await;
        assert_eq!(held(&w, dora).await, (0, 0));
        comes_back(&w, bo).await;
        assert_eq!(held(&w, dora).await, (1, 1), "the leave lasts still");
    })
    .await;
}

#[tokio::test]
async fn a_plan_that_closes_an_account_ends_what_its_deputy_has() {
    on_each_engine(async |t| {
        let (w, bo, dora) = two(t).await;
        goes_on_leave(&w, bo, w.now(), w.now() + days(60)).await;
        assert_eq!(held(&w, dora).await, (1, 1));
        let bos = w.get(bo).await;
        w.rewrite(bo, bos.kind, Some(w.now() + days(3))).await;
        w.pass_days(4);
        let plan = w.plan().await;
        assert_eq!(plan.plan.steps.len(), 1);
        drop(lifecycle::release(w.ports(), &w.act(), &plan.hash, "the end is right").await);
        assert_eq!(w.apply(Some(&plan.hash)).await.applied, 1);
        assert_eq!((w.state(bo).await.0, held(&w, dora).await), (Status::Deactivated, (0, 0)));
    })
    .await;
}

#[tokio::test]
async fn a_copy_ends_no_later_than_what_it_is_a_copy_of() {
    on_each_engine(async |t| {
        let (w, bo, dora) = two(t).await;
        let (sooner, until) = (w.now() + days(30), w.now() + days(60));
        let sector = GrantKind::Sector(SectorId::parse("mailings").unwrap());
        let lasting = Lasting::Until(sooner);
        people::grant(w.ports(), &w.act(), &bo.to_string(), (sector, lasting), "till June").await.unwrap();
        goes_on_leave(&w, bo, w.now(), until).await;
        let copies = look!(t, c => entitlement::held(c, dora));
        assert_eq!(copies.iter().map(|copy| copy.ends_at).collect::<Vec<_>>(), [Some(sooner)]);
        w.pass_days(30);
        assert_eq!(held(&w, dora).await, (0, 1), "the link's original has no end of its own");
    })
    .await;
}

#[tokio::test]
async fn who_stands_in_for_two_keeps_a_shared_link_until_the_second_is_back() {
    on_each_engine(async |t| {
        let (w, bo, dora) = two(t).await;
        let cia = w.arrives("cia").await;
        let own = Link {
            id: GrantId::new(Uuid::now_v7()),
            item: ItemRef::parse(ComponentId::parse("mailing").unwrap(), "7").unwrap(),
            holder: Holder::Account(cia),
            origin: LinkOrigin::Created,
            by: "target:crm".to_owned(),
            why: None,
            since: w.now(),
            ends_at: None,
            until: None,
        };
        change!(t, [own] c => link::give(c, &own).await.map(drop)).unwrap();
        let longer = w.now() + days(30);
        goes_on_leave(&w, bo, w.now(), w.now() + days(10)).await;
        goes_on_leave(&w, cia, w.now(), longer).await;
        let links = look!(t, c => link::of_account(c, dora));
        assert_eq!(links.iter().map(|one| one.ends_at).collect::<Vec<_>>(), [Some(longer)]);
        w.pass_days(10);
        assert_eq!(held(&w, dora).await, (0, 1), "before any job has run");
        jobs::run_once(w.ports(), "dates").await.unwrap();
        assert_eq!((w.state(bo).await.0, held(&w, dora).await), (Status::Active, (0, 1)));
        people::end_leave(w.ports(), &w.act(), &cia.to_string()).await.unwrap();
        assert_eq!(held(&w, dora).await, (0, 0));
    })
    .await;
}

/// Waits until somebody waits for a lock; on SQLite one change waits for the other before it begins.
async fn somebody_waits(t: &TestDb) {
    if t.file().is_some() {
        return;
    }
    let mut raw = t.raw().await;
    let waiting = "SELECT wait_event_type, wait_event FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while raw.pairs(waiting).await.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_leave_locks_its_deputy_before_the_guard_as_a_change_of_the_deputy_does() {
    Box::pin(on_each_engine(async |t| {
        let (w, bo, dora) = two(t).await;
        let (locked, is_locked) = oneshot::channel();
        let (go, may_go) = oneshot::channel::<()>();
        let change = t.db.write::<_, portvakt::store::StoreError, _>(move |c| {
            Box::pin(async move {
                account::lock(c, dora).await?;
                assert!(locked.send(()).is_ok());
                drop(may_go.await);
                setting::hold(c, "safety").await
            })
        });
        let note = async {
            is_locked.await.expect("the deputy is locked");
            let wish = wish(w.now(), w.now() + days(60));
            let (act, bo) = (w.act(), bo.to_string());
            let grant = people::grant_leave(w.ports(), &act, &bo, wish);
            let watch = async {
                somebody_waits(t).await;
                assert!(go.send(()).is_ok());
            };
            tokio::join!(grant, watch).0
        };
        let (change, note) = tokio::join!(change, note);
        change.expect("the change of the deputy");
        note.expect("the leave");
        assert_eq!(held(&w, dora).await, (1, 1));
    }))
    .await;
}

#[tokio::test]
async fn a_crm_names_a_deputy_by_its_own_id_and_nobody_makes_themselves_one() {
    on_each_engine(async |t| {
        let other = r#"[[target]]
id = "other"
kind = "webhook"
url = "http://127.0.0.1:9/other"
secret = "whsec_dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3Rz"
"#;
        let w = World::with(t, &format!("{SETTINGS}{other}"), POLICY).await;
        let anna = w.board(&["anna"]).await[0];
        let (bo, dora, eva) = (w.arrives("bo").await, w.arrives("dora").await, w.arrives("eva").await);
        let knows = async |target: &str, id: AccountId| {
            let target = TargetId::parse(target).unwrap();
            change!(t, [target] c => account::set_crm_id(c, &target, id, "17").await).unwrap();
        };
        let token = w.house.target_token("crm").await;
        let path = format!("/api/v1/accounts/{bo}/leave");
        let asks = async |deputy: &str| {
            let body = json!({ "from": w.now().to_string(), "until": (w.now() + days(9)).to_string(),
                "by": anna.to_string(), "deputy": { "account": deputy } });
            w.house.send("POST", &path, &token, &body).await
        };
        knows("other", eva).await;
        assert!(asks("17").await.status.is_client_error(), "another CRM's 17 is nobody here");
        knows("crm", dora).await;
        let done = asks("17").await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.body);
        let open = look!(t, c => leave::open(c, bo)).unwrap();
        assert_eq!(open.deputy.map(|deputy| deputy.account), Some(dora));
        let refused = asks(&anna.to_string()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
        let open = look!(t, c => leave::open(c, bo)).unwrap();
        assert_eq!(open.deputy.map(|deputy| deputy.account), Some(dora), "all is as it was");
    })
    .await;
}

#[tokio::test]
async fn a_question_about_what_administers_is_answered_in_portvakt_itself() {
    on_each_engine(async |t| {
        let w = World::open(t).await;
        let anna = w.board(&["anna"]).await[0];
        let bo = w.arrives("bo").await;
        let right = Grant {
            id: GrantId::new(Uuid::now_v7()),
            kind: GrantKind::Role(RoleId::parse("board").unwrap()),
            origin: Origin::Manual,
            by: "operator:karin".to_owned(),
            why: Some("for a time".to_owned()),
            since: w.now(),
            ends_at: Some(w.now() + days(40)),
            until: None,
        };
        let asked = Question {
            id: Uuid::now_v7(),
            account: bo,
            is_link: false,
            right: right.id,
            owner: None,
            why: "department".to_owned(),
            asked_at: w.now(),
            answer_by: w.now() + days(30),
            reminded_at: None,
            reminders: 0,
        };
        change!(t, [right, asked] c => {
            entitlement::give(c, bo, &right).await?;
            question::ask(c, &asked).await.map(drop)
        })
        .unwrap();
        let token = w.house.target_token("crm").await;
        for answer in ["keep", "end"] {
            let body = json!({ "answer": answer, "by": anna.to_string(), "reason": "the CRM says so" });
            let path = format!("/api/v1/right-questions/{}", asked.id);
            let refused = w.house.send("POST", &path, &token, &body).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{answer}: {}", refused.body);
        }
        assert_eq!(look!(t, c => entitlement::held(c, bo)), [right]);
        let id = asked.id.to_string();
        mover::answer(w.ports(), &w.act(), &id, Verdict::End, "no longer").await.unwrap();
        assert!(look!(t, c => entitlement::held(c, bo)).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_later_leave_by_hand_waits_until_the_one_under_way_is_ended() {
    on_each_engine(async |t| {
        let (w, bo, _) = two(t).await;
        let (bo_text, act) = (bo.to_string(), w.act());
        let first = LeaveWish::new(w.now(), w.now() + days(20), "Karin Ek");
        people::grant_leave(w.ports(), &act, &bo_text, first).await.unwrap();
        let second = LeaveWish::new(w.now() + days(40), w.now() + days(60), "Karin Ek");
        let refused = people::grant_leave(w.ports(), &act, &bo_text, second.clone()).await.unwrap_err();
        assert!(matches!(&refused, Refusal::Conflict(why) if why.contains("under way")), "{refused}");
        let open = look!(t, c => leave::open(c, bo)).unwrap();
        assert_eq!((open.until, w.state(bo).await.0), (w.now() + days(20), Status::Paused));
        people::end_leave(w.ports(), &act, &bo_text).await.unwrap();
        people::grant_leave(w.ports(), &act, &bo_text, second).await.unwrap();
        assert_eq!(w.state(bo).await.0, Status::Active);
    })
    .await;
}
