//! The order in which a client wants a list (RFC 7644 §3.4.2.3).
//!
//! Invariant: a total order by the attribute's type; resources without the
//! attribute come last when ascending and first when descending.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::Value;

use super::error::{ScimError, shown};
use super::filter::instant_of;
use super::fold::folded;
use super::path::{AttrPath, Field, is_readable};
use super::schema::{DataType, ResourceKind};

/// An attribute to sort by, and the direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    path: AttrPath,
    descending: bool,
}

impl Sort {
    /// Reads `sortBy` and `sortOrder`, both in any case.
    ///
    /// # Errors
    ///
    /// 400 `invalidPath` for an attribute that cannot be sorted by, `invalidValue` for another order.
    pub fn parse(by: &str, order: Option<&str>, kind: ResourceKind) -> Result<Self, ScimError> {
        let descending = match order.unwrap_or("ascending").trim().to_ascii_lowercase().as_str() {
            "ascending" | "" => false,
            "descending" => true,
            _ => {
                let came = shown(order.unwrap_or_default());
                return Err(ScimError::invalid_value(format!(
                    "sortOrder must be ascending or descending, not {came}"
                )));
            }
        };
        let path = AttrPath::resolve(by.trim(), kind)
            .map_err(|fault| ScimError::invalid_path(format!("sortBy: {fault}")))?;
        let path = significant(path);
        let complex = path.leaf().is_some_and(|spec| spec.data_type == DataType::Complex);
        if complex || path.attribute().is_none() || !is_readable(&path) {
            return Err(ScimError::invalid_path(format!("sortBy: {path} is not a single value")));
        }
        Ok(Self { path, descending })
    }

    /// The attribute.
    #[must_use]
    pub fn path(&self) -> &AttrPath {
        &self.path
    }

    /// Which of two resources comes first.
    #[must_use]
    pub fn compare(&self, one: &Value, other: &Value) -> Ordering {
        self.order(&self.key_of(one), &self.key_of(other))
    }

    /// What a resource is sorted by, small enough to be kept in its stead.
    #[must_use]
    pub fn key_of(&self, resource: &Value) -> SortKey {
        SortKey(self.key(resource).map(|value| self.part(value)))
    }

    /// Which of two comes first, by their keys.
    #[must_use]
    pub fn order(&self, one: &SortKey, other: &SortKey) -> Ordering {
        let order = match (&one.0, &other.0) {
            (Some(one), Some(other)) => one.order(other),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        if self.descending { order.reverse() } else { order }
    }

    /// The primary entry's value, else the first one's.
    fn key<'v>(&self, resource: &'v Value) -> Option<&'v Value> {
        let value = self.path.attribute_in(resource)?;
        let one = match value {
            Value::Array(list) => {
                let primary = |entry: &&Value| entry.get("primary") == Some(&Value::Bool(true));
                list.iter().find(primary).or_else(|| list.first())?
            }
            single => single,
        };
        match self.path.sub() {
            None => Some(one),
            Some(sub) => sub.of(one.as_object()?),
        }
        .filter(|value| !value.is_null())
    }

    fn part(&self, value: &Value) -> Part {
        match value {
            Value::Bool(flag) => Part::Bool(*flag),
            Value::Number(number) => Part::Number(number.as_f64().unwrap_or_default()),
            Value::String(text) => match self.path.leaf() {
                Some(spec) if spec.data_type == DataType::DateTime => {
                    Part::Instant(instant_of(text), text.clone())
                }
                Some(spec) if spec.case_exact => Part::Text(text.clone()),
                _ => Part::Text(folded(text).into_owned()),
            },
            Value::Null | Value::Array(_) | Value::Object(_) => Part::Other,
        }
    }
}

/// What one resource is sorted by.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SortKey(Option<Part>);

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Bool(bool),
    Number(f64),
    Text(String),
    Instant(Option<Timestamp>, String),
    Other,
}

impl SortKey {
    /// How much memory it takes beside itself, in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        match &self.0 {
            Some(Part::Text(text) | Part::Instant(_, text)) => text.len(),
            Some(Part::Bool(_) | Part::Number(_) | Part::Other) | None => 0,
        }
    }
}

impl Part {
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Instant(at, one), Self::Instant(other_at, other)) => {
                at.cmp(other_at).then_with(|| one.cmp(other))
            }
            (Self::Bool(one), Self::Bool(other)) => one.cmp(other),
            (Self::Number(one), Self::Number(other)) => one.total_cmp(other),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    /// Values of different types, which only unknown extensions have, keep apart.
    const fn rank(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Number(_) => 1,
            Self::Text(_) | Self::Instant(..) => 2,
            Self::Other => 3,
        }
    }
}

/// `emails` is sorted by `emails.value`.
fn significant(path: AttrPath) -> AttrPath {
    let value = path.leaf().filter(|_| path.sub().is_none()).and_then(|spec| spec.sub_attribute("value"));
    match value {
        Some(spec) => path.with_field(Field::known(spec)),
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sorted(by: &str, order: Option<&str>, mut all: Vec<Value>) -> Vec<String> {
        let sort = Sort::parse(by, order, ResourceKind::User).unwrap();
        all.sort_by(|one, other| sort.compare(one, other));
        all.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn text_sorts_without_case_and_what_is_missing_comes_last() {
        let all = vec![
            json!({ "id": "1" }),
            json!({ "id": "2", "title": "b" }),
            json!({ "id": "3", "title": "A" }),
        ];
        assert_eq!(sorted("TITLE", None, all.clone()), ["3", "2", "1"]);
        assert_eq!(sorted("title", Some("descending"), all), ["1", "2", "3"]);
    }

    #[test]
    fn dates_sort_as_instants_and_lists_by_their_primary_value() {
        let at = |id: &str, text: &str| json!({ "id": id, "meta": { "created": text } });
        let all = vec![at("1", "2026-01-01T00:30:00+01:00"), at("2", "2025-12-31T23:15:00Z")];
        assert_eq!(sorted("meta.created", None, all), ["2", "1"]);
        let all = vec![
            json!({ "id": "1", "emails": [{ "value": "a" }, { "value": "z", "primary": true }] }),
            json!({ "id": "2", "emails": [{ "value": "b" }] }),
        ];
        assert_eq!(sorted("emails", None, all), ["2", "1"]);
    }

    #[test]
    fn a_complex_attribute_or_a_secret_cannot_be_sorted_by() {
        assert!(Sort::parse("name", None, ResourceKind::User).is_err());
        assert!(Sort::parse("password", None, ResourceKind::User).is_err());
    }
}
