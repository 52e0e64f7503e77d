//! Explains an account: each grant, since when, by whom, and through which group or by whose decision.
//!
//! Invariant: what is explained is what is held; nothing is computed anew.

use jiff::Timestamp;
use serde::Serialize;

use super::super::{Ports, Refusal};
use super::find_one;
use crate::domain::grant::{Grant, GrantKind, Origin};
use crate::domain::ids::DirectoryId;
use crate::domain::ids::GrantId;
use crate::domain::language::Language;
use crate::domain::name::fold;
use crate::domain::policy::{Condition, Policy};
use crate::store::membership::MemberOf;
use crate::store::{Conn, claimed_group, entitlement, group, identity, membership};

/// A grant with its origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantStory {
    /// Its id.
    pub id: GrantId,
    /// `role`, `sector`, `limited` or `item_restricted`.
    pub kind: &'static str,
    /// The role or sector.
    pub value: String,
    /// As people read it.
    pub name: String,
    /// `rule`, `manual` or `review`.
    pub origin: &'static str,
    /// The rule.
    pub rule: Option<String>,
    /// The groups through which the rule matches.
    pub groups: Vec<GroupStory>,
    /// By whom.
    pub by: String,
    /// Why, where a person said so.
    pub why: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself.
    pub ends_at: Option<Timestamp>,
    /// Whether it is in force now.
    pub in_force: bool,
}

/// A group that a rule speaks of and the person is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupStory {
    /// Which directory tells it.
    pub directory: DirectoryId,
    /// As people read it.
    pub name: String,
    /// The directory's own id of it.
    pub external_id: Option<String>,
}

/// A group that somebody is in.
enum Through {
    /// As the directory told it.
    Told(MemberOf),
    /// As a token named it.
    Claimed(String),
}

/// Explains what an account holds.
///
/// # Errors
///
/// As [`find_one`](super::find_one).
pub async fn explain(ports: &Ports, text: &str, language: Language) -> Result<Vec<GrantStory>, Refusal> {
    let (account, now) = (find_one(ports, text).await?, ports.clock.now());
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let mut groups = Vec::new();
    for one in identity::of_account(&mut c, account.id).await? {
        if one.deleted_at.is_none() {
            let memberships = membership::groups_of(&mut c, one.id, None).await?;
            let told = memberships.into_iter().map(|member| (one.directory.clone(), Through::Told(member)));
            groups.extend(told);
            let claimed = claimed_group::that_count(&mut c, &[one.id]).await?.into_values().flatten();
            groups.extend(claimed.map(|value| (one.directory.clone(), Through::Claimed(value))));
        }
    }
    let mut stories = Vec::new();
    for grant in entitlement::held(&mut c, account.id).await? {
        stories.push(story(&mut c, &compiled.policy, &groups, grant, language, now).await?);
    }
    Ok(stories)
}

async fn story(
    c: &mut Conn,
    policy: &Policy,
    groups: &[(DirectoryId, Through)],
    grant: Grant,
    language: Language,
    now: Timestamp,
) -> Result<GrantStory, Refusal> {
    let rule = match &grant.origin {
        Origin::Rule(id) => Some(id),
        Origin::Manual | Origin::Review => None,
    };
    let mut through = Vec::new();
    let condition = policy.rules.iter().find(|known| Some(&known.id) == rule).map(|known| &known.when);
    for (directory, one) in groups {
        if condition.is_some_and(|condition| speaks_of(condition, directory, one)) {
            through.push(told(c, directory, one).await?);
        }
    }
    Ok(GrantStory {
        id: grant.id,
        kind: grant.kind.name(),
        value: grant.kind.value().to_owned(),
        name: name(policy, &grant.kind, language),
        origin: grant.origin.name(),
        rule: rule.map(ToString::to_string),
        groups: through,
        in_force: grant.holds_at(now),
        by: grant.by,
        why: grant.why,
        since: grant.since,
        ends_at: grant.ends_at,
    })
}

async fn told(c: &mut Conn, directory: &DirectoryId, one: &Through) -> Result<GroupStory, Refusal> {
    let (name, external_id) = match one {
        Through::Told(member) => {
            let group = group::get(c, directory, member.group).await?;
            let name = group.as_ref().and_then(|group| group.document.get("displayName")?.as_str());
            (name.unwrap_or(&member.name_key).to_owned(), member.external_id.clone())
        }
        Through::Claimed(value) => (value.clone(), Some(value.clone())),
    };
    Ok(GroupStory { directory: directory.clone(), name, external_id })
}

fn name(policy: &Policy, kind: &GrantKind, language: Language) -> String {
    let known = match kind {
        GrantKind::Role(id) => policy.roles.get(id).map(|role| role.name.get(language)),
        GrantKind::Sector(id) => policy.sectors.get(id).map(|sector| sector.name.get(language)),
        GrantKind::Limited | GrantKind::ItemRestricted => Some(match (kind, language) {
            (GrantKind::Limited, Language::Sv) => "Begränsad användare",
            (GrantKind::Limited, Language::En) => "Limited",
            (_, Language::Sv) => "Föremålsbegränsad",
            (_, Language::En) => "Item-restricted",
        }),
    };
    known.unwrap_or_else(|| kind.value()).to_owned()
}

/// Whether a condition asks for this group. What it excludes is no reason for a grant.
fn speaks_of(condition: &Condition, directory: &DirectoryId, one: &Through) -> bool {
    match (condition, one) {
        (Condition::Group { directory: only, id }, one) => {
            let is_it = match one {
                Through::Told(member) => {
                    member.external_id.as_deref() == Some(id) || member.group.to_string() == *id
                }
                Through::Claimed(value) => value == id,
            };
            is_it && only.as_ref().is_none_or(|only| only == directory)
        }
        (Condition::GroupName { directory: only, name }, Through::Told(member)) => {
            only == directory && member.pins.iter().any(|pin| fold(pin) == fold(name))
        }
        (Condition::All(parts) | Condition::Any(parts), one) => {
            parts.iter().any(|part| speaks_of(part, directory, one))
        }
        (Condition::GroupName { .. }, Through::Claimed(_))
        | (Condition::Not(_) | Condition::Directory(_) | Condition::Attribute { .. }, _) => false,
    }
}
