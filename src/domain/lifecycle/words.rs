//! Steps, reasons and exemptions by their stable names, and as people read them.
//!
//! Invariant: no blame and no guess: a reason says what was counted, since when and by which limit.

use super::{Exempt, Presence, Reason, Step};
use crate::domain::account::{Status, StatusReason};
use crate::domain::days::{Reading, days, whole_days};
use crate::domain::evidence::CountedFrom;
use crate::domain::ids::DirectoryId;
use crate::domain::language::Language;

impl Step {
    /// The stable name of the step.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Notify { .. } => "notify",
            Self::Freeze => "freeze",
            Self::Deactivate => "deactivate",
            Self::Remove => "remove",
            Self::Pause => "pause",
            Self::Return => "return",
            Self::TakeRights => "take_rights",
        }
    }

    /// The status that the account has after the step; nothing where it stays.
    #[must_use]
    pub const fn status(self) -> Option<Status> {
        match self {
            Self::Keep | Self::Notify { .. } | Self::TakeRights => None,
            Self::Freeze => Some(Status::Frozen),
            Self::Deactivate => Some(Status::Deactivated),
            Self::Remove => Some(Status::Removed),
            Self::Pause => Some(Status::Paused),
            Self::Return => Some(Status::Active),
        }
    }

    /// Whether it counts against the safety limits. An approved leave does not.
    #[must_use]
    pub const fn takes_access(self) -> bool {
        match self {
            Self::Freeze | Self::Deactivate | Self::Remove | Self::TakeRights => true,
            Self::Keep | Self::Notify { .. } | Self::Pause | Self::Return => false,
        }
    }

    /// What happens to the account.
    #[must_use]
    pub fn sentence(self, reading: &Reading) -> String {
        match self {
            Self::Keep => reading.pick("Lämnas orört", "Left alone"),
            Self::Notify { lead, .. } => {
                let lead = days(whole_days(lead), reading.language);
                reading.pick(format!("Påminns, {lead} före"), format!("Reminded, {lead} before"))
            }
            Self::Freeze => reading.pick("Fryses", "Frozen"),
            Self::Deactivate => reading.pick("Avaktiveras", "Deactivated"),
            Self::Remove => reading.pick("Tas bort", "Removed"),
            Self::Pause => reading.pick("Pausas", "Paused"),
            Self::Return => reading.pick("Öppnas igen", "Opened again"),
            Self::TakeRights => reading.pick("Förlorar behörighet", "Loses rights"),
        }
    }
}

impl Reason {
    /// The stable name of the reason; of what is kept, the exemption's.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Kept { exempt } => exempt.name(),
            Self::Inactive { .. } => "inactive",
            Self::NeverSignedIn { .. } => "never_signed_in",
            Self::Departed { .. } => "departed",
            Self::ActiveAgain { .. } => "active_again",
            Self::Expired { .. } => "expired",
            Self::FrozenLongEnough { .. } => "frozen_long_enough",
            Self::DeactivatedLongEnough { .. } => "deactivated_long_enough",
            Self::LeaveBegan { .. } => "leave_began",
            Self::LeaveEnded { .. } => "leave_ended",
            Self::NoLongerGiven { .. } => "no_longer_given",
        }
    }

    /// What the account's new status gives as its reason. `present` is the reason it has now: deactivation after
    /// a freeze, and removal, keep it.
    #[must_use]
    pub const fn status_reason(&self, present: StatusReason) -> StatusReason {
        match self {
            Self::Kept { .. }
            | Self::FrozenLongEnough { .. }
            | Self::DeactivatedLongEnough { .. }
            | Self::NoLongerGiven { .. } => present,
            Self::Inactive { .. } => StatusReason::Inactive,
            Self::NeverSignedIn { .. } => StatusReason::NeverSignedIn,
            Self::Departed { .. } => StatusReason::Departed,
            Self::ActiveAgain { .. } | Self::LeaveEnded { .. } => StatusReason::Returned,
            Self::Expired { .. } => StatusReason::Expired,
            Self::LeaveBegan { .. } => StatusReason::Leave,
        }
    }

    /// Why, as people read it: "Inte inloggad på 572 dagar".
    #[must_use]
    pub fn sentence(&self, reading: &Reading) -> String {
        match self {
            Self::Kept { exempt } => exempt.sentence(reading),
            Self::Inactive { since, counted_from, .. } => {
                let age = reading.days_since(*since);
                match counted_from {
                    CountedFrom::LastSeen => {
                        reading.pick(format!("Inte inloggad på {age}"), format!("Not signed in for {age}"))
                    }
                    CountedFrom::Created | CountedFrom::Activated | CountedFrom::Returned => {
                        let (sv, en) = event(*counted_from);
                        reading.pick(
                            format!("Inte inloggad sedan {sv} för {age} sedan"),
                            format!("Not signed in since {en} {age} ago"),
                        )
                    }
                }
            }
            Self::NeverSignedIn { since, counted_from, .. } => {
                let age = reading.days_since(*since);
                let (sv, en) = event(*counted_from);
                reading.pick(
                    format!("Aldrig inloggad, {sv} för {age} sedan"),
                    format!("Never signed in, {en} {age} ago"),
                )
            }
            Self::Departed { directory, presence, .. } => departed(*presence, directory, reading),
            Self::ActiveAgain { directory } => reading.pick(
                format!("Aktiv igen i katalogen {directory}"),
                format!("Active again in the directory {directory}"),
            ),
            Self::Expired { until } => {
                let day = reading.last_day_before(*until);
                reading.pick(format!("Gällde till och med {day}"), format!("Was valid until {day}"))
            }
            Self::FrozenLongEnough { since } => {
                let age = reading.days_since(*since);
                reading.pick(format!("Fryst i {age}"), format!("Frozen for {age}"))
            }
            Self::DeactivatedLongEnough { since } => {
                let age = reading.days_since(*since);
                reading.pick(format!("Avaktiverad i {age}"), format!("Deactivated for {age}"))
            }
            Self::LeaveBegan { until } => {
                let day = reading.last_day_before(*until);
                reading.pick(format!("Ledig till och med {day}"), format!("On leave until {day}"))
            }
            Self::LeaveEnded { at } => {
                let day = reading.date(*at);
                reading.pick(format!("Tillbaka från ledighet {day}"), format!("Back from leave {day}"))
            }
            Self::NoLongerGiven { since } => {
                let day = reading.date(*since);
                reading.pick(
                    format!("Katalogen ger inte längre behörigheten, sedan {day}"),
                    format!("The directory no longer gives the rights, since {day}"),
                )
            }
        }
    }
}

