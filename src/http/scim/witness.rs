//! Tells, once a request is answered, what the directory asked for and how it was answered.
//!
//! Invariant: only requests that showed a good token are told of; whom a request was about is told without personal
//! data, and telling never changes the answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::extract::Request;
use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use serde_json::Value;

use super::errors::Told;
use crate::domain::ids::DirectoryId;
use crate::flows::Ports;
use crate::flows::directories::{Event, RETRY_AFTER_SECONDS, Reference, Verb};
use crate::scim::{ResourceKind, resource};

/// What is found out about a request on its way.
#[derive(Debug, Default)]
pub(super) struct Witness {
    asked: Option<Asked>,
    by: OnceLock<(Arc<Ports>, DirectoryId)>,
    is_paused: AtomicBool,
    names: Mutex<Vec<Reference>>,
}

/// What the method and the path say.
#[derive(Debug)]
struct Asked {
    verb: Verb,
    resource: Option<ResourceKind>,
    id: Option<String>,
}

impl Asked {
    /// Reads `/scim/v2/{directory}/Users/{id}`.
    fn of(request: &Request) -> Self {
        let mut parts = request.uri().path().split('/').skip(4);
        let first = parts.next().unwrap_or_default();
        let resource = ResourceKind::ALL.into_iter().find(|kind| kind.endpoint() == first);
        let second = parts.next().filter(|part| !part.is_empty());
        let is_search = first == ".search" || second == Some(".search");
        let verb = match *request.method() {
            Method::GET | Method::HEAD => Verb::Get,
            Method::POST if is_search => Verb::Search,
            Method::POST if first == "Bulk" => Verb::Bulk,
            Method::POST => Verb::Post,
            Method::PUT => Verb::Put,
            Method::PATCH => Verb::Patch,
            Method::DELETE => Verb::Delete,
            _ => Verb::Other,
        };
        let id = second.filter(|_| resource.is_some() && !is_search).map(str::to_owned);
        Self { verb, resource, id }
    }
}

impl Witness {
    /// The request shows a good token of this directory.
    pub(super) fn is_of(&self, ports: &Arc<Ports>, directory: DirectoryId) {
        drop(self.by.set((Arc::clone(ports), directory)));
    }

    /// The same, and it is turned away because the directory is paused.
    pub(super) fn is_of_paused(&self, ports: &Arc<Ports>, directory: DirectoryId) {
        self.is_paused.store(true, Ordering::Relaxed);
        self.is_of(ports, directory);
    }

    /// Reads from the body of a create or a replace whom it is about.
    pub(super) fn read(&self, body: &Value) {
        let Some(Asked { verb: Verb::Post | Verb::Put, resource: Some(kind), .. }) = self.asked else {
            return;
        };
        self.add(Reference::of_body(kind, body));
    }

    /// The request is about the person or group of this document.
    pub(super) fn is_about(&self, external_id: Option<&str>, document: &Value) {
        let Some(kind) = self.asked.as_ref().and_then(|asked| asked.resource) else { return };
        let name = match kind {
            ResourceKind::User => resource::user_name(document),
            ResourceKind::Group => resource::display_name(document),
        };
        let external = external_id.map(Reference::external);
        self.add(external.into_iter().chain(name.map(|name| Reference::name(kind, name))).collect());
    }

    fn add(&self, more: Vec<Reference>) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.extend(more);
    }

    fn tell(&self, response: &mut Response) {
        let (Some(asked), Some((ports, directory))) = (&self.asked, self.by.get()) else { return };
        let is_paused = self.is_paused.load(Ordering::Relaxed);
        if is_paused {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        let mut references: Vec<Reference> = asked.id.as_deref().map(Reference::id).into_iter().collect();
        references.append(&mut self.names.lock().unwrap_or_else(PoisonError::into_inner));
        let event = Event {
            at: ports.clock.now(),
            verb: asked.verb,
            resource: asked.resource,
            references: &references,
            status: response.status().as_u16(),
            error: response.extensions().get::<Told>().map(|told| &told.0),
            is_paused,
        };
        ports.activity.tell(directory, &event);
    }
}

/// A request below the SCIM addresses.
pub(in crate::http) struct Guest(Arc<Witness>);

impl Guest {
    /// Begins to watch the request, where it is one.
    pub(in crate::http) fn meet(request: &mut Request) -> Option<Self> {
        let rest = request.uri().path().strip_prefix("/scim")?;
        if !(rest.is_empty() || rest.starts_with('/')) {
            return None;
        }
        let witness = Arc::new(Witness { asked: Some(Asked::of(request)), ..Witness::default() });
        request.extensions_mut().insert(Arc::clone(&witness));
        Some(Self(witness))
    }

    /// Tells of the request, and puts the answer into SCIM's words where it is not yet.
    pub(in crate::http) fn part(self, mut response: Response) -> Response {
        self.0.tell(&mut response);
        super::speak(response)
    }
}
