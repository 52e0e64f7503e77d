//! Plays the story on the house: every cue at its time, the clock set before each.
//!
//! Invariant: whatever a stranger would do goes over HTTP; administrators and jobs go through the same flows as the
//! command line and the daemon's own ticker.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::house::{CRM, House};
use super::screen::Screen;
use super::script::{Cue, Scene};
use super::told::{Mistake, Told, by_status};
use super::visit;
use crate::demo::association::{Association, Happening, Person, PersonNo, Story};
use crate::demo::provider::Listed;
use crate::demo::{DemoError, loopback};
use crate::domain::account::{AccountKind, Status};
use crate::flows::people::{self, Dates, LeaveWish};
use crate::flows::{Refusal, deliver, targets};
use crate::jobs::{self, Ended};

/// How many sign in at the same time.
const AT_ONCE: usize = 6;

/// Who approves leaves: the chair.
const APPROVER: &str = "Åsa Lindqvist";

/// The story being played.
pub(super) struct Play<'p> {
    pub(super) house: &'p mut House,
    pub(super) association: &'p Association,
    pub(super) story: &'p Story,
    pub(super) screen: &'p Screen,
    pub(super) zone: &'p TimeZone,
    told: Told,
    browsers: reqwest::Client,
}

impl<'p> Play<'p> {
    pub(super) fn new(
        house: &'p mut House,
        (association, story): (&'p Association, &'p Story),
        screen: &'p Screen,
        zone: &'p TimeZone,
    ) -> Result<Self, DemoError> {
        let browsers = loopback::client("Mozilla/5.0 (practice browser)")?;
        Ok(Self { house, association, story, screen, zone, told: Told::default(), browsers })
    }

    /// Plays every scene, until somebody wants it to end.
    pub(super) async fn all(mut self, scenes: &[Scene], end: &CancellationToken) -> anyhow::Result<Told> {
        let mut month: Option<Date> = None;
        for scene in scenes {
            if end.is_cancelled() {
                self.told.is_broken_off = true;
                return Ok(self.told);
            }
            let this = scene.at.to_zoned(self.zone.clone()).date().first_of_month();
            if let Some(before) = month.replace(this).filter(|before| *before != this) {
                self.month_has_passed(before).await?;
            }
            self.house.clock.set(scene.at);
            self.play(scene).await?;
        }
        if let Some(last) = month {
            self.month_has_passed(last).await?;
        }
        Ok(self.told)
    }

    async fn play(&mut self, Scene { at, cue }: &Scene) -> anyhow::Result<()> {
        match cue {
            Cue::Happens(happening) => self.happens(*at, happening).await,
            Cue::SignIns(people) => self.sign_in(people).await,
            Cue::Report(rows) => {
                let reported = self.house.reporter.sign_ins(self.association, rows).await;
                let taken = reported.map(|reported| reported.effective + reported.without_effect);
                self.told.seen.several("POST /api/v1/sign-ins", rows.len(), taken);
            }
            Cue::Date => self.job("dates").await,
            Cue::Struck => {
                let [departed, held] = self.struck(&[Status::Deactivated, Status::Active]).await?;
                self.told.mistake = Mistake { departed, held, back: 0 };
                self.deliver().await?;
            }
            Cue::Mended => [self.told.mistake.back] = self.struck(&[Status::Active]).await?,
            Cue::Night { tidies } => {
                self.job("lifecycle").await;
                if *tidies {
                    self.job("housekeeping").await;
                }
                self.deliver().await?;
            }
        }
        Ok(())
    }

