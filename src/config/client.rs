//! The CRMs that sign people in through Portvakt.
//!
//! Invariant: where a code may be sent is listed address by address and compared exactly
//! (RFC 9700 §2.1). A client without a secret says that it is public, and then proves itself by PKCE.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use reqwest::Url;

use super::address;
use super::directory::report_doubles;
use super::field::Field;
use super::mistake::Problem;
use super::reading::Section;
use super::requirement::requirement;
use super::secret::Secret;
use super::target::reachable;
use crate::domain::client::{Claim, Requirement, Scope};
use crate::domain::ids::ClientId;

/// The shortest secret that nobody guesses, in bytes.
const SHORTEST_SECRET: usize = 24;

/// One `[[client]]`.
#[derive(Debug, Clone)]
pub struct Client {
    /// The client id of OpenID Connect.
    pub id: ClientId,
    /// As people read it. Default the id.
    pub name: String,
    /// What proves that it is the client: the present one, and the former while the CRM changes over. None: public.
    pub secrets: Vec<Secret>,
    /// Where a code may be sent; compared exactly.
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after signing out; compared exactly.
    pub post_logout_redirect_uris: Vec<String>,
    /// Where the client is told that a session has ended (OpenID Connect Back-Channel Logout 1.0).
    pub backchannel_logout_uri: Option<Url>,
    /// Whether that address may lead to this machine or to one that the internet cannot reach.
    pub allow_private: bool,
    /// Under which `sub` it knows people.
    pub subject: SubjectKind,
    /// What its ID tokens are signed with.
    pub algorithm: TokenAlgorithm,
    /// What it may ask for; always with `openid`.
    pub scopes: BTreeSet<Scope>,
    /// What it is told whatever it asked for.
    pub claims: BTreeSet<Claim>,
    /// Whether it must prove by PKCE that it asked for the code. Default yes; always for a public client.
    pub require_pkce: bool,
    /// What a person must hold to enter at all.
    pub requires: Option<Requirement>,
    /// Origins whose pages may ask for tokens and userinfo from the browser (CORS).
    pub origins: Vec<String>,
    /// How long an access token is good for. Default ten minutes.
    pub token_life: SignedDuration,
}

/// Under which `sub` a client knows people (OpenID Connect Core §8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectKind {
    /// The account's id, which the webhook carries too.
    Public,
    /// Another one in each sector, so that two CRMs cannot compare notes.
    Pairwise {
        /// Clients of one sector know a person under one `sub`.
        sector: String,
    },
}

impl Client {
    /// Whether it has no secret.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.secrets.is_empty()
    }
}

/// What tokens are signed with (RFC 7518 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenAlgorithm {
    /// RSA: what every client knows.
    Rs256,
    /// ECDSA on P-256: shorter and quicker.
    Es256,
}

impl TokenAlgorithm {
    const ALL: [Self; 2] = [Self::Rs256, Self::Es256];