/// A status, in the middle of a sentence.
#[must_use]
pub fn status_word(status: Status, reading: &Reading) -> String {
    match status {
        Status::Invited => reading.pick("inbjudet", "invited"),
        Status::Active => reading.pick("aktivt", "active"),
        Status::Paused => reading.pick("pausat", "paused"),
        Status::Frozen => reading.pick("fryst", "frozen"),
        Status::Deactivated => reading.pick("avaktiverat", "deactivated"),
        Status::Removed => reading.pick("borttaget", "removed"),
    }
}

/// Why an account has its status, as a note beside it.
#[must_use]
pub const fn reason_word(reason: StatusReason, language: Language) -> &'static str {
    let (sv, en) = match reason {
        StatusReason::Provisioned => ("upplagt av katalogen", "provisioned by the directory"),
        StatusReason::Departed => ("har slutat", "has left"),
        StatusReason::Returned => ("är tillbaka", "is back"),
        StatusReason::Inactive => ("inaktivt", "inactive"),
        StatusReason::NeverSignedIn => ("aldrig inloggat", "never signed in"),
        StatusReason::Expired => ("slutdatum passerat", "end date passed"),
        StatusReason::Leave => ("ledighet", "leave"),
        StatusReason::Manual => ("beslut av en person", "a person's decision"),
        StatusReason::Review => ("beslut i översynen", "decided in the review"),
        StatusReason::SignedIn => ("loggade in igen", "signed in again"),
    };
    match language {
        Language::Sv => sv,
        Language::En => en,
    }
}

/// What happened when the counting began, in the middle of a sentence.
const fn event(counted_from: CountedFrom) -> (&'static str, &'static str) {
    match counted_from {
        CountedFrom::LastSeen => ("senaste inloggningen", "the last sign-in"),
        CountedFrom::Created => ("kontot skapades", "the account was created"),
        CountedFrom::Activated => ("kontot aktiverades", "the account was activated"),
        CountedFrom::Returned => ("ledigheten tog slut", "the leave ended"),
    }
}

fn departed(presence: Presence, directory: &DirectoryId, reading: &Reading) -> String {
    match presence {
        Presence::Active => reading
            .pick(format!("Aktiv i katalogen {directory}"), format!("Active in the directory {directory}")),
        Presence::Inactive => reading.pick(
            format!("Inaktiv i katalogen {directory}"),
            format!("Inactive in the directory {directory}"),
        ),
        Presence::Deleted => reading.pick(
            format!("Borttagen ur katalogen {directory}"),
            format!("Deleted from the directory {directory}"),
        ),
        Presence::Gone => reading.pick(
            format!("Finns inte längre i katalogen {directory}"),
            format!("No longer in the directory {directory}"),
        ),
    }
}

