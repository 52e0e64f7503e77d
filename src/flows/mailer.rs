//! The way to the mail server, as the settings name it.
//!
//! Invariant: without `[mail]` there is no mailer, and no step may rest on a notice.

use super::Refusal;
use crate::config::{Mail, MailSecurity};
use crate::mail;

/// The mailer of the settings. Nothing is connected yet.
///
/// # Errors
///
/// [`Refusal::Invalid`] when the mail server cannot be used as it is set.
pub fn mailer(settings: Option<&Mail>) -> Result<Option<mail::Mailer>, Refusal> {
    let Some(settings) = settings else { return Ok(None) };
    let login = settings.username.clone().zip(settings.password.as_ref());
    let sender = mail::MailSettings {
        host: settings.host.clone(),
        port: settings.port,
        security: match settings.security {
            MailSecurity::None => mail::MailSecurity::None,
            MailSecurity::StartTls => mail::MailSecurity::StartTls,
            MailSecurity::Tls => mail::MailSecurity::Tls,
        },
        login: login.map(|(name, password)| (name, password.secret_string().clone())),
        ca: settings.ca.clone(),
        from: sender(settings),
        bounces_to: settings.bounces_to.clone(),
    };
    mail::Mailer::new(&sender).map(Some).map_err(|error| Refusal::invalid("mail", error))
}

/// The sender as a header writes it; a name stands in quotes, so that no sign in it means anything (RFC 5322 §3.2.4).
fn sender(settings: &Mail) -> String {
    let from = &settings.from;
    match &from.name {
        Some(name) => {
            let plain: String = name.chars().filter(|sign| !matches!(sign, '"' | '\\')).collect();
            format!("\"{plain}\" <{}>", from.address)
        }
        None => from.address.clone(),
    }
}
