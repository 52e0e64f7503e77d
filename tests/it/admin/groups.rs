//! The groups of the directories: which rules ask for them, which none does, and who is in them.

use axum::http::StatusCode;
use portvakt::domain::actor::Subject;
use serde_json::json;

use super::cast::{Cast, seat};
use crate::engines::on_each_engine;
use crate::sign_in::browser::Page;
use crate::sign_in::house::{HELPERS, TestHouse};

/// A name that a browser would obey if it were let.
const EVIL: &str = "<script>alert(1)</script>\" onload=\"x";

/// A directory tells of a group; gives its id.
async fn group(house: &TestHouse<'_>, directory: &str, name: &str, members: &[&str]) -> String {
    let members: Vec<_> = members.iter().map(|id| json!({ "value": id })).collect();
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members,
    });
    let made = house.scim(directory, "POST", "/Groups", &group).await;
    made["id"].as_str().unwrap().to_owned()
}

fn tells(page: &Page, wanted: &[&str]) {
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for told in wanted {
        assert!(page.body.contains(told), "{told}: {}", page.body);
    }
}

#[tokio::test]
async fn groups_that_no_rule_knows_are_marked_and_found_and_so_are_rules_that_ask_for_none() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        let empty = asa.get("/groups").await;
        tells(&empty, &["Inga grupper ännu", "Regler som frågar efter okända grupper", HELPERS]);
        let bo = house.provision("entra", "bo", "sv").await;
        house.make_helper(&bo).await;
        group(&house, "okta", "Åsas kör", &[]).await;
        group(&house, "entra", EVIL, &[&bo]).await;

        let all = asa.get("/groups").await;
        tells(
            &all,
            &[
                "3 grupper",
                "Utskickshjälpare",
                "href=\"/policy/rules#rule-newsletter-helpers\"",
                "Ingen regel",
                "&#60;script&#62;",
                "Ideellt engagerade",
            ],
        );
        assert!(!all.body.contains("<script>alert") && !all.body.contains("\" onload=\""), "{}", all.body);
        assert!(!all.body.contains(&format!("<code>{HELPERS}</code>")), "it is known now: {}", all.body);

        let unasked = asa.get("/groups?rules=unasked").await;
        tells(&unasked, &["2 grupper", "Åsas kör"]);
        assert!(!unasked.body.contains("Utskickshjälpare"), "{}", unasked.body);
        let asked = asa.get("/groups?rules=asked&directory=entra").await;
        tells(&asked, &["1 grupp<", "Utskickshjälpare"]);
        for typed in ["%C3%85SAS", "asas", "k%C3%B6r"] {
            let found = asa.get(&format!("/groups?q={typed}")).await;
            tells(&found, &["1 grupp<", "Åsas kör"]);
        }
        tells(&asa.get(&format!("/groups?q={}", &HELPERS[..9])).await, &["1 grupp<", "Utskickshjälpare"]);
        tells(&asa.get("/groups?rule=newsletter-helpers").await, &["1 grupp<", "Utskickshjälpare"]);
        tells(&asa.get("/groups?q=finns-inte").await, &["Ingen grupp stämmer med urvalet"]);
        for wrong in ["rules=x", "colour=red", "after=x", "rule=%20!", "directory=%C3%A5%20"] {
            let page = asa.get(&format!("/groups?{wrong}")).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{wrong}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_group_tells_who_is_in_it_and_what_it_gives_and_a_rule_which_groups_it_asks_for() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut cast = Cast::of(&house).await;
        let eva = house.provision("entra", "eva", "sv").await;
        house.make_helper(&eva).await;
        let list = cast.auditor.get("/groups?rules=asked").await;
        let (_, rest) = list.body.split_once("<th scope=\"row\"><a href=\"").expect("a group with a page");
        let path = rest.split('"').next().unwrap().to_owned();
        let one = cast.reviewer.get(&path).await;
        tells(&one, &["<h1>Utskickshjälpare</h1>", "eva Åkesson", "1 medlem", "newsletter-helpers", HELPERS]);
        tells(&one, &["rollen Kommunikatör, sektorn Utskick, begränsat konto, föremålsbegränsning"]);
        let rules = cast.auditor.get("/policy/rules").await;
        tells(&rules, &["id=\"rule-newsletter-helpers\"", "id=\"rule-guests\"", &path, "(1 medlem)"]);
        assert!(!rules.body.contains("/policy/edit"), "an auditor changes nothing: {}", rules.body);

        let away = cast.auditor.get("/language/en?back=%2Fgroups").await;
        assert_eq!(away.status, StatusCode::SEE_OTHER);
        tells(&cast.auditor.get(&path).await, &["What the group gives", "the role Communicator", "1 member"]);
        tells(&cast.auditor.get("/groups").await, &["Groups and rules", "Rules that ask for unknown groups"]);
        tells(&cast.auditor.get("/policy/rules").await, &["Whoever", "Order", "the sector Mailings"]);

        let nobody = cast.nobody.get("/groups").await;
        assert_eq!(nobody.status, StatusCode::FORBIDDEN);
        for gone in ["/groups/x", "/groups/018f0000-0000-7000-8000-000000000000"] {
            assert_eq!(cast.reviewer.get(gone).await.status, StatusCode::NOT_FOUND, "{gone}");
        }
    })
    .await;
}

