//! What must be true each morning, whatever the day and the night have done.

use portvakt::domain::account::{Status, StatusReason};
use portvakt::domain::grant::GrantKind;
use portvakt::domain::ids::AccountId;
use portvakt::store::{entitlement, notice, outbox, session, standing};

use super::{Life, crm, days};
use crate::engines::look;

impl Life<'_> {
    /// Every status follows the one before, and nobody was frozen whose notices had not gone out in time. Gives how
    /// often the account was frozen for being quiet.
    async fn history_is_sound(&self, id: AccountId, who: &str) -> usize {
        let t = self.w.t;
        let history = look!(t, c => standing::history(c, id));
        for pair in history.windows(2) {
            assert_eq!(pair[0].until, Some(pair[1].standing.since), "{who}: the intervals do not meet");
        }
        assert_eq!(history.last().map(|last| last.until), Some(None), "{who}");
        let is_quiet = |past: &&standing::Past| {
            past.standing.status == Status::Frozen && past.standing.reason == StatusReason::Inactive
        };
        let freezes: Vec<_> = history.iter().filter(is_quiet).collect();
        let sent = look!(t, c => notice::of_account(c, id));
        for past in &freezes {
            for lead in [7, 1] {
                let had_its_time = |one: &notice::Notice| {
                    one.days_before == lead
                        && one.sent_at + days(u64::try_from(lead).unwrap()) <= past.standing.since
                        && one.sent_at >= one.idle_since + days(20)
                };
                assert!(
                    sent.iter().any(had_its_time),
                    "{who} was frozen without the notice {lead} days before"
                );
            }
        }
        freezes.len()
    }

    /// What must be true each morning.
    pub(super) async fn holds(&mut self, seed: u64, day: u64) {
        let at = format!("seed {seed}, day {day}");
        let (t, now) = (self.w.t, self.w.now());
        assert_eq!(
            self.w.state(self.w.of_name("brandlucka").await.id).await.0,
            Status::Active,
            "{at}: protected"
        );
        let backlog = look!(t, c => outbox::backlog(c, &crm()));
        let waits = backlog.waiting + backlog.dead > 0;
        let mut frozen = 0;
        for person in &self.people {
            let (id, name) = (person.id, &person.name);
            let account = self.w.get(id).await;
            let status = account.standing.status;
            let is_closed = matches!(status, Status::Frozen | Status::Deactivated | Status::Removed);
            assert!(person.is_present || is_closed, "{at}: {name} has left and is {status}");
            if person.is_present && person.leave.is_some_and(|(from, until)| from <= now && now < until) {
                assert!(!is_closed, "{at}: {name} is on leave and {status}");
            }
            if is_closed || status == Status::Paused {
                assert!(
                    look!(t, c => session::open_of(c, id)).is_empty(),
                    "{at}: {name} is {status} and has a session"
                );
            }
            frozen += self.history_is_sound(id, &format!("{at}: {name}")).await;
            if account.standing.reason == StatusReason::Inactive && account.standing.since + days(1) >= now {
                let known_at = self.log.told_at;
                assert!(
                    known_at + days(8) > now,
                    "{at}: {name} is {status}, and the CRM has told nothing since {known_at}"
                );
                let fresh =
                    [person.last_seen, account.returned_at, account.activated_at].into_iter().flatten().max();
                assert!(
                    fresh.is_none_or(
                        |seen| seen + days(if person.last_seen.is_some() { 30 } else { 20 }) <= now
                    ),
                    "{at}: {name} was seen or came back at {fresh:?}"
                );
            }
            if person.is_present && status == Status::Active {
                let held = look!(t, c => entitlement::held(c, id));
                let helps = held.iter().any(|grant| grant.kind == GrantKind::ItemRestricted);
                assert_eq!(helps, person.is_helper, "{at}: {name} and the helpers");
            }
            if !waits {
                let told = look!(t, c => outbox::delivered(c, &crm(), id));
                let told = told.map(|(version, ..)| version);
                assert_eq!(told, Some(account.version), "{at}: the CRM and {name}");
            }
        }
        self.frozen = self.frozen.max(frozen);
    }
}
