//! A small association for the tests: its policy, accounts and grants.
//!
//! Invariant: only tests see it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::account::{Account, AccountKind, Standing, Status, StatusReason};
use super::calm_days::CalmDays;
use super::grant::{Grant, GrantKind, Holder, ItemRef, Link, LinkOrigin, Origin};
use super::ids::{AccountId, ComponentId, GrantId, ModuleId, RoleId, RuleId, SectorId};
use super::language::Text;
use super::policy::care::{ChangedJob, NoticePolicy};
use super::policy::{
    Action, AppliesTo, Component, Console, Contact, EvidenceSource, LifecyclePolicy, LifecycleRule, LinksOn,
    Mode, Module, Opening, Policy, ReviewPolicy, Role, SafetyLimits, Sector, Unmatched,
};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

pub(crate) fn account_id(number: u128) -> AccountId {
    AccountId::new(Uuid::from_u128(number))
}

pub(crate) fn grant_id(number: u128) -> GrantId {
    GrantId::new(Uuid::from_u128(number))
}

pub(crate) fn role_id(id: &str) -> RoleId {
    RoleId::parse(id).unwrap()
}

pub(crate) fn sector_id(id: &str) -> SectorId {
    SectorId::parse(id).unwrap()
}

pub(crate) fn item(component: &str, id: &str) -> ItemRef {
    ItemRef::parse(ComponentId::parse(component).unwrap(), id).unwrap()
}

/// An active account, made at `since`.
pub(crate) fn account(number: u128, since: Timestamp) -> Account {
    Account {
        id: account_id(number),
        user_name: format!("person{number}@bjorkbacken.example"),
        display_name: "Karl-Johan Åkesson af Björkenäs".into(),
        email: Some("kj@bjorkbacken.example".into()),
        language: None,
        kind: AccountKind::Person,
        is_protected: false,
        valid_from: None,
        valid_until: None,
        created_at: since,
        standing: standing(Status::Active, StatusReason::Provisioned, since),
        leave_until: None,
        returned_at: None,
        activated_at: None,
        version: 1,
    }
}

pub(crate) fn standing(status: Status, reason: StatusReason, since: Timestamp) -> Standing {
    Standing { status, since, reason, by: "job:test".into(), note: None }
}

pub(crate) fn grant_of(number: u128, kind: GrantKind, origin: Origin, since: Timestamp) -> Grant {
    Grant {
        id: grant_id(number),
        kind,
        origin,
        by: "job:test".into(),
        why: None,
        since,
        ends_at: None,
        until: None,
    }
}

/// A grant by the rule `r`, since the beginning of time.
pub(crate) fn grant(kind: GrantKind) -> Grant {
    grant_of(1, kind, Origin::Rule(RuleId::parse("r").unwrap()), Timestamp::UNIX_EPOCH)
}

pub(crate) fn link(number: u128, item: ItemRef, holder: Holder, origin: LinkOrigin) -> Link {
    Link {
        id: grant_id(number),
        item,
        holder,
        origin,
        by: "job:test".into(),
        why: None,
        since: Timestamp::UNIX_EPOCH,
        ends_at: None,
        until: None,
    }
}

fn named<I: Ord, T>(
    entries: Vec<(&str, T)>,
    id: impl Fn(&str) -> Result<I, super::ids::IdError>,
) -> BTreeMap<I, T> {
    entries.into_iter().map(|(name, thing)| (id(name).unwrap(), thing)).collect()
}

fn component(name: Text, module: &str, sector: Option<&str>, links_on: Option<&[LinksOn]>) -> Component {
    Component {
        name,
        module: ModuleId::parse(module).unwrap(),
        sector: sector.map(sector_id),
        supports_items: links_on.is_some(),
        links_on: links_on.unwrap_or_default().iter().copied().collect(),
        is_administration: module == "administration",
    }
}