/// The address that a link of the pager leads to.
fn turn(page: &Page, rel: &str) -> Option<String> {
    let (before, _) = page.body.split_once(&format!("\" rel=\"{rel}\""))?;
    Some(before.rsplit("href=\"").next()?.replace("&#38;", "&"))
}

#[tokio::test]
async fn the_list_and_its_members_are_paged_both_ways_and_the_file_has_them_all() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        let mut ids = Vec::new();
        for number in 0..102 {
            ids.push(house.provision("entra", &format!("p{number:03}"), "sv").await);
        }
        for number in 0..53 {
            group(&house, "entra", &format!("Lag {number:02}"), &[]).await;
        }
        let members: Vec<&str> = ids.iter().map(String::as_str).collect();
        let choir = group(&house, "entra", "Kören", &members).await;

        let first = asa.get("/groups").await;
        tells(&first, &["Visar 50 av 54 grupper", "Kören", "Lag 48", ">102<"]);
        assert!(!first.body.contains("Lag 49") && turn(&first, "prev").is_none(), "{}", first.body);
        let second = asa.get(&turn(&first, "next").unwrap()).await;
        tells(&second, &["Visar 4 av 54 grupper", "Lag 49", "Lag 52"]);
        assert!(turn(&second, "next").is_none());
        let back = asa.get(&turn(&second, "prev").unwrap()).await;
        tells(&back, &["Kören", "Lag 48"]);

        let page = asa.get(&format!("/groups/{choir}")).await;
        tells(&page, &["Visar 100 av 102 medlemmar", "p000 Åkesson", "p099 Åkesson"]);
        let rest = asa.get(&turn(&page, "next").unwrap()).await;
        tells(&rest, &["p100 Åkesson", "p101 Åkesson"]);
        assert!(!rest.body.contains("p099 Åkesson") && turn(&rest, "next").is_none(), "{}", rest.body);
        tells(&asa.get(&turn(&rest, "prev").unwrap()).await, &["p000 Åkesson", "p099 Åkesson"]);

        let file = asa.get("/groups/export?format=csv&rules=unasked").await;
        assert_eq!(file.status, StatusCode::OK);
        assert_eq!(file.body.lines().count(), 55, "{}", file.body);
        assert!(
            file.body.contains("Grupp;Katalog;Medlemmar;Regler") && file.body.contains("Kören;entra;102")
        );
        let told = house.last_about(Subject::new("report", "groups")).await;
        assert!(told.action == "report_read" && told.actor.starts_with("account:"), "{told:?}");
        let json = asa.get("/groups/export?format=json&q=K%C3%B6ren").await;
        let read: serde_json::Value = serde_json::from_str(&json.body).unwrap();
        assert_eq!((&read["rows"][0]["name"], &read["rows"][0]["members"]), (&json!("Kören"), &json!(102)));
        assert_eq!(asa.get("/groups/export?format=xlsx").await.status, StatusCode::OK);
        assert_eq!(asa.get("/groups/export?format=html").await.status, StatusCode::BAD_REQUEST);
    })
    .await;
}
