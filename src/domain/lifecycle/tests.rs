use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::*;
use crate::domain::account::Standing;
use crate::domain::days::Reading;
use crate::domain::evidence::{Evidence, SourceHealth};
use crate::domain::ids::{DirectoryId, RoleId, SectorId};
use crate::domain::language::Language;
use crate::domain::policy::EvidenceSource;
use crate::domain::sample::{self, at, days};

const NOW: &str = "2025-10-07T02:00:00Z";

/// Everything that [`Facts`] borrows.
struct Case {
    policy: Policy,
    account: Account,
    roles: BTreeSet<RoleId>,
    sectors: BTreeSet<SectorId>,
    identities: Vec<IdentityState>,
    evidence: Evidence,
    sources: Vec<SourceHealth>,
    notices: Vec<Notice>,
    mail_configured: bool,
    leave: Option<Leave>,
    held: Option<Timestamp>,
    documents: Vec<serde_json::Value>,
}

fn now() -> Timestamp {
    at(NOW)
}

fn ago(count: i64) -> Timestamp {
    now() - days(count)
}

/// A person last seen `quiet` days ago, in one directory, without mail.
fn case(quiet: i64) -> Case {
    Case {
        policy: sample::policy(),
        account: sample::account(1, ago(800)),
        roles: BTreeSet::from([sample::role_id("communicator")]),
        sectors: BTreeSet::new(),
        identities: vec![identity(Presence::Active)],
        evidence: Evidence::from([(EvidenceSource::Sso, ago(quiet))]),
        sources: vec![SourceHealth::own(EvidenceSource::Sso, None, now())],
        notices: Vec::new(),
        mail_configured: false,
        leave: None,
        held: None,
        documents: Vec::new(),
    }
}

fn identity(presence: Presence) -> IdentityState {
    IdentityState { directory: DirectoryId::parse("entra").unwrap(), presence, since: ago(3) }
}

impl Case {
    fn assess(&self) -> Assessment {
        let facts = Facts {
            account: &self.account,
            roles: &self.roles,
            sectors: &self.sectors,
            limited: false,
            identities: &self.identities,
            documents: &self.documents,
            evidence: &self.evidence,
            sources: &self.sources,
            notices: &self.notices,
            mail_configured: self.mail_configured,
            held: self.held,
            leave: self.leave,
        };
        assess(&self.policy, &facts, now())
    }

    fn standing(mut self, status: Status, reason: StatusReason, since: i64) -> Self {
        self.account.standing = Standing { ..sample::standing(status, reason, ago(since)) };
        self
    }

    fn kept(&self) -> &'static str {
        let found = self.assess();
        assert_eq!(found.step, Step::Keep, "{found:?}");
        found.exempt().unwrap().name()
    }
}

fn say(found: &Assessment, language: Language) -> String {
    found.because.sentence(&Reading { language, now: now(), zone: TimeZone::UTC })
}

#[test]
fn whoever_is_quiet_for_longer_than_the_rule_allows_is_frozen() {
    assert_eq!(case(89).kept(), "in_use");
    let found = case(572).assess();
    assert_eq!((found.step, found.rule.unwrap().as_str()), (Step::Freeze, "everyone"));
    assert_eq!(say(&case(572).assess(), Language::Sv), "Inte inloggad på 572 dagar");
    assert_eq!(say(&case(572).assess(), Language::En), "Not signed in for 572 days");
    let mut board = case(46);
    board.roles.insert(sample::role_id("board"));
    assert_eq!(board.assess().step, Step::Freeze);
    board.policy.lifecycle.rules[0].freeze_for = None;
    assert_eq!(board.assess().step, Step::Deactivate);
}

