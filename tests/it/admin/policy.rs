//! The policy as text: checked, planned, put into force, gone back on; and who may not.

use axum::http::StatusCode;
use portvakt::domain::actor::{Actor, Subject};
use portvakt::domain::grant::GrantKind;
use portvakt::domain::ids::SectorId;
use portvakt::flows::policies;
use portvakt::store::entitlement;
use serde_json::json;

use super::cast::{Cast, freshly, give, mark_of, seat, send};
use crate::engines::{look, on_each_engine};
use crate::sign_in::browser::{Browser, Page};
use crate::sign_in::house::{POLICY, TestHouse};

/// What the rule for the helpers gives in the shipped policy, and what it gives where they see meetings too.
const GIVES: &str = "sectors = [\"mailings\"] }\npriority = 50";
const GIVES_MORE: &str = "sectors = [\"mailings\", \"meetings\"] }\npriority = 50";

/// The shipped policy with helpers who see meetings too.
fn wider() -> String {
    assert!(POLICY.contains(GIVES));
    POLICY.replace(GIVES, GIVES_MORE)
}

fn form(browser: &Browser, pairs: &[(&str, &str)]) -> String {
    let token = mark_of(browser);
    let pairs: Vec<(&str, &str)> = [("token", token.as_str())].iter().chain(pairs).copied().collect();
    serde_urlencoded::to_string(pairs).unwrap()
}

/// Makes a plan of a text, and gives its page's path.
async fn plan(browser: &mut Browser, text: &str) -> String {
    let form = form(browser, &[("text", text)]);
    let made = send(browser, "/policy/plans", &form).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    made.location().to_owned()
}

async fn apply(browser: &mut Browser, path: &str, more: &[(&str, &str)]) -> Page {
    let form = form(browser, more);
    send(browser, path, &form).await
}

fn tells(page: &Page, wanted: &[&str]) {
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for told in wanted {
        assert!(page.body.contains(told), "{told}: {}", page.body);
    }
}

async fn in_force(house: &TestHouse<'_>) -> i64 {
    policies::show(&house.ports, None).await.unwrap().number
}

/// Whether somebody holds the sector of the meetings.
async fn sees_meetings(house: &TestHouse<'_>, name: &str) -> bool {
    let (id, kind) = (house.account(name).await.id, GrantKind::Sector(SectorId::parse("meetings").unwrap()));
    look!(house.t, c => entitlement::held(c, id))
        .iter()
        .any(|grant| grant.kind == kind && grant.until.is_none())
}

/// Puts people into a group that only they are in; gives the directory's id of it.
async fn choir(house: &TestHouse<'_>, members: &[&str]) -> &'static str {
    const ID: &str = "8a1c6f0e-0000-4000-8000-00000000cafe";
    let members: Vec<_> = members.iter().map(|id| json!({ "value": id })).collect();
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "Kören", "externalId": ID, "members": members,
    });
    house.scim("entra", "POST", "/Groups", &group).await;
    ID
}

/// The shipped policy with one more rule.
fn with_rule(group: &str, gives: &str) -> String {
    let rule = format!(
        "[[rule]]\nid = \"choir\"\nwhen = {{ group = \"{group}\" }}\ngives = {gives}\n\n[lifecycle]\n"
    );
    POLICY.replacen("[lifecycle]\n", &rule, 1)
}

