//! Bulk requests: reading them, and joining operations by `bulkId` (RFC 7644 §3.7).
//!
//! Invariant: pure; who carries the operations out decides in which order, and
//! asks here what still has to be known first.

mod references;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::error::{ScimError, ScimType, shown};
use super::limits;
use super::path::key_of;
use super::schema::ResourceKind;
use references::{REFERENCE, collect, id_of, replace};

pub use references::{is_reference, without_references};

/// URN of a bulk request.
pub const REQUEST_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// URN of a bulk answer.
pub const RESPONSE_URN: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
/// The most operations in one request.
pub const MAX_OPERATIONS: usize = 1000;

/// What an operation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Create.
    Post,
    /// Replace.
    Put,
    /// Change.
    Patch,
    /// Delete.
    Delete,
}

impl Method {
    /// The name of the HTTP method.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// One operation, whose form is sound.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkOperation {
    /// What it asks for.
    pub method: Method,
    /// The client's name for the resource to be created.
    pub bulk_id: Option<String>,
    /// The kind of resource.
    pub kind: ResourceKind,
    /// The id in the path; none for POST. May be a reference, `bulkId:…`.
    pub id: Option<String>,
    /// The entity tag that the resource must have.
    pub version: Option<String>,
    /// The body; `null` for DELETE.
    pub data: Value,
}

/// A bulk request. An operation of unsound form is an error of its own, not of the request.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkRequest {
    /// Stop after this many errors; none means never.
    pub fail_on_errors: Option<u64>,
    /// The operations in their order.
    pub operations: Vec<Result<BulkOperation, (Value, ScimError)>>,
}

impl BulkRequest {
    /// Reads the body of `POST /Bulk`.
    ///
    /// # Errors
    ///
    /// 400 `invalidSyntax` for another form; 413 for more than [`MAX_OPERATIONS`].
    pub fn parse(body: &Value) -> Result<Self, ScimError> {
        limits::inspect(body)?;
        let map = body.as_object();
        let Some((map, Some(Value::Array(list)))) = map.map(|map| (map, entry(map, "Operations"))) else {
            return Err(ScimError::invalid_syntax("Operations must be a list of operations"));
        };
        if list.len() > MAX_OPERATIONS {
            let detail = format!("{} operations are more than {MAX_OPERATIONS}", list.len());
            return Err(ScimError::status(413, detail));
        }
        let fail_on_errors = match entry(map, "failOnErrors") {
            None => None,
            Some(value) => match value.as_u64().filter(|limit| *limit > 0) {
                Some(limit) => Some(limit),
                None => return Err(ScimError::invalid_value("failOnErrors must be a whole number from 1")),
            },
        };
        let mut names = BTreeSet::new();
        let read = |one: &Value| {
            let read = operation(one).and_then(|read| match &read.bulk_id {
                // RFC 7644 §3.7.2: it stands for one resource; which one would a reference mean?
                Some(name) if !names.insert(name.clone()) => Err(ScimError::invalid_value(format!(
                    "bulkId {} stands for an earlier operation already",
                    shown(name)
                ))),
                _ => Ok(read),
            });
            read.map_err(|error| (one.clone(), error))
        };
        Ok(Self { fail_on_errors, operations: list.iter().map(read).collect() })
    }
}

fn entry<'v>(map: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    key_of(map, name).and_then(|key| map.get(key)).filter(|value| !value.is_null())
}

