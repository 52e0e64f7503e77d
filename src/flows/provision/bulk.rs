//! Many operations in one request (RFC 7644 §3.7).
//!
//! Invariant: each operation is a transaction of its own and is answered for itself; after `failOnErrors` errors the
//! rest is not begun. References in a circle are created without each other first and completed afterwards.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::directories::{Event, Reference, Verb};
use super::super::{Act, Ports, Refusal};
use super::{GroupChange, Precondition, UserChange, Versions, count_repairs, wire};
use crate::domain::ids::{DirectoryId, GroupId, IdentityId};
use crate::scim::bulk::{self, BulkOperation, BulkRequest, Method};
use crate::scim::{PatchRequest, ResourceKind, ScimError, normalise_create};

/// What an operation came to: the resource's id, its version where it still is, and the status.
struct Done {
    id: String,
    version: Option<i64>,
    status: u16,
}

/// Carries out a bulk request. `base` is the directory's SCIM address without a slash at the end. Gives the
/// answer's operations, in the order of the request.
///
/// `to_scim` words refusals that are not SCIM's own.
pub async fn bulk(
    ports: &Ports,
    act: &Act,
    directory: &DirectoryId,
    base: &str,
    request: BulkRequest,
    to_scim: impl Fn(Refusal) -> ScimError,
) -> Vec<Value> {
    let mut run = Run { ports, act, directory, ids: BTreeMap::new() };
    let sound: Vec<Option<&BulkOperation>> = request.operations.iter().map(|one| one.as_ref().ok()).collect();
    let order = bulk::order(&sound);
    let mut awaited: BTreeSet<String> =
        sound.iter().flatten().filter_map(|one| one.bulk_id.clone()).collect();
    let (mut outcomes, mut incomplete) = (BTreeMap::new(), Vec::new());
    let mut errors = 0;
    for index in order {
        if request.fail_on_errors.is_some_and(|limit| errors >= limit) {
            break;
        }
        let outcome = match request.operations.get(index) {
            Some(Ok(operation)) => {
                if let Some(name) = &operation.bulk_id {
                    awaited.remove(name);
                }
                let is_circular = run.is_circular(operation, &awaited);
                if is_circular {
                    incomplete.push((index, operation));
                }
                let done = run.operation(operation, is_circular).await.map_err(&to_scim);
                errors += u64::from(done.is_err());
                run.witness(operation, done.as_ref());
                tell(base, operation, done.as_ref())
            }
            Some(Err((sent, error))) => {
                errors += 1;
                run.witness_malformed(error);
                let text = |name: &str| sent.get(name).and_then(Value::as_str);
                bulk::outcome(text("method").unwrap_or_default(), text("bulkId"), None, None, Err(error))
            }
            None => continue,
        };
        outcomes.insert(index, outcome);
    }
    for (index, operation) in incomplete {
        // Whoever was told 201 would believe that the references are there.
        match run.complete(operation).await.map_err(&to_scim) {
            Ok(None) => {}
            Ok(Some(done)) => drop(outcomes.insert(index, tell(base, operation, Ok(&done)))),
            Err(error) => {
                run.witness(operation, Err(&error));
                outcomes.insert(index, tell(base, operation, Err(&error)));
            }
        }
    }
    outcomes.into_values().collect()
}

fn tell(base: &str, operation: &BulkOperation, done: Result<&Done, &ScimError>) -> Value {
    let named = operation.id.as_deref().filter(|id| !bulk::is_reference(id));
    let id = done.ok().map(|done| done.id.as_str()).or(named);
    let location = id.map(|id| wire::location(base, operation.kind, id));
    let version = done.ok().and_then(|done| done.version).map(wire::etag);
    bulk::outcome(
        operation.method.name(),
        operation.bulk_id.as_deref(),
        location.as_deref(),
        version.as_deref(),
        done.map(|done| done.status),
    )
}

struct Run<'a> {
    ports: &'a Ports,
    act: &'a Act,
    directory: &'a DirectoryId,
    ids: BTreeMap<String, String>,
}

