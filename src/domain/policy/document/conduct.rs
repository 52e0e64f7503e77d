//! The second half of the document: inactivity, leave, departure, reviews, who is protected, and whom to turn to.
//!
//! Invariant: what the lifecycle would do to an account stands here with every limit that decides it.

use super::{Block, Source};
use crate::domain::calm_days::CalmDays;
use crate::domain::language::Language;
use crate::domain::policy::phrase::{and, capital, length, or, pick, source as seen_by};
use crate::domain::policy::picture::applies_to;
use crate::domain::policy::{LifecycleRule, Mode, Policy};

const MONTHS_SV: [&str; 12] = [
    "januari",
    "februari",
    "mars",
    "april",
    "maj",
    "juni",
    "juli",
    "augusti",
    "september",
    "oktober",
    "november",
    "december",
];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Adds the sections.
pub(super) fn tell(source: Source<'_>, language: Language, blocks: &mut Vec<Block>) {
    inactivity(source.policy, language, blocks);
    super::care::tell(source.policy, language, blocks);
    leave(source.policy, language, blocks);
    reviews(source.policy, language, blocks);
    protection(source, language, blocks);
    contact(source.policy, language, blocks);
}

fn inactivity(policy: &Policy, language: Language, blocks: &mut Vec<Block>) {
    let says = |sv: &str, en: &str| pick(language, sv, en).to_owned();
    blocks.push(Block::Heading(says("Konton som inte används", "Accounts that are not used")));
    let lifecycle = &policy.lifecycle;
    if lifecycle.rules.is_empty() {
        blocks.push(Block::Paragraph(says(
            "Inget konto tas bort för att det inte används.",
            "No account is taken away for not being used.",
        )));
        return;
    }
    blocks.push(Block::Paragraph(says(
        "Den första raden som gäller ett konto avgör. Tiden räknas från när personen senast sågs, från att kontot kom \
         till, från den senaste aktiveringen eller från återkomsten efter ledighet: det som var senast.",
        "The first row that applies to an account decides. Time counts from when the person was last seen, from when \
         the account came to be, from its last activation or from the return from leave: whichever was latest.",
    )));
    let titles = vec![
        says("Gäller", "Applies to"),
        says("Ses genom", "Seen by"),
        says("Vad som händer", "What happens"),
    ];
    let rows = lifecycle.rules.iter().map(|rule| {
        let sources: Vec<String> =
            rule.evidence.iter().map(|source| seen_by(*source, language).to_owned()).collect();
        vec![applies_to(policy, &rule.applies_to, language), or(&sources, language), steps(rule, language)]
    });
    blocks.push(Block::Table(titles, rows.collect()));
    let mut notes = vec![
        says(
            "Fryst: ingen inloggning, men behörigheten finns kvar. Avaktiverat: behörigheten upphör, men kan \
             återställas som den var.",
            "Frozen: no sign-in, but the rights remain. Deactivated: the rights end, but can be restored as they were.",
        ),
        stale(policy, language),
        safety(policy, language),
    ];
    notes.extend(framework(policy, language));
    if lifecycle.mode == Mode::Observe {
        notes.push(says(
            "För närvarande görs bara planer; inget konto fryses eller avaktiveras.",
            "At present only plans are made; no account is frozen or deactivated.",
        ));
    }
    blocks.push(Block::List(notes));
}

/// What a board asks about: the framework, the days without steps, the first weeks, what a sign-in lifts.
fn framework(policy: &Policy, language: Language) -> Vec<String> {
    let lifecycle = &policy.lifecycle;
    let says = |sv: String, en: String| match language {
        Language::Sv => sv,
        Language::En => en,
    };
    let mut notes = Vec::new();
    notes.extend(lifecycle.profile.map(|profile| {
        let most = length(profile.longest_idle(), language);
        says(
            format!("Profilen {profile} gäller: ett personligt konto får stå oanvänt i högst {most}."),
            format!("The profile {profile} holds: a person's account may be unused for at most {most}."),
        )
    }));
    let days = calm(&lifecycle.no_steps_on, language);
    if !days.is_empty() {
        let days = and(&days, language);
        notes.push(says(
            format!("Inga steg tas {days}; de tas nästa dag som inte är undantagen. Den som slutar förlorar åtkomsten genast ändå."),
            format!("No step is taken on {days}; it is taken on the next other day. Whoever leaves loses access at once all the same."),
        ));
    }
    if !lifecycle.observe_first.is_zero() && lifecycle.mode == Mode::Enforce {
        let first = length(lifecycle.observe_first, language);
        notes.push(says(
            format!("Under de första {first} görs bara planer; inget konto fryses eller avaktiveras."),
            format!("For the first {first} only plans are made; no account is frozen or deactivated."),
        ));
    }
    let lifts = lifecycle.rules.iter().filter(|rule| rule.sign_in_lifts_freeze).count();
    if lifts > 0 {
        let is_all = lifts == lifecycle.rules.len();
        let (sv, en) =
            if is_all { ("", "") } else { (", för några av raderna ovan", ", for some of the rows above") };
        notes.push(says(
            format!("Den som har frysts för inaktivitet öppnar kontot genom att logga in{sv}."),
            format!("Whoever was frozen for not being seen opens the account by signing in{en}."),
        ));
    }
    notes
}

