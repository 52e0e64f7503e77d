//! Writes down that a page turned somebody away who is signed in, so that they have something to mention.
//!
//! Invariant: who looks at the page again within ten minutes gets the same reference; looking is no way to fill the
//! audit.

use jiff::SignedDuration;
use serde_json::json;

use super::{Act, Ports, Refusal};
use crate::domain::actor::Subject;
use crate::domain::ids::AccountId;
use crate::store::audit::{self, Recorded};

/// The same refusal within this time is one.
const ONE: SignedDuration = SignedDuration::from_mins(10);

/// How many entries are looked back at.
const BACK: i64 = 20;

const ACTION: &str = "turned_away";

/// Writes down that the account was turned away for `code`. Gives the id of the audit entry.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn note(
    ports: &Ports,
    act: &Act,
    account: AccountId,
    code: &'static str,
) -> Result<String, Refusal> {
    let subject = Subject::new("account", account);
    let known = {
        let mut c = ports.db.read().await?;
        audit::about(&mut c, &subject, BACK).await?
    };
    let is_the_same = |entry: &&Recorded| {
        entry.action == ACTION
            && act.now.duration_since(entry.at) < ONE
            && entry.after.as_ref().and_then(|after| after.get("code")?.as_str()) == Some(code)
    };
    if let Some(entry) = known.iter().find(is_the_same) {
        return Ok(entry.id.to_string());
    }
    let act = act.clone();
    let entry = ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let after = json!({ "code": code });
                Ok::<_, Refusal>(act.record(c, ACTION, subject, None, Some(after)).await?)
            })
        })
        .await?;
    Ok(entry.to_string())
}
