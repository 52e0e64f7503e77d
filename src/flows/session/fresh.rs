//! Asks whether somebody proved who they are lately enough, and strongly enough, for what they want.
//!
//! Invariant: what the provider did not say does not count: without `auth_time` no sign-in is fresh, without `acr` none
//! is strong.

use jiff::{SignedDuration, Timestamp};

use super::{Session, SignedInPerson};
use crate::config;

/// What a page or an address demands of the sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Demand {
    /// How long ago the person may have proved who they are.
    pub max_age: Option<SignedDuration>,
    /// Levels of assurance, any of which will do.
    pub acr_values: Vec<String>,
}

/// The person has to sign in anew, in this way (RFC 9470 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepUp {
    /// What is demanded.
    pub demand: Demand,
}

impl Demand {
    /// What the settings demand of a page of Portvakt; nothing where they do not name it or a path above it.
    #[must_use]
    pub fn of_page(settings: &config::StepUp, path: &str) -> Option<Self> {
        let is_named = settings.pages.iter().any(|page| {
            path.strip_prefix(page.as_str())
                .is_some_and(|rest| rest.is_empty() || (page != "/" && rest.starts_with('/')))
        });
        is_named.then(|| Self { max_age: settings.max_age, acr_values: settings.acr_values.clone() })
    }

    /// Whether the sign-in of `session` meets it at `now`.
    #[must_use]
    pub fn is_met_by(&self, session: &Session, now: Timestamp) -> bool {
        let is_recent = self
            .max_age
            .is_none_or(|age| session.authenticated_at.is_some_and(|at| now.duration_since(at) <= age));
        let is_strong = self.acr_values.is_empty()
            || session.acr.as_deref().is_some_and(|acr| {
                // Where a provider names several (Entra's authentication contexts) they stand with blanks between.
                acr.split_whitespace().any(|level| self.acr_values.iter().any(|wanted| wanted == level))
            });
        is_recent && is_strong
    }

    /// Whole seconds of `max_age`, as OpenID Connect counts them.
    #[must_use]
    pub fn max_age_seconds(&self) -> Option<u32> {
        self.max_age.map(|age| u32::try_from(age.as_secs()).unwrap_or(u32::MAX))
    }
}

/// Lets a person go on whose sign-in meets `demand`.
///
/// # Errors
///
/// [`StepUp`], with what they have to sign in for.
pub fn require_fresh(person: &SignedInPerson, demand: &Demand) -> Result<(), StepUp> {
    if demand.is_met_by(&person.session, person.act.now) {
        return Ok(());
    }
    Err(StepUp { demand: demand.clone() })
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::{AccountId, DirectoryId, IdentityId, SessionId};

    fn session(authenticated_at: Option<Timestamp>, acr: Option<&str>) -> Session {
        let at: Timestamp = "2025-10-07T08:00:00Z".parse().unwrap();
        Session {
            id: SessionId::new(Uuid::nil()),
            account: AccountId::new(Uuid::nil()),
            identity: IdentityId::new(Uuid::nil()),
            directory: DirectoryId::parse("entra").unwrap(),
            provider_session: None,
            acr: acr.map(str::to_owned),
            amr: None,
            authenticated_at,
            created_at: at,
            last_used_at: at,
            expires_at: at,
            ended_at: None,
        }
    }

    #[test]
    fn what_the_provider_did_not_say_is_neither_fresh_nor_strong() {
        let now: Timestamp = "2025-10-07T08:00:00Z".parse().unwrap();
        let fresh = Demand { max_age: Some(SignedDuration::from_mins(5)), ..Demand::default() };
        let strong = Demand { acr_values: vec!["mfa".to_owned(), "c2".to_owned()], ..Demand::default() };
        assert!(fresh.is_met_by(&session(Some(now - 5.minutes()), None), now));
        assert!(!fresh.is_met_by(&session(Some(now - 301.seconds()), None), now));
        assert!(!fresh.is_met_by(&session(None, None), now));
        assert!(strong.is_met_by(&session(None, Some("mfa")), now));
        assert!(strong.is_met_by(&session(None, Some("c1 c2")), now));
        assert!(!strong.is_met_by(&session(None, Some("mfa2")), now));
        assert!(!strong.is_met_by(&session(None, None), now));
        assert!(Demand::default().is_met_by(&session(None, None), now));
    }

    #[test]
    fn a_page_is_named_by_its_path_or_by_one_above_it() {
        let settings = config::StepUp {
            max_age: Some(SignedDuration::from_mins(5)),
            acr_values: Vec::new(),
            pages: vec!["/admin".to_owned(), "/".to_owned()],
        };
        let is_named = |path: &str| Demand::of_page(&settings, path).is_some();
        assert!(is_named("/admin") && is_named("/admin/audit") && is_named("/"));
        assert!(!is_named("/administration") && !is_named("/reviews"));
    }
}
