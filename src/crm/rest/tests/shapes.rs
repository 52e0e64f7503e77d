//! The shipped descriptions, against CRMs of the shapes that they follow.

use std::sync::{Arc, Mutex};

use reqwest::Url;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::super::*;
use super::{deactivated, now, settings, taken, text_of};
use crate::crm::state::tests::anna;
use crate::domain::ids::RoleId;

/// Makes the answer out of the request and what the CRM holds.
type Answer = fn(&mut Crm, &Request) -> ResponseTemplate;

/// A CRM of the shape of one, which remembers its users.
#[derive(Default)]
struct Crm {
    users: Vec<Value>,
    asked: Vec<String>,
    /// The answer to the next making of a user is lost.
    loses: bool,
}

impl Crm {
    fn user(&mut self, id: &Value) -> Option<&mut Value> {
        self.users.iter_mut().find(|user| user["id"] == *id)
    }

    fn write(&mut self, id: &Value, values: &Value) {
        let Some(user) = self.user(id) else { return };
        for (key, value) in values.as_object().unwrap() {
            user[key] = value.clone();
        }
    }

    fn create(&mut self, values: &Value) -> i64 {
        let id = i64::try_from(self.users.len()).unwrap() + 10;
        self.users.push(json!({ "id": id, "active": true }));
        self.write(&json!(id), values);
        id
    }

    fn matching(&self, key: &str, value: &Value) -> Vec<Value> {
        self.users.iter().filter(|user| user[key] == *value).cloned().collect()
    }

    fn answer(&mut self, body: &Value) -> ResponseTemplate {
        if self.loses && self.asked.last().is_some_and(|last| last.ends_with("create")) {
            self.loses = false;
            return ResponseTemplate::new(502);
        }
        ResponseTemplate::new(200).set_body_json(body)
    }
}

async fn start(answer: Answer) -> (MockServer, Arc<Mutex<Crm>>) {
    let (server, crm) = (MockServer::start().await, Arc::new(Mutex::new(Crm::default())));
    let held = Arc::clone(&crm);
    Mock::given(any())
        .respond_with(move |request: &Request| answer(&mut held.lock().unwrap(), request))
        .mount(&server)
        .await;
    (server, crm)
}

fn odoo(crm: &mut Crm, request: &Request) -> ResponseTemplate {
    let asked: Value = serde_json::from_slice(&request.body).unwrap();
    let args = &asked["params"]["args"];
    assert_eq!(args[0], "forening");
    if asked["params"]["method"] == "authenticate" {
        crm.asked.push("authenticate".to_owned());
        let is_right = args[1] == "portvakt" && args[2] == "s3cret";
        return crm.answer(&json!({ "result": if is_right { json!(2) } else { json!(false) } }));
    }
    assert_eq!((&args[1], &args[2]), (&json!(2), &json!("s3cret")));
    let method = args[4].as_str().unwrap();
    crm.asked.push(format!("{} {method}", args[3].as_str().unwrap()));
    let result = match (args[3].as_str().unwrap(), method) {
        ("res.groups", _) => {
            json!([{ "id": 5, "full_name": "Utskick" }, { "id": 6, "full_name": "Styrelse" }])
        }
        (_, "create") => json!(crm.create(&args[5][0])),
        (_, "search_read") => match args[5][0].get(0) {
            Some(term) => json!(crm.matching(term[0].as_str().unwrap(), &term[2])),
            None => json!(crm.users),
        },
        (_, "write") => {
            crm.write(&args[5][0][0], &args[5][1]);
            json!(true)
        }
        other => return crm.answer(&json!({ "error": { "message": format!("{other:?}") } })),
    };
    crm.answer(&json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result }))
}

fn civicrm(crm: &mut Crm, request: &Request) -> ResponseTemplate {
    assert_eq!(request.headers["authorization"], "Bearer s3cret");
    assert_eq!(request.headers["x-requested-with"], "XMLHttpRequest");
    let form = String::from_utf8(request.body.clone()).unwrap();
    let url: Url = format!("http://x/?{form}").parse().unwrap();
    let params = url.query_pairs().find(|(key, _)| key == "params").unwrap().1.into_owned();
    let params: Value = serde_json::from_str(&params).unwrap();
    let action = request.url.path().trim_start_matches("/civicrm/ajax/api4/").to_owned();
    crm.asked.push(action.clone());
    let of = &params["where"][0][2];
    let values = match action.as_str() {
        "User/get" => match params["where"][0][0].as_str() {
            Some(key) => json!(crm.matching(key, of)),
            None => json!(crm.users),
        },
        "Contact/create" => {
            let chained = &params["chain"]["user"][2]["values"];
            let id = crm.create(chained);
            json!([{ "id": 99, "user": [{ "id": id }] }])
        }
        "User/update" => {
            crm.write(of, &params["values"]);
            json!([])
        }
        other => return crm.answer(&json!({ "error_code": 1, "error_message": other })),
    };
    crm.answer(&json!({ "values": values }))
}

fn of_odoo(server: &MockServer) -> Rest {
    let mut settings = settings(&server.uri(), &text_of("odoo.toml"));
    settings.values = [("database".to_owned(), "forening".to_owned())].into();
    Rest::new(settings).unwrap()
}

