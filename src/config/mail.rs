//! How notices leave the house.
//!
//! Invariant: a mail server on another machine is spoken to encrypted unless the settings say otherwise.

use jiff::civil::Time;
use reqwest::Url;

use super::address::is_loopback;
use super::mistake::Problem;
use super::reading::Section;
use super::secret::Secret;

/// The section `[mail]`.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The server's name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub security: MailSecurity,
    /// The name to sign in with.
    pub username: Option<String>,
    /// The password to sign in with.
    pub password: Option<Secret>,
    /// Certificates that the server's may be signed with, beside the system's: PEM.
    pub ca: Option<String>,
    /// Whom the notices come from.
    pub from: Mailbox,
    /// Where the mail system sends what could not be delivered; nothing: to the sender.
    pub bounces_to: Option<String>,
    /// Who is told at once that a plan has stopped. Default: who gets the digest.
    pub alerts_to: Vec<String>,
    /// Who gets the daily digest; empty: nobody.
    pub digest_to: Vec<String>,
    /// When, in the time zone of the policy. Default 07:00.
    pub digest_at: Time,
    /// Whether a digest is sent that has nothing to say. Default no.
    pub digest_empty: bool,
}

/// How the connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// Not at all.
    None,
    /// It begins in clear and must then be encrypted (RFC 3207).
    StartTls,
    /// From the first byte (RFC 8314).
    Tls,
}

/// A name and an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The name that people read.
    pub name: Option<String>,
    /// The address.
    pub address: String,
}

impl Mailbox {
    fn read(text: &str) -> Result<Self, Problem> {
        let (name, address) = match text.trim().strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
            Some((name, address)) => (Some(name.trim().trim_matches('"').to_owned()), address),
            None => (None, text),
        };
        let address = address_of(address)?;
        Ok(Self { name: name.filter(|name| !name.is_empty()), address })
    }
}

/// Reads a mail address, roughly: something, one `@`, a domain.
pub(crate) fn address_of(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let is_plausible = text.split_once('@').is_some_and(|(user, domain)| {
        let is_clean = |part: &str| {
            !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "@<>,".contains(c))
        };
        is_clean(user) && is_clean(domain)
    });
    if is_plausible {
        Ok(text.to_owned())
    } else {
        Err(Problem::new(format!("{text:?} is no mail address"), "write it as name@example.org"))
    }
}

fn server(text: &str) -> Result<Url, Problem> {
    const FIX: &str =
        "write \"smtp://host:25\", or \"smtps://host:465\" for one that is encrypted from the start";
    let url = Url::parse(text).map_err(|error| Problem::new(format!("it is no address: {error}"), FIX))?;
    if !matches!(url.scheme(), "smtp" | "smtps") || url.host_str().is_none_or(str::is_empty) {
        return Err(Problem::new("it is no address of a mail server", FIX));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let fix = "set username and password_file instead";
        return Err(Problem::new("the address holds a user name or a password", fix));
    }
    Ok(url)
}

pub(crate) fn mail(section: &Section<'_>) -> Option<Mail> {
    let url = section
        .required("smtp", "write the mail server, such as \"smtp://127.0.0.1:25\"")
        .and_then(|field| field.parse(server));
    let from = section
        .required("from", "write whom notices come from: \"Portvakt <portvakt@example.org>\"")
        .and_then(|field| field.parse(Mailbox::read));
    let username = section.text("username");
    let starttls = section.flag("starttls");
    let password = section.secret("password");
    if username.is_some() != password.is_some() {
        section.wrong("username and password belong together", "set both, or neither");
    }
    let bounces_to = section.field("bounces_to").and_then(|field| field.parse(address_of));
    let ca = section.field("ca_file").and_then(|field| field.parse(|text| certificates(section, text)));
    let addresses = |key| section.list(key).iter().filter_map(|item| item.parse(address_of)).collect();
    let digest_to: Vec<String> = addresses("digest_to");
    let alerts_to: Vec<String> = addresses("alerts_to");
    let digest_at = section.field("digest_at").and_then(|field| field.parse(time_of_day));
    let digest_empty = section.flag("digest_empty").unwrap_or(false);
    let url = url?;
    let security = match (url.scheme(), starttls) {
        ("smtps", _) => MailSecurity::Tls,
        (_, Some(false)) => MailSecurity::None,
        (_, None) if is_loopback(&url) => MailSecurity::None,
        (_, Some(true) | None) => MailSecurity::StartTls,
    };
    let usual = match security {
        MailSecurity::Tls => 465,
        MailSecurity::StartTls => 587,
        MailSecurity::None => 25,
    };
    let host = url.host_str().unwrap_or_default().to_owned();
    Some(Mail {
        host,
        port: url.port().unwrap_or(usual),
        security,
        username,
        password,
        ca,
        from: from?,
        bounces_to,
        alerts_to: if alerts_to.is_empty() { digest_to.clone() } else { alerts_to },
        digest_to,
        digest_at: digest_at.unwrap_or_else(|| jiff::civil::time(7, 0, 0, 0)),
        digest_empty,
    })
}

fn time_of_day(text: &str) -> Result<Time, Problem> {
    let is_plain = text.len() == 5 && text.as_bytes().get(2) == Some(&b':');
    let time = if is_plain { Time::strptime("%H:%M", text).ok() } else { None };
    time.ok_or_else(|| Problem::new(format!("{text:?} is no time of day"), "write it as \"07:00\""))
}

fn certificates(section: &Section<'_>, text: &str) -> Result<String, Problem> {
    let path = section.reading().path(text);
    let read = std::fs::read_to_string(&path).map_err(|error| {
        Problem::new(format!("the file cannot be read: {error}"), "name a file in PEM form")
    })?;
    if read.contains("-----BEGIN CERTIFICATE-----") {
        Ok(read)
    } else {
        Err(Problem::new("there is no certificate in the file", "name a file in PEM form"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_read_with_and_without_a_name() {
        let mailbox = Mailbox::read("Portvakt <p@b.example>").unwrap();
        assert_eq!((mailbox.name.as_deref(), mailbox.address.as_str()), (Some("Portvakt"), "p@b.example"));
        assert_eq!(Mailbox::read("p@b.example").unwrap().name, None);
        assert_eq!(time_of_day("07:30").unwrap(), jiff::civil::time(7, 30, 0, 0));
        for bad in ["7", "25:00", "07:0", "0730", "07:30:00"] {
            assert!(time_of_day(bad).is_err(), "{bad:?} was taken");
        }
        for bad in ["p", "p@", "@b", "a b@c", "P <p@b", "p@b@c"] {
            assert!(Mailbox::read(bad).is_err(), "{bad:?} was taken");
        }
    }
}
