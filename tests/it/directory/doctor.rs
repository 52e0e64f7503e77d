//! The doctor: each check tells what is wrong and how to mend it, in both languages.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use portvakt::config::Settings;
use portvakt::domain::language::Language;
use portvakt::flows::doctor::{self, Finding, Level};
use portvakt::flows::{directories, tokens};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{GROUPS, USERS, entra, operator, person, seen};
use crate::engines::{TestDb, on_each_engine};
use crate::house::{POLICY, SETTINGS, TestHouse, read};
use crate::sign_in::provider::Provider;

const OBJECT: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
const TENANT: &str = "c0ffee00-1111-4222-8333-444455556666";

/// Settings whose directory `entra` is an Entra that people sign in through.
fn settings(issuer: &str) -> String {
    let plain = "id = \"entra\"\nkind = \"generic\"";
    let entra = format!(
        "id = \"entra\"\nkind = \"entra\"\n[directory.oidc]\nissuer = \"{issuer}\"\nclient_id = \"portvakt\"\n\
         client_secret = \"for-tests-only\"\ntenants = [\"{TENANT}\"]"
    );
    SETTINGS.replace(plain, &entra)
}

async fn house(t: &TestDb, issuer: &str) -> TestHouse {
    TestHouse::with(t, &settings(issuer), POLICY).await
}

/// The level of each check of the directory `entra`, and what was said.
async fn examined(house: &TestHouse) -> BTreeMap<&'static str, (Level, String)> {
    let directory = directories::find(&house.ports, "entra").unwrap();
    let findings = doctor::of_directory(&house.ports, directory).await;
    assert!(findings.iter().all(|finding| finding.directory.as_ref() == Some(&directory.id)));
    findings.iter().map(|finding| (finding.check, (finding.level, whole(finding)))).collect()
}

