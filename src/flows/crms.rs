//! The CRMs that are told, as the settings name them.
//!
//! Invariant: every target of the settings that is told is here, or the daemon does not start; one that asks for itself
//! is not.

use std::collections::BTreeMap;
use std::path::Path;

use super::Refusal;
use crate::config::{self, Api, Means, RolesAs, Settings, Target, TargetKind};
use crate::crm::{self, Crm, Rest, RestSettings, Scim, ScimSettings, SigningKey, Webhook, WebhookSettings};
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
        let told = settings.targets.iter().filter(|target| target.kind != TargetKind::Pull);
        let by_target = told.map(|target| Ok((target.id.clone(), crm(target)?)));
        Ok(Self { by_target: by_target.collect::<Result<_, Refusal>>()? })
    }

    /// The targets that are told.
    pub fn told(&self) -> impl Iterator<Item = &TargetId> {
        self.by_target.keys()
    }

    /// The CRM of that name.
    ///
    /// # Errors
    ///
    /// [`Refusal::Invalid`] when nothing can be sent there.
    pub fn get(&self, target: &TargetId) -> Result<&Crm, Refusal> {
        self.by_target.get(target).ok_or_else(|| {
            let problem = format!(
                "{target} asks for itself (kind = \"pull\") or is not set; nothing is sent there. How far it has come: portvakt target show {target}"
            );
            Refusal::invalid("target", problem)
        })
    }
}

fn crm(target: &Target) -> Result<Crm, Refusal> {
    let field = || format!("target {}", target.id);
    match &target.means {
        Means::Webhook(keys) => {
            let keys = keys.iter().map(|key| match key {
                config::SigningKey::Shared(_) => SigningKey::shared(key.expose()),
                config::SigningKey::Own(_) => SigningKey::own(key.expose()),
            });
            let settings = WebhookSettings {
                target: target.id.clone(),
                url: target.url.clone(),
                keys: keys.collect::<Result<_, _>>().map_err(|error| Refusal::invalid(field(), error))?,
                allow_private: target.allow_private,
            };
            Webhook::new(settings).map(Crm::Webhook).map_err(|error| Refusal::invalid(field(), error))
        }
        Means::Pull => Err(Refusal::invalid(field(), "it asks for itself; nothing is sent there")),
        Means::Api(api) => match (&api.description, target.kind) {
            (Some(file), TargetKind::Rest) => rest(target, api, file),
            (None, TargetKind::Scim) => scim(target, api),
            _ => Err(Refusal::invalid(
                field(),
                format!("this version cannot write to a target of the kind {:?}", target.kind.name()),
            )),
        },
    }
}

fn rest(target: &Target, api: &Api, file: &Path) -> Result<Crm, Refusal> {
    let field = || format!("target {}", target.id);
    let description = std::fs::read_to_string(file).map_err(|error| {
        Refusal::invalid(field(), format!("the description {} cannot be read: {error}", file.display()))
    })?;
    let settings = RestSettings {
        target: target.id.clone(),
        url: target.url.clone(),
        allow_private: target.allow_private,
        file: file.display().to_string(),
        description,
        user_name: api.user_name.clone(),
        secret: api.secret.secret_string().clone(),
        values: api.values.clone(),
        roles: api.roles.clone(),
    };
    Rest::new(settings).map(Crm::Rest).map_err(|error| Refusal::invalid(field(), error))
}

fn scim(target: &Target, api: &Api) -> Result<Crm, Refusal> {
    let settings = ScimSettings {
        target: target.id.clone(),
        url: target.url.clone(),
        allow_private: target.allow_private,
        user_name: api.user_name.clone(),
        secret: api.secret.secret_string().clone(),
        roles: api.roles.clone(),
        roles_as: match api.roles_as {
            RolesAs::Groups => crm::RolesAs::Groups,
            RolesAs::Roles => crm::RolesAs::Roles,
            RolesAs::Entitlements => crm::RolesAs::Entitlements,
        },
    };
    let field = || format!("target {}", target.id);
    Scim::new(settings).map(Crm::Scim).map_err(|error| Refusal::invalid(field(), error))
}
