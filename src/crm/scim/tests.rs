use std::sync::Mutex as Lock;

use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

mod pages;
mod proof;

use super::*;
use crate::crm::state::tests::anna;

fn now() -> Timestamp {
    "2025-10-07T12:00:00Z".parse().unwrap()
}

/// A CRM that speaks SCIM.
#[derive(Default)]
struct Crm {
    users: Vec<Value>,
    groups: Vec<Value>,
    patches: bool,
    passes_over_filters: bool,
    /// Whether a user is shown with its groups, where there are any.
    shows_groups: bool,
    asked: Vec<String>,
}

impl Crm {
    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        assert_eq!(request.headers["authorization"], "Bearer t0ken");
        let path: Vec<String> = request.url.path_segments().unwrap().skip(1).map(str::to_owned).collect();
        self.asked.push(format!("{} {}", request.method, path.join("/")));
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        if path[0] == "ServiceProviderConfig" {
            return ResponseTemplate::new(200)
                .set_body_json(json!({ "patch": { "supported": self.patches } }));
        }
        let all = if path[0] == "Users" { &mut self.users } else { &mut self.groups };
        let place = path.get(1).map(|id| all.iter().position(|one| one["id"] == id.as_str()));
        match (request.method.as_str(), place) {
            ("GET", None) => {
                let filter = request.url.query_pairs().next().unwrap().1.into_owned();
                let (attribute, value) = filter.split_once(" eq ").unwrap();
                let value: Value = serde_json::from_str(value).unwrap();
                let fits = |one: &&Value| self.passes_over_filters || one[attribute] == value;
                let found: Vec<&Value> = all.iter().filter(fits).collect();
                ResponseTemplate::new(200)
                    .set_body_json(json!({ "totalResults": found.len(), "Resources": found }))
            }
            ("POST", None) => {
                let mut made = body;
                made["id"] = json!(format!("u{}", all.len()));
                all.push(made.clone());
                ResponseTemplate::new(201).set_body_json(made)
            }
            (_, Some(None)) => ResponseTemplate::new(404),
            ("GET", Some(Some(at))) => {
                let mut one = all[at].clone();
                let id = one["id"].clone();
                let of =
                    |group: &&Value| group["members"].as_array().unwrap().iter().any(|m| m["value"] == id);
                let groups: Vec<Value> =
                    self.groups.iter().filter(of).map(|group| json!({ "value": group["id"] })).collect();
                if self.shows_groups && path[0] == "Users" && !groups.is_empty() {
                    one["groups"] = json!(groups);
                }
                ResponseTemplate::new(200).set_body_json(one)
            }
            ("PUT", Some(Some(at))) => {
                all[at] = body;
                ResponseTemplate::new(200).set_body_json(&all[at])
            }
            ("PATCH", Some(Some(at))) if self.patches => {
                patched(&mut all[at], &body);
                ResponseTemplate::new(204)
            }
            other => panic!("{other:?}"),
        }
    }
}

fn patched(one: &mut Value, body: &Value) {
    for operation in body["Operations"].as_array().unwrap() {
        let path = operation["path"].as_str().unwrap();
        match (operation["op"].as_str().unwrap(), path.split_once('[')) {
            ("replace", None) => one[path] = operation["value"].clone(),
            ("add", None) => {
                let more = operation["value"].as_array().unwrap().clone();
                one[path].as_array_mut().unwrap().extend(more);
            }
            ("remove", None) => drop(one.as_object_mut().unwrap().remove(path)),
            ("remove", Some((path, filter))) => {
                let id = filter.split('"').nth(1).unwrap();
                one[path].as_array_mut().unwrap().retain(|member| member["value"] != id);
            }
            other => panic!("{other:?}"),
        }
    }
}

async fn start(patches: bool, roles_as: RolesAs) -> (MockServer, Arc<Lock<Crm>>, Scim) {
    let group =
        |id: &str, name: &str| json!({ "id": id, "displayName": name, "members": [{ "value": "other" }] });
    let crm = Crm {
        groups: vec![group("g1", "Utskick"), group("g2", "Styrelse"), group("g3", "Egen")],
        patches,
        ..Crm::default()
    };
    let (server, crm) = (MockServer::start().await, Arc::new(Lock::new(crm)));
    let held = Arc::clone(&crm);
    let answer = move |request: &Request| held.lock().unwrap().answer(request);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let roles = [("newsletter", "Utskick"), ("board", "Styrelse")];
    let scim = Scim::new(ScimSettings {
        target: TargetId::parse("crm").unwrap(),
        url: format!("{}/v2", server.uri()).parse().unwrap(),
        allow_private: true,
        user_name: String::new(),
        secret: SecretString::from("t0ken".to_owned()),
        roles: roles.map(|(role, name)| (RoleId::parse(role).unwrap(), name.to_owned())).into(),
        roles_as,
    });
    (server, crm, scim.unwrap())
}

fn taken(delivery: &Delivery) -> Option<&str> {
    match delivery {
        Delivery::Taken { crm_id, .. } => crm_id.as_deref(),
        other => panic!("{other:?}"),
    }
}

fn members(crm: &Arc<Lock<Crm>>, at: usize) -> Value {
    let list = crm.lock().unwrap().groups[at]["members"].clone();
    list.as_array().unwrap().iter().map(|member| member["value"].clone()).collect()
}

