//! Tables `evidence`, `evidence_day` and `source_health`.

use portvakt::domain::policy::EvidenceSource::{Crm, Directory, Sso};
use portvakt::store::Span;
use portvakt::store::evidence::{self, Health};

use super::sample::{minute, person};
use crate::engines::{change, last_seen, look, on_each_engine};

/// Minutes.
const DAY: i64 = 24 * 60;

#[tokio::test]
async fn last_seen_never_moves_back() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await.id;
        let seen = async |source, at| change!(t, [] c => evidence::seen(c, asa, source, at).await).unwrap();
        assert!(seen(Sso, minute(10)).await);
        assert!(!seen(Sso, minute(9)).await);
        assert!(!seen(Sso, minute(10)).await);
        assert!(seen(Crm, minute(5)).await);
        assert!(seen(Sso, minute(11)).await);
        assert_eq!(look!(t, c => last_seen(c, asa)), [(Crm, minute(5)), (Sso, minute(11))]);
    })
    .await;
}

#[tokio::test]
async fn the_log_of_days_tells_who_had_been_seen_when() {
    on_each_engine(async |t| {
        let asa = person(t, "asa").await.id;
        for at in [0, 3 * DAY, 3 * DAY + 1, 2 * DAY] {
            change!(t, [] c => evidence::seen(c, asa, Sso, minute(at)).await).unwrap();
        }
        // A sighting that is told late belongs to its day all the same.
        change!(t, [] c => evidence::seen(c, asa, Crm, minute(-DAY)).await).unwrap();
        let before = async |at| look!(t, c => evidence::latest_before(c, asa, minute(at)));
        assert_eq!(before(-2 * DAY).await, []);
        assert_eq!(before(DAY).await, [(Crm, minute(-DAY)), (Sso, minute(0))]);
        assert_eq!(before(2 * DAY).await, [(Crm, minute(-DAY)), (Sso, minute(2 * DAY))]);
        assert_eq!(before(4 * DAY).await, [(Crm, minute(-DAY)), (Sso, minute(3 * DAY + 1))]);
        let forgotten = change!(t, [] c => evidence::forget_days(c, minute(2 * DAY)).await).unwrap();
        assert_eq!(forgotten, 2);
        assert_eq!(before(DAY).await, []);
        assert_eq!(look!(t, c => last_seen(c, asa)).len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_page_of_facts_has_the_latest_of_each_account_between() {
    on_each_engine(async |t| {
        let mut people = Vec::new();
        for name in ["a", "b", "c"] {
            let id = person(t, name).await.id;
            for source in [Sso, Directory] {
                change!(t, [] c => evidence::seen(c, id, source, minute(1)).await).unwrap();
            }
            people.push(id);
        }
        let rows = look!(t, c => evidence::latest_of(c, &Span::Between(people[0], people[1])));
        let expected: Vec<_> =
            people[..2].iter().flat_map(|id| [(*id, Directory, minute(1)), (*id, Sso, minute(1))]).collect();
        assert_eq!(rows, expected);
    })
    .await;
}

#[tokio::test]
async fn the_health_of_a_source_is_kept_per_scope_and_keeps_its_last_success() {
    on_each_engine(async |t| {
        let health = |scope: &str, good: bool| Health {
            source: Directory,
            scope: scope.into(),
            last_success: good.then(|| minute(1)),
            is_complete: good,
            is_licensed: true,
            note: (!good).then(|| "svarar inte".into()),
        };
        for new in [
            health("b", true),
            health("a-b", true),
            health("a_b", true),
            health("aa", true),
            health("b", false),
        ] {
            change!(t, [] c => evidence::set_health(c, &new).await).unwrap();
        }
        let failing = Health { last_success: Some(minute(1)), ..health("b", false) };
        let all = look!(t, c => evidence::health(c));
        assert_eq!(all, [health("a-b", true), health("a_b", true), health("aa", true), failing]);
    })
    .await;
}
