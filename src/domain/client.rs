//! What a CRM that signs people in through Portvakt is told of them, and whom it lets in at all.
//!
//! Invariant: pure; what a client is told depends on its settings, what it asked for and the account as it is now.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::access::{self, AccessFacts, Question};
use super::account::Account;
use super::effective::Effective;
use super::grant::Grant;
use super::ids::{ComponentId, ModuleId, RoleId};
use super::named::named;
use super::policy::{Action, Policy};

/// What a client can ask for (OpenID Connect Core §5.4; `roles` is ours).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// That somebody signs in at all.
    OpenId,
    /// Name and language.
    Profile,
    /// The address.
    Email,
    /// What the person may do.
    Roles,
    /// To ask again without the browser, as long as the session lives.
    OfflineAccess,
}

named!(
    Scope,
    OpenId = "openid",
    Profile = "profile",
    Email = "email",
    Roles = "roles",
    OfflineAccess = "offline_access"
);

/// One thing that a client can be told of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Claim {
    /// The name that people read.
    Name,
    /// The sign-in name.
    PreferredUsername,
    /// The language the person reads.
    Locale,
    /// The address; `email_verified` goes with it where the directory vouches for it.
    Email,
    /// The roles held now.
    Roles,
    /// The modules that the roles open.
    Modules,
    /// Confined to its sectors, and never in administration.
    Limited,
    /// In components that support it, only items linked or assigned to it.
    ItemRestricted,
    /// The sectors held now.
    Sectors,
    /// The account's version: the same number that the webhook carries.
    AccountVersion,
}

named!(
    Claim,
    Name = "name",
    PreferredUsername = "preferred_username",
    Locale = "locale",
    Email = "email",
    Roles = "roles",
    Modules = "modules",
    Limited = "limited",
    ItemRestricted = "item_restricted",
    Sectors = "sectors",
    AccountVersion = "account_version"
);

impl Claim {
    /// What the person may do: given to every client whose settings do not say otherwise.
    pub const RIGHTS: [Self; 6] = [
        Self::Roles,
        Self::Modules,
        Self::Limited,
        Self::ItemRestricted,
        Self::Sectors,
        Self::AccountVersion,
    ];
}

impl Scope {
    /// The claims that it stands for.
    #[must_use]
    pub const fn claims(self) -> &'static [Claim] {
        match self {
            Self::OpenId | Self::OfflineAccess => &[],
            Self::Profile => &[Claim::Name, Claim::PreferredUsername, Claim::Locale],
            Self::Email => &[Claim::Email],
            Self::Roles => &Claim::RIGHTS,
        }
    }
}

/// What a person must hold to enter a client at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// This role.
    Role(RoleId),
    /// Some use of this module.
    Module(ModuleId),
    /// This action in this component.
    Component(ComponentId, Action),
}

impl Requirement {
    /// Whether a person with these grants meets it at `now`. What the policy does not know nobody meets.
    #[must_use]
    pub fn is_met(
        &self,
        policy: &Policy,
        account: &Account,
        grants: &[Grant],
        held: &Effective,
        now: Timestamp,
    ) -> bool {
        match self {
            Self::Role(role) => held.roles.contains(role),
            Self::Module(module) => held.modules.contains_key(module),
            Self::Component(component, action) => {
                let facts = AccessFacts { account: Some(account), grants, links: &[], assignment: None, now };
                let question =
                    Question { action: *action, component: component.as_str().to_owned(), item: None };
                access::decide(policy, &facts, &question).is_allowed()
            }
        }
    }

    /// What of it the policy does not know; nothing: it knows all of it.
    #[must_use]
    pub fn unknown_to(&self, policy: &Policy) -> Option<(&'static str, String)> {
        match self {
            Self::Role(role) if !policy.roles.contains_key(role) => Some(("role", role.to_string())),
            Self::Module(module) if !policy.modules.contains_key(module) => {
                Some(("module", module.to_string()))
            }
            Self::Component(component, _) if !policy.components.contains_key(component) => {
                Some(("component", component.to_string()))
            }
            Self::Role(_) | Self::Module(_) | Self::Component(..) => None,
        }
    }
}

