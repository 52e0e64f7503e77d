//! Tables `link_request`, `claimed_group` and `invite`, and who stands behind a session secret.

use portvakt::domain::grant::Origin;
use portvakt::domain::ids::{AccountId, IdentityId, InviteId, LinkRequestId, SessionId};
use portvakt::store::invite::{self, Invite};
use portvakt::store::link_request::{self, LinkRequest, LinkState, Verdict};
use portvakt::store::session::{self, Session};
use portvakt::store::subject::{self, SubjectLink};
use portvakt::store::{claimed_group, entitlement, erasure, group, policy, visit};
use serde_json::json;
use uuid::Uuid;

use super::sample::{entra, minute, new_grant, new_group, okta, provisioned, role, sector};
use crate::engines::{TestDb, change, look, on_each_engine};

fn request(subject: &str, reference: &str, proposed: Option<AccountId>) -> LinkRequest {
    LinkRequest {
        id: LinkRequestId::new(Uuid::now_v7()),
        reference: reference.to_owned(),
        directory: entra(),
        subject: subject.to_owned(),
        issuer: "https://idp.example".to_owned(),
        code: "not_provisioned".to_owned(),
        claims: json!({ "name": "Åsa" }),
        proposed,
        proposed_by: proposed.map(|_| "verified_address".to_owned()),
        state: LinkState::Waiting,
        first_at: minute(1),
        last_at: minute(1),
        attempts: 1,
        decided_at: None,
        decided_by: None,
        decided_why: None,
        account: None,
    }
}

async fn note(t: &TestDb, request: &LinkRequest) -> LinkRequest {
    change!(t, [request] c => link_request::note(c, &request).await).unwrap()
}

#[tokio::test]
async fn a_subject_keeps_its_reference_and_waits_again_when_it_comes_again() {
    on_each_engine(async |t| {
        let asa = provisioned(t, &entra(), "asa").await;
        let first = note(t, &request("s1", "AAAA-0001", Some(asa.account))).await;
        assert_eq!(first, LinkRequest { id: first.id, ..request("s1", "AAAA-0001", Some(asa.account)) });
        note(t, &LinkRequest { directory: okta(), ..request("s1", "AAAA-0002", None) }).await;
        let verdict = Verdict {
            state: LinkState::Approved,
            by: "operator:eva".into(),
            why: "sagt".into(),
            account: Some(asa.account),
            at: minute(3),
        };
        let id = first.id;
        change!(t, [verdict] c => link_request::decide(c, id, &verdict).await).unwrap();
        let decided = look!(t, c => link_request::get(c, "AAAA-0001")).unwrap();
        assert_eq!((decided.state, decided.decided_at), (LinkState::Approved, Some(minute(3))));
        assert_eq!(decided.account, Some(asa.account));
        let again = LinkRequest { last_at: minute(5), ..request("s1", "AAAA-0003", None) };
        let again = note(t, &again).await;
        assert_eq!((again.id, again.reference.as_str(), again.attempts), (id, "AAAA-0001", 2));
        assert_eq!((again.first_at, again.last_at), (minute(1), minute(5)));
        assert_eq!((again.state, again.decided_by, again.account), (LinkState::Waiting, None, None));
        assert_eq!(look!(t, c => link_request::in_state(c, LinkState::Waiting)).len(), 2);
        let counted = look!(t, c => link_request::waiting(c));
        assert_eq!(counted.iter().map(|(_, count)| count).sum::<i64>(), 2);
        assert!(look!(t, c => link_request::get(c, "AAAA-0003")).is_none());
    })
    .await;
}

