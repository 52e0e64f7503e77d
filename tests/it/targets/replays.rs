//! A new target is told of the accounts there were before it, and any target again of what it has lost.

use portvakt::flows::targets::replays::{self, Again};
use portvakt::flows::{Clock as _, Refusal, targets};
use portvakt::store::outbox;
use serde_json::json;

use super::{actions, change, crm, deliver, deliver_all, fill, make, names, operator, seconds};
use crate::engines::{look, on_each_engine};
use crate::house::{POLICY, SETTINGS, TestHouse};
use crate::practice_crm::{Mood, house_with_crm};

#[tokio::test]
async fn a_new_target_is_told_of_everybody_there_was_before_it_once() {
    on_each_engine(async |t| {
        let without = SETTINGS.split("[[target]]").next().unwrap();
        let before = TestHouse::with(t, without, POLICY).await;
        for n in 0..300 {
            make(&before, &format!("p{n}")).await;
        }
        let (house, there) = house_with_crm(t).await;
        assert!(portvakt::flows::deliver::is_due(&house.ports, &crm()).await.unwrap());
        assert_eq!(fill(&house.ports).await, Some(256), "page by page");
        assert_eq!(fill(&house.ports).await, None, "enough waits");
        assert_eq!(deliver(&house.ports).await.delivered, 16, "rounds of it are short");
        // What changes meanwhile goes first.
        let new = make(&house, "zoe").await;
        change(&house, &new, "displayName", json!("Zoë")).await;
        there.heard();
        deliver(&house.ports).await;
        assert!(names(&there.heard()).contains(&"Zoë".to_owned()));
        // Another process goes on where this one stood.
        deliver_all(&house.ports).await;
        let listed = targets::list(&house.ports).await.unwrap().remove(0);
        assert_eq!((listed.waiting, listed.again, listed.dead), (0, 0, 0));
        for n in [0, 150, 299] {
            let who =
                look!(t, c => portvakt::store::account::resolve(c, &format!("p{n}@forening.example"), None));
            assert!(look!(t, c => outbox::delivered(c, &crm(), who[0].id)).is_some(), "p{n}");
        }
        let shown = targets::show(&house.ports, &crm()).await.unwrap();
        assert_eq!((shown.replays.len(), shown.replays[0].kind), (1, "backfill"));
        assert!(shown.replays[0].ended_at.is_some());
        assert_eq!(fill(&house.ports).await, None, "once");
        assert!(!portvakt::flows::deliver::is_due(&house.ports, &crm()).await.unwrap());
        let heard = there.heard();
        assert!(!heard.is_empty() && heard.len() <= 300);
    })
    .await;
}

#[tokio::test]
async fn a_target_is_told_again_of_one_of_all_or_of_what_it_lost() {
    on_each_engine(async |t| {
        let (house, there) = house_with_crm(t).await;
        let (asa, _) = (make(&house, "asa").await, make(&house, "bo").await);
        assert_eq!(deliver_all(&house.ports).await, 2);
        there.heard();
        house.clock.advance(seconds(3600));
        let restored = house.clock.now();
        house.clock.advance(seconds(60));
        change(&house, &asa, "displayName", json!("Åsa")).await;
        assert_eq!(deliver_all(&house.ports).await, 1);
        there.heard();
        let act = operator(&house, "command");
        let lost = Again { since: Some(restored), ..Again::default() };
        assert_eq!(replays::count(&house.ports, &crm(), &lost).await.unwrap(), 1);
        assert!(there.heard().is_empty(), "counting does nothing");
        replays::begin(&house.ports, &act, &crm(), &lost).await.unwrap();
        let again = replays::begin(&house.ports, &act, &crm(), &Again::default()).await;
        assert!(matches!(again, Err(Refusal::Conflict(_))), "{again:?}");
        assert_eq!(deliver_all(&house.ports).await, 1);
        assert_eq!(names(&there.heard()), ["Åsa"]);
        assert_eq!(replays::count(&house.ports, &crm(), &Again::default()).await.unwrap(), 2);
        replays::begin(&house.ports, &act, &crm(), &Again::default()).await.unwrap();
        assert_eq!(deliver_all(&house.ports).await, 2);
        there.heard();
        let one = Again { account: Some("bo@forening.example".to_owned()), ..Again::default() };
        replays::begin(&house.ports, &act, &crm(), &one).await.unwrap();
        assert_eq!(deliver(&house.ports).await.delivered, 1);
        assert_eq!(names(&there.heard()), ["bo"]);
        let nobody = Again { account: Some("nobody".to_owned()), ..Again::default() };
        assert!(matches!(
            replays::begin(&house.ports, &act, &crm(), &nobody).await,
            Err(Refusal::NotFound { .. })
        ));
        let done = actions(t, "target", "crm").await;
        assert_eq!(done.iter().filter(|action| *action == "target_replayed").count(), 3, "{done:?}");
    })
    .await;
}

#[tokio::test]
async fn what_is_only_told_again_waits_behind_changes_also_when_it_failed() {
    on_each_engine(async |t| {
        let (house, there) = house_with_crm(t).await;
        for name in ["asa", "bo"] {
            make(&house, name).await;
        }
        deliver_all(&house.ports).await;
        there.heard();
        let act = operator(&house, "command");
        replays::begin(&house.ports, &act, &crm(), &Again::default()).await.unwrap();
        fill(&house.ports).await;
        there.is_now(Mood::Answers(500));
        assert_eq!(deliver(&house.ports).await.again, 2);
        there.is_now(Mood::Takes);
        there.heard();
        let listed = targets::list(&house.ports).await.unwrap().remove(0);
        assert_eq!((listed.waiting, listed.again, listed.oldest), (2, 2, None));
        house.clock.advance(seconds(60));
        make(&house, "cia").await;
        let listed = targets::list(&house.ports).await.unwrap().remove(0);
        assert_eq!((listed.waiting, listed.again, listed.oldest), (3, 2, Some(house.clock.now())));
        let due = look!(t, c => outbox::due(c, &crm(), house.clock.now(), 9));
        assert_eq!((due.len(), due[0].is_background), (3, false), "the change is first");
    })
    .await;
}
