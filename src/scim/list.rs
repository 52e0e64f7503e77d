//! Lists: what a client asks for and the answer's frame (RFC 7644 §3.4.2, §3.4.3, RFC 9865).
//!
//! Invariant: a page is bounded; what is not understood is refused, and
//! parameters that nobody defined are ignored.

use serde_json::{Map, Value, json};

use super::error::{ScimError, ScimType, shown};
use super::filter::Filter;
use super::limits;
use super::path::key_of;
use super::project::Projection;
use super::schema::ResourceKind;
use super::sort::Sort;

/// URN of a list answer.
pub const LIST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// URN of a search body.
pub const SEARCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
/// Resources per page when the client asks for none.
pub const DEFAULT_COUNT: u32 = 100;
/// The most resources per page.
pub const MAX_COUNT: u32 = 1000;

/// Which page is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// From this resource on, counted from 1.
    Index(u64),
    /// After this cursor; `None` starts from the beginning (RFC 9865).
    Cursor(Option<String>),
}

/// A list request, understood for one kind of resource.
#[derive(Debug, Clone, PartialEq)]
pub struct ListQuery {
    /// What the resources must meet.
    pub filter: Option<Filter>,
    /// Which page.
    pub page: Page,
    /// The most resources in the answer, 0 to [`MAX_COUNT`].
    pub count: u32,
    /// In which order, where the client asks for one.
    pub sort: Option<Sort>,
    /// What of each resource is shown.
    pub projection: Projection,
}

/// The parameters as they came, before they are read for a kind of resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListParameters {
    filter: Option<String>,
    start_index: Option<String>,
    count: Option<String>,
    cursor: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    attributes: Option<Vec<String>>,
    excluded: Vec<String>,
}

