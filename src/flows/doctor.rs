//! Checks the set-up of the directories end to end, and tells what to type into the provider.
//!
//! Invariant: looks only, and changes nothing but what asking a provider for its public keys changes. Whatever cannot
//! be reached is a finding like any other.

mod guide;
mod matching;
mod sign_in;
mod traffic;

use jiff::Timestamp;
use serde::Serialize;

use super::{Parties, Ports, Refusal, clock_watch, policies};
use crate::config::{Directory, DirectoryKind, Report, Settings, Severity};
use crate::domain::days::Reading;
use crate::domain::ids::DirectoryId;
use crate::domain::language::{Language, Text};
use crate::oidc::{HttpClient, HttpLimits};
use crate::store::held_right;

pub use guide::{Instruction, guide};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// In order.
    Ok,
    /// Somebody should look at it.
    Warning,
    /// It does not work so.
    Mistake,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check's stable name.
    pub check: &'static str,
    /// The directory it is about; nothing: the house.
    pub directory: Option<DirectoryId>,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub says: Text,
    /// How to mend it.
    pub mend: Option<Text>,
}

/// A finding in one language, for programs and screens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The check's stable name.
    pub check: &'static str,
    /// The directory it is about.
    pub directory: Option<DirectoryId>,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub says: String,
    /// How to mend it.
    pub mend: Option<String>,
}

impl Finding {
    fn new(check: &'static str, level: Level, sv: impl Into<String>, en: impl Into<String>) -> Self {
        Self { check, directory: None, level, says: Text::new(sv, en), mend: None }
    }

    fn ok(check: &'static str, sv: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(check, Level::Ok, sv, en)
    }

    fn warning(check: &'static str, sv: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(check, Level::Warning, sv, en)
    }

    fn mistake(check: &'static str, sv: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(check, Level::Mistake, sv, en)
    }

    #[must_use]
    fn mend(mut self, sv: impl Into<String>, en: impl Into<String>) -> Self {
        self.mend = Some(Text::new(sv, en));
        self
    }

    #[must_use]
    fn of(mut self, directory: &DirectoryId) -> Self {
        self.directory = Some(directory.clone());
        self
    }

    /// The finding in one language.
    #[must_use]
    pub fn told(&self, language: Language) -> Told {
        Told {
            check: self.check,
            directory: self.directory.clone(),
            level: self.level,
            says: self.says.get(language).to_owned(),
            mend: self.mend.as_ref().map(|mend| mend.get(language).to_owned()),
        }
    }
}

/// What is to be said of the two files: settings and policy.
#[must_use]
pub fn of_files(report: &Report) -> Vec<Finding> {
    let mut findings: Vec<Finding> = report
        .mistakes
        .iter()
        .map(|mistake| {
            let level = match mistake.severity {
                Severity::Error => Level::Mistake,
                Severity::Warning => Level::Warning,
            };
            Finding::new("files", level, mistake.to_string(), mistake.to_string())
        })
        .collect();
    if findings.is_empty() {
        findings.push(Finding::ok(
            "files",
            "Inställningar och policy går att läsa och hänger ihop.",
            "Settings and policy can be read and fit together.",
        ));
    }
    findings
}