#[tokio::test]
async fn a_text_with_mistakes_is_shown_again_with_its_lines_and_all_that_was_written() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        let edit = asa.get("/policy/edit").await;
        tells(&edit, &["newsletter-helpers", "hx-post=\"/policy/check\"", "Visa vad som ändras"]);
        let evil = "# </textarea><script>alert(1)</script> åäö";
        let wrong = POLICY.replace("gives = { roles = [\"board\"]", "gives = { roles = [\"bord\"]");
        let wrong = format!("{evil}\n{wrong}");
        let line = wrong.lines().position(|line| line.contains("\"bord\"")).unwrap() + 1;
        for (path, status) in [("/policy/check", StatusCode::OK), ("/policy/plans", StatusCode::BAD_REQUEST)]
        {
            let form = form(&asa, &[("text", &wrong)]);
            let page = send(&mut asa, path, &form).await;
            assert_eq!(page.status, status, "{}", page.body);
            for told in [
                format!("<b>Rad {line}</b>").as_str(),
                "1 fel<",
                "did you mean",
                "<code>gives = { roles = [&#34;bord&#34;]",
                "# &#60;/textarea&#62;&#60;script&#62;alert(1)",
                "aria-invalid=\"true\"",
            ] {
                assert!(page.body.contains(told), "{told}: {}", page.body);
            }
            assert!(!page.body.contains("<script>alert"), "{}", page.body);
        }
        let form = form(&asa, &[("text", POLICY)]);
        let sound = send(&mut asa, "/policy/check", &form).await;
        tells(&sound, &["Texten går att använda. Alla provfall håller."]);
        asa.get("/language/en").await;
        let page = send(&mut asa, "/policy/check", &form).await;
        tells(&page, &["The text can be used. Every case holds.", "Show what changes"]);
        assert_eq!(in_force(&house).await, 1);
        // The text of the page is the text in force, whatever a form does to its last line.
        let path = plan(&mut asa, POLICY.trim()).await;
        tells(&asa.get(&path).await, &["This text is in force already."]);
    })
    .await;
}

#[tokio::test]
async fn a_rule_is_changed_through_its_plan_and_changed_back() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut old = seat(&house, "asa", Some("administrator")).await;
        let eva = house.provision("entra", "eva", "sv").await;
        house.make_helper(&eva).await;
        let path = plan(&mut old, &wider()).await;
        let shown = old.get(&path).await;
        tells(
            &shown,
            &[
                "Så ändras åtkomsten",
                "Planen är gjord. Ingenting har ändrats.",
                "Regeln newsletter-helpers",
                "eva Åkesson",
                "sektorn Möten och styrelse",
                "Alla provfall håller",
                "<ins>+ gives",
                "Logga in igen och besluta",
            ],
        );
        assert!(!sees_meetings(&house, "eva").await, "looking changes nothing");
        // A sign-in that nobody vouches for the age of does not do.
        let away = apply(&mut old, &path, &[("reason", "ja")]).await;
        assert!(away.location().starts_with("/sso/login?"), "{} {}", away.status, away.location());

        let mut asa = freshly(&house, "asa").await;
        tells(&asa.get(&path).await, &["Inför version 2", "Inför för 1 person<"]);
        let without = apply(&mut asa, &path, &[("reason", "  ")]).await;
        assert_eq!(without.status, StatusCode::BAD_REQUEST);
        assert!(without.body.contains("Skriv varför policyn införs."), "{}", without.body);
        assert_eq!(send(&mut asa, &path, "reason=ja").await.status, StatusCode::FORBIDDEN);
        assert_eq!(in_force(&house).await, 1);

        let done = apply(&mut asa, &path, &[("reason", "Beslut § 8")]).await;
        assert_eq!(
            (done.status, done.location()),
            (StatusCode::SEE_OTHER, "/policy/versions/2"),
            "{}",
            done.body
        );
        assert!(sees_meetings(&house, "eva").await);
        tells(&asa.get(done.location()).await, &["Version 2 gäller", "1 konto fick ändrade", "Beslut § 8"]);
        let entry = house.last_about(Subject::new("policy", 2)).await;
        assert_eq!((entry.action.as_str(), entry.cause.as_str()), ("policy_applied", "Beslut § 8"));
        assert_eq!(entry.actor, Actor::Account(house.account("asa").await.id).to_string());
        // Sent twice, it leads to what it became.
        let again = apply(&mut asa, &path, &[("reason", "igen")]).await;
        assert_eq!((again.status, again.location()), (StatusCode::SEE_OTHER, "/policy/versions/2"));

        let list = asa.get("/policy/versions").await;
        tells(&list, &["Beslut § 8", "asa Åkesson", "Gäller nu"]);
        tells(&asa.get("/policy/compare?from=1&to=2").await, &["<del>- gives", "<ins>+ gives"]);
        let back = apply(&mut asa, "/policy/versions/1", &[]).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.body);
        let path = back.location().to_owned();
        tells(&asa.get(&path).await, &["eva Åkesson", "Förlorar</span> sektorn Möten och styrelse"]);
        let done = apply(&mut asa, &path, &[("reason", "Ångrat")]).await;
        assert_eq!(done.location(), "/policy/versions/3", "{}", done.body);
        assert!(!sees_meetings(&house, "eva").await);
        tells(&asa.get("/policy/versions/3").await, &["Ångrat (tillbaka till version 1)"]);
    })
    .await;
}

