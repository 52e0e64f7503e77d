//! Dead letters are read, sent again or put away; deliveries leave their proof.

use portvakt::domain::language::Language;
use portvakt::flows::targets::{self, Which};
use portvakt::flows::{Clock as _, people};
use portvakt::store::{account, delivered, erasure, outbox};
use serde_json::json;

use super::{actions, change, crm, deliver, make, operator};
use crate::engines::{change as write_down, look, on_each_engine};
use crate::practice_crm::{Mood, house_with_crm};

fn saying(text: &str) -> Which {
    Which { error: Some(text.to_owned()), ..Which::default() }
}

#[tokio::test]
async fn dead_letters_are_chosen_by_what_the_crm_said_and_put_away_with_a_reason() {
    on_each_engine(async |t| {
        let (house, there) = house_with_crm(t).await;
        there.is_now(Mood::Refuses("bo"));
        let bo = make(&house, "bo").await;
        deliver(&house.ports).await;
        there.is_now(Mood::Answers(422));
        make(&house, "cia").await;
        deliver(&house.ports).await;
        let dead = async |which: Which| targets::dead(&house.ports, &crm(), &which).await.unwrap();
        assert_eq!(dead(Which::default()).await.len(), 2);
        let [letter] = &dead(saying("NO SUCH ROLE")).await[..] else { panic!("one") };
        assert_eq!(letter.user_name, "bo@forening.example");
        let id = letter.account.to_string();
        assert!(dead(saying("other")).await.is_empty());
        assert!(dead(Which { before: Some(letter.queued_at), ..Which::default() }).await.is_empty());
        let act = operator(&house, "slutade i januari");
        let dropped =
            targets::drop_letters(&house.ports, &act, &crm(), &saying("no such role")).await.unwrap();
        assert_eq!((dropped, dead(Which::default()).await.len()), (1, 1));
        assert!(actions(t, "account", &id).await.contains(&"dead_letter_dropped".to_owned()));
        let resent = targets::resend(&house.ports, &operator(&house, "command"), &crm(), &saying("422"))
            .await
            .unwrap();
        assert_eq!((resent, dead(Which::default()).await.len()), (1, 0));
        // Who was put away is told of the next change.
        there.is_now(Mood::Takes);
        change(&house, &bo, "displayName", json!("Bo")).await;
        assert_eq!(deliver(&house.ports).await.delivered, 2);
    })
    .await;
}

#[tokio::test]
async fn the_account_shows_what_each_crm_was_told_and_answered() {
    on_each_engine(async |t| {
        let (house, there) = house_with_crm(t).await;
        let asa = make(&house, "asa").await;
        deliver(&house.ports).await;
        let portrait = people::show(&house.ports, "asa@forening.example", Language::En).await.unwrap();
        let [told] = &portrait.told[..] else { panic!("{:?}", portrait.told) };
        assert_eq!((told.target.as_str(), told.version), ("crm", Some(portrait.line.version)));
        assert!(told.answer.as_ref().unwrap().starts_with("200 OK"), "{told:?}");
        assert_eq!(told.pending, None);
        let id = portrait.line.account.to_string();
        assert!(actions(t, "account", &id).await.contains(&"account_told".to_owned()));
        there.is_now(Mood::Refuses("asa"));
        change(&house, &asa, "displayName", json!("Åsa")).await;
        deliver(&house.ports).await;
        let portrait = people::show(&house.ports, &id, Language::En).await.unwrap();
        let told = &portrait.told[0];
        assert_eq!(told.version, Some(portrait.line.version - 1));
        let pending = told.pending.as_deref().unwrap();
        assert!(pending.contains("dead letter") && pending.contains("no such role"), "{pending}");
    })
    .await;
}

#[tokio::test]
async fn what_a_crm_said_of_somebody_goes_with_the_rest_of_what_is_personal() {
    on_each_engine(async |t| {
        let (house, there) = house_with_crm(t).await;
        let asa = make(&house, "asa").await;
        deliver(&house.ports).await;
        there.is_now(Mood::Refuses("asa"));
        change(&house, &asa, "displayName", json!("Åsa")).await;
        deliver(&house.ports).await;
        let who = look!(t, c => account::resolve(c, "asa@forening.example", None)).remove(0).id;
        let at = house.clock.now();
        write_down!(t, [who] c => erasure::erase(c, who, at).await).unwrap();
        let proofs = look!(t, c => delivered::proofs(c, who));
        assert_eq!((proofs.len(), proofs[0].answer.as_str()), (1, ""), "that it was told stays");
        assert_eq!(look!(t, c => outbox::of_account(c, who))[0].last_error, None);
    })
    .await;
}

#[tokio::test]
async fn a_test_message_is_signed_and_changes_nothing() {
    on_each_engine(async |t| {
        let (house, there) = house_with_crm(t).await;
        let test = async || {
            let crm = house.ports.crms.get(&crm()).unwrap();
            crm.test(house.clock.now()).await
        };
        let found = test().await;
        assert!(found.iter().all(|one| one.is_good), "{found:?}");
        there.is_now(Mood::Answers(500));
        let found = test().await;
        assert!(!found[0].is_good && found[0].said.contains("500"), "{found:?}");
        assert_eq!(deliver(&house.ports).await.tried(), 0);
    })
    .await;
}
