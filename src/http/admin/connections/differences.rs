//! The differences of a comparison as lines: what the directory says, what we say, what the CRM says.
//!
//! Invariant: what is not said stands as a dash; nothing is guessed at.

use super::super::Desk;
use crate::domain::comparison::{Attribute, Class, Treatment};
use crate::flows::console::connections::compare::{Found, Said};

/// A difference.
#[derive(Debug)]
pub(super) struct Difference {
    /// Whose: their page, where they have an account.
    pub(super) address: Option<String>,
    pub(super) who: String,
    pub(super) class: &'static str,
    pub(super) what: &'static str,
    pub(super) directory: String,
    pub(super) ours: String,
    pub(super) theirs: String,
    pub(super) becomes: &'static str,
}

/// What kind of difference it is.
pub(super) fn class(frame: &Desk, class: Class) -> &'static str {
    match class {
        Class::Missing => frame.t("Saknas i CRM:et", "Missing in the CRM"),
        Class::Extra => frame.t("Hör inte till något konto", "Belongs to no account"),
        Class::Different => frame.t("Skiljer", "Different"),
        Class::Conflicting => frame.t("Oklart vems", "Unclear whose"),
    }
}

/// What differs.
fn attribute(frame: &Desk, attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Active => frame.t("Får logga in", "May sign in"),
        Attribute::Roles => frame.t("Roller", "Roles"),
        Attribute::UserName => frame.t("Användarnamn", "User name"),
        Attribute::DisplayName => frame.t("Namn", "Name"),
        Attribute::Email => frame.t("E-post", "E-mail"),
    }
}

fn treatment(frame: &Desk, treatment: Treatment) -> &'static str {
    match treatment {
        Treatment::Report => frame.t("visas bara", "shown only"),
        Treatment::Heal => frame.t("rättas", "put right"),
        Treatment::Accept => frame.t("CRM:et får bestämma", "the CRM may decide"),
    }
}

/// What somebody says of an attribute: a text, yes or no, or a dash.
pub(in super::super) fn said(frame: &Desk, what: Option<Attribute>, text: Option<&str>) -> String {
    match (what, text) {
        (_, None | Some("")) => "–".to_owned(),
        (Some(Attribute::Active), Some("true")) => frame.t("ja", "yes").to_owned(),
        (Some(Attribute::Active), Some("false")) => frame.t("nej", "no").to_owned(),
        (_, Some(text)) => text.to_owned(),
    }
}

/// The line of a difference.
pub(super) fn line(frame: &Desk, found: &Found) -> Difference {
    let Found { listed, directories } = found;
    let user = |id: &String| format!("{} {id}", frame.t("användare", "user"));
    let name = listed.user_name.clone().or_else(|| listed.crm_id.as_ref().map(user));
    let mut texts: Vec<String> = directories
        .iter()
        .map(|one| match one {
            Said::Active(true) => frame.t("aktiv", "active").to_owned(),
            Said::Active(false) => frame.t("inte aktiv", "not active").to_owned(),
            Said::Text(text) => text.clone(),
        })
        .collect();
    texts.dedup();
    Difference {
        address: listed.account.map(|id| frame.at(&format!("/people/{id}/compare"))),
        who: name.unwrap_or_default(),
        class: class(frame, listed.class),
        what: listed.attribute.map_or("", |one| attribute(frame, one)),
        directory: said(frame, None, Some(&texts.join(" / "))),
        ours: said(frame, listed.attribute, listed.ours.as_deref()),
        theirs: said(frame, listed.attribute, listed.theirs.as_deref()),
        becomes: treatment(frame, listed.treatment),
    }
}
