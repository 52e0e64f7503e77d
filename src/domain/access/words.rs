//! A decision in words: for the person, in their language and with whom to contact, and for the administrator.
//!
//! Invariant: the sentence for the person names no other person and no item; the trace is for administrators.

use jiff::Timestamp;

use super::{Decision, Refusal, Sight, TraceStep};
use crate::domain::account::{Status, StatusReason};
use crate::domain::days::Reading;
use crate::domain::grant::{Holder, Origin};
use crate::domain::ids::{ComponentId, ModuleId, RoleId, SectorId};
use crate::domain::language::Language;
use crate::domain::policy::{Action, Policy};

/// The decision as the person reads it; a refusal ends with whom to contact.
#[must_use]
pub fn reason_user(decision: &Decision, policy: &Policy, language: Language) -> String {
    // The language and the zone are all that these sentences take from a reading; no text here counts days.
    let reading = Reading::of(policy, language, Timestamp::UNIX_EPOCH);
    match &decision.refusal {
        None if decision.narrowed => reading.pick(
            "Du kommer åt det som är kopplat till dig eller tilldelat dig.",
            "You reach what is linked or assigned to you.",
        ),
        None => reading.pick("Du har åtkomst.", "You have access."),
        Some(refusal) => format!("{} {}", because(refusal, policy, &reading), contact(policy, &reading)),
    }
}

/// Why the answer is no, as the person reads it, for a page that says apart whom to contact.
#[must_use]
pub fn reason_refused(refusal: &Refusal, policy: &Policy, language: Language) -> String {
    because(refusal, policy, &Reading::of(policy, language, Timestamp::UNIX_EPOCH))
}

/// The decision as an administrator reads it in a log or an answer: the code and the trace, in English.
#[must_use]
pub fn reason_admin(decision: &Decision) -> String {
    format!("{}: {}", decision.code(), steps(decision).join("; "))
}

/// The checks as an administrator reads them, in order: those that were passed, and the one that stopped.
#[must_use]
pub fn steps(decision: &Decision) -> Vec<String> {
    let passed = decision.trace.iter().map(TraceStep::technical);
    let stopped = decision.refusal.as_ref().map(Refusal::technical);
    passed.chain(stopped).collect()
}

fn contact(policy: &Policy, reading: &Reading) -> String {
    let name = policy.contact.name.get(reading.language);
    let address = policy.contact.email.as_ref().map(|email| format!(" ({email})")).unwrap_or_default();
    reading.pick(format!("Kontakta {name}{address}."), format!("Contact {name}{address}."))
}

fn because(refusal: &Refusal, policy: &Policy, reading: &Reading) -> String {
    match refusal {
        Refusal::UnknownAction(_) => {
            reading.pick("Åtgärden finns inte i policyn.", "This action is not in the policy.")
        }
        Refusal::UnknownSubject(_) | Refusal::UnknownAccount => {
            reading.pick("Du har inget konto i CRM:et.", "You have no account in the CRM.")
        }
        Refusal::AmbiguousAccount => reading.pick(
            "Flera konton stämmer med ditt namn, så det går inte att avgöra vilket som är ditt.",
            "Several accounts answer to your name, so it cannot be told which one is yours.",
        ),
        Refusal::NotActive(status, reason) => standing(*status, *reason, reading),
        Refusal::NotYetValid(from) => reading.pick(
            format!("Ditt konto börjar gälla {}.", reading.date(*from)),
            format!("Your account is valid from {}.", reading.date(*from)),
        ),
        Refusal::Expired(until) => reading.pick(
            format!("Ditt konto gällde till och med {}.", reading.last_day_before(*until)),
            format!("Your account was valid until {}.", reading.last_day_before(*until)),
        ),
        Refusal::UnknownComponent(_) => reading.pick(
            "Den här delen av CRM:et finns inte i policyn.",
            "This part of the CRM is not in the policy.",
        ),
        Refusal::AdministrationClosed => reading.pick(
            "Ditt konto är begränsat och når inte administrationen.",
            "Your account is limited and does not reach administration.",
        ),
        Refusal::NoRole { holds_any: false, .. } => reading.pick(
            "Du kommer inte in i CRM:et. Ingen av dina grupper ger åtkomst.",
            "You cannot enter the CRM. None of your groups gives access.",
        ),
        Refusal::NoRole { component, module, action, may_view, .. } => {
            no_role(policy, reading, (component, module), *action, *may_view)
        }
        Refusal::NoSector { sector, .. } => no_sector(policy, reading, sector.as_ref()),
        Refusal::ItemNotLinked { component, .. } => {
            let name = component_name(policy, component, reading.language);
            reading.pick(
                format!("Det här föremålet i {name} är inte kopplat till dig."),
                format!("This item in {name} is not linked to you."),
            )
        }
    }
}

