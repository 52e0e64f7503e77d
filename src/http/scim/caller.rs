//! The directory that calls, and the address it knows its resources under.
//!
//! Invariant: no handler runs without it; the answer to a missing and to a foreign token is the same.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use super::Failed;
use super::witness::Witness;
use crate::domain::ids::DirectoryId;
use crate::flows::provision::Reader;
use crate::flows::{Act, Ports, Refusal, provision};
use crate::http::caller::DirectoryCaller;
use crate::scim::{Projection, Repairs, ScimError};

/// What a SCIM handler works with.
#[derive(Debug, Clone)]
pub(super) struct Scim {
    pub(super) ports: Arc<Ports>,
    pub(super) directory: DirectoryId,
    pub(super) act: Act,
    /// The directory's SCIM address without a slash at the end.
    pub(super) base: String,
    /// Who tells of the request once it is answered.
    pub(super) witness: Arc<Witness>,
}

impl Scim {
    /// Counts what was mended in the request.
    pub(super) fn mended(&self, repairs: &Repairs) {
        provision::count_repairs(&self.ports.activity, &self.directory, repairs, self.act.now);
    }
}

fn unknown() -> Failed {
    Failed(ScimError::status(
        401,
        "send this directory's token as `Authorization: Bearer …`; the operator makes one with: portvakt directory token create",
    ))
}

impl Scim {
    /// Who reads what `projection` shows.
    pub(super) fn reader<'r>(&'r self, projection: &'r Projection) -> Reader<'r> {
        Reader { ports: &self.ports, directory: &self.directory, base: &self.base, projection }
    }
}

impl<S> FromRequestParts<S> for Scim
where
    S: Send + Sync,
    Arc<Ports>: FromRef<S>,
{
    type Rejection = Failed;

    async fn from_request_parts(request: &mut Parts, state: &S) -> Result<Self, Failed> {
        let ports = Arc::<Ports>::from_ref(state);
        let path = RawPathParams::from_request_parts(request, state).await;
        let directory = path
            .ok()
            .and_then(|params| {
                params.iter().find(|(name, _)| *name == "directory").map(|(_, id)| id.to_owned())
            })
            .unwrap_or_default();
        let witness = request.extensions.get::<Arc<Witness>>().cloned().unwrap_or_default();
        let caller = match DirectoryCaller::recognise(&ports, request, &directory).await {
            Ok(Some(caller)) => caller,
            Ok(None) => return Err(unknown()),
            Err(Refusal::Paused { directory: owner, since }) => {
                // A token opens one directory's address; at another's it is as good as none.
                let own = DirectoryId::parse(&owner).ok().filter(|own| own.as_str() == directory);
                let Some(own) = own else { return Err(unknown()) };
                witness.is_of_paused(&ports, own);
                return Err(Refusal::Paused { directory: owner, since }.into());
            }
            Err(other) => return Err(other.into()),
        };
        witness.is_of(&ports, caller.directory.clone());
        let base = ports.settings.server.public_url.join(&format!("/scim/v2/{}", caller.directory));
        Ok(Self { ports, directory: caller.directory, act: caller.act, base, witness })
    }
}
