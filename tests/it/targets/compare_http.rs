//! CRMs over HTTP are read back: over SCIM with healing, over a described API with pages that fail.

use std::sync::{Arc, Mutex};

use portvakt::domain::comparison::{Attribute, Class};
use portvakt::flows::Refusal;
use portvakt::flows::compare::{self, Asked, ComparisonView};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::{crm, deliver_all, make, operator, seconds};
use crate::engines::{TestDb, on_each_engine};
use crate::house::{POLICY, SETTINGS, TestHouse};

/// What a CRM holds, and which of its pages fails.
#[derive(Default)]
struct Crm {
    users: Vec<Value>,
    /// The page of this number, counted from one, is answered with 500.
    fails: Option<usize>,
    pages: usize,
}

type Shared = Arc<Mutex<Crm>>;

async fn start(answer: fn(&mut Crm, &Request) -> ResponseTemplate) -> (MockServer, Shared) {
    let (server, there) = (MockServer::start().await, Shared::default());
    let shared = Arc::clone(&there);
    Mock::given(any())
        .respond_with(move |request: &Request| answer(&mut shared.lock().unwrap(), request))
        .mount(&server)
        .await;
    (server, there)
}

async fn house(t: &TestDb, target: &str) -> TestHouse {
    let (before, _) = SETTINGS.split_once("[[target]]").unwrap();
    TestHouse::with(t, &format!("{before}{target}"), POLICY).await
}

async fn compared(house: &TestHouse) -> Result<ComparisonView, Refusal> {
    house.clock.advance(seconds(60));
    let asked = Asked { heal: true, release: None };
    compare::run_alone(&house.ports, &operator(house, "command"), &crm(), &asked).await
}

fn query(request: &Request, key: &str) -> Option<String> {
    request.url.query_pairs().find(|(name, _)| name == key).map(|(_, value)| value.into_owned())
}

fn page(there: &mut Crm, from: usize, size: usize) -> Option<Vec<Value>> {
    there.pages += 1;
    (there.fails != Some(there.pages)).then(|| there.users.iter().skip(from).take(size).cloned().collect())
}

/// SCIM 2.0 as far as a target speaks it, two users in a page.
fn scim(there: &mut Crm, request: &Request) -> ResponseTemplate {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let path: Vec<&str> = request.url.path().trim_start_matches('/').split('/').collect();
    let found = |users: &[&Value]| {
        ResponseTemplate::new(200).set_body_json(json!({ "totalResults": users.len(), "Resources": users }))
    };
    match (request.method.as_str(), path.as_slice()) {
        ("GET", ["ServiceProviderConfig"]) => {
            ResponseTemplate::new(200).set_body_json(json!({ "patch": { "supported": false } }))
        }
        ("GET", ["Users"]) => {
            if let Some(filter) = query(request, "filter") {
                let (attribute, value) = filter.split_once(" eq ").unwrap();
                let value: Value = serde_json::from_str(value).unwrap();
                return found(
                    &there.users.iter().filter(|user| user[attribute] == value).collect::<Vec<_>>(),
                );
            }
            let from: usize = query(request, "startIndex").unwrap().parse().unwrap();
            let total = there.users.len();
            match page(there, from - 1, 2) {
                Some(users) => ResponseTemplate::new(200)
                    .set_body_json(json!({ "totalResults": total, "Resources": users })),
                None => ResponseTemplate::new(500),
            }
        }
        ("POST", ["Users"]) => {
            let mut made = body;
            made["id"] = json!(format!("u{}", there.users.len()));
            there.users.push(made.clone());
            ResponseTemplate::new(201).set_body_json(made)
        }
        (method, ["Users", id]) => {
            let Some(user) = there.users.iter_mut().find(|user| user["id"] == *id) else {
                return ResponseTemplate::new(404);
            };
            if method == "PUT" {
                *user = body;
                user["id"] = json!(id);
            }
            ResponseTemplate::new(200).set_body_json(user.clone())
        }
        _ => ResponseTemplate::new(404),
    }
}

