//! What the association promises to the rest of the demo.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::items::{CHAIR, COORDINATOR, ELIAS, MAJA, PRESS_LEAD, SECRETARY, TOR, TREASURER};
use super::part::{FREEZE_FOR, INACTIVE_AFTER, NEVER_AFTER};
use super::*;

/// Two presents: in summer time, and at midnight in winter.
fn presents() -> [Timestamp; 2] {
    ["2025-10-07T09:30:00Z".parse().unwrap(), "2026-01-31T23:00:01Z".parse().unwrap()]
}

fn story() -> (Association, Story) {
    let association = Association::bjorkbacken();
    let story = Story::until(presents()[0], &association);
    (association, story)
}

#[test]
fn there_are_120_people_of_two_directories_in_nine_groups() {
    let association = Association::bjorkbacken();
    let homes = |home| association.people().iter().filter(|person| person.home == home).count();
    assert_eq!((association.people().len(), homes(Home::Entra), homes(Home::Okta)), (120, 90, 30));
    for group in GroupNo::ALL {
        let members: Vec<_> =
            association.people().iter().filter(|person| person.groups.contains(&group)).collect();
        assert!(!members.is_empty(), "{group:?}");
        assert!(members.iter().all(|person| person.home == group.group().home), "{group:?}");
    }
    let distinct =
        |of: fn(&Person) -> String| association.people().iter().map(of).collect::<BTreeSet<_>>().len();
    assert_eq!(distinct(Person::name), 120);
    assert_eq!(distinct(|person| person.user_name.clone()), 120);
    assert_eq!(distinct(|person| person.external_id.clone()), 120);
}

#[test]
fn every_kind_of_end_is_there() {
    let association = Association::bjorkbacken();
    let counts = [Outcome::Active, Outcome::DueNow, Outcome::Frozen, Outcome::Deactivated, Outcome::Paused]
        .map(|outcome| association.count(outcome));
    assert_eq!(counts, [73, 13, 4, 28, 2]);
}

#[test]
fn addresses_are_plain_and_names_are_not() {
    let association = Association::bjorkbacken();
    assert!(association.people().iter().all(|person| person.user_name.is_ascii()));
    let name = |user_name: &str| association.by_user_name(user_name).map(Person::name);
    assert_eq!(name("siobhan.oconnell@bjorkbacken.example").as_deref(), Some("Siobhán O'Connell"));
    assert_eq!(name("asa.lindqvist@bjorkbacken.example").as_deref(), Some("Åsa Lindqvist"));
    assert_eq!(name("aile.lantto@bjorkbackennorr.example").as_deref(), Some("Áile Lantto"));
}

#[test]
fn the_same_present_gives_the_same_story_in_order_of_time() {
    let association = Association::bjorkbacken();
    for now in presents() {
        let story = Story::until(now, &association);
        assert_eq!(story.events, Story::until(now, &Association::bjorkbacken()).events);
        assert!(story.events.is_sorted_by_key(|event| event.at));
        assert!(story.events.first().unwrap().at >= story.start);
        assert!(story.events.last().unwrap().at <= now);
        assert!(story.last_night < now);
    }
}

#[test]
fn some_hundred_sign_in_here_and_many_more_at_the_crm() {
    let (_, story) = story();
    let count =
        |wanted: fn(&Happening) -> bool| story.events.iter().filter(|event| wanted(&event.what)).count();
    let sso = count(|what| matches!(what, Happening::SignsIn(_)));
    let crm = count(|what| matches!(what, Happening::SeenInCrm(_)));
    assert!((350..700).contains(&sso), "{sso}");
    assert!((1_200..2_600).contains(&crm), "{crm}");
    assert_eq!(count(|what| matches!(what, Happening::Arrives(_))), 120);
    assert_eq!(count(|what| matches!(what, Happening::Deleted(_))), 1);
    assert_eq!(count(|what| matches!(what, Happening::LeaveGranted(..))), 3);
    assert_eq!(count(|what| matches!(what, Happening::EndSet(..))), 8);
}

