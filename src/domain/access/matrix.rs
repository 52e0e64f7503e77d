//! The golden matrix: every kind of user, every kind of item, every action; and the sentences that go with it.

use std::fmt::Write as _;

use super::*;
use crate::domain::language::Language;
use crate::domain::sample;

const NOW: &str = "2025-10-07T08:00:00Z";

fn role(id: &str) -> GrantKind {
    GrantKind::Role(sample::role_id(id))
}

fn sector(id: &str) -> GrantKind {
    GrantKind::Sector(sample::sector_id(id))
}

fn users() -> Vec<(&'static str, Account, Vec<Grant>)> {
    use GrantKind::{ItemRestricted, Limited};
    let created = sample::at("2025-02-03T08:00:00Z");
    let user = |name, kinds: Vec<GrantKind>| {
        (name, sample::account(1, created), kinds.into_iter().map(sample::grant).collect::<Vec<Grant>>())
    };
    let stopped = |name, status, reason| {
        let mut account = sample::account(1, created);
        account.standing = sample::standing(status, reason, created);
        (name, account, vec![sample::grant(role("board"))])
    };
    let mut early = user("board, valid from tomorrow", vec![role("board")]);
    early.1.valid_from = Some(sample::at("2025-10-08T08:00:00Z"));
    let mut late = user("board, valid until today", vec![role("board")]);
    late.1.valid_until = Some(sample::at(NOW));
    vec![
        user("board", vec![role("board")]),
        user("communicator", vec![role("communicator")]),
        user("secretary", vec![role("secretary")]),
        user("nobody: no roles", vec![]),
        user("communicator, item-restricted, not limited", vec![role("communicator"), ItemRestricted]),
        user("communicator, limited to mailings", vec![role("communicator"), Limited, sector("mailings")]),
        user(
            "communicator, limited to mailings, item-restricted",
            vec![role("communicator"), Limited, ItemRestricted, sector("mailings")],
        ),
        user(
            "secretary, limited to meetings, item-restricted",
            vec![role("secretary"), Limited, ItemRestricted, sector("meetings")],
        ),
        user(
            "board, limited to every sector",
            vec![role("board"), Limited, sector("mailings"), sector("meetings"), sector("members")],
        ),
        user("board, limited, no sector", vec![role("board"), Limited]),
        stopped("board, invited", Status::Invited, StatusReason::Provisioned),
        stopped("board, on leave", Status::Paused, StatusReason::Leave),
        stopped("board, frozen", Status::Frozen, StatusReason::Inactive),
        stopped("board, departed", Status::Deactivated, StatusReason::Departed),
        stopped("board, removed", Status::Removed, StatusReason::Manual),
        early,
        late,
    ]
}

