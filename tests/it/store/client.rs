//! Tables `client_request`, `client_session`, `client_subject`, `client_grant`, `client_token`, `client_logout` and
//! `signing_key`.

use portvakt::domain::ids::{ClientGrantId, ClientId, ClientSessionId, SessionId};
use portvakt::store::client_grant::{self, ClientGrant, ClientToken, TokenUse};
use portvakt::store::client_request::{self, ClientRequest};
use portvakt::store::client_session::{self, ClientSession};
use portvakt::store::identity::Identity;
use portvakt::store::session::{self, Session};
use portvakt::store::signing_key::{self, StoredKey};
use portvakt::store::{client_logout, erasure, logout_token};
use secrecy::ExposeSecret;
use serde_json::json;
use uuid::Uuid;

use super::sample::{entra, minute, provisioned};
use crate::engines::{TestDb, change, look, on_each_engine};

fn client(id: &str) -> ClientId {
    ClientId::parse(id).unwrap()
}

async fn signed_in(t: &TestDb, of: &Identity, from: i64) -> Session {
    let new = Session {
        id: SessionId::new(Uuid::now_v7()),
        account: of.account,
        identity: of.id,
        directory: of.directory.clone(),
        provider_session: Some("sid".into()),
        acr: None,
        amr: None,
        authenticated_at: None,
        created_at: minute(from),
        last_used_at: minute(from),
        expires_at: minute(from + 60),
        ended_at: None,
    };
    let hash = new.id.uuid().into_bytes();
    change!(t, [new] c => session::begin(c, &new, &hash).await).unwrap();
    new
}

fn new_part(of: &Session, id: &str) -> ClientSession {
    ClientSession {
        id: ClientSessionId::new(Uuid::new_v4()),
        client: client(id),
        session: of.id,
        account: of.account,
        subject: format!("as-known-to-{id}"),
        created_at: minute(2),
        ended_at: None,
    }
}

async fn opened(t: &TestDb, of: &Session, id: &str) -> ClientSession {
    let part = new_part(of, id);
    change!(t, [part] c => client_session::open(c, &part).await).unwrap()
}

fn new_grant(of: &ClientSession) -> ClientGrant {
    ClientGrant {
        id: ClientGrantId::new(Uuid::now_v7()),
        client_session: of.id,
        redirect_uri: "https://crm.example/cb".into(),
        challenge: Some("challenge".into()),
        nonce: None,
        scope: "openid email".into(),
        authenticated_at: minute(1),
        acr: Some("mfa".into()),
        amr: None,
        created_at: minute(2),
        code_expires_at: minute(3),
        redeemed_at: None,
        revoked_at: None,
    }
}

/// Which clients wait to be told, in order of their names.
async fn waiting(t: &TestDb) -> Vec<(String, i64)> {
    look!(t, c => client_logout::backlog(c))
}

#[tokio::test]
async fn a_client_keeps_its_part_of_a_session_until_the_session_ends() {
    on_each_engine(async |t| {
        let asa = provisioned(t, &entra(), "asa").await;
        let session = signed_in(t, &asa, 1).await;
        let first = opened(t, &session, "crm").await;
        assert_eq!(opened(t, &session, "crm").await, first, "the same sid");
        assert_ne!(opened(t, &session, "page").await.id, first.id);
        let id = session.id;
        assert!(look!(t, c => session::is_open(c, id)));
        assert!(change!(t, [] c => session::end(c, id, "sign-out", minute(5)).await).unwrap());
        assert!(!look!(t, c => session::is_open(c, id)));
        let ended = look!(t, c => client_session::get(c, first.id)).unwrap();
        assert_eq!(ended, ClientSession { ended_at: Some(minute(5)), ..first.clone() });
        assert_eq!(waiting(t).await, [("crm".into(), 1), ("page".into(), 1)]);
        assert!(!change!(t, [] c => session::end(c, id, "sign-out", minute(6)).await).unwrap());
        assert_eq!(waiting(t).await.len(), 2, "once");
        let row = look!(t, c => client_logout::due(c, &client("crm"), minute(5), 9)).remove(0);
        assert_eq!((row.sid, row.account, row.subject.as_str()), (first.id, asa.account, "as-known-to-crm"));
        assert_eq!((row.queued_at, row.due_at, row.attempts), (minute(5), minute(5), 0));
    })
    .await;
}

