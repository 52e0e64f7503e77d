//! Whether people can sign in through a directory: its provider answers, under the issuer that the settings name.
//!
//! Invariant: one request for the provider's metadata and one for its keys, and nothing is stored.

use jiff::Timestamp;

use super::Finding;
use crate::config::{Directory, Settings};
use crate::flows::Parties;
use crate::oidc::OidcError;

pub(super) async fn finding(
    settings: &Settings,
    parties: &Parties,
    directory: &Directory,
    now: Timestamp,
) -> Finding {
    let (Some(oidc), Some(party)) = (&directory.oidc, parties.get(&directory.id)) else {
        return Finding::ok(
            "sign_in",
            "Ingen loggar in genom den här katalogen (inget avsnitt [directory.oidc]).",
            "Nobody signs in through this directory (no section [directory.oidc]).",
        );
    };
    let (issuer, claim) = (&oidc.issuer, &oidc.subject_claim);
    match party.refresh(now).await {
        Ok(()) => {
            let callback = settings.server.public_url.join("/sso/callback");
            Finding::ok(
                "sign_in",
                format!("Leverantören {issuer} svarar och kallar sig så. Personen är claimen {claim}; omdirigeringsadressen är {callback}."),
                format!("The provider {issuer} answers and calls itself so. The person is the claim {claim}; the redirect URI is {callback}."),
            )
        }
        Err(OidcError::IssuerMismatch { configured, announced, .. }) => Finding::mistake(
            "sign_in",
            format!("Leverantören kallar sig {announced}, men oidc.issuer är {configured}. Ingen kan logga in."),
            format!("The provider calls itself {announced}, but oidc.issuer is {configured}. Nobody can sign in."),
        )
        .mend(
            format!("Skriv oidc.issuer = \"{announced}\", tecken för tecken, om det är rätt leverantör."),
            format!("Write oidc.issuer = \"{announced}\", letter for letter, if that is the right provider."),
        ),
        Err(error) => Finding::mistake(
            "sign_in",
            format!("Leverantören {issuer} gick inte att fråga: {error}"),
            format!("The provider {issuer} could not be asked: {error}"),
        )
        .mend(
            format!("Når den här datorn {issuer}/.well-known/openid-configuration? Kontrollera adress, brandvägg, DNS och certifikat."),
            format!("Does this machine reach {issuer}/.well-known/openid-configuration? Check address, firewall, DNS and certificates."),
        ),
    }
}
