//! Somebody whom the directory has not told of: an account of their own where the settings make one, else a question
//! to a person.
//!
//! Invariant: nobody gets an account whose name or address belongs to somebody who is known; an address, verified or
//! not, is at most a hint to whoever decides.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Why;
use super::identity::{Found, Proposal, Seeker};
use crate::config::{DirectoryOidc, Jit, SubjectIs};
use crate::domain::ids::AccountId;
use crate::domain::name::fold;
use crate::flows::provision::{self, Newcomer};
use crate::flows::{Refusal, linking};
use crate::oidc::{GroupsClaim, Verified};
use crate::store::Conn;
use crate::store::identity::{self, IdentityKey};
use crate::store::link_request::{self, LinkState};

/// Makes an account for the person, or says what keeps it from being made.
pub(super) async fn receive(seeker: &Seeker<'_>, c: &mut Conn, key: &str) -> Result<Found, Refusal> {
    let bearers = bearers(seeker, c).await?;
    let proposal = proposed(seeker, &bearers);
    if seeker.oidc.jit != Jit::Create {
        return Ok(Found::Nobody(Why::NotProvisioned, proposal));
    }
    if !bearers.is_empty() {
        return Ok(Found::Nobody(Why::NameTaken, proposal));
    }
    let former = link_request::of_subject(c, &seeker.directory.id, key).await?;
    if former.is_some_and(|request| request.state == LinkState::Rejected) {
        return Ok(Found::Nobody(Why::NotProvisioned, None));
    }
    let document = match provision::document_of(&newcomer(seeker)) {
        Ok(document) => document,
        Err(error) => {
            tracing::warn!(directory.id = %seeker.directory.id, %error,
                "the directory {} gave no name that an account can be made of", seeker.directory.id);
            return Ok(Found::Nobody(Why::NotProvisioned, None));
        }
    };
    let house = (seeker.policies, seeker.settings);
    let identity = provision::create_within(c, seeker.act, &seeker.directory.id, house, document).await?;
    if !seeker.link(c, key, identity.id).await? {
        return Ok(Found::Nobody(Why::AlreadyLinked, None));
    }
    Ok(Found::Identity(Box::new(identity)))
}

fn newcomer(seeker: &Seeker<'_>) -> Newcomer {
    of(&claims(seeker.person), seeker.oidc, &seeker.person.subject_value)
}

/// The accounts that bear the person's name or address, in any directory.
async fn bearers(seeker: &Seeker<'_>, c: &mut Conn) -> Result<BTreeSet<AccountId>, Refusal> {
    let person = seeker.person;
    let names: BTreeSet<String> =
        [&person.email, &person.user_name].into_iter().flatten().map(|text| fold(text.trim())).collect();
    let mut found = BTreeSet::new();
    for directory in &seeker.settings.directories {
        for name in &names {
            for key in [IdentityKey::Email(name.clone()), IdentityKey::UserName(name.clone())] {
                let bearers = identity::find(c, &directory.id, &key).await?;
                found.extend(bearers.into_iter().map(|identity| identity.account));
            }
        }
    }
    Ok(found)
}

/// The one account that has the address, where the provider vouches for it.
fn proposed(seeker: &Seeker<'_>, bearers: &BTreeSet<AccountId>) -> Option<Proposal> {
    match (seeker.person.email_verified, bearers.len(), bearers.first()) {
        (true, 1, Some(account)) => Some(Proposal { account: *account, by: "verified_address" }),
        _ => None,
    }
}

/// What the provider said of somebody, as whoever decides sees it.
pub(super) fn claims(person: &Verified) -> linking::Claims {
    linking::Claims {
        name: person.name.clone(),
        user_name: person.user_name.clone(),
        email: person.email.clone(),
        email_verified: person.email_verified,
        locale: person.locale.clone(),
        subject: person.subject_value.clone(),
        groups: match &person.groups {
            GroupsClaim::Absent => None,
            GroupsClaim::Overage => Some(Value::String("too many to list".to_owned())),
            GroupsClaim::Listed(groups) => Some(json!(groups)),
        },
    }
}

/// What a new account is made of.
pub(in crate::flows) fn of(claims: &linking::Claims, oidc: &DirectoryOidc, subject: &str) -> Newcomer {
    let named = || claims.user_name.clone().or_else(|| claims.email.clone());
    let (user_name, external_id) = match oidc.subject_is {
        SubjectIs::UserName => (subject.to_owned(), None),
        SubjectIs::ExternalId | SubjectIs::Id => {
            (named().unwrap_or_else(|| subject.to_owned()), Some(subject.to_owned()))
        }
    };
    Newcomer {
        user_name,
        external_id,
        display_name: claims.name.clone(),
        email: claims.email.clone(),
        language: claims.locale.clone(),
    }
}
