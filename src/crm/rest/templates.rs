//! The templates of a description: what stands in paths, headers and bodies.
//!
//! Invariant: a value is always written for where it stands, as JSON in a body and percent-encoded in a path, and
//! nothing turns that off; a name that nobody gives is a mistake when the description is read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};
use serde_json::Value as Json;

/// The names that a template may use.
pub(crate) const NAMES: &[&str] = &[
    "account",
    "active",
    "crm_id",
    "found",
    "roles",
    "role_ids",
    "other_roles",
    "other_role_ids",
    "values",
    "user",
    "secret",
    "session",
    "page",
    "random",
];

/// The most that one template may do, in steps of its engine.
const FUEL: u64 = 200_000;

/// Where a template stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// In a path: values are percent-encoded, slashes too.
    Path,
    /// In a JSON body: values are written as JSON, texts with their quotes.
    Json,
    /// In a header or a form.
    Plain,
}

impl Style {
    const fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Json => "json",
            Self::Plain => "plain",
        }
    }
}

/// Every template of a description.
#[derive(Debug)]
pub(crate) struct Templates(Environment<'static>);

impl Default for Templates {
    fn default() -> Self {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        engine.set_fuel(Some(FUEL));
        engine.set_auto_escape_callback(|name| {
            let style = name.rsplit_once('#').map_or("plain", |(_, style)| style);
            AutoEscape::Custom(style.to_owned().into())
        });
        engine.set_formatter(write);
        engine.add_filter("base64", |text: &str| STANDARD.encode(text));
        Self(engine)
    }
}

fn write(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let text = match state.auto_escape() {
        AutoEscape::Custom(style) if style == "json" => serde_json::to_string(value)
            .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?,
        AutoEscape::Custom(style) if style == "path" => encoded(&value.to_string()),
        _ => value.to_string(),
    };
    out.write_str(&text).map_err(|_| Error::from(ErrorKind::WriteFailure))
}

/// Percent-encodes everything but letters, digits and `-._~` (RFC 3986 §2.3).
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

impl Templates {
    /// Adds a template under its place in the file.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn add(&mut self, at: &str, style: Style, text: &str) -> Result<(), String> {
        let name = format!("{at}#{}", style.name());
        self.0.add_template_owned(name.clone(), text.to_owned()).map_err(|error| said(&error))?;
        let template = self.0.get_template(&name).map_err(|error| said(&error))?;
        let mut strange: Vec<String> = template
            .undeclared_variables(false)
            .into_iter()
            .filter(|used| {
                !NAMES.contains(&used.as_str()) && !self.0.globals().any(|(known, _)| known == used)
            })
            .collect();
        strange.sort();
        match strange.first() {
            Some(name) => Err(format!("there is no {name:?}; a template may use: {}", NAMES.join(", "))),
            None => Ok(()),
        }
    }

    /// Fills a template in.
    ///
    /// # Errors
    ///
    /// What went wrong; no value stands in it.
    pub(crate) fn fill(&self, at: &str, style: Style, with: &Json) -> Result<String, String> {
        let name = format!("{at}#{}", style.name());
        let template = self.0.get_template(&name).map_err(|error| format!("{at}: {}", said(&error)))?;
        template.render(Value::from(Serde(with))).map_err(|error| format!("{at}: {}", said(&error)))
    }

    /// Fills a body in and reads it as JSON, so that nothing half goes out.
    ///
    /// # Errors
    ///
    /// What went wrong.
    pub(crate) fn fill_json(&self, at: &str, with: &Json) -> Result<String, String> {
        let text = self.fill(at, Style::Json, with)?;
        let value: Json = serde_json::from_str(&text).map_err(|error| {
            format!(
                "{at}: what comes out is not JSON, in line {} of it; values bring their own quotes",
                error.line()
            )
        })?;
        Ok(value.to_string())
    }
}

fn said(error: &Error) -> String {
    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    format!("{line}{}{detail}", error.kind())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(style: Style, text: &str) -> Result<String, String> {
        let mut templates = Templates::default();
        templates.add("find.body", style, text)?;
        let with = json!({ "crm_id": "17", "user": "a\"b/c å", "roles": ["x"], "found": {}, "values": {} });
        templates.fill("find.body", style, &with)
    }

    #[test]
    fn a_value_is_written_for_where_it_stands_and_nothing_turns_that_off() {
        assert_eq!(filled(Style::Json, r#"{"n": {{ user }}}"#).unwrap(), r#"{"n": "a\"b/c å"}"#);
        assert_eq!(filled(Style::Json, "{{ user|safe }}").unwrap(), r#""a\"b/c å""#);
        assert_eq!(filled(Style::Json, "[{{ crm_id|int }}, {{ roles }}]").unwrap(), r#"[17, ["x"]]"#);
        assert_eq!(filled(Style::Path, "/u/{{ user }}").unwrap(), "/u/a%22b%2Fc%20%C3%A5");
        assert_eq!(filled(Style::Plain, "{{ ('a:' ~ crm_id)|base64 }}").unwrap(), "YToxNw==");
    }

    #[test]
    fn a_name_that_nobody_gives_is_a_mistake_at_once_and_a_member_that_is_not_there_when_it_is_used() {
        let said = filled(Style::Json, "{{ acount.user_name }}").unwrap_err();
        assert!(said.contains("there is no \"acount\"") && said.contains("account"), "{said}");
        let said = filled(Style::Json, "{{ found.groups }}").unwrap_err();
        assert!(said.contains("find.body") && said.contains("undefined"), "{said}");
        assert!(filled(Style::Json, "{{ user ").is_err());
    }

    #[test]
    fn a_template_that_never_ends_is_stopped() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        assert!(filled(Style::Plain, endless).is_err());
    }
}
