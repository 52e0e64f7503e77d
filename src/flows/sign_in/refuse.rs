//! Writes down that somebody does not get in, and gathers what they are told.
//!
//! Invariant: every refusal has an audit entry with a code, and what the person is shown leads to it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ticket::Attempt;
use super::{Outcome, Refused, Retry, Why};
use crate::domain::account::Account;
use crate::domain::actor::Subject;
use crate::flows::linking::queue::Placed;
use crate::flows::{Act, Compiled, Refusal};
use crate::oidc::Verified;
use crate::store::Conn;

/// A refusal being written.
pub(super) struct Refusing<'r> {
    pub(super) act: &'r Act,
    pub(super) compiled: Arc<Compiled>,
    pub(super) attempt: &'r Attempt,
}

impl Refusing<'_> {
    /// Somebody whom the provider did not vouch for.
    pub(super) async fn unseen(self, c: &mut Conn, why: Why) -> Result<Outcome, Refusal> {
        let after = self.after(&why);
        let subject = Subject::new("directory", &self.attempt.directory);
        let entry = self.act.record(c, "sign_in_refused", subject, None, Some(after)).await?;
        Ok(self.told(why, None, None, entry.to_string(), false))
    }

    /// Somebody whose account is known.
    pub(super) async fn known(self, c: &mut Conn, why: Why, account: &Account) -> Result<Outcome, Refusal> {
        let after = self.after(&why);
        let subject = || Subject::new("account", account.id);
        if why.is_about_linking() {
            self.act.record(c, "link_refused", subject(), None, Some(after.clone())).await?;
        }
        let entry = self.act.record(c, "sign_in_refused", subject(), None, Some(after)).await?;
        let came_as = Some(account.user_name.clone());
        Ok(self.told(why, Some(account), came_as, entry.to_string(), false))
    }

    /// Somebody who leads to no account, and now waits for a person or was turned down by one.
    pub(super) async fn unknown(
        self,
        c: &mut Conn,
        why: Why,
        person: &Verified,
        placed: Placed,
    ) -> Result<Outcome, Refusal> {
        let (why, reference, waits) = match placed {
            Placed::Waiting(reference) => (why, reference, true),
            Placed::TurnedDown(reference) => (Why::TurnedDown, reference, false),
        };
        let mut after = self.after(&why);
        if let Some(fields) = after.as_object_mut() {
            fields.insert("reference".to_owned(), json!(reference));
        }
        let subject = || Subject::new("directory", &self.attempt.directory);
        self.act.record(c, "link_refused", subject(), None, Some(after.clone())).await?;
        self.act.record(c, "sign_in_refused", subject(), None, Some(after)).await?;
        let came_as = person.email.clone().or_else(|| person.name.clone());
        Ok(self.told(why, None, came_as, reference, waits))
    }

    fn after(&self, why: &Why) -> Value {
        json!({ "directory": self.attempt.directory, "code": why.code() })
    }

    fn told(
        self,
        why: Why,
        account: Option<&Account>,
        came_as: Option<String>,
        reference: String,
        waits: bool,
    ) -> Outcome {
        Outcome::Refused(Box::new(Refused {
            why,
            language: account.and_then(|account| account.language),
            came_as,
            reference,
            waits,
            at: self.act.now,
            compiled: self.compiled,
            retry: Retry {
                directory: self.attempt.directory.clone(),
                return_to: self.attempt.return_to.clone(),
            },
        }))
    }
}