    async fn happens(&mut self, at: Timestamp, happening: &Happening) {
        let association = self.association;
        match happening {
            Happening::SignsIn(person) => self.sign_in(&[*person]).await,
            Happening::SeenInCrm(_) => {}
            Happening::Item(event) => {
                let reported = self.house.reporter.items(association, &[(event.clone(), at)]).await;
                let taken = reported.map(|reported| reported.effective + reported.without_effect);
                self.told.items.several(format_args!("{event:?}"), 1, taken);
            }
            Happening::LeaveGranted(..) | Happening::EndSet(..) | Happening::MadeBreakGlass(_) => {
                let decided = self.decide(at, happening).await;
                self.told.decided.note(format_args!("{happening:?}"), decided);
            }
            Happening::GroupMade(_)
            | Happening::Arrives(_)
            | Happening::Joins(..)
            | Happening::Leaves(..)
            | Happening::Becomes(..)
            | Happening::SwitchedOff(_)
            | Happening::SwitchedOn(_)
            | Happening::Deleted(_) => {
                let pushed = self.push(happening).await;
                self.told.pushed.note(format_args!("{happening:?}"), pushed);
            }
        }
    }

    /// What a directory says, and how its login page changes with it.
    async fn push(&mut self, happening: &Happening) -> Result<(), DemoError> {
        let association = self.association;
        let known = |number: &PersonNo| {
            association.person(*number).ok_or_else(|| DemoError::NotThere(format!("person {}", number.0)))
        };
        let all = |numbers: &[PersonNo]| numbers.iter().map(known).collect::<Result<Vec<&Person>, _>>();
        match happening {
            Happening::GroupMade(group) => {
                self.house.directory(group.group().home).pusher.group_made(*group).await
            }
            Happening::Joins(group, people) => {
                self.house.directory(group.group().home).pusher.joins(*group, &all(people)?).await
            }
            Happening::Leaves(group, people) => {
                self.house.directory(group.group().home).pusher.leaves(*group, &all(people)?).await
            }
            Happening::Arrives(number) => {
                let person = known(number)?;
                let directory = self.house.directory(person.home);
                directory.provider.list(Listed::of(person));
                directory.pusher.arrives(person).await
            }
            Happening::Becomes(number, title, department) => {
                let person = known(number)?;
                let directory = self.house.directory(person.home);
                directory.provider.list(Listed { title: (*title).to_owned(), ..Listed::of(person) });
                directory.pusher.becomes(person, title, department).await
            }
            Happening::SwitchedOff(number) => {
                let person = known(number)?;
                let directory = self.house.directory(person.home);
                directory.provider.note(&person.external_id, Some(("har slutat", "has left")));
                directory.pusher.switched_off(person).await
            }
            Happening::SwitchedOn(number) => {
                let person = known(number)?;
                let directory = self.house.directory(person.home);
                directory.provider.note(&person.external_id, None);
                directory.pusher.switched_on(person).await
            }
            Happening::Deleted(number) => {
                let person = known(number)?;
                let directory = self.house.directory(person.home);
                directory.provider.forget(&person.external_id);
                directory.pusher.deleted(person).await
            }
            Happening::SignsIn(_)
            | Happening::SeenInCrm(_)
            | Happening::LeaveGranted(..)
            | Happening::EndSet(..)
            | Happening::MadeBreakGlass(_)
            | Happening::Item(_) => Ok(()),
        }
    }

    /// What an administrator does at the command line.
    async fn decide(&self, at: Timestamp, happening: &Happening) -> Result<(), Refusal> {
        let name = |number: &PersonNo| {
            self.association.person(*number).map(|person| person.user_name.as_str()).unwrap_or_default()
        };
        let (ports, act) = (&self.house.ports, self.house.act("decision"));
        match happening {
            Happening::LeaveGranted(person, until) => {
                let wish = LeaveWish::new(at, *until, APPROVER);
                people::grant_leave(ports, &act, name(person), wish).await.map(drop)
            }
            Happening::EndSet(person, until) => {
                people::set_kind(ports, &act, name(person), AccountKind::Temporary).await?;
                let dates = Dates { valid_until: Some(Some(*until)), ..Dates::default() };
                people::set_dates(ports, &act, name(person), dates, "kampanj").await.map(drop)
            }
            Happening::MadeBreakGlass(person) => {
                people::set_kind(ports, &act, name(person), AccountKind::BreakGlass).await.map(drop)
            }
            Happening::GroupMade(_)
            | Happening::Arrives(_)
            | Happening::Joins(..)
            | Happening::Leaves(..)
            | Happening::Becomes(..)
            | Happening::SwitchedOff(_)
            | Happening::SwitchedOn(_)
            | Happening::Deleted(_)
            | Happening::SignsIn(_)
            | Happening::SeenInCrm(_)
            | Happening::Item(_) => Ok(()),
        }
    }