/// What is told of a person: the claims of the scopes asked for and those that the client is always given.
///
/// `email_is_verified` is whether the directory vouched for the very address that the account has.
#[must_use]
pub fn told(
    account: &Account,
    held: &Effective,
    wanted: &BTreeSet<Claim>,
    email_is_verified: bool,
) -> Map<String, Value> {
    let mut claims = Map::new();
    for claim in wanted {
        let value = match claim {
            Claim::Name => json!(account.display_name),
            Claim::PreferredUsername => json!(account.user_name),
            Claim::Locale => match account.language {
                Some(language) => json!(language.tag()),
                None => continue,
            },
            Claim::Email => match &account.email {
                Some(email) => json!(email),
                None => continue,
            },
            Claim::Roles => json!(held.roles),
            Claim::Modules => json!(held.modules.keys().collect::<Vec<_>>()),
            Claim::Limited => json!(held.limited),
            Claim::ItemRestricted => json!(held.item_restricted),
            Claim::Sectors => json!(held.sectors),
            Claim::AccountVersion => json!(account.version),
        };
        claims.insert(claim.name().to_owned(), value);
        if *claim == Claim::Email && email_is_verified {
            claims.insert("email_verified".to_owned(), json!(true));
        }
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::effective::effective;
    use crate::domain::grant::GrantKind;
    use crate::domain::sample;

    fn met(requirement: &Requirement, kinds: &[GrantKind]) -> bool {
        let (policy, now) = (sample::policy(), sample::at("2025-10-07T00:00:00Z"));
        let grants: Vec<Grant> = kinds.iter().cloned().map(sample::grant).collect();
        let held = effective(&policy, &grants, now);
        requirement.is_met(&policy, &sample::account(1, now), &grants, &held, now)
    }

    #[test]
    fn a_requirement_is_met_by_role_by_module_or_by_what_may_be_done() {
        let communicator = [GrantKind::Role(sample::role_id("communicator"))];
        let role = |id: &str| Requirement::Role(sample::role_id(id));
        let module = |id: &str| Requirement::Module(ModuleId::parse(id).unwrap());
        let may = |id: &str, action| Requirement::Component(ComponentId::parse(id).unwrap(), action);
        assert!(met(&role("communicator"), &communicator));
        assert!(met(&module("communication"), &communicator));
        assert!(met(&may("mailing", Action::Edit), &communicator));
        for unmet in [role("board"), role("dropped"), module("nothing"), may("nothing", Action::View)] {
            assert!(!met(&unmet, &communicator), "{unmet:?}");
        }
        assert!(!met(&may("mailing", Action::View), &[]));
        let limited = [communicator[0].clone(), GrantKind::Limited];
        assert!(!met(&may("mailing", Action::View), &limited), "the sector is lacking");
        assert!(role("dropped").unknown_to(&sample::policy()).is_some());
        assert!(role("board").unknown_to(&sample::policy()).is_none());
    }

    #[test]
    fn only_what_was_wanted_is_told_and_an_address_is_verified_or_says_nothing_of_it() {
        let mut account = sample::account(1, sample::at("2025-10-07T00:00:00Z"));
        account.email = Some("anna@example.org".to_owned());
        let wanted: BTreeSet<Claim> = [Claim::Email, Claim::Limited].into();
        let shown = told(&account, &Effective::default(), &wanted, false);
        assert_eq!(shown.keys().collect::<Vec<_>>(), ["email", "limited"]);
        let shown = told(&account, &Effective::default(), &wanted, true);
        assert_eq!(shown["email_verified"], json!(true));
        account.email = None;
        let shown = told(&account, &Effective::default(), &wanted, true);
        assert_eq!(shown.keys().collect::<Vec<_>>(), ["limited"]);
    }
}
