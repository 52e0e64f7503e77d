//! Doubts a listing that is much shorter than the one before.
//!
//! Invariant: a listing that shrank by more than the policy allows makes nobody inactive, until it is as long again or
//! a person believes it.

use serde_json::json;

use super::super::people::named;
use super::super::{Act, Ports, Refusal};
use crate::domain::actor::Subject;
use crate::domain::ids::DirectoryId;
use crate::domain::safety::{InputList, has_shrunk};
use crate::store::{StoreError, setting};

fn key(directory: &DirectoryId) -> String {
    format!("list_of:{directory}")
}

/// Compares a listing with the last one that was believed. Gives why it is not believed; nothing: it is.
pub(super) async fn doubt(
    ports: &Ports,
    directory: &DirectoryId,
    size: usize,
) -> Result<Option<String>, Refusal> {
    let mut c = ports.db.read().await?;
    let limits = match ports.policies.current(&mut c).await {
        Ok(compiled) => compiled.policy.lifecycle.safety,
        Err(Refusal::NoPolicy) => return Ok(None),
        Err(other) => return Err(other),
    };
    let name = key(directory);
    let before = match setting::get(&mut c, &name).await?.as_deref() {
        // Nothing, or a person believed whatever comes next.
        None | Some("") => 0,
        Some(text) => text.parse().map_err(|e| StoreError::corrupt("setting", &name, e))?,
    };
    drop(c);
    let after = u64::try_from(size).unwrap_or(u64::MAX);
    let list = InputList { directory: directory.clone(), before, after };
    if has_shrunk(&list, limits.max_shrink_percent) {
        tracing::error!(directory = %directory, before, after,
            "the list of people of {directory} shrank from {before} to {after} and is not believed; if it is right: \
             portvakt lifecycle believe {directory} --reason \"…\"");
        return Ok(Some(format!("the list shrank from {before} to {after} people and is not believed")));
    }
    if before != after {
        let text = after.to_string();
        ports
            .db
            .write(move |c| Box::pin(async move { Ok::<_, Refusal>(setting::set(c, &name, &text).await?) }))
            .await?;
    }
    Ok(None)
}

/// Believes the next listing of a directory, however short.
///
/// # Errors
///
/// [`Refusal::NotFound`] where the settings have no such directory; [`Refusal::Invalid`] without a reason.
pub async fn believe(ports: &Ports, act: &Act, directory: &str, reason: &str) -> Result<(), Refusal> {
    let reason = named(reason)?;
    let known = ports.settings.directories.iter().find(|known| known.id.as_str() == directory);
    let id = known.map(|known| known.id.clone()).ok_or_else(|| Refusal::not_found("directory", directory))?;
    let act = act.clone();
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let before = setting::get(c, &key(&id)).await?;
                setting::set(c, &key(&id), "").await?;
                let (before, after) = (json!({ "people": before }), json!({ "reason": reason }));
                let subject = Subject::new("directory", &id);
                act.record(c, "list_believed", subject, Some(before), Some(after)).await?;
                Ok::<_, Refusal>(())
            })
        })
        .await
}