#[tokio::test]
async fn a_crm_that_speaks_scim_is_compared_and_healed_and_a_failing_page_says_nothing() {
    on_each_engine(async |t| {
        let (server, there) = start(scim).await;
        let target = format!(
            "[[target]]\nid = \"crm\"\nkind = \"scim\"\nurl = \"{}\"\nsecret = \"t0ken\"\n[target.roles]\n\
             communicator = \"Utskick\"\n[target.compare]\nactive = \"heal\"\ndisplay_name = \"accept\"\n",
            server.uri()
        )
        .replace("[target.roles]", "roles_as = \"roles\"\n[target.roles]");
        let house = house(t, &target).await;
        for name in ["asa", "bo", "cilla"] {
            make(&house, name).await;
        }
        assert_eq!(deliver_all(&house.ports).await, 3);
        let same = compared(&house).await.unwrap();
        assert_eq!((same.people, same.different, same.extra), (3, 0, 0));
        {
            let mut there = there.lock().unwrap();
            there.users[0]["active"] = json!(false);
            there.users[1]["displayName"] = json!("Robert");
            there.users.push(json!({ "id": "x", "userName": "eva", "active": true }));
            there.fails = Some(there.pages + 2);
        }
        let refused = compared(&house).await.unwrap_err();
        assert!(matches!(&refused, Refusal::Outside(why) if why.contains("500")), "{refused}");
        assert_eq!(compare::last(&house.ports, &crm()).await.unwrap(), Some(same));
        there.lock().unwrap().fails = None;
        let found = compared(&house).await.unwrap();
        assert_eq!((found.people, found.different, found.extra, found.healed), (4, 1, 1, 1));
        let listed = compare::differences(&house.ports, &found, None).await.unwrap();
        assert!(
            listed
                .iter()
                .any(|one| one.class == Class::Different && one.attribute == Some(Attribute::Active))
        );
        assert_eq!(deliver_all(&house.ports).await, 1);
        let again = compared(&house).await.unwrap();
        assert_eq!((again.different, again.healed, again.extra), (0, 0, 1));
    })
    .await;
}

const DESCRIPTION: &str = r#"
name = "Small"
follows = "a test"
[sign_in]
kind = "bearer"
[find]
path = "/users/{{ account.user_name }}"
id = "/id"
[create]
path = "/users"
body = '{"login": {{ account.user_name }} }'
id = "/id"
[update]
path = "/users/{{ crm_id }}"
body = '{}'
[deactivate]
path = "/users/{{ crm_id }}"
body = '{"on": false}'
[list]
path = "/list"
query = { offset = "{{ page.offset }}", limit = "{{ page.size }}" }
items = "/users"
total = "/total"
id = "/id"
name = "/login"
active = "/on"
size = 2
"#;

fn rest(there: &mut Crm, request: &Request) -> ResponseTemplate {
    let from: usize = query(request, "offset").unwrap().parse().unwrap();
    let size: usize = query(request, "limit").unwrap().parse().unwrap();
    // Somebody leaves while the list is read.
    if there.fails == Some(0) && from > 0 {
        there.users.remove(0);
    }
    let total = there.users.len();
    match page(there, from, size) {
        Some(users) => ResponseTemplate::new(200).set_body_json(json!({ "users": users, "total": total })),
        None => ResponseTemplate::new(500),
    }
}

#[tokio::test]
async fn a_described_crm_is_compared_whole_or_not_at_all() {
    on_each_engine(async |t| {
        let (server, there) = start(rest).await;
        let file = std::env::temp_dir().join(format!("portvakt-list-{}.toml", uuid::Uuid::now_v7().simple()));
        std::fs::write(&file, DESCRIPTION).unwrap();
        let target = format!(
            "[[target]]\nid = \"crm\"\nkind = \"rest\"\nurl = \"{}\"\nsecret = \"t0ken\"\ndescription = \"{}\"\n\
             [target.compare]\nschedule = \"30 3 * * *\"\n",
            server.uri(),
            file.display()
        );
        let house = house(t, &target).await;
        std::fs::remove_file(&file).unwrap();
        for n in 0..5 {
            let user = json!({ "id": n, "login": format!("p{n}"), "on": true });
            there.lock().unwrap().users.push(user);
        }
        let jobs = portvakt::jobs::table(&house.ports);
        assert!(jobs.iter().any(|job| job.name() == "compare:crm"), "it is compared each night");
        let found = compared(&house).await.unwrap();
        assert_eq!((found.people, found.extra), (5, 5));
        for fails in [2, 0] {
            {
                let mut there = there.lock().unwrap();
                (there.pages, there.fails) = (0, Some(fails));
            }
            let refused = compared(&house).await.unwrap_err().to_string();
            let said = if fails == 0 { "changed while it was read" } else { "500" };
            assert!(refused.contains(said), "{refused}");
            assert_eq!(compare::last(&house.ports, &crm()).await.unwrap().as_ref(), Some(&found));
        }
    })
    .await;
}
