//! The groups of all directories: how many are in each, which rules ask for them, and which none does.
//!
//! Invariant: reads only; a group and a rule belong together here exactly where the mapping says so.

mod cursor;
mod members;

use std::collections::BTreeSet;

use super::super::policies::group_names;
use super::super::report::{self, Cell, Column, Form, Report, Term};
use super::super::{Ports, Refusal};
use super::ConsoleActor;
use crate::domain::days::Reading;
use crate::domain::ids::{DirectoryId, GroupId, RuleId};
use crate::domain::mapping::{GroupFacts, means};
use crate::domain::name::{fold, sort_key, typed_words, words_of};
use crate::domain::policy::Policy;
use crate::domain::policy::doubts::{GroupNamed, groups_named};
use crate::domain::policy::rule_lines::{RuleLine, rule_lines};
use crate::store::{Conn, group_list};

pub use cursor::{Cursor, Turn};
pub use members::{GroupLook, Member, look};

/// Which groups somebody looks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Words of the name, or the beginning of an id.
    pub typed: String,
    /// Only of this directory.
    pub directory: Option<DirectoryId>,
    /// Only those that some rule asks for, or that none does.
    pub is_asked_for: Option<bool>,
    /// Only those that this rule asks for.
    pub rule: Option<RuleId>,
}

/// A group in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// The id that we issued; nothing for a group that only tokens name.
    pub id: Option<GroupId>,
    /// Who tells of it.
    pub directory: DirectoryId,
    /// Its name; where it has none, its id.
    pub name: String,
    /// The directory's own id for it.
    pub external_id: Option<String>,
    /// How many are in it.
    pub members: i64,
    /// The rules that ask for it, in the order of the document.
    pub rules: Vec<RuleId>,
}

/// A page of the list.
#[derive(Debug, Clone)]
pub struct GroupPage {
    /// The groups.
    pub groups: Vec<GroupRow>,
    /// How many fit in all.
    pub count: usize,
    /// How many of all groups no rule asks for.
    pub unasked: usize,
    /// Groups that rules ask for and that nobody has told of.
    pub missing: Vec<GroupNamed>,
    /// Where the page before ends.
    pub before: Option<Cursor>,
    /// Where the page after begins.
    pub after: Option<Cursor>,
}

/// A group with what it is found, sorted and judged by.
#[derive(Debug, Clone)]
struct Known {
    row: GroupRow,
    place: Cursor,
    facts: GroupFacts,
}

/// A page of the groups that fit, by name.
///
/// # Errors
///
/// [`Refusal::NoPolicy`] before the first policy.
pub async fn page(
    ports: &Ports,
    _actor: &ConsoleActor,
    (wish, turn): (&Wish, &Turn),
    limit: usize,
) -> Result<GroupPage, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let named = groups_named(&compiled.policy);
    let all = everything(&mut c, &named).await?;
    let is_there = |named: &&GroupNamed| all.iter().any(|known| is_told(named, known));
    let missing = named.iter().filter(|named| !is_there(named)).cloned().collect();
    let unasked = all.iter().filter(|known| known.row.rules.is_empty()).count();
    let fitting: Vec<Known> = all.into_iter().filter(|known| fits(wish, known)).collect();
    let count = fitting.len();
    let places: Vec<&Cursor> = fitting.iter().map(|known| &known.place).collect();
    let (from, until) = turn.span(&places, limit);
    let before = places.get(from).filter(|_| from > 0).map(|place| (*place).clone());
    let after = until.checked_sub(1).and_then(|last| places.get(last)).filter(|_| until < count);
    let after = after.map(|place| (*place).clone());
    let shown = fitting.into_iter().skip(from).take(until - from).map(|known| known.row).collect();
    Ok(GroupPage { groups: counted(&mut c, shown).await?, count, unasked, missing, before, after })
}

/// The whole list as a report.
///
/// # Errors
///
/// As [`page`].
pub async fn export(
    ports: &Ports,
    actor: &ConsoleActor,
    wish: &Wish,
    (reading, form): (&Reading, Form),
) -> Result<Report, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let all = everything(&mut c, &groups_named(&compiled.policy)).await?;
    let fitting = all.into_iter().filter(|known| fits(wish, known)).map(|known| known.row).collect();
    let groups = counted(&mut c, fitting).await?;
    drop(c);
    let column =
        |key: &'static str, sv: &str, en: &str| Column { key, title: reading.pick(sv, en), is_brief: true };
    let columns = vec![
        column("name", "Grupp", "Group"),
        column("directory", "Katalog", "Directory"),
        column("members", "Medlemmar", "Members"),
        column("rules", "Regler", "Rules"),
        column("external_id", "Katalogens id", "The directory’s id"),
        column("id", "Portvakts id", "Portvakt’s id"),
    ];
    let title = reading.pick("Grupper", "Groups");
    let rows = groups.into_iter().map(cells).collect();
    let terms = wish.terms();
    report::of_rows(ports, actor.reading(), ("groups", &title), (columns, rows), (terms, reading, form)).await
}

fn cells(row: GroupRow) -> Vec<Cell> {
    let text = |text: Option<String>| text.map_or(Cell::Nothing, Cell::Text);
    let rules = row.rules.iter().map(|rule| Term { id: rule.to_string(), words: rule.to_string() });
    vec![
        Cell::Text(row.name),
        Cell::Text(row.directory.to_string()),
        Cell::Count(row.members),
        Cell::Terms(rules.collect()),
        text(row.external_id),
        text(row.id.map(|id| id.to_string())),
    ]
}

