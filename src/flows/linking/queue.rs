//! Puts a subject in the queue, under a reference that can be read out on the telephone.
//!
//! Invariant: a subject has one place in the queue, however often it comes; one that was turned down gets no other.

use rand::TryRng;
use rand::rngs::SysRng;
use serde_json::json;
use uuid::Uuid;

use super::Claims;
use crate::domain::actor::Subject;
use crate::domain::ids::{AccountId, DirectoryId, LinkRequestId};
use crate::flows::{Act, Refusal};
use crate::store::Conn;
use crate::store::link_request::{self, LinkRequest, LinkState};

/// Figures and letters that nobody takes for one another (Crockford's base 32).
const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A subject that leads to no account.
#[derive(Debug)]
pub(in crate::flows) struct Doubt<'d> {
    /// Through which directory.
    pub(in crate::flows) directory: &'d DirectoryId,
    /// The subject, as it would be linked.
    pub(in crate::flows) subject: &'d str,
    /// The issuer of the token.
    pub(in crate::flows) issuer: &'d str,
    /// Why it leads nowhere.
    pub(in crate::flows) code: &'static str,
    /// What the provider said.
    pub(in crate::flows) claims: &'d Claims,
    /// Whom it may belong to, and what speaks for it.
    pub(in crate::flows) proposed: Option<(AccountId, &'static str)>,
}

/// Where a subject stands in the queue, by its reference.
#[derive(Debug)]
pub(in crate::flows) enum Placed {
    /// Somebody has to decide.
    Waiting(String),
    /// Somebody has turned it down.
    TurnedDown(String),
}

/// Puts a subject in the queue.
pub(in crate::flows) async fn put(c: &mut Conn, act: &Act, doubt: &Doubt<'_>) -> Result<Placed, Refusal> {
    let known = link_request::of_subject(c, doubt.directory, doubt.subject).await?;
    if let Some(known) = &known
        && known.state == LinkState::Rejected
    {
        link_request::came_again(c, known.id, act.now).await?;
        return Ok(Placed::TurnedDown(known.reference.clone()));
    }
    let request = LinkRequest {
        id: LinkRequestId::new(Uuid::now_v7()),
        reference: reference()?,
        directory: doubt.directory.clone(),
        subject: doubt.subject.to_owned(),
        issuer: doubt.issuer.to_owned(),
        code: doubt.code.to_owned(),
        claims: serde_json::to_value(doubt.claims).unwrap_or_default(),
        proposed: doubt.proposed.map(|(account, _)| account),
        proposed_by: doubt.proposed.map(|(_, by)| by.to_owned()),
        state: LinkState::Waiting,
        first_at: act.now,
        last_at: act.now,
        attempts: 1,
        decided_at: None,
        decided_by: None,
        decided_why: None,
        account: None,
    };
    let request = link_request::note(c, &request).await?;
    if known.is_none_or(|known| known.state != LinkState::Waiting) {
        let after = json!({ "reference": request.reference, "directory": doubt.directory, "code": doubt.code,
            "proposed": request.proposed });
        let subject = Subject::new("link_request", request.id);
        act.record(c, "link_requested", subject, None, Some(after)).await?;
        tracing::info!(directory.id = %doubt.directory, reference = request.reference, code = doubt.code,
            "a sign-in through {} waits to be linked: portvakt link show {}", doubt.directory, request.reference);
    }
    Ok(Placed::Waiting(request.reference))
}

/// Eight random signs, in two groups.
fn reference() -> Result<String, Refusal> {
    let mut bytes = [0_u8; 8];
    SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(|e| Refusal::Outside(format!("the operating system gives no random numbers: {e}")))?;
    let sign = |byte: &u8| SIGNS.get(usize::from(byte % 32)).map_or('0', |sign| char::from(*sign));
    let (first, last) = bytes.split_at(4);
    Ok(format!(
        "{}-{}",
        first.iter().map(sign).collect::<String>(),
        last.iter().map(sign).collect::<String>()
    ))
}

/// A reference as it is kept, from however somebody wrote it: `k7qm4txo` is `K7QM-4TX0`.
pub(in crate::flows) fn plain(text: &str) -> String {
    let signs: String = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|sign| match sign.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    match signs.split_at_checked(4) {
        Some((first, last)) => format!("{first}-{last}"),
        None => signs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_found_however_it_is_written() {
        let reference = reference().unwrap();
        assert_eq!(reference.len(), 9);
        assert_eq!(plain(&reference), reference);
        assert_eq!(plain(&reference.to_lowercase().replace('-', " ")), reference);
        assert_eq!(plain("k7qm-4txo"), "K7QM-4TX0");
        assert_eq!(plain("il"), "11");
        assert_eq!(plain("\u{e5}\u{0}"), "");
    }
}
