//! When a person was seen, by which source, and where they are signed in now.
//!
//! Invariant: each source speaks for itself; what a source has never said is unknown, and shown so.

use jiff::Timestamp;

use super::super::super::session::{self, Line};
use super::super::super::{Ports, Refusal};
use super::super::ConsoleActor;
use crate::domain::ids::AccountId;
use crate::domain::policy::EvidenceSource;
use crate::store::{Span, evidence};

/// What the sources and the sessions say of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIns {
    /// Each source, and when it last saw the person; nothing: never.
    pub sources: Vec<(EvidenceSource, Option<Timestamp>)>,
    /// The sessions that are open, the newest first, each with what its directory is called.
    pub sessions: Vec<(Line, String)>,
}

/// When and where somebody signed in.
///
/// # Errors
///
/// [`Refusal::NotFound`] when there is no such account.
pub async fn sign_ins(ports: &Ports, _actor: &ConsoleActor, id: AccountId) -> Result<SignIns, Refusal> {
    let open = session::list(ports, &id.to_string()).await?;
    let mut c = ports.db.read().await?;
    let known = evidence::latest_of(&mut c, &Span::Listed(vec![id])).await?;
    let seen = |source: &EvidenceSource| known.iter().find(|(_, of, _)| of == source).map(|(_, _, at)| *at);
    let named = |line: Line| {
        let directory = super::directory(ports, &line.directory);
        (line, directory)
    };
    Ok(SignIns {
        sources: EvidenceSource::ALL.iter().map(|source| (*source, seen(source))).collect(),
        sessions: open.into_iter().map(named).collect(),
    })
}