    async fn sign_in(&mut self, people: &[PersonNo]) {
        let (browsers, portvakt) = (&self.browsers, &self.house.addresses.portvakt);
        let known = people.iter().filter_map(|number| self.association.person(*number));
        let visits = known.map(|person| async move {
            (&person.user_name, visit::signs_in(browsers.clone(), portvakt, person).await)
        });
        let ended: Vec<_> = stream::iter(visits).buffer_unordered(AT_ONCE).collect().await;
        for (user_name, result) in ended {
            self.told.sign_ins.note(user_name, result);
        }
    }

    /// Runs a job of the daemon, as its ticker would.
    async fn job(&mut self, name: &str) {
        let ended = jobs::run_once(&self.house.ports, name).await;
        let failed = match ended {
            Ok(ended) => ended.into_iter().find(|(_, how)| !matches!(how, Ended::Done(_))),
            Err(refusal) => Some((name.to_owned(), Ended::Failed(refusal.to_string()))),
        };
        let result = failed.map_or(Ok(()), |(name, how)| Err(format!("{name}: {how:?}")));
        self.told.jobs.note(self.house.ports.clock.now(), result);
    }

    /// Tells the CRM what it has not heard yet.
    async fn deliver(&mut self) -> Result<(), Refusal> {
        let ports = Arc::clone(&self.house.ports);
        if deliver::is_due(&ports, &targets::find(&ports, CRM)?).await? {
            self.job("deliver").await;
        }
        Ok(())
    }

    /// How many of those whom the mistake struck have each status.
    async fn struck<const N: usize>(&self, statuses: &[Status; N]) -> Result<[usize; N], Refusal> {
        let mut counts = [0; N];
        for number in &self.story.accident.people {
            let Some(person) = self.association.person(*number) else { continue };
            let account = people::find_one(&self.house.ports, &person.user_name).await?;
            for (count, _) in
                counts.iter_mut().zip(statuses).filter(|(_, status)| **status == account.standing.status)
            {
                *count += 1;
            }
        }
        Ok(counts)
    }

    /// One line for each month.
    async fn month_has_passed(&self, month: Date) -> Result<(), Refusal> {
        let lines = people::list(&self.house.ports).await?;
        let counts = by_status(&lines);
        let count = |status| counts.get(&status).copied().unwrap_or_default();
        let requests = self.house.entra.pusher.requests() + self.house.okta.pusher.requests();
        let (told, crm) = (&self.told, self.house.crm.tally());
        let (active, frozen, off) =
            (count(Status::Active), count(Status::Frozen), count(Status::Deactivated));
        let month = month.strftime("%Y-%m");
        let (signed_in, seen, taken) = (told.sign_ins.done, told.seen.done, crm.taken);
        self.screen.say(
            &format!(
                "  {month}  konton {:>3}: aktiva {active:>3}, frysta {frozen:>2}, avstängda {off:>2} · SCIM {requests:>4} · \
                 inloggningar {signed_in:>3} · från CRM {seen:>4} · till CRM {taken:>4}",
                lines.len()
            ),
            &format!(
                "  {month}  accounts {:>3}: active {active:>3}, frozen {frozen:>2}, deactivated {off:>2} · SCIM {requests:>4} · \
                 sign-ins {signed_in:>3} · from the CRM {seen:>4} · to the CRM {taken:>4}",
                lines.len()
            ),
        );
        Ok(())
    }
}