impl Run<'_> {
    /// Tells of an operation as if it had come in a request of its own.
    fn witness(&self, operation: &BulkOperation, done: Result<&Done, &ScimError>) {
        let id = done.ok().map(|done| done.id.as_str()).or(operation.id.as_deref());
        let mut references: Vec<Reference> = id.map(Reference::id).into_iter().collect();
        references.extend(Reference::of_body(operation.kind, &operation.data));
        let verb = match operation.method {
            Method::Post => Verb::Post,
            Method::Put => Verb::Put,
            Method::Patch => Verb::Patch,
            Method::Delete => Verb::Delete,
        };
        let event = Event {
            at: self.act.now,
            verb,
            resource: Some(operation.kind),
            references: &references,
            status: done.map_or_else(|error| error.status, |done| done.status),
            error: done.err(),
            is_paused: false,
        };
        self.ports.activity.tell(self.directory, &event);
    }

    /// Tells of an operation that was so malformed that it is about nobody.
    fn witness_malformed(&self, error: &ScimError) {
        let (at, status) = (self.act.now, error.status);
        let event = Event {
            at,
            verb: Verb::Other,
            resource: None,
            references: &[],
            status,
            error: Some(error),
            is_paused: false,
        };
        self.ports.activity.tell(self.directory, &event);
    }

    /// Whether the operation refers to what is created only later in the same request.
    fn is_circular(&self, operation: &BulkOperation, awaited: &BTreeSet<String>) -> bool {
        let is_later = |name: &String| !self.ids.contains_key(name) && awaited.contains(name);
        operation.method == Method::Post && operation.needs().iter().any(is_later)
    }

    async fn operation(&mut self, operation: &BulkOperation, is_circular: bool) -> Result<Done, Refusal> {
        let ready = if is_circular {
            let mut trimmed = operation.clone();
            trimmed.data = bulk::without_references(&operation.data, |name| !self.ids.contains_key(name));
            trimmed.resolved(&self.ids)?
        } else {
            operation.clone().resolved(&self.ids)?
        };
        let done = self.carry_out(ready).await?;
        if let Some(name) = &operation.bulk_id {
            self.ids.insert(name.clone(), done.id.clone());
        }
        Ok(done)
    }

    /// Gives a resource that was created without its references the whole document, now that all of them have ids.
    /// Gives nothing where it was not created at all.
    async fn complete(&self, operation: &BulkOperation) -> Result<Option<Done>, Refusal> {
        let Some(id) = operation.bulk_id.as_ref().and_then(|name| self.ids.get(name)) else {
            return Ok(None);
        };
        let mut whole = operation.clone().resolved(&self.ids)?;
        whole.id = Some(id.clone());
        whole.method = Method::Put;
        let done = self.carry_out(whole).await?;
        Ok(Some(Done { status: 201, ..done }))
    }

    async fn carry_out(&self, operation: BulkOperation) -> Result<Done, Refusal> {
        match operation.kind {
            ResourceKind::User => self.user(operation).await,
            ResourceKind::Group => self.group(operation).await,
        }
    }

    async fn user(&self, operation: BulkOperation) -> Result<Done, Refusal> {
        let (ports, act, directory) = (self.ports, self.act, self.directory);
        if operation.method == Method::Post {
            let made = normalise_create(&operation.data, ResourceKind::User)?;
            count_repairs(&ports.activity, directory, &made.repairs, act.now);
            let view = super::create_user(ports, act, directory, made.document).await?;
            return Ok(Done {
                id: view.identity.id.to_string(),
                version: Some(view.identity.version),
                status: 201,
            });
        }
        let id = operation.id.clone().unwrap_or_default();
        let id = IdentityId::parse(&id).map_err(|_| ScimError::not_found("User", &id))?;
        let wanted = precondition(&operation);
        let change = match operation.method {
            Method::Delete => {
                super::delete_user(ports, act, directory, id, wanted).await?;
                return Ok(Done { id: id.to_string(), version: None, status: 204 });
            }
            Method::Patch => UserChange::Patch(PatchRequest::parse(&operation.data, ResourceKind::User)?),
            Method::Put | Method::Post => UserChange::Replace(operation.data),
        };
        let view = super::change_user(ports, act, directory, id, change, wanted).await?;
        Ok(Done { id: id.to_string(), version: Some(view.identity.version), status: 200 })
    }

    async fn group(&self, operation: BulkOperation) -> Result<Done, Refusal> {
        let (ports, act, directory) = (self.ports, self.act, self.directory);
        if operation.method == Method::Post {
            let made = normalise_create(&operation.data, ResourceKind::Group)?;
            count_repairs(&ports.activity, directory, &made.repairs, act.now);
            let members = made.members.unwrap_or_default();
            let view = super::create_group(ports, act, directory, made.document, members).await?;
            return Ok(Done {
                id: view.group.id.to_string(),
                version: Some(view.group.version),
                status: 201,
            });
        }
        let id = operation.id.clone().unwrap_or_default();
        let id = GroupId::parse(&id).map_err(|_| ScimError::not_found("Group", &id))?;
        let wanted = precondition(&operation);
        let change = match operation.method {
            Method::Delete => {
                super::delete_group(ports, act, directory, id, wanted).await?;
                return Ok(Done { id: id.to_string(), version: None, status: 204 });
            }
            Method::Patch => GroupChange::Patch(PatchRequest::parse(&operation.data, ResourceKind::Group)?),
            Method::Put | Method::Post => GroupChange::Replace(operation.data),
        };
        let group = super::change_group(ports, act, directory, id, change, wanted).await?;
        Ok(Done { id: id.to_string(), version: Some(group.version), status: 200 })
    }
}

fn precondition(operation: &BulkOperation) -> Precondition {
    Precondition::new(operation.version.as_deref().map(Versions::read), None)
}
