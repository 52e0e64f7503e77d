//! Finds, in a filter, a condition that an index can answer.
//!
//! Invariant: what it finds is necessary, never sufficient: each match of the
//! filter meets it, and the evaluator still decides about each candidate.

use jiff::Timestamp;

use super::{CompareOp, Filter, Literal};
use crate::scim::path::AttrPath;

/// A necessary condition that the store can look up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Narrow {
    /// `id` is this.
    Id(String),
    /// `userName`, folded, is this.
    UserName(String),
    /// `externalId` is this, case counted.
    ExternalId(String),
    /// This is a member of the group; where the filter names the group too, its id.
    Member {
        /// The group's `id`.
        group: Option<String>,
        /// The member's id.
        member: String,
    },
    /// One of the `emails`, folded, is this.
    Email(String),
    /// `displayName`, folded, is this.
    DisplayName(String),
    /// `meta.lastModified` lies between these, both included.
    Modified {
        /// Not before.
        from: Option<Timestamp>,
        /// Not after.
        until: Option<Timestamp>,
    },
    /// `active` is this.
    Active(bool),
    /// One of these holds; none of them is itself such a choice.
    Any(Vec<Narrow>),
}

impl Narrow {
    /// How few candidates it leaves; lower is fewer.
    fn rank(&self) -> u8 {
        match self {
            Self::Id(_) => 0,
            Self::UserName(_) => 1,
            Self::ExternalId(_) => 2,
            Self::Member { .. } => 3,
            Self::Email(_) => 4,
            Self::DisplayName(_) => 5,
            Self::Modified { .. } => 6,
            Self::Active(_) => 7,
            Self::Any(all) => all.iter().map(Self::rank).max().unwrap_or_default(),
        }
    }
}

/// The best necessary condition in `filter`.
pub(super) fn narrow(filter: &Filter) -> Option<Narrow> {
    match filter {
        Filter::Compare { path, op, value } => comparison(path, *op, value),
        Filter::ValuePath { path, filter } => entry(path, filter),
        Filter::And(all) => conjunction(all),
        Filter::Or(all) => disjunction(all),
        Filter::Not(_) | Filter::Present(_) => None,
    }
}

/// Every part must have a condition of its own: whatever one part lets through without may be anything.
fn disjunction(all: &[Filter]) -> Option<Narrow> {
    let mut parts = Vec::with_capacity(all.len());
    for one in all {
        match narrow(one)? {
            Narrow::Any(inner) => parts.extend(inner),
            single => parts.push(single),
        }
    }
    Some(Narrow::Any(parts))
}

fn conjunction(all: &[Filter]) -> Option<Narrow> {
    let found: Vec<Narrow> = all.iter().filter_map(narrow).collect();
    let group = found.iter().find_map(|one| match one {
        Narrow::Id(id) => Some(id.clone()),
        _ => None,
    });
    let member = found.iter().find_map(|one| match one {
        Narrow::Member { member, .. } => Some(member.clone()),
        _ => None,
    });
    if let (Some(_), Some(member)) = (&group, member) {
        return Some(Narrow::Member { group, member });
    }
    let best = found.iter().min_by_key(|one| one.rank())?.clone();
    match best {
        Narrow::Modified { .. } => Some(window(&found)),
        other => Some(other),
    }
}

/// The common part of every time window.
fn window(found: &[Narrow]) -> Narrow {
    let (mut earliest, mut latest) = (None, None);
    for one in found {
        if let Narrow::Modified { from, until } = one {
            earliest = earliest.max(*from);
            latest = match (latest, *until) {
                (Some(a), Some(b)) => Some(Timestamp::min(a, b)),
                (a, b) => a.or(b),
            };
        }
    }
    Narrow::Modified { from: earliest, until: latest }
}

