//! What a provider is asked for at a sign-in, and what a fresh sign-in means.
//!
//! Invariant: what is asked for here is demanded: a token that does not answer to it is refused.

use jiff::SignedDuration;

use super::field::Field;
use super::mistake::Problem;
use super::reading::Section;

/// What the authorization request of a directory carries (OpenID Connect Core §3.1.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// Whether the address that the person gave is sent along. Default yes.
    pub login_hint: bool,
    /// What the provider shall do.
    pub prompt: Option<Prompt>,
    /// How long ago the person may have proved who they are; nothing: as the provider sees fit.
    pub max_age: Option<SignedDuration>,
    /// Levels of assurance, best first; the token must answer with one of them.
    pub acr_values: Vec<String>,
    /// Whether the request is handed over behind the browser's back (RFC 9126).
    pub par: Par,
}

/// What the provider shall do with everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prompt {
    /// Ask for the password again.
    Login,
    /// Ask for consent again.
    Consent,
    /// Let the person choose among accounts.
    SelectAccount,
}

impl Prompt {
    const ALL: [Self; 3] = [Self::Login, Self::Consent, Self::SelectAccount];

    /// The name in the settings, and in the request.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Consent => "consent",
            Self::SelectAccount => "select_account",
        }
    }
}

/// When pushed authorization requests are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Par {
    /// Where the provider offers them.
    Auto,
    /// Never.
    Off,
    /// Always; a provider that does not offer them cannot be used.
    Require,
}

impl Par {
    const ALL: [Self; 3] = [Self::Auto, Self::Off, Self::Require];

    /// The name in the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Off => "off",
            Self::Require => "require",
        }
    }
}

/// The section `[step_up]`: what a page that asks for a fresh sign-in demands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StepUp {
    /// How long ago the person may have proved who they are.
    pub max_age: Option<SignedDuration>,
    /// Levels of assurance, any of which will do.
    pub acr_values: Vec<String>,
    /// Pages of Portvakt that demand it: a path, and what lies below it.
    pub pages: Vec<String>,
}

/// The longest `max_age`: longer than any session.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 365);

fn max_age(section: &Section<'_>) -> Option<SignedDuration> {
    let field = section.field("max_age")?;
    let age = field.duration()?;
    if age > LONGEST {
        field.wrong("a sign-in a year ago is not recent", "write a shorter time, such as \"8h\"");
    }
    Some(age)
}

/// A level of assurance; several stand in one parameter with blanks between.
fn acr(text: &str) -> Result<String, Problem> {
    if text.contains(char::is_whitespace) {
        return Err(Problem::new(
            format!("{text:?} holds a blank"),
            "write one level per value: [\"urn:example:mfa\", \"urn:example:pwd\"]",
        ));
    }
    Ok(text.to_owned())
}

fn acr_values(section: &Section<'_>) -> Vec<String> {
    section.list("acr_values").iter().filter_map(|item| item.parse(acr)).collect()
}

pub(crate) fn asking(section: &Section<'_>) -> Asking {
    let prompt = section.field("prompt").and_then(|field| field.choice(&Prompt::ALL, Prompt::name));
    let par = section.field("par").and_then(|field| field.choice(&Par::ALL, Par::name));
    Asking {
        login_hint: section.flag("login_hint").unwrap_or(true),
        prompt,
        max_age: max_age(section),
        acr_values: acr_values(section),
        par: par.unwrap_or(Par::Auto),
    }
}

fn page(field: &Field<'_>) -> Option<String> {
    field.parse(|text| {
        if text.starts_with('/') && !text.contains("//") && (text == "/" || !text.ends_with('/')) {
            return Ok(text.to_owned());
        }
        Err(Problem::new(
            format!("{text:?} is no path of a page"),
            "write it from the slash, without one at its end: \"/admin\"",
        ))
    })
}

pub(crate) fn step_up(section: Option<&Section<'_>>) -> StepUp {
    let Some(section) = section else { return StepUp::default() };
    let step_up = StepUp {
        max_age: max_age(section),
        acr_values: acr_values(section),
        pages: section.list("pages").iter().filter_map(page).collect(),
    };
    if step_up.max_age.is_none() && step_up.acr_values.is_empty() {
        section.wrong("it demands nothing", "write max_age, acr_values or both, or leave the section out");
    }
    step_up
}