/// A column of the matrix: what it is called, component, item, links, assignment.
struct Thing(&'static str, &'static str, Option<&'static str>, Vec<Link>, Option<Holder>);

fn things() -> Vec<Thing> {
    let mailing = |holder, origin| vec![sample::link(9, sample::item("mailing", "1"), holder, origin)];
    let me = || Holder::Account(sample::account_id(1));
    let other = || Holder::Account(sample::account_id(2));
    let my_role = || Holder::Role(sample::role_id("communicator"));
    let mut ended = mailing(me(), LinkOrigin::Manual);
    ended[0].ends_at = Some(sample::at(NOW));
    let discussion =
        vec![sample::link(9, sample::item("board_discussion", "1"), me(), LinkOrigin::Participant)];
    vec![
        Thing("mailings as a whole", "mailing", None, vec![], None),
        Thing("mailing, linked by hand", "mailing", Some("1"), mailing(me(), LinkOrigin::Manual), None),
        Thing("mailing, link ended today", "mailing", Some("1"), ended, None),
        Thing(
            "mailing, linked to the role",
            "mailing",
            Some("1"),
            mailing(my_role(), LinkOrigin::Manual),
            None,
        ),
        Thing("mailing, assigned", "mailing", Some("1"), vec![], Some(me())),
        Thing("mailing, assigned to the role", "mailing", Some("1"), vec![], Some(my_role())),
        Thing("mailing, assigned elsewhere", "mailing", Some("1"), vec![], Some(other())),
        Thing("mailing, another one linked", "mailing", Some("2"), mailing(me(), LinkOrigin::Created), None),
        Thing("discussion, participant", "board_discussion", Some("1"), discussion, None),
        Thing("discussion, unlinked", "board_discussion", Some("2"), vec![], None),
        Thing("member", "member", Some("1"), vec![], None),
        Thing("archive, outside the sectors", "archive", Some("1"), vec![], None),
        Thing("settings", "settings", Some("*"), vec![], None),
        Thing("unknown component", "x y", None, vec![], None),
    ]
}

fn answer(account: Option<&Account>, grants: &[Grant], thing: &Thing, action: Action) -> Decision {
    let Thing(_, component, item, links, assignment) = thing;
    let facts = AccessFacts { account, grants, links, assignment: assignment.as_ref(), now: sample::at(NOW) };
    let question = Question { action, component: (*component).into(), item: item.map(Into::into) };
    decide(&sample::policy(), &facts, &question)
}

fn matrix() -> String {
    let mut page = String::from(
        "Who may do what: ✓ yes, n yes but narrowed to linked and assigned items, ✗ no.\n\
         The code and the sentences are those of `edit`.\n",
    );
    let policy = sample::policy();
    for (name, account, grants) in users() {
        writeln!(page, "\n## {name}\n").unwrap();
        let mut shared = None;
        for thing in things() {
            write!(page, "{:<31}", thing.0).unwrap();
            for action in Action::ALL {
                let decision = answer(Some(&account), &grants, &thing, *action);
                let mark = match (decision.is_allowed(), decision.narrowed) {
                    (true, false) => "✓",
                    (true, true) => "n",
                    (false, _) => "✗",
                };
                write!(page, " {} {mark} ", action.name()).unwrap();
            }
            let edit = answer(Some(&account), &grants, &thing, Action::Edit);
            writeln!(page, " {}", edit.code()).unwrap();
            if !edit.is_allowed() && shared != edit.refusal {
                writeln!(page, "    sv: {}", reason_user(&edit, &policy, Language::Sv)).unwrap();
                writeln!(page, "    en: {}", reason_user(&edit, &policy, Language::En)).unwrap();
                shared = edit.refusal;
            }
        }
    }
    page
}

/// After a wanted change: `UPDATE_GOLDEN=1 cargo test --lib access`, then review the difference by eye.
#[test]
fn the_matrix_is_as_reviewed() {
    let found = matrix();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/access.txt");
        std::fs::write(path, &found).unwrap();
        return;
    }
    let reviewed = include_str!("../../../tests/golden/access.txt");
    for (line, (want, have)) in reviewed.lines().zip(found.lines()).enumerate() {
        assert_eq!(want, have, "tests/golden/access.txt, line {}", line + 1);
    }
    assert_eq!(reviewed.lines().count(), found.lines().count());
}

#[test]
fn an_account_that_nobody_knows_is_refused_with_whom_to_contact() {
    let decision = answer(None, &[], &things()[0], Action::View);
    assert_eq!(decision.code(), "unknown_account");
    let policy = sample::policy();
    assert_eq!(
        reason_user(&decision, &policy, Language::Sv),
        "Du har inget konto i CRM:et. Kontakta styrelsen."
    );
    assert_eq!(
        reason_user(&decision, &policy, Language::En),
        "You have no account in the CRM. Contact the board."
    );
}

#[test]
fn the_trace_tells_every_check_and_what_passed_it() {
    let (_, account, grants) = users().remove(6);
    let decision = answer(Some(&account), &grants, &things()[1], Action::Edit);
    assert_eq!(
        reason_admin(&decision),
        "allowed: account active since 2025-02-03T08:00:00Z; component mailing in module communication; \
         not administration; role communicator (rule r) opens it; sector mailings (rule r); \
         link (manual) to the account"
    );
    let refused = answer(Some(&account), &grants, &things()[6], Action::Edit);
    assert!(reason_admin(&refused).ends_with("item-restricted, without link or assignment to mailing/1"));
    let told: Vec<String> =
        decision.trace.iter().map(|step| step.sentence(&sample::policy(), Language::Sv)).collect();
    assert_eq!(told[3], "Rollen Kommunikatör öppnar modulen, från regeln r.");
    assert_eq!(told[5], "Föremålet är kopplat till kontot.");
}

#[test]
fn a_person_on_leave_gets_in_only_where_the_policy_lets_them() {
    let now = sample::at(NOW);
    let mut account = sample::account(1, now);
    account.standing = sample::standing(Status::Paused, StatusReason::Leave, now);
    let mut policy = sample::policy();
    assert!(is_in_use(&policy, &account, now).is_err());
    policy.leave_sign_in = true;
    assert!(is_in_use(&policy, &account, now).is_ok());
}

#[test]
fn whoever_may_look_but_not_touch_is_told_which_role_it_takes() {
    let grants = [sample::grant(role("communicator"))];
    let account = sample::account(1, sample::at(NOW));
    let decision = answer(Some(&account), &grants, &things()[10], Action::Edit);
    assert_eq!(
        reason_user(&decision, &sample::policy(), Language::Sv),
        "Du kan läsa men inte ändra. Det kräver rollen Styrelse. Kontakta styrelsen."
    );
}