fn comparison(path: &AttrPath, op: CompareOp, value: &Literal) -> Option<Narrow> {
    if let (true, Literal::Instant(at)) = (path.is("meta", Some("lastModified")), value) {
        let (from, until) = match op {
            CompareOp::Eq => (Some(*at), Some(*at)),
            CompareOp::Gt | CompareOp::Ge => (Some(*at), None),
            CompareOp::Lt | CompareOp::Le => (None, Some(*at)),
            CompareOp::Ne | CompareOp::Co | CompareOp::Sw | CompareOp::Ew => return None,
        };
        return Some(Narrow::Modified { from, until });
    }
    if op != CompareOp::Eq {
        return None;
    }
    match value {
        // Nothing at all stands in no column.
        Literal::Text(text) if text.raw().is_empty() => None,
        Literal::Bool(flag) if path.is("active", None) => Some(Narrow::Active(*flag)),
        Literal::Text(text) if path.is("id", None) => Some(Narrow::Id(text.raw().to_owned())),
        Literal::Text(text) if path.is("externalId", None) => Some(Narrow::ExternalId(text.raw().to_owned())),
        Literal::Text(text) if path.is("userName", None) => Some(Narrow::UserName(text.folded().to_owned())),
        Literal::Text(text) if path.is("displayName", None) => {
            Some(Narrow::DisplayName(text.folded().to_owned()))
        }
        Literal::Text(text) if path.is("emails", Some("value")) => {
            Some(Narrow::Email(text.folded().to_owned()))
        }
        Literal::Text(text) if path.is("members", Some("value")) => {
            Some(Narrow::Member { group: None, member: text.raw().to_owned() })
        }
        _ => None,
    }
}

/// `value eq` among the conditions on one entry.
fn entry(path: &AttrPath, filter: &Filter) -> Option<Narrow> {
    match filter {
        Filter::Compare { path: inner, op, value } if inner.is("value", None) => {
            let whole = path.clone().with_field(inner.attribute()?.clone());
            comparison(&whole, *op, value)
        }
        Filter::And(all) => all.iter().find_map(|one| entry(path, one)),
        Filter::Compare { .. }
        | Filter::Or(_)
        | Filter::Not(_)
        | Filter::Present(_)
        | Filter::ValuePath { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::schema::ResourceKind;

    fn of(text: &str, kind: ResourceKind) -> Option<Narrow> {
        Filter::parse(text, kind).unwrap().narrow()
    }

    #[test]
    fn the_condition_that_leaves_fewest_candidates_is_taken() {
        let user = |text| of(text, ResourceKind::User);
        assert_eq!(user(r#"userName eq "ÅSA""#), Some(Narrow::UserName("åsa".into())));
        assert_eq!(user(r#"active eq true and externalId eq "E""#), Some(Narrow::ExternalId("E".into())));
        assert_eq!(user(r#"emails[type eq "work"].value eq "A@x""#), Some(Narrow::Email("a@x".into())));
        assert_eq!(user(r#"emails co "A@x""#), None);
        assert_eq!(user(r#"userName eq "a" or title eq "b""#), None);
        assert_eq!(user(r#"externalId eq """#), None);
        assert_eq!(user(r#"not (userName eq "a")"#), None);
    }

    #[test]
    fn a_membership_question_names_the_group_and_the_member() {
        let expected = Narrow::Member { group: Some("g".into()), member: "u".into() };
        assert_eq!(of(r#"members eq "u" and id eq "g""#, ResourceKind::Group), Some(expected));
        let expected = Narrow::Member { group: None, member: "u".into() };
        assert_eq!(of(r#"members[value eq "u"]"#, ResourceKind::Group), Some(expected));
    }

    #[test]
    fn a_choice_between_conditions_is_narrowed_by_all_of_them_or_not_at_all() {
        let user = |text| of(text, ResourceKind::User);
        let a = || Narrow::UserName("a".into());
        let choice = Narrow::Any(vec![a(), Narrow::Email("b".into()), Narrow::Active(false)]);
        let text = r#"userName eq "A" or (emails.value eq "B" or active eq false)"#;
        assert_eq!(user(text), Some(choice));
        let text = r#"title pr and (userName eq "a" or userName eq "b")"#;
        assert_eq!(user(text), Some(Narrow::Any(vec![a(), Narrow::UserName("b".into())])));
        // One certain person is better than a choice that may be everybody.
        assert_eq!(user(r#"(active eq true or userName eq "b") and userName eq "a""#), Some(a()));
        assert_eq!(user(r#"userName eq "a" or (title pr and nickName pr)"#), None);
    }

    #[test]
    fn time_windows_are_put_together() {
        let text =
            r#"meta.lastModified ge "2026-01-01T00:00:00Z" and meta.lastModified lt "2026-02-01T00:00:00Z""#;
        let Some(Narrow::Modified { from: Some(from), until: Some(until) }) = of(text, ResourceKind::User)
        else {
            panic!("no window")
        };
        assert!(from < until);
    }
}
