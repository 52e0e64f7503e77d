//! What is believed of a CRM's answers, and what of the CRM's own is left alone.

use super::*;

fn gone() -> AccountState {
    let mut state = anna();
    state.account.status = Status::Deactivated;
    state.account.roles.clear();
    state
}

fn settings(server: &MockServer) -> ScimSettings {
    ScimSettings {
        target: TargetId::parse("crm").unwrap(),
        url: server.uri().parse().unwrap(),
        allow_private: true,
        user_name: String::new(),
        secret: SecretString::from("t0ken".to_owned()),
        roles: BTreeMap::new(),
        roles_as: RolesAs::Groups,
    }
}

#[tokio::test]
async fn a_crm_that_passes_over_filters_gives_us_nobody_elses_user_and_proves_nothing() {
    let (_server, crm, scim) = start(true, RolesAs::Groups).await;
    crm.lock().unwrap().passes_over_filters = true;
    crm.lock()
        .unwrap()
        .users
        .push(json!({ "id": "bo", "userName": "bo@bjorkbacken.example", "active": true }));
    for state in [anna(), gone()] {
        let Delivery::Refused { error } = scim.deliver(now(), &state).await else { panic!("not refused") };
        assert!(error.contains("passes over the filter externalId"), "{error}");
    }
    let crm = crm.lock().unwrap();
    assert_eq!(crm.users.len(), 1);
    assert!(crm.asked.iter().all(|one| one.starts_with("GET")), "{:?}", crm.asked);
}

#[tokio::test]
async fn nobody_is_gone_because_an_address_or_an_answer_is_wrong() {
    let list = |body: Value| ResponseTemplate::new(200).set_body_json(body);
    for (answer, is_believed) in [
        (ResponseTemplate::new(404), false),
        (ResponseTemplate::new(204), false),
        (list(json!({})), false),
        (list(json!({ "Resources": [] })), false),
        (list(json!({ "totalResults": 2 })), false),
        (list(json!({ "totalResults": 2, "Resources": [] })), false),
        (list(json!({ "totalResults": 0 })), true),
        (list(json!({ "totalResults": 0, "Resources": [] })), true),
    ] {
        for crm_id in [None, Some("u7".to_owned())] {
            let server = MockServer::start().await;
            let told = answer.clone();
            let respond = move |request: &Request| match request.url.path() {
                "/Users/u7" => ResponseTemplate::new(404),
                _ => told.clone(),
            };
            Mock::given(any()).respond_with(respond).mount(&server).await;
            let mut state = gone();
            state.account.crm_id = crm_id;
            let delivery = Scim::new(settings(&server)).unwrap().deliver(now(), &state).await;
            match &delivery {
                Delivery::Taken { .. } => assert!(is_believed, "{answer:?}"),
                Delivery::Again { .. } => assert!(!is_believed, "{answer:?}"),
                other => panic!("{answer:?}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn who_has_another_id_in_the_crm_now_is_found_by_ours_and_closed() {
    let (_server, crm, scim) = start(true, RolesAs::Groups).await;
    let mut state = gone();
    state.account.crm_id = Some("before".to_owned());
    let moved = json!({ "id": "after", "externalId": state.account.id, "userName": "x", "active": true });
    crm.lock().unwrap().users.push(moved);
    assert_eq!(taken(&scim.deliver(now(), &state).await), Some("after"));
    assert_eq!(crm.lock().unwrap().users[0]["active"], false);
}

#[tokio::test]
async fn roles_that_the_crm_gave_itself_stay_with_patch_and_without() {
    for (roles_as, attribute) in [(RolesAs::Roles, "roles"), (RolesAs::Entitlements, "entitlements")] {
        for patches in [true, false] {
            let (_server, crm, scim) = start(patches, roles_as).await;
            taken(&scim.deliver(now(), &anna()).await);
            let own = json!({ "value": "Kassör", "type": "own" });
            crm.lock().unwrap().users[0][attribute] = json!([own, { "value": "Styrelse" }]);
            taken(&scim.deliver(now(), &anna()).await);
            let held = crm.lock().unwrap().users[0][attribute].clone();
            assert_eq!(held, json!([own, { "value": "Utskick" }]));
            taken(&scim.deliver(now(), &gone()).await);
            assert_eq!(crm.lock().unwrap().users[0][attribute], json!([own]));
        }
    }
}

#[test]
fn where_no_role_is_set_roles_are_not_spoken_of() {
    for roles_as in [RolesAs::Roles, RolesAs::Entitlements] {
        let user = wire::user(&anna(), &BTreeMap::new(), roles_as, &json!({ "roles": [{ "value": "x" }] }));
        assert!(user.get("roles").is_none() && user.get("entitlements").is_none(), "{user}");
    }
}

#[tokio::test]
async fn a_group_is_read_with_its_members_only_where_the_user_does_not_say_its_groups() {
    let (server, crm, scim) = start(true, RolesAs::Groups).await;
    crm.lock().unwrap().shows_groups = true;
    let reads = || {
        let asked = std::mem::take(&mut crm.lock().unwrap().asked);
        asked.iter().filter(|one| one.starts_with("GET Groups/")).count()
    };
    let mut asa = anna();
    taken(&scim.deliver(now(), &asa).await);
    assert_eq!(reads(), 2, "it has not shown yet that it lists groups");
    asa.account.crm_id = Some("u0".to_owned());
    taken(&scim.deliver(now(), &asa).await);
    assert_eq!((reads(), members(&crm, 0)), (0, json!(["other", "u0"])));
    asa.account.roles = std::iter::once(RoleId::parse("board").unwrap()).collect();
    taken(&scim.deliver(now(), &asa).await);
    assert_eq!((reads(), members(&crm, 0), members(&crm, 1)), (0, json!(["other"]), json!(["other", "u0"])));
    let asked = server.received_requests().await.unwrap();
    let mut searches = asked.iter().filter(|one| one.url.path() == "/v2/Groups");
    let is_narrow =
        |one: &Request| one.url.query_pairs().any(|(k, v)| k == "attributes" && v == "id,displayName");
    assert!(searches.all(is_narrow));
}

#[tokio::test]
async fn a_group_is_written_back_whole_where_only_put_is_known() {
    let (_server, crm, scim) = start(false, RolesAs::Groups).await;
    crm.lock().unwrap().shows_groups = true;
    let mut asa = anna();
    for _ in 0..2 {
        taken(&scim.deliver(now(), &asa).await);
        asa.account.crm_id = Some("u0".to_owned());
    }
    asa.account.roles.clear();
    taken(&scim.deliver(now(), &asa).await);
    assert_eq!((members(&crm, 0), members(&crm, 1)), (json!(["other"]), json!(["other"])));
}
