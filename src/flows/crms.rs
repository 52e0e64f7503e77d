//! The CRMs that are told, as the settings name them.
//!
//! Invariant: every target of the settings is here, or the daemon does not start.

use std::collections::BTreeMap;

use super::Refusal;
use crate::config::{Settings, Target, TargetKind};
use crate::crm::{Crm, SigningKey, Webhook, WebhookSettings};
use crate::domain::ids::TargetId;

/// The CRMs that are told about accounts.
#[derive(Debug, Default)]
pub struct Crms {
    by_target: BTreeMap<TargetId, Crm>,
}

impl Crms {
    /// The targets of the settings. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`Refusal::Invalid`] when a target cannot be used as it is set.
    pub fn new(settings: &Settings) -> Result<Self, Refusal> {
        let by_target = settings.targets.iter().map(|target| Ok((target.id.clone(), crm(target)?)));
        Ok(Self { by_target: by_target.collect::<Result<_, Refusal>>()? })
    }

    /// The CRM of that name.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotFound`] when the settings have none.
    pub fn get(&self, target: &TargetId) -> Result<&Crm, Refusal> {
        self.by_target.get(target).ok_or_else(|| Refusal::not_found("target", target))
    }
}

fn crm(target: &Target) -> Result<Crm, Refusal> {
    let field = || format!("target {}", target.id);
    match target.kind {
        TargetKind::Webhook => {
            let key = SigningKey::from_bytes(target.signing_key.expose());
            let settings = WebhookSettings {
                target: target.id.clone(),
                url: target.url.clone(),
                keys: vec![key.map_err(|error| Refusal::invalid(field(), error))?],
                allow_private: target.allow_private,
            };
            Webhook::new(settings).map(Crm::Webhook).map_err(|error| Refusal::invalid(field(), error))
        }
        TargetKind::Scim | TargetKind::Rest | TargetKind::Sql => Err(Refusal::invalid(
            field(),
            format!("this version cannot write to a target of the kind {:?}", target.kind.name()),
        )),
    }
}