fn calm(days: &CalmDays, language: Language) -> Vec<String> {
    let says = |sv: &str, en: &str| pick(language, sv, en).to_owned();
    let mut words = Vec::new();
    if days.weekends {
        words.push(says("lördagar och söndagar", "Saturdays and Sundays"));
    }
    if days.swedish_holidays {
        words.push(says("svenska helgdagar", "Swedish public holidays"));
    }
    let months = if language == Language::Sv { MONTHS_SV } else { MONTHS_EN };
    let name = |month: i8| {
        let at = usize::try_from(month - 1).unwrap_or_default();
        months.get(at).copied().unwrap_or_default()
    };
    words.extend(days.months.iter().map(|month| format!("{} {}", pick(language, "i", "in"), name(*month))));
    words.extend(
        days.yearly
            .iter()
            .map(|(month, day)| format!("{}{day} {}", pick(language, "den ", ""), name(*month))),
    );
    words.extend(days.dates.iter().map(|date| format!("{}{date}", pick(language, "den ", ""))));
    words
}

fn stale(policy: &Policy, language: Language) -> String {
    let length = length(policy.lifecycle.source_stale_after, language);
    match language {
        Language::Sv => format!(
            "En källa som har varit tyst i mer än {length} säger ingenting: ingen räknas som inaktiv på grund av den."
        ),
        Language::En => format!(
            "A source that has been silent for more than {length} says nothing: nobody counts as inactive because of it."
        ),
    }
}

fn safety(policy: &Policy, language: Language) -> String {
    let limits = &policy.lifecycle.safety;
    let (count, percent) = (limits.max_accounts, limits.max_percent);
    match language {
        Language::Sv => format!(
            "Om fler än {count} konton, och fler än {percent} procent av de aktiva, skulle förlora åtkomst på ett \
             dygn, stannar allt tills en person har godkänt det med skäl."
        ),
        Language::En => format!(
            "Where more than {count} accounts, and more than {percent} percent of the active ones, would lose access \
             within 24 hours, everything stops until a person has released it with a reason."
        ),
    }
}

fn steps(rule: &LifecycleRule, language: Language) -> String {
    let long = |length_of| length(length_of, language);
    let mut said: Vec<String> = Vec::new();
    let first = if rule.freeze_for.is_some() {
        pick(language, "fryses", "frozen")
    } else {
        pick(language, "avaktiveras", "deactivated")
    };
    said.extend(rule.inactive_after.map(|after| match language {
        Language::Sv => format!("{first} efter {} utan användning", long(after)),
        Language::En => format!("{first} after {} without use", long(after)),
    }));
    said.extend(rule.never_signed_in_after.map(|after| match language {
        Language::Sv => format!("{first} efter {} om ingen någonsin har loggat in", long(after)),
        Language::En => format!("{first} after {} if nobody ever signed in", long(after)),
    }));
    if said.is_empty() {
        return pick(language, "Ingenting.", "Nothing.").to_owned();
    }
    if !rule.notify_before.is_empty() {
        let before: Vec<String> = rule.notify_before.iter().map(|one| long(*one)).collect();
        let before = and(&before, language);
        said.push(match language {
            Language::Sv => format!("påminnelse {before} före"),
            Language::En => format!("reminded {before} before"),
        });
    }
    said.extend(rule.freeze_for.map(|after| match language {
        Language::Sv => format!("avaktiveras efter {} som fryst", long(after)),
        Language::En => format!("deactivated after {} as frozen", long(after)),
    }));
    said.push(match (rule.remove_after, language) {
        (Some(after), Language::Sv) => format!("personuppgifterna raderas {} senare", long(after)),
        (Some(after), Language::En) => format!("personal data erased {} later", long(after)),
        (None, Language::Sv) => "uppgifterna raderas inte av sig själva".to_owned(),
        (None, Language::En) => "no data are erased by themselves".to_owned(),
    });
    format!("{}.", capital(&said.join("; ")))
}