#[test]
fn never_signed_in_has_its_own_limit_from_when_it_was_possible() {
    let mut fresh = case(0);
    fresh.evidence.clear();
    fresh.account.created_at = ago(29);
    assert_eq!(fresh.kept(), "in_use");
    fresh.account.created_at = ago(41);
    let found = fresh.assess();
    assert_eq!(found.step, Step::Freeze);
    assert_eq!(say(&found, Language::Sv), "Aldrig inloggad, kontot skapades för 41 dagar sedan");
    fresh.account.activated_at = Some(ago(10));
    assert_eq!(fresh.kept(), "in_use");
    fresh.roles.insert(sample::role_id("board"));
    (fresh.account.created_at, fresh.account.activated_at) = (ago(50), Some(ago(46)));
    assert_eq!(fresh.assess().step, Step::Freeze, "without a limit of its own the ordinary one counts");
}

#[test]
fn unknown_is_not_inactive() {
    let mut blind = case(572);
    let log =
        SourceHealth::own(EvidenceSource::Directory, Some(DirectoryId::parse("entra").unwrap()), ago(9));
    blind.sources.push(log);
    let found = blind.assess();
    assert_eq!(blind.kept(), "unknown");
    assert_eq!(
        say(&found, Language::Sv),
        "Inloggningsloggen från entra är 9 dagar gammal. Okänt räknas inte som inaktivt."
    );
    blind.sources.clear();
    assert_eq!(blind.kept(), "unknown", "no source at all knows nothing");
    let frozen =
        Case { sources: Vec::new(), ..case(572).standing(Status::Frozen, StatusReason::Inactive, 30) };
    assert_eq!(frozen.kept(), "unknown");
}

#[test]
fn a_source_that_nobody_configured_is_ignored_and_named() {
    let found = case(572).assess();
    assert_eq!(found.ignored, BTreeSet::from([EvidenceSource::Crm, EvidenceSource::Directory]));
}

#[test]
fn protected_break_glass_and_removed_accounts_are_left_alone_even_when_departed() {
    let mut kept = case(572);
    kept.identities = vec![identity(Presence::Deleted)];
    kept.account.is_protected = true;
    assert_eq!(kept.kept(), "protected");
    kept.account.is_protected = false;
    kept.account.kind = AccountKind::BreakGlass;
    assert_eq!(kept.kept(), "break_glass");
    assert_eq!(kept.standing(Status::Removed, StatusReason::Manual, 1).kept(), "removed");
}

#[test]
fn departed_is_deactivated_at_once_and_returns_when_the_directory_says_so() {
    let mut gone = case(1);
    gone.identities = vec![identity(Presence::Inactive)];
    gone.leave = Some(Leave { from: ago(10), until: now() + days(100), keeps_sign_in: false });
    let found = gone.assess();
    assert_eq!(found.step, Step::Deactivate);
    assert_eq!(say(&found, Language::Sv), "Inaktiv i katalogen entra");
    assert_eq!(found.because.status_reason(StatusReason::Provisioned), StatusReason::Departed);
    gone.identities.push(identity(Presence::Active));
    assert_eq!(gone.assess().step, Step::Pause, "another directory still has the person");
    gone.identities.clear();
    assert_ne!(gone.assess().step, Step::Deactivate, "no directory ever knew the person");
    let back = case(1).standing(Status::Deactivated, StatusReason::Departed, 3);
    assert_eq!(back.assess().step, Step::Return);
    assert_eq!(case(1).standing(Status::Deactivated, StatusReason::Manual, 3).kept(), "deactivated");
    let mut over = case(1).standing(Status::Deactivated, StatusReason::Departed, 3);
    over.account.valid_until = Some(ago(1));
    assert_eq!(over.kept(), "deactivated");
}

#[test]
fn a_passed_end_date_deactivates_and_a_first_day_to_come_keeps() {
    let mut dated = case(1);
    dated.account.valid_until = Some(now());
    assert_eq!(dated.assess().because.name(), "expired");
    dated.account.valid_until = None;
    dated.account.valid_from = Some(now() + days(1));
    assert_eq!(dated.kept(), "not_yet_valid");
}

#[test]
fn leave_pauses_keeps_and_returns_by_itself() {
    let mut away = case(572);
    away.leave = Some(Leave { from: ago(1), until: now() + days(200), keeps_sign_in: false });
    assert_eq!(away.assess().step, Step::Pause);
    away.account.leave_until = Some(now() + days(200));
    let mut away = away.standing(Status::Paused, StatusReason::Leave, 1);
    assert_eq!(away.kept(), "on_leave");
    (away.leave, away.account.leave_until) = (None, Some(now()));
    assert_eq!(away.assess().step, Step::Return);
    away.account.returned_at = Some(now());
    assert_eq!(away.standing(Status::Active, StatusReason::Returned, 0).kept(), "in_use");
}

