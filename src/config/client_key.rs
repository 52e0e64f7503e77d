//! The key that Portvakt proves itself with to a provider (RFC 7523 §2.2), instead of a secret.
//!
//! Invariant: the text of the key is a secret like any other. Whether it is a key is found out when it is first taken
//! up, at the start.

use super::directory::DirectoryKind;
use super::reading::Section;
use super::secret::Secret;

/// A private key as the settings name it.
#[derive(Debug, Clone)]
pub struct ClientKey {
    /// PEM: the private key, and beside it perhaps the certificate that the provider knows it by.
    pub pem: Secret,
    /// The name that the provider knows it by (`kid`).
    pub id: Option<String>,
    /// The signature; nothing: RS256, ES256, ES384 or `EdDSA`, as the key is.
    pub algorithm: Option<String>,
    /// Whom the assertion is addressed to. Default the token endpoint for Entra and Okta, else the issuer.
    pub audience: Audience,
}

/// Whom an assertion is addressed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The issuer (RFC 7523 as FAPI 2.0 reads it).
    Issuer,
    /// The token endpoint (OpenID Connect Core §9).
    TokenEndpoint,
}

impl Audience {
    const ALL: [Self; 2] = [Self::Issuer, Self::TokenEndpoint];

    /// The name in the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::TokenEndpoint => "token_endpoint",
        }
    }
}

/// Signatures that a client key can make.
const ALGORITHMS: [&str; 5] = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];

pub(crate) fn client_key(section: &Section<'_>, kind: DirectoryKind) -> Option<ClientKey> {
    let pem = section.secret("client_key");
    let id = section.text("client_key_id");
    let algorithm =
        section.field("client_key_algorithm").and_then(|field| field.choice(&ALGORITHMS, |name| name));
    let audience = section
        .field("client_assertion_audience")
        .and_then(|field| field.choice(&Audience::ALL, Audience::name));
    let usual = match kind {
        DirectoryKind::Entra | DirectoryKind::Okta => Audience::TokenEndpoint,
        DirectoryKind::Generic => Audience::Issuer,
    };
    let Some(pem) = pem else {
        let has_key = section.field("client_key").is_some() || section.field("client_key_file").is_some();
        for key in ["client_key_id", "client_key_algorithm", "client_assertion_audience"] {
            if let Some(field) = section.field(key).filter(|_| !has_key) {
                field.wrong(
                    "it says something of a key, and there is none",
                    "set client_key_file, or leave it out",
                );
            }
        }
        return None;
    };
    Some(ClientKey { pem, id, algorithm: algorithm.map(str::to_owned), audience: audience.unwrap_or(usual) })
}
