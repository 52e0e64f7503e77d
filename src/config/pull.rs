//! What is fetched from an identity provider's own API: people, groups and sign-in times.
//!
//! Invariant: a pull that was taken names everything its kind needs.

use jiff::tz::TimeZone;

use super::address;
use super::calendar;
use super::directory::DirectoryKind;
use super::mistake::Problem;
use super::reading::Section;
use super::secret::Secret;

/// The section `[directory.pull]`.
#[derive(Debug, Clone)]
pub struct Pull {
    /// From whom, and how.
    pub from: PullFrom,
    /// When, as five cron fields. Default `0 1 * * *`.
    pub schedule: String,
    /// IANA time zone of the schedule. Default Europe/Stockholm.
    pub timezone: String,
}

/// From whom people, groups and sign-in times are fetched. Addresses have no slash at their end.
#[derive(Debug, Clone)]
pub enum PullFrom {
    /// Microsoft Graph.
    Entra {
        /// The tenant's id.
        tenant_id: String,
        /// The application's id.
        client_id: String,
        /// The application's secret.
        client_secret: Secret,
        /// Where Graph is. Default `https://graph.microsoft.com`.
        base_url: String,
        /// Where tokens are given. Default `https://login.microsoftonline.com`.
        login_url: String,
    },
    /// The Okta API.
    Okta {
        /// The organisation's own address.
        base_url: String,
        /// The API token.
        token: Secret,
    },
}

fn base(text: &str) -> Result<String, Problem> {
    address::encrypted(text).map(|url| url.as_str().trim_end_matches('/').to_owned())
}

fn refuse(section: &Section<'_>, keys: &[&str], kind: DirectoryKind) {
    for field in keys.iter().filter_map(|key| section.field(key)) {
        field.wrong(format!("this key has no meaning for the kind {:?}", kind.name()), "leave it out");
    }
}

fn entra(section: &Section<'_>) -> Option<PullFrom> {
    refuse(section, &["token", "token_file"], DirectoryKind::Entra);
    let required = |key, fix| section.required(key, fix).and_then(|field| field.text().map(str::to_owned));
    let tenant_id = required("tenant_id", "write the tenant's id, a UUID, as the Entra portal shows it");
    let client_id = required("client_id", "write the application's id, as the Entra portal shows it");
    let client_secret = section.required_secret("client_secret");
    let address = |key, default: &str| {
        let given = section.field(key).and_then(|field| field.parse(base));
        given.unwrap_or_else(|| default.to_owned())
    };
    let base_url = address("base_url", "https://graph.microsoft.com");
    let login_url = address("login_url", "https://login.microsoftonline.com");
    Some(PullFrom::Entra {
        tenant_id: tenant_id?,
        client_id: client_id?,
        client_secret: client_secret?,
        base_url,
        login_url,
    })
}

fn okta(section: &Section<'_>) -> Option<PullFrom> {
    let foreign = ["tenant_id", "client_id", "client_secret", "client_secret_file", "login_url"];
    refuse(section, &foreign, DirectoryKind::Okta);
    let base_url = section
        .required("base_url", "write the organisation's address: https://NAME.okta.com")
        .and_then(|field| field.parse(base));
    let token = section.required_secret("token");
    Some(PullFrom::Okta { base_url: base_url?, token: token? })
}

pub(crate) fn pull(section: &Section<'_>, kind: DirectoryKind) -> Option<Pull> {
    let from = match kind {
        DirectoryKind::Entra => entra(section),
        DirectoryKind::Okta => okta(section),
        DirectoryKind::Generic => {
            section.wrong(
                "a directory of the kind \"generic\" has no API to fetch from",
                "leave this section out",
            );
            None
        }
    };
    let timezone = section.text("timezone").unwrap_or_else(|| "Europe/Stockholm".to_owned());
    let zone = match section.field("timezone") {
        Some(field) => field.accept(calendar::zone(&timezone)),
        None => calendar::zone(&timezone).ok(),
    };
    let schedule = section.field("schedule").and_then(|field| {
        let checked = field.parse(|text| calendar::schedule(text, zone.clone().unwrap_or(TimeZone::UTC)));
        checked.and_then(|()| field.text().map(str::to_owned))
    });
    Some(Pull { from: from?, schedule: schedule.unwrap_or_else(|| "0 1 * * *".to_owned()), timezone })
}
