use std::path::Path;

use jiff::SignedDuration;

use super::*;
use crate::config::{
    DirectoryKind, MailSecurity, PullFrom, SubjectIs, SubjectKind, TargetKind, TokenAlgorithm,
};
use crate::domain::client::{Claim, Requirement, Scope};
use crate::domain::ids::ComponentId;
use crate::domain::policy::Action;

const LEAST: &str = "[server]\npublic_url = \"http://127.0.0.1:8080/\"\n";

fn of(text: &str) -> ReadSettings {
    read(text, Path::new("etc/portvakt.toml"), Vec::new(), false)
}

fn said(text: &str) -> Vec<String> {
    of(text).mistakes.iter().map(ToString::to_string).collect()
}

#[test]
fn a_file_that_names_only_the_public_address_gets_every_default() {
    let settings = of(LEAST).settings.unwrap();
    assert_eq!(settings.server.public_url.as_str(), "http://127.0.0.1:8080");
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.server.request_limit_bytes, 1_048_576);
    assert_eq!(settings.server.shutdown_grace, SignedDuration::from_secs(20));
    assert_eq!(settings.database.engine.to_string(), "sqlite:etc/data/portvakt.db");
    assert_eq!(settings.policy_file, Path::new("etc/policy.toml"));
    assert_eq!(settings.language, Language::Sv);
    assert_eq!(settings.sessions.idle, SignedDuration::from_mins(30));
    assert_eq!(settings.sessions.absolute, SignedDuration::from_hours(12));
    assert!(settings.directories.is_empty() && settings.mail.is_none());
}

