//! What a plan allows and what it stops: the safety limits, the release, a world that moved.

use portvakt::domain::policy::plan::PolicyPlan;
use portvakt::domain::safety::SafetyStop;
use portvakt::flows::Refusal;
use portvakt::flows::policies::{self, Outcome};

use super::{World, in_force, with};
use crate::engines::on_each_engine;
use crate::house::POLICY;

/// Helpers get nothing any more.
fn without_helpers() -> String {
    with(
        "roles = [\"communicator\"], limited = true, item_restricted = true, sectors = [\"mailings\"]",
        "limited = true, sectors = [\"mailings\"]",
    )
}

fn stops(plan: &PolicyPlan) -> Vec<&'static str> {
    plan.stops.iter().map(SafetyStop::name).collect()
}

async fn actions(world: &World<'_>) -> Vec<String> {
    let mut raw = world.t.raw().await;
    let pairs = raw.pairs("SELECT action, cause FROM audit").await;
    pairs.into_iter().map(|(action, _)| action).collect()
}

#[tokio::test]
async fn what_goes_beyond_the_limits_waits_for_a_release_with_a_reason() {
    on_each_engine(async |t| {
        let world = World::open(t).await;
        world.crowd("group-board", 1).await;
        let helpers = world.crowd("group-helpers", 4).await;
        let text = without_helpers();
        let plan = world.plan(&text).await.plan;
        assert_eq!((plan.taken, stops(&plan)), (4, vec!["too_many"]));
        let before = world.held(helpers[0]).await;
        let Ok(Outcome::AwaitsRelease(waiting)) = world.apply(&text, None).await else {
            panic!("it was not stopped")
        };
        assert_eq!(waiting.plan.hash, plan.hash, "the same plan as was shown");
        let Ok(Outcome::AwaitsRelease(_)) = world.apply_plan(&plan.hash, None).await else {
            panic!("it was not stopped")
        };
        assert_eq!((world.number().await, world.held(helpers[0]).await), (1, before));
        let empty = world.apply_plan(&plan.hash, Some("  ")).await;
        assert!(matches!(empty, Err(Refusal::Invalid { .. })), "{empty:?}");
        assert_eq!(in_force(world.apply_plan(&plan.hash[..12], Some("nytt beslut")).await.unwrap()), (2, 4));
        assert_eq!(world.held(helpers[0]).await, ["sector:mailings", "limited:"]);
        let done = actions(&world).await;
        for action in ["policy_plan_made", "policy_plan_released", "policy_applied", "grants_changed"] {
            assert!(done.iter().any(|one| one == action), "{action} in {done:?}");
        }
        let again = world.apply_plan(&plan.hash, Some("igen")).await;
        assert!(again.unwrap_err().to_string().contains("carried out already: it is version 2"));
    })
    .await;
}

#[tokio::test]
async fn what_stays_within_the_limits_takes_effect_at_once_and_is_told_to_the_crm() {
    on_each_engine(async |t| {
        let world = World::open(t).await;
        world.crowd("group-board", 2).await;
        let helpers = world.crowd("group-helpers", 3).await;
        let before = world.of_name("group-helpers-00").await.version;
        assert_eq!(in_force(world.apply(&without_helpers(), None).await.unwrap()), (2, 3));
        assert_eq!(world.held(helpers[0]).await, ["sector:mailings", "limited:"]);
        assert_eq!(world.of_name("group-helpers-00").await.version, before + 1);
        let again = world.apply(&without_helpers(), None).await.unwrap();
        let Outcome::InForce(again) = again else { panic!("it was stopped") };
        assert!(!again.is_new && again.number == 2);
    })
    .await;
}