impl ListParameters {
    /// Takes the parameters of a query, decoded; names in any case, unknown ones ignored.
    ///
    /// # Errors
    ///
    /// 400 when `filter` is given twice: nobody could say which one holds.
    pub fn from_query<'q>(pairs: impl IntoIterator<Item = (&'q str, &'q str)>) -> Result<Self, ScimError> {
        let mut taken = Self::default();
        for (name, value) in pairs {
            let text = value.to_owned();
            match name.to_ascii_lowercase().as_str() {
                "filter" if taken.filter.is_some() => {
                    return Err(ScimError::invalid_filter("filter is given twice"));
                }
                "filter" => taken.filter = Some(text),
                "startindex" => taken.start_index = Some(text),
                "count" => taken.count = Some(text),
                "cursor" => taken.cursor = Some(text),
                "sortby" => taken.sort_by = Some(text),
                "sortorder" => taken.sort_order = Some(text),
                // Some clients send every parameter they know, empty where they wish for nothing.
                "attributes" if text.trim().is_empty() => {}
                "attributes" => taken.attributes.get_or_insert_default().push(text),
                "excludedattributes" => taken.excluded.push(text),
                _ => {}
            }
        }
        Ok(taken)
    }

    /// Takes the body of `POST …/.search` (RFC 7644 §3.4.3).
    ///
    /// # Errors
    ///
    /// 400 `invalidSyntax` or `invalidValue` for a body of another form.
    pub fn from_search(body: &Value) -> Result<Self, ScimError> {
        limits::inspect(body)?;
        let Some(map) = body.as_object() else {
            return Err(ScimError::invalid_syntax("the body must be an object, a SearchRequest"));
        };
        let attributes = names(map, "attributes")?;
        Ok(Self {
            filter: scalar(map, "filter")?,
            start_index: scalar(map, "startIndex")?,
            count: scalar(map, "count")?,
            cursor: scalar(map, "cursor")?,
            sort_by: scalar(map, "sortBy")?,
            sort_order: scalar(map, "sortOrder")?,
            attributes,
            excluded: names(map, "excludedAttributes")?.unwrap_or_default(),
        })
    }

    /// Reads the parameters for resources of `kind`.
    ///
    /// # Errors
    ///
    /// 400 `invalidFilter`, `invalidPath`, `invalidValue` or `invalidCount`.
    pub fn read(&self, kind: ResourceKind) -> Result<ListQuery, ScimError> {
        self.query(kind, self.filter(kind)?, self.sort(kind)?)
    }

    /// Reads the parameters of a search at the root, for each of [`ResourceKind::ALL`]. A kind of which the filter
    /// speaks of attributes that it does not have has no matches: nothing stands for it. One that does not have
    /// the attribute to sort by keeps its own order.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), where no kind has the attributes.
    pub fn read_for_all(&self) -> Result<[Option<ListQuery>; 2], ScimError> {
        let filters = ResourceKind::ALL.map(|kind| self.filter(kind));
        let sorts = ResourceKind::ALL.map(|kind| self.sort(kind));
        if let [Err(error), Err(_)] = &filters {
            return Err(error.clone());
        }
        if let [Err(error), Err(_)] = &sorts {
            return Err(error.clone());
        }
        let mut queries = [None, None];
        let parts = ResourceKind::ALL.into_iter().zip(filters).zip(sorts);
        for (query, ((kind, filter), sort)) in queries.iter_mut().zip(parts) {
            if let Ok(filter) = filter {
                *query = Some(self.query(kind, filter, sort.unwrap_or_default())?);
            }
        }
        Ok(queries)
    }

    fn query(
        &self,
        kind: ResourceKind,
        filter: Option<Filter>,
        sort: Option<Sort>,
    ) -> Result<ListQuery, ScimError> {
        let (page, count) = (self.page()?, self.page_size()?);
        Ok(ListQuery { filter, page, count, sort, projection: self.projection(kind) })
    }

    fn filter(&self, kind: ResourceKind) -> Result<Option<Filter>, ScimError> {
        self.filter.as_deref().map(|text| Filter::parse(text, kind)).transpose()
    }

    fn sort(&self, kind: ResourceKind) -> Result<Option<Sort>, ScimError> {
        let by = self.sort_by.as_deref().filter(|by| !by.trim().is_empty());
        by.map(|by| Sort::parse(by, self.sort_order.as_deref(), kind)).transpose()
    }

    /// What `attributes` and `excludedAttributes` choose; they also hold for the answers to writes.
    #[must_use]
    pub fn projection(&self, kind: ResourceKind) -> Projection {
        let attributes = self.attributes.as_ref().map(|names| names.iter().map(String::as_str));
        Projection::parse(attributes, self.excluded.iter().map(String::as_str), kind)
    }

    /// The client sets conditions.
    #[must_use]
    pub fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// The client names attributes that it wants to see.
    #[must_use]
    pub fn names_attributes(&self) -> bool {
        self.attributes.is_some()
    }

    fn page(&self) -> Result<Page, ScimError> {
        if let Some(cursor) = &self.cursor {
            return Ok(Page::Cursor(Some(cursor.clone()).filter(|cursor| !cursor.is_empty())));
        }
        let start = whole_number("startIndex", self.start_index.as_deref(), ScimType::InvalidValue)?;
        Ok(Page::Index(start.map_or(1, |start| u64::try_from(start).unwrap_or(0).max(1))))
    }

    fn page_size(&self) -> Result<u32, ScimError> {
        let kind = if self.cursor.is_some() { ScimType::InvalidCount } else { ScimType::InvalidValue };
        let count = whole_number("count", self.count.as_deref(), kind)?;
        Ok(count
            .map_or(DEFAULT_COUNT, |count| u32::try_from(count.clamp(0, i64::from(MAX_COUNT))).unwrap_or(0)))
    }
}

fn whole_number(name: &str, text: Option<&str>, kind: ScimType) -> Result<Option<i64>, ScimError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ScimError::of(kind, format!("{name} must be a whole number, not {}", shown(text))));
    }
    // More digits than fit: as far out as can be.
    let far = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Ok(Some(text.parse().unwrap_or(far)))
}

fn entry<'v>(map: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    map.get(name).or_else(|| key_of(map, name).and_then(|key| map.get(key))).filter(|value| !value.is_null())
}

fn scalar(map: &Map<String, Value>, name: &str) -> Result<Option<String>, ScimError> {
    match entry(map, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => Err(super::value::wrong(name, "a text or a number", other)),
    }
}

fn names(map: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, ScimError> {
    match entry(map, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(vec![text.clone()])),
        Some(Value::Array(list)) => {
            let texts: Option<Vec<String>> = list.iter().map(|one| one.as_str().map(str::to_owned)).collect();
            texts.map(Some).ok_or_else(|| ScimError::invalid_value(format!("{name} must be a list of texts")))
        }
        Some(other) => Err(super::value::wrong(name, "a list of texts", other)),
    }
}

