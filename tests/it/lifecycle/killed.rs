//! A power cut in the middle of a lifecycle run: the next one finishes it, each step once.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::engines::on_each_engine;
use crate::house::POLICY;
use crate::running::{PATIENCE, Place, client};

const PEOPLE: usize = 150;

const SIGN_IN: &str = "[[directory]]\nid = \"sso\"\nkind = \"generic\"\n[directory.oidc]\n\
    issuer = \"http://127.0.0.1:9\"\nclient_id = \"portvakt\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_killed_is_finished_by_the_next_and_each_step_is_taken_once() {
    on_each_engine(async |t| {
        let mut place = Place::new(&t.url, SIGN_IN);
        std::fs::write(place.folder.join("policy.toml"), POLICY.replace("max_percent = 10", "max_percent = 100")).unwrap();
        place.start().await;
        let token = place.done(&["directory", "token", "create", "sso"]);
        for number in 0..PEOPLE {
            let name = format!("person{number}@forening.example");
            let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name,
                "displayName": "Person", "externalId": name, "active": true });
            let sent = client().post(format!("{}/scim/v2/sso/Users", place.base)).bearer_auth(&token).json(&body);
            assert_eq!(sent.send().await.expect("an answer").status(), 201);
        }
        place.end();
        let mut raw = t.raw().await;
        // A hundred days go by.
        raw.execute("UPDATE account SET created_at = created_at - 8640000000000, activated_at = activated_at - 8640000000000").await;
        let mut run = place.begin(&["lifecycle", "apply"]);
        let until = Instant::now() + PATIENCE;
        loop {
            let frozen = raw.pairs("SELECT status, CAST(COUNT(*) AS TEXT) FROM account WHERE status = 'frozen' GROUP BY status").await;
            if !frozen.is_empty() {
                break;
            }
            assert!(Instant::now() < until, "no step was taken");
            std::thread::sleep(Duration::from_millis(1));
        }
        run.kill().expect("it can be killed");
        run.wait().expect("it is gone");
        // Whoever held the lead is gone; another may take it when it has run out.
        raw.execute("UPDATE job_lease SET until = 0 WHERE job = 'lifecycle'").await;
        place.done(&["lifecycle", "apply"]);
        let states = raw.pairs("SELECT status, CAST(COUNT(*) AS TEXT) FROM account GROUP BY status").await;
        assert_eq!(states, [("frozen".to_owned(), PEOPLE.to_string())]);
        let told = raw
            .pairs("SELECT action, CAST(COUNT(DISTINCT subject_id) AS TEXT) FROM audit WHERE action = 'account_frozen' GROUP BY action")
            .await;
        assert_eq!(told[0].1, PEOPLE.to_string());
        let all = raw.pairs("SELECT action, CAST(COUNT(*) AS TEXT) FROM audit WHERE action = 'account_frozen' GROUP BY action").await;
        assert_eq!(all, told, "each once");
        let open = raw.pairs("SELECT outcome, outcome FROM run WHERE finished_at IS NULL").await;
        assert!(open.is_empty(), "{open:?}");
        let noted = raw.pairs("SELECT 'steps', CAST(COUNT(*) AS TEXT) FROM run_step").await;
        assert_eq!(noted[0].1, PEOPLE.to_string());
    })
    .await;
}