#[test]
fn a_freeze_lasts_its_time_and_only_a_freeze_for_silence_ends_in_deactivation() {
    assert_eq!(case(120).standing(Status::Frozen, StatusReason::Inactive, 13).kept(), "frozen");
    let found = case(120).standing(Status::Frozen, StatusReason::Inactive, 14).assess();
    assert_eq!(found.step, Step::Deactivate);
    assert_eq!(found.because.status_reason(StatusReason::Inactive), StatusReason::Inactive);
    assert_eq!(case(120).standing(Status::Frozen, StatusReason::Manual, 90).kept(), "decided_by_person");
    assert_eq!(case(5).standing(Status::Frozen, StatusReason::Inactive, 20).kept(), "seen_since");
}

#[test]
fn removal_comes_only_where_the_rule_has_a_time_for_it() {
    let mut old = case(572).standing(Status::Deactivated, StatusReason::Inactive, 400);
    assert_eq!(old.kept(), "deactivated");
    old.policy.lifecycle.rules[1].remove_after = Some(days(365));
    assert_eq!(old.assess().step, Step::Remove);
    old.sources.clear();
    assert_eq!(old.kept(), "unknown");
}

#[test]
fn each_notice_goes_out_in_turn_and_leaves_its_full_time() {
    let mut told = case(75);
    told.mail_configured = true;
    assert_eq!(told.kept(), "in_use");
    told.evidence = Evidence::from([(EvidenceSource::Sso, ago(572))]);
    let lead = |found: &Assessment| match found.step {
        Step::Notify { lead, .. } => lead,
        other => panic!("{other:?}"),
    };
    assert_eq!(lead(&told.assess()), days(14));
    let sent = |lead: SignedDuration, since: i64| Notice { lead, sent_at: ago(since) };
    told.notices = vec![sent(days(14), 6)];
    assert_eq!(told.kept(), "told");
    told.notices = vec![sent(days(14), 7)];
    assert_eq!(lead(&told.assess()), days(7));
    told.notices = vec![sent(days(14), 20), sent(days(7), 2)];
    assert_eq!(told.kept(), "told", "the second notice went late and keeps its seven days");
    told.notices = vec![sent(days(14), 14), sent(days(7), 7), sent(days(1), 1)];
    assert_eq!(told.assess().step, Step::Freeze);
    told.account.email = None;
    told.notices.clear();
    assert_eq!(lead(&told.assess()), days(14), "without an address it waits for its notice all the same");
}

#[test]
fn a_sign_in_makes_the_notices_history() {
    let mut told = case(85);
    told.mail_configured = true;
    told.notices = vec![Notice { lead: days(14), sent_at: ago(90) }];
    assert!(matches!(told.assess().step, Step::Notify { lead, .. } if lead == days(14)));
}

#[test]
fn a_rule_applies_by_role_sector_limit_directory_and_kind() {
    let mut case = case(572);
    let rule = &mut case.policy.lifecycle.rules[1];
    rule.applies_to.kinds = vec![AccountKind::Temporary];
    assert_eq!(case.kept(), "no_rule");
    let to = &mut case.policy.lifecycle.rules[1].applies_to;
    (to.kinds, to.limited) = (Vec::new(), Some(true));
    assert_eq!(case.kept(), "no_rule");
    let to = &mut case.policy.lifecycle.rules[1].applies_to;
    (to.limited, to.directories) = (Some(false), BTreeSet::from([DirectoryId::parse("okta").unwrap()]));
    assert_eq!(case.kept(), "no_rule");
    let to = &mut case.policy.lifecycle.rules[1].applies_to;
    to.directories = BTreeSet::from([DirectoryId::parse("entra").unwrap()]);
    assert_eq!(case.assess().step, Step::Freeze);
}
