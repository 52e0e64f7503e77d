//! Everybody, read back: every page, or nobody.

use super::*;
use crate::domain::comparison::Holding;

const LISTED: &str = r#"
[roles]
path = "/roles"
items = ""
id = "/id"
name = "/name"
[set_roles]
path = "/set"
body = '{{ roles }}'
[list]
path = "/users"
query = { offset = "{{ page.offset }}", limit = "{{ page.size }}", mark = "{{ page.next or '' }}" }
items = "/users"
id = "/id"
name = "/login"
active = "/on"
display_name = "/name"
email = "/mail"
last_login = "/seen"
roles = "/roles"
size = 2
"#;

fn user(id: i64) -> Value {
    json!({ "id": id, "login": format!("p{id}"), "on": 1, "name": "P", "mail": null, "seen": 1_759_838_400, "roles": [7] })
}

/// Answers the list with `pages`, one after the other.
async fn crm(pages: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    let pages = Mutex::new(pages.into_iter());
    Mock::given(any())
        .respond_with(move |request: &Request| {
            if request.url.path() == "/roles" {
                return ResponseTemplate::new(200).set_body_json(json!([{ "id": 7, "name": "Utskick" }]));
            }
            pages.lock().unwrap().next().unwrap_or_else(|| ResponseTemplate::new(418))
        })
        .mount(&server)
        .await;
    server
}

fn page(users: &[Value], total: Option<i64>) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "users": users, "total": total }))
}

async fn read(server: &MockServer, more: &str) -> Result<Vec<Holding>, String> {
    let described = RestSettings { ..settings(&server.uri(), &format!("{SMALL}{LISTED}{more}")) };
    let mut pages = Rest::new(described).unwrap().pages(now());
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
async fn everybody_is_read_over_all_pages_with_what_the_description_names() {
    let server = crm(vec![page(&[user(1), user(2)], None), page(&[user(3)], None)]).await;
    let all = read(&server, "").await.unwrap();
    assert_eq!(all.len(), 3);
    let first = &all[0];
    assert_eq!(
        (first.crm_id.as_str(), first.user_name.as_deref(), first.active),
        ("1", Some("p1"), Some(true))
    );
    assert_eq!(first.roles, Some([("Utskick".to_owned())].into()), "an id is told by its name");
    assert_eq!(
        (first.email.as_deref(), first.account.as_deref()),
        (Some(""), None),
        "nothing is not silence"
    );
    assert_eq!(first.last_login.unwrap().to_string(), "2025-10-07T12:00:00Z");
    let asked = server.received_requests().await.unwrap();
    assert!(asked.last().unwrap().url.query().unwrap().contains("offset=2"));
}

#[tokio::test]
async fn a_list_that_tells_its_length_must_keep_it() {
    let with_total = "total = \"/total\"\n";
    let good = crm(vec![page(&[user(1), user(2)], Some(3)), page(&[user(3)], Some(3))]).await;
    assert_eq!(read(&good, with_total).await.unwrap().len(), 3);
    for (second, said) in [
        (page(&[user(3)], Some(2)), "changed while it was read"),
        (page(&[], Some(3)), "ended after 2 of 3"),
        (page(&[user(3), user(4)], Some(3)), "changed while it was read"),
        (page(&[user(3)], None), "list.total: no number"),
    ] {
        let server = crm(vec![page(&[user(1), user(2)], Some(3)), second]).await;
        let refused = read(&server, with_total).await.unwrap_err();
        assert!(refused.contains(said), "{refused}");
    }
}

#[tokio::test]
async fn a_page_that_does_not_come_whole_ends_the_reading() {
    let whole = json!({ "users": [user(3), user(4)] }).to_string();
    let cut = whole[..whole.len() - 3].to_owned();
    for (second, said) in [
        (ResponseTemplate::new(500), "500"),
        (ResponseTemplate::new(200).set_body_string(cut), "not whole"),
        (ResponseTemplate::new(200).set_body_string(""), "empty"),
        (ResponseTemplate::new(404), "no such address"),
        (ResponseTemplate::new(200).set_body_json(json!({ "error": "x" })), "nothing stands at"),
        (page(&[json!({ "login": "x" })], None), "has no id"),
        (page(&[json!({ "id": 9, "seen": "soon" })], None), "last_login"),
    ] {
        let server = crm(vec![page(&[user(1), user(2)], None), second]).await;
        let refused = read(&server, "").await.unwrap_err();
        assert!(refused.contains(said), "{said}: {refused}");
    }
}

#[tokio::test]
async fn pages_by_marks_go_on_until_there_is_none_and_never_in_a_circle() {
    let marked = |users: &[Value], mark: Value| {
        ResponseTemplate::new(200).set_body_json(json!({ "users": users, "next": mark }))
    };
    let with_next = "next = \"/next\"\n";
    let good = crm(vec![marked(&[user(1)], json!("b")), marked(&[user(2)], Value::Null)]).await;
    assert_eq!(read(&good, with_next).await.unwrap().len(), 2);
    let circle = crm(vec![marked(&[user(1)], json!("b")), marked(&[user(2)], json!("b"))]).await;
    assert!(read(&circle, with_next).await.unwrap_err().contains("the same page comes again"));
}
