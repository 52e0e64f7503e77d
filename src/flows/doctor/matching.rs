//! Whether what a directory sends fits the policy and the sign-in: groups that rules name, ids that tokens carry.
//!
//! Invariant: a directory that has sent nothing yet is not blamed for what is missing.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::Finding;
use crate::config::{Directory, DirectoryKind, SubjectIs};
use crate::domain::ids::{DirectoryId, RuleId};
use crate::domain::name::fold;
use crate::domain::policy::{Condition, Policy};
use crate::flows::directories::is_okta_id;
use crate::flows::{Ports, Refusal};
use crate::store::survey::{self, GroupLine};
use crate::store::{Conn, group, identity};

/// How many people are looked at together.
const PAGE: i64 = 2_000;

/// So many names are listed in a finding.
const NAMED: usize = 5;

pub(super) async fn findings(ports: &Ports, directory: &Directory) -> Result<Vec<Finding>, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let mut findings = Vec::new();
    let people = identity::count(&mut c, &directory.id).await?;
    let groups = survey::groups(&mut c, &directory.id).await?;
    if people > 0 {
        findings.extend(external_ids(&mut c, directory, people).await?);
    }
    let compiled = match ports.policies.current(&mut c).await {
        Ok(compiled) => compiled,
        Err(Refusal::NoPolicy) => return Ok(findings),
        Err(other) => return Err(other),
    };
    if people > 0 || !groups.is_empty() {
        let named = named_groups(&compiled.policy, &directory.id);
        findings.push(missing(&mut c, ports, directory, &groups, &named).await?);
        findings.push(unused(&mut c, directory, &groups, &named).await?);
    }
    Ok(findings)
}

/// A group that a rule speaks of, as far as this directory is meant.
struct Named<'p> {
    rule: &'p RuleId,
    by: By<'p>,
}

enum By<'p> {
    /// By its id; `here` means in this directory and no other.
    Id {
        id: &'p str,
        here: bool,
    },
    Name(&'p str),
}

fn named_groups<'p>(policy: &'p Policy, directory: &DirectoryId) -> Vec<Named<'p>> {
    let mut named = Vec::new();
    for rule in &policy.rules {
        collect(&rule.when, directory, &rule.id, &mut named);
    }
    named
}

fn collect<'p>(condition: &'p Condition, of: &DirectoryId, rule: &'p RuleId, named: &mut Vec<Named<'p>>) {
    match condition {
        Condition::Group { directory, id } if directory.as_ref().is_none_or(|known| known == of) => {
            named.push(Named { rule, by: By::Id { id, here: directory.is_some() } });
        }
        Condition::GroupName { directory, name } if directory == of => {
            named.push(Named { rule, by: By::Name(name) });
        }
        Condition::All(parts) | Condition::Any(parts) => {
            for part in parts {
                collect(part, of, rule, named);
            }
        }
        Condition::Not(part) => collect(part, of, rule, named),
        Condition::Group { .. }
        | Condition::GroupName { .. }
        | Condition::Directory(_)
        | Condition::Attribute { .. } => {}
    }
}

fn is_group(line: &GroupLine, id: &str) -> bool {
    line.external_id.as_deref() == Some(id) || line.id.to_string() == id
}

