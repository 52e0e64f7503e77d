//! What the store keeps about directories: clients, pauses, doings, refusals.

use portvakt::domain::ids::{DirectoryId, TokenId};
use portvakt::store::activity::{self, Count, LastError, RepairCount, Seen};
use portvakt::store::pause::{self, Pause};
use portvakt::store::refused::{self, Refused};
use portvakt::store::token::{self, Token, TokenKind};
use portvakt::store::{client, membership, survey};
use uuid::Uuid;

use super::sample::{entra, formed, minute, okta, provisioned};
use crate::engines::{TestDb, change, look, on_each_engine};

fn secret_of(client: &str) -> Token {
    Token {
        id: TokenId::new(Uuid::now_v7()),
        kind: TokenKind::Client,
        owner: "entra".into(),
        name: "hösten".into(),
        client: Some(client.into()),
        scopes: portvakt::domain::scope::Scopes::All,
        created_at: minute(0),
        created_by: "operator:x".into(),
        expires_at: minute(1_000),
        revoked_at: None,
        last_used_at: None,
    }
}

async fn kept(t: &TestDb, token: &Token, hash: &'static [u8]) {
    change!(t, [token] c => token::insert(c, &token, hash).await).unwrap();
}

#[tokio::test]
async fn an_access_token_opens_its_directory_until_its_secret_is_revoked() {
    on_each_engine(async |t| {
        let (secret, other) = (secret_of("one"), secret_of("two"));
        kept(t, &secret, b"secret").await;
        kept(t, &other, b"other").await;
        let found = look!(t, c => client::secrets(c, "entra", "one"));
        assert_eq!(found.len(), 1);
        assert_eq!((&found[0].token, found[0].hash.as_slice()), (&secret, b"secret".as_slice()));
        assert!(look!(t, c => client::secrets(c, "okta", "one")).is_empty());
        let (id, of) = (TokenId::new(Uuid::now_v7()), secret.id);
        let issue = async |id, hash: &'static [u8]| {
            change!(t, [] c => client::issue(c, id, of, hash, minute(1), minute(61)).await).unwrap()
        };
        assert!(issue(id, b"access").await);
        let shown =
            async || token::by_hash(&t.db, None, TokenKind::Directory, b"access".to_vec()).await.unwrap();
        let first = shown().await.unwrap();
        assert_eq!((first.token.id, first.noted_on, first.paused_since), (id, of, None));
        assert_eq!((first.token.owner.as_str(), first.token.expires_at), ("entra", minute(61)));
        assert!(first.token.is_valid_at(minute(2)));
        change!(t, [] c => token::used(c, of, minute(5)).await).unwrap();
        assert_eq!(shown().await.unwrap().token.last_used_at, Some(minute(5)), "the secret's use is its own");
        assert_eq!(look!(t, c => token::of_owner(c, TokenKind::Directory, "entra")), [], "no list shows it");
        let revoked = change!(t, [] c => client::revoke(c, "entra", "one", minute(9)).await).unwrap();
        assert_eq!(revoked, [of]);
        assert!(!shown().await.unwrap().token.is_valid_at(minute(9)));
        assert!(
            !issue(TokenId::new(Uuid::now_v7()), b"late").await,
            "nothing is issued for a revoked secret"
        );
        assert_eq!(token::by_hash(&t.db, None, TokenKind::Directory, b"late".to_vec()).await.unwrap(), None);
        assert!(look!(t, c => client::secrets(c, "entra", "two"))[0].token.is_valid_at(minute(9)));
        assert_eq!(change!(t, [] c => client::forget(c, minute(61)).await).unwrap(), 0);
        assert_eq!(change!(t, [] c => client::forget(c, minute(62)).await).unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_oldest_access_tokens_of_a_secret_make_room() {
    on_each_engine(async |t| {
        let secret = secret_of("one");
        kept(t, &secret, b"secret").await;
        let of = secret.id;
        change!(t, [] c => {
            for number in 0..client::MOST_LIVING + 3 {
                let (id, hash) = (TokenId::new(Uuid::now_v7()), number.to_be_bytes());
                client::issue(c, id, of, &hash, minute(number), minute(number + 60)).await?;
            }
            Ok(())
        })
        .unwrap();
        let is_there = async |number: i64| {
            let hash = number.to_be_bytes();
            token::by_hash(&t.db, None, TokenKind::Directory, hash.to_vec()).await.unwrap().is_some()
        };
        assert!(!is_there(2).await && is_there(3).await && is_there(client::MOST_LIVING + 2).await);
    })
    .await;
}

#[tokio::test]
async fn a_warning_is_noted_once_per_step_and_only_of_what_soon_ends() {
    on_each_engine(async |t| {
        let secret = secret_of("one");
        kept(t, &secret, b"secret").await;
        let ending = async |after, until| look!(t, c => token::ending(c, minute(after), minute(until))).len();
        assert_eq!((ending(0, 999).await, ending(0, 1_000).await, ending(1_000, 2_000).await), (0, 1, 0));
        let warn = async |days| change!(t, [secret] c => token::warned(c, secret.id, days).await).unwrap();
        assert!(warn(30).await && !warn(30).await);
        assert!(warn(1).await && !warn(7).await, "a later step has been told already");
        change!(t, [secret] c => token::revoke(c, secret.id, minute(1)).await).unwrap();
        assert_eq!(ending(0, 1_000).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_pause_is_seen_with_every_token_of_its_directory_and_of_no_other_kind() {
    on_each_engine(async |t| {
        let mut tokens = Vec::new();
        for (kind, hash) in
            [(TokenKind::Directory, b"d"), (TokenKind::Target, b"t"), (TokenKind::Client, b"c")]
        {
            let client = (kind == TokenKind::Client).then(|| "one".to_owned());
            let token = Token { kind, client, ..secret_of("one") };
            kept(t, &token, hash).await;
            tokens.push((kind, hash));
        }
        let paused = async |kind, hash: &'static [u8]| {
            token::by_hash(&t.db, None, kind, hash.to_vec()).await.unwrap().unwrap().paused_since
        };
        let wanted = Pause { since: minute(3), by: "operator:x".into(), reason: "flytt".into() };
        let begin =
            async |id: &DirectoryId| change!(t, [id, wanted] c => pause::begin(c, &id, &wanted).await);
        assert!(begin(&entra()).await.unwrap() && !begin(&entra()).await.unwrap());
        assert_eq!(paused(TokenKind::Directory, b"d").await, Some(minute(3)));
        assert_eq!(paused(TokenKind::Target, b"t").await, None, "a target of the same name is not meant");
        assert_eq!(look!(t, c => client::secrets(c, "entra", "one"))[0].paused_since, Some(minute(3)));
        assert_eq!(look!(t, c => pause::get(c, &entra())), Some(wanted.clone()));
        assert_eq!(look!(t, c => pause::get(c, &okta())), None);
        assert_eq!(look!(t, c => pause::all(c)), ["entra"]);
        let end = async || change!(t, [] c => pause::end(c, &entra()).await).unwrap();
        assert!(end().await && !end().await);
        assert_eq!(paused(TokenKind::Directory, b"d").await, None);
    })
    .await;
}

#[tokio::test]
async fn what_was_seen_moves_only_forward_and_counts_add_up() {
    on_each_engine(async |t| {
        assert_eq!(look!(t, c => activity::seen(c, &entra())), Seen::default());
        let error = |at, status| LastError {
            at: minute(at),
            status,
            scim_type: Some("invalidValue".into()),
            method: "POST".into(),
            resource: Some("User".into()),
        };
        let newer = Seen {
            last_request: Some(minute(9)),
            last_change: None,
            last_error: Some(error(8, 400)),
            last_denied: Some((minute(7), "expired".into())),
        };
        let older = Seen {
            last_request: Some(minute(5)),
            last_change: Some(minute(4)),
            last_error: Some(error(3, 409)),
            last_denied: None,
        };
        for seen in [&newer, &older, &Seen::default()] {
            change!(t, [seen] c => activity::note(c, &entra(), &seen).await).unwrap();
        }
        let expected = Seen { last_change: Some(minute(4)), ..newer };
        assert_eq!(look!(t, c => activity::seen(c, &entra())), expected);
        let count =
            |day, outcome: &str, times| Count { day, method: "GET".into(), outcome: outcome.into(), times };
        for _ in 0..2 {
            let counts = vec![count(9, "ok", 3), count(10, "ok", 1), count(10, "refused", 2)];
            change!(t, [counts] c => activity::count(c, &entra(), &counts).await).unwrap();
        }
        let all = look!(t, c => activity::counts(c, &entra(), 0));
        assert_eq!(all, [count(10, "ok", 2), count(10, "refused", 4), count(9, "ok", 6)]);
        assert!(look!(t, c => activity::counts(c, &okta(), 0)).is_empty());
        assert_eq!(change!(t, [] c => activity::forget_counts(c, 10).await).unwrap(), 1);
        assert_eq!(look!(t, c => activity::counts(c, &entra(), 0)).len(), 2);
        let repair =
            |repair: &str, times, at| RepairCount { repair: repair.into(), times, last_at: minute(at) };
        for at in [1, 2] {
            let repairs = vec![repair("bare_value", 1, at), repair("string_boolean", 5, at)];
            change!(t, [repairs] c => activity::repaired(c, &entra(), &repairs).await).unwrap();
        }
        let repairs = look!(t, c => activity::repairs(c, &entra()));
        assert_eq!(repairs, [repair("string_boolean", 10, 2), repair("bare_value", 2, 2)]);
    })
    .await;
}

#[tokio::test]
async fn refusals_of_one_person_are_one_row_and_the_oldest_beyond_the_limit_go() {
    on_each_engine(async |t| {
        let refusal = |reference: &str, at, status| Refused {
            resource: "User".into(),
            reference: reference.into(),
            method: "PATCH".into(),
            status,
            scim_type: (status == 409).then(|| "uniqueness".into()),
            detail: "säger \"…\"".into(),
            first_at: minute(at),
            last_at: minute(at),
            times: 1,
        };
        for at in [1, 2] {
            let rows = vec![refusal("id:a", at, 400 + at), refusal("id:b", 5, 409)];
            change!(t, [rows] c => refused::note(c, &entra(), &rows).await).unwrap();
        }
        let rows = look!(t, c => refused::of(c, &entra()));
        let b = Refused { times: 2, ..refusal("id:b", 5, 409) };
        let a = Refused { first_at: minute(1), times: 2, ..refusal("id:a", 2, 402) };
        assert_eq!(rows, [b, a]);
        let more: Vec<Refused> = (10..15).map(|at| refusal(&format!("id:{at}"), at, 404)).collect();
        change!(t, [more] c => refused::note(c, &entra(), &more).await).unwrap();
        assert_eq!(look!(t, c => refused::counts(c)), [("entra".to_owned(), 7)]);
        assert_eq!(change!(t, [] c => refused::trim(c, &entra(), 4).await).unwrap(), 3);
        let left = look!(t, c => refused::of(c, &entra()));
        let left: Vec<&str> = left.iter().map(|one| one.reference.as_str()).collect();
        assert_eq!(left, ["id:14", "id:13", "id:12", "id:11"]);
        let which = vec![("User".to_owned(), "id:12".to_owned()), ("Group".to_owned(), "id:13".to_owned())];
        assert_eq!(change!(t, [which] c => refused::forget(c, &entra(), &which).await).unwrap(), 1);
        assert_eq!(change!(t, [] c => refused::forget_before(c, minute(12)).await).unwrap(), 1);
        assert_eq!(look!(t, c => refused::of(c, &entra())).len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_survey_names_groups_external_ids_and_awaited_members_of_one_directory() {
    on_each_engine(async |t| {
        let (asa, bo) = (provisioned(t, &entra(), "asa").await, provisioned(t, &entra(), "bo").await);
        provisioned(t, &okta(), "theirs").await;
        let (board, theirs) = (formed(t, &entra(), "Styrelsen").await, formed(t, &okta(), "Theirs").await);
        for (group, values) in [(board.id, ["x", "y"]), (theirs.id, ["x", "z"])] {
            let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
            change!(t, [values] c => membership::await_members(c, group, &values, minute(3)).await).unwrap();
        }
        let awaiting = look!(t, c => survey::awaiting(c, &entra()));
        assert_eq!(awaiting.len(), 1);
        let one = &awaiting[0];
        assert_eq!(
            (one.group, one.name.as_str(), one.members, one.since),
            (board.id, "Styrelsen", 2, minute(3))
        );
        let awaited = look!(t, c => survey::awaited(c));
        assert_eq!(awaited, [("entra".to_owned(), 2), ("okta".to_owned(), 2)]);
        let groups = look!(t, c => survey::groups(c, &entra()));
        assert_eq!((groups.len(), groups[0].id, groups[0].name_key.as_str()), (1, board.id, "styrelsen"));
        assert_eq!(groups[0].external_id.as_deref(), Some("Styrelsen"));
        let page = look!(t, c => survey::external_ids(c, &entra(), None, 1));
        assert_eq!(page, [(asa.id, Some("asa".to_owned()))]);
        let rest = look!(t, c => survey::external_ids(c, &entra(), Some(asa.id), 10));
        assert_eq!(rest, [(bo.id, Some("bo".to_owned()))]);
    })
    .await;
}
