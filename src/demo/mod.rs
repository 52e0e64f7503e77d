//! The demo: an invented association, its two identity providers and its CRM, around a real daemon.
//!
//! ```text
//! association   who there is, and what happens during fourteen months, as data
//! provider      a practice identity provider: real OpenID Connect, and a SCIM client that pushes
//! crm           a practice CRM: takes webhooks, reports sign-ins and items
//! settings      the files a daemon needs, in a folder of their own
//! browser       a person's browser: cookies, redirects, forms
//! clock         set by the story, the machine's own afterwards
//! stage         plays the story on a real daemon and shows what came of it
//! ```
//!
//! Invariant: reachable from the command `demo` alone; everything listens on 127.0.0.1 and speaks to Portvakt over
//! HTTP as a stranger would.

pub mod association;
pub mod browser;
pub mod chance;
pub mod clock;
pub mod crm;
pub mod error;
pub mod loopback;
pub mod provider;
pub mod settings;
pub mod stage;

pub use error::DemoError;
