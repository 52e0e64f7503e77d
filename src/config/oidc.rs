//! How people sign in through a directory: OpenID Connect.
//!
//! Invariant: the issuer is kept byte for byte, because it must equal the token's `iss`
//! (OpenID Connect Core §3.1.3.7).

use jiff::SignedDuration;
use uuid::Uuid;

use super::address;
use super::asking::{self, Asking};
use super::client_key::{self, ClientKey};
use super::directory::DirectoryKind;
use super::field::Field;
use super::mistake::Problem;
use super::reading::Section;
use super::secret::Secret;

/// The section `[directory.oidc]`.
#[derive(Debug, Clone)]
pub struct DirectoryOidc {
    /// The issuer, byte for byte.
    pub issuer: String,
    /// The name under which the directory knows Portvakt.
    pub client_id: String,
    /// What proves it; nothing for a public client.
    pub client_secret: Option<Secret>,
    /// The key that proves it instead of a secret.
    pub client_key: Option<ClientKey>,
    /// What becomes of somebody whom the directory has not told of. Default match.
    pub jit: Jit,
    /// The claim of the ID token that names the person. Default `oid` for Entra, else `sub`.
    pub subject_claim: String,
    /// Which part of the SCIM identity that claim equals. Default the externalId.
    pub subject_is: SubjectIs,
    /// What is asked for; empty: `openid profile email`, and `groups` where the provider announces it.
    pub scopes: Vec<String>,
    /// Entra tenants (`tid`) whose people may sign in; empty: the one that the issuer names.
    pub tenants: Vec<String>,
    /// The claim that lists groups. Default `groups`.
    pub groups_claim: String,
    /// What stands between the groups where they come joined in one text.
    pub groups_separator: Option<String>,
    /// Whether userinfo is asked for what the ID token lacks. Default yes.
    pub userinfo: bool,
    /// Names of the signatures that are believed, such as `RS256`; empty: the usual ones.
    pub algorithms: Vec<String>,
    /// How far the two clocks may differ. Default 60 seconds.
    pub leeway: SignedDuration,
    /// What the provider is asked for at each sign-in.
    pub asking: Asking,
}

/// What becomes of a subject that signs in for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Jit {
    /// A person ties it to an account, always.
    Off,
    /// It is tied to whom the directory told of under the immutable id; anybody else waits for a person.
    Match,
    /// As `Match`; whom the directory did not tell of gets an account, unless the name or address is known already.
    Create,
}

impl Jit {
    const ALL: [Self; 3] = [Self::Off, Self::Match, Self::Create];

    /// The name in the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Match => "match",
            Self::Create => "create",
        }
    }
}

/// The part of the SCIM identity that the subject claim equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubjectIs {
    /// The SCIM externalId.
    ExternalId,
    /// The userName; only where the provider never gives a name to somebody else.
    UserName,
    /// The id that Portvakt issued.
    Id,
}

impl SubjectIs {
    const ALL: [Self; 3] = [Self::ExternalId, Self::UserName, Self::Id];

    /// The name in the settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ExternalId => "externalId",
            Self::UserName => "userName",
            Self::Id => "id",
        }
    }
}

/// Signatures that Portvakt can verify (RFC 7518 §3.1, RFC 8037 §3.1); neither `none` nor a shared secret.
const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// Claims that people or administrators of a tenant can set as they like.
const NEVER_A_KEY: [&str; 7] =
    ["email", "upn", "unique_name", "preferred_username", "name", "nickname", "verified_primary_email"];

fn issuer(text: &str) -> Result<String, Problem> {
    if text.contains(['<', '>', '…']) {
        return Err(Problem::new(
            format!("{text:?} still holds a placeholder"),
            "replace it with what the identity provider shows, such as the tenant's id",
        ));
    }
    let url = address::encrypted(text)?;
    if url.query().is_some() {
        return Err(Problem::new(
            format!("{text:?} has a query"),
            "an issuer has none (OpenID Connect Discovery §3)",
        ));
    }
    Ok(text.to_owned())
}

/// Whether an issuer of Entra names one tenant in its path, and not every tenant there is.
fn names_a_tenant(issuer: &str) -> bool {
    let url = address::web(issuer).ok();
    let first = url.as_ref().and_then(|url| url.path_segments()?.next());
    first.is_some_and(|first| Uuid::try_parse(first).is_ok())
}

fn tenant(text: &str) -> Result<String, Problem> {
    Uuid::try_parse(text).map(|tenant| tenant.to_string()).map_err(|_| {
        Problem::new(
            format!("{text:?} is no tenant id"),
            "write the tenant's id, a UUID, as the Entra portal shows it",
        )
    })
}

