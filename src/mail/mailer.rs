//! Hands letters to a mail server.
//!
//! Invariant: `Ok` means that the server took the letter; errors never hold the recipient's address.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::address::{AddressError, Envelope};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::ExposeSecret as _;

use super::letter::Letter;
use super::settings::{MailSecurity, MailSettings, MailSettingsError};

/// Longest wait for each answer of the mail server.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Answers that speak of our own sign-in, not of the letter (RFC 4954 §6).
const ABOUT_SIGN_IN: [u16; 5] = [530, 534, 535, 538, 454];

/// Why a letter was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The server cannot be reached, is busy, or does not let us sign in; try again.
    #[error("the mail server did not take the letter now: {0}")]
    Again(String),
    /// This letter will never be taken: no such recipient, or refused content.
    #[error("the mail server refused the letter: {0}")]
    Refused(String),
}

/// Sends letters. Cheap to clone; each letter has a connection of its own.
#[derive(Debug, Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// Where the mail system sends what it could not deliver.
    returns_to: Address,
}

impl Mailer {
    /// A mailer as it is set. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// [`MailSettingsError`] when the sender cannot be read, a password would go in clear, or no encryption can be set up.
    pub fn new(settings: &MailSettings) -> Result<Self, MailSettingsError> {
        if settings.has_password_in_clear() {
            return Err(MailSettingsError::PasswordInClear);
        }
        let bad_sender = |_: AddressError| MailSettingsError::BadSender(settings.from.clone());
        let from: Mailbox = settings.from.parse().map_err(bad_sender)?;
        let returns_to = match &settings.bounces_to {
            Some(address) => address.parse().map_err(|_| MailSettingsError::BadSender(address.clone()))?,
            None => from.email.clone(),
        };
        let parameters = || {
            let mut builder = TlsParameters::builder(settings.host.clone());
            for pem in certificates(settings.ca.as_deref().unwrap_or_default()) {
                let one = Certificate::from_pem(pem.as_bytes());
                builder = builder
                    .add_root_certificate(one.map_err(|error| MailSettingsError::NoTls(error.to_string()))?);
            }
            builder.build().map_err(|error| MailSettingsError::NoTls(error.to_string()))
        };
        let tls = match settings.security {
            MailSecurity::None => Tls::None,
            MailSecurity::StartTls => Tls::Required(parameters()?),
            MailSecurity::Tls => Tls::Wrapper(parameters()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port)
            .tls(tls)
            .timeout(Some(TIMEOUT));
        if let Some((name, password)) = &settings.login {
            builder =
                builder.credentials(Credentials::new(name.clone(), password.expose_secret().to_owned()));
        }
        Ok(Self { transport: builder.build(), from, returns_to })
    }

    /// Sends one letter, dated `now`.
    ///
    /// # Errors
    ///
    /// [`MailError::Again`] when a later attempt may succeed, [`MailError::Refused`] when none will.
    pub async fn send(&self, now: Timestamp, letter: &Letter) -> Result<(), MailError> {
        let message = self.message(now, letter)?;
        self.transport.send(message).await.map(|_| ()).map_err(|error| judge(&error, &letter.to))
    }

    fn message(&self, now: Timestamp, letter: &Letter) -> Result<Message, MailError> {
        let to: Address = letter
            .to
            .parse()
            .map_err(|error: AddressError| MailError::Refused(format!("the recipient's address: {error}")))?;
        let envelope = Envelope::new(Some(self.returns_to.clone()), vec![to.clone()])
            .map_err(|error| MailError::Refused(error.to_string()))?;
        Message::builder()
            .envelope(envelope)
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject_line())
            .date(SystemTime::from(now))
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.email.domain())))
            .raw_header(plain_header("Content-Language", letter.language.tag()))
            // Keeps absence replies away (RFC 3834 §5).
            .raw_header(plain_header("Auto-Submitted", "auto-generated"))
            // Lets people sort them by a rule (RFC 2919); it is no list that anybody could leave.
            .raw_header(plain_header("List-Id", &format!("Portvakt <portvakt.{}>", self.from.email.domain())))
            .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html()))
            .map_err(|error| MailError::Refused(error.to_string()))
    }
}

/// Each certificate of a PEM file by itself.
fn certificates(pem: &str) -> impl Iterator<Item = String> + '_ {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    pem.split(BEGIN).skip(1).map(|rest| format!("{BEGIN}{rest}"))
}