/// An exemption by its stable name, as the head of a count: "används 41". An unknown name shows itself.
#[must_use]
pub fn kept_words(name: &str, reading: &Reading) -> String {
    let (sv, en) = match name {
        "removed" => ("borttagna", "removed"),
        "protected" => ("skyddade", "protected"),
        "break_glass" => ("nödkonton", "break-glass"),
        "deactivated" => ("redan avaktiverade", "deactivated already"),
        "on_leave" => ("lediga", "on leave"),
        "not_yet_valid" => ("börjar gälla senare", "not yet valid"),
        "no_rule" => ("ingen regel", "no rule"),
        "no_limit" => ("ingen gräns", "no limit"),
        "unknown" => ("okänt", "unknown"),
        "in_use" => ("används", "in use"),
        "told" => ("påminda", "reminded"),
        "frozen" => ("redan frysta", "frozen already"),
        "seen_since" => ("sedda sedan frysningen", "seen since the freeze"),
        "needs_attention" => ("behöver ses över", "needs attention"),
        "calm_day" => ("väntar på en dag då steg tas", "waiting for a day on which steps are taken"),
        "decided_by_person" => ("beslutade av en person", "decided by a person"),
        other => (other, other),
    };
    reading.pick(sv, en)
}

impl Exempt {
    /// The stable name of the exemption.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Protected => "protected",
            Self::BreakGlass => "break_glass",
            Self::Deactivated => "deactivated",
            Self::OnLeave { .. } => "on_leave",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::NoRule => "no_rule",
            Self::NoLimit => "no_limit",
            Self::Unknown { .. } => "unknown",
            Self::InUse { .. } => "in_use",
            Self::Told { .. } => "told",
            Self::Frozen { .. } => "frozen",
            Self::SeenSince { .. } => "seen_since",
            Self::DecidedByPerson => "decided_by_person",
            Self::CalmDay { .. } => "calm_day",
            Self::NeedsAttention { .. } => "needs_attention",
        }
    }

    /// Why the account is left alone.
    #[must_use]
    pub fn sentence(&self, reading: &Reading) -> String {
        match self {
            Self::Removed => reading.pick("Kontot är borttaget.", "The account is removed."),
            Self::Protected => reading.pick("Skyddat konto.", "Protected account."),
            Self::BreakGlass => reading.pick("Nödkonto.", "Break-glass account."),
            Self::Deactivated => {
                reading.pick("Kontot är redan avaktiverat.", "The account is deactivated already.")
            }
            Self::OnLeave { until: None } => {
                reading.pick("Ledig tills vidare.", "On leave until further notice.")
            }
            Self::OnLeave { until: Some(until) } => {
                let day = reading.last_day_before(*until);
                reading.pick(format!("Ledig till och med {day}."), format!("On leave until {day}."))
            }
            Self::NotYetValid { from } => {
                let day = reading.date(*from);
                reading
                    .pick(format!("Kontot börjar gälla {day}."), format!("The account is valid from {day}."))
            }
            Self::NoRule => reading
                .pick("Ingen livscykelregel gäller kontot.", "No lifecycle rule applies to the account."),
            Self::NoLimit => reading
                .pick("Regeln sätter ingen gräns för kontot.", "The rule sets no limit for the account."),
            Self::Unknown { sources } => match sources.first() {
                Some(first) => first.sentence(reading),
                None => reading.pick(
                    "Regeln nämner ingen källa. Okänt räknas inte som inaktivt.",
                    "The rule names no source. Unknown does not count as inactive.",
                ),
            },
            Self::InUse { due } => {
                let day = reading.date(*due);
                reading.pick(format!("Inget att göra före {day}."), format!("Nothing to do before {day}."))
            }
            Self::Told { not_before } => {
                let day = reading.date(*not_before);
                reading.pick(
                    format!("Påmind. Fryses tidigast {day}."),
                    format!("Reminded. Frozen {day} at the earliest."),
                )
            }
            Self::Frozen { until } => {
                let day = reading.date(*until);
                reading.pick(
                    format!("Fryst. Avaktiveras tidigast {day}."),
                    format!("Frozen. Deactivated {day} at the earliest."),
                )
            }
            Self::SeenSince { at } => seen_since(&reading.date(*at), reading),
            Self::NeedsAttention { said } => unreadable(said, reading),
            Self::CalmDay { until } => calm_day(&reading.date(*until), reading),
            Self::DecidedByPerson => reading.pick(
                "En person har beslutat om kontot och avgör när det ändras.",
                "A person decided about the account and says when that changes.",
            ),
        }
    }
}

fn seen_since(day: &str, reading: &Reading) -> String {
    reading.pick(
        format!("Fryst, men tiden räknas på nytt från {day}. En person avgör."),
        format!("Frozen, but the time counts anew from {day}. A person decides."),
    )
}

fn unreadable(said: &str, reading: &Reading) -> String {
    reading.pick(
        format!("Uppgifterna kan inte läsas, så kontot lämnas orört. Någon behöver titta på det: {said}"),
        format!("What is kept cannot be read, so the account is left alone. Somebody needs to look: {said}"),
    )
}

fn calm_day(day: &str, reading: &Reading) -> String {
    reading.pick(
        format!("Inga steg tas den här dagen. Steget tas tidigast {day}."),
        format!("No step is taken on this day. It is taken {day} at the earliest."),
    )
}
