//! Cases that a policy must answer: they block what does not.

use portvakt::flows::Refusal;
use portvakt::flows::policies;

use super::{World, in_force, with};
use crate::engines::{TestDb, on_each_engine};
use crate::house::{POLICY, SETTINGS};
use crate::running::{Place, write_private};

const CASES: &str = r#"
[[case]]
name = "a helper sees no members"
given = { directory = "entra", groups = ["group-helpers"] }
when = { action = "view", component = "member" }
then = { allowed = false, reason = "no_sector" }
"#;

/// Settings that name a file with these cases, and the folder to be removed.
fn settings(cases: &str) -> (String, std::path::PathBuf) {
    let folder = std::env::temp_dir().join(format!("portvakt-cases-{}", uuid::Uuid::now_v7().simple()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("cases.toml");
    std::fs::write(&file, cases).unwrap();
    let named = format!("file = \"policy.toml\"\ncases = [{:?}]", file.display().to_string());
    (SETTINGS.replace("file = \"policy.toml\"", &named), folder)
}

#[tokio::test]
async fn a_case_that_does_not_hold_blocks_plan_and_apply_and_says_which() {
    on_each_engine(async |t| {
        let (settings, folder) = settings(CASES);
        let world = World::with(t, &settings).await;
        let text = with("sectors = [\"mailings\"]", "sectors = [\"mailings\", \"members\"]");
        let refused = world.apply(&text, Some("även om")).await;
        let Err(Refusal::Policy(mistakes)) = refused else { panic!("{refused:?}") };
        let told = mistakes[0].to_string();
        assert!(
            told.contains(
                "cases.toml:3: case \"a helper sees no members\": decision: expected refused, got allowed"
            ),
            "{told}"
        );
        let planned = policies::plan(&world.house.ports, &world.act(), &text, "policy.toml").await;
        assert!(matches!(planned, Err(Refusal::Policy(_))), "{planned:?}");
        assert_eq!(world.number().await, 1);
        let harmless = with("max_accounts = 3", "max_accounts = 4");
        assert_eq!(in_force(world.apply(&harmless, None).await.unwrap()).0, 2);
        std::fs::write(folder.join("cases.toml"), "[[case]]\nnam = 1\n").unwrap();
        let refused = world.apply(POLICY, None).await;
        assert!(
            matches!(refused, Err(Refusal::Policy(_))),
            "a file that cannot be read blocks too: {refused:?}"
        );
        std::fs::remove_dir_all(folder).unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_and_what_is_doubtful_is_shown() {
    on_each_engine(async |t| {
        let world = World::open(t).await;
        let never = with("when = { group = \"group-board\" }", "when = { all = [{ directory = \"entra\" }, { directory = \"okta\" }] }");
        let Err(Refusal::Policy(mistakes)) = world.apply(&never, None).await else { panic!("it was taken") };
        assert!(mistakes[0].to_string().contains("this rule is never reached"), "{}", mistakes[0]);
        let limited = with("gives = { roles = [\"board\"], limited = false }", "gives = { roles = [\"board\"], limited = true, sectors = [\"members\"] }");
        let Err(Refusal::Policy(mistakes)) = world.apply(&limited, None).await else { panic!("it was taken") };
        assert!(mistakes[0].to_string().contains("which opens administration, to limited accounts"));
        let empty = with("[[component]]\nid = \"mailing\"", "[[sector]]\nid = \"empty\"\nname = { sv = \"Tom\", en = \"Empty\" }\n[[component]]\nid = \"mailing\"");
        let proposal = world.plan(&empty).await;
        assert_eq!(proposal.warnings.len(), 1);
        assert!(proposal.warnings[0].to_string().contains("no component lies in this sector"));
        assert_eq!(world.number().await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_failing_case_keeps_the_daemon_from_starting_until_it_is_mended() {
    let t = TestDb::sqlite().await;
    let mut place = Place::new(&t.url, "");
    place.environment = vec![("PORTVAKT__POLICY__CASES", "cases.toml")];
    let wrong = CASES.replace("allowed = false, reason = \"no_sector\"", "allowed = true");
    write_private(&place.folder.join("cases.toml"), &wrong);
    let expected = "cases.toml:3: case \"a helper sees no members\": decision: expected allowed, got refused (no_sector)";
    let checked = place.run(&["check"]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&checked.stdout).contains(expected));
    let served = place.run(&["serve"]);
    let told = String::from_utf8_lossy(&served.stderr).into_owned();
    assert_eq!(served.status.code(), Some(1));
    assert!(told.contains("does not start") && told.contains(expected), "{told}");
    write_private(&place.folder.join("cases.toml"), CASES);
    assert!(place.run(&["check"]).status.success());
    place.start().await;
    assert_eq!(place.end().code(), Some(0));
    write_private(&place.folder.join("cases.toml"), &wrong);
    let served = place.run(&["serve"]);
    assert_eq!(served.status.code(), Some(1), "the policy in force must answer them too");
    let policy = place.folder.join("policy.toml");
    let applied = place.run(&["policy", "apply", policy.to_str().unwrap()]);
    assert_eq!(applied.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&applied.stderr).contains(expected));
    let cases = place.folder.join("cases.toml");
    let tested = place.run(&["policy", "test", cases.to_str().unwrap()]);
    assert_eq!(tested.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&tested.stderr).contains("1 of 1 case(s) do not hold"));
    write_private(&cases, CASES);
    let held = place.done(&["policy", "test", cases.to_str().unwrap(), "--policy", policy.to_str().unwrap()]);
    assert!(held.ends_with("1 case(s) hold"), "{held}");
}
