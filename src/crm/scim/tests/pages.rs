//! Everybody, read back: as many as the CRM says it has, or nobody.

use super::*;
use crate::domain::comparison::Holding;

fn user(n: usize) -> Value {
    json!({ "id": format!("u{n}"), "userName": format!("p{n}"), "externalId": format!("e{n}"), "active": n != 2,
        "emails": [{ "value": "second@x.example" }, { "value": "p@x.example", "primary": true }],
        "roles": [{ "value": "Utskick" }] })
}

fn list(users: &[Value], total: usize) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "totalResults": total, "Resources": users }))
}

/// Answers the list with `pages`, one after the other.
async fn crm(pages: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    let pages = Lock::new(pages.into_iter());
    Mock::given(any())
        .respond_with(move |request: &Request| match request.url.path() {
            "/Groups" => ResponseTemplate::new(200).set_body_json(
                json!({ "totalResults": 1, "Resources": [{ "id": "g", "displayName": "Utskick" }] }),
            ),
            "/Groups/g" => ResponseTemplate::new(200).set_body_json(
                json!({ "id": "g", "displayName": "Utskick", "members": [{ "value": "u1" }] }),
            ),
            _ => pages.lock().unwrap().next().unwrap_or_else(|| ResponseTemplate::new(418)),
        })
        .mount(&server)
        .await;
    server
}

async fn read(server: &MockServer, roles_as: RolesAs) -> Result<Vec<Holding>, String> {
    let settings = ScimSettings {
        target: TargetId::parse("crm").unwrap(),
        url: server.uri().parse().unwrap(),
        allow_private: true,
        user_name: String::new(),
        secret: SecretString::from("t0ken".to_owned()),
        roles: [(RoleId::parse("newsletter").unwrap(), "Utskick".to_owned())].into(),
        roles_as,
    };
    let mut pages = Scim::new(settings).unwrap().pages(now());
    let mut all = Vec::new();
    loop {
        match pages.next().await {
            Ok(page) if page.is_empty() => return Ok(all),
            Ok(page) => all.extend(page),
            Err(failed) => return Err(failed.words()),
        }
    }
}

#[tokio::test]
async fn everybody_is_read_from_where_the_last_page_ended_with_the_groups_that_are_roles() {
    let server = crm(vec![list(&[user(1), user(2)], 3), list(&[user(3)], 3)]).await;
    let all = read(&server, RolesAs::Groups).await.unwrap();
    let (first, second) = (&all[0], &all[1]);
    assert_eq!(
        (all.len(), first.account.as_deref(), first.email.as_deref()),
        (3, Some("e1"), Some("p@x.example"))
    );
    assert_eq!((first.active, second.active), (Some(true), Some(false)));
    assert_eq!(first.roles, Some(["Utskick".to_owned()].into()));
    assert_eq!(second.roles, Some([].into()), "in none of our groups");
    let asked = server.received_requests().await.unwrap();
    assert!(asked.last().unwrap().url.query().unwrap().contains("startIndex=3"));
    let server = crm(vec![list(&[user(1)], 1)]).await;
    let all = read(&server, RolesAs::Roles).await.unwrap();
    assert_eq!(all[0].roles, Some(["Utskick".to_owned()].into()));
    let empty = crm(vec![list(&[], 0)]).await;
    assert_eq!(read(&empty, RolesAs::Roles).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_page_that_is_missing_cut_or_of_another_moment_ends_the_reading() {
    let whole = json!({ "totalResults": 3, "Resources": [user(3)] }).to_string();
    let cut = whole[..whole.len() - 2].to_owned();
    for (second, said) in [
        (ResponseTemplate::new(500), "500"),
        (ResponseTemplate::new(429), "429"),
        (ResponseTemplate::new(200).set_body_string(cut), "not whole"),
        (ResponseTemplate::new(404), "no such address"),
        (ResponseTemplate::new(200).set_body_json(json!({ "Resources": [user(3)] })), "no totalResults"),
        (list(&[], 3), "ended after 2 of 3"),
        (list(&[user(3)], 4), "changed while it was read"),
        (list(&[], 2), "changed while it was read"),
        (list(&[user(3), user(4)], 3), "changed while it was read"),
        (list(&[json!({ "userName": "x" })], 3), "has no id"),
    ] {
        let server = crm(vec![list(&[user(1), user(2)], 3), second]).await;
        let refused = read(&server, RolesAs::Roles).await.unwrap_err();
        assert!(refused.contains(said), "{said}: {refused}");
    }
}
