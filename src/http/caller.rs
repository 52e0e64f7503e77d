//! Who calls: a directory or a CRM, by its bearer token.
//!
//! Invariant: a caller exists only for a valid token, a CRM only for one that opens what is demanded, and a directory
//! only for the address of its own.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::problem::Problem;
use super::request::RequestId;
use crate::domain::actor::Actor;
use crate::domain::ids::{DirectoryId, TargetId};
use crate::flows::decide::{Asker, Epoch};
use crate::flows::tokens::{self, TokenKind};
use crate::flows::{Act, Ports, Refusal};

/// The bearer token of a request (RFC 6750 §2.1); nothing where there is none.
#[must_use]
pub fn bearer(parts: &Parts) -> Option<&str> {
    bearer_of(&parts.headers)
}

/// The bearer token among these headers.
#[must_use]
pub fn bearer_of(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

/// What a handler demands of a CRM's token: each scope is a type, so that a handler which names none does not compile.
pub mod may {
    use crate::domain::scope::Scope;

    /// A scope that is demanded.
    pub trait Demand {
        /// Which.
        const SCOPE: Scope;
    }

    macro_rules! demands {
        ($($scope:ident),* $(,)?) => {$(
            #[doc = concat!("Demands [`Scope::", stringify!($scope), "`].")]
            #[derive(Debug, Clone, Copy)]
            pub enum $scope {}

            impl Demand for $scope {
                const SCOPE: Scope = Scope::$scope;
            }
        )*};
    }

    demands!(
        AskAccess,
        ReadAccounts,
        WriteAccounts,
        ReadChanges,
        WriteGrants,
        WriteItems,
        WriteLeave,
        WriteLinks,
        ReadReports,
        WriteSignIns,
    );
}

/// A CRM that calls the APIs, with a token that opens what `D` demands.
#[derive(Debug)]
pub struct TargetCaller<D> {
    /// Which.
    pub target: TargetId,
    /// The act it begins.
    pub act: Act,
    /// The state of the database since it called.
    epoch: Epoch,
    demand: PhantomData<fn() -> D>,
}

impl<D> TargetCaller<D> {
    /// As one who asks whether somebody may do something.
    #[must_use]
    pub fn asker(&self) -> Asker<'_> {
        Asker { target: Some(&self.target), epoch: Some(self.epoch) }
    }
}

impl<S, D> FromRequestParts<S> for TargetCaller<D>
where
    S: Send + Sync,
    D: may::Demand,
    Arc<Ports>: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(request: &mut Parts, state: &S) -> Result<Self, Problem> {
        let ports = Arc::<Ports>::from_ref(state);
        let secret = bearer(request).ok_or_else(Problem::unauthenticated)?;
        let shown = tokens::recognise_at(&ports, TokenKind::Target, secret).await?;
        let (token, epoch) = shown.ok_or_else(Problem::unauthenticated)?;
        let target = TargetId::parse(&token.owner)
            .ok()
            .filter(|target| ports.settings.targets.iter().any(|known| known.id == *target))
            .ok_or_else(Problem::unauthenticated)?;
        if !token.scopes.contain(D::SCOPE) {
            return Err(Problem::scope_missing(D::SCOPE));
        }
        let RequestId(id) = request_id(request);
        let act = ports.act(Actor::Target(target.clone()), "api").by_request(Some(id));
        Ok(Self { target, act, epoch, demand: PhantomData })
    }
}

/// A directory that provisions over SCIM at its own address.
#[derive(Debug, Clone)]
pub struct DirectoryCaller {
    /// Which.
    pub directory: DirectoryId,
    /// The act it begins.
    pub act: Act,
}

impl DirectoryCaller {
    /// Recognises the caller of `/scim/v2/{directory}`; nothing for a missing, foreign, expired or revoked token.
    ///
    /// # Errors
    ///
    /// [`Refusal::Store`] when the database cannot be reached.
    pub async fn recognise(ports: &Ports, request: &Parts, directory: &str) -> Result<Option<Self>, Refusal> {
        let Some(secret) = bearer(request) else { return Ok(None) };
        let Some(token) = tokens::recognise(ports, TokenKind::Directory, secret).await? else {
            return Ok(None);
        };
        let known = ports.settings.directories.iter().find(|d| d.id.as_str() == directory);
        let Some(known) = known.filter(|d| d.id.as_str() == token.owner) else { return Ok(None) };
        let RequestId(id) = request_id(request);
        let act = ports.act(Actor::Directory(known.id.clone()), "scim").by_request(Some(id));
        Ok(Some(Self { directory: known.id.clone(), act }))
    }
}

fn request_id(parts: &Parts) -> RequestId {
    parts.extensions.get::<RequestId>().cloned().unwrap_or_else(|| RequestId(String::new()))
}