#[tokio::test]
async fn a_person_is_made_once_put_into_groups_and_closed_with_patch_and_without() {
    for patches in [true, false] {
        let (_server, crm, scim) = start(patches, RolesAs::Groups).await;
        let mut asa = anna();
        assert_eq!(taken(&scim.deliver(now(), &asa).await), Some("u0"));
        assert_eq!((members(&crm, 0), members(&crm, 1)), (json!(["other", "u0"]), json!(["other"])));
        // What the CRM knows besides stays, however it is changed.
        crm.lock().unwrap().users[0]["phoneNumbers"] = json!([{ "value": "08-123" }]);
        asa.account.display_name = "Åsa L".to_owned();
        assert_eq!(taken(&scim.deliver(now(), &asa).await), Some("u0"), "found by our id");
        let user = crm.lock().unwrap().users[0].clone();
        assert_eq!(
            (&user["displayName"], &user["phoneNumbers"][0]["value"]),
            (&json!("Åsa L"), &json!("08-123"))
        );
        asa.account.status = Status::Deactivated;
        asa.account.roles.clear();
        asa.account.crm_id = Some("u0".to_owned());
        taken(&scim.deliver(now(), &asa).await);
        assert_eq!(crm.lock().unwrap().users[0]["active"], false);
        assert_eq!((members(&crm, 0), members(&crm, 2)), (json!(["other"]), json!(["other"])));
        asa.account.status = Status::Removed;
        asa.account.user_name = String::new();
        taken(&scim.deliver(now(), &asa).await);
        let left = crm.lock().unwrap().users[0].to_string();
        assert!(
            !left.contains("Åsa") && !left.contains("bjorkbacken") && left.contains("\"active\":false"),
            "{left}"
        );
        let crm = crm.lock().unwrap();
        assert_eq!(crm.users.len(), 1);
        assert!(crm.asked.iter().all(|one| !one.starts_with("DELETE")), "{:?}", crm.asked);
        assert_eq!(crm.asked.iter().filter(|one| one.ends_with("ServiceProviderConfig")).count(), 1);
    }
}

#[tokio::test]
async fn roles_go_as_roles_or_entitlements_where_the_crm_takes_them_so() {
    for (roles_as, attribute) in [(RolesAs::Roles, "roles"), (RolesAs::Entitlements, "entitlements")] {
        let (_server, crm, scim) = start(true, roles_as).await;
        taken(&scim.deliver(now(), &anna()).await);
        assert_eq!(crm.lock().unwrap().users[0][attribute], json!([{ "value": "Utskick" }]));
        let mut asa = anna();
        asa.account.roles.clear();
        taken(&scim.deliver(now(), &asa).await);
        assert_eq!(crm.lock().unwrap().users[0].get(attribute), None);
        assert!(crm.lock().unwrap().asked.iter().all(|one| !one.contains("Groups")));
    }
}

#[tokio::test]
async fn who_was_there_before_is_found_by_name_and_who_is_not_is_not_made_to_be_closed() {
    let (_server, crm, scim) = start(true, RolesAs::Groups).await;
    let mut gone = anna();
    gone.account.status = Status::Deactivated;
    assert_eq!(taken(&scim.deliver(now(), &gone).await), None);
    assert!(crm.lock().unwrap().users.is_empty());
    let known = json!({ "id": "old", "userName": "åsa@bjorkbacken.example", "active": true });
    crm.lock().unwrap().users.push(known);
    assert_eq!(taken(&scim.deliver(now(), &anna()).await), Some("old"));
    assert_eq!(crm.lock().unwrap().users[0]["externalId"], json!(anna().account.id));
}

#[tokio::test]
async fn a_group_that_is_missing_is_named_and_a_trial_writes_nothing() {
    let (_server, crm, scim) = start(true, RolesAs::Groups).await;
    crm.lock().unwrap().groups.remove(1);
    let findings = scim.test(now()).await;
    let bad: Vec<&Finding> = findings.iter().filter(|one| !one.is_good).collect();
    assert!(bad.len() == 1 && bad[0].said.contains("\"Styrelse\""), "{findings:?}");
    assert!(crm.lock().unwrap().asked.iter().all(|one| one.starts_with("GET")));
    let Delivery::Refused { error } = scim.deliver(now(), &anna()).await else { panic!("not refused") };
    assert!(error.contains("\"Styrelse\"") && error.contains("target.roles"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_read_is_never_a_yes_and_a_wrong_token_is_no_accounts_fault() {
    let answers = [
        (ResponseTemplate::new(401), true),
        (ResponseTemplate::new(403), false),
        (ResponseTemplate::new(429).insert_header("Retry-After", "60"), true),
        (ResponseTemplate::new(500), true),
        (ResponseTemplate::new(200).set_body_string("{\"Resou"), true),
        (ResponseTemplate::new(301).insert_header("Location", "http://127.0.0.1:1/"), true),
    ];
    for (answer, is_again) in answers {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let scim = Scim::new(ScimSettings {
            target: TargetId::parse("crm").unwrap(),
            url: server.uri().parse().unwrap(),
            allow_private: true,
            user_name: "portvakt".to_owned(),
            secret: SecretString::from("t0ken".to_owned()),
            roles: BTreeMap::new(),
            roles_as: RolesAs::Groups,
        });
        let delivery = scim.unwrap().deliver(now(), &anna()).await;
        let is_refused = matches!(delivery, Delivery::Refused { .. });
        assert!(
            matches!(delivery, Delivery::Again { .. }) == is_again && is_refused != is_again,
            "{delivery:?}"
        );
        assert_eq!(
            server.received_requests().await.unwrap().len(),
            1,
            "nothing is written on such an answer"
        );
    }
}
