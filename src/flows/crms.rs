//! The CRMs that are told, as the settings name them.
//!
//! Invariant: every target of the settings that is told is here, or the daemon does not start; one that asks for itself
//! is not.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use super::Refusal;
use crate::config::{self, Api, Means, RolesAs, Settings, Tables, Target, TargetKind};
use crate::crm::{
    self, Crm, Rest, RestSettings, Scim, ScimSettings, SigningKey, Sql, SqlPlace, SqlSettings, Webhook,
    WebhookSettings,
};
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
        let by_target = told.map(|target| Ok((target.id.clone(), usable(target)?)));
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

/// A target as it is set; one that is to be compared by a schedule must be one that can be read back.
fn usable(target: &Target) -> Result<Crm, Refusal> {
    let crm = crm(target)?;
    if target.comparing.schedule.is_some()
        && let Err(why) = crm.read_back(Timestamp::UNIX_EPOCH)
    {
        return Err(Refusal::invalid(format!("target {}.compare.schedule", target.id), why));
    }
    Ok(crm)
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
        Means::Api(api) => match &api.description {
            Some(file) => rest(target, api, file),
            None => scim(target, api),
        },
        Means::Sql(tables) => sql(target, tables),
    }
}

/// The text of a target's description.
fn described(target: &Target, file: &Path) -> Result<String, Refusal> {
    std::fs::read_to_string(file).map_err(|error| {
        let what = format!("the description {} cannot be read: {error}", file.display());
        Refusal::invalid(format!("target {}", target.id), what)
    })
}

fn sql(target: &Target, tables: &Tables) -> Result<Crm, Refusal> {
    let place = match target.url.to_file_path() {
        Ok(path) if target.url.scheme() == "file" => SqlPlace::Sqlite(path),
        _ => SqlPlace::Postgres {
            url: target.url.clone(),
            user_name: tables.user_name.clone(),
            secret: tables.secret.as_ref().map(|secret| secret.secret_string().clone()),
        },
    };
    let settings = SqlSettings {
        target: target.id.clone(),
        place,
        file: tables.description.display().to_string(),
        description: described(target, &tables.description)?,
        values: tables.values.clone(),
        roles: tables.roles.clone(),
    };
    let field = || format!("target {}", target.id);
    Sql::new(settings).map(Crm::Sql).map_err(|error| Refusal::invalid(field(), error))
}

fn rest(target: &Target, api: &Api, file: &Path) -> Result<Crm, Refusal> {
    let field = || format!("target {}", target.id);
    let settings = RestSettings {
        target: target.id.clone(),
        url: target.url.clone(),
        allow_private: target.allow_private,
        file: file.display().to_string(),
        description: described(target, file)?,
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
