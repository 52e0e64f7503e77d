//! After the commit of a removal no answer says yes, on whichever node it is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use portvakt::domain::actor::Actor;
use portvakt::flows::decide::{self, Question, Who};
use portvakt::flows::people::{self, Lasting};
use portvakt::flows::{Clock, Ports};
use portvakt::store::Db;
use serde_json::json;

use super::events::tell;
use super::stories::{account, give, name, operator, role, to_item};
use crate::association::Association;
use crate::engines::{TestDb, on_each_engine};

/// Another node over the same database; on SQLite, where there is but one, it stands for the process of a command.
async fn second(t: &TestDb, house: &Association) -> Arc<Ports> {
    let clock: Arc<dyn Clock> = Arc::<portvakt::flows::SetClock>::clone(&house.clock);
    let db = Db::open(&t.url, 4).await.expect("a second node opens");
    Arc::new(Ports::new(db, clock, Arc::clone(&house.ports.settings)).expect("the settings can be used"))
}

fn question(who: &str, item: Option<&str>) -> Question {
    Question {
        who: Who::Account(name(who)),
        action: "edit".into(),
        component: "mailing".into(),
        item: item.map(str::to_owned),
        language: None,
        as_of: None,
        min_version: None,
    }
}

/// Asks on both nodes again and again while `remove` runs. Every question that begins after the removal has committed
/// must be answered no.
async fn holds(nodes: [&Arc<Ports>; 2], question: &Question, remove: impl Future<Output = ()>) {
    for node in nodes {
        assert!(decide::evaluate(node, None, question).await.unwrap().decision, "it is a yes to begin with");
    }
    let gone = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = nodes
        .into_iter()
        .cycle()
        .take(4)
        .map(|node| {
            let (node, question, gone) = (Arc::clone(node), question.clone(), Arc::clone(&gone));
            tokio::spawn(async move {
                let mut after = 0;
                for _ in 0..10_000 {
                    let is_after = gone.load(Ordering::SeqCst);
                    let answer = decide::evaluate(&node, None, &question).await.unwrap();
                    assert!(
                        !(is_after && answer.decision),
                        "a yes after the commit: {}",
                        answer.reason_admin
                    );
                    after += usize::from(is_after);
                    if after == 20 {
                        return;
                    }
                }
                panic!("the removal never came");
            })
        })
        .collect();
    remove.await;
    gone.store(true, Ordering::SeqCst);
    for asker in askers {
        asker.await.expect("every answer after the commit is a no");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_commit_of_a_removal_no_node_says_yes() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let node = second(t, &house).await;
        give(&house, "nils", role("communicator")).await;
        let both = [&node, &house.ports];
        Box::pin(holds(both, &question("nils", None), async {
            people::revoke(&house.ports, &operator(&house), &name("nils"), role("communicator"), "x")
                .await
                .unwrap();
        }))
        .await;
        let wanted = to_item(account("hanna"), "mailing", "1");
        people::link(&house.ports, &operator(&house), wanted.clone(), Lasting::AsUsual, "x").await.unwrap();
        Box::pin(holds(both, &question("hanna", Some("1")), async {
            people::unlink(&house.ports, &operator(&house), wanted, "x").await.unwrap();
        }))
        .await;
        let assigned = |who: Option<&str>| {
            let assignee = who.map(|who| json!({ "account": name(who) }));
            json!([{ "event": "assigned", "component": "mailing", "item": "2", "assignee": assignee }])
        };
        tell(&house, assigned(Some("hugo"))).await;
        Box::pin(holds(both, &question("hugo", Some("2")), async {
            tell(&house, assigned(None)).await;
        }))
        .await;
        Box::pin(holds(both, &question("anna", None), async {
            let act = house.ports.act(Actor::Operator("test".into()), "test");
            give(&house, "rut", role("board")).await;
            people::deactivate(&house.ports, &act, &name("anna"), "left").await.unwrap();
        }))
        .await;
        node.db.close().await;
    })
    .await;
}
