//! What to type into the provider, and where.
//!
//! Invariant: addresses come from the settings; no secret stands here.

use serde::Serialize;

use crate::config::{Directory, DirectoryKind, Settings};
use crate::domain::language::{Language, Text};

/// One thing to type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Instruction {
    /// Where in the provider.
    #[serde(rename = "where")]
    pub place: String,
    /// What.
    pub what: String,
}

/// What to type into the provider of a directory, in the order it is asked for.
#[must_use]
pub fn guide(settings: &Settings, directory: &Directory, language: Language) -> Vec<Instruction> {
    let mut steps = match directory.kind {
        DirectoryKind::Entra => entra(settings, directory),
        DirectoryKind::Okta => okta(settings, directory),
        DirectoryKind::Generic => generic(settings, directory),
    };
    steps.extend(sign_in(settings, directory));
    steps
        .into_iter()
        .map(|(place, what)| Instruction {
            place: place.get(language).to_owned(),
            what: what.get(language).to_owned(),
        })
        .collect()
}

pub(super) fn scim_url(settings: &Settings, directory: &Directory) -> String {
    settings.server.public_url.join(&format!("/scim/v2/{}", directory.id))
}

fn same(text: impl Into<String>) -> Text {
    let text = text.into();
    Text::new(text.clone(), text)
}

fn token_command(directory: &Directory) -> Text {
    let id = &directory.id;
    Text::new(
        format!("det som `portvakt directory token create {id}` skriver ut"),
        format!("what `portvakt directory token create {id}` prints"),
    )
}

fn client_command(directory: &Directory) -> Text {
    let id = &directory.id;
    Text::new(
        format!("client_id och client_secret från `portvakt directory client create {id}`"),
        format!("client_id and client_secret from `portvakt directory client create {id}`"),
    )
}

fn entra(settings: &Settings, directory: &Directory) -> Vec<(Text, Text)> {
    let url = scim_url(settings, directory);
    vec![
        (
            Text::new("Två program i Entra (Enterprise apps)", "Two applications in Entra (Enterprise apps)"),
            Text::new(
                "ett för inloggning, ett för provisionering; båda utanför galleriet (non-gallery)",
                "one for sign-in, one for provisioning; both non-gallery",
            ),
        ),
        (same("Provisioning → New configuration → Tenant URL"), same(url.clone())),
        (
            Text::new(
                "… antingen: OAuth token endpoint (credentials sent: Header)",
                "… either: OAuth token endpoint (credentials sent: Header)",
            ),
            same(format!("{url}/token")),
        ),
        (same("… Client ID, Client Secret"), client_command(directory)),
        (Text::new("… eller: Secret token", "… or: Secret token"), token_command(directory)),
        (
            Text::new("Attribute mapping → personer → externalId", "Attribute mapping → users → externalId"),
            Text::new(
                "källa: objectId (inte mailNickname); Match objects using this attribute: Yes, precedence 1",
                "source: objectId (not mailNickname); Match objects using this attribute: Yes, precedence 1",
            ),
        ),
        (
            Text::new("Attribute mapping → grupper → externalId", "Attribute mapping → groups → externalId"),
            Text::new("källa: objectId, som det redan är", "source: objectId, as it is already"),
        ),
        (
            same("Users and groups"),
            Text::new(
                "grupperna som policyns regler nämner; medlemmar i grupper inuti grupper följer inte med",
                "the groups that the policy's rules name; members of groups within groups do not come along",
            ),
        ),
    ]
}

fn okta(settings: &Settings, directory: &Directory) -> Vec<(Text, Text)> {
    let url = scim_url(settings, directory);
    vec![
        (
            Text::new("Två program i Okta (Applications)", "Two applications in Okta (Applications)"),
            Text::new(
                "ett för inloggning (OIDC), ett för provisionering: SCIM 2.0 Test App (OAuth Bearer Token)",
                "one for sign-in (OIDC), one for provisioning: SCIM 2.0 Test App (OAuth Bearer Token)",
            ),
        ),
        (same("Provisioning → Configure API Integration → Base URL"), same(url)),
        (same("… OAuth Bearer Token"), token_command(directory)),
        (
            Text::new(
                "… Unique identifier field, där det frågas efter",
                "… Unique identifier field, where it is asked for",
            ),
            same("userName"),
        ),
        (same("To App"), same("Create Users, Update User Attributes, Deactivate Users")),
        (
            same("Attribute Mappings → externalId"),
            same("user.getInternalProperty(\"id\")  (create and update)"),
        ),
        (
            same("Push Groups"),
            Text::new(
                "grupperna som reglerna nämner med group_name (inte dem som personerna tilldelas genom); Okta skickar inget eget id för en grupp",
                "the groups that rules name by group_name (not those that people are assigned through); Okta sends no id of its own for a group",
            ),
        ),
    ]
}

fn generic(settings: &Settings, directory: &Directory) -> Vec<(Text, Text)> {
    let url = scim_url(settings, directory);
    vec![
        (Text::new("SCIM-adress (base URL)", "SCIM address (base URL)"), same(url.clone())),
        (Text::new("Bearer-token", "Bearer token"), token_command(directory)),
        (
            Text::new(
                "… eller OAuth 2.0 client credentials: token-adress",
                "… or OAuth 2.0 client credentials: token address",
            ),
            same(format!("{url}/token")),
        ),
        (Text::new("… klient", "… client"), client_command(directory)),
        (
            same("externalId"),
            Text::new(
                "samma värde som inloggningens token bär om personen",
                "the value that the sign-in's token carries for the person",
            ),
        ),
    ]
}

fn sign_in(settings: &Settings, directory: &Directory) -> Vec<(Text, Text)> {
    let Some(oidc) = &directory.oidc else { return Vec::new() };
    let url = |path: &str| same(settings.server.public_url.join(path));
    let claim = &oidc.subject_claim;
    vec![
        (
            Text::new(
                "Inloggning: omdirigeringsadress (Redirect URI, typ Web)",
                "Sign-in: redirect URI (type Web)",
            ),
            url("/sso/callback"),
        ),
        (Text::new("Inloggning: efter utloggning", "Sign-in: after logout"), url("/sso/signed-out")),
        (
            Text::new(
                "Inloggning: back-channel logout, där det finns",
                "Sign-in: back-channel logout, where there is one",
            ),
            url(&format!("/sso/backchannel-logout/{}", directory.id)),
        ),
        (
            Text::new("Inloggning: claim som är personen", "Sign-in: the claim that is the person"),
            Text::new(
                format!("{claim} = SCIM {}", oidc.subject_is.name()),
                format!("{claim} = SCIM {}", oidc.subject_is.name()),
            ),
        ),
    ]
}