/// What a finding says in both languages; whatever is not in order says how it is mended.
fn whole(finding: &Finding) -> String {
    let (sv, en) = (finding.told(Language::Sv), finding.told(Language::En));
    assert_eq!(finding.level != Level::Ok, finding.mend.is_some(), "{sv:?}");
    assert_ne!(sv.says, en.says);
    [Some(sv.says), sv.mend, Some(en.says), en.mend].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

async fn sign_in(house: &TestHouse) -> Finding {
    let ports = &house.ports;
    let directory = directories::find(ports, "entra").unwrap();
    doctor::of_sign_in(&ports.settings, &ports.parties, directory, ports.clock.now()).await
}

#[tokio::test]
async fn a_new_directory_lacks_a_token_and_has_never_been_heard_of_and_is_blamed_for_nothing_else() {
    on_each_engine(async |t| {
        let house = house(t, "http://127.0.0.1:9").await;
        let found = examined(&house).await;
        let levels: Vec<_> = found.iter().map(|(check, (level, _))| (*check, *level)).collect();
        let expected = [
            ("access", Level::Mistake),
            ("last_request", Level::Warning),
            ("pending", Level::Ok),
            ("refused", Level::Ok),
        ];
        assert_eq!(levels, expected);
        assert!(found["access"].1.contains("portvakt directory token create entra"));
    })
    .await;
}

#[tokio::test]
async fn ids_that_entra_did_not_choose_and_groups_that_do_not_fit_the_rules_are_found() {
    on_each_engine(async |t| {
        let house = house(t, "http://127.0.0.1:9").await;
        let token = house.directory_token("entra").await;
        house.send("POST", USERS, &token, &person("asa", OBJECT)).await;
        house.send("POST", USERS, &token, &person("bo", "bo")).await;
        house.send("POST", USERS, &token, &json!({ "userName": "no-external-id@forening.example" })).await;
        for (name, external) in [("Styrelsen", "group-board"), ("Kören", "choir")] {
            let group =
                json!({ "displayName": name, "externalId": external, "members": [{ "value": "nobody" }] });
            house.send("POST", GROUPS, &token, &group).await;
        }
        seen(&house).await;
        let found = examined(&house).await;
        let (level, said) = &found["external_id"];
        assert_eq!(*level, Level::Mistake);
        assert!(said.contains("2 av 3") && said.contains("2 of 3") && said.contains("objectId"), "{said}");
        let (level, said) = &found["rules"];
        assert_eq!(*level, Level::Warning);
        assert!(said.contains("group-helpers (helpers)") && !said.contains("group-board"), "{said}");
        assert!(!said.contains("Nyhetsbrevet"), "that rule speaks of the other directory: {said}");
        let (level, said) = &found["groups"];
        assert_eq!(*level, Level::Warning);
        assert!(said.contains("Kören") && !said.contains("Styrelsen"), "{said}");
        let (level, said) = &found["pending"];
        assert_eq!(*level, Level::Warning);
        assert!(said.contains('2') && said.contains("Styrelsen"), "{said}");
        assert_eq!((found["access"].0, found["last_request"].0), (Level::Ok, Level::Ok));
        // A rule that names no directory is content when another one has the group.
        let okta = house.directory_token("okta").await;
        let helpers = json!({ "displayName": "Hjälpare", "externalId": "group-helpers" });
        house.send("POST", "/scim/v2/okta/Groups", &okta, &helpers).await;
        assert_eq!(examined(&house).await["rules"].0, Level::Ok);
    })
    .await;
}

#[tokio::test]
async fn tokens_that_end_silence_pauses_refusals_and_old_tokens_in_use_are_found() {
    on_each_engine(async |t| {
        let house = house(t, "http://127.0.0.1:9").await;
        let token = house.directory_token("entra").await;
        let mut bad = person("asa", OBJECT);
        bad["active"] = json!("banana");
        house.send("POST", USERS, &token, &bad).await;
        seen(&house).await;
        house.clock.advance(SignedDuration::from_hours(24 * 340));
        directories::pause(&house.ports, &operator(&house), &entra(), "flytt").await.unwrap();
        let found = examined(&house).await;
        for (check, part) in [
            ("access", "25 dagar"),
            ("last_request", "340 dagar"),
            ("refused", "sedan: 1."),
            ("paused", "portvakt directory resume entra"),
        ] {
            let (level, said) = &found[check];
            assert!(*level == Level::Warning && said.contains(part), "{check}: {said}");
        }
        // A second token lifts the worry about access, not about the one that ends.
        house.directory_token("entra").await;
        let (level, said) = examined(&house).await["access"].clone();
        assert!(level == Level::Warning && said.contains("365 dagar"), "{said}");
        house.clock.advance(SignedDuration::from_hours(24 * 30));
        assert_eq!(examined(&house).await["access"].0, Level::Ok);
        house.send("GET", USERS, &token, &Value::Null).await;
        seen(&house).await;
        let (level, said) = examined(&house).await["token_in_use"].clone();
        assert!(level == Level::Mistake && said.contains("expired"), "{said}");
    })
    .await;
}

#[tokio::test]
async fn the_provider_is_asked_for_its_issuer_and_whatever_it_does_is_a_finding() {
    on_each_engine(async |t| {
        let provider = Provider::start().await;
        let good = house(t, &provider.issuer()).await;
        let finding = sign_in(&good).await;
        assert_eq!(finding.level, Level::Ok, "{}", whole(&finding));
        assert!(whole(&finding).contains("http://127.0.0.1:8080/sso/callback"));
        assert!(whole(&finding).contains("claim oid"));
        let slash = house(t, &format!("{}/", provider.issuer())).await;
        let finding = sign_in(&slash).await;
        assert_eq!(finding.level, Level::Mistake);
        assert!(whole(&finding).contains(&format!("oidc.issuer = \"{}\"", provider.issuer())));
        let nobody = house(t, "http://127.0.0.1:9").await;
        let finding = sign_in(&nobody).await;
        assert_eq!(finding.level, Level::Mistake);
        assert!(whole(&finding).contains("/.well-known/openid-configuration"));
        let odd = MockServer::start().await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(200).set_body_string("<html>"))
            .mount(&odd)
            .await;
        let odd = house(t, &odd.uri()).await;
        assert_eq!(sign_in(&odd).await.level, Level::Mistake);
        let plain = TestHouse::new(t).await;
        assert_eq!(sign_in(&plain).await.level, Level::Ok, "nobody signs in there");
    })
    .await;
}