/// The body of a list that is one page.
#[must_use]
pub fn one_page(resources: Vec<Value>) -> Value {
    json!({
        "schemas": [LIST_URN],
        "totalResults": resources.len(),
        "startIndex": 1,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

/// A list answer (RFC 7644 §3.4.2, RFC 9865 §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListResponse {
    /// How many resources meet the filter in all.
    pub total: u64,
    /// Where the page starts, with index paging.
    pub start_index: Option<u64>,
    /// Where the next page starts, with cursor paging, unless this is the last one.
    pub next_cursor: Option<String>,
    /// The resources on the page, each as JSON text.
    pub resources: Vec<Vec<u8>>,
}

impl ListResponse {
    /// The body.
    #[must_use]
    pub fn into_text(self) -> Vec<u8> {
        let mut head = Map::new();
        head.insert("schemas".into(), json!([LIST_URN]));
        head.insert("totalResults".into(), self.total.into());
        if let Some(start) = self.start_index {
            head.insert("startIndex".into(), start.into());
        }
        head.insert("itemsPerPage".into(), self.resources.len().into());
        if let Some(cursor) = self.next_cursor {
            head.insert("nextCursor".into(), cursor.into());
        }
        let mut text = Value::Object(head).to_string().into_bytes();
        text.pop();
        text.reserve_exact(self.resources.iter().map(|one| one.len() + 1).sum::<usize>() + 16);
        text.extend_from_slice(b",\"Resources\":[");
        // Each is given up once it is copied, so that a long page is not in memory twice.
        for (index, one) in self.resources.into_iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            text.extend_from_slice(&one);
        }
        text.extend_from_slice(b"]}");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Result<ListQuery, ScimError> {
        ListParameters::from_query(pairs.iter().copied())?.read(ResourceKind::User)
    }

    #[test]
    fn page_bounds_are_brought_within_limits_and_unknown_parameters_ignored() {
        let of = |pairs: &[(&str, &str)]| query(pairs).map(|query| (query.page, query.count)).unwrap();
        assert_eq!(of(&[("aadOptscim062020", "")]), (Page::Index(1), 100));
        assert_eq!(of(&[("startIndex", "0"), ("count", "-3")]), (Page::Index(1), 0));
        assert_eq!(of(&[("startindex", "101"), ("COUNT", "5000")]), (Page::Index(101), 1000));
        assert_eq!(of(&[("count", "99999999999999999999")]), (Page::Index(1), 1000));
        assert_eq!(of(&[("cursor", ""), ("count", "2")]), (Page::Cursor(None), 2));
        assert_eq!(of(&[("cursor", "abc")]), (Page::Cursor(Some("abc".into())), 100));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_its_kind() {
        let kind = |pairs: &[(&str, &str)]| query(pairs).unwrap_err().scim_type;
        assert_eq!(kind(&[("count", "ten")]), Some(ScimType::InvalidValue));
        assert_eq!(kind(&[("cursor", ""), ("count", "ten")]), Some(ScimType::InvalidCount));
        assert_eq!(kind(&[("filter", "")]), Some(ScimType::InvalidFilter));
        assert_eq!(kind(&[("filter", "id pr"), ("filter", "id pr")]), Some(ScimType::InvalidFilter));
        assert_eq!(kind(&[("sortBy", "nope")]), Some(ScimType::InvalidPath));
        assert_eq!(kind(&[("sortBy", "title"), ("sortOrder", "up")]), Some(ScimType::InvalidValue));
    }

    #[test]
    fn a_search_body_says_the_same_as_a_query() {
        let body = json!({
            "schemas": [SEARCH_URN], "filter": "userName sw \"a\"", "startIndex": 2, "count": 5,
            "attributes": ["userName"], "sortBy": "userName", "sortOrder": "descending"
        });
        let searched = ListParameters::from_search(&body).unwrap().read(ResourceKind::User).unwrap();
        let asked = query(&[
            ("filter", "userName sw \"a\""),
            ("startIndex", "2"),
            ("count", "5"),
            ("attributes", "userName"),
            ("sortBy", "userName"),
            ("sortOrder", "Descending"),
        ]);
        assert_eq!(searched, asked.unwrap());
        assert!(ListParameters::from_search(&json!({ "attributes": [1] })).is_err());
    }

    #[test]
    fn the_last_page_of_a_cursor_names_no_next_one() {
        let page = ListResponse { total: 3, start_index: None, next_cursor: None, resources: vec![] };
        let body: Value = serde_json::from_slice(&page.into_text()).unwrap();
        assert!(body.get("nextCursor").is_none() && body.get("startIndex").is_none());
        assert_eq!((&body["Resources"], &body["totalResults"]), (&json!([]), &json!(3)));
    }

    #[test]
    fn the_resources_of_a_list_stand_in_their_order() {
        let all = [json!({ "id": "a" }), json!({ "id": "b" })];
        let resources = all.iter().map(|one| one.to_string().into_bytes()).collect();
        let page = ListResponse { total: 2, start_index: Some(1), next_cursor: None, resources };
        let body: Value = serde_json::from_slice(&page.into_text()).unwrap();
        assert_eq!(body, one_page(all.to_vec()));
    }
}