/// What an account that is not in use says of itself.
fn standing(status: Status, reason: StatusReason, reading: &Reading) -> String {
    let (sv, en) = match (status, reason) {
        (Status::Invited, _) => (
            "Ditt konto är inte i bruk än. Logga in en gång, så öppnas det.",
            "Your account is not in use yet. Sign in once and it opens.",
        ),
        (Status::Active, _) => ("Ditt konto är i bruk.", "Your account is in use."),
        (Status::Paused, _) => {
            ("Ditt konto är pausat medan du är ledig.", "Your account is paused while you are on leave.")
        }
        (Status::Frozen, StatusReason::Inactive) => (
            "Ditt konto är fryst, eftersom du inte har loggat in på länge.",
            "Your account is frozen, because you have not signed in for a long time.",
        ),
        (Status::Frozen, StatusReason::NeverSignedIn) => (
            "Ditt konto är fryst, eftersom det aldrig har använts.",
            "Your account is frozen, because it has never been used.",
        ),
        (Status::Frozen, _) => ("Ditt konto är fryst.", "Your account is frozen."),
        (Status::Deactivated, StatusReason::Departed) => (
            "Ditt konto är avaktiverat, eftersom det är avslutat i organisationens katalog.",
            "Your account is deactivated, because it is closed in the organisation's directory.",
        ),
        (Status::Deactivated, StatusReason::Inactive | StatusReason::NeverSignedIn) => (
            "Ditt konto är avaktiverat, eftersom det inte har använts på länge.",
            "Your account is deactivated, because it has not been used for a long time.",
        ),
        (Status::Deactivated, StatusReason::Expired) => (
            "Ditt konto är avaktiverat, eftersom dess slutdatum har passerat.",
            "Your account is deactivated, because its end date has passed.",
        ),
        (Status::Deactivated, _) => ("Ditt konto är avaktiverat.", "Your account is deactivated."),
        (Status::Removed, _) => ("Ditt konto är borttaget.", "Your account has been removed."),
    };
    reading.pick(sv, en)
}

fn no_role(
    policy: &Policy,
    reading: &Reading,
    (component, module): (&ComponentId, &ModuleId),
    action: Action,
    may_view: bool,
) -> String {
    let name = component_name(policy, component, reading.language);
    let verb = verb(action, reading.language);
    let refused = if may_view {
        reading.pick(format!("Du kan läsa men inte {verb}."), format!("You may read but not {verb}."))
    } else {
        reading
            .pick(format!("Ingen av dina roller öppnar {name}."), format!("None of your roles opens {name}."))
    };
    let roles: Vec<&str> = policy
        .roles
        .values()
        .filter(|role| role.opens(module, action))
        .map(|role| role.name.get(reading.language))
        .collect();
    let needed = match roles.as_slice() {
        [] => reading.pick("Ingen roll ger den rätten.", "No role gives that right."),
        [only] => reading.pick(format!("Det kräver rollen {only}."), format!("That takes the role {only}.")),
        [before @ .., last] => {
            let before = before.join(", ");
            reading.pick(
                format!("Det kräver någon av rollerna {before} eller {last}."),
                format!("That takes one of the roles {before} or {last}."),
            )
        }
    };
    format!("{refused} {needed}")
}

