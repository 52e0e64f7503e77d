//! Differences of rules, of what happens to quiet accounts, and of everything else.
//!
//! Invariant: a rule is matched by its id, wherever in the document it stands.

use jiff::SignedDuration;

use super::Said;
use crate::domain::ids::RuleId;
use crate::domain::language::Language;
use crate::domain::policy::phrase::{GroupNames, condition, gives, kind, length, pick, role, sector, source};
use crate::domain::policy::{LifecycleRule, Policy, Unmatched};

pub(super) fn rules(former: &Policy, new: &Policy, said: &mut Said) {
    let language = said.language;
    for one in &former.rules {
        let Some(other) = new.rules.iter().find(|rule| rule.id == one.id) else {
            let (what, who) =
                (gives(former, &one.gives, language), condition(&one.when, language, &GroupNames::new()));
            said.say(
                format!("Regeln {} är borta; den gav {what} till den som {who}.", one.id),
                format!("The rule {} is gone; it gave {what} to whoever {who}.", one.id),
            );
            continue;
        };
        if one.when != other.when {
            let (from, to) = (
                condition(&one.when, language, &GroupNames::new()),
                condition(&other.when, language, &GroupNames::new()),
            );
            said.say(
                format!("Regeln {} gäller andra: den som {from} → den som {to}.", one.id),
                format!("The rule {} is about others: whoever {from} → whoever {to}.", one.id),
            );
        }
        if one.gives != other.gives {
            let (from, to) = (gives(former, &one.gives, language), gives(new, &other.gives, language));
            said.say(
                format!("Regeln {} ger något annat: {from} → {to}.", one.id),
                format!("The rule {} gives something else: {from} → {to}.", one.id),
            );
        }
        let (sv, en) = (format!("Regeln {}, ordningstal", one.id), format!("The rule {}, order", one.id));
        said.change(&sv, &en, &one.priority.to_string(), &other.priority.to_string());
    }
    for one in new.rules.iter().filter(|one| !former.rules.iter().any(|rule| rule.id == one.id)) {
        let (what, who) =
            (gives(new, &one.gives, language), condition(&one.when, language, &GroupNames::new()));
        said.say(
            format!("Regeln {} är ny; den ger {what} till den som {who}.", one.id),
            format!("The rule {} is new; it gives {what} to whoever {who}.", one.id),
        );
    }
    if order(former, new) != order(new, former) {
        said.say(
            "Reglerna står i en annan ordning.",
            "The rules stand in another order; between equals the order decides.",
        );
    }
}

/// The ids of those rules that both have, in the order of `one`.
fn order<'p>(one: &'p Policy, other: &Policy) -> Vec<&'p RuleId> {
    one.rules
        .iter()
        .map(|rule| &rule.id)
        .filter(|id| other.rules.iter().any(|rule| rule.id == **id))
        .collect()
}

pub(super) fn lifecycle(former: &Policy, new: &Policy, said: &mut Said) {
    let (was, is) = (&former.lifecycle, &new.lifecycle);
    let language = said.language;
    let never = pick(language, "aldrig", "never");
    let schedule = |text: &Option<String>| text.clone().unwrap_or_else(|| never.to_owned());
    said.change("Körningar", "Runs", &schedule(&was.schedule), &schedule(&is.schedule));
    said.change("Tidszon", "Time zone", &was.timezone, &is.timezone);
    said.change("Körningarnas läge", "Mode of the runs", was.mode.name(), is.mode.name());
    let profile = |policy: &Policy| policy.lifecycle.profile.map_or("-", |profile| profile.name()).to_owned();
    said.change("Profil", "Profile", &profile(former), &profile(new));
    let first = |one: SignedDuration| length(one, language);
    let (from, to) = (first(was.observe_first), first(is.observe_first));
    said.change("Observerar först i", "Observes first for", &from, &to);
    if was.no_steps_on != is.no_steps_on {
        said.say("Andra dagar är undantagna från steg.", "Other days are excluded from steps.");
    }
    let stale = |one: SignedDuration| length(one, language);
    let (from, to) = (stale(was.source_stale_after), stale(is.source_stale_after));
    said.change("En tyst källa räknas inte efter", "A silent source counts no more after", &from, &to);
    let (a, b) = (&was.safety, &is.safety);
    let pairs = [
        ("Gräns, konton", "Limit, accounts", a.max_accounts.to_string(), b.max_accounts.to_string()),
        ("Gräns, procent", "Limit, percent", a.max_percent.to_string(), b.max_percent.to_string()),
        (
            "Gräns, krympning i procent",
            "Limit, shrinking in percent",
            a.max_shrink_percent.to_string(),
            b.max_shrink_percent.to_string(),
        ),
    ];
    for (sv, en, from, to) in pairs {
        said.change(sv, en, &from, &to);
    }
    lifecycle_rules(former, new, said);
}

