//! The daemon and its commands as an operator meets them.

use crate::engines::{TestDb, on_each_engine};
use crate::running::{Place, client, write_private};

#[tokio::test]
async fn told_to_end_the_daemon_ends_in_order_with_exit_code_0() {
    on_each_engine(async |t| {
        let mut place = Place::new(&t.url, "");
        place.start().await;
        for (path, status) in [("/healthz", 200), ("/readyz", 200), ("/nowhere", 404), ("/metrics", 401)] {
            let answer = client().get(format!("{}{path}", place.base)).send().await.expect("an answer");
            assert_eq!(answer.status().as_u16(), status, "{path}");
            assert!(answer.headers().contains_key("x-request-id"), "{path}");
        }
        assert_eq!(place.end().code(), Some(0), "{}", place.log());
        assert!(place.log().contains("has closed"), "{}", place.log());
    })
    .await;
}

#[tokio::test]
async fn a_second_daemon_on_the_same_file_refuses_to_start() {
    let t = TestDb::sqlite().await;
    let mut first = Place::new(&t.url, "");
    first.start().await;
    let second = Place::new(&t.url, "").run(&["serve"]);
    assert_eq!(second.status.code(), Some(1));
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(told.contains("another portvakt runs"), "{told}");
    let token = first.done(&["directory", "token", "create", "entra"]);
    assert!(token.starts_with("pv_"), "commands work while the daemon runs: {token}");
    assert_eq!(first.end().code(), Some(0));
}

#[tokio::test]
async fn every_mistake_of_settings_and_policy_is_told_at_once_and_nothing_starts() {
    let place = Place::new("mysql://x", "[serverr]\nlisten = 1\n");
    let policy = crate::house::POLICY.replace("modules = [\"*\"]", "modules = [\"nothing\"]");
    write_private(&place.folder.join("policy.toml"), &policy);
    let checked = place.run(&["check"]);
    assert_eq!(checked.status.code(), Some(1));
    let told = String::from_utf8_lossy(&checked.stdout).into_owned();
    for part in ["portvakt.toml:", "database.url", "serverr", "policy.toml:", "nothing"] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
    let served = place.run(&["serve"]);
    assert_eq!(served.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&served.stderr).contains("does not start"));
}

#[tokio::test]
async fn wrong_use_is_exit_code_2_and_an_unknown_name_is_1() {
    let t = TestDb::sqlite().await;
    let place = Place::new(&t.url, "");
    assert_eq!(place.run(&["dance"]).status.code(), Some(2));
    let unknown = place.run(&["directory", "token", "create", "nobody"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("entra"), "it names what there is");
    assert!(place.run(&["--help"]).status.success());
}

#[tokio::test]
async fn an_address_that_is_taken_is_told_with_its_setting() {
    let t = TestDb::sqlite().await;
    let place = Place::new(&t.url, "");
    let address = place.base.trim_start_matches("http://").to_owned();
    let _taken = std::net::TcpListener::bind(address).expect("the port is still free");
    let served = place.run(&["serve"]);
    assert_eq!(served.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&served.stderr).contains("server.listen"));
}