/// When the person was seen, earliest first, beginning with the arrival.
fn seen(story: &Story) -> BTreeMap<PersonNo, Vec<Timestamp>> {
    let mut seen: BTreeMap<PersonNo, Vec<Timestamp>> = BTreeMap::new();
    for event in &story.events {
        if let Happening::Arrives(person) | Happening::SignsIn(person) | Happening::SeenInCrm(person) =
            event.what
        {
            seen.entry(person).or_default().push(event.at);
        }
    }
    seen
}

fn days(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64() / 86_400.0
}

#[test]
fn who_is_to_stay_never_falls_silent_for_as_long_as_their_rule_allows() {
    let (association, story) = story();
    for (number, mut seen) in seen(&story) {
        let person = association.person(number).unwrap();
        let stays = matches!(
            person.part,
            Part::Regular(_) | Part::Seldom | Part::Moves { .. } | Part::Joins { .. } | Part::Returns { .. }
        );
        if !stays {
            continue;
        }
        let in_one_of = |groups: &[GroupNo]| person.groups.iter().any(|group| groups.contains(group));
        let limit = if in_one_of(&[GroupNo::Board, GroupNo::Administrators]) {
            45.0
        } else if in_one_of(&[GroupNo::Helpers]) {
            60.0
        } else {
            f64::from(INACTIVE_AFTER)
        };
        assert!(days(seen[0], seen[1]) < f64::from(NEVER_AFTER), "{} comes too late", person.name());
        seen.push(story.end);
        let longest = seen.windows(2).map(|pair| days(pair[0], pair[1])).fold(0.0, f64::max);
        assert!(longest < limit, "{}: {longest} days", person.name());
    }
}

#[test]
fn thirteen_reach_their_limit_between_the_last_night_and_the_present() {
    for now in presents() {
        let association = Association::bjorkbacken();
        let story = Story::until(now, &association);
        let seen = seen(&story);
        let quiet = association.people().iter().filter(|person| person.part == Part::FallsQuiet);
        for person in quiet {
            let last = *seen[&person.number].last().unwrap();
            let limit = f64::from(INACTIVE_AFTER);
            assert!(days(last, story.last_night) < limit, "{} is due too early", person.name());
            assert!(days(last, now) > limit, "{} is not due", person.name());
        }
    }
}

#[test]
fn on_no_day_does_a_run_take_more_than_a_twentieth() {
    let association = Association::bjorkbacken();
    let mut taken: BTreeMap<i32, usize> = BTreeMap::new();
    for person in association.people() {
        let due = match person.part {
            Part::Quiet { last_seen } => {
                vec![last_seen - INACTIVE_AFTER, last_seen - INACTIVE_AFTER - FREEZE_FOR]
            }
            Part::Leaves { ago, .. } => vec![ago],
            Part::Returns { left, .. } => vec![left],
            Part::NeverSeen { joined } => {
                let begun = joined.unwrap_or(426) - NEVER_AFTER;
                vec![begun, begun - FREEZE_FOR]
            }
            Part::Campaign { ends, .. } => vec![ends],
            _ => vec![],
        };
        for day in due.into_iter().filter(|day| *day > 0) {
            // Yesterday's and today's count together within 24 hours.
            *taken.entry(day).or_default() += 1;
            *taken.entry(day - 1).or_default() += 1;
        }
    }
    let (day, most) = taken.iter().max_by_key(|(_, count)| **count).unwrap();
    assert!(*most <= 6, "{most} around {day} days ago");
    assert!(taken.range(..=3).next().is_none(), "nothing is taken just before the last plan");
}

#[test]
fn the_accident_strikes_twenty_who_are_all_switched_on_again_before_anybody_comes() {
    let (association, story) = story();
    let accident = &story.accident;
    assert_eq!(accident.people.len(), 20);
    assert!(accident.people.iter().all(|number| association.person(*number).unwrap().home == Home::Okta));
    let during = story.events.iter().filter(|event| event.at > accident.off_at && event.at < accident.on_at);
    assert_eq!(during.count(), 0);
}

#[test]
fn whoever_makes_items_is_who_the_story_says() {
    let association = Association::bjorkbacken();
    let names = [CHAIR, TREASURER, SECRETARY, PRESS_LEAD, MAJA, ELIAS, COORDINATOR, TOR]
        .map(|number| association.person(number).unwrap().given);
    assert_eq!(names, ["Åsa", "Göran", "Märta", "Johanna", "Maja", "Elias", "Per-Anders", "Tor"]);
}
