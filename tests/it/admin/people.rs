//! The list of people.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use portvakt::domain::account::Status;
use portvakt::domain::policy::EvidenceSource;
use portvakt::flows::Clock;
use portvakt::store::{StoreError, account, evidence};
use serde_json::json;

use super::cast::{give, seat};
use crate::engines::on_each_engine;
use crate::sign_in::browser::Browser;
use crate::sign_in::house::{TestHouse, external};
use crate::store::sample::new_account;

/// Writes so many people, each seen one day longer ago than the one before; every seventh never.
async fn populate(house: &TestHouse<'_>, count: i64) {
    let now = house.clock.now();
    let people: Vec<_> = (0..count)
        .map(|number| {
            let mut person = new_account(&format!("p{number:03}@bjorkbacken.example"));
            let first =
                ["Åsa", "Ängla", "Örjan", "Zacharias", "Émile", "anna"][usize::try_from(number % 6).unwrap()];
            person.display_name = format!("{first} Testsson {number:03}");
            person.standing.since = now;
            (person, (number % 7 != 0).then(|| now - SignedDuration::from_hours(24 * number)))
        })
        .collect();
    let written = house.t.db.write(move |c| {
        Box::pin(async move {
            for (person, seen) in people {
                account::insert(c, &person).await?;
                if let Some(at) = seen {
                    evidence::seen(c, person.id, EvidenceSource::Crm, at).await?;
                }
            }
            Ok::<_, StoreError>(())
        })
    });
    written.await.unwrap();
}

/// The ids of the accounts on a page, in order.
fn ids(body: &str) -> Vec<String> {
    let pieces = body.split("name=\"id\" value=\"").skip(1);
    pieces.map(|piece| piece.split('"').next().unwrap().to_owned()).collect()
}

/// The address of a link with this `rel`.
fn link(body: &str, rel: &str) -> Option<String> {
    let (before, _) = body.split_once(&format!("rel=\"{rel}\""))?;
    let (_, address) = before.rsplit_once("href=\"")?;
    Some(address.split('"').next().unwrap().replace("&#38;", "&"))
}

async fn walk(browser: &mut Browser, first: &str) -> Vec<Vec<String>> {
    let (mut pages, mut next) = (Vec::new(), Some(first.to_owned()));
    while let Some(address) = next {
        let page = browser.get(&address).await;
        assert_eq!(page.status, StatusCode::OK, "{address}: {}", page.body);
        pages.push(ids(&page.body));
        next = link(&page.body, "next");
        assert!(pages.len() < 20, "it must end");
    }
    pages
}

#[tokio::test]
async fn every_order_shows_everybody_once_and_goes_back_the_way_it_came() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut browser = seat(&house, "asa", Some("administrator")).await;
        populate(&house, 130).await;
        for sort in ["name", "-name", "seen", "-seen"] {
            for who in ["able", "all"] {
                let pages = walk(&mut browser, &format!("/people?sort={sort}&who={who}")).await;
                assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 31], "{sort} {who}");
                let all: Vec<&String> = pages.iter().flatten().collect();
                assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 131, "{sort} {who}: nobody twice");
            }
        }
        let first = browser.get("/people?sort=seen").await;
        let second = browser.get(&link(&first.body, "next").unwrap()).await;
        let back = browser.get(&link(&second.body, "prev").unwrap()).await;
        assert_eq!(ids(&first.body), ids(&back.body));
        assert!(first.body.contains("131 personer") && link(&first.body, "prev").is_none());
        // As Swedes sort: Z, then Å, Ä and Ö; accents and case do not count.
        let page = browser.get("/people?q=testsson&mark=all").await;
        let place = |name: &str| page.body.find(name).unwrap_or_else(|| panic!("{name}"));
        assert!(place("anna Testsson 005") < place("Émile Testsson 004"));
        assert!(place("Zacharias Testsson 003") < place("Åsa Testsson 000"));
        assert!(place("Åsa Testsson 126") < place("Ängla Testsson 001"));
        assert!(place("Ängla Testsson 127") < place("Örjan Testsson 002"));
    })
    .await;
}