fn plain_header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn judge(error: &smtp::Error, recipient: &str) -> MailError {
    // It names its cause itself, unlike the errors of reqwest.
    let said = error.to_string().replace(recipient, "the recipient");
    let is_about_us = error.status().is_some_and(|code| ABOUT_SIGN_IN.contains(&u16::from(code)));
    if error.is_permanent() && !is_about_us { MailError::Refused(said) } else { MailError::Again(said) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::language::Language;
    use crate::mail::sink::Sink;

    fn now() -> Timestamp {
        "2025-10-07T12:00:00Z".parse().unwrap()
    }

    fn letter(to: &str) -> Letter {
        Letter {
            id: uuid::Uuid::from_u128(7),
            to: to.to_owned(),
            language: Language::Sv,
            subject: "Ditt konto fryses på måndag, Åsa".to_owned(),
            text: "Hej Åsa Öhman,\n\nlogga in så ligger allt kvar: åäö ÅÄÖ.\n.\nRaden ovan är en punkt.\n"
                .to_owned(),
        }
    }

    async fn send_to(recipient: &str) -> (Result<(), MailError>, Vec<String>) {
        let sink = Sink::start();
        let settings =
            MailSettings::parse(&sink.address(), "Björkbackens portvakt <portvakt@b.example>").unwrap();
        let answer = Mailer::new(&settings).unwrap().send(now(), &letter(recipient)).await;
        (answer, sink.taken())
    }

    #[tokio::test]
    async fn a_letter_arrives_with_its_letters_date_and_language() {
        let (answer, taken) = send_to("asa@b.example").await;
        assert_eq!(answer, Ok(()));
        let [mail] = taken.as_slice() else { panic!("{} letters", taken.len()) };
        for line in [
            "To: asa@b.example",
            "Date: Tue, 07 Oct 2025 12:00:00",
            "Content-Language: sv",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: multipart/alternative;",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Type: text/html; charset=utf-8",
            "List-Id: Portvakt <portvakt.b.example>",
            "Message-ID: <00000000-0000-0000-0000-000000000007@b.example>",
        ] {
            assert!(mail.contains(line), "{line} is missing in\n{mail}");
        }
        assert!(mail.is_ascii(), "{mail}");
        let text = Sink::text_of(mail);
        assert_eq!(text.trim_end(), letter("x@y").text.trim_end());
        assert!(Sink::subject_of(mail).contains("Ditt konto fryses på måndag, Åsa"), "{mail}");
    }

    #[tokio::test]
    async fn an_unknown_recipient_is_refused_and_a_busy_server_is_asked_again() {
        let (refused, taken) = send_to("reject@b.example").await;
        assert!(
            matches!(&refused, Err(MailError::Refused(said)) if !said.contains("reject@")),
            "{refused:?}"
        );
        assert!(taken.is_empty());
        let (again, _) = send_to("later@b.example").await;
        assert!(matches!(&again, Err(MailError::Again(said)) if said.contains("451")), "{again:?}");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_asked_again_and_a_bad_address_is_not() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let settings = MailSettings::parse(&format!("smtp://{free}"), "p@b.example").unwrap();
        let mailer = Mailer::new(&settings).unwrap();
        assert!(matches!(mailer.send(now(), &letter("asa@b.example")).await, Err(MailError::Again(_))));
        assert!(matches!(mailer.send(now(), &letter("no address")).await, Err(MailError::Refused(_))));
    }

    #[tokio::test]
    async fn encryption_that_the_server_does_not_offer_sends_nothing() {
        let sink = Sink::start();
        let settings =
            MailSettings::parse(&format!("{}?tls=required", sink.address()), "p@b.example").unwrap();
        let answer = Mailer::new(&settings).unwrap().send(now(), &letter("asa@b.example")).await;
        assert!(matches!(answer, Err(MailError::Again(_))), "{answer:?}");
        assert!(sink.taken().is_empty());
    }

    #[test]
    fn a_subject_with_a_line_break_adds_no_header() {
        let settings = MailSettings::parse("smtp://127.0.0.1", "p@b.example").unwrap();
        let sly = Letter { subject: "Hej\r\nBcc: all@b.example".to_owned(), ..letter("asa@b.example") };
        let written = Mailer::new(&settings).unwrap().message(now(), &sly).unwrap().formatted();
        assert!(!String::from_utf8(written).unwrap().contains("\r\nBcc:"));
    }

    #[tokio::test]
    async fn what_cannot_be_delivered_goes_back_to_the_address_for_it() {
        let sink = Sink::start();
        let settings = MailSettings {
            bounces_to: Some("returns@b.example".to_owned()),
            ..MailSettings::parse(&sink.address(), "p@b.example").unwrap()
        };
        let mailer = Mailer::new(&settings).unwrap();
        assert_eq!(mailer.send(now(), &letter("asa@b.example")).await, Ok(()));
        assert_eq!(sink.senders(), ["returns@b.example"]);
        assert!(sink.taken()[0].contains("From: p@b.example"));
    }

    #[test]
    fn a_password_is_not_sent_in_clear_to_another_machine() {
        let settings = MailSettings::parse("smtp://a:b@mail.example?tls=none", "p@b.example").unwrap();
        assert_eq!(Mailer::new(&settings).unwrap_err(), MailSettingsError::PasswordInClear);
        let nobody = MailSettings::parse("smtp://127.0.0.1", "nobody").unwrap();
        assert!(matches!(Mailer::new(&nobody), Err(MailSettingsError::BadSender(_))));
    }
}
