//! What each deed about a person is called, what follows from it, and what has to be said.
//!
//! Invariant: the button names the act; what is lost stands before what stays.

use super::super::parts::{Decide, Input};
use super::super::{Desk, Fields};
use super::deed::{Kind, Line};
use super::words;
use crate::domain::grant::GrantKind;
use crate::domain::policy::Policy;
use crate::flows::console::person::Look;

/// The words of one deed.
pub(super) struct Text {
    pub(super) title: &'static str,
    pub(super) lead: String,
    pub(super) lines: Vec<Line>,
    pub(super) button: &'static str,
}

/// Title and button.
fn named(kind: Kind, desk: &Desk) -> (&'static str, &'static str) {
    let (title, button) = match kind {
        Kind::Freeze => (("Frys kontot", "Freeze the account"), ("Frys kontot", "Freeze the account")),
        Kind::Deactivate => {
            (("Avaktivera kontot", "Deactivate the account"), ("Avaktivera kontot", "Deactivate the account"))
        }
        Kind::Restore => {
            (("Återställ kontot", "Restore the account"), ("Återställ kontot", "Restore the account"))
        }
        Kind::EndDate => (("Slutdatum", "End date"), ("Spara slutdatumet", "Save the end date")),
        Kind::Leave => (("Bevilja ledighet", "Grant leave"), ("Bevilja ledigheten", "Grant the leave")),
        Kind::EndLeave => (("Avsluta ledigheten", "End the leave"), ("Avsluta ledigheten", "End the leave")),
        Kind::ApproveLeave => (
            ("Bevilja den ledighet som söks", "Grant the leave that is asked for"),
            ("Bevilja ledigheten", "Grant the leave"),
        ),
        Kind::RefuseLeave => (
            ("Avslå den ledighet som söks", "Refuse the leave that is asked for"),
            ("Avslå ledigheten", "Refuse the leave"),
        ),
        Kind::Protect => (("Skydda kontot", "Protect the account"), ("Skydda kontot", "Protect the account")),
        Kind::Unprotect => (("Häv skyddet", "End the protection"), ("Häv skyddet", "End the protection")),
    };
    (desk.t(title.0, title.1), desk.t(button.0, button.1))
}

/// The words of a deed about this person.
pub(super) fn text(kind: Kind, desk: &Desk, look: &Look, policy: &Policy) -> Text {
    let (title, button) = named(kind, desk);
    let mut text = Text { title, lead: String::new(), lines: Vec::new(), button };
    match kind {
        Kind::Freeze | Kind::Deactivate | Kind::Restore => standing(kind, desk, look, policy, &mut text),
        Kind::Leave | Kind::EndLeave | Kind::ApproveLeave | Kind::RefuseLeave => {
            leave(kind, desk, look, &mut text);
        }
        Kind::EndDate => {
            let now = match look.portrait.line.valid_until {
                Some(end) => format!("{} {}.", desk.t("Nu:", "Now:"), desk.last_day(end)),
                None => {
                    desk.t("Kontot har inget slutdatum nu.", "The account has no end date now.").to_owned()
                }
            };
            text.lead = now;
            text.lines.push(Line::stays(
                desk,
                desk.t(
                    "Efter den dagen stängs kontot av sig självt. Lämnas datumet tomt tas slutdatumet bort.",
                    "After that day the account closes by itself. Left empty, the end date goes away.",
                ),
            ));
        }
        Kind::Protect | Kind::Unprotect => protection(kind, desk, look, &mut text),
    }
    text
}

/// The roles and sectors in force, in one line; nothing: none.
fn rights(desk: &Desk, look: &Look, policy: &Policy) -> Option<String> {
    let held = &look.effective;
    let roles = held.roles.iter().cloned().map(GrantKind::Role);
    let sectors = held.sectors.iter().cloned().map(GrantKind::Sector);
    let each: Vec<String> = roles.chain(sectors).map(|kind| words::kind_of(desk, policy, &kind)).collect();
    (!each.is_empty()).then(|| each.join(", "))
}