#[tokio::test]
async fn whichever_way_a_session_ends_its_clients_are_queued_and_no_others() {
    on_each_engine(async |t| {
        let (asa, bo) = (provisioned(t, &entra(), "asa").await, provisioned(t, &entra(), "bo").await);
        let (one, two) = (signed_in(t, &asa, 1).await, signed_in(t, &asa, 1).await);
        let other = signed_in(t, &bo, 30).await;
        for (session, id) in [(&one, "a"), (&two, "b"), (&other, "c")] {
            opened(t, session, id).await;
        }
        let account = asa.account;
        assert_eq!(change!(t, [] c => session::end_all(c, account, "frozen", minute(4)).await).unwrap(), 2);
        assert_eq!(waiting(t).await, [("a".into(), 1), ("b".into(), 1)]);
        let (third, sub) = (signed_in(t, &asa, 5).await, "sub-of-asa");
        opened(t, &third, "d").await;
        let (directory, id) = (entra(), third.id);
        change!(t, [] c => logout_token::note_subject(c, id, sub).await).unwrap();
        let ended = change!(t, [directory] c =>
            logout_token::end_sessions(c, &directory, None, Some(sub), minute(6)).await);
        assert_eq!(ended.unwrap().len(), 1);
        assert_eq!(waiting(t).await.last(), Some(&("d".into(), 1)));
        assert!(!look!(t, c => client_logout::has_ended(c, minute(89))));
        assert!(look!(t, c => client_logout::has_ended(c, minute(90))), "it runs out");
        assert_eq!(change!(t, [] c => client_logout::of_ended(c, minute(90)).await).unwrap(), 1);
        assert_eq!(change!(t, [] c => client_logout::of_ended(c, minute(91)).await).unwrap(), 0);
        assert_eq!(waiting(t).await.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn one_client_can_be_shut_out_of_a_session_that_lives_on_and_a_new_session_can_take_over() {
    on_each_engine(async |t| {
        let asa = provisioned(t, &entra(), "asa").await;
        let (old, new) = (signed_in(t, &asa, 1).await, signed_in(t, &asa, 2).await);
        let (kept, shut) = (opened(t, &old, "kept").await, opened(t, &old, "shut").await);
        let sid = shut.id;
        assert!(change!(t, [] c => client_logout::of_client(c, sid, minute(3)).await).unwrap());
        assert!(!change!(t, [] c => client_logout::of_client(c, sid, minute(4)).await).unwrap());
        assert_ne!(opened(t, &old, "shut").await.id, shut.id, "it may come again, as something new");
        let (from, to) = (old.id, new.id);
        assert_eq!(change!(t, [] c => client_session::hand_over(c, from, to).await).unwrap(), 2);
        assert_eq!(look!(t, c => client_session::get(c, kept.id)).unwrap().session, new.id);
        assert_eq!(look!(t, c => client_session::get(c, sid)).unwrap().session, old.id, "the past stays");
        change!(t, [] c => session::end(c, from, "signed in again", minute(5)).await).unwrap();
        assert_eq!(waiting(t).await, [("shut".into(), 1)]);
    })
    .await;
}

#[tokio::test]
async fn a_row_waits_until_it_is_done_and_longer_after_each_failure() {
    on_each_engine(async |t| {
        let asa = provisioned(t, &entra(), "asa").await;
        let session = signed_in(t, &asa, 1).await;
        let (part, crm, id) = (opened(t, &session, "crm").await, client("crm"), session.id);
        assert_eq!(look!(t, c => client_logout::next_due(c, &crm)), None);
        change!(t, [] c => session::end(c, id, "sign-out", minute(5)).await).unwrap();
        assert_eq!(look!(t, c => client_logout::next_due(c, &crm)), Some(minute(5)));
        assert!(look!(t, c => client_logout::due(c, &crm, minute(4), 9)).is_empty());
        let row = look!(t, c => client_logout::due(c, &crm, minute(5), 9)).remove(0);
        change!(t, [row] c => client_logout::again(c, &row, "it answered 503", minute(10)).await).unwrap();
        assert!(look!(t, c => client_logout::due(c, &crm, minute(9), 9)).is_empty());
        assert_eq!(look!(t, c => client_logout::due(c, &crm, minute(10), 9))[0].attempts, 1);
        assert!(look!(t, c => client_logout::due(c, &client("page"), minute(10), 9)).is_empty());
        let sid = part.id;
        assert!(change!(t, [] c => client_logout::done(c, sid).await).unwrap());
        assert!(!change!(t, [] c => client_logout::done(c, sid).await).unwrap());
        let again = signed_in(t, &asa, 6).await;
        opened(t, &again, "gone").await;
        let id = again.id;
        change!(t, [] c => session::end(c, id, "sign-out", minute(7)).await).unwrap();
        assert_eq!(change!(t, [] c => client_logout::forget(c, minute(7)).await).unwrap(), 0);
        assert_eq!(change!(t, [] c => client_logout::forget(c, minute(8)).await).unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_code_is_redeemed_once_and_revoked_once_with_all_that_it_hangs_on() {
    on_each_engine(async |t| {
        let asa = provisioned(t, &entra(), "asa").await;
        let session = signed_in(t, &asa, 1).await;
        let part = opened(t, &session, "crm").await;
        let grant = new_grant(&part);
        change!(t, [grant] c => client_grant::insert(c, &grant, b"code").await).unwrap();
        let of = session.id;
        change!(t, [] c => client_session::vouch(c, of, b"address").await).unwrap();
        let held = look!(t, c => client_grant::by_code(c, b"code")).unwrap();
        assert_eq!((&held.grant, &held.client_session), (&grant, &part));
        assert_eq!((held.last_used_at, held.expires_at), (session.last_used_at, session.expires_at));
        assert_eq!((held.ended_at, held.vouched_email.as_deref()), (None, Some(b"address".as_slice())));
        assert!(look!(t, c => client_grant::by_code(c, b"another")).is_none());
        let id = grant.id;
        assert!(change!(t, [] c => client_grant::redeem(c, id, minute(3)).await).unwrap());
        assert!(!change!(t, [] c => client_grant::redeem(c, id, minute(4)).await).unwrap());
        assert!(change!(t, [] c => client_grant::revoke(c, id, "twice", minute(5)).await).unwrap());
        assert!(!change!(t, [] c => client_grant::revoke(c, id, "again", minute(6)).await).unwrap());
        let later = ClientGrant { id: ClientGrantId::new(Uuid::now_v7()), ..grant.clone() };
        change!(t, [later] c => client_grant::insert(c, &later, b"later").await).unwrap();
        assert_eq!(
            change!(t, [] c => client_grant::revoke_all(c, of, "rested", minute(6)).await).unwrap(),
            1
        );
        assert_eq!(
            change!(t, [] c => client_grant::revoke_all(c, of, "rested", minute(6)).await).unwrap(),
            0
        );
        change!(t, [] c => session::end(c, of, "sign-out", minute(7)).await).unwrap();
        let held = look!(t, c => client_grant::get(c, id)).unwrap();
        assert_eq!((held.grant.redeemed_at, held.grant.revoked_at), (Some(minute(3)), Some(minute(5))));
        assert_eq!((held.ended_at, held.client_session.ended_at), (Some(minute(7)), Some(minute(7))));
    })
    .await;
}

#[tokio::test]
async fn a_token_is_for_one_use_and_goes_when_it_has_expired() {
    on_each_engine(async |t| {
        let asa = provisioned(t, &entra(), "asa").await;
        let part = opened(t, &signed_in(t, &asa, 1).await, "crm").await;
        let grant = new_grant(&part);
        change!(t, [grant] c => client_grant::insert(c, &grant, b"code").await).unwrap();
        let token = |until| ClientToken {
            grant: grant.id,
            scope: "openid".into(),
            expires_at: minute(until),
            used_at: None,
        };
        let (access, refresh) = (token(12), token(60));
        change!(t, [access, refresh] c => {
            client_grant::put_token(c, &access, TokenUse::Access, b"access", minute(2)).await?;
            client_grant::put_token(c, &refresh, TokenUse::Refresh, b"refresh", minute(2)).await
        })
        .unwrap();
        assert_eq!(look!(t, c => client_grant::token(c, TokenUse::Access, b"access")), Some(access));
        assert_eq!(look!(t, c => client_grant::token(c, TokenUse::Refresh, b"access")), None);
        assert_eq!(look!(t, c => client_grant::token(c, TokenUse::Access, b"refresh")), None);
        assert!(change!(t, [] c => client_grant::use_up(c, b"refresh", minute(3)).await).unwrap());
        assert!(!change!(t, [] c => client_grant::use_up(c, b"refresh", minute(4)).await).unwrap());
        let used = ClientToken { used_at: Some(minute(3)), ..refresh };
        assert_eq!(look!(t, c => client_grant::token(c, TokenUse::Refresh, b"refresh")), Some(used));
        let forget = async |now, old| {
            change!(t, [] c => client_grant::forget(c, minute(now), minute(old)).await).unwrap()
        };
        assert_eq!(forget(12, 9).await, 0);
        assert_eq!(forget(13, 9).await, 1, "the access token");
        assert!(look!(t, c => client_grant::by_code(c, b"code")).is_some(), "a token of it is left");
        assert_eq!(forget(61, 2).await, 1);
        assert!(look!(t, c => client_grant::by_code(c, b"code")).is_some(), "it is not old yet");
        forget(61, 3).await;
        assert!(look!(t, c => client_grant::by_code(c, b"code")).is_none());
    })
    .await;
}

#[tokio::test]
async fn what_clients_held_goes_with_the_session_and_names_go_with_the_person() {
    on_each_engine(async |t| {
        let asa = provisioned(t, &entra(), "asa").await;
        let session = signed_in(t, &asa, 1).await;
        let part = opened(t, &session, "crm").await;
        let grant = new_grant(&part);
        let token =
            ClientToken { grant: grant.id, scope: String::new(), expires_at: minute(99), used_at: None };
        change!(t, [grant, token] c => {
            client_grant::insert(c, &grant, b"code").await?;
            client_grant::put_token(c, &token, TokenUse::Access, b"access", minute(2)).await
        })
        .unwrap();
        let account = asa.account;
        let name = async |sector: &'static str, proposed: &'static str| {
            change!(t, [] c => client_session::subject(c, sector, account, proposed).await).unwrap()
        };
        assert_eq!(name("crm.example", "first").await, "first");
        assert_eq!(name("crm.example", "second").await, "first", "a name stays");
        assert_eq!(name("page.example", "third").await, "third");
        change!(t, [] c => erasure::erase(c, account, minute(5)).await).unwrap();
        assert!(look!(t, c => client_session::get(c, part.id)).is_none());
        assert!(look!(t, c => client_grant::by_code(c, b"code")).is_none());
        assert!(look!(t, c => client_grant::token(c, TokenUse::Access, b"access")).is_none());
        assert_eq!(name("crm.example", "fourth").await, "fourth");
    })
    .await;
}

#[tokio::test]
async fn a_request_is_found_until_it_is_taken_or_too_old() {
    on_each_engine(async |t| {
        let request = ClientRequest {
            client: client("crm"),
            request: json!({ "state": "å", "list": [1] }),
            former_session: Some(SessionId::new(Uuid::now_v7())),
            created_at: minute(1),
            expires_at: minute(31),
        };
        let other = ClientRequest { former_session: None, ..request.clone() };
        change!(t, [request, other] c => {
            client_request::begin(c, &request, b"one").await?;
            client_request::begin(c, &other, b"two").await
        })
        .unwrap();
        assert_eq!(look!(t, c => client_request::find(c, b"one")), Some(request));
        assert_eq!(look!(t, c => client_request::find(c, b"two")), Some(other));
        assert!(change!(t, [] c => client_request::take(c, b"one").await).unwrap());
        assert!(!change!(t, [] c => client_request::take(c, b"one").await).unwrap());
        assert_eq!(change!(t, [] c => client_request::forget(c, minute(31)).await).unwrap(), 0);
        assert_eq!(change!(t, [] c => client_request::forget(c, minute(32)).await).unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn keys_come_in_the_order_in_which_they_sign() {
    on_each_engine(async |t| {
        let key = |id: &str, from| StoredKey {
            id: id.to_owned(),
            algorithm: "ES256".into(),
            private_key: vec![0, 1, 254, 255].into(),
            made_at: minute(0),
            signs_from: minute(from),
        };
        let (late, early) = (key("a", 9), key("b", 3));
        change!(t, [late, early] c => {
            signing_key::insert(c, &late).await?;
            signing_key::insert(c, &early).await
        })
        .unwrap();
        let known = look!(t, c => signing_key::all(c));
        assert_eq!(known.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(known[0].private_key.expose_secret(), [0, 1, 254, 255]);
        assert_eq!((known[0].made_at, known[0].signs_from), (minute(0), minute(3)));
        assert!(change!(t, [] c => signing_key::remove(c, "b").await).unwrap());
        assert!(!change!(t, [] c => signing_key::remove(c, "b").await).unwrap());
    })
    .await;
}