fn lifecycle_rules(former: &Policy, new: &Policy, said: &mut Said) {
    let language = said.language;
    for one in &former.lifecycle.rules {
        let Some(other) = new.lifecycle.rules.iter().find(|rule| rule.id == one.id) else {
            said.say(
                format!("Livscykelregeln {} är borta.", one.id),
                format!("The lifecycle rule {} is gone.", one.id),
            );
            continue;
        };
        if one.applies_to != other.applies_to {
            let (from, to) = (whom(former, one, language), whom(new, other, language));
            said.change(
                &format!("Livscykelregeln {}, gäller", one.id),
                &format!("The lifecycle rule {}, applies to", one.id),
                &from,
                &to,
            );
        }
        for (sv, en, from, to) in limits(one, other, language) {
            said.change(
                &format!("Livscykelregeln {}, {sv}", one.id),
                &format!("The lifecycle rule {}, {en}", one.id),
                &from,
                &to,
            );
        }
    }
    let is_new = |one: &&LifecycleRule| !former.lifecycle.rules.iter().any(|rule| rule.id == one.id);
    for one in new.lifecycle.rules.iter().filter(is_new) {
        said.say(
            format!("Livscykelregeln {} är ny.", one.id),
            format!("The lifecycle rule {} is new.", one.id),
        );
    }
    let ids = |one: &Policy, other: &Policy| -> Vec<RuleId> {
        let known = |id: &RuleId| other.lifecycle.rules.iter().any(|rule| rule.id == *id);
        one.lifecycle.rules.iter().map(|rule| rule.id.clone()).filter(known).collect()
    };
    if ids(former, new) != ids(new, former) {
        said.say(
            "Livscykelreglerna står i en annan ordning; den första som gäller avgör.",
            "The lifecycle rules stand in another order; the first that applies decides.",
        );
    }
}

type Change = (&'static str, &'static str, String, String);

fn limits(one: &LifecycleRule, other: &LifecycleRule, language: Language) -> Vec<Change> {
    let never = pick(language, "aldrig", "never");
    let long = |one: Option<SignedDuration>| one.map_or(never.to_owned(), |one| length(one, language));
    let notices = |rule: &LifecycleRule| {
        let all: Vec<String> = rule.notify_before.iter().map(|one| length(*one, language)).collect();
        if all.is_empty() { never.to_owned() } else { all.join(", ") }
    };
    let sources = |rule: &LifecycleRule| {
        let all: Vec<&str> = rule.evidence.iter().map(|one| source(*one, language)).collect();
        all.join(", ")
    };
    vec![
        ("ses genom", "seen by", sources(one), sources(other)),
        ("utan användning", "without use", long(one.inactive_after), long(other.inactive_after)),
        (
            "aldrig inloggad",
            "never signed in",
            long(one.never_signed_in_after),
            long(other.never_signed_in_after),
        ),
        ("påminnelser före", "reminders before", notices(one), notices(other)),
        ("fryst i", "frozen for", long(one.freeze_for), long(other.freeze_for)),
        (
            "frysning hävs av inloggning",
            "freeze lifted by signing in",
            pick(language, yes(one.sign_in_lifts_freeze).0, yes(one.sign_in_lifts_freeze).1).to_owned(),
            pick(language, yes(other.sign_in_lifts_freeze).0, yes(other.sign_in_lifts_freeze).1).to_owned(),
        ),
        ("raderas efter", "erased after", long(one.remove_after), long(other.remove_after)),
    ]
}

const fn yes(flag: bool) -> (&'static str, &'static str) {
    if flag { ("ja", "yes") } else { ("nej", "no") }
}

fn whom(policy: &Policy, rule: &LifecycleRule, language: Language) -> String {
    let one = &rule.applies_to;
    let mut words: Vec<String> = one.kinds.iter().map(|one| kind(*one, language).to_owned()).collect();
    words.extend(one.roles.iter().map(|id| role(policy, id, language)));
    words.extend(one.sectors.iter().map(|id| sector(policy, id, language)));
    words.extend(one.limited.map(|is_limited| {
        let said = if is_limited { ("begränsade", "limited") } else { ("inte begränsade", "not limited") };
        pick(language, said.0, said.1).to_owned()
    }));
    words.extend(one.directories.iter().map(ToString::to_string));
    words.extend(one.attribute.iter().map(|is| format!("{} = {}", is.path, is.one_of.join(" / "))));
    if words.is_empty() { pick(language, "alla", "everybody").to_owned() } else { words.join(", ") }
}

pub(super) fn rest(former: &Policy, new: &Policy, said: &mut Said) {
    let language = said.language;
    let unmatched = |policy: &Policy| match &policy.unmatched {
        Unmatched::NoAccess => {
            pick(language, "ett konto utan behörighet", "an account without rights").to_owned()
        }
        Unmatched::Reject => pick(language, "inget konto", "no account").to_owned(),
        Unmatched::Role(id) => role(policy, id, language),
    };
    let (from, to) = (unmatched(former), unmatched(new));
    said.change("Den som ingen regel träffar får", "Whoever no rule matches gets", &from, &to);
    let (from, to) = (said.yes(former.administrators_by_rule), said.yes(new.administrators_by_rule));
    said.change("Regler får ge administration", "Rules may give administration", from, to);
    let (from, to) = (said.yes(former.leave_sign_in), said.yes(new.leave_sign_in));
    said.change("Inloggning under ledighet", "Sign-in while on leave", from, to);
    let never = pick(language, "inget slut", "no end");
    let manual = |policy: &Policy| {
        policy.manual_grants_expire_after.map_or(never.to_owned(), |one| length(one, language))
    };
    let (from, to) = (manual(former), manual(new));
    said.change("Behörighet för hand gäller", "Rights given by hand last", &from, &to);
    let review = |policy: &Policy| {
        let days = policy.review.schedule.iter().map(|(month, day)| format!("{month:02}-{day:02}"));
        let mut words: Vec<String> = days.collect();
        words.extend(policy.review.open_for.map(|open| length(open, language)));
        if words.is_empty() { pick(language, "aldrig", "never").to_owned() } else { words.join(", ") }
    };
    let (from, to) = (review(former), review(new));
    said.change("Genomgångar", "Reviews", &from, &to);
    let contact = |policy: &Policy| {
        let email = policy.contact.email.as_ref().map(|email| format!(" ({email})")).unwrap_or_default();
        format!("{}{email}", policy.contact.name.get(language))
    };
    let (from, to) = (contact(former), contact(new));
    said.change("Kontakt", "Contact", &from, &to);
}