/// What is to be said of the address under which providers and browsers see Portvakt.
#[must_use]
pub fn of_address(settings: &Settings) -> Finding {
    let url = &settings.server.public_url;
    let is_cloud = |directory: &Directory| match directory.kind {
        DirectoryKind::Entra | DirectoryKind::Okta => true,
        DirectoryKind::Generic => false,
    };
    let level = if settings.directories.iter().any(is_cloud) { Level::Mistake } else { Level::Warning };
    let sv = "Sätt en proxy med TLS framför och skriv dess adress som server.public_url, till exempel https://portvakt.example.";
    let en = "Put a proxy with TLS before it and write that address as server.public_url, such as https://portvakt.example.";
    if url.is_loopback() {
        return Finding::new(
            "public_url",
            level,
            format!("server.public_url är {url}, som bara den här datorn når. Entra och Okta kommer inte in, och ingen annans webbläsare."),
            format!("server.public_url is {url}, which only this machine reaches. Entra and Okta cannot come in, nor anybody else's browser."),
        )
        .mend(sv, en);
    }
    if url.is_private() {
        return Finding::warning(
            "public_url",
            format!("server.public_url är {url}, en adress på ett inre nät. Entra och Okta når den inte utan hjälp."),
            format!("server.public_url is {url}, an address of an inner network. Entra and Okta do not reach it without help."),
        )
        .mend(sv, en);
    }
    if !url.is_https() {
        return Finding::mistake(
            "public_url",
            format!("server.public_url är {url}, utan TLS. Token skulle gå i klartext."),
            format!("server.public_url is {url}, without TLS. Tokens would travel in the clear."),
        )
        .mend(sv, en);
    }
    Finding::ok("public_url", format!("Adressen utåt är {url}."), format!("The public address is {url}."))
}

/// The database, which answered.
#[must_use]
pub fn database_answers(settings: &Settings) -> Finding {
    let engine = &settings.database.engine;
    Finding::ok(
        "database",
        format!("Databasen {engine} svarar och har rätt schema."),
        format!("The database {engine} answers and has the present schema."),
    )
}

/// The database, which did not.
#[must_use]
pub fn database_does_not(settings: &Settings, why: &str) -> Finding {
    let engine = &settings.database.engine;
    Finding::mistake(
        "database",
        format!("Databasen {engine} går inte att öppna: {why}"),
        format!("The database {engine} cannot be opened: {why}"),
    )
    .mend(
        "Kontrollera database.url, att servern är igång och att användaren får skriva där. Utan databas kunde resten inte kontrolleras.",
        "Check database.url, that the server runs and that the user may write there. Without it the rest could not be checked.",
    )
}

/// A SQLite database that is not there yet.
#[must_use]
pub fn database_is_not_there(settings: &Settings) -> Finding {
    let engine = &settings.database.engine;
    Finding::warning(
        "database",
        format!("Det finns ingen databas {engine} än."),
        format!("There is no database {engine} yet."),
    )
    .mend(
        "Den första `portvakt serve` skapar den. Stämmer sökvägen?",
        "The first `portvakt serve` makes it. Is the path right?",
    )
}

/// Settings that can be read and yet not be used.
#[must_use]
pub fn unusable(refusal: &Refusal) -> Finding {
    Finding::mistake(
        "files",
        format!("Inställningarna går inte att använda: {refusal}"),
        format!("The settings cannot be used: {refusal}"),
    )
}

/// What is to be said of the policy in force, against the text of the file.
pub async fn of_policy(ports: &Ports, file: Option<&str>) -> Finding {
    let known = async {
        let mut c = ports.db.read().await?;
        ports.policies.current(&mut c).await
    };
    match known.await {
        Ok(compiled) if file.is_some_and(|text| policies::hash(text) != compiled.hash) => Finding::warning(
            "policy",
            format!("Policyn version {} gäller. Filen säger något annat.", compiled.number),
            format!("Policy version {} is in force. The file says something else.", compiled.number),
        )
        .mend(
            "Ska filen gälla: portvakt policy apply FIL",
            "If the file is to be in force: portvakt policy apply FILE",
        ),
        Ok(compiled) => Finding::ok(
            "policy",
            format!("Policyn version {} gäller.", compiled.number),
            format!("Policy version {} is in force.", compiled.number),
        ),
        Err(Refusal::NoPolicy) => Finding::mistake(
            "policy",
            "Ingen policy gäller än; varje ändring från en katalog nekas.",
            "No policy is in force yet; every change from a directory is refused.",
        )
        .mend(
            "portvakt policy apply FIL, eller starta portvakt serve",
            "portvakt policy apply FILE, or start portvakt serve",
        ),
        Err(other) => unreadable("policy", &other),
    }
}

/// Whether the lifecycle acts: a policy that only observes, a clock that jumped and rights that wait keep it from that.
pub async fn of_lifecycle(ports: &Ports) -> Vec<Finding> {
    match lifecycle_findings(ports).await {
        Ok(found) => found,
        Err(Refusal::NoPolicy) => Vec::new(),
        Err(other) => vec![unreadable("lifecycle", &other)],
    }
}