#[tokio::test]
async fn old_requests_are_forgotten_those_turned_down_are_not_and_a_removed_person_leaves_none() {
    on_each_engine(async |t| {
        let asa = provisioned(t, &entra(), "asa").await;
        note(t, &request("waits", "AAAA-0001", None)).await;
        note(t, &request("proposed", "AAAA-0002", Some(asa.account))).await;
        let down = note(t, &request("down", "AAAA-0003", None)).await.id;
        let verdict = Verdict {
            state: LinkState::Rejected,
            by: "operator:eva".into(),
            why: "okänd".into(),
            account: None,
            at: minute(2),
        };
        change!(t, [verdict] c => link_request::decide(c, down, &verdict).await).unwrap();
        change!(t, [] c => link_request::came_again(c, down, minute(4)).await).unwrap();
        let found = look!(t, c => link_request::of_subject(c, &entra(), "down")).unwrap();
        assert_eq!((found.attempts, found.last_at, found.state), (2, minute(4), LinkState::Rejected));
        let account = asa.account;
        change!(t, [] c => erasure::erase(c, account, minute(5)).await).unwrap();
        assert!(look!(t, c => link_request::of_subject(c, &entra(), "proposed")).is_none());
        assert_eq!(change!(t, [] c => link_request::forget(c, minute(9)).await).unwrap(), 1);
        assert!(look!(t, c => link_request::of_subject(c, &entra(), "waits")).is_none());
        assert!(change!(t, [] c => link_request::lock(c, "AAAA-0003").await).unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn groups_of_a_token_are_exactly_those_it_named_last_and_count_only_where_no_others_are_told() {
    on_each_engine(async |t| {
        let asa = provisioned(t, &entra(), "asa").await.id;
        let set = async |names: &[&str], at: i64| {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            change!(t, [names] c => claimed_group::set(c, asa, &names, minute(at)).await).unwrap()
        };
        let held =
            async || look!(t, c => claimed_group::that_count(c, &[asa])).remove(&asa).unwrap_or_default();
        assert!(set(&["b", "å"], 1).await);
        assert!(!set(&["å", "b"], 2).await);
        assert!(set(&["b", "c"], 3).await);
        assert_eq!(held().await, ["b", "c"]);
        assert!(set(&[], 4).await && set(&["b"], 4).await, "ended and named again at one instant");
        assert_eq!(held().await, ["b"]);
        assert!(!look!(t, c => claimed_group::are_told_otherwise(c, &entra())));
        let told = new_group(&okta(), "x", None);
        change!(t, [told] c => group::insert(c, &told, "x").await).unwrap();
        assert_eq!(held().await, ["b"], "of another directory");
        let told = new_group(&entra(), "x", None);
        change!(t, [told] c => group::insert(c, &told, "x").await).unwrap();
        assert!(look!(t, c => claimed_group::are_told_otherwise(c, &entra())));
        assert!(held().await.is_empty());
        assert_eq!(look!(t, c => claimed_group::of(c, asa)), ["b"]);
    })
    .await;
}

#[tokio::test]
async fn an_invitation_is_bound_to_one_browser_used_once_and_void_beside_a_newer_one() {
    on_each_engine(async |t| {
        let asa = provisioned(t, &entra(), "asa").await.account;
        let make = async |hash: &'static [u8], at: i64| {
            let invite = Invite {
                id: InviteId::new(Uuid::now_v7()),
                account: asa,
                created_at: minute(at),
                created_by: "operator:root".into(),
                expires_at: minute(at + 15),
                browser: None,
                opened_at: None,
                used_at: None,
            };
            change!(t, [invite] c => invite::insert(c, &invite, hash).await).unwrap();
            invite
        };
        let first = make(b"one", 1).await;
        assert_eq!(look!(t, c => invite::count_open(c, minute(5))), 1);
        assert_eq!(look!(t, c => invite::find(c, b"one")), Some(first.clone()));
        let second = make(b"two", 6).await;
        assert_eq!(look!(t, c => invite::find(c, b"one")).unwrap().expires_at, minute(6));
        assert_eq!(look!(t, c => invite::count_open(c, minute(7))), 1);
        let id = second.id;
        for (browser, at) in [(b"mine", 7), (b"thin", 8)] {
            change!(t, [] c => invite::open(c, id, browser, minute(at)).await).unwrap();
        }
        let opened = change!(t, [] c => invite::lock(c, b"two").await).unwrap().unwrap();
        assert_eq!(
            (opened.browser.as_deref(), opened.opened_at),
            (Some(b"mine".as_slice()), Some(minute(7)))
        );
        assert!(change!(t, [] c => invite::used(c, id, minute(9)).await).unwrap());
        assert!(!change!(t, [] c => invite::used(c, id, minute(10)).await).unwrap());
        assert_eq!(look!(t, c => invite::count_open(c, minute(11))), 0);
        let listed = look!(t, c => invite::newest(c, 9));
        assert_eq!(listed.iter().map(|one| one.id).collect::<Vec<_>>(), [second.id, first.id]);
        assert_eq!(listed[0].used_at, Some(minute(9)));
    })
    .await;
}

#[tokio::test]
async fn one_subject_is_untied_and_the_one_of_an_account_is_found() {
    on_each_engine(async |t| {
        let asa = provisioned(t, &entra(), "asa").await;
        let link = SubjectLink {
            directory: entra(),
            issuer: "https://idp.example".into(),
            subject: "s1".into(),
            identity: asa.id,
            by: "operator:eva".into(),
        };
        change!(t, [link] c => subject::link(c, &link, minute(1)).await).unwrap();
        let account = asa.account;
        assert_eq!(look!(t, c => subject::of_account_in(c, &entra(), account)).as_deref(), Some("s1"));
        assert_eq!(look!(t, c => subject::of_account_in(c, &okta(), account)), None);
        assert!(!change!(t, [] c => subject::untie_one(c, &okta(), "s1").await).unwrap());
        assert!(change!(t, [] c => subject::untie_one(c, &entra(), "s1").await).unwrap());
        assert_eq!(look!(t, c => subject::of_account_in(c, &entra(), account)), None);
    })
    .await;
}

fn new_session(account: AccountId, identity: IdentityId) -> Session {
    Session {
        id: SessionId::new(Uuid::now_v7()),
        account,
        identity,
        directory: entra(),
        provider_session: Some("sid".into()),
        acr: Some("mfa".into()),
        amr: None,
        authenticated_at: Some(minute(1)),
        created_at: minute(2),
        last_used_at: minute(2),
        expires_at: minute(60),
        ended_at: None,
    }
}

#[tokio::test]
async fn one_read_gives_session_account_grants_and_the_policy_in_force() {
    on_each_engine(async |t| {
        let asa = provisioned(t, &entra(), "asa").await;
        let session = new_session(asa.account, asa.id);
        let hash = [7_u8; 32];
        change!(t, [session] c => session::begin(c, &session, &hash).await).unwrap();
        let bare = look!(t, c => visit::by_hash(c, &hash)).unwrap();
        assert_eq!((&bare.session, bare.account.id), (&session, asa.account));
        assert!(bare.grants.is_empty() && bare.policy.is_none() && bare.privilege.is_none());
        let (account, id) = (asa.account, session.id);
        let ended = new_grant(role("old"), Origin::Manual, minute(1));
        let ended_id = ended.id;
        let grants = [
            new_grant(role("board"), Origin::Manual, minute(1)),
            new_grant(sector("mailings"), Origin::Review, minute(1)),
            ended,
        ];
        for grant in &grants {
            change!(t, [grant] c => entitlement::give(c, account, &grant).await).unwrap();
        }
        change!(t, [] c => entitlement::end(c, ended_id, minute(3)).await).unwrap();
        change!(t, [] c => session::remember(c, id, Some("auditor"), Some(b"sealed")).await).unwrap();
        for text in ["first", "second"] {
            change!(t, [] c => policy::append(c, text, text, "job:test", minute(1)).await).unwrap();
        }
        let whole = look!(t, c => visit::by_hash(c, &hash)).unwrap();
        assert_eq!(whole.grants, look!(t, c => entitlement::held(c, account)));
        assert_eq!((whole.grants.len(), whole.policy), (2, Some(2)));
        assert_eq!(whole.privilege.as_deref(), Some("auditor"));
        assert_eq!(look!(t, c => session::sealed_id_token(c, id)).as_deref(), Some(b"sealed".as_slice()));
        assert!(look!(t, c => visit::by_hash(c, b"another")).is_none());
        let other = provisioned(t, &entra(), "bo").await.account;
        assert!(!change!(t, [] c => session::end_of(c, other, id, "x", minute(4)).await).unwrap());
        assert!(change!(t, [] c => session::end_of(c, account, id, "x", minute(4)).await).unwrap());
        assert_eq!(look!(t, c => visit::by_hash(c, &hash)).unwrap().session.ended_at, Some(minute(4)));
    })
    .await;
}
