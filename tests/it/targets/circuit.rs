//! A target that fails for account after account is left alone, and tried with one.

use portvakt::flows::{Clock as _, targets};
use serde_json::json;

use super::{actions, change, crm, deliver, make, operator, seconds};
use crate::engines::on_each_engine;
use crate::practice_crm::{Mood, house_with_crm};

#[tokio::test]
async fn a_target_that_fails_for_five_accounts_is_left_alone_and_tried_with_one() {
    on_each_engine(async |t| {
        let (house, there) = house_with_crm(t).await;
        there.is_now(Mood::Answers(500));
        for n in 0..40 {
            make(&house, &format!("p{n}")).await;
        }
        let round = deliver(&house.ports).await;
        let tried = there.heard().len();
        assert!((5..=12).contains(&tried), "the rest of the round was spared: {tried}");
        let until = round.rests_until.expect("it is left alone");
        assert!(until > house.clock.now() && round.next_due == Some(until));
        let shown = targets::show(&house.ports, &crm()).await.unwrap();
        let rest = shown.standing.rests.expect("it is seen");
        assert_eq!((rest.until, rest.trials), (until, 0));
        assert!(rest.error.contains("500"), "{}", rest.error);
        assert_eq!(deliver(&house.ports).await.tried(), 0);
        assert!(there.heard().is_empty(), "left alone is left alone");
        // One account is tried, and its attempts are not used up by that.
        house.clock.set(until);
        let round = deliver(&house.ports).await;
        assert_eq!((round.tried(), there.heard().len()), (1, 1));
        let next = round.rests_until.unwrap();
        assert!(next.duration_since(until) >= seconds(30), "the pause grows");
        // It comes back: the trial goes through, and everybody's turn has come at once.
        there.is_now(Mood::Takes);
        house.clock.set(next);
        let round = deliver(&house.ports).await;
        assert_eq!((round.delivered, round.rests_until), (1, None));
        assert!(round.next_due.unwrap() <= house.clock.now());
        assert_eq!(deliver(&house.ports).await.delivered, 39);
        let done = actions(t, "target", "crm").await;
        assert_eq!(done.iter().filter(|action| *action == "target_rested").count(), 1, "{done:?}");
        assert!(done.contains(&"target_answers_again".to_owned()), "{done:?}");
    })
    .await;
}

#[tokio::test]
async fn a_long_absence_makes_no_dead_letters_and_deactivations_are_told_first_afterwards() {
    on_each_engine(async |t| {
        let (house, there) = house_with_crm(t).await;
        there.is_now(Mood::Answers(503));
        let mut people = Vec::new();
        for n in 0..8 {
            people.push(make(&house, &format!("p{n}")).await);
        }
        let mut until = deliver(&house.ports).await.rests_until.expect("it is left alone");
        for _ in 0..30 {
            house.clock.set(until);
            let round = deliver(&house.ports).await;
            assert_eq!((round.tried(), round.dead), (1, 0));
            until = round.rests_until.unwrap();
        }
        change(&house, &people[7], "active", json!(false)).await;
        there.heard();
        there.is_now(Mood::Takes);
        house.clock.set(until);
        let mut round = deliver(&house.ports).await;
        assert_eq!(round.delivered, 1);
        while round.next_due.is_some() {
            round = deliver(&house.ports).await;
        }
        let heard = there.heard();
        assert_eq!(heard.len(), 8);
        let place = heard.iter().position(|told| told["account"]["status"] == "deactivated");
        // The trial takes whose turn it is; of everybody else the deactivation is sent among the first eight at once.
        assert!(place.is_some(), "{heard:?}");
        assert!(targets::dead(&house.ports, &crm(), &targets::Which::default()).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn accounts_that_the_crm_chokes_on_block_nobody() {
    on_each_engine(async |t| {
        let (house, there) = house_with_crm(t).await;
        there.is_now(Mood::Chokes("bo"));
        for n in 0..6 {
            make(&house, &format!("bo{n}")).await;
            make(&house, &format!("anna{n}")).await;
            let round = deliver(&house.ports).await;
            assert_eq!((round.delivered, round.rests_until), (1, None));
            assert!(round.again >= 1);
            house.clock.advance(seconds(3));
        }
        assert_eq!(targets::list(&house.ports).await.unwrap()[0].rests, None);
    })
    .await;
}

#[tokio::test]
async fn draining_does_not_wait_for_pauses() {
    on_each_engine(async |t| {
        let (house, there) = house_with_crm(t).await;
        there.is_now(Mood::Answers(500));
        for n in 0..7 {
            make(&house, &format!("p{n}")).await;
        }
        deliver(&house.ports).await;
        let act = operator(&house, "command");
        assert!(targets::drain::begin(&house.ports, &act, &crm()).await.unwrap() > 0);
        let left = targets::drain::step(&house.ports, &crm()).await.unwrap();
        assert_eq!((left.waiting, left.dead), (7, 0));
        there.is_now(Mood::Takes);
        let again = operator(&house, "command");
        targets::drain::begin(&house.ports, &again, &crm()).await.unwrap();
        targets::drain::step(&house.ports, &crm()).await.unwrap();
        let left = targets::drain::step(&house.ports, &crm()).await.unwrap();
        assert_eq!((left.waiting, left.dead), (0, 0));
    })
    .await;
}
