//! The versions of the policy: listed, shown, compared.
//!
//! Invariant: reads only; a version is shown as it was written.

use super::super::{Ports, Refusal};
use crate::config::parse_policy;
use crate::domain::language::Language;
use crate::domain::policy::compare;
use crate::domain::policy::text_changes::{shown, text_changes};
use crate::store::policy::{self, PolicyVersion};

/// The newest versions, of all or of those before `before`, the newest first.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn list(ports: &Ports, before: Option<i64>, limit: i64) -> Result<Vec<PolicyVersion>, Refusal> {
    let mut c = ports.db.read().await?;
    Ok(policy::newest(&mut c, before, limit).await?)
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
    let named = |version: &PolicyVersion| format!("policy version {}", version.number);
    compare_texts((&one.text, &named(&one)), (&other.text, &named(&other)), language)
}

/// Compares two texts, each with what it is called.
///
/// # Errors
///
/// [`Refusal::Policy`] with the mistakes of one that cannot be read.
pub fn compare_texts(
    (former, former_name): (&str, &str),
    (new, new_name): (&str, &str),
    language: Language,
) -> Result<Comparison, Refusal> {
    let read = |text: &str, name: &str| parse_policy(text, name).map_err(Refusal::Policy);
    let (one, other) = (read(former, former_name)?, read(new, new_name)?);
    Ok(Comparison {
        sentences: compare::compare(&one, &other, language),
        lines: shown(&text_changes(former, new)),
    })
}
