//! What must hold before a policy is planned or put into force: it can be read, it can be meant, its cases hold.
//!
//! Invariant: a policy with one error, or with one case that does not hold, changes nothing; every mistake is told.

use std::path::Path;

use super::super::{Ports, Refusal};
use crate::config::{
    Mistake, Severity, judge_cases, judge_policy, parse_policy, read_case_files, read_policy,
};
use crate::domain::policy::Policy;

/// A policy that may be put into force, and what somebody should look at.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The policy.
    pub policy: Policy,
    /// Warnings.
    pub warnings: Vec<Mistake>,
}

/// Checks a policy's text, which stands in `file`.
///
/// # Errors
///
/// [`Refusal::Policy`] with every mistake of the policy, of the files with cases, and every case that does not hold.
pub fn check(ports: &Ports, text: &str, file: &str) -> Result<Checked, Refusal> {
    let file = Path::new(file);
    let (policy, mut mistakes) = read_policy(text, file, None);
    let Some(policy) = policy else { return Err(Refusal::Policy(mistakes)) };
    mistakes.extend(judge_policy(&policy, text, file));
    match read_case_files(&ports.settings.policy_cases) {
        Ok(cases) => mistakes.extend(judge_cases(&policy, &cases)),
        Err(found) => mistakes.extend(found),
    }
    if mistakes.iter().any(|mistake| mistake.severity == Severity::Error) {
        mistakes.sort_by_key(|mistake| mistake.severity);
        return Err(Refusal::Policy(mistakes));
    }
    Ok(Checked { policy, warnings: mistakes })
}

/// Runs the cases that the settings name against the policy in force: `text`.
///
/// # Errors
///
/// [`Refusal::Policy`] with every case that does not hold.
pub(super) fn cases_hold(ports: &Ports, text: &str, number: i64) -> Result<(), Refusal> {
    let policy = parse_policy(text, &format!("policy version {number}")).map_err(Refusal::Policy)?;
    let cases = read_case_files(&ports.settings.policy_cases).map_err(Refusal::Policy)?;
    let failed = judge_cases(&policy, &cases);
    if failed.is_empty() { Ok(()) } else { Err(Refusal::Policy(failed)) }
}