#[tokio::test]
async fn an_address_that_leads_here_turns_away_who_has_no_token_and_anything_else_is_told() {
    let levels = async |status: u16| {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(status)).mount(&server).await;
        let settings = at_address(SETTINGS, &server.uri());
        let finding = doctor::of_way_in(&settings, &settings.directories[0]).await;
        whole(&finding);
        finding.level
    };
    assert_eq!((levels(401).await, levels(404).await), (Level::Ok, Level::Warning));
    let nobody = at_address(SETTINGS, "http://127.0.0.1:9");
    let finding = doctor::of_way_in(&nobody, &nobody.directories[0]).await;
    assert!(finding.level == Level::Warning && whole(&finding).contains("portvakt serve"));
}

#[tokio::test]
async fn a_policy_file_that_is_not_in_force_is_told() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        assert_eq!(doctor::of_policy(&house.ports, Some(POLICY)).await.level, Level::Ok);
        let finding = doctor::of_policy(&house.ports, Some("other")).await;
        assert!(finding.level == Level::Warning && whole(&finding).contains("policy apply"));
    })
    .await;
}

fn at_address(settings: &str, url: &str) -> Settings {
    read(&settings.replace("http://127.0.0.1:8080", url))
}

#[test]
fn an_address_that_a_provider_in_the_cloud_cannot_reach_is_a_mistake() {
    let with_entra = settings("http://127.0.0.1:9");
    for (url, generic, cloud) in [
        ("http://127.0.0.1:8080", Level::Warning, Level::Mistake),
        ("https://localhost", Level::Warning, Level::Mistake),
        ("https://10.0.0.7", Level::Warning, Level::Warning),
        ("https://portvakt.forening.example", Level::Ok, Level::Ok),
    ] {
        let finding = |settings: &str| doctor::of_address(&at_address(settings, url));
        assert_eq!((finding(SETTINGS).level, finding(&with_entra).level), (generic, cloud), "{url}");
        whole(&finding(SETTINGS));
    }
}

#[test]
fn the_guide_says_what_to_type_where_for_each_kind_of_provider_and_no_secret() {
    let text = settings("http://127.0.0.1:9")
        .replace("id = \"okta\"\nkind = \"generic\"", "id = \"okta\"\nkind = \"okta\"");
    let settings = at_address(&text, "https://portvakt.forening.example");
    for language in [Language::Sv, Language::En] {
        let told: Vec<String> = settings
            .directories
            .iter()
            .map(|directory| {
                let steps = doctor::guide(&settings, directory, language);
                let lines = steps.iter().map(|step| format!("{}: {}\n", step.place, step.what));
                lines.collect::<Vec<_>>().concat()
            })
            .collect();
        for (part, at) in [
            ("Tenant URL: https://portvakt.forening.example/scim/v2/entra\n", 0),
            ("https://portvakt.forening.example/scim/v2/entra/token", 0),
            ("directory token create entra", 0),
            ("objectId", 0),
            ("https://portvakt.forening.example/sso/callback", 0),
            ("https://portvakt.forening.example/sso/backchannel-logout/entra", 0),
            ("oid = SCIM externalId", 0),
            ("https://portvakt.forening.example/scim/v2/okta\n", 1),
            ("user.getInternalProperty(\"id\")", 1),
            ("group_name", 1),
        ] {
            assert!(told[at].contains(part), "{language}: {part} is missing in\n{}", told[at]);
        }
        assert!(told.iter().all(|told| !told.contains("for-tests-only")));
    }
}

#[tokio::test]
async fn a_client_alone_is_access_enough() {
    on_each_engine(async |t| {
        let house = house(t, "http://127.0.0.1:9").await;
        let year = SignedDuration::from_hours(8_760);
        tokens::client::create(&house.ports, &operator(&house), &entra(), None, "entra", year).await.unwrap();
        assert_eq!(examined(&house).await["access"].0, Level::Ok);
    })
    .await;
}
