//! Ends that are near, changes of job, and the daily digest.

use jiff::{SignedDuration, Timestamp};
use portvakt::domain::account::Account;
use portvakt::domain::actor::Actor;
use portvakt::domain::grant::{Grant, GrantKind};
use portvakt::domain::ids::{AccountId, GrantId, RoleId};
use portvakt::flows::mover::{self, Verdict};
use portvakt::flows::people::{self, Dates, Lasting};
use portvakt::flows::post;
use portvakt::jobs;
use portvakt::store::question::{self, Question};
use portvakt::store::{account, entitlement};
use serde_json::json;

use super::{SETTINGS, World};
use crate::engines::{TestDb, change, look, on_each_engine};
use crate::house::POLICY;
use crate::mail_server::{MailServer, header};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

async fn house<'t>(t: &'t TestDb, server: &MailServer, more: &str) -> (World<'t>, AccountId, AccountId) {
    let mail = format!("{}digest_to = [\"it@forening.example\"]\n", server.settings());
    let policy = format!("{POLICY}\n{more}");
    let w = World::with(t, &format!("{SETTINGS}{mail}"), &policy).await;
    let anna = w.board(&["anna"]).await[0];
    let bo = w.arrives("bo").await;
    w.signs_in(bo).await;
    (w, anna, bo)
}

fn role() -> GrantKind {
    GrantKind::Role(RoleId::parse("communicator").unwrap())
}

/// Anna gives Bo a role by hand.
async fn given(w: &World<'_>, anna: AccountId, bo: AccountId, days: i64) {
    let act = w.ports().act(Actor::Account(anna), "the spring letter");
    let until = Lasting::Until(w.now() + SignedDuration::from_hours(24 * days));
    people::grant(w.ports(), &act, &bo.to_string(), (role(), until), "the spring letter").await.unwrap();
}

async fn works_in(w: &World<'_>, department: &str) {
    let path = format!("{ENTERPRISE}:department");
    w.says("bo", json!([{ "op": "replace", "path": path, "value": department }])).await;
}

fn to(letters: &[String]) -> Vec<&str> {
    let mut to: Vec<&str> = letters.iter().map(|letter| header(letter, "To")).collect();
    to.sort_unstable();
    to
}

#[tokio::test]
async fn the_end_of_an_account_and_of_a_right_is_told_once_to_the_person_and_to_the_giver() {
    on_each_engine(async |t| {
        let server = MailServer::start().await;
        let (w, anna, bo) = house(t, &server, "").await;
        given(&w, anna, bo, 40).await;
        let until = Some(Some(w.now() + SignedDuration::from_hours(24 * 50)));
        let dates = Dates { valid_from: None, valid_until: until };
        people::set_dates(w.ports(), &w.act(), &bo.to_string(), dates, "a campaign").await.unwrap();
        w.pass_days(25);
        assert_eq!(
            post::tell_of_ends(w.ports(), &w.act()).await.unwrap(),
            0,
            "fifteen days before is too early"
        );
        w.pass_days(1);
        assert_eq!(post::tell_of_ends(w.ports(), &w.act()).await.unwrap(), 2);
        assert_eq!(to(&server.letters()), ["anna@forening.example", "bo@forening.example"]);
        assert_eq!(post::tell_of_ends(w.ports(), &w.act()).await.unwrap(), 0, "nobody is told twice");
        w.pass_days(10);
        assert_eq!(post::tell_of_ends(w.ports(), &w.act()).await.unwrap(), 1);
        assert_eq!(to(&server.letters()), ["bo@forening.example"], "the account's own end");
    })
    .await;
}

