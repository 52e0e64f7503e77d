//! Where mail is handed over.
//!
//! Invariant: a mail server on another machine is spoken to encrypted unless somebody expressly said otherwise;
//! a password is never sent in clear.

use std::net::IpAddr;

use reqwest::Url;
use secrecy::SecretString;

/// How the connection to the mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// Not at all.
    None,
    /// It begins in clear and must then be encrypted (RFC 3207).
    StartTls,
    /// From the first byte (RFC 8314).
    Tls,
}

/// What the mailer needs.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// The mail server's name or number.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub security: MailSecurity,
    /// Name and password to sign in with.
    pub login: Option<(String, SecretString)>,
    /// Certificates that the server's may be signed with, beside the system's: PEM.
    pub ca: Option<String>,
    /// Whom letters come from: `Portvakt <portvakt@example.org>`.
    pub from: String,
    /// Where the mail system sends what it could not deliver; nothing: to whom they come from.
    pub bounces_to: Option<String>,
}

/// Why an address is no mail server. Never repeats the address: it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailSettingsError {
    /// It cannot be read.
    #[error("the mail server is no address: {0}; write smtp://host:587 or smtps://host:465")]
    NoAddress(String),
    /// Another scheme, or no host.
    #[error("the mail server must be smtp://host or smtps://host")]
    NotSmtp,
    /// An unknown parameter or value.
    #[error("the mail server's address knows only ?tls=required and ?tls=none")]
    UnknownParameter,
    /// A name without a password, or a part that cannot be decoded.
    #[error("the mail server's address needs both name and password, percent-encoded, or neither")]
    HalfLogin,
    /// A password for an unencrypted connection to another machine.
    #[error("a password would be sent in clear; use smtps:// or ?tls=required")]
    PasswordInClear,
    /// The sender cannot be read.
    #[error("{0:?} is no sender; write \"Portvakt <portvakt@example.org>\"")]
    BadSender(String),
    /// The system's certificates cannot be used.
    #[error("mail cannot be encrypted: {0}")]
    NoTls(String),
}

impl MailSettings {
    /// Reads `smtp://` or `smtps://`, with `user:password@` (percent-encoded) and `?tls=required` or `?tls=none`.
    ///
    /// Without `tls`, `smtp://` is in clear to this machine and must be encrypted to any other.
    /// Without a port: 465 from the first byte, 587 with STARTTLS, 25 in clear.
    ///
    /// # Errors
    ///
    /// [`MailSettingsError`] when a part of it has no meaning.
    pub fn parse(address: &str, from: &str) -> Result<Self, MailSettingsError> {
        let url = Url::parse(address).map_err(|error| MailSettingsError::NoAddress(error.to_string()))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(MailSettingsError::NotSmtp)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let security = security(&url, is_this_machine(&host))?;
        let usual = match security {
            MailSecurity::Tls => 465,
            MailSecurity::StartTls => 587,
            MailSecurity::None => 25,
        };
        let port = url.port().unwrap_or(usual);
        Ok(Self {
            host,
            port,
            security,
            login: login(&url)?,
            ca: None,
            from: from.to_owned(),
            bounces_to: None,
        })
    }

    /// Whether name and password would cross the network in clear.
    pub(crate) fn has_password_in_clear(&self) -> bool {
        self.security == MailSecurity::None && self.login.is_some() && !is_this_machine(&self.host)
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn security(url: &Url, is_near: bool) -> Result<MailSecurity, MailSettingsError> {
    let mut wish = None;
    for (name, value) in url.query_pairs() {
        wish = match (name.as_ref(), value.as_ref()) {
            ("tls", "required") => Some(MailSecurity::StartTls),
            ("tls", "none") => Some(MailSecurity::None),
            _ => return Err(MailSettingsError::UnknownParameter),
        };
    }
    match (url.scheme(), wish) {
        ("smtps", None | Some(MailSecurity::StartTls | MailSecurity::Tls)) => Ok(MailSecurity::Tls),
        ("smtps", Some(MailSecurity::None)) => Err(MailSettingsError::UnknownParameter),
        ("smtp", Some(wish)) => Ok(wish),
        ("smtp", None) if is_near => Ok(MailSecurity::None),
        ("smtp", None) => Ok(MailSecurity::StartTls),
        _ => Err(MailSettingsError::NotSmtp),
    }
}

fn login(url: &Url) -> Result<Option<(String, SecretString)>, MailSettingsError> {
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(MailSettingsError::HalfLogin),
        (name, Some(password)) => {
            let decoded = |text| decode(text).ok_or(MailSettingsError::HalfLogin);
            Ok(Some((decoded(name)?, SecretString::from(decoded(password)?))))
        }
    }
}

/// Undoes percent-encoding (RFC 3986 §2.1); nothing when it is broken or no UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(piece.get(..2)?, 16).ok()?);
        bytes.extend_from_slice(piece.get(2..)?.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(address: &str) -> Result<(String, u16, MailSecurity), MailSettingsError> {
        MailSettings::parse(address, "p@b.example").map(|read| (read.host, read.port, read.security))
    }

    #[test]
    fn another_machine_is_spoken_to_encrypted_unless_said_otherwise() {
        let is = |address, host: &str, port, security| {
            assert_eq!(read(address), Ok((host.to_owned(), port, security)));
        };
        is("smtp://127.0.0.1:2525", "127.0.0.1", 2525, MailSecurity::None);
        is("smtp://[::1]", "::1", 25, MailSecurity::None);
        is("smtp://mail.example", "mail.example", 587, MailSecurity::StartTls);
        is("smtp://mail.example:25?tls=none", "mail.example", 25, MailSecurity::None);
        is("smtp://localhost?tls=required", "localhost", 587, MailSecurity::StartTls);
        is("smtps://mail.example", "mail.example", 465, MailSecurity::Tls);
    }

    #[test]
    fn name_and_password_are_decoded_and_never_shown() {
        let settings =
            MailSettings::parse("smtps://anna%40b.example:p%25%C3%A5@mail.example", "p@b.example").unwrap();
        let (name, password) = settings.login.clone().unwrap();
        assert_eq!((name.as_str(), password.expose_secret()), ("anna@b.example", "p%å"));
        assert!(!format!("{settings:?}").contains("p%å"));
        for bad in
            ["smtps://anna@mail.example", "smtps://anna:%zz@mail.example", "smtps://anna:%F@mail.example"]
        {
            assert_eq!(read(bad), Err(MailSettingsError::HalfLogin), "{bad}");
        }
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        assert_eq!(read("https://mail.example"), Err(MailSettingsError::NotSmtp));
        assert_eq!(read("smtp://mail.example?tls=perhaps"), Err(MailSettingsError::UnknownParameter));
        assert_eq!(read("smtps://mail.example?tls=none"), Err(MailSettingsError::UnknownParameter));
        assert!(matches!(read("mail.example"), Err(MailSettingsError::NoAddress(_))));
    }
}
