//! One table for every kind of target that speaks HTTP: where its address may lead.
//!
//! Invariant: nothing leaves this machine; what is refused was never connected to.

use reqwest::Url;
use reqwest::dns::Resolve;
use secrecy::SecretString;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::resolver::tests::Scripted;
use super::state::tests::anna;
use super::*;

const KINDS: [&str; 3] = ["webhook", "rest", "scim"];

const DESCRIPTION: &str = r#"
name = "x"
follows = "x"
[sign_in]
kind = "bearer"
[find]
path = "/x"
id = "/id"
[create]
path = "/x"
id = "/id"
[update]
path = "/x"
[deactivate]
path = "/x"
"#;

fn target(
    kind: &str,
    url: &str,
    allow_private: bool,
    names: std::sync::Arc<dyn Resolve>,
) -> Result<Crm, CrmError> {
    let (target, url) = (TargetId::parse("crm").unwrap(), Url::parse(url).unwrap());
    let secret = SecretString::from("s3cret".to_owned());
    match kind {
        "webhook" => {
            let keys = vec![SigningKey::parse("a key that nobody guesses").unwrap()];
            let settings = WebhookSettings { target, url, keys, allow_private };
            Webhook::resolving_by(settings, names).map(Crm::Webhook)
        }
        "rest" => {
            let settings = RestSettings {
                target,
                url,
                allow_private,
                file: "x.toml".to_owned(),
                description: DESCRIPTION.to_owned(),
                user_name: String::new(),
                secret,
                values: std::collections::BTreeMap::new(),
                roles: std::collections::BTreeMap::new(),
            };
            Rest::resolving_by(settings, names).map(Crm::Rest)
        }
        _ => {
            let settings = ScimSettings {
                target,
                url,
                allow_private,
                user_name: String::new(),
                secret,
                roles: std::collections::BTreeMap::new(),
                roles_as: RolesAs::Groups,
            };
            Scim::resolving_by(settings, names).map(Crm::Scim)
        }
    }
}

async fn said(crm: &Crm) -> String {
    match crm.deliver(Timestamp::UNIX_EPOCH, &anna()).await {
        Delivery::Again { error, .. } => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_address_by_number_in_any_form_is_judged_when_the_target_is_set() {
    // The address, and whether a target may have it that allows private networks.
    let table = [
        ("https://127.0.0.1/", true),
        ("https://127.1/", true),
        ("https://2130706433/", true),
        ("https://0177.0.0.1/", true),
        ("https://0x7f000001/", true),
        ("https://[::1]/", true),
        ("https://[::ffff:127.0.0.1]/", true),
        ("https://[::ffff:10.0.0.1]/", true),
        ("https://[::ffff:a00:1]/", true),
        ("https://[64:ff9b::a00:1]/", true),
        ("https://10.0.0.1/", true),
        ("https://192.168.0.9/", true),
        ("https://172.16.0.1/", true),
        ("https://[fd12::1]/", true),
        ("https://169.254.169.254/latest/meta-data", false),
        ("https://2852039166/", false),
        ("https://0251.0376.0251.0376/", false),
        ("https://[::ffff:169.254.169.254]/", false),
        ("https://[fd00:ec2::254]/", false),
        ("https://[fe80::1]/", false),
        ("https://0.0.0.0/", false),
        ("https://0/", false),
        ("https://[::]/", false),
        ("https://224.0.0.1/", false),
        ("https://255.255.255.255/", false),
    ];
    for kind in KINDS {
        let is_refused = |url: &str, allow_private| {
            let refused = target(kind, url, allow_private, Scripted::new([&[]]));
            matches!(refused, Err(CrmError::Forbidden { .. }))
        };
        for (url, may_be_allowed) in table {
            assert!(is_refused(url, false), "{kind} {url}");
            assert_eq!(is_refused(url, true), !may_be_allowed, "{kind} {url}");
        }
        for url in ["http://crm.example/", "http://10.0.0.1/", "http://127.0.0.1.crm.example/"] {
            let refused = target(kind, url, true, Scripted::new([&[]]));
            assert!(matches!(refused, Err(CrmError::NotEncrypted(_))), "{kind} {url}");
        }
        for url in ["https://portvakt:pw@crm.example/", "ftp://crm.example/"] {
            let refused = target(kind, url, true, Scripted::new([&[]]));
            assert!(matches!(refused, Err(CrmError::NotWeb(_))), "{kind} {url}");
        }
    }
}

#[tokio::test]
async fn a_name_that_leads_inwards_is_refused_before_anybody_is_connected_to() {
    let table: [(&[&str], bool); 8] = [
        (&["127.0.0.1:0"], true),
        (&["[::1]:0"], true),
        (&["10.0.0.1:0"], true),
        (&["[::ffff:10.0.0.1]:0"], true),
        (&["169.254.169.254:0"], false),
        (&["[::ffff:169.254.169.254]:0"], false),
        (&["0.0.0.0:0"], false),
        (&["93.184.215.14:0", "169.254.169.254:0"], false),
    ];
    for kind in KINDS {
        for (addresses, may_be_allowed) in table {
            for allow_private in [false, true].into_iter().filter(|allow| !(*allow && may_be_allowed)) {
                let names = Scripted::new([addresses]);
                let crm = target(kind, "https://crm.example/", allow_private, names).unwrap();
                let said = said(&crm).await;
                assert!(said.contains("crm.example leads to"), "{kind} {addresses:?}: {said}");
            }
        }
    }
}

#[tokio::test]
async fn a_name_that_answers_differently_the_second_time_gains_nothing() {
    let server = MockServer::start().await;
    for kind in KINDS {
        let url = format!("https://crm.example:{}/", server.address().port());
        let names = Scripted::new([&["127.0.0.1:0"], &["169.254.169.254:0"]]);
        let crm = target(kind, &url, true, names).unwrap();
        // The first answer is allowed here; the connection fails only because nobody speaks TLS there.
        let first = said(&crm).await;
        assert!(!first.contains("leads to"), "{kind}: {first}");
        let second = said(&crm).await;
        assert!(second.contains("crm.example leads to 169.254.169.254"), "{kind}: {second}");
    }
}

#[tokio::test]
async fn no_redirect_is_followed_inwards_or_anywhere() {
    let elsewhere = MockServer::start().await;
    let server = MockServer::start().await;
    for to in [elsewhere.uri(), "http://169.254.169.254/latest".to_owned(), "file:///etc/passwd".to_owned()] {
        server.reset().await;
        let moved = ResponseTemplate::new(307).insert_header("location", to.as_str());
        Mock::given(any()).respond_with(moved).mount(&server).await;
        for kind in KINDS {
            let crm = target(kind, &server.uri(), true, Scripted::new([&[]])).unwrap();
            let said = said(&crm).await;
            assert!(said.contains("307"), "{kind}: {said}");
        }
        assert_eq!(server.received_requests().await.unwrap().len(), KINDS.len());
    }
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}
