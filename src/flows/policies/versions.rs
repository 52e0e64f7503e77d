//! The versions of the policy: listed, shown, compared.
//!
//! Invariant: reads only; a version is shown as it was written.

use super::super::{Ports, Refusal};
use crate::config::parse_policy;
use crate::domain::language::Language;
use crate::domain::policy::compare;
use crate::domain::policy::text_changes::{shown, text_changes};
use crate::store::policy::{self, PolicyVersion};

/// The newest versions, the newest first.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn list(ports: &Ports, limit: i64) -> Result<Vec<PolicyVersion>, Refusal> {
    let mut c = ports.db.read().await?;
    Ok(policy::newest(&mut c, limit).await?)
}

/// One version; nothing: the one in force.
///
/// # Errors
///
/// [`Refusal::NotFound`] where there is no such version; [`Refusal::NoPolicy`] before the first.
pub async fn show(ports: &Ports, number: Option<i64>) -> Result<PolicyVersion, Refusal> {
    let mut c = ports.db.read().await?;
    match number {
        Some(number) => policy::numbered(&mut c, number)
            .await?
            .ok_or_else(|| Refusal::not_found("policy version", number)),
        None => policy::current(&mut c, None).await?.ok_or(Refusal::NoPolicy),
    }
}

/// How two versions differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// In words; empty: they do the same.
    pub sentences: Vec<String>,
    /// Line by line, with what stands around each change.
    pub lines: Vec<String>,
}

/// Compares two versions, in words and line by line.
///
/// # Errors
///
/// [`Refusal::NotFound`] where there is no such version.
pub async fn compare(
    ports: &Ports,
    former: i64,
    new: i64,
    language: Language,
) -> Result<Comparison, Refusal> {
    let (one, other) = (show(ports, Some(former)).await?, show(ports, Some(new)).await?);
    let read = |version: &PolicyVersion| {
        parse_policy(&version.text, &format!("policy version {}", version.number)).map_err(Refusal::Policy)
    };
    Ok(Comparison {
        sentences: compare::compare(&read(&one)?, &read(&other)?, language),
        lines: shown(&text_changes(&one.text, &other.text)),
    })
}
