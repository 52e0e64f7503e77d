//! Notices by mail, in Swedish and English.
//!
//! Invariant: plain text and the same as HTML, one recipient a letter; a letter that was not taken by the mail server is an error,
//! because no step of the lifecycle may rest on a notice that was never sent.

pub mod bounce;
mod letter;
mod mailer;
pub mod notice;
mod page;
mod settings;

#[cfg(test)]
mod sink;

pub use letter::Letter;
pub use mailer::{MailError, Mailer};
pub use settings::{MailSecurity, MailSettings, MailSettingsError};