fn standing(kind: Kind, desk: &Desk, look: &Look, policy: &Policy, text: &mut Text) {
    let rights = rights(desk, look, policy);
    if kind == Kind::Restore {
        text.lines.push(Line::gains(desk, desk.t("inloggningen", "the sign-in")));
        text.lines.extend(rights.map(|rights| Line::gains(desk, rights)));
        let again = desk.t(
            "Personen loggar in som förut. Livscykelns frister räknas från i dag.",
            "The person signs in as before. The lifecycle counts from today.",
        );
        text.lines.push(Line::stays(desk, again));
        return;
    }
    text.lines.push(Line::loses(desk, desk.t("inloggningen, genast", "the sign-in, at once")));
    if look.portrait.sessions > 0 {
        let open = desk.count(
            look.portrait.sessions,
            ["pågående inloggning", "pågående inloggningar"],
            ["open session", "open sessions"],
        );
        text.lines.push(Line::loses(desk, open));
    }
    let kept = if kind == Kind::Deactivate {
        text.lines.extend(rights.map(|rights| Line::loses(desk, rights)));
        desk.t("Allt går att återställa som det var.", "Everything can be restored as it was.")
    } else {
        desk.t(
            "Behörigheterna finns kvar och gäller igen när kontot återställs.",
            "The rights are kept and are in force again once the account is restored.",
        )
    };
    text.lines.push(Line::stays(desk, kept));
}

fn leave(kind: Kind, desk: &Desk, look: &Look, text: &mut Text) {
    if let Some(asked) = look.asked_leave.as_ref().filter(|_| kind != Kind::EndLeave) {
        let days = format!("{} – {}", desk.day(asked.from), desk.last_day(asked.until));
        text.lead = format!("{} {days}.", desk.t("Personen söker ledigt", "The person asks for leave"));
    }
    match kind {
        Kind::Leave | Kind::ApproveLeave => {
            let out =
                desk.t("inloggningen så länge ledigheten varar", "the sign-in as long as the leave lasts");
            text.lines.push(Line::loses(desk, out));
            let still = desk.t(
                "Livscykelns klocka står still, behörigheterna finns kvar, och kontot öppnas av sig självt efteråt.",
                "The lifecycle's clock stands still, the rights are kept, and the account opens by itself afterwards.",
            );
            text.lines.push(Line::stays(desk, still));
            let longest = desk.t(
                "En ledighet varar högst 18 månader. Bara dagarna sparas, inte varför.",
                "A leave lasts at most 18 months. Only the days are kept, and not why.",
            );
            text.lines.push(Line::stays(desk, longest));
        }
        Kind::RefuseLeave => {
            let told = desk.t(
                "Personen får veta att svaret är nej. Skälet sparas men skickas inte.",
                "The person is told that the answer is no. The reason is kept and not sent.",
            );
            text.lines.push(Line::stays(desk, told));
        }
        _ => {
            text.lines.push(Line::gains(desk, desk.t("inloggningen, genast", "the sign-in, at once")));
            let over = desk.t(
                "Den som varit ställföreträdare förlorar det den haft i personens ställe.",
                "Whoever stood in loses what they held in the person's place.",
            );
            text.lines.push(Line::stays(desk, over));
        }
    }
}

fn protection(kind: Kind, desk: &Desk, look: &Look, text: &mut Text) {
    let protects = kind == Kind::Protect;
    let what = if protects {
        desk.t(
            "Ett skyddat konto ändras inte av regler, livscykel, kataloger eller andra administratörer.",
            "A protected account is changed by no rule, lifecycle, directory or other administrator.",
        )
    } else {
        desk.t(
            "Regler, livscykel och kataloger gäller kontot igen. Det som skyddet hållit tillbaka sker genast.",
            "Rules, lifecycle and directories hold for the account again. What the protection held back happens at once.",
        )
    };
    text.lines.push(Line::stays(desk, what));
    if let Some(asked) = look.protection.as_ref().filter(|asked| asked.protects == protects) {
        let (asks, when) = (desk.t("bad om det", "asked for it"), desk.when(asked.at));
        text.lead = format!("{} {asks} {when}: {}", asked.by, desk.quoted(&asked.why));
        text.button = desk.t("Bekräfta", "Confirm");
        return;
    }
    let two = desk.t(
        "Två administratörer måste vara överens. En annan än du bekräftar inom sju dagar.",
        "Two administrators must agree. Somebody else than you confirms it within seven days.",
    );
    two.clone_into(&mut text.lead);
    text.button = desk.t("Be om bekräftelse", "Ask for confirmation");
}