fn operation(value: &Value) -> Result<BulkOperation, ScimError> {
    let Some(map) = value.as_object() else {
        return Err(ScimError::invalid_syntax("an operation is an object with method and path"));
    };
    let text = |name: &str| entry(map, name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let method = match text("method").unwrap_or_default().to_ascii_uppercase().as_str() {
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => return Err(ScimError::invalid_syntax("method must be POST, PUT, PATCH or DELETE")),
    };
    let path = text("path").unwrap_or_default();
    let (kind, id) =
        target(path).filter(|(_, id)| id.is_none() == (method == Method::Post)).ok_or_else(|| {
            let right =
                if method == Method::Post { "/Users or /Groups" } else { "/Users/{id} or /Groups/{id}" };
            ScimError::invalid_syntax(format!("path must be {right}, not {}", shown(path)))
        })?;
    let bulk_id = text("bulkId").map(str::to_owned);
    if method == Method::Post && bulk_id.is_none() {
        return Err(ScimError::invalid_syntax("POST needs a bulkId"));
    }
    let data = entry(map, "data").cloned().unwrap_or_default();
    if method != Method::Delete && !data.is_object() {
        return Err(ScimError::invalid_syntax("data must be an object"));
    }
    Ok(BulkOperation { method, bulk_id, kind, id, version: text("version").map(str::to_owned), data })
}

fn target(path: &str) -> Option<(ResourceKind, Option<String>)> {
    let mut parts = path.trim_start_matches('/').splitn(2, '/');
    let endpoint = parts.next()?;
    let kind = ResourceKind::ALL.into_iter().find(|kind| kind.endpoint().eq_ignore_ascii_case(endpoint))?;
    let id = parts.next().filter(|id| !id.is_empty());
    if id.is_some_and(|id| id.contains('/')) {
        return None;
    }
    Some((kind, id.map(str::to_owned)))
}

impl BulkOperation {
    /// The `bulkId`s that must have become ids before the operation can be carried out.
    #[must_use]
    pub fn needs(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        collect(&self.data, &mut found);
        if let Some(name) = self.id.as_deref().and_then(|id| id.strip_prefix(REFERENCE)) {
            found.insert(name.to_owned());
        }
        found
    }

    /// The operation with every reference replaced by the id that it stands for.
    ///
    /// # Errors
    ///
    /// 409 `invalidValue` for a reference to nothing that was created (RFC 7644 §3.7.2).
    pub fn resolved(mut self, ids: &BTreeMap<String, String>) -> Result<Self, ScimError> {
        if let Some(missing) = self.needs().into_iter().find(|name| !ids.contains_key(name)) {
            let detail = format!("bulkId {} names no resource that was created", shown(&missing));
            return Err(ScimError { status: 409, scim_type: Some(ScimType::InvalidValue), detail });
        }
        replace(&mut self.data, ids);
        if let Some(id) = self.id.as_deref().and_then(|id| id_of(id, ids)) {
            self.id = Some(id);
        }
        Ok(self)
    }
}

/// The order in which operations can be carried out: as sent, except that what one refers to comes before it.
///
/// In a circle one operation comes before what it refers to; the caller may create its resource
/// without the reference and add that afterwards, or refuse it.
#[must_use]
pub fn order(operations: &[Option<&BulkOperation>]) -> Vec<usize> {
    let made_by: BTreeMap<&str, usize> = operations
        .iter()
        .enumerate()
        .filter_map(|(index, one)| one.and_then(|one| one.bulk_id.as_deref()).map(|name| (name, index)))
        .collect();
    let needs: Vec<Vec<usize>> = operations
        .iter()
        .map(|one| one.map(BulkOperation::needs).unwrap_or_default())
        .map(|names| names.iter().filter_map(|name| made_by.get(name.as_str()).copied()).collect())
        .collect();
    let mut seen = BTreeSet::new();
    let mut ordered = Vec::with_capacity(operations.len());
    for index in 0..operations.len() {
        place(index, &needs, &mut seen, &mut ordered);
    }
    ordered
}

/// Recursion is bounded by [`MAX_OPERATIONS`], for each operation is seen once.
fn place(index: usize, needs: &[Vec<usize>], seen: &mut BTreeSet<usize>, ordered: &mut Vec<usize>) {
    if !seen.insert(index) {
        return;
    }
    for need in needs.get(index).into_iter().flatten() {
        place(*need, needs, seen, ordered);
    }
    ordered.push(index);
}

/// One entry of the answer.
#[must_use]
pub fn outcome(
    method: &str,
    bulk_id: Option<&str>,
    location: Option<&str>,
    version: Option<&str>,
    result: Result<u16, &ScimError>,
) -> Value {
    let mut map = Map::new();
    map.insert("method".into(), method.into());
    for (name, value) in [("bulkId", bulk_id), ("location", location), ("version", version)] {
        if let Some(value) = value {
            map.insert(name.into(), value.into());
        }
    }
    let status = match result {
        Ok(status) => status,
        Err(error) => error.status,
    };
    map.insert("status".into(), status.to_string().into());
    if let Err(error) = result {
        map.insert("response".into(), error.to_json());
    }
    Value::Object(map)
}

/// The body of the answer.
#[must_use]
pub fn response(outcomes: &[Value]) -> Value {
    json!({ "schemas": [RESPONSE_URN], "Operations": outcomes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(operations: &Value) -> BulkRequest {
        BulkRequest::parse(&json!({ "schemas": [REQUEST_URN], "Operations": operations })).unwrap()
    }

    #[test]
    fn a_group_that_names_later_people_comes_after_them_and_gets_their_ids() {
        let request = request(&json!([
            { "method": "POST", "path": "/Groups", "bulkId": "g",
              "data": { "displayName": "bulkId", "members": [{ "value": "bulkId:a" }, { "value": "bulkId:b" }] } },
            { "method": "POST", "path": "/Users", "bulkId": "a", "data": { "userName": "a" } },
            { "method": "post", "path": "/Users", "bulkId": "b", "data": { "userName": "b" } },
            { "method": "PATCH", "path": "/Groups/bulkId:g", "data": { "Operations": [
                { "op": "remove", "path": "members[value eq \"bulkId:a\"]" }] } },
        ]));
        let operations: Vec<&BulkOperation> =
            request.operations.iter().map(|one| one.as_ref().unwrap()).collect();
        assert_eq!(order(&operations.iter().copied().map(Some).collect::<Vec<_>>()), [1, 2, 0, 3]);
        let ids = BTreeMap::from_iter(["a", "b", "g"].map(|name| (name.to_owned(), format!("id-{name}"))));
        let group = operations[0].clone().resolved(&ids).unwrap();
        assert_eq!(group.data["members"], json!([{ "value": "id-a" }, { "value": "id-b" }]));
        let patch = operations[3].clone().resolved(&ids).unwrap();
        assert_eq!(patch.id.as_deref(), Some("id-g"));
        assert_eq!(patch.data["Operations"][0]["path"], "members[value eq \"id-a\"]");
        assert_eq!(operations[0].clone().resolved(&BTreeMap::new()).unwrap_err().status, 409);
    }

    #[test]
    fn a_circle_is_ordered_all_the_same() {
        let one = |own: &str, other: &str| {
            json!({ "method": "POST", "path": "/Groups", "bulkId": own,
                    "data": { "displayName": own, "members": [{ "value": format!("bulkId:{other}") }] } })
        };
        let request = request(&json!([one("a", "b"), one("b", "a")]));
        let operations: Vec<_> = request.operations.iter().map(|one| one.as_ref().ok()).collect();
        assert_eq!(order(&operations), [1, 0]);
    }

    #[test]
    fn an_unsound_operation_is_refused_alone() {
        let request = request(&json!([
            { "method": "GET", "path": "/Users/1" },
            { "method": "POST", "path": "/Users", "data": {} },
            { "method": "POST", "path": "/Users/1", "bulkId": "x", "data": {} },
            { "method": "PUT", "path": "/Users/1" },
            { "method": "DELETE", "path": "/Users" },
            { "method": "DELETE", "path": "/Nope/1" },
            7,
            { "method": "DELETE", "path": "/Users/1" },
        ]));
        let sound: Vec<bool> = request.operations.iter().map(Result::is_ok).collect();
        assert_eq!(sound, [false, false, false, false, false, false, false, true]);
        assert!(BulkRequest::parse(&json!({ "Operations": {} })).is_err());
        assert!(BulkRequest::parse(&json!({ "Operations": [], "failOnErrors": 0 })).is_err());
    }

    #[test]
    fn an_outcome_carries_its_error_as_a_body() {
        let error = ScimError::uniqueness("taken");
        let entry = outcome("POST", Some("a"), None, None, Err(&error));
        assert_eq!(
            (entry["status"].as_str(), entry["response"]["scimType"].as_str()),
            (Some("409"), Some("uniqueness"))
        );
        assert_eq!(response(&[entry])["Operations"][0]["bulkId"], "a");
    }
}
