//! Compares one value of a resource with the literal of a filter.
//!
//! Invariant: case counts exactly where the schema says so; dates compare as instants.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::literal::instant_of;
use super::{CompareOp, Literal};
use crate::scim::fold::folded;
use crate::scim::schema::Attribute;

/// `value op literal` holds for one single value.
pub(super) fn holds(
    value: &Value,
    op: CompareOp,
    literal: &Literal,
    spec: Option<&'static Attribute>,
) -> bool {
    match (literal, value) {
        (Literal::Text(text), Value::String(own)) => {
            if spec.is_some_and(|spec| spec.case_exact) {
                text_holds(own, op, text.raw())
            } else {
                text_holds(&folded(own), op, text.folded())
            }
        }
        (Literal::Bool(flag), Value::Bool(own)) => match op {
            CompareOp::Eq => own == flag,
            CompareOp::Ne => own != flag,
            _ => false,
        },
        (Literal::Number(number), Value::Number(own)) => {
            ordered(numbers(own, number), op).unwrap_or(op == CompareOp::Ne)
        }
        (Literal::Instant(at), Value::String(own)) => match instant_of(own) {
            Some(own) => ordered(Some(own.cmp(at)), op).unwrap_or(false),
            None => op == CompareOp::Ne,
        },
        // A value of another type is certainly not the same, and nothing else can be said of it.
        _ => op == CompareOp::Ne,
    }
}

fn text_holds(own: &str, op: CompareOp, wanted: &str) -> bool {
    match op {
        CompareOp::Co => own.contains(wanted),
        CompareOp::Sw => own.starts_with(wanted),
        CompareOp::Ew => own.ends_with(wanted),
        CompareOp::Eq => own == wanted,
        CompareOp::Ne => own != wanted,
        CompareOp::Gt | CompareOp::Ge | CompareOp::Lt | CompareOp::Le => {
            ordered(Some(own.cmp(wanted)), op).unwrap_or(false)
        }
    }
}

fn numbers(own: &Number, wanted: &Number) -> Option<Ordering> {
    match (own.as_i64(), wanted.as_i64()) {
        (Some(own), Some(wanted)) => Some(own.cmp(&wanted)),
        _ => own.as_f64()?.partial_cmp(&wanted.as_f64()?),
    }
}

fn ordered(order: Option<Ordering>, op: CompareOp) -> Option<bool> {
    let order = order?;
    Some(match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::Ne => order.is_ne(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::Ge => order.is_ge(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::Le => order.is_le(),
        CompareOp::Co | CompareOp::Sw | CompareOp::Ew => return None,
    })
}
