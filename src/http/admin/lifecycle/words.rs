//! Steps and sources as the pages of the lifecycle say them.
//!
//! Invariant: each word is in both languages; a name that is not known shows itself.

use std::collections::BTreeMap;

use super::super::super::pages::Frame;
use crate::domain::policy::EvidenceSource;

/// How often each step comes, by its stable name.
pub(super) fn counts<'s>(steps: impl Iterator<Item = &'s str>) -> BTreeMap<&'s str, usize> {
    let mut counts = BTreeMap::new();
    for step in steps {
        *counts.entry(step).or_default() += 1;
    }
    counts
}

/// What happens to so many accounts, after their number.
pub(super) fn step(frame: &Frame, step: &str, count: usize) -> &'static str {
    let (one, several) = match step {
        "notify" => (["påminns", "is reminded"], ["påminns", "are reminded"]),
        "freeze" => (["konto fryses", "account is frozen"], ["konton fryses", "accounts are frozen"]),
        "deactivate" => (
            ["konto avaktiveras", "account is deactivated"],
            ["konton avaktiveras", "accounts are deactivated"],
        ),
        "remove" => (["konto tas bort", "account is removed"], ["konton tas bort", "accounts are removed"]),
        "pause" => (["konto pausas", "account is paused"], ["konton pausas", "accounts are paused"]),
        "return" => (
            ["konto öppnas igen", "account is opened again"],
            ["konton öppnas igen", "accounts are opened again"],
        ),
        "take_rights" => (
            ["konto förlorar behörighet", "account loses rights"],
            ["konton förlorar behörighet", "accounts lose rights"],
        ),
        _ => (["konto berörs", "account is touched"], ["konton berörs", "accounts are touched"]),
    };
    let [sv, en] = if count == 1 { one } else { several };
    frame.t(sv, en)
}

/// Where somebody was seen.
pub(super) fn source(frame: &Frame, source: EvidenceSource) -> &'static str {
    match source {
        EvidenceSource::Sso => frame.t("SSO genom Portvakt", "SSO through Portvakt"),
        EvidenceSource::Crm => frame.t("CRM:ets inloggningslogg", "The CRM's sign-in log"),
        EvidenceSource::Directory => frame.t("Katalogens inloggningslogg", "The directory's sign-in log"),
    }
}
