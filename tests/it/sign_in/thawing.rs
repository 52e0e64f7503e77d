//! A freeze that the person's own sign-in lifts, and those that it does not.

use axum::http::StatusCode;
use portvakt::domain::account::{Standing, Status, StatusReason};
use portvakt::domain::actor::Subject;
use portvakt::store::standing;

use super::house::{POLICY, TestHouse};
use crate::engines::{change, on_each_engine};

impl TestHouse<'_> {
    async fn freeze(&self, name: &str, reason: StatusReason) {
        let id = self.account(name).await.id;
        let since = portvakt::flows::Clock::now(&*self.clock);
        let new =
            Standing { status: Status::Frozen, since, reason, by: "job:lifecycle".to_owned(), note: None };
        change!(self.t, [new] c => standing::change(c, id, &new).await.map(drop)).expect("it is frozen");
    }
}

#[tokio::test]
async fn a_sign_in_lifts_a_freeze_for_silence_where_the_policy_says_so_and_no_other() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        house.freeze("asa", StatusReason::Inactive).await;
        let refused = house.sign_in(&mut house.browser(), "entra", "asa").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "the policy does not allow it");
        house.apply(&POLICY.replace("[lifecycle]\n", "[lifecycle]\nsign_in_lifts_freeze = true\n")).await;
        for reason in [StatusReason::Manual, StatusReason::Review] {
            house.freeze("asa", reason).await;
            let refused = house.sign_in(&mut house.browser(), "entra", "asa").await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{reason}");
        }
        for reason in [StatusReason::Inactive, StatusReason::NeverSignedIn] {
            house.pass(1);
            house.freeze("asa", reason).await;
            let version = house.account("asa").await.version;
            let page = house.sign_in(&mut house.browser(), "entra", "asa").await;
            assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
            let account = house.account("asa").await;
            assert_eq!(
                (account.standing.status, account.standing.reason),
                (Status::Active, StatusReason::SignedIn)
            );
            assert_eq!(account.standing.by, format!("account:{}", account.id));
            assert!(account.version > version, "the CRM is told");
            let told = house.last_about(Subject::new("account", account.id)).await;
            assert!(
                told.action.contains("signed_in") || told.action == "account_activated",
                "{}",
                told.action
            );
        }
        // Who left the directory comes back through the directory alone.
        let id = house.provision("entra", "bo", "sv").await;
        house.freeze("bo", StatusReason::Inactive).await;
        house.set_active("entra", &id, false).await;
        let refused = house.sign_in(&mut house.browser(), "entra", "bo").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert_eq!(house.account("bo").await.standing.reason, StatusReason::Departed);
    })
    .await;
}
