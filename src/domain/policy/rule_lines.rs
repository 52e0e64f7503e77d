//! The rules as people read them: whom each is about, and what it gives.
//!
//! Invariant: pure; every rule stands there once, in the order of the document.

use super::Policy;
use super::phrase::{GroupNames, condition, gives};
use crate::domain::ids::RuleId;
use crate::domain::language::Language;

/// A rule in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleLine {
    /// Which.
    pub rule: RuleId,
    /// Whom it is about: "är med i gruppen Styrelsen (entra)".
    pub who: String,
    /// What they get: "rollen Styrelse, inte begränsat".
    pub gets: String,
    /// Where rules disagree about limits, the lowest decides.
    pub order: i64,
}

/// Every rule, with the names of groups where they are known.
#[must_use]
pub fn rule_lines(policy: &Policy, language: Language, names: &GroupNames) -> Vec<RuleLine> {
    let line = |rule: &super::Rule| RuleLine {
        rule: rule.id.clone(),
        who: condition(&rule.when, language, names),
        gets: gives(policy, &rule.gives, language),
        order: rule.priority,
    };
    policy.rules.iter().map(line).collect()
}