    /// The name in the settings, and in the `alg` header.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// Reads an address and keeps it as it was written, because it is compared exactly.
fn exact(field: &Field<'_>) -> Option<String> {
    let text = field.text()?;
    let url = field.accept(address::web(text))?;
    if url.scheme() == "http" && !address::is_loopback(&url) {
        field.doubtful("plain http lets others read what is sent here", "use https");
    }
    Some(text.to_owned())
}

/// Reads an origin (RFC 6454 §6.2).
fn origin(text: &str) -> Result<String, Problem> {
    let url = address::encrypted(text)?;
    let origin = url.origin().ascii_serialization();
    if origin == text {
        return Ok(origin);
    }
    Err(Problem::new(
        format!("{text:?} is no origin as browsers write it"),
        format!("write {origin:?}: scheme, host and port, and no slash at the end"),
    ))
}

fn redirect_uris(section: &Section<'_>) -> Vec<String> {
    let fix = "list the addresses where the CRM takes its codes: [\"https://crm.example/callback\"]";
    let Some(field) = section.required("redirect_uris", fix) else { return Vec::new() };
    let items = field.items();
    if items.is_empty() {
        field.wrong("it lists no address", fix);
    }
    items.iter().filter_map(exact).collect()
}

/// The secrets of a client; nothing where they cannot be as they are set.
fn secrets(section: &Section<'_>) -> Option<Vec<Secret>> {
    let is_public = section.flag("public").unwrap_or(false);
    let (present, former) = (section.secret("secret"), section.secret("former_secret"));
    if is_public {
        for key in ["secret", "secret_file", "former_secret", "former_secret_file"] {
            if let Some(field) = section.field(key) {
                field.wrong("a public client has no secret", "leave it out, or take public = true away");
            }
        }
        return Some(Vec::new());
    }
    let has_one = ["secret", "secret_file"].iter().any(|key| section.field(key).is_some());
    if !has_one {
        let fix =
            "set secret_file to the file that holds it; for a program that can keep none, public = true";
        section.missing("secret", fix);
    }
    let present = present?;
    for secret in [Some(&present), former.as_ref()].into_iter().flatten() {
        if secret.expose().len() < SHORTEST_SECRET {
            let fix = "take at least 24 random characters: openssl rand -base64 32";
            section.wrong("the secret is short enough to be guessed", fix);
        }
    }
    Some(std::iter::once(present).chain(former).collect())
}

fn subject(section: &Section<'_>, redirect_uris: &[String]) -> Option<SubjectKind> {
    let is_pairwise = match section.field("subject") {
        Some(field) => field.choice(&[false, true], |is| if is { "pairwise" } else { "public" })?,
        None => false,
    };
    let sector = section.field("sector");
    if !is_pairwise {
        if let Some(field) = sector {
            field.wrong("a sector goes with subject = \"pairwise\" only", "leave it out");
        }
        return Some(SubjectKind::Public);
    }
    if let Some(field) = sector {
        return field.text().map(|text| SubjectKind::Pairwise { sector: text.to_owned() });
    }
    let hosts: BTreeSet<String> = redirect_uris
        .iter()
        .filter_map(|uri| address::web(uri).ok()?.host_str().map(str::to_owned))
        .collect();
    let mut hosts = hosts.into_iter();
    match (hosts.next(), hosts.next()) {
        (Some(sector), None) => Some(SubjectKind::Pairwise { sector }),
        (None, _) => None,
        (Some(_), Some(_)) => {
            // OpenID Connect Core §8.1: with several hosts the sector must be told.
            section.missing("sector", "the redirect addresses have several hosts: name what they belong to");
            None
        }
    }
}

fn scopes(section: &Section<'_>) -> BTreeSet<Scope> {
    let Some(field) = section.field("scopes") else { return Scope::ALL.iter().copied().collect() };
    let chosen = field.items().iter().filter_map(|item| item.choice(Scope::ALL, Scope::name)).collect();
    let scopes: BTreeSet<Scope> = chosen;
    if !scopes.contains(&Scope::OpenId) {
        field.wrong(
            "\"openid\" is lacking",
            "add it: without it there is no sign-in (OpenID Connect Core §3.1.2.1)",
        );
    }
    scopes
}

fn claims(section: &Section<'_>) -> BTreeSet<Claim> {
    match section.field("claims") {
        Some(field) => field.items().iter().filter_map(|item| item.choice(Claim::ALL, Claim::name)).collect(),
        None => Claim::RIGHTS.into(),
    }
}

fn require_pkce(section: &Section<'_>, is_public: bool) -> bool {
    let is_required = section.flag("require_pkce").unwrap_or(true);
    if !is_required
        && is_public
        && let Some(field) = section.field("require_pkce")
    {
        field
            .wrong("a public client has nothing else to prove itself with", "leave it out (RFC 9700 §2.1.1)");
    }
    is_required
}

fn origins(section: &Section<'_>, is_public: bool) -> Vec<String> {
    let Some(field) = section.field("origins") else { return Vec::new() };
    if !is_public {
        field.wrong(
            "only a public client asks from within a browser",
            "leave it out: a secret in a page is none",
        );
    }
    field.items().iter().filter_map(|item| item.parse(origin)).collect()
}

fn token_life(section: &Section<'_>) -> SignedDuration {
    let default = SignedDuration::from_mins(10);
    let Some(field) = section.field("token_life") else { return default };
    let Some(life) = field.duration() else { return default };
    if life < SignedDuration::from_secs(30) || life > SignedDuration::from_hours(1) {
        field.wrong("an access token is to be good for 30 seconds to an hour", "write for example \"10m\"");
    }
    life
}

fn client(section: &Section<'_>) -> Option<Client> {
    let id = section
        .required("id", "write the client id that the CRM uses")
        .and_then(|field| field.parse(|text| ClientId::parse(text).map_err(Problem::from)));
    let secrets = secrets(section);
    let redirect_uris = redirect_uris(section);
    let post_logout_redirect_uris =
        section.list("post_logout_redirect_uris").iter().filter_map(exact).collect();
    let allow_private = section.flag("allow_private");
    let told = section.field("backchannel_logout_uri").map(|field| reachable(&field, allow_private));
    let subject = subject(section, &redirect_uris);
    let algorithm = match section.field("algorithm") {
        Some(field) => field.choice(&TokenAlgorithm::ALL, TokenAlgorithm::name),
        None => Some(TokenAlgorithm::Rs256),
    };
    let is_public = secrets.as_ref().is_some_and(Vec::is_empty);
    let (scopes, claims) = (scopes(section), claims(section));
    let require_pkce = require_pkce(section, is_public);
    let requires = requirement(section);
    let origins = origins(section, is_public);
    let token_life = token_life(section);
    let name = section.text("name");
    let (backchannel_logout_uri, allow_private) = match told {
        Some(told) => told.map(|(url, may)| (Some(url), may))?,
        None => (None, false),
    };
    let id = id?;
    Some(Client {
        name: name.unwrap_or_else(|| id.to_string()),
        id,
        secrets: secrets?,
        redirect_uris,
        post_logout_redirect_uris,
        backchannel_logout_uri,
        allow_private,
        subject: subject?,
        algorithm: algorithm?,
        scopes,
        claims,
        require_pkce,
        requires,
        origins,
        token_life,
    })
}

pub(crate) fn clients(root: &Section<'_>) -> Vec<Client> {
    let sections = root.each("client");
    report_doubles(&sections, "client");
    sections.iter().filter_map(client).collect()
}