#[tokio::test]
async fn what_was_given_by_hand_is_put_up_when_the_department_changes_and_stays_until_decided() {
    on_each_engine(async |t| {
        let server = MailServer::start().await;
        let (w, anna, bo) = house(t, &server, "").await;
        given(&w, anna, bo, 170).await;
        works_in(&w, "Info").await;
        assert!(mover::questions(w.ports()).await.unwrap().is_empty(), "the first department is no change");
        works_in(&w, "info").await;
        assert!(mover::questions(w.ports()).await.unwrap().is_empty(), "nor is another spelling");
        works_in(&w, "Ekonomi").await;
        works_in(&w, "Fastighet").await;
        let asked = mover::questions(w.ports()).await.unwrap();
        assert_eq!(asked.len(), 1, "about one right there is one question");
        assert_eq!((asked[0].changed.as_str(), asked[0].value.as_str()), ("department", "communicator"));
        let round = mover::follow_up(w.ports(), &w.act()).await.unwrap();
        assert_eq!((round.reminders, to(&server.letters())), (1, vec!["anna@forening.example"]));
        assert_eq!(
            mover::follow_up(w.ports(), &w.act()).await.unwrap().reminders,
            0,
            "not twice within a week"
        );
        w.pass_days(31);
        assert_eq!(
            mover::follow_up(w.ports(), &w.act()).await.unwrap().reminders,
            2,
            "the time is over: IT too"
        );
        assert_eq!(to(&server.letters()), ["anna@forening.example", "it@forening.example"]);
        assert_eq!(look!(w.t, c => entitlement::held(c, bo)).len(), 1, "silence takes nothing");
        let id = asked[0].id.to_string();
        let keep = Verdict::Keep(Lasting::AsUsual);
        mover::answer(w.ports(), &w.act(), &id, keep, "still writes the letter").await.unwrap();
        assert!(mover::questions(w.ports()).await.unwrap().is_empty());
        let held = look!(w.t, c => entitlement::held(c, bo));
        assert_eq!(held[0].why.as_deref(), Some("still writes the letter"));
        assert!(mover::answer(w.ports(), &w.act(), &id, Verdict::End, "again").await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_group_that_is_left_takes_its_right_at_once_and_silence_ends_the_rest_where_the_policy_says_so() {
    on_each_engine(async |t| {
        let server = MailServer::start().await;
        let more = "[changed_job]\nunanswered = \"end\"\nanswer_within = \"14d\"\nremind_every = \"7d\"\n";
        let (w, anna, _) = house(t, &server, more).await;
        let cia = w.arrives("cia").await;
        w.becomes("group-board", &["anna", "cia"]).await;
        given(&w, anna, cia, 170).await;
        assert!(mover::questions(w.ports()).await.unwrap().is_empty(), "to join a group is no change of job");
        w.becomes("group-board", &["anna"]).await;
        let left: Vec<String> = look!(w.t, c => entitlement::held(c, cia))
            .iter()
            .map(|one| one.kind.value().to_owned())
            .collect();
        assert_eq!(left, ["communicator"]);
        assert_eq!(mover::questions(w.ports()).await.unwrap()[0].changed, "groups");
        w.pass_days(13);
        assert_eq!(mover::follow_up(w.ports(), &w.act()).await.unwrap().ended, 0);
        w.pass_days(1);
        assert_eq!(mover::follow_up(w.ports(), &w.act()).await.unwrap().ended, 1);
        assert!(look!(w.t, c => entitlement::held(c, cia)).is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_digest_comes_once_a_day_says_what_waits_and_is_not_sent_for_nothing() {
    on_each_engine(async |t| {
        let server = MailServer::start().await;
        let (w, anna, bo) = house(t, &server, "").await;
        let run = async || {
            if post::digest::is_due(
                w.ports(),
                portvakt::flows::lead::last_run(w.ports(), "digest").await.unwrap(),
            )
            .await
            .unwrap()
            {
                jobs::run_once(w.ports(), "digest").await.unwrap();
            }
            server.letters()
        };
        assert!(run().await.is_empty(), "nothing to say");
        given(&w, anna, bo, 170).await;
        works_in(&w, "Info").await;
        works_in(&w, "Ekonomi").await;
        assert!(run().await.is_empty(), "once a day");
        w.pass_days(1);
        let letters = run().await;
        assert_eq!(to(&letters), ["it@forening.example"]);
        let digest = post::digest::of(w.ports(), &w.act(), None).await.unwrap();
        assert_eq!(digest.parts[0].heading.sv, "Väntar på beslut");
        assert!(digest.parts[0].lines[0].contains("1 behörigheter efter byte av arbete"), "{digest:?}");
        assert!(run().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_right_that_cannot_end_is_told_with_the_others_and_stops_none_of_them() {
    on_each_engine(async |t| {
        let server = MailServer::start().await;
        let more = "[changed_job]\nunanswered = \"end\"\nanswer_within = \"14d\"\nremind_every = \"7d\"\n";
        let (w, anna, bo) = house(t, &server, more).await;
        let cia = w.arrives("cia").await;
        for (number, id) in [cia, bo].into_iter().enumerate() {
            given(&w, anna, id, 170).await;
            let asked = Question {
                id: uuid::Uuid::now_v7(),
                account: id,
                is_link: false,
                right: look!(t, c => entitlement::held(c, id))[0].id,
                owner: Some(anna),
                why: "department".to_owned(),
                asked_at: w.now(),
                // The one that cannot end comes first.
                answer_by: w.now() + SignedDuration::from_hours(24 + i64::try_from(number).unwrap()),
                reminded_at: None,
                reminders: 0,
            };
            change!(t, [asked] c => question::ask(c, &asked).await.map(drop)).unwrap();
        }
        let mut guarded = w.get(cia).await;
        guarded.is_protected = true;
        change!(t, [guarded] c => account::set_terms(c, &guarded).await).unwrap();
        w.pass_days(2);
        let round = mover::follow_up(w.ports(), &w.act()).await.unwrap();
        assert_eq!((round.ended, round.reminders), (1, 2), "the giver and IT are told: {round:?}");
        assert!(look!(t, c => entitlement::held(c, bo)).is_empty());
        assert_eq!(look!(t, c => entitlement::held(c, cia)).len(), 1);
        let waits = mover::questions(w.ports()).await.unwrap();
        assert_eq!(waits.iter().map(|one| one.account).collect::<Vec<_>>(), [cia]);
    })
    .await;
}

#[tokio::test]
async fn many_ends_on_one_day_hide_none_that_comes_after_them() {
    on_each_engine(async |t| {
        let server = MailServer::start().await;
        let (w, anna, bo) = house(t, &server, "").await;
        given(&w, anna, bo, 40).await;
        let start = w.now();
        let day = move |count: i64| start + SignedDuration::from_hours(24 * count);
        let dates = Dates { valid_from: None, valid_until: Some(Some(day(40))) };
        people::set_dates(w.ports(), &w.act(), &bo.to_string(), dates, "a campaign").await.unwrap();
        let one = look!(t, c => entitlement::held(c, bo)).remove(0);
        // More than a page of accounts that no mail reaches, and that all end the day before.
        let like = w.get(bo).await;
        let crowd: Vec<Account> = (0..501).map(|number| nobody(&like, number, day(39))).collect();
        change!(t, [crowd, one] c => {
            for person in crowd {
                account::insert(c, &person).await?;
                let grant = Grant {
                    id: GrantId::new(uuid::Uuid::now_v7()),
                    // Given for a day: it fills the page and is told to nobody.
                    since: day(38),
                    ends_at: person.valid_until,
                    ..one.clone()
                };
                entitlement::give(c, person.id, &grant).await?;
            }
            Ok(())
        })
        .unwrap();
        w.pass_days(30);
        post::tell_of_ends(w.ports(), &w.act()).await.unwrap();
        let letters = server.letters();
        let about: Vec<&str> = to(&letters).into_iter().filter(|to| to.starts_with("bo@")).collect();
        assert_eq!(about.len(), 2, "his account and his role");
    })
    .await;
}

/// An account like another, which no mail reaches.
fn nobody(like: &Account, number: usize, until: Timestamp) -> Account {
    Account {
        id: AccountId::new(uuid::Uuid::now_v7()),
        user_name: format!("nobody-{number}@forening.example"),
        email: None,
        valid_until: Some(until),
        ..like.clone()
    }
}