#[tokio::test]
async fn filters_keep_just_those_they_say_and_stand_in_the_address() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut browser = seat(&house, "asa", Some("administrator")).await;
        let helper = house.provision("entra", "bo", "sv").await;
        house.make_helper(&helper).await;
        house.provision("okta", "cia", "sv").await;
        give(&house, "cia", "communicator").await;
        house.provision("entra", "dan", "sv").await;
        populate(&house, 100).await;
        let day = |ago: i64| {
            (house.clock.now() - SignedDuration::from_hours(24 * ago)).to_string()[..10].to_owned()
        };
        // 100 people: numbers 0, 7, …, 98 were never seen, the others so many days ago as their number says.
        let never = 15 + 3;
        let (d50, d59) = (day(50), day(59));
        let long_ago = (60..100).filter(|number| number % 7 != 0).count();
        let between = (50..60).filter(|number| number % 7 != 0).count();
        for (query, count) in [
            ("who=all".to_owned(), 104),
            ("signed=never".to_owned(), never),
            (format!("signed=since&day={d59}"), long_ago + never),
            (format!("signed=between&day={d59}&until={d50}"), between),
            (format!("signed=between&day={d59}&until={d50}&q=testsson"), between),
            ("role=communicator".to_owned(), 2),
            ("role=communicator&origin=manual".to_owned(), 1),
            ("role=communicator&origin=rule".to_owned(), 1),
            ("limited=yes".to_owned(), 1),
            ("limited=no".to_owned(), 103),
            ("limited=yes&sector=mailings&role=communicator".to_owned(), 1),
            ("sector=meetings".to_owned(), 0),
            ("directory=okta".to_owned(), 1),
            ("privileged=yes".to_owned(), 1),
            ("q=testsson".to_owned(), 100),
            ("q=asa".to_owned(), 18),
            ("q=%C3%A5sa".to_owned(), 17),
            ("q=tests%20p003".to_owned(), 1),
            ("q=emile".to_owned(), 16),
            ("q=nobody".to_owned(), 0),
            ("who=shut".to_owned(), 0),
            ("who=frozen".to_owned(), 0),
        ] {
            let page = browser.get(&format!("/people?{query}&sort=seen")).await;
            assert_eq!(page.status, StatusCode::OK, "{query}: {}", page.body);
            let words = if count == 1 { "1 person".to_owned() } else { format!("{count} personer") };
            assert!(
                page.body.contains(&format!("<b>{words}</b>")),
                "{query}: not {words}: {}",
                chips(&page.body)
            );
            assert_eq!(ids(&page.body).len(), count.min(50), "{query}");
            assert_eq!(page.body.contains("Ingen stämmer med urvalet"), count == 0, "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_filter_that_is_not_understood_is_refused() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut browser = seat(&house, "asa", Some("administrator")).await;
        for wrong in [
            "who=x",
            "signed=x",
            "day=2025-02-30",
            "role=nope",
            "sector=%00",
            "sort=x",
            "column=x",
            "x=y",
            "after=x",
        ] {
            let page = browser.get(&format!("/people?{wrong}")).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{wrong}");
        }
    })
    .await;
}

fn chips(body: &str) -> &str {
    body.split_once("class=\"chips\"").map_or("", |(_, rest)| rest.split("</div>").next().unwrap())
}

#[tokio::test]
async fn columns_are_chosen_in_the_address_and_the_file_has_the_same() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut browser = seat(&house, "asa", Some("administrator")).await;
        let id = house.provision("entra", "bo", "sv").await;
        house.provision("entra", "karin", "sv").await;
        let manager = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "add",
                "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
                "value": { "value": external("karin") } }],
        });
        house.scim("entra", "PATCH", &format!("/Users/{id}"), &manager).await;
        let page = browser.get("/people").await;
        assert!(page.body.contains(">Senast inloggad") && !page.body.contains(">Chef</th>"), "{}", page.body);
        let page = browser.get("/people?column=manager&column=end&sort=-name").await;
        assert!(
            page.body.contains(">Chef</th>") && page.body.contains("karin Åkesson</td>"),
            "{}",
            page.body
        );
        assert!(!page.body.contains("Senast inloggad <svg"), "{}", page.body);
        let address = "/people/export?column=manager&column=days&sort=-name&format=csv";
        assert!(
            browser
                .get("/people?column=manager&column=days&sort=-name")
                .await
                .body
                .contains(&address.replace('&', "&#38;"))
        );
        let file = browser.get(address).await;
        assert_eq!(file.status, StatusCode::OK, "{}", file.body);
        assert!(file.header("content-disposition").starts_with("attachment; filename=\"access-"));
        let lines: Vec<&str> = file.body.trim_start_matches('\u{feff}').lines().collect();
        assert_eq!(
            lines[0], "Namn;Användarnamn;Status;Kan logga in;Dagar sedan;Chef;Konto-id",
            "{}",
            file.body
        );
        assert!(
            lines[2].starts_with("bo Åkesson;bo@bjorkbacken.example;aktiv;ja;;karin Åkesson;"),
            "{}",
            lines[2]
        );
        assert!(lines[3].starts_with("asa Åkesson;") && lines.len() == 4, "{}", file.body);
        let json = browser.get("/people/export?q=bo&format=json").await;
        let read: serde_json::Value = serde_json::from_str(&json.body).unwrap();
        assert!(read.to_string().contains("bo@bjorkbacken.example"), "{read}");
        let sheet = browser.get("/people/export?format=pdf").await;
        assert_eq!(sheet.status, StatusCode::BAD_REQUEST);
        let entry = house.last_about(portvakt::domain::actor::Subject::new("report", "access")).await;
        let asa = house.account("asa").await.id;
        assert_eq!(entry.actor, format!("account:{asa}"));
        assert_eq!(entry.after.unwrap()["filters"], json!(["can_sign_in=true", "typed"]));
    })
    .await;
}