#[tokio::test]
async fn a_plan_that_no_longer_holds_says_what_moved_and_is_not_carried_out() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        seat(&house, "asa", Some("administrator")).await;
        let mut asa = freshly(&house, "asa").await;
        let path = plan(&mut asa, &wider()).await;
        let eva = house.provision("entra", "eva", "sv").await;
        house.make_helper(&eva).await;
        let shown = asa.get(&path).await;
        tells(
            &shown,
            &[
                "Planen gäller inte längre. Ingenting har ändrats.",
                "1 konto skulle nu också beröras: eva@bjorkbacken.example",
                "Gör en ny plan av samma text",
            ],
        );
        assert!(!shown.body.contains("Inför för"), "{}", shown.body);
        let late = apply(&mut asa, &path, &[("reason", "ja")]).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.body);
        assert!(late.body.contains("Planen gäller inte längre"), "{}", late.body);
        assert_eq!(in_force(&house).await, 1);

        let path = plan(&mut asa, &wider()).await;
        house
            .apply(&POLICY.replace("never_signed_in_after = \"30d\"", "never_signed_in_after = \"31d\""))
            .await;
        let late = apply(&mut asa, &path, &[("reason", "ja")]).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.body);
        assert!(
            late.body.contains("Version 2 infördes") && late.body.contains("test (kommandoraden)"),
            "{}",
            late.body
        );
        assert!(!sees_meetings(&house, "eva").await);
        assert_eq!(asa.get("/policy/plans/abc").await.status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn nobody_gives_themselves_anything_by_a_policy_and_somebody_else_may() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let asa_id = house.provision("entra", "asa", "sv").await;
        give(&house, "asa", "administrator").await;
        seat(&house, "eva", Some("administrator")).await;
        let group = choir(&house, &[&asa_id]).await;
        let mut asa = freshly(&house, "asa").await;
        let path = plan(&mut asa, &with_rule(group, "{ roles = [\"board\"] }")).await;
        let shown = asa.get(&path).await;
        tells(&shown, &["rollen Styrelse", "ingen ger sig själv behörighet"]);
        assert!(!shown.body.contains("Inför för"), "{}", shown.body);
        let refused = apply(&mut asa, &path, &[("reason", "ja")]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
        assert!(refused.body.contains("somebody else must put it into force"), "{}", refused.body);
        assert_eq!(in_force(&house).await, 1);

        let mut eva = freshly(&house, "eva").await;
        let done = apply(&mut eva, &path, &[("reason", "asa är invald")]).await;
        assert_eq!(done.location(), "/policy/versions/2", "{}", done.body);

        // What did not exist before raises nobody: whoever opens every module may add one.
        let shop = "[[module]]\nid = \"shop\"\nname = { sv = \"Butik\", en = \"Shop\" }\n[[sector]]\n";
        let text = with_rule(group, "{ roles = [\"board\"] }").replacen("[[sector]]\n", shop, 1);
        let path = plan(&mut asa, &text).await;
        tells(&asa.get(&path).await, &["Butik: "]);
        let done = apply(&mut asa, &path, &[("reason", "ny modul")]).await;
        assert_eq!(done.location(), "/policy/versions/3", "{}", done.body);
    })
    .await;
}

