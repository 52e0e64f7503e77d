//! The database: the only floor that speaks SQL of our own, to SQLite and to PostgreSQL with the same words.
//!
//! Invariant: every statement runs on both engines, every change goes through [`Db::write`], and a row that the
//! domain refuses is an error, never guessed.

#[macro_use]
mod conn;
#[macro_use]
mod sqlite;
#[macro_use]
mod span;

pub mod account;
pub mod activity;
pub mod address;
pub mod audit;
pub mod change;
pub mod circuit;
pub mod claimed_group;
pub mod client;
pub mod client_grant;
pub mod client_logout;
pub mod client_request;
pub mod client_session;
pub mod comparison;
pub mod comparison_user;
mod db;
pub mod delivered;
pub mod departure;
pub mod entitlement;
mod epoch;
pub mod erasure;
mod error;
pub mod evidence;
pub mod evidence_day;
mod gather;
pub mod group;
pub mod group_list;
pub mod held_right;
pub mod identity;
pub mod invite;
pub mod item;
pub mod item_event;
pub mod lease;
pub mod leave;
pub mod leave_request;
mod ledger;
pub mod letter;
pub mod link;
pub mod link_request;
pub mod login;
pub mod logout_token;
pub mod machine_clock;
pub mod membership;
mod memo;
mod migrate;
pub mod notice;
pub mod outbox;
pub mod pause;
pub mod plan;
pub mod policy;
pub mod policy_plan;
pub mod population;
pub mod presence;
pub mod protection;
pub mod question;
pub mod refused;
pub mod replay;
pub mod roster;
pub mod run_list;
pub mod run_step;
pub mod session;
pub mod setting;
pub mod sheet;
pub mod sight;
pub mod signing_key;
pub mod sought;
pub mod standing;
pub mod subject;
pub mod survey;
mod together;
pub mod token;
pub mod told;
mod value;
pub mod visit;
pub mod waiting;
mod writer;

pub use conn::{Conn, Work};
pub use db::{Db, EngineKind, ProcessLock};
pub use epoch::Epoch;
pub use error::{Fault, StoreError};
pub use memo::Memo;
pub use span::Span;