async fn lifecycle_findings(ports: &Ports) -> Result<Vec<Finding>, Refusal> {
    let mut c = ports.db.read().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let now = ports.clock.now();
    let reading = |language| Reading::of(&compiled.policy, language, now);
    let mut found = Vec::new();
    let watch = super::lifecycle::watch(&mut c, &compiled.policy, now).await?;
    if let (Some(sv), Some(en)) =
        (watch.sentence(&reading(Language::Sv)), watch.sentence(&reading(Language::En)))
    {
        found.push(Finding::warning("lifecycle", sv, en));
    }
    if let Some(jump) = clock_watch::stopped(&mut c).await? {
        let (sv, en) = (jump.sentence(&reading(Language::Sv)), jump.sentence(&reading(Language::En)));
        found.push(Finding::mistake("clock", sv, en));
    }
    let waiting = held_right::all(&mut c).await?.len();
    if waiting > 0 {
        found.push(
            Finding::warning(
                "held_rights",
                format!("En katalog tar behörighet från {waiting} konton; den finns kvar tills någon godkänner."),
                format!("A directory takes rights from {waiting} accounts; they keep them until somebody releases it."),
            )
            .mend(
                "Se vad det gäller och godkänn: portvakt lifecycle plan",
                "Look at it and release it: portvakt lifecycle plan",
            ),
        );
    }
    Ok(found)
}

/// Whether the public address of a directory's SCIM leads here. Asks without a token, and so is turned away by the
/// daemon itself: that very answer says that the way is open.
pub async fn of_way_in(settings: &Settings, directory: &Directory) -> Finding {
    let url = guide::scim_url(settings, directory);
    let asked = match HttpClient::new(HttpLimits::default()) {
        Ok(client) => client.status_of(&format!("{url}/ServiceProviderConfig")).await,
        Err(error) => Err(error.to_string()),
    };
    let finding = match asked {
        Ok(401) => Finding::ok("way_in", format!("{url} leder hit."), format!("{url} leads here.")),
        Ok(status) => Finding::warning(
            "way_in",
            format!("{url} svarar {status}, och inte Portvakt själv."),
            format!("{url} answers {status}, which is not Portvakt itself."),
        ),
        Err(why) => Finding::warning(
            "way_in",
            format!("{url} svarar inte den här datorn: {why}"),
            format!("{url} does not answer this machine: {why}"),
        ),
    };
    let finding = if finding.level == Level::Ok {
        finding
    } else {
        finding.mend(
            "Är portvakt serve igång, och skickar proxyn vidare allt under /scim/ med huvudet Authorization kvar?",
            "Does portvakt serve run, and does the proxy pass on everything under /scim/ with the header Authorization?",
        )
    };
    finding.of(&directory.id)
}

/// What is to be said of a directory, from the database and from its provider.
pub async fn of_directory(ports: &Ports, directory: &Directory) -> Vec<Finding> {
    let mut findings = match super::directories::show(ports, directory.id.as_str()).await {
        Ok(standing) => traffic::findings(&standing, ports.clock.now()),
        Err(refusal) => vec![unreadable("directory", &refusal)],
    };
    match matching::findings(ports, directory).await {
        Ok(found) => findings.extend(found),
        Err(refusal) => findings.push(unreadable("groups", &refusal)),
    }
    findings.into_iter().map(|finding| finding.of(&directory.id)).collect()
}

/// What is to be said of how people sign in through a directory; asks its provider.
pub async fn of_sign_in(
    settings: &Settings,
    parties: &Parties,
    directory: &Directory,
    now: Timestamp,
) -> Finding {
    sign_in::finding(settings, parties, directory, now).await.of(&directory.id)
}

fn unreadable(check: &'static str, refusal: &Refusal) -> Finding {
    Finding::mistake(
        check,
        format!("Det gick inte att läsa i databasen: {refusal}"),
        format!("The database could not be read: {refusal}"),
    )
}