#[tokio::test]
async fn who_only_reads_or_reviews_sees_the_policy_and_changes_nothing() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut cast = Cast::of(&house).await;
        let path = plan(&mut cast.administrator, &wider()).await;
        for browser in [&mut cast.reviewer, &mut cast.auditor] {
            for open in
                ["/policy", "/policy/rules", "/policy/versions", "/policy/versions/1", "/policy/drift", &path]
            {
                let page = browser.get(open).await;
                assert_eq!(page.status, StatusCode::OK, "{open}");
                assert!(!page.body.contains("/policy/edit"), "{open}: {}", page.body);
            }
            let shut = browser.get("/policy/edit").await;
            assert_eq!(shut.status, StatusCode::FORBIDDEN);
            assert!(shut.body.contains("Du kan läsa men inte ändra"), "{}", shut.body);
            for act in ["/policy/check", "/policy/plans", &path, "/policy/versions/1"] {
                let form = form(browser, &[("text", POLICY), ("reason", "ja")]);
                let page = send(browser, act, &form).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{act}: {}", page.body);
            }
        }
        for shut in ["/policy", "/policy/edit", "/policy/file?format=toml", &path] {
            assert_eq!(cast.nobody.get(shut).await.status, StatusCode::FORBIDDEN, "{shut}");
        }
        assert_eq!(in_force(&house).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_plan_beyond_the_limits_wants_the_word_that_this_is_known() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        seat(&house, "asa", Some("administrator")).await;
        let mut ids = Vec::new();
        for name in ["bo", "cia", "dan", "eva"] {
            ids.push(house.provision("entra", name, "sv").await);
        }
        let members: Vec<&str> = ids.iter().map(String::as_str).collect();
        let group = choir(&house, &members).await;
        house.apply(&with_rule(group, "{ roles = [\"communicator\"] }")).await;
        let mut asa = freshly(&house, "asa").await;
        let path = plan(&mut asa, POLICY).await;
        let shown = asa.get(&path).await;
        let limits = "Det här tar åtkomst från 4 konton";
        tells(
            &shown,
            &[limits, "Jag vet att det går utöver gränserna", "Förlorar</span> rollen Kommunikatör"],
        );
        let without = apply(&mut asa, &path, &[("reason", "Kören är nedlagd")]).await;
        assert_eq!(without.status, StatusCode::BAD_REQUEST, "{}", without.body);
        for told in ["Markera att du vet det", ">Kören är nedlagd</textarea>"] {
            assert!(without.body.contains(told), "{told}: {}", without.body);
        }
        assert_eq!(in_force(&house).await, 2);
        let done = apply(&mut asa, &path, &[("reason", "Kören är nedlagd"), ("release", "yes")]).await;
        assert_eq!(done.location(), "/policy/versions/3", "{}", done.body);
        let list = asa.get("/policy/versions").await;
        tells(&list, &["Kören är nedlagd (tillbaka till version 1)"]);
    })
    .await;
}

#[tokio::test]
async fn the_policy_is_read_as_a_document_and_taken_along_and_drift_says_who_and_why() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        tells(
            &asa.get("/policy").await,
            &["CRM-policy", "Hur behörighet ges", "newsletter-helpers", "Ändra policyn"],
        );
        let toml = asa.get("/policy/file?format=toml").await;
        assert_eq!(toml.body, POLICY);
        let paper = asa.get("/policy/file?format=html").await;
        assert!(
            paper.body.contains("<title>CRM-policy")
                && paper.header("content-disposition").contains("policy.html")
        );
        assert!(asa.get("/policy/file?format=markdown").await.body.starts_with("# CRM-policy"));
        assert_eq!(asa.get("/policy/file?format=pdf").await.status, StatusCode::BAD_REQUEST);

        let drift = asa.get("/policy/drift").await;
        tells(
            &drift,
            &["1 avvikelse<", "rollen Systemadministratör", "test (kommandoraden)", "for the test"],
        );
        tells(&asa.get("/policy/drift?how=missing").await, &["0 avvikelser"]);
        assert_eq!(asa.get("/policy/drift?how=x").await.status, StatusCode::BAD_REQUEST);
        for wrong in ["/policy/compare?from=1", "/policy/edit?version=x", "/policy/versions?before=x"] {
            assert_eq!(asa.get(wrong).await.status, StatusCode::BAD_REQUEST, "{wrong}");
        }
        for gone in [
            "/policy/versions/9",
            "/policy/versions/x",
            "/policy/compare?from=1&to=9",
            "/policy/edit?version=9",
        ] {
            assert_eq!(asa.get(gone).await.status, StatusCode::NOT_FOUND, "{gone}");
        }
        asa.get("/language/en").await;
        tells(&asa.get("/policy").await, &["CRM policy", "How rights are given", "Change the policy"]);
        tells(&asa.get("/policy/drift").await, &["1 difference<", "By hand, no rule gives it"]);
        tells(&asa.get("/policy/versions").await, &["In force now", "Versions"]);
    })
    .await;
}
