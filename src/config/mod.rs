//! The operator's two files, read into types: the settings of the daemon and the policy.
//!
//! Invariant: what comes out of here is complete and consistent, or nothing comes out and every
//! mistake of both files is named with its file, line and key. A secret is never printed.
//!
//! Settings have three layers: the default, the file, the environment (`PORTVAKT__SERVER__LISTEN`,
//! and by id in lists: `PORTVAKT__DIRECTORY__ENTRA__OIDC__CLIENT_SECRET`); the later one wins.

mod address;
mod asking;
mod calendar;
mod check;
mod client;
mod client_key;
mod comparing;
mod database;
mod directory;
mod duration;
mod environment;
mod field;
mod mail;
mod mistake;
mod oidc;
mod policy;
mod pull;
mod reading;
mod requirement;
mod schema;
mod secret;
mod server;
mod settings;
mod suggest;
mod target;
mod tree;

pub use address::PublicUrl;
pub use asking::{Asking, Par, Prompt, StepUp};
pub use calendar::next_time;
pub use check::{Report, check};
pub use client::{Client, SubjectKind, TokenAlgorithm};
pub use client_key::{Audience, ClientKey};
pub use comparing::Comparing;
pub use database::{Database, Engine};
pub use directory::{Directory, DirectoryKind, LeaveAttributes};
pub use duration::parse_duration;
pub use mail::{Mail, MailSecurity, Mailbox};
pub use mistake::{Mistake, Severity};
pub use oidc::{DirectoryOidc, Jit, SubjectIs};
pub use policy::{judge_cases, judge_policy, parse_policy, read_case_files, read_cases, read_policy};
pub use pull::{Pull, PullFrom};
pub use secret::{Secret, SigningKey};
pub use server::{Server, Sessions};
pub use settings::{Settings, read_settings};
pub use target::{Api, Means, RolesAs, Tables, Target, TargetKind};
