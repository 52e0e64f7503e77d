//! `/policy/edit`: the policy as text, checked as it is typed or by a button, and made into a plan.
//!
//! Invariant: what somebody wrote is never lost: it stands there again with its mistakes, and a plan keeps it.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::{ConsolePerson, Desk, Note, Place, Sent};
use super::HOME;
use crate::flows::Refusal;
use crate::flows::console::policy as flow;
use crate::flows::policies::{Mistake, Severity};

/// More of a line is not shown beside its mistake.
const SHOWN: usize = 120;

#[derive(Template)]
#[template(path = "admin/policy/edit.html")]
struct EditPage {
    frame: Desk,
    back: String,
    plan: String,
    check: String,
    text: String,
    lines: usize,
    /// Nothing: it was not checked.
    checked: Option<Checked>,
}

/// What came of a check.
struct Checked {
    errors: Vec<Told>,
    /// How many, in words.
    mistaken: String,
    warnings: Vec<Told>,
    /// Likewise.
    warned: String,
}

/// A mistake as people read it.
struct Told {
    /// The file, where it is another.
    file: Option<String>,
    line: Option<u32>,
    /// What stands there.
    quoted: Option<String>,
    key: String,
    what: String,
    fix: String,
}

/// `GET /policy/edit?version=&plan=`: the text in force, of a version, or of a plan.
pub(super) async fn show(console: ConsolePerson) -> Response {
    let fields = &console.query;
    let version = fields.one("version").map(str::parse::<i64>).transpose();
    let Ok(version) = version else {
        let (sv, en) = ("En version är ett tal.".to_owned(), "A version is a number.".to_owned());
        return console.misread(Place::Groups, sv, en).await;
    };
    let wanted = (version, fields.one("plan"));
    let is_other = version.is_some() || fields.one("plan").is_some();
    let text = match flow::text(&console.ports, &console.actor, wanted).await {
        Ok(text) => text,
        Err(refusal) => return console.refuse_to(Place::Groups, HOME, refusal).await,
    };
    let mistakes = match is_other.then(|| flow::check(&console.ports, &console.actor, &text)).transpose() {
        Ok(mistakes) => mistakes,
        Err(refusal) => return console.refuse_to(Place::Groups, HOME, refusal).await,
    };
    answer(&console, StatusCode::OK, &text, mistakes.as_deref()).await
}

async fn answer(
    console: &ConsolePerson,
    status: StatusCode,
    text: &str,
    mistakes: Option<&[Mistake]>,
) -> Response {
    let frame = match console.desk(Place::Groups).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let page = EditPage {
        back: frame.at(HOME),
        plan: frame.at(&format!("{HOME}/plans")),
        check: frame.at(&format!("{HOME}/check")),
        lines: text.lines().count().clamp(24, 60),
        text: text.to_owned(),
        checked: mistakes.map(|mistakes| checked(&frame, text, mistakes)),
        frame,
    };
    console.page(status, &page)
}

fn checked(frame: &Desk, text: &str, mistakes: &[Mistake]) -> Checked {
    let of = |severity: Severity| -> Vec<Told> {
        let some = mistakes.iter().filter(|one| one.severity == severity);
        some.map(|one| told(text, one)).collect()
    };
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    Checked {
        mistaken: frame.count(errors.len(), ["fel", "fel"], ["mistake", "mistakes"]),
        errors,
        warned: frame.count(warnings.len(), ["varning", "varningar"], ["warning", "warnings"]),
        warnings,
    }
}

fn told(text: &str, mistake: &Mistake) -> Told {
    let is_here = mistake.file == flow::TEXT;
    let at = mistake.line.filter(|_| is_here).and_then(|line| usize::try_from(line).ok()?.checked_sub(1));
    let quoted = at.and_then(|at| text.lines().nth(at)).map(str::trim).filter(|line| !line.is_empty());
    Told {
        file: (!is_here).then(|| mistake.file.clone()),
        line: mistake.line,
        quoted: quoted.map(|line| line.chars().take(SHOWN).collect()),
        key: mistake.key_path.clone(),
        what: mistake.what.clone(),
        fix: mistake.fix.clone(),
    }
}

/// `POST /policy/check`: the same page with every mistake and warning; nothing is done. It is 200 with mistakes too: they
/// are what was asked for.
pub(super) async fn check(sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    let text = fields.one("text").unwrap_or_default();
    match flow::check(&console.ports, &console.actor, text) {
        Ok(mistakes) => answer(&console, StatusCode::OK, text, Some(&mistakes)).await,
        Err(refusal) => console.refuse_to(Place::Groups, HOME, refusal).await,
    }
}

/// `POST /policy/plans`: makes a plan of what the text would do, and leads to it.
pub(super) async fn plan(sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    let text = fields.one("text").unwrap_or_default();
    match flow::make(&console.ports, &console.actor, text).await {
        Ok(hash) => planned(&console, &hash),
        Err(Refusal::Policy(mistakes)) => {
            answer(&console, StatusCode::BAD_REQUEST, text, Some(&mistakes)).await
        }
        Err(refusal) => console.refuse_to(Place::Groups, HOME, refusal).await,
    }
}

/// To a plan that was just made.
pub(super) fn planned(console: &ConsolePerson, hash: &str) -> Response {
    let frame = &console.frame;
    let note = Note::done(
        frame.t("Planen är gjord. Ingenting har ändrats.", "The plan is made. Nothing has been changed."),
        frame.t(
            "Så här skulle policyn slå. Texten är sparad med planen i trettio dagar.",
            "This is what the policy would do. The text is kept with the plan for thirty days.",
        ),
    );
    console.go(&format!("{HOME}/plans/{hash}"), &note)
}
