//! The ground floor: what the words mean and what the rules decide.
//!
//! Invariant: pure. No async, no SQL, no HTTP and no clock of its own; the
//! present instant is always an argument.

pub mod access;
pub mod account;
pub mod actor;
pub mod backtest;
pub mod by_hand;
pub mod calm_days;
pub mod client;
pub mod comparison;
pub mod days;
pub mod effective;
pub mod evidence;
pub mod first_match;
pub mod grant;
pub mod ids;
pub mod item_clock;
pub mod language;
pub mod lifecycle;
pub mod links;
pub mod mapping;
pub mod name;
pub(crate) mod named;
pub mod plan;
pub mod policy;
pub mod safety;
#[cfg(test)]
pub(crate) mod sample;
pub mod scope;
pub mod undo;
