//! Tables `session`, `token`, `login_answered` and `sign_in_subject`.

use portvakt::domain::ids::{AccountId, SessionId, TokenId};
use portvakt::store::identity::Identity;
use portvakt::store::login;
use portvakt::store::logout_token;
use portvakt::store::session::{self, Session};
use portvakt::store::subject::{self, SubjectLink};
use portvakt::store::token::{self, Token, TokenKind};
use uuid::Uuid;

use super::sample::{entra, is_taken, minute, okta, provisioned};
use crate::engines::{TestDb, change, look, on_each_engine};

fn new_session(of: &Identity, provider_session: Option<&str>, created: i64) -> Session {
    Session {
        id: SessionId::new(Uuid::now_v7()),
        account: of.account,
        identity: of.id,
        directory: of.directory.clone(),
        provider_session: provider_session.map(str::to_owned),
        acr: Some("2".into()),
        amr: Some("pwd mfa".into()),
        authenticated_at: Some(minute(created - 1)),
        created_at: minute(created),
        last_used_at: minute(created),
        expires_at: minute(created + 60),
        ended_at: None,
    }
}

async fn begin(t: &TestDb, session: &Session) -> [u8; 16] {
    let hash = session.id.uuid().into_bytes();
    change!(t, [session] c => session::begin(c, &session, &hash).await).unwrap();
    hash
}

async fn open(t: &TestDb, account: AccountId) -> Vec<SessionId> {
    look!(t, c => session::open_of(c, account)).into_iter().map(|session| session.id).collect()
}

#[tokio::test]
async fn a_session_is_found_by_its_hash_used_and_ended_once() {
    on_each_engine(async |t| {
        let asa = provisioned(t, &entra(), "asa").await;
        let mut session = new_session(&asa, Some("sid"), 1);
        let hash = begin(t, &session).await;
        assert_eq!(look!(t, c => session::by_hash(c, &hash)), Some(session.clone()));
        assert_eq!(look!(t, c => session::by_hash(c, b"another")), None);
        let id = session.id;
        for at in [5, 4] {
            change!(t, [] c => session::used(c, id, minute(at)).await).unwrap();
        }
        assert!(change!(t, [] c => session::end(c, id, "sign-out", minute(6)).await).unwrap());
        assert!(!change!(t, [] c => session::end(c, id, "sign-out", minute(7)).await).unwrap());
        session.last_used_at = minute(5);
        session.ended_at = Some(minute(6));
        assert_eq!(look!(t, c => session::by_hash(c, &hash)), Some(session.clone()));
        let twin = Session { id: SessionId::new(Uuid::now_v7()), ..session };
        assert!(is_taken(&change!(t, [] c => session::begin(c, &twin, &hash).await)));
    })
    .await;
}

#[tokio::test]
async fn all_sessions_of_one_account_end_together_and_no_other() {
    on_each_engine(async |t| {
        let (asa, bo) = (provisioned(t, &entra(), "asa").await, provisioned(t, &entra(), "bo").await);
        let (old, new, other) =
            (new_session(&asa, None, 1), new_session(&asa, None, 2), new_session(&bo, None, 1));
        for session in [&old, &new, &other] {
            begin(t, session).await;
        }
        assert_eq!(open(t, asa.account).await, [new.id, old.id]);
        let account = asa.account;
        let end = async || {
            change!(t, [] c => session::end_all(c, account, "deactivated", minute(3)).await).unwrap()
        };
        assert_eq!((end().await, end().await), (2, 0));
        assert!(open(t, asa.account).await.is_empty());
        assert_eq!(open(t, bo.account).await, [other.id]);
    })
    .await;
}

