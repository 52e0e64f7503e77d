//! The story as the stage plays it: cue by cue, with the nights, the CRM's evening reports and the days that were set.
//!
//! Invariant: cues are in order of time; every night up to the last has its run, and no two reports of the CRM lie
//! more than six days apart.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::demo::association::{Event, Happening, PersonNo, Story};

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cue {
    /// Something that a directory, an administrator or the CRM does at once.
    Happens(Happening),
    /// These sign in through Portvakt, one way or the other at the same time.
    SignIns(Vec<PersonNo>),
    /// The CRM reports who signed in there.
    Report(Vec<(PersonNo, Timestamp)>),
    /// A day has come that an administrator set: the end of an account or of a leave.
    Date,
    /// The northern directory's mistake has been made.
    Struck,
    /// The northern directory's mistake has been mended.
    Mended,
    /// The night's jobs; once a week they put old rows away.
    Night {
        /// Whether this is the night of the week for that.
        tidies: bool,
    },
}

/// A cue and its instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scene {
    pub(super) at: Timestamp,
    pub(super) cue: Cue,
}

/// The CRM reports at half past eleven in the evening, the jobs run at two in the night.
const EVENING: SignedDuration = SignedDuration::from_mins(23 * 60 + 30);
const NIGHT: SignedDuration = SignedDuration::from_mins(2 * 60);

/// A CRM that says nothing for seven days is not believed to have seen nobody.
const SILENT_DAYS: usize = 6;

/// A moment of the story before what happens at the same time is put together.
enum Moment<'s> {
    Event(&'s Happening),
    Cue(Cue),
    Evening,
}

/// The whole story as cues.
pub(super) fn script(story: &Story, zone: &TimeZone) -> Vec<Scene> {
    let mut moments = moments(story, zone);
    // Stable: what happens at one instant keeps the order in which the story tells it.
    moments.sort_by_key(|(at, rank, _)| (*at, *rank));
    let mut scenes: Vec<Scene> = Vec::new();
    let (mut seen, mut silent) = (Vec::new(), 0);
    for (at, _, moment) in moments {
        match moment {
            Moment::Event(Happening::SeenInCrm(person)) => seen.push((*person, at)),
            Moment::Event(Happening::SignsIn(person)) => sign_in(&mut scenes, at, *person, zone),
            Moment::Event(happening) => scenes.push(Scene { at, cue: Cue::Happens(happening.clone()) }),
            Moment::Cue(cue) => scenes.push(Scene { at, cue }),
            Moment::Evening if seen.is_empty() && silent < SILENT_DAYS - 1 => silent += 1,
            Moment::Evening => {
                silent = 0;
                scenes.push(Scene { at, cue: Cue::Report(std::mem::take(&mut seen)) });
            }
        }
    }
    scenes.push(Scene { at: story.end, cue: Cue::Report(seen) });
    scenes
}

/// Who signs in on the same day, with nothing between, signs in at the same time.
fn sign_in(scenes: &mut Vec<Scene>, at: Timestamp, person: PersonNo, zone: &TimeZone) {
    if let Some(Scene { at: before, cue: Cue::SignIns(people) }) = scenes.last_mut()
        && before.to_zoned(zone.clone()).date() == at.to_zoned(zone.clone()).date()
    {
        people.push(person);
        *before = at;
    } else {
        scenes.push(Scene { at, cue: Cue::SignIns(vec![person]) });
    }
}

fn moments<'s>(story: &'s Story, zone: &TimeZone) -> Vec<(Timestamp, u8, Moment<'s>)> {
    let mut moments: Vec<(Timestamp, u8, Moment<'_>)> = Vec::new();
    for Event { at, what } in &story.events {
        moments.push((*at, 1, Moment::Event(what)));
        if let Happening::EndSet(_, end) | Happening::LeaveGranted(_, end) = what
            && *end <= story.end
        {
            moments.push((*end, 0, Moment::Cue(Cue::Date)));
        }
    }
    moments.push((story.accident.off_at, 2, Moment::Cue(Cue::Struck)));
    moments.push((story.accident.on_at, 2, Moment::Cue(Cue::Mended)));
    for (number, midnight) in midnights(story, zone).into_iter().enumerate() {
        let (evening, night) = (midnight + EVENING, midnight + NIGHT);
        if evening < story.end {
            moments.push((evening, 3, Moment::Evening));
        }
        if night > story.start && night <= story.last_night {
            moments.push((night, 3, Moment::Cue(Cue::Night { tidies: number % 7 == 6 })));
        }
    }
    moments
}

/// The beginning of each day from the first to the last.
fn midnights(story: &Story, zone: &TimeZone) -> Vec<Timestamp> {
    let mut day = story.start.to_zoned(zone.clone()).date();
    let last = story.end.to_zoned(zone.clone()).date();
    let mut midnights = Vec::new();
    while day <= last {
        if let Ok(zoned) = day.to_zoned(zone.clone()) {
            midnights.push(zoned.timestamp());
        }
        day = day.saturating_add(1.day());
    }
    midnights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::association::Association;

    fn played(now: &str) -> (Story, Vec<Scene>) {
        let story = Story::until(now.parse().unwrap(), &Association::bjorkbacken());
        let scenes = script(&story, &TimeZone::get("Europe/Stockholm").unwrap());
        (story, scenes)
    }

    #[test]
    fn every_event_of_the_story_is_played_once_and_in_order() {
        let (story, scenes) = played("2025-10-07T09:30:00Z");
        assert!(scenes.is_sorted_by_key(|scene| scene.at));
        let played: usize = scenes
            .iter()
            .map(|scene| match &scene.cue {
                Cue::Happens(_) => 1,
                Cue::SignIns(people) => people.len(),
                Cue::Report(rows) => rows.len(),
                Cue::Date | Cue::Struck | Cue::Mended | Cue::Night { .. } => 0,
            })
            .sum();
        assert_eq!(played, story.events.len());
    }

    #[test]
    fn there_is_a_run_each_night_at_two_up_to_the_last_and_none_after_it() {
        for now in ["2025-10-07T09:30:00Z", "2026-01-31T23:00:01Z"] {
            let (story, scenes) = played(now);
            let nights: Vec<_> =
                scenes.iter().filter(|scene| matches!(scene.cue, Cue::Night { .. })).map(|s| s.at).collect();
            assert_eq!(nights.last(), Some(&story.last_night));
            let longest = nights.windows(2).map(|pair| pair[1].duration_since(pair[0])).max().unwrap();
            assert!(longest <= SignedDuration::from_hours(25), "{longest}");
            assert!(nights.len() > 420, "{}", nights.len());
        }
    }

    #[test]
    fn the_crm_is_never_silent_for_a_week_and_reports_nothing_before_it_happened() {
        let (story, scenes) = played("2025-10-07T09:30:00Z");
        let mut last = story.start;
        for scene in &scenes {
            if let Cue::Report(rows) = &scene.cue {
                assert!(scene.at.duration_since(last) < SignedDuration::from_hours(7 * 24), "{last}");
                assert!(rows.iter().all(|(_, at)| *at <= scene.at && *at >= last - NIGHT));
                last = scene.at;
            }
        }
        assert_eq!(last, story.end);
    }
}