impl Wish {
    /// What the list is narrowed by, as the audit keeps it.
    fn terms(&self) -> Vec<String> {
        let said = |name: &str, value: Option<String>| value.map(|value| format!("{name}={value}"));
        let typed = Some(self.typed.clone()).filter(|typed| !typed.is_empty());
        let asked = self.is_asked_for.map(|is| if is { "asked" } else { "unasked" }.to_owned());
        [
            said("q", typed),
            said("directory", self.directory.as_ref().map(ToString::to_string)),
            said("rules", asked),
            said("rule", self.rule.as_ref().map(ToString::to_string)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// Every group, by name.
async fn everything(c: &mut Conn, named: &[GroupNamed]) -> Result<Vec<Known>, Refusal> {
    let mut pins = group_list::pins(c).await?;
    let told = group_list::groups(c, None).await?.into_iter().map(|group| {
        let pinned_names = pins.remove(&group.id).unwrap_or_default();
        let facts = GroupFacts { id: Some(group.id), external_id: group.external_id.clone(), pinned_names };
        known(named, facts, (group.directory, group.name, 0))
    });
    let mut all: Vec<Known> = told.collect();
    all.extend(group_list::claimed(c).await?.into_iter().map(|(directory, value, members)| {
        let facts = GroupFacts { id: None, external_id: Some(value.clone()), pinned_names: Vec::new() };
        known(named, facts, (directory, value, members))
    }));
    all.sort_by(|one, other| one.place.cmp(&other.place));
    Ok(all)
}

fn known(
    named: &[GroupNamed],
    facts: GroupFacts,
    (directory, name, members): (DirectoryId, String, i64),
) -> Known {
    let own = facts.id.map(|id| id.to_string());
    let id = own.or_else(|| facts.external_id.clone()).unwrap_or_default();
    let name = if name.trim().is_empty() { id.clone() } else { name };
    let row = GroupRow {
        id: facts.id,
        external_id: facts.external_id.clone(),
        rules: rules_of(named, &directory, &facts),
        directory,
        members,
        name,
    };
    Known { place: Cursor::new(sort_key(&row.name), format!("{} {id}", row.directory)), row, facts }
}

/// The rules that ask for a group, each once.
fn rules_of(named: &[GroupNamed], directory: &DirectoryId, facts: &GroupFacts) -> Vec<RuleId> {
    let asking = named.iter().filter(|named| means(named, directory, facts)).map(|named| named.rule.clone());
    let mut seen = BTreeSet::new();
    asking.filter(|rule| seen.insert(rule.clone())).collect()
}

/// Whether a group that a rule names has been told of; a name is pinned at the next reckoning.
fn is_told(named: &GroupNamed, known: &Known) -> bool {
    let is_there = named.directory.as_ref().is_none_or(|directory| *directory == known.row.directory);
    let bears_it = || named.is_name && fold(&named.text) == fold(&known.row.name);
    means(named, &known.row.directory, &known.facts) || (is_there && bears_it())
}

fn fits(wish: &Wish, known: &Known) -> bool {
    let row = &known.row;
    wish.directory.as_ref().is_none_or(|directory| *directory == row.directory)
        && wish.is_asked_for.is_none_or(|is_asked_for| is_asked_for != row.rules.is_empty())
        && wish.rule.as_ref().is_none_or(|rule| row.rules.contains(rule))
        && is_called(&wish.typed, row)
}

/// Each word that was typed begins a word of the name; or the whole begins an id.
fn is_called(typed: &str, row: &GroupRow) -> bool {
    let begins_id = |id: &str| fold(id).starts_with(&fold(typed));
    let words = words_of([row.name.as_str()]);
    let is_name = typed_words(typed).iter().all(|typed| words.iter().any(|word| word.starts_with(typed)));
    let own = row.id.map(|id| id.to_string());
    is_name || row.external_id.as_deref().is_some_and(begins_id) || own.as_deref().is_some_and(begins_id)
}

/// The rows with how many are in each.
async fn counted(c: &mut Conn, mut rows: Vec<GroupRow>) -> Result<Vec<GroupRow>, Refusal> {
    let ids: Vec<GroupId> = rows.iter().filter_map(|row| row.id).collect();
    let counts = group_list::counts(c, &ids).await?;
    for row in &mut rows {
        if let Some(id) = row.id {
            row.members = counts.get(&id).copied().unwrap_or_default();
        }
    }
    Ok(rows)
}

/// Every rule of the policy in force in words, with the names of the groups that they ask for.
///
/// # Errors
///
/// [`Refusal::NoPolicy`] before the first policy.
pub async fn rules(
    ports: &Ports,
    _actor: &ConsoleActor,
    reading: &Reading,
) -> Result<Vec<(RuleLine, Vec<GroupRow>)>, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let all = everything(&mut c, &groups_named(&compiled.policy)).await?;
    let asked: Vec<GroupRow> =
        all.into_iter().map(|known| known.row).filter(|row| !row.rules.is_empty()).collect();
    let asked = counted(&mut c, asked).await?;
    drop(c);
    let lines = lines(ports, &compiled.policy, reading).await?;
    let of = |line: RuleLine| {
        let groups = asked.iter().filter(|row| row.rules.contains(&line.rule)).cloned().collect();
        (line, groups)
    };
    Ok(lines.into_iter().map(of).collect())
}

/// The rules in words.
async fn lines(ports: &Ports, policy: &Policy, reading: &Reading) -> Result<Vec<RuleLine>, Refusal> {
    Ok(rule_lines(policy, reading.language, &group_names(ports).await?))
}