fn no_sector(policy: &Policy, reading: &Reading, sector: Option<&SectorId>) -> String {
    let Some(id) = sector else {
        return reading.pick(
            "Det här ligger utanför sektorerna och är stängt för begränsade användare.",
            "This lies outside the sectors and is closed to limited users.",
        );
    };
    let name = policy.sectors.get(id).map_or(id.as_str(), |sector| sector.name.get(reading.language));
    reading.pick(
        format!("Det här hör till sektorn {name}, som ditt konto inte omfattar."),
        format!("This belongs to the sector {name}, which your account does not cover."),
    )
}

fn component_name<'a>(policy: &'a Policy, id: &'a ComponentId, language: Language) -> &'a str {
    policy.components.get(id).map_or(id.as_str(), |component| component.name.get(language))
}

fn role_name<'a>(policy: &'a Policy, id: &'a RoleId, language: Language) -> &'a str {
    policy.roles.get(id).map_or(id.as_str(), |role| role.name.get(language))
}

/// The action as a verb in the middle of a sentence.
const fn verb(action: Action, language: Language) -> &'static str {
    match (language, action) {
        (Language::Sv, Action::View) => "läsa",
        (Language::Sv, Action::Create) => "skapa",
        (Language::Sv, Action::Edit) => "ändra",
        (Language::Sv, Action::Delete) => "ta bort",
        (Language::Sv, Action::Assign) => "tilldela",
        (Language::Sv, Action::Administer) => "administrera",
        (Language::En, Action::View) => "read",
        (Language::En, Action::Create) => "create",
        (Language::En, Action::Edit) => "change",
        (Language::En, Action::Delete) => "delete",
        (Language::En, Action::Assign) => "assign",
        (Language::En, Action::Administer) => "administer",
    }
}

fn origin_text(origin: &Origin) -> String {
    match origin {
        Origin::Rule(rule) => format!("rule {rule}"),
        Origin::Manual => "manual".to_owned(),
        Origin::Review => "review".to_owned(),
        Origin::Deputy(away) => format!("deputy of {away}"),
    }
}

fn holder_text(holder: &Holder) -> String {
    match holder {
        Holder::Account(_) => "the account".to_owned(),
        Holder::Role(role) => format!("role {role}"),
    }
}

impl Refusal {
    /// The check that stopped, for administrators.
    fn technical(&self) -> String {
        match self {
            Self::UnknownAction(action) => format!("no action {action:?}"),
            Self::UnknownSubject(kind) => format!("no subject of the type {kind:?}; ask about an account"),
            Self::UnknownAccount => "no such account".to_owned(),
            Self::AmbiguousAccount => {
                "more than one account answers to the name; use the account id".to_owned()
            }
            Self::NotActive(status, reason) => format!("account is {status} ({reason})"),
            Self::NotYetValid(from) => format!("account is not valid before {from}"),
            Self::Expired(until) => format!("account was valid until {until}"),
            Self::UnknownComponent(component) => format!("the policy has no component {component:?}"),
            Self::AdministrationClosed => "administration is closed to limited accounts".to_owned(),
            Self::NoRole { module, action, .. } => format!("no role held opens module {module} for {action}"),
            Self::NoSector { sector: Some(sector), .. } => format!("limited, without sector {sector}"),
            Self::NoSector { sector: None, component } => {
                format!("limited, and component {component} has no sector")
            }
            Self::ItemNotLinked { component, item } => {
                format!("item-restricted, without link or assignment to {component}/{item}")
            }
        }
    }
}

impl TraceStep {
    /// The check as administrators read it in a log.
    fn technical(&self) -> String {
        match self {
            Self::AccountActive(status, since) => format!("account {status} since {since}"),
            Self::ComponentKnown(component, module) => format!("component {component} in module {module}"),
            Self::AdministrationPassed { is_administration: true } => {
                "administration, not limited".to_owned()
            }
            Self::AdministrationPassed { is_administration: false } => "not administration".to_owned(),
            Self::RoleOpens(role, origin) => format!("role {role} ({}) opens it", origin_text(origin)),
            Self::SectorNotNeeded => "not limited".to_owned(),
            Self::SectorHeld(sector, origin) => format!("sector {sector} ({})", origin_text(origin)),
            Self::ItemSeen(sight) => match sight {
                Sight::NotRestricted => "not item-restricted".to_owned(),
                Sight::NotSupported => "component without item restriction".to_owned(),
                Sight::Creating => "creating needs no link".to_owned(),
                Sight::Narrowed => "component as a whole, to be narrowed".to_owned(),
                Sight::Link(origin, holder) => format!("link ({origin}) to {}", holder_text(holder)),
                Sight::Assignment(holder) => format!("assigned to {}", holder_text(holder)),
            },
        }
    }