#[test]
fn every_shipped_description_can_be_read_and_says_whether_it_is_proven() {
    for (file, proven) in [("tryton.toml", true), ("odoo.toml", false), ("civicrm.toml", false)] {
        let (described, _) = description::read(file, &text_of(file)).unwrap();
        assert_eq!(described.proven, proven, "{file}");
        assert!(described.list.is_some(), "{file}");
    }
}

#[tokio::test]
async fn a_person_is_made_once_changed_and_closed_in_a_crm_of_odoos_shape() {
    let (server, crm) = start(odoo).await;
    let rest = of_odoo(&server);
    let first = rest.deliver(now(), &anna()).await;
    assert_eq!(taken(&first), ("done: created 10, set_roles", Some("10")));
    let user = crm.lock().unwrap().users[0].clone();
    assert_eq!((&user["login"], &user["active"]), (&json!("åsa@bjorkbacken.example"), &json!(true)));
    assert_eq!(user["groups_id"], json!([[3, 6], [4, 5]]), "only roles of the settings, by their ids");
    assert_eq!(taken(&rest.deliver(now(), &anna()).await), ("done: found 10, update, set_roles", Some("10")));
    taken(&rest.deliver(now(), &deactivated(anna())).await);
    let user = crm.lock().unwrap().users[0].clone();
    assert_eq!((&user["active"], &user["groups_id"]), (&json!(false), &json!([[3, 6], [3, 5]])));
    let asked = crm.lock().unwrap().asked.clone();
    assert_eq!(
        asked.iter().filter(|one| *one == "authenticate").count(),
        1,
        "one session for all: {asked:?}"
    );
    assert_eq!(crm.lock().unwrap().users.len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_lost_after_the_write_makes_no_second_user() {
    let (server, crm) = start(odoo).await;
    let rest = of_odoo(&server);
    crm.lock().unwrap().loses = true;
    let lost = rest.deliver(now(), &anna()).await;
    assert!(matches!(lost, Delivery::Again { .. }), "{lost:?}");
    assert_eq!(taken(&rest.deliver(now(), &anna()).await).1, Some("10"));
    assert_eq!(crm.lock().unwrap().users.len(), 1);
}

#[tokio::test]
async fn a_person_is_made_changed_and_closed_in_a_crm_of_civicrms_shape() {
    let (server, crm) = start(civicrm).await;
    let rest = Rest::new(settings(&server.uri(), &text_of("civicrm.toml"))).unwrap();
    assert_eq!(taken(&rest.deliver(now(), &anna()).await), ("done: created 10", Some("10")));
    let user = crm.lock().unwrap().users[0].clone();
    assert_eq!(
        (&user["username"], &user["roles:name"]),
        (&json!("åsa@bjorkbacken.example"), &json!(["Utskick"]))
    );
    crm.lock().unwrap().write(&json!(10), &json!({ "roles:name": ["egen", "Styrelse", "Utskick"] }));
    taken(&rest.deliver(now(), &anna()).await);
    let user = crm.lock().unwrap().users[0].clone();
    assert_eq!(user["roles:name"], json!(["Utskick", "egen"]), "a role that is none of ours stays");
    taken(&rest.deliver(now(), &deactivated(anna())).await);
    assert_eq!(crm.lock().unwrap().users[0]["is_active"], false);
}

#[tokio::test]
async fn who_is_not_there_is_not_made_to_be_closed_and_two_of_a_name_are_refused() {
    let (server, crm) = start(odoo).await;
    let rest = of_odoo(&server);
    assert_eq!(
        taken(&rest.deliver(now(), &deactivated(anna())).await),
        ("done: the CRM has no such user", None)
    );
    assert!(crm.lock().unwrap().users.is_empty());
    let twin = json!({ "login": "åsa@bjorkbacken.example" });
    crm.lock().unwrap().create(&twin);
    crm.lock().unwrap().create(&twin);
    let Delivery::Refused { error } = rest.deliver(now(), &anna()).await else { panic!("not refused") };
    assert!(error.contains("find: the CRM has 2 users"), "{error}");
}

#[tokio::test]
async fn a_trial_reads_and_writes_nothing_and_names_a_role_that_is_missing() {
    let (server, crm) = start(odoo).await;
    let mut with = settings(&server.uri(), &text_of("odoo.toml"));
    with.values = [("database".to_owned(), "forening".to_owned())].into();
    with.roles.insert(RoleId::parse("extra").unwrap(), "Finns inte".to_owned());
    for n in 0..450 {
        crm.lock().unwrap().create(&json!({ "login": format!("p{n}") }));
    }
    let findings = Rest::new(with).unwrap().test(now()).await;
    let said: Vec<(bool, String)> =
        findings.iter().map(|one| (one.is_good, format!("{}: {}", one.what, one.said))).collect();
    assert!(said.iter().any(|(good, text)| !good && text.contains("\"Finns inte\"")), "{said:?}");
    assert!(said.iter().any(|(good, text)| *good && text.contains("read ")), "{said:?}");
    assert!(said.iter().all(|(_, text)| !text.contains("s3cret")), "{said:?}");
    let asked = crm.lock().unwrap().asked.clone();
    assert!(asked.iter().all(|one| !one.ends_with("create") && !one.ends_with("write")), "{asked:?}");
}
