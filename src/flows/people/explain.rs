//! Explains an account: each grant, link and assignment, since when, by whom, and through which group or by whose
//! decision; now or at a past instant.
//!
//! Invariant: what is explained is what is held; nothing is computed anew.

use jiff::Timestamp;
use serde::Serialize;

use super::super::{Ports, Refusal, past};
use super::find_one;
use crate::domain::effective::held_roles;
use crate::domain::grant::{Grant, GrantKind, Holder, ItemRef, Link, Origin};
use crate::domain::ids::{AccountId, DirectoryId, GrantId};
use crate::domain::language::Language;
use crate::domain::name::fold;
use crate::domain::policy::{Condition, Policy};
use crate::store::membership::MemberOf;
use crate::store::{Conn, account, claimed_group, entitlement, group, identity, link, membership, sight};

/// A grant, link or assignment with its origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantStory {
    /// Its id; an assignment has none.
    pub id: Option<GrantId>,
    /// `role`, `sector`, `limited`, `item_restricted`, `link` or `assignment`.
    pub kind: &'static str,
    /// The role or sector, or the item as `component/item`.
    pub value: String,
    /// As people read it.
    pub name: String,
    /// The role that a link or an assignment is by; nothing: the account's own.
    pub by_role: Option<String>,
    /// `rule`, `manual` or `review`; of a link `manual`, `created`, `participant` or `project`; `assigned`.
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