    /// The check as people read it on a page, for the account in the third person.
    #[must_use]
    pub fn sentence(&self, policy: &Policy, language: Language) -> String {
        let reading = Reading::of(policy, language, Timestamp::UNIX_EPOCH);
        match self {
            Self::AccountActive(_, since) => reading.pick(
                format!("Kontot är i bruk sedan {}.", reading.date(*since)),
                format!("The account is in use since {}.", reading.date(*since)),
            ),
            Self::ComponentKnown(component, _) => {
                let name = component_name(policy, component, language);
                reading.pick(format!("{name} är en känd komponent."), format!("{name} is a known component."))
            }
            Self::AdministrationPassed { is_administration: true } => reading.pick(
                "Administration, och kontot är inte begränsat.",
                "Administration, and the account is not limited.",
            ),
            Self::AdministrationPassed { is_administration: false } => {
                reading.pick("Det är inte administration.", "It is not administration.")
            }
            Self::RoleOpens(role, origin) => {
                let name = role_name(policy, role, language);
                let origin = origin_words(origin, &reading);
                reading.pick(
                    format!("Rollen {name} öppnar modulen, {origin}."),
                    format!("The role {name} opens the module, {origin}."),
                )
            }
            Self::SectorNotNeeded => reading.pick("Kontot är inte begränsat.", "The account is not limited."),
            Self::SectorHeld(sector, origin) => {
                let name =
                    policy.sectors.get(sector).map_or(sector.as_str(), |known| known.name.get(language));
                let origin = origin_words(origin, &reading);
                reading.pick(
                    format!("Sektorn {name} är öppen, {origin}."),
                    format!("The sector {name} is open, {origin}."),
                )
            }
            Self::ItemSeen(sight) => sight_words(sight, policy, &reading),
        }
    }
}

fn origin_words(origin: &Origin, reading: &Reading) -> String {
    match origin {
        Origin::Rule(rule) => reading.pick(format!("från regeln {rule}"), format!("by the rule {rule}")),
        Origin::Manual => reading.pick("given för hand", "given by hand"),
        Origin::Review => reading.pick("beslutad i en översyn", "decided in a review"),
        Origin::Deputy(_) => {
            reading.pick("som ställföreträdare för någon som är ledig", "as deputy of somebody on leave")
        }
    }
}

fn sight_words(sight: &Sight, policy: &Policy, reading: &Reading) -> String {
    let by_role = |holder: &Holder| match holder {
        Holder::Account(_) => String::new(),
        Holder::Role(role) => {
            let name = role_name(policy, role, reading.language);
            reading.pick(format!(" genom rollen {name}"), format!(" through the role {name}"))
        }
    };
    match sight {
        Sight::NotRestricted => {
            reading.pick("Kontot är inte föremålsbegränsat.", "The account is not item-restricted.")
        }
        Sight::NotSupported => reading
            .pick("Komponenten har ingen föremålsbegränsning.", "The component has no item restriction."),
        Sight::Creating => reading.pick("Att skapa kräver ingen koppling.", "Creating needs no link."),
        Sight::Narrowed => reading.pick(
            "Bara det som är kopplat eller tilldelat visas.",
            "Only what is linked or assigned is shown.",
        ),
        Sight::Link(_, holder) => {
            let by = by_role(holder);
            reading.pick(
                format!("Föremålet är kopplat till kontot{by}."),
                format!("The item is linked to the account{by}."),
            )
        }
        Sight::Assignment(holder) => {
            let by = by_role(holder);
            reading.pick(
                format!("Föremålet är tilldelat kontot{by}."),
                format!("The item is assigned to the account{by}."),
            )
        }
    }
}
