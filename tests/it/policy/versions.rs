//! Versions: listed, compared in words, rolled back; the commands as they are typed.

use portvakt::domain::language::Language;
use portvakt::flows::Refusal;
use portvakt::flows::policies::{self, Outcome};
use serde_json::Value;

use super::{World, in_force, with};
use crate::engines::{TestDb, on_each_engine};
use crate::house::POLICY;
use crate::running::{Place, write_private};

fn narrower() -> String {
    with("modules = [\"communication\", \"members:view\"]", "modules = [\"communication\"]")
}

#[tokio::test]
async fn versions_are_kept_compared_in_words_and_rolled_back_as_a_new_one() {
    on_each_engine(async |t| {
        let world = World::open(t).await;
        let ports = &world.house.ports;
        in_force(world.apply(&narrower(), None).await.unwrap());
        let comparison = policies::compare(ports, 1, 2, Language::Sv).await.unwrap();
        assert_eq!(comparison.sentences, ["Rollen Kommunikatör öppnar inte längre Medlemmar (se)."]);
        let back = policies::compare(ports, 2, 1, Language::En).await.unwrap();
        assert_eq!(back.sentences, ["The role Communicator opens Members (view)."]);
        assert!(comparison.lines.contains(&"- modules = [\"communication\", \"members:view\"]".to_owned()));
        assert!(comparison.lines.contains(&"+ modules = [\"communication\"]".to_owned()));
        let act = world.act();
        let empty = policies::rollback(ports, &act, 1, " ", false).await;
        assert!(matches!(empty, Err(Refusal::Invalid { .. })), "{empty:?}");
        let unknown = policies::rollback(ports, &act, 9, "fel", false).await;
        assert!(matches!(unknown, Err(Refusal::NotFound { .. })), "{unknown:?}");
        let act = world.act();
        assert_eq!(in_force(policies::rollback(ports, &act, 1, "blev fel", false).await.unwrap()).0, 3);
        assert_eq!(policies::show(ports, None).await.unwrap().text, POLICY);
        let listed = policies::list(ports, None, 10).await.unwrap();
        assert_eq!(listed.iter().map(|one| one.number).collect::<Vec<_>>(), [3, 2, 1]);
        assert_eq!(listed[0].hash, listed[2].hash);
        assert!(policies::compare(ports, 1, 3, Language::Sv).await.unwrap().sentences.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_rollback_that_takes_too_much_waits_for_release() {
    on_each_engine(async |t| {
        let world = World::open(t).await;
        world.crowd("group-board", 1).await;
        let more = with("[[rule]]\nid = \"board\"", "[[rule]]\nid = \"all\"\nwhen = { group = \"group-crowd\" }\ngives = { roles = [\"communicator\"] }\n[[rule]]\nid = \"board\"");
        in_force(world.apply(&more, None).await.unwrap());
        let crowd = world.crowd("group-crowd", 5).await;
        let ports = &world.house.ports;
        let act = world.act();
        let Ok(Outcome::AwaitsRelease(waiting)) = policies::rollback(ports, &act, 1, "ångrat", false).await else {
            panic!("it was not stopped")
        };
        assert_eq!(waiting.plan.taken, 5);
        assert_eq!(world.held(crowd[0]).await, ["role:communicator"]);
        let act = world.act();
        assert_eq!(in_force(policies::rollback(ports, &act, 1, "ångrat", true).await.unwrap()), (3, 5));
        assert!(world.held(crowd[0]).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_commands_print_for_people_and_for_programs_and_end_with_3_where_release_is_needed() {
    let t = TestDb::sqlite().await;
    let world = World::open(&t).await;
    world.crowd("group-board", 1).await;
    world.crowd("group-helpers", 4).await;
    let place = Place::new(&t.url, "");
    let file = place.folder.join("next.toml");
    let without = with(
        "roles = [\"communicator\"], limited = true, item_restricted = true, sectors = [\"mailings\"]",
        "limited = true, sectors = [\"mailings\"]",
    );
    write_private(&file, &without);
    let file = file.to_str().unwrap();
    let planned = place.run(&["policy", "plan", file, "--lang", "en"]);
    let told = String::from_utf8_lossy(&planned.stdout).into_owned();
    assert_eq!(planned.status.code(), Some(3), "{told}");
    for part in [
        "Stops: This takes access from 4 accounts.",
        "4 account(s) are touched, 4 lose something.",
        "The rule helpers: 4 account(s), 4 lose something",
        "role:communicator: 4 lose",
        "--release --reason",
    ] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
    let planned = place.run(&["policy", "plan", file, "--format", "json"]);
    let plan: Value = serde_json::from_slice(&planned.stdout).unwrap();
    assert_eq!(plan["state"], "waiting");
    assert_eq!(plan["accounts"].as_array().unwrap().len(), 4);
    let hash = plan["hash"].as_str().unwrap();
    assert_eq!(place.run(&["policy", "apply", "--plan", hash]).status.code(), Some(3));
    assert_eq!(place.run(&["policy", "apply", "--plan", hash, "--release"]).status.code(), Some(2));
    let done = place.done(&["policy", "apply", "--plan", hash, "--release", "--reason", "beslut"]);
    assert_eq!(done, "policy version 2 is in force; 4 account(s) changed");
    let listed = place.done(&["policy", "list", "--lang", "sv"]);
    assert!(listed.starts_with("Version  Gäller sedan"), "{listed}");
    let compared = place.done(&["policy", "compare", "1", "2", "--lang", "sv"]);
    assert!(compared.starts_with("• Regeln helpers ger något annat: "), "{compared}");
    let shown = place.done(&["policy", "show", "1"]);
    assert!(shown.starts_with("# version 1 in force since"), "{shown}");
    let back = place.done(&["policy", "rollback", "1", "--reason", "blev fel", "--release"]);
    assert_eq!(back, "policy version 3 is in force; 4 account(s) changed");
    assert_eq!(place.done(&["policy", "drift", "--lang", "sv"]), "Alla har det som reglerna säger.");
    let page = place.done(&["policy", "document", "--lang", "sv", "--format", "html"]);
    assert!(page.starts_with("<!doctype html>") && page.contains("Version 3, gäller sedan"), "{page}");
}