fn leave(policy: &Policy, language: Language, blocks: &mut Vec<Block>) {
    let says = |sv: &str, en: &str| pick(language, sv, en).to_owned();
    blocks.push(Block::Heading(says("Ledighet och den som slutar", "Leave and departure")));
    let sign_in = if policy.leave_sign_in {
        says(
            "Under en beviljad ledighet får kontot användas, men inaktivitet räknas inte.",
            "During an approved leave the account may be used, and inactivity is not counted.",
        )
    } else {
        says(
            "Under en beviljad ledighet är kontot pausat: ingen inloggning, och inaktivitet räknas inte. Behörigheten \
             finns kvar, och kontot öppnas av sig självt när ledigheten är slut.",
            "During an approved leave the account is paused: no sign-in, and inactivity is not counted. The rights \
             remain, and the account opens by itself when the leave has ended.",
        )
    };
    blocks.push(Block::List(vec![
        sign_in,
        says(
            "Den som katalogen kallar inaktiv, eller som är borta ur den, förlorar åtkomsten genast. Kommer personen \
             tillbaka återställs kontot som det var.",
            "Whoever the directory calls inactive, or who is gone from it, loses access at once. If the person comes \
             back, the account is restored as it was.",
        ),
        says(
            "Den som tas bort ur katalogen och skapas på nytt får det som grupperna ger; det som gavs för hand \
             kräver ett nytt beslut.",
            "Whoever is deleted from the directory and made again gets what the groups give; what was given by hand \
             needs a new decision.",
        ),
        says(
            "Konton och behörigheter kan ha ett slutdatum, och slutar då gälla av sig själva.",
            "Accounts and rights can have an end date, and then end by themselves.",
        ),
    ]));
}

fn reviews(policy: &Policy, language: Language, blocks: &mut Vec<Block>) {
    let says = |sv: &str, en: &str| pick(language, sv, en).to_owned();
    blocks.push(Block::Heading(says("Genomgångar", "Reviews")));
    let the = pick(language, "den ", "");
    let days: Vec<String> = policy
        .review
        .schedule
        .iter()
        .map(|(month, day)| {
            let months = if language == Language::Sv { MONTHS_SV } else { MONTHS_EN };
            let at = usize::try_from(month - 1).unwrap_or_default();
            format!("{the}{day} {}", months.get(at).copied().unwrap_or_default())
        })
        .collect();
    let said = match (days.is_empty(), policy.review.open_for, language) {
        (true, _, _) => says("Ingen återkommande genomgång är bestämd.", "No recurring review is decided."),
        (false, Some(open), Language::Sv) => format!(
            "Organisationen går igenom vem som har åtkomst {}. Genomgången är öppen i {}.",
            and(&days, language),
            length(open, language)
        ),
        (false, Some(open), Language::En) => format!(
            "The organisation reviews who has access on {}. The review stays open for {}.",
            and(&days, language),
            length(open, language)
        ),
        (false, None, Language::Sv) => {
            format!("Organisationen går igenom vem som har åtkomst {}.", and(&days, language))
        }
        (false, None, Language::En) => {
            format!("The organisation reviews who has access on {}.", and(&days, language))
        }
    };
    blocks.push(Block::Paragraph(said));
}

fn protection(source: Source<'_>, language: Language, blocks: &mut Vec<Block>) {
    let says = |sv: &str, en: &str| pick(language, sv, en).to_owned();
    blocks.push(Block::Heading(says("Vad som är skyddat", "What is protected")));
    let policy = source.policy;
    let roles = policy.roles.values().filter(|role| role.is_critical).map(|role| &role.name);
    let sectors = policy.sectors.values().filter(|sector| sector.is_critical).map(|sector| &sector.name);
    let critical: Vec<String> = roles.chain(sectors).map(|name| name.get(language).to_owned()).collect();
    let mut notes = Vec::new();
    if !critical.is_empty() {
        let critical = and(&critical, language);
        notes.push(match language {
            Language::Sv => format!("{critical} får aldrig stå utan innehavare: den sista innehavaren har kvar sin behörighet tills någon annan har fått den."),
            Language::En => format!("{critical} are never left without a holder: the last one keeps the right until somebody else has it."),
        });
    }
    notes.push(says(
        "Minst en aktiv administratör finns alltid kvar.",
        "At least one active administrator always remains.",
    ));
    notes.push(if source.protected.is_empty() {
        says("Inget konto är undantaget i inställningarna.", "No account is exempt by the settings.")
    } else {
        let listed = and(source.protected, language);
        match language {
            Language::Sv => format!("Dessa konton rör ingen regel, katalog eller körning: {listed}."),
            Language::En => format!("No rule, directory or run touches these accounts: {listed}."),
        }
    });
    notes.push(says("Nödkonton lämnas orörda.", "Emergency accounts are left alone."));
    blocks.push(Block::List(notes));
}

fn contact(policy: &Policy, language: Language, blocks: &mut Vec<Block>) {
    let says = |sv: &str, en: &str| pick(language, sv, en).to_owned();
    blocks.push(Block::Heading(says("Kontakt", "Contact")));
    let name = policy.contact.name.get(language);
    let address = policy.contact.email.as_ref().map(|email| format!(" ({email})")).unwrap_or_default();
    blocks.push(Block::Paragraph(match language {
        Language::Sv => format!("Den som nekas får veta varför, och hänvisas till {name}{address}."),
        Language::En => format!("Whoever is refused is told why, and whom to turn to: {name}{address}."),
    }));
}