#[tokio::test]
async fn the_provider_ends_the_session_it_names_or_all_of_a_person() {
    on_each_engine(async |t| {
        let asa = provisioned(t, &entra(), "asa").await;
        let sessions =
            [new_session(&asa, Some("s1"), 1), new_session(&asa, Some("s2"), 2), new_session(&asa, None, 3)];
        for session in &sessions {
            begin(t, session).await;
            let id = session.id;
            change!(t, [] c => logout_token::note_subject(c, id, "asa-sub").await).unwrap();
        }
        let end = async |directory, sid: Option<&'static str>, sub: Option<&'static str>| {
            let ended =
                change!(t, [] c => logout_token::end_sessions(c, &directory, sid, sub, minute(9)).await);
            ended.unwrap().into_iter().map(|(id, _)| id).collect::<Vec<_>>()
        };
        for (directory, sid, sub) in [
            (okta(), Some("s1"), None),
            (okta(), None, Some("asa-sub")),
            (entra(), None, None),
            (entra(), None, Some("bo-sub")),
            (entra(), Some("s1"), Some("bo-sub")),
        ] {
            assert!(end(directory, sid, sub).await.is_empty());
        }
        assert_eq!(end(entra(), Some("s1"), Some("asa-sub")).await, [sessions[0].id]);
        assert_eq!(end(entra(), Some("s2"), None).await, [sessions[1].id]);
        assert_eq!(end(entra(), None, Some("asa-sub")).await, [sessions[2].id]);
        assert!(open(t, asa.account).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_logout_token_is_taken_once_and_forgotten_when_it_has_expired() {
    on_each_engine(async |t| {
        let take = async |directory, until| {
            change!(t, [] c => logout_token::take(c, &directory, b"jti", until).await).unwrap()
        };
        assert!(take(entra(), minute(5)).await);
        assert!(!take(entra(), minute(5)).await);
        assert!(take(okta(), minute(9)).await);
        assert_eq!(change!(t, [] c => logout_token::forget(c, minute(6)).await).unwrap(), 1);
        assert!(take(entra(), minute(12)).await);
        assert!(!take(okta(), minute(12)).await);
    })
    .await;
}

#[tokio::test]
async fn sessions_long_over_are_forgotten() {
    on_each_engine(async |t| {
        let asa = provisioned(t, &entra(), "asa").await;
        let (expired, ended, living) =
            (new_session(&asa, None, 1), new_session(&asa, None, 90), new_session(&asa, None, 90));
        let mut hashes = Vec::new();
        for session in [&expired, &ended, &living] {
            hashes.push(begin(t, session).await);
        }
        let id = ended.id;
        change!(t, [] c => session::end(c, id, "sign-out", minute(91)).await).unwrap();
        assert_eq!(change!(t, [] c => session::forget(c, minute(91)).await).unwrap(), 1);
        assert_eq!(change!(t, [] c => session::forget(c, minute(92)).await).unwrap(), 1);
        assert_eq!(look!(t, c => session::by_hash(c, &hashes[0])), None);
        assert!(look!(t, c => session::by_hash(c, &hashes[2])).is_some());
    })
    .await;
}

#[tokio::test]
async fn a_token_is_bound_to_its_kind_and_valid_until_it_ends_or_is_revoked() {
    on_each_engine(async |t| {
        let mut tokens = Vec::new();
        for created in [1, 2] {
            let token = Token {
                id: TokenId::new(Uuid::now_v7()),
                kind: TokenKind::Directory,
                owner: "entra".into(),
                name: "våren".into(),
                client: None,
                scopes: portvakt::domain::scope::Scopes::All,
                created_at: minute(created),
                created_by: "operator:x".into(),
                expires_at: minute(100),
                revoked_at: None,
                last_used_at: None,
            };
            let hash = token.id.uuid().into_bytes();
            change!(t, [token] c => token::insert(c, &token, &hash).await).unwrap();
            tokens.insert(0, token);
        }
        assert_eq!(look!(t, c => token::of_owner(c, TokenKind::Directory, "entra")), tokens);
        assert!(look!(t, c => token::of_owner(c, TokenKind::Target, "entra")).is_empty());
        let mut token = tokens.remove(0);
        let (id, hash) = (token.id, token.id.uuid().into_bytes());
        let found = async |kind| {
            token::by_hash(&t.db, None, kind, hash.to_vec()).await.unwrap().map(|shown| shown.token)
        };
        assert_eq!(found(TokenKind::Directory).await, Some(token.clone()));
        assert_eq!(found(TokenKind::Target).await, None);
        assert_eq!(found(TokenKind::Metrics).await, None);
        assert!(token.is_valid_at(minute(99)) && !token.is_valid_at(minute(100)));
        for at in [5, 4] {
            change!(t, [] c => token::used(c, id, minute(at)).await).unwrap();
        }
        assert!(change!(t, [] c => token::revoke(c, id, minute(6)).await).unwrap());
        assert!(!change!(t, [] c => token::revoke(c, id, minute(7)).await).unwrap());
        token.last_used_at = Some(minute(5));
        token.revoked_at = Some(minute(6));
        assert_eq!(found(TokenKind::Directory).await, Some(token.clone()));
        assert!(!token.is_valid_at(minute(6)));
    })
    .await;
}

#[tokio::test]
async fn an_answer_to_a_sign_in_is_taken_at_most_once_and_forgotten_when_it_is_void() {
    on_each_engine(async |t| {
        assert!(!look!(t, c => login::is_taken(c, b"one")));
        let take = async || change!(t, [] c => login::take(c, b"one", minute(11)).await).unwrap();
        let (one, two) = tokio::join!(take(), take());
        assert!(one != two, "{one} {two}");
        assert!(look!(t, c => login::is_taken(c, b"one")));
        assert!(!look!(t, c => login::is_taken(c, b"two")));
        assert_eq!(change!(t, [] c => login::forget(c, minute(11)).await).unwrap(), 0);
        assert!(!take().await);
        assert_eq!(change!(t, [] c => login::forget(c, minute(12)).await).unwrap(), 1);
        assert!(!look!(t, c => login::is_taken(c, b"one")));
    })
    .await;
}

#[tokio::test]
async fn a_subject_once_linked_is_not_moved_by_a_sign_in() {
    on_each_engine(async |t| {
        let (asa, bo) = (provisioned(t, &entra(), "asa").await, provisioned(t, &entra(), "bo").await);
        let link = |identity: &Identity| SubjectLink {
            directory: entra(),
            issuer: "https://login.example".into(),
            subject: "tid/oid".into(),
            identity: identity.id,
            by: "sign-in".into(),
        };
        let (first, second) = (link(&asa), link(&bo));
        assert!(change!(t, [first] c => subject::link(c, &first, minute(1)).await).unwrap());
        assert!(!change!(t, [second] c => subject::link(c, &second, minute(2)).await).unwrap());
        let linked = look!(t, c => subject::linked(c, &entra(), "tid/oid"));
        assert_eq!(linked, Some((asa.id, "https://login.example".into())));
        assert_eq!(look!(t, c => subject::linked(c, &okta(), "tid/oid")), None);
        let (id, other) = (asa.id, bo.id);
        assert!(look!(t, c => subject::is_linked(c, id)) && !look!(t, c => subject::is_linked(c, other)));
        assert_eq!(change!(t, [] c => subject::untie(c, id).await).unwrap(), 1);
        assert_eq!(look!(t, c => subject::linked(c, &entra(), "tid/oid")), None);
        assert!(change!(t, [second] c => subject::link(c, &second, minute(3)).await).unwrap());
    })
    .await;
}
