//! Jobs: led by one node, caught when they panic, brought to an end in order.

use jiff::SignedDuration;
use portvakt::flows::{Ports, lead};
use portvakt::jobs::{self, Ended, Job};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::engines::on_each_engine;
use crate::house::TestHouse;
use crate::practice_crm::house_with_crm;

fn hourly(work: impl Fn() -> String + Send + Sync + Clone + 'static) -> Job {
    Job::every("practice", SignedDuration::from_hours(1), move |_| {
        let work = work.clone();
        Box::pin(async move { Ok(work()) })
    })
}

#[tokio::test]
async fn a_job_that_panics_is_caught_and_stays_due() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let ended = jobs::run(&house.ports, &hourly(|| panic!("on purpose"))).await.unwrap();
        assert_eq!(ended, Ended::Panicked);
        assert_eq!(lead::last_run(&house.ports, "practice").await.unwrap(), None);
        let ended = jobs::run(&house.ports, &hourly(|| "well".to_owned())).await.unwrap();
        assert_eq!(ended, Ended::Done("well".to_owned()));
        assert!(lead::last_run(&house.ports, "practice").await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn a_job_that_another_node_has_is_left_to_it() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let other =
            Ports::new(t.db.clone(), house.ports.clock.clone(), house.ports.settings.clone()).unwrap();
        let fence = lead::take(&other, "practice").await.unwrap().unwrap();
        let job = hourly(|| "well".to_owned());
        assert_eq!(jobs::run(&house.ports, &job).await.unwrap(), Ended::Elsewhere);
        lead::give_back(&other, &fence, "done", true).await.unwrap();
        assert_eq!(jobs::run(&house.ports, &job).await.unwrap(), Ended::Done("well".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn every_job_of_the_table_can_be_run_by_name() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        for job in jobs::table(&house.ports) {
            let ended = jobs::run_once(&house.ports, job.name()).await.unwrap();
            assert!(matches!(&ended[..], [(_, Ended::Done(_))]), "{}: {ended:?}", job.name());
        }
        assert_eq!(jobs::run_once(&house.ports, "deliver").await.unwrap().len(), 1);
        assert!(jobs::run_once(&house.ports, "no-such-job").await.is_err());
    })
    .await;
}

#[tokio::test]
async fn the_ticker_delivers_by_itself_and_ends_when_it_is_told() {
    on_each_engine(async |t| {
        let (house, mut there) = house_with_crm(t).await;
        let end = CancellationToken::new();
        let running = jobs::start(&house.ports, &end);
        let token = house.directory_token("entra").await;
        let asa = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "asa" });
        house.send("POST", "/scim/v2/entra/Users", &token, &asa).await;
        there.came.recv().await.unwrap();
        end.cancel();
        running.finish().await;
        assert_eq!(there.heard().len(), 1);
    })
    .await;
}
