//! Föreningen Björkbacken: 120 invented people, nine groups, two directories and fourteen months of life.
//!
//! Invariant: the same present always gives the same people and the same events; nobody is a real person.

mod attendance;
mod calendar;
mod groups;
mod items;
mod life;
mod part;
mod people;

#[cfg(test)]
mod tests;

use uuid::Uuid;

pub use calendar::Calendar;
pub use groups::{Group, GroupNo};
pub use items::{Assignee, ItemEvent};
pub use life::{Accident, Event, Happening, Story};
pub use part::{Habit, Outcome, Part, Route};

/// The tenant of the directory that is like Entra.
pub const TENANT: &str = "6f0e8a1c-0000-4000-8000-00000000b0b0";

/// The directory that a person or a group belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Home {
    /// The association's own, like Entra.
    Entra,
    /// The sister association's, like Okta.
    Okta,
}

impl Home {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Entra, Self::Okta];

    /// Its id in the settings.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::Okta => "okta",
        }
    }

    /// Its name, as people read it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Entra => "Föreningen Björkbacken",
            Self::Okta => "Björkbacken Norr",
        }
    }

    /// The domain of its people's addresses.
    #[must_use]
    pub const fn domain(self) -> &'static str {
        match self {
            Self::Entra => "bjorkbacken.example",
            Self::Okta => "bjorkbackennorr.example",
        }
    }
}

/// The language that a person reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Swedish.
    Swedish,
    /// English.
    English,
}

impl Reads {
    /// The language tag that directories send (RFC 5646).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Swedish => "sv-SE",
            Self::English => "en-GB",
        }
    }
}

/// A person's number: 1 to 120.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonNo(pub u16);

/// One invented person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The number.
    pub number: PersonNo,
    /// Given name.
    pub given: &'static str,
    /// Family name.
    pub family: &'static str,
    /// The directory that knows the person.
    pub home: Home,
    /// The language that the person reads.
    pub reads: Reads,
    /// What the person does, at the beginning.
    pub title: &'static str,
    /// The groups, at the beginning.
    pub groups: &'static [GroupNo],
    /// What happens to the person.
    pub part: Part,
    /// The sign-in name, which is the address too.
    pub user_name: String,
    /// The directory's own id: for Entra a UUID, for Okta twenty letters and figures.
    pub external_id: String,
}

impl Person {
    /// The whole name.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }

    /// The department, after the first group.
    #[must_use]
    pub fn department(&self) -> &'static str {
        self.groups.first().map_or("", |group| group.group().department)
    }
}

/// The association as a whole.
#[derive(Debug, Clone)]
pub struct Association {
    people: Vec<Person>,
}

impl Association {
    /// Föreningen Björkbacken.
    #[must_use]
    pub fn bjorkbacken() -> Self {
        let numbers = 1_u16..;
        let people = numbers.zip(people::LINES).map(|(number, line)| Person {
            number: PersonNo(number),
            given: line.given,
            family: line.family,
            home: line.home,
            reads: line.reads,
            title: line.title,
            groups: line.groups,
            part: line.part,
            user_name: user_name(line.given, line.family, line.home),
            external_id: external_id(number, line.home),
        });
        Self { people: people.collect() }
    }

    /// Everybody, by number.
    #[must_use]
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// Who has this number.
    #[must_use]
    pub fn person(&self, number: PersonNo) -> Option<&Person> {
        self.people.get(usize::from(number.0).checked_sub(1)?)
    }

    /// Who has this sign-in name.
    #[must_use]
    pub fn by_user_name(&self, user_name: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.user_name == user_name)
    }

    /// How many end the story so.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.people.iter().filter(|person| person.part.outcome() == outcome).count()
    }
}

fn external_id(number: u16, home: Home) -> String {
    match home {
        Home::Entra => {
            Uuid::from_u128(0x87d3_49ed_44d7_43e1_9a83_0000_0000_0000 + u128::from(number)).to_string()
        }
        Home::Okta => format!("00u1bjorknorr{number:07}"),
    }
}

/// `Åsa Lindqvist` is `asa.lindqvist@…`: addresses are ASCII, names are not.
fn user_name(given: &str, family: &str, home: Home) -> String {
    let plain = |c: char| match c {
        'å' | 'ä' | 'á' => Some('a'),
        'ö' | 'ó' => Some('o'),
        'é' => Some('e'),
        'ć' => Some('c'),
        ' ' => Some('.'),
        '\'' => None,
        other => Some(other),
    };
    let local: String = format!("{given}.{family}").to_lowercase().chars().filter_map(plain).collect();
    format!("{local}@{}", home.domain())
}