impl GrantStory {
    /// The story in one sentence: what, through which role, rule and group, since when and by whom.
    #[must_use]
    pub fn sentence(&self, language: Language) -> String {
        let pick = |sv: &'static str, en: &'static str| match language {
            Language::Sv => sv,
            Language::En => en,
        };
        let what = match self.kind {
            "role" => pick("rollen", "the role"),
            "sector" => pick("sektorn", "the sector"),
            "link" => pick("åtkomstkopplingen till", "the link to"),
            "assignment" => pick("tilldelningen av", "the assignment of"),
            _ => pick("gränsen", "the limit"),
        };
        let mut parts = vec![format!("{what} {} ({})", self.name, self.value)];
        if let Some(role) = &self.by_role {
            parts.push(format!("{} {role}", pick("genom rollen", "through the role")));
        }
        match &self.rule {
            Some(rule) => parts.push(format!("{} {rule}", pick("från regeln", "by the rule"))),
            None => parts.push(format!("{} {}", pick("ursprung", "origin"), self.origin)),
        }
        for group in &self.groups {
            let word = pick("genom gruppen", "through the group");
            parts.push(format!("{word} {} ({})", group.name, group.directory));
        }
        parts.push(format!("{} {}", pick("sedan", "since"), self.since));
        parts.push(format!("{} {}", pick("av", "by"), self.by));
        if let Some(why) = &self.why {
            parts.push(format!("{} {why}", pick("skäl:", "reason:")));
        }
        if let Some(end) = self.ends_at {
            parts.push(format!("{} {end}", pick("till", "until")));
        }
        parts.join(", ").replace(" ()", "")
    }
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

/// Explains what an account holds now.
///
/// # Errors
///
/// As [`find_one`](super::find_one).
pub async fn explain(ports: &Ports, text: &str, language: Language) -> Result<Vec<GrantStory>, Refusal> {
    explain_at(ports, text, language, None).await
}

/// Explains what an account holds now, or held at a past instant.
///
/// # Errors
///
/// As [`find_one`](super::find_one), and [`Refusal::Invalid`] for an instant before the first policy.
pub async fn explain_at(
    ports: &Ports,
    text: &str,
    language: Language,
    as_of: Option<Timestamp>,
) -> Result<Vec<GrantStory>, Refusal> {
    let account = find_one(ports, text).await?.id;
    let now = as_of.unwrap_or_else(|| ports.clock.now());
    let mut c = ports.db.snapshot().await?;
    let compiled = match as_of {
        None => ports.policies.current(&mut c).await?,
        Some(at) => ports.policies.as_of(&mut c, at).await.map_err(past::too_early)?,
    };
    let policy = &compiled.policy;
    let groups = groups(&mut c, account, as_of).await?;
    let grants = match as_of {
        None => entitlement::held(&mut c, account).await?,
        Some(at) => entitlement::held_at(&mut c, account, at).await?,
    };
    let mut holders = vec![Holder::Account(account)];
    for held in held_roles(policy, &grants, now) {
        let holder = Holder::Role(held.id.clone());
        if !holders.contains(&holder) {
            holders.push(holder);
        }
    }
    let mut stories = Vec::new();
    for grant in grants {
        stories.push(story(&mut c, policy, &groups, grant, language, now).await?);
    }
    for holder in &holders {
        stories.extend(of_items(&mut c, policy, holder, as_of, (language, now)).await?);
    }
    Ok(stories)
}

/// The groups that the account's people are in, or were.
async fn groups(
    c: &mut Conn,
    account: AccountId,
    as_of: Option<Timestamp>,
) -> Result<Vec<(DirectoryId, Through)>, Refusal> {
    let mut groups = Vec::new();
    for one in identity::of_account(c, account).await? {
        if one.deleted_at.is_some_and(|gone| as_of.is_none_or(|at| gone <= at)) {
            continue;
        }
        let memberships = membership::groups_of(c, one.id, as_of).await?;
        groups.extend(memberships.into_iter().map(|member| (one.directory.clone(), Through::Told(member))));
        let claimed = claimed_group::that_count(c, &[one.id]).await?.into_values().flatten();
        groups.extend(claimed.map(|value| (one.directory.clone(), Through::Claimed(value))));
    }
    Ok(groups)
}

/// The links and assignments of a holder.
async fn of_items(
    c: &mut Conn,
    policy: &Policy,
    holder: &Holder,
    as_of: Option<Timestamp>,
    (language, now): (Language, Timestamp),
) -> Result<Vec<GrantStory>, Refusal> {
    let links = match (holder, as_of) {
        (Holder::Account(id), None) => link::of_account(c, *id).await?,
        (Holder::Account(id), Some(at)) => link::of_account_at(c, *id, at).await?,
        (Holder::Role(role), at) => link::of_role(c, role, at).await?,
    };
    let assigned = sight::assigned_to(c, holder, as_of).await?;
    let mut stories: Vec<GrantStory> =
        links.into_iter().map(|link| of_link(policy, link, language, now)).collect();
    stories.extend(assigned.into_iter().map(|one| GrantStory {
        id: None,
        kind: "assignment",
        value: of_item(&one.item),
        name: item_name(policy, &one.item, language),
        by_role: role_of(&one.holder),
        origin: "assigned",
        rule: None,
        groups: Vec::new(),
        by: one.by,
        why: None,
        since: one.since,
        ends_at: None,
        in_force: true,
    }));
    Ok(stories)
}

fn of_link(policy: &Policy, link: Link, language: Language, now: Timestamp) -> GrantStory {
    GrantStory {
        id: Some(link.id),
        kind: "link",
        value: of_item(&link.item),
        name: item_name(policy, &link.item, language),
        by_role: role_of(&link.holder),
        origin: link.origin.name(),
        rule: None,
        groups: Vec::new(),
        in_force: link.holds_at(now),
        by: link.by,
        why: link.why,
        since: link.since,
        ends_at: link.ends_at,
    }
}

fn of_item(item: &ItemRef) -> String {
    format!("{}/{}", item.component, item.item)
}

fn item_name(policy: &Policy, item: &ItemRef, language: Language) -> String {
    let component = policy.components.get(&item.component);
    let name = component.map_or(item.component.as_str(), |component| component.name.get(language));
    format!("{name} {}", item.item)
}

fn role_of(holder: &Holder) -> Option<String> {
    match holder {
        Holder::Account(_) => None,
        Holder::Role(role) => Some(role.to_string()),
    }
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
        Origin::Manual | Origin::Review | Origin::Deputy(_) => None,
    };
    let mut through = Vec::new();
    let condition = policy.rules.iter().find(|known| Some(&known.id) == rule).map(|known| &known.when);
    for (directory, one) in groups {
        if condition.is_some_and(|condition| speaks_of(condition, directory, one)) {
            through.push(told(c, directory, one).await?);
        }
    }
    let why = match &grant.origin {
        Origin::Deputy(away) => Some(stands_in(c, *away, language).await?),
        Origin::Rule(_) | Origin::Manual | Origin::Review => grant.why.clone(),
    };
    Ok(GrantStory {
        id: Some(grant.id),
        by_role: None,
        kind: grant.kind.name(),
        value: grant.kind.value().to_owned(),
        name: name(policy, &grant.kind, language),
        origin: grant.origin.name(),
        rule: rule.map(ToString::to_string),
        groups: through,
        in_force: grant.holds_at(now),
        by: grant.by,
        why,
        since: grant.since,
        ends_at: grant.ends_at,
    })
}

/// For whom somebody stands in.
async fn stands_in(c: &mut Conn, away: AccountId, language: Language) -> Result<String, Refusal> {
    let account = account::get(c, away).await?;
    let name = account.map(|account| account.shown_name().to_owned());
    let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| away.to_string());
    Ok(match language {
        Language::Sv => format!("ställföreträdare för {name}"),
        Language::En => format!("deputy of {name}"),
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