/// What a deed asks to be said.
pub(super) fn inputs(
    kind: Kind,
    desk: &Desk,
    look: &Look,
    actor: &str,
    (said, mistake): (&Fields, Option<&(&'static str, String)>),
) -> Vec<Input> {
    let wrong = |name: &str| mistake.filter(|(field, _)| *field == name).map(|(_, words)| words.clone());
    let is_new = said.is_empty();
    let fill = |input: Input, usual: Option<String>| {
        let name = input.name;
        let value = if is_new { usual } else { said.one(name).map(str::to_owned) };
        input.holding(value.as_deref(), wrong(name))
    };
    let reason = || fill(Decide::reason(desk), None);
    let approver = || {
        let label = desk.t("Beviljas av", "Approved by");
        fill(Input::new("approver", "text", label, ""), Some(actor.to_owned()))
    };
    match kind {
        Kind::Freeze
        | Kind::Deactivate
        | Kind::Restore
        | Kind::RefuseLeave
        | Kind::Protect
        | Kind::Unprotect => {
            vec![reason()]
        }
        Kind::EndDate => {
            let until = Input::new("until", "date", desk.t("Sista dagen", "The last day"), "").optional();
            let usual = look.portrait.line.valid_until.map(|end| words::field_day(desk, end));
            vec![fill(until, usual), reason()]
        }
        Kind::Leave => {
            let sign_in_help = desk.t(
                "Fyll i bara om personen ska kunna logga in ändå: skriv varför.",
                "Only where the person is to sign in all the same: say why.",
            );
            let deputy_help = desk.t(
                "Användarnamn. Får kopior av personens sektorer och kopplingar så länge ledigheten varar.",
                "User name. Gets copies of the person's sectors and links as long as the leave lasts.",
            );
            let sign_in = Input::new(
                "sign_in",
                "text",
                desk.t("Inloggning under ledigheten", "Sign-in during the leave"),
                sign_in_help,
            );
            let deputy = Input::new("deputy", "text", desk.t("Ställföreträdare", "Deputy"), deputy_help);
            vec![
                fill(Input::new("from", "date", desk.t("Första dagen", "The first day"), ""), None),
                fill(Input::new("until", "date", desk.t("Sista dagen", "The last day"), ""), None),
                approver(),
                fill(sign_in.optional(), None),
                fill(deputy.optional(), None),
            ]
        }
        Kind::ApproveLeave => vec![approver()],
        Kind::EndLeave => Vec::new(),
    }
}

/// What is told once it is done.
pub(super) fn done(kind: Kind, desk: &Desk, name: &str, waits: bool) -> (String, &'static str) {
    let (sv, en) = match (kind, waits) {
        (Kind::Freeze, _) => ("kontot är fryst", "the account is frozen"),
        (Kind::Deactivate, _) => ("kontot är avaktiverat", "the account is deactivated"),
        (Kind::Restore, _) => ("kontot är återställt", "the account is restored"),
        (Kind::EndDate, _) => ("slutdatumet är sparat", "the end date is saved"),
        (Kind::Leave | Kind::ApproveLeave, _) => ("ledigheten är beviljad", "the leave is granted"),
        (Kind::EndLeave, _) => ("ledigheten är avslutad", "the leave is ended"),
        (Kind::RefuseLeave, _) => ("ledigheten är avslagen", "the leave is refused"),
        (Kind::Protect | Kind::Unprotect, true) => {
            ("en annan administratör behöver bekräfta", "another administrator has to confirm it")
        }
        (Kind::Protect, false) => ("kontot är skyddat", "the account is protected"),
        (Kind::Unprotect, false) => ("skyddet är hävt", "the protection has ended"),
    };
    let kept = desk.t("Beslutet står i granskningsloggen.", "The decision stands in the audit log.");
    (format!("{name}: {}", desk.t(sv, en)), kept)
}