fn subject_claim(section: &Section<'_>, kind: DirectoryKind) -> String {
    let default = match kind {
        DirectoryKind::Entra => "oid",
        DirectoryKind::Okta | DirectoryKind::Generic => "sub",
    };
    let Some(field) = section.field("subject_claim") else { return default.to_owned() };
    let claim = field.text().unwrap_or(default);
    if NEVER_A_KEY.contains(&claim) {
        field.wrong(
            format!("{claim:?} can be changed or be given to somebody else"),
            format!("name a claim that never changes, such as {default:?}"),
        );
    }
    claim.to_owned()
}

fn leeway(section: &Section<'_>) -> Option<SignedDuration> {
    let field = section.field("leeway")?;
    let leeway = field.duration()?;
    if leeway > SignedDuration::from_mins(5) {
        field.wrong(
            "clocks that differ by more than five minutes are not to be trusted",
            "write at most \"5m\"",
        );
    }
    Some(leeway)
}

pub(crate) fn oidc(section: &Section<'_>, kind: DirectoryKind) -> Option<DirectoryOidc> {
    let issuer_field =
        section.required("issuer", "write the issuer exactly as the identity provider shows it");
    let issuer = issuer_field.as_ref().and_then(|field| field.parse(issuer));
    let client_id = section
        .required("client_id", "write the client id that the identity provider gave Portvakt")
        .and_then(|field| field.text().map(str::to_owned));
    let subject_is =
        section.field("subject_is").and_then(|field| field.choice(&SubjectIs::ALL, SubjectIs::name));
    let scopes = section.texts("scopes");
    if let Some(field) = section.field("scopes").filter(|_| !scopes.iter().any(|scope| scope == "openid")) {
        field.wrong(
            "\"openid\" is lacking",
            "add it: without it there is no sign-in (OpenID Connect Core §3.1.2.1)",
        );
    }
    let chosen = |item: &Field<'_>| item.choice(&ALGORITHMS, |name| name).map(str::to_owned);
    let algorithms = section.list("algorithms").iter().filter_map(chosen).collect();
    let tenants: Vec<String> = section.list("tenants").iter().filter_map(|item| item.parse(tenant)).collect();
    if let (Some(field), Some(issuer)) = (&issuer_field, &issuer)
        && kind == DirectoryKind::Entra
        && tenants.is_empty()
        && !names_a_tenant(issuer)
    {
        field.wrong(
            "the issuer names no tenant of Entra",
            "write https://login.microsoftonline.com/TENANT-ID/v2.0, or list the tenants",
        );
    }
    let client_secret = section.secret("client_secret");
    let client_key = client_key::client_key(section, kind);
    if client_secret.is_some() && client_key.is_some() {
        section
            .wrong("client_secret and client_key are both set", "keep one of them; the key is the safer one");
    }
    let jit = jit(section, subject_is);
    let asking = asking::asking(section);
    let subject_claim = subject_claim(section, kind);
    let groups_claim = section.text("groups_claim").unwrap_or_else(|| "groups".to_owned());
    let groups_separator = section.field("groups_separator").and_then(|field| field.raw_text());
    let userinfo = section.flag("userinfo").unwrap_or(true);
    let leeway = leeway(section).unwrap_or(SignedDuration::from_mins(1));
    Some(DirectoryOidc {
        issuer: issuer?,
        client_id: client_id?,
        client_secret,
        client_key,
        jit,
        subject_claim,
        subject_is: subject_is.unwrap_or(SubjectIs::ExternalId),
        scopes,
        tenants,
        groups_claim,
        groups_separator,
        userinfo,
        algorithms,
        leeway,
        asking,
    })
}

fn jit(section: &Section<'_>, subject_is: Option<SubjectIs>) -> Jit {
    let Some(field) = section.field("jit") else { return Jit::Match };
    let jit = field.choice(&Jit::ALL, Jit::name).unwrap_or(Jit::Match);
    if jit == Jit::Create && subject_is == Some(SubjectIs::Id) {
        field.wrong(
            "an account cannot be made from an id that Portvakt itself issues",
            "leave out subject_is, or write jit = \"match\"",
        );
    }
    jit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_issuer_with_an_id_in_its_path_names_a_tenant() {
        assert!(names_a_tenant(
            "https://login.microsoftonline.com/6f0e8a1c-0000-4000-8000-000000000001/v2.0"
        ));
        assert!(!names_a_tenant("https://login.microsoftonline.com/common/v2.0"));
    }

    #[test]
    fn an_issuer_keeps_its_slash_and_loses_to_a_placeholder() {
        assert_eq!(issuer("https://id.example/").unwrap(), "https://id.example/");
        assert!(issuer("https://login.microsoftonline.com/<tenant>/v2.0").is_err());
        assert!(issuer("http://id.example").is_err());
    }
}