#[test]
fn a_directory_gets_the_habits_of_its_kind() {
    let text = format!(
        "{LEAST}
[[directory]]
id = \"entra\"
kind = \"entra\"
[directory.oidc]
issuer = \"https://login.microsoftonline.com/6f0e8a1c-0000-4000-8000-000000000000/v2.0\"
client_id = \"x\"
[directory.pull]
tenant_id = \"t\"
client_id = \"x\"
client_secret = \"y\"
[[directory]]
id = \"okta\"
kind = \"okta\"
protected = [\"admin@x.example\"]
[directory.oidc]
issuer = \"https://x.okta.com\"
client_id = \"x\"
subject_is = \"userName\"
[mail]
smtp = \"smtp://mail.example\"
from = \"Portvakt <p@x.example>\"
"
    );
    let settings = of(&text).settings.unwrap();
    let [entra, okta] = &settings.directories[..] else { panic!("not two") };
    assert_eq!((entra.kind, okta.kind), (DirectoryKind::Entra, DirectoryKind::Okta));
    let claim = |directory: &Directory| directory.oidc.as_ref().unwrap().subject_claim.clone();
    assert_eq!((claim(entra).as_str(), claim(okta).as_str()), ("oid", "sub"));
    assert_eq!(okta.oidc.as_ref().unwrap().subject_is, SubjectIs::UserName);
    assert_eq!(okta.protected, ["admin@x.example"]);
    let Some(PullFrom::Entra { base_url, .. }) = entra.pull.as_ref().map(|pull| &pull.from) else {
        panic!("no pull")
    };
    assert_eq!(base_url, "https://graph.microsoft.com");
    let mail = settings.mail.unwrap();
    assert_eq!((mail.security, mail.port), (MailSecurity::StartTls, 587));
}

const WRONG: &str = r#"
[server]
listen = "localhost:8080"
public_url = "http://portvakt.example"
metrics_token = ""
shutdown_grace = 20
[database]
url = "mysql://x"
[language]
default = "no"
[sessions]
idle = "2d"
[[directory]]
id = "Entra"
kind = "azure"
[[directory]]
id = "okta"
kind = "okta"
domains = ["x.example", "X.example"]
[directory.oidc]
issuer = "https://x.okta.com"
client_id = "x"
client_secret = "y"
client_secret_file = "z"
subject_claim = "email"
algorithms = ["none"]
[directory.pull]
login_url = "https://x.example"
[[client]]
id = "crm"
secret = "s"
redirect_uris = []
[[target]]
id = "crm"
kind = "sql"
url = "http://crm.example/hook"
secret = "whsec_?"
[[target]]
id = "hook"
kind = "webhook"
url = "https://crm.example/hook"
secret = "whsec_?"
description = "targets/tryton.toml"
"#;

#[test]
fn every_mistake_of_one_file_is_named_at_once() {
    let said = said(WRONG);
    let expected = [
        ":3: server.listen: \"localhost:8080\" is not an IP address",
        ":4: server.public_url: \"http://portvakt.example\" is plain http",
        ":5: server.metrics_token: it is empty",
        ":6: server.shutdown_grace: it must be a text, but it is a number",
        ":8: database.url: there is no database engine \"mysql\"",
        ":10: language.default: \"no\" is not one of the choices — use one of: sv, en",
        ":11: sessions: idle is longer than absolute",
        ":14: directory[0].id: \"Entra\" is not a valid directory name",
        ":15: directory[0].kind: \"azure\" is not one of the choices",
        ":19: directory[1].domains[1]: the domain \"x.example\" is listed twice",
        ":23: directory[1].oidc.client_secret: client_secret and client_secret_file are both set",
        ":25: directory[1].oidc.subject_claim: \"email\" can be changed",
        ":26: directory[1].oidc.algorithms[0]: \"none\" is not one of the choices",
        ":27: directory[1].pull.base_url: it is missing",
        ":27: directory[1].pull.token: it is missing",
        ":28: directory[1].pull.login_url: this key has no meaning for the kind \"okta\"",
        ":29: client[0]: the secret is short enough to be guessed",
        ":32: client[0].redirect_uris: it lists no address",
        ":33: target[0].description: it is missing",
        ":33: target[0].user_name: it is missing",
        ":36: target[0].url: there is no database engine \"http\"",
        ":38: target[1]: the secret cannot sign: what follows whsec_ is no base64",
        ":43: target[1].description: a target of the kind \"webhook\" has no such key",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (line, part) in said.iter().zip(expected) {
        assert!(line.starts_with(&format!("etc/portvakt.toml{part}")), "{line}\nis not\n{part}");
    }
}

#[test]
fn a_webhook_on_this_machine_is_taken_and_a_name_in_clear_is_not() {
    let target = |url: &str, more: &str| {
        format!(
            "{LEAST}[[target]]\nid = \"crm\"\nkind = \"webhook\"\nsecret = \"0123456789012345678901234\"\nurl = \"{url}\"\n{more}"
        )
    };
    let local = of(&target("http://127.0.0.1:9/hook", "")).settings.unwrap();
    assert!(local.targets[0].allow_private);
    let remote = of(&target("https://crm.example/hook", "")).settings.unwrap();
    assert!(!remote.targets[0].allow_private);
    assert!(of(&target("http://crm/hook", "")).settings.is_none());
    // The webhook itself takes plain http only on this machine; the check must not promise more.
    assert!(of(&target("http://crm/hook", "allow_private = true")).settings.is_none());
    assert!(of(&target("http://10.0.0.1/hook", "allow_private = true")).settings.is_none());
    assert!(of(&target("https://crm/hook", "allow_private = true")).settings.is_some());
    assert!(of(&target("https://10.0.0.1/hook", "allow_private = false")).settings.is_none());
}

#[test]
fn a_crm_that_asks_for_itself_needs_nothing_and_takes_nothing_that_is_for_telling_it() {
    let target = |more: &str| format!("{LEAST}[[target]]\nid = \"crm\"\nkind = \"pull\"\n{more}");
    assert_eq!(of(&target("")).settings.unwrap().targets[0].kind, TargetKind::Pull);
    for more in
        ["url = \"https://crm.example\"", "secret = \"0123456789012345678901234\"", "roles = { a = \"b\" }"]
    {
        let said = said(&target(more));
        assert!(said.len() == 1 && said[0].contains("\"pull\" has no such key"), "{said:#?}");
    }
}

#[test]
fn a_file_that_is_not_toml_says_where_and_nothing_else() {
    let said = said("[server]\nlisten = \n[mail\n");
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(said[0].starts_with("etc/portvakt.toml:2: this is not TOML: "), "{said:#?}");
}

#[test]
fn a_secret_in_a_file_that_everybody_may_read_is_a_warning() {
    let text = format!("{LEAST}metrics_token = \"hunter2\"\n");
    let read = read(&text, Path::new("portvakt.toml"), Vec::new(), true);
    assert!(read.settings.is_some());
    assert_eq!(read.mistakes.len(), 1);
    assert_eq!(read.mistakes[0].severity, Severity::Warning);
    assert!(!read.mistakes[0].to_string().contains("hunter2"));
}

const CLIENT: &str = "[[client]]
id = \"crm\"
redirect_uris = [\"https://crm.example/callback\"]
";

#[test]
fn a_client_gets_the_safe_choice_wherever_it_says_nothing() {
    let text = format!("{LEAST}{CLIENT}secret = \"0123456789012345678901234\"\n");
    let settings = of(&text).settings.unwrap();
    let client = &settings.clients[0];
    assert!(client.require_pkce && !client.is_public() && client.origins.is_empty());
    assert_eq!((client.subject.clone(), client.algorithm), (SubjectKind::Public, TokenAlgorithm::Rs256));
    assert_eq!(client.scopes.len(), Scope::ALL.len());
    assert_eq!(client.claims, Claim::RIGHTS.into());
    assert_eq!(client.token_life, SignedDuration::from_mins(10));
    assert!(client.requires.is_none() && client.backchannel_logout_uri.is_none());
}

#[test]
fn a_client_can_be_public_pairwise_and_closed_to_most() {
    let text = format!(
        "{LEAST}{CLIENT}public = true\nsubject = \"pairwise\"\nalgorithm = \"ES256\"\nclaims = [\"roles\"]\n\
         scopes = [\"openid\", \"email\"]\norigins = [\"https://crm.example\"]\ntoken_life = \"5m\"\n\
         backchannel_logout_uri = \"http://127.0.0.1:9/out\"\n[client.requires]\ncomponent = \"mailing\"\n"
    );
    let settings = of(&text).settings.unwrap();
    let client = &settings.clients[0];
    assert!(client.is_public() && client.require_pkce && client.allow_private);
    assert_eq!(client.subject, SubjectKind::Pairwise { sector: "crm.example".to_owned() });
    assert_eq!(client.algorithm, TokenAlgorithm::Es256);
    assert_eq!(client.scopes, [Scope::OpenId, Scope::Email].into());
    assert_eq!(client.claims, [Claim::Roles].into());
    assert_eq!(client.origins, ["https://crm.example"]);
    let component = ComponentId::parse("mailing").unwrap();
    assert_eq!(client.requires, Some(Requirement::Component(component, Action::View)));
}

#[test]
fn what_would_make_a_client_unsafe_is_refused_with_what_would_be_right() {
    let secret = "secret = \"0123456789012345678901234\"\n";
    for (more, expected) in [
        ("", "client[0].secret: it is missing"),
        (
            "public = true\nsecret = \"0123456789012345678901234\"\n",
            "client[0].secret: a public client has no secret",
        ),
        ("public = true\nrequire_pkce = false\n", "client[0].require_pkce: a public client has nothing else"),
        (&format!("{secret}former_secret = \"short\"\n"), "client[0]: the secret is short enough"),
        (
            &format!("{secret}origins = [\"https://crm.example\"]\n"),
            "client[0].origins: only a public client",
        ),
        (
            "public = true\norigins = [\"https://crm.example/\"]\n",
            "client[0].origins[0]: \"https://crm.example/\" is no origin",
        ),
        (
            &format!("{secret}algorithm = \"HS256\"\n"),
            "client[0].algorithm: \"HS256\" is not one of the choices",
        ),
        (&format!("{secret}scopes = [\"email\"]\n"), "client[0].scopes: \"openid\" is lacking"),
        (
            &format!("{secret}claims = [\"shoe_size\"]\n"),
            "client[0].claims[0]: \"shoe_size\" is not one of the choices",
        ),
        (&format!("{secret}sector = \"x\"\n"), "client[0].sector: a sector goes with subject"),
        (&format!("{secret}token_life = \"1d\"\n"), "client[0].token_life: an access token is to be good"),
        (&format!("{secret}requires = {{}}\n"), "client[0].requires: it requires nothing"),
        (
            &format!("{secret}requires = {{ role = \"a\", module = \"b\" }}\n"),
            "client[0].requires: it requires several",
        ),
        (
            &format!("{secret}requires = {{ role = \"a\", action = \"view\" }}\n"),
            "client[0].requires.action: an action goes",
        ),
        (
            &format!("{secret}backchannel_logout_uri = \"http://crm.example/out\"\n"),
            "client[0].backchannel_logout_uri: plain http",
        ),
        (
            &format!("{secret}backchannel_logout_uri = \"https://10.0.0.1/out\"\nallow_private = false\n"),
            "client[0].backchannel_logout_uri: this address is private",
        ),
    ] {
        let said = said(&format!("{LEAST}{CLIENT}{more}"));
        assert!(said.iter().any(|line| line.contains(expected)), "{more}\n{said:#?}");
        assert_eq!(said.len(), 1, "{more}\n{said:#?}");
    }
    let several = format!(
        "{LEAST}[[client]]\nid = \"crm\"\npublic = true\nsubject = \"pairwise\"\nredirect_uris = [\"https://a.example/cb\", \"https://b.example/cb\"]\n"
    );
    assert!(said(&several)[0].contains("client[0].sector: it is missing"), "{:#?}", said(&several));
    assert!(of(&several.replace("pairwise\"", "pairwise\"\nsector = \"crm\"")).settings.is_some());
}