#[tokio::test]
async fn a_plan_is_refused_when_the_world_has_moved_and_says_what_moved() {
    on_each_engine(async |t| {
        let world = World::open(t).await;
        world.crowd("group-board", 1).await;
        world.crowd("group-helpers", 2).await;
        let text = without_helpers();
        let plan = world.plan(&text).await.plan;
        assert!(plan.stops.is_empty(), "{:?}", plan.stops);
        let late = world.arrives("sen").await;
        assert_eq!(world.plan(&text).await.plan.hash, plan.hash, "a bystander moves nothing");
        world.group("group-helpers-2", "Andra", &[late]).await;
        let helpers = world.arrives("ny").await;
        world.gives(helpers, portvakt::domain::grant::GrantKind::Limited).await;
        assert_eq!(world.plan(&text).await.plan.hash, plan.hash, "nor what the policy does not touch");
        world.group("group-newcomers", "Nya", &[]).await;
        let more = text.replace(
            "{ group = \"group-helpers\" }",
            "{ any = [{ group = \"group-helpers\" }, { group = \"group-late\" }] }",
        );
        let planned = world.plan(&more).await.plan;
        world.group("group-late", "Sena", &[late]).await;
        let refused = world.apply_plan(&planned.hash, None).await.unwrap_err().to_string();
        assert!(
            refused.contains("1 account(s) would now be touched and were not before: sen@forening.example"),
            "{refused}"
        );
        assert_eq!(world.number().await, 1);
        let other = with("modules = [\"communication\", \"members:view\"]", "modules = [\"communication\"]");
        in_force(world.apply(&other, None).await.unwrap());
        let refused = world.apply_plan(&plan.hash, None).await.unwrap_err().to_string();
        assert!(
            refused.contains("version 2 was put into force at") && refused.contains("follows version 1"),
            "{refused}"
        );
        assert!(refused.contains("karin"), "{refused}");
        let unknown = world.apply_plan("ffff", None).await;
        assert!(matches!(unknown, Err(Refusal::NotFound { .. })), "{unknown:?}");
    })
    .await;
}

#[tokio::test]
async fn an_emptied_critical_role_stops_and_its_last_holders_keep_it_even_when_released() {
    on_each_engine(async |t| {
        let world = World::open(t).await;
        let board = world.crowd("group-board", 2).await;
        let text = with(
            "gives = { roles = [\"board\"], limited = false }",
            "gives = { roles = [\"communicator\"] }",
        );
        let plan = world.plan(&text).await.plan;
        assert_eq!(stops(&plan), ["critical_empty", "no_administrator"]);
        assert_eq!(plan.held_back.len(), 2, "{plan:?}");
        assert_eq!(plan.rights.get("role:board"), None, "nobody loses it");
        in_force(world.apply_plan(&plan.hash, Some("ny ordning")).await.unwrap());
        assert!(world.held(board[0]).await.contains(&"role:board".to_owned()));
        let drifted = policies::drift(&world.house.ports, world.now()).await.unwrap();
        assert_eq!(drifted.len(), 2, "{drifted:?}");
        assert!(drifted.iter().all(|one| one.what == "role:board"), "{drifted:?}");
        assert!(
            serde_json::to_string(&drifted).unwrap().contains("\"drift\":\"held_back\",\"rule\":\"board\"")
        );
    })
    .await;
}

#[tokio::test]
async fn grants_by_hand_are_shown_as_drift_and_stay() {
    on_each_engine(async |t| {
        let world = World::open(t).await;
        let helpers = world.crowd("group-helpers", 2).await;
        let role = |id: &str| {
            portvakt::domain::grant::GrantKind::Role(portvakt::domain::ids::RoleId::parse(id).unwrap())
        };
        world.gives(helpers[0], role("communicator")).await;
        world.gives(helpers[1], role("board")).await;
        let drifted = policies::drift(&world.house.ports, world.now()).await.unwrap();
        let told: Vec<String> = drifted.iter().map(|one| format!("{} {:?}", one.what, one.how)).collect();
        assert_eq!(told, ["role:communicator AlsoByRule(RuleId(\"helpers\"))", "role:board ByHand"]);
        assert_eq!(drifted[1].why.as_deref(), Some("kampanj"));
        in_force(world.apply(&without_helpers(), None).await.unwrap());
        assert!(
            world.held(helpers[0]).await.contains(&"role:communicator".to_owned()),
            "a person's grant stays"
        );
        assert_eq!(world.plan(POLICY).await.plan.doubts.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_policy_cannot_loosen_the_limits_that_judge_it() {
    on_each_engine(async |t| {
        let world = World::open(t).await;
        world.crowd("group-board", 1).await;
        world.crowd("group-helpers", 4).await;
        let text = without_helpers().replace("max_percent = 10", "max_percent = 100");
        assert_eq!(stops(&world.plan(&text).await.plan), ["too_many"]);
    })
    .await;
}