fn components() -> BTreeMap<ComponentId, Component> {
    let mailing = [LinksOn::Created, LinksOn::Project];
    let discussion = [LinksOn::Created, LinksOn::Participant];
    named(
        vec![
            (
                "mailing",
                component(
                    Text::new("Utskick", "Mailings"),
                    "communication",
                    Some("mailings"),
                    Some(&mailing),
                ),
            ),
            (
                "board_discussion",
                component(
                    Text::new("Styrelsediskussioner", "Board discussions"),
                    "meetings",
                    Some("meetings"),
                    Some(&discussion),
                ),
            ),
            ("member", component(Text::new("Medlemmar", "Members"), "members", Some("members"), None)),
            ("archive", component(Text::new("Arkiv", "Archive"), "communication", None, None)),
            ("settings", component(Text::new("Inställningar", "Settings"), "administration", None, None)),
        ],
        ComponentId::parse,
    )
}

fn roles() -> BTreeMap<RoleId, Role> {
    let opening = |module: Option<&str>, actions: Option<&[Action]>| Opening {
        module: module.map(|id| ModuleId::parse(id).unwrap()),
        actions: actions.map(|some| some.iter().copied().collect()),
    };
    let role = |name, opens, is_critical, console| Role { name, opens, is_critical, console };
    let part = [Action::View, Action::Create, Action::Edit];
    named(
        vec![
            (
                "board",
                role(
                    Text::new("Styrelse", "Board"),
                    vec![opening(None, None)],
                    true,
                    Some(Console::Administrator),
                ),
            ),
            (
                "communicator",
                role(
                    Text::new("Kommunikatör", "Communicator"),
                    vec![
                        opening(Some("communication"), None),
                        opening(Some("members"), Some(&[Action::View])),
                    ],
                    false,
                    None,
                ),
            ),
            (
                "secretary",
                role(
                    Text::new("Sekreterare", "Secretary"),
                    vec![opening(Some("meetings"), Some(&part))],
                    false,
                    None,
                ),
            ),
        ],
        RoleId::parse,
    )
}

fn lifecycle() -> LifecyclePolicy {
    let rule = |id: &str, applies_to, evidence: &[EvidenceSource], inactive, never| LifecycleRule {
        id: RuleId::parse(id).unwrap(),
        applies_to,
        evidence: evidence.iter().copied().collect(),
        inactive_after: Some(days(inactive)),
        never_signed_in_after: never,
        notify_before: vec![days(14), days(7), days(1)],
        freeze_for: Some(days(14)),
        sign_in_lifts_freeze: false,
        remove_after: None,
    };
    let board = AppliesTo { roles: BTreeSet::from([role_id("board")]), ..AppliesTo::default() };
    LifecyclePolicy {
        schedule: Some("0 2 * * *".into()),
        timezone: "Europe/Stockholm".into(),
        mode: Mode::Enforce,
        observe_first: SignedDuration::ZERO,
        profile: None,
        no_steps_on: CalmDays::default(),
        safety: SafetyLimits { max_accounts: 3, max_percent: 10.0, max_shrink_percent: 20.0 },
        source_stale_after: days(7),
        rules: vec![
            rule("administrators", board, &[EvidenceSource::Sso, EvidenceSource::Crm], 45, None),
            rule("everyone", AppliesTo::default(), EvidenceSource::ALL, 90, Some(days(30))),
        ],
    }
}

pub(crate) fn policy() -> Policy {
    let module = |sv: &str, en: &str| Module { name: Text::new(sv, en) };
    let sector = |sv: &str, en: &str| Sector { name: Text::new(sv, en), is_critical: false, owner: None };
    Policy {
        unmatched: Unmatched::NoAccess,
        administrators_by_rule: true,
        contact: Contact { name: Text::new("styrelsen", "the board"), email: None },
        modules: named(
            vec![
                ("members", module("Medlemmar", "Members")),
                ("communication", module("Kommunikation", "Communication")),
                ("meetings", module("Möten", "Meetings")),
                ("administration", module("Systemadministration", "System administration")),
            ],
            ModuleId::parse,
        ),
        sectors: named(
            vec![
                ("mailings", sector("Utskick", "Mailings")),
                ("members", sector("Medlemmar", "Members")),
                ("meetings", sector("Möten", "Meetings")),
            ],
            SectorId::parse,
        ),
        components: components(),
        roles: roles(),
        rules: Vec::new(),
        lifecycle: lifecycle(),
        leave_sign_in: false,
        manual_grants_expire_after: Some(days(180)),
        review: ReviewPolicy::default(),
        notices: NoticePolicy::default(),
        changed_job: ChangedJob::default(),
    }
}
