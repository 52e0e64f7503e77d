//! The targets: the CRMs that are told how each account stands.
//!
//! Invariant: what is told is the present state with its version, never a difference, so that a repeat is
//! harmless and the newest wins; no clock, no chance and no database of ours in here.

mod address;
mod answer;
mod backoff;
mod courier;
mod document;
mod failed;
mod farewell;
mod holding;
mod pages;
mod resolver;
mod rest;
mod scim;
mod signature;
mod sql;
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
use pages::Kind;
pub use pages::Pages;
pub use rest::{Rest, RestSettings};
pub use scim::{RolesAs, Scim, ScimSettings};
pub use signature::{
    ID_HEADER, KeyError, SIGNATURE_HEADER, SigningKey, TIMESTAMP_HEADER, TOLERANCE, VerifyError, sign, verify,
};
pub use sql::{Sql, SqlPlace, SqlSettings};
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
    /// In its own tables, as a file describes them.
    Sql(Sql),
}

impl Crm {
    /// The target's name in the settings.
    #[must_use]
    pub fn target(&self) -> &TargetId {
        match self {
            Self::Webhook(webhook) => webhook.target(),
            Self::Rest(rest) => rest.target(),
            Self::Scim(scim) => scim.target(),
            Self::Sql(sql) => sql.target(),
        }
    }

    /// What the CRM can be told, in stable words.
    #[must_use]
    pub fn abilities(&self) -> Vec<&'static str> {
        match self {
            Self::Webhook(_) => vec!["state"],
            Self::Rest(rest) => rest.abilities(),
            Self::Scim(scim) => scim.abilities(),
            Self::Sql(sql) => sql.abilities(),
        }
    }

    /// Tries what can be tried without changing anything that cannot be undone.
    pub async fn test(&self, now: Timestamp) -> Vec<Finding> {
        match self {
            Self::Webhook(webhook) => webhook.test(now).await,
            Self::Rest(rest) => rest.test(now).await,
            Self::Scim(scim) => scim.test(now).await,
            Self::Sql(sql) => sql.test(now).await,
        }
    }

    /// Everybody that the CRM has, page by page, from `now` on.
    ///
    /// # Errors
    ///
    /// Why this CRM cannot be read back, and how it could be.
    pub fn read_back(&self, now: Timestamp) -> Result<Pages, String> {
        match self {
            Self::Webhook(_) => {
                Err("a webhook only listens and cannot be read back; where the CRM has an API, \
                                     describe it as a second target of the kind rest, scim or sql"
                    .to_owned())
            }
            Self::Rest(rest) if !rest.lists() => Err(NO_LIST.to_owned()),
            Self::Rest(rest) => Ok(Pages(Kind::Rest(Box::new(rest.pages(now))))),
            Self::Scim(scim) => Ok(Pages(Kind::Scim(Box::new(scim.pages(now))))),
            Self::Sql(sql) if !sql.lists() => Err(NO_LIST.to_owned()),
            Self::Sql(sql) => Ok(Pages(Kind::Sql(Box::new(sql.pages())))),
        }
    }

    /// Tells the CRM how the account stands at `now`, once; repeating is for the caller, by [`backoff`].
    pub async fn deliver(&self, now: Timestamp, state: &AccountState) -> Delivery {
        match self {
            Self::Webhook(webhook) => webhook.deliver(now, state).await,
            Self::Rest(rest) => rest.deliver(now, state).await,
            Self::Scim(scim) => scim.deliver(now, state).await,
            Self::Sql(sql) => sql.deliver(state).await,
        }
    }
}

/// Why a description cannot be read back.
const NO_LIST: &str = "its description has no [list]; describe how everybody is read";

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
