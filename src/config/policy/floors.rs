//! Says where a policy is weaker than its profile, which floor that is, and how to mend it.
//!
//! Invariant: an error for each weaker value, at the rule that says it.

use jiff::SignedDuration;

use super::super::reading::Section;
use crate::domain::ids::RuleId;
use crate::domain::policy::Policy;
use crate::domain::policy::profile::{Weakness, weaknesses};

/// Judges the lifecycle by its profile.
pub(super) fn judge(policy: &Policy, root: &Section<'_>) {
    let Some(profile) = policy.lifecycle.profile else { return };
    let Some(lifecycle) = root.section("lifecycle") else { return };
    let sections = lifecycle.each("rule");
    let at =
        |id: &RuleId| sections.iter().find(|one| one.plain_id().is_some_and(|(text, _)| text == id.as_str()));
    for weakness in weaknesses(policy) {
        match weakness {
            Weakness::Idle { rule, key, says, most } => {
                let Some(section) = at(&rule) else { continue };
                let says = says.map_or_else(|| "never".to_owned(), days);
                let (what, fix) = (
                    format!("{key} is {says}; the profile {profile} allows at most {}", days(most)),
                    format!("write {key} = \"{}\" or less, or choose another profile", days(most)),
                );
                match section.field(key) {
                    Some(field) => field.wrong(what, fix),
                    None => section.wrong(what, fix),
                }
            }
            Weakness::InAll { rule, says, most } => {
                let Some(section) = at(&rule) else { continue };
                section.wrong(
                    format!(
                        "inactive_after and freeze_for are {} together; the profile {profile} allows at most {}",
                        days(says),
                        days(most)
                    ),
                    "make one of them shorter, or choose another profile",
                );
            }
            Weakness::Notice { rule, says, least } => {
                let Some(section) = at(&rule) else { continue };
                section.wrong(
                    format!(
                        "the first notice goes out {} before; the profile {profile} asks for {} at least",
                        days(says),
                        days(least)
                    ),
                    format!("add \"{}\" to notify_before", days(least)),
                );
            }
            Weakness::NotEverybody => lifecycle.wrong(
                format!("the profile {profile} asks for a rule about every person, and there is none"),
                "add a last rule without applies_to",
            ),
            Weakness::Reviews { months } => lifecycle.wrong(
                format!("the profile {profile} asks for a review at least every {months} months"),
                "write [review] with schedule = [\"03-01\", \"09-01\"]",
            ),
            Weakness::OnlyObserves => lifecycle.doubtful(
                format!("the profile {profile} is not satisfied while the mode is observe: nothing is done"),
                "write mode = \"enforce\" when the plans have been looked at",
            ),
        }
    }
}

fn days(length: SignedDuration) -> String {
    let (hours, rest) = (length.as_hours(), length.as_hours() % 24);
    if rest == 0 { format!("{}d", hours / 24) } else { format!("{hours}h") }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{judge_policy, parse_policy};

    #[test]
    fn a_weaker_value_is_refused_at_its_line_with_the_floor_and_the_cure() {
        let text = r#"[contact]
name = { sv = "x", en = "y" }
[lifecycle]
profile = "cis"
mode = "observe"
[[lifecycle.rule]]
id = "machines"
applies_to = { kinds = ["service"] }
[[lifecycle.rule]]
id = "everyone"
inactive_after = "60d"
freeze_for = "14d"
"#;
        let policy = parse_policy(text, "p.toml").unwrap();
        let said: Vec<String> =
            judge_policy(&policy, text, Path::new("p.toml")).iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 2, "{said:#?}");
        assert!(said[0].contains("p.toml:3") && said[0].contains("observe"), "{said:#?}");
        let weak = &said[1];
        assert!(weak.contains("p.toml:11") && weak.contains("inactive_after is 60d"), "{weak}");
        assert!(weak.contains("at most 45d") && weak.contains("inactive_after = \"45d\""), "{weak}");
    }
}
