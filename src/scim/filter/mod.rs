//! Filters: what a client asks for, as a tree (RFC 7644 §3.4.2.2).
//!
//! Invariant: a tree holds only attributes that the schema knows (or that live
//! in an unknown extension) with values of the right type; whatever else a text
//! says is refused with its position, never answered with an empty list.

mod compare;
mod evaluate;
mod lexer;
mod literal;
mod narrow;
mod parser;
#[cfg(test)]
mod properties;

use std::fmt;

pub use literal::{Literal, Text};
pub use narrow::Narrow;

pub(crate) use literal::instant_of;
pub(crate) use parser::{Fault, value_filter};

use super::error::ScimError;
use super::path::AttrPath;
use super::schema::ResourceKind;

/// The longest filter, in bytes.
pub const MAX_LENGTH: usize = 4096;
/// The deepest nesting of parentheses and brackets.
pub const MAX_DEPTH: usize = 32;
/// The most comparisons in one filter.
pub const MAX_TERMS: usize = 200;

/// A comparison operator (RFC 7644 table 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Ge,
    /// Less than.
    Lt,
    /// Less than or equal.
    Le,
}

impl CompareOp {
    const ALL: [Self; 9] =
        [Self::Eq, Self::Ne, Self::Co, Self::Sw, Self::Ew, Self::Gt, Self::Ge, Self::Lt, Self::Le];

    /// The operator as it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.name().eq_ignore_ascii_case(word))
    }

    const fn is_order(self) -> bool {
        matches!(self, Self::Gt | Self::Ge | Self::Lt | Self::Le)
    }

    const fn is_part(self) -> bool {
        matches!(self, Self::Co | Self::Sw | Self::Ew)
    }
}

/// A parsed filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Every one holds; two or more.
    And(Vec<Filter>),
    /// One holds; two or more.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// An attribute compared with a value.
    Compare {
        /// The attribute.
        path: AttrPath,
        /// The operator.
        op: CompareOp,
        /// The value, of the attribute's type.
        value: Literal,
    },
    /// The attribute has a value.
    Present(AttrPath),
    /// One entry of the attribute meets the whole inner filter.
    ValuePath {
        /// The complex attribute.
        path: AttrPath,
        /// What one entry must meet; its paths are relative to the entry.
        filter: Box<Filter>,
    },
}

impl Filter {
    /// Reads a filter for resources of `kind`.
    ///
    /// Beyond the grammar, `emails[type eq "work"].value eq "x"` is read as one entry that meets
    /// both, booleans may be texts, and `members eq "x"` means `members.value eq "x"`.
    ///
    /// # Errors
    ///
    /// 400 `invalidFilter` with the position, in characters from 0, and what would be right.
    pub fn parse(text: &str, kind: ResourceKind) -> Result<Self, ScimError> {
        parser::filter(text, kind).map_err(|fault| ScimError::invalid_filter(fault.to_string()))
    }

    /// The resource meets the filter.
    ///
    /// `resource` is the whole resource: the document with `id` and `meta`, and with `members` or
    /// `groups` where [`mentions`](Self::mentions) says that the filter looks at them.
    #[must_use]
    pub fn matches(&self, resource: &serde_json::Value) -> bool {
        evaluate::matches(self, resource)
    }

    /// The filter looks at the core or common attribute `name`.
    #[must_use]
    pub fn mentions(&self, name: &str) -> bool {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().any(|one| one.mentions(name)),
            Self::Not(inner) => inner.mentions(name),
            Self::Compare { path, .. } | Self::Present(path) | Self::ValuePath { path, .. } => {
                path.extension().is_none() && path.attribute().is_some_and(|field| field.name() == name)
            }
        }
    }

    /// The filter looks at `name.sub` of the core or common attributes, or at `name` as a whole.
    #[must_use]
    pub fn looks_into(&self, name: &str, sub: &str) -> bool {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().any(|one| one.looks_into(name, sub)),
            Self::Not(inner) => inner.looks_into(name, sub),
            Self::Compare { path, .. } | Self::Present(path) => {
                path.is(name, Some(sub)) || path.is(name, None)
            }
            Self::ValuePath { path, filter } => path.is(name, None) && filter.mentions(sub),
        }
    }

    /// Where all that the filter wants of `name` is whether certain values are there (`name.value eq`): these values.
    /// The filter then says the same of a resource whose other values of `name` are left out.
    ///
    /// `None` where it looks at `name` in any other way.
    #[must_use]
    pub fn values_asked(&self, name: &str) -> Option<Vec<&str>> {
        let mut asked = Vec::new();
        self.asks_values(name, &mut asked).then_some(asked)
    }

    fn asks_values<'f>(&'f self, name: &str, asked: &mut Vec<&'f str>) -> bool {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().all(|one| one.asks_values(name, asked)),
            Self::Not(inner) => inner.asks_values(name, asked),
            Self::Compare { path, op: CompareOp::Eq, value: Literal::Text(text) }
                if path.is(name, Some("value")) =>
            {
                asked.push(text.raw());
                true
            }
            Self::ValuePath { path, filter } if path.is(name, None) => match filter.as_ref() {
                Self::Compare { path, op: CompareOp::Eq, value: Literal::Text(text) }
                    if path.is("value", None) =>
                {
                    asked.push(text.raw());
                    true
                }
                _ => false,
            },
            Self::Compare { .. } | Self::Present(_) | Self::ValuePath { .. } => !self.mentions(name),
        }
    }

    /// A condition that every match meets and that an index can answer, where there is one.
    #[must_use]
    pub fn narrow(&self) -> Option<Narrow> {
        narrow::narrow(self)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(all) => joined(f, all, " and ", |one| matches!(one, Self::And(_) | Self::Or(_))),
            Self::Or(all) => joined(f, all, " or ", |one| matches!(one, Self::Or(_))),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::Compare { path, op, value } => write!(f, "{path} {} {value}", op.name()),
            Self::Present(path) => write!(f, "{path} pr"),
            Self::ValuePath { path, filter } => write!(f, "{path}[{filter}]"),
        }
    }
}

fn joined(
    f: &mut fmt::Formatter<'_>,
    all: &[Filter],
    between: &str,
    in_parentheses: impl Fn(&Filter) -> bool,
) -> fmt::Result {
    for (index, one) in all.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        if in_parentheses(one) {
            write!(f, "({one})")?;
        } else {
            write!(f, "{one}")?;
        }
    }
    Ok(())
}
