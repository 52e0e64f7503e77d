//! Follows the groups that a token names, in a directory that tells of groups in no other way.
//!
//! Invariant: silence and "too many to list" change nothing; where SCIM or the provider's own API tells of groups, a
//! token is not listened to.

use serde_json::json;

use super::identity::Seeker;
use crate::domain::actor::Subject;
use crate::domain::policy::Policy;
use crate::flows::{Refusal, entitle};
use crate::oidc::GroupsClaim;
use crate::store::identity::Identity;
use crate::store::{Conn, claimed_group};

/// More groups than this are not taken from a token.
const MOST: usize = 500;

/// Brings what the person holds in line with the groups of the token.
pub(super) async fn follow(
    seeker: &Seeker<'_>,
    c: &mut Conn,
    policy: &Policy,
    identity: &Identity,
) -> Result<(), Refusal> {
    let GroupsClaim::Listed(groups) = &seeker.person.groups else { return Ok(()) };
    let directory = seeker.directory;
    if directory.pull.is_some() || claimed_group::are_told_otherwise(c, &directory.id).await? {
        return Ok(());
    }
    if groups.len() > MOST {
        tracing::warn!(directory.id = %directory.id, count = groups.len(),
            "a token of directory {} named more than {MOST} groups; they were left as they were", directory.id);
        return Ok(());
    }
    let before = claimed_group::of(c, identity.id).await?;
    let mut named: Vec<String> = groups.clone();
    named.sort();
    named.dedup();
    if !claimed_group::set(c, identity.id, &named, seeker.act.now).await? {
        return Ok(());
    }
    let act = seeker.act.because("token groups");
    let (before, after) = (json!({ "groups": before }), json!({ "groups": named }));
    act.record(c, "groups_claimed", Subject::new("identity", identity.id), Some(before), Some(after)).await?;
    entitle::accounts(c, &act, policy, &[identity.account]).await?;
    Ok(())
}

/// Whether the person's groups are unknown because there are too many to list.
pub(super) fn are_unknown(seeker: &Seeker<'_>) -> bool {
    seeker.person.groups == GroupsClaim::Overage
}