#[tokio::test]
async fn whatever_a_directory_says_is_text_on_the_page() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut browser = seat(&house, "asa", Some("administrator")).await;
        let evil = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'`{{7*7}}";
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
            "userName": format!("{evil}@bjorkbacken.example"), "externalId": external("evil"),
            "displayName": evil, "nickName": evil, "title": evil, "active": true, "preferredLanguage": "sv",
            "name": { "givenName": evil, "familyName": evil, "formatted": evil },
            "emails": [{ "value": format!("{evil}@bjorkbacken.example"), "type": "work", "primary": true }],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
                "department": evil, "manager": { "value": evil, "displayName": evil } },
        });
        house.scim("entra", "POST", "/Users", &user).await;
        let columns = "column=user_name&column=roles&column=manager&column=origin&column=next";
        let list = browser.get(&format!("/people?{columns}")).await;
        assert!(list.body.contains("alert(1)"), "it is shown");
        let id = ids(&list.body).into_iter().find(|id| list.body.contains(id)).unwrap();
        let typed = "%3Cscript%3Ealert%281%29%3C%2Fscript%3E%22%27";
        let mut pages = vec![list.body, browser.get("/").await.body];
        for address in [
            format!("/people?q={typed}"),
            format!("/people/change?do=freeze&id={id}&back={typed}"),
            format!("/people?who={typed}"),
            format!("/people?{typed}=1"),
            format!("/language/sv?back={typed}"),
        ] {
            pages.push(browser.get(&address).await.body);
        }
        let all: Vec<String> = ids(&pages[0]);
        let picked = all.iter().flat_map(|id| ["&id=", id]).collect::<String>();
        pages.push(browser.get(&format!("/people/change?do=end{picked}")).await.body);
        for body in pages {
            for raw in ["<script>alert", "<img src=x", "onerror=alert(1)>", "\"'`"] {
                assert!(!body.contains(raw), "{raw} in {body}");
            }
            assert!(!body.contains("`49"), "no template is run over what somebody wrote");
        }
    })
    .await;
}

#[tokio::test]
async fn who_can_sign_in_is_inside_their_dates_and_last_seen_never_moves_back() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut browser = seat(&house, "asa", Some("administrator")).await;
        let now = house.clock.now();
        let hour = SignedDuration::from_hours(1);
        let dated = |name: &str, from: Option<Timestamp>, until: Option<Timestamp>| {
            let mut person = new_account(name);
            (person.valid_from, person.valid_until) = (from, until);
            person
        };
        let people = vec![
            dated("over", None, Some(now - hour)),
            dated("early", Some(now + hour), None),
            dated("inside", Some(now - hour), Some(now + hour)),
        ];
        let seen = people[2].id;
        house
            .t
            .db
            .write(move |c| {
                Box::pin(async move {
                    for person in &people {
                        account::insert(c, person).await?;
                    }
                    for ago in [100, 200, 50, 300] {
                        let at = now - SignedDuration::from_hours(24 * ago);
                        let source = if ago == 50 { EvidenceSource::Directory } else { EvidenceSource::Crm };
                        evidence::seen(c, seen, source, at).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
        let page = browser.get("/people?q=&who=able").await;
        assert!(page.body.contains("<b>2 personer</b>"), "{}", chips(&page.body));
        assert!(page.body.contains("INSIDE") && !page.body.contains("OVER") && !page.body.contains("EARLY"));
        assert!(page.body.contains("Katalogens logg"), "the latest of all sources is shown");
        assert!(browser.get("/people?who=all").await.body.contains("<b>4 personer</b>"));
        assert_eq!(house.account("asa").await.standing.status, Status::Active);
    })
    .await;
}
