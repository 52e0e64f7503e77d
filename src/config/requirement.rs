//! What a person must hold to enter a client at all.
//!
//! Invariant: one requirement or none; whether the policy knows it is asked where both files are read.

use super::field::Field;
use super::mistake::Problem;
use super::reading::Section;
use crate::domain::client::Requirement;
use crate::domain::ids::{ComponentId, IdError, ModuleId, RoleId};
use crate::domain::policy::Action;

const FIX: &str =
    "write one of role = \"…\", module = \"…\", or component = \"…\" with action = \"view\" or another";

fn named<T>(field: &Field<'_>, parse: fn(&str) -> Result<T, IdError>) -> Option<T> {
    field.parse(|text| parse(text).map_err(Problem::from))
}

/// Reads `requires` of a client.
pub(crate) fn requirement(client: &Section<'_>) -> Option<Requirement> {
    let section = client.section("requires")?;
    let action = section.field("action");
    let wish = action.as_ref().and_then(|field| field.choice(Action::ALL, Action::name));
    match (section.field("role"), section.field("module"), section.field("component")) {
        (Some(role), None, None) => {
            without_action(action.as_ref());
            named(&role, RoleId::parse).map(Requirement::Role)
        }
        (None, Some(module), None) => {
            without_action(action.as_ref());
            named(&module, ModuleId::parse).map(Requirement::Module)
        }
        (None, None, Some(component)) => {
            let wish = if action.is_none() { Some(Action::View) } else { wish };
            let component = named(&component, ComponentId::parse);
            Some(Requirement::Component(component?, wish?))
        }
        (None, None, None) => {
            section.wrong("it requires nothing", FIX);
            None
        }
        (..) => {
            section.wrong("it requires several things at once", FIX);
            None
        }
    }
}

fn without_action(action: Option<&Field<'_>>) {
    if let Some(field) = action {
        field.wrong("an action goes with a component only", "leave it out, or name a component");
    }
}
