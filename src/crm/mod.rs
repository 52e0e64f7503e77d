//! The targets: the CRMs that are told how each account stands.
//!
//! Invariant: what is told is the present state with its version, never a difference, so that a repeat is
//! harmless and the newest wins; no clock, no chance and no database in here.

mod address;
mod answer;
mod backoff;
mod courier;
mod failed;
mod farewell;
mod resolver;
mod rest;
mod scim;
mod signature;
mod state;
mod trial;
mod webhook;

#[cfg(test)]
mod inward_tests;
#[cfg(test)]
mod webhook_tests;

use jiff::{SignedDuration, Timestamp};

use crate::domain::ids::TargetId;

pub use backoff::{ATTEMPTS, backoff, probe_pause};
pub use courier::CrmError;
pub use farewell::{BackChannel, FarewellError, Heard};
pub use rest::{Rest, RestSettings};
pub use scim::{RolesAs, Scim, ScimSettings};
pub use signature::{
    ID_HEADER, KeyError, SIGNATURE_HEADER, SigningKey, TIMESTAMP_HEADER, TOLERANCE, VerifyError, sign, verify,
};
pub use state::{AccountState, ToldAccount};
pub use trial::Finding;
pub use webhook::{Webhook, WebhookSettings};

/// A CRM that is told about accounts.
#[derive(Debug, Clone)]
pub enum Crm {
    /// By signed messages to an address of its own.
    Webhook(Webhook),
    /// Over its own API, as a file describes it.
    Rest(Rest),
    /// Over SCIM 2.0.
    Scim(Scim),
}

impl Crm {
    /// The target's name in the settings.
    #[must_use]
    pub fn target(&self) -> &TargetId {
        match self {
            Self::Webhook(webhook) => webhook.target(),
            Self::Rest(rest) => rest.target(),
            Self::Scim(scim) => scim.target(),
        }
    }

    /// What the CRM can be told, in stable words.
    #[must_use]
    pub fn abilities(&self) -> Vec<&'static str> {
        match self {
            Self::Webhook(_) => vec!["state"],
            Self::Rest(rest) => rest.abilities(),
            Self::Scim(scim) => scim.abilities(),
        }
    }

    /// Tries what can be tried without changing anything that cannot be undone.
    pub async fn test(&self, now: Timestamp) -> Vec<Finding> {
        match self {
            Self::Webhook(webhook) => webhook.test(now).await,
            Self::Rest(rest) => rest.test(now).await,
            Self::Scim(scim) => scim.test(now).await,
        }
    }

    /// Tells the CRM how the account stands at `now`, once; repeating is for the caller, by [`backoff`].
    pub async fn deliver(&self, now: Timestamp, state: &AccountState) -> Delivery {
        match self {
            Self::Webhook(webhook) => webhook.deliver(now, state).await,
            Self::Rest(rest) => rest.deliver(now, state).await,
            Self::Scim(scim) => scim.deliver(now, state).await,
        }
    }
}

/// How a delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The CRM has it.
    Taken {
        /// What it answered, shortened to be kept as proof.
        answer: String,
        /// The CRM's own id of the account, where the answer taught it.
        crm_id: Option<String>,
    },
    /// Not now; try again.
    Again {
        /// The CRM asked for at least this pause (RFC 9110 §10.2.3), at most 24 hours.
        after: Option<SignedDuration>,
        /// What went wrong. May hold words of the CRM: keep it with the delivery, not in the log.
        error: String,
    },
    /// The CRM will never take this: a dead letter.
    Refused {
        /// What it said. May hold words of the CRM: keep it with the delivery, not in the log.
        error: String,
    },
    /// The CRM wants no more messages (410): switch the target off until a person turns it on.
    SwitchedOff {
        /// What it said.
        error: String,
    },
}