/// Groups that rules name and this directory has never sent. An id that a rule looks for in any directory is missing
/// only where none has it.
async fn missing(
    c: &mut Conn,
    ports: &Ports,
    directory: &Directory,
    groups: &[GroupLine],
    named: &[Named<'_>],
) -> Result<Finding, Refusal> {
    let mut elsewhere = Vec::new();
    for other in ports.settings.directories.iter().filter(|other| other.id != directory.id) {
        elsewhere.extend(survey::groups(c, &other.id).await?);
    }
    let mut absent = BTreeSet::new();
    for one in named {
        let is_there = match one.by {
            By::Id { id, here } => {
                groups.iter().any(|line| is_group(line, id))
                    || (!here && elsewhere.iter().any(|line| is_group(line, id)))
            }
            By::Name(name) => group::pinned(c, &directory.id, &fold(name)).await?.is_some(),
        };
        if !is_there {
            let what = match one.by {
                By::Id { id, .. } => id,
                By::Name(name) => name,
            };
            absent.insert(format!("{what} ({})", one.rule));
        }
    }
    if absent.is_empty() {
        return Ok(Finding::ok(
            "rules",
            "Katalogen har skickat varje grupp som reglerna nämner.",
            "The directory has sent every group that the rules name.",
        ));
    }
    let listed = listed(absent);
    let (sv, en) = match directory.kind {
        DirectoryKind::Entra => (
            "Stämmer id:t (gruppens objekt-id i Entra)? Tilldela gruppen till programmet för provisionering, under Users and groups.",
            "Is the id right (the group's object id in Entra)? Assign the group to the application for provisioning, under Users and groups.",
        ),
        DirectoryKind::Okta => (
            "Stämmer namnet? Lägg till gruppen under Push Groups. Okta skickar inget eget id, så regeln ska säga group_name.",
            "Is the name right? Push the group under Push Groups. Okta sends no id of its own, so the rule should say group_name.",
        ),
        DirectoryKind::Generic => (
            "Stämmer id eller namn? Låt leverantören skicka gruppen.",
            "Is the id or name right? Have the provider send the group.",
        ),
    };
    Ok(Finding::warning(
        "rules",
        format!("Grupper som regler nämner och katalogen aldrig har skickat: {listed}. De reglerna ger ingen något."),
        format!("Groups that rules name and the directory has never sent: {listed}. Those rules give nobody anything."),
    )
    .mend(sv, en))
}

/// Groups that no rule names.
async fn unused(
    c: &mut Conn,
    directory: &Directory,
    groups: &[GroupLine],
    named: &[Named<'_>],
) -> Result<Finding, Refusal> {
    let mut pinned = BTreeSet::new();
    for one in named {
        if let By::Name(name) = one.by {
            pinned.extend(group::pinned(c, &directory.id, &fold(name)).await?);
        }
    }
    let is_named = |line: &GroupLine| {
        pinned.contains(&line.id)
            || named.iter().any(|one| matches!(one.by, By::Id { id, .. } if is_group(line, id)))
    };
    let unused: BTreeSet<String> =
        groups.iter().filter(|line| !is_named(line)).map(|line| line.name.clone()).collect();
    if unused.is_empty() {
        return Ok(Finding::ok(
            "groups",
            "Varje grupp som katalogen skickar används av någon regel.",
            "Every group that the directory sends is used by some rule.",
        ));
    }
    let listed = listed(unused);
    Ok(Finding::warning(
        "groups",
        format!("Grupper som ingen regel använder: {listed}."),
        format!("Groups that no rule uses: {listed}."),
    )
    .mend(
        "Skriv en regel för dem i policyn, eller sluta skicka dem.",
        "Write a rule for them in the policy, or stop sending them.",
    ))
}

fn listed(names: BTreeSet<String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let first: Vec<String> = names.into_iter().take(NAMED).collect();
    let more = if more > 0 { format!(" … +{more}") } else { String::new() };
    format!("{}{more}", first.join(", "))
}

/// Whether the people's external ids look like what the sign-in's tokens will carry.
async fn external_ids(c: &mut Conn, directory: &Directory, people: i64) -> Result<Option<Finding>, Refusal> {
    let is_asked = directory.oidc.as_ref().is_none_or(|oidc| oidc.subject_is == SubjectIs::ExternalId);
    let fits: fn(&str) -> bool = match directory.kind {
        _ if !is_asked => return Ok(None),
        DirectoryKind::Entra => |id| Uuid::try_parse(id).is_ok(),
        DirectoryKind::Okta => is_okta_id,
        // Of another provider we only know that there must be one, where people sign in by it.
        DirectoryKind::Generic if directory.oidc.is_some() => |_| true,
        DirectoryKind::Generic => return Ok(None),
    };
    let (mut after, mut wrong) = (None, 0_i64);
    loop {
        let page = survey::external_ids(c, &directory.id, after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        let does_not_fit = |id: &Option<String>| !id.as_deref().is_some_and(fits);
        wrong += i64::try_from(page.iter().filter(|(_, id)| does_not_fit(id)).count()).unwrap_or(i64::MAX);
    }
    Ok(Some(judged(directory.kind, wrong, people)))
}

fn judged(kind: DirectoryKind, wrong: i64, people: i64) -> Finding {
    if wrong == 0 {
        return Finding::ok(
            "external_id",
            format!("externalId ser rätt ut för alla {people} personer."),
            format!("externalId looks right for all {people} people."),
        );
    }
    let finding = Finding::mistake(
        "external_id",
        format!(
            "{wrong} av {people} personer har ett externalId som inte kan vara det som inloggningens token bär. De känns inte igen när de loggar in."
        ),
        format!(
            "{wrong} of {people} people have an externalId that cannot be what the sign-in's token carries. They are not recognised when they sign in."
        ),
    );
    match kind {
        DirectoryKind::Entra => finding.mend(
            "Entra → Provisioning → Attribute mapping → personer: byt källan för externalId från mailNickname till objectId, spara, och välj Restart provisioning.",
            "Entra → Provisioning → Attribute mapping → users: change the source of externalId from mailNickname to objectId, save, and choose Restart provisioning.",
        ),
        DirectoryKind::Okta => finding.mend(
            "Okta → programmet → Provisioning → To App → Attribute Mappings: externalId = user.getInternalProperty(\"id\"), vid både skapande och ändring.",
            "Okta → the application → Provisioning → To App → Attribute Mappings: externalId = user.getInternalProperty(\"id\"), applied on create and update.",
        ),
        DirectoryKind::Generic => finding.mend(
            "Låt leverantören skicka det värde som externalId som token har i den claim som directory.oidc.subject_claim anger.",
            "Have the provider send as externalId the value that its tokens carry in the claim named by directory.oidc.subject_claim.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::{Gives, Rule};
    use crate::domain::sample;

    #[test]
    fn only_groups_that_are_meant_for_the_directory_are_asked_of_it() {
        let mut policy = sample::policy();
        let (entra, okta) = (DirectoryId::parse("entra").unwrap(), DirectoryId::parse("okta").unwrap());
        let in_group = |directory: Option<&DirectoryId>, id: &str| Condition::Group {
            directory: directory.cloned(),
            id: id.to_owned(),
        };
        let when = Condition::All(vec![
            in_group(Some(&okta), "theirs"),
            Condition::Not(Box::new(in_group(None, "anybody's"))),
            Condition::GroupName { directory: entra.clone(), name: "ours".to_owned() },
        ]);
        let id = RuleId::parse("one").unwrap();
        policy.rules = vec![Rule { id, when, gives: Gives::default(), priority: 100 }];
        let named = named_groups(&policy, &entra);
        let told: Vec<&str> = named
            .iter()
            .map(|one| match one.by {
                By::Id { id, here } => {
                    assert!(!here);
                    id
                }
                By::Name(name) => name,
            })
            .collect();
        assert_eq!(told, ["anybody's", "ours"]);
    }
}
